"""Ground truth as a training batch has it, made of random numbers."""

import numpy as np

_FEWEST, _MOST = 1, 19  # boxes an image, 10 on average


def random_boxes(batch: int, limit: int, num_classes: int, seed: int = 0):
    """Padded boxes of one batch.

    Args:
      limit: rows an image; images have 1 to 19 boxes, at most `limit`.

    Returns:
      boxes [batch, limit, 4] float32 yxyx normalised, all zero where padding;
      classes [batch, limit] int32, -1 where padding.
    """
    random = np.random.default_rng(seed)
    low = random.uniform(0.0, 0.6, [batch, limit, 2])
    boxes = np.concatenate([low, low + random.uniform(0.02, 0.4, low.shape)], axis=-1)
    classes = random.integers(0, num_classes, [batch, limit])
    counts = random.integers(_FEWEST, _MOST + 1, [batch, 1])
    real = np.arange(limit) < counts
    boxes = np.where(real[..., None], boxes, 0.0).astype(np.float32)
    return boxes, np.where(real, classes, -1).astype(np.int32)
