import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.data.folders import giant_png, picture
from yolo_tf.data.decode import decode_image, decode_part, image_size

size_of = tf.function(image_size, input_signature=[tf.TensorSpec([], tf.string)])
decode = tf.function(decode_image, input_signature=[tf.TensorSpec([], tf.string)])


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_sizes_are_those_of_the_header(kind, mode):
    data = picture(40, 60, mode, kind)
    assert size_of(data).numpy().tolist() == [40, 60]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize(("height", "width"), [(40, 60), (17, 9), (333, 251)])
def test_the_pixels_are_those_that_pillow_reads(kind, mode, height, width):
    data = picture(height, width, mode, kind)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(image.convert("RGB"))
    whole = decode(data).numpy()
    np.testing.assert_array_equal(whole, expected)
    part = decode_part(tf.constant(data), tf.constant([5, 2]), tf.constant([11, 7]))
    np.testing.assert_array_equal(part, expected[5:16, 2:9])


def test_the_size_of_a_png_needs_its_header_alone():
    assert size_of(giant_png(3, 99_999)).numpy().tolist() == [3, 99_999]
    assert size_of(giant_png(3, 99_999)[:24]).numpy().tolist() == [3, 99_999]


@pytest.mark.parametrize(
    "data", [b"", b"no image", b"\x89PNG\r\n\x1a\n", picture(kind="GIF"), picture(kind="BMP")]
)
def test_other_bytes_have_no_size_and_are_refused(data):
    assert size_of(data).numpy().tolist() == [-1, -1]
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected a JPEG or PNG image"):
        decode(data)


def giant_jpeg(height, width):
    data = picture(16, 16)
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + data[at + 4 :]


@pytest.mark.parametrize(
    "data",
    [
        giant_png(1, 20_001),
        giant_png(20_000, 20_000),
        giant_jpeg(40_000, 100),
        giant_jpeg(12_000, 12_000),
    ],
)
def test_a_giant_is_refused_before_decoding(data):
    with pytest.raises(tf.errors.InvalidArgumentError, match="of at most 20000 pixels a side"):
        decode(data)


def test_a_negative_size_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected a JPEG or PNG image"):
        decode(giant_png(2**31 + 5, 4))
