"""The whole way by the real commands: records, training, evaluation, export, detection."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
FIGURES = (
    "AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl",
    "voc_AP50", "voc07_AP50",
)  # fmt: skip


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("end_to_end")


def run(folder, name, *flags):
    """Runs scripts/NAME.py in `folder`; returns what it printed."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / f"{name}.py"), *flags],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{name}: {done.stdout[-500:]}{done.stderr[-2000:]}"
    assert "Traceback" not in done.stderr
    return done.stdout


def test_from_records_to_detections(work):
    for split, images in (("train", 24), ("val", 8)):
        run(
            work, "build_tfrecords", "--format=shapes", "--name=shapes", "--output=records",
            f"--split={split}", f"--images={images}", "--size=96", "--workers=1",
            "--pictures=photos",
        )  # fmt: skip
    out = run(
        work, "train", "--config=shapes", "--workdir=runs/a", "--config.input_size=64,96",
        "--config.data.train=records/shapes-train*", "--config.data.val=records/shapes-val*",
        "--config.train.epochs=2", "--config.train.batch_size=8", "--config.train.evaluate_every=1",
    )  # fmt: skip
    check_training(work / "runs/a", out)

    run(work, "export", "--model=runs/a", "--output=exports/a")
    for model in ("runs/a", "exports/a"):
        out = run(
            work, "evaluate", f"--model={model}", "--data=records/shapes-val*",
            f"--output={model}/val",
        )  # fmt: skip
        assert f"report written to {model}/val/report.html" in out
    check_metrics(work)

    photos = work / "photos"
    Image.fromarray(np.zeros((120, 50, 3), np.uint8)).save(photos / "portrait.png")
    for model in ("runs/a", "exports/a"):
        out = run(
            work, "detect", f"--model={model}", "--input=photos/[pv]*", f"--output=found/{model}",
            "--score_threshold=0.01",
        )  # fmt: skip
        assert f"in 9 images; written to found/{model}" in out
    check_detections(work)


def check_training(folder, out):
    assert {path.name for path in folder.iterdir()} == {
        "checkpoints", "classes.txt", "config.yaml", "results.csv", "results.png", "tensorboard",
        "report", ".lock", "train_batch.jpg", "val_predictions.jpg",
    }  # fmt: skip
    assert list((folder / "tensorboard").glob("events*"))
    for name in ("results.png", "train_batch.jpg", "val_predictions.jpg"):
        with Image.open(folder / name) as picture:
            assert min(picture.size) > 60
    assert len((folder / "results.csv").read_text().splitlines()) == 3
    lines = out.splitlines()
    assert lines[0] == "run folder   runs/a"
    assert "train        records/shapes-train*: 24 images" in out
    assert [line.split("  ")[0] for line in lines if line.startswith("epoch ")] == [
        "epoch 1/2", "epoch 2/2",
    ]  # fmt: skip
    *_, trained, reached, images, following = lines
    assert trained.endswith("results in runs/a")
    assert reached.startswith("reached      AP50 ")
    assert "on 8 validation images" in reached
    assert "truth_and_predictions.jpg" in images
    assert following == "next         yolo-tf detect --model=runs/a --input=photo.jpg"


def check_metrics(work):
    ours, exported = (
        json.loads((work / model / "val/metrics.json").read_text())
        for model in ("runs/a", "exports/a")
    )
    assert set(ours) == {
        *FIGURES, "images", "boxes", "dropped", "detections", "not_finite", "per_class",
        "threshold", "thresholds", "P", "R", "F1", "mistakes", "confusion", "worst",
    }  # fmt: skip
    assert ours["images"] == 8
    for name in FIGURES:
        assert ours[name] is None or 0 <= ours[name] <= 1
        assert exported[name] == pytest.approx(ours[name], abs=1e-6), name
    assert len(ours["per_class"]) == 5
    assert set(ours["per_class"][0]) == {
        "name", "images", "boxes", "AP", "AP50", "AP75", "APs", "APm", "APl", "voc_AP50",
        "P", "R", "F1", "F1_threshold",
    }  # fmt: skip


def check_detections(work):
    ours, exported = (
        json.loads((work / "found" / model / "detections.json").read_text())
        for model in ("runs/a", "exports/a")
    )
    assert len(ours) == len(exported) == 9
    assert any(entry["num_detections"] for entry in ours)
    for a, b in zip(ours, exported, strict=True):
        assert a["image"] == b["image"]
        assert a["detection_classes"] == b["detection_classes"]
        np.testing.assert_allclose(a["detection_boxes"], b["detection_boxes"], atol=1e-4)
        np.testing.assert_allclose(a["detection_scores"], b["detection_scores"], atol=1e-4)
        assert (work / "found/runs/a" / a["drawn"]).exists()
    portrait = next(entry for entry in ours if entry["image"] == "photos/portrait.png")
    assert (portrait["height"], portrait["width"]) == (120, 50)
