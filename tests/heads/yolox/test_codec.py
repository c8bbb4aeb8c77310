"""The codec of YOLOX and the list of its cells."""

import numpy as np
import tensorflow as tf

from yolo_tf.heads.grid import flatten, make_grid
from yolo_tf.heads.yolox import codec


def test_cells_go_by_stride_row_and_column():
    grid = make_grid({16: (1, 2), 8: (2, 4)})
    rows_of_8 = [[col, row] for row in range(2) for col in range(4)]
    np.testing.assert_array_equal(grid.offsets, [*rows_of_8, [0, 0], [1, 0]])
    np.testing.assert_array_equal(grid.strides[:, 0], [8] * 8 + [16] * 2)
    np.testing.assert_array_equal(grid.scale, [16, 32, 16, 32])
    np.testing.assert_array_equal(grid.centres[[0, 7, 9]], [[4, 4], [28, 12], [24, 8]])


def test_flatten_keeps_each_cell_with_its_place():
    grid = make_grid({8: (2, 3), 16: (1, 2)})
    levels, first = {}, 0
    for stride, shape in ((8, (2, 3)), (16, (1, 2))):
        cells = int(np.prod(shape))
        one = np.concatenate([grid.offsets, grid.strides], -1)[first : first + cells]
        levels[stride] = tf.constant(np.stack([one, one + 100]).reshape(2, *shape, 3), tf.float16)
        first += cells
    raw, found = flatten(dict(reversed(levels.items())))
    assert raw.dtype == tf.float32
    np.testing.assert_array_equal(found.offsets, grid.offsets)
    np.testing.assert_array_equal(raw[0], np.concatenate([grid.offsets, grid.strides], -1))
    np.testing.assert_array_equal(raw[1], raw[0] + 100)


def test_decoded_pixels():
    grid = make_grid({8: (2, 2)})
    raw = np.zeros([4, 4], np.float32)
    raw[3] = [0.25, -0.5, np.log(2), np.log(0.5)]
    boxes = codec.decode(tf.constant(raw), grid).numpy()
    np.testing.assert_allclose(boxes[1], [8, 0, 8, 8])
    np.testing.assert_allclose(boxes[3], [10, 4, 16, 4], rtol=1e-6)


def test_encode_is_the_inverse():
    grid = make_grid({8: (4, 6), 16: (2, 3), 32: (1, 2)})
    raw = np.random.default_rng(0).normal(size=[2, len(grid.strides), 4]).astype(np.float32)
    np.testing.assert_allclose(codec.encode(codec.decode(raw, grid), grid), raw, atol=1e-5)


def test_huge_sizes_stay_finite():
    grid = make_grid({8: (1, 1)})
    boxes = codec.decode(tf.constant([[0.0, 0.0, 1e4, -1e4]]), grid)
    assert np.isfinite(boxes).all()
    assert np.isfinite(codec.encode(boxes, grid)).all()
