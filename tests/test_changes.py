"""Earlier decisions and the changes since make what deciding all again would give."""

import random
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import worlds
from assent.engine.duckdb import DuckEngine
from assent.policy.model import Suspension
from assent.sources.schema import DOCUMENTS, SUBJECTS
from assent.terms import DAY


def written(folder, name, table):
    pq.write_table(table, folder / name)
    return folder / name


def applied(earlier, changes):
    """Replace what changed, and leave out what is gone: document_id -> decision."""
    rows = {row["document_id"]: row for row in earlier}
    for change in changes:
        kind = change.pop("change")
        assert (change["document_id"] in rows) == (kind != "new")
        assert kind in ("new", "changed", "gone")
        if kind == "gone":
            del rows[change["document_id"]]
        else:
            assert rows.get(change["document_id"]) != change  # nothing else is told
            rows[change["document_id"]] = change
    return sorted(rows.values(), key=lambda row: row["document_id"])


def check(folder, before, after, now, was=None):
    """Take the step and compare: how many decisions changed, and of how many."""
    documents, subjects, events = now
    files = [
        written(folder, "d.parquet", documents),
        written(folder, "s.parquet", subjects),
    ]
    old = None
    if was:
        old = (
            written(folder, "od.parquet", was[0]),
            written(folder, "os.parquet", was[1]),
        )
    first = DuckEngine(*(old or files), events, folder)
    earlier = first.decide(before).to_pylist()
    first.close()
    engine = DuckEngine(*files, events, folder)
    number = engine.write_changes(before, after, folder / "c.parquet", old)
    engine.close()
    changes = pq.read_table(folder / "c.parquet").to_pylist()
    engine = DuckEngine(*files, events, folder)
    expected = engine.decide(after).to_pylist()
    engine.close()
    assert number == len(changes)
    assert applied(earlier, changes) == expected
    return number, len(expected)


def question(batch, at, size, **changes):
    return replace(batch, at=at, size=size, **changes).question


@pytest.mark.parametrize("number", range(4))
def test_time_and_new_entries_change_what_they_touch(tmp_path, number):
    rng = random.Random(number)
    for batch in worlds.batches(seed=500 + number, number=5, each=40):
        days = sorted(rng.choices(range(-8, 2), k=2))
        at = [worlds.DAY_0 + day * DAY for day in days]
        size = rng.choice([0, 5, 12, 15, 10**6])
        before = question(batch, at[0], size)
        after = question(batch, at[1], 10**6)

        check(tmp_path, before, after, batch.tables())


def test_a_step_across_a_year_makes_people_older(tmp_path):
    new_year = 1_767_225_600_000_000  # 2026-01-01
    for batch in worlds.batches(seed=600, number=4, each=40):
        before = question(batch, new_year - DAY, 10**6)
        after = question(batch, new_year + DAY, 10**6)

        check(tmp_path, before, after, batch.tables())


def test_new_changed_and_removed_rows_are_told(tmp_path):
    rng = random.Random(7)
    told = 0
    for batch in worlds.batches(seed=700, number=6, each=40):
        documents, subjects, events = batch.tables()
        rows, people = documents.to_pylist(), subjects.to_pylist()
        for row in rows:
            if rng.random() < 0.2:
                row["category"] = rng.choice(["post", "profile", "mail"])
            if rng.random() < 0.1:
                row["subject_id"] = rng.choice(people)["subject_id"]
        for person in people:
            if rng.random() < 0.2:
                person["country"] = rng.choice(["US", "FR", None])
        kept = [row for row in rows if rng.random() < 0.8]
        was = (
            pa.Table.from_pylist(kept, schema=DOCUMENTS),
            pa.Table.from_pylist(people, schema=SUBJECTS),
        )
        now = (documents.slice(5), subjects, events)
        before = question(batch, worlds.DAY_0 - DAY, 12)

        told += check(tmp_path, before, batch.question, now, was)[0]
    assert told > 100


def test_a_new_policy_or_order_changes_what_it_decides_otherwise(tmp_path):
    pairs = list(worlds.batches(seed=800, number=8, each=20))
    for batch, other in zip(pairs, pairs[1:], strict=False):
        stop = Suspension("new-order", ("US",))
        after = replace(batch, policies=other.policies, suspensions=[stop]).question

        check(tmp_path, batch.question, after, batch.tables())


def test_where_nothing_happened_nothing_is_told(tmp_path):
    batch = next(worlds.batches(seed=900, number=1, each=20))

    assert check(tmp_path, batch.question, batch.question, batch.tables())[0] == 0


def test_one_withdrawal_is_told_for_her_documents_alone(tmp_path):
    for batch in worlds.batches(seed=901, number=3, each=40):
        documents, subjects, events = batch.tables()
        who = documents["subject_id"][0].as_py()
        row = {
            **dict.fromkeys(events.column_names),
            "entry": 50,
            "kind": "withdrawn",
            "subject_id": who,
            "purpose": "*",
            "recipient": "*",
            "category": "*",
            "happened_at": worlds.DAY_0 - 1,
            "recorded_at": worlds.DAY_0 - 1,
        }
        more = pa.Table.from_pylist([row], schema=events.schema)
        before, after = (
            question(batch, worlds.DAY_0, 50),
            question(batch, worlds.DAY_0, 51),
        )

        now = (documents, subjects, pa.concat_tables([events, more]))
        check(tmp_path, before, after, now)
