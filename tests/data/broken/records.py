"""Broken TFRecords and what lies beside them. The good set has 3 records with 0, 1 and 2 boxes."""

import json

from tests.data.broken.kinds import Broken, cut, remove, write
from tests.data.folders import picture
from tests.data.records.made import record
from tests.data.records.made import write as write_records
from tests.data.records.test_files import frame
from yolo_tf.data.sources.base import Options
from yolo_tf.data.sources.records import RecordSource

BOX = [0.1, 0.2, 0.5, 0.6]
FILE = "toy-train.tfrecord-00000-of-00001"
CARD = {"name": "toy", "classes": ["red", "green", "blue"], "splits": {}}


def make(root):
    root.mkdir()
    write_records(root, [[good(n) for n in range(3)]])
    (root / "toy.json").write_text(json.dumps(CARD))


def open_source(root, split="train"):
    labels = root / "labels.pbtxt"
    pattern = str(root / f"toy-{split}.tfrecord-*")
    return RecordSource(Options(split, pattern, labels=str(labels) if labels.exists() else ""))


def good(n):
    return record(f"r{n}", [BOX] * n)


def second(**changes):
    """The second record is another one."""

    def spoil(root):
        given = {"name": "r1", "boxes": [BOX], **changes}
        write_records(root, [[good(0), record(**given), good(2)]])

    return spoil


def serialized(data):
    return lambda root: write_records(root, [[good(0), data, good(2)]])


