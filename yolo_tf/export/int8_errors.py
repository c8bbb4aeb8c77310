"""Where a network in 8 bits leaves the one in float32, to be named when its export is refused."""

import bisect
import functools
import itertools

import numpy as np
import tf_keras

from yolo_tf.export.fold import split_outputs
from yolo_tf.export.tflite import convert_int8, interpreter
from yolo_tf.export.trained import Trained

_IMAGES = 4
_ERROR = 0.3  # of a layer's output, as `_error` measures it


def first_bad_layer(trained: Trained) -> str:
    """The first layer whose output is lost in 8 bits, with its error; "" where none is found.

    Found by halving the network: each try quantises the layers up to one of them.

    Args:
      trained: with `calibration`.
    """
    trunk, _ = split_outputs(trained.network)
    images = list(itertools.islice(trained.calibration(), _IMAGES))
    layers = [layer for layer in trunk.layers if not isinstance(layer, tf_keras.layers.InputLayer)]

    @functools.cache
    def error(layer) -> float:
        return _error(tf_keras.Model(trunk.input, layer.output), trained, images)

    if not error(layers[-1]) > _ERROR:
        return ""
    layer = layers[bisect.bisect_left(layers, True, key=lambda layer: error(layer) > _ERROR)]
    kind = type(layer).__name__
    return f"{layer.name} ({kind}), error {error(layer):.2f} of a channel's deviation"


def _error(part: tf_keras.Model, trained: Trained, images: list[np.ndarray]) -> float:
    """Mean over the channels of the root mean square error, in the channel's standard deviations.

    An error of more than one deviation counts as one; a channel of a single value does not count.
    """
    run = interpreter(convert_int8(part, trained.calibration))
    run.allocate_tensors()
    ((given,), (wanted,)) = run.get_input_details(), run.get_output_details()
    found = []
    for image in images:
        run.set_tensor(given["index"], image)
        run.invoke()
        found.append(run.get_tensor(wanted["index"]))
    expected = np.stack([part(image, training=False) for image in images])
    places = tuple(range(expected.ndim - 1))
    errors = np.sqrt(np.mean((np.stack(found) - expected) ** 2, places))
    deviations = expected.std(places)
    real = deviations > 0
    return float(np.minimum(errors[real] / deviations[real], 1).mean()) if real.any() else 0.0
