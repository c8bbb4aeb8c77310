"""What a video file says of its frames, found without decoding any: numbers, times, how many.

A damaged stretch takes whole packets away from most formats. Which frames they were is told by the
index of an AVI file, and elsewhere by a gap in time stamps that are evenly spaced.
"""

import os
from typing import NamedTuple

import numpy as np

_TRIES = 3  # without a packet, until a file is taken to be at its end
_EVEN = 1.5  # times longer than the usual a step may be where frames are evenly spaced
_FEW = 0.01  # share of the steps that may be gaps, where gaps are damage
_ESTIMATED = 0.1  # share of a duration that may be missing where it may be that of the sound
_MOST_CHUNKS = 10_000  # examined, at the top of a file
_MOST_INDEX = 1 << 26  # bytes
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")  # the first of an MP4 or MOV file


class VideoIndex(NamedTuple):
    """The packets of a file, in the order in which they are shown.

    Attributes:
      times: time stamps, ms, ascending; empty where not every packet has its own.
      numbers: of the frames, from 0; as many as there are packets.
      total: frames that the file has, or says that it has.
      counted: the times are no stamps of the file, as of AVI, but those of counted packets.
    """

    times: list[float]
    numbers: list[int]
    total: int
    counted: bool = False

    def evenly_spaced(self) -> bool:
        """Whether the time from frame to frame is about the same in the whole file."""
        if len(self.times) < 3 or self.counted:
            return True
        steps = np.diff(self.times) / np.diff(self.numbers)
        return bool(steps.max() <= _EVEN * steps.min())


def read_index(cv2, video, path: str) -> VideoIndex:
    """The index of a file.

    Args:
      cv2: the module of OpenCV.
      video: an opened `cv2.VideoCapture` of the file, which is not read here.
      path: of the file.
    """
    times = _packet_times(cv2, path)
    packets = len(times)
    # Packets lie in the order of decoding.
    times = sorted(times)
    if not packets or times[0] < -1000 or not np.all(np.diff(times) > 0):
        times = []
    said, rate = video.get(cv2.CAP_PROP_FRAME_COUNT), video.get(cv2.CAP_PROP_FPS)
    said = int(said) if 0 < said < 1e9 else 0
    numbers, total, is_avi = list(range(packets)), packets, False
    with open(path, "rb") as file:
        head = file.read(12)
        if head[4:8] in _BOXES:  # says the number of those, too, that editing has hidden
            total = max(packets, said) if _is_cut(file) else packets
        elif head[:4] == b"RIFF":
            whole = _whole_chunks(file)
            numbers = whole if len(whole) == packets else numbers
            total, is_avi = max(packets, said), True
        elif times and said and 0 < rate < 1000:
            numbers, total = _by_time(times, said, rate)
    return VideoIndex(times, numbers, total, is_avi)


def _packet_times(cv2, path: str) -> list[float]:
    """Time stamps of a file's packets, ms, as they lie there."""
    video, times, failed = cv2.VideoCapture(path), [], 0
    if video.isOpened() and video.set(cv2.CAP_PROP_FORMAT, -1):  # -1: packets, not images
        while failed < _TRIES:
            if video.grab():
                times.append(video.get(cv2.CAP_PROP_POS_MSEC))
                failed = 0
            else:
                failed += 1
    video.release()
    return times


def _by_time(times: list[float], said: int, rate: float) -> tuple[list[int], int]:
    """Numbers of the frames and how many there are, where the file says its duration alone."""
    count = len(times)
    if count < 3:
        return list(range(count)), count
    steps = np.diff(times)
    step = float(np.median(steps))
    gaps = steps > _EVEN * step
    even = steps[~gaps].min() * _EVEN >= step and gaps.sum() <= max(1, _FEW * len(steps))
    numbers = np.round((np.array(times) - times[0]) / step).astype(int).tolist()
    # Frames that follow each other at another pace are not lost: the file's rate must agree.
    damaged = even and gaps.any() and abs(1000 / rate - step) < 0.1 * step
    if not damaged or len(set(numbers)) < count:
        numbers = list(range(count))
    duration = 1000 * said / rate
    missing = round((duration - times[-1] - step) / step)
    at_end = missing if missing * step > _ESTIMATED * duration else 0
    return numbers, numbers[-1] + 1 + at_end


def _is_cut(file) -> bool:
    """Whether the last box of an MP4 or MOV file would end behind the file."""
    end, position = file.seek(0, os.SEEK_END), 0
    for _ in range(_MOST_CHUNKS):
        if position + 8 > end:
            break
        file.seek(position)
        size = int.from_bytes(file.read(4), "big")
        if size == 1:  # 64 bits, behind the type
            file.seek(position + 8)
            size = int.from_bytes(file.read(8), "big")
        if size < 8:  # 0: up to the end of the file
            return False
        position += size
    return position > end


def _whole_chunks(file) -> list[int]:
    """Numbers of the frames of an AVI file whose chunks lie where its index (idx1) says.

    Empty where there is none, as in files that are cut.
    """
    lists = _lists(file)
    start, size = lists.get(b"idx1", (0, 0))
    movi = lists.get(b"movi", (0, 0))[0]
    file.seek(start)
    index = file.read(min(size, _MOST_INDEX))
    entries = np.frombuffer(index[: len(index) // 16 * 16], "<u4").reshape(-1, 4)
    # The four bytes "00dc" or "00db": images of the first stream.
    images = entries[np.isin(entries[:, 0], np.frombuffer(b"00dc00db", "<u4"))]
    if not len(images) or not movi:
        return []
    from_file = images[0, 2] >= movi  # offsets count from the file's start, or from "movi"
    whole = []
    for number, (name, _, offset, length) in enumerate(images.tolist()):
        file.seek(offset + (0 if from_file else movi))
        if file.read(8) == name.to_bytes(4, "little") + length.to_bytes(4, "little"):
            whole.append(number)
    return whole


def _lists(file) -> dict[bytes, tuple[int, int]]:
    """Name -> start and size of the chunks of an AVI file; a list goes by its type."""
    found, position = {}, 12
    end = file.seek(0, os.SEEK_END)
    for _ in range(_MOST_CHUNKS):
        if position + 12 > end:
            break
        file.seek(position)
        name, size, kind = file.read(4), int.from_bytes(file.read(4), "little"), file.read(4)
        found.setdefault(kind if name == b"LIST" else name, (position + 8, size))
        position += 8 + size + size % 2
    return found
