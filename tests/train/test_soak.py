"""A training killed three times ends in the bits of one that nobody disturbed; see soak.py."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.long


def test_three_kills(tmp_path):
    command = [sys.executable, "-m", "tests.train.soak", str(tmp_path), "--kills=3"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert found.returncode == 0, found.stdout + found.stderr
    last = json.loads(found.stdout.splitlines()[-1])
    assert last["kills"] == 3
    assert last["all_bits_equal"]
