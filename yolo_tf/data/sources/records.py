"""TFRecords of other writers, to be checked and copied: `--format=tfrecord` and `--format=tfds`.

The first pass, when the source is opened, reads every record with its checksums, notes where it
lies and collects the classes; images are decoded and boxes checked when a record is read. Boxes
are of the pixels as they lie in the file, whatever EXIF says, since TensorFlow reads them so.
"""

from pathlib import Path

from tqdm import tqdm

from yolo_tf.data import checks
from yolo_tf.data.checks import BadRecord, Issue
from yolo_tf.data.records.card import find_card, read_card
from yolo_tf.data.records.examples import Record, parse_record
from yolo_tf.data.records.keys import TEXT
from yolo_tf.data.records.label_map import LabelMap, likely_labels, listed_names
from yolo_tf.data.records.tfds_files import find_split
from yolo_tf.data.sample import Sample
from yolo_tf.data.sources.base import Options, RawBox, RawRecord, make_sample
from yolo_tf.errors import UserError
from yolo_tf.text_files import check_class_names

_HEAD, _FOOT = 12, 4  # bytes of a TFRecord file around a record: its length, checksums


class RecordSource:
    """The records of some files.

    `input` is a pattern of files. Classes are those of `class_names`, else of the label map that
    `labels` names, else of the card beside the files, else of the class texts.
    """

    def __init__(self, options: Options):
        from yolo_tf.data.records.files import find_shards  # loads TensorFlow, which workers spare

        self.options = options
        paths = find_shards(options.input)
        listed = listed_names(options.labels)
        names = list(options.class_names or listed or [])
        card = find_card(options.input)
        if card and not names:
            names = read_card(card).classes
        self._open(paths, names, options.labels)

    def _open(self, paths: list[str], names: list[str], labels: str) -> None:
        self._paths = paths
        self.issues: list[Issue] = []
        self._places = {}  # source_id -> (number of its file, of the record, offset, length)
        found = _Found()
        for item in self._scan():
            found.add(item)
        self.class_names = names or found.names(self._paths[0])
        check_class_names(self.class_names, f"{self._paths[0]}: {TEXT}")
        self._map = LabelMap.of(self.class_names, labels)
        found.check_labels(self._map, len(self.class_names), self._paths[0])

    def files(self) -> list[str]:
        label_map = [self.options.labels] if self.options.labels.endswith(".pbtxt") else []
        return self._paths + label_map

    def ids(self) -> list[str]:
        return list(self._places)

    def read(self, source_id: str) -> tuple[Sample, list[Issue]]:
        file, number, offset, length = self._places[source_id]
        path = Path(self._paths[file])
        try:
            with path.open("rb") as stream:
                stream.seek(offset)
                serialized = stream.read(length)
        except OSError as error:
            found = error.strerror or "an unreadable file"
            raise BadRecord(source_id, path.name, "file", found, "a readable file") from None
        place = f"record {number}"
        record = parse_record(serialized, path.name, place)
        raw = RawRecord(
            source_id=source_id,
            file=path.name,
            image_file=f"{path.name}: {place}",
            image=record.image,
            declared_size=record.declared_size,
            boxes=[self._raw_box(record, n, place) for n in range(len(record.corners))],
            normalised=True,
            upright=False,
            filename=record.filename or source_id,
            place=place,
        )
        return make_sample(raw, self.class_names)

    def _raw_box(self, record: Record, n: int, place: str) -> RawBox:
        if record.texts:
            name = self._map.by_text.get(record.texts[n], record.texts[n])
        else:
            name = self._map.by_label.get(record.labels[n], f"label {record.labels[n]}")
        area = checks.number(record.area[n]) if record.area else -1
        return RawBox(
            name,
            record.corners[n],
            field=f"{place}, object {n + 1}",
            text=checks.show(record.corners[n]),
            area=area if area >= 0 else None,
            difficult=record.difficult[n],
            truncated=record.truncated[n],
            crowd=record.crowd[n],
        )

    def _scan(self):
        """Yields every record that can be parsed, noting its place; the others are issues."""
        from yolo_tf.data.records.files import read_records

        file, offset = -1, 0
        for path, number, record in tqdm(read_records(self._paths), "reading", unit="record"):
            if number == 1:
                file, offset = self._paths.index(path), 0
            start = offset + _HEAD
            offset = start + len(record) + _FOOT
            name = Path(path).name
            try:
                parsed = parse_record(record, name, f"record {number}")
            except BadRecord as error:
                self.issues.append(error.issue)
                continue
            place = (file, number, start, len(record))
            first = self._places.setdefault(parsed.source_id, place)
            if first != place:
                other = f"{Path(self._paths[first[0]]).name}, record {first[1]}"
                field = f"record {number}, image/source_id"
                expected = f"every id once; {other} has it"
                found = checks.show(parsed.source_id)
                action = checks.IMAGE_SKIPPED
                self.issues.append(Issue(parsed.source_id, name, field, found, expected, action))
                continue
            yield parsed
        if not self._places:
            first = f"; the first: {self.issues[0]}" if self.issues else ""
            raise UserError(f"{self._paths[0]}: found no usable record{first}")


class TfdsSource(RecordSource):
    """A split of a prepared data set of TensorFlow Datasets; `input` is its name."""

    def __init__(self, options: Options):
        self.options = options
        if options.labels:
            raise UserError("--labels: a data set of TFDS names its labels itself; leave it out")
        name = options.input.removeprefix("tfds:")
        split = find_split(name, options.split, options.data_dir, exact_types=False)
        self._open(split.paths, list(options.class_names or split.class_names), "")
        # Records have labels of the data set's own list, whatever the order asked for.
        self._map = LabelMap(dict(enumerate(split.class_names)))


class _Found:
    """The classes that the records of a source name."""

    def __init__(self):
        self.label_of = {}  # text -> its label
        self.labels = set()  # of records without texts
        self.mixed = False  # texts and labels go not together

    def add(self, record: Record) -> None:
        if not record.texts:
            self.labels.update(record.labels)
            return
        for n, text in enumerate(record.texts):
            label = record.labels[n] if len(record.labels) == len(record.texts) else None
            self.mixed |= label is None or self.label_of.setdefault(text, label) != label

    def names(self, path: str) -> list[str]:
        """The texts in the order of their labels, or of the alphabet where these are at odds."""
        if self.labels or not self.label_of:
            found = f"labels without {TEXT}" if self.labels else "no object"
            raise UserError(
                f"{path}: found {found}, expected class names: give --names or --labels=X.pbtxt"
            )
        if self.mixed or len(set(self.label_of.values())) < len(self.label_of):
            return sorted(self.label_of)
        return sorted(self.label_of, key=self.label_of.get)

    def check_labels(self, label_map: LabelMap, classes: int, path: str) -> None:
        """Raises `UserError` where labels without texts look like counted in another way."""
        likely = likely_labels(self.labels, classes)
        if self.labels - label_map.by_label.keys() and likely:
            raise UserError(
                f"{path}: labels: found {min(self.labels)} to {max(self.labels)} for {classes} "
                f"classes, expected the keys of the label map: give --labels={likely}"
            )
