"""Mosaics of four images of a batch (algorithms.md 8.3).

Four images meet at a seam, a random point in the middle of the mosaic. Of each, the corner that
faces the others lies at the seam, and it is seen in its own quadrant alone.

  darknet  Images keep their size: a mosaic shows a part of each.
  scaled   Images are drawn smaller (`mosaic_scale`), as on a canvas of twice the size that is
           seen from farther away: a mosaic shows most of each.

Where these differ from their models: the labels of the right and lower tiles move with their
images and shifts act (Model Garden's do not), boxes end at their tile (Darknet's do not), and
the letterbox is allowed, where Darknet stops (algorithms.md 10.24, 10.25).
"""

import numpy as np
import tensorflow as tf

from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment.boxes import PADDING, ROWS, keep_rows
from yolo_tf.data.augment.random import uniform

TILES = 4  # top left, top right, bottom left, bottom right
MANNERS = ("darknet", "scaled")
_SECOND = np.array([[False, False], [False, True], [True, False], [True, True]])  # (y, x) of tiles


def is_mosaic(draws: dict, config: AugmentConfig) -> tf.Tensor:
    """[...] bool, with the probability `mosaic`."""
    return uniform(draws, "mosaic", 0.0, 1.0)[0] < config.mosaic


def image_zoom(draws: dict, config: AugmentConfig) -> tf.Tensor:
    """[...] the scale at which an image is drawn: smaller where it becomes a scaled mosaic."""
    low, high = config.mosaic_scale if config.mosaic_manner == "scaled" else (1.0, 1.0)
    zoom = low + (high - low) * uniform(draws, "mosaic", 0.0, 1.0)[4]
    return tf.where(is_mosaic(draws, config), zoom, 1.0)


def mosaic(batch: dict, size: tuple[int, int], config: AugmentConfig) -> dict:
    """Makes images of a batch mosaics, with the probability `mosaic` each.

    The image itself is one of the four, any of them; the other three are other images of the
    batch, different ones where it has four or more. So every image is decoded once and seen in
    about four mosaics.

    Args:
      batch: "image" [B, H, W, 3] uint8, its boxes (N rows), "placement" and "draws".
      size: (H, W).

    Returns:
      The batch with 4 N rows of boxes; "placement" tells where the image itself lies in its mosaic.
    """
    chosen = is_mosaic(batch, config)
    source, own = _sources(batch, chosen)
    seam = _seam(batch, chosen, size, config)
    corners = tf.gather(_corners(batch["placement"], size), source)  # [B, 4, 2, 2]
    # A tile of the left or upper half ends at the seam with the end of its source image, one of the
    # right or lower half starts there with its start, within the source's bounds
    # (algorithms.md 8.3).
    ending = tf.maximum(corners[:, :, 1] - seam[:, tf.newaxis], 0)
    starting = tf.minimum(corners[:, :, 0], seam[:, tf.newaxis])
    start = tf.where(_SECOND, starting, ending)  # first pixel of each tile in its source
    image = tf.stack(_join(batch["image"], source, start, seam, size))
    moved = tf.where(_SECOND, seam[:, tf.newaxis], 0) - start
    shift = tf.cast(moved, tf.float32) / tf.constant(size, tf.float32)
    rows = _tile_boxes(batch, source, chosen, shift, seam, size)
    placement = batch["placement"] + tf.tile(tf.gather(shift, own, axis=1, batch_dims=1), [1, 2])
    return {**batch, **rows, "image": image, "placement": placement}


def _sources(batch, chosen):
    """[B, 4] the source image of each tile, and [B] the tile with the image itself."""
    _, tile, _, _, _, *others = uniform(batch, "mosaic", 0.0, 1.0)
    count = chosen.shape[0]
    # The other three come from three parts of the batch, so that none comes twice.
    part = (count - 1) / (TILES - 1)
    steps = [1 + tf.cast((i + number) * part, tf.int32) for i, number in enumerate(others)]
    steps = [tf.minimum(step, max(count - 1, 0)) for step in steps]
    own = tf.where(chosen, tf.cast(tile * TILES, tf.int32), 0)
    order = (tf.range(TILES) - own[:, tf.newaxis]) % TILES
    steps = tf.stack([tf.zeros([count], tf.int32), *steps], axis=1)
    steps = tf.gather(steps, order, axis=1, batch_dims=1)
    return (tf.range(count)[:, tf.newaxis] + steps) % count, own


