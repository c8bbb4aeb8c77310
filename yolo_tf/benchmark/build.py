"""Speed of building records, against the bytes of the images alone: read, hashed and written."""

import contextlib
import hashlib
import io
import statistics
import tempfile
import time
from pathlib import Path

import tensorflow as tf

from yolo_tf.benchmark.timing import call_times, speed
from yolo_tf.data.build.build import build
from yolo_tf.data.build.reading import read_all
from yolo_tf.data.sources import SOURCES
from yolo_tf.data.sources.base import Options, Source
from yolo_tf.data.sources.shapes import ShapesSource
from yolo_tf.errors import UserError

IMAGE_SIZE = (480, 640)  # (height, width) of the drawn images
_DRAWN = 64  # images
_ROUNDS = 3  # at least


def measure_build(seconds: float, data: str = "") -> dict:
    """Measures both in turns, in one process each.

    Args:
      seconds: time to spend, three rounds at least.
      data: FORMAT:FOLDER:SPLIT of a data set whose images are stored unchanged; empty: images
        are drawn into a YOLO folder.

    Returns:
      "bytes", "build": as `timing.speed`; "ratio": median over the rounds of their speeds' ratio,
      "processor_ratio": the same of processor time; "images", "mean_bytes", "boxes".

    Raises:
      UserError: the data set cannot be opened, or has no usable image.
    """
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        source = _open(data) if data else _drawn(folder / "drawn")
        files, boxes = _write_files(source, folder / "photos")
        rounds, end = [], time.perf_counter() + seconds
        _build(source, folder)  # warms up; so do the images, which were just written
        while len(rounds) < _ROUNDS or time.perf_counter() < end:
            alone = call_times(lambda: _bytes_alone(files, folder))
            rounds.append((alone, call_times(lambda: _build(source, folder))))
        size = sum(path.stat().st_size for path in files)
    images = len(files)
    return {
        "data": data or "drawn images",
        "format": type(source).__name__,
        "images": images,
        "boxes": boxes,
        "mean_bytes": size / images,
        "bytes": speed([images / wall for (wall, _), _ in rounds]),
        "build": speed([images / wall for _, (wall, _) in rounds]),
        "ratio": statistics.median(alone[0] / whole[0] for alone, whole in rounds),
        "processor_ratio": statistics.median(alone[1] / whole[1] for alone, whole in rounds),
    }


def _open(data: str) -> Source:
    kind, _, rest = data.partition(":")
    folder, _, split = rest.rpartition(":")
    if kind not in SOURCES or not folder or not split:
        raise UserError(
            f"--source: found {data!r}, expected FORMAT:FOLDER:SPLIT, FORMAT being one of "
            f"{', '.join(SOURCES)}"
        )
    return SOURCES[kind](Options(split, folder))


def _drawn(root: Path) -> Source:
    """A YOLO folder of drawn images."""
    shapes = ShapesSource(Options("train", images=_DRAWN, size=IMAGE_SIZE))
    for name in ("images/train", "labels/train"):
        (root / name).mkdir(parents=True)
    (root / "classes.txt").write_text("\n".join(shapes.class_names))
    for source_id in shapes.ids():
        sample, _ = shapes.read(source_id)
        (root / f"images/train/{source_id}.jpg").write_bytes(sample.image)
        lines = [
            f"{label} {(x0 + x1) / 2} {(y0 + y1) / 2} {x1 - x0} {y1 - y0}"
            for label, (y0, x0, y1, x1) in zip(sample.classes, sample.boxes.tolist(), strict=True)
        ]
        (root / f"labels/train/{source_id}.txt").write_text("\n".join(lines))
    return SOURCES["yolo"](Options("train", str(root)))


def _write_files(source: Source, folder: Path) -> tuple[list[Path], int]:
    """Writes the images that records will have, as files; returns them and the number of boxes."""
    folder.mkdir()
    paths, boxes = [], 0
    for sample, _ in read_all(source, workers=1):
        if sample is not None:
            paths.append(folder / f"{len(paths)}.{sample.image_format}")
            paths[-1].write_bytes(sample.image)
            boxes += len(sample.classes)
    if not paths:
        raise UserError(f"--source: found no usable image in {source.options.input}")
    return paths, boxes


def _bytes_alone(files: list[Path], folder: Path) -> None:
    with tf.io.TFRecordWriter(str(folder / "bytes")) as writer:
        for path in files:
            data = path.read_bytes()
            hashlib.sha256(data).hexdigest()
            writer.write(data)


def _build(source: Source, folder: Path) -> None:
    silence = io.StringIO()
    with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
        build(source, folder / "records", "benchmark", "train", 1, workers=1, skip_bad=True)
