"""Small files to redact, also in processes of their own, which may be killed.

It imports no test: a process that is started anew loads all of it.
"""

import json
import multiprocessing
import os
import signal
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assent.redact.bulk import Tally, Work, workers
from assent.redact.directory import Directory
from assent.redact.files import Done, Pair, Wanted, format_of, redact_file
from assent.redact.redactor import Settings
from assent.redact.spans import Kind

KEY = bytes(range(32))
NAMES = Directory.of({Kind.NAME: ["Anna Lee"], Kind.HANDLE: ["anna_lee99"]}, KEY)
WORK = Work(NAMES, Settings())
ALL = Wanted()
TEXT = "Anna Lee, a@b.example: see https://c.example"
REDACTED = "[name], [email]: see [url]"


def redact(
    source: Path,
    target: Path,
    wanted: Wanted = ALL,
    work: Work = WORK,
    jobs: int = 1,
) -> Done:
    with workers(work, jobs) as doing:
        return redact_file(Pair(source, target, format_of(source)), wanted, doing)


def written(path: Path, rows: pa.Table) -> Path:
    """Write rows to a Parquet file."""
    pq.write_table(rows, path)
    return path


def many(path: Path, rows: int) -> Path:
    """Make a file of so many documents, each of a kilobyte."""
    text = [f"{number} {TEXT} " + "so it goes on " * 60 for number in range(rows)]
    if path.suffix == ".parquet":
        # One row group, whatever its size: others write them so.
        pq.write_table(
            pa.table({"text": text, "more": text}), path, row_group_size=rows
        )
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps({"text": each}) + "\n" for each in text))
    else:
        path.write_text("\n\n".join(text))
    return path


def peak(source: Path) -> int:
    """Redact a file. Returns: bytes that Python, NumPy and Arrow held at most."""
    usual = pa.default_memory_pool()
    counted = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(counted)
    tracemalloc.start()
    try:
        redact(source, source.with_name(f"new-{source.name}"))
        return tracemalloc.get_traced_memory()[1] + int(counted.max_memory())
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(usual)


def run_and_kill(folder: Path, batches: int) -> int:
    """Redact in a process that kills itself after so many batches; its exit code."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=redact_and_die, args=(folder, batches))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def redact_and_die(folder: Path, batches: int) -> None:
    left = [batches]

    def die(tally: Tally) -> None:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    for source in sorted(folder.glob("in/*")):
        with workers(Work(NAMES, Settings())) as doing:
            pair = Pair(source, folder / "out" / source.name, format_of(source))
            redact_file(pair, Wanted(), doing, die)
