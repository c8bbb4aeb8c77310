import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.data.folders import giant_png, picture
from yolo_tf.data import checks
from yolo_tf.data.checks import BadRecord
from yolo_tf.data.decode import decode_image
from yolo_tf.data.images import check_header, check_image


def image(data, **kwargs):
    return check_image(data, "id", "JPEGImages/id.jpg", **kwargs)


def decoded(found):
    """As training sees it."""
    return decode_image(tf.constant(found.data)).numpy()


@pytest.mark.parametrize(("mode", "kind"), [("RGB", "JPEG"), ("L", "JPEG"), ("RGB", "PNG")])
def test_a_good_image_passes_unchanged(mode, kind):
    data = picture(20, 30, mode, kind)
    found, issues = image(data)
    assert found == checks.EncodedImage(data, kind.lower(), 20, 30)
    assert issues == []


@pytest.mark.parametrize(
    ("mode", "kind"), [("CMYK", "JPEG"), ("RGBA", "PNG"), ("LA", "PNG"), ("P", "PNG")]
)
def test_other_modes_become_rgb_png(mode, kind):
    data = picture(20, 30, mode, kind)
    found, issues = image(data)
    assert [issue.action for issue in issues] == [checks.IMAGE_CONVERTED]
    assert issues[0].found == f"mode {mode}"
    assert not issues[0].fatal
    decoded = tf.io.decode_image(found.data, channels=3).numpy()
    expected = Image.open(io.BytesIO(data)).convert("RGB")
    assert found.format == "png"
    assert decoded.tobytes() == expected.tobytes()


def test_16_bit_grey_is_refused_by_name():
    buffer = io.BytesIO()
    Image.new("I;16", (4, 4)).save(buffer, "PNG")
    with pytest.raises(BadRecord, match="colour mode: found I;16, expected 8-bit"):
        image(buffer.getvalue())


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("cut", [1, 2, 5, 12, 30, 1000, 0.5])
def test_a_truncated_image_is_refused(kind, cut):
    data = picture(60, 80, kind=kind)
    data = data[: int(len(data) * cut)] if cut < 1 else data[:-cut]
    with pytest.raises(
        BadRecord, match=r"JPEGImages/id.jpg: image: found .*expected a whole image"
    ):
        image(data)


@pytest.mark.parametrize("data", [b"", b"<html>404</html>", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_image_is_refused(data):
    with pytest.raises(BadRecord, match="image: found"):
        image(data)


def test_a_corrupt_chunk_is_refused():
    data = bytearray(picture(60, 80, kind="PNG"))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(BadRecord, match="expected a whole image"):
        image(bytes(data))


@pytest.mark.parametrize("kind", ["BMP", "GIF", "TIFF", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_other_formats_become_png(kind, mode):
    data = picture(20, 30, mode, kind)
    found, issues = image(data)
    assert [issue.action for issue in issues] == [checks.IMAGE_CONVERTED]
    assert issues[0].found.startswith(f"{kind}, mode ")
    assert (found.format, found.height, found.width) == ("png", 20, 30)
    assert decoded(found).tobytes() == Image.open(io.BytesIO(data)).convert("RGB").tobytes()


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "TIFF"])
def test_several_images_are_refused(kind):
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    buffer = io.BytesIO()
    first.save(buffer, kind, save_all=True, append_images=[second])
    message = f"image: found {kind} with several images, expected a still image"
    with pytest.raises(BadRecord, match=message):
        image(buffer.getvalue())


def test_the_first_image_of_a_phone_s_file_is_the_image():
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    buffer = io.BytesIO()
    first.save(buffer, "MPO", save_all=True, append_images=[second])
    found, issues = image(buffer.getvalue())
    assert (found.data, found.format, issues) == (buffer.getvalue(), "jpeg", [])
    assert decoded(found)[4, 4].tolist() == [254, 0, 0]


@pytest.mark.parametrize("kind", ["ICO", "PPM", "TGA"])
def test_formats_that_nobody_uses(kind):
    expected = r"expected a JPEG or PNG image \(BMP, WebP, TIFF and GIF are converted\)"
    with pytest.raises(BadRecord, match=f"image: found bytes b'.*', {expected}"):
        image(picture(kind=kind))


def test_a_cmyk_image_keeps_its_colours():
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 40, 90)).convert("CMYK").save(buffer, "JPEG", quality=95)
    found, _ = image(buffer.getvalue())
    np.testing.assert_allclose(decoded(found)[8, 8], [200, 40, 90], atol=3)


