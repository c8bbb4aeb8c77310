"""Which SavedModels are loaded: those of operations that exports have, unless they are trusted."""

import shutil

import pytest
import tensorflow as tf
import tf_keras

from tests.every_head import HEADS
from tests.export.models import NAMES, make
from tests.small import small_config
from yolo_tf.config import NmsConfig
from yolo_tf.detector.build import build_detector
from yolo_tf.errors import UserError
from yolo_tf.export import saved_model
from yolo_tf.export.operations import OPERATIONS, check_operations
from yolo_tf.loading import load
from yolo_tf.models import zoo
from yolo_tf.models.attention import ATTENTION
from yolo_tf.models.layers import ACTIVATIONS
from yolo_tf.ops.nms import NMS_KINDS


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    path = tmp_path_factory.mktemp("exports") / "ours"
    saved_model.write(make(), path)
    return path


def operations(function, *signature) -> set[str]:
    graph = tf.function(function, list(signature), autograph=False).get_concrete_function().graph
    definition = graph.as_graph_def()
    functions = definition.library.function
    names = {function.signature.name for function in functions}
    nodes = [*definition.node, *(node for function in functions for node in function.node_def)]
    return {node.op for node in nodes} - names


# One of each family: the others have more of the same layers. An export is read again as soon as
# it is written, so that an operation that is missing here is seen there.
@pytest.mark.parametrize("name", [name for name in zoo.MODELS if name.endswith(("_tiny", "_n"))])
def test_networks_are_of_known_operations(name, monkeypatch):
    side = max(zoo.FIXED_INPUTS.get(name, [2 * zoo.INPUT_STEPS.get(name, max(zoo.STRIDES[name]))]))
    # Weights of nothing: a graph has the same operations, and zeros cost no time.
    zeros = tf_keras.initializers.Zeros()
    monkeypatch.setattr(tf_keras.initializers, "get", lambda _: zeros)
    channels = (64, 3) if name == "yolo_n" else 18  # boxes and classes apart
    network = zoo.MODELS[name]((side, side), dict.fromkeys(zoo.STRIDES[name], channels))
    spec = tf.TensorSpec([None, side, side, 3])
    assert operations(lambda x: network(x, training=False), spec) <= OPERATIONS


def test_activations_heads_and_suppressions():
    found = set()
    for make_layer in filter(None, ACTIVATIONS.values()):
        found |= operations(make_layer(), tf.TensorSpec([None, 4, 4, 2]))
    for make_layer in ATTENTION.values():
        found |= operations(make_layer(), tf.TensorSpec([None, 4, 4, 32]))
    for kind in NMS_KINDS:
        for name, head in HEADS.items():
            config = small_config()
            config.model.name, config.head, config.nms = "micro", head, NmsConfig(kind=kind)
            detector = build_detector(config, NAMES)
            if kind == "greedy" or name == "darknet":
                found |= operations(detector.detect_inputs, tf.TensorSpec([None, 64, 96, 3]))
    assert found <= OPERATIONS


def test_our_own_exports_pass(export):
    check_operations(export)
    assert load(export).class_names == NAMES


def outputs(images, then):
    n = tf.shape(images)[0]
    with tf.control_dependencies(then):
        return {
            "detection_boxes": tf.zeros([n, 1, 4]),
            "detection_scores": tf.zeros([n, 1]),
            "detection_classes": -tf.ones([n, 1], tf.int32),
            "num_detections": tf.zeros([n], tf.int32),
        }


def foreign(path, export, body, attributes=(), **kept):
    """A SavedModel with the names of ours whose functions also run `body`."""
    module = tf.Module()
    for name, value in kept.items():
        setattr(module, name, value)
    inputs = tf.TensorSpec([None, 64, 96, 3])
    photos = tf.TensorSpec([None, None, None, 3], tf.uint8)
    for name, spec in (("detect_inputs", inputs), ("detect_photos", photos)):
        function = tf.function(lambda x: outputs(x, body()), [spec], autograph=False)
        setattr(module, name, function)
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.detect_photos})
    shutil.copytree(export / "assets.extra", path / "assets.extra")
    (path / "assets.extra/files.json").unlink()
    return path


