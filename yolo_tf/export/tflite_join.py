"""Two TensorFlow Lite models as one: the outputs of the first are the inputs of the second.

The converter quantises a whole model or nothing of it, and boxes are lost where 8 bits hold their
exponentials and sorted scores. So the network is converted as is wished, what follows it in
float32, and both are joined in TensorFlow Lite's own format (tensorflow/lite/schema/schema.fbs).
"""

from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

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
