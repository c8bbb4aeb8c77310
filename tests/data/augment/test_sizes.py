import collections

import numpy as np
import pytest
import tensorflow as tf

from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment.random import input_sizes, size_of_step
from yolo_tf.errors import UserError


def test_widths_keep_the_aspect():
    assert input_sizes(AugmentConfig(), (320, 416)) == ((320, 416),)
    config = AugmentConfig(sizes=(320, 416, 320))
    assert input_sizes(config, (416, 416)) == ((320, 320), (416, 416))
    assert input_sizes(config, (208, 416)) == ((320, 640), (416, 832))


@pytest.mark.parametrize("height", [0, -32, 300])
def test_a_size_without_a_whole_width(height):
    with pytest.raises(UserError, match=rf"data\.augment\.sizes: found {height}, expected heights"):
        input_sizes(AugmentConfig(sizes=(208, height)), (416, 352))


def test_sizes_last_for_some_steps_and_depend_on_seed_and_step_alone():
    sizes = ((1, 1), (2, 2), (3, 3))
    found = [int(size_of_step(7, tf.constant(s, tf.int64), sizes, 10)) for s in range(1200)]
    blocks = np.reshape(found, (120, 10))
    assert np.all(blocks == blocks[:, :1])
    counts = collections.Counter(blocks[:, 0].tolist())
    assert min(counts[i] for i in range(3)) > 20
    other = [int(size_of_step(8, tf.constant(10 * s, tf.int64), sizes, 10)) for s in range(120)]
    assert other != blocks[:, 0].tolist()
