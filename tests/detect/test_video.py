"""Videos in, videos and lines out."""

import contextlib
import json
import os
import signal
import socket
import sys
import time

import numpy as np
import pytest

from tests.detect.fixed import DETECTOR
from yolo_tf.detect import video
from yolo_tf.detect.results import make_finder
from yolo_tf.errors import UserError

FRAMES, RATE, SIZE = 7, 12.5, (64, 48)


@pytest.fixture
def cv2():
    return pytest.importorskip("cv2", reason="OpenCV (extra `video`) is not installed")


@pytest.fixture
def film(cv2, tmp_path):
    """Seven grey frames, each brighter than the one before."""
    path = tmp_path / "film.mp4"
    file = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), RATE, SIZE)
    for number in range(FRAMES):
        file.write(np.full((*SIZE[::-1], 3), 30 * number, np.uint8))
    file.release()
    return path


@pytest.fixture
def output(tmp_path):
    folder = tmp_path / "found"
    folder.mkdir()
    return folder


def run(source, output, formats=("drawn", "json"), find=None, **settings):
    find = find or make_finder(DETECTOR)
    names = video.video_names([str(source)], output)
    videos = {names[0]: str(source)}
    return video.detect_videos(find, videos, formats, output, **settings)


def test_a_video_is_drawn_with_its_rate_and_has_a_line_a_frame(cv2, film, output):
    counts, problems = run(film, output, batch_size=3)
    assert problems == []
    assert (counts.images, counts.objects) == (FRAMES, 2 * FRAMES)
    assert sorted(path.name for path in output.iterdir()) == ["film.jsonl", "film.mp4"]
    lines = [json.loads(line) for line in (output / "film.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(FRAMES))
    assert lines[2]["second"] == pytest.approx(2 / RATE)
    assert (lines[0]["height"], lines[0]["width"]) == SIZE[::-1]
    assert lines[0]["detection_class_names"] == ["dog", "cat"]
    drawn = cv2.VideoCapture(str(output / "film.mp4"))
    assert drawn.get(cv2.CAP_PROP_FPS) == pytest.approx(RATE)
    frames = []
    while (frame := drawn.read())[0]:
        frames.append(frame[1])
    assert [frame.shape for frame in frames] == [(*SIZE[::-1], 3)] * FRAMES
    inside = [frame[40:45, 45:60].mean() for frame in frames]  # beside lines and labels
    np.testing.assert_allclose(inside, 30 * np.arange(FRAMES), atol=10)
    assert np.ptp(frames[0]) > 100  # coloured lines on the black frame


def test_max_frames_and_lines_alone(film, output):
    counts, _ = run(film, output, ["json"], max_frames=4, batch_size=3)
    assert counts.images == 4
    assert [path.name for path in output.iterdir()] == ["film.jsonl"]


def test_what_is_no_video_is_reported_and_leaves_nothing(cv2, tmp_path, output):
    (tmp_path / "film.mp4").write_bytes(b"no video")
    counts, problems = run(tmp_path / "film.mp4", output)
    assert counts.images == 0
    assert problems == [f"{tmp_path}/film.mp4: not a video that OpenCV can open"]
    assert list(output.iterdir()) == []


def test_ctrl_c_ends_a_camera_and_keeps_its_frames(film, output, monkeypatch):
    monkeypatch.setattr(video, "is_live", lambda source: not source.isdecimal())
    find, seen = make_finder(DETECTOR), []

    def interrupted(photos):
        seen.extend(photos)
        if len(seen) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return find(photos)

    before = signal.getsignal(signal.SIGINT)
    counts, problems = run(film, output, find=interrupted, batch_size=4)
    assert (counts.images, problems) == (3, [])
    assert len((output / "camera.jsonl").read_text().splitlines()) == 3
    assert (output / "camera.mp4").exists()
    assert signal.getsignal(signal.SIGINT) == before


def test_a_camera_that_is_lost_keeps_its_frames(film, output, monkeypatch):
    @contextlib.contextmanager
    def opened(cv2, source):
        assert source == "rtsp://me:secret@camera/1"
        yield cv2.VideoCapture(str(film))

    monkeypatch.setattr(video, "_opened", opened)
    counts, problems = run("rtsp://me:secret@camera/1", output)
    assert counts.images == FRAMES
    assert problems == ["rtsp://***@camera/1: lost after 7 frames; what was found in them is kept"]
    assert sorted(path.name for path in output.iterdir()) == ["camera.jsonl", "camera.mp4"]


def test_an_address_that_does_not_answer(cv2, output, monkeypatch):
    monkeypatch.setattr(video, "_PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}/x"
        start = time.perf_counter()
        _, problems = run(f"rtsp://me:secret@{address}", output)
        assert time.perf_counter() - start < 20  # OpenCV's own patience: 30 seconds
    assert problems == [
        f"rtsp://***@{address}: not a camera that OpenCV can open; does it answer, and is the"
        " address right?"
    ]
    assert list(output.iterdir()) == []


def test_names_that_are_no_utf8_are_refused(film, output):
    named = film.with_name(os.fsdecode(b"caf\xe9.mp4"))
    film.rename(named)
    counts, problems = run(named, output)
    assert counts.images == 0
    assert problems[0].endswith("its name is not UTF-8, as OpenCV needs it; rename it")
    assert not list(output.iterdir())


def test_names(tmp_path):
    sources = ["0", "rtsp://user:secret@host/a", "x/film.mov"]
    assert video.video_names(sources, tmp_path) == ["camera-0", "camera", "film"]
    with pytest.raises(UserError, match="found two videos called 'film'"):
        video.video_names(["x/film.mov", "y/film.mp4"], tmp_path)
    with pytest.raises(UserError, match="would overwrite the video"):
        video.video_names([f"{tmp_path}/film.mp4"], tmp_path)


def test_without_opencv(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UserError, match=r"need OpenCV.*pip install 'yolo_tf\[video\]'"):
        video.import_opencv()
