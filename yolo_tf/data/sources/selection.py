"""Parts of a data set: the images of a list, and some of the classes."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from yolo_tf.data import checks
from yolo_tf.data.checks import Issue, printable, show
from yolo_tf.data.sample import Sample
from yolo_tf.data.sources import SOURCES
from yolo_tf.data.sources.base import Options, Source
from yolo_tf.errors import UserError, nearest
from yolo_tf.text_files import read_text


def open_source(options: Options) -> Source:
    """The source that `options.format` names, or the part of it that the options tell.

    Raises:
      UserError: as the source, and a list or class that does not fit it.
    """
    source = ListedImages(options) if options.split_list else SOURCES[options.format](options)
    if options.only_classes or options.single_class:
        return ChosenClasses(source)
    return source


def read_split_list(path: str | Path) -> dict[str, str]:
    """Image -> split, of a list with a line an image: the split, a tab, the image's id.

    Raises:
      UserError: unreadable, a line without a split and an image, or an image twice.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(read_text(Path(path)).split("\n"), start=1):
        line = line.rstrip("\r")
        if not line.strip() or line.startswith("#"):
            continue
        split, tab, image = line.partition("\t" if "\t" in line else " ")
        image = image.strip()
        if not tab or not image:
            problem = f"found {show(line)}, expected a split, a tab and an image"
            raise UserError(f"{path}: line {number}: {problem}")
        if image in found:
            raise UserError(f"{path}: line {number}: found {show(image)} a second time")
        found[image] = split
    if not found:
        raise UserError(f"{path}: found no image, expected 'train IMAGE' or 'val IMAGE' a line")
    return found


class ListedImages:
    """The images of one split of a list, see `read_split_list`, of a data set without splits."""

    def __init__(self, options: Options):
        self.options = options
        self._whole = SOURCES[options.format](
            replace(options, split=options.whole_split, split_list="")
        )
        self.class_names, self.issues = self._whole.class_names, self._whole.issues
        chosen = read_split_list(options.split_list)
        ids = self._whole.ids()
        if unknown := chosen.keys() - set(map(printable, ids)):
            raise UserError(
                f"{options.split_list}: found {checks.show(min(unknown))}, which is no image of "
                f"{options.input}; {len(unknown)} of {len(chosen)} lines are so"
            )
        self._ids = [key for key in ids if chosen.get(printable(key)) == options.split]
        left = len(ids) - len(chosen)
        if left:
            found, expected = f"{left} images of no split", "a line for each"
            issue = Issue("", options.split_list, "images", found, expected, checks.NOT_LISTED)
            self.issues = [*self.issues, issue]

    def files(self) -> list[str]:
        return [*self._whole.files(), self.options.split_list]

    def ids(self) -> list[str]:
        return list(self._ids)

    def read(self, source_id: str) -> tuple[Sample, list[Issue]]:
        return self._whole.read(source_id)


class ChosenClasses:
    """A source with some of its classes, in the order given, or with all of them as one."""

    def __init__(self, source: Source):
        self._source = source
        self.options, self.issues = source.options, source.issues
        names = source.class_names
        chosen = list(self.options.only_classes or names)
        for name in chosen:
            if name not in names:
                hint = nearest(name, names)
                raise UserError(f"classes: found {name!r}, expected a class of the data{hint}")
        if twice := [name for name, count in Counter(chosen).items() if count > 1]:
            raise UserError(f"classes: found {twice[0]!r} twice, expected every class once")
        single = self.options.single_class
        self.class_names = [single] if single else chosen
        table = [0 if single else chosen.index(n) if n in chosen else -1 for n in names]
        if single:
            table = [0 if name in chosen else -1 for name in names]
        self._table = np.array(table, np.int32)

    def files(self) -> list[str]:
        return self._source.files()

    def ids(self) -> list[str]:
        return self._source.ids()

    def read(self, source_id: str) -> tuple[Sample, list[Issue]]:
        sample, issues = self._source.read(source_id)
        classes = self._table[sample.classes]
        kept = classes >= 0
        if not kept.all():
            found, expected = f"{int((~kept).sum())} boxes", "boxes of the chosen classes"
            action = checks.OTHER_CLASS
            issues = [
                *issues,
                Issue(source_id, sample.annotation, "class", found, expected, action),
            ]
        parts = {key: getattr(sample, key)[kept] for key in _BY_BOX}
        places = tuple(p for p, keep in zip(sample.box_places, kept.tolist(), strict=True) if keep)
        return replace(sample, classes=classes[kept], box_places=places, **parts), issues


_BY_BOX = ("boxes", "difficult", "truncated", "crowd", "area")
