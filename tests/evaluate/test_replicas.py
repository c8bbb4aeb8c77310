"""An evaluation on several replicas: each image once, with what was found in it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.data.records.made import NAMES, record, write
from yolo_tf.config import DataConfig
from yolo_tf.data.input.pipeline import evaluation_dataset
from yolo_tf.data.records.open_records import Records
from yolo_tf.evaluate.run import DetectionsOnReplicas

IMAGES, BATCH = 6, 4


def write_images(folder) -> str:
    """Image n has n boxes, the last of them a crowd, and 20 + n rows."""
    records = []
    for n in range(IMAGES):
        boxes = [[0.1, 0.1, 0.4, 0.5]] * n
        crowd = [False] * (n - 1) + [True] * (n > 0)
        records.append(record(str(n), boxes, [0] * n, (20 + n, 30), crowd))
    return write(folder, [records[:5], records[5:]])


def check(strategy, pattern):
    records = Records.unchecked(pattern, NAMES)

    def dataset_of(context):
        return evaluation_dataset(records, DataConfig(), (32, 32), BATCH, input_context=context)

    with strategy.scope():
        seen = tf.Variable(
            0,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.SUM,
        )

    def detect(share):
        assert share["image"].shape == (BATCH // strategy.num_replicas_in_sync, 32, 32, 3)
        seen.assign_add(tf.reduce_sum(tf.cast(share["real"], tf.int32)))
        return {"detection_scores": tf.cast(share["original_size"][:, :1], tf.float32)}

    detections = DetectionsOnReplicas(strategy, dataset_of, detect)
    pairs = list(detections)
    assert [len(batch["placement"]) for batch, _ in pairs] == [4, 2]
    rows = np.concatenate([found["detection_scores"][:, 0] for _, found in pairs])
    assert rows.tolist() == [20 + n for n in range(IMAGES)]
    boxes = np.concatenate([(batch["classes"] >= 0).sum(axis=1) for batch, _ in pairs])
    assert boxes.tolist() == list(range(IMAGES))
    crowds = np.concatenate([batch["crowd"].sum(axis=1) for batch, _ in pairs])
    assert crowds.tolist() == [0, 1, 1, 1, 1, 1]
    assert not any("source_id" in batch for batch, _ in pairs)
    assert int(seen.read_value()) == IMAGES  # what fills the last batch does not count
    assert len(list(detections)) == 2  # all once more, as after the next epoch
    assert int(seen.read_value()) == 2 * IMAGES


def test_one_replica(tmp_path):
    check(tf.distribute.MirroredStrategy(["CPU:0"]), write_images(tmp_path))


@pytest.mark.parametrize("replicas", [2, 4])
def test_several_replicas(replicas, tmp_path):
    code = f"""
from yolo_tf.config import StrategyConfig
from yolo_tf.train.devices import make_strategy
settings = StrategyConfig(name="mirrored", cpu_devices={replicas})
strategy = make_strategy(settings)
assert strategy.num_replicas_in_sync == {replicas}
from tests.evaluate.test_replicas import check
check(strategy, {write_images(tmp_path)!r})
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
