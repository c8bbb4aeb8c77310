"""A detector scored on records, by the command and while it trains."""

import json
import math

import numpy as np
import pytest
import tensorflow as tf

from tests.data.records.made import edited, record, write
from yolo_tf.config import DataConfig
from yolo_tf.data.input.pipeline import evaluation_dataset
from yolo_tf.data.records.open_records import Records
from yolo_tf.detect.base import BaseDetector
from yolo_tf.errors import UserError
from yolo_tf.evaluate.evaluator import METRICS
from yolo_tf.evaluate.run import Validator, evaluate_records, figures_without_truth
from yolo_tf.loading import load


@pytest.fixture(scope="module")
def detector(tiny_run):
    return load(tiny_run)


@pytest.fixture(scope="module")
def metrics(detector, shapes_records):
    return evaluate_records(detector, shapes_records.val, batch_size=8)


def test_all_figures_are_there(metrics, shapes_records):
    card = json.loads((shapes_records.folder / "shapes.json").read_text())["splits"]["val"]
    assert metrics["images"] == 8
    assert metrics["boxes"] == card["boxes"]
    for name in METRICS:
        assert metrics[name] is None or 0 <= metrics[name] <= 1, name
    assert [row["name"] for row in metrics["per_class"]] == shapes_records.classes
    for row in metrics["per_class"]:
        assert row["boxes"] == card["boxes_per_class"][row["name"]]


@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_batch_size_does_not_matter(detector, metrics, shapes_records, batch_size):
    others = evaluate_records(detector, shapes_records.val, batch_size)
    for name in METRICS:
        assert others[name] == pytest.approx(metrics[name], abs=1e-6), name


AREAS = {"s": 30, "m": 40, "l": 100}  # side in pixels of an image of 128 x 128
OF_ANY = {"AP", "AP50", "AP75", "AR1", "AR10", "AR100"}
OF_VOC = {"voc_AP50", "voc07_AP50"}


def of_size(size: str) -> set[str]:
    return {f"AP{size}", f"AR{size}"}


@pytest.mark.parametrize(
    ("sizes", "flags", "there"),
    [
        ("s", {}, OF_ANY | OF_VOC | of_size("s")),
        ("m", {}, OF_ANY | OF_VOC | of_size("m")),
        ("l", {}, OF_ANY | OF_VOC | of_size("l")),
        ("sl", {}, OF_ANY | OF_VOC | of_size("s") | of_size("l")),
        ("s", {"difficult": [1]}, OF_ANY | of_size("s")),
        ("s", {"is_crowd": [1]}, set()),
        ("s", {"area": [9999.0]}, OF_ANY | OF_VOC | of_size("l")),
    ],
)
def test_figures_that_no_detector_could_have(tmp_path, sizes, flags, there):
    boxes = [[0, 0, AREAS[size] / 128, AREAS[size] / 128] for size in sizes]
    one = record("a", boxes, size=(128, 128))
    lists = {f"image__object__{name}": values for name, values in flags.items()}
    one = edited(one, **({"image__object__area": [0.0] * len(boxes)} | lists))
    pattern = write(tmp_path, [[one, record("without")]])
    without = figures_without_truth(Records.unchecked(pattern, ["red", "green", "blue"]))
    assert set(METRICS) - set(without) == there


class Oracle(BaseDetector):
    """Finds the boxes that it was given, in every image."""

    def __init__(self, truths):
        super().__init__(["red", "green", "blue"], (64, 96), "letterbox")
        self.truths = truths

    def detect_inputs(self, images):
        count = tf.shape(images)[0]
        return {
            "detection_boxes": tf.tile(self.truths[tf.newaxis], [count, 1, 1]),
            "detection_scores": tf.fill([count, 1], 0.9),
            "detection_classes": tf.zeros([count, 1], tf.int32),
        }


def test_letterboxed_boxes_are_scored_on_the_image(tmp_path):
    # An image of 24 x 72 in an input of 64 x 96 lies in rows 16 to 48, all 96 columns.
    pattern = write(tmp_path, [[record("a", [[0.25, 0.25, 0.75, 0.5]], [0], size=(24, 72))]])
    truth = tf.constant([[(16 + 0.25 * 32) / 64, 0.25, (16 + 0.75 * 32) / 64, 0.5]])
    metrics = evaluate_records(Oracle(truth), pattern, batch_size=2)
    assert metrics["AP"] == pytest.approx(1.0)
    assert metrics["voc_AP50"] == pytest.approx(1.0)


def test_records_of_other_classes(detector, tmp_path):
    pattern = write(tmp_path, [[record("a", [[0, 0, 0.5, 0.5]], [1])]])
    with pytest.raises(UserError, match="record 1: image/object/class/text: found 'green'"):
        evaluate_records(detector, pattern, batch_size=2)


def test_labels_that_count_otherwise(tmp_path):
    box = [0.25, 0.25, 0.75, 0.5]
    serialized = edited(record("a", [box], [0], size=(64, 96)), ["image/object/class/text"])
    pattern = write(tmp_path, [[serialized]])
    metrics = evaluate_records(Oracle(tf.constant([box])), pattern, 1, labels="one_based")
    assert metrics["AP"] == pytest.approx(1.0)
    metrics = evaluate_records(Oracle(tf.constant([box])), pattern, 1)
    assert metrics["AP"] == 0


def test_records_without_any_box(detector, tmp_path):
    pattern = write(tmp_path, [[record("a"), record("b")]])
    with pytest.raises(UserError, match="2 images and not one true box"):
        evaluate_records(detector, pattern, batch_size=2)


def test_a_broken_image_is_named(detector, tmp_path):
    for image in (b"no image", b"\xff\xd8\xff\xe0cut"):
        pattern = write(tmp_path, [[record("good"), record("torn", image=image)]])
        with pytest.raises(UserError, match="record 2: image: found ") as caught:
            evaluate_records(detector, pattern, batch_size=2)
        assert "\n" not in str(caught.value)


def test_no_such_records(detector, tmp_path):
    with pytest.raises(UserError, match="no file matches this pattern"):
        evaluate_records(detector, f"{tmp_path}/none-*", batch_size=2)


def test_the_validator_scores_as_the_command_does(detector, metrics, shapes_records):
    dataset = evaluation_dataset(
        Records.open(shapes_records.val),
        DataConfig(),
        detector.input_size,
        3,
        encode=detector.head.encode,
    )
    validator = Validator(detector, lambda _: dataset)
    first = validator()
    for name in METRICS:
        assert first.get(name) == pytest.approx(metrics[name], abs=1e-6), name
    assert all(math.isfinite(value) for value in first.values())
    # Mean over images, though the last batch has two only.
    losses = []
    for batch in dataset.unbatch().batch(1):
        outputs = detector.network(batch["image"], training=False)
        losses.append(float(detector.head.loss(batch["targets"], outputs)["loss"][0]))
    assert first["val_loss"] == pytest.approx(np.mean(losses), rel=1e-4)
    assert validator() == pytest.approx(first)  # starts from nothing again


def test_the_validator_sees_new_weights(detector, shapes_records):
    dataset = evaluation_dataset(
        Records.open(shapes_records.val), DataConfig(), detector.input_size, 8,
        encode=detector.head.encode,
    )  # fmt: skip
    validator, weights = Validator(detector, lambda _: dataset), detector.get_weights()
    before = validator()["val_loss"]
    detector.set_weights([w * 0.9 for w in weights])
    after = validator()["val_loss"]
    detector.set_weights(weights)
    assert after != pytest.approx(before, rel=1e-3)
