"""The network of an export: batch normalisation inside the convolutions, weights as constants.

At inference batch normalisation is y = scale * x + shift for each channel, so it goes into kernel
and bias of the convolution before it: y = (scale * kernel) * x + shift (B. Jacob et al. 2018,
arXiv:1712.05877, 3.2). Constant weights let oneDNN lay them out once, and not at every call.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tf_keras
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from yolo_tf.config import Config
from yolo_tf.detector.build import build_detector
from yolo_tf.detector.detector import Detector
from yolo_tf.models.blocks import conv_layers, parallel_layers


def folded(detector: Detector, config: Config, policy: str = "float32") -> tf_keras.Model:
    """The network of a detector without batch normalisation.

    Args:
      detector: with its weights.
      config: the recipe that it was built from.
      policy: precision of weights and arithmetic, "float32" or "bfloat16"; raw outputs are
        float32 under both.

    Returns:
      A model with the inputs and outputs of `detector.network`. In float32 its outputs differ
      by rounding alone.
    """
    network = build_detector(config, detector.class_names, policy, bn_folded=True).network
    for (conv, norm), (target, _) in zip(
        conv_layers(detector.network), conv_layers(network), strict=True
    ):
        weights = conv.get_weights() if norm is None else _fold(conv, norm)
        if beside := parallel_layers(detector.network, conv):
            weights = _join(weights, _fold(*beside))
        target.set_weights(weights)
    for layer, target in zip(_others(detector.network), _others(network), strict=True):
        target.set_weights(layer.get_weights())
    return network


def frozen(network: tf_keras.Model, batch: int | None = None) -> Callable:
    """A function like the network, with constants for variables.

    Args:
      batch: images at a time; None: any number.

    Returns:
      [B, H, W, 3] float32 in [0, 1] -> the structure of the network's outputs.
    """
    images = tf.TensorSpec([batch, *network.input_shape[1:]], tf.float32, "images")

    @tf.function(input_signature=[images], autograph=False)
    def run(images):
        return tf.nest.flatten(network(images, training=False))

    constant = convert_variables_to_constants_v2(run.get_concrete_function())
    return lambda images: tf.nest.pack_sequence_as(network.output, constant(images))


def split_outputs(network: tf_keras.Model) -> tuple[tf_keras.Model, tf_keras.Model]:
    """A network in two: all but the last convolution of each level, and these.

    Returns:
      A model images -> list of features, and one of such a list -> {stride: raw output}, which
      share the network's layers.
    """
    features, inputs, outputs = [], [], {}
    for stride, raw in network.output.items():
        join, parts = _last_convolutions(raw)
        for _, source in parts:
            if all(source is not known for known in features):
                features.append(source)
                inputs.append(tf_keras.Input(source.shape[1:], dtype=source.dtype))
        of = {id(source): tensor for source, tensor in zip(features, inputs, strict=True)}
        found = [layer(of[id(source)]) for layer, source in parts]
        outputs[stride] = join(found) if join else found[0]
    return tf_keras.Model(network.input, features), tf_keras.Model(inputs, outputs)


def _last_convolutions(raw) -> tuple:
    """What joins the convolutions of a level, if there are several, and (layer, input) of each."""
    node = raw.node
    if isinstance(node.layer, tf_keras.layers.Concatenate):
        return node.layer, [(t.node.layer, t.node.keras_inputs[0]) for t in node.keras_inputs]
    return None, [(node.layer, node.keras_inputs[0])]


def _fold(conv, norm) -> list[np.ndarray]:
    """Kernel and bias of a convolution with the normalisation after it."""
    (kernel,) = (weights.astype(np.float64) for weights in conv.get_weights())
    gamma, beta, mean, variance = (
        variable.numpy().astype(np.float64)
        for variable in (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)
    )
    scale = gamma / np.sqrt(variance + norm.epsilon)
    # [rows, cols, C_in, C_out], but [rows, cols, C_in, multiplier] of a depthwise convolution.
    depthwise = isinstance(conv, tf_keras.layers.DepthwiseConv2D)
    return [kernel * (scale.reshape(kernel.shape[2:]) if depthwise else scale), beta - mean * scale]


def _join(weights: list[np.ndarray], beside: list[np.ndarray]) -> list[np.ndarray]:
    """Kernel and bias of the sum of a convolution and a 1x1 one of the same input."""
    kernel, bias = weights
    row, col = (side // 2 for side in kernel.shape[:2])
    kernel = kernel.copy()
    kernel[row, col] += beside[0][0, 0]
    return [kernel, bias + beside[1]]


def _others(network: tf_keras.Model) -> list:
    """The layers with weights that are neither convolutions nor their normalisation, in order."""
    pairs = conv_layers(network)
    pairs += filter(None, [parallel_layers(network, conv) for conv, _ in pairs])
    known = {layer.name for pair in pairs for layer in pair if layer is not None}
    return [layer for layer in network.layers if layer.weights and layer.name not in known]
