"""The tables of a corpus: rows redacted, sorted into buckets, and summed up."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assent.canon import sha256
from assent.corpus.detect import PLACEHOLDER, Kind
from assent.corpus.directory import Directory
from assent.corpus.manifest import Counts
from assent.corpus.redact import redact
from assent.errors import CorpusError, DeniedError
from assent.files import full_disk_named
from assent.terms import PROVED

Bucket = tuple[str, int]
"""(group, shard): one part; one withdrawal touches one bucket."""

Why = tuple[str, str]
"""(reason, rule) of a document that is dropped."""

Place = Callable[[str, str], tuple[int, int]]
"""(group, subject_id) to (shard, slice_index): the plan's, a pure function."""

EMPTY = "empty_after_redaction"
UNDECIDED = "undecided"
NO_GROUP = "no_group"

_TEXT = pa.string()
_ID = pa.field("document_id", _TEXT, nullable=False)
_SUBJECT = pa.field("subject_id", _TEXT)
_CATEGORY = pa.field("category", _TEXT)
_SLICE = pa.field("slice", pa.int32())
_KINDS = [pa.field(kind.value, pa.int32()) for kind in sorted(Kind)]
_RULE = pa.field("rule", _TEXT)

PART = pa.schema(
    [
        _ID,
        _SUBJECT,
        _CATEGORY,
        pa.field("created_at", pa.int64()),
        _SLICE,
        pa.field("text", pa.large_string()),  # a bucket's text may pass 2 GB
    ]
)
MEASURES = pa.schema(
    [
        _ID,
        _SUBJECT,
        _CATEGORY,
        _RULE,
        _SLICE,
        pa.field("text_sha256", _TEXT),  # null: empty after redaction, in no part
        pa.field("characters_before", pa.int64()),
        pa.field("characters_kept", pa.int64()),
        *_KINDS,
    ]
)
DROPPED = pa.schema([_ID, _SUBJECT, _CATEGORY, pa.field("reason", _TEXT), _RULE])
MENTIONS = pa.schema([_ID, pa.field("mentioned", _TEXT)])
COMMITMENT = pa.schema(
    [
        _ID,
        _SUBJECT,
        pa.field("text_sha256", _TEXT),
        pa.field("group", _TEXT),
        pa.field("shard", pa.int32()),
        _SLICE,
    ]
)
_SPILL = pa.unify_schemas([PART, MEASURES])
_WANTED = (
    *("document_id", "subject_id", "category", "created_at", "text"),
    *("allowed", "reason", "rule", "group"),
)
_PENDING_CHARACTERS = 8_000_000


def part_path(bucket: Bucket) -> str:
    """Where the texts of a bucket stand."""
    return f"parts/{bucket[0]}/{bucket[1]}.parquet"


def measures_path(bucket: Bucket) -> str:
    """Where the measures of a bucket stand: one row a document, no text."""
    return f"measures/{bucket[0]}/{bucket[1]}.parquet"


def read_table(path: Path) -> pa.Table:
    """Read one Parquet file of a corpus. Memory grows with the file."""
    return pq.ParquetFile(path).read()


