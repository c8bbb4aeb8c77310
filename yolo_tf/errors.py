"""The one error type for mistakes that a user can make."""

import difflib

_LONGEST = 4000  # characters of a message
_COMPARED = 200  # characters of a name that is looked for; the time grows with them


class UserError(ValueError):
    """A mistake in the user's input; the message is one line that says how to mend it.

    The message names the file, the line or record, the field, the value found and the value
    expected. Commands print it without a traceback and exit with code 1 (see `cli.common`);
    any other exception is a bug of ours and keeps its traceback.
    """

    def __str__(self):
        """The line; what a terminal would not print as it stands, such as escapes, is "?".

        What is longer than any message, such as one with a file in it, is cut in the middle.
        """
        line = " ".join(super().__str__().split("\n"))
        if len(line) > _LONGEST:
            line = f"{line[: _LONGEST * 3 // 4]} ... {line[-_LONGEST // 4 :]}"
        return "".join(c if c.isprintable() else "?" for c in line)


def check_choice(where: str, value, choices, more: str = "") -> None:
    """Raises a `UserError` unless a value is one of `choices`, a tuple or the keys of a dict.

    Args:
      where: the setting or flag, such as "config.train.optimizer.name".
      more: of the message, behind the choices.
    """
    if value not in choices:
        raise UserError(f"{where}: found {value!r}, expected one of {', '.join(choices)}{more}")


def unknown_name(name: str, known) -> str:
    """Message for a name that is not one of `known`, with the nearest right one."""
    return f"unknown name {name!r:.{_COMPARED}}; {did_you_mean(name, known)}"


def did_you_mean(name: str, known, otherwise: str = "expected one of") -> str:
    """ "did you mean 'x'?" with the nearest of `known`, or all of them where none is alike."""
    near = closest(name, known)
    return f"did you mean {near!r}?" if near else f"{otherwise} {', '.join(known)}"


def closest(name: str, known, cutoff: float = 0.4) -> str | None:
    """The nearest of the known names, None where none is alike."""
    near = difflib.get_close_matches(str(name)[:_COMPARED], list(known), n=1, cutoff=cutoff)
    return near[0] if near else None


def nearest(name: str, names: list[str]) -> str:
    """ ", nearest is 'x'" for a message, or nothing when no name is alike."""
    alike = closest(name, names, cutoff=0.5)
    return f", nearest is {alike!r}" if alike else ""
