import json

import numpy as np
import pytest
import tensorflow as tf

from yolo_tf.errors import UserError
from yolo_tf.evaluate.evaluator import METRICS, evaluate
from yolo_tf.evaluate.report import metrics_table, write_metrics

NAMES = ["cell", "rare", "disc"]
# An image of 100 x 200 pixels, letterboxed into a square: it fills the middle half.
WINDOW = [0.25, 0.0, 0.75, 1.0]
ROOM = 3


def batch(*images):
    """Images as lists of (class, box in pixels of a 100 x 200 image)."""
    boxes = np.zeros([len(images), ROOM, 4], np.float32)
    classes = np.full([len(images), ROOM], -1, np.int32)
    for index, truths in enumerate(images):
        for row, (label, box) in enumerate(truths):
            boxes[index, row] = to_input(box)
            classes[index, row] = label
    flags = np.zeros([len(images), ROOM], bool)
    return {
        "boxes": boxes,
        "classes": classes,
        "difficult": flags,
        "crowd": flags,
        "area": np.zeros([len(images), ROOM], np.float32),
        "placement": np.tile(np.float32(WINDOW), [len(images), 1]),
        "original_size": np.tile(np.int32([100, 200]), [len(images), 1]),
        "dropped": np.full(len(images), 2, np.int32),
    }


def to_input(box):
    ymin, xmin, ymax, xmax = box
    return [0.25 + ymin / 200, xmin / 200, 0.25 + ymax / 200, xmax / 200]


def detect_truths(batch):
    """A perfect detector that adds a padding row."""
    pad = [[0, 0], [0, 1]]
    return {
        "detection_boxes": np.pad(batch["boxes"], [*pad, [0, 0]]),
        "detection_scores": np.pad(
            np.linspace(0.9, 0.5, ROOM)[None] * (batch["classes"] >= 0), pad
        ),
        "detection_classes": np.pad(batch["classes"], pad, constant_values=-1),
    }


BATCHES = [
    batch([(0, (10, 10, 50, 60)), (2, (0, 0, 100, 200))], []),
    batch([(0, (20, 30, 44, 55))]),
]


def test_a_perfect_detector():
    metrics = evaluate(detect_truths, BATCHES, NAMES, progress=False)
    counts = {"images", "boxes", "dropped", "detections", "not_finite"}
    assert set(metrics) == {*METRICS, *counts, "per_class"}
    for name in METRICS:
        assert metrics[name] == pytest.approx(1)
    assert (metrics["images"], metrics["boxes"], metrics["dropped"]) == (3, 3, 6)
    cell, rare, disc = metrics["per_class"]
    assert (cell["name"], cell["images"], cell["boxes"]) == ("cell", 2, 2)
    assert cell["AP"] == pytest.approx(1)
    assert rare == {"name": "rare", "images": 0, "boxes": 0} | dict.fromkeys(
        ["AP", "AP50", "AP75", "APs", "APm", "APl", "voc_AP50"]
    )
    assert disc["voc_AP50"] == pytest.approx(1)


def test_a_tf_data_set_gives_the_same():
    dataset = tf.data.Dataset.from_tensor_slices(BATCHES[0]).batch(1)

    def detect(batch):
        found = detect_truths({name: value.numpy() for name, value in batch.items()})
        return {name: tf.constant(value) for name, value in found.items()}

    expected = evaluate(detect_truths, BATCHES[:1], NAMES, progress=False)
    assert evaluate(detect, dataset, NAMES, progress=True) == expected


def test_sizes_are_pixels_of_the_image():
    small = batch([(0, (20, 30, 44, 55))])  # 24 x 25 in the image, the same in any network input
    assert evaluate(detect_truths, [small], NAMES, progress=False)["APs"] == pytest.approx(1)
    photo_twice_as_large = small | {"original_size": small["original_size"] * 2}
    metrics = evaluate(detect_truths, [photo_twice_as_large], NAMES, progress=False)
    assert metrics["APs"] is None
    assert metrics["APm"] == pytest.approx(1)


def test_detections_are_clipped_to_the_image():
    def detect(batch):
        found = detect_truths(batch)
        boxes = found["detection_boxes"]
        wide = batch["classes"] == 2
        boxes[:, :ROOM][wide] = [-1.0, -1.0, 2.0, 2.0]
        return found

    metrics = evaluate(detect, BATCHES, NAMES, progress=False)
    assert metrics["per_class"][2]["AP"] == pytest.approx(1)


@pytest.mark.parametrize("key", ["detection_scores", "detection_boxes"])
def test_what_is_not_finite_is_counted_and_left_out(key):
    def detect(batch):
        found = detect_truths(batch)
        found[key][found["detection_classes"] == 2] = np.nan
        return found

    metrics = evaluate(detect, BATCHES, NAMES, progress=False)
    assert (metrics["detections"], metrics["not_finite"]) == (2, 1)
    assert [row["AP"] for row in metrics["per_class"]] == [pytest.approx(1), None, 0]
    assert "1 detections were left out" in metrics_table(metrics)


def test_no_truth_and_unknown_class_are_users_errors():
    with pytest.raises(UserError, match="2 images and not one true box"):
        evaluate(detect_truths, [batch([], [])], NAMES, progress=False)
    with pytest.raises(UserError, match="class 2, but there are only 2 class names"):
        evaluate(detect_truths, BATCHES, NAMES[:2], progress=False)


def test_table_and_file(tmp_path):
    metrics = evaluate(detect_truths, BATCHES, NAMES, progress=False)
    lines = metrics_table(metrics).splitlines()
    assert lines[0].split() == ["class", "images", "boxes", "AP", "AP50", "AP75", "voc_AP50"]
    assert lines[2].split() == ["rare", "0", "0", "-", "-", "-", "-"]
    assert lines[4].split() == ["all", "3", "3", *["1.0000"] * 4]
    assert "6 true boxes over max_boxes" in lines[-1]
    write_metrics(metrics, tmp_path / "metrics.json")
    assert json.loads((tmp_path / "metrics.json").read_text()) == metrics
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]
