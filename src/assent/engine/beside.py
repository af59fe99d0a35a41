"""Rows that are held, with what was decided on each beside them."""

from dataclasses import dataclass
from pathlib import Path

from assent.engine.literals import text_list, text_literal


@dataclass(frozen=True, slots=True)
class Written:
    """The decisions of one instant, in files that `write_decisions` wrote.

    Args:
        every: of all documents.
        inside: of all documents, passing over the orders that take out `groups`; None
            where there are no such orders.
        groups: whose rows `inside` counts for.
    """

    every: Path
    inside: Path | None = None
    groups: tuple[str, ...] = ()


def beside_sql(held: Path, then: Written, now: Written) -> str:
    """Join held rows with the decisions of two instants, in the order of the parts.

    Args:
        held: a table with the columns `document_id`, `group` and `shard`.
        then: gives `author`, `jurisdiction` and `then`, a reason.
        now: gives `now`, a reason; a null says that nothing was decided on a row.
    """
    joins, reasons = [], {}
    for name, written in (("then", then), ("now", now)):
        joins.append(_joined(f"{name}_every", written.every))
        reasons[name] = f"{name}_every.reason"
        if written.inside is not None:
            joins.append(_joined(f"{name}_inside", written.inside))
            reasons[name] = (
                f'CASE WHEN h."group" IN ({text_list(written.groups)}) '
                f"THEN {name}_inside.reason ELSE {name}_every.reason END"
            )
    chosen = ", ".join(f'{sql} AS "{name}"' for name, sql in reasons.items())
    return (
        "SELECT h.*, then_every.subject_id AS author, then_every.jurisdiction, "
        f"{chosen} FROM {_read(held)} AS h {' '.join(joins)} "
        'ORDER BY h."group", h.shard, h.document_id'
    )


def _joined(name: str, path: Path) -> str:
    return f"LEFT JOIN {_read(path)} AS {name} ON {name}.document_id = h.document_id"


def _read(path: Path) -> str:
    return f"read_parquet({text_literal(str(path))})"
