"""The benchmark of forgetting runs whole and ends with its figures."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.mark.shared
@pytest.mark.usefixtures("shared")
def test_the_last_line_has_the_figures_and_every_hash_is_equal():
    done = subprocess.run(
        [
            *(sys.executable, str(BENCHMARKS / "forget.py"), "--runs", "1"),
            *("--scale", "0.04", "--only", "hashes", "suspension"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])

    assert found["hash_tried"] == found["hash_equal"] == 8
    assert found["suspension_s"] > 0
    assert found["suspension_documents"] > 100
