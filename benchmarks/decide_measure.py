"""One measurement in a process of its own: seconds, peak memory, and what came out.

    python decide_measure.py NAME FOLDER SAMPLE

The input files are read once before the clock starts, so that no measurement pays for
the disk and none profits from another's cache. All write Zstandard without fsync:
documents with DuckDB's own settings, decisions, ours and the peer's, at level 1.
"""

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from decide_data import Platform, load
from decide_labels import BEFORE
from decide_question import question, raw

from assent.engine.duckdb import DuckEngine
from assent.engine.literals import text_list
from assent.terms import PROVED

WRITER = "FORMAT parquet, COMPRESSION zstd"
OUT = "out.parquet"


def assent(platform: Platform) -> DuckEngine:
    """Open the engine as a project opens it, with its own limit of memory."""
    names = ("documents", "subjects", "events")
    spill = platform.folder / "spill"
    spill.mkdir(exist_ok=True)
    return DuckEngine(*map(platform.path, names), spill)


def raw_all(platform: Platform) -> None:
    """Copy every row: the limit of reading and writing all."""
    raw().execute(_copy(platform, f"FROM '{platform.path('documents')}'"))


def raw_permitted(platform: Platform) -> None:
    """Copy a file that holds exactly the permitted rows: the hard limit."""
    raw().execute(_copy(platform, f"FROM '{platform.path('permitted')}'"))


def raw_filtered(platform: Platform) -> None:
    """Copy the permitted rows out of all, their row numbers known beforehand."""
    source = f"read_parquet('{platform.path('documents')}', file_row_number = true)"
    rows = f"SELECT document_row FROM '{platform.path('rows')}'"
    chosen = f"FROM {source} WHERE file_row_number IN ({rows})"
    raw().execute(_copy(platform, f"SELECT * EXCLUDE file_row_number {chosen}"))


def assent_decide(platform: Platform) -> dict[str, float]:
    """Decide every document with its reason and rule; nothing is written."""
    asked = question(ledger_size=platform.events)
    counted = assent(platform).count(asked, people=False).to_pylist()
    return {
        "documents": sum(row["documents"] for row in counted),
        "permitted": sum(r["documents"] for r in counted if r["reason"] in PROVED),
    }


def assent_decisions(platform: Platform) -> None:
    """Write every decision: the full run."""
    assent(platform).write_decisions(
        question(ledger_size=platform.events), platform.folder / OUT
    )


def assent_write(platform: Platform) -> None:
    """Decide, and write the permitted documents."""
    assent(platform).write_permitted(
        question(ledger_size=platform.events), platform.folder / OUT
    )


def assent_since(platform: Platform) -> dict[str, float]:
    """Write the decisions that changed in a day with 0.1 % new events."""
    changed = assent(platform).write_changes(
        question(BEFORE, platform.known_before),
        question(ledger_size=platform.events),
        platform.folder / OUT,
    )
    return {"changed": changed}


def polars_decide(platform: Platform) -> dict[str, float]:
    """The hand-written join: how many are permitted."""
    import decide_polars

    return {"permitted": decide_polars.count(platform)}


def polars_decisions(platform: Platform) -> None:
    """The hand-written join: every decision written, without a reason."""
    import decide_polars

    decide_polars.write(platform, platform.folder / OUT)


def cedar(platform: Platform) -> dict[str, float]:
    """A decision at a time, on a sample; its own clock runs around the calls alone."""
    import decide_cedar

    return decide_cedar.measure(platform, int(sys.argv[3]))


MEASURES: dict[str, Callable[[Platform], dict[str, float] | None]] = {
    each.__name__: each
    for each in (
        *(raw_all, raw_permitted, raw_filtered),
        *(assent_decide, assent_decisions, assent_write, assent_since),
        *(polars_decide, polars_decisions, cedar),
    )
}


def _copy(platform: Platform, query: str) -> str:
    return f"COPY ({query}) TO '{platform.folder / OUT}' ({WRITER})"


def _written(out: Path) -> dict[str, int]:
    """What a measurement wrote: rows, bytes, and a digest of the permitted ids."""
    table = duckdb.read_parquet(str(out))
    ((rows,),) = table.count("*").fetchall()
    if "reason" in table.columns:
        table = table.filter(f"reason IN ({text_list(PROVED)})")
    elif "permitted" in table.columns:
        table = table.filter("permitted")
    ((ids,),) = table.aggregate("bit_xor(hash(document_id))").fetchall()
    return {"rows": rows, "bytes": out.stat().st_size, "permitted_ids": ids}


def _peak_gib() -> float:
    """The most memory that was resident; `getrusage` would count the parent's too."""
    status = Path("/proc/self/status").read_text()
    (kib,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(kib) / 2**20


def _warm(platform: Platform) -> None:
    for path in platform.folder.glob("*.parquet"):
        with path.open("rb") as stream:
            while stream.read(1 << 24):
                pass


def main() -> None:
    """Run one measurement and print it as a line of JSON."""
    name, platform = sys.argv[1], load(Path(sys.argv[2]))
    (platform.folder / OUT).unlink(missing_ok=True)
    _warm(platform)
    started = time.perf_counter()
    found = MEASURES[name](platform) or {}
    seconds, peak = time.perf_counter() - started, _peak_gib()
    out = platform.folder / OUT
    if out.exists():
        found |= _written(out)
        out.unlink()
    print(json.dumps({"seconds": seconds, "peak_gib": peak, **found}))


if __name__ == "__main__":
    main()
