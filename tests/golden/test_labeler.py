"""Anchor assignment equals Model Garden's, box for box and cell for cell."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden import yolo_heads
from tests.golden.fixtures import cases, load
from yolo_tf.heads.yolo.level import flatten_rows, positive_slots


def rows_of(targets, level_targets, cols, image):
    """{(row, col, anchor, cx, cy, w, h, class)} of one image, ours; boxes to 6 digits."""
    rows = flatten_rows(targets, level_targets, cols)
    anchors = level_targets["matches"].shape[-1]
    found = []
    for slot, positive, box, label in zip(
        rows.slot[image].numpy(),
        rows.positive[image].numpy(),
        rows.boxes[image].numpy(),
        rows.classes[image].numpy(),
        strict=True,
    ):
        if positive:
            ymin, xmin, ymax, xmax = box
            cell, anchor = divmod(int(slot), anchors)
            size = ((xmin + xmax) / 2, (ymin + ymax) / 2, xmax - xmin, ymax - ymin)
            found.append((*divmod(cell, cols), anchor, *np.round(size, 5), int(label)))
    return found


def reference_rows(arrays, key, image):
    real = arrays[f"upds_{key}"][image, :, 4] > 0
    inds = arrays[f"inds_{key}"][image][real]
    upds = arrays[f"upds_{key}"][image][real]
    return [
        (*(int(i) for i in ind), *np.round(upd[:4], 5), int(upd[5]))
        for ind, upd in zip(inds, upds, strict=True)
    ]


@pytest.mark.parametrize("path", cases("mg_labeler_"))
def test_assignment(path):
    arrays, meta = load(path)
    if meta["level_limits"]:
        pytest.skip("anchor-free assignment; no policy of ours is one")
    head = yolo_heads.head_of(arrays, meta, assign=yolo_heads.assign_config(meta))
    encode = tf.function(head.encode, jit_compile=True)
    targets = encode(
        tf.constant(arrays["gt_boxes_yxyx"]), tf.constant(arrays["gt_classes"].astype(np.int32))
    )
    total = 0
    for key, stride in yolo_heads.strides(meta).items():
        level_targets = targets["levels"][stride]
        grid = arrays[f"true_count_{key}"].shape[1:]
        for image in range(meta["B"]):
            ours = rows_of(targets, level_targets, grid[1], image)
            reference = reference_rows(arrays, key, image)
            assert sorted(ours) == sorted(reference)
            # The boxes in their input order: "the last box wins" rests on it.
            assert [r[3:] for r in ours] == [r[3:] for r in reference]
            total += len(reference)
        rows = flatten_rows(targets, level_targets, grid[1])
        ours = positive_slots(rows, int(np.prod(grid))).numpy().reshape(-1, *grid)
        np.testing.assert_array_equal(ours, np.minimum(arrays[f"true_count_{key}"], 1))
    assert total > 0
