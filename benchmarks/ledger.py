"""The ledger and its proofs at work, beside pymerkle; `make bench-ledger`.

    python benchmarks/ledger.py --runs 3

Each measurement runs in a process of its own, in turn, `--runs` times. Printed are
medians (of memory, the most), and last one line of JSON. `--scale 0.01` makes every
size smaller, `--only NAME...` runs some.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from runs import arguments, measure, say_machine

Figures = dict[str, float]

MEASURES = {
    "append_sqlite": ("ledger_append", "append_sqlite"),
    "append_postgres": ("ledger_append", "append_postgres"),
    "append_single": ("ledger_append", "append_single"),
    "pymerkle": ("ledger_append", "with_pymerkle"),
    "check": ("ledger_append", "check"),
    "import": ("ledger_import", "import_events"),
    "publish": ("ledger_publish", "publish"),
    "tree_1m": ("ledger_tree", "tree_1m"),
    "tree_10m": ("ledger_tree", "tree_10m"),
    "proofs": ("ledger_tree", "proofs"),
    "bundle": ("ledger_bundle", "bundles"),
    "import_verify": ("ledger_bundle", "import_verify"),
}
"""By name: module and function, which takes a scale and gives figures."""


def main() -> None:
    """Run the benchmark, or one measurement of it."""
    chosen = arguments(__doc__, MEASURES).parse_args()
    if chosen.one:
        print(json.dumps(measure(MEASURES, chosen.one)(chosen.scale)))
        return
    say_machine("; every append waits for the disk")
    taken: dict[str, list[Figures]] = {name: [] for name in chosen.only}
    for run in range(chosen.runs):
        for name in chosen.only:
            found = _apart(name, chosen.scale)
            taken[name].append(found)
            shown = "  ".join(f"{key} {value:,.4g}" for key, value in found.items())
            print(f"{run + 1}  {name:<16}{shown}", flush=True)
    figures = {}
    for runs in taken.values():
        figures |= {key: _middle(key, runs) for key in runs[0]}
    if figures.keys() >= {"append_sqlite_per_s", "pymerkle_per_s"}:
        times = figures["append_sqlite_per_s"] / figures["pymerkle_per_s"]
        figures["pymerkle_times"] = times
    _say_table(figures)
    print(json.dumps(figures))


def _apart(name: str, scale: float) -> Figures:
    """Run one measurement in a process of its own."""
    os.sync()  # what the one before wrote goes to the disk on nobody's time
    command = [sys.executable, str(Path(__file__)), "--one", name]
    done = subprocess.run(
        [*command, "--scale", str(scale)], check=True, stdout=subprocess.PIPE, text=True
    )
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def _middle(key: str, runs: Iterable[Figures]) -> float:
    values = [each[key] for each in runs]
    return max(values) if key.endswith("_gib") else statistics.median(values)


def _say_table(figures: Figures) -> None:
    print()
    for key, value in figures.items():
        print(f"{key:<28}{value:>14,.4g}")


if __name__ == "__main__":
    main()
