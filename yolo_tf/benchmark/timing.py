"""Measuring speeds on a machine that may be busy with other things: medians, and their spread."""

import multiprocessing
import os
import platform
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import tensorflow as tf
import tf_keras

WINDOWS = 5  # parts of a measurement, each giving one figure


def stream_speed(batches: Iterator, images: int, seconds: float) -> dict:
    """Images a second of an endless iterator, after a warm-up of one window.

    Args:
      batches: endless; what it yields is not used.
      images: in each of its elements.
      seconds: of measuring, in `WINDOWS` parts.

    Returns:
      As `speed`.
    """
    window = seconds / WINDOWS
    durations = [_pull(batches, window) for _ in range(WINDOWS + 1)][1:]
    return speed([images / duration for duration in durations])


def speed(values: list[float]) -> dict:
    """{"images_per_second": median, "lowest", "highest"} of several figures."""
    return {
        "images_per_second": statistics.median(values),
        "lowest": min(values),
        "highest": max(values),
    }


def call_times(call) -> tuple[float, float]:
    """(wall-clock seconds, processor seconds of all threads) of one call."""
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - processor


def in_new_process(function, *args):
    """What a function of a module returns in a process of its own.

    For memory: the most that this process ever held tells nothing any more.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *args).result()


def machine() -> dict:
    """What the figures depend on; `load` is the machine's load average of the last minute."""
    return {
        "processor": platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else _cores(),
        "accelerators": [d.name for d in tf.config.list_physical_devices() if not _is_cpu(d)],
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "tf_keras": tf_keras.__version__,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def _pull(batches: Iterator, window: float) -> float:
    """Seconds an element, over at least `window` seconds."""
    count, start = 0, time.perf_counter()
    while True:
        next(batches)
        count += 1
        passed = time.perf_counter() - start
        if passed >= window:
            return passed / count


def _cores() -> int:
    return os.cpu_count() or 1


def _is_cpu(device) -> bool:
    return device.device_type == "CPU"
