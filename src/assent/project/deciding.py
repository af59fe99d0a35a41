"""Decide a project's documents: count, write, and tell what changed since.

What was asked is pinned in every file that is written: the instant, the ledger's size,
the tables. With it the same question is asked again, years later or as the start of a
step, and answered the same.
"""

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assent.canon import canonical
from assent.engine.question import Question
from assent.engine.sql import DIALECTS, view_sql
from assent.errors import LedgerError, UsageError
from assent.files import file_sha256, private_draft
from assent.project import standing
from assent.project.config import FILE
from assent.project.place import Place
from assent.sources.parquet import Tables
from assent.terms import Reason, iso

PINS = "assent:asked"
CHOICES = "assent:choices"
ROOT_DIGITS = 8
"""Of a head's root, at least, to name it by."""

Row = list[str | int]


@dataclass(frozen=True, slots=True)
class Asked:
    """What pins a decision: with it the same question is asked again.

    Args:
        as_of: microseconds UTC.
        ledger_size: entries known.
        recipients: of the use.
        documents: sha256 of the documents table.
        subjects: sha256 of the subjects table.
        config: sha256 of `assent.toml`, which declares the labels.
    """

    as_of: int
    ledger_size: int
    recipients: tuple[str, ...]
    documents: str
    subjects: str
    config: str

    def line(self) -> str:
        """Say how a later run can go on from here."""
        return (
            f"decided as of {iso(self.as_of)}, as known at ledger size "
            f"{self.ledger_size}"
        )


def asked(
    place: Place,
    as_of: int | None = None,
    ledger_size: int | None = None,
    recipients: Sequence[str] | None = None,
) -> Asked:
    """Pin a question on the latest load: by default now, all that is known, all in use.

    Raises:
        LedgerError: the ledger never had this size, or a recipient is not declared.
        UsageError: nothing is loaded.
    """
    standing.check_recipients(place, recipients or ())
    tables = place.tables()
    return Asked(
        as_of=place.clock() if as_of is None else as_of,
        ledger_size=standing.known_size(place, ledger_size),
        recipients=tuple(sorted(set(recipients or place.config.recipients))),
        documents=tables.documents_sha256,
        subjects=tables.subjects_sha256,
        config=file_sha256(place.folder / FILE),
    )


def question(place: Place, pins: Asked) -> Question:
    """Compile the question that the pins stand for."""
    return place.question(pins.as_of, pins.ledger_size, pins.recipients)


def decide(place: Place, pins: Asked) -> pa.Table:
    """Decide every document: one row each, ordered by id. Memory grows with rows."""
    with closing(place.engine(pins.ledger_size)) as engine:
        return engine.decide(question(place, pins))


def count(place: Place, pins: Asked, written: Path | None = None) -> list[Row]:
    """Count documents and people by reason and rule, in the order of the reasons.

    Args:
        place: the open project.
        pins: what is asked.
        written: a file that holds the answer already.
    """
    if written:
        with closing(place.embedded(pins.ledger_size)) as here:
            rows = here.count(written).to_pylist()
    else:
        with closing(place.engine(pins.ledger_size)) as engine:
            rows = engine.count(question(place, pins)).to_pylist()
    columns = ("reason", "rule", "documents", "people")
    order = {str(reason): n for n, reason in enumerate(Reason)}
    rows.sort(key=lambda row: (order[row["reason"]], -row["documents"], row["rule"]))
    return [[row[name] for name in columns] for row in rows]


def count_changes(path: Path) -> list[Row]:
    """Count changed decisions by kind of change, reason and rule."""
    columns = ["change", "reason", "rule"]
    table = pq.read_table(path, columns=columns)
    counted = table.group_by(columns).aggregate([([], "count_all")])
    rows = counted.select([*columns, "count_all"]).to_pylist()
    return sorted([value or "" for value in row.values()] for row in rows)


def write_decisions(place: Place, pins: Asked, out: Path) -> None:
    """Write every decision as Parquet, mode 0600, whole or not at all."""
    with closing(place.engine(pins.ledger_size)) as engine, private_draft(out) as draft:
        engine.write_decisions(question(place, pins), draft, _notes(place, pins))


def write_permitted(place: Place, pins: Asked, out: Path) -> None:
    """Write the permitted documents, as they were loaded, whole or not at all.

    Nothing is removed from the texts: the file is for pipelines of the platform's own,
    mode 0600. What leaves the platform is built with `build`.
    """
    with closing(place.engine(pins.ledger_size)) as engine, private_draft(out) as draft:
        engine.write_permitted(question(place, pins), draft, _notes(place, pins))


