"""Take names back that a corpus kept, because somebody agrees no more.

Only what is written in the corpus is needed, not the texts as they once were: the
bucket becomes what a build without her agreement makes of it, to the byte.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assent.corpus.reading import measured
from assent.corpus.tables import ROWS
from assent.redact.keeping import Kept
from assent.redact.redactor import Redacted
from assent.redact.settings import Settings
from assent.redact.spans import Kind


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Whose names are not kept any more.

    Args:
        subjects: who agrees no more.
        settings: as the corpus was redacted with.
    """

    subjects: frozenset[str] = frozenset()
    settings: Settings = field(default_factory=Settings)

    def touches(self, measures: pa.Table) -> bool:
        """Say whether a bucket keeps a name of theirs."""
        if not self.subjects or "kept" not in measures.column_names:
            return False
        rows = measures["kept"].to_pylist()
        return any(_theirs(row, self.subjects) for row in rows)

    def applied(
        self, part: pa.Table, measures: pa.Table, drop_above: float
    ) -> pa.Table:
        """Redact the texts that name them once more: all rows of the bucket.

        Args:
            part: of the bucket.
            measures: of the same.
            drop_above: as the corpus was built with.

        Returns:
            Rows of `ROWS`; those that are in no part have no text.
        """
        texts = {row["document_id"]: row for row in part.to_pylist()}
        rows = []
        for row in measures.to_pylist():
            document = row["document_id"]
            row |= texts.get(document, {"text": None, "created_at": None})
            kept = row.setdefault("kept", None)
            if _theirs(kept, self.subjects):
                counts = {kind: row[kind.value] for kind in Kind if row[kind.value]}
                names = [
                    Kept(each["start"], each["end"], tuple(each["bearers"]))
                    for each in kept
                ]
                left = Redacted(row["text"], counts, tuple(names)).without(
                    self.subjects, self.settings, document
                )
                before = row["characters_before"]
                row |= measured(before, left, drop_above, self.settings, document)
            rows.append(row)
        return pa.Table.from_pylist(rows, schema=ROWS)


NOBODY = TakenBack()


def staying(rows: pa.Table, gone: pa.Array) -> pa.Table:
    """Leave out the rows of some documents."""
    return rows.filter(pc.invert(pc.is_in(rows["document_id"], gone)))


def _theirs(kept: list[Any] | None, subjects: Collection[str]) -> bool:
    return any(bearer in subjects for each in kept or () for bearer in each["bearers"])
