"""Darknet's cfg files (algorithms.md 6.1): text to sections of key=value, and back.

The grammar is Darknet's, with numbers read as C's atoi and atof read them. Stricter in two things
that Darknet passes over in silence and that are typing errors: a line without `=`, and a value that
does not begin with a number where one is needed. Kinder in two: a comment behind a text value
(`activation=leaky # why`), which Darknet takes for part of the text, is cut off, as behind numbers;
and two anchors without a comma between them (`61,45  61,45`), which Darknet joins to 4561, are two.
"""

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

from yolo_tf.errors import UserError
from yolo_tf.text_files import check_file

MAX_CHARACTERS = 1 << 20
MAX_SECTIONS = 10_000
MAX_LIST = 1_000  # values in a comma-separated list
# Darknet's short names of sections.
ALIASES = {
    "network": "net",
    "conv": "convolutional",
    "max": "maxpool",
    "conn": "connected",
    "avg": "avgpool",
    "soft": "softmax",
}

_WHITESPACE = dict.fromkeys(map(ord, " \t\r\n"))
_NO_COMMA = re.compile(r"(?<=[0-9.])[ \t]+(?=[0-9.])")  # two numbers of a list
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MAX_INTEGER = (1 << 31) - 1
_MAX_DIGITS = 100  # of a number; more are no number that anyone wrote
_MAX_SHOWN = 60  # characters of a value in a message


@dataclass
class Section:
    """A section of a cfg.

    Attributes:
      kind: the name in its brackets, short names written out (`conv` is `convolutional`).
      line: number of the line that opens it, from 1.
      values: key -> text of its first occurrence, without whitespace and comment.
      lines: key -> line number.
      file: name of the file, for messages.

    The getters return `default` where the key is missing and raise `UserError`, naming file, line,
    key and value, where the text is not of their type.
    """

    kind: str
    line: int = 0
    values: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    file: str = "cfg"

    def text(self, key: str, default=None):
        """The value as it stands."""
        return self.values.get(key, default)

    def integer(self, key: str, default=None):
        """The whole number that the value begins with: "3.7" gives 3."""
        return self._read(key, default, self._integer)

    def number(self, key: str, default=None):
        """The finite decimal number that the value begins with."""
        return self._read(key, default, self._number)

    def integers(self, key: str, default=None):
        """The whole numbers, between commas, as a tuple."""
        return self._read(key, default, lambda key, text: self._list(key, text, self._integer))

    def numbers(self, key: str, default=None):
        """The finite decimal numbers, between commas, as a tuple."""
        return self._read(key, default, lambda key, text: self._list(key, text, self._number))

    def error(self, problem: str, key: str | None = None) -> UserError:
        """An error about the section, or about one of its keys, to be raised."""
        if key is None:
            return UserError(f"{self.file}:{self.line}: [{shown(self.kind)}]: {problem}")
        line = self.lines.get(key, self.line)
        value = f"={shown(self.values[key])}" if key in self.values else " missing"
        return UserError(f"{self.file}:{line}: [{shown(self.kind)}] {key}{value}: {problem}")

    def _read(self, key, default, reader):
        return reader(key, self.values[key]) if key in self.values else default

    def _integer(self, key: str, text: str) -> int:
        match = _INTEGER.match(text)
        if not match:
            raise self.error(f"expected a whole number, found '{shown(text)}'", key)
        # Python refuses to convert very long texts, and Darknet's int ends here.
        if len(match[0]) > _MAX_DIGITS or abs(int(match[0])) > _MAX_INTEGER:
            raise self.error(f"expected a whole number of at most {_MAX_INTEGER}", key)
        return int(match[0])

    def _number(self, key: str, text: str) -> float:
        match = _NUMBER.match(text)
        if not match:
            raise self.error(f"expected a number, found '{shown(text)}'", key)
        if len(match[0]) > _MAX_DIGITS or not math.isfinite(float(match[0])):
            raise self.error("expected a number that fits a float", key)
        return float(match[0])

    def _list(self, key: str, text: str, reader) -> tuple:
        count = text.count(",") + 1
        if count > MAX_LIST:
            raise self.error(f"{count} values, expected {MAX_LIST} at most", key)
        return tuple(reader(key, item) for item in text.split(","))


