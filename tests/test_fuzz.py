"""The fuzzer runs, and it would say if something was found."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("atheris", reason="atheris is missing: `make test` installs it")
FOLDER = Path(__file__).parent / "fuzz"
SCRIPT = FOLDER / "fuzz_bundle.py"
FIND = f"""
import sys
sys.path.insert(0, {str(FOLDER)!r})
from fuzz_bundle import once
from small_ledger import CEM, UNION, story
ledger = story()
ledger.model("later", ["corpus-1"], [])
once(ledger.bundle(CEM, "model-1", witnesses=[UNION]))
"""


def test_the_fuzzer_runs_and_finds_nothing_in_its_first_inputs(tmp_path):
    command = [sys.executable, str(SCRIPT), "--runs", "200", "--found", "found"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stderr
    assert "Done 200 runs" in done.stderr
    assert list((tmp_path / "found").iterdir()) == []


def test_the_fuzzer_says_when_a_bundle_that_nobody_handed_out_is_accepted(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FIND], cwd=tmp_path, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert "a changed bundle was accepted" in done.stderr
