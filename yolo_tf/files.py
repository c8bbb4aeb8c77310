"""Files that are whole or not there: written under another name, then renamed."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path) -> Iterator[Path]:
    """Gives a temporary path in the same folder; it takes `path`'s name when the block succeeds.

    If the block raises, what it wrote is removed and an older file at `path` stays as it was.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path, text: str) -> None:
    """Writes UTF-8 text as `replacing` does."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
