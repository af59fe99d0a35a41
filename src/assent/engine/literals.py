"""Values as SQL literals, and named parts of a query."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlglot import exp


class Part(NamedTuple):
    """One named part of a query: what it holds, in words, and its SELECT."""

    name: str
    says: str
    select: str


def values_table(columns: Sequence[str], rows: Iterable[Sequence[str | int]]) -> str:
    """Write a small table as a SELECT; an empty one keeps its columns, of texts."""
    listed = [f"({', '.join(map(_literal, row))})" for row in rows]
    if not listed:
        # One row that can match nothing, filtered away, gives the columns a type.
        blanks = ", ".join(f"CAST(NULL AS TEXT) AS {column}" for column in columns)
        return f"SELECT * FROM (SELECT {blanks}) AS nothing WHERE 1 = 0"
    return f"SELECT * FROM (VALUES {', '.join(listed)}) AS t({', '.join(columns)})"


def _literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) else text_literal(value)


def text_literal(value: str) -> str:
    """Quote a text."""
    return exp.Literal.string(value).sql(dialect="duckdb")


def text_list(values: Iterable[str]) -> str:
    """Quote texts, with commas between."""
    return ", ".join(text_literal(value) for value in values)
