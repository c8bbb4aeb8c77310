"""Detectors as ONNX models: resized images in, detections out.

tf2onnx copies a graph many times, with all of its constants. So it gets a graph whose weights are
inputs, and the weights are put into the finished model.
"""

import collections
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from yolo_tf.config import Config
from yolo_tf.errors import UserError
from yolo_tf.export.graph_detector import GraphDetector, check_outputs
from yolo_tf.export.trained import RAW_DETECTIONS, Trained

_INPUT = "images"
_OPSET = 18  # of 2022: what runtimes of the last years read


def write(trained: Trained, path: Path) -> None:
    """Writes a model of one input, `images` float32 [B, H, W, 3] in [0, 1], any B.

    It returns what `Trained.output_names` says, boxes normalised to the input.

    Raises:
      UserError: tf2onnx is not installed.
    """
    _check_installed("tf2onnx", path)
    import tf2onnx

    network = trained.network
    images = tf.TensorSpec([None, *trained.detector.input_size, 3], tf.float32, _INPUT)

    @tf.function(input_signature=[images], autograph=False)
    def detect(images):
        return trained.detect_outputs(network(images, training=False))

    graph, inputs, weights = _weights_as_inputs(detect.get_concrete_function())
    specs = [tf.TensorSpec(one.shape, tf.float32, f"weight_{i}") for i, one in enumerate(weights)]
    returned = [tensor.name for tensor in detect.get_concrete_function().outputs]

    @tf.function(input_signature=[images, *specs], autograph=False)
    def detect_by(*tensors):
        to = dict(zip(inputs, tensors, strict=True))
        outputs = tf.graph_util.import_graph_def(graph, to, return_elements=returned)
        return dict(zip(trained.output_names, outputs, strict=True))

    model, _ = tf2onnx.convert.from_function(detect_by, [images, *specs], opset=_OPSET)
    by_name = {spec.name: value for spec, value in zip(specs, weights, strict=True)}
    _put_weights(model.graph, by_name)
    path.write_bytes(model.SerializeToString())


def _weights_as_inputs(function) -> tuple[tf.compat.v1.GraphDef, list[str], list[np.ndarray]]:
    """The graph of a function without its variables.

    Returns:
      The graph; the tensors in it that the image and then the weights are to replace; the weights.
    """
    values = {id(variable.handle): variable for variable in function.graph.variables}
    captured = {
        inner.op.name: values[id(outer)]
        for outer, inner in function.graph.captures
        if id(outer) in values
    }
    image = function.inputs[0]
    graph = function.graph.as_graph_def()
    reads = [node for node in graph.node if node.input and node.input[0] in captured]
    weights = [captured[node.input[0]].numpy() for node in reads]
    inputs = [image.name, *(f"{node.name}:0" for node in reads)]
    replaced = {image.op.name, *captured, *(node.name for node in reads)}
    nodes = [node for node in graph.node if node.name not in replaced]
    for node in nodes:
        needed = [one for one in node.input if one.removeprefix("^") not in replaced]
        if node.op == "NoOp":  # waits for the variables to be read
            node.input[:] = needed
    _replace(graph.node, nodes)
    return graph, inputs, weights


def _put_weights(graph, weights: dict[str, np.ndarray]) -> None:
    """Makes these inputs of an ONNX graph its constants, in the shapes that its nodes read."""
    from onnx import helper, numpy_helper

    users = collections.Counter(_names_read(graph))
    shapes = {one.name: one for one in graph.initializer}
    nodes = []
    for node in graph.node:
        name = node.input[0] if node.input and users[node.input[0]] == 1 else ""
        if node.op_type == "Transpose" and name in weights:
            axes = helper.get_node_attr_value(node, "perm")
            weights[node.output[0]] = np.transpose(weights.pop(name), axes)
        elif node.op_type == "Reshape" and name in weights:
            shape = numpy_helper.to_array(shapes[node.input[1]])
            weights[node.output[0]] = weights.pop(name).reshape(shape)
        else:
            nodes.append(node)
    inputs = [one for one in graph.input if one.name == _INPUT]
    _replace(graph.node, nodes)
    _replace(graph.input, inputs)
    used = set(_names_read(graph))
    _replace(graph.initializer, [one for one in graph.initializer if one.name in used])
    for name, value in weights.items():
        graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), name))


def _names_read(graph) -> Iterator[str]:
    """Of all nodes of an ONNX graph, also of those in the bodies of its loops."""
    for node in graph.node:
        yield from node.input
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _names_read(attribute.g)


def _replace(field, messages: list) -> None:
    del field[:]
    field.extend(messages)


def read(path: Path, config: Config, class_names: list[str]) -> GraphDetector:
    """The detector of an ONNX model that `write` made, run by onnxruntime.

    Raises:
      UserError: onnxruntime is not installed, or the file is damaged or not ours.
    """
    _check_installed("onnxruntime", path)
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - its own classes, of no common base
        first = str(error).partition("\n")[0]
        raise UserError(f"{path}: not readable as an ONNX model: {first}") from None
    found = {one.name: tuple(one.shape[1:]) for one in session.get_inputs()}
    expected = {_INPUT: (*config.input_size, 3)}
    if found != expected:
        raise UserError(
            f"{path}: takes {found}, expected {expected}; is it of another export, or not ours?"
        )
    names = [one.name for one in session.get_outputs()]

    def detect(images: np.ndarray):
        return dict(zip(names, session.run(names, {_INPUT: images}), strict=True))

    try:
        check_outputs(
            path, detect(np.zeros([1, *config.input_size, 3], np.float32)), len(class_names)
        )
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        first = str(error).partition("\n")[0]
        raise UserError(f"{path}: does not run as an ONNX model of ours: {first}") from None
    suppressed = not set(RAW_DETECTIONS) <= set(names)
    return GraphDetector(detect, suppressed, config, class_names)


def _check_installed(package: str, path: Path) -> None:
    if importlib.util.find_spec(package) is None:
        raise UserError(f"{path}: needs {package}: pip install 'yolo_tf[onnx]'")
