"""Checks a data set as a recipe would train it: figures, problems and images in a folder."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple, TextIO

from yolo_tf.analysis import report
from yolo_tf.analysis.coverage import Encoder, coverage
from yolo_tf.analysis.duplicates import compare
from yolo_tf.analysis.findings import Problem, rank
from yolo_tf.analysis.kinds import ERROR, KINDS
from yolo_tf.analysis.readings import Finding, Reading
from yolo_tf.analysis.report import summary
from yolo_tf.analysis.split import Split
from yolo_tf.analysis.survey import Album, Input, survey
from yolo_tf.config import Config
from yolo_tf.detector.build import build_head
from yolo_tf.errors import UserError
from yolo_tf.files import replacing, write_text
from yolo_tf.progress import Bar
from yolo_tf.visualize.album import draw_album
from yolo_tf.visualize.dataset_plots import plot_boxes, plot_classes


class Part(NamedTuple):
    """A split to be read."""

    name: str
    where: str  # pattern or folder, for messages
    count: int  # images, about: for the progress bar
    read: Callable[[], Iterable[Reading]]
    findings: list[Finding]  # known before reading


def check_dataset(
    config: Config, parts: list[Part], class_names: list[str], output: Path
) -> list[Problem]:
    """Reads, prints and writes everything; the first part is the training split.

    Args:
      config: the recipe that is to be trained.
      output: folder for check.json, findings.jsonl and the images.

    Returns:
      The problems, the worst first.

    Raises:
      UserError: a split has no image, or the training split no box.
    """
    head = build_head(config, len(class_names))
    network_input = Input(
        tuple(config.input_size),
        config.data.resize,
        config.data.augment.min_size,
        head.anchor_sizes(),
    )
    encoder = Encoder(coverage(head), config.data.max_boxes, class_names)
    album = Album(parts[0].name)
    with replacing(output / "findings.jsonl") as temporary, temporary.open("w") as file:
        splits = [_read(part, class_names, network_input, encoder, album, file) for part in parts]
        for split in splits:
            print(f"{split.name:<12}{split.where}: {split.images:,} images, {split.boxes:,} boxes")
        for split in splits:
            _check_usable(split, training=split is splits[0])
        compare(splits, class_names)
    problems = rank((split.findings for split in splits), _totals(splits, class_names))
    found = summary(splits, class_names, network_input, problems)
    print("\n".join(["", *report.tables(found), "", *report.problem_lines(problems)]))
    write_text(output / "check.json", json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    images = _draw(splits, class_names, network_input, album, output)
    print(f"\nwritten to {output}: {', '.join(['check.json', 'findings.jsonl', *images])}")
    return problems


def _read(part: Part, class_names, network_input, encoder, album, file: TextIO) -> Split:
    split = Split(part.name, part.where, len(class_names), file)
    split.findings.add(part.findings)
    readings = Bar(part.read(), part.name, part.count, unit="image", leave=False)
    return survey(split, readings, class_names, network_input, encoder, album)


def _check_usable(split: Split, training: bool) -> None:
    if split.images and (split.boxes or not training):
        return
    errors = {k: n for k, n in split.findings.counts.items() if KINDS[k].severity == ERROR}
    first = ""
    if errors:
        kind = max(errors, key=errors.get)
        problem = split.findings.first[kind][0]
        first = f"; {errors[kind]:,} {KINDS[kind].unit} {KINDS[kind].title}; the first:"
        first += f" {problem.place}: {problem.detail}"
        if kind == "unknown_class":
            first += "; give the right names with --names"
    raise UserError(
        f"{split.where}: found {split.images} usable images and {split.boxes} usable boxes,"
        f" expected at least one of each{first}"
    )


def _totals(splits: list[Split], class_names: list[str]) -> dict[str, int]:
    return {
        "images": sum(split.images + split.unusable for split in splits),
        "boxes": sum(split.boxes for split in splits),
        "classes": len(class_names),
    }


def _draw(splits: list[Split], class_names, network_input: Input, album: Album, output: Path):
    """Writes the images; returns their names."""
    draw_album(album.samples, class_names, output / "labels.png")
    names = ["labels.png"]
    (output / "problems.png").unlink(missing_ok=True)  # of an earlier check
    if album.problems:
        labels = [kind.replace("_", " ") for kind in album.kinds]
        draw_album(album.problems, labels, output / "problems.png")
        names.append("problems.png")
    counts = {split.name: split.boxes_per_class for split in splits}
    plot_classes(counts, class_names, output / "classes.png")
    boxes = {split.name: {"counts": split.counts, "wh": split.box_sizes()[0]} for split in splits}
    train = splits[0]
    plot_boxes(
        boxes,
        train.centres,
        train.box_sizes()[0],
        network_input.anchors,
        network_input.size,
        output / "boxes.png",
    )
    return [*names, "classes.png", "boxes.png"]
