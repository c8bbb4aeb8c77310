"""Detectors as TensorFlow Lite models: one resized image in, detections out.

The converter quantises a whole model or nothing of it, and boxes are lost where 8 bits hold their
exponentials and sorted scores. So the network is converted with the requested quantisation, what
follows it in float32, and both are joined in TensorFlow Lite's own format
(tensorflow/lite/schema/schema.fbs): the outputs of the first are the inputs of the second.
"""

import importlib.util
import os
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from yolo_tf.config import Config
from yolo_tf.errors import UserError
from yolo_tf.export.fold import split_outputs
from yolo_tf.export.graph_detector import GraphDetector, check_outputs
from yolo_tf.export.trained import RAW_DETECTIONS, Trained
from yolo_tf.files import no_stderr

_INPUT = "images"
_HALF = {
    "optimizations": [tf.lite.Optimize.DEFAULT],
    "target_spec": tf.lite.TargetSpec(
        supported_ops=[tf.lite.OpsSet.TFLITE_BUILTINS], supported_types=[tf.float16]
    ),
}


def write(trained: Trained, path: Path, numbers: str = "float32") -> None:
    """Writes a model of one input, `images` float32 [1, H, W, 3] in [0, 1].

    It returns what `Trained.output_names` says, boxes normalised to the input. The last
    convolution of each level, decoding and suppression are in float32 in all of them.

    Args:
      numbers: of the network's other layers: "float32"; "float16", weights alone, arithmetic as
        the device likes; "int8", weights and activations, with ranges from `trained.calibration`.

    Raises:
      UserError: int8 without images to calibrate with.
    """
    if numbers == "int8" and trained.calibration is None:
        raise UserError("tflite_int8: has no images to find the ranges of numbers with: --data")
    trunk, rest = split_outputs(trained.network)
    if numbers == "int8":
        first = convert_int8(trunk, trained.calibration)
    else:
        settings = _HALF if numbers == "float16" else {}
        first = _convert(trunk, tf.nest.flatten, **settings)
    second = _convert(rest, trained.detect_outputs)
    path.write_bytes(join(first, second, _INPUT, list(trained.output_names)))


def convert_int8(network: tf_keras.Model, calibration: Callable) -> bytes:
    """A network with weights and activations in 8 bits, inputs and outputs in float32.

    Args:
      network: of one input.
      calibration: as `Trained.calibration`.
    """
    return _convert(
        network,
        tf.nest.flatten,
        optimizations=[tf.lite.Optimize.DEFAULT],
        representative_dataset=lambda: ([x] for x in calibration()),
    )


def _convert(network: tf_keras.Model, to_results: Callable, **settings) -> bytes:
    """Batches of one through the network, whose outputs become results.

    The converter reads the variables itself: constants in the graph cost half as much memory again.
    """
    signature = [tf.TensorSpec([1, *one.shape[1:]], tf.float32) for one in network.inputs]

    @tf.function(input_signature=signature, autograph=False)
    def run(*inputs):
        return to_results(network(inputs[0] if len(inputs) == 1 else inputs, training=False))

    concrete = run.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    for name, value in settings.items():
        setattr(converter, name, value)
    with no_stderr(), warnings.catch_warnings():  # prints its settings and what cannot be otherwise
        warnings.simplefilter("ignore")
        return converter.convert()


def interpreter(model: str | bytes):
    """Runs a TensorFlow Lite model, a file or its bytes, by ai-edge-litert."""
    from ai_edge_litert.interpreter import Interpreter

    given = {"model_content": model} if isinstance(model, bytes) else {"model_path": model}
    return Interpreter(**given, num_threads=os.cpu_count())


