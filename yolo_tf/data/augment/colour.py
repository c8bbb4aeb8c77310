"""Random changes of colour and random erasing; boxes stay as they are.

Erasing hides a part of the image under a grey rectangle (Zhong et al., arXiv:1708.04896).
"""

import math

import tensorflow as tf

from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment.boxes import box_area, keep_rows
from yolo_tf.data.augment.random import uniform
from yolo_tf.ops.resize import PAD_VALUE


def is_coloured(config: AugmentConfig) -> bool:
    """Whether the settings change any colour."""
    return config.hue > 0 or config.saturation != 1 or config.exposure != 1


def hsv_jitter(images: tf.Tensor, draws: dict, config: AugmentConfig) -> tf.Tensor:
    """Random shift of hue and random factors for saturation and value, as Darknet's.

    The hue moves by up to +-`hue` of a full turn. Saturation is multiplied by a factor f and the
    value by another; f is uniform in [1, limit], or the reciprocal of that with probability 1/2.

    Args:
      images: [B, H, W, 3] float32 RGB, 0..1.
      draws: the batch, for its numbers.
    """
    turn, *numbers = uniform(draws, "hsv")

    def factor(limit, amount, direction):
        grown = 1.0 + (limit - 1.0) * (amount + 1.0) / 2
        return tf.where(direction < 0.0, grown, 1.0 / grown)

    return change_hsv(
        images,
        turn * config.hue if config.hue > 0 else None,
        factor(config.saturation, numbers[0], numbers[1]),
        factor(config.exposure, numbers[2], numbers[3]),
    )


def change_hsv(images: tf.Tensor, turn, saturation, exposure) -> tf.Tensor:
    """Shifts hue and scales saturation and value in HSV space, without leaving RGB.

    Equal, up to rounding, to RGB -> HSV; h += turn; s = min(1, s * saturation);
    v = min(1, v * exposure); -> RGB, at less than half the cost (float32 error below 1e-6). With
    M and m the largest and least channel of a pixel, v = M and s = (M - m) / M, and a channel is
    c = v - s * v * k, where k depends on the hue alone. Hence
      - scaling s by r and v by g makes it g * (M - r * (M - c)): one line p * c + q a pixel;
      - shifting the hue leaves M and m and is itself linear but for a clip, see `_hue_matrix`.

    Args:
      images: [B, H, W, 3] float32 RGB, 0..1.
      turn: [B] in [-0.5, 0.5], a share of a full turn; None: the hue stays.
      saturation: [B] factors > 0.
      exposure: [B] factors > 0.

    Returns:
      [B, H, W, 3] float32 RGB, 0..1 but for rounding (1e-7).
    """
    # Planes, not pixels: whole-plane arithmetic is several times faster than over 3 channels.
    planes = tf.unstack(tf.transpose(images, [3, 0, 1, 2]))
    saturation, exposure = (v[:, tf.newaxis, tf.newaxis] for v in (saturation, exposure))
    top = tf.maximum(tf.maximum(planes[0], planes[1]), planes[2])
    low = tf.minimum(tf.minimum(planes[0], planes[1]), planes[2])
    gain = tf.minimum(exposure, 1.0 / tf.maximum(top, 1e-6))
    ratio = tf.minimum(saturation, top / tf.maximum(top - low, 1e-6))
    slope = gain * ratio
    intercept = (gain - slope) * top
    if turn is not None:
        matrix, weight = _hue_matrix(turn[:, tf.newaxis, tf.newaxis])
        common = weight * (top + low)
        rotated = [sum(row[i] * planes[i] for i in range(3)) + common for row in matrix]
        planes = [tf.maximum(tf.minimum(plane, top), low) for plane in rotated]
    return tf.transpose(tf.stack([slope * plane + intercept for plane in planes]), [1, 2, 3, 0])


def _hue_matrix(turn):
    """Rows of a 3x3 matrix and a weight: channels' = clip(matrix @ rgb + weight (M + m), m, M).

    Along the hue circle of six sextants a channel is a trapezoid of slope 1 between m and M, and
    the other two are the same shifted by two sextants. For a shift of e in [0, 1] sextants both
    flanks of red's shifted trapezoid are R - G + (2e - 1) B + (1 - e) (M + m) wherever they lie
    between m and M, and beyond it where they do not. A shift back exchanges G and B; two whole
    sextants permute the channels. So any shift is a permutation and one e in [-1, 1].
    """
    sextants = 6.0 * turn
    pairs = tf.round(sextants / 2.0)
    rest = sextants - 2.0 * pairs
    third = 2.0 * tf.abs(rest) - 1.0
    row = [
        tf.ones_like(turn),
        tf.where(rest >= 0.0, -1.0, third),
        tf.where(rest >= 0.0, third, -1.0),
    ]
    pairs = tf.cast(pairs, tf.int32) % 3
    rows = []
    for i in range(3):
        # Row i is the first one moved i places on, and `pairs` places back.
        shifted = [[row[(j - i + back) % 3] for back in range(3)] for j in range(3)]
        rows.append([tf.where(pairs == 0, a, tf.where(pairs == 1, b, c)) for a, b, c in shifted])
    return rows, 1.0 - tf.abs(rest)


_LEAST_AREA = 0.02  # share of the image
_MOST_ASPECT = 10 / 3  # of the rectangle; both numbers are the paper's


def erase(batch: dict, config: AugmentConfig) -> dict:
    """Chooses rectangles, with the probability `erase`, of up to the share `erase_area`.

    A box stays as it is, or goes, and counts as cut, where less than the share `min_area` of it
    is left to see.

    Returns:
      The batch with "erased" [B, 4] yxyx normalised, for `erase_images`; all zero: nothing.
    """
    chance, area, aspect, *corner = uniform(batch, "erase", 0.0, 1.0)
    area = _LEAST_AREA + area * max(config.erase_area - _LEAST_AREA, 0.0)
    aspect = tf.exp((2.0 * aspect - 1.0) * math.log(_MOST_ASPECT))
    sides = tf.stack([tf.sqrt(area * aspect), tf.sqrt(area / aspect)], axis=-1)
    sides = tf.minimum(sides, 1.0)
    low = tf.stack(corner, axis=-1) * (1.0 - sides)
    chosen = chance < config.erase
    erased = tf.where(chosen[:, tf.newaxis], tf.concat([low, low + sides], axis=-1), 0.0)
    boxes, hidden = batch["boxes"], erased[:, tf.newaxis]
    hidden = tf.concat(
        [tf.maximum(boxes[..., :2], hidden[..., :2]), tf.minimum(boxes[..., 2:], hidden[..., 2:])],
        axis=-1,
    )
    left = box_area(boxes) - box_area(hidden)
    keep = left >= config.min_area * box_area(boxes)
    return keep_rows({**batch, "erased": erased}, keep, boxes.shape[1])


def erase_images(images: tf.Tensor, erased: tf.Tensor) -> tf.Tensor:
    """Images [B, H, W, C] in 0..1 with the rectangles in grey."""
    height, width = images.shape[1:3]
    rows = (tf.range(height, dtype=tf.float32) + 0.5) / height
    columns = (tf.range(width, dtype=tf.float32) + 0.5) / width
    top, left, bottom, right = tf.unstack(erased[:, tf.newaxis], axis=-1)
    hit_y, hit_x = (rows >= top) & (rows < bottom), (columns >= left) & (columns < right)
    hit = hit_y[:, :, tf.newaxis] & hit_x[:, tf.newaxis]
    return tf.where(hit[..., tf.newaxis], PAD_VALUE, images)
