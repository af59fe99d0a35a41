"""Run the decision query on DuckDB, embedded in this process."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from assent.engine.beside import Written, beside_sql
from assent.engine.changes import FACTS, Step, differing
from assent.engine.literals import text_literal
from assent.engine.question import Question
from assent.engine.sql import count_sql, decision_sql, living_sql, permitted_sql
from assent.errors import CorpusError, UsageError

BATCH_ROWS = 8_192
READ = ("text", "mentions", "near")
"""Columns of a document that redaction reads."""
MEMORY_LIMIT = "3GB"
ROW = "file_row_number"
# Ids and times are written as differences to the one before: smaller than a stronger
# compression makes them, in two thirds of the time.
DECISIONS = ("PARQUET_VERSION v2", "COMPRESSION_LEVEL 1", "DICTIONARY_SIZE_LIMIT 1000")
NOTHING: Mapping[str, str] = MappingProxyType({})

# The query reads flat tables: a list is a matter of each engine.
FLAT = {
    "residences": "SELECT subject_id, r.country, r.valid_from FROM "
    "(SELECT subject_id, unnest(residences) AS r FROM subjects)",
    "mentions": "SELECT document_id, unnest(mentions) AS subject_id FROM documents",
}

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

    Each table is a Parquet file, or an Arrow table where it is small.

    Args:
        documents: with the columns of `sources.schema.DOCUMENTS`.
        subjects: with the columns of `sources.schema.SUBJECTS`.
        events: the personal events, with the columns of `ledger.book.EVENTS`.
        spill: folder for what does not fit into memory.
        memory_limit: what the engine may take before it spills, as DuckDB writes it.

    Raises:
        CorpusError: a table is missing or damaged.
    """

    def __init__(
        self,
        documents: Path | pa.Table,
        subjects: Path | pa.Table,
        events: Path | pa.Table,
        spill: Path,
        memory_limit: str = MEMORY_LIMIT,
    ) -> None:
        tables = {"documents": documents, "subjects": subjects, "events": events}
        self._files: list[Path] = []
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
            self._open(tables)
            for name, flat in FLAT.items():
                self._connection.execute(f"CREATE VIEW {name} AS {flat}")
        except BaseException:
            self.close()
            raise

    def decide(self, question: Question) -> pa.Table:
        """Decide every document: one row each, ordered by document_id.

        Returns:
            The columns of `RESULT`. Memory grows with documents, about 150 bytes a row:
            for many, use `write_decisions`.

        Raises:
            CorpusError: a table is missing or damaged.
            UsageError: memory or the disk for what does not fit in it ran out.
        """
        query = f"SELECT * FROM ({decision_sql(question)}) ORDER BY document_id"
        with _engine_errors(self._files):
            return self._connection.sql(query).to_arrow_table()

    def decide_with_text(self, question: Question) -> Iterator[pa.RecordBatch]:
        """Decide every document and stream it with what redaction reads.

        Yields:
            Batches of the columns of `RESULT` and of `READ`, in no order.

        Raises:
            CorpusError, UsageError: as `decide`, at any batch.
        """
        query = decision_sql(question, more=READ)
        with _engine_errors(self._files):
            yield from self._connection.sql(query).to_arrow_reader(BATCH_ROWS)

    def living(self, question: Question) -> dict[str, str | None]:
        """Say where each person lives at the instant: country, or None if not known.

        Raises:
            CorpusError, UsageError: as `decide`.
        """
        with _engine_errors(self._files):
            rows = self._connection.execute(living_sql(question)).fetchall()
        return dict(rows)

    def count(self, decided: Question | Path, people: bool = True) -> pa.Table:
        """Count decisions: reason, rule, documents, people. Memory grows with people.

        Args:
            decided: what is asked, or a file that `write_decisions` wrote.
            people: count them too, each once for a reason and rule.

        Raises:
            CorpusError, UsageError: as `decide`.
        """
        if isinstance(decided, Path):
            query = (
                "SELECT reason, rule, COUNT(*) AS documents, "
                "COUNT(DISTINCT subject_id) AS people "
                f"FROM read_parquet({text_literal(str(decided))}) "
                "GROUP BY reason, rule"
            )
        else:
            query = count_sql(decided, people)
        with _engine_errors(self._files):
            return self._connection.sql(query).to_arrow_table()

    def write_decisions(
        self, question: Question, out: Path, notes: Mapping[str, str] = NOTHING
    ) -> None:
        """Decide every document into a Parquet file, in no order.

        Memory grows with people and events, about 0.1 kB each, not with documents.

        Args:
            question: what is asked.
            out: gets the columns of `RESULT`.
            notes: to be written into the file, by name.

        Raises:
            CorpusError, UsageError: as `decide`; what lies at `out` is then no file.
        """
        self._copy(decision_sql(question), out, notes, DECISIONS)

    def write_permitted(
        self, question: Question, out: Path, notes: Mapping[str, str] = NOTHING
    ) -> None:
        """Copy the permitted documents, all their columns, into a Parquet file.

        The documents are a Parquet file, too. Memory grows by some 4 bits for each.

        Args:
            question: what is asked.
            out: gets the columns of the documents, in no order.
            notes: to be written into the file, by name.

        Raises:
            CorpusError, UsageError: as `decide`; what lies at `out` is then no file.
        """
        columns = self._connection.view("documents").columns
        with _engine_errors(self._files):
            self._number_rows()
            # First which rows, by their ids alone; then their texts, and no others.
            chosen = (
                f"SELECT {ROW} // 64 AS word, "
                f"BIT_OR(1::UBIGINT << ({ROW} % 64)::UBIGINT) AS bits "
                f"FROM ({permitted_sql(question, [ROW])}) GROUP BY word"
            )
            self._table("chosen", chosen, "numbered")
        self._connection.execute("SET search_path = 'main'")
        query = (
            f"SELECT {', '.join(columns)} FROM numbered.documents "
            f"JOIN chosen ON word = {ROW} // 64 "
            f"WHERE (bits >> ({ROW} % 64)::UBIGINT) & 1 = 1"
        )
        self._copy(query, out, notes)
        self._connection.execute("DROP TABLE chosen; DROP SCHEMA numbered CASCADE")

    def write_changes(
        self,
        before: Question,
        after: Question,
        out: Path,
        was: tuple[Path, Path] | None = None,
        notes: Mapping[str, str] = NOTHING,
    ) -> int:
        """Write the decisions that differ between two questions into a Parquet file.

        With the earlier decisions they make the later ones: replace those of the same
        document, and leave out what is gone. Once on an engine: it leaves tables there.

        Args:
            before: what was asked earlier.
            after: what is asked now.
            out: gets the columns of `CHANGES`.
            was: the earlier documents and subjects; None when they are the same.
            notes: to be written into the file, by name.

        Returns:
            How many differ.

        Raises:
            CorpusError, UsageError: as `decide`; what lies at `out` is then no file.
        """
        if was:
            self._open({"was_documents": was[0], "was_subjects": was[1]})
        step = Step(before, after, same_tables=was is None)
        with _engine_errors(self._files):
            earlier, later = (
                self._narrowed(step) if step.same_rules else self._whole(step)
            )
            self._table("was_decided", decision_sql(before), earlier)
            self._table("now_decided", decision_sql(after), later)
        self._connection.execute("SET search_path = 'main'")
        self._copy(differing("was_decided", "now_decided"), out, notes)
        return int(pq.read_metadata(out).num_rows)

    def beside(
        self, held: Path, then: Written, now: Written
    ) -> Iterator[pa.RecordBatch]:
        """Stream held rows with what was decided on each: see `beside_sql`.

        What is sorted spills: memory stays under the engine's limit.

        Raises:
            CorpusError, UsageError: as `decide`, at any batch.
        """
        with _engine_errors(self._files):
            rows = self._connection.sql(beside_sql(held, then, now))
            yield from rows.to_arrow_reader(BATCH_ROWS)

    def close(self) -> None:
        """Release memory and temporary files."""
        self._connection.close()

    # -- inside ------------------------------------------------------------------------

    def _open(self, tables: Mapping[str, Path | pa.Table]) -> None:
        self._files += [each for each in tables.values() if isinstance(each, Path)]
        with _engine_errors(self._files):
            for name, table in tables.items():
                if isinstance(table, Path):
                    self._connection.read_parquet(str(table)).create_view(name)
                else:
                    self._connection.register(name, table)

    def _copy(
        self, query: str, out: Path, notes: Mapping[str, str], more: Sequence[str] = ()
    ) -> None:
        options = ["FORMAT parquet", "COMPRESSION zstd", *more]
        if notes:
            pairs = [
                f"{text_literal(key)}: {text_literal(note)}"
                for key, note in notes.items()
            ]
            options.append(f"KV_METADATA {{{', '.join(pairs)}}}")
        with _engine_errors(self._files):
            self._connection.execute(
                f"COPY ({query}) TO {text_literal(str(out))} ({', '.join(options)})"
            )

    def _number_rows(self) -> None:
        """Make a schema in which each document has the number of its row."""
        source = self._connection.read_parquet(
            str(self._files[0]), file_row_number=True
        )
        self._connection.execute("CREATE SCHEMA numbered")
        source.create_view("numbered_documents")
        self._connection.execute(
            "CREATE VIEW numbered.documents AS FROM main.numbered_documents"
        )
        for name in ("subjects", "events", "residences", "mentions"):
            self._connection.execute(f"CREATE VIEW numbered.{name} AS FROM main.{name}")

    def _table(self, name: str, query: str, schema: str) -> None:
        self._connection.execute(f"SET search_path = '{schema}'")
        self._connection.execute(f"CREATE TABLE main.{name} AS {query}")

    def _whole(self, step: Step) -> tuple[str, str]:
        """Rules changed: everything is decided under both."""
        was = "main" if step.same_tables else self._schema("was", "was_", step)
        return was, "main"

    def _narrowed(self, step: Step) -> tuple[str, str]:
        """Keep only what the step may touch; name the schemas of both questions."""
        touched = f"SELECT DISTINCT * FROM ({step.people()})"
        self._connection.execute(f"CREATE TABLE touched_people AS {touched}")
        now = self._schema("now", "", step)
        if step.same_tables:
            return now, now
        return self._schema("was", "was_", step), now

    def _schema(self, name: str, prefix: str, step: Step) -> str:
        """Make a schema in which the query finds the tables under their own names.

        Args:
            name: of the schema.
            prefix: of the tables in the main one.
            step: where only time and the ledger went on, keeps what it may touch.
        """
        execute = self._connection.execute
        execute(f"CREATE SCHEMA {name}")
        kind, people = "VIEW", ""
        documents = f"SELECT {step.document_facts} FROM main.{prefix}documents"
        if step.same_rules:
            kind = "TABLE"
            kept = [f"{documents} WHERE {each}" for each in step.documents()]
            documents = " UNION ".join(kept)
            people = f"""
 WHERE subject_id IN (SELECT subject_id FROM {name}.documents UNION ALL
   SELECT unnest(mentions) FROM {name}.documents)"""
        subjects = f"SELECT {FACTS['subjects']} FROM main.{prefix}subjects{people}"
        execute(f"CREATE {kind} {name}.documents AS {documents}")
        execute(f"CREATE {kind} {name}.subjects AS {subjects}")
        execute(f"CREATE {kind} {name}.events AS FROM main.events{people}")
        execute(f"SET search_path = '{name}'")
        for table, flat in FLAT.items():
            execute(f"CREATE {kind} {name}.{table} AS {flat}")
        execute("SET search_path = 'main'")
        return name
