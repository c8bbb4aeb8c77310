"""Frames behind a damaged stretch keep their numbers and times; those that are lost are named."""

import numpy as np
import pytest

from yolo_tf.detect.frames import FileFrames

cv2 = pytest.importorskip("cv2", reason="OpenCV (extra `video`) is not installed")
FRAMES, RATE = 40, 10.0
KINDS = [("a.mp4", "mp4v"), ("a.avi", "MJPG"), ("a.mkv", "mp4v"), ("a.webm", "VP80")]


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    for name, code in KINDS:
        path = str(folder / name)
        file = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*code), RATE, (96, 64))
        random = np.random.default_rng(0)
        for number in range(FRAMES):
            frame = np.full((64, 96, 3), 5 * number, np.uint8)
            frame[8:40, number : number + 32] = random.integers(0, 255, (32, 32, 3))
            file.write(frame)
        file.release()
    return folder


def read(path, most=None):
    video = cv2.VideoCapture(str(path))
    frames = FileFrames(cv2, video, str(path), video.get(cv2.CAP_PROP_FPS), most)
    stamps = [stamp for stamp, _ in frames]
    video.release()
    return frames, stamps


@pytest.mark.parametrize("name", [name for name, _ in KINDS])
def test_a_whole_film(films, name):
    frames, stamps = read(films / name)
    assert [stamp.number for stamp in stamps] == list(range(FRAMES))
    assert [stamp.second for stamp in stamps] == pytest.approx(np.arange(FRAMES) / RATE, abs=2e-3)
    assert frames.problem() == ""
    assert frames.index.evenly_spaced()


@pytest.mark.parametrize("zeros", [True, False])
@pytest.mark.parametrize("name", [name for name, _ in KINDS])
def test_a_damaged_stretch(films, tmp_path, name, zeros):
    data = bytearray((films / name).read_bytes())
    start, end = int(0.4 * len(data)), int(0.5 * len(data))
    noise = np.random.default_rng(1).bytes(end - start)
    data[start:end] = bytes(end - start) if zeros else noise
    path = tmp_path / name
    path.write_bytes(data)
    frames, stamps = read(path)
    numbers = [stamp.number for stamp in stamps]
    assert 30 <= len(numbers) < FRAMES
    assert numbers[-1] == FRAMES - 1
    lost = sorted(set(range(FRAMES)) - set(numbers))
    assert np.ptp(lost) < 8  # one stretch
    text = f"{len(lost)} of {FRAMES} frames unreadable (first: {lost[0]});"
    assert frames.problem().startswith(text)
    for number, second in stamps:
        assert second == pytest.approx(number / RATE, abs=2e-3)
    assert frames.index.evenly_spaced()


@pytest.mark.parametrize("name", ["a.avi", "a.mkv", "a.webm"])
def test_a_film_that_is_cut(films, tmp_path, name):
    data = (films / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: int(0.55 * len(data))])
    frames, stamps = read(path)
    count = len(stamps)
    assert [stamp.number for stamp in stamps] == list(range(count))
    assert 15 < count < 30
    assert frames.problem().startswith(f"{FRAMES - count} of 40 frames unreadable (first: {count})")
    assert read(path, most=count)[0].problem() == ""  # more was not asked for


def boxes(data: bytes) -> dict[bytes, tuple[int, int]]:
    """Name -> start and size of the boxes at the top of an MP4 file."""
    found, position = {}, 0
    while position < len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        found[data[position + 4 : position + 8]] = position, size
        position += size
    return found


def test_an_mp4_that_is_cut_behind_its_index(films, tmp_path):
    data = (films / "a.mp4").read_bytes()
    found = boxes(data)
    start, size = found[b"moov"]
    moov = bytearray(data[start : start + size])
    place = moov.index(b"stco") + 12
    for offset in range(place, place + 4 * int.from_bytes(moov[place - 4 : place], "big"), 4):
        moved = int.from_bytes(moov[offset : offset + 4], "big") + size
        moov[offset : offset + 4] = moved.to_bytes(4, "big")
    first = found[b"ftyp"][1]
    whole = data[:first] + moov + data[first:start]
    path = tmp_path / "a.mp4"
    path.write_bytes(whole)
    assert read(path)[0].problem() == ""
    path.write_bytes(whole[: int(0.6 * len(whole))])
    frames, stamps = read(path)
    count = len(stamps)
    assert 10 < count < FRAMES
    assert frames.problem().startswith(f"{FRAMES - count} of 40 frames unreadable (first: {count})")


def test_times_of_a_variable_rate(films, tmp_path):
    data = bytearray((films / "a.mp4").read_bytes())
    place = data.index(b"stts")
    delta = int.from_bytes(data[place + 16 : place + 20], "big")
    numbers = (0, 2, 20, delta, 20, 3 * delta)  # 20 frames at 10 a second, 20 at 3.3
    table = b"".join(value.to_bytes(4, "big") for value in (8 + 24, 0x73747473, *numbers))
    data[place - 4 : place + 20] = table
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        at = data.rindex(name, 0, place) - 4
        data[at : at + 4] = (int.from_bytes(data[at : at + 4], "big") + 8).to_bytes(4, "big")
    edit = data.index(b"elst") + 12  # the length that is shown
    data[edit : edit + 4] = (2 * int.from_bytes(data[edit : edit + 4], "big")).to_bytes(4, "big")
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    frames, stamps = read(path)
    assert frames.problem() == ""
    assert not frames.index.evenly_spaced()
    assert [stamp.number for stamp in stamps] == list(range(FRAMES))
    seconds = [stamps[n].second for n in (10, 20, 30)]
    assert seconds == pytest.approx([1.0, 2.0, 5.0], abs=2e-3)


@pytest.mark.parametrize("head", [b"RIFF\0\0\0\0AVI ", b"\0\0\0\x08moov", b"", b"\x1aE\xdf\xa3"])
def test_files_of_nothing_end_soon(tmp_path, head):
    path = tmp_path / "a.avi"
    path.write_bytes(head + bytes(1_000_000))
    frames, stamps = read(path)
    assert stamps == []
    assert frames.total == 0
