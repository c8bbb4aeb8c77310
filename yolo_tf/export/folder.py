"""The folder of an export: its models side by side, and the recipe that they share."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from yolo_tf.detect.base import BaseDetector
from yolo_tf.errors import UserError
from yolo_tf.export.checksums import SUMS, check_sums, write_sums
from yolo_tf.export.formats import FORMATS, ExportFormat
from yolo_tf.export.saved_model import is_saved_model
from yolo_tf.files import WriteError, try_lock, writing
from yolo_tf.runs.recipe_files import CLASSES, CONFIG, read_recipe

TABLE = "export.json"  # what the formats cost; the mark of an export


def is_export(path: Path) -> bool:
    return (path / TABLE).exists()


def read_export(path: Path, trust: bool = False) -> BaseDetector:
    """The detector of an export's first model, by the order of `FORMATS`.

    Args:
      trust: see `saved_model.read`.

    Raises:
      UserError: there is none, or it is damaged.
    """
    for form in FORMATS.values():
        if (path / form.file).exists():
            return _read(form, path, trust)
    raise UserError(f"{path}: an export ({TABLE}) without a model in it")


def read_file(path: Path) -> BaseDetector:
    """The detector of one model of an export.

    Raises:
      UserError: no format has this ending, or the recipe is not beside it.
    """
    # Ending -> format, such as ".tflite"; what has none is a folder.
    forms = {
        "".join(Path(form.file).suffixes): form for form in FORMATS.values() if "." in form.file
    }
    ending = next((ending for ending in forms if path.name.endswith(ending)), None)
    if ending is None:
        raise UserError(
            f"{path}: found a file that is no model, expected a run folder, an export, or a file"
            f" {', '.join(['.weights', *forms])}"
        )
    for name in (CONFIG, CLASSES):
        if not (path.parent / name).exists():
            raise UserError(f"{path}: needs {name} of its export beside it")
    return _read(forms[ending], path.parent, False, path.name)


def _read(form: ExportFormat, folder: Path, trust: bool, name: str = "") -> BaseDetector:
    name = name or form.file
    check_sums(folder, folder / SUMS, name)
    settings = {"trust": True} if trust and is_saved_model(folder / name) else {}
    return form.read(folder / name, *read_recipe(folder), **settings)


def write_sums_of_models(folder: Path) -> None:
    """Writes the checksums of an export's models, but of SavedModels, which have their own."""
    models = [folder / form.file for form in FORMATS.values()]
    models = [model for model in models if not is_saved_model(model)]
    files = [file for model in models for file in (model, *model.glob("*")) if file.is_file()]
    write_sums(folder, files, folder / SUMS)


@contextlib.contextmanager
def replacing_export(output: Path) -> Iterator[Path]:
    """Gives an empty folder that takes the name `output`, in place of an older export there.

    If the block raises, the new folder is removed and the older one stays. A process that was
    killed leaves the older one too: under its name, or as `.NAME.old`, which the next export
    into `output` takes back first.

    Raises:
      UserError: `output` exists and is no export, cannot be written, or another process is
        exporting into it.
    """
    output = Path(os.path.realpath(output))  # the folder that a link means is replaced
    temporary, old = (output.with_name(f".{output.name}.{end}") for end in ("tmp", "old"))
    with writing(output, temporary):
        output.parent.mkdir(parents=True, exist_ok=True)
        with _locked(temporary, output):
            _restore(old, output)
            _check_replaceable(output)
            try:
                yield temporary
                if output.exists():
                    os.rename(output, old)
                os.rename(temporary, output)
            except WriteError as error:
                raise WriteError(str(error).replace(str(temporary), str(output))) from None
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
                _restore(old, output)


def _check_replaceable(output: Path) -> None:
    free = not output.exists() or (output.is_dir() and not any(output.iterdir()))
    if not free and not is_export(output) and not is_saved_model(output):
        raise UserError(f"--output={output}: exists and is not an export; name another folder")


def _restore(old: Path, output: Path) -> None:
    """Settles what an export that ended between two renames has left."""
    if output.exists():
        shutil.rmtree(old, ignore_errors=True)
    elif old.exists():
        os.rename(old, output)


@contextlib.contextmanager
def _locked(folder: Path, output: Path) -> Iterator[None]:
    """Makes a folder, empty, that no other process has; what a killed one left there is removed."""
    folder.mkdir(exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        # The name may mean another folder by now: the one locked was finished and renamed.
        if (
            not try_lock(handle)
            or not folder.exists()
            or not os.path.samestat(os.fstat(handle), os.stat(folder))
        ):
            raise UserError(
                f"--output={output}: another process is exporting into it; wait for its end or"
                " name another folder"
            )
        for item in folder.iterdir():
            shutil.rmtree(item) if item.is_dir() else item.unlink()
        yield
    finally:
        os.close(handle)
