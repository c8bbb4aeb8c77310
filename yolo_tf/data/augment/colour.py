"""Random changes of colour (SPEC 8.1), boxes untouched."""

import tensorflow as tf

from yolo_tf.data.augment.draw import uniform

_HSV = 3  # stream of random numbers


def hsv_jitter(
    example: dict, hue: float = 0.1, saturation: float = 1.5, exposure: float = 1.5
) -> dict:
    """Random shift of hue and random factors for saturation and value, as Darknet's.

    The hue moves by up to +-`hue` of a full turn. Saturation is multiplied by a factor f and the
    value by another; f is uniform in [1, limit], or the reciprocal of that with probability 1/2.
    """
    turn, *draws = uniform(example, _HSV, 5)

    def factor(limit, amount, direction):
        grown = 1.0 + (limit - 1.0) * (amount + 1.0) / 2
        return tf.where(direction < 0.0, grown, 1.0 / grown)

    image = change_hsv(
        example["image"],
        turn * hue if hue > 0 else None,
        factor(saturation, draws[0], draws[1]),
        factor(exposure, draws[2], draws[3]),
    )
    return {**example, "image": image}


def change_hsv(image: tf.Tensor, turn, saturation, exposure) -> tf.Tensor:
    """Shifts hue and scales saturation and value in HSV space, without leaving RGB.

    Equal, up to rounding, to RGB -> HSV; h += turn; s = min(1, s * saturation);
    v = min(1, v * exposure); -> RGB, at less than half the cost (float32 error below 1e-6). With
    M and m the largest and least channel of a pixel, v = M and s = (M - m) / M, and a channel is
    c = v - s * v * k, where k depends on the hue alone. Hence
      - scaling s by r and v by g makes it g * (M - r * (M - c)): one line p * c + q a pixel;
      - shifting the hue leaves M and m and is itself linear but for a clip, see `_hue_matrix`.

    Args:
      image: [H, W, 3] float32 RGB, 0..1.
      turn: scalar in [-0.5, 0.5], a share of a full turn; None: the hue stays.
      saturation: scalar factor > 0.
      exposure: scalar factor > 0.

    Returns:
      [H, W, 3] float32 RGB, 0..1 but for rounding (1e-7).
    """
    # Planes, not pixels: whole-plane arithmetic is several times faster than over 3 channels.
    planes = tf.unstack(tf.transpose(image, [2, 0, 1]))
    top = tf.maximum(tf.maximum(planes[0], planes[1]), planes[2])
    low = tf.minimum(tf.minimum(planes[0], planes[1]), planes[2])
    gain = tf.minimum(exposure, 1.0 / tf.maximum(top, 1e-6))
    ratio = tf.minimum(saturation, top / tf.maximum(top - low, 1e-6))
    slope = gain * ratio
    intercept = (gain - slope) * top
    if turn is not None:
        matrix, weight = _hue_matrix(turn)
        common = weight * (top + low)
        rotated = [sum(row[i] * planes[i] for i in range(3)) + common for row in matrix]
        planes = [tf.maximum(tf.minimum(plane, top), low) for plane in rotated]
    return tf.transpose(tf.stack([slope * plane + intercept for plane in planes]), [1, 2, 0])


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
    row = tf.where(rest >= 0.0, tf.stack([1.0, -1.0, third]), tf.stack([1.0, third, -1.0]))
    rows = [tf.unstack(tf.roll(row, i - tf.cast(pairs, tf.int32), 0)) for i in range(3)]
    return rows, 1.0 - tf.abs(rest)