class Reading:
    """One pass over the decisions: redact what is allowed, note why the rest is not.

    Args:
        spill: an empty folder for the redacted rows, one file a bucket.
        directory: whose traces are removed.
        place: where the plan puts a subject of a group.
        planned: the buckets of the plan.
        done: buckets whose files are finished, with their rows; these are counted only.
    """

    def __init__(
        self,
        spill: Path,
        directory: Directory,
        place: Place,
        planned: frozenset[Bucket],
        done: Mapping[Bucket, int],
    ) -> None:
        self._spill = spill
        self._directory = directory
        self._place = place
        self._planned = planned
        self._done = done
        self._seen: Counter[Bucket] = Counter()
        self._pending: dict[Bucket, list[dict[str, object]]] = {}
        self._pending_characters = 0
        self._dropped: list[pa.Table] = [DROPPED.empty_table()]
        self._mentions: list[pa.Table] = [MENTIONS.empty_table()]

    def take(self, batch: pa.RecordBatch) -> None:
        """Read one batch of decisions.

        Raises:
            CorpusError: not a batch of decisions, or a document outside the plan.
            DeniedError: allowed for a reason that proves nothing.
        """
        table = _checked(batch)
        allowed = pc.fill_null(table["allowed"], False)
        nowhere = pc.and_(allowed, pc.is_null(table["group"]))
        undecided = pc.is_null(table["allowed"])
        _check_proved(table.filter(allowed))
        self._drop(table.filter(pc.invert(pc.or_(allowed, undecided))), None)
        self._drop(table.filter(undecided), UNDECIDED)
        self._drop(table.filter(nowhere), NO_GROUP)
        used = table.filter(pc.and_(allowed, pc.is_valid(table["group"])))
        if "mentions" in table.column_names:
            self._mentions.append(_mentions(used))
        for row in used.select(_WANTED).to_pylist():
            self._use(row)
        if self._pending_characters >= _PENDING_CHARACTERS:
            self._flush()

    def close(self) -> None:
        """Write what is pending, and check that the documents are still the same.

        Raises:
            CorpusError: a finished bucket met other documents than it was made of.
        """
        self._flush()
        for bucket, rows in self._done.items():
            if self._seen[bucket] != rows:
                raise CorpusError(
                    f"`{part_path(bucket)}` was made of {rows} documents, "
                    f"this run met {self._seen[bucket]}",
                    hint="the documents changed under the same digest; compute it anew",
                )

    def bucket(self, bucket: Bucket) -> pa.Table:
        """Read the rows of one bucket back, in the order they came."""
        path = self._spilled(bucket)
        tables = [_SPILL.empty_table()]
        if path.exists():
            with path.open("rb") as stream:
                size = path.stat().st_size
                while stream.tell() < size:
                    tables.append(pa.ipc.open_stream(stream).read_all())
        return pa.concat_tables(tables)

    def beside(self) -> "Tables":
        """Give the rows that are in no bucket: dropped documents, and mentions."""
        return Tables(pa.concat_tables(self._dropped), pa.concat_tables(self._mentions))

    def _drop(self, rows: pa.Table, reason: str | None) -> None:
        if reason is not None:
            why = pa.array([reason] * len(rows), _TEXT)
            at = rows.column_names.index("reason")
            rows = rows.set_column(at, "reason", why)
        if rows["reason"].null_count:
            raise CorpusError("a document was denied without a reason")
        self._dropped.append(rows.select(DROPPED.names).cast(DROPPED))

    def _use(self, row: dict[str, object]) -> None:
        group, subject = str(row["group"]), str(row["subject_id"])
        shard, slice_index = self._place(group, subject)
        bucket = (group, shard)
        if bucket not in self._planned:
            raise CorpusError(
                f"document `{row['document_id']}` falls into `{group}/{shard}`, "
                "which the plan does not have",
                hint="seal a plan whose groups are the regions of the policy",
            )
        self._seen[bucket] += 1
        if bucket in self._done:
            return
        text = str(row["text"] or "")
        self._pending_characters += len(text)
        measured = _measured(text, self._directory)
        self._pending.setdefault(bucket, []).append(
            row | measured | {"slice": slice_index}
        )

    def _flush(self) -> None:
        for bucket, rows in self._pending.items():
            path = self._spilled(bucket)
            path.parent.mkdir(exist_ok=True)
            # One stream after another in one file: a plan of a thousand buckets must
            # not need a thousand open files.
            with full_disk_named(path), path.open("ab") as out:
                batch = pa.RecordBatch.from_pylist(rows, schema=_SPILL)
                with pa.ipc.new_stream(out, _SPILL) as stream:
                    stream.write_batch(batch)
            # Crash here: the spill is thrown away and read again.
        self._pending.clear()
        self._pending_characters = 0

    def _spilled(self, bucket: Bucket) -> Path:
        return self._spill / bucket[0] / f"{bucket[1]}.arrows"


