"""`--format=auto`: which of our formats a folder or file is, or one line that helps further."""

import glob
import os
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from yolo_tf.data.sources.base import Found
from yolo_tf.data.sources.foreign import foreign_format
from yolo_tf.data.sources.listing import Listing, open_listing
from yolo_tf.errors import UserError

_LOOKED_FOR = (
    "VOC XML, COCO JSON, YOLO labels (data.yaml, .data, text files with 'class cx cy w h'), CSV "
    "with a box a row, lists 'path x1,y1,x2,y2,class', CVAT XML, LabelMe, VIA, KITTI and CreateML"
)


def recognise(given: str, sources: Mapping[str, type], command: str = "build_tfrecords") -> Found:
    """What a folder or file is, known by its contents.

    Args:
      given: a folder, an annotation file, a pattern of TFRecords, or tfds:NAME.
      sources: format -> source; those with a `recognise` are asked.
      command: for the message.

    Raises:
      UserError: nothing there, none of the formats, or several.
    """
    if given.startswith("tfds:"):
        return Found("tfds", given.removeprefix("tfds:"), "data set of TFDS", None)
    if not os.path.exists(given):
        if glob.glob(given) and ".tfrecord" in given:
            return Found("tfrecord", given, "TFRecords of the Object Detection API", None)
        raise UserError(f"{given}: no such file or folder, expected a data set")
    listing = open_listing(given)
    found = []
    for source in sources.values():
        if hasattr(source, "recognise"):
            found += source.recognise(listing)
    if len(found) > 1:
        found = _without_by_products(found)
    if len(found) == 1:
        return found[0]
    if found:
        ways = "; or ".join(f"{_command(command, f)} ({f.title})" for f in found)
        raise UserError(f"{given}: found {len(found)} data sets, choose one: {ways}")
    raise UserError(_unknown(given, listing, command))


def _without_by_products(found: list[Found]) -> list[Found]:
    """Without CSV files made from XML, as tutorials of the Object Detection API make them.

    The CSV files count where they alone tell splits.
    """
    formats = {f.format: f for f in found}
    if len(found) > 2 or formats.keys() != {"csv", "voc"}:
        return found
    csv, voc = formats["csv"], formats["voc"]
    if csv.splits == voc.splits:
        note = f"the CSV files are left out; {_command('build_tfrecords', csv)} takes them"
        return [replace(voc, notes=(*voc.notes, note))]
    if csv.splits and not voc.splits:
        note = f"the XML files are left out; {_command('build_tfrecords', voc)} takes them"
        return [replace(csv, notes=(*csv.notes, note))]
    return found


def _command(command: str, found: Found) -> str:
    return f"{command} --format={found.format} --input={shlex.quote(found.input)}"


def _unknown(given: str, listing: Listing, command: str) -> str:
    there = f"{given}: no data set recognised: there lie {listing.contents()}; "
    foreign = foreign_format(listing)
    if foreign:
        return f"{there}{foreign}"
    nearest, what = _nearest(listing)
    way = f"{command} --format={nearest} --input={shlex.quote(given)} says what is missing"
    return f"{there}looked for {_LOOKED_FOR}; nearest is {what}: {way}"


def _nearest(listing: Listing) -> tuple[str, str]:
    """The format whose files are nearest to what lies there, and what it lacks."""
    counts: dict[str, int] = {}
    for folder in listing.folders.values():
        for suffix, count in folder.counts.items():
            counts[suffix] = counts.get(suffix, 0) + count
    extra = "" if listing.image_count() else ", and there is no image"
    kinds = {".xml": "voc", ".json": "coco", ".csv": "csv", ".txt": "yolo", ".yaml": "yolo"}
    best = max((s for s in kinds if counts.get(s)), key=lambda s: counts[s], default=".txt")
    form = kinds[best]
    texts = {
        "voc": "VOC, but no XML begins with <annotation>",
        "coco": "COCO, but no JSON has images, annotations and categories",
        "csv": "CSV, but no header or row names an image, a class and four corners",
        "yolo": "YOLO, but no image has a text file of its name with 'class cx cy w h'",
    }
    return form, texts[form] + extra


def recognised_as(given: str, source: type, format: str) -> Found | None:
    """As `recognise`, for a format that was given; None: it cannot tell, the source itself will."""
    if not hasattr(source, "recognise") or not Path(given).exists():
        return None
    try:
        found = source.recognise(open_listing(given))
    except UserError:
        return None
    return found[0] if len(found) == 1 else None
