"""What a test run costs: processor time of each file and the memory of each worker, at its end."""

import collections
import resource
import sys
import time

import pytest

_SHOWN = 15  # files, the costliest
_SECONDS = pytest.StashKey[collections.Counter]()
_GIGABYTES = pytest.StashKey[list]()


def _processor_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak_gigabytes() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


class Costs:
    """Plugin of pytest, for the process that runs tests and for the one that hands them out."""

    def __init__(self, config: pytest.Config):
        self.config = config
        config.stash[_SECONDS] = collections.Counter()
        config.stash[_GIGABYTES] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        start = _processor_seconds()
        try:
            return (yield)
        finally:
            spent = _processor_seconds() - start
            self.config.stash[_SECONDS][item.nodeid.partition("::")[0]] += spent

    def pytest_sessionfinish(self):
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput["seconds"] = dict(self.config.stash[_SECONDS])
            self.config.workeroutput["gigabytes"] = _peak_gigabytes()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        output = getattr(node, "workeroutput", {})  # none of a worker that died
        self.config.stash[_SECONDS].update(output.get("seconds", {}))
        self.config.stash[_GIGABYTES].append(output.get("gigabytes", 0.0))

    def pytest_terminal_summary(self, terminalreporter):
        seconds = self.config.stash[_SECONDS]
        memory = self.config.stash[_GIGABYTES] or [_peak_gigabytes()]
        terminalreporter.section("costs")
        for name, spent in seconds.most_common(_SHOWN):
            terminalreporter.write_line(f"{spent:8.1f} s  {name}")
        terminalreporter.write_line(
            f"{seconds.total():8.1f} s of processor time in {len(seconds)} files; memory of a"
            f" worker at most {max(memory):.1f} GB"
        )
