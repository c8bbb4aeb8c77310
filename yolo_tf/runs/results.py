"""The rows of results.csv: the figures of each epoch of a run."""

import csv
import io

from yolo_tf.errors import UserError
from yolo_tf.files import csv_text, write_text
from yolo_tf.text_files import read_text

_MOST_BYTES = 64 * 1024 * 1024  # of a results.csv


def read_rows(path) -> list[dict]:
    """The rows of a results.csv as text; none if there is no file.

    Raises:
      UserError: no such table, or a row has no epoch or more cells than the first line.
    """
    if not path.exists():
        return []
    text = read_text(path, "a table of results", _MOST_BYTES)
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise UserError(f"{path}: not readable as a table of results: {error}") from None
    for number, row in enumerate(rows, start=2):
        if not (row.get("epoch") or "").isdecimal():
            raise UserError(
                f"{path}: line {number}: epoch: found {row.get('epoch')!r}, expected a number; mend"
                " the line or move the file away"
            )
        if None in row:
            raise UserError(f"{path}: line {number}: found more cells than names in line 1")
    return rows


def write_rows(path, rows) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(map(_cell, names))
    writer.writerows([_cell(row.get(name, "")) for name in names] for row in rows)
    write_text(path, text.getvalue())


def _cell(value) -> str:
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return csv_text(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
