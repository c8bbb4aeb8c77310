"""What a forward pass costs in floating-point operations."""

from collections import Counter

import numpy as np
import tf_keras


def forward_flops(network: tf_keras.Model) -> dict[str, int]:
    """Kind of layer -> floating-point operations of the convolutions of that kind for one image.

    A multiplication and an addition are two, as Darknet counts them. All else in a network
    together is about a hundredth of its convolutions.

    Args:
      network: made of Keras layers, of an input of fixed size.
    """
    found = Counter()
    for layer in network.submodules:
        if isinstance(layer, tf_keras.layers.DepthwiseConv2D):
            products = np.prod(layer.kernel_size)
        elif isinstance(layer, tf_keras.layers.Conv2D):
            products = np.prod(layer.kernel.shape[:-1])
        else:
            continue
        found[type(layer).__name__] += int(2 * products * np.prod(layer.output_shape[1:]))
    return dict(found)
