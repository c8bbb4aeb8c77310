"""The IoU family against Model Garden (values and gradients) and Darknet (values)."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.fixtures import cases, load
from yolo_tf.ops import boxes

MEASURES = {
    "iou": boxes.iou,
    "giou": boxes.giou,
    "diou": boxes.diou,
    "diou_beta06": partial(boxes.diou, beta=0.6),
    "ciou": boxes.ciou,
    "ciou_darknet": partial(boxes.ciou, scale_aspect=True),
}
MATRICES = {
    "matrix_iou": "iou",
    "matrix_giou": "giou",
    "matrix_diou06": "diou_beta06",
    "matrix_ciou": "ciou",
}
ORDERS = {"yxyx": tf.identity, "xcycwh": boxes.cxcywh_to_yxyx}
# Kinds whose gradient is unique (general, nested, disjoint) or fixed by the same 1e-9 (4: empty
# prediction). 3, touching, is a kink; for 5, an empty truth, beta 0.6 is not finite.
DIFFERENTIABLE = (0, 1, 2, 4)
MODEL_GARDEN = cases("boxops_", exclude=("boxops_darknet",))


def _measure(arrays, name, order):
    to_yxyx = ORDERS[order]
    prediction = tf.constant(arrays[f"pred_{order}"])
    with tf.GradientTape() as tape:
        tape.watch(prediction)
        value = MEASURES[name](to_yxyx(arrays[f"true_{order}"]), to_yxyx(prediction))
    return value.numpy(), tape.gradient(value, prediction).numpy()


@pytest.mark.parametrize("path", MODEL_GARDEN)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", MEASURES)
def test_values_of_model_garden(path, name, order):
    arrays, _ = load(path)
    value, _ = _measure(arrays, name, order)
    np.testing.assert_allclose(value, arrays[f"{name}_{order}"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("path", MODEL_GARDEN)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", MEASURES)
def test_gradients_of_model_garden(path, name, order):
    arrays, _ = load(path)
    _, gradient = _measure(arrays, name, order)
    for kind in DIFFERENTIABLE:
        rows = arrays["kind"] == kind
        expected = arrays[f"{name}_{order}_grad"][rows]
        atol = 1e-4 * np.abs(expected).max(initial=0)
        np.testing.assert_allclose(gradient[rows], expected, rtol=1e-5, atol=atol)


@pytest.mark.parametrize("path", MODEL_GARDEN)
@pytest.mark.parametrize(("key", "name"), MATRICES.items())
def test_matrices_of_model_garden(path, key, name):
    arrays, _ = load(path)
    a, b = arrays["matrix_a_yxyx"], arrays["matrix_b_yxyx"]
    matrix = MEASURES[name](a[:, None], b[None])
    np.testing.assert_allclose(matrix, arrays[key], rtol=1e-5, atol=1e-5)
    if name == "iou":
        np.testing.assert_allclose(boxes.pairwise_iou(a, b), arrays[key], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("path", cases("boxops_darknet"))
def test_values_of_darknet(path):
    arrays, _ = load(path)
    truth, prediction = (boxes.cxcywh_to_yxyx(arrays[f"{x}_xcycwh"]) for x in ("true", "pred"))
    columns = ("iou", "giou", "diou_beta06", "ciou")
    values = np.stack([MEASURES[name](truth, prediction) for name in columns], axis=-1)
    np.testing.assert_allclose(values, arrays["values"], rtol=1e-5, atol=1e-5)
