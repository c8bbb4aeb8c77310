"""Counts over all replicas. Logical devices are made before TensorFlow starts: own processes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from yolo_tf.ops.replicas import global_batch, global_sum

ROOT = Path(__file__).resolve().parents[2]

ON_REPLICAS = """
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)
from yolo_tf.ops.replicas import global_batch, global_sum
strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(4)])
values = strategy.experimental_distribute_values_from_function(
    lambda context: tf.constant([1.0, 10.0]) * (context.replica_id_in_sync_group + 1.0)
)

@tf.function
def run(values):
    def replica(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(x / global_sum(x))
        return global_sum(x), global_batch(tf.shape(x)[0]), tape.gradient(y, x)
    return strategy.run(replica, [values])

for name, value in zip(("sum", "batch", "gradient"), run(values)):
    results = [x.numpy() for x in strategy.experimental_local_results(value)]
    print(name, [x.astype(float).round(4).tolist() for x in results])
with strategy.scope():  # of the strategy, but on no replica
    print("scope", global_sum(tf.constant(3.0)).numpy(), global_batch(2).numpy())
"""


def test_without_replicas_nothing_changes():
    np.testing.assert_array_equal(global_sum(tf.constant([1.0, 2.0])), [1, 2])
    assert global_batch(3) == 3
    assert global_batch(tf.constant(3)).dtype == tf.float32


def test_is_a_constant_in_the_gradient():
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x / global_sum(x)
    np.testing.assert_allclose(tape.gradient(y, x), 1 / 3)


def test_sums_over_four_replicas():
    done = subprocess.run(
        [sys.executable, "-c", ON_REPLICAS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == [
        f"sum {[[10.0, 100.0]] * 4}",
        f"batch {[8.0] * 4}",
        f"gradient {[[0.1, 0.01]] * 4}",
        "scope 3.0 2.0",
    ]
