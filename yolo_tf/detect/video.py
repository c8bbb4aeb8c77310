"""Video files and cameras to a drawn video and a line of JSON for each frame."""

import contextlib
import itertools
import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from yolo_tf.detect.detections import Detections
from yolo_tf.detect.frames import FileFrames, Stamp
from yolo_tf.detect.inputs import is_live, without_password
from yolo_tf.detect.results import DetectionCounts, find_in_batches
from yolo_tf.errors import UserError
from yolo_tf.files import writing
from yolo_tf.progress import Bar

_RATE = 25.0  # frames a second, where a camera does not tell its own
_PATIENCE = 10.0  # seconds without an answer, until an address is given up


class _Incomplete(UserError):
    """A camera that was lost, a file of which frames are; what was found in the others counts."""


def video_names(sources: list[str], output: Path) -> list[str]:
    """A name for each video, without an ending.

    Raises:
      UserError: two have the same, or a drawn copy would overwrite its video.
    """
    names = [_name(source) for source in sources]
    for source, name in zip(sources, names, strict=True):
        if names.count(name) > 1:
            raise UserError(f"--input: found two videos called {name!r}; give them one by one")
        if (output / f"{name}.mp4").resolve() == Path(source).resolve():
            raise UserError(
                f"--output={output}: would overwrite the video {source}; name another folder"
            )
    return names


def _name(source: str) -> str:
    if is_live(source):  # an address may hold a password: it is no name
        return f"camera-{source}" if source.isdecimal() else "camera"
    return Path(source).stem


def _check_utf8(path) -> None:
    """Raises `UserError` for a name on which OpenCV, which takes UTF-8 alone, would crash."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        raise UserError(f"{path}: its name is not UTF-8, as OpenCV needs it; rename it") from None


def detect_videos(
    find,
    videos: dict[str, str],
    formats: list[str],
    output: Path,
    batch_size: int = 1,
    max_frames: int | None = None,
) -> tuple[DetectionCounts, list[str]]:
    """Looks for objects in the frames of videos until each ends, of a camera until Ctrl-C.

    Args:
      find: see `results.make_finder`.
      videos: name (see `video_names`) -> a file, or a live source (see `inputs.is_live`).
      formats: keys of `VIDEO_FORMATS`.
      output: an existing folder; the files come into it when all frames are done.
      batch_size: frames of a file that are detected together; a camera's are taken one by one.
      max_frames: frames to read of each.

    Returns:
      The frames, counted, and a line for each video that could not be read or written.
    """
    counts, problems = DetectionCounts(), []
    for name, source in videos.items():
        make = [VIDEO_FORMATS[key] for key in formats]
        try:
            _check_utf8(source)
            _check_utf8(output)
            with (
                writing(output / name, output),
                tempfile.TemporaryDirectory(dir=output, prefix=".video-") as folder,
            ):
                try:
                    for result in _detect(
                        find, source, Path(folder, name), make, batch_size, max_frames
                    ):
                        counts.add(result)
                except _Incomplete as error:
                    problems.append(str(error))
                for path in Path(folder).iterdir():
                    os.replace(path, output / path.name)
        except UserError as error:
            problems.append(str(error))
    return counts, problems


def _detect(find, source, path, make, batch_size, max_frames) -> Iterator[Detections]:
    """The results of a video's frames, after each of the formats that are made wrote it."""
    cv2 = import_opencv()
    stamp = file = None
    with contextlib.ExitStack() as stack:
        video = stack.enter_context(_opened(cv2, source))
        rate = video.get(cv2.CAP_PROP_FPS)
        rate = rate if 0 < rate < 1000 else _RATE
        writers = [stack.enter_context(format_(path, rate)) for format_ in make]
        if is_live(source):
            batch_size, total = 1, max_frames
            frames = _camera_frames(cv2, video, source, rate, max_frames)
            frames = stack.enter_context(_until_interrupted(frames))
        else:
            file = frames = FileFrames(cv2, video, source, rate, max_frames)
            total = min(filter(None, (file.total, max_frames)), default=None)
        progress = Bar(frames, unit="frame", total=total)
        for stamp, result in find_in_batches(find, progress, batch_size):
            for writer in writers:
                writer.write(stamp, result)
            yield result
    if stamp is None:
        raise UserError(f"{without_password(source)}: found not one frame that OpenCV can read")
    if file:
        _tell(file, source, path, make, rate)


