"""Single images: upright, RGB, 8 bits; anything else is refused in one line."""

import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from yolo_tf.detect.inputs import read_image
from yolo_tf.errors import UserError

RED_TOP = np.zeros((8, 12, 3), np.uint8)  # height 8, width 12; the upper half is red
RED_TOP[:4] = (255, 0, 0)


def saved(path, image=None, **options):
    image = Image.fromarray(RED_TOP) if image is None else image
    image.save(path, **options)
    return path


def is_red(pixels):
    return (pixels[..., 0] > 200).all() and (pixels[..., 1:] < 60).all()


@pytest.mark.parametrize(
    ("orientation", "shape", "red"),
    [
        (1, (8, 12), np.s_[:3]),
        (2, (8, 12), np.s_[:3]),
        (3, (8, 12), np.s_[5:]),
        (4, (8, 12), np.s_[5:]),
        (5, (12, 8), np.s_[:, :3]),
        (6, (12, 8), np.s_[:, 5:]),
        (7, (12, 8), np.s_[:, 5:]),
        (8, (12, 8), np.s_[:, :3]),
    ],
)
def test_exif_orientation(tmp_path, orientation, shape, red):
    exif = Image.Exif()
    exif[0x112] = orientation
    path = saved(tmp_path / "a.jpg", exif=exif, quality=100, subsampling=0)
    found = read_image(path)
    assert found.shape == (*shape, 3)
    assert is_red(found[red])


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("a.jpg", "RGB"), ("a.jpg", "CMYK"), ("a.png", "P"), ("a.png", "RGBA"), ("a.gif", "P"),
        ("a.bmp", "RGB"), ("a.webp", "RGB"), ("a.tif", "CMYK"),
    ],
)  # fmt: skip
def test_colour_modes(tmp_path, name, mode):
    path = saved(tmp_path / name, Image.fromarray(RED_TOP).convert(mode))
    found = read_image(path)
    assert found.dtype == np.uint8
    assert found.shape == (8, 12, 3)
    assert is_red(found[:3])
    assert found[6:].max() < 40


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_grey_modes_have_three_equal_channels(tmp_path, mode):
    grey = np.full((8, 12), 255, np.uint8)
    grey[4:] = 0
    found = read_image(saved(tmp_path / "a.png", Image.fromarray(grey).convert(mode)))
    np.testing.assert_array_equal(found, np.repeat(grey[..., None], 3, -1))


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_16_bit_grey_keeps_its_high_byte(tmp_path, name):
    values = np.linspace(0, 65535, 96).astype(np.uint16).reshape(8, 12)
    found = read_image(saved(tmp_path / name, Image.fromarray(values)))
    np.testing.assert_array_equal(found, np.repeat((values >> 8)[..., None], 3, -1))


@pytest.mark.parametrize(("kind", "word"), [(np.float32, "float"), (np.int32, "32-bit")])
def test_values_without_a_known_range(tmp_path, kind, word):
    path = saved(tmp_path / "a.tif", Image.fromarray(np.ones((8, 12), kind)))
    with pytest.raises(UserError, match=rf"a\.tif: found {word} values, expected .* 8 or 16 bits"):
        read_image(path)


def png_header(width, height):
    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("size", [(20_001, 10), (10, 20_001), (10_001, 10_000), (50_000, 50_000)])
def test_a_header_that_promises_too_much(tmp_path, size):
    (tmp_path / "a.png").write_bytes(png_header(*size))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Pillow's own warnings do not reach the user
        with pytest.raises(
            UserError, match="expected at most 20,000 pixels a side and 100,000,000"
        ):
            read_image(tmp_path / "a.png")


def message_of(path) -> str | None:
    """What the error says; None if there is none."""
    try:
        assert read_image(path).shape[-1] == 3
    except UserError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.webp", "a.tif"])
def test_a_file_cut_anywhere_gives_one_line(tmp_path, name):
    path = saved(tmp_path / name)
    data, messages = path.read_bytes(), []
    for length in range(0, len(data), max(len(data) // 40, 1)):
        path.write_bytes(data[:length])
        messages.append(message_of(path))
    refused = [message for message in messages if message]
    assert len(refused) > 10
    assert all(message.startswith(f"{path}: ") and "\n" not in message for message in refused)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif"])
def test_changed_bytes_raise_nothing_but_our_error(tmp_path, name):
    exif = Image.Exif()
    exif[0x112] = 6
    path = saved(tmp_path / name, **({"exif": exif} if name == "a.jpg" else {}))
    data = path.read_bytes()
    for position in range(0, len(data), max(len(data) // 150, 1)):
        changed = bytearray(data)
        changed[position] ^= 0xFF
        path.write_bytes(changed)
        assert "\n" not in (message_of(path) or "")


def test_what_is_no_image(tmp_path):
    (tmp_path / "a.jpg").write_text("text")
    with pytest.raises(
        UserError, match=r"a\.jpg: not an image, expected one of JPEG, PNG, BMP, GIF, TIFF, WEBP"
    ):
        read_image(tmp_path / "a.jpg")
    with pytest.raises(UserError, match=r"b\.jpg: found nothing, expected an image file"):
        read_image(tmp_path / "b.jpg")
    with pytest.raises(UserError, match="found a folder, expected an image file"):
        read_image(tmp_path)