def png(depth, colour_type, row, width=2):
    """A PNG of one row, of kinds that Pillow does not write."""

    def chunk(name, content):
        checksum = zlib.crc32(name + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + name + content + checksum

    header = struct.pack(">IIBBBBB", width, 1, depth, colour_type, 0, 0, 0)
    chunks = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" + row))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


def test_16_bit_rgb_keeps_its_high_bytes():
    data = png(16, 2, struct.pack(">6H", 0, 0xFFFF, 0x8012, 300, 255, 256))
    found, (issue,) = image(data)
    assert (issue.action, issue.found) == (checks.IMAGE_CONVERTED, "RGB of 16 bits")
    assert decoded(found).ravel().tolist() == [0, 255, 128, 1, 0, 1]
    assert found.data[24] == 8


@pytest.mark.parametrize(("depth", "row"), [(2, 0b0110_0000), (4, 0b0101_1111)])
def test_grey_of_few_bits_is_read_alike(depth, row):
    data = png(depth, 0, bytes([row]))
    found, issues = image(data)
    assert (found.data, issues) == (data, [])
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    np.testing.assert_array_equal(decoded(found), expected)


def test_black_and_white_becomes_rgb():
    found, (issue,) = image(png(1, 0, b"\x40"))
    assert (issue.found, decoded(found)[0, :, 0].tolist()) == ("mode 1", [0, 255])


@pytest.mark.parametrize("size", [(1, 20_001), (12_000, 12_000), (20_000, 20_000)])
def test_a_giant_is_refused_before_decoding(size):
    with pytest.raises(BadRecord, match=r"size: found .*expected at most 20000 pixels a side"):
        image(giant_png(*size))


@given(cut=st.integers(0, 3000), at=st.integers(0, 3000), flip=st.integers(1, 255))
def test_any_damage_is_a_bad_record_or_decodes(cut, at, flip):
    data = bytearray(_PNG[: len(_PNG) - cut])
    if data:
        data[at % len(data)] ^= flip
    try:
        found, _ = image(bytes(data))
    except BadRecord:
        return
    assert tf.io.decode_image(found.data, channels=3).shape == (found.height, found.width, 3)


_PNG = picture(20, 40, kind="PNG")


# What turns the pixels that a camera stored into the image, by EXIF orientation.
UPRIGHT = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
    8: lambda p: np.rot90(p),
}


def turned(orientation, kind="JPEG", size=(48, 64)):
    """Encoded, with four corners of different colours, so that every turn shows."""
    pixels = np.zeros([*size, 3], np.uint8)
    height, width = size[0] // 2, size[1] // 2
    pixels[:height, :width, 0] = pixels[height:, :width, 1] = pixels[:height, width:, 2] = 200
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_exif_turns_the_pixels_where_no_size_is_declared(kind, orientation):
    data = turned(orientation, kind)
    expected = UPRIGHT[orientation](tf.io.decode_image(data).numpy())
    found, (issue,) = image(data)
    assert (issue.action, issue.field) == (checks.IMAGE_TURNED, "EXIF orientation")
    assert (issue.found, issue.fatal) == (str(orientation), False)
    assert (found.format, found.height, found.width) == (kind.lower(), *expected.shape[:2])
    difference = np.abs(decoded(found).astype(int) - expected)
    assert difference.max() <= (20 if kind == "JPEG" else 0)  # at the corners
    assert difference.mean() < 1
    assert Image.open(io.BytesIO(found.data)).getexif().get(0x0112) is None
    assert image(found.data) == (found, [])  # what is stored needs no change any more


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_the_declared_size_tells_which_pixels_were_annotated(kind, orientation):
    data = turned(orientation, kind)
    found, (issue,) = image(data, declared=("64", "48"), upright=False)
    assert (issue.action, found.height, found.width) == (checks.IMAGE_TURNED, 64, 48)
    found, (issue,) = image(data, declared=("48", "64"))
    assert (issue.action, found.height, found.width) == (checks.EXIF_DROPPED, 48, 64)
    # The same pixels bit by bit, and no viewer turns them any more.
    assert decoded(found).tobytes() == Image.open(io.BytesIO(data)).tobytes()
    assert Image.open(io.BytesIO(found.data)).getexif().get(0x0112) is None
    assert image(found.data) == (found, [])


@pytest.mark.parametrize("declared", [None, (0, 0), ("x", None), (47, 64)])
@pytest.mark.parametrize("upright", [True, False])
def test_a_size_that_does_not_tell(declared, upright):
    _, (issue,) = image(turned(6), declared=declared, upright=upright)
    assert issue.action == (checks.IMAGE_TURNED if upright else checks.EXIF_DROPPED)
    _, (issue,) = image(turned(3), declared=(48, 64), upright=upright)
    assert issue.action == (checks.IMAGE_TURNED if upright else checks.EXIF_DROPPED)


@pytest.mark.parametrize("orientation", [0, 1, 9, 60_000])
def test_other_orientations_mean_nothing(orientation):
    data = turned(orientation)
    assert image(data)[0].data == data
    assert image(data)[1] == []


def test_broken_exif_data_are_no_reason_to_refuse_an_image():
    data = turned(6)
    at = data.index(b"Exif") + 8
    data = data[:at] + b"\xff" * 8 + data[at + 8 :]
    assert image(data)[0].data == data


def test_a_turned_image_of_another_kind_becomes_an_upright_png():
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind, mode in (("JPEG", "CMYK"), ("WEBP", "RGB"), ("TIFF", "RGB")):
        buffer = io.BytesIO()
        Image.new(mode, (8, 4)).save(buffer, kind, exif=exif)
        found, issues = image(buffer.getvalue())
        assert (found.format, found.height, found.width) == ("png", 8, 4)
        assert issues[0].action == checks.IMAGE_CONVERTED


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_headers(kind):
    check_header(picture(kind=kind), "id", "x")
    with pytest.raises(BadRecord, match="x: size: found 12000 x 12000"):
        check_header(giant_png(12_000, 12_000), "id", "x")
    with pytest.raises(BadRecord, match="x: image: found format WEBP, expected JPEG or PNG"):
        check_header(picture(kind="WEBP"), "id", "x")
    with pytest.raises(BadRecord, match="x: colour mode: found I;16, expected 8-bit RGB or grey"):
        check_header(png(16, 0, b"\0" * 4), "id", "x")


def test_a_phone_s_heic_is_refused_by_name():
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    with pytest.raises(
        BadRecord, match=r"image: found format HEIF \(heic\), expected a JPEG or PNG"
    ):
        image(data)
