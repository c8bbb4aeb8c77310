"""The command line with each flag once: no second value takes the place of a first in silence."""

import re
from collections.abc import Callable

from yolo_tf.errors import UserError

_FLAG = re.compile(r"--?(?P<name>[A-Za-z_][\w.]*)(?P<value>=.*)?", re.DOTALL)
_SETTING = "config."  # a value of the recipe


def each_once(
    arguments: list[str], is_switch: Callable[[str], bool | None]
) -> tuple[list[str], list[str]]:
    """The arguments without settings of the recipe that a later one replaces.

    Of `--config.NAME` the last value counts, so that a line of flags can be changed at its end.

    Args:
      arguments: of a command, without its name.
      is_switch: flag name -> whether it is true or false and needs no value; None: no flag.

    Returns:
      The arguments, and a line for each setting of which an earlier value does not count.

    Raises:
      UserError: another flag is given twice, with different values.
    """
    last, kept, notes = {}, [], []
    for name, value, words in _flags(arguments, is_switch):
        if name is not None and name in last:
            place, before = last[name]
            if name.startswith(_SETTING):
                kept[place] = []
                if value != before:
                    notes.append(f"--{name}: given twice, {before} and {value}: {value} counts")
            elif value != before:
                raise UserError(f"--{name}: given twice, {before} and {value}; give it once")
            else:
                words = []
        if name is not None:
            last[name] = len(kept), value
        kept.append(words)
    return [word for words in kept for word in words], notes


def _flags(arguments: list[str], is_switch):
    """Yields (name, value as text, the words that say so); name None: no flag."""
    words = iter(arguments)
    for word in words:
        if word == "--":  # no flags from here on
            yield None, "", [word, *words]
            return
        found = _FLAG.fullmatch(word)
        name = found["name"] if found else None
        if found is None:
            yield None, "", [word]
        elif found["value"]:
            yield name, found["value"][1:], [word]
        elif is_switch(name) or (is_switch(name) is None and is_switch(name.removeprefix("no"))):
            off = is_switch(name) is None
            yield (name.removeprefix("no") if off else name), str(not off).lower(), [word]
        else:
            value = next(words, None)
            yield name, str(value), [word] if value is None else [word, value]
