"""The tables of a corpus: what is in them, and how buckets are summed up."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assent.corpus.manifest import Counts
from assent.errors import CorpusError
from assent.redact.spans import Kind

Bucket = tuple[str, int]
"""(group, shard): one part; one withdrawal touches one bucket."""

Why = tuple[str, str]
"""(reason, rule) of a document that is dropped."""

EMPTY = "empty_after_redaction"
TOO_MUCH = "too_much_removed"
AFTER_REDACTION = frozenset({EMPTY, TOO_MUCH})
"""Reasons of documents that were permitted, redacted, and are in no part."""

_TEXT = pa.string()
_ID = pa.field("document_id", _TEXT, nullable=False)
_SUBJECT = pa.field("subject_id", _TEXT)
_CATEGORY = pa.field("category", _TEXT)
_SLICE = pa.field("slice", pa.int32())
_KINDS = [pa.field(kind.value, pa.int32()) for kind in sorted(Kind)]
_REASON = pa.field("reason", _TEXT)
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
KEPT = pa.field(
    "kept",
    pa.list_(
        pa.struct(
            [
                pa.field("start", pa.int32()),
                pa.field("end", pa.int32()),
                pa.field("bearers", pa.list_(_TEXT)),
            ]
        )
    ),
)
"""Names that stand in a text: where, and everybody who may be meant."""
MEASURES = pa.schema(
    [
        _ID,
        _SUBJECT,
        _CATEGORY,
        _REASON,
        _RULE,
        _SLICE,
        pa.field("text_sha256", _TEXT),  # null: empty after redaction, in no part
        pa.field("characters_before", pa.int64()),
        pa.field("characters_kept", pa.int64()),
        *_KINDS,
    ]
)
DROPPED = pa.schema([_ID, _SUBJECT, _CATEGORY, _REASON, _RULE])
MENTIONS = pa.schema([_ID, pa.field("mentioned", _TEXT)])
HOW = pa.field("how", _TEXT)
"""Of a mention: who says so. The column is there only where a name was kept."""
STATED, NAMED = "stated", "named"
COMMITMENT = pa.schema(
    [
        _ID,
        _SUBJECT,
        pa.field("text_sha256", _TEXT),
        _REASON,  # that permits it
        pa.field("group", _TEXT),
        pa.field("shard", pa.int32()),
        _SLICE,
    ]
)
ROWS = pa.unify_schemas([PART, MEASURES]).append(KEPT)
"""A redacted document before its bucket is parted into texts and measures."""


def part_path(bucket: Bucket) -> str:
    """Where the texts of a bucket stand."""
    return f"parts/{bucket[0]}/{bucket[1]}.parquet"


def measures_path(bucket: Bucket) -> str:
    """Where the measures of a bucket stand: one row a document, no text."""
    return f"measures/{bucket[0]}/{bucket[1]}.parquet"


def bucket_of(path: str) -> Bucket:
    """Tell the bucket whose texts or measures stand at a path."""
    _, group, name = path.split("/")
    return group, int(name.removesuffix(".parquet"))


def read_table(path: Path) -> pa.Table:
    """Read one Parquet file of a corpus. Memory grows with the file."""
    return pq.ParquetFile(path).read()


def split(rows: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Sort the rows of a bucket, and part text from measures: (part, measures)."""
    rows = rows.sort_by("document_id")
    check_once(rows["document_id"])
    texts = rows.filter(pc.is_valid(rows["text_sha256"]))
    measures = rows.select(MEASURES.names)
    if rows["kept"].null_count < len(rows):
        measures = measures.append_column(KEPT, rows["kept"])
    return texts.select(PART.names).cast(PART), measures


def edges(mentions: pa.Table) -> dict[str, list[str]]:
    """Read whose names a corpus keeps: document_id -> bearers, sorted."""
    found: dict[str, list[str]] = {}
    if "how" in mentions.column_names:
        named = mentions.filter(pc.equal(mentions["how"], NAMED))
        columns = (named[name].to_pylist() for name in MENTIONS.names)
        for document, bearer in zip(*columns, strict=True):
            found.setdefault(document, []).append(bearer)
    return {document: sorted(bearers) for document, bearers in found.items()}


