"""Run the decision query on DuckDB, embedded in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from assent.engine.sql import Question, decision_sql
from assent.errors import UsageError

BATCH_ROWS = 8_192


@contextmanager
def _engine_errors() -> Iterator[None]:
    """Name what ran out; other errors of the engine are mistakes of ours, and rise.

    Raises:
        UsageError: memory, or the disk for what does not fit in it.
    """
    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        raise UsageError(
            "the decision ran out of memory, or of disk for what does not fit in it",
            hint="free some of both, then run the same command again",
        ) from error


class DuckEngine:
    """One in-memory DuckDB over the two tables of a platform.

    Args:
        documents: Parquet file with the columns of `sources.schema.DOCUMENTS`.
        subjects: Parquet file with the columns of `sources.schema.SUBJECTS`.
        events: Arrow table of the personal events, as `ledger` reads them.
        spill: folder for what does not fit into memory.
    """

    def __init__(
        self, documents: Path, subjects: Path, events: pa.Table, spill: Path
    ) -> None:
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "temp_directory": str(spill),
                "preserve_insertion_order": "false",
                "memory_limit": "2GB",
            },
        )
        # The defaults are stated: another default would turn a NULL into a yes.
        self._connection.execute("SET default_null_order = 'nulls_last'")
        self._connection.execute("SET TimeZone = 'UTC'")
        for name, path in (("documents", documents), ("subjects", subjects)):
            self._connection.read_parquet(str(path)).create_view(name)
        self._connection.register("events", events)

    def decide(self, question: Question) -> pa.Table:
        """Decide every document: one row each, ordered by document_id.

        Returns:
            Columns document_id, subject_id, category, created_at, jurisdiction,
            reason, rule. Memory grows with documents, about 150 bytes a row.

        Raises:
            UsageError: memory or the disk for what does not fit in it ran out.
        """
        query = f"SELECT * FROM ({decision_sql(question)}) ORDER BY document_id"
        with _engine_errors():
            return self._connection.sql(query).to_arrow_table()

    def decide_with_text(self, question: Question) -> pa.RecordBatchReader:
        """Decide every document and stream it with its text and mentions.

        Returns:
            Batches of the columns of `decide`, `text` and `mentions`, in no order.

        Raises:
            UsageError: as `decide`.
        """
        query = (
            f"SELECT v.*, t.text, t.mentions FROM ({decision_sql(question)}) AS v "
            "JOIN documents AS t USING (document_id)"
        )
        with _engine_errors():
            return self._connection.sql(query).to_arrow_reader(BATCH_ROWS)

    def close(self) -> None:
        """Release memory and temporary files."""
        self._connection.close()
