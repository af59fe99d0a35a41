"""Explain one document's decision from the loaded tables and the ledger."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assent.decide.explain import Case, Explained, explain, variants
from assent.engine.changes import FACTS
from assent.engine.duckdb import DuckEngine
from assent.errors import UsageError
from assent.ledger.checking import EVENTS
from assent.policy.model import in_force
from assent.project.deciding import Asked, question
from assent.project.needing import texts_by_digest
from assent.project.place import Place
from assent.sources.schema import DOCUMENTS, SUBJECTS
from assent.terms import iso

Rows = list[dict[str, Any]]


def explained(place: Place, document_id: str, pins: Asked) -> Explained:
    """Explain the decision on one document.

    It reads the loaded tables once for the rows that it needs, and decides copies of
    these few rows: about a quarter of a second for each rule.

    Raises:
        UsageError: no such document is loaded.
    """
    found = _rows(place.tables().documents, "document_id", [document_id])
    if not found:
        raise UsageError(f"document `{document_id}` is not among the loaded ones")
    asked, case = question(place, pins), _case(place, found[0], pins.ledger_size)
    documents, subjects, events = (
        pa.Table.from_pylist(rows, schema=schema)
        for rows, schema in zip(
            case.copies(), (DOCUMENTS, SUBJECTS, EVENTS), strict=True
        )
    )
    answers = {}
    spill = place.folder / ".spill"
    with closing(DuckEngine(documents, subjects, events, spill)) as engine:
        for name, narrower in variants(asked, found[0]["category"]):
            decided = engine.decide(narrower).to_pylist()
            answers[name] = {
                row["document_id"]: (row["reason"], row["rule"]) for row in decided
            }
    return explain(asked, case, answers, texts_by_digest(place))


def policies(place: Place, pins: Asked) -> list[str]:
    """Say which policies were in force."""
    versions = in_force(place.versions(pins.ledger_size), pins.as_of)
    return [
        f"policy `{each.version}` of {each.controller}, effective from "
        f"{iso(each.effective_from)}"
        for each in versions
    ] or ["no policy was in force"]


def _case(place: Place, document: dict[str, Any], size: int) -> Case:
    author = document["subject_id"]
    mentioned = {who for who in document["mentions"] or [] if who is not None}
    people = _rows(place.tables().subjects, "subject_id", [author, *mentioned])
    events = place.book.events(size)
    ids = pa.array([author, *mentioned], pa.string())
    heard = events.filter(pc.is_in(events["subject_id"], value_set=ids)).to_pylist()
    others = mentioned - {author}
    return Case(
        document=document,
        author=next((row for row in people if row["subject_id"] == author), None),
        events=[row for row in heard if row["subject_id"] == author],
        others=(
            [row for row in people if row["subject_id"] in others],
            [row for row in heard if row["subject_id"] in others],
        ),
    )


def _rows(path: Path, key: str, ids: list[str | None]) -> Rows:
    columns = [name.strip() for name in FACTS[path.stem].split(",")]
    wanted = [each for each in ids if each is not None]
    table = pq.read_table(path, columns=columns, filters=[(key, "in", wanted)])
    rows: Rows = table.to_pylist()
    return rows
