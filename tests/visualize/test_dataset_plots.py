import io

import numpy as np
import pytest
from PIL import Image

from yolo_tf.visualize.album import _named, draw_album
from yolo_tf.visualize.dataset_plots import plot_anchors, plot_boxes, plot_classes

RANDOM = np.random.default_rng(0)


def size(path):
    with Image.open(path) as image:
        assert image.format == "PNG"
        return image.size


@pytest.mark.parametrize("count", [1, 3, 300])
@pytest.mark.parametrize("splits", [["train"], ["train", "val", "test"]])
def test_classes(tmp_path, count, splits):
    path = tmp_path / "classes.png"
    names = [f"class $ {n}" for n in range(count)]
    counts = {split: RANDOM.integers(1, 5000, count) for split in splits}
    plot_classes(counts, names, path)
    width, height = size(path)
    assert width == 1000
    assert height >= 150
    assert height <= 160 + 17 * 120 * 3 + 10  # more classes than fit are left to the JSON file


def test_classes_without_boxes(tmp_path):
    plot_classes({"train": np.zeros(3, int)}, ["a", "b", "c"], tmp_path / "c.png")
    assert size(tmp_path / "c.png")


@pytest.mark.parametrize("boxes", [0, 1, 500])
@pytest.mark.parametrize("anchors", [None, np.array([[10.0, 13.0], [100.0, 80.0]])])
def test_boxes(tmp_path, boxes, anchors):
    wh = RANDOM.uniform(1, 400, (boxes, 2))
    splits = {"train": {"counts": [boxes], "wh": wh}, "val": {"counts": [], "wh": wh[:0]}}
    plot_boxes(splits, np.zeros((20, 20), int), wh, anchors, (320, 416), tmp_path / "b.png")
    assert size(tmp_path / "b.png") == (1300, 1000)


def test_anchors(tmp_path):
    wh, new = RANDOM.uniform(1, 400, (100, 2)), RANDOM.uniform(1, 400, (3, 2))
    clusters = RANDOM.integers(0, 3, 100)
    plot_anchors(wh, clusters, new * 2, new, (320, 416), tmp_path / "a.png")
    assert size(tmp_path / "a.png") == (1400, 650)


def encoded(height, width, kind):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (10, 20, 30)).save(buffer, kind)
    return buffer.getvalue()


def test_album(tmp_path):
    box = np.array([[0.1, 0.1, 0.5, 0.5]], np.float32)
    pages = [
        (encoded(1000, 700, "JPEG"), box, np.array([0]), box + 0.2),
        (encoded(20, 30, "PNG"), box[:0], np.zeros(0, int), box[:0]),
    ]
    draw_album(pages, ["cat"], tmp_path / "labels.png")
    with Image.open(tmp_path / "labels.png") as image:
        assert image.height == 4 + 480 + 4
        assert len(set(image.getdata())) > 3  # image, sheet, box and label


def test_labels_do_not_cover_each_other():
    boxes = np.array([[0.5, 0.5, 0.6, 0.6], [0.5, 0.51, 0.9, 0.9], [0.1, 0.1, 0.2, 0.2]])
    assert _named(boxes, ["cat", "dog", "cow"], (480, 480)) == [1, 0, 2][::2]
    assert _named(boxes[:0], [], (480, 480)) == []
