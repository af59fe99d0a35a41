"""Files redacted one by one: Parquet, JSON lines or plain text, and nothing else.

For whoever wants only this: no project, no ledger. A result is whole or absent, and
everything is read in batches, so memory does not grow with a file.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, NamedTuple

from assent.errors import UsageError
from assent.files import Unbuffered, whole_stream
from assent.redact.bulk import Doing, Tally
from assent.redact.columns import columns_of, rows_to
from assent.redact.jsonl import Fields, JsonLines
from assent.redact.reading import LONGEST, called, opened, packed, unpacked
from assent.redact.text import PlainText, Unit

STREAM = Path("-")
"""Standard input or output."""

COLUMN = "text"
"""The column that is redacted where none is named."""


class Format(StrEnum):
    """How a file holds its documents."""

    PARQUET = "parquet"  # a row each
    JSONL = "jsonl"  # a line each
    TEXT = "text"


ENDINGS = {
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".txt": Format.TEXT,
    ".text": Format.TEXT,
    ".md": Format.TEXT,
    ".log": Format.TEXT,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be redacted in each file.

    Args:
        columns: that hold texts; none for plain text.
        near: that hold subjects who take part; none for plain text.
        unit: what a document is in plain text.
        longest: bytes of the longest document.
    """

    columns: Sequence[str] = ()
    near: Sequence[str] = ()
    unit: Unit = Unit.PARAGRAPH
    longest: int = LONGEST


class Done(NamedTuple):
    """What became of a file.

    Args:
        tally: of all its documents.
        kept: columns that stayed as they were, if it has columns; known for Parquet.
    """

    tally: Tally
    kept: Sequence[str] = ()


class Pair(NamedTuple):
    """A file, where its result goes, and the format of both; `STREAM` is neither."""

    source: Path
    target: Path
    kind: Format


Progress = Callable[[Tally], None]


def format_of(path: Path) -> Format:
    """Tell a file's format by its name. Raises: UsageError: it does not say."""
    ending = Path(unpacked(path, path.name)).suffix.lower()
    if ending not in ENDINGS:
        raise UsageError(
            f"`{called(path)}` does not say its format: it ends in none of "
            f"{', '.join(ENDINGS)}",
            hint="say it with `--format`",
        )
    return ENDINGS[ending]


def redact_file(
    pair: Pair, wanted: Wanted, doing: Doing, progress: Progress | None = None
) -> Done:
    """Redact a file into another one, which is whole or absent.

    A stream is written as results come; whole or absent holds for files.

    Args:
        pair: the file and the result.
        wanted: what is to be redacted.
        doing: what redacts batches, see `bulk.workers`.
        progress: called after each batch with all that is done.

    Raises:
        UsageError: a file is not there, or the disk is full.
        CorpusError: the source is not as wanted; see the formats.
    """
    if pair.kind is Format.PARQUET:
        return _parquet(pair, wanted, doing, progress)
    reader: PlainText | JsonLines
    tally, name = Tally(), called(pair.source)
    with _reading(pair.source) as source, _writing(pair.target) as write:
        if pair.kind is Format.TEXT:
            reader = PlainText(source, name, wanted.unit, wanted.longest)
        else:
            columns, near = wanted.columns or (COLUMN,), wanted.near
            reader = JsonLines(source, Fields(name, columns, near, wanted.longest))
        for _, made, part in doing(reader.questions()):
            write(made)
            tally += part
            if progress is not None:
                progress(tally)
    return Done(tally)


def _parquet(
    pair: Pair, wanted: Wanted, doing: Doing, progress: Progress | None
) -> Done:
    columns, tally = wanted.columns or (COLUMN,), Tally()
    with (
        columns_of(pair.source, columns, wanted.near, wanted.longest) as reader,
        whole_stream(pair.target) as whole,
        rows_to(whole, reader) as write,
    ):
        for rows, outcome, part in doing(reader.questions()):
            write(reader.written(rows, outcome))
            tally += part
            if progress is not None:
                progress(tally)
    return Done(tally, reader.kept)


@contextmanager
def _reading(source: Path) -> Iterator[BinaryIO]:
    if source == STREAM:
        with open(0, "rb", closefd=False) as stream:
            yield stream
    else:
        with opened(source) as stream:
            yield stream


@contextmanager
def _writing(target: Path) -> Iterator[Callable[[bytes], object]]:
    if target == STREAM:
        # Nothing is held back that a reader who has gone would leave to the end.
        with Unbuffered(1, "wb", closefd=False) as stream:
            yield stream.write
    else:
        with whole_stream(target) as whole, packed(whole, target) as stream:
            yield stream.write
