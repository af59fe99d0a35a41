"""Which engine decides: DuckDB in this process, or Spark on a cluster."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from assent.engine.question import Question
from assent.errors import UsageError

if TYPE_CHECKING:
    from assent.engine.spark import SparkEngine

DUCKDB, SPARK = "duckdb", "spark"
MASTER = re.compile(r"spark://[^\s/]+|local(\[[0-9*]+\])?|yarn|k8s://\S+")


class Engine(Protocol):
    """Answers questions over the tables of a platform, the same on every engine."""

    def decide(self, question: Question) -> pa.Table:
        """Decide every document: the columns of `RESULT`, ordered by document_id."""

    def living(self, question: Question) -> dict[str, str | None]:
        """Say where each person lives at the instant: country, or None if not known."""

    def count(self, decided: Question) -> pa.Table:
        """Count decisions: reason, rule, documents, people."""

    def write_decisions(
        self, question: Question, out: Path, notes: Mapping[str, str] = ...
    ) -> None:
        """Decide every document into a Parquet file, in no order."""

    def write_permitted(
        self, question: Question, out: Path, notes: Mapping[str, str] = ...
    ) -> None:
        """Copy the permitted documents, all their columns, into a Parquet file."""

    def close(self) -> None:
        """Release memory and temporary files."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An engine by name, and where its cluster is.

    Args:
        name: `duckdb` or `spark`.
        master: of Spark, such as `spark://host:7077`; empty for DuckDB.

    Raises:
        UsageError: no such engine, or it has no master, or a master that it cannot use.
    """

    name: str = DUCKDB
    master: str = ""

    def __post_init__(self) -> None:
        if self.name not in (DUCKDB, SPARK):
            raise UsageError(
                f"engine `{self.name}` is unknown, wanted {DUCKDB} or {SPARK}"
            )
        if self.name == DUCKDB and self.master:
            raise UsageError(
                f"`{self.master}` is a master of Spark, and the engine is {DUCKDB}",
                hint="add `--engine spark`, or leave `--master` out",
            )
        if self.name == SPARK and not MASTER.fullmatch(self.master):
            raise UsageError(
                f"`{self.master}` is no master of Spark",
                hint="name one: `--master spark://HOST:PORT`, or `local[2]` to try it",
            )


EMBEDDED = Choice()
"""DuckDB, in this process."""


def open_spark(
    documents: Path, subjects: Path, events: pa.Table, spill: Path, master: str
) -> "SparkEngine":
    """Open Spark over the tables of a platform; see `SparkEngine`.

    Raises:
        CorpusError: a table is missing or damaged.
        UsageError: Spark is not installed, or there is no such cluster.
    """
    try:
        from assent.engine.spark import SparkEngine
    except ImportError as error:
        raise UsageError(
            f"the engine {SPARK} is not installed: no module `{error.name}`",
            hint="pip install 'assent[run,spark]'",
        ) from error
    return SparkEngine(documents, subjects, events, spill, master)
