"""Random changes of training images: dict -> dict functions, each a pure function of its seed.

Each image is brought to the input's size by itself (`draw_image`: crop, zoom, shift). All
else happens to a batch of images (`change_images`), in this order: mosaic, turn, the rule for
cut boxes, mirror, mixup, colour, erasing. Boxes are changed by plain operations on small arrays;
pixels, from the mirror on, in two or three passes that XLA compiles.
"""

import tensorflow as tf

from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment import boxes, colour, geometry, mosaic, random, warp
from yolo_tf.data.decode import example_part, example_size

_CHOSEN = ("draws", "mirror", "partner", "share", "erased")  # what the pixels are changed by
_LEAST_GROUP = 8  # images among which mosaic and mixup choose, at least


def group_size(config: AugmentConfig, step_images: int) -> int:
    """Images among which mosaic and mixup choose, a multiple of a step's; 0: they are off."""
    if config.mosaic == 0 and config.mixup == 0:
        return 0
    return step_images * -(-_LEAST_GROUP // step_images)


def draw_image(example: dict, config: AugmentConfig, size, letterbox: bool = False) -> dict:
    """Brings an image to the input's size: crop, zoom and shift.

    Args:
      example: one example, its image as `data.image` has it, and "seed" [2] int32.
      size: [2] int32 (height, width) of the network input, pixels.

    Returns:
      The example without image and seed; "image" [height, width, 3] uint8 for mosaics and turned
      images, else float32 0..255; "placement" [4], the place of the whole image in it, which may
      reach beyond [0, 1]; "original_size" [2] int32; "draws", its random numbers. Boxes stay
      those of the image: `change_images` moves them.
    """
    example = {**example, "draws": random.draw_numbers(example["seed"])}
    zoom = mosaic.image_zoom(example, config) if config.mosaic > 0 else 1.0
    example, sides = example_size(example)
    start, extent = geometry.crop_rectangle(sides, example, config, size, letterbox, zoom)
    part = example_part(example, *geometry.visible_part(sides, start, extent))
    # Images that are copied about have a quarter of the bytes.
    kind = tf.uint8 if config.mosaic > 0 or geometry.is_turned(config) else tf.float32
    image, placement = geometry.draw_crop(part, sides, start, extent, size, kind)
    rest = {k: v for k, v in example.items() if k not in ("decoded", "encoded", "seed")}
    return {**rest, "image": image, "placement": placement, "original_size": sides}


def change_images(
    batch: dict, config: AugmentConfig, size: tuple[int, int], max_boxes: int
) -> dict:
    """All changes but those of `draw_image`.

    Args:
      batch: of `draw_image`, with N rows for boxes; as many images as `group_size` says.
      size: (H, W).
      max_boxes: M.

    Returns:
      The batch without "draws"; "image" [B, H, W, 3] float32 0..1, M rows of boxes; "placement"
      after all changes but the mixup; "cut" and "dropped" [B] int32, boxes left out by the rule
      for cut boxes, and for want of rows.
    """
    none = tf.zeros([batch["classes"].shape[0]], tf.int32)
    batch = boxes.place({"cut": none, "dropped": none, **batch})
    if config.mosaic > 0:
        batch = mosaic.mosaic(batch, size, config)
    if geometry.is_turned(config):
        batch = geometry.turn(batch, size, config)
    batch = boxes.settle(batch, size, config, max_boxes)
    batch = geometry.flip(batch, config)
    if config.mixup > 0:
        batch = mosaic.mixup(batch, config, max_boxes)
    if config.erase > 0:
        batch = colour.erase(batch, config)
    return _paint(batch, config, size)


def _paint(batch, config, size):
    """Changes the pixels as the functions before have chosen."""
    count = batch["classes"].shape[0]
    packed = batch["image"].dtype == tf.int32
    image = tf.ensure_shape(batch["image"], [count, *size] if packed else [count, *size, 3])

    # Programs of their own: XLA would compute all that lies before a mirror or a partner with one
    # pixel at a time if both were in one, in 15 times the time.
    @_compiled
    def mirror(image, mirror):
        if packed:  # and mirrored
            return warp.unpack(image) * (1.0 / 255.0)
        return geometry.flip_images(tf.cast(image, tf.float32) * (1.0 / 255.0), mirror, config)

    @_compiled
    def colours(image, batch):
        if colour.is_coloured(config):
            image = colour.hsv_jitter(image, batch, config)
        if config.erase > 0:
            image = colour.erase_images(image, batch["erased"])
        return tf.clip_by_value(image, 0.0, 1.0)

    image = mirror(image, batch["mirror"])
    if config.mixup > 0:
        image = _compiled(mosaic.mix_images)(image, batch["partner"], batch["share"])
    chosen = {name: batch[name] for name in _CHOSEN if name in batch}
    image = colours(image, {k: v for k, v in chosen.items() if k in ("draws", "erased")})
    return {**{k: v for k, v in batch.items() if k not in chosen}, "image": image}


def _compiled(function):
    return tf.function(function, jit_compile=True, autograph=False)
