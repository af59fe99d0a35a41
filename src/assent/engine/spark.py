"""Run the decision query on Spark, and have texts redacted and written by its workers.

The workers read the platform's tables and write files where this process does, so both
see one file system, as one user. No text leaves the process that reads it unless it is
redacted: decisions travel without texts to the rows that they speak of, and only
redacted rows travel on, to their buckets.
"""

import re
import shutil
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from assent.engine.choice import SPARK
from assent.engine.duckdb import BATCH_ROWS, NOTHING, READ
from assent.engine.literals import text_list
from assent.engine.question import Question
from assent.engine.session import connected, spark_errors, unread
from assent.engine.sql import RESULT, decision_sql, living_sql
from assent.errors import CorpusError
from assent.files import SECRET_MODE, write_whole
from assent.terms import PROVED

# The query reads flat tables: a list is a matter of each engine.
FLAT = {
    "residences": "SELECT subject_id, r.country, r.valid_from FROM "
    "(SELECT subject_id, explode(residences) AS r FROM subjects)",
    "mentions": "SELECT document_id, explode(mentions) AS subject_id FROM documents",
}
AT_ROW = "at_row"
"""The column of a document's place in its file, counted from 0."""

MOST_ROWS = 65_536  # of documents in one task: seconds of redacting, 30 MB of text
TASKS_PER_CORE = 4  # so that a slow one does not hold up the others


