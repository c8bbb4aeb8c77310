"""Records to batches: read -> shuffle -> decode -> augment or fit -> batch -> encode.

A batch is a dict, B images with M boxes each:
  image          [B, H, W, 3] float32 RGB 0..1
  boxes          [B, M, 4] float32 yxyx normalised by the network input; padding all zero
  classes        [B, M] int32; padding -1
  difficult, crowd  [B, M] bool;  area [B, M] float32, square pixels of the image
  source_id      [B] string;  original_size [B, 2] int32 (height, width) of the image
  placement         [B, 4] float32, where the image (mirrored or turned, if it was; of a mosaic or
                 mixup its own one) lies in the network input, yxyx normalised
  cut            [B] int32, boxes of which too little can be seen: cut by crop, tile or border
  dropped        [B] int32, boxes left out because the image has more than M
  targets        what `encode` returns, if one is given; crowd boxes are hidden from it
"""

import tensorflow as tf

from yolo_tf.config import DataConfig
from yolo_tf.config.check import check_part
from yolo_tf.data import decode
from yolo_tf.data.augment.augment import change_images, draw_image, group_size
from yolo_tf.data.augment.boxes import PADDING
from yolo_tf.data.augment.random import input_sizes, size_of_step
from yolo_tf.data.input import stream as service
from yolo_tf.data.input.disk_cache import DiskCache
from yolo_tf.data.input.repeats import repeat_factors
from yolo_tf.data.input.stream import InputShard, shuffled_records
from yolo_tf.data.records.files import record_dataset
from yolo_tf.data.records.open_records import Records
from yolo_tf.data.records.parsing import UNKNOWN_CLASS, faulty_boxes, parse_examples
from yolo_tf.ops.resize import RESIZES, boxes_to_input

_AUTO = tf.data.AUTOTUNE
_SPARE_ROWS = 2  # times M boxes of an image enter augmentation: not all of them stay


