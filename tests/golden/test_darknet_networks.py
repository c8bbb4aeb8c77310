"""Networks of Darknet's cfgs with random weights against OpenCV's DNN module (`darknet_yolov*`)."""

import hashlib
import json

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.fixtures import cases, load
from yolo_tf.darknet.cfg import parse_cfg
from yolo_tf.darknet.network import build
from yolo_tf.darknet.plan import outputs, plan
from yolo_tf.models.blocks import conv_layers

OPENCV_EPSILON = 1e-6
TOLERANCE = 1e-4  # of the largest value of a level


def cfg_of(sections: list[dict], name: str):
    blocks = []
    for section in sections:
        lines = [f"{key}={value}" for key, value in section.items() if key != "type"]
        blocks.append("\n".join([f"[{section['type']}]", *lines]))
    return parse_cfg("\n".join(blocks), name)


def _random_arrays(layers, seed: int):
    """For each convolution beta, gamma, mean, var, or bias, then its kernel, as in the file."""
    stream = np.random.Generator(np.random.PCG64(seed))

    def signed(count):
        return 2 * stream.random(count) - 1

    for layer, following in zip(layers, [*layers[1:], None], strict=True):
        if layer.conv < 0:
            continue
        filters = layer.shape[2]
        if layer.batch_norm:
            scale = 0.15 if following and following.kind == "shortcut" else 1.0
            beta = signed(filters) * 0.1
            gamma = (0.8 + 0.4 * stream.random(filters)) * scale
            vectors = [beta, gamma, signed(filters) * 0.1, 0.5 + stream.random(filters)]
        else:
            vectors = [signed(filters) * 0.5]
        shape = (filters, _inputs(layers, layer) // layer.groups, layer.size, layer.size)
        gain = np.sqrt(2) if layer.batch_norm else 0.6
        kernel = signed(np.prod(shape)) * (np.sqrt(3) * gain / np.sqrt(np.prod(shape[1:])))
        yield [array.astype("<f4") for array in (*vectors, kernel.reshape(shape))]


def _inputs(layers, layer) -> int:
    (index,) = layer.inputs
    return 3 if index < 0 else layers[index].shape[2]


def _set_weights(network, layers, meta) -> None:
    """The weights of the fixture; their checksum is that of its .weights file."""
    digest = hashlib.sha256(np.array([0, 2, 5, 0, 0], "<i4").tobytes())
    arrays_of = _random_arrays(layers, meta["weights_seed"])
    for (conv, norm), arrays in zip(conv_layers(network), arrays_of, strict=True):
        for array in arrays:
            digest.update(array.tobytes())
        *vectors, kernel = arrays
        # Of a depthwise convolution, whose last two axes are channels and multiples, too.
        kernel = kernel.transpose(2, 3, 1, 0).reshape(conv.weights[0].shape)
        if norm:
            beta, gamma, mean, var = vectors
            conv.set_weights([kernel])
            norm.set_weights([gamma, beta, mean, var])
        else:
            conv.set_weights([kernel, *vectors])
    assert digest.hexdigest() == meta["weights_sha256"]


@pytest.mark.parametrize("path", cases("darknet_yolov"))
def test_raw_outputs_are_opencvs(path):
    arrays, meta = load(path)
    cfg = cfg_of(json.loads(str(arrays["layers_json"])), path.name)
    size = (meta["H"], meta["W"])
    layers = plan(cfg, size)
    levels = outputs(layers)
    assert [level.layer for level in levels] == meta["yolo_sections"]
    channels = {level.stride: layers[level.layer].shape[2] for level in levels}
    network = build(cfg, size, channels, bn_epsilon=OPENCV_EPSILON)
    _set_weights(network, layers, meta)

    raw = network(arrays["input_u8"][None].astype(np.float32) / 255, training=False)

    for level in levels:
        expected = arrays[f"raw_{level.layer - 1}"]
        found = raw[level.stride]
        if layers[level.layer - 1].activation == "logistic":
            found = tf.sigmoid(found)
        difference = np.abs(found[0] - expected).max() / np.abs(expected).max()
        assert difference < TOLERANCE, f"stride {level.stride}: {difference:.1e} of the largest"
