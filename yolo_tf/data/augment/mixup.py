"""Mixup: two pictures of a batch shine through each other, with the boxes of both."""

import tensorflow as tf

from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment.boxes import PADDING, keep_rows
from yolo_tf.data.augment.draw import uniform


def mixup(batch: dict, config: AugmentConfig, max_boxes: int) -> dict:
    """Chooses partners and adds their boxes, with the probability `mixup`.

    The picture keeps the share r of its brightness and gets 1 - r of its partner's; r is the mean
    of six uniform numbers, close to Beta(8, 8) (Zhang et al., arXiv 1902.04103, Model Garden).

    Args:
      batch: its boxes, "draws".
      max_boxes: rows for boxes in the result.

    Returns:
      The batch with "partner" [B] int32, numbers of pictures, and "share" [B] float32, r, for
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
    """share * picture + (1 - share) * its partner; pictures [B, H, W, C] float32."""
    share = share[:, tf.newaxis, tf.newaxis, tf.newaxis]
    return share * images + (1.0 - share) * tf.gather(images, partner)
