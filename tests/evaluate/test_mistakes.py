import numpy as np
import pytest

from tests.evaluate.sets import detections, truths
from yolo_tf.evaluate.mistakes import KINDS, find_mistakes

BOX, NEAR, FAR = (10, 10, 30, 30), (10, 20, 30, 40), (100, 100, 140, 140)


@pytest.mark.parametrize(
    ("found", "kinds", "confusion"),
    [
        ([(0, 0, *BOX, 0.9)], {}, {(0, 0): 1}),
        ([(0, 0, *BOX, 0.4)], {"missed": 1}, {(0, 2): 1}),  # below the threshold
        ([(0, 0, *BOX, 0.9), (0, 0, *BOX, 0.8)], {"double": 1}, {(0, 0): 1, (2, 0): 1}),
        ([(0, 1, *BOX, 0.9)], {"missed": 1, "wrong class": 1}, {(0, 1): 1}),
        (
            [(0, 1, *BOX, 0.9), (0, 0, *BOX, 0.8)],
            {"wrong class": 1},
            {(0, 0): 1, (2, 1): 1},
        ),
        ([(0, 0, *NEAR, 0.9)], {"missed": 1, "loose box": 1}, {(0, 2): 1, (2, 0): 1}),
        ([(0, 1, *NEAR, 0.9)], {"missed": 1, "background": 1}, {(0, 2): 1, (2, 1): 1}),
        ([(0, 0, *FAR, 0.9)], {"missed": 1, "background": 1}, {(0, 2): 1, (2, 0): 1}),
        ([(1, 0, *BOX, 0.9)], {"missed": 1, "background": 1}, {(0, 2): 1, (2, 0): 1}),
    ],
)
def test_kinds(found, kinds, confusion):
    truth = truths((0, 0, *BOX))
    mistakes = find_mistakes(truth, detections(*found), 2, threshold=0.5)
    assert mistakes.counts() == dict.fromkeys(KINDS, 0) | kinds
    expected = np.zeros([3, 3], int)
    for place, count in confusion.items():
        expected[place] = count
    np.testing.assert_array_equal(mistakes.confusion, expected)


def test_crowd_and_difficult_boxes_are_ignored():
    truth = truths((0, 0, *BOX), (0, 0, *FAR), (1, 1, 0, 0, 100, 100), difficult=[0], crowd=[2])
    inside = (1, 1, 20, 20, 40, 40, 0.9)  # IoU with the crowd's box is small
    found = detections((0, 0, *BOX, 0.9), (0, 1, *BOX, 0.8), (0, 0, *FAR, 0.9), inside)
    mistakes = find_mistakes(truth, found, 2, threshold=0.5)
    assert not any(mistakes.counts().values())
    assert mistakes.confusion.sum() == 1


def test_every_truth_and_detection_is_in_the_matrix_once():
    random = np.random.default_rng(1)
    places = random.uniform(0, 60, [120, 2])
    rows = [(n % 10, random.integers(3), *c, *(c + 25)) for n, c in enumerate(places)]
    moved = [
        (row[0], random.integers(3), *(np.array(row[2:]) + random.normal(0, 4, 4)), random.random())
        for row in rows * 2
    ]
    truth = truths(*rows)
    mistakes = find_mistakes(truth, detections(*moved), 3, threshold=0.3)
    matrix = mistakes.confusion
    assert matrix[:3].sum() == len(rows)
    assert matrix[:, :3].sum() == len(mistakes.kind)
    by_image = mistakes.by_image(truth, 10)
    assert {name: counts.sum() for name, counts in by_image.items()} == mistakes.counts()


def test_empty_sets():
    assert not any(find_mistakes(truths(), detections(), 2, 0.5).counts().values())
    found = find_mistakes(truths((0, 0, *BOX)), detections(), 2, 0.5)
    assert found.counts()["missed"] == 1
