"""Speed of the input pipeline against its bound, which is decoding and resizing the images.

The encoder, which turns boxes into targets, is measured on its own too.
"""

import dataclasses
import itertools
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from yolo_tf.benchmark.step import random_boxes
from yolo_tf.benchmark.timing import call_times, speed, stream_speed
from yolo_tf.config import AugmentConfig, Config
from yolo_tf.data.decode import DCT
from yolo_tf.data.input import pipeline
from yolo_tf.data.records.bad_records import readable_errors
from yolo_tf.data.records.files import record_dataset
from yolo_tf.data.records.open_records import Records
from yolo_tf.data.records.parsing import parse_example
from yolo_tf.data.records.writing import encode_example, shard_name, write_shard
from yolo_tf.data.sources.base import Options
from yolo_tf.data.sources.shapes import ShapesSource
from yolo_tf.detector.build import build_head
from yolo_tf.ops.resize import resize

IMAGE_SIZE = (480, 640)  # (height, width) of the drawn images, COCO's most frequent
_DRAWN = 64  # images
_DECODED = 256  # encoded images to keep in memory, at most
_BATCH = 16  # of the bound
_ROUNDS = 5
# What is measured besides the recipe's own pipeline. Affine is rotation, shear, zoom and shift.
_AFFINE = AugmentConfig(rotate=10, shear=2, scale=1.5, translate=0.1, mosaic=1)
VARIANTS = {
    "base": None,  # without augmentation
    "mosaic, affine, HSV": _AFFINE,
    "everything": dataclasses.replace(
        _AFFINE, flip_vertical=0.5, resize=1.2, perspective=0.1, mixup=1, erase=1
    ),
}


def measure_pipeline(config: Config, seconds: float, pattern: str = "") -> dict:
    """Measures reading, decoding, augmentation and targets, in turns with the bound.

    One image is decoded for each example of the stream, mosaics too: images a second are source
    images a second.

    Args:
      config: recipe; its input size, batch size, data settings and head are used.
      seconds: time to spend on each figure.
      pattern: TFRecord shards; empty: images are drawn, in a temporary folder.

    Returns:
      "figures": name -> as `timing.speed`, with "share" of the bound, the median over the rounds,
      and "processor_share", the same of processor time, for "bound", those of `VARIANTS` and
      "recipe", the settings of the recipe; "images", "mean_bytes", "mean_pixels" of the encoded
      images of the bound; and the sizes.

    Raises:
      UserError: the records cannot be used.
    """
    if pattern:
        return _measure(config, seconds, Records.open(pattern, config.data))
    with tempfile.TemporaryDirectory() as folder:
        return _measure(config, seconds, Records.unchecked(*draw_records(folder)))


def draw_records(folder, images: int = _DRAWN, size=IMAGE_SIZE) -> tuple[str, list[str]]:
    """Writes images of shapes with sensor-like noise; returns their pattern and the classes."""
    source = ShapesSource(Options(split="train", images=images, size=size))
    samples = (source.read(source_id)[0] for source_id in source.ids())
    samples = tqdm(samples, desc="drawing images", total=images, unit="image", leave=False)
    records = (encode_example(sample, source.class_names) for sample in samples)
    path = Path(folder) / shard_name("benchmark", "train", 0, 1)
    write_shard(path, records)
    return str(path), source.class_names


def _measure(config, seconds, records: Records):
    data, batch_size = config.data, config.train.batch_size
    with readable_errors(records):
        encoded = _read_encoded(records)
        shapes = [tf.io.decode_image(image, channels=3).shape for image in encoded[:_DRAWN]]
        datasets = {"bound": (bound_dataset(encoded, config.input_size), _BATCH)}
        encode = build_head(config, len(records.class_names)).encode
        for name, augment in {**VARIANTS, "recipe": data.augment}.items():
            # One size, so that pixels are comparable.
            augment = augment and dataclasses.replace(augment, sizes=())
            dataset = pipeline.training_dataset(
                records,
                dataclasses.replace(data, augment=augment or data.augment),
                config.input_size,
                batch_size,
                config.train.seed,
                encode=encode,
                augment=augment is not None,
            )
            datasets[name] = dataset, batch_size
        figures = _in_turns(datasets, seconds)
    return {
        "data": records.pattern,
        "images": len(encoded),
        "mean_bytes": float(np.mean([len(image) for image in encoded])),
        "mean_pixels": float(np.mean([shape[0] * shape[1] for shape in shapes])),
        "network": config.model.name,
        "input_size": list(config.input_size),
        "batch_size": batch_size,
        "figures": figures,
    }