def _seam(batch, chosen, size, config):
    """[B, 2] int32 pixels (y, x); of an image that is no mosaic its end: one tile fills it."""
    places = tf.stack(uniform(batch, "mosaic")[2:4], axis=1)
    seam = tf.round((0.5 + config.mosaic_center * places) * tf.constant(size, tf.float32))
    return tf.where(chosen[:, tf.newaxis], tf.cast(seam, tf.int32), tf.constant(size))


def _corners(placement, size):
    """[B, 2, 2] int32 pixels: start and end (y, x) of the source image within the input."""
    corners = tf.reshape(tf.clip_by_value(placement, 0.0, 1.0), [-1, 2, 2])
    return tf.cast(tf.round(corners * tf.constant(size, tf.float32)), tf.int32)


def _join(images, source, start, seam, size):
    """The mosaics, [H, W, 3] each. Copies of rows, the cheapest way: no pixel is computed."""
    joined = []
    for number in range(images.shape[0]):
        first, second = tf.unstack(seam[number]), tf.unstack(tf.constant(size) - seam[number])
        tiles = []
        for tile, (lower, right) in enumerate(_SECOND):
            begin = tf.stack([source[number, tile], *tf.unstack(start[number, tile]), 0])
            height = second[0] if lower else first[0]
            width = second[1] if right else first[1]
            tiles.append(tf.slice(images, begin, tf.stack([1, height, width, 3]))[0])
        halves = tf.concat(tiles[:2], axis=1), tf.concat(tiles[2:], axis=1)
        joined.append(tf.ensure_shape(tf.concat(halves, axis=0), [*size, 3]))
    return joined


def _tile_boxes(batch, source, chosen, shift, seam, size):
    """The boxes of all four tiles, moved and cut where their tile ends: [B, 4 N, ...]."""
    rows = {name: tf.gather(batch[name], source) for name in ROWS}  # [B, 4, N, ...]
    seam = tf.cast(seam, tf.float32) / tf.constant(size, tf.float32)
    low = tf.where(_SECOND, seam[:, tf.newaxis], 0.0)
    high = tf.where(_SECOND, 1.0, seam[:, tf.newaxis])
    shift, low, high = (tf.tile(v, [1, 1, 2])[:, :, tf.newaxis] for v in (shift, low, high))
    rows["whole"] += shift
    rows["boxes"] = tf.minimum(tf.maximum(rows["boxes"] + shift, low), high)
    seen = chosen[:, tf.newaxis] | (tf.range(TILES) == 0)
    rows["classes"] = tf.where(seen[..., tf.newaxis], rows["classes"], -1)
    count = TILES * rows["classes"].shape[-1]
    return {k: tf.reshape(v, [v.shape[0], count, *v.shape[3:]]) for k, v in rows.items()}


def mixup(batch: dict, config: AugmentConfig, max_boxes: int) -> dict:
    """Chooses partners and adds their boxes, with the probability `mixup`.

    The image keeps the share r of its brightness and gets 1 - r of its partner's; r is the mean
    of six uniform numbers, close to Beta(8, 8) (Zhang et al., arXiv 1902.04103, Model Garden).

    Args:
      batch: its boxes, "draws".
      max_boxes: rows for boxes in the result.

    Returns:
      The batch with "partner" [B] int32, numbers of images, and "share" [B] float32, r, for
      `mix_images`.
    """
    chance, which, *numbers = uniform(batch, "mixup", 0.0, 1.0)
    count = chance.shape[0]
    chosen = (chance < config.mixup) & (count > 1)
    step = 1 + tf.cast(which * (count - 1), tf.int32)
    partner = tf.where(chosen, (tf.range(count) + step) % count, tf.range(count))
    share = tf.where(chosen, tf.add_n(numbers) / len(numbers), 1.0)
    rows = {name: tf.gather(batch[name], partner) for name in PADDING}
    rows["classes"] = tf.where(chosen[:, tf.newaxis], rows["classes"], -1)
    both = {name: tf.concat([batch[name], rows[name]], axis=1) for name in PADDING}
    batch = {**batch, **both, "partner": partner, "share": share}
    return keep_rows(batch, batch["classes"] >= 0, max_boxes)


def mix_images(images: tf.Tensor, partner: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """share * image + (1 - share) * its partner; images [B, H, W, C] float32."""
    share = share[:, tf.newaxis, tf.newaxis, tf.newaxis]
    return share * images + (1.0 - share) * tf.gather(images, partner)
