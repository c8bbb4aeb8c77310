"""Random rotation, shear and perspective as one matrix (SPEC 8.2, 8.3).

Zoom and shift, the other parts of a random affine change, happen with the crop and cost nothing
there (`crop`).
"""

import math

import tensorflow as tf

from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment.draw import uniform
from yolo_tf.data.augment.flip import flip_matrix, is_mirrored
from yolo_tf.data.augment.warp import warp


def is_turned(config: AugmentConfig) -> bool:
    """Whether the settings turn pictures at all."""
    return config.rotate > 0 or config.shear > 0 or config.perspective > 0


def turn(batch: dict, size: tuple[int, int], config: AugmentConfig) -> dict:
    """Turns pictures and boxes: each box becomes the upright one around its four corners.

    Pictures come out mirrored too, so that no pixel is moved twice; boxes and window are not:
    `flip` does that.

    Args:
      batch: "image" [B, H, W, 3] uint8, its boxes, "window" and "draws".
      size: (H, W).
    """
    matrix = turn_matrix(batch, size, config)
    place = {name: turn_boxes(batch[name], matrix) for name in ("boxes", "whole")}
    place["boxes"] = tf.clip_by_value(place["boxes"], 0.0, 1.0)
    place["window"] = turn_boxes(batch["window"][:, tf.newaxis], matrix)[:, 0]
    inverse = tf.linalg.inv(matrix) @ flip_matrix(is_mirrored(batch, config))
    return {**batch, **place, "image": warp(batch["image"], inverse, size)}


def turn_matrix(batch: dict, size: tuple[int, int], config: AugmentConfig) -> tf.Tensor:
    """From places in the picture to places in the turned one.

    About its centre the picture turns by up to +-`rotate` degrees, shears by up to +-`shear`
    degrees along each axis, and recedes along each axis by up to +-`perspective`: of two opposite
    edges one is drawn smaller by the factor 1 / (1 + perspective / 2), the other one larger by
    1 / (1 - perspective / 2).

    Returns:
      [B, 3, 3] for columns (y, x, 1) normalised by the network input.
    """
    angle, _, shear_y, shear_x, _, _, away_y, away_x = uniform(batch, "affine")
    angle = angle * math.radians(config.rotate)
    shear_y, shear_x = (tf.tan(s * math.radians(config.shear)) for s in (shear_y, shear_x))
    # Rotation times shear, of pixels; between normalised places lies the aspect of the input.
    cos, sin, aspect = tf.cos(angle), tf.sin(angle), size[1] / size[0]
    one, zero = tf.ones_like(angle), tf.zeros_like(angle)
    rows = [
        [cos + sin * shear_x, (cos * shear_y + sin) * aspect, zero],
        [(cos * shear_x - sin) / aspect, cos - sin * shear_y, zero],
        [config.perspective * away_y, config.perspective * away_x, one],
    ]
    linear = tf.stack([tf.stack(row, axis=-1) for row in rows], axis=-2)
    centre = tf.constant([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    return centre @ linear @ tf.linalg.inv(centre)


def turn_boxes(boxes: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """The smallest upright boxes around the four corners of turned boxes.

    Args:
      boxes: [B, N, 4] yxyx.
      matrix: [B, 3, 3] for columns (y, x, 1).

    Returns:
      [B, N, 4] yxyx, not clipped.
    """
    top, left, bottom, right = tf.unstack(boxes, axis=-1)
    corners = tf.stack([top, top, bottom, bottom], -1), tf.stack([left, right, left, right], -1)
    parts = tf.unstack(matrix[:, :, :, tf.newaxis, tf.newaxis], axis=1)
    y, x, depth = (row[:, 0] * corners[0] + row[:, 1] * corners[1] + row[:, 2] for row in parts)
    places = tf.stack([y / depth, x / depth])  # [2, B, N, 4]
    edges = tf.unstack(tf.reduce_min(places, axis=-1)) + tf.unstack(tf.reduce_max(places, axis=-1))
    return tf.stack(edges, axis=-1)
