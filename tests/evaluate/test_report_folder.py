"""The report that a training leaves."""

import json
import re

from PIL import Image

from yolo_tf.evaluate.mistakes import KINDS


def test_a_training_ends_with_its_report(tiny_run, shapes_records):
    folder = tiny_run / "report"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["images"] == 8
    assert set(metrics["mistakes"]) == set(KINDS)
    assert metrics["confusion"]["classes"] == [*shapes_records.classes, "background"]
    truths = sum(map(sum, metrics["confusion"]["matrix"][:-1]))
    assert truths == metrics["boxes"]
    for row in metrics["per_class"]:
        assert {"P", "R", "F1", "F1_threshold", "APs", "APm", "APl"} <= set(row)
    for name in ("pr", "f1", "precision", "recall"):
        assert min(Image.open(folder / f"{name}_curve.png").size) > 500
    for name in ("confusion.png", "truth_and_predictions.jpg"):
        assert min(Image.open(folder / name).size) > 200
    assert set(metrics["worst"]) == set(KINDS)
    for name in shapes_records.classes:
        assert re.search(rf"^\| {name} +\|", (folder / "metrics.md").read_text(), re.MULTILINE)


def test_the_page_needs_nothing_beside_it(tiny_run):
    text = (tiny_run / "report" / "report.html").read_text()
    sources = re.findall(r"(?:src|href)\s*=\s*['\"]([^'\"]*)", text)
    assert len(sources) >= 3
    assert all(source.startswith("data:image/") for source in sources)
    assert "://" not in re.sub(r"data:image/[^']*", "", text)