def in_branch(made):
    one = tf.zeros([], tf.int32)
    return [tf.cond(tf.random.uniform([]) < 2.0, lambda: (made(), one)[1], lambda: one)]


@pytest.mark.parametrize(
    ("body", "operation"),
    [
        (lambda: [tf.io.write_file("WRITTEN", "x")], "WriteFile"),
        (lambda: [tf.io.read_file("/etc/hostname")], "ReadFile"),
        (lambda: [tf.io.matching_files("/*")], "MatchingFiles"),
        (lambda: [tf.print("x", output_stream="file://WRITTEN")], "PrintV2"),
        (lambda: [tf.py_function(lambda: 1, [], tf.int32)], "EagerPyFunc"),
        (lambda: [tf.numpy_function(lambda: 1, [], tf.int32)], "PyFunc"),
        (lambda: in_branch(lambda: tf.io.write_file("WRITTEN", "x")), "WriteFile"),
        # Saving and restoring is for functions that nothing calls.
        (lambda: [tf.raw_ops.SaveV2(
            prefix="WRITTEN", tensor_names=["a"], shape_and_slices=[""], tensors=[tf.zeros([])]
        )], "SaveV2"),
        (lambda: tf.raw_ops.RestoreV2(
            prefix="WRITTEN", tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32]
        ), "RestoreV2"),
        (lambda: [tf.raw_ops.MergeV2Checkpoints(
            checkpoint_prefixes=["WRITTEN"], destination_prefix="WRITTEN"
        )], "MergeV2Checkpoints"),
    ],
)  # fmt: skip
def test_foreign_operations_are_refused_before_anything_runs(
    body, operation, export, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    path = foreign(tmp_path / "model", export, body)
    with pytest.raises(UserError, match=f"the operation {operation}.*--trust") as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "WRITTEN").exists()


def test_trust_loads_and_runs_it(export, tmp_path):
    target = tmp_path / "WRITTEN"
    path = foreign(tmp_path / "model", export, lambda: [tf.io.write_file(str(target), "x")])
    assert load(path, trust=True).class_names == NAMES
    assert target.read_text() == "x"


def test_foreign_objects_are_refused(export, tmp_path):
    (tmp_path / "a.txt").write_text("a\n")
    table = tf.lookup.StaticVocabularyTable(
        tf.lookup.TextFileInitializer(
            str(tmp_path / "a.txt"), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER,
        ), 1,
    )  # fmt: skip
    path = foreign(tmp_path / "model", export, list, table=table)
    with pytest.raises(UserError, match=r"an object of the kind (asset|resource)"):
        load(path)


def test_a_keras_model_with_a_lambda_is_refused(export, tmp_path):
    images = tf_keras.Input((64, 96, 3))
    ran = tf_keras.layers.Lambda(lambda x: x * 2.0)(images)
    path = tmp_path / "keras"
    tf_keras.Model(images, ran).save(path, save_format="tf")
    shutil.copytree(export / "assets.extra", path / "assets.extra")
    (path / "assets.extra/files.json").unlink()
    with pytest.raises(UserError, match="an object _tf_keras"):
        load(path)


def test_other_forms_of_the_graph(export, tmp_path):
    path = shutil.copytree(export, tmp_path / "model")
    (path / "saved_model.cpb").write_bytes(b"x")
    with pytest.raises(UserError, match=r"has its graph in saved_model\.cpb"):
        load(path)


def test_a_model_with_other_outputs(export, tmp_path):
    path = foreign(tmp_path / "model", export, list)
    module = tf.Module()
    spec = tf.TensorSpec([None, None, None, 3], tf.uint8)
    module.f = tf.function(lambda x: {"boxes": tf.cast(x, tf.float32)}, [spec])
    shutil.rmtree(path)
    tf.saved_model.save(module, str(path), signatures=module.f)
    shutil.copytree(export / "assets.extra", path / "assets.extra")
    (path / "assets.extra/files.json").unlink()
    with pytest.raises(UserError, match=r"model: a SavedModel, but not ours: .*detect_inputs"):
        load(path)
