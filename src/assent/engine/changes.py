"""Which decisions can have changed between two questions, without deciding all.

Decisions change with new entries of the ledger, with time (a notice becomes old
enough, a consent ends, a year begins), with new or other rows of the platform, and with
rules or orders. For all but the last only some people and documents are touched: these
are decided under both questions, and what differs is the change. A superset is safe
here; a person left out is not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from assent.engine.question import Question
from assent.engine.sql import RESULT
from assent.terms import DAY, instant

CHANGES = (*RESULT, "change")
"""`change` is `new`, `changed` or `gone`; of a document that is gone only the id."""

FACTS = {
    "documents": "document_id, subject_id, category, created_at, mentions",
    "subjects": "subject_id, country, birth_year, age_band, tier, residences",
}
"""The columns of the platform's tables that a decision can depend on."""


@dataclass(frozen=True, slots=True)
class Step:
    """From one question to a later one.

    Args:
        before: what was asked earlier.
        after: what is asked now.
        same_tables: the platform's tables are those of the earlier question; else the
            earlier ones are `was_documents` and `was_subjects`.
    """

    before: Question
    after: Question
    same_tables: bool = True

    @property
    def same_rules(self) -> bool:
        """Whether only time and the ledger went on."""
        moved = replace(
            self.before,
            as_of=self.after.as_of,
            ledger_size=self.after.ledger_size,
        )
        return moved == self.after

    def people(self) -> str:
        """Select the people whom the step may touch; some twice."""
        return "\nUNION ALL\n".join([*self._by_ledger(), *self._by_rows()])

    @property
    def document_facts(self) -> str:
        """The columns of a document, in SQL, as far as one of the questions asks."""
        if any(each.depends_on_mentions for each in (self.before, self.after)):
            return FACTS["documents"]
        # Lists are slow to read, and here nobody asks for them.
        return FACTS["documents"].replace("mentions", "NULL::VARCHAR[] AS mentions")

    def documents(self) -> list[str]:
        """List the conditions, each alone enough, under which it touches a document."""
        found = ["subject_id IN (FROM main.touched_people)", self._passed("created_at")]
        named = []
        if self.after.depends_on_mentions:
            named.append(
                "SELECT m.document_id FROM main.mentions AS m "
                "JOIN main.touched_people AS p ON p.subject_id = m.subject_id"
            )
        if not self.same_tables:
            named += _differing("documents")
        if named:
            found.append(f"document_id IN ({' UNION ALL '.join(named)})")
        return found

    def _by_ledger(self) -> Iterator[str]:
        first, last = sorted((self.before.ledger_size, self.after.ledger_size))
        days = {0, *(rule.notice_days for rule in self.after.rules)}
        times = [
            self._passed(column, number)
            for number in sorted(days)
            for column in ("happened_at", "recorded_at")
        ]
        passed = " OR ".join([*times, self._passed("valid_until")])
        yield (
            f"SELECT subject_id FROM events WHERE entry < {last} "
            f"AND (entry >= {first} OR {passed})"
        )

    def _by_rows(self) -> Iterator[str]:
        yield f"SELECT subject_id FROM residences WHERE {self._passed('valid_from')}"
        years = [instant(each.as_of).year for each in (self.before, self.after)]
        if years[0] != years[1]:
            # Everybody grows older, and nobody is counted twice as old as she is.
            yield "SELECT subject_id FROM subjects WHERE birth_year IS NOT NULL"
        if not self.same_tables:
            yield from _differing("subjects")

    def _passed(self, column: str, days: int = 0) -> str:
        """Whether an instant lies between the two questions, some days later."""
        first, last = sorted((self.before.as_of, self.after.as_of))
        wait = days * DAY
        return f"({column} > {first - wait} AND {column} <= {last - wait})"


def differing(was: str, now: str) -> str:
    """Select what differs between two tables of decisions: the columns of CHANGES."""
    columns = ", ".join(
        f"CASE WHEN n.document_id IS NULL THEN NULL ELSE n.{name} END AS {name}"
        for name in RESULT[1:]
    )
    same = " AND ".join(
        f"w.{name} IS NOT DISTINCT FROM n.{name}" for name in RESULT[1:]
    )
    return f"""
SELECT COALESCE(n.document_id, w.document_id) AS document_id, {columns},
  CASE WHEN w.document_id IS NULL THEN 'new' WHEN n.document_id IS NULL THEN 'gone'
    ELSE 'changed' END AS change
FROM {was} AS w FULL JOIN {now} AS n ON n.document_id = w.document_id
WHERE w.document_id IS NULL OR n.document_id IS NULL OR NOT ({same})"""


def _differing(table: str) -> Iterator[str]:
    """Select the ids of rows that one table has and the other has not."""
    key = FACTS[table].split(",")[0]
    now, was = (
        f"SELECT {FACTS[table]} FROM {prefix}{table}" for prefix in ("", "was_")
    )
    yield f"SELECT {key} FROM ({now} EXCEPT {was})"
    yield f"SELECT {key} FROM ({was} EXCEPT {now})"
