"""The folder of an export: its models side by side, and the recipe that they share."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from yolo_tf.detect.predictor import PhotoDetector
from yolo_tf.errors import UserError
from yolo_tf.export.formats import FORMATS
from yolo_tf.export.saved_model import is_saved_model
from yolo_tf.runs.recipe_files import CLASSES, CONFIG, read_recipe

TABLE = "export.json"  # what the formats cost; the mark of an export


def is_export(path: Path) -> bool:
    return (path / TABLE).exists()


def read_export(path: Path) -> PhotoDetector:
    """The detector of an export's first model, by the order of `FORMATS`.

    Raises:
      UserError: there is none, or it is damaged.
    """
    for form in FORMATS.values():
        if (path / form.file).exists():
            return form.read(path / form.file, *read_recipe(path))
    raise UserError(f"{path}: an export ({TABLE}) without a model in it")


def read_file(path: Path) -> PhotoDetector:
    """The detector of one model of an export.

    Raises:
      UserError: no format has this ending, or the recipe is not beside it.
    """
    # Ending -> function, such as ".tflite"; what has none is a folder.
    readers = {
        "".join(Path(form.file).suffixes): form.read
        for form in FORMATS.values()
        if "." in form.file
    }
    ending = next((ending for ending in readers if path.name.endswith(ending)), None)
    if ending is None:
        raise UserError(
            f"{path}: found a file that is no model, expected a run folder, an export, or a file"
            f" {', '.join(['.weights', *readers])}"
        )
    for name in (CONFIG, CLASSES):
        if not (path.parent / name).exists():
            raise UserError(f"{path}: needs {name} of its export beside it")
    return readers[ending](path, *read_recipe(path.parent))


@contextlib.contextmanager
def replacing_export(output: Path) -> Iterator[Path]:
    """Gives an empty folder that takes the name `output`, in place of an older export there.

    If the block raises, the new folder is removed and the older one stays.

    Raises:
      UserError: `output` exists and is no export.
    """
    output = output.absolute()
    free = not output.exists() or (output.is_dir() and not any(output.iterdir()))
    if not free and not is_export(output) and not is_saved_model(output):
        raise UserError(f"--output={output}: exists and is not an export; name another folder")
    temporary, old = (output.with_name(f".{output.name}.{end}") for end in ("tmp", "old"))
    for folder in (temporary, old):
        shutil.rmtree(folder, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        if output.exists():
            os.rename(output, old)
        os.rename(temporary, output)
    finally:
        for folder in (temporary, old):
            shutil.rmtree(folder, ignore_errors=True)
