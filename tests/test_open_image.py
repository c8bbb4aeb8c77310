"""Image files of strangers: few formats, no other program, no endless work."""

import io
import os

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, UnidentifiedImageError

from yolo_tf.data.checks import BadRecord
from yolo_tf.data.decode import decode_image
from yolo_tf.data.images import check_header, check_image
from yolo_tf.detect.inputs import image_pixels, read_image
from yolo_tf.errors import UserError
from yolo_tf.open_image import FORMATS, MAX_SCANS, SCAN, count_scans, open_image

POSTSCRIPT = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n(hello) print\n%%EOF\n"
)


def image(kind="JPEG", size=(60, 40), **settings) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (4, 6, 3), np.uint8)
    Image.fromarray(pixels).resize(size).save(file, kind, **settings)
    return file.getvalue()


def with_scans(count: int, size=(60, 40)) -> bytes:
    """A progressive JPEG whose last scan is there again and again."""
    data = image(size=size, progressive=True)
    last = data[data.rindex(SCAN) : -2]
    return data[:-2] + last * (count - count_scans(data)) + data[-2:]


@pytest.mark.parametrize("kind", FORMATS)
def test_the_documented_formats_are_opened(kind):
    assert open_image(io.BytesIO(image(kind))).size == (60, 40)


def test_no_other_program_is_started(tmp_path, monkeypatch):
    program = tmp_path / "gs"
    program.write_text(f"#!/bin/sh\necho x >>{tmp_path}/STARTED\necho 10.03.1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    path = tmp_path / "photo.jpg"
    path.write_bytes(POSTSCRIPT)
    with pytest.raises(UserError, match=r"photo\.jpg: not an image, expected one of JPEG, PNG"):
        read_image(path)
    with pytest.raises(BadRecord, match="expected a JPEG or PNG image"):
        check_image(POSTSCRIPT, "1", "photo.jpg")
    with Image.open(path) as opened, pytest.raises(UserError, match="found EPS, which another"):
        image_pixels(opened)
    assert not (tmp_path / "STARTED").exists()


@pytest.mark.parametrize("kind", ["PPM", "ICO", "TGA", "PDF", "PCX"])
def test_other_formats_are_not(kind):
    with pytest.raises(UnidentifiedImageError):
        open_image(io.BytesIO(image(kind)))


def test_scans_are_counted():
    assert count_scans(image()) == 1
    assert count_scans(image(progressive=True)) == 10
    assert count_scans(with_scans(100)) == 100
    # A thumbnail's and what is behind the end do not count, however often.
    inner = b"\xff\xe1" + (2 + 40 * 2).to_bytes(2, "big") + 40 * SCAN
    plain = image()
    data = plain[:2] + inner + plain[2:] + 99 * SCAN
    assert count_scans(data) == 1
    assert open_image(io.BytesIO(data)).size == (60, 40)


def test_too_many_scans_are_refused(tmp_path):
    data, path = with_scans(MAX_SCANS + 1), tmp_path / "a.jpg"
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"a\.jpg: found 33 scans, expected at most 32$"):
        read_image(path)
    for check in (check_image, check_header):
        with pytest.raises(BadRecord, match=r"a\.jpg: image: found 33 scans"):
            check(data, "1", "a.jpg")
    path.write_bytes(with_scans(MAX_SCANS))
    assert read_image(path).shape == (40, 60, 3)


def test_in_the_graph_they_are_refused_where_they_cost(tmp_path):
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected at most 32 scans"):
        decode_image(tf.constant(with_scans(100, (1600, 1200))))
    assert decode_image(tf.constant(with_scans(100))).shape == (40, 60, 3)
    assert decode_image(tf.constant(with_scans(30, (1600, 1200)))).shape == (1200, 1600, 3)
    # A video behind an image, as telephones write it.
    behind = np.random.default_rng(0).bytes(1_000_000)
    found = decode_image(tf.constant(image(size=(1600, 1200)) + behind))
    assert found.shape == (1200, 1600, 3)
