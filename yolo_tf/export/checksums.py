"""Size and checksum of the files of an export, so that a damaged one is not run."""

import json
from collections.abc import Iterable
from pathlib import Path

from yolo_tf.errors import UserError
from yolo_tf.files import size_and_sum, write_text
from yolo_tf.text_files import read_json

SUMS = "files.json"


def write_sums(folder: Path, files: Iterable[Path], path: Path) -> None:
    """Writes {name within `folder`: [bytes, CRC-32]} of some files."""
    sums = {file.relative_to(folder).as_posix(): size_and_sum(file) for file in sorted(files)}
    write_text(path, json.dumps(sums, indent=2) + "\n")


def check_sums(folder: Path, path: Path, part: str = "") -> None:
    """Compares files with what `write_sums` wrote; where it wrote nothing, nothing is compared.

    Args:
      part: name of a file or folder in `folder`; default: all that are listed.

    Raises:
      UserError: a file is missing or is not as it was written.
    """
    if not path.exists():  # of before there were checksums
        return
    sums = read_json(path)
    if not isinstance(sums, dict):
        raise UserError(f"{path}: damaged, expected a size and a checksum for each file")
    for name, expected in sums.items():
        place = Path(name)
        if part and part not in (name, place.parts[0]):
            continue
        if place.is_absolute() or ".." in place.parts:
            raise UserError(f"{path}: found the name {name!r}, expected one in {folder}")
        file = folder / place
        if not file.is_file():
            raise UserError(f"{file}: not found, but {path.name} lists it; export it anew")
        if size_and_sum(file) != expected:
            raise UserError(
                f"{file}: damaged: size or checksum is not that of {path.name}; export it anew"
            )
