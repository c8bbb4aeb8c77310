"""From a source to TFRecord shards and a data set card."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from yolo_tf.data import checks
from yolo_tf.data.card import check_same_classes, read_card, update_card
from yolo_tf.data.checks import Issue
from yolo_tf.data.reading import read_all
from yolo_tf.data.sample import Sample
from yolo_tf.data.shards import write_shards
from yolo_tf.data.sources.base import Source
from yolo_tf.data.tfrecord import encode_example
from yolo_tf.errors import UserError

_SHOWN = 20  # issues printed one by one; the card lists all
_MAX_SHARDS = 512  # all are open at once
_SKIPPED = (checks.IMAGE_SKIPPED, checks.BOX_SKIPPED, checks.EMPTY_BOX_SKIPPED)


@dataclass
class Tally:
    """What a build has seen so far."""

    class_names: list[str]
    images: int = 0
    boxes_per_class: np.ndarray = None
    issues: list[Issue] = field(default_factory=list)

    def __post_init__(self):
        self.boxes_per_class = np.zeros(len(self.class_names), np.int64)

    @property
    def boxes(self) -> int:
        return int(self.boxes_per_class.sum())

    def add(self, sample: Sample) -> None:
        self.images += 1
        self.boxes_per_class += np.bincount(sample.classes, minlength=len(self.class_names))

    def entry(self, shards: list[Path]) -> dict:
        """The split's part of the card."""
        listed = [issue.to_dict() for issue in self.issues]
        return {
            "images": self.images,
            "boxes": self.boxes,
            "boxes_per_class": dict(
                zip(self.class_names, self.boxes_per_class.tolist(), strict=True)
            ),
            "shards": len(shards),
            "bytes": sum(path.stat().st_size for path in shards),
            "skipped": [item for item in listed if item["action"] in _SKIPPED],
            "changed": [item for item in listed if item["action"] not in _SKIPPED],
        }


def build(
    source: Source,
    output: str | Path,
    name: str,
    split: str,
    shards: int,
    workers: int = 1,
    skip_bad: bool = False,
    pictures: str | Path | None = None,
) -> dict:
    """Writes OUTPUT/NAME-SPLIT.tfrecord-* and enters the split in OUTPUT/NAME.json.

    The bytes of the shards depend on the data and `shards` alone, not on `workers`.

    Args:
      workers: processes that read and check images.
      skip_bad: leave out images and boxes that fail a check, instead of stopping at the first.
        Boxes without area are left out in any case; all of them are printed and listed.
      pictures: a folder to write the images to as well, as files.

    Returns:
      The split's entry in the card.

    Raises:
      UserError: bad data, no usable record, more shards than images, or other classes in the card.
    """
    output = Path(output)
    card_path = output / f"{name}.json"
    _check_settings(source, card_path, shards, workers)
    tally = Tally(source.class_names)
    samples = _samples(source, workers, skip_bad, tally)
    if pictures:
        samples = _saved(samples, Path(pictures))
    records = (encode_example(sample, source.class_names) for sample in samples)
    paths = write_shards(output, name, split, shards, records)
    entry = tally.entry(paths)
    update_card(card_path, name, source.class_names, split, entry)
    if len(tally.issues) > _SHOWN:
        print(f"... and {len(tally.issues) - _SHOWN} more, all listed in {card_path}")
    return entry


def _check_settings(source: Source, card_path: Path, shards: int, workers: int) -> None:
    if card_path.exists():
        check_same_classes(card_path, read_card(card_path).classes, source.class_names)
    images = len(source.ids())
    most = min(images, _MAX_SHARDS)
    if not 1 <= shards <= most:
        raise UserError(f"shards: found {shards}, expected 1 to {most} for {images} images")
    if workers < 1:
        raise UserError(f"workers: found {workers}, expected at least 1")


def _samples(source: Source, workers: int, skip_bad: bool, tally: Tally) -> Iterator[Sample]:
    """Yields the samples in the order of the ids, filling `tally` on the way."""
    for issue in source.issues:
        _note(issue, skip_bad, tally)
    with closing(read_all(source, workers)) as readings:
        for sample, issues in tqdm(readings, total=len(source.ids()), unit="image"):
            for issue in issues:
                _note(issue, skip_bad, tally)
            if sample is not None:
                tally.add(sample)
                yield sample
    if not tally.images:
        first = f"; the first: {tally.issues[0]}" if tally.issues else ""
        raise UserError(f"no usable image: all {len(source.ids())} were skipped{first}")


def _saved(samples: Iterator[Sample], folder: Path) -> Iterator[Sample]:
    """Passes the samples on and writes their images to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for sample in samples:
        suffix = {"jpeg": ".jpg", "png": ".png"}[sample.image_format]
        (folder / Path(sample.filename).with_suffix(suffix).name).write_bytes(sample.image)
        yield sample


def _note(issue: Issue, skip_bad: bool, tally: Tally) -> None:
    if issue.fatal and not skip_bad:
        raise UserError(
            f"{issue}. Mend it, or give --skip_bad to leave such images and boxes out and list them"
        )
    tally.issues.append(issue)
    if len(tally.issues) <= _SHOWN:
        tqdm.write(f"{issue.action}: {issue}")
