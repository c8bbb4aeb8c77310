"""The same images through several formats are the same samples."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.data.folders import picture, voc_object, voc_options, voc_xml
from tests.data.records.made import record
from yolo_tf.data.sources import SOURCES
from yolo_tf.data.sources.base import Options

SHARED = Path(os.environ.get("YOLO_TF_FIXTURES", "../shared/fixtures")).parent / "data"
ROOT = Path(__file__).resolve().parents[3]
MINI = (SHARED if SHARED.is_absolute() else ROOT / SHARED) / "voc_mini"
needs_photos = pytest.mark.skipif(
    not MINI.is_dir(), reason=f"needs the images of {MINI} (folder data beside YOLO_TF_FIXTURES)"
)
NAMES = ["cat", "dog", "traffic light"]


def read_all(kind, split, path, names=NAMES, **kwargs):
    """Samples by the stem of their file; nothing may be wrong with any of them."""
    source = SOURCES[kind](Options(split, str(path), tuple(names), **kwargs))
    samples = {}
    for source_id in source.ids():
        sample, issues = source.read(source_id)
        assert issues == []
        samples[Path(sample.filename).stem] = sample
    assert (len(samples), source.issues) == (len(source.ids()), [])
    return samples


def assert_same(found, expected, tolerance):
    """Equal images and classes, and boxes within some pixels."""
    assert found.keys() == expected.keys()
    for name, sample in found.items():
        other = expected[name]
        assert (sample.image, sample.image_format) == (other.image, other.image_format)
        assert (sample.height, sample.width) == (other.height, other.width)
        pixels = np.array([sample.height, sample.width] * 2)
        ours, theirs = (
            sorted(
                zip(s.classes.tolist(), (s.boxes * pixels).tolist(), strict=True),
                key=lambda item: (item[0], np.rint(item[1]).tolist()),
            )
            for s in (sample, other)
        )
        assert [class_ for class_, _ in ours] == [class_ for class_, _ in theirs]
        np.testing.assert_allclose(
            np.reshape([box for _, box in ours], (-1, 4)),
            np.reshape([box for _, box in theirs], (-1, 4)),
            atol=tolerance,
        )


# Whole pixels, as VOC has them: (class, xmin, ymin, xmax, ymax) in images of 48 x 64.
OBJECTS = {
    "p0": [],
    "p1": [(0, 3, 5, 30, 41)],
    "p2": [(2, 0, 0, 64, 48), (1, 7, 7, 20, 9), (1, 33, 1, 63, 47)],
    "p3": [(1, 1, 2, 3, 4)],
}
PHOTOS = {name: picture(48, 64, seed=i) for i, name in enumerate(OBJECTS)}


def write_photos(folder):
    folder.mkdir(parents=True)
    for name, photo in PHOTOS.items():
        (folder / f"{name}.jpg").write_bytes(photo)


def make_voc(root):
    write_photos(root / "JPEGImages")
    (root / "Annotations").mkdir()
    (root / "ImageSets/Main").mkdir(parents=True)
    (root / "ImageSets/Main/train.txt").write_text("\n".join(OBJECTS))
    for name, objects in OBJECTS.items():
        text = "".join(voc_object(NAMES[c], corners) for c, *corners in objects)
        (root / f"Annotations/{name}.xml").write_text(voc_xml(name, text, (48, 64)))
    return "voc", root, {}


def make_coco(root):
    write_photos(root / "train")
    images = [
        {"id": 7 * i, "file_name": f"{name}.jpg", "height": 48, "width": 64}
        for i, name in enumerate(OBJECTS)
    ]
    annotations = [
        {"id": n, "image_id": 7 * i, "category_id": 30 - c, "bbox": [x, y, u - x, v - y]}
        for i, objects in enumerate(OBJECTS.values())
        for n, (c, x, y, u, v) in enumerate(objects, start=10 * i)
    ]
    categories = [{"id": 30 - c, "name": name} for c, name in enumerate(NAMES)]
    (root / "annotations").mkdir()
    content = {"images": images, "annotations": annotations, "categories": categories}
    (root / "annotations/instances_train.json").write_text(json.dumps(content))
    return "coco", root, {}


def write_labels(folder, order):
    folder.mkdir(parents=True, exist_ok=True)
    for name, objects in OBJECTS.items():
        lines = [
            f"{order.index(NAMES[c])} {(x + u) / 128:.6f} {(y + v) / 96:.6f} "
            f"{(u - x) / 64:.6f} {(v - y) / 48:.6f}\n"
            for c, x, y, u, v in objects
        ]
        (folder / f"{name}.txt").write_text("".join(lines))


def make_yolo(root):
    write_photos(root / "images/train")
    order = NAMES[::-1]
    write_labels(root / "labels/train", order)
    (root / "data.yaml").write_text(f"train: images/train\nnames: {json.dumps(order)}\n")
    return "yolo", root / "data.yaml", {}


def make_darknet(root):
    write_photos(root / "obj")
    write_labels(root / "obj", NAMES)
    (root / "train.txt").write_text("".join(f"data/obj/{name}.jpg\n" for name in OBJECTS))
    (root / "obj.names").write_text("\n".join(NAMES))
    (root / "obj.data").write_text("classes=3\ntrain=data/train.txt\nnames=data/obj.names\n")
    return "yolo", root / "obj.data", {}


def make_tfrecord(root):
    """Labels from 1 without text, of a label map in another order."""
    root.mkdir()
    order = [NAMES[1], NAMES[2], NAMES[0]]
    items = [
        f"item {{ id: {i} name: '/m/{i}' display_name: '{n}' }}" for i, n in enumerate(order, 1)
    ]
    (root / "map.pbtxt").write_text("\n".join(items))
    with tf.io.TFRecordWriter(str(root / "train.record")) as writer:
        for name, objects in OBJECTS.items():
            boxes = [[y / 48, x / 64, v / 48, u / 64] for _, x, y, u, v in objects]
            labels = [order.index(NAMES[c]) for c, *_ in objects]  # `record` adds 1
            serialized = record(name, boxes, labels, (48, 64), image=PHOTOS[name])
            example = tf.train.Example.FromString(serialized)
            for key in ("image/object/class/text", "image/object/area"):
                example.features.feature[key].Clear()
            writer.write(example.SerializeToString())
    return "tfrecord", root / "train.record", {"labels": str(root / "map.pbtxt")}


@pytest.mark.parametrize("make", [make_coco, make_yolo, make_darknet, make_tfrecord])
def test_drawn_images(tmp_path, make):
    expected = read_all("voc", "train", make_voc(tmp_path / "voc")[1])
    kind, path, more = make(tmp_path / "other")
    found = read_all(kind, "train", path, **more)
    assert_same(found, expected, tolerance=1e-3 if kind == "yolo" else 1e-5)
    areas = [(found[name].area, sample.area) for name, sample in expected.items()]
    for ours, theirs in areas:
        np.testing.assert_allclose(sorted(ours), sorted(theirs), rtol=1e-3)


@pytest.fixture(scope="module")
def voc():
    voc_root = MINI / "VOCdevkit/VOC2012"
    names = (MINI / "voc.names").read_text().split()
    source = SOURCES["voc"](voc_options(voc_root, "trainval", class_names=tuple(names)))
    samples = {}
    for source_id in source.ids():
        samples[source_id], issues = source.read(source_id)
        assert issues == []
    assert (len(samples), sum(len(s.boxes) for s in samples.values())) == (100, 273)
    return samples, names


def copy_photos(folder):
    shutil.copytree(MINI / "VOCdevkit/VOC2012/JPEGImages", folder)


@needs_photos
@pytest.mark.parametrize("version", ["v1/instances_default", "v2/instances_v2"])
def test_real_images_through_coco(voc, tmp_path, version):
    samples, names = voc
    copy_photos(tmp_path / "images/all")
    (tmp_path / "annotations").mkdir()
    path = MINI / f"other_formats/coco_format_{version}.json"
    shutil.copy(path, tmp_path / "annotations/instances_all.json")
    assert_same(read_all("coco", "all", tmp_path, names), samples, tolerance=1e-3)


@needs_photos
def test_real_images_through_darknet(voc, tmp_path):
    """The files of the data set unchanged; its train.txt has paths of another folder."""
    samples, names = voc
    shutil.copytree(MINI / "other_formats/yolo_format", tmp_path / "set")
    for path in (MINI / "VOCdevkit/VOC2012/JPEGImages").iterdir():
        shutil.copy(path, tmp_path / "set/obj_train_data")
    found = read_all("yolo", "train", tmp_path / "set/obj.data", names)
    assert_same(found, samples, tolerance=1e-3)


@needs_photos
def test_real_images_through_tfrecord(voc, tmp_path):
    """The data set's records lack the pixels, which are put back here."""
    samples, names = voc
    folder = MINI / "other_formats/tfrecord_format"
    path = tmp_path / "default.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for serialized in tf.data.TFRecordDataset(str(folder / "default.tfrecord")):
            example = tf.train.Example.FromString(serialized.numpy())
            feature = example.features.feature
            name = feature["image/filename"].bytes_list.value[0].decode()
            photo = (MINI / "VOCdevkit/VOC2012/JPEGImages" / name).read_bytes()
            feature["image/encoded"].bytes_list.value[:] = [photo]
            writer.write(example.SerializeToString())
    labels = str(folder / "label_map.pbtxt")
    for more in ({}, {"labels": labels}):
        assert_same(read_all("tfrecord", "all", path, names, **more), samples, tolerance=1e-3)
