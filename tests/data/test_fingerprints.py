import io

import numpy as np
import pytest
from PIL import Image

from tests.data.folders import picture
from yolo_tf.data.checks import BadRecord
from yolo_tf.data.fingerprints import COLS, ROWS, fingerprint


@pytest.mark.parametrize(("mode", "kind"), [("RGB", "JPEG"), ("L", "JPEG"), ("RGB", "PNG")])
def test_size_digest_and_tiny_copy(mode, kind):
    data = picture(40, 60, mode, kind)
    found = fingerprint(data, "x")
    assert (found.height, found.width, found.turned) == (40, 60, False)
    assert found.grey.shape == (ROWS, COLS)
    assert found.grey.dtype == np.uint8
    assert found.digest == fingerprint(data, "y").digest
    assert found.digest != fingerprint(picture(40, 60, mode, kind, seed=1), "x").digest


def test_a_large_jpeg_is_seen_as_it_is():
    pixels = np.zeros((800, 900, 3), np.uint8)
    pixels[:, 450:] = 200
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    grey = fingerprint(buffer.getvalue(), "x").grey
    np.testing.assert_allclose(grey[:, :4], 0, atol=3)
    np.testing.assert_allclose(grey[:, 5:], 200, atol=3)


def test_exif_that_turns_the_image():
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.new("RGB", (20, 10)).save(buffer, "JPEG", exif=exif)
    found = fingerprint(buffer.getvalue(), "x")
    assert found.turned
    assert (found.height, found.width) == (10, 20)  # as the pixels lie in the file


@pytest.mark.parametrize("data", [b"", b"text", picture()[:20]])
def test_no_image(data):
    with pytest.raises(BadRecord):
        fingerprint(data, "x")


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_cut_image_shows_when_decoded(kind):
    data = picture(200, 200, kind=kind)
    data = data[: len(data) // 2]
    with pytest.raises(BadRecord):
        fingerprint(data, "x")
    assert fingerprint(data, "x", decode=False).grey is None
