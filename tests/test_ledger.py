import sqlite3
import stat
from contextlib import closing
from dataclasses import replace

import pytest

from assent.errors import LedgerError, UsageError
from assent.ledger.book import Book
from assent.ledger.database import usable
from assent.ledger.records import ENTRY_LIMIT, parse
from assent.ledger.vault import Vault
from assent.merkle.log import leaf_hash, verify_inclusion
from assent.terms import DAY, Event, EventKind

NOW = 1_700_000_000_000_000
NOTICE = "a" * 64


class Draws:
    """Secret bytes that can be drawn again: a counter."""

    def __init__(self):
        self.count = 0

    def __call__(self, size):
        self.count += 1
        return self.count.to_bytes(size, "big")


@pytest.fixture
def place(tmp_path):
    return tmp_path / "ledger.db", Vault(tmp_path / "secrets", Draws())


@pytest.fixture
def book(place):
    path, vault = place
    with closing(Book.create(path, "log.example", vault, lambda: NOW)) as book:
        yield book


def enrolled(subject_id="ana"):
    return Event(EventKind.ENROLLED, NOW, subject_id)


def moved(country, **changed):
    """A move of Ana's, right or wrong."""
    kind, detail = EventKind.RESIDENCE_CHANGED, {"country": country}
    return replace(Event(kind, NOW, "ana", detail=detail), **changed)


def reopen(place):
    path, vault = place
    return Book.open(path, "log.example", vault, lambda: NOW)


def change(path, statement, *values):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


def test_what_is_appended_is_read_back_in_order(book, place):
    given = Event(
        EventKind.GIVEN,
        NOW - DAY,
        "ana",
        recipient="beta",
        notice=NOTICE,
        valid_until=NOW + DAY,
    )
    assert list(book.append([enrolled(), given])) == [0, 1]

    with closing(reopen(place)) as again:
        rows = again.events(again.size).to_pylist()
    assert [row["kind"] for row in rows] == ["enrolled", "given"]
    assert rows[1]["recipient"] == "beta"
    assert rows[1]["valid_until"] == NOW + DAY
    assert rows[1]["recorded_at"] == NOW


def test_a_move_is_read_back_with_its_country_and_no_other_event_has_one(book, place):
    book.append([enrolled(), moved("FR", happened_at=NOW - DAY), moved(None)])

    with closing(reopen(place)) as again:
        rows = again.events(again.size).to_pylist()
    assert [(row["kind"], row["country"]) for row in rows] == [
        ("enrolled", None), ("residence_changed", "FR"), ("residence_changed", None),
    ]  # fmt: skip
    assert (rows[1]["happened_at"], rows[1]["recorded_at"]) == (NOW - DAY, NOW)


def test_the_public_log_says_nothing_of_a_person(book):
    book.append(
        [enrolled("ana-schmidt"), Event(EventKind.OBJECTED, NOW, "ana-schmidt")]
    )

    for number in range(2):
        entry = book.entry(number)
        assert b"ana" not in entry
        assert set(parse(entry)) == {"v", "type", "recorded_at", "commit"}
    assert parse(book.entry(1))["type"] == "subject_event"


def test_every_entry_is_proved_under_the_signed_head(book):
    book.append([enrolled(f"s{n}") for n in range(7)])
    book.publish(EventKind.SUSPENSION_ORDERED, NOW, {"order": "x"})
    head = book.head()

    for number in range(head.size):
        path = book.path(number, head.size)
        leaf = leaf_hash(book.entry(number))
        verify_inclusion(leaf, number, head.size, path, head.root)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (Event(EventKind.GIVEN, NOW, "bo", notice=NOTICE), "never enrolled"),
        (Event(EventKind.GIVEN, NOW, "ana"), "says no notice"),
        (Event(EventKind.GIVEN, NOW, "ana", notice="abc"), "64 hexadecimal"),
        (Event(EventKind.REFUSED, NOW + 2 * DAY, "ana"), "more than a day"),
        (Event(EventKind.REFUSED, NOW, "ana", valid_until=NOW), "not after"),
        (Event(EventKind.OBJECTED, NOW, "ana", valid_until=NOW + 1), "only a choice"),
        (Event(EventKind.REFUSED, NOW, "ana", category="Bad Label"), "lower-case"),
        (Event(EventKind.REFUSED, NOW, None), "needs a subject_id"),
        (Event(EventKind.CORPUS_BUILT, NOW, "ana"), "not an event about one subject"),
        (Event(EventKind.ENROLLED, NOW, "ana"), "enrolled already"),
        (Event(EventKind.RESIDENCE_CHANGED, NOW, "ana"), "names no country"),
        (moved("UK"), "names no country, wanted .* ISO 3166-1"),
        (moved("fr"), "names no country"),
        (moved("EU"), "names no country"),
        (moved(""), "names no country"),
        (moved(["FR"]), "names no country"),
        (moved("FR", purpose="train.content"), "has a scope"),
        (moved("FR", recipient="beta"), "has a scope"),
        (moved("FR", category="post"), "has a scope"),
        (moved("FR", valid_until=NOW + 1), "only a choice"),
        (moved("FR", subject_id="bo"), "never enrolled"),
        (moved("FR", happened_at=NOW + 2 * DAY), "more than a day"),
        (
            Event(EventKind.OBJECTED, NOW, "ana", detail={"country": "FR"}),
            "`objected` names a country, which only `residence_changed` may",
        ),
    ],
)
def test_an_event_that_breaks_a_rule_changes_nothing(book, event, message):
    book.append([enrolled()])
    before = book.head()

    with pytest.raises(LedgerError, match=message):
        book.append([enrolled("good"), event])
    assert book.head() == before


