import json

import numpy as np
import pytest

from tests.analysis.made import NAMES, facts, filled
from yolo_tf.analysis.report import size_index, size_names, summary, tables
from yolo_tf.analysis.survey import Input

SMALL, LARGE = [0.0, 0.0, 0.1, 0.1], [0.0, 0.0, 1.0, 1.0]  # 20 x 10 and 200 x 100 input pixels


@pytest.fixture
def splits():
    train = [facts("a", [SMALL, LARGE], [0, 1]), facts("b", [SMALL], [0], [True]), facts("c")]
    val = [facts("d", [LARGE], [1], split="val", size=(50, 60))]
    return [filled("train", train), filled("val", val)]


def test_figures(splits):
    given = Input((100, 200), "stretch", 2.0, np.array([[20.0, 10.0], [30.0, 30.0]]))
    found = summary(splits, NAMES, given, [])
    train = found["splits"]["train"]
    assert (train["images"], train["boxes"], train["crowd_boxes"]) == (3, 3, 1)
    assert train["images_without_boxes"] == 1
    assert train["boxes_per_class"] == {"red": 2, "green": 1, "blue": 0}
    assert train["images_per_class"] == {"red": 2, "green": 1, "blue": 0}
    assert train["boxes_per_image"]["histogram"] == [1, 1, 1]
    assert train["boxes_per_image"]["percentiles"]["100"] == 2
    assert train["box_sizes"] == dict(
        zip(size_names(), [0, 1, 0, 0, 0, 1, 0], strict=True)  # without the crowd
    )
    assert found["splits"]["val"]["image_sizes"] == [{"height": 50, "width": 60, "images": 1}]
    anchors = found["anchors"]
    assert anchors["all"] == {"boxes": 2, "best_possible_recall": 0.5, "mean_best_iou": 0.5225}
    assert anchors["by_class"]["red"]["mean_best_iou"] == 1.0
    assert anchors["by_class"]["green"]["best_possible_recall"] == 0.0
    assert anchors["by_class"]["blue"] == {
        "boxes": 0,
        "best_possible_recall": None,
        "mean_best_iou": None,
    }
    json.dumps(found, allow_nan=False)


def test_size_classes():
    wh = np.array([[7.9, 7.9], [8, 8], [16, 16], [1000, 1000]])
    assert [size_names()[i] for i in size_index(wh)] == [
        "under 8",
        "8 to 16",
        "16 to 32",
        "from 256",
    ]


@pytest.mark.parametrize("anchors", [None, np.array([[20.0, 10.0]])])
def test_tables_are_aligned(splits, anchors):
    found = summary(splits, NAMES, Input((100, 200), "stretch", 2.0, anchors), [])
    lines = tables(found)
    classes = lines[:4]
    assert len({len(line) for line in classes}) == 1
    assert ("anchor recall" in classes[0]) == (anchors is not None)
    assert ("this head has no anchors" in lines) == (anchors is None)
    assert any("200 x 100 input pixels (stretch)" in line for line in lines)


def test_a_split_without_images():
    empty = [filled("train", [facts("a", [LARGE])]), filled("val", [])]
    found = summary(empty, NAMES, Input((100, 200), "stretch", 2.0, None), [])
    assert found["splits"]["val"]["boxes_per_image"]["percentiles"] is None
    assert tables(found)
