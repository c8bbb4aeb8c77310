"""From a source to TFRecord shards and a data set card.

Image i of a source goes to shard i % count. Shards are built one after the other, each from every
count-th image: so a finished one can be kept when a build is ended, any number of them needs one
open file, and images that lie together in the source (of one class, of one film) still spread over
all shards, which training reads in turns.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from pathlib import Path

from yolo_tf import moved_names
from yolo_tf.data.build.folder import BuildFolder, Counts, IssueLog, build_folder, list_issues
from yolo_tf.data.build.key import build_key
from yolo_tf.data.build.reading import read_all
from yolo_tf.data.build.shard import build_shard
from yolo_tf.data.records.card import check_same_classes, read_card, update_card
from yolo_tf.data.records.writing import shard_ids
from yolo_tf.data.sources.base import Source
from yolo_tf.errors import UserError
from yolo_tf.progress import Bar
from yolo_tf.text_files import check_class_names


def build(
    source: Source,
    output: str | Path,
    name: str,
    split: str,
    shards: int,
    workers: int = 1,
    skip_bad: bool = False,
    image_folder: str | Path | None = None,
    beam_options: Sequence[str] | None = None,
) -> dict:
    """Writes OUTPUT/NAME-SPLIT.tfrecord-* and enters the split in OUTPUT/NAME.json.

    The bytes of the shards and of the card depend on the data and `shards` alone: not on `workers`
    or Beam, nor on whether the build was ended and started again, which keeps finished shards.

    Args:
      workers: processes that read and check images.
      skip_bad: leave out images and boxes that fail a check, instead of stopping at the first.
        Boxes without area are left out in any case; all of them are counted and listed.
      image_folder: a folder to write the images to as well, as files.
      beam_options: options of an Apache Beam pipeline, which then builds the shards; None: this
        machine's processes do.

    Returns:
      The split's entry in the card.

    Raises:
      UserError: bad data, no usable record, more shards than images, or other classes in the card.
    """
    output = Path(output)
    folder = BuildFolder(output, name, split, shards)
    _check_settings(source, folder.card(), shards, workers)
    log = IssueLog(skip_bad)
    for issue in source.issues:
        log.note(issue)
    image_folder = Path(image_folder) if image_folder else None
    with build_folder(folder, build_key(source, shards, output, image_folder)):
        missing = [index for index in range(shards) if folder.report(index) is None]
        if len(missing) < shards:
            print(f"{shards - len(missing)} of {shards} shards are there already")
            _note_listed(folder, set(range(shards)) - set(missing), log)
        if beam_options is None:
            _build_here(source, folder, missing, workers, log, image_folder)
        else:
            from yolo_tf.data.build.beam import build_on_beam

            build_on_beam(source, folder, missing, beam_options, skip_bad, image_folder)
            _note_listed(folder, missing, log)
        return _publish(source, folder, log)


def _check_settings(source: Source, card: Path, shards: int, workers: int) -> None:
    if source.class_names:
        check_class_names(source.class_names, f"{source.options.input or 'data'}: classes")
    if card.exists():
        check_same_classes(card, read_card(card).classes, source.class_names)
    images = len(source.ids())
    if not 1 <= shards <= images:
        raise UserError(f"shards: found {shards}, expected 1 to {images} for {images} images")
    if workers < 1:
        raise UserError(f"workers: found {workers}, expected at least 1")


def _build_here(source, folder, missing, workers, log, image_folder) -> None:
    ids = source.ids()
    parts = {index: shard_ids(ids, index, folder.count) for index in missing}
    done = len(ids) - sum(map(len, parts.values()))
    with (
        closing(read_all(source, workers, chain.from_iterable(parts.values()))) as readings,
        Bar(
            readings, "building", len(ids), initial=done, unit="image", disable=not missing
        ) as shown,
    ):
        readings = iter(shown)
        for index, part in parts.items():
            own = islice(readings, len(part))
            build_shard(folder, index, own, source.class_names, log, image_folder)
        next(readings, None)  # ends the workers in good order, and the bar at its full length


def _note_listed(folder: BuildFolder, indices: Iterable[int], log: IssueLog) -> None:
    for index in sorted(indices):
        for issue in folder.issues(index):
            log.note(issue)


def _publish(source: Source, folder: BuildFolder, log: IssueLog) -> dict:
    """Checks what was built, writes the card and gives the shards their names."""
    total = Counts.of(len(source.class_names))
    for issue in source.issues:
        total.note(issue)
    empty = []
    for index in range(folder.count):
        counts = folder.report(index)
        total.merge(counts)
        if not counts.images:
            empty.append(index)
    if empty:
        problem = _no_image(source, folder, total, empty)
        folder.remove()
        raise UserError(problem)
    entry = {
        "images": total.images,
        "boxes": sum(total.boxes),
        "boxes_per_class": dict(zip(source.class_names, total.boxes, strict=True)),
        "shards": folder.count,
        "bytes": folder.size(),
    }
    folder.remove_old()  # from here on there is no set of this split, until all have their names
    entry |= list_issues(_all_issues(source, folder), total, folder.listing_of_all())
    update_card(folder.card(), folder.name, source.class_names, folder.split, entry)
    folder.move_shards()
    if log.unshown():
        listed = folder.listing_of_all() if "issues" in entry else folder.card()
        print(f"... and {log.unshown()} more, all listed in {listed}")
    return entry


def _all_issues(source: Source, folder: BuildFolder) -> Iterator:
    yield from source.issues
    for index in range(folder.count):
        yield from folder.issues(index)


def _no_image(source: Source, folder: BuildFolder, total: Counts, empty: list[int]) -> str:
    first = next(_all_issues(source, folder), None)
    hint = f"; the first: {first}" if first else ""
    if not total.images:
        return f"no usable image: all {len(source.ids())} were skipped{hint}"
    return (
        f"shard {empty[0]} of {folder.count}: no usable image is left for it of "
        f"{total.images}, expected at least one: give fewer --shards{hint}"
    )


moved_names.make_callable(__name__)
