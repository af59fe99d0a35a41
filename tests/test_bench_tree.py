"""The benchmark of the tree measures what it says."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))
import ledger_tree  # noqa: E402


def test_every_figure_of_the_tree_is_measured():
    found = ledger_tree.tree_1m(0.002) | ledger_tree.tree_10m(0.0002)
    found |= ledger_tree.proofs(0.002)

    assert set(found) == {
        *("tree_1m_s", "tree_10m_s", "tree_10m_gib", "proof_ms", "prefix_verify_ms"),
    }
    assert all(value > 0 for name, value in found.items() if name != "tree_10m_gib")


def test_the_memory_of_a_process_that_was_started_counts():
    script = "import time; held = bytearray(200 << 20); print('held', flush=True)"
    with ledger_tree._watched() as before:
        time.sleep(0.1)
    with ledger_tree._watched() as peak:
        command = [sys.executable, "-c", f"{script}; time.sleep(30)"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout.readline() == b"held\n"
            time.sleep(0.3)
            child.kill()

    assert before.gib > 0
    assert peak.gib - before.gib == pytest.approx(0.2, abs=0.05)
