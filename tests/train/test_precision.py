"""The policy for each kind of hardware, and half precision in a train step."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.every_head import HEADS
from yolo_tf.benchmark.step import make_batch
from yolo_tf.config import Config, ModelConfig, OptimizerConfig
from yolo_tf.detector.build import build_detector
from yolo_tf.errors import UserError
from yolo_tf.train import precision
from yolo_tf.train.optimizers import make_optimizer
from yolo_tf.train.precision import choose_policy


@pytest.mark.parametrize("name", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_named(name):
    assert choose_policy(name, tf.distribute.get_strategy())[0] == name


def test_another_word():
    with pytest.raises(UserError, match="precision: found 'half', expected one of float32, mixed"):
        choose_policy("half", tf.distribute.get_strategy())


@pytest.mark.parametrize(
    ("flags", "policy"),
    [
        ("flags : sse avx512_bf16", "float32"),
        ("flags : avx512_bf16 amx_bf16", "mixed_bfloat16"),
        ("flags : sse avx2 amx_bf16x", "float32"),
    ],
)
def test_auto_on_a_cpu_goes_by_its_flags(tmp_path, flags, policy):
    path = tmp_path / "cpuinfo"
    path.write_text(flags)
    assert precision._for_cpu(path)[0] == policy
    assert precision._for_cpu(tmp_path / "none")[0] == "float32"


@pytest.mark.parametrize(
    ("capabilities", "policy"),
    [
        ([(8, 0)], "mixed_bfloat16"),
        ([(7, 5)], "mixed_float16"),
        ([(9, 0), (7, 0)], "mixed_float16"),
        ([(6, 1)], "float32"),
    ],
)
def test_auto_on_gpus_goes_by_the_oldest(monkeypatch, capabilities, policy):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: capabilities)
    monkeypatch.setattr(
        tf.config.experimental, "get_device_details", lambda c: {"compute_capability": c}
    )
    assert precision._for_gpu()[0] == policy


def three_steps(policy):
    tf_keras.utils.set_random_seed(0)
    # Not "micro": on CPUs with AMX TensorFlow 2.21 convolves 16 channels in bfloat16 wrongly where
    # kernel and stride are 4.
    model = ModelConfig(name="yolov3_tiny")
    config = Config(input_size=(64, 96), model=model, head=HEADS["darknet"])
    detector = build_detector(config, ["a", "b"], policy)
    detector.compile(optimizer=make_optimizer(OptimizerConfig(name="sgd"), 1e-3))
    batch = make_batch(detector, 4, 8)
    step = tf.function(detector.train_step)
    return detector, [float(step(batch)["loss"]) for _ in range(3)]


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])  # without loss scaling
def test_a_train_step_in_half_precision(policy):
    _, expected = three_steps("float32")
    detector, found = three_steps(policy)
    np.testing.assert_allclose(found, expected, rtol=0.02)
    assert found != expected
    assert found[-1] < found[0]
    assert {weight.dtype for weight in detector.network.weights} == {tf.float32}
    outputs = detector.network(tf.zeros([1, 64, 96, 3]))
    assert {raw.dtype for raw in outputs.values()} == {tf.float32}
    assert tf_keras.mixed_precision.global_policy().name == "float32"
