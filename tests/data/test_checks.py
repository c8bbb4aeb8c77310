import io
import math
import os
import zlib

import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.data.folders import picture
from yolo_tf.data import checks
from yolo_tf.data.checks import BadRecord


def image(data):
    return checks.check_image(data, "id", "JPEGImages/id.jpg")


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
    assert issues[0].found == mode
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


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_other_formats_are_named(kind):
    with pytest.raises(BadRecord, match=f"found format {kind}, expected JPEG or PNG"):
        image(picture(kind=kind))


@pytest.mark.parametrize("size", [(1, 20_001), (12_000, 12_000), (20_000, 20_000)])
def test_a_giant_is_refused_before_decoding(size):
    header = picture(1, 1, "L", "PNG")
    ihdr = header.index(b"IHDR")
    fields = size[1].to_bytes(4, "big") + size[0].to_bytes(4, "big") + header[ihdr + 12 : ihdr + 17]
    crc = zlib.crc32(b"IHDR" + fields).to_bytes(4, "big")
    data = header[: ihdr + 4] + fields + crc + header[ihdr + 21 :]
    with pytest.raises(BadRecord, match=r"size: found .*expected at most 20000 pixels a side"):
        image(data)


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


def test_declared_size():
    found, _ = image(picture(40, 60))
    assert checks.check_size(("40", "60"), found, "id", "x.xml") == []
    for declared in [(0, 0), (None, None), ("40", "61"), ("abc", "60"), (float("nan"), 60)]:
        (issue,) = checks.check_size(declared, found, "id", "x.xml")
        assert (issue.action, issue.fatal) == (checks.SIZE_CORRECTED, False)
        assert "60 x 40" in issue.expected
    with pytest.raises(BadRecord, match=r"swapped.*expected 60 x 40"):
        checks.check_size((60, 40), found, "id", "x.xml")


def test_a_good_box_is_normalised():
    box, problem = checks.check_box((10, 5, 30, 25), "", 50, 100)
    assert box == pytest.approx((0.1, 0.1, 0.5, 0.3))
    assert problem is None
    assert checks.check_box((0, 0, 100, 50), "", 50, 100) == ((0, 0, 1, 1), None)


@pytest.mark.parametrize(
    ("corners", "action"),
    [
        ((math.nan, 0, 1, 1), checks.BOX_SKIPPED),
        ((0, 0, math.inf, 1), checks.BOX_SKIPPED),
        ((30, 5, 10, 25), checks.BOX_SKIPPED),
        ((10, 25, 30, 5), checks.BOX_SKIPPED),
        ((10, 5, 10, 25), checks.EMPTY_BOX_SKIPPED),
        ((10, 5, 30, 5), checks.EMPTY_BOX_SKIPPED),
        ((100, 5, 102, 25), checks.EMPTY_BOX_SKIPPED),  # all of it is outside, by little
        ((10, 5, 10 + 1e-12, 25), checks.EMPTY_BOX_SKIPPED),  # vanishes in float32
        ((10, 5, 103, 25), checks.BOX_SKIPPED),
        ((-3, 5, 30, 25), checks.BOX_SKIPPED),
        ((500, 500, 600, 600), checks.BOX_SKIPPED),
    ],
)
def test_a_bad_box_is_dropped(corners, action):
    box, problem = checks.check_box(corners, "as written", 50, 100)
    assert box is None
    assert problem[0] == action


def test_slight_overflow_is_clipped():
    box, problem = checks.check_box((-1, 5, 102, 25), "", 50, 100)
    assert box == pytest.approx((0.1, 0, 0.5, 1))
    assert problem[0] == checks.BOX_CLIPPED
    assert not checks.Issue("", "", "", *problem[1:], problem[0]).fatal


@given(st.lists(st.floats(allow_nan=True, width=64), min_size=4, max_size=4))
def test_no_box_escapes(corners):
    box, problem = checks.check_box(tuple(corners), "", 48, 64)
    if box is None:
        assert problem is not None
    else:
        assert 0 <= box[0] < box[2] <= 1
        assert 0 <= box[1] < box[3] <= 1


def test_numbers():
    assert [checks.number(v) for v in ("3", " 2.5 ", 7, 1.5)] == [3, 2.5, 7, 1.5]
    for value in ("", "abc", "nan", "inf", None, [1], True, 10**400, "1e999"):
        assert math.isnan(checks.number(value))


@pytest.mark.parametrize(
    "name",
    ["../secret.jpg", "/etc/passwd", "a/../../b.jpg", "..\\x.jpg", "a\0b", "", ".", "x" * 5000],
)
def test_paths_out_of_the_folder_are_refused(tmp_path, name):
    folder = tmp_path / "images"
    folder.mkdir()
    with pytest.raises(BadRecord, match=r"filename: found .*expected a path inside images/"):
        checks.safe_path(folder, name, "id", "x.xml", "filename")


def test_links_out_of_the_folder_are_refused(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    with pytest.raises(BadRecord, match="expected a path inside"):
        checks.safe_path(folder, "link.jpg", "id", "x.xml", "filename")
    (folder / "sub").mkdir()
    assert checks.safe_path(folder, "sub/x.jpg", "id", "", "") == (folder / "sub/x.jpg").resolve()


def test_reading_files(tmp_path, monkeypatch):
    (tmp_path / "x").write_bytes(b"12345")
    assert checks.read_file(tmp_path / "x", "id", "x", "image") == b"12345"
    os.mkfifo(tmp_path / "pipe")  # would block for ever
    for name in ("missing", "pipe", "."):
        with pytest.raises(BadRecord, match="found no such file, expected a file"):
            checks.read_file(tmp_path / name, "id", name, "image")
    monkeypatch.setattr(checks, "MAX_FILE_BYTES", 4)
    with pytest.raises(BadRecord, match="found 5 bytes, expected at most 4"):
        checks.read_file(tmp_path / "x", "id", "x", "image")


def test_messages_stay_on_one_line():
    assert checks.show("a\nb\x1b[2J") == r"'a\nb\x1b[2J'"
    assert len(checks.show("x" * 1000)) < 90
    issue = checks.Issue("id", "a\nb.xml", "f\x1b", "1", "2", checks.BOX_SKIPPED)
    assert str(issue) == "a?b.xml: f?: found 1, expected 2"
