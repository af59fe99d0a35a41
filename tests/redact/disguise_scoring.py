"""How much of a list of disguised forms a detector finds, and what it hits by mistake.

A list is JSON, one form a line: `text`, `start` and `end` of the form in it, `kind`,
`disguise`, and for people `directory`, the name that the directory knows. Innocent
lists have `text` and `looks_like`.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from assent.redact.directory import COLUMNS, Directory
from assent.redact.redactor import Redactor

Row = dict[str, Any]
Detect = Callable[[Row], Iterable[tuple[int, int]]]
"""Finds spans [start, end) in the characters of a row's `text`."""


@dataclass(frozen=True)
class Score:
    """What was found of a list.

    Args:
        found: (kind, disguise) -> forms found whole.
        asked: (kind, disguise) -> forms in the list.
        missed: ids of forms that were not found whole.
    """

    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.found.total() / self.asked.total()

    def by_kind(self) -> dict[str, tuple[int, int]]:
        """Kind -> forms found, forms asked."""
        return self._by(0)

    def by_disguise(self) -> dict[str, tuple[int, int]]:
        """Disguise -> forms found, forms asked."""
        return self._by(1)

    def _by(self, part: int) -> dict[str, tuple[int, int]]:
        return {
            name: (
                sum(n for key, n in self.found.items() if key[part] == name),
                sum(n for key, n in self.asked.items() if key[part] == name),
            )
            for name in sorted({key[part] for key in self.asked})
        }


def read(path: Path) -> list[Row]:
    """Read a list, one JSON object a line."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def score(rows: Sequence[Row], detect: Detect) -> Score:
    """Count the forms of which every letter and digit is covered."""
    result = Score()
    for row in rows:
        key = (row["kind"], row["disguise"])
        result.asked[key] += 1
        if _covered(row, detect(row)):
            result.found[key] += 1
        else:
            result.missed.append(row["id"])
    return result


def _covered(row: Row, spans: Iterable[tuple[int, int]]) -> bool:
    hidden = {at for start, end in spans for at in range(start, end)}
    return all(
        at in hidden
        for at in range(row["start"], row["end"])
        if row["text"][at].isalnum()
    )


def false_hits(rows: Sequence[Row], detect: Detect) -> list[str]:
    """List the ids of innocent texts in which anything is found."""
    return [row["id"] for row in rows if list(detect(row))]


def redactor_of(rows: Sequence[Row], key: bytes = bytes(32)) -> Redactor:
    """Make a redactor whose directory holds the people of a list, each once."""
    people: dict[str, set[str]] = {"names": set(), "handles": set()}
    for row in rows:
        if row["directory"]:
            people["handles" if row["kind"] == "handle" else "names"].add(
                row["directory"]
            )
    known = [(column, each) for column in people for each in sorted(people[column])]
    lists = pa.list_(pa.string())
    table = {
        "subject_id": pa.array([f"subject-{at}" for at in range(len(known))]),
        **{
            column: pa.array(
                [[each] if column == its else None for its, each in known], lists
            )
            for column in COLUMNS
            if column != "employer"
        },
        "employer": pa.array([None] * len(known), pa.string()),
    }
    return Redactor(Directory.from_subjects(pa.table(table), key))


def by(redactor: Redactor) -> Detect:
    """Give the redactor as a detector of one row after the other."""
    return lambda row: [
        (span.start, span.end) for span in redactor.find([row["text"]])[0]
    ]
