import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ops.candidates import iou, random_candidates
from yolo_tf.ops.nms import non_max_suppression
from yolo_tf.ops.soft_nms import soft_nms

SETTINGS = {"score_threshold": 0.1, "max_detections": 20}


def plain_soft(
    boxes,
    scores,
    score_threshold,
    max_detections,
    soft_sigma=0.5,
    soft_cut=1.0,
    class_agnostic=False,
):
    """The paper's loop over one image: a list of (box, score, class)."""
    left = [(float(s), n, c) for (n, c), s in np.ndenumerate(scores) if s > score_threshold]
    if class_agnostic:
        left = [(s, n, c) for s, n, c in left if c == scores[n].argmax()]
    kept = []
    while left and len(kept) < max_detections:
        best = max(left, key=lambda entry: entry[0])
        kept.append((boxes[best[1]], best[0], best[2]))
        lowered = []
        for score, n, c in (entry for entry in left if entry is not best):
            overlap = iou(boxes[n], boxes[best[1]])
            if class_agnostic or c == best[2]:
                score = 0 if overlap > soft_cut else score * np.exp(-(overlap**2) / soft_sigma)
            lowered.append((score, n, c))
        left = [entry for entry in lowered if entry[0] > score_threshold]
    return kept


def assert_same(result, boxes, scores, **options):
    result = {key: value.numpy() for key, value in result.items()}
    for image in range(len(boxes)):
        kept = plain_soft(boxes[image], scores[image], **options)
        count = len(kept)
        assert result["num_detections"][image] == count
        rows = {key: value[image] for key, value in result.items() if key != "num_detections"}
        assert rows["detection_classes"][:count].tolist() == [c for _, _, c in kept]
        np.testing.assert_allclose(
            rows["detection_scores"][:count], [s for _, s, _ in kept], rtol=1e-5
        )
        assert (np.diff(rows["detection_scores"]) <= 0).all()
        if count:
            np.testing.assert_array_equal(rows["detection_boxes"][:count], [b for b, _, _ in kept])
        assert (rows["detection_classes"][count:] == -1).all()
        assert not rows["detection_boxes"][count:].any()
        assert not rows["detection_scores"][count:].any()


