"""Darknet's .weights files: bytes to the right place, and every wrong file refused."""

import os
import struct

import numpy as np
import pytest
import tf_keras
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yolo_tf.darknet.weights import Header, class_count, read_arrays, read_weights, write_weights
from yolo_tf.errors import UserError
from yolo_tf.models import blocks, zoo

CLASSES = 2
ANCHORS = 3
# Floats up to the end of each convolution of `_network`.
ENDS = (4 * 4 + 4 * 27, 124 + 8 * 4 + 8 * 9, 228 + 4 * 4 + 4 * 4, 260 + 21 + 21 * 4)


def _network(classes: int = CLASSES) -> tf_keras.Model:
    """3x3 to 4, depthwise 3x3 to 8, 1x1 in 2 groups to 4, output."""
    net = blocks.Darknet(bn_momentum=0.9, bn_epsilon=1e-5)
    images = tf_keras.Input((8, 8, 3))
    x = net.conv(images, 4, 3, stride=2)
    x = net.conv(x, 8, 3, groups=4)
    x = net.conv(x, 4, 1, groups=2, part="neck")
    return tf_keras.Model(images, {2: net.output(x, ANCHORS * (5 + classes))})


@pytest.fixture(scope="module")
def network():
    return _network()


def _bytes(floats, header: bytes = struct.pack("<3iQ", 0, 2, 5, 640)) -> bytes:
    return header + np.asarray(floats, "<f4").tobytes()


def _file(folder, floats, name="net.weights", **kwargs):
    path = folder / name
    path.write_bytes(_bytes(floats, **kwargs))
    return path


def _values(network) -> list[np.ndarray]:
    return [variable.numpy() for variable in network.weights]


def _refused(call, *words: str) -> None:
    with pytest.raises(UserError) as error:
        call()
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


