import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from yolo_tf.ops import boxes

TRUTH = boxes.cxcywh_to_yxyx([0.5, 0.5, 0.2, 0.3])
PREDICTION = boxes.cxcywh_to_yxyx([0.52, 0.47, 0.25, 0.2])

sides = st.floats(1 / 64, 1.0, width=32)
cxcywh = st.tuples(*[st.floats(-1.0, 1.0, width=32)] * 2, sides, sides)


@pytest.mark.parametrize(
    ("measure", "expected"),
    [  # worked by hand from algorithms.md 1
        (boxes.iou, 0.5714287),
        (boxes.giou, 0.5047619),
        (boxes.diou, 0.5629041),
        (lambda t, p: boxes.diou(t, p, beta=0.6), 0.5140958),
        (boxes.ciou, 0.5597368),
        (lambda t, p: boxes.ciou(t, p, scale_aspect=True), 0.5625794),
    ],
)
def test_worked_example(measure, expected):
    np.testing.assert_allclose(measure(TRUTH, PREDICTION), expected, atol=1e-6)


@given(st.lists(cxcywh, min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_conversions_are_inverse(rows):
    values = np.array(rows, np.float32)
    back = boxes.yxyx_to_cxcywh(boxes.cxcywh_to_yxyx(values))
    np.testing.assert_allclose(back, values, atol=1e-6)


@given(cxcywh, cxcywh)
@settings(max_examples=60, deadline=None)
def test_measures_are_ordered_and_bounded(a, b):
    truth, prediction = boxes.cxcywh_to_yxyx(a), boxes.cxcywh_to_yxyx(b)
    iou, giou, diou, ciou = (
        float(f(truth, prediction)) for f in (boxes.iou, boxes.giou, boxes.diou, boxes.ciou)
    )
    assert 0 <= iou <= 1 + 1e-6
    assert -1 - 1e-6 <= giou <= iou + 1e-6
    assert -1 - 1e-6 <= diou <= iou + 1e-6
    assert ciou <= diou + 1e-6
    np.testing.assert_allclose(boxes.iou(prediction, truth), iou, atol=1e-6)


@given(cxcywh)
@settings(max_examples=30, deadline=None)
def test_equal_boxes_score_one(row):
    box = boxes.cxcywh_to_yxyx(row)
    # The 1e-9 of the divisions shows in small boxes: 4e-6 at a side of 1/64.
    for measure in (boxes.iou, boxes.giou, boxes.diou, boxes.ciou):
        np.testing.assert_allclose(measure(box, box), 1.0, atol=5e-5)


@pytest.mark.parametrize("measure", [boxes.iou, boxes.giou, boxes.diou, boxes.ciou])
@pytest.mark.parametrize("truth", [[0.2, 0.2, 0.2, 0.2], [0.1, 0.1, 0.4, 0.5]])
@pytest.mark.parametrize("prediction", [[0.2] * 4, [0.2, 0.2, 0.2, 0.5], [0.1, 0.1, 0.4, 0.5]])
def test_degenerate_boxes_are_finite(measure, truth, prediction):
    truth, prediction = tf.constant(truth), tf.constant(prediction)
    with tf.GradientTape() as tape:
        tape.watch(prediction)
        value = measure(truth, prediction)
    assert np.isfinite(value)
    assert np.isfinite(tape.gradient(value, prediction)).all()


def test_scaled_aspect_is_the_plain_gradient_times_the_squared_diagonal():
    size = tf.constant([0.2, 0.4])
    centre = tf.constant([0.5, 0.5])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(size)
        box = boxes.cxcywh_to_yxyx(tf.concat([centre, size], axis=0))
        distance = boxes.diou(TRUTH, box)
        plain, scaled = boxes.ciou(TRUTH, box), boxes.ciou(TRUTH, box, scale_aspect=True)
    by_distance = tape.gradient(distance, size)
    aspect = tape.gradient(plain, size) - by_distance
    scaled_aspect = tape.gradient(scaled, size) - by_distance
    np.testing.assert_allclose(scaled_aspect, aspect * (0.2**2 + 0.4**2), rtol=1e-3)
    np.testing.assert_allclose(scaled - distance, (plain - distance) * 0.2, rtol=1e-3)


def test_broadcasting_and_pairwise_shapes():
    a = tf.random.stateless_uniform([2, 5, 4], [1, 2])
    b = tf.random.stateless_uniform([2, 3, 4], [3, 4])
    matrix = boxes.pairwise_iou(a, b)
    assert matrix.shape == (2, 5, 3)
    np.testing.assert_allclose(matrix[1, 4, 2], boxes.iou(a[1, 4], b[1, 2]))
    assert boxes.pairwise_iou(a[:, :0], b).shape == (2, 0, 3)
    assert boxes.ciou(a[:, :, None], b[:, None]).shape == (2, 5, 3)


@pytest.mark.parametrize("measure", [boxes.giou, boxes.ciou])
def test_compiles_under_xla(measure):
    compiled = tf.function(measure, jit_compile=True)
    np.testing.assert_allclose(
        compiled(TRUTH, PREDICTION), measure(TRUTH, PREDICTION), rtol=1e-5, atol=1e-6
    )
