"""How many events a second `assent ledger import` takes from a Parquet file.

python benchmarks/ledger_import.py [ROWS]    (default 5,000,000)

Both passes count: all rows are checked before the first is appended. One person in ten
rows, who is enrolled by a row of her own; every append is durable.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assent import Project
from assent.sources.schema import DOCUMENTS, SUBJECTS

ROWS = 5_000_000
ROWS_A_PERSON = 10
STEP = 1_000  # microseconds from event to event
START = 1_735_689_600_000_000  # 2025-01-01T00:00:00Z
NOTICE = "ab" * 32
PART = 100_000


def import_events(scale: float = 1.0) -> dict[str, float]:
    """Import a share of `ROWS` events into a new project: events a second."""
    people = max(int(ROWS * scale) // ROWS_A_PERSON, 1)
    wanted = people * ROWS_A_PERSON
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        write_events(place / "events.parquet", people)
        with Project.init(place / "project", origin="bench.example/ledger") as project:
            project.load("parquet", *write_tables(place, people))
            began = time.perf_counter()
            [done] = project.import_events([place / "events.parquet"])
            seconds = time.perf_counter() - began
            if (done.appended, project.place.book.size) != (wanted, wanted):
                raise SystemExit(f"{project.place.book.size} entries, wanted {wanted}")
    return {"import_per_s": wanted / seconds}


def write_tables(folder: Path, people: int) -> tuple[Path, Path]:
    """Write the smallest platform with so many people: one document."""
    document = {
        "document_id": "d",
        "subject_id": person(0),
        "category": "post",
        "created_at": START,
        "text": "text",
    }
    subjects = [{"subject_id": person(n), "country": "FR"} for n in range(people)]
    paths = folder / "documents.parquet", folder / "subjects.parquet"
    pq.write_table(pa.Table.from_pylist([document], schema=DOCUMENTS), paths[0])
    pq.write_table(pa.Table.from_pylist(subjects, schema=SUBJECTS), paths[1])
    return paths


def write_events(path: Path, people: int) -> None:
    """Write every person's events, in the order of time: the file as it is exported."""
    names = ("subject_id", "kind", "happened_at", "notice", "channel", "language")
    kinds = (pa.string(), pa.string(), pa.int64(), *[pa.string()] * 3)
    schema = pa.schema(list(zip(names, kinds, strict=True)))
    with pq.ParquetWriter(path, schema, compression="zstd") as out:
        at = START
        for number in range(ROWS_A_PERSON):
            kind = ("given", "refused", "withdrawn")[number % 3]
            kind = kind if number else "enrolled"
            for first in range(0, people, PART):
                size = min(PART, people - first)
                columns = [
                    [person(first + n) for n in range(size)],
                    [kind] * size,
                    [at + STEP * n for n in range(size)],
                    [NOTICE if kind == "given" else None] * size,
                    ["web"] * size,
                    ["en"] * size,
                ]
                out.write_table(pa.table(columns, schema=schema))
                at += STEP * size


def person(number: int) -> str:
    """Name a person."""
    return f"u{number:08}"


if __name__ == "__main__":
    print(json.dumps(import_events(int(sys.argv[1]) / ROWS if sys.argv[1:] else 1.0)))
