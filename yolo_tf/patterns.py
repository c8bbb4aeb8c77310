r"""Patterns of files: one rule for what `*`, `?`, `[...]`, `\` and `,` mean in them.

Folders are taken as they are named, where they exist; only the rest is a pattern. So a folder
`set[1]`, `what?` or `a,b` is found, and is not read together with its neighbours.
"""

import contextlib
import glob
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

_TENSORFLOW_MAGIC = "[\\"  # what TensorFlow misunderstands in the names of checkpoints


def split_patterns(text: str) -> list[str]:
    """The patterns of a text that has commas between several.

    A comma, or the space beside one, may belong to the name of a folder or file that exists.
    """
    pieces, found, start = text.split(","), [], 0
    while start < len(pieces):
        for end in range(len(pieces), start, -1):  # the longest that exists
            part = ",".join(pieces[start:end])
            whole = next((one for one in (part, part.strip()) if _exists(one)), None)
            if whole:
                break
        found.append(whole or part.strip())
        start = end
    return [part for part in found if part]


def match(pattern: str, recursive: bool = False) -> list[str]:
    """Sorted paths that a pattern of the local file system matches.

    Args:
      pattern: its leading folders count as they stand, where they exist; a path that exists
        matches itself alone.
      recursive: `**` stands for any number of folders.
    """
    with contextlib.suppress(OSError, ValueError):  # a name that no file can have
        if os.path.lexists(pattern):
            return [pattern]
        folder, rest = _literal_folder(pattern)
        return sorted(glob.glob(glob.escape(folder) + rest, recursive=recursive))
    return []


@contextlib.contextmanager
def plain_name(folder: Path) -> Iterator[Path]:
    """A name of a folder that TensorFlow takes as it stands, until the block ends.

    It looks for the files of a checkpoint by a pattern that begins with their folder.
    """
    if not any(letter in str(folder) for letter in _TENSORFLOW_MAGIC):
        yield folder
        return
    with tempfile.TemporaryDirectory() as temporary:
        link = Path(temporary) / "folder"
        link.symlink_to(Path(folder).absolute())
        yield link


def _exists(pattern: str) -> bool:
    """Whether a path exists, or a folder with all commas and the first letter of a pattern."""
    folder, rest = _literal_folder(pattern)
    return os.path.lexists(pattern) or (folder != "" and "," not in rest)


def _literal_folder(pattern: str) -> tuple[str, str]:
    """(the longest leading folder that exists, with its slash; the rest of the pattern)."""
    end = pattern.rfind("/")
    while end > 0 and not os.path.isdir(pattern[:end]):
        end = pattern.rfind("/", 0, end)
    return pattern[: end + 1], pattern[end + 1 :]