def read(path: Path, config: Config, class_names: list[str]) -> GraphDetector:
    """The detector of a TensorFlow Lite model that `write` made, run by ai-edge-litert.

    Raises:
      UserError: ai-edge-litert is not installed, or the file is damaged or not ours.
    """
    if importlib.util.find_spec("ai_edge_litert") is None:
        raise UserError(f"{path}: needs ai-edge-litert: pip install 'yolo_tf[tflite]'")
    try:
        with no_stderr():  # the first run says which delegate it made
            run = interpreter(str(path)).get_signature_runner()
            shape = run.get_input_details()[_INPUT]["shape"].tolist()
            found = run(**{_INPUT: np.zeros(shape, np.float32)})
    except (ValueError, KeyError, RuntimeError, TypeError) as error:
        first = str(error).partition("\n")[0]
        raise UserError(
            f"{path}: not readable as a TensorFlow Lite model of ours: {first}"
        ) from None
    if tuple(shape[1:3]) != tuple(config.input_size):
        raise UserError(
            f"{path}: takes images of {tuple(shape[1:3])}, but the config.yaml beside it says"
            f" {tuple(config.input_size)}; is it of another export?"
        )

    check_outputs(path, found, len(class_names))
    one_at_a_time = threading.Lock()  # threads would write into each other's tensors

    def detect(images):
        with one_at_a_time:
            found = [run(**{_INPUT: image[np.newaxis]}) for image in np.asarray(images)]
        return {name: np.concatenate([one[name] for one in found]) for name in found[0]}

    suppressed = not set(RAW_DETECTIONS) <= set(run.get_output_details())
    return GraphDetector(detect, suppressed, config, class_names)


_MAIN = 0  # the subgraph that runs; others are bodies of its loops
# Fields of an operator's options that name a subgraph.
_SUBGRAPH_FIELDS = (
    "condSubgraphIndex",
    "bodySubgraphIndex",
    "thenSubgraphIndex",
    "elseSubgraphIndex",
    "initSubgraphIndex",
)
_NO_TENSOR = -1  # an optional input that is not there


def join(first: bytes, second: bytes, input_name: str, output_names: list[str]) -> bytes:
    """Joins two models.

    Args:
      first: model with one input.
      second: model whose inputs are, in their order, the outputs of `first`: the same types and
        shapes.
      input_name, output_names: what the signature "serving_default" calls the input of `first`
        and the outputs of `second`.

    Raises:
      ValueError: they do not fit.
    """
    model, other = map(flatbuffer_utils.convert_bytearray_to_object, (first, second))
    _check_fit(model.subgraphs[_MAIN], other.subgraphs[_MAIN])
    _shift(other, model)
    model.operatorCodes += other.operatorCodes
    model.buffers += other.buffers
    _append(model.subgraphs[_MAIN], other.subgraphs[_MAIN])
    model.subgraphs += other.subgraphs[1:]
    main = model.subgraphs[_MAIN]
    model.signatureDefs = [_signature(main, input_name, output_names)]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _shift(model, base) -> None:
    """Numbers of operator codes, buffers and subgraphs as they are behind those of `base`."""
    codes, buffers = len(base.operatorCodes), len(base.buffers)
    graphs = len(base.subgraphs) - 1  # the main one becomes a part of base's
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.buffer += buffers
        for operator in graph.operators:
            operator.opcodeIndex += codes
            for field in _SUBGRAPH_FIELDS:
                if hasattr(operator.builtinOptions, field):
                    number = getattr(operator.builtinOptions, field)
                    setattr(operator.builtinOptions, field, number + graphs)


def _append(graph, other) -> None:
    """Puts the operators of `other` behind those of `graph`, on its outputs."""
    inputs = dict(zip(other.inputs, graph.outputs, strict=True))
    numbers = {}
    for number, tensor in enumerate(other.tensors):
        if number in inputs:
            numbers[number] = inputs[number]
        else:
            numbers[number] = len(graph.tensors)
            graph.tensors.append(tensor)
    numbers[_NO_TENSOR] = _NO_TENSOR
    for operator in other.operators:
        for field in ("inputs", "outputs", "intermediates"):
            of_field = getattr(operator, field)
            if of_field is not None:
                setattr(operator, field, [numbers[number] for number in of_field])
        graph.operators.append(operator)
    graph.outputs = [numbers[number] for number in other.outputs]


def _check_fit(graph, other) -> None:
    outputs = [graph.tensors[number] for number in graph.outputs]
    inputs = [other.tensors[number] for number in other.inputs]
    found, expected = (
        [(t.type, [int(n) for n in t.shape]) for t in side] for side in (inputs, outputs)
    )
    if found != expected:
        raise ValueError(f"second model: found inputs {found}, expected {expected}")


def _signature(graph, input_name: str, output_names: list[str]):
    def name(text, number):
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = text, number
        return entry

    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = "serving_default", _MAIN
    signature.inputs = [name(input_name, graph.inputs[0])]
    signature.outputs = [
        name(text, number) for text, number in zip(output_names, graph.outputs, strict=True)
    ]
    return signature
