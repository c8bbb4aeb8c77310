"""The precision in which a network computes, and the order of its sums on CPUs."""

from pathlib import Path

import tensorflow as tf

from yolo_tf.errors import check_choice
from yolo_tf.train.devices import devices_of

# config.train.precision -> policy of tf_keras; "auto" chooses one of them.
POLICIES = {name: name for name in ("float32", "mixed_bfloat16", "mixed_float16")}
CHOICES = (*POLICIES, "auto")
_TENSOR_CORES = (7, 0)  # compute capability from which float16 is the faster one
_BFLOAT16 = (8, 0)  # and from which a GPU has bfloat16


def choose_policy(precision: str, strategy: tf.distribute.Strategy) -> tuple[str, str]:
    """The policy of `config.train.precision` and why it was chosen.

    Raises:
      UserError: another word than `CHOICES`.
    """
    check_choice("config.train.precision", precision, CHOICES)
    if precision != "auto":
        return POLICIES[precision], "as config.train.precision says"
    if isinstance(strategy, tf.distribute.TPUStrategy):
        return "mixed_bfloat16", "auto: a TPU"
    if not any("GPU" in device for device in devices_of(strategy)):
        return _for_cpu()
    return _for_gpu()


def _for_gpu() -> tuple[str, str]:
    # The oldest of several decides; all replicas compute alike.
    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    capability = min((d.get("compute_capability") or (0, 0) for d in details), default=(0, 0))
    shown = ".".join(map(str, capability))
    if capability >= _BFLOAT16:
        return "mixed_bfloat16", f"auto: a GPU of compute capability {shown}"
    if capability >= _TENSOR_CORES:
        return "mixed_float16", f"auto: a GPU of compute capability {shown}"
    return "float32", f"auto: a GPU of compute capability {shown}, below 7.0"


def _for_cpu(cpuinfo: Path = Path("/proc/cpuinfo")) -> tuple[str, str]:
    """bfloat16 where the CPU has AMX; elsewhere float32 is the faster one.

    AVX512-BF16 alone does not pay: convolutions of yolo_n take 1.1 to 1.6 times as long.
    """
    try:
        flags = set(cpuinfo.read_text().split())
    except OSError:
        return "float32", "auto: the flags of this CPU cannot be read"
    if "amx_bf16" in flags:
        return "mixed_bfloat16", "auto: a CPU with amx_bf16"
    return "float32", "auto: a CPU without amx_bf16"


def make_deterministic() -> None:
    """The same sums in the same order in each process: what is resumed ends in the same bits."""
    # Grappler reorders sums, in each process in another way. On GPUs, whose sums have no fixed
    # order anyway, it stays: it finds faster layouts for them.
    if not tf.config.list_physical_devices("GPU"):
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
