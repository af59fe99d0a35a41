"""Personal data removed, beside the peers; `make bench-redact`.

    python benchmarks/redact.py --runs 3

The text is made once, and as much other text that everybody reads first; then each
measurement runs in a process of its own, on one core, in turn, `--runs` times. Speed is
by processor time, so that other programs on the machine count less. Printed are
medians, and last one line of JSON. `--scale 0.01` makes every size smaller,
`--only NAME...` runs some.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from redact_peers import PEERS, on_one_core, read_before
from redact_text import GROWING, MEGABYTE, SIZE, growing, write
from runs import arguments, measure, say_machine

Figures = dict[str, Any]

HERE = Path(__file__).resolve().parent
PEERS_PYTHON = HERE.parent / ".venv-peers" / "bin" / "python"
RATED = {"bytes_per_s", "planted", "found"}
"""What a measurement of speed tells; its other figures keep their names."""
MEASURES = {
    "assent": ("redact_assent", "patterns"),
    "assent_directory": ("redact_assent", "directory"),
    "assent_person": ("redact_person", "patterns"),
    "assent_directory_person": ("redact_person", "directory"),
    **{peer: ("redact_peers", peer) for peer in PEERS},
    "directory_size": ("redact_assent", "directory_size"),
    "recall": ("redact_assent", "recall"),
    "growth": ("redact_assent", "growth"),
    "structured": ("redact_accuracy", "structured"),
    "disguised": ("redact_accuracy", "disguised"),
    "person": ("redact_person", "quality"),
}
"""By name: module and function, which takes the text's file and a scale."""


def main() -> None:
    """Run the benchmark, or one measurement of it."""
    chosen = _arguments()
    if chosen.one:
        on_one_core()
        taken = measure(MEASURES, chosen.one)(chosen.text, chosen.scale)
        print(json.dumps(taken))
        return
    say_machine("; one core for each, peers without network")
    with tempfile.TemporaryDirectory(prefix="assent-bench-") as folder:
        text = Path(folder) / "text.jsonl"
        write(text, SIZE * chosen.scale, chosen.scale)
        write(read_before(text), SIZE * chosen.scale, chosen.scale, "before")
        if "growth" in chosen.only:
            for size in GROWING:
                path = growing(text.parent, size)
                write(path, size * MEGABYTE * chosen.scale, chosen.scale)
        figures = _figures(_all_runs(chosen, text))
    _say_table(figures)
    print(json.dumps(figures))


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__, MEASURES)
    parser.add_argument("--text", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _all_runs(chosen: argparse.Namespace, text: Path) -> dict[str, list[Figures]]:
    taken: dict[str, list[Figures]] = {name: [] for name in chosen.only}
    for run in range(chosen.runs):
        for name in chosen.only:
            found = _apart(name, text, chosen.scale)
            taken[name].append(found)
            shown = "  ".join(f"{key} {_said(found[key])}" for key in found)
            print(f"{run + 1}  {name:<24}{shown}", flush=True)
    return taken


def _apart(name: str, text: Path, scale: float) -> Figures:
    """Run one measurement in a process of its own, on one core."""
    if name in PEERS:
        if not PEERS_PYTHON.exists():
            return {"missing": "no .venv-peers; make it: scripts/set-up.sh peers"}
        command = [str(PEERS_PYTHON), str(HERE / "redact_peers.py"), name, str(text)]
    else:
        command = [sys.executable, str(Path(__file__)), "--one", name]
        command += ["--text", str(text), "--scale", str(scale)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode and name in PEERS:
        return {"missing": f"it ended with {done.returncode}; its words are above"}
    done.check_returncode()
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def _figures(taken: Mapping[str, list[Figures]]) -> Figures:
    """Make medians, and what is compared: a rate becomes megabytes a second."""
    figures: Figures = {"left_out": {}, "found": {}}
    for name, runs in taken.items():
        first = runs[0]
        if gone := [run["missing"] for run in runs if "missing" in run]:
            figures["left_out"][name] = gone[0]
            continue
        if "bytes_per_s" in first:
            key = "mb_per_s" if name == "assent_directory" else f"{name}_mb_per_s"
            rates = [run["bytes_per_s"] for run in runs]
            figures[key] = statistics.median(rates) / 1e6
            figures["found"][name] = {
                kind: first["found"][kind] / count
                for kind, count in sorted(first["planted"].items())
            }
        for key in [each for each in first if each not in RATED]:
            figures[key] = statistics.median(run[key] for run in runs)
    return figures | _times(figures)


def _times(figures: Figures) -> Figures:
    """How many times as fast as Presidio, and as the fastest of the other peers."""
    rates = {
        peer: figures[f"{peer}_mb_per_s"]
        for peer in PEERS
        if f"{peer}_mb_per_s" in figures
    }
    if "mb_per_s" not in figures:
        return {}
    found: Figures = {}
    if "presidio" in rates:
        found["times_presidio"] = figures["mb_per_s"] / rates.pop("presidio")
    if rates:
        found["times_next_peer"] = figures["mb_per_s"] / max(rates.values())
    return found


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}:{count}" for key, count in sorted(value.items()))
    return f"{value:,.4g}" if isinstance(value, int | float) else str(value)


def _say_table(figures: Figures) -> None:
    print()
    for key, value in figures.items():
        if not isinstance(value, dict):
            print(f"{key:<34}{value:>14,.4g}")
    kinds = sorted({kind for each in figures["found"].values() for kind in each})
    print(f"\n{'planted that was found':<24}" + "".join(f"{k:>8}" for k in kinds))
    for name, shares in figures["found"].items():
        print(f"{name:<24}" + "".join(f"{shares[kind]:>8.3f}" for kind in kinds))
    for name, reason in figures["left_out"].items():
        print(f"{name:<24}left out: {reason}")


if __name__ == "__main__":
    main()
