"""Published weights of YOLOX come in and predict what they predict there."""

import zipfile

import numpy as np
import pytest

from tests.models.published_yolox import Published
from yolo_tf.config.recipes import find_recipe, load_recipe
from yolo_tf.detector.from_yolox import read_arrays, read_yolox
from yolo_tf.errors import UserError
from yolo_tf.loading import load
from yolo_tf.models.yolox_csp import SIZES

# Width; parameters with 80 classes as counted by PyTorch, which counts no moving statistics.
# The paper's table: 0.91, 5.06 and 9.0 million.
PUBLISHED = {
    "yolox_nano": (0.25, 912_159),
    "yolox_tiny_csp": (0.375, 5_055_855),
    "yolox_s": (0.5, 8_968_255),
}
SIDES = (64, 96)


def write(path, arrays):
    np.savez(path, **arrays)
    return path


def names_file(folder):
    (folder / "names").write_text("a\nb\n")
    return folder / "names"


def published_and_photo(name):
    """A published network of random weights, an image of uint8 RGB, and the outputs for it."""
    network = Published(PUBLISHED[name][0], name == "yolox_nano", 2)
    rgb = np.random.default_rng(2).integers(0, 256, (*SIDES, 3))
    outputs = network(rgb[..., ::-1].transpose(2, 0, 1).astype(np.float64))
    return network.arrays, (rgb[None] / 255).astype(np.float32), outputs


def assert_same(network, photo, arrays, expected):
    """The network gives what the published one gives, and has as many numbers."""
    assert network.count_params() == sum(v.size for v in arrays.values() if v.shape)
    found = network(photo, training=False)
    for stride, raw in expected.items():
        scale = raw.std()
        assert raw.std(axis=(0, 1)).min() > 0.05 * scale  # it sees the image
        np.testing.assert_allclose(found[stride][0] / scale, raw / scale, atol=1e-4)


def test_all_sizes_are_published():
    assert set(PUBLISHED) == set(SIZES)


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_as_published(name):
    width, parameters = PUBLISHED[name]
    published = Published(width, name == "yolox_nano", 80)
    published(np.zeros((3, 32, 32)))
    learnt = [v.size for n, v in published.arrays.items() if "running" not in n and v.shape]
    assert sum(learnt) == parameters


def test_predictions_are_those_of_the_published_tiny(tmp_path):
    arrays, photo, outputs = published_and_photo("yolox_tiny_csp")
    config = load_recipe(find_recipe("yolox_nano"))
    config.model.name, config.model.bn_epsilon, config.input_size = "yolox_tiny_csp", 0.1, SIDES
    weights = write(tmp_path / "tiny.npz", arrays)
    detector = read_yolox(config, weights, names_file(tmp_path))
    assert_same(detector.network, photo, arrays, outputs)


def test_the_command_makes_a_run_that_predicts_as_the_published_nano(tmp_path, command):
    arrays, photo, outputs = published_and_photo("yolox_nano")
    done = command(
        "convert_yolox",
        "--config=yolox_nano",
        "--config.input_size=64,96",
        f"--weights={write(tmp_path / 'nano.npz', arrays)}",
        f"--names={names_file(tmp_path)}",
        f"--output={tmp_path / 'model'}",
    )
    assert (done.code, done.err) == (0, "")
    assert "2 classes, input 64x96" in done.out
    detector = load(tmp_path / "model")
    assert detector.class_names == ["a", "b"]
    assert_same(detector.network, photo, arrays, outputs)


def test_another_recipe_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"'yolox_tiny'.*expected one of yolox_nano"):
        read_yolox(load_recipe(find_recipe("yolox_tiny")), "none.npz", names_file(tmp_path))


def test_another_network_is_refused(tmp_path):
    config = load_recipe(find_recipe("yolox_nano"))
    config.model.attention = "se"
    with pytest.raises(UserError, match=r"config\.model\.attention: found 'se', expected nothing"):
        read_yolox(config, "none.npz", names_file(tmp_path))


SHAPES = {"stem.weight": (4, 3, 3, 3), "stem.running_var": (4,), "head.cls_preds.0.bias": (2,)}
ARRAYS = {name: np.ones(shape, np.float32) for name, shape in SHAPES.items()}


def read(path):
    return read_arrays(path, SHAPES, "net", "names has 2 names")


def test_arrays_of_other_float_types_and_counters_are_fine(tmp_path):
    arrays = ARRAYS | {"stem.running_var": np.ones(4), "stem.num_batches_tracked": np.array(3)}
    found = read(write(tmp_path / "w.npz", arrays))
    assert {name: (v.shape, str(v.dtype)) for name, v in found.items()} == {
        name: (shape, "float32") for name, shape in SHAPES.items()
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stem.weight": None}, r"not the arrays of net, expected 3: 1 missing: stem\.weight$"),
        ({"x.y": np.zeros(1)}, r"expected 3: 1 unknown: x\.y$"),
        ({"head.cls_preds.0.bias": np.zeros(80)}, r"\(80,\), expected \(2,\); names has 2 names$"),
        ({"stem.weight": np.zeros((4, 1, 3, 3))}, r"found shape .*, expected \(4, 3, 3, 3\)$"),
        ({"stem.running_var": np.ones(4, int)}, "found int64 values, expected float32"),
        (
            {"stem.running_var": -np.ones(4)},
            "stem.running_var: found -1.0, expected finite numbers of 0 or",
        ),
        ({"stem.running_var": np.full(4, np.nan)}, "found nan, expected finite numbers"),
        ({"stem.running_var": np.array([None] * 4)}, "found object values, expected float32"),
    ],
)
def test_wrong_arrays_are_named_in_one_line(tmp_path, change, message):
    arrays = {name: value for name, value in (ARRAYS | change).items() if value is not None}
    with pytest.raises(UserError, match=message) as error:
        read(write(tmp_path / "w.npz", arrays))
    assert str(error.value).startswith(f"{tmp_path / 'w.npz'}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"\x80\x02}q\x00.", b"", b"no array", None])
def test_files_that_hold_no_arrays(tmp_path, content):
    path = tmp_path / "w.npz"
    if content == b"no array":
        with zipfile.ZipFile(path, "w") as archive:
            for name in SHAPES:
                archive.writestr(f"{name}.npy", content)
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"no .npz file|not the array|No such file"):
        read(path)


def test_a_header_that_promises_too_much(tmp_path):
    """A second version's header may be of 4 GB; deflated it is a few kilobytes."""
    path = tmp_path / "w.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in SHAPES:
            with archive.open(f"{name}.npy", "w") as file:
                file.write(b"\x93NUMPY\x02\x00" + (300 << 20).to_bytes(4, "little"))
                for _ in range(300 if name == "stem.weight" else 1):
                    file.write(bytes(1 << 20))
    with pytest.raises(UserError, match=r"stem\.weight: not the array expected: 3\d+ bytes"):
        read(path)
