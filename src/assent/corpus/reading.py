"""Decisions are read: who is dropped and why, and which bucket each text goes into.

What is done to a batch is pure, so that one process and the tasks of a cluster do the
same to it, in whatever order the batches come.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from assent.canon import sha256
from assent.corpus.tables import (
    DROPPED,
    MENTIONS,
    ROWS,
    Bucket,
    Tables,
    part_path,
    too_much,
)
from assent.errors import CorpusError, DeniedError
from assent.files import full_disk_named
from assent.redact.redactor import Redacted, Redactor
from assent.redact.settings import Settings
from assent.redact.spans import Kind
from assent.terms import PROVED

Place = Callable[[str, str], tuple[int, int]]
"""(group, subject_id) to (shard, slice_index): the plan's, a pure function."""

Row = dict[str, object]

UNDECIDED = "undecided"
NO_GROUP = "no_group"
_DECIDED = (
    *("document_id", "subject_id", "category", "created_at"),
    *("allowed", "reason", "rule", "group"),
)
_REDACTED = (
    *("document_id", "subject_id", "category", "created_at", "reason", "rule"),
    *("group", "shard", "slice", "text"),
)
_PENDING_CHARACTERS = 8_000_000


def labelled(
    batch: pa.RecordBatch, group_of: Mapping[str | None, str]
) -> pa.RecordBatch:
    """Say of each decision whether it allows, and which group its author belongs to.

    Args:
        batch: decisions, as an engine gives them.
        group_of: jurisdiction to group of the plan.
    """
    reasons = batch.column("reason").to_pylist()
    places = batch.column("jurisdiction").to_pylist()
    allowed = pa.array([reason in PROVED for reason in reasons], pa.bool_())
    groups = pa.array([group_of.get(each) for each in places], pa.string())
    return batch.append_column("allowed", allowed).append_column("group", groups)


def usable(batch: pa.RecordBatch) -> pa.Table:
    """Choose the rows of a batch whose texts are used: allowed, and in a group.

    Raises:
        CorpusError: not a batch of decisions.
        DeniedError: allowed for a reason that proves nothing.
    """
    table = _checked(batch)
    allowed = pc.fill_null(table["allowed"], False)
    _check_proved(table.filter(allowed))
    return table.filter(pc.and_(allowed, pc.is_valid(table["group"])))


def placed(used: pa.Table, place: Place, planned: Collection[Bucket]) -> pa.Table:
    """Add to each used row the `shard` and the `slice` that the plan puts it in.

    Raises:
        CorpusError: a document outside the plan.
    """
    found = []
    columns = (used[name].to_pylist() for name in ("group", "subject_id"))
    for number, (group, subject) in enumerate(zip(*columns, strict=True)):
        shard, slice_index = place(group, subject)
        if (group, shard) not in planned:
            raise CorpusError(
                f"document `{used['document_id'][number]}` falls into "
                f"`{group}/{shard}`, which the plan does not have",
                hint="seal a plan whose groups are the regions of the policy",
            )
        found.append((shard, slice_index))
    shards, slices = zip(*found, strict=True) if found else ((), ())
    return used.append_column("shard", pa.array(shards, pa.int32())).append_column(
        "slice", pa.array(slices, pa.int32())
    )


def unfinished(rows: pa.Table, done: Collection[Bucket]) -> pa.Table:
    """Leave out the placed rows of buckets that are finished."""
    columns = (rows[name].to_pylist() for name in ("group", "shard"))
    return rows.filter(
        pa.array([each not in done for each in zip(*columns, strict=True)], pa.bool_())
    )


