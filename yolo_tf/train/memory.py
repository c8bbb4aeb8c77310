"""Memory that a process and its GPUs hold."""

import os
import sys
from pathlib import Path

import tensorflow as tf

MB = 1e6  # bytes


def peak_memory() -> int | None:
    """Most memory this process ever held, in bytes; None where the system does not tell."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage counts the parent's memory when this process was started
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def held_memory() -> int | None:
    """Memory that this process holds now, in bytes; None where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:  # not Linux
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def gpu_peak_memory() -> int | None:
    """Most memory that tensors ever held on one GPU, in bytes; None where there is no GPU."""
    names = [gpu.name.rpartition("device:")[2] for gpu in tf.config.list_logical_devices("GPU")]
    peaks = [tf.config.experimental.get_memory_info(name)["peak"] for name in names]
    return max(peaks, default=None)


def memory_figures() -> dict[str, float]:
    """The peaks in MB: "memory_mb" and, with GPUs, "gpu_memory_mb"; each only if it is known."""
    peaks = {"memory_mb": peak_memory(), "gpu_memory_mb": gpu_peak_memory()}
    return {name: peak / MB for name, peak in peaks.items() if peak is not None}