@dataclass
class Cfg:
    """A cfg: what [net] says, and the layers 0, 1, 2, ... that follow it."""

    name: str  # of the file, for messages
    net: Section
    layers: list[Section]
    remarks: list[str] = field(default_factory=list)  # what was read otherwise than it stands


def read_cfg(path) -> Cfg:
    """Reads a cfg file of at most 1 MiB; bytes that are not UTF-8 may stand in comments.

    Raises:
      UserError: the file cannot be read, or `parse_cfg` refuses it.
    """
    check_file(path, "a cfg file")
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_CHARACTERS + 1)
    except OSError as error:
        raise UserError(f"{path}: cannot be read as a cfg file: {error.strerror}") from error
    return parse_cfg(data.decode("utf-8-sig", errors="replace"), str(path))


def parse_cfg(text: str, name: str = "cfg") -> Cfg:
    """Reads the text of a cfg.

    Args:
      text: at most 2^20 characters.
      name: file name for messages.

    Raises:
      UserError: names file and line; text that is no cfg, or that does not begin with [net].
    """
    if len(text) > MAX_CHARACTERS:
        raise UserError(f"{name}: longer than {MAX_CHARACTERS} characters, which no cfg file is")
    sections: list[Section] = []
    remarks: list[str] = []
    for number, raw in enumerate(text.split("\n"), 1):
        raw = _with_commas(raw.split("#", 1)[0], number, remarks)
        line = raw.translate(_WHITESPACE)
        if not line or line[0] == ";":
            continue
        if line[0] == "[":
            sections.append(_opened(line, number, name))
        elif not sections:
            raise UserError(f"{name}:{number}: expected [net] first, found '{shown(line)}'")
        else:
            _put(sections[-1], line, number)
        if len(sections) > MAX_SECTIONS:
            raise UserError(f"{name}:{number}: more than {MAX_SECTIONS} sections")
    if not sections:
        raise UserError(f"{name}: expected [net] and the sections of layers, found none")
    if sections[0].kind != "net":
        raise sections[0].error("expected [net] as the first section")
    return Cfg(name, sections[0], sections[1:], remarks)


def cfg_text(cfg: Cfg) -> str:
    """The text that `parse_cfg` reads back as the same sections."""
    blocks = []
    for section in (cfg.net, *cfg.layers):
        lines = [f"{key}={value}\n" for key, value in section.values.items()]
        blocks.append(f"[{section.kind}]\n{''.join(lines)}")
    return "\n".join(blocks)


def shown(text: str) -> str:
    """A text of a file as it may stand in a message: short, on one line."""
    text = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
    return text if text.isprintable() else repr(text)[1:-1]


def _opened(line: str, number: int, name: str) -> Section:
    kind, bracket, rest = line[1:].partition("]")
    if not kind or not bracket or (rest and rest[0] != ";"):
        raise UserError(f"{name}:{number}: expected [section], found '{shown(line)}'")
    return Section(ALIASES.get(kind, kind), number, {}, {}, name)


def _with_commas(line: str, number: int, remarks: list[str]) -> str:
    """A line of anchors with a comma wherever one is missing between two numbers."""
    if line.partition("=")[0].strip() != "anchors" or not _NO_COMMA.search(line):
        return line
    remarks.append(
        f"anchors in line {number}: a comma is missing between two numbers; they are read as two,"
        " where Darknet joins them to one"
    )
    return _NO_COMMA.sub(",", line)


def _put(section: Section, line: str, number: int) -> None:
    key, equals, value = line.partition("=")
    where = f"{section.file}:{number}: [{shown(section.kind)}]"
    if not key or not equals:
        raise UserError(f"{where}: expected key=value or [section], found '{shown(line)}'")
    if not value:
        raise UserError(f"{where} {shown(key)}=: expected a value behind '='")
    if key not in section.values:  # Darknet finds the first one
        section.values[key] = value
        section.lines[key] = number
