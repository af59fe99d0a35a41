"""The benchmark of forgetting runs whole and ends with its figures."""

import json
import os
import subprocess
import sys
from pathlib import Path
from pydoc_data import topics

import pytest

from assent.train.clean import Recipe, make_base
from assent.train.component import Shape

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.mark.shared
@pytest.mark.usefixtures("shared")
def test_the_last_line_has_the_figures_and_every_hash_is_equal(tmp_path):
    text = tmp_path / "help.txt"
    text.write_text("\n".join(topics.topics.values())[:210_000], "utf-8")
    recipe = Recipe(Shape(16, 1, 2), vocabulary=320, learning_rate=0.01)
    make_base([text], recipe, "Python's help, PSF", tmp_path / "base")

    done = subprocess.run(
        [
            *(sys.executable, str(BENCHMARKS / "forget.py"), "--runs", "1"),
            *("--scale", "0.04", "--only", "hashes", "suspension", "quality"),
        ],
        env=os.environ | {"ASSENT_BENCH_BASE": str(tmp_path / "base")},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])

    assert found["hash_tried"] == found["hash_equal"] == 8
    assert found["suspension_s"] > 0
    assert found["suspension_documents"] > 100
    bits = {name: value for name, value in found.items() if name.startswith("bpb_")}
    loss, bare = bits.pop("bpb_loss"), bits.pop("bpb_loss_bare")
    arms = ["bpb_mono", "bpb_4", "bpb_8", "bpb_16", "bpb_32"]
    assert sorted(bits) == sorted(["bpb_base", *arms, *(f"{arm}_bare" for arm in arms)])
    assert all(0 < bits[f"{arm}_bare"] < bits["bpb_base"] for arm in arms)
    assert all(0 < bits[arm] < bits[f"{arm}_bare"] for arm in arms)
    assert loss == bits["bpb_16"] / bits["bpb_mono_bare"] - 1
    assert bare == bits["bpb_16_bare"] / bits["bpb_mono_bare"] - 1
