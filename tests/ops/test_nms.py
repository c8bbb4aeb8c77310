import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from yolo_tf.ops.nms import non_max_suppression

SETTINGS = {"score_threshold": 0.1, "iou_threshold": 0.5, "max_detections": 20}


def random_candidates(seed, batch, count, classes, crowd=0.3):
    """Boxes that overlap a lot, a few beyond [0, 1]; all scores differ."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(-0.1, crowd, [batch, count, 2])
    size = rng.uniform(0.05, 0.4, [batch, count, 2])
    boxes = np.concatenate([corner, corner + size], axis=-1).astype(np.float32)
    scores = rng.permutation(batch * count * classes) / (batch * count * classes)
    return boxes, scores.reshape(batch, count, classes).astype(np.float32)


def plain_greedy(
    boxes,
    scores,
    score_threshold,
    iou_threshold,
    max_detections,
    class_agnostic=False,
    max_per_class=None,
):
    """The textbook loop over one image: a list of (box, score, class)."""
    pairs = [(s, n, c) for (n, c), s in np.ndenumerate(scores) if s > score_threshold]
    if class_agnostic:
        pairs = [(s, n, c) for s, n, c in pairs if c == scores[n].argmax()]
    kept = []
    for score, n, c in sorted(pairs, key=lambda pair: -pair[0]):
        rivals = [k for k in kept if class_agnostic or k[2] == c]
        if max_per_class is not None and sum(k[2] == c for k in kept) >= max_per_class:
            continue
        if all(_iou(boxes[n], k[0]) <= iou_threshold for k in rivals):
            kept.append((boxes[n], score, c))
    return kept[:max_detections]


def _iou(a, b):
    height = max(min(a[2], b[2]) - max(a[0], b[0]), 0)
    width = max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return height * width / (area - height * width)


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


@pytest.mark.parametrize("class_agnostic", [False, True])
@pytest.mark.parametrize("max_detections", [5, 100, 400])
def test_many_blocks_equal_the_plain_loop_and_xla(class_agnostic, max_detections):
    boxes, scores = random_candidates(5, 3, 300, 2, crowd=1.0)
    boxes[1] = boxes[1, :1]  # one place: a single detection a class, so images end apart
    options = SETTINGS | {"class_agnostic": class_agnostic, "max_detections": max_detections}
    eager = non_max_suppression(boxes, scores, **options)
    assert_same(eager, boxes, scores, **options)
    compiled = tf.function(lambda b, s: non_max_suppression(b, s, **options), jit_compile=True)(
        boxes, scores
    )
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
