import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ops.candidates import iou, random_candidates
from yolo_tf.config import NmsConfig
from yolo_tf.ops.candidates import CandidateConfig, sort_candidates
from yolo_tf.ops.nms import NMS_KINDS, diou_nms, non_max_suppression, suppress
from yolo_tf.ops.soft_nms import soft_nms

SETTINGS = {"score_threshold": 0.1, "iou_threshold": 0.5, "max_detections": 20}


def plain_greedy(
    boxes,
    scores,
    score_threshold,
    iou_threshold,
    max_detections,
    class_agnostic=False,
    max_per_class=None,
    beta=None,
):
    """The textbook loop over one image: a list of (box, score, class); DIoU with a `beta`."""

    def overlap(a, b):
        return iou(a, b) - (0 if beta is None else _distance(a, b) ** beta)

    pairs = [(s, n, c) for (n, c), s in np.ndenumerate(scores) if s > score_threshold]
    if class_agnostic:
        pairs = [(s, n, c) for s, n, c in pairs if c == scores[n].argmax()]
    kept = []
    for score, n, c in sorted(pairs, key=lambda pair: -pair[0]):
        rivals = [k for k in kept if class_agnostic or k[2] == c]
        if max_per_class is not None and sum(k[2] == c for k in kept) >= max_per_class:
            continue
        if all(overlap(boxes[n], k[0]) <= iou_threshold for k in rivals):
            kept.append((boxes[n], score, c))
    return kept[:max_detections]


def _distance(a, b):
    """Squared distance of the centres over the squared diagonal around both boxes."""
    centres = (a[:2] + a[2:] - b[:2] - b[2:]) / 2
    sides = np.maximum(a[2:], b[2:]) - np.minimum(a[:2], b[:2])
    return (centres @ centres) / (sides @ sides)


def assert_same(result, boxes, scores, **options):
    result = {key: value.numpy() for key, value in result.items()}
    for image in range(len(boxes)):
        kept = plain_greedy(boxes[image], scores[image], **options)
        count = len(kept)
        assert result["num_detections"][image] == count
        rows = {key: value[image] for key, value in result.items() if key != "num_detections"}
        assert rows["detection_classes"][:count].tolist() == [c for _, _, c in kept]
        np.testing.assert_array_equal(rows["detection_scores"][:count], [s for _, s, _ in kept])
        if count:
            np.testing.assert_array_equal(rows["detection_boxes"][:count], [b for b, _, _ in kept])
        assert (rows["detection_classes"][count:] == -1).all()
        assert not rows["detection_boxes"][count:].any()
        assert not rows["detection_scores"][count:].any()


@given(
    seed=st.integers(0, 10_000),
    count=st.sampled_from([1, 7, 60, 150]),
    classes=st.integers(1, 4),
    iou_threshold=st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]),
    class_agnostic=st.booleans(),
    max_per_class=st.sampled_from([None, 1, 4]),
)
@settings(max_examples=25, deadline=None)
def test_equals_the_plain_loop(seed, count, classes, iou_threshold, class_agnostic, max_per_class):
    if class_agnostic:  # a limit by class means nothing there
        max_per_class = None
    boxes, scores = random_candidates(seed, 2, count, classes)
    options = SETTINGS | {
        "iou_threshold": iou_threshold,
        "class_agnostic": class_agnostic,
        "max_per_class": max_per_class,
    }
    assert_same(non_max_suppression(boxes, scores, **options), boxes, scores, **options)


