"""The report of made-up findings: what is odd in them comes out right."""

import itertools
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.evaluate.sets import detections, truths
from yolo_tf.evaluate.analysis import analyse
from yolo_tf.evaluate.evaluator import TruthsAndDetections
from yolo_tf.evaluate.report import CLASS_COLUMNS
from yolo_tf.evaluate.report_folder import write_report

BOX, FAR = (10, 10, 30, 30), (40, 40, 60, 60)
ODD_NAMES = ["<b>x</b>", "a|b*`", "$x^2$ & 'q\" " + "long" * 40]


class Rows(HTMLParser):
    """The cells of a page's table rows, as a browser shows them."""

    def __init__(self, page: str):
        super().__init__()
        self.rows, self.in_cell = [], False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.in_cell = tag in ("td", "th")
        if tag == "tr":
            self.rows.append([])
        elif self.in_cell:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self.in_cell = False

    def handle_data(self, data):
        if self.in_cell:
            self.rows[-1][-1] += data


def report(folder, truth, found, names, sizes=((64, 64), (64, 64))):
    """Writes the report of images of some (height, width); returns (metrics, page, Markdown)."""
    dataset = [
        {
            "image": tf.fill([1, 32, 32, 3], 0.5),
            "placement": tf.constant([[0.0, 0.0, 1.0, 1.0]]),
            "original_size": tf.constant([size], tf.float32),
            "source_id": tf.constant([f"<i>{number}"]),
        }
        for number, size in enumerate(sizes)
    ]
    analysis = analyse(TruthsAndDetections(truth, found, len(sizes), 0), names)
    write_report(analysis, {"model": "runs/a<b>", "data": "val*"}, dataset, folder)
    texts = [(folder / name).read_text() for name in ("metrics.json", "report.html", "metrics.md")]
    return json.loads(texts[0]), *texts[1:]


def class_table(page):
    rows = Rows(page).rows
    start = rows.index(list(CLASS_COLUMNS))
    own = itertools.takewhile(lambda row: len(row) == len(CLASS_COLUMNS), rows[start + 1 :])
    return {row[0]: dict(zip(CLASS_COLUMNS, row, strict=True)) for row in own}


def test_odd_names_are_shown_as_they_are(tmp_path):
    truth = truths((0, 0, *BOX), (0, 1, *FAR), (1, 2, *BOX))
    found = detections((0, 0, *BOX, 0.9), (0, 2, *FAR, 0.9), (1, 2, *BOX, 0.8))
    metrics, page, text = report(tmp_path, truth, found, ODD_NAMES)
    table = class_table(page)
    assert list(table) == ["all", *ODD_NAMES]
    assert table[ODD_NAMES[0]]["P"] == "1.0000"
    assert "<b>x" not in page
    assert "<i>0" not in page
    assert [ODD_NAMES[1], ODD_NAMES[2], "1", "100.0%"] in Rows(page).rows
    assert metrics["worst"]["missed"] == [{"image": "<i>0", "mistakes": 1}]
    assert "<b>" not in text
    for name in ("&lt;b&gt;x&lt;/b&gt;", r"a\|b\*\`"):
        assert f"| {name} " in text
    cells = [len(re.split(r"(?<!\\)\|", line)) for line in text.splitlines() if "| 0." in line]
    assert len(CLASS_COLUMNS) + 2 in cells


def test_nothing_found(tmp_path):
    metrics, page, text = report(tmp_path, truths((0, 0, *BOX)), detections(), ["a", "b"])
    assert metrics["AP"] == metrics["R"] == 0
    assert metrics["P"] is None
    assert metrics["mistakes"]["missed"] == 1
    assert "nothing was found in any image" in page
    assert "warning: nothing was found in any image" in text
    table = class_table(page)
    assert table["a"]["best F1"] == "0.0000"
    assert table["a"]["at score"] == "-"
    assert set(list(table["b"].values())[3:]) == {"-"}


def test_nothing_to_find(tmp_path):
    """All truths are difficult: VOC's figures and the curves have none."""
    truth = truths((0, 0, *BOX), difficult=[0])
    metrics, page, _ = report(tmp_path, truth, detections((0, 0, *BOX, 0.9)), ["a"])
    assert metrics["voc_AP50"] is metrics["P"] is metrics["F1"] is None
    assert not any(metrics["mistakes"].values())
    assert class_table(page)["a"]["R"] == "-"


@pytest.mark.parametrize("size", [(30, 4000), (4000, 1), (1, 1)])
def test_shapes_of_images(size, tmp_path):
    height, width = size
    whole = (0, 0, height, width)
    report(tmp_path, truths((0, 0, *whole)), detections((0, 0, *whole, 0.9)), ["a"], [size])
    sheet = Image.open(tmp_path / "truth_and_predictions.jpg")
    scale = 480 / max(size)
    tile = [max(1, round(side * scale)) for side in size]
    assert sheet.size == (4 + 2 * (tile[1] + 4), 4 + tile[0] + 4)


def test_images_of_an_earlier_report_go(tmp_path):
    truth, found = truths((0, 0, *BOX)), detections((0, 0, *BOX, 0.9), (0, 0, *FAR, 0.9))
    _, page, _ = report(tmp_path, truth, found, ["a"])
    assert "Most mistakes: background" in page
    assert (tmp_path / "background.jpg").is_file()
    _, page, _ = report(tmp_path, truth, detections((0, 0, *BOX, 0.9)), ["a"])
    assert "Most mistakes" not in page
    assert not (tmp_path / "background.jpg").exists()


def test_the_table_of_thresholds_is_that_of_the_classes(tmp_path):
    random = np.random.default_rng(0)
    rows = [(n % 2, n % 3, *(random.uniform(0, 20, 2)), 40, 40) for n in range(30)]
    truth = truths(*rows)
    metrics, page, _ = report(
        tmp_path, truth, detections(*((*row, random.random()) for row in rows)), list("abc")
    )
    row = next(row for row in metrics["thresholds"] if row["score"] == metrics["threshold"])
    for key, name in (("P", "P"), ("R", "R")):
        mean = np.mean([of_class[name] for of_class in metrics["per_class"]])
        np.testing.assert_allclose(row[key], mean)
        assert metrics[key] == row[key]
    assert metrics["F1"] == max(row["F1"] for row in metrics["thresholds"])
    assert class_table(page)["all"]["P"] == f"{metrics['P']:.4f}"
