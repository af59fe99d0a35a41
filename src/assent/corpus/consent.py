"""What was known of everybody when a corpus was built: one small state a person.

It binds the builder to what the ledger said. Her withdrawal in entry n was known when
`last_entry` is n or more; and whoever is not in the corpus sees why not.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from assent.canon import canonical

KNOWN = pa.schema(
    [
        pa.field("subject_id", pa.string()),
        pa.field("entries", pa.int64()),
        pa.field("last_entry", pa.int64()),
    ]
)
"""One row a person who was enrolled at a ledger size: how many entries about her were
known, and the number of the last of them."""

STATES = pa.schema(
    [pa.field("subject_id", pa.string()), pa.field("state", pa.string())]
)
"""One row a person; the state is canonical JSON."""

BATCH_ROWS = 65_536


def known_entries(events: pa.Table) -> pa.Table:
    """Sum the personal events of a ledger up: rows of `KNOWN`, in no order.

    Args:
        events: columns `subject_id` and `entry`; an enrolment is one of them.
    """
    found = events.group_by("subject_id").aggregate(
        [("entry", "count"), ("entry", "max")]
    )
    columns = ("subject_id", "entry_count", "entry_max")
    return pa.table([found[name] for name in columns], schema=KNOWN)


def consent_states(
    committed: pa.Table, dropped: pa.Table, known: pa.Table
) -> Iterator[pa.RecordBatch]:
    """Say what was known of each person, by `subject_id`: batches of `STATES`.

    Documents of people who were never enrolled bind nobody, and are left out: there is
    no secret that they could be committed with. Memory grows by about 0.2 kB a person.

    Args:
        committed: `subject_id` and `reason` of each used document.
        dropped: the same of each dropped one.
        known: rows of `KNOWN`.
    """
    columns = ["subject_id", "reason"]
    documents = pa.concat_tables([committed.select(columns), dropped.select(columns)])
    counted = documents.group_by(columns).aggregate([([], "count_all")])
    # One thread: the two lists of a person must be in one order.
    listed = counted.group_by("subject_id", use_threads=False).aggregate(
        [("reason", "list"), ("count_all", "list")]
    )
    people = known.sort_by("subject_id")
    at = pc.index_in(people["subject_id"], value_set=listed["subject_id"])
    for name in ("reason_list", "count_all_list"):
        people = people.append_column(name, listed[name].take(at))
    for batch in people.to_batches(BATCH_ROWS):
        rows = batch.to_pylist()
        states = [canonical(_state(row)).decode() for row in rows]
        names = [row["subject_id"] for row in rows]
        yield pa.record_batch([names, states], schema=STATES)


def _state(row: dict[str, object]) -> dict[str, object]:
    reasons, counts = row["reason_list"] or [], row["count_all_list"] or []
    return {
        "entries": row["entries"],
        "last_entry": row["last_entry"],
        "reasons": dict(zip(reasons, counts, strict=True)),  # type: ignore[call-overload]
    }
