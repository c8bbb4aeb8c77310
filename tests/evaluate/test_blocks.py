"""Sets are matched block by block: the same figures, and memory that does not grow with pairs."""

import tracemalloc

import numpy as np
import pytest

from tests.evaluate.sets import detections, truths
from yolo_tf.evaluate import matching, metrics
from yolo_tf.evaluate.matching import match_by_class, pairs
from yolo_tf.evaluate.mistakes import find_mistakes

CLASSES, IMAGES = 3, 12  # the last image is empty


def crowded(images=IMAGES - 1, true=14, found=25):
    """Detections near the truths, some of another class, some twice."""
    random = np.random.default_rng(0)
    corner = random.uniform(0, 300, [images * true, 2])
    boxes = np.concatenate([corner, corner + random.uniform(20, 150, [images * true, 2])], axis=1)
    image, label = np.repeat(np.arange(images), true), random.integers(0, CLASSES, images * true)
    flagged = random.integers(0, images * true, [2, images])
    rows = np.column_stack([image, label, boxes])
    near = rows[random.integers(0, len(rows), images * found)]
    near[:, 2:] += random.normal(0, 6, [len(near), 4])
    other = random.random(len(near)) < 0.2
    near[other, 1] = random.integers(0, CLASSES, other.sum())
    scores = random.permutation(len(near)) / len(near)
    return (
        truths(*rows, difficult=flagged[0], crowd=flagged[1]),
        detections(*np.column_stack([near, scores])),
    )


def judged(true, found):
    mistakes = find_mistakes(true, found, CLASSES, 0.2)
    return {
        **metrics.coco_metrics(true, found, IMAGES, CLASSES)[0],
        "per class": metrics.coco_metrics(true, found, IMAGES, CLASSES)[1],
        "voc": metrics.voc_ap(true, found, CLASSES),
        **vars(match_by_class(true, found)),
        "kind": mistakes.kind,
        "confusion": mistakes.confusion,
    }


@pytest.mark.parametrize("block", [1, 60])
def test_the_same_figures_in_blocks(block, monkeypatch):
    true, found = crowded()
    whole = judged(true, found)
    assert 0.1 < whole["AP"] < 0.9
    assert len(np.unique(whole["kind"])) == 6
    monkeypatch.setattr(metrics, "_BLOCK", block)
    monkeypatch.setattr(matching.pairs, "__defaults__", (block,))
    parts = judged(true, found)
    for name, value in whole.items():
        np.testing.assert_array_equal(parts[name], value, err_msg=name)


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_blocks_are_all_pairs(block):
    random = np.random.default_rng(1)
    true, found = random.integers(0, 6, 40), random.integers(1, 8, 30)
    expected = [(d, t) for d in range(30) for t in range(40) if true[t] == found[d]]
    blocks = list(pairs(true, found, block))
    assert [pair for part in blocks for pair in zip(*map(list, part), strict=True)] == expected
    assert all(len(d) <= block or len(set(d)) == 1 for d, _ in blocks)


def test_memory_does_not_grow_with_the_pairs():
    def peak(images):
        true, found = crowded(images, 60, 80)
        tracemalloc.start()
        match_by_class(true, found)
        of_pairs = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return of_pairs / 1e6

    # 1.9 million pairs more, 184 bytes each if all are held at a time.
    assert peak(1200) - peak(30) < 60
