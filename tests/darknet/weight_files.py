"""A network with all kinds of arrays that a .weights file has, and such files."""

import struct

import numpy as np
import pytest
import tf_keras

from yolo_tf.errors import UserError
from yolo_tf.models import blocks

CLASSES = 2
ANCHORS = 3
# Floats up to the end of each convolution of `small_network`.
ENDS = (4 * 4 + 4 * 27, 124 + 8 * 4 + 8 * 9, 228 + 4 * 4 + 4 * 4, 260 + 21 + 21 * 4)


def small_network(classes: int = CLASSES) -> tf_keras.Model:
    """3x3 to 4, depthwise 3x3 to 8, 1x1 in 2 groups to 4, output."""
    net = blocks.Darknet(bn_momentum=0.9, bn_epsilon=1e-5)
    images = tf_keras.Input((8, 8, 3))
    x = net.conv(images, 4, 3, stride=2)
    x = net.conv(x, 8, 3, groups=4)
    x = net.conv(x, 4, 1, groups=2, part="neck")
    return tf_keras.Model(images, {2: net.output(x, ANCHORS * (5 + classes))})


def weights_bytes(floats, header: bytes = struct.pack("<3iQ", 0, 2, 5, 640)) -> bytes:
    return header + np.asarray(floats, "<f4").tobytes()


def weights_file(folder, floats, name="net.weights", **kwargs):
    path = folder / name
    path.write_bytes(weights_bytes(floats, **kwargs))
    return path


def values_of(network) -> list[np.ndarray]:
    return [variable.numpy() for variable in network.weights]


def assert_refused(call, *words: str) -> None:
    """The call raises a UserError of one line that has the words."""
    with pytest.raises(UserError) as error:
        call()
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)
