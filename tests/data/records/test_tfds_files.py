import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.data.folders import NAMES
from tests.data.tfds_builder import Toy, ToyFlags, ToyFloatArea, prepare, tfds
from yolo_tf.data.records.bad_records import find_bad_record
from yolo_tf.data.records.files import count_records, find_shards, read_records
from yolo_tf.data.records.names import check_classes, find_names
from yolo_tf.data.records.open_records import Records
from yolo_tf.data.records.parsing import label_table, parse_example
from yolo_tf.data.records.statistics import record_statistics
from yolo_tf.data.records.tfds_files import find_split
from yolo_tf.errors import UserError


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    return {builder.name: prepare(builder, folder) for builder in (Toy, ToyFlags, ToyFloatArea)}


@pytest.fixture(scope="module")
def pattern(folders):
    return f"tfds:{folders['toy']}:train"


def test_a_data_set_is_found_by_name(folders):
    data_dir = folders["toy"].rsplit("/toy/")[0]
    for name in ("toy", "toy:1.0.0", "toy:1.*.*", folders["toy"]):
        found = find_split(name, "train", data_dir)
        assert found.name == "toy/1.0.0"
        assert found.class_names == NAMES
        assert [path.rsplit("/")[-1] for path in found.paths] == [
            f"toy-train.tfrecord-0000{i}-of-00002" for i in range(2)
        ]


def test_patterns(pattern):
    shards = find_shards(pattern)
    assert len(shards) == 2
    more = pattern.replace("train", "validation")
    assert len(find_shards(f"{pattern},{more}")) == len(find_shards(f"{pattern}+validation")) == 4
    assert count_records(shards) == 5
    assert len(list(read_records(shards))) == 5
    assert find_bad_record(Records.unchecked(pattern, NAMES)) is None


def test_classes(pattern):
    assert find_names(pattern) == NAMES
    check_classes(pattern, NAMES)
    check_classes(pattern, [*NAMES, "more"])
    with pytest.raises(UserError, match="class 1: found 'dog', expected one of the 2 classes cat,"):
        check_classes(pattern, ["cat", "dot"])


def test_another_order_of_the_classes(pattern):
    names = ["dog", "cat"]
    labels = pattern.removesuffix(":train")
    with pytest.raises(
        UserError, match=f"label 0 is 'cat' there, .*config.data.labels .* to {labels}"
    ):
        check_classes(pattern, names)
    check_classes(pattern, names, labels)
    assert find_names(pattern, labels=labels) == NAMES
    table = label_table(names, labels)
    classes = set()
    for _, _, record in read_records(find_shards(pattern)):
        classes.add(tuple(parse_example(record, table)["classes"].numpy().tolist()))
    assert classes == {(), (1,), (1, 0)}
    for wrong in ("one_based", ""):
        with pytest.raises(UserError, match=r"set config.data.labels"):
            check_classes(pattern, names, wrong)


@pytest.mark.parametrize("resize", ["stretch", "letterbox"])
def test_statistics(pattern, resize):
    found = record_statistics(Records.unchecked(pattern, NAMES), (32, 32), 10, resize)
    assert (found.images, found.boxes, found.boxes_per_class.tolist()) == (5, 4, [3, 1])
    scale = 1 if resize == "stretch" else 40 / 60
    # A letterboxed image has whole pixels.
    assert found.wh[0].tolist() == pytest.approx([16, 16 * scale], abs=0.5)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("tfds:toy", "expected tfds:NAME:SPLIT, for example tfds:voc/2012:train"),
        ("tfds::train", "expected tfds:NAME:SPLIT"),
        ("tfds:never_heard_of:train", r"not prepared in .*; run once: tfds build never_heard_of"),
        ("tfds:kaggle:x/y:train", "expected a name such as voc/2012, or a folder"),
        ("tfds:../../etc:train", "expected a name such as voc/2012, or a folder"),
        ("tfds:{toy}:test", "split 'test': found none; splits: train, validation"),
        ("tfds:{toy}:train[:80%]", r"split 'train\[:80%\]': found none; .* only the whole"),
        ("tfds:{toy_float_area}:train", "objects/area is float32, expected int64 to read it in"),
    ],
)
def test_what_cannot_be_read(folders, pattern, message):
    with pytest.raises(UserError, match=message):
        find_shards(pattern.format(**folders))


def feature(**changes):
    objects = {"bbox": tfds.features.BBoxFeature(), "label": tfds.features.ClassLabel(names=NAMES)}
    objects = {**objects, **changes}
    objects = tfds.features.Sequence({k: v for k, v in objects.items() if v is not None})
    return {"image": tfds.features.Image(), "objects": objects}


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({"image": tfds.features.Image()}, "found features image, expected image and objects/bbox"),
        ({**feature(), "image": tfds.features.Text()}, "found features image, objects, expected"),
        (
            feature(bbox=tfds.features.Tensor(shape=(4,), dtype=np.float32)),
            "found Tensor, expected",
        ),
        ({**feature(), "image": tfds.features.Image(dtype=np.uint16)}, "image: found uint16, exp"),
        (feature(label=tfds.features.Text()), "objects/label: found Text, expected a ClassLabel"),
        (feature(label=None), "objects/label: found nothing, expected a ClassLabel"),
        (feature(bbox=tfds.features.BBoxFeature(bbox_format="XYXY")), "found XYXY, expected REL_Y"),
    ],
)
def test_data_sets_of_another_kind(tmp_path, features, message):
    class Other(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _split_generators(self, dl_manager):
            return {"train": iter(())}

        def _generate_examples(self):
            raise AssertionError("not called")

    builder = Other(data_dir=str(tmp_path))
    tf.io.gfile.makedirs(builder.data_dir)
    builder.info.write_to_directory(builder.data_dir)
    with pytest.raises(UserError, match=message):
        find_split(str(builder.data_dir), "train")


def test_another_file_format(tmp_path):
    folder = prepare(Toy, tmp_path, "array_record")
    with pytest.raises(UserError, match="its files are array_record, expected tfrecord: prepare"):
        find_shards(f"tfds:{folder}:train")


def test_a_file_that_is_missing(tmp_path):
    folder = prepare(Toy, tmp_path)
    path = find_shards(f"tfds:{folder}:train")[0]
    tf.io.gfile.remove(path)
    with pytest.raises(UserError, match="00000-of-00002: missing, prepare tfds"):
        find_shards(f"tfds:{folder}:train")


def test_without_tensorflow_datasets(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(UserError, match="is not installed: pip install tensorflow-datasets"):
        find_split("voc/2012", "train")