@tf.autograph.experimental.do_not_convert
def training_dataset(
    records: Records,
    data: DataConfig,
    input_size: tuple[int, int],
    batch_size: int,
    seed: int,
    encode=None,
    augment: bool = True,
    start_step: int = 0,
    input_context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
    """An endless stream of training batches, a pure function of its arguments.

    The order of epoch e depends on (seed, e), the random numbers of the i-th image of the stream
    on (seed, i), the input size of step s on (seed, s), so a run resumed at `start_step` sees what
    it would have seen without the break. Images of a mosaic or mixup are of one batch, or of
    some successive ones where batches are small.

    With `data.service` the order is that in which the workers deliver, and `start_step` skips
    whole epochs exactly but the rest of one on every worker: see `stream`.

    Args:
      records: what to train on.
      data: augmentation and the like; M = data.max_boxes.
      input_size: (height, width) of the network input, pixels.
      batch_size: images a step over all replicas. With an `input_context` each batch has one
        replica's share.
      seed: of the order and of the augmentation.
      encode: called with boxes [B, M, 4] and classes [B, M] of a batch; with multi-scale
        (data.augment.sizes) a dict of such functions by (height, width).
      augment: false leaves the images as they are, all of `input_size`.
      start_step: batches to skip, without decoding them (unless data.cache is memory).
      input_context: from `tf.distribute`. Where the pipelines share by data (`data.shard`), their
        batches of a step are together that of one process; images of a mosaic or mixup are of
        one pipeline, though.

    Raises:
      UserError: the shards are empty, or a setting is out of range.
    """
    check_part(data, "config.data")
    if data.service:
        service.check_service(data.service)
    paths = records.paths
    input_shard = InputShard.of(input_context, batch_size, data.shard, paths)
    step_images, local_batch = input_shard.images, input_shard.images // input_shard.replicas
    sizes = input_sizes(data.augment, input_size) if augment else (tuple(input_size),)
    # Images that are mixed come from whole steps, so that a step has one input size.
    group = group_size(data.augment, step_images) if augment else local_batch
    group = group or local_batch
    steps = max(group // step_images, 1)  # of such a group
    done = start_step * step_images
    rows = _SPARE_ROWS * data.max_boxes if augment else data.max_boxes
    parse = _parser(records, rows)
    images = _images(data, paths, parse)
    stream = shuffled_records(
        paths,
        parse,
        seed=seed,
        buffer=data.shuffle_buffer,
        done=done // group * group,
        decode=images if data.cache == "memory" else None,
        input_shard=input_shard,
        repeats=repeat_factors(records, data.repeat_threshold) if data.repeat_threshold else None,
    )

    def prepare(index, example):
        example = images(example)
        if not augment:
            return _fit(example, input_size, data.resize)
        step = index // (batch_size * steps) * steps
        number = size_of_step(seed, step, sizes, data.augment.sizes_every)
        numbers = tf.stack([seed % 2**31, index % 2**31])
        example = {**example, "seed": tf.cast(numbers, tf.int32)}
        size = tf.constant(sizes[0]) if len(sizes) == 1 else tf.gather(tf.constant(sizes), number)
        example = draw_image(example, data.augment, size, data.resize == "letterbox")
        return {**example, "size": number}

    batches = stream.map(prepare, num_parallel_calls=_AUTO).batch(group, drop_remainder=True)
    batches = _change(batches, data, sizes) if augment else batches.map(_place)
    batches = _split(batches, group, local_batch).skip(done % group // local_batch)
    return _finish(batches, encode, sizes, data.service)


def _images(data, paths, parse):
    """Function: example -> the same with its image where the cache has it."""
    if data.cache == "memory":
        return decode.decoded
    if data.cache == "none":
        return lambda example: example
    cache = DiskCache(data.cache_dir)
    cache.fill(paths, parse)

    def read(example):
        return {**example, "decoded": cache.read(example.pop("encoded"))}

    return read


def _parser(records: Records, rows):
    """Function: serialized records [B] -> examples with encoded images and `rows` for boxes."""
    table = records.table()

    def parse(serialized):
        examples = parse_examples(serialized, table, rows)
        classes, count = examples["classes"], examples["count"]
        unknown = tf.reduce_any(classes == UNKNOWN_CLASS)
        tf.debugging.Assert(~unknown, ["class not in the list of names"])
        faulty = tf.reduce_any(faulty_boxes(examples["boxes"]))
        tf.debugging.Assert(~faulty, ["no box"])  # `bad_records` names both
        dropped = tf.maximum(count - tf.shape(classes)[1], 0)
        kept = {name: examples[name] for name in [*PADDING, "source_id", "encoded"]}
        return {**kept, "dropped": dropped}

    return parse


def _change(batches, data, sizes):
    """The augmentation of groups of images, a program for each size."""

    def change(batch):
        number = batch.pop("size")[0]
        # One copy of the function for each: TensorFlow's shapes are those of the size.
        branches = [
            lambda size=size: change_images(batch, data.augment, size, data.max_boxes)
            for size in sizes
        ]
        return branches[0]() if len(sizes) == 1 else tf.switch_case(number, branches)

    return batches.map(change, num_parallel_calls=_AUTO)


def _split(groups, group, batch_size):
    """Batches of groups of several."""
    if group == batch_size:
        return groups

    def parts(value):
        shape = tf.shape(value)[1:]
        parts = tf.reshape(value, tf.concat([[group // batch_size, batch_size], shape], 0))
        return tf.ensure_shape(parts, [group // batch_size, batch_size, *value.shape[1:]])

    return groups.map(lambda batch: tf.nest.map_structure(parts, batch)).unbatch()


@tf.autograph.experimental.do_not_convert
def evaluation_dataset(
    records: Records,
    data: DataConfig,
    input_size: tuple[int, int],
    batch_size: int,
    max_boxes: int | None = None,
    encode=None,
    input_context: tf.distribute.InputContext | None = None,
    one_batch: bool = False,
) -> tf.data.Dataset:
    """Each image once, in the order of the files, unchanged; the last batch may be smaller.

    Args:
      records: the images.
      data: for its `resize`.
      max_boxes: M; None: as many as the batch's fullest image has, so that no truth is lost.
      input_context: from `tf.distribute`. Each batch has then one replica's share of `batch_size`
        images, and decodes no others. So that all replicas have equal shares, the last ones are
        filled with copies of an image: "real" [B] bool is false for these.
      one_batch: the first batch with a box alone, to try it.
      Others as in `training_dataset`.
    """
    check_part(data, "config.data")
    parse = _parser(records, max_boxes)
    # A batch is parsed as it will be, so all its images have the rows of the fullest one.
    serialized = record_dataset(records.paths).batch(batch_size)
    parsed = serialized.map(parse, num_parallel_calls=_AUTO)
    if one_batch:
        parsed = parsed.filter(lambda batch: tf.reduce_any(batch["classes"] >= 0)).take(1)
    if input_context:
        input_shard = InputShard.of(input_context, batch_size, "data")
        parsed = parsed.map(lambda batch: _shared_out(batch, input_shard))
        batch_size = input_shard.images // input_shard.replicas
    fitted = parsed.unbatch().map(
        lambda example: _fit(example, input_size, data.resize), num_parallel_calls=_AUTO
    )
    batches = fitted.batch(batch_size, drop_remainder=input_context is not None)
    return _finish(batches.map(_place), encode, (tuple(input_size),))


def _shared_out(batch, input_shard: InputShard):
    """The images of a batch that are this pipeline's, filled up with the first of all."""
    rows = input_shard.index * input_shard.images + tf.range(input_shard.images)
    real = rows < tf.shape(batch["classes"])[0]
    rows = tf.where(real, rows, 0)
    return {**{name: tf.gather(value, rows) for name, value in batch.items()}, "real": real}


def _fit(example, input_size, resize):
    """The whole image as network input; boxes stay normalised by the image."""
    example = dict(decode.decoded(example))
    pixels = example.pop("decoded")
    image, placement = RESIZES[resize](pixels, input_size)
    return {
        **example,
        "image": image,
        "placement": placement,
        "original_size": tf.shape(pixels)[:2],
        "cut": tf.constant(0),
    }


def _place(batch):
    """Boxes normalised by the image -> by the network input; padding stays zero."""
    return {**batch, "boxes": boxes_to_input(batch["boxes"], batch["placement"])}


def _finish(batches, encode, sizes, address=""):
    def add_targets(batch):
        crowd = batch["crowd"]
        boxes = tf.where(crowd[..., tf.newaxis], 0.0, batch["boxes"])
        classes = tf.where(crowd, -1, batch["classes"])
        if not isinstance(encode, dict):
            return {**batch, "targets": encode(boxes, classes)}
        heights = tf.constant([size[0] for size in sizes])
        number = tf.argmax(heights == tf.shape(batch["image"])[1], output_type=tf.int32)
        branches = [lambda size=size: encode[size](boxes, classes) for size in sizes]
        targets = branches[0]() if len(sizes) == 1 else tf.switch_case(number, branches)
        return {**batch, "targets": targets}

    if encode is not None:
        batches = batches.map(add_targets, num_parallel_calls=_AUTO)
    options = tf.data.Options()
    options.deterministic = True
    batches = batches.with_options(options)
    if address:
        batches = service.distribute(batches, address)
    return batches.prefetch(_AUTO)
