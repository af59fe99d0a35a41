"""Forgetting measured on real text; `make bench-forget`.

    python benchmarks/forget.py --runs 1

People and what they wrote are read once; then each measurement runs in a process of
its own, on one core, in turn, `--runs` times. Time is processor time, so that other
programs on the machine count less. Printed are medians, and last one line of JSON.
`--scale 0.1` makes every size smaller, `--only NAME...` runs some.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from forget_text import write
from redact_peers import on_one_core
from runs import arguments, measure, say_machine

MEASURES = {
    "hashes": ("forget_repair", "hashes"),
    "cost": ("forget_repair", "cost"),
    "suspension": ("forget_speed", "suspension"),
    "throughput": ("forget_speed", "throughput"),
    "audit": ("forget_audit", "audit"),
    "quality": ("forget_quality", "quality"),
}
"""By name: module and function, which takes the file of people and a scale."""


def main() -> None:
    """Run the benchmark, or one measurement of it."""
    parser = arguments(__doc__, MEASURES)
    parser.add_argument("--text", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        on_one_core()
        taken = measure(MEASURES, chosen.one)(chosen.text, chosen.scale)
        print(json.dumps(taken))
        return
    say_machine("; one core for each")
    with tempfile.TemporaryDirectory(prefix="assent-bench-") as folder:
        text = Path(folder) / "people.jsonl"
        write(text)
        figures = _medians(chosen, text)
    print()
    for key, value in figures.items():
        print(f"{key:<34}{value:>14,.4g}")
    print(json.dumps(figures))


def _medians(chosen: argparse.Namespace, text: Path) -> dict[str, float]:
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in chosen.only}
    for run in range(chosen.runs):
        for name in chosen.only:
            found = _apart(name, text, chosen.scale)
            taken[name].append(found)
            shown = "  ".join(f"{key} {value:.4g}" for key, value in found.items())
            print(f"{run + 1}  {name:<12}{shown}", flush=True)
    return {
        key: statistics.median(run[key] for run in runs)
        for runs in taken.values()
        for key in runs[0]
    }


def _apart(name: str, text: Path, scale: float) -> dict[str, float]:
    command = [sys.executable, str(Path(__file__)), "--one", name]
    command += ["--text", str(text), "--scale", str(scale)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


if __name__ == "__main__":
    main()