def redacted(
    rows: pa.Table, redactor: Redactor, drop_above: float
) -> Iterator[tuple[Bucket, Row]]:
    """Redact and measure the texts of placed rows: (bucket, row of `ROWS`).

    Args:
        rows: to be redacted.
        redactor: with the pinned directory and the settings.
        drop_above: share of a text's characters; of which more is removed, is in no
            part.

    Raises:
        CorpusError: the decisions came without texts.
    """
    if "text" not in rows.column_names:
        raise CorpusError("the decisions have no column `text`")
    texts = [text or "" for text in rows["text"].to_pylist()]
    documents = rows["document_id"].to_pylist()
    found = redactor.redact(texts, taking_part(rows), documents)
    for row, text, left in zip(
        rows.select(_REDACTED).to_pylist(), texts, found, strict=True
    ):
        bucket = row.pop("group"), row.pop("shard")
        document = row["document_id"]
        yield (
            bucket,
            row | measured(len(text), left, drop_above, redactor.settings, document),
        )


def taking_part(rows: pa.Table) -> list[set[str]]:
    """List for each document who takes part: author, mentioned, thread, connections.

    Args:
        rows: with `subject_id`, and `mentions` and `near` if they are known.
    """
    around: list[set[str]] = [{who} for who in rows["subject_id"].to_pylist()]
    for name in ("mentions", "near"):
        if name in rows.column_names:
            for people, more in zip(around, rows[name].to_pylist(), strict=True):
                people.update(more or ())
    for people in around:
        people.discard(None)  # a mention of nobody known
    return around


class Reading:
    """One pass over the decisions: note who is dropped and why, count the others.

    Args:
        place: where the plan puts a subject of a group.
        planned: the buckets of the plan.
        done: buckets whose files are finished, with their rows; these are counted only.

    `seen` counts the documents of each bucket.
    """

    def __init__(
        self, place: Place, planned: frozenset[Bucket], done: Mapping[Bucket, int]
    ) -> None:
        self._place = place
        self._planned = planned
        self._done = done
        self.seen: Counter[Bucket] = Counter()
        self._dropped: list[pa.Table] = [DROPPED.empty_table()]
        self._mentions: list[pa.Table] = [MENTIONS.empty_table()]

    def take(self, batch: pa.RecordBatch) -> pa.Table:
        """Read one batch of decisions, with or without texts.

        Returns:
            The used rows of unfinished buckets, placed.

        Raises:
            CorpusError: not a batch of decisions, or a document outside the plan.
            DeniedError: allowed for a reason that proves nothing.
        """
        used = usable(batch)
        self._note_dropped(pa.Table.from_batches([batch]))
        if "mentions" in used.column_names:
            self._mentions.append(_mentions(used))
        rows = placed(used, self._place, self._planned)
        columns = (rows[name].to_pylist() for name in ("group", "shard"))
        self.seen.update(zip(*columns, strict=True))
        return unfinished(rows, self._done)

    def check(self) -> None:
        """Check, after the last batch, that the documents are still the same.

        Raises:
            CorpusError: a finished bucket met other documents than it was made of.
        """
        for bucket, rows in self._done.items():
            if self.seen[bucket] != rows:
                raise CorpusError(
                    f"`{part_path(bucket)}` was made of {rows} documents, "
                    f"this run met {self.seen[bucket]}",
                    hint="the documents changed under the same digest; compute it anew",
                )

    def beside(self) -> Tables:
        """Give the rows that are in no bucket: dropped documents, and mentions."""
        return Tables(pa.concat_tables(self._dropped), pa.concat_tables(self._mentions))

    def _note_dropped(self, table: pa.Table) -> None:
        allowed = pc.fill_null(table["allowed"], False)
        undecided = pc.is_null(table["allowed"])
        nowhere = pc.and_(allowed, pc.is_null(table["group"]))
        self._drop(table.filter(pc.invert(pc.or_(allowed, undecided))), None)
        self._drop(table.filter(undecided), UNDECIDED)
        self._drop(table.filter(nowhere), NO_GROUP)

    def _drop(self, rows: pa.Table, reason: str | None) -> None:
        if reason is not None:
            why = pa.array([reason] * len(rows), pa.string())
            at = rows.column_names.index("reason")
            rows = rows.set_column(at, "reason", why)
        if rows["reason"].null_count:
            raise CorpusError("a document was denied without a reason")
        self._dropped.append(rows.select(DROPPED.names).cast(DROPPED))