def _in_turns(datasets: dict, seconds: float) -> dict:
    """Figures of datasets, name -> (dataset, images in each element); the first is the bound."""
    rounds = []
    for number in tqdm(range(_ROUNDS + 1), "measuring", unit="round", leave=False):
        turns = {name: _turn(*dataset, seconds / _ROUNDS) for name, dataset in datasets.items()}
        if number:  # programs are compiled in the first round
            rounds.append(turns)
    bound, figures = next(iter(datasets)), {}
    for name in datasets:
        shares = (
            statistics.median(turns[name][kind] / turns[bound][kind] for turns in rounds)
            for kind in range(2)
        )
        figures[name] = speed([turns[name][0] for turns in rounds])
        figures[name] |= zip(("share", "processor_share"), shares, strict=True)
    return figures


def _turn(dataset, images: int, seconds: float) -> tuple[float, float]:
    """Images a second, and a second of processor time, of an endless dataset.

    Its iterator lives no longer than this: another one's would keep filling its buffers.
    """
    batches = iter(dataset)
    _pull(batches, seconds / 2)  # until the buffers are as full as they stay
    wall, processor = time.perf_counter(), time.process_time()
    count = images * _pull(batches, seconds)
    return count / (time.perf_counter() - wall), count / (time.process_time() - processor)


def _pull(batches, seconds: float) -> int:
    """Takes batches for so long, one at least; returns how many."""
    count, end = 0, time.perf_counter() + seconds
    while not count or time.perf_counter() < end:
        next(batches)
        count += 1
    return count


def _read_encoded(records: Records) -> list[bytes]:
    table = records.table()
    dataset = record_dataset(records.paths)
    images = dataset.map(lambda record: parse_example(record, table)["encoded"])
    return list(itertools.islice(images.as_numpy_iterator(), _DECODED))


def bound_dataset(encoded: list[bytes], size: tuple[int, int]) -> tf.data.Dataset:
    """Endless batches of one number an image, for which it is decoded and resized."""

    def first_value(data):
        image = tf.io.decode_jpeg(data, channels=3, dct_method=DCT)
        return resize(tf.ensure_shape(image, [None, None, 3]), size)[0, 0, 0]

    images = tf.data.Dataset.from_tensor_slices(encoded).repeat()
    values = images.map(first_value, num_parallel_calls=tf.data.AUTOTUNE)
    return values.batch(_BATCH).prefetch(tf.data.AUTOTUNE)


_BATCHES = 8  # different ones, in turns
_CALLS = 100  # single calls that are timed


def measure_encoding(config: Config, batch_size: int, num_classes: int, seconds: float) -> dict:
    """Measures `head.encode` on batches in memory, padded to `config.data.max_boxes`.

    Args:
      seconds: time to spend on the stream.

    Returns:
      "stream": as `timing.speed`, through `tf.data` with a parallel map as in the pipeline;
      "single": the same of one call after the other; "call_seconds": median of those calls;
      and the sizes.
    """
    head = build_head(config, num_classes)
    limit = config.data.max_boxes
    batches = [random_boxes(batch_size, limit, num_classes, seed) for seed in range(_BATCHES)]
    call = tf.function(head.encode, autograph=False)
    tensors = [(tf.constant(boxes), tf.constant(classes)) for boxes, classes in batches]
    call(*tensors[0])  # traces
    times = [call_times(lambda n=n: call(*tensors[n % _BATCHES]))[0] for n in range(_CALLS)]

    boxes, classes = (tf.stack(values) for values in zip(*batches, strict=True))
    dataset = tf.data.Dataset.from_tensor_slices((boxes, classes)).cache().repeat()
    dataset = dataset.map(head.encode, num_parallel_calls=tf.data.AUTOTUNE)
    stream = iter(dataset.prefetch(tf.data.AUTOTUNE))
    return {
        "network": config.model.name,
        "input_size": list(config.input_size),
        "levels": len(head.strides),
        "batch_size": batch_size,
        "boxes": limit,
        "call_seconds": statistics.median(times),
        "single": speed([batch_size / duration for duration in times]),
        "stream": stream_speed(stream, batch_size, seconds),
    }
