"""The benchmark of redaction runs whole and ends with every figure."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
FIGURES = {
    "mb_per_s",
    "directory_build_s",
    "directory_bytes_per_name",
    "directory_peak_bytes_per_name",
    "directory_recall",
    "hashed_recall",
    "growth_50mb_s",
    "growth_50mb_peak_mib",
    "phone_recall",
    "phone_precision",
    "obfuscated_recall",
    "innocent_hit",
    "person_f1_wnut",
    "person_f1_btc",
}
SMALL = ("--runs", "1", "--scale", "0.02")


def last_line(*arguments):
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "redact.py"), *SMALL, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.shared
@pytest.mark.usefixtures("shared")
def test_the_last_line_has_every_figure_and_names_whom_it_leaves_out():
    measures = "assent_directory directory_size recall growth datafog "
    measures += "structured disguised person"

    found = last_line("--only", *measures.split())

    assert found.keys() >= FIGURES
    assert found["directory_recall"] == found["hashed_recall"] == 1
    assert found["found"]["assent_directory"]["email"] == 1
    assert ("datafog_mb_per_s" in found) != ("datafog" in found["left_out"])


def test_what_was_planted_is_found_only_if_every_letter_of_it_is():
    sys.path.append(str(BENCHMARKS))
    from redact_peers import found

    rows = [("ask (Ana Li) now", [("name", 5, 11)])] * 3
    spans = [[(5, 11)], [(4, 8), (9, 12)], [(5, 10)]]

    assert found(rows, spans) == {"planted": {"name": 3}, "found": {"name": 2}}