def write_changes(place: Place, before: Asked, pins: Asked, out: Path) -> int:
    """Write the decisions that changed since an earlier question, and count them.

    Args:
        place: the open project.
        before: what was asked earlier, as `since` finds it.
        pins: what is asked now.
        out: replaced whole; `change` says `new`, `changed` or `gone`.

    Raises:
        UsageError: the earlier question was asked for other recipients or under other
            labels, or its tables are gone: only deciding all again is safe. Or the
            engine is not DuckDB.
    """
    if place.on_cluster:
        raise UsageError(
            "what changed is found by DuckDB alone, in this process",
            hint="leave `--engine` out: it decides only what the change touches",
        )
    if (before.recipients, before.config) != (pins.recipients, pins.config):
        raise UsageError(
            f"the earlier decisions are for {', '.join(before.recipients)} under "
            f"`{FILE}` {before.config[:16]}, these are for "
            f"{', '.join(pins.recipients)} under {pins.config[:16]}",
            hint="decide all again: leave `--since` out",
        )
    was = None
    if (before.documents, before.subjects) != (pins.documents, pins.subjects):
        old = _load_of(place, before)
        was = (old.documents, old.subjects)
    size = max(before.ledger_size, pins.ledger_size)
    with closing(place.embedded(size)) as engine, private_draft(out) as draft:
        earlier, later = question(place, before), question(place, pins)
        return engine.write_changes(earlier, later, draft, was, _notes(place, pins))


def since(place: Place, text: str, at: int | None, pins: Asked) -> Asked:
    """Find what was asked earlier: in a file of decisions, or at a head of the ledger.

    Args:
        place: the open project.
        text: a file that `decide` wrote; else a ledger size, or the first digits of a
            signed head's root. At a head the load is the latest that was made by then.
        at: the instant that was asked about at a head; by default the time of its last
            entry.
        pins: what is asked now.

    Raises:
        UsageError: the file says no question, or the text is neither.
        LedgerError: no such head was signed.
    """
    path = Path(text)
    if path.is_file():
        return _read_pins(path)
    size = _head_size(place, text)
    if at is None:
        at = place.book.recorded_at(size - 1) if size else 0
    tables = place.tables_at(size)
    return replace(
        pins,
        as_of=at,
        ledger_size=size,
        documents=tables.documents_sha256,
        subjects=tables.subjects_sha256,
    )


def sql(place: Place, pins: Asked, dialect: str) -> str:
    """Write the decision query as a view for a warehouse.

    Raises:
        UsageError: no such dialect.
    """
    if dialect not in DIALECTS:
        raise UsageError(
            f"dialect `{dialect}` is unknown, wanted one of {', '.join(DIALECTS)}"
        )
    return view_sql(question(place, pins), dialect)


# -- inside ----------------------------------------------------------------------------


def _notes(place: Place, pins: Asked) -> dict[str, str]:
    notes = {PINS: canonical(asdict(pins)).decode()}
    return notes | ({CHOICES: place.config.note} if place.config.note else {})


def _read_pins(path: Path) -> Asked:
    try:
        value = json.loads((pq.read_metadata(path).metadata or {})[PINS.encode()])
        return Asked(**{**value, "recipients": tuple(value["recipients"])})
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"`{path.name}` does not say what was asked",
            hint="name a file that `assent decide --out` wrote, or a ledger size",
        ) from error


def _head_size(place: Place, text: str) -> int:
    if text.isdigit() and len(text) < ROOT_DIGITS:
        return standing.known_size(place, int(text))
    found = place.book.sizes_of(text) if len(text) >= ROOT_DIGITS else []
    if len(found) != 1:
        raise LedgerError(
            f"`{text}` names {len(found)} heads of this ledger, wanted one",
            hint="name a ledger size, a head's root, or a file of decisions",
        )
    return found[0]


def find_load(place: Place, documents: str, subjects: str) -> Tables | None:
    """Find the load whose tables have these digests; None where it is gone."""
    for tables in place.loads():
        if (tables.documents_sha256, tables.subjects_sha256) == (documents, subjects):
            tables.check_digests()
            return tables
    return None


def _load_of(place: Place, pins: Asked) -> Tables:
    found = find_load(place, pins.documents, pins.subjects)
    if found is None:
        raise UsageError(
            f"the load with documents {pins.documents[:16]} is not here any more",
            hint="decide all again: leave `--since` out",
        )
    return found
