"""A corpus made by many processes: what each of them does to a batch or to a bucket.

A task travels to the workers of a cluster. They read the pinned directory and write
into the spill of the draft, so both lie on a file system that all of them share.
"""

import hashlib
import pkgutil
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assent.corpus.draft import WRITER, write_apart
from assent.corpus.reading import (
    Place,
    labelled,
    placed,
    redacted,
    unfinished,
    usable,
)
from assent.corpus.tables import ROWS, Bucket, measures_path, part_path, split
from assent.errors import CorpusError
from assent.files import SECRET_MODE, write_whole
from assent.redact.directory import Directory
from assent.redact.redactor import Redactor
from assent.redact.settings import Settings

BUCKET = pa.field("bucket", pa.int32())
TASK_ROWS = pa.schema([BUCKET, *ROWS])
"""Redacted rows, each with the number of its bucket."""

MADE = pa.schema(
    [
        pa.field("path", pa.string()),
        pa.field("sha256", pa.string()),
        pa.field("rows", pa.int64()),
        pa.field("bytes", pa.int64()),
        pa.field("name", pa.string()),  # in the spill, until it is adopted
        pa.field("maker", pa.string()),
    ]
)
"""One row a file that a worker made."""

_LIBRARIES = ("google-re2", "numpy", "phonenumbers", "python-stdnum")
_CODE = ("draft", "reading", "spread", "tables")  # and all of `redact`


@dataclass(frozen=True, slots=True)
class Task:
    """What every process of a build knows.

    Args:
        place: where the plan puts a subject of a group.
        group_of: jurisdiction to group of the plan.
        planned: the buckets; a bucket's number is its place here.
        done: those whose files are finished.
        directory: file of the pinned directory.
        digest: of the directory.
        key: of the directory, to find those who left.
        settings: how spans are replaced.
        agreed: file of those whose names may be kept; None: of nobody.
        drop_above: share of a text's characters; of which more is removed, is in no
            part.
        spill: folder that finished files are left in.
    """

    place: Place
    group_of: Mapping[str | None, str]
    planned: tuple[Bucket, ...]
    done: frozenset[Bucket]
    directory: Path
    digest: str
    key: bytes
    settings: Settings
    agreed: Path | None
    drop_above: float
    spill: Path

    def redact(self, decisions: pa.RecordBatch) -> pa.RecordBatch:
        """Redact the used texts of a batch of decisions: rows of `TASK_ROWS`. Pure.

        Raises:
            CorpusError: the directory is not the one that the plan pins.
        """
        numbers = {bucket: number for number, bucket in enumerate(self.planned)}
        used = usable(labelled(decisions, self.group_of))
        rows = unfinished(placed(used, self.place, frozenset(numbers)), self.done)
        redactor = _redactor(
            self.directory, self.digest, self.key, self.settings, self.agreed
        )
        found = [
            row | {"bucket": numbers[bucket]}
            for bucket, row in redacted(rows, redactor, self.drop_above)
        ]
        return pa.RecordBatch.from_pylist(found, schema=TASK_ROWS)

    def write(self, number: int, rows: pa.Table) -> pa.RecordBatch:
        """Write the two files of a bucket into the spill: rows of `MADE`.

        Args:
            number: of the bucket.
            rows: all of its rows, in any order.
        """
        bucket = self.planned[number]
        part, measures = split(rows)
        made = []
        for path, table in (
            (measures_path(bucket), measures),
            (part_path(bucket), part),
        ):
            name, entry = write_apart(table, path, self.spill)
            made.append(asdict(entry) | {"name": name, "maker": maker()})
        return pa.RecordBatch.from_pylist(made, schema=MADE)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Many processes that carry out a task.

    Args:
        carry_out: has `redact` done to every batch of decisions with texts, then
            `write` to every bucket; gives all rows of `MADE`, in any order.
        pinned: file of the directory, which every worker reads.
        key: of the directory.
        settings: how spans are replaced.
        agreed: whose names may be kept.
        group_of: jurisdiction to group of the plan.
    """

    carry_out: Callable[[Task], pa.Table]
    pinned: Path
    key: bytes
    settings: Settings
    agreed: frozenset[str] | None
    group_of: Mapping[str | None, str]


def write_agreed(agreed: frozenset[str] | None, spill: Path) -> Path | None:
    """Write whose names may be kept where every worker reads it; None: of nobody."""
    if not agreed:
        return None
    path = spill.absolute() / "agreed.parquet"
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"subject_id": pa.array(sorted(agreed))}), sink)
    write_whole(path, sink.getvalue(), SECRET_MODE)
    # Crash here: ids in a spill that the next run throws away.
    return path


@cache
def maker() -> str:
    """Name everything of this process that could change a byte of a part."""
    code = hashlib.sha256()
    for name in _CODE:
        code.update(pkgutil.get_data(__package__, f"{name}.py") or b"")
    for file in sorted(files("assent.redact").iterdir(), key=lambda each: each.name):
        if file.is_file():  # code, and the model of names
            code.update(file.name.encode() + b"\0" + file.read_bytes())
    versions = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    python = f"python {platform.python_version()}"
    return f"{WRITER}, {python}, {versions}, {code.hexdigest()[:16]}"


@lru_cache(maxsize=1)  # a process that has many tasks reads it once
def _redactor(
    path: Path, digest: str, key: bytes, settings: Settings, agreed: Path | None
) -> Redactor:
    directory = Directory.read(path, key)
    if directory.digest != digest:
        raise CorpusError(
            f"the directory has the digest {directory.digest}, wanted {digest}"
        )
    subjects = None
    if agreed is not None:
        subjects = pq.read_table(agreed)["subject_id"].to_pylist()
    return Redactor(directory, settings, subjects)
