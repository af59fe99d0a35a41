"""Decide at platform scale, beside the limits and the peers; `make bench-decide`.

    python benchmarks/decide.py --sizes 1 3 10 30 --runs 5

Every size is generated once; then each measurement runs in a process of its own, in
turn, `--runs` times on the same files. Printed are medians, and last one line of JSON.
"""

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb
from decide_data import Platform, generate, load
from decide_measure import MEASURES
from decide_question import opened, question
from runs import say_machine

from assent.engine.sql import permitted_sql

MILLION = 1_000_000
BYTES_A_DOCUMENT = 900  # inputs, one copy and what spills, in all
CEDAR = "cedar"
Found = dict[str, dict[str, Any]]


def main() -> None:
    """Run the benchmark."""
    chosen = _arguments()
    root = chosen.folder or Path(tempfile.mkdtemp(prefix="assent-bench-"))
    root.mkdir(parents=True, exist_ok=True)
    _check_space(root, max(chosen.sizes))
    say_machine(
        f", DuckDB {duckdb.__version__}; files in the page cache, Zstandard, no fsync"
    )
    found = {}
    try:
        for size in sorted(chosen.sizes):
            found[size] = _measured(root / f"{size:g}", size, chosen)
    finally:
        if chosen.folder is None:
            shutil.rmtree(root)
    largest = max(chosen.sizes)
    figures = _figures(found, largest)
    _say_table(found)
    print(json.dumps(figures | {"raw": {f"{s:g}": each for s, each in found.items()}}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=float, nargs="+", default=[1, 3, 10, 30])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="Keep the files there.")
    parser.add_argument("--sample", type=int, default=100_000, help="Calls of Cedar.")
    return parser.parse_args()


def _check_space(root: Path, size: float) -> None:
    needed, free = int(size * MILLION * BYTES_A_DOCUMENT), shutil.disk_usage(root).free
    if free < needed:
        sys.exit(
            f"{size:g} M documents need {needed:,} bytes of disk, {free:,} are free"
        )


def _measured(folder: Path, size: float, chosen: argparse.Namespace) -> Found:
    platform = _platform(folder, size)
    taken: dict[str, list[dict[str, Any]]] = {name: [] for name in MEASURES}
    for run in range(chosen.runs):
        for name in MEASURES:
            if name == CEDAR and run:
                continue  # a sample of calls, each of them a measurement
            taken[name].append(_one(name, folder, chosen.sample))
            last = taken[name][-1]
            print(
                f"{size:>5g} M  {run + 1}  {name:<18}{last['seconds']:9.2f} s",
                flush=True,
            )
    medians = {
        name: each[0]
        | {"seconds": statistics.median(one["seconds"] for one in each)}
        | {"peak_gib": max(one["peak_gib"] for one in each)}
        for name, each in taken.items()
    }
    _check_agreement(platform, medians)
    return medians


def _platform(folder: Path, size: float) -> Platform:
    if not (folder / "platform.json").exists():
        print(f"{size:>5g} M  generating", flush=True)
        generate(folder, int(size * MILLION))
    platform = load(folder)
    if not platform.path("rows").exists():
        _prepare(platform)
    return platform


def _prepare(platform: Platform) -> None:
    """Write what the limits need: the permitted rows, and their numbers."""
    engine = opened(platform)
    engine.execute("SET preserve_insertion_order = true")
    source = f"read_parquet('{platform.path('documents')}', file_row_number = true)"
    engine.execute(
        "CREATE OR REPLACE VIEW documents AS SELECT * EXCLUDE file_row_number, "
        f"file_row_number AS document_row FROM {source}"
    )
    asked = question(ledger_size=platform.events)
    columns = [
        each for each in engine.view("documents").columns if each != "document_row"
    ]
    writer = "(FORMAT parquet, COMPRESSION zstd)"
    for name, chosen in (("permitted", columns), ("rows", ["document_row"])):
        query = permitted_sql(asked, chosen)
        engine.execute(f"COPY ({query}) TO '{platform.path(name)}' {writer}")


