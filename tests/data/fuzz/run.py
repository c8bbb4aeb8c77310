"""Fuzzing: how much, with what, and what may come of it.

YOLO_TF_FUZZ is the number of inputs a parser gets; the default keeps the suite short.
"""

import contextlib
import os
import signal

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from yolo_tf.data.checks import BadRecord
from yolo_tf.data.records.writing import encode_example
from yolo_tf.errors import UserError

_COUNT = int(os.environ.get("YOLO_TF_FUZZ", "60"))
fuzz = settings(
    max_examples=_COUNT,
    deadline=None,  # `in_time` ends what hangs
    suppress_health_check=list(HealthCheck),
)
fuzz_slow = settings(fuzz, max_examples=max(_COUNT // 4, 1))  # of what runs a tf.data pipeline
SECONDS = 120  # for one input, on a busy machine


@contextlib.contextmanager
def in_time():
    """Raises `TimeoutError` in a parser that hangs."""

    def stop(*_):
        raise TimeoutError(f"no end after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def read_all(open_source) -> None:
    """Opens a source and reads its records: whole ones, or a mistake of one line each."""
    with in_time():
        try:
            source = open_source()
        except UserError as error:
            check_line(error)
            return
        for issue in source.issues:
            check_line(issue)
        for source_id in source.ids():
            try:
                sample, issues = source.read(source_id)
            except BadRecord as error:
                check_line(error)
                continue
            for issue in issues:
                check_line(issue)
            low, high = sample.boxes[:, :2], sample.boxes[:, 2:]
            assert np.all((low >= 0) & (low < high) & (high <= 1))
            encode_example(sample, source.class_names)


def check_line(error) -> None:
    """What a user may see: a line that is not endless."""
    text = str(error)
    assert text.isprintable()
    assert 0 < len(text) < 1000


def damaged(good: bytes, tokens: list[bytes]):
    """A strategy: the good file with up to six places deleted, overwritten or added to."""
    place = st.integers(0, len(good))
    length = st.integers(0, 3) | st.integers(0, len(good))
    new = st.sampled_from(tokens) | st.binary(max_size=8)
    return st.lists(st.tuples(place, length, new), min_size=1, max_size=6).map(
        lambda edits: _edited(good, edits)
    )


def _edited(data: bytes, edits) -> bytes:
    for start, length, new in edits:
        data = data[:start] + new + data[start + length :]
    return data
