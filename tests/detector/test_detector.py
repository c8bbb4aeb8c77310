"""A network and a head as one model: it trains, and detects on images of any size."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.every_head import HEADS
from tests.small import small_config
from yolo_tf.data.records.bad_records import image_key
from yolo_tf.detector.build import build_detector
from yolo_tf.errors import UserError

NAMES = ["cat", "dog", "cow"]
BOXES = [[[0.1, 0.2, 0.5, 0.6], [0.4, 0.4, 0.9, 0.7]], [[0.3, 0.1, 0.6, 0.3], [0, 0, 0, 0]]]
CLASSES = [[0, 2], [1, -1]]


def make(input_size=(64, 96), resize="stretch", **nms):
    tf_keras.utils.set_random_seed(0)
    config = small_config(input_size=input_size)
    config.data.resize = resize
    for name, value in nms.items():
        setattr(config.nms, name, value)
    return build_detector(config, NAMES)


def batch_for(detector, images=2):
    height, width = detector.input_size
    boxes, classes = tf.constant(BOXES[:images], tf.float32), tf.constant(CLASSES[:images])
    return {
        "image": tf.random.stateless_uniform([images, height, width, 3], seed=(1, 2)),
        "targets": detector.head.encode(boxes, classes),
        "image_key": image_key(tf.constant(["a", "b"][:images])),
    }


@pytest.fixture(scope="module")
def detector():
    """Random weights that find something: every score passes a threshold of 0."""
    return make(score_threshold=0.0, max_detections=20)


@pytest.fixture(scope="module")
def letterboxed(detector):
    """The same weights, letterboxed images."""
    other = make(resize="letterbox", score_threshold=0.0, max_detections=20)
    other.set_weights(detector.get_weights())
    return other


@pytest.mark.parametrize(
    ("input_size", "images"),
    [pytest.param((64, 96), 2, marks=pytest.mark.long), ((96, 64), 1)],
)
def test_training_on_one_batch_lowers_its_loss(input_size, images):
    detector = make(input_size)
    detector.compile(optimizer=tf_keras.optimizers.Adam(1e-3))
    detector.optimizer.build(detector.network.trainable_variables)
    batch = batch_for(detector, images)
    step = tf.function(detector.train_step)
    losses = []
    for _ in range(8):
        detector.values.reset_state()
        losses.append(float(step(batch)["loss"]))
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.8 * losses[0]
    assert not detector.non_finite.result().numpy().any()


def test_a_test_step_changes_nothing_and_averages_over_images(detector):
    batch = batch_for(detector)
    before = [w.copy() for w in detector.get_weights()]
    detector.values.reset_state()
    both = {k: float(v) for k, v in detector.test_step(batch).items()}
    assert set(both) == set(detector.head.value_names())
    single = []
    for image in range(2):
        detector.values.reset_state()
        part = tf.nest.map_structure(lambda value, i=image: value[i : i + 1], batch)
        single.append(float(detector.test_step(part)["loss"]))
    assert both["loss"] == pytest.approx(np.mean(single), rel=1e-4)
    for a, b in zip(before, detector.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_step_with_an_image_that_is_not_finite_keeps_its_key():
    detector = make((64, 64))
    detector.compile(optimizer=tf_keras.optimizers.SGD(0.0))
    batch = batch_for(detector)
    broken = batch["targets"] | {"boxes": batch["targets"]["boxes"] * [[[1.0]], [[np.nan]]]}
    detector.train_step(batch | {"targets": broken})
    # Batch norm mixes the images, so only the first one named is sure to be the cause.
    assert image_key(tf.constant("b")).numpy() in detector.non_finite.result().numpy()


def test_weights_are_those_of_the_network(detector):
    weights = detector.get_weights()
    assert len(weights) == len(detector.network.get_weights()) > 50
    other = make()
    other.set_weights([w + 1 for w in weights])
    for a, b in zip(other.network.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b + 1)


def check_detections(found, photos, limit=20):
    assert found["detection_boxes"].shape == (photos, limit, 4)
    assert found["detection_scores"].shape == (photos, limit)
    assert found["detection_classes"].shape == (photos, limit)
    assert found["detection_classes"].dtype == np.int32
    assert found["num_detections"].shape == (photos,)
    boxes = found["detection_boxes"]
    assert (boxes >= 0).all()
    assert (boxes <= 1).all()
    for image, count in enumerate(found["num_detections"]):
        scores, classes = (found[f"detection_{key}"][image] for key in ("scores", "classes"))
        assert count > 0
        assert (np.diff(scores[:count]) <= 0).all()
        assert ((classes[:count] >= 0) & (classes[:count] < len(NAMES))).all()
        assert (classes[count:] == -1).all()
        assert (scores[count:] == 0).all()
        assert (boxes[image, count:] == 0).all()


def test_the_config_chooses_the_suppression(detector):
    outputs = detector(batch_for(detector)["image"])
    found = {}
    for kind in ("greedy", "diou", "soft"):
        other = make(score_threshold=0.1, max_detections=20, iou_threshold=0.05, kind=kind)
        found[kind] = other.detect_outputs(outputs)
        check_detections(
            {key: value.numpy() for key, value in found[kind].items()}
            | {"detection_boxes": np.clip(found[kind]["detection_boxes"], 0, 1)},
            photos=2,
        )
    scores = [tuple(result["detection_scores"].numpy().ravel()) for result in found.values()]
    assert len(set(scores)) == 3


def test_a_suppression_that_is_not_known_is_refused():
    with pytest.raises(
        UserError, match=r"config\.nms\.kind: found 'hard', expected one of greedy,"
    ):
        make(kind="hard")


def photo(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("size", [(64, 96), (200, 120), (17, 9), (1, 1), (1500, 2300)])
def test_images_of_any_size(detector, letterboxed, size):
    for model in (detector, letterboxed):
        check_detections(model.detect_arrays([photo(*size)]), photos=1)


def test_bytes_and_floats_are_the_same_image(detector):
    image = photo(80, 50)
    for other in (image / np.float32(255), image / 255.0):
        found = detector.detect_arrays([other])
        for name, value in detector.detect_arrays([image]).items():
            np.testing.assert_allclose(found[name], value, atol=1e-5, err_msg=name)


def test_a_batch_and_a_list(detector):
    same = [photo(40, 60, seed) for seed in range(3)]
    batch = {k: v.numpy() for k, v in detector.detect_images(tf.constant(np.stack(same))).items()}
    listed = detector.detect_arrays(same)
    check_detections(batch, photos=3)
    for name in batch:
        np.testing.assert_allclose(batch[name], listed[name], atol=1e-5, err_msg=name)
    mixed = detector.detect_arrays([photo(40, 60, 0), photo(90, 30), photo(17, 9)])
    check_detections(mixed, photos=3)
    np.testing.assert_allclose(mixed["detection_boxes"][0], batch["detection_boxes"][0], atol=1e-5)


def test_boxes_are_those_of_the_image(detector, letterboxed):
    """Letterboxed by hand, the portrait's boxes are moved back by hand."""
    image = photo(120, 45)  # at 64x96: 24 wide between 36 and 60
    found = letterboxed.detect_arrays([image])
    inner = tf.raw_ops.ResizeBilinear(images=image[None], size=(64, 24), align_corners=True) / 255
    padded = tf.pad(inner, [[0, 0], [0, 0], [36, 36], [0, 0]], constant_values=0.5)
    raw = {k: v.numpy() for k, v in detector.detect_inputs(padded).items()}
    boxes = raw["detection_boxes"][0]
    boxes[:, 1::2] = (boxes[:, 1::2] * 96 - 36) / 24
    used = raw["detection_classes"][0] >= 0
    np.testing.assert_allclose(found["detection_boxes"][0][used], boxes.clip(0, 1)[used], atol=1e-4)
    assert (boxes[used] < 0).any()  # there was something to cut


def test_settings_changed_between_two_images_hold():
    detector, image = make(score_threshold=0.0, max_detections=20), photo(64, 96)
    assert detector.detect_arrays([image])["detection_scores"].shape == (1, 20)
    detector.nms.max_detections = 3
    assert detector.detect_arrays([image])["detection_scores"].shape == (1, 3)


@pytest.mark.long
@pytest.mark.parametrize("heads", [list(HEADS)[::2], list(HEADS)[1::2]], ids=" ".join)
def test_any_number_of_replicas_takes_the_same_step(heads):
    script = Path(__file__).parents[1] / "replica_steps.py"
    done = subprocess.run(
        [sys.executable, "-m", "tests.replica_steps", *heads],
        cwd=script.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == [f"{head} same" for head in heads]
