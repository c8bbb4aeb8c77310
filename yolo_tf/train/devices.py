"""The devices of a training: one, all GPUs of a machine, those of several machines, or a TPU."""

import contextlib
import itertools
import json
import os
import signal
import threading
from collections.abc import Callable

import tensorflow as tf

from yolo_tf.config import StrategyConfig, TrainConfig
from yolo_tf.errors import UserError, check_choice
from yolo_tf.ops.replicas import global_sum

_EXAMPLE = (
    '{"cluster": {"worker": ["host1:12345", "host2:12345"]},'
    ' "task": {"type": "worker", "index": 0}}'
)


def make_strategy(config: StrategyConfig) -> tf.distribute.Strategy:
    """The strategy of a recipe. To be called before anything is computed.

    Raises:
      UserError: the name is not known, a device is not there, the TPU or TF_CONFIG cannot be
        used, or TensorFlow has started already and its devices cannot be changed.
    """
    check_choice("config.train.strategy.name", config.name, STRATEGIES)
    if config.cpu_devices > 1:
        _split_cpu(config.cpu_devices)
    return STRATEGIES[config.name](config)


def check_batch(settings: TrainConfig, strategy: tf.distribute.Strategy) -> None:
    """Raises `UserError` where the batch cannot be shared out in equal parts."""
    replicas = strategy.num_replicas_in_sync
    if settings.batch_size % (replicas * settings.accumulate):
        nearest = max(settings.batch_size // (replicas * settings.accumulate), 1)
        raise UserError(
            f"config.train.batch_size: found {settings.batch_size}, expected a multiple of"
            f" {replicas} replicas x {settings.accumulate} parts (config.train.accumulate), for"
            f" example {nearest * replicas * settings.accumulate}"
        )
    if settings.accumulate > 1 and replicas > 1 and settings.strategy.sync_batch_norm:
        raise UserError(
            "config.train.accumulate: a batch in parts and config.train.strategy.sync_batch_norm"
            " exclude each other with several replicas; set one of them off"
        )


def check_compiled(settings: TrainConfig, strategy: tf.distribute.Strategy, head) -> None:
    """Raises `UserError` where XLA would have to compile a sum over replicas; TPUs alone can."""
    several = strategy.num_replicas_in_sync > 1
    if not (settings.jit_compile and several) or settings.strategy.name == "tpu":
        return
    if settings.strategy.sync_batch_norm or head.across_replicas:
        what = "sync_batch_norm" if settings.strategy.sync_batch_norm else "the loss of this head"
        raise UserError(
            f"config.train.jit_compile: {what} adds up over the {strategy.num_replicas_in_sync}"
            " replicas within the step, which XLA cannot compile; set jit_compile to false"
        )


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes the files of the run; with one process always."""
    resolver = strategy.cluster_resolver
    if resolver is None or not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return True
    return resolver.task_type in (None, "chief") or (
        resolver.task_type == "worker"
        and resolver.task_id == 0
        and not resolver.cluster_spec().as_dict().get("chief")
    )


def processes(strategy: tf.distribute.Strategy) -> int:
    """How many processes train together."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return 1
    return strategy.num_replicas_in_sync // len(strategy.extended.worker_devices)


def any_process(strategy: tf.distribute.Strategy) -> Callable[[bool], bool]:
    """Function: flag of this process -> whether some process has it; all must call it together."""
    if processes(strategy) == 1:
        return bool

    @tf.function(autograph=False)
    def count(flag):
        return strategy.experimental_local_results(strategy.run(global_sum, args=(flag,)))[0]

    return lambda flag: bool(count(tf.constant(int(flag))) > 0)


def describe(strategy: tf.distribute.Strategy, name: str) -> str:
    """The replicas and their devices, for the overview; `name` is that of the recipe."""
    devices = sorted({_device(name) for name in devices_of(strategy)})
    replicas = strategy.num_replicas_in_sync
    shown = ", ".join(devices[:8]) + (", ..." if len(devices) > 8 else "")
    text = f"{shown} ({name}, {replicas} replica{'s' * (replicas > 1)})"
    gpus = len(tf.config.list_logical_devices("GPU"))
    if gpus > 1 and replicas == 1:
        text += f"; {gpus} GPUs are there, --config.train.strategy.name=mirrored uses all"
    return text


def devices_of(strategy: tf.distribute.Strategy) -> list[str]:
    """Names of the devices of this process on which a strategy computes."""
    if not tf.distribute.has_strategy() and strategy is tf.distribute.get_strategy():
        return _accelerators()[:1]  # TensorFlow's default has no list
    return list(strategy.extended.worker_devices)


def _device(name: str) -> str:
    parts = tf.DeviceSpec.from_string(name)
    task = f"{parts.job}:{parts.task} " if parts.job not in (None, "localhost") else ""
    return f"{task}{parts.device_type}:{parts.device_index}"


def _default(config):
    return _one_device(config) if config.devices else tf.distribute.get_strategy()


def _one_device(config):
    names = _devices(config.devices) or _accelerators()[:1]
    if len(names) > 1:
        raise UserError(
            f"config.train.strategy.devices: found {config.devices!r}, expected one device; several"
            " need config.train.strategy.name=mirrored"
        )
    return tf.distribute.OneDeviceStrategy(names[0])


def _mirrored(config):
    names = _devices(config.devices) or _accelerators()
    gpus = all("GPU" in name for name in names)
    # Without NCCL; the collective operations allow one number of CPU devices in a process.
    operations = None if gpus else tf.distribute.ReductionToOneDevice()
    return tf.distribute.MirroredStrategy(names, cross_device_ops=operations)


def _multi_worker(config):
    del config
    _check_tf_config()
    print("waiting for all processes of TF_CONFIG", flush=True)
    try:
        with _ctrl_c_ends():
            return tf.distribute.MultiWorkerMirroredStrategy()
    except (RuntimeError, tf.errors.OpError) as error:  # its port is taken, for one
        first = str(error).partition("\n")[0]
        raise UserError(
            f"config.train.strategy.name=multi_worker: {first}; TF_CONFIG is"
            f" '{os.environ['TF_CONFIG']}'"
        ) from None


@contextlib.contextmanager
def _ctrl_c_ends():
    """Ctrl-C ends the process at once: Python hears no signal while TensorFlow waits for others."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only that one may handle signals
        return
    former = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def _tpu(config):
    address = "" if config.tpu == "local" else config.tpu
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=address or "local")
        if address:
            tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except (tf.errors.OpError, ValueError, RuntimeError, OSError) as error:
        first = str(error).partition("\n")[0]
        raise UserError(f"config.train.strategy.tpu={config.tpu}: no TPU there: {first}") from None


STRATEGIES = {
    "default": _default,
    "one_device": _one_device,
    "mirrored": _mirrored,
    "multi_worker": _multi_worker,
    "tpu": _tpu,
}


def _split_cpu(count: int) -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    parts = [tf.config.LogicalDeviceConfiguration()] * count
    if tf.config.get_logical_device_configuration(cpu) == parts:
        return
    try:
        tf.config.set_logical_device_configuration(cpu, parts)
    except RuntimeError:
        raise UserError(
            f"config.train.strategy.cpu_devices: found {count}, but TensorFlow has computed"
            " already; set it before the first operation of the process"
        ) from None


def _accelerators() -> list[str]:
    """The GPUs, or the CPU devices where there are none."""
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return [device.name for device in devices]


def _devices(names: str) -> list[str]:
    there = {d.name.rpartition("device:")[2]: d.name for d in tf.config.list_logical_devices()}
    wanted = [name.strip().upper().removeprefix("/") for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in there:
            raise UserError(
                f"config.train.strategy.devices: found {name}, expected some of {', '.join(there)}"
            )
    return [there[name] for name in wanted]


def _check_tf_config() -> None:
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        raise UserError(
            f"TF_CONFIG is not set: multi_worker needs it in each process, for example '{_EXAMPLE}'"
        )
    problem = _problem_of(text)
    if problem:
        raise UserError(
            f"TF_CONFIG: {problem}; found {text!r}, expected something like '{_EXAMPLE}'"
        )


def _problem_of(text: str) -> str:
    """What is wrong with a TF_CONFIG; "" for nothing."""
    try:
        value = json.loads(text)
        cluster, task = value["cluster"], value["task"]
        kind, index = task["type"], task["index"]
        if not (cluster.get("chief") or cluster.get("worker")):
            return "no worker is in the cluster"
        if not 0 <= index < len(cluster.get(kind, [])):
            return f"task {kind}:{index} is not in the cluster"
        for address in itertools.chain.from_iterable(cluster.values()):
            host, _, port = address.rpartition(":")
            if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 2**16):
                return f"address {address!r} is not HOST:PORT with a port of 1 to 65535"
    except json.JSONDecodeError as error:
        return f"not JSON ({error})"
    except KeyError as error:
        return f"{error} is missing"
    except (ValueError, TypeError, AttributeError):
        return "not of the right form"
    return ""