class SparkEngine:
    """A session on a Spark cluster over the two tables of a platform.

    Args:
        documents: Parquet file with the columns of `sources.schema.DOCUMENTS`.
        subjects: Parquet file with the columns of `sources.schema.SUBJECTS`.
        events: the personal events, with the columns of `ledger.book.EVENTS`.
        spill: private folder that the workers share; gets a copy of the events, which
            they read from there, since a table in memory would be sent to each task.
        master: of the cluster.

    Raises:
        CorpusError: a table is missing or damaged.
        UsageError: there is no such cluster, or no Java to reach it with.
    """

    def __init__(
        self,
        documents: Path,
        subjects: Path,
        events: pa.Table,
        spill: Path,
        master: str,
    ) -> None:
        self._documents = documents.absolute()
        self._files = (self._documents, subjects.absolute())
        self._footer = _footer(self._documents)
        with spark_errors(self._files):
            self.session: SparkSession = connected(master)
        self._spill = Path(tempfile.mkdtemp(dir=spill.absolute(), prefix="spark-"))
        try:
            with spark_errors(self._files):
                self._open(events)
        except BaseException:
            self.close()
            raise

    def decide(self, question: Question) -> pa.Table:
        """Decide every document: one row each, ordered by document_id.

        Returns:
            The columns of `RESULT`. Memory of this process grows with documents, about
            150 bytes a row: for many, use `write_decisions`.

        Raises:
            CorpusError: a table is missing or damaged.
            UsageError: the cluster gave up.
        """
        with spark_errors(self._files):
            # Sorted here: to sort on the cluster it would have to decide twice, once
            # for samples.
            return _plain(self._decided(question).toArrow()).sort_by("document_id")

    def decide_with_mentions(self, question: Question) -> Iterator[pa.RecordBatch]:
        """Decide every document; give its mentions too, and no text.

        Yields:
            Batches of the columns of `RESULT` and `mentions`, in no order. Memory of
            this process grows with documents, about 150 bytes a row.

        Raises:
            CorpusError, UsageError: as `decide`.
        """
        with spark_errors(self._files):
            table = self._decided(question, "mentions").toArrow()
        yield from table.to_batches(BATCH_ROWS)

    def living(self, question: Question) -> dict[str, str | None]:
        """Say where each person lives at the instant: country, or None if not known.

        Raises:
            CorpusError, UsageError: as `decide`.
        """
        with spark_errors(self._files):
            rows = self.session.sql(living_sql(question, SPARK)).toArrow()
        people, countries = (column.to_pylist() for column in rows.columns)
        return dict(zip(people, countries, strict=True))

    def count(self, decided: Question) -> pa.Table:
        """Count decisions: reason, rule, documents, people.

        Args:
            decided: what is asked.

        Raises:
            CorpusError, UsageError: as `decide`.
        """
        with spark_errors(self._files):
            counted = self.session.sql(
                "SELECT reason, rule, COUNT(*) AS documents, COUNT(DISTINCT subject_id)"
                " AS people FROM {rows} GROUP BY reason, rule ORDER BY reason, rule",
                rows=self._decided(decided),
            )
            return _plain(counted.toArrow())

    def write_decisions(
        self, question: Question, out: Path, notes: Mapping[str, str] = NOTHING
    ) -> None:
        """Decide every document into a Parquet file, in no order.

        Args:
            question: what is asked.
            out: gets the columns of `RESULT`; its folder is private, and shared by the
                workers, who write parts there.
            notes: to be written into the file, by name.

        Raises:
            CorpusError, UsageError: as `decide`; what lies at `out` is then no file.
        """
        with spark_errors(self._files):
            self._write(self._decided(question), out, notes)

    def write_permitted(
        self, question: Question, out: Path, notes: Mapping[str, str] = NOTHING
    ) -> None:
        """Copy the permitted documents, all their columns, into a Parquet file.

        Args:
            question: what is asked.
            out: gets the columns of the documents, in no order; its folder as for
                `write_decisions`.
            notes: to be written into the file, by name.

        Raises:
            CorpusError, UsageError: as `decide`; what lies at `out` is then no file.
        """
        path = self._documents
        schema = self._footer.schema.to_arrow_schema().remove_metadata()

        def copied(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            rows = Rows(path, schema.names)
            for batch in batches:
                yield from rows.of(batch).to_batches()

        with spark_errors(self._files):
            found = self._permitted(question, ())
            copies = found.mapInArrow(copied, from_arrow_schema(schema))
            self._write(copies, out, notes)

    def spread(
        self,
        question: Question,
        redact: Callable[[pa.RecordBatch], pa.RecordBatch],
        redacted: pa.Schema,
        write: Callable[[int, pa.Table], pa.RecordBatch],
        written: pa.Schema,
        buckets: int,
    ) -> pa.Table:
        """Have the texts of permitted documents redacted and written, on the workers.

        Both functions run any number of times for the same rows, also at once, when a
        worker is lost or slow; what the last of them gave counts, once.

        Args:
            question: what is asked.
            redact: gets decisions with the columns of `READ`, gives rows with a
                number as `bucket`.
            redacted: the columns of these rows.
            write: gets the number of a bucket and all of its rows, in any order.
            written: the columns that it gives.
            buckets: how many there are.

        Returns:
            All that `write` gave, in no order.

        Raises:
            CorpusError, UsageError: as `decide`, or as the functions raise them.
        """
        path = self._documents

        def texts(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            rows = Rows(path, ["document_id", *READ])
            for batch in batches:
                found = rows.of(batch)
                for name in READ:
                    batch = batch.append_column(name, found[name].combine_chunks())
                yield redact(batch)

        def files(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            return (write(number, rows) for number, rows in by_bucket(batches))

        with spark_errors(self._files):
            return (
                self._permitted(question, RESULT[1:])
                .mapInArrow(texts, from_arrow_schema(redacted))
                .repartition(buckets, "bucket")
                .sortWithinPartitions("bucket")
                .mapInArrow(files, from_arrow_schema(written))
                .toArrow()
            )

    def close(self) -> None:
        """Remove temporary files. The session stays, for the next engine."""
        shutil.rmtree(self._spill, ignore_errors=True)

    # -- inside ------------------------------------------------------------------------

    def _open(self, events: pa.Table) -> None:
        """Give the tables the names under which the query reads them."""
        path = self._spill / "events.parquet"
        sink = pa.BufferOutputStream()
        pq.write_table(events, sink)
        write_whole(path, sink.getvalue(), SECRET_MODE)
        # Crash here: ids and choices in a private folder, no text.
        read = self.session.read.parquet
        documents = read(_read_url(self._documents)).selectExpr(
            "*", f"_metadata.row_index AS {AT_ROW}"
        )
        documents.createOrReplaceTempView("documents")
        read(_read_url(self._files[1])).createOrReplaceTempView("subjects")
        read(_read_url(path)).createOrReplaceTempView("events")
        for name, flat in FLAT.items():
            self.session.sql(flat).createOrReplaceTempView(name)

    def _decided(self, question: Question, *more: str) -> DataFrame:
        return self.session.sql(decision_sql(question, SPARK, more))

    def _permitted(self, question: Question, columns: Iterable[str]) -> DataFrame:
        """Send the permitted decisions to the tasks that read their rows, in order."""
        rows, groups = self._footer.num_rows, _row_groups(self._footer)
        cores = self.session.sparkContext.defaultParallelism
        even = -(-rows // (cores * TASKS_PER_CORE))
        # Not less than a row group, which is read whole.
        each = max(min(even, MOST_ROWS), *groups, 1)
        return (
            self._decided(question, AT_ROW)
            .where(f"reason IN ({text_list(sorted(PROVED))})")
            .select("document_id", AT_ROW, *columns)
            .selectExpr("*", f"{AT_ROW} DIV {each} AS task")
            .repartition(-(-rows // each) or 1, "task")
            .sortWithinPartitions(AT_ROW)
        )

    def _write(self, found: DataFrame, out: Path, notes: Mapping[str, str]) -> None:
        """Have the workers write parts, then make them one file, a batch at a time."""
        parts = out.absolute().with_name(f"{out.name}.parts")
        found.write.mode("overwrite").parquet(f"file://{parts}")
        paths = sorted(parts.glob("*.parquet"))
        schema = pq.read_schema(paths[0]).with_metadata(dict(notes))
        with pq.ParquetWriter(out, schema, compression="zstd") as writer:
            for path in paths:
                for batch in pq.ParquetFile(path).iter_batches(MOST_ROWS):
                    writer.write_batch(batch.cast(schema))
        shutil.rmtree(parts)


class Rows:
    """Columns of a Parquet file by row number. Memory: one row group of them.

    Args:
        path: of the file.
        columns: to be read.
    """

    def __init__(self, path: Path, columns: list[str]) -> None:
        self._file = pq.ParquetFile(path)
        self._columns = columns
        self._starts = [0, *accumulate(_row_groups(self._file.metadata))]
        self._group, self._table = -1, None

    def of(self, decisions: pa.RecordBatch) -> pa.Table:
        """Read the rows that decisions speak of, in their order.

        Args:
            decisions: with `document_id` and `at_row`, ascending.

        Raises:
            CorpusError: the table is damaged, or not the one that was decided on.
        """
        try:
            found = pa.concat_tables(self._pieces(decisions[AT_ROW]))
        except (OSError, pa.ArrowException) as error:
            raise CorpusError("a loaded table is damaged and cannot be read") from error
        if found["document_id"].combine_chunks() != decisions["document_id"]:
            raise CorpusError("a loaded table was changed while it was read")
        return found

    def _pieces(self, at: pa.Array) -> Iterator[pa.Table]:
        yield self._file.schema_arrow.empty_table().select(self._columns)
        done = 0
        while done < len(at):
            group = bisect_right(self._starts, at[done].as_py()) - 1
            start, end = self._starts[group : group + 2]
            inside = pc.sum(pc.less(at, end)).as_py() - done
            yield self._read(group).take(pc.subtract(at.slice(done, inside), start))
            done += inside

    def _read(self, group: int) -> pa.Table:
        if group != self._group:
            self._table = self._file.read_row_group(group, self._columns)
            self._group = group
        return self._table


def by_bucket(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, pa.Table]]:
    """Gather rows that are sorted by `bucket`. Memory: one bucket."""
    number = -1
    rows: list[pa.RecordBatch] = []
    for batch in batches:
        for found in pc.unique(batch["bucket"]).to_pylist():
            if found != number and rows:
                yield number, pa.Table.from_batches(rows)
                rows = []
            number = found
            rows.append(batch.filter(pc.equal(batch["bucket"], number)))
    if rows:
        yield number, pa.Table.from_batches(rows)


def _plain(table: pa.Table) -> pa.Table:
    """Leave out what Spark knows of its columns: that one of them is never null."""
    return table.cast(pa.schema([field.with_nullable(True) for field in table.schema]))


def _footer(path: Path) -> pq.FileMetaData:
    try:
        return pq.read_metadata(path)
    except (OSError, pa.ArrowException) as error:
        raise unread(str(path), (path,)) from error


def _row_groups(footer: pq.FileMetaData) -> list[int]:
    """Count the rows of each row group."""
    return [footer.row_group(n).num_rows for n in range(footer.num_row_groups)]


def _read_url(path: Path) -> str:
    """Write a path so that Spark takes no character of it for a pattern."""
    return "file://" + re.sub(r"([\\{}\[\]*?])", r"\\\1", str(path))
