"""Worker processes of a build: the order, what goes wrong in them, and their end."""

import multiprocessing
import os
import signal
import time

import numpy as np
import pytest

from yolo_tf.data.build.reading import read_all
from yolo_tf.data.checks import BadRecord
from yolo_tf.errors import UserError

BIG = np.zeros(1_000_000, np.uint8)  # of a result: more than a pipe holds


class Numbers:
    """A source of numbers; some do something else."""

    def __init__(self, count=100, **acts):
        self.count, self.acts = count, acts

    def ids(self):
        return map(str, range(self.count))

    def read(self, source_id):
        act = self.acts.get(f"at_{source_id}")
        if act == "bad":
            raise BadRecord(source_id, "file", "field", "found", "expected")
        if act == "refuse":
            raise UserError(f"{source_id}: refused")
        if act == "bug":
            raise ZeroDivisionError("a bug")
        if act == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        return (source_id, BIG), []


def numbers(source, workers=3):
    return [sample and sample[0] for sample, _ in read_all(source, workers)]


def test_the_order_is_that_of_the_source():
    assert numbers(Numbers()) == [str(i) for i in range(100)]
    assert numbers(Numbers(count=0)) == []
    assert numbers(Numbers(count=3, at_1="bad")) == ["0", None, "2"]


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        ("refuse", UserError, "70: refused"),
        ("bug", RuntimeError, r"in a worker process: ZeroDivisionError\('a bug'\)"),
        ("die", UserError, "a worker process was ended from outside, .* give fewer --workers"),
    ],
)
def test_what_goes_wrong_in_a_worker(act, error, message):
    with pytest.raises(error, match=message):
        numbers(Numbers(at_70=act))
    assert not multiprocessing.active_children()


def test_a_reading_that_is_given_up_ends_at_once():
    """Also where workers are in the middle of writing a result."""
    for taken in (1, 9, 30):
        readings = read_all(Numbers(count=1000), workers=3)
        for _ in range(taken):
            next(readings)
        started = time.monotonic()
        readings.close()
        assert time.monotonic() - started < 5
        assert not multiprocessing.active_children()
