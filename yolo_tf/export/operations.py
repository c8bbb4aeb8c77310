"""What a SavedModel may consist of: loading and running one runs whatever its graph says.

TensorFlow has operations that read, write and delete files, open connections and call Python. So
the graph is read first, and what is not in the list of this file is refused by name. The list
holds what the exports of `saved_model` consist of: arithmetic, shapes, loops and the decoding of
images, all without any effect but their result.
"""

from collections.abc import Iterator
from pathlib import Path

from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry

from yolo_tf.errors import UserError

# A new network, head or suppression may need another: one that computes, and nothing else.
# fmt: off
OPERATIONS = frozenset({
    "Abs", "Add", "AddN", "AddV2", "All", "Any", "ArgMax", "ArgMin", "Assert", "AvgPool",
    "BatchMatMulV2", "BatchToSpaceND", "BiasAdd", "BroadcastArgs", "BroadcastTo", "Cast", "Ceil",
    "ClipByValue", "CombinedNonMaxSuppression", "ConcatV2", "Const", "Conv2D", "Cos", "Cumprod",
    "Cumsum", "DecodeAndCropJpeg", "DecodeBmp", "DecodeJpeg", "DecodePng", "DecodeRaw",
    "DepthToSpace", "DepthwiseConv2dNative", "DynamicStitch", "Einsum", "Elu", "EnsureShape",
    "Equal", "Erf", "Exp", "ExpandDims", "Expm1", "ExtractImagePatches", "ExtractJpegShape", "Fill",
    "Floor", "FloorDiv", "FloorMod", "FusedBatchNormV3", "Gather", "GatherNd", "GatherV2",
    "Greater", "GreaterEqual", "Identity", "IdentityN", "If", "InvertPermutation", "IsFinite",
    "IsInf", "IsNan", "L2Loss", "LeakyRelu", "Less", "LessEqual", "LinSpace", "Log", "Log1p",
    "LogSoftmax", "LogicalAnd", "LogicalNot", "LogicalOr", "MatMul", "MatrixBandPart", "Max",
    "MaxPool", "MaxPoolV2", "Maximum", "Mean", "Min", "Minimum", "MirrorPad", "Mul", "MulNoNan",
    "Neg", "NextAfter", "NoOp", "NonMaxSuppressionV3", "NonMaxSuppressionV4", "NonMaxSuppressionV5",
    "NotEqual", "OneHot", "OnesLike", "Pack", "Pad", "PadV2", "ParseExampleV2", "PartitionedCall",
    "Placeholder", "PlaceholderWithDefault", "Pow", "PreventGradient", "Prod", "Range", "Rank",
    "ReadVariableOp", "RealDiv", "Reciprocal", "Relu", "Relu6", "Reshape", "ResizeArea",
    "ResizeBicubic", "ResizeBilinear", "ResizeNearestNeighbor", "ReverseV2", "Rint", "Roll",
    "Round", "Rsqrt", "ScatterNd", "Select", "SelectV2", "Selu", "Shape", "ShapeN", "Sigmoid",
    "Sign", "Sin", "Size", "Slice", "Softmax", "Softplus", "Softsign", "SpaceToBatchND",
    "SpaceToDepth", "Split", "SplitV", "Sqrt", "Square", "SquaredDifference", "Squeeze",
    "StatefulPartitionedCall", "StatelessIf", "StatelessWhile", "StaticRegexFullMatch",
    "StopGradient", "StridedSlice", "StringLength", "StringSplitV2", "Sub", "Substr", "Sum", "Tan",
    "Tanh", "TensorListFromTensor", "TensorListGather", "TensorListGetItem", "TensorListLength",
    "TensorListReserve", "TensorListSetItem", "TensorListStack", "TensorScatterAdd",
    "TensorScatterMax", "TensorScatterUpdate", "Tile", "TopKV2", "Transpose", "TruncateDiv",
    "TruncateMod", "Unique", "UniqueV2", "Unpack", "VarHandleOp", "Where", "While", "Xdivy",
    "Xlogy", "ZerosLike",
})
# fmt: on
# Those that save and restore variables. TensorFlow puts them into each SavedModel, in functions
# that nothing calls; the loader has its own.
_OF_CHECKPOINTS = frozenset(
    {
        "AssignVariableOp",
        "DisableCopyOnRead",
        "MergeV2Checkpoints",
        "RestoreV2",
        "SaveV2",
        "ShardedFilename",
        "StringJoin",
    }
)
_OBJECTS = ("function", "bare_concrete_function", "constant", "captured_tensor", "variable")
_USER_OBJECTS = (
    "_generic_user_object",
    "signature_map",
    "trackable_dict_wrapper",
    "trackable_list_wrapper",
    "trackable_tuple_wrapper",
)
_GRAPH = "saved_model.pb"
_IN_PARTS = "saved_model.cpb"  # another form of the graph, which a loader may read in its place
_SHOWN = 5


def check_operations(path: Path) -> None:
    """Reads the graph of a SavedModel, without running anything of it.

    Args:
      path: its folder.

    Raises:
      UserError: it has operations or objects that no export of ours has, or is damaged.
    """
    if (path / _IN_PARTS).exists():
        raise UserError(f"{path}: has its graph in {_IN_PARTS}, expected {_GRAPH} alone; not ours")
    try:
        saved = saved_model_pb2.SavedModel.FromString((path / _GRAPH).read_bytes())
    except DecodeError:
        raise UserError(f"{path}: damaged SavedModel, not readable: {_GRAPH}") from None
    found = sorted({name for graph in saved.meta_graphs for name in _foreign(graph)})
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise UserError(
            f"{path}: a SavedModel with {', '.join(found[:_SHOWN])}{more}, which no export of ours"
            " has and which may run anything here; --trust (Python: trust=True) loads it all the"
            " same, if you know who made it"
        )


def _foreign(graph) -> Iterator[str]:
    """What of a graph is not in the lists."""
    objects = graph.object_graph_def
    if not objects.nodes:
        yield "a graph of TensorFlow 1"  # whose loader runs what stands outside of functions
    for node in objects.nodes:
        kind = node.WhichOneof("kind")
        if kind == "user_object":
            if node.user_object.identifier not in _USER_OBJECTS:
                yield f"an object {node.user_object.identifier}"
        elif kind not in _OBJECTS:
            yield f"an object of the kind {kind}"
        if node.registered_name or node.registered_saver:
            yield f"an object {node.registered_name or node.registered_saver}"
    functions = {one.signature.name: one for one in graph.graph_def.library.function}
    called = _reached(objects.concrete_functions, functions)
    for name, function in functions.items():
        if op_def_registry.get(name):
            yield f"a function that has the name of the operation {name}"
        allowed = OPERATIONS if name in called else OPERATIONS | _OF_CHECKPOINTS
        yield from _unknown(function.node_def, allowed, functions)
    yield from _unknown(graph.graph_def.node, OPERATIONS, functions)


def _unknown(nodes, allowed: frozenset, functions: dict) -> Iterator[str]:
    for node in nodes:
        if node.op not in allowed and node.op not in functions:
            yield f"the operation {node.op}"


def _reached(names, functions: dict) -> set[str]:
    """The functions that these call, and they themselves."""
    reached, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name in reached or name not in functions:
            continue
        reached.add(name)
        for node in functions[name].node_def:
            waiting.append(node.op)
            for value in node.attr.values():
                waiting += [value.func.name, *(one.name for one in value.list.func)]
    return reached