class Spill:
    """Redacted rows on disk, one file a bucket. No unredacted text is written.

    Args:
        folder: an empty one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pending: dict[Bucket, list[Row]] = {}
        self._pending_characters = 0

    def add(self, rows: Iterable[tuple[Bucket, Row]]) -> None:
        """Sort rows into their buckets; they are written when there are enough."""
        for bucket, row in rows:
            self._pending.setdefault(bucket, []).append(row)
            self._pending_characters += len(str(row["text"]))
        if self._pending_characters >= _PENDING_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        """Write what is pending."""
        for bucket, rows in self._pending.items():
            path = self._path(bucket)
            path.parent.mkdir(exist_ok=True)
            # One stream after another in one file: a plan of a thousand buckets must
            # not need a thousand open files.
            with full_disk_named(path), path.open("ab") as out:
                batch = pa.RecordBatch.from_pylist(rows, schema=ROWS)
                with pa.ipc.new_stream(out, ROWS) as stream:
                    stream.write_batch(batch)
            # Crash here: the spill is thrown away and read again.
        self._pending.clear()
        self._pending_characters = 0

    def bucket(self, bucket: Bucket) -> pa.Table:
        """Read the rows of one bucket back, in the order they came."""
        path = self._path(bucket)
        tables = [ROWS.empty_table()]
        if path.exists():
            with path.open("rb") as stream:
                size = path.stat().st_size
                while stream.tell() < size:
                    tables.append(pa.ipc.open_stream(stream).read_all())
        return pa.concat_tables(tables)

    def _path(self, bucket: Bucket) -> Path:
        return self._folder / bucket[0] / f"{bucket[1]}.arrows"


def _checked(batch: pa.RecordBatch) -> pa.Table:
    table = pa.Table.from_batches([batch])
    missing = set(_DECIDED) - set(table.column_names)
    if missing:
        raise CorpusError(f"the decisions have no column `{min(missing)}`")
    if table["document_id"].null_count:
        raise CorpusError("a document has no document_id")
    return table


def _check_proved(allowed: pa.Table) -> None:
    """Refuse what is allowed, yet not proved: the query and the terms disagree."""
    for reason in pc.unique(allowed["reason"]).to_pylist():
        if reason not in PROVED:
            raise DeniedError(
                f"a document is allowed by `{reason}`, which proves nothing",
                hint="decide again under a policy whose basis can be proved",
            )
    if allowed["subject_id"].null_count:
        raise DeniedError("a document without a known subject is allowed")
    if allowed["category"].null_count:
        # The ledger lists the categories of what is used, and a null is in no list.
        raise DeniedError("a document without a category is allowed")


def measured(
    before: int, left: Redacted, drop_above: float, settings: Settings, document: str
) -> Row:
    """Measure a redacted text: the columns of a row. Pure.

    A text that is in no part is measured as if none of its names had been kept: nobody
    is named there, so who agreed must not show.

    Args:
        before: characters of the original.
        left: what is left of it.
        drop_above: share of its characters; of which more is removed, is in no part.
        settings: as it was redacted with.
        document: its id.
    """
    kept = len(left.rest)
    gone = left.empty or too_much(before, kept, drop_above)
    if gone and left.kept:
        left = left.without(None, settings, document)
        kept = len(left.rest)
    measures: Row = {kind.value: left.counts.get(kind, 0) for kind in Kind}
    measures |= {"text": left.text, "characters_before": before}
    measures["characters_kept"] = kept
    measures["text_sha256"] = None if gone else sha256(left.text.encode())
    measures["kept"] = [each._asdict() for each in left.kept] or None
    return measures


def _mentions(used: pa.Table) -> pa.Table:
    rows = used.select(["document_id", "mentions"]).to_pylist()
    pairs = sorted(
        {
            (row["document_id"], mentioned)
            for row in rows
            for mentioned in row["mentions"] or ()
            if mentioned is not None
        }
    )
    columns = [[pair[0] for pair in pairs], [pair[1] for pair in pairs]]
    return pa.table(columns, schema=MENTIONS)
