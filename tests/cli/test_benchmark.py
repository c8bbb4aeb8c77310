"""The benchmark command, at sizes that take seconds."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = "pipeline, encode, step, heads, detection, precision, inference, build"
RECIPE = """
from tests.benchmark.recipes import tiny

def get_config():
    return tiny()
"""


def run(*arguments):
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "benchmark.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "smallest.py"
    path.write_text(RECIPE)
    return path


def test_prints_a_table_and_writes_json(tmp_path, recipe):
    output = tmp_path / "results" / "benchmark.json"
    done = run(
        "--what=encode,step,heads",
        f"--config={recipe}",
        "--config.train.batch_size=3",
        "--seconds=0.05",
        "--repeats=1",
        f"--output={output}",
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(output.read_text())
    assert set(results) == {"machine", "encode", "step", "heads"}
    assert [step["batch_size"] for step in results["step"]] == [3]
    assert results["encode"]["batch_size"] == 3
    lines = done.stdout.splitlines()
    assert any(line.startswith("train step, yolov3_tiny 64x32, batch 3") for line in lines)
    assert any(line.startswith("YoloHeadConfig, yolov3_tiny 64x32, batch 3") for line in lines)
    assert lines[-1] == f"written to {output}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--what=encode,steps"], f"--what: found 'steps', expected some of {PARTS}"),
        (["--what="], f"--what: found nothing, expected some of {PARTS}"),
        (["--what=encode", "--output={folder}"], "is a folder, expected a file for JSON"),
        (["--what=pipeline", "--data={folder}/x*"], "{folder}/x*"),
        (["--repeats=0"], "repeats"),
    ],
)
def test_mistakes_are_one_line(tmp_path, arguments, message):
    done = run(*(argument.format(folder=tmp_path) for argument in arguments))
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert message.format(folder=tmp_path) in line
    assert "Traceback" not in done.stderr


def test_help_teaches():
    done = run("--help")
    assert done.returncode == 0
    for word in ("--what", "--data", "--seconds", "--repeats", "--output", "pipeline", "yolov3"):
        assert word in done.stdout
