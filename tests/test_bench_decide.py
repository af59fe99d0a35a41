"""The benchmark of decisions runs at toy size; its figures are measured elsewhere."""

import json
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
WANTED = {
    *("write_ratio", "decide_share", "cedarpy_times", "polars_times"),
    *("growth_exponent", "peak_gib", "since_share"),
}


def test_all_agree_on_who_is_permitted_and_the_last_line_has_every_figure(tmp_path):
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "decide.py", "--sizes", "0.01", "0.02"]
        + ["--runs", "1", "--sample", "500", "--folder", tmp_path],
        capture_output=True,
        text=True,
        check=True,
    )

    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures.keys() >= WANTED
    assert done.stdout.count("agreed: ") == 2  # else it stops with an error
