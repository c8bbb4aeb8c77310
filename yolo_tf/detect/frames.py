"""The frames of a video file with their own numbers and times, and which could not be read."""

import bisect
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from yolo_tf.detect.video_index import read_index


class Stamp(NamedTuple):
    """Which frame it is."""

    number: int  # in the file, from 0; that of a frame behind lost ones too
    second: float  # its time stamp


class FileFrames:
    """Iterates over (Stamp, [H, W, 3] uint8 RGB) of the frames of a file that can be read.

    Args:
      cv2: the module of OpenCV.
      video: an opened `cv2.VideoCapture` of the file.
      path: of the file.
      rate: frames a second, for files without time stamps.
      most: frames to read; None: all of the file.

    Attributes:
      index: what the file says of its frames.
      total: frames that there are, or, with `most`, up to the last that was read.
      read: frames read until now.
      first_lost: number of the first that could not be read; None: all could until now.
    """

    def __init__(self, cv2, video, path: str, rate: float, most: int | None = None):
        self._cv2, self._video, self._rate, self._most = cv2, video, rate, most
        self.index = read_index(cv2, video, path)
        self.total, self.read, self.first_lost = self.index.total, 0, None

    def __iter__(self) -> Iterator[tuple[Stamp, np.ndarray]]:
        number, failed = -1, 0
        while self.read != self._most:
            there, frame = self._video.read()
            if not there:
                failed += 1
                if number + failed >= self.total:
                    break
                continue
            stamp = self._stamp(number, failed)
            if stamp.number > number + 1 and self.first_lost is None:
                self.first_lost = number + 1
            number, failed = stamp.number, 0
            self.read += 1
            yield stamp, self._cv2.cvtColor(frame, self._cv2.COLOR_BGR2RGB)
        # What lies behind the last frame that was asked for is not lost.
        self.total = number + 1 if self.read == self._most else max(self.total, number + 1)
        if self.read < self.total and self.first_lost is None:
            self.first_lost = number + 1

    def problem(self) -> str:
        """Which frames were not read; empty if all were."""
        lost = self.total - self.read
        if not lost:
            return ""
        return (
            f"{lost} of {self.total} frames unreadable (first: {self.first_lost});"
            " what was found in the others is kept"
        )

    def _stamp(self, before: int, failed: int) -> Stamp:
        """That of the frame just read, which comes behind number `before` and failed reads."""
        following = before + 1 + failed
        times, numbers = self.index.times, self.index.numbers
        if not times:
            return Stamp(following, following / self._rate)
        time = self._video.get(self._cv2.CAP_PROP_POS_MSEC)
        place = bisect.bisect_left(times, time - 0.5)
        known = place < len(times) and abs(times[place] - time) < 0.5
        number = max(numbers[place], before + 1) if known else following
        return Stamp(number, number / self._rate if self.index.counted else time / 1000)
