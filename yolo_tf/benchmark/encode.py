"""Speed of turning boxes into targets, as the input pipeline does it."""

import statistics

import tensorflow as tf

from yolo_tf.benchmark.boxes import random_boxes
from yolo_tf.benchmark.timing import call_times, speed, stream_speed
from yolo_tf.build import build_head
from yolo_tf.config import Config

_BATCHES = 8  # different ones, in turns
_CALLS = 100  # single calls whose times are looked at


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
