"""Run by test_detector: one training step on 1, 2 and 4 replicas, compared.

Logical devices must be made before TensorFlow starts, so this is a process of its own, and they
are made before ours is imported, which starts TensorFlow. The network has no batch norm: that
takes its statistics over the images of its replica alone, which is a difference by intent.
"""

import numpy as np
import tensorflow as tf
import tf_keras

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)

from tests.small import small_config  # noqa: E402
from yolo_tf.build import build_detector  # noqa: E402
from yolo_tf.config import OptimizerConfig  # noqa: E402
from yolo_tf.data.image_keys import image_key  # noqa: E402
from yolo_tf.models import zoo  # noqa: E402
from yolo_tf.train.optimizers import make_optimizer  # noqa: E402

BATCH = 4


def network(input_size, output_channels, bn_momentum, bn_epsilon, output_bias):
    """Without batch norm, and with one level, which is traced sooner."""
    del bn_momentum, bn_epsilon
    layers = tf_keras.layers
    images = layers.Input((*input_size, 3))
    x = layers.LeakyReLU(0.1)(layers.Conv2D(16, 16, strides=16, name="conv")(images))
    bias = tf_keras.initializers.Constant(output_bias[16])
    outputs = {16: layers.Conv2D(output_channels[16], 1, bias_initializer=bias, name="output")(x)}
    return tf_keras.Model(images, outputs, name="micro")


def dataset(detector):
    random = np.random.default_rng(0)
    low = random.uniform(0, 0.6, (BATCH, 3, 2))
    boxes = np.concatenate([low, low + random.uniform(0.1, 0.4, (BATCH, 3, 2))], -1)
    classes = random.integers(0, 3, (BATCH, 3))
    boxes[1:3, 1:], classes[1:3, 1:] = 0, -1  # images of one replica have more boxes
    batch = {
        "image": random.uniform(size=(BATCH, 64, 96, 3)).astype(np.float32),
        "targets": detector.head.encode(
            tf.constant(boxes, tf.float32), tf.constant(classes, tf.int32)
        ),
        "image_key": image_key(tf.constant(["a", "b", "c", "d"])),
    }
    return tf.data.Dataset.from_tensors(batch).unbatch().batch(BATCH)


def step(replicas, optimizer):
    """Weights, means and keys after one step through `fit`."""
    # Not the collective operations: they allow one number of devices in a process.
    strategy = tf.distribute.MirroredStrategy(
        [f"CPU:{i}" for i in range(replicas)],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )
    tf_keras.utils.set_random_seed(0)
    with strategy.scope():
        config = small_config()
        config.model.name = "micro"
        del config.head.anchors[32]
        detector = build_detector(config, ["cat", "dog", "cow"])
        detector.compile(optimizer=make_optimizer(optimizer, 0.1))
        detector.optimizer.build(detector.network.trainable_variables)
        start = detector.get_weights()
    history = detector.fit(dataset(detector), epochs=1, verbose=0)
    moved = max(np.abs(a - b).max() for a, b in zip(start, detector.get_weights(), strict=True))
    assert moved > 1e-3, f"{replicas} replicas: nothing moved"
    values = {name: values[0] for name, values in history.history.items()}
    return detector.get_weights(), values


def main():
    zoo.MODELS["micro"], zoo.STRIDES["micro"] = network, (16,)
    # Clipping acts: the norm of the gradients is far above 1.
    optimizer = OptimizerConfig(name="sgd", momentum=0.9, clip_norm=1.0, weight_decay=0.01)
    weights, values = step(1, optimizer)
    print(1)
    for replicas in (2, 4):
        others, other_values = step(replicas, optimizer)
        for a, b in zip(weights, others, strict=True):
            np.testing.assert_allclose(b, a, rtol=0, atol=1e-5)
        for name, value in values.items():
            np.testing.assert_allclose(other_values[name], value, rtol=1e-4, err_msg=name)
        print(replicas)
    print("same")


if __name__ == "__main__":
    main()
