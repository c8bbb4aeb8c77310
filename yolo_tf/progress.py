"""How far a long work is: a bar in a terminal, a line now and then where the output is a file."""

import sys
import time
from datetime import timedelta

from tqdm import tqdm

LINE_EVERY = 30.0  # seconds


def watched() -> bool:
    """Whether somebody watches: progress goes to a terminal."""
    return bool(getattr(sys.stderr, "isatty", bool)())


class _Nowhere:
    """Takes what tqdm would draw."""

    def write(self, text: str) -> None:
        pass

    def flush(self) -> None:
        pass


class Bar(tqdm):
    """tqdm's bar; without a terminal a line on standard output every `LINE_EVERY` seconds.

    Args:
      As of tqdm; with `disable` there is neither bar nor line.
    """

    def __init__(self, *arguments, **settings):
        self._lines, self._told = not watched(), time.monotonic()
        if self._lines:
            settings |= {"file": _Nowhere(), "mininterval": LINE_EVERY, "miniters": 1}
        settings["disable"] = bool(settings.get("disable"))
        super().__init__(*arguments, **settings)

    @property
    def due(self) -> bool:
        """Whether the next update shows something."""
        return not self.disable and (not self._lines or self._seconds() >= LINE_EVERY)

    def display(self, msg=None, pos=None):
        if not self._lines:
            return super().display(msg, pos)
        if self._seconds() >= LINE_EVERY:
            self._told = time.monotonic()
            print(self._line(), flush=True)
        return True

    def _seconds(self) -> float:
        return time.monotonic() - self._told

    def _line(self) -> str:
        """Such as "reading: 1,200 of 4,000 images, 40.0 a second, 0:01:10 left"."""
        facts = self.format_dict
        name = (self.desc or "").removesuffix(": ") or "progress"
        done = f"{self.n:,}" + (f" of {self.total:,}" if self.total else "")
        parts = [f"{name}: {done} {_plural(facts['unit'])}"]
        rate = (self.n - self.initial) / facts["elapsed"] if facts["elapsed"] else 0
        if rate:
            parts.append(f"{rate:.3g} a second")
            if self.total:
                parts.append(f"{timedelta(seconds=round((self.total - self.n) / rate))} left")
        return ", ".join([*parts, *filter(None, [facts["postfix"]])])


def _plural(unit: str) -> str:
    return f"{unit}es" if unit.endswith(("ch", "s")) else f"{unit}s"