def flip(root):
    data = bytearray((root / FILE).read_bytes())
    data[len(data) // 2] ^= 1
    (root / FILE).write_bytes(data)


def huge(root):
    data = (root / FILE).read_bytes()
    (root / FILE).write_bytes(frame(2**40) + data[12:])


def card(**changes):
    return write("toy.json", json.dumps({**CARD, **changes}))


def labels(text):
    return write("labels.pbtxt", text)


ITEM = "item { id: 1 name: 'red' }\n"

KINDS = {
    "file cut off": Broken(
        cut(FILE, 10),
        "DATA/toy-train.tfrecord-00000-of-00001: record 3: missing, truncated or "
        "corrupted; build the records again or copy the file",
    ),
    "a flipped bit": Broken(
        flip,
        "DATA/toy-train.tfrecord-00000-of-00001: record 2: missing, truncated or "
        "corrupted; build the records again or copy the file",
    ),
    "a length beyond all memory": Broken(
        huge,
        "DATA/toy-train.tfrecord-00000-of-00001: record 1: missing, truncated or "
        "corrupted; build the records again or copy the file",
    ),
    "no TFRecord": Broken(
        write(FILE, picture()),
        "DATA/toy-train.tfrecord-00000-of-00001: record 1: missing, truncated or "
        "corrupted; build the records again or copy the file",
    ),
    "empty file": Broken(
        write(FILE, b""), "DATA/toy-train.tfrecord-00000-of-00001: found no usable record"
    ),
    "shards missing": Broken(
        lambda root: (
            (write_records(root, [[good(0)], [good(1)]]) and (root / FILE).unlink())
            or (root / "toy-train.tfrecord-00001-of-00002").unlink()
        ),
        "DATA/toy-train.tfrecord: found 1 of 2 shards, expected all; build the records "
        "again, copy the missing ones, or name the files one by one",
    ),
    "two sets of shards": Broken(
        lambda root: write_records(root, [[good(0)], [good(1)]]),
        "DATA/toy-train.tfrecord: found shards of 1 and of 2, expected one set; delete the old one",
    ),
    "no file": Broken(
        remove(FILE), "DATA/toy-train.tfrecord-*: no file matches this pattern of TFRecord shards"
    ),
    "no Example": Broken(
        serialized(b"no example"),
        "toy-train.tfrecord-00000-of-00001: record 2: found 10 bytes, expected a tf.train.Example",
        (2, 2),
    ),
    "empty record": Broken(
        serialized(b""),
        "toy-train.tfrecord-00000-of-00001: record 2: image: found an empty file, "
        "expected a JPEG or PNG image",
        (2, 2),
    ),
    "record without an image": Broken(
        second(image=b""),
        "toy-train.tfrecord-00000-of-00001: record 2: image: found an empty file, "
        "expected a JPEG or PNG image",
        (2, 2),
    ),
    "image cut off": Broken(
        second(image=picture()[:-20], size=(40, 60)),
        "toy-train.tfrecord-00000-of-00001: record 2: image: found 'image file is "
        "truncated: no end of image', expected a whole image",
        (2, 2),
    ),
    "id twice": Broken(
        second(name="r0"),
        "toy-train.tfrecord-00000-of-00001: record 2, image/source_id: found 'r0', "
        "expected every id once; toy-train.tfrecord-00000-of-00001, record 1 has it",
        (2, 2),
    ),
    "swapped size": Broken(
        second(size=(60, 40), image=picture()),
        "toy-train.tfrecord-00000-of-00001: record 2, size: found 40 x 60 (swapped), "
        "expected 60 x 40, the image's own; turn the image or its boxes",
        (2, 2),
    ),
    "class not in the list": Broken(
        second(classes=[-1]),
        "toy-train.tfrecord-00000-of-00001: record 2, object 1, class: found 'unheard "
        "of', expected a class of the list",
        (3, 2),
    ),
    "NaN": Broken(
        second(boxes=[[float("nan"), 0, 1, 1]]),
        "toy-train.tfrecord-00000-of-00001: record 2, object 1: found (0.0, nan, 1.0, "
        "1.0), expected four finite numbers xmin, ymin, xmax, ymax",
        (3, 2),
    ),
    "boxes in pixels": Broken(
        second(boxes=[[5, 6, 20, 30]]),
        "toy-train.tfrecord-00000-of-00001: record 2, object 1: found 192, 120, 960, 480 "
        "(outside), expected a box inside 0, 0, 32, 24",
        (3, 2),
    ),
    "inverted box": Broken(
        second(boxes=[[0.6, 0.1, 0.2, 0.9]]),
        "toy-train.tfrecord-00000-of-00001: record 2, object 1: found 3.2, 14.4, 28.8, "
        "4.8 (inverted), expected xmin < xmax and ymin < ymax",
        (3, 2),
    ),
    "more flags than boxes": Broken(
        second(crowd=[False, True]),
        "toy-train.tfrecord-00000-of-00001: record 2, image/object/is_crowd: found 2 "
        "values, expected 1, one an object",
        (2, 2),
    ),
    "card is no JSON": Broken(
        write("toy.json", "{"), "DATA/toy.json: not readable as a data set card: ..."
    ),
    "card without classes": Broken(
        card(classes=None),
        "DATA/toy.json: classes: found nothing, expected a list; a data set card is "
        "written by build_tfrecords",
    ),
    "card with a class twice": Broken(
        card(classes=["red", "red"]),
        "DATA/toy.json: classes: class 1: found 'red', which class 0 has, expected every name once",
    ),
    "label map without an id": Broken(
        labels("item { name: 'red' }"),
        "DATA/labels.pbtxt: item 1: id: found none, expected 0 or more",
    ),
    "label map cut off": Broken(
        labels("item { id: 1 name: 're"),
        "DATA/labels.pbtxt: line 1: found ...; expected items such as item { id: 1 name: 'x' }",
    ),
    "label map with an id twice": Broken(
        labels(ITEM + ITEM.replace("red", "blue")),
        "DATA/labels.pbtxt: item 2: id: found 1, which item 1 has, expected each once",
    ),
    "label map with a word as id": Broken(
        labels("item { id: one name: 'red' }"),
        "DATA/labels.pbtxt: line 1: found ...; expected items such as item { id: 1 name: 'x' }",
    ),
    "empty label map": Broken(labels(""), "DATA/labels.pbtxt: found no item, expected one a class"),
}
