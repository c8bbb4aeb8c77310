"""Reads a source's records in order, with worker processes. Loads no TensorFlow.

Reading and checking is the slow part of a build, and independent from image to image. Workers are
spawned, not forked: TensorFlow in the parent does not survive a fork.
"""

import itertools
import multiprocessing
import signal
import traceback
from collections import deque
from collections.abc import Iterable, Iterator

from yolo_tf.data.checks import BadRecord, Issue
from yolo_tf.data.sample import Sample
from yolo_tf.data.sources.base import Source
from yolo_tf.errors import UserError

_CHUNK = 8  # records a task: enough to hide the cost of handing it over
_AHEAD = 4  # tasks of a worker that may wait to be collected; bounds the memory

Reading = tuple[Sample | None, list[Issue]]


def read_all(source: Source, workers: int, ids: Iterable[str] | None = None) -> Iterator[Reading]:
    """Yields (sample or None, issues) for each of `ids`, by default `source.ids()`, in that order.

    The result does not depend on `workers`; 1 reads in this process.
    """
    ids = source.ids() if ids is None else ids
    if workers == 1:
        for source_id in ids:
            yield read_one(source, source_id)
        return
    pool = []
    try:
        pool.extend(_Worker(source) for _ in range(workers))
        yield from _in_order(pool, iter(ids))
    finally:
        for worker in pool:
            worker.end()


def _in_order(pool: list["_Worker"], ids: Iterator[str]) -> Iterator[Reading]:
    """Readings in the order of `ids`: the workers get their tasks in turns."""
    turns, waiting = itertools.cycle(pool), deque()
    while chunk := list(itertools.islice(ids, _CHUNK)):
        if len(waiting) == len(pool) * _AHEAD:
            yield from waiting.popleft().take()
        worker = next(turns)
        worker.give(chunk)
        waiting.append(worker)
    while waiting:
        yield from waiting.popleft().take()


class _Worker:
    """A process that reads what it is given, in that order.

    Each has a pipe of its own: an executor's workers share queues and locks, and one that is ended
    while it holds one of them leaves its parent waiting forever.
    """

    def __init__(self, source: Source):
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_work, args=(other, source), daemon=True)
        self._process.start()
        other.close()

    def give(self, ids: list[str]) -> None:
        try:
            self._pipe.send(ids)
        except OSError:
            raise _ended() from None

    def take(self) -> list[Reading]:
        """The readings of the oldest task that was not taken yet."""
        try:
            found = self._pipe.recv()
        except (EOFError, OSError):
            raise _ended() from None
        if isinstance(found, Exception):
            raise found
        return found

    def end(self) -> None:
        self._process.kill()  # it only reads
        self._process.join()
        self._pipe.close()


def _ended() -> UserError:
    return UserError(
        "a worker process was ended from outside, most likely for lack of memory: give fewer"
        " --workers"
    )


def _work(pipe, source: Source) -> None:
    """What a worker does until its parent ends it, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    try:
        while True:
            ids = pipe.recv()
            try:
                found = [read_one(source, source_id) for source_id in ids]
            except UserError as error:
                found = error
            except Exception as error:  # noqa: BLE001 - a bug, which the parent raises
                traceback.print_exc()  # of this process; the parent's would not tell
                found = RuntimeError(f"in a worker process: {error!r}")
            pipe.send(found)
    except (EOFError, OSError):
        return  # the parent is gone


def read_one(source: Source, source_id: str) -> Reading:
    """One record; one that cannot be used is None with its issue."""
    try:
        return source.read(source_id)
    except BadRecord as error:
        return None, [error.issue]
