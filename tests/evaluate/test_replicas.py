"""An evaluation on several replicas: each image once, with what was found in it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from yolo_tf.evaluate.replicas import detect_on_replicas

IMAGES, BATCH = 6, 4


def dataset():
    """Image n has n boxes of class n; the last batch is not full."""
    count = tf.range(IMAGES)
    rows = tf.range(IMAGES)[tf.newaxis] < count[:, tf.newaxis]
    images = {
        "image": tf.ones([IMAGES, 2, 2, 3]) * tf.cast(count, tf.float32)[:, None, None, None],
        "boxes": tf.zeros([IMAGES, IMAGES, 4]),
        "classes": tf.where(rows, count[:, tf.newaxis], -1),
        "difficult": rows,
        "crowd": ~rows,
        "area": tf.zeros([IMAGES, IMAGES]),
        "window": tf.tile([[0.0, 0.0, 1.0, 1.0]], [IMAGES, 1]),
        "original_size": tf.tile([[2, 2]], [IMAGES, 1]),
        "source_id": tf.strings.as_string(count),
    }
    return tf.data.Dataset.from_tensor_slices(images).batch(BATCH)


def check(strategy):
    with strategy.scope():
        seen = tf.Variable(
            0,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.SUM,
        )

    def detect(share):
        seen.assign_add(tf.reduce_sum(tf.cast(share["real"], tf.int32)))
        return {"detection_scores": share["image"][:, 0, 0, :1]}

    pairs = list(detect_on_replicas(strategy, dataset(), BATCH, detect))
    assert [len(batch["window"]) for batch, _ in pairs] == [4, 2]
    numbers = np.concatenate([found["detection_scores"][:, 0] for _, found in pairs])
    assert numbers.tolist() == list(range(IMAGES))
    boxes = np.concatenate([(batch["classes"] >= 0).sum(axis=1) for batch, _ in pairs])
    assert boxes.tolist() == list(range(IMAGES))
    for batch, _ in pairs:
        np.testing.assert_array_equal(batch["difficult"], batch["classes"] >= 0)
        np.testing.assert_array_equal(batch["crowd"], batch["classes"] < 0)
        assert "source_id" not in batch
    assert int(seen.read_value()) == IMAGES  # what fills the last batch does not count


def test_one_replica():
    check(tf.distribute.MirroredStrategy(["CPU:0"]))


@pytest.mark.parametrize("replicas", [2, 4])
def test_several_replicas(replicas):
    code = f"""
from yolo_tf.config import StrategyConfig
from yolo_tf.train.strategy import make_strategy
settings = StrategyConfig(name="mirrored", cpu_devices={replicas})
strategy = make_strategy(settings)
assert strategy.num_replicas_in_sync == {replicas}
from tests.evaluate.test_replicas import check
check(strategy)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
