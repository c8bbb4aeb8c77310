"""Reads a source's records in order, with worker processes. Loads no TensorFlow.

Reading and checking is the slow part of a build, and independent from image to image. Workers are
spawned, not forked: TensorFlow in the parent does not survive a fork.
"""

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice

from yolo_tf.data.checks import BadRecord, Issue
from yolo_tf.data.sample import Sample
from yolo_tf.data.sources.base import Source
from yolo_tf.errors import UserError

_CHUNK = 8  # records a task: enough to hide the cost of handing it over
_AHEAD = 4  # tasks a worker that may wait to be collected; bounds the memory

Reading = tuple[Sample | None, list[Issue]]

_source: Source | None = None  # of a worker process


def read_all(source: Source, workers: int, ids: Iterable[str] | None = None) -> Iterator[Reading]:
    """Yields (sample or None, issues) for each of `ids`, by default `source.ids()`, in that order.

    The result does not depend on `workers`; 1 reads in this process.
    """
    ids = source.ids() if ids is None else ids
    if workers == 1:
        for source_id in ids:
            yield read_one(source, source_id)
        return
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_start, initargs=(source,)) as pool:
        complete = False
        try:
            yield from _in_order(pool, ids, workers * _AHEAD)
            complete = True
        except BrokenProcessPool:
            raise UserError(
                "a worker process was ended from outside, most likely for lack of memory: give "
                "fewer --workers"
            ) from None
        finally:
            if not complete:
                # An error or Ctrl-C. Workers only read, and waiting for an executor that was
                # interrupted while it took a task can last for ever.
                for worker in set(multiprocessing.active_children()) - others:
                    worker.terminate()


def _in_order(pool: ProcessPoolExecutor, ids: Iterable[str], ahead: int) -> Iterator[Reading]:
    """Readings in the order of `ids`, with at most `ahead` tasks handed out."""
    waiting = deque()
    rest = iter(ids)
    while chunk := list(islice(rest, _CHUNK)):
        waiting.append(pool.submit(_read_chunk, chunk))
        if len(waiting) >= ahead:
            yield from waiting.popleft().result()
    while waiting:
        yield from waiting.popleft().result()


def read_one(source: Source, source_id: str) -> Reading:
    """One record; one that cannot be used is None with its issue."""
    try:
        return source.read(source_id)
    except BadRecord as error:
        return None, [error.issue]


def _start(source: Source) -> None:
    global _source
    _source = source
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker waits for tasks for ever, even when the parent was killed and none will come."""
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _read_chunk(ids: list[str]) -> list[Reading]:
    return [read_one(_source, source_id) for source_id in ids]
