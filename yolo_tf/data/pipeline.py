"""Records to batches: read -> shuffle -> decode -> augment or fit -> pad -> batch -> encode.

A batch is a dict, B images with M boxes each:
  image          [B, H, W, 3] float32 RGB 0..1
  boxes          [B, M, 4] float32 yxyx normalised by the network input; padding all zero
  classes        [B, M] int32; padding -1
  difficult, crowd  [B, M] bool;  area [B, M] float32, square pixels of the photo
  source_id      [B] string;  original_size [B, 2] int32 (height, width) of the photo
  window         [B, 4] float32, where the photo (mirrored, if it was) lies in the network
                 input, yxyx normalised
  cut            [B] int32, boxes left out because the random crop shows too little of them
  dropped        [B] int32, boxes left out because the image has more than M
  targets        what `encode` returns, if one is given; crowd boxes are hidden from it
"""

import tensorflow as tf

from yolo_tf.config import DataConfig
from yolo_tf.data.augment import augment_photo, check_augment
from yolo_tf.data.stream import Share, endless_stream
from yolo_tf.data.tfrecord import find_shards, label_table, parse_example
from yolo_tf.errors import UserError
from yolo_tf.ops.resize import RESIZES, window_to_input

_AUTO = tf.data.AUTOTUNE
_PADDING = {"boxes": 0.0, "classes": -1, "difficult": False, "crowd": False, "area": 0.0}


def training_dataset(
    data: DataConfig,
    input_size: tuple[int, int],
    batch_size: int,
    seed: int,
    class_names: list[str],
    encode=None,
    augment: bool = True,
    start_step: int = 0,
    input_context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
    """An endless stream of training batches, a pure function of its arguments.

    The order of epoch e depends on (seed, e), the augmentation of the i-th image of the stream on
    (seed, i), so a run resumed at `start_step` sees what it would have seen without the break.

    Args:
      data: where the records are; augmentation; M = data.max_boxes.
      input_size: (height, width) of the network input, pixels.
      batch_size: images a step over all replicas. With an `input_context` each batch has one
        replica's share.
      seed: of the order and of the augmentation.
      class_names: the names behind class 0, 1, ...
      encode: called with boxes [B, M, 4] and classes [B, M] of a batch.
      augment: false leaves the pictures as they are.
      start_step: batches to skip, without decoding them (unless data.cache).
      input_context: from `tf.distribute`; the pipelines share out files, or records where there
        are fewer files than pipelines.

    Raises:
      UserError: nothing matches the pattern, the shards are empty, or a setting is out of range.
    """
    _check(data)
    check_augment(data.augment)
    share = Share.of(input_context)
    local_batch = share.per_replica(batch_size)
    stream = endless_stream(
        find_shards(data.train),
        _decoder(class_names),
        seed=seed,
        buffer=data.shuffle_buffer,
        done=start_step * local_batch * share.replicas,
        cache=data.cache,
        share=share,
    )

    def prepare(index, example):
        if augment:
            numbers = tf.stack([(seed + 7919 * share.index) % 2**31, index % 2**31])
            example = {**example, "seed": tf.cast(numbers, tf.int32)}
            letterbox = data.resize == "letterbox"
            example = augment_photo(example, data.augment, input_size, letterbox)
            del example["seed"]
        else:
            example = _fit(example, input_size, data.resize)
        return _pad(example, data.max_boxes)

    examples = stream.map(prepare, num_parallel_calls=_AUTO)
    return _finish(examples.batch(local_batch, drop_remainder=True), encode)


def evaluation_dataset(
    pattern: str,
    data: DataConfig,
    input_size: tuple[int, int],
    batch_size: int,
    class_names: list[str],
    max_boxes: int | None = None,
    encode=None,
) -> tf.data.Dataset:
    """Each image once, in the order of the files, unchanged; the last batch may be smaller.

    Args:
      pattern: glob of the shards, commas between several.
      data: for its `resize`.
      max_boxes: M; None: as many as the batch's fullest image has, so that no truth is lost.
      Others as in `training_dataset`.
    """
    _check(data)
    decode = _decoder(class_names)

    def prepare(serialized):
        example = _fit(decode(serialized), input_size, data.resize)
        return _pad(example, max_boxes) if max_boxes else {**example, "dropped": tf.constant(0)}

    records = tf.data.TFRecordDataset(find_shards(pattern))
    examples = records.map(prepare, num_parallel_calls=_AUTO)
    values = {
        name: tf.constant(_PADDING.get(name, "" if spec.dtype == tf.string else 0), spec.dtype)
        for name, spec in examples.element_spec.items()
    }
    return _finish(examples.padded_batch(batch_size, padding_values=values), encode)


def _decoder(class_names):
    """Function: serialized record -> example with a uint8 photo and all its boxes."""
    table = label_table(class_names)

    def decode(serialized):
        record = parse_example(serialized, table)
        tf.debugging.assert_non_negative(record["classes"], "class not in the list of names")
        image = tf.io.decode_image(record["encoded"], channels=3, expand_animations=False)
        image.set_shape([None, None, 3])
        kept = {name: record[name] for name in [*_PADDING, "source_id"]}
        return {**kept, "image": image, "original_size": tf.shape(image)[:2]}

    return decode


def _fit(example, input_size, resize):
    """The whole photo as network input."""
    image, window = RESIZES[resize](example["image"], input_size)
    boxes = window_to_input(example["boxes"], window)
    return {**example, "image": image, "boxes": boxes, "window": window, "cut": tf.constant(0)}


def _pad(example, max_boxes):
    """Exactly `max_boxes` rows: padded, or the first ones kept and the rest counted."""
    count = tf.shape(example["boxes"])[0]
    missing = tf.maximum(max_boxes - count, 0)
    for name, value in _PADDING.items():
        rows = example[name][:max_boxes]
        pads = [[0, missing], [0, 0]][: rows.shape.rank]
        padded = tf.pad(rows, pads, constant_values=tf.cast(value, rows.dtype))
        example = {**example, name: tf.ensure_shape(padded, [max_boxes, *rows.shape[1:]])}
    return {**example, "dropped": tf.maximum(count - max_boxes, 0)}


def _finish(batches, encode):
    def add_targets(batch):
        crowd = batch["crowd"]
        boxes = tf.where(crowd[..., tf.newaxis], 0.0, batch["boxes"])
        return {**batch, "targets": encode(boxes, tf.where(crowd, -1, batch["classes"]))}

    if encode is not None:
        batches = batches.map(add_targets, num_parallel_calls=_AUTO)
    options = tf.data.Options()
    options.deterministic = True
    return batches.with_options(options).prefetch(_AUTO)


def _check(data):
    if data.resize not in RESIZES:
        raise UserError(f"data.resize is {data.resize!r}: expected one of {', '.join(RESIZES)}")
    if data.max_boxes < 1 or data.shuffle_buffer < 1:
        raise UserError(
            f"data.max_boxes is {data.max_boxes} and data.shuffle_buffer {data.shuffle_buffer}: "
            "expected 1 or more"
        )
