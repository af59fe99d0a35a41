"""The benchmark of the ledger runs whole and ends with every figure."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from servers import missing

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "ledger.py"
FIGURES = {
    "append_sqlite_per_s",
    "append_single_p99_ms",
    "check_us_an_entry",
    "import_per_s",
    "publish_per_s",
    "tree_1m_s",
    "tree_10m_s",
    "tree_10m_gib",
    "proof_ms",
    "verify_ms",
    "import_verify_ms",
    "bundle_kb",
    "pymerkle_times",
}


def last_line(*arguments):
    command = [sys.executable, str(SCRIPT), "--runs", "1", "--scale", "0.005"]
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_the_last_line_has_every_figure_of_a_file():
    names = "append_sqlite append_single pymerkle check import publish tree_1m "
    names += "tree_10m proofs bundle import_verify"
    found = last_line("--only", *names.split())

    assert found.keys() >= FIGURES
    assert all(value >= 0 for value in found.values())


@pytest.mark.postgres
@pytest.mark.skipif(bool(missing()), reason=missing())
def test_the_server_is_measured_too():
    assert last_line("--only", "append_postgres")["append_postgres_per_s"] > 0
