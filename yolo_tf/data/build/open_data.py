"""From a folder or file of any known layout to the sources of its splits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from yolo_tf.data.build.split_list import write_split_list
from yolo_tf.data.records.class_list import warn_alike
from yolo_tf.data.sources import SOURCES
from yolo_tf.data.sources.base import Found, Options, Source
from yolo_tf.data.sources.recognise import recognise, recognised_as
from yolo_tf.data.sources.selection import open_source, read_split_list
from yolo_tf.data.sources.splits import role, same_split, standard
from yolo_tf.errors import UserError, check_choice

AUTO = "auto"
VAL_FRACTION = 0.2


@dataclass(frozen=True)
class Division:
    """How splits are made where the data have none."""

    val_fraction: float | None = None  # None: VAL_FRACTION, and only of data without any split
    split_list: str = ""  # a list to take; "": one is made
    made_list: str = ""  # where a list that is made is written to


def find_data(given: str, format: str = AUTO) -> Found:
    """What the data are. Prints a line that says it.

    Raises:
      UserError: no such format, or nothing that it, or with "auto" any of ours, can read.
    """
    if format == AUTO:
        found = recognise(given, SOURCES)
        print(f"data: {found.title} (--format={found.format} --input={found.input})")
    else:
        check_choice("--format", format, (AUTO, *SOURCES))
        found = recognised_as(given, SOURCES[format], format) or Found(format, given, format, None)
    for note in found.notes:
        print(f"note: {note}")
    return found


def open_splits(
    found: Found,
    options: Options,
    wanted: Sequence[str] = (),
    division: Division = Division(),
    workers: int = 1,
) -> dict[str, Source]:
    """The source of each split to build, all with one class list. Prints a line of what is there.

    Args:
      options: of all; `input`, `format` and `split` are set here.
      wanted: names of splits; (): those that the data have, else train and val.

    Raises:
      UserError: a split that is not there, and what opening a source raises.
    """
    options = replace(options, format=found.format, input=found.input)
    planned = _plan(found, options, list(wanted), division, workers)
    sources: dict[str, Source] = {}
    for split, own in planned.items():
        source = open_source(own)
        sources[split] = source
        if getattr(SOURCES[found.format], "names_of_all_splits", False):
            names = _all_names(source)
            planned.update({k: replace(o, class_names=names) for k, o in planned.items()})
    sources = _with_one_list(sources, planned)
    empty = [split for split, source in sources.items() if not source.ids()]
    for split in empty if len(empty) < len(sources) and not wanted else ():
        print(f"note: split {split} has no image and is left out")
        del sources[split]
    counts = ", ".join(f"{split} {len(source.ids())}" for split, source in sources.items())
    names = next(iter(sources.values())).class_names
    warn_alike(names, found.input)
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    print(f"found: images {counts}; classes {len(names)}: {shown}")
    return sources


def _plan(
    found: Found, options: Options, wanted: list[str], division: Division, workers: int
) -> dict[str, Options]:
    """Split to build -> what to open for it."""
    if found.splits is None and not division.split_list:
        if not wanted:
            raise UserError("--split is missing, for example --split=train: this format tells none")
        return {split: replace(options, split=split) for split in wanted}
    there = list(found.splits or ())
    if division.split_list:
        chosen = list(dict.fromkeys(read_split_list(division.split_list).values()))
        whole = there[0] if len(there) == 1 else ""
        listed = replace(options, split_list=division.split_list, whole_split=whole)
        for split in wanted:
            if split not in chosen:
                raise UserError(
                    f"{division.split_list}: found the splits {', '.join(chosen)}, expected {split}"
                )
        return {split: replace(listed, split=split) for split in wanted or chosen}
    roles = [split for split in there if role(split) or split == "trainval"]
    alone = len(there) == 1 and ((division.val_fraction and role(there[0]) == "train") or not roles)
    whole = there[0] if alone else ""
    fraction = VAL_FRACTION if division.val_fraction is None else division.val_fraction
    if not there or whole:
        parts = ["train", "val"] if fraction > 0 else ["train"]
        if not wanted or (set(wanted) <= {"train", "val"} and not same_split(wanted[0], there)):
            return _divided(options, whole, wanted or parts, fraction, division, workers)
        if len(wanted) == 1 and not there:
            print(f"note: the data have no splits: all images are in {wanted[0]}")
            return {wanted[0]: replace(options, split="")}
    if not wanted:
        wanted = standard(there)
        if not any(role(split) in ("val", "test") for split in wanted):
            print(f"note: no split for validation; --val_fraction={VAL_FRACTION} makes one")
    # A split that the data do not have the source refuses, with those that it has.
    return {split: replace(options, split=same_split(split, there) or split) for split in wanted}


def _divided(
    options: Options, whole: str, parts: list[str], fraction: float, division: Division, workers
) -> dict[str, Options]:
    if fraction <= 0:
        return {"train": replace(options, split=whole)}
    if fraction >= 1:
        raise UserError(f"--val_fraction: found {fraction}, expected at least 0 and less than 1")
    source = open_source(replace(options, split=whole, only_classes=(), single_class=""))
    counts = write_split_list(source, division.made_list, fraction, workers)
    shown = ", ".join(f"{split} {count}" for split, count in counts.items())
    print(
        f"note: the data have no splits; made by content: {shown}, listed in {division.made_list}"
    )
    listed = replace(options, split_list=str(Path(division.made_list)), whole_split=whole)
    return {split: replace(listed, split=split) for split in parts}


def _all_names(source: Source) -> tuple[str, ...]:
    while hasattr(source, "_source"):  # of chosen classes: the list before the choice
        source = source._source
    return tuple(source.class_names)


def _with_one_list(sources: dict[str, Source], planned: dict[str, Options]) -> dict[str, Source]:
    """Opens the sources again with all their classes, where their lists differ."""
    lists = [source.class_names for source in sources.values()]
    if all(names == lists[0] for names in lists):
        return sources
    joined = tuple(dict.fromkeys(name for names in lists for name in names))
    print(f"note: the splits have different class lists, joined by name: {len(joined)} classes")
    return {split: open_source(replace(planned[split], class_names=joined)) for split in sources}
