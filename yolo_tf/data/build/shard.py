"""One shard of a build, from readings to a finished file with its report."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from yolo_tf.data.build.folder import BuildFolder, Counts, IssueLog
from yolo_tf.data.build.reading import Reading
from yolo_tf.data.records.writing import encode_example, write_shard
from yolo_tf.data.sample import Sample
from yolo_tf.files import replacing, write_bytes

_SUFFIXES = {"jpeg": ".jpg", "png": ".png"}


def build_shard(
    folder: BuildFolder,
    index: int,
    readings: Iterable[Reading],
    class_names: list[str],
    log: IssueLog,
    image_folder: Path | None = None,
) -> None:
    """Writes one shard and lists its issues; nothing of an image is kept in memory.

    Raises:
      UserError: an issue that `log` does not let pass, or the files cannot be written.
    """
    counts = Counts.of(len(class_names))
    if image_folder:
        image_folder.mkdir(parents=True, exist_ok=True)

    def records(listing):
        for sample, issues in readings:
            for issue in issues:
                log.note(issue)
                counts.note(issue)
                listing.write(json.dumps(issue.to_dict()) + "\n")
            if sample is not None:
                counts.add(sample)
                if image_folder:
                    _save(sample, image_folder)
                yield encode_example(sample, class_names)

    with (
        replacing(folder.listing(index)) as path,
        path.open("w", encoding="utf-8") as listing,
    ):
        size = write_shard(folder.shard(index), records(listing))
    folder.write_report(index, counts, size)


def _save(sample: Sample, folder: Path) -> None:
    """Writes an image under its name; of two of one name the later one's has its id as well."""
    path = folder / Path(sample.filename).with_suffix(_SUFFIXES[sample.image_format]).name
    if path.exists() and path.read_bytes() != sample.image:
        own = re.sub(r"[^\w.-]+", "_", sample.source_id)[-150:]
        path = path.with_name(f"{path.stem[:80]}.{own}{path.suffix}")
    write_bytes(path, sample.image)
