"""Memory that TensorFlow's graphs of constants leave behind."""

import ctypes
import gc
import sys


def release() -> None:
    """Gives back what graphs that nobody has any more still hold.

    They are in reference cycles, each with copies of the weights: of `yolov3`, 250 MB of weights,
    writing a SavedModel leaves 6 GB, which the next format would come on top of.
    """
    gc.collect()
    if sys.platform == "linux":  # whose allocator keeps what is freed
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc alone
        if trim is not None:
            trim(0)
