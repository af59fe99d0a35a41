"""The part of the Python API that decides: who may be used, what changed, and why."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from assent.errors import UsageError
from assent.project import deciding, standing
from assent.project.place import Place
from assent.terms import Decision, Reason

if TYPE_CHECKING:
    from assent.decide.explain import Explained


class Decides:
    """What `Project` can be asked about its documents."""

    place: Place

    def decide(
        self,
        *,
        as_of: str | int | None = None,
        ledger_size: int | None = None,
        recipients: Sequence[str] | None = None,
    ) -> pa.Table:
        """Decide every document: one row each, with its reason.

        Args:
            as_of: ISO 8601 or microseconds UTC; now by default.
            ledger_size: entries known; all by default.
            recipients: of the use; the project's by default.
        """
        return deciding.decide(self.place, self._asked(as_of, ledger_size, recipients))

    def decision(self, document_id: str, *, as_of: str | int | None = None) -> Decision:
        """Decide one document.

        It costs as much as deciding all: ask `decide` for many.

        Raises:
            UsageError: no such document is loaded.
        """
        decisions = self.decide(as_of=as_of)
        rows = decisions.filter(pc.field("document_id") == document_id).to_pylist()
        if not rows:
            raise UsageError(f"document `{document_id}` is not among the loaded ones")
        row = rows[0]
        reason = Reason(row["reason"])
        return Decision(document_id, row["subject_id"], reason, row["rule"])

    def count(
        self,
        *,
        as_of: str | int | None = None,
        ledger_size: int | None = None,
        recipients: Sequence[str] | None = None,
        written: Path | None = None,
    ) -> list[deciding.Row]:
        """Count documents and people by reason and rule. Memory grows with people.

        Args:
            as_of: ISO 8601 or microseconds UTC; now by default.
            ledger_size: entries known; all by default.
            recipients: of the use; the project's by default.
            written: a file of `write_decisions` that holds the answer already.
        """
        pins = self._asked(as_of, ledger_size, recipients)
        return deciding.count(self.place, pins, written)

    def count_changes(self, path: Path) -> list[deciding.Row]:
        """Count the changes of a file that `write_decisions` wrote with `since`."""
        return deciding.count_changes(path)

    def write_decisions(
        self,
        out: Path,
        *,
        as_of: str | int | None = None,
        ledger_size: int | None = None,
        recipients: Sequence[str] | None = None,
        permitted: bool = False,
        since: str | None = None,
        since_at: str | int | None = None,
    ) -> deciding.Asked:
        """Write decisions as Parquet, mode 0600, whole or not at all.

        Args:
            out: the file. It says what was asked, for a later `since`.
            as_of: ISO 8601 or microseconds UTC; now by default.
            ledger_size: entries known; all by default.
            recipients: of the use; the project's by default.
            permitted: write the permitted documents instead, as they were loaded.
            since: write only what changed since: a file of decisions, a ledger size or
                the first digits of a head's root.
            since_at: the instant that was asked about at that size or head.

        Raises:
            UsageError: what was asked earlier cannot be found, or was another question.
        """
        pins = self._asked(as_of, ledger_size, recipients)
        if since is not None:
            at = None if since_at is None else standing.moment(since_at, 0)
            before = deciding.since(self.place, since, at, pins)
            deciding.write_changes(self.place, before, pins, out)
        elif permitted:
            deciding.write_permitted(self.place, pins, out)
        else:
            deciding.write_decisions(self.place, pins, out)
        return pins

    def explain(
        self,
        document_id: str,
        *,
        as_of: str | int | None = None,
        ledger_size: int | None = None,
        recipients: Sequence[str] | None = None,
    ) -> "tuple[Explained, list[str]]":
        """Explain the decision on one document, in words; and what was in force.

        Raises:
            UsageError: no such document is loaded.
        """
        from assent.project.explaining import explained, policies

        pins = self._asked(as_of, ledger_size, recipients)
        return explained(self.place, document_id, pins), policies(self.place, pins)

    def sql(
        self,
        dialect: str = "duckdb",
        *,
        as_of: str | int | None = None,
        recipients: Sequence[str] | None = None,
    ) -> str:
        """Write the decision query as a view for a warehouse.

        Raises:
            UsageError: the dialect is not one of `engine.sql.DIALECTS`.
        """
        return deciding.sql(self.place, self._asked(as_of, None, recipients), dialect)

    def _asked(
        self,
        as_of: str | int | None = None,
        ledger_size: int | None = None,
        recipients: Sequence[str] | None = None,
    ) -> deciding.Asked:
        at = None if as_of is None else standing.moment(as_of, 0)
        return deciding.asked(self.place, at, ledger_size, recipients)