@given(
    seed=st.integers(0, 10_000),
    count=st.sampled_from([1, 7, 60]),
    classes=st.integers(1, 4),
    soft_sigma=st.sampled_from([0.01, 0.3, 0.5, 2.0]),
    soft_cut=st.sampled_from([0.0, 0.45, 1.0]),
    max_detections=st.sampled_from([1, 20, 300]),
    class_agnostic=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_equals_the_plain_loop(seed, count, classes, max_detections, **options):
    boxes, scores = random_candidates(seed, 2, count, classes)
    options |= {"score_threshold": 0.1, "max_detections": max_detections}
    assert_same(soft_nms(boxes, scores, **options), boxes, scores, **options)


@given(seed=st.integers(0, 10_000), sigma=st.sampled_from([0.1, 0.5]))
@settings(max_examples=15, deadline=None)
def test_equals_tensorflows_kernel(seed, sigma):
    boxes, scores = random_candidates(seed, 1, 80, 1)
    index, expected = tf.image.non_max_suppression_with_scores(
        boxes[0], scores[0, :, 0], 20, score_threshold=0.1, soft_nms_sigma=sigma
    )
    result = soft_nms(boxes, scores, soft_sigma=2 * sigma, **SETTINGS)
    count = len(index)
    assert int(result["num_detections"][0]) == count
    np.testing.assert_allclose(result["detection_scores"][0, :count], expected, rtol=1e-5)
    np.testing.assert_array_equal(result["detection_boxes"][0, :count], boxes[0][index])


@pytest.mark.parametrize("class_agnostic", [False, True])
@pytest.mark.parametrize("soft_cut", [0.45, 1.0])
def test_xla_gives_the_same(class_agnostic, soft_cut):
    boxes, scores = random_candidates(5, 3, 100, 2, crowd=1.0)
    boxes[1] = boxes[1, :1]
    scores[2] = 0.05  # nothing in this one
    options = {"class_agnostic": class_agnostic, "soft_cut": soft_cut, **SETTINGS}
    eager = soft_nms(boxes, scores, **options)
    compiled = tf.function(lambda b, s: soft_nms(b, s, **options), jit_compile=True)(boxes, scores)
    for key, value in eager.items():
        np.testing.assert_allclose(compiled[key], value, atol=1e-6)


def test_each_image_as_if_alone():
    boxes, scores = random_candidates(6, 4, 60, 2)
    boxes[1] = np.nan
    scores[2] = 0.0
    together = soft_nms(boxes, scores, **SETTINGS)
    for image in range(4):
        alone = soft_nms(boxes[image : image + 1], scores[image : image + 1], **SETTINGS)
        for key, value in alone.items():
            np.testing.assert_array_equal(together[key][image], value[0])


@pytest.mark.parametrize("class_agnostic", [False, True])
@pytest.mark.parametrize("count", [0, 3])
def test_no_candidates(count, class_agnostic):
    result = soft_nms(
        np.zeros([2, count, 4], np.float32),
        np.full([2, count, 2], 0.1, np.float32),  # not above the threshold
        class_agnostic=class_agnostic,
        **SETTINGS,
    )
    assert result["num_detections"].numpy().tolist() == [0, 0]
    assert (result["detection_classes"].numpy() == -1).all()
    assert result["detection_boxes"].shape == (2, SETTINGS["max_detections"], 4)
    assert not result["detection_boxes"].numpy().any()


def test_one_place_and_equal_scores():
    boxes = np.tile(np.array([0.2, 0.2, 0.6, 0.8], np.float32), [1, 10, 1])
    scores = np.full([1, 10, 1], 0.8, np.float32)
    result = soft_nms(boxes, scores, 0.1, 20, soft_sigma=1.0)
    expected = 0.8 * np.exp(-np.arange(3.0))  # the fourth would be 0.04
    assert int(result["num_detections"][0]) == 3
    np.testing.assert_allclose(result["detection_scores"][0, :3], expected, rtol=1e-5)
    # Tiles of one object, cut away.
    assert int(soft_nms(boxes, scores, 0.1, 20, soft_cut=0.99)["num_detections"][0]) == 1


def test_classes_lower_each_other_only_when_agnostic():
    boxes = np.array([[[0, 0, 1, 1], [0, 0, 1, 0.5]]], np.float32)  # IoU 0.5
    scores = np.array([[[0.9, 0.0], [0.0, 0.8]]], np.float32)
    apart = soft_nms(boxes, scores, 0.1, 4)
    np.testing.assert_allclose(apart["detection_scores"], [[0.9, 0.8, 0, 0]])
    together = soft_nms(boxes, scores, 0.1, 4, class_agnostic=True)
    lowered = 0.8 * np.exp(-0.25 / 0.5)
    np.testing.assert_allclose(together["detection_scores"], [[0.9, lowered, 0, 0]], rtol=1e-6)
    assert together["detection_classes"][0].numpy().tolist() == [0, 1, -1, -1]


def test_a_small_sigma_and_a_cut_are_greedy():
    """What overlaps at all goes, or what overlaps more than the cut and loses nothing else."""
    boxes, scores = random_candidates(8, 2, 100, 2, crowd=1.0)
    for options, threshold in (
        ({"soft_sigma": 1e-9}, 0.0005),
        ({"soft_sigma": 1e9, "soft_cut": 0.4}, 0.4),
    ):
        soft = soft_nms(boxes, scores, **SETTINGS, **options)
        for key, value in non_max_suppression(boxes, scores, 0.1, threshold, 20).items():
            np.testing.assert_allclose(soft[key], value, rtol=1e-5, err_msg=key)


def test_nan_changes_nothing():
    boxes, scores = random_candidates(1, 1, 40, 2)
    clean = soft_nms(boxes, scores, **SETTINGS)
    more_boxes = np.concatenate([boxes, boxes], axis=1)
    more_scores = np.concatenate([scores, np.full_like(scores, np.nan)], axis=1)
    for key, value in soft_nms(more_boxes, more_scores, **SETTINGS).items():
        np.testing.assert_array_equal(value, clean[key])
    # A box that is NaN is detected, if it scores, but lowers no other.
    more_boxes = np.concatenate([boxes, np.full([1, 1, 4], np.nan, np.float32)], axis=1)
    more_scores = np.concatenate([scores, np.full([1, 1, 2], 2.0, np.float32)], axis=1)
    result = soft_nms(more_boxes, more_scores, **SETTINGS)
    np.testing.assert_array_equal(
        result["detection_scores"][0, 2:], clean["detection_scores"][0, :-2]
    )


def test_saved_model_takes_any_batch(tmp_path):
    module = tf.Module()
    module.detect = tf.function(
        lambda boxes, scores: soft_nms(boxes, scores, **SETTINGS),
        input_signature=[
            tf.TensorSpec([None, 30, 4], tf.float32),
            tf.TensorSpec([None, 30, 2], tf.float32),
        ],
    )
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    for batch in (0, 1, 3):
        boxes, scores = random_candidates(batch, batch, 30, 2)
        assert_same(loaded.detect(boxes, scores), boxes, scores, **SETTINGS)
