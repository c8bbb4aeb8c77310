"""Darknet's .weights files: bytes to the right place, and every wrong file refused."""

import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.darknet.weight_files import (
    ENDS,
    assert_refused,
    small_network,
    values_of,
    weights_bytes,
    weights_file,
)
from yolo_tf.darknet.weights import Header, read_weights, write_weights
from yolo_tf.errors import UserError
from yolo_tf.models import blocks


@pytest.fixture(scope="module")
def network():
    return small_network()


def test_every_number_has_its_place(tmp_path, network):
    floats = np.arange(1, ENDS[-1] + 1, dtype=np.float32)
    header, count = read_weights(weights_file(tmp_path, floats), network)

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
    path = weights_file(tmp_path, floats, header=header)
    read, _ = read_weights(path, network)
    write_weights(tmp_path / "again.weights", network, read)
    assert (tmp_path / "again.weights").read_bytes() == path.read_bytes()


def test_writing_then_reading_gives_the_same_network(tmp_path, network):
    other = small_network()
    write_weights(tmp_path / "net.weights", other)
    header, _ = read_weights(tmp_path / "net.weights", network)
    assert header == Header()
    for found, expected in zip(values_of(network), values_of(other), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_wrong_length_says_where(tmp_path, network):
    before = values_of(network)
    size = 20 + 4 * ENDS[-1]

    def reads(count):
        return lambda: read_weights(weights_file(tmp_path, np.ones(count)), network)

    assert_refused(
        reads(200), "net.weights", "820 bytes found", f"{size} expected", "ends in kernel of"
    )
    assert_refused(reads(200), "convolution 1 (backbone_conv_001)", "4 convolutions")
    assert_refused(reads(ENDS[-1] + 3), f"{size + 12} bytes found", "12 bytes are left over")
    assert_refused(reads(ENDS[1]), "the first 2 whole", ".conv.N")
    assert_refused(reads(0), "20 bytes found", "ends in beta of convolution 0")
    path = tmp_path / "odd.weights"
    path.write_bytes(weights_bytes(np.ones(ENDS[-1])) + b"x")
    assert_refused(lambda: read_weights(path, network), "1 bytes are left over")
    for found, expected in zip(values_of(network), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_partial_files(tmp_path, network):
    kept = blocks.conv_layers(network)[2][0].kernel.numpy()
    path = weights_file(tmp_path, np.full(ENDS[1], 0.5), "net.conv.2")
    assert read_weights(path, network)[1] == 2
    depthwise, _ = blocks.conv_layers(network)[1]
    np.testing.assert_array_equal(depthwise.depthwise_kernel, np.full((3, 3, 4, 2), 0.5))
    np.testing.assert_array_equal(blocks.conv_layers(network)[2][0].kernel, kept)

    path = weights_file(tmp_path, np.full(ENDS[0], 0.5))
    assert read_weights(path, network, partial=True)[1] == 1
    path = weights_file(tmp_path, np.full(ENDS[3], 0.5))
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
    path = weights_file(tmp_path, np.ones(count), "net.conv.3")
    assert_refused(lambda: read_weights(path, network), "net.conv.3", words)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite(tmp_path, network, value):
    before = values_of(network)
    floats = np.ones(ENDS[-1])
    floats[-1] = value
    path = weights_file(tmp_path, floats)
    assert_refused(lambda: read_weights(path, network), "kernel of convolution 3 (output_conv_003)")
    for found, expected in zip(values_of(network), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_negative_variance(tmp_path, network):
    floats = np.ones(ENDS[-1])
    floats[124 + 24] = -0.25
    words = "-0.25 found in moving_variance of convolution 1 (backbone_conv_001)"
    assert_refused(
        lambda: read_weights(weights_file(tmp_path, floats), network), words, "0 or more"
    )


def test_not_a_weights_file(tmp_path, network):
    path = tmp_path / "x.weights"
    for content, words in [
        (b"", "0 bytes found"),
        (b"[net]\nwidth=416\nheight=416\n", "not a Darknet weights file"),
        (struct.pack("<3iQ", -1, 2, 5, 0), "-1.2.5"),
        (struct.pack("<3iI", 0, 2, 5, 0), "16 bytes found"),
    ]:
        path.write_bytes(content)
        assert_refused(lambda: read_weights(path, network), "x.weights", words)
    assert_refused(
        lambda: read_weights(tmp_path, network), str(tmp_path), "expected a Darknet weights file"
    )
    assert_refused(
        lambda: read_weights(tmp_path / "none", network), "none: not readable as a Darknet"
    )


def test_layers_that_are_not_in_the_file(tmp_path, network):
    floats = np.full(ENDS[-1] - (ENDS[1] - ENDS[0]), 0.5)
    kept = blocks.conv_layers(network)[1][0].depthwise_kernel.numpy()
    assert read_weights(weights_file(tmp_path, floats), network, skip=frozenset({1}))[1] == 3
    np.testing.assert_array_equal(blocks.conv_layers(network)[1][0].depthwise_kernel, kept)

    _, norm = blocks.conv_layers(network)[0]
    norm.gamma.assign([3] * 4)
    path = weights_file(tmp_path, np.full(ENDS[-1] - 3 * 4, 0.25))
    assert read_weights(path, network, skip_scales=frozenset({0}))[1] == 4
    assert norm.gamma.numpy().tolist() == [3] * 4
    assert norm.beta.numpy().tolist() == [0.25] * 4


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
    before = values_of(network)
    try:
        read_weights(path, network, **kwargs)
    except UserError:
        for found, expected in zip(values_of(network), before, strict=True):
            np.testing.assert_array_equal(found, expected)
    else:
        assert all(np.isfinite(values).all() for values in values_of(network))


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
    path.write_bytes(weights_bytes(floats) + tail)
    _loads_or_refuses(path, network, partial=partial)
