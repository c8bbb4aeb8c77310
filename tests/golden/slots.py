"""Our targets as the label grids of implementations where the last box of a slot wins."""

import numpy as np

from yolo_tf.heads.yolo.level import flatten_rows


def last_box(targets, stride, grid) -> np.ndarray:
    """[B, rows, cols, A]: index of the box that holds the slot, -1 where none does."""
    level_targets = targets["levels"][stride]
    per_box = int(np.prod(level_targets["matches"].shape[2:]))
    rows = flatten_rows(targets, level_targets, cols=grid[1])
    slots = int(np.prod(grid))
    last, slot = rows.last(slots).numpy(), rows.slot.numpy()
    found = np.full([len(last), slots], -1)
    for image, row in np.argwhere(last):
        assert found[image, slot[image, row]] == -1
        found[image, slot[image, row]] = row // per_box
    return found.reshape(-1, *grid)