def stated(mentions: pa.Table) -> pa.Table:
    """Leave out of a table of mentions what stands there for kept names."""
    if "how" in mentions.column_names:
        mentions = mentions.filter(pc.equal(mentions["how"], STATED))
    return mentions.select(MENTIONS.names)


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
        mentions: that the platform states of every allowed document, whether or not
            redaction emptied it.
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
        known = pa.array(sorted(AFTER_REDACTION), _TEXT)
        left_out = pc.is_in(self.dropped["reason"], known)
        moved[0] = self.dropped.filter(pc.invert(left_out))
        return Tables(pa.concat_tables(moved), self.mentions)

    def summed(
        self, measures: Iterable[tuple[Bucket, pa.Table]], drop_above: float
    ) -> tuple[dict[str, pa.Table], Counts]:
        """Make the sorted tables of the whole corpus, by name, and its counts.

        Args:
            measures: of each bucket.
            drop_above: the threshold that the documents were measured by.

        Raises:
            CorpusError: a document comes more than once, in one bucket or in two.
        """
        dropped, commitment = [self.dropped], [COMMITMENT.empty_table()]
        named = [MENTIONS.empty_table()]
        tally = _Tally()
        for bucket, table in measures:
            empty = pc.is_null(table["text_sha256"])
            emptied, used = table.filter(empty), table.filter(pc.invert(empty))
            reasons = _left_out(emptied, drop_above)
            dropped.append(_with_reasons(emptied, reasons))
            commitment.append(_committed(used, bucket))
            named.append(_named(used))
            tally.add(used, bucket)
        gone = pa.concat_tables(dropped).sort_by("document_id")
        kept = pa.concat_tables(commitment).sort_by("document_id")
        check_once(
            pa.chunked_array(
                [*gone["document_id"].chunks, *kept["document_id"].chunks], _TEXT
            )
        )
        of_used = pc.is_in(self.mentions["document_id"], kept["document_id"])
        mentions = _joined(self.mentions.filter(of_used), pa.concat_tables(named))
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


def too_much(before: int, kept: int, drop_above: float) -> bool:
    """Say whether a larger share of a document's characters was removed than may be."""
    return before - kept > drop_above * before


def _left_out(measures: pa.Table, drop_above: float) -> list[Why]:
    """Say of measured documents that are in no part why."""
    names = ("rule", "characters_before", "characters_kept")
    columns = (measures[name].to_pylist() for name in names)
    return [
        (TOO_MUCH if too_much(before, kept, drop_above) else EMPTY, rule)
        for rule, before, kept in zip(*columns, strict=True)
    ]


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
            used["reason"],
            pa.array(group, _TEXT),
            pa.array(shard, pa.int32()),
            used["slice"],
        ],
        schema=COMMITMENT,
    )


def _named(used: pa.Table) -> pa.Table:
    """List whose names stand in the used texts of a bucket, each person once a text."""
    if "kept" not in used.column_names:
        return MENTIONS.empty_table()
    columns = (used[name].to_pylist() for name in ("document_id", "kept"))
    pairs = {
        (document, bearer)
        for document, kept in zip(*columns, strict=True)
        for each in kept or ()
        for bearer in each["bearers"]
    }
    rows = [dict(zip(MENTIONS.names, pair, strict=True)) for pair in sorted(pairs)]
    return pa.Table.from_pylist(rows, schema=MENTIONS)


def _joined(mentions: pa.Table, named: pa.Table) -> pa.Table:
    """Put mentions and kept names into one table, sorted."""
    order = [("document_id", "ascending"), ("mentioned", "ascending")]
    if len(named):
        mentions, named = (
            table.append_column(HOW, pa.array([how] * len(table), _TEXT))
            for table, how in ((mentions, STATED), (named, NAMED))
        )
        mentions = pa.concat_tables([mentions, named])
        order.append(("how", "ascending"))
    return mentions.sort_by(order)


def _counted(column: pa.ChunkedArray) -> dict[str, int]:
    counts: Iterator[dict[str, object]] = iter(pc.value_counts(column).to_pylist())
    return {str(row["values"]): int(str(row["counts"])) for row in counts}


def _sum(column: pa.ChunkedArray) -> int:
    return int(pc.sum(column).as_py() or 0)
