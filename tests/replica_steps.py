"""Run by test_detector: three training steps on 1, 2 and 4 replicas, compared, for some heads.

Logical devices must be made before TensorFlow starts, so this is a process of its own:

  python -m tests.replica_steps HEAD ...
"""

import sys

import numpy as np
import tensorflow as tf
import tf_keras

from tests.every_head import HEADS
from tests.small import micro
from yolo_tf.config import Config, ModelConfig, OptimizerConfig, StrategyConfig
from yolo_tf.data.records.bad_records import image_key
from yolo_tf.detector.build import build_detector
from yolo_tf.models import zoo
from yolo_tf.train.devices import make_strategy
from yolo_tf.train.optimizers import make_optimizer

BATCH, SIZE, STEPS = 4, (64, 96), 3
# Clipping acts: the norm of the gradients is above 0.5. Decay is the regularisation.
OPTIMIZER = OptimizerConfig(name="sgd", momentum=0.9, clip_norm=0.5, weight_decay=0.01)


def dataset(detector):
    """Full, few and no boxes: the images of one replica have others than those of the next."""
    random = np.random.default_rng(0)
    low = random.uniform(0, 0.6, (BATCH, 6, 2))
    boxes = np.concatenate([low, low + random.uniform(0.1, 0.4, (BATCH, 6, 2))], -1)
    classes = random.integers(0, 3, (BATCH, 6))
    boxes[1, 1:], classes[1, 1:] = 0, -1
    boxes[2], classes[2] = 0, -1
    batch = {
        "image": random.uniform(size=(BATCH, *SIZE, 3)).astype(np.float32),
        "targets": detector.head.encode(
            tf.constant(boxes, tf.float32), tf.constant(classes, tf.int32)
        ),
        "image_key": image_key(tf.constant(["a", "b", "c", "d"])),
    }
    return tf.data.Dataset.from_tensors(batch).unbatch().batch(BATCH).repeat()


def steps(head, replicas, accumulate=1):
    """Weights and means after some steps through `fit`, all in synchronised batch norm."""
    devices = ",".join(f"CPU:{i}" for i in range(replicas))
    settings = StrategyConfig(name="mirrored", devices=devices, cpu_devices=4)
    strategy = make_strategy(settings)
    tf_keras.utils.set_random_seed(0)
    with strategy.scope():
        config = Config(input_size=SIZE, model=ModelConfig(name="micro"), head=head)
        detector = build_detector(config, ["cat", "dog", "cow"], bn_synchronized=True)
        detector.accumulate = accumulate
        detector.compile(optimizer=make_optimizer(OPTIMIZER, 0.01))
        detector.optimizer.build(detector.network.trainable_variables)
        start = detector.get_weights()
    history = detector.fit(dataset(detector), epochs=1, steps_per_epoch=STEPS, verbose=0)
    weights = detector.get_weights()
    moved = max(np.abs(a - b).max() for a, b in zip(start, weights, strict=True))
    assert moved > 1e-3, f"{replicas} replicas: nothing moved"
    return weights, {name: values[0] for name, values in history.history.items()}


def main(names):
    zoo.MODELS["micro"], zoo.STRIDES["micro"] = micro, (16, 32)
    for name in names:
        weights, values = steps(HEADS[name], 1)
        for replicas in (2, 4):
            others, other_values = steps(HEADS[name], replicas)
            for a, b in zip(weights, others, strict=True):
                # Relative to the tensor: of a value near 0 the last bits are those of a sum.
                difference = np.abs(a - b).max() / max(np.abs(a).max(), 1e-3)
                assert difference < 1e-5, f"{name}, {replicas} replicas: {difference}"
            for key, value in values.items():
                np.testing.assert_allclose(
                    other_values[key], value, rtol=1e-4, atol=1e-6, err_msg=f"{name} {key}"
                )
        print(name, "same", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
