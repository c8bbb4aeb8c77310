"""docs/tutorial.md, run as written on 40 images of blood cells."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.fixtures import FOLDER

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[1]
BCCD = FOLDER.parent / "data" / "bccd"
# Appended to the page's training: one short epoch at a small size.
SHORT = " --config.train.epochs=1 --config.train.batch_size=8 --config.input_size=160,160"
MADE = (
    "records/cells.json",
    "checked/labels.png",
    "recipes/cells.py",
    "seen.png",
    "runs/cells/results.csv",
    "evaluated/report.html",
    "exports/cells/saved_model/saved_model.pb",
    "exports/cells/model.tflite",
    "found/detections.json",
    "models/cells/1/saved_model.pb",
)


def lay_out(folder):
    """The first 40 images in the folders of the page: 32 to learn from, 8 to measure on."""
    photos = sorted((BCCD / "JPEGImages").glob("*.jpg"))[:40]
    for name in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (folder / name).mkdir(parents=True)
    for photo in photos:
        shutil.copy(photo, folder / "JPEGImages")
        shutil.copy(BCCD / "Annotations" / f"{photo.stem}.xml", folder / "Annotations")
    for split, part in (("train", photos[:32]), ("val", photos[32:])):
        lines = "".join(f"{photo.stem}\n" for photo in part)
        (folder / "ImageSets" / "Main" / f"{split}.txt").write_text(lines)


@pytest.mark.skipif(not BCCD.is_dir(), reason=f"no folder {BCCD} (set YOLO_TF_FIXTURES)")
def test_the_page_as_written(tmp_path):
    lay_out(tmp_path / "cells")
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    lines = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL)).split("\n")
    commands = [line for line in lines if line]
    assert len(commands) == 12
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    python_path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PATH": path, "PYTHONPATH": python_path}
    for command in commands:
        if "scripts/train.py" in command:
            command += SHORT
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-500:]}{done.stderr[-2000:]}"
    missing = [name for name in MADE if not (tmp_path / name).exists()]
    assert not missing
    assert len(list((tmp_path / "found").glob("*.jpg"))) == 40
