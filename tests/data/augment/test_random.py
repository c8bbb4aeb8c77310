import numpy as np
import tensorflow as tf

from yolo_tf.data.augment import random


def test_same_seed_same_numbers_other_seed_others():
    first, again, other = (
        random.draw_numbers(tf.constant(seed)).numpy() for seed in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(first, again)
    assert np.all(first != other)


def test_no_function_shares_a_number_with_another():
    example = {"draws": tf.range(random._TOTAL, dtype=tf.float32)}
    names = list(random._COUNTS)
    numbers = [float(n) for name in names for n in random.uniform(example, name, 0.0, 1.0)]
    assert numbers == list(range(random._TOTAL))


def test_numbers_fill_their_range():
    batch = {"draws": tf.stack([random.draw_numbers(tf.constant([0, n])) for n in range(200)])}
    for values in random.uniform(batch, "flip"):
        assert values.shape == [200]
        assert -1 <= np.min(values) < -0.95
        assert 0.95 < np.max(values) < 1
