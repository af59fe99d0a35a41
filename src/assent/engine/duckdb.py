"""Run the decision query on DuckDB, embedded in this process."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from assent.engine.question import Question
from assent.engine.sql import decision_sql
from assent.errors import CorpusError, UsageError

BATCH_ROWS = 8_192

# The query reads flat tables: a list is a matter of each engine.
FLAT = {
    "residences": "SELECT subject_id, r.country, r.valid_from FROM "
    "(SELECT subject_id, unnest(residences) AS r FROM subjects)",
    "mentions": "SELECT document_id, unnest(mentions) AS subject_id FROM documents",
}
MEMORY_LIMIT = "2GB"

# How the engine's messages begin. While rows stream, Arrow passes its errors on as an
# OSError with the same text, so the text is all that tells them apart.
_RAN_OUT = ("Out of Memory Error", "IO Error")
_CLASSED = re.compile(r"[A-Za-z ]+ Error: ")


@contextmanager
def _engine_errors(tables: Iterable[Path]) -> Iterator[None]:
    """Name what ran out or is damaged; other errors are mistakes of ours, and rise.

    Args:
        tables: the files that the engine reads.

    Raises:
        CorpusError: one of them is missing or damaged.
        UsageError: memory, or the disk for what does not fit in it, ran out.
    """
    try:
        yield
    except (duckdb.Error, OSError) as error:
        text = str(error)
        for path in tables:
            if str(path) in text:
                raise CorpusError(
                    f"`{path.name}` of the load `{path.parent.name}` cannot be read",
                    hint="load the export again: `assent load`",
                ) from error
        if text.startswith(_RAN_OUT):
            raise UsageError(
                "the decision ran out of memory, or of disk for what does not fit "
                "in it",
                hint="free some of both, then run the same command again",
            ) from error
        if not _CLASSED.match(text):
            # Only the decoder of Parquet's own headers raises without a class.
            raise CorpusError(
                "a loaded table is damaged and cannot be read",
                hint="load the export again: `assent load`",
            ) from error
        raise


class DuckEngine:
    """One in-memory DuckDB over the two tables of a platform.

    Args:
        documents: Parquet file with the columns of `sources.schema.DOCUMENTS`.
        subjects: Parquet file with the columns of `sources.schema.SUBJECTS`.
        events: Arrow table of the personal events, as `ledger` reads them.
        spill: folder for what does not fit into memory.
        memory_limit: what the engine may take before it spills, as DuckDB writes it.

    Raises:
        CorpusError: a table is missing or damaged.
    """

    def __init__(
        self,
        documents: Path,
        subjects: Path,
        events: pa.Table,
        spill: Path,
        memory_limit: str = MEMORY_LIMIT,
    ) -> None:
        self._tables = (documents, subjects)
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "temp_directory": str(spill),
                "preserve_insertion_order": "false",
                "memory_limit": memory_limit,
            },
        )
        # The defaults are stated: another default would turn a NULL into a yes.
        self._connection.execute("SET default_null_order = 'nulls_last'")
        self._connection.execute("SET TimeZone = 'UTC'")
        try:
            with _engine_errors(self._tables):
                for name, path in (("documents", documents), ("subjects", subjects)):
                    self._connection.read_parquet(str(path)).create_view(name)
                for name, flat in FLAT.items():
                    self._connection.execute(f"CREATE VIEW {name} AS {flat}")
        except BaseException:
            self.close()
            raise
        self._connection.register("events", events)

    def decide(self, question: Question) -> pa.Table:
        """Decide every document: one row each, ordered by document_id.

        Returns:
            Columns document_id, subject_id, category, created_at, jurisdiction,
            reason, rule. Memory grows with documents, about 150 bytes a row.

        Raises:
            CorpusError: a table is missing or damaged.
            UsageError: memory or the disk for what does not fit in it ran out.
        """
        query = f"SELECT * FROM ({decision_sql(question)}) ORDER BY document_id"
        with _engine_errors(self._tables):
            return self._connection.sql(query).to_arrow_table()

    def decide_with_text(self, question: Question) -> Iterator[pa.RecordBatch]:
        """Decide every document and stream it with its text and mentions.

        Yields:
            Batches of the columns of `decide`, `text` and `mentions`, in no order.

        Raises:
            CorpusError, UsageError: as `decide`, at any batch.
        """
        query = (
            f"SELECT v.*, t.text, t.mentions FROM ({decision_sql(question)}) AS v "
            "JOIN documents AS t USING (document_id)"
        )
        with _engine_errors(self._tables):
            yield from self._connection.sql(query).to_arrow_reader(BATCH_ROWS)

    def close(self) -> None:
        """Release memory and temporary files."""
        self._connection.close()
