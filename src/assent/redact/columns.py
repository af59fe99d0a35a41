"""Parquet: read in batches of rows, and written back with some columns replaced.

All other columns stay as they are, with their types; so do nulls and the schema's
metadata. Row groups are written anew.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assent.errors import CorpusError
from assent.redact.bulk import Batch, Outcome
from assent.redact.directory import Near
from assent.redact.nested import Owners, leaves, path_of
from assent.redact.reading import MEGABYTE, megabytes
from assent.redact.redactor import BATCH_CHARACTERS
from assent.sources.parquet import unreadable

READ_BYTES = 4 * MEGABYTE
READ_ROWS = 16_384
"""Rows are read by so many, or by fewer, if they are long."""

GROUP_BYTES = 32 * MEGABYTE
GROUP_ROWS = 1 << 17
"""A row group is written once it holds so much."""

_PACKINGS = frozenset({"none", "snappy", "gzip", "brotli", "lz4", "zstd"})


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of one batch, and where its texts stand in them.

    Args:
        rows: the record batch.
        texts: of all its documents.
        valid: for each column of texts, which of its leaves are texts.
    """

    rows: pa.RecordBatch
    texts: Sequence[str]
    valid: Sequence[Any]


class Columns:
    """A Parquet file, open to read.

    Args:
        file: the file.
        name: what messages call it.
        columns: those that hold texts, such as `text` or `messages.content`, through
            structs and lists.
        near: columns with ids of the subjects that take part, or lists of them.
        longest: bytes of the longest document.

    Raises:
        CorpusError: a column is missing, or holds no text.
    """

    def __init__(
        self,
        file: pq.ParquetFile,
        name: str,
        columns: Sequence[str],
        near: Sequence[str],
        longest: int,
    ) -> None:
        self._file, self._name, self._longest = file, name, longest
        self.schema = schema = file.schema_arrow
        self._columns = [path_of(schema, column, name) for column in columns]
        self._near = [path_of(schema, column, name, ids=True) for column in near]
        for path in self._columns:
            field = schema.field(path[0])
            if pa.types.is_dictionary(field.type):
                # Which codes it needs is not known before all texts are.
                at = schema.get_field_index(path[0])
                plain = field.with_type(field.type.value_type)
                self.schema = self.schema.set(at, plain)

    @property
    def packing(self) -> str:
        """How the file's first column is packed, by the name that a writer knows."""
        metadata = self._file.metadata
        if not metadata.num_row_groups or not metadata.num_columns:
            return "zstd"
        found = metadata.row_group(0).column(0).compression.lower()
        others = {"uncompressed": "none", "lz4_raw": "lz4"}
        found = others.get(found, found)
        return found if found in _PACKINGS else "zstd"

    @property
    def kept(self) -> list[str]:
        """Names of the columns that stay as they are."""
        changed = {path[0] for path in self._columns}
        return [name for name in self.schema.names if name not in changed]

    def questions(self) -> Iterator[tuple[Batch, _Part]]:
        """Read it. Raises: CorpusError: damaged, not UTF-8, or a text is too long."""
        row = 0
        for number in range(self._file.num_row_groups):
            group = self._file.metadata.row_group(number)
            each = max(1, group.total_byte_size // max(1, group.num_rows))
            rows = min(READ_ROWS, max(1, READ_BYTES // each))
            found = self._file.iter_batches(rows, row_groups=[number])
            while (batch := self._next(found)) is not None:
                yield from self._divided(batch, row)
                row += batch.num_rows

    def _next(self, found: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
        with readable(self._name):
            return next(found, None)

    def _divided(
        self, rows: pa.RecordBatch, first: int
    ) -> Iterator[tuple[Batch, _Part]]:
        """Cut rows so that no batch is large, whatever the rows hold."""
        sizes = np.zeros(rows.num_rows, np.int64)
        for path in self._columns:
            values, owners, _ = leaves(rows, path)
            lengths = pc.fill_null(pc.binary_length(values), 0).to_numpy(False)
            np.add.at(sizes, owners, lengths)
        if len(sizes) and sizes.max() > self._longest:
            row = first + int(sizes.argmax()) + 1
            raise CorpusError(
                f"`{self._name}`, row {row}: a document is longer than "
                f"{megabytes(self._longest)}",
                hint="raise `--longest`, at 70 bytes of memory a byte, or cut it up",
            )
        ends = np.cumsum(sizes)
        begin = 0
        while begin < rows.num_rows:
            base = ends[begin - 1] if begin else 0
            end = int(np.searchsorted(ends, base + BATCH_CHARACTERS, "left")) + 1
            end = min(end, rows.num_rows)
            yield self._batch(rows.slice(begin, end - begin), first + begin)
            begin = end

    def _batch(self, rows: pa.RecordBatch, first: int) -> tuple[Batch, _Part]:
        texts: list[str] = []
        owners, valid = [], []
        for path in self._columns:
            values, of, _ = leaves(rows, path)
            some = pc.is_valid(values).to_numpy(False)
            texts += self._strings(values.filter(pa.array(some)), of[some], path, first)
            owners.append(of[some])
            valid.append(some)
        owner = np.concatenate(owners).tolist()
        batch = Batch(rows.num_rows, texts, owner, self._who(rows))
        return batch, _Part(rows, texts, valid)

    def _who(self, rows: pa.RecordBatch) -> Near | None:
        """Gather who takes part in each row."""
        if not self._near:
            return None
        near: list[set[str]] = [set() for _ in range(rows.num_rows)]
        for path in self._near:
            values, of, _ = leaves(rows, path)
            for owner, subject in zip(of.tolist(), values.to_pylist(), strict=True):
                if subject is not None:
                    near[owner].add(str(subject))
        return near

    def _strings(
        self, values: pa.Array, owners: Owners, path: Sequence[str], first: int
    ) -> list[str]:
        try:
            found: list[str] = values.to_pylist()
            return found
        except UnicodeDecodeError:
            at = next(n for n, value in enumerate(values) if not _is_utf8(value))
        raise CorpusError(
            f"column `{'.'.join(path)}` of `{self._name}` is not UTF-8 in row "
            f"{first + int(owners[at]) + 1}",
            hint="export it again as UTF-8",
        )

    def written(self, part: _Part, outcome: Outcome) -> pa.RecordBatch:
        """Put a batch's texts back, without the rows that are dropped."""
        rows = part.rows
        texts: list[str | None] = list(part.texts)
        for number, text in outcome.changed.items():
            texts[number] = text
        done = 0
        for path, some in zip(self._columns, part.valid, strict=True):
            values, _, rebuild = leaves(rows, path)
            new, done = texts[done : done + int(some.sum())], done + int(some.sum())
            if len(new) < len(some):
                valid = iter(new)
                new = [next(valid) if each else None for each in some.tolist()]
            at = rows.schema.get_field_index(path[0])
            column = rebuild(pa.array(new, values.type))
            rows = rows.set_column(at, self.schema.field(at), column)
        return _without(rows, outcome.dropped) if outcome.dropped else rows


def _without(rows: pa.RecordBatch, dropped: Collection[int]) -> pa.RecordBatch:
    kept = np.ones(rows.num_rows, np.bool_)
    kept[list(dropped)] = False
    try:
        return rows.filter(pa.array(kept))
    except pa.ArrowNotImplementedError:  # as of string views
        bounds = pairwise([-1, *sorted(dropped), rows.num_rows])
        return pa.concat_batches(
            [rows.slice(0, 0)]
            + [rows.slice(a + 1, b - a - 1) for a, b in bounds if b - a > 1]
        )


@contextmanager
def columns_of(
    path: Path, columns: Sequence[str], near: Sequence[str], longest: int
) -> Iterator[Columns]:
    """Open a Parquet file. Raises: CorpusError: it is none, or has other columns."""
    with readable(path.name):
        # Small reads: else a row group of a gigabyte is read at once.
        file = pq.ParquetFile(path, buffer_size=MEGABYTE, pre_buffer=False)
    with file:
        yield Columns(file, path.name, columns, near, longest)


@contextmanager
def rows_to(
    stream: BinaryIO, source: Columns
) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """Give what writes rows to a new Parquet file, packed as the source is."""
    pending: list[pa.RecordBatch] = []
    packing = source.packing
    with pq.ParquetWriter(stream, source.schema, compression=packing) as writer:

        def write(rows: pa.RecordBatch) -> None:
            pending.append(rows)
            size = sum(each.nbytes for each in pending)
            count = sum(each.num_rows for each in pending)
            if size >= GROUP_BYTES or count >= GROUP_ROWS:
                flush()

        def flush() -> None:
            if pending:
                table = pa.Table.from_batches(pending, source.schema)
                writer.write_table(table, row_group_size=max(1, len(table)))
                pending.clear()

        yield write
        flush()


@contextmanager
def readable(name: str) -> Iterator[None]:
    """Turn what a Parquet reader says about a broken file into one clear error."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
    else:
        return
    raise unreadable(name)


def _is_utf8(value: pa.Scalar) -> bool:
    try:
        value.as_py()
    except UnicodeDecodeError:
        return False
    return True
