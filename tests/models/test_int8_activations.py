"""Each activation in 8 bits, as TensorFlow Lite computes it, beside itself in float32."""

import numpy as np
import pytest
import tensorflow as tf

from yolo_tf.models.layers import ACTIVATIONS, activate

NAMES = [name for name, layer in ACTIVATIONS.items() if layer]


def in_int8(function, data):
    kernel = tf.constant(np.eye(4, dtype=np.float32)[None, None])
    traced = tf.function(
        lambda x: function(tf.nn.conv2d(x, kernel, 1, "SAME")),
        [tf.TensorSpec(data.shape[1:], tf.float32)],
        autograph=False,
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced.get_concrete_function()])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x] for x in data)
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    for x in data[:3]:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
        interpreter.invoke()
        yield x, interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


@pytest.mark.parametrize("name", NAMES)
def test_eight_bits_hold_each_activation(name):
    limit = 8.0
    data = np.random.default_rng(0).uniform(-limit, limit, [8, 1, 8, 8, 4]).astype(np.float32)
    for x, found in in_int8(lambda x: activate(x, name), data):
        error = np.abs(found - activate(tf.constant(x), name).numpy()).max()
        assert error < limit / 32