@given(
    seed=st.integers(0, 10_000),
    count=st.sampled_from([1, 7, 60, 150]),
    classes=st.integers(1, 4),
    iou_threshold=st.sampled_from([0.0, 0.3, 0.5]),
    beta=st.sampled_from([0.3, 0.6, 1.0, 2.0]),
    class_agnostic=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_diou_equals_the_plain_loop(seed, count, classes, iou_threshold, beta, class_agnostic):
    boxes, scores = random_candidates(seed, 2, count, classes)
    options = SETTINGS | {
        "iou_threshold": iou_threshold,
        "beta": beta,
        "class_agnostic": class_agnostic,
    }
    assert_same(diou_nms(boxes, scores, **options), boxes, scores, **options)


def test_diou_keeps_what_lies_apart():
    boxes = np.array([[[0, 0, 1, 1], [0, 0.3, 1, 1.3], [0.15, 0.15, 0.85, 0.85]]], np.float32)
    scores = np.array([[[0.9], [0.8], [0.7]]], np.float32)  # IoU with the first: 0.54, 0.49

    def kept(rule, **options):
        return rule(boxes, scores, 0.1, 0.45, 4, **options)["detection_scores"][0].numpy()

    np.testing.assert_allclose(kept(non_max_suppression), [0.9, 0, 0, 0])
    np.testing.assert_allclose(kept(diou_nms), [0.9, 0.8, 0, 0])  # 0.54 - 0.033^0.6
    np.testing.assert_allclose(kept(diou_nms, beta=1.0), [0.9, 0, 0, 0])  # 0.54 - 0.033


@pytest.mark.parametrize("class_agnostic", [False, True])
@pytest.mark.parametrize("max_detections", [5, 100, 400])
@pytest.mark.parametrize(("rule", "more"), [(non_max_suppression, {}), (diou_nms, {"beta": 0.6})])
def test_many_blocks_equal_the_plain_loop_and_xla(rule, more, class_agnostic, max_detections):
    boxes, scores = random_candidates(5, 3, 300, 2, crowd=1.0)
    boxes[1] = boxes[1, :1]  # one place: a single detection a class, so images end apart
    options = SETTINGS | {"class_agnostic": class_agnostic, "max_detections": max_detections} | more
    eager = rule(boxes, scores, **options)
    assert_same(eager, boxes, scores, **options)
    compiled = tf.function(lambda b, s: rule(b, s, **options), jit_compile=True)(boxes, scores)
    for key, value in eager.items():
        np.testing.assert_allclose(compiled[key], value, atol=1e-6)


@pytest.mark.parametrize("class_agnostic", [False, True])
@pytest.mark.parametrize("count", [0, 3])
def test_no_candidates(count, class_agnostic):
    result = non_max_suppression(
        np.zeros([2, count, 4], np.float32),
        np.full([2, count, 2], 0.1, np.float32),  # not above the threshold
        class_agnostic=class_agnostic,
        **SETTINGS,
    )
    assert result["num_detections"].numpy().tolist() == [0, 0]
    assert (result["detection_classes"].numpy() == -1).all()
    assert result["detection_boxes"].shape == (2, SETTINGS["max_detections"], 4)
    assert not result["detection_boxes"].numpy().any()


def test_thresholds_are_exclusive():
    boxes = np.array([[[0, 0, 1, 1], [0, 0, 1, 0.5]]], np.float32)  # IoU 0.5
    scores = np.array([[[0.9], [0.8]]], np.float32)

    def count(score_threshold, iou_threshold):
        result = non_max_suppression(boxes, scores, score_threshold, iou_threshold, 4)
        return int(result["num_detections"][0])

    assert count(0.1, 0.5) == 2
    assert count(0.1, 0.499) == 1
    assert count(np.float32(0.8), 0.5) == 1


def test_nan_is_no_candidate():
    boxes, scores = random_candidates(1, 1, 40, 2)
    clean = non_max_suppression(boxes, scores, **SETTINGS)
    nan_boxes = np.concatenate([boxes, boxes], axis=1)
    nan_scores = np.concatenate([scores, np.full_like(scores, np.nan)], axis=1)
    for key, value in non_max_suppression(nan_boxes, nan_scores, **SETTINGS).items():
        np.testing.assert_array_equal(value, clean[key])


def test_pre_nms_top_k_keeps_the_best_pairs():
    boxes, scores = random_candidates(2, 1, 50, 3, crowd=1.0)
    limited = non_max_suppression(boxes, scores, pre_nms_top_k=10, **SETTINGS)
    tenth = np.sort(scores.ravel())[-10]
    options = SETTINGS | {"score_threshold": np.nextafter(tenth, 0, dtype=np.float32)}
    assert_same(limited, boxes, scores, **options)


def test_saved_model_takes_any_batch(tmp_path):
    module = tf.Module()
    module.detect = tf.function(
        lambda boxes, scores: non_max_suppression(boxes, scores, **SETTINGS),
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


def test_the_kind_chooses_the_rule():
    boxes, scores = random_candidates(3, 2, 40, 2)
    settings = vars(NmsConfig(score_threshold=0.1, iou_threshold=0.4, beta=0.3, soft_sigma=0.3))
    common = {name: settings[name] for name in ("score_threshold", "max_detections")}
    expected = {
        "greedy": non_max_suppression(boxes, scores, iou_threshold=0.4, **common),
        "diou": diou_nms(boxes, scores, iou_threshold=0.4, beta=0.3, **common),
        "soft": soft_nms(boxes, scores, soft_sigma=0.3, **common),
    }
    assert set(expected) == set(NMS_KINDS)
    counts = set()
    for kind, result in expected.items():
        counts.add(int(result["num_detections"][0]))
        candidates = sort_candidates(boxes, scores, CandidateConfig.of(settings))
        for key, value in suppress(candidates, **settings | {"kind": kind}).items():
            np.testing.assert_array_equal(value, result[key], err_msg=kind)
    assert len(counts) == 3  # the rules do not do the same here
