"""Broken COCO folders. The good one has 2 images with 2 boxes and 1 box."""

import json

from tests.data.broken.kinds import Broken, cut, remove, write
from tests.data.folders import coco_content, voc_options, write_coco
from yolo_tf.data.sources.coco import CocoSource

JSON = "annotations/instances_train2017.json"


def make(root):
    write_coco(root)


def open_source(root, split="train"):
    return CocoSource(voc_options(root, {"train": "train2017"}.get(split, split)))


def edited(edit):
    """Changes the content of the JSON file."""

    def spoil(root):
        content = coco_content()
        edit(content)
        (root / JSON).write_text(json.dumps(content))

    return spoil


def entry(part, index, **values):
    return edited(lambda content: content[part][index].update(values))


def without(part):
    return edited(lambda content: content.pop(part))


def doubled(part):
    return edited(lambda content: content[part].append(dict(content[part][0])))


DEEP = "[" * 100_000

KINDS = {
    "no JSON file": Broken(
        remove(JSON),
        "DATA: found 2 images, expected a COCO data set: a JSON file with the lists images, "
        "annotations and categories, and the images",
    ),
    "empty JSON file": Broken(
        write(JSON, ""), "DATA/annotations/instances_train2017.json: not readable as JSON: ..."
    ),
    "JSON cut off": Broken(
        cut(JSON, 30), "DATA/annotations/instances_train2017.json: not readable as JSON: ..."
    ),
    "JSON too deep": Broken(
        write(JSON, DEEP), "DATA/annotations/instances_train2017.json: not readable as JSON: ..."
    ),
    "JSON of another kind": Broken(
        write(JSON, "[1, 2]"),
        "DATA/annotations/instances_train2017.json: images: found nothing, expected a "
        "list (COCO instances)",
    ),
    "no list of annotations": Broken(
        without("annotations"),
        "DATA/annotations/instances_train2017.json: annotations: found nothing, expected "
        "a list (COCO instances)",
    ),
    "no list of images": Broken(
        without("images"),
        "DATA/annotations/instances_train2017.json: images: found nothing, expected a "
        "list (COCO instances)",
    ),
    "list of numbers": Broken(
        edited(lambda c: c.update(images=[1])),
        "DATA/annotations/instances_train2017.json: images: found an entry that is no "
        "object, expected all",
    ),
    "no category": Broken(
        edited(lambda c: c.update(categories=[])),
        "DATA/annotations/instances_train2017.json: categories: found none, expected at least one",
    ),
    "category id as text": Broken(
        entry("categories", 0, id="18"),
        "DATA/annotations/instances_train2017.json: categories: found {'id': '18', "
        "'name': 'dog'}, expected an int id and a name",
    ),
    "category twice": Broken(
        doubled("categories"),
        "DATA/annotations/instances_train2017.json: categories: found id 18, name 'dog' "
        "twice, expected each once",
    ),
    "image id twice": Broken(
        doubled("images"),
        "DATA/annotations/instances_train2017.json: images[2].id: found 7 a second time, "
        "expected every id once",
    ),
    "image id is a list": Broken(
        entry("images", 0, id=[7]),
        "DATA/annotations/instances_train2017.json: images[0].id: found [7], expected a "
        "whole number or text",
    ),
    "annotation of no image": Broken(
        entry("annotations", 0, image_id=99),
        "annotations/instances_train2017.json: annotations[0] (id 1), image_id: found "
        "99, expected the id of an image of the list",
        (2, 2),
    ),
    "annotation of no category": Broken(
        entry("annotations", 0, category_id=6),
        "annotations/instances_train2017.json: annotations[0] (id 1), bbox, class: found "
        "'category_id 6', expected a class of the list",
        (2, 2),
    ),
    "three numbers for a box": Broken(
        entry("annotations", 0, bbox=[1, 2, 3]),
        "annotations/instances_train2017.json: annotations[0] (id 1), bbox: found [1, 2, "
        "3], expected four finite numbers xmin, ymin, xmax, ymax",
        (2, 2),
    ),
    "text for a box": Broken(
        entry("annotations", 0, bbox="1 2 3 4"),
        "annotations/instances_train2017.json: annotations[0] (id 1), bbox: found '1 2 3 "
        "4', expected four finite numbers xmin, ymin, xmax, ymax",
        (2, 2),
    ),
    "negative width": Broken(
        entry("annotations", 0, bbox=[10, 5, -5, 20]),
        "annotations/instances_train2017.json: annotations[0] (id 1), bbox: found 10, 5, "
        "5, 25 (inverted), expected xmin < xmax and ymin < ymax",
        (2, 2),
    ),
    "no file name": Broken(
        entry("images", 0, file_name=None),
        "annotations/instances_train2017.json: image id 7, file_name: found None, "
        "expected a file name",
        (1, 0),
    ),
    "file name with a null byte": Broken(
        entry("images", 0, file_name="a\0b"),
        "annotations/instances_train2017.json: image id 7, file_name: found 'a\\x00b', "
        "expected an image in the data folder",
        (1, 0),
    ),
    "file name that leads out": Broken(
        entry("images", 0, file_name="../../x.jpg"),
        "annotations/instances_train2017.json: image id 7, file_name: found "
        "'../../x.jpg', expected a path inside data/",
        (1, 0),
    ),
    "absolute file name": Broken(
        entry("images", 0, file_name="/etc/hostname"),
        "annotations/instances_train2017.json: image id 7, file_name: found "
        "'/etc/hostname', expected an image in the data folder",
        (1, 0),
    ),
    "image missing": Broken(
        remove("images/train2017/7.jpg"),
        "annotations/instances_train2017.json: image id 7, file_name: found '7.jpg', expected "
        "an image in the data folder",
        (1, 0),
    ),
    "no such split": Broken(
        lambda root: None,
        "DATA/annotations/instances_val.json: no such file; splits there: train2017",
        split="val",
    ),
}