def _tell(file: FileFrames, source: str, path: Path, make: list, rate: float) -> None:
    if _DrawnVideo in make and not file.index.evenly_spaced():
        print(
            f"{source}: its frames are not evenly spaced in time; {path.name}.mp4 shows them at a"
            f" constant rate, {rate:g} a second"
        )
    if file.problem():
        raise _Incomplete(f"{source}: {file.problem()}")


def import_opencv():
    # Its remarks on what it cannot open, before our own.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    try:
        import cv2
    except ImportError as error:
        raise UserError(
            f"videos and cameras need OpenCV, which is not installed ({error}): "
            "pip install 'yolo_tf[video]'"
        ) from None
    return cv2


@contextlib.contextmanager
def _opened(cv2, source: str):
    live = is_live(source)
    if live and source.isdecimal():
        video = cv2.VideoCapture(int(source))
    elif live:
        limits = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC)
        settings = [value for limit in limits for value in (limit, int(1000 * _PATIENCE))]
        video = cv2.VideoCapture(source, cv2.CAP_ANY, settings)
    else:
        video = cv2.VideoCapture(source)
    try:
        if not video.isOpened():
            kind = "camera" if live else "video"
            hint = "; does it answer, and is the address right?" if "://" in source else ""
            raise UserError(f"{without_password(source)}: not a {kind} that OpenCV can open{hint}")
        yield video
    finally:
        video.release()


def _camera_frames(
    cv2, video, source: str, rate: float, most: int | None
) -> Iterator[tuple[Stamp, np.ndarray]]:
    """(Stamp, [H, W, 3] uint8 RGB) of each frame."""
    for number in itertools.count() if most is None else range(most):
        there, frame = video.read()
        if not there and number:
            raise _Incomplete(
                f"{without_password(source)}: lost after {number} frames; what was found in them"
                " is kept"
            )
        if not there:
            return
        yield Stamp(number, number / rate), cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


@contextlib.contextmanager
def _until_interrupted(items: Iterator) -> Iterator[Iterator]:
    """The items until Ctrl-C, which ends them between two; a second one ends the program."""
    asked = False
    before = signal.getsignal(signal.SIGINT)

    def ask(number, frame):
        nonlocal asked
        del number, frame
        asked = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield itertools.takewhile(lambda _: not asked, items)
    finally:
        signal.signal(signal.SIGINT, before)


class _DrawnVideo:
    """NAME.mp4 of the video's frame rate and of its first frame's size."""

    def __init__(self, path: Path, rate: float):
        self.path, self.rate, self.frames = f"{path}.mp4", rate, 0
        self.cv2, self.file = import_opencv(), None

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.file:
            self.file.release()
        if self.file and kind is None:
            self._check()

    def _check(self) -> None:
        """OpenCV writes to a full disk without a word."""
        video = self.cv2.VideoCapture(self.path)
        found = int(video.get(self.cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else 0
        video.release()
        if found != self.frames:
            Path(self.path).with_suffix(".probe").write_bytes(bytes(1 << 20))  # says the cause
            raise OSError(f"it has {found} of {self.frames} frames")

    def write(self, stamp, result):
        height, width = result.image.shape[:2]
        if not self.file:
            code = self.cv2.VideoWriter_fourcc(*"mp4v")
            self.size = (width, height)
            self.file = self.cv2.VideoWriter(self.path, code, self.rate, self.size)
            if not self.file.isOpened():
                raise UserError(f"{Path(self.path).name}: OpenCV cannot write MP4 here")
        if (width, height) != self.size:  # OpenCV would leave it out without a word
            raise UserError(
                f"frame {stamp.number}: found {width} x {height} pixels, expected"
                f" {self.size[0]} x {self.size[1]} as before"
            )
        drawn = np.asarray(result.draw())
        self.file.write(self.cv2.cvtColor(drawn, self.cv2.COLOR_RGB2BGR))
        self.frames += 1


class _JsonLines:
    """NAME.jsonl: number and second of each frame, and what was found in it."""

    def __init__(self, path: Path, rate: float):
        del rate
        self.path = Path(f"{path}.jsonl")

    def __enter__(self):
        self.file = self.path.open("w", encoding="utf-8")
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, stamp, result):
        head = {"frame": stamp.number, "second": round(stamp.second, 3)}
        self.file.write(json.dumps(head | result.to_dict()) + "\n")


VIDEO_FORMATS = {"drawn": _DrawnVideo, "json": _JsonLines}  # by the name in --formats
