"""Class lists as people write them: comments, quotes, numbers, commas. What is mended is said."""

import functools
import re
import sys
from collections.abc import Sequence

_NUMBERED = re.compile(r"(\d+)\s*(?:[:=.,)\t]\s*|\s+)(\S.*)")
_QUOTED = re.compile(r"""(["'])(.+)\1,?""")


def names_of_lines(lines: Sequence[str], file) -> list[tuple[int, str]]:
    """(line from 1, class name) of a list with a name a line; "" for an empty line between names.

    Comments (#) are passed over, quotes taken off, and so are numbers in front where they count all
    lines from 0 or 1, and a dash that all lines begin with. One line with commas (or semicolons) is
    several names. Each is told on stderr.
    """
    rows = [(number, line.strip()) for number, line in enumerate(lines, start=1)]
    while rows and not rows[-1][1]:
        rows.pop()
    comments = [(number, text) for number, text in rows if text.startswith("#")]
    for number, text in comments:
        say(f"{file}: line {number}: {text!r:.60} begins with #: passed over as a comment")
    rows = [row for row in rows if row not in comments]
    if rows and all(text.startswith("- ") for _, text in rows):
        say(f"{file}: line {rows[0][0]}: dashes in front are no part of the names")
        rows = [(number, text[2:].strip()) for number, text in rows]
    for separator in (",", ";"):
        rows = _split(rows, separator, file)
    rows = _without_numbers(rows, file)
    quoted = [(number, _QUOTED.fullmatch(text)) for number, text in rows]
    if any(match for _, match in quoted):
        first = next(number for number, match in quoted if match)
        say(f"{file}: line {first}: names in quotation marks are taken without them")
        rows = [
            (number, match.group(2).strip() if match else text)
            for (number, text), (_, match) in zip(rows, quoted, strict=True)
        ]
    for number, text in rows:
        if "," in text:
            say(f"{file}: line {number}: {text!r:.60} has a comma; it is one class name")
    warn_alike([text for _, text in rows], file, [number for number, _ in rows])
    return rows


def warn_alike(names: Sequence[str], where, lines: Sequence[int] = ()) -> None:
    """Tells of names that differ by case and spaces alone, and so are one class most likely."""
    first: dict[str, int] = {}
    for position, name in enumerate(names):
        key = " ".join(name.casefold().replace("_", " ").split())
        other = first.setdefault(key, position)
        if key and name != names[other]:
            line = f"line {lines[position]}: " if lines else "classes: "
            problem = f"{name!r:.60} and {names[other]!r:.60} differ by case or spaces alone"
            say(f"{where}: {line}{problem}; they are two classes")


@functools.lru_cache(maxsize=1024)
def say(text: str) -> None:
    """A line on stderr, once in a process: a class list is read for each split."""
    print("note: " + "".join(c if c.isprintable() else "?" for c in text), file=sys.stderr)


def _split(rows: list[tuple[int, str]], separator: str, file) -> list[tuple[int, str]]:
    if len(rows) != 1 or separator not in rows[0][1]:
        return rows
    number, text = rows[0]
    names = [part.strip() for part in text.strip("[]").split(separator)]
    if not all(names):
        return rows
    say(
        f"{file}: line {number}: {len(names)} class names with"
        f" {'commas' if separator == ',' else 'semicolons'} between; one a line is due"
    )
    return [(number, name) for name in names]


def _without_numbers(rows: list[tuple[int, str]], file) -> list[tuple[int, str]]:
    matches = [_NUMBERED.fullmatch(text) for _, text in rows]
    if len(rows) < 2 or not all(matches):
        return rows
    numbers = [int(match.group(1)) for match in matches]
    if numbers[0] not in (0, 1) or numbers != list(range(numbers[0], numbers[0] + len(rows))):
        return rows
    first = rows[0]
    say(f"{file}: line {first[0]}: {first[1]!r:.60}: the numbers in front are no part of the names")
    return [(number, match.group(2)) for (number, _), match in zip(rows, matches, strict=True)]