def test_an_event_that_concerns_a_person_may_not_be_public(book):
    with pytest.raises(LedgerError, match="may not be public"):
        book.publish(EventKind.WITHDRAWN, NOW, {"subject_id": "ana"})
    with pytest.raises(LedgerError, match="over the limit"):
        book.publish(EventKind.CORPUS_BUILT, NOW, {"x": "y" * ENTRY_LIMIT})
    assert book.size == 0


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "UPDATE entries SET entry = CAST(replace(entry, 'v', 'w') AS BLOB) "
            "WHERE number = 1",
            "hash",
        ),
        ("UPDATE entries SET entry = 'text' WHERE number = 1", "not the bytes"),
        ("DELETE FROM entries WHERE number = 2", "holds 2 entries"),
        (
            "UPDATE bodies SET body = CAST(replace(body, 'refused', 'given') AS BLOB) "
            "WHERE number = 1",
            "private body of entry 1",
        ),
        ("UPDATE bodies SET opening = zeroblob(32) WHERE number = 1", "private body"),
        ("UPDATE heads SET note = replace(note, '3', '4')", "signed head"),
        ("DELETE FROM heads", "no signed head"),
    ],
)
def test_a_ledger_that_was_changed_by_hand_does_not_open(
    book, place, statement, message
):
    book.append([enrolled(), Event(EventKind.REFUSED, NOW, "ana"), enrolled("bo")])
    book.close()
    change(place[0], statement)

    with pytest.raises(LedgerError, match=message):
        reopen(place)


def test_a_head_by_another_key_is_refused(book, place, tmp_path):
    book.append([enrolled()])
    book.close()
    stranger = Vault(tmp_path / "other", lambda size: b"\7" * size)

    with pytest.raises(LedgerError, match="signed head"):
        Book.open(place[0], "log.example", stranger, lambda: NOW)


def test_a_file_that_is_no_ledger_or_is_missing_is_named(place, tmp_path):
    with pytest.raises(LedgerError, match="no ledger"):
        reopen(place)
    place[0].write_bytes(b"this is not SQLite" * 100)
    with pytest.raises(LedgerError, match="cannot be read"):
        reopen(place)


def test_a_ledger_that_is_busy_is_not_to_be_restored(place, tmp_path):
    change(place[0], "CREATE TABLE held (number INTEGER)")
    with (
        closing(sqlite3.connect(place[0], isolation_level=None)) as holder,
        closing(sqlite3.connect(place[0], timeout=0)) as other,
    ):
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerError, match="busy") as caught, usable(place[0]):
            other.execute("SELECT * FROM held")
    assert caught.value.hint == "close the other program and try again"


def test_a_ledger_that_cannot_be_opened_is_not_to_be_restored(place):
    place[0].mkdir()
    with pytest.raises(LedgerError, match="cannot be written"):
        reopen(place)


def test_a_ledger_without_its_heads_is_to_be_restored(book, place):
    change(place[0], "DROP TABLE heads")
    with pytest.raises(LedgerError, match="cannot be read") as caught:
        reopen(place)
    assert "backup" in caught.value.hint


def test_creation_that_was_cut_off_is_completed_by_open(place):
    place[0].touch()

    with closing(reopen(place)) as book:
        assert book.size == 0
    with pytest.raises(UsageError, match="already"):
        Book.create(*[place[0]], "log.example", place[1], lambda: NOW)


class PowerCutError(Exception):
    """The power fails."""


@pytest.mark.parametrize("step", range(4))
def test_an_append_that_is_cut_off_leaves_the_old_ledger(
    book, place, step, monkeypatch
):
    book.append([enrolled()])
    before = book.head()
    count = iter(range(10))

    def fail(*_):
        if next(count) == step:
            raise PowerCutError
        return NOW

    # The clock, a node read, the signature and the last statement: each may be last.
    target = [(book, "_clock"), (book, "_node"), (book, "_sign"), (book, "_key")][step]
    count = iter([step])
    monkeypatch.setattr(*target, fail)
    with pytest.raises((PowerCutError, StopIteration)):
        book.append([enrolled("bo"), Event(EventKind.REFUSED, NOW, "bo")])
    monkeypatch.undo()

    with closing(reopen(place)) as again:
        assert again.head() == before
        assert len(again.append([enrolled("bo")])) == 1


def test_secrets_are_readable_by_their_owner_only(book, place, tmp_path):
    book.append([enrolled()])
    place[1].key("plan")

    for path in [place[0], *(tmp_path / "secrets").iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_the_order_of_the_ledger_is_kept_when_the_clock_goes_back(place):
    times = iter([NOW, NOW - DAY])
    with closing(Book.create(*[place[0]], "l", place[1], lambda: next(times))) as book:
        book.append([enrolled()])
        book.append([enrolled("bo")])
        recorded = [row["recorded_at"] for row in book.events(2).to_pylist()]
    assert recorded == [NOW, NOW]
