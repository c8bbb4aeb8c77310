"""Text files of a data set."""

from pathlib import Path

from yolo_tf.errors import UserError

_MOST = 256 * 1024 * 1024  # bytes: of a list of images, some millions of lines


def read_text(path: Path, what: str = "UTF-8 text", most: int = _MOST) -> str:
    """The text of a file, without a byte order mark.

    Args:
      what: it should be, for the message.
      most: bytes.

    Raises:
      UserError: missing, too large, or no UTF-8.
    """
    try:
        if path.stat().st_size > most:
            raise UserError(f"{path}: found more than {most} bytes, expected {what} with fewer")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not readable as {what}: {error}") from None


def repeated(values) -> tuple[int, int] | None:
    """(position, first position), from 0, of the first value that is there a second time.

    "", an empty line, may be there again and again.
    """
    first = {}
    for position, value in enumerate(values):
        if value != "" and first.setdefault(value, position) != position:
            return position, first[value]
    return None
