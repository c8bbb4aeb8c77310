"""Speed of the input pipeline, and of the decoding of the pictures, its fixed cost."""

import dataclasses
import itertools
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from yolo_tf.benchmark.timing import stream_speed
from yolo_tf.build import build_head
from yolo_tf.config import Config
from yolo_tf.data import names, pipeline
from yolo_tf.data.bad_records import readable_errors
from yolo_tf.data.shards import write_shards
from yolo_tf.data.sources.base import Options
from yolo_tf.data.sources.shapes import ShapesSource
from yolo_tf.data.tfrecord import encode_example, find_shards, label_table, parse_example

PHOTO_SIZE = (480, 640)  # (height, width) of the drawn pictures, COCO's most frequent
_DRAWN = 64  # pictures
_DECODED = 256  # encoded pictures to keep in memory, at most
_DECODE_BATCH = 16


def measure_pipeline(config: Config, seconds: float, pattern: str = "") -> dict:
    """Measures decoding alone and the whole training pipeline with augmentation and targets.

    Args:
      config: recipe; its input size, batch size, data settings and head are used.
      seconds: time to spend on each of the two.
      pattern: TFRecord shards; empty: pictures are drawn, in a temporary folder.

    Returns:
      "decode", "pipeline": as `timing.speed`; "images", "mean_bytes", "mean_pixels" of the
      encoded pictures that were decoded; and the sizes.

    Raises:
      UserError: the records cannot be used.
    """
    if pattern:
        class_names = names.find_names(pattern, config.data.names)
        names.check_classes(pattern, class_names)
        return _measure(config, seconds, pattern, class_names)
    with tempfile.TemporaryDirectory() as folder:
        return _measure(config, seconds, *draw_records(folder))


def draw_records(folder, images: int = _DRAWN, size=PHOTO_SIZE) -> tuple[str, list[str]]:
    """Writes pictures of shapes with sensor-like noise; returns their pattern and the classes."""
    source = ShapesSource(Options(split="train", images=images, size=size))
    samples = (source.read(source_id)[0] for source_id in source.ids())
    samples = tqdm(samples, desc="drawing pictures", total=images, unit="image", leave=False)
    records = (encode_example(sample, source.class_names) for sample in samples)
    write_shards(folder, "benchmark", "train", 1, records)
    return str(Path(folder) / "benchmark-train*"), source.class_names


def _measure(config, seconds, pattern, class_names):
    data = dataclasses.replace(config.data, train=pattern)
    batch_size = config.train.batch_size
    with readable_errors([pattern], class_names):
        encoded = _read_encoded(pattern, class_names)
        decode = stream_speed(iter(decoding_dataset(encoded)), _DECODE_BATCH, seconds)
        shapes = [tf.io.decode_image(image, channels=3).shape for image in encoded[:_DRAWN]]
        dataset = pipeline.training_dataset(
            data,
            config.input_size,
            batch_size,
            config.train.seed,
            class_names,
            encode=build_head(config, len(class_names)).encode,
        )
        whole = stream_speed(iter(dataset), batch_size, seconds)
    return {
        "data": pattern,
        "images": len(encoded),
        "mean_bytes": float(np.mean([len(image) for image in encoded])),
        "mean_pixels": float(np.mean([shape[0] * shape[1] for shape in shapes])),
        "network": config.model.name,
        "input_size": list(config.input_size),
        "batch_size": batch_size,
        "decode": decode,
        "pipeline": whole,
    }


def _read_encoded(pattern: str, class_names: list[str]) -> list[bytes]:
    table = label_table(class_names)
    records = tf.data.TFRecordDataset(find_shards(pattern))
    images = records.map(lambda record: parse_example(record, table)["encoded"])
    return list(itertools.islice(images.as_numpy_iterator(), _DECODED))


def decoding_dataset(encoded: list[bytes]) -> tf.data.Dataset:
    """Endless batches of one number a picture, for which the picture has to be decoded."""

    def first_value(data):
        return tf.io.decode_image(data, channels=3, expand_animations=False)[0, 0, 0]

    images = tf.data.Dataset.from_tensor_slices(encoded).repeat()
    values = images.map(first_value, num_parallel_calls=tf.data.AUTOTUNE)
    return values.batch(_DECODE_BATCH).prefetch(tf.data.AUTOTUNE)
