import io

import numpy as np
import pytest

from tests.analysis.made import NAMES, facts, first_findings
from yolo_tf.analysis.coverage import Encoder
from yolo_tf.analysis.readings import Finding
from yolo_tf.analysis.split import Split
from yolo_tf.analysis.survey import Album, Input, survey

SMALL, LARGE = [0.0, 0.0, 0.01, 0.1], [0.0, 0.0, 0.5, 0.5]  # 20 x 1 and 100 x 50 pixels


def run(readings, coverage=None, max_boxes=3, resize="stretch", anchors=None):
    split, album = Split("train", "x", len(NAMES), io.StringIO()), Album("train")
    given = Input((100, 200), resize, 2.0, anchors)
    survey(split, readings, NAMES, given, Encoder(coverage, max_boxes, NAMES), album)
    return split, album


def kinds(split):
    return sorted(finding.kind for finding in first_findings(split))


def test_boxes_are_counted_and_noted():
    images = [facts("a", [SMALL, LARGE], [0, 1], [False, True]), facts("b")]
    split, _ = run([(image, []) for image in images])
    assert (split.images, split.boxes, split.crowd_boxes) == (2, 2, 1)
    assert kinds(split) == ["crowd_box", "small_box", "unlabelled_image"]
    small = split.findings.first["small_box"][0]
    assert small.detail == "red at 0, 0, 20, 1, 20.0 x 1.0 input pixels"
    assert split.encoder == {"over_max_boxes": 0, "crowd": 1}


def test_sizes_are_those_of_the_resize():
    square = facts("a", [[0.0, 0.0, 1.0, 1.0]], size=(100, 100))
    for resize, expected in (("stretch", [200, 100]), ("letterbox", [100, 100])):
        split, _ = run([(square, [])], resize=resize)
        np.testing.assert_allclose(split.box_sizes()[0], [expected])


def test_anchors_that_do_not_reach():
    image = facts("a", [LARGE, [0.0, 0.0, 0.3, 0.1]], crowd=[False, False])
    split, _ = run([(image, [])], anchors=np.array([[20.0, 20.0]]))
    assert kinds(split) == ["poor_anchor"]


def test_images_that_cannot_be_used():
    bad = Finding("unusable_image", "train", "x: record 1", "", "cut")
    split, _ = run([(None, [bad]), (facts("a", [LARGE]), [])])
    assert (split.unusable, split.images, kinds(split)) == (1, 1, ["unusable_image"])


@pytest.mark.parametrize("count", [1, 32, 40])
def test_the_encoder_sees_every_box_once_padded_and_without_crowds(count):
    seen = []

    def coverage(boxes, classes):
        seen.append((boxes.copy(), classes.copy()))
        return {"unmatched": classes == 1, "shared": classes == 2}

    image = facts("a", [LARGE] * 5, [0, 1, 2, 1, 0], [True] + [False] * 4)
    split, _ = run([(image, [])] * count, coverage, max_boxes=4)
    assert {boxes.shape for boxes, _ in seen} == {(32, 4, 4)}
    rows = np.concatenate([classes for _, classes in seen])
    assert rows[:count].tolist() == [[-1, 1, 2, 1]] * count
    assert (rows[count:] == -1).all()
    assert split.encoder == {
        "over_max_boxes": count,
        "crowd": count,
        "unmatched_box": 2 * count,
        "shared_slot": count,
    }
    assert split.findings.counts["shared_slot"] == count
    assert split.findings.first["shared_slot"][0].detail == "blue at 0, 0, 100, 50"


def test_the_album_keeps_a_few_images():
    wrong = [facts(f"w{n}", [LARGE]) for n in range(9)]
    wrong = [(image, [image.find_box("empty_box", "x", 0)]) for image in wrong]
    _, album = run([*((facts(f"a{n}", [LARGE]), []) for n in range(100)), *wrong])
    assert len(album.samples) == 16
    assert len(album.problems) == 4
    assert album.kinds[album.problems[0].labels[0]] == "empty_box"
