"""Every head finds in its raw outputs what a search through all that it decodes finds."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from tests.every_head import HEADS
from yolo_tf.config import Config
from yolo_tf.detector.build import build_head
from yolo_tf.ops.candidates import CandidateConfig

ALL = HEADS | {"softmax": replace(HEADS["darknet"], class_activation="softmax")}


def raw_outputs(head, seed=0, batch=3):
    random = np.random.default_rng(seed)
    return {
        stride: random.normal(
            0, 3, [batch, 64 // stride, 96 // stride, head.output_channels(stride)]
        ).astype(np.float32)
        for stride in head.strides
    }


def check(found, boxes, scores, search):
    """The candidates of each image are the best pairs of boxes [B, N, 4] and scores [B, N, C]."""
    found = [value.numpy() for value in found]
    for image, (its_boxes, its_scores) in enumerate(zip(boxes, scores, strict=True)):
        its_scores = np.where(its_scores > search.score_threshold, its_scores, -np.inf)
        if search.class_agnostic:
            best = its_scores.max(axis=1, keepdims=True)
            its_scores = np.where(its_scores == best, its_scores, -np.inf)
        order = np.argsort(-its_scores, axis=None)[: found[1].shape[1]]
        order = order[its_scores.ravel()[order] > -np.inf]
        count = len(order)
        assert (found[1][image, :count] > -np.inf).all()
        assert (found[1][image, count:] == -np.inf).all()
        np.testing.assert_allclose(found[1][image, :count], its_scores.ravel()[order], rtol=1e-5)
        row, label = np.unravel_index(order, its_scores.shape)
        np.testing.assert_array_equal(found[2][image, :count], label)
        np.testing.assert_allclose(found[0][image, :count], its_boxes[row], rtol=1e-5, atol=1e-6)
        assert count > 0


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("class_agnostic", [False, True])
@pytest.mark.parametrize(("classes", "top_k"), [(1, 20), (7, 50), (12, 30), (12, 5000)])
def test_those_of_all_that_is_decoded(name, class_agnostic, classes, top_k):
    head = build_head(Config(input_size=(64, 96), head=ALL[name]), classes)
    outputs = raw_outputs(head)
    search = CandidateConfig(0.05, class_agnostic, top_k)
    boxes, scores = (value.numpy() for value in head.decode(outputs))
    check(head.candidates(outputs, search), boxes, scores, search)


@pytest.mark.parametrize("name", ALL)
def test_compiled_by_xla(name):
    head = build_head(Config(input_size=(64, 96), head=ALL[name]), 12)
    outputs = raw_outputs(head)
    search = CandidateConfig(0.05, False, 30)
    plain = head.candidates(outputs, search)
    compiled = tf.function(lambda raw: head.candidates(raw, search), jit_compile=True)(outputs)
    for a, b in zip(plain, compiled, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("class_agnostic", [False, True])
@pytest.mark.parametrize("name", ["darknet", "yolox"])
def test_nan_hides_no_other_class(name, class_agnostic):
    head = build_head(Config(input_size=(64, 96), head=ALL[name]), 12)
    outputs = raw_outputs(head)
    outputs[16][0, ..., 7] = np.nan  # a class, of the first anchor where there are several
    outputs[16][1, 1, 2] = np.nan  # a cell
    outputs[32][2, ..., 4] = np.nan  # objectness
    search = CandidateConfig(0.05, class_agnostic, 60)
    boxes, scores = (value.numpy() for value in head.decode(outputs))
    assert np.isnan(scores).any(axis=(1, 2)).all()
    check(head.candidates(outputs, search), boxes, scores, search)


def test_no_candidate():
    head = build_head(Config(input_size=(64, 96), head=ALL["darknet"]), 12)
    found = head.candidates(raw_outputs(head), CandidateConfig(1.0, False, 30))
    assert (found.scores.numpy() == -np.inf).all()
    assert found.boxes.shape == (3, 30, 4)
