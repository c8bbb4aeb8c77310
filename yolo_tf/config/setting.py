"""How a field of the settings says what values it may have; `check` holds them all to it."""

import dataclasses
import math
from typing import NamedTuple


class Range(NamedTuple):
    """Least and greatest value of a number; of a tuple or dict, of each value in it.

    As text it is what a message expects, such as "at least 0 and at most 1".
    """

    low: float
    high: float = math.inf

    def __str__(self):
        least = "more than 0" if self.low == math.ulp(0.0) else f"at least {self.low}"
        return least + (f" and at most {self.high}" if self.high != math.inf else "")


NOT_NEGATIVE, AT_LEAST_1, FRACTION = Range(0), Range(1), Range(0, 1)
ABOVE_0 = Range(math.ulp(0.0))
# Of what memory or the length of a graph grows with, far beyond what any model has.
SIDE = Range(1, 8192)  # pixels; of an input from a cfg file too (darknet.plan)
BOXES, BATCH = Range(1, 100_000), Range(1, 65_536)


def setting(default, limits: Range | None = None, choices: tuple = (), parity: bool = False):
    """A field of a dataclass of settings.

    Args:
      default: the value, or a class that makes it, such as `dict`.
      limits: of a number.
      choices: the values of a text. Those that choose an entry of a dict, such as `OPTIMIZERS`,
        have none here: the dict is the list.
      parity: it is there to reproduce another implementation, in golden tests; leave it alone.
    """
    metadata = {"limits": limits, "choices": choices, "parity": parity}
    if isinstance(default, type):
        return dataclasses.field(default_factory=default, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)
