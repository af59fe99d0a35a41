"""Values as SQL literals."""

from collections.abc import Iterable, Sequence

from sqlglot import exp


def values_table(
    name: str, columns: tuple[str, ...], rows: Iterable[Sequence[object]]
) -> str:
    """Write a small table of literals; an empty one keeps its columns and types."""
    listed = [tuple(row) for row in rows]
    head = f"{name}({', '.join(columns)})"
    if not listed:
        # One row that can match nothing, filtered away, gives the columns a type.
        blanks = ", ".join(f"{_blank(column)} AS {column}" for column in columns)
        return f"{name} AS (SELECT * FROM (SELECT {blanks}) AS none WHERE 1 = 0)"
    body = ", ".join("(" + ", ".join(map(_literal, row)) + ")" for row in listed)
    return f"{head} AS (SELECT * FROM (VALUES {body}) AS t({', '.join(columns)}))"


def _blank(column: str) -> str:
    numeric = column.endswith(("_no", "_before", "_time"))
    return f"CAST(NULL AS {'BIGINT' if numeric else 'TEXT'})"


def _literal(value: object) -> str:
    if value is None:
        return "CAST(NULL AS BIGINT)"
    if isinstance(value, int):
        return f"CAST({value} AS BIGINT)"
    return text_literal(str(value))


def text_literal(value: str) -> str:
    """Quote a text."""
    return exp.Literal.string(value).sql(dialect="duckdb")


def text_list(values: Iterable[str]) -> str:
    """Quote texts, with commas between."""
    return ", ".join(text_literal(value) for value in values)
