"""Strategies by name, and what a recipe may ask of them."""

import json
import signal
import sys
import time
from types import SimpleNamespace

import pytest
import tensorflow as tf

from tests.train.cluster import free_ports, start_worker
from yolo_tf.config import StrategyConfig, TrainConfig
from yolo_tf.errors import UserError
from yolo_tf.train.devices import (
    any_process,
    check_batch,
    check_compiled,
    describe,
    devices_of,
    is_chief,
    make_strategy,
    processes,
)


def test_the_default_has_one_device():
    strategy = make_strategy(StrategyConfig())
    assert strategy.num_replicas_in_sync == 1
    assert [name.rpartition(":")[2] for name in devices_of(strategy)] == ["0"]
    assert describe(strategy, "default") == "CPU:0 (default, 1 replica)"
    assert is_chief(strategy)


def test_one_device_and_mirrored_take_names():
    one = make_strategy(StrategyConfig(name="one_device", devices="CPU:0"))
    assert isinstance(one, tf.distribute.OneDeviceStrategy)
    mirrored = make_strategy(StrategyConfig(name="mirrored", devices="cpu:0"))
    assert isinstance(mirrored, tf.distribute.MirroredStrategy)
    assert describe(mirrored, "mirrored") == "CPU:0 (mirrored, 1 replica)"
    assert is_chief(mirrored)
    assert processes(mirrored) == 1
    assert [any_process(mirrored)(flag) for flag in (True, False)] == [True, False]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "mirorred"}, "strategy.name: found 'mirorred', expected one of default, one"),
        ({"name": "mirrored", "devices": "GPU:7"}, "devices: found GPU:7, expected some of CPU:0"),
        ({"name": "one_device", "devices": "CPU:0,CPU:0"}, "expected one device; several need"),
        ({"name": "tpu"}, "strategy.tpu=local: no TPU there"),
        ({"cpu_devices": 3}, "cpu_devices: found 3, but TensorFlow has computed already"),
    ],
)
def test_what_cannot_be_had(settings, message):
    tf.constant(1.0) + 1.0  # TensorFlow has started
    with pytest.raises(UserError, match=message) as caught:
        make_strategy(StrategyConfig(**settings))
    assert "\n" not in str(caught.value)


CLUSTER = {"worker": ["a:1", "b:1"]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "TF_CONFIG is not set"),
        ("{", r"TF_CONFIG: not JSON \(.*found '{'"),
        (json.dumps({"cluster": CLUSTER}), "TF_CONFIG: 'task' is missing"),
        (
            json.dumps(
                {"cluster": {"worker": ["a:1", "b:x"]}, "task": {"type": "worker", "index": 0}}
            ),
            "address 'b:x' is not HOST:PORT",
        ),
        (
            json.dumps({"cluster": CLUSTER, "task": {"type": "worker", "index": 2}}),
            "task worker:2 is not in the cluster",
        ),
        (
            json.dumps({"cluster": {"ps": ["a:1"]}, "task": {"type": "ps", "index": 0}}),
            "no worker is in the cluster",
        ),
        (
            json.dumps({"cluster": [], "task": {"type": "worker", "index": 0}}),
            "not of the right form; found .*, expected something like",
        ),
    ],
)
def test_tf_config(monkeypatch, value, message):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if value is not None:
        monkeypatch.setenv("TF_CONFIG", value)
    with pytest.raises(UserError, match=message):
        make_strategy(StrategyConfig(name="multi_worker"))


def test_the_batch_is_shared_out_evenly():
    four = SimpleNamespace(num_replicas_in_sync=4)
    check_batch(TrainConfig(batch_size=16, accumulate=2), four)
    with pytest.raises(UserError, match=r"found 18, expected a multiple of 4 replicas x 1 parts"):
        check_batch(TrainConfig(batch_size=18), four)
    with pytest.raises(UserError, match=r"4 replicas x 3 parts .* for example 12"):
        check_batch(TrainConfig(batch_size=16, accumulate=3), four)
    synchronised = StrategyConfig(sync_batch_norm=True)
    with pytest.raises(UserError, match="exclude each other"):
        check_batch(TrainConfig(batch_size=16, accumulate=2, strategy=synchronised), four)


@pytest.mark.parametrize(
    ("settings", "across_replicas", "refused"),
    [
        ({"jit_compile": True}, False, ""),
        ({"jit_compile": True}, True, "the loss of this head adds up over the 2 replicas"),
        ({"jit_compile": True, "sync": True}, False, "sync_batch_norm adds up over the 2 replicas"),
        ({"jit_compile": True, "name": "tpu", "sync": True}, True, ""),
        ({"sync": True}, True, ""),
    ],
)
def test_xla_is_refused_where_replicas_meet_within_the_step(settings, across_replicas, refused):
    two, head = (
        SimpleNamespace(num_replicas_in_sync=2),
        SimpleNamespace(across_replicas=across_replicas),
    )
    train = TrainConfig(
        jit_compile=settings.get("jit_compile", False),
        strategy=StrategyConfig(
            name=settings.get("name", "mirrored"), sync_batch_norm=settings.get("sync", False)
        ),
    )
    if not refused:
        check_compiled(train, two, head)
        return
    with pytest.raises(UserError, match=refused):
        check_compiled(train, two, head)
    check_compiled(train, SimpleNamespace(num_replicas_in_sync=1), head)


def test_ctrl_c_ends_what_waits_for_the_other_processes():
    code = (
        "from yolo_tf.train.devices import make_strategy\n"
        "from yolo_tf.config import StrategyConfig\n"
        "make_strategy(StrategyConfig(name='multi_worker'))"
    )
    process = start_worker([sys.executable, "-c", code], free_ports(2), 0)
    try:
        assert process.stdout.readline() == "waiting for all processes of TF_CONFIG\n"
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == -signal.SIGINT
    finally:
        process.kill()
        process.communicate()
