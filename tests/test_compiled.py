"""Encoder and train step of every head compile with XLA and give the same numbers as without.

TPUs compile the same graph with the same compiler. So that nothing is left for them to refuse, all
shapes of the step are known when it is traced, and it has no operation beyond `TPU_OPS`.
"""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.every_head import HEADS
from tests.small import add_micro
from yolo_tf.benchmark.step import random_boxes
from yolo_tf.config import AveragesConfig, Config, ModelConfig, OptimizerConfig, ScheduleConfig
from yolo_tf.detector.build import build_detector, build_head
from yolo_tf.train.averages import WeightAverages
from yolo_tf.train.optimizers import Schedule, make_optimizer

SIZE, BATCH, CLASSES = (64, 96), 3, 4

# The operations (tf.raw_ops) that a training step may have: those of ours that TensorFlow has for
# every XLA device (tensorflow/compiler/tf2xla/kernels), TPUs among them. Before you add one, look
# it up there and in https://cloud.google.com/tpu/docs/tensorflow-ops. Never fit: what gives a
# shape that depends on values (Where, Unique, NonMaxSuppression*), strings (AsString, PrintV2),
# and what runs on the host (PyFunc, EagerPyFunc).
TPU_OPS = """
Abs AddN AddV2 All Any ArgMax AssignAddVariableOp AssignSubVariableOp AssignVariableOp BatchMatMulV2
Atan BiasAdd BiasAddGrad BroadcastTo Cast ConcatOffset ConcatV2 Const Conv2D Conv2DBackpropFilter
Conv2DBackpropInput Cos Cumsum DivNoNan EnsureShape Equal Exp ExpandDims Expm1 Fill FloorDiv
FloorMod FusedBatchNormGradV3 FusedBatchNormV3 GatherV2 Greater GreaterEqual Identity IdentityN
IsFinite IsNan L2Loss LeakyRelu LeakyReluGrad Less LessEqual Log Log1p LogicalAnd LogicalNot
LogicalOr LogSoftmax Max Maximum Mean Minimum Mul Neg NoOp NotEqual OneHot Pack Pad PadV2 Pow Prod
Range ReadVariableOp RealDiv Reciprocal Reshape ResourceApplyAdam ResourceApplyKerasMomentum Rsqrt
ScatterNd Select SelectV2 ShapeN Sigmoid SigmoidGrad Sign Slice Softplus Softmax
SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits SplitV Sqrt Square StatelessIf
StatelessWhile StopGradient StridedSlice StridedSliceGrad Sub Sum TensorScatterMax Tile TopKV2
Transpose Unpack UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentSum ZerosLike
"""


def truth():
    """Boxes of three images: some, none, and as many as there is room for."""
    boxes, classes = random_boxes(BATCH, 20, CLASSES)
    full, full_classes = random_boxes(1, 20, CLASSES, seed=1)
    count = (full_classes >= 0).sum()
    boxes[1], classes[1] = 0.0, -1
    boxes[2], classes[2] = np.resize(full[0, :count], [20, 4]), 1
    return tf.constant(boxes), tf.constant(classes)


@pytest.mark.parametrize("name", HEADS)
def test_encoder(name):
    head = build_head(Config(input_size=SIZE, head=HEADS[name]), CLASSES)
    plain = tf.function(head.encode)(*truth())
    compiled = tf.function(head.encode, jit_compile=True)(*truth())
    tf.nest.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), plain, compiled
    )


@pytest.mark.parametrize("name", HEADS)
def test_train_step(name, monkeypatch):
    add_micro(monkeypatch)
    plain, plain_weights, _ = two_steps(name, jit=False)
    compiled, compiled_weights, graph = two_steps(name, jit=True)
    assert np.isfinite(plain["loss"])
    assert set(plain) == set(compiled)
    for part, value in plain.items():
        assert compiled[part] == pytest.approx(value, rel=1e-4, abs=1e-5), part
    for a, b in zip(plain_weights, compiled_weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert_fit_for_tpus(graph)


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_other_optimizers_are_fit_for_tpus(optimizer, monkeypatch):
    add_micro(monkeypatch)
    detector, batch = detector_and_batch("darknet", optimizer)
    assert_fit_for_tpus(tf.function(detector.train_step).get_concrete_function(batch).graph)


def test_what_is_not_fit_for_tpus_is_named():
    step = tf.function(lambda x: tf.boolean_mask(x, x > 0))
    with pytest.raises(AssertionError, match="Where"):
        assert_fit_for_tpus(step.get_concrete_function(tf.ones([3])).graph)


def two_steps(name, jit):
    """(values, weights, graph) after two updates from the same start."""
    detector, batch = detector_and_batch(name, "sgd")
    step = tf.function(detector.train_step, jit_compile=jit, autograph=False)
    step(batch)
    values = {key: float(value) for key, value in step(batch).items()}
    return values, detector.get_weights(), step.get_concrete_function(batch).graph


def detector_and_batch(name, optimizer):
    """With all that a training step can have: schedule, clipping, averages."""
    tf_keras.utils.set_random_seed(0)
    config = Config(input_size=SIZE, model=ModelConfig(name="micro"), head=HEADS[name])
    detector = build_detector(config, [f"class {n}" for n in range(CLASSES)])
    schedule = Schedule(ScheduleConfig(warmup_epochs=0), peak=1e-3, steps_per_epoch=3, epochs=2)
    detector.compile(make_optimizer(OptimizerConfig(name=optimizer), schedule))
    detector.optimizer.build(detector.network.trainable_variables)
    detector.averages = WeightAverages(detector.network, AveragesConfig(decay=0.9))
    batch = {
        "image": tf.random.stateless_uniform([BATCH, *SIZE, 3], [0, 1]),
        "targets": detector.head.encode(*truth()),
        "image_key": tf.range(BATCH, dtype=tf.int64),
    }
    return detector, batch


def assert_fit_for_tpus(graph):
    definition = graph.as_graph_def()
    nodes = [*definition.node, *(n for f in definition.library.function for n in f.node_def)]
    lacking = {node.op for node in nodes} - {*TPU_OPS.split(), "Placeholder"}
    assert not lacking, f"TPUs lack {', '.join(sorted(lacking))}"
    for op in graph.get_operations():
        # The last output of batch norm, and what is made like it, is scratch space of GPUs.
        for tensor in op.outputs[:5]:
            scratch = op.type == "ZerosLike" and op.inputs[0].op.type == "FusedBatchNormV3"
            if tensor.dtype not in (tf.resource, tf.variant) and not scratch:
                assert tensor.shape.is_fully_defined(), f"{op.name}: {tensor.shape}"