def test_every_number_has_its_place(tmp_path, network):
    floats = np.arange(1, ENDS[-1] + 1, dtype=np.float32)
    header, count = read_weights(_file(tmp_path, floats), network)

    assert header == Header(0, 2, 5, 640)
    assert count == 4
    (first, norm), (depthwise, _), (grouped, _), (output, _) = blocks.conv_layers(network)
    assert norm.beta.numpy().tolist() == [1, 2, 3, 4]
    assert norm.gamma.numpy().tolist() == [5, 6, 7, 8]
    assert norm.moving_mean.numpy().tolist() == [9, 10, 11, 12]
    assert norm.moving_variance.numpy().tolist() == [13, 14, 15, 16]
    kernel = floats[16:124].reshape(4, 3, 3, 3)  # filter, channel, row, column
    for f, c, row, col in np.ndindex(kernel.shape):
        assert first.kernel[row, col, c, f] == kernel[f, c, row, col]
    kernel = floats[124 + 32 : 228].reshape(8, 3, 3)
    for f, row, col in np.ndindex(kernel.shape):
        assert depthwise.depthwise_kernel[row, col, f // 2, f % 2] == kernel[f, row, col]
    np.testing.assert_array_equal(grouped.kernel[0, 0], floats[244:260].reshape(4, 4).T)
    np.testing.assert_array_equal(output.bias, floats[260:281])
    np.testing.assert_array_equal(output.kernel[0, 0], floats[281:].reshape(21, 4).T)


@pytest.mark.parametrize(
    "header",
    [
        struct.pack("<3iQ", 0, 2, 5, 2**40),
        struct.pack("<3iI", 0, 1, 0, 32013312),
        struct.pack("<3iQ", 1, 0, 0, 7),
        struct.pack("<3iI", 0, 0, 3, 0),
    ],
    ids=["0.2.5", "0.1.0", "1.0.0", "0.0.3"],
)
def test_reading_then_writing_gives_the_same_bytes(tmp_path, network, header):
    floats = np.random.default_rng(0).uniform(0.1, 2, ENDS[-1])
    path = _file(tmp_path, floats, header=header)
    read, _ = read_weights(path, network)
    write_weights(tmp_path / "again.weights", network, read)
    assert (tmp_path / "again.weights").read_bytes() == path.read_bytes()


def test_writing_then_reading_gives_the_same_network(tmp_path, network):
    other = _network()
    write_weights(tmp_path / "net.weights", other)
    header, _ = read_weights(tmp_path / "net.weights", network)
    assert header == Header()
    for found, expected in zip(_values(network), _values(other), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_wrong_length_says_where(tmp_path, network):
    before = _values(network)
    size = 20 + 4 * ENDS[-1]

    def reads(count):
        return lambda: read_weights(_file(tmp_path, np.ones(count)), network)

    _refused(reads(200), "net.weights", "820 bytes found", f"{size} expected", "ends in kernel of")
    _refused(reads(200), "convolution 1 (backbone_conv_001)", "4 convolutions")
    _refused(reads(ENDS[-1] + 3), f"{size + 12} bytes found", "12 bytes are left over")
    _refused(reads(ENDS[1]), "the first 2 whole", ".conv.N")
    _refused(reads(0), "20 bytes found", "ends in beta of convolution 0")
    path = tmp_path / "odd.weights"
    path.write_bytes(_bytes(np.ones(ENDS[-1])) + b"x")
    _refused(lambda: read_weights(path, network), "1 bytes are left over")
    for found, expected in zip(_values(network), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_partial_files(tmp_path, network):
    kept = blocks.conv_layers(network)[2][0].kernel.numpy()
    path = _file(tmp_path, np.full(ENDS[1], 0.5), "net.conv.2")
    assert read_weights(path, network)[1] == 2
    depthwise, _ = blocks.conv_layers(network)[1]
    np.testing.assert_array_equal(depthwise.depthwise_kernel, np.full((3, 3, 4, 2), 0.5))
    np.testing.assert_array_equal(blocks.conv_layers(network)[2][0].kernel, kept)

    path = _file(tmp_path, np.full(ENDS[0], 0.5))
    assert read_weights(path, network, partial=True)[1] == 1
    path = _file(tmp_path, np.full(ENDS[3], 0.5))
    assert read_weights(path, network, partial=True)[1] == 4


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "ends in beta of convolution 0"),
        (ENDS[0] + 3, "ends in beta of convolution 1"),
        (ENDS[1] - 1, "ends in kernel of convolution 1"),
        (ENDS[3] + 1, "4 bytes are left over"),
    ],
)
def test_partial_files_end_with_a_convolution(tmp_path, network, count, words):
    path = _file(tmp_path, np.ones(count), "net.conv.3")
    _refused(lambda: read_weights(path, network), "net.conv.3", words)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite(tmp_path, network, value):
    before = _values(network)
    floats = np.ones(ENDS[-1])
    floats[-1] = value
    path = _file(tmp_path, floats)
    _refused(lambda: read_weights(path, network), "kernel of convolution 3 (output_conv_003)")
    for found, expected in zip(_values(network), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_negative_variance(tmp_path, network):
    floats = np.ones(ENDS[-1])
    floats[124 + 24] = -0.25
    words = "-0.25 found in moving_variance of convolution 1 (backbone_conv_001)"
    _refused(lambda: read_weights(_file(tmp_path, floats), network), words, "0 or more")


def test_not_a_weights_file(tmp_path, network):
    path = tmp_path / "x.weights"
    for content, words in [
        (b"", "0 bytes found"),
        (b"[net]\nwidth=416\nheight=416\n", "not a Darknet weights file"),
        (struct.pack("<3iQ", -1, 2, 5, 0), "-1.2.5"),
        (struct.pack("<3iI", 0, 2, 5, 0), "16 bytes found"),
    ]:
        path.write_bytes(content)
        _refused(lambda: read_weights(path, network), "x.weights", words)
    _refused(lambda: read_weights(tmp_path, network), str(tmp_path), "weights file expected")
    _refused(lambda: read_weights(tmp_path / "none", network), "none: No such file")


def test_class_count_of_a_file(tmp_path, network):
    path = tmp_path / "net.weights"
    for classes in (1, 2, 80):
        write_weights(path, _network(classes))
        assert class_count(path, network, CLASSES) == classes
    for count in (0, ENDS[-1] + 1, ENDS[2] + 5 * 5 * ANCHORS):  # the last: no class at all
        assert class_count(_file(tmp_path, np.ones(count)), network, CLASSES) is None
    with pytest.raises(ValueError, match="output_conv_003 has 21 filters"):
        class_count(path, network, 3)


def test_class_count_of_several_outputs(tmp_path):
    channels = {16: 3 * 85, 32: 3 * 85}
    network = zoo.MODELS["yolov3_tiny"]((32, 32), channels)
    path = tmp_path / "yolov3-tiny.weights"
    path.write_bytes(_bytes([]))
    os.truncate(path, 35434956)  # sparse; Darknet's own size of it
    assert class_count(path, network, 80) == 80
    os.truncate(path, 35434956 - 4 * 60 * 3 * (512 + 256 + 2))
    assert class_count(path, network, 80) == 20


def test_arrays_of_a_file_of_another_class_count(tmp_path, network):
    path = tmp_path / "net.weights"
    other = _network(80)
    write_weights(path, other, Header(seen=5))
    before = _values(network)
    arrays, header, classes = read_arrays(path, network, CLASSES)

    assert (classes, header.seen) == (80, 5)
    assert arrays["conv_003/bias"].shape == (3 * 85,)
    first, output = (blocks.conv_layers(other)[number][0] for number in (0, 3))
    np.testing.assert_array_equal(arrays["conv_003/kernel"], output.kernel)
    np.testing.assert_array_equal(arrays["conv_000/kernel"], first.kernel)
    assert set(arrays) == {
        *(f"conv_00{n}/{name}" for n in range(3) for name in ("beta", "gamma", "kernel")),
        *(f"conv_00{n}/moving_{name}" for n in range(3) for name in ("mean", "variance")),
        "conv_003/bias",
        "conv_003/kernel",
    }
    for found, expected in zip(_values(network), before, strict=True):
        np.testing.assert_array_equal(found, expected)
    _refused(lambda: read_weights(path, network), "bytes are left over")
    _refused(lambda: read_arrays(_file(tmp_path, np.ones(300)), network, CLASSES), "1220 bytes")


def test_arrays_of_the_same_class_count(tmp_path, network):
    write_weights(tmp_path / "net.weights", network)
    assert read_arrays(tmp_path / "net.weights", network, CLASSES)[2] == CLASSES
    path = _file(tmp_path, np.ones(ENDS[0]), "net.conv.1")
    arrays, _, classes = read_arrays(path, network, CLASSES)
    assert (len(arrays), classes) == (5, CLASSES)


def test_layers_that_are_not_in_the_file(tmp_path, network):
    floats = np.full(ENDS[-1] - (ENDS[1] - ENDS[0]), 0.5)
    kept = blocks.conv_layers(network)[1][0].depthwise_kernel.numpy()
    assert read_weights(_file(tmp_path, floats), network, skip=frozenset({1}))[1] == 3
    np.testing.assert_array_equal(blocks.conv_layers(network)[1][0].depthwise_kernel, kept)

    _, norm = blocks.conv_layers(network)[0]
    norm.gamma.assign([3] * 4)
    path = _file(tmp_path, np.full(ENDS[-1] - 3 * 4, 0.25))
    assert read_weights(path, network, skip_scales=frozenset({0}))[1] == 4
    assert norm.gamma.numpy().tolist() == [3] * 4
    assert norm.beta.numpy().tolist() == [0.25] * 4
    assert class_count(path, network, CLASSES, skip_scales=frozenset({0})) == CLASSES


def test_writing_leaves_a_whole_file_or_none(tmp_path, network):
    path = tmp_path / "net.weights"
    path.write_bytes(b"old")
    with pytest.raises(struct.error):
        write_weights(path, network, Header(seen=-1))
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["net.weights"]


quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _loads_or_refuses(path, network, **kwargs) -> None:
    before = _values(network)
    try:
        read_weights(path, network, **kwargs)
    except UserError:
        for found, expected in zip(_values(network), before, strict=True):
            np.testing.assert_array_equal(found, expected)
    else:
        assert all(np.isfinite(values).all() for values in _values(network))


@quick
@given(content=st.binary(max_size=4000), partial=st.booleans())
def test_any_bytes(tmp_path, network, content, partial):
    path = tmp_path / "any.weights"
    path.write_bytes(content)
    _loads_or_refuses(path, network, partial=partial)


@quick
@given(
    cut=st.one_of(st.sampled_from(ENDS), st.integers(0, ENDS[-1] + 9)),
    tail=st.binary(max_size=5),
    place=st.integers(0, ENDS[-1]),
    value=st.floats(width=32),
    partial=st.booleans(),
)
def test_damaged_files(tmp_path, network, cut, tail, place, value, partial):
    floats = np.ones(cut, np.float32)
    if place < cut:
        floats[place] = value
    path = tmp_path / "damaged.weights"
    path.write_bytes(_bytes(floats) + tail)
    _loads_or_refuses(path, network, partial=partial)


def test_a_huge_file_is_never_read(tmp_path, network):
    path = tmp_path / "huge.weights"
    per_class = ANCHORS * 5  # floats of the output for one more class
    classes = 2**38 // per_class
    path.write_bytes(_bytes([]))
    os.truncate(path, 20 + 4 * (ENDS[-1] + classes * per_class))  # sparse: 1 TB of zeros
    _refused(lambda: read_weights(path, network), "bytes are left over")
    _refused(lambda: read_arrays(path, network, CLASSES), "bytes are left over")
    assert class_count(path, network, CLASSES) is None