def _one(name: str, folder: Path, sample: int) -> dict[str, Any]:
    script = Path(__file__).with_name("decide_measure.py")
    os.sync()  # what the one before wrote goes to the disk on nobody's time
    done = subprocess.run(
        [sys.executable, str(script), name, str(folder), str(sample)],
        check=True,
        capture_output=True,
        text=True,
    )
    taken: dict[str, Any] = json.loads(done.stdout)
    return taken


def _check_agreement(platform: Platform, found: Found) -> None:
    """A benchmark whose outputs disagree is worth nothing."""
    permitted = found["assent_decide"]["permitted"]
    counts = {
        "raw copy of the permitted": found["raw_permitted"]["rows"],
        "the same, filtered": found["raw_filtered"]["rows"],
        "Assent, written": found["assent_write"]["rows"],
        "Polars": found["polars_decide"]["permitted"],
    }
    assert set(counts.values()) == {permitted}, (permitted, counts)
    same = ["raw_permitted", "raw_filtered", "assent_write", "assent_decisions"]
    digests = {found[name]["permitted_ids"] for name in (*same, "polars_decisions")}
    assert len(digests) == 1, digests  # not as many only, but the same documents
    assert found["assent_decide"]["documents"] == platform.documents
    for name in ("raw_all", "assent_decisions", "polars_decisions"):
        assert found[name]["rows"] == platform.documents, name
    assert found[CEDAR]["differ"] == 0
    assert found["assent_since"]["rows"] == found["assent_since"]["changed"]
    print(
        f"  agreed: {permitted:,} of {platform.documents:,} documents are permitted, "
        f"by Assent, Polars and, of {found[CEDAR]['requests']:,}, Cedar; "
        f"{found['assent_since']['changed']:,} decisions changed in a day"
    )


def _figures(found: dict[float, Found], largest: float) -> dict[str, float | None]:
    at = found[largest]
    seconds = {name: each["seconds"] for name, each in at.items()}
    decided = largest * MILLION / seconds["assent_decide"]
    assent = [each for name, each in at.items() if name.startswith("assent_")]
    return {
        "write_ratio": seconds["assent_write"] / seconds["raw_permitted"],
        "write_ratio_filtered": seconds["assent_write"] / seconds["raw_filtered"],
        "decide_share": seconds["assent_decide"] / seconds["raw_all"],
        "decisions_share": seconds["assent_decisions"] / seconds["raw_all"],
        "decisions_a_second": decided,
        "cedarpy_times": decided / at[CEDAR]["a_second"],
        "cedarpy_batch_times": decided / at[CEDAR]["batch_a_second"],
        "cedarpy_plain_times": decided / at[CEDAR]["plain_a_second"],
        "polars_times": seconds["polars_decisions"] / seconds["assent_decisions"],
        "polars_count_times": seconds["polars_decide"] / seconds["assent_decide"],
        "growth_exponent": _exponent(found, "assent_decide"),
        "growth_exponent_write": _exponent(found, "assent_write"),
        "peak_gib": max(each["peak_gib"] for each in assent),
        "since_share": seconds["assent_since"] / seconds["assent_decisions"],
    }


def _exponent(found: dict[float, Found], name: str) -> float | None:
    """The slope of log time against log documents: least squares over the sizes."""
    points = [(math.log(s), math.log(f[name]["seconds"])) for s, f in found.items()]
    if len(points) < 2:
        return None
    slope, _ = statistics.linear_regression(*zip(*points, strict=True))
    return slope


def _say_table(found: dict[float, Found]) -> None:
    sizes = list(found)
    print(f"\n{'seconds (peak GiB)':<20}" + "".join(f"{s:>14g} M" for s in sizes))
    for name in MEASURES:
        cells = [found[size][name] for size in sizes]
        if name == CEDAR:
            shown = [f"{each['a_second']:>11,.0f} /s  " for each in cells]
        else:
            shown = [f"{e['seconds']:9.2f} ({e['peak_gib']:.2f})" for e in cells]
        print(f"{name:<20}" + "".join(f"{each:>16}" for each in shown))


if __name__ == "__main__":
    main()