def split(rows: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Sort the rows of a bucket, and part text from measures: (part, measures)."""
    rows = rows.sort_by("document_id")
    check_once(rows["document_id"])
    texts = rows.filter(pc.is_valid(rows["text_sha256"]))
    return texts.select(PART.names).cast(PART), rows.select(MEASURES.names)


def check_once(documents: pa.ChunkedArray) -> None:
    """Refuse a document that comes twice. Raises: CorpusError, naming it."""
    if pc.count_distinct(documents).as_py() == len(documents):
        return
    counts = pc.value_counts(documents)
    twice = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
    raise CorpusError(f"the document `{pc.min(twice)}` comes more than once")


@dataclass(frozen=True, slots=True)
class Tables:
    """What stands beside the parts: dropped documents and mentions, unsorted.

    Args:
        dropped: without those that were emptied by redaction: the measures know them.
        mentions: of every allowed document, whether or not redaction emptied it.
    """

    dropped: pa.Table
    mentions: pa.Table

    def without(
        self, gone: Mapping[str, Why], measures: Iterable[pa.Table]
    ) -> "Tables":
        """Move forgotten documents among the dropped ones, with their new reason.

        Args:
            gone: document_id to (reason, rule).
            measures: of the corpus that held them.
        """
        documents = pa.array(sorted(gone), _TEXT)
        moved = [self.dropped]
        for table in measures:
            rows = table.filter(pc.is_in(table["document_id"], documents))
            whys = [gone[document] for document in rows["document_id"].to_pylist()]
            moved.append(_with_reasons(rows, whys))
        emptied = pc.equal(self.dropped["reason"], EMPTY)
        moved[0] = self.dropped.filter(pc.invert(emptied))
        return Tables(pa.concat_tables(moved), self.mentions)

    def summed(
        self, measures: Iterable[tuple[Bucket, pa.Table]]
    ) -> tuple[dict[str, pa.Table], Counts]:
        """Make the sorted tables of the whole corpus, by name, and its counts.

        Raises:
            CorpusError: a document comes more than once, in one bucket or in two.
        """
        dropped, commitment = [self.dropped], [COMMITMENT.empty_table()]
        tally = _Tally()
        for bucket, table in measures:
            empty = pc.is_null(table["text_sha256"])
            emptied, used = table.filter(empty), table.filter(pc.invert(empty))
            reasons = [(EMPTY, rule) for rule in emptied["rule"].to_pylist()]
            dropped.append(_with_reasons(emptied, reasons))
            commitment.append(_committed(used, bucket))
            tally.add(used, bucket)
        gone = pa.concat_tables(dropped).sort_by("document_id")
        kept = pa.concat_tables(commitment).sort_by("document_id")
        check_once(
            pa.chunked_array(
                [*gone["document_id"].chunks, *kept["document_id"].chunks], _TEXT
            )
        )
        of_used = pc.is_in(self.mentions["document_id"], kept["document_id"])
        mentions = self.mentions.filter(of_used).sort_by(
            [("document_id", "ascending"), ("mentioned", "ascending")]
        )
        tables = {"commitment": kept, "dropped": gone, "mentions": mentions}
        return tables, tally.counts(kept, gone)


class _Tally:
    """Sums over the used documents of one bucket after another."""

    def __init__(self) -> None:
        self.categories: Counter[str] = Counter()
        self.groups: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.before = self.kept = 0

    def add(self, used: pa.Table, bucket: Bucket) -> None:
        self.categories.update(_counted(used["category"]))
        self.groups[bucket[0]] += len(used)
        for kind in Kind:
            self.kinds[kind.value] += _sum(used[kind.value])
        self.before += _sum(used["characters_before"])
        self.kept += _sum(used["characters_kept"])

    def counts(self, kept: pa.Table, gone: pa.Table) -> Counts:
        return Counts(
            documents_used=len(kept),
            subjects_used=pc.count_distinct(kept["subject_id"]).as_py(),
            documents_dropped=len(gone),
            dropped_by_reason=_counted(gone["reason"]),
            used_by_category=dict(self.categories),
            used_by_group=dict(self.groups),
            redacted_by_kind=dict(self.kinds),
            characters_before=self.before,
            characters_kept=self.kept,
        )


def _checked(batch: pa.RecordBatch) -> pa.Table:
    table = pa.Table.from_batches([batch])
    missing = set(_WANTED) - set(table.column_names)
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


def _measured(text: str, directory: Directory) -> dict[str, object]:
    """Redact one text and measure it; the columns of a row. Pure."""
    redacted = redact(text, directory)
    kept = PLACEHOLDER.sub("", redacted.text)
    measures: dict[str, object] = {
        kind.value: redacted.counts.get(kind, 0) for kind in Kind
    }
    measures |= {"text": redacted.text, "characters_before": len(text)}
    measures["characters_kept"] = len(kept)
    measures["text_sha256"] = None if redacted.empty else sha256(redacted.text.encode())
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


def _with_reasons(rows: pa.Table, whys: list[Why]) -> pa.Table:
    reasons = pa.array([reason for reason, _ in whys], _TEXT)
    rules = pa.array([rule for _, rule in whys], _TEXT)
    columns = [rows[name] for name in ("document_id", "subject_id", "category")]
    return pa.table([*columns, reasons, rules], schema=DROPPED)


def _committed(used: pa.Table, bucket: Bucket) -> pa.Table:
    group, shard = ([value] * len(used) for value in bucket)
    return pa.table(
        [
            used["document_id"],
            used["subject_id"],
            used["text_sha256"],
            pa.array(group, _TEXT),
            pa.array(shard, pa.int32()),
            used["slice"],
        ],
        schema=COMMITMENT,
    )


def _counted(column: pa.ChunkedArray) -> dict[str, int]:
    counts: Iterator[dict[str, object]] = iter(pc.value_counts(column).to_pylist())
    return {str(row["values"]): int(str(row["counts"])) for row in counts}


def _sum(column: pa.ChunkedArray) -> int:
    return int(pc.sum(column).as_py() or 0)
