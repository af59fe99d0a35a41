import base64
import hashlib
import stat
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from assent.errors import LedgerError, UsageError
from assent.ledger.book import Book
from assent.ledger.heads import Heads
from assent.ledger.publish import publish_ledger
from assent.ledger.records import ENTRY_LIMIT, parse
from assent.ledger.seen import Seen
from assent.ledger.store import LEDGER, connect
from assent.ledger.vault import Vault
from assent.merkle.log import leaf_hash, verify_consistency, verify_inclusion
from assent.monitor.client import LogReader, read_checkpoint
from assent.monitor.source import Folder
from assent.terms import DAY, Event, EventKind

pytest_plugins = ("servers",)

NOW = 1_700_000_000_000_000
NOTICE = "a" * 64


class Draws:
    """Secret bytes that can be drawn again: a counter."""

    def __init__(self):
        self.count = 0

    def __call__(self, size):
        self.count += 1
        return hashlib.shake_256(str(self.count).encode()).digest(size)


@dataclass
class Place:
    """Where a ledger is, and its vault."""

    where: Path | str
    vault: Vault


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def place(request, tmp_path):
    where = tmp_path / "ledger.db"
    if request.param == "postgres":
        where = request.getfixturevalue("database")
    with closing(Vault(tmp_path / "secrets", Draws(), where)) as vault:
        yield Place(where, vault)


@pytest.fixture
def book(place):
    with closing(create(place)) as book:
        yield book


def create(place, clock=lambda: NOW):
    return Book.create(place.where, "log.example", place.vault, clock)


def enrolled(subject_id="ana"):
    return Event(EventKind.ENROLLED, NOW, subject_id)


def moved(country, **changed):
    """A move of Ana's, right or wrong."""
    kind, detail = EventKind.RESIDENCE_CHANGED, {"country": country}
    return replace(Event(kind, NOW, "ana", detail=detail), **changed)


def reopen(place, clock=lambda: NOW):
    return Book.open(place.where, "log.example", place.vault, clock)


def change(place, *statements):
    """Change the database behind the ledger's back."""
    with closing(connect(place.where, LEDGER)) as store:
        for statement in statements:
            store.change(statement, [()])


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


def swap(table, column, key, old, new):
    """Write a row with some bytes replaced by others."""

    def carry_out(store):
        name = {"heads": "size", "tiles": "level"}.get(table, "number")
        [(value,)] = store.rows(f"SELECT {column} FROM {table} WHERE {name} = ?", key)
        assert old in value
        changed = value.replace(old, new)
        store.change(
            f"UPDATE {table} SET {column} = ? WHERE {name} = ?", [(changed, key)]
        )

    return carry_out


def sql(statement, *values):
    return lambda store: store.change(statement, [values])


LEAF = leaf_hash(b"another entry")
OF_THE_LOG = {
    "an entry": (swap("entries", "entry", 1, b'"commit":"', b'"commit":"00'), "hash"),
    "its time": (swap("entries", "entry", 1, b"17000", b"17001"), "hash"),
    "the last entry is gone": (sql("DELETE FROM entries WHERE number = 3"), "holds 3"),
    "an entry is gone": (sql("DELETE FROM entries WHERE number = 1"), "lacks entry 1"),
    "an entry too many": (
        sql("INSERT INTO entries VALUES (4, 'policy_published', ?)", b"{}"),
        "holds 5 entries, but its head signs 4",
    ),
    "a policy is hidden": (
        sql("UPDATE entries SET kind = NULL WHERE number = 3"),
        "not of the kind `personal`",
    ),
    "a policy is called an order": (
        sql("UPDATE entries SET kind = 'suspension_ordered' WHERE number = 3"),
        "not of the kind `suspension_ordered`",
    ),
    "a choice is called a policy": (
        sql("UPDATE entries SET kind = 'policy_published' WHERE number = 1"),
        "not of the kind `policy_published`",
    ),
    "a tile": (sql("UPDATE tiles SET hashes = ?", LEAF * 4), "tree hashes to"),
    "a short tile": (sql("UPDATE tiles SET hashes = ?", LEAF), "damaged: tile 0"),
    "no tile": (sql("DELETE FROM tiles"), "lacks tile 0"),
    "a head": (swap("heads", "note", 4, "\n4\n", "\n3\n"), "signed head"),
    "an older head": (sql("DELETE FROM heads WHERE size = 4"), "head signs 3"),
    "no head": (sql("DELETE FROM heads"), "no signed head"),
    "no table": (sql("DROP TABLE heads"), "cannot be read as a ledger"),
}
OF_A_BODY = {
    "a choice": (swap("bodies", "body", 1, b"refused", b"given"), "body of entry 1"),
    "no JSON": (sql("UPDATE bodies SET body = ? WHERE number = 1", b"no"), "entry 1"),
    "an opening": (
        sql("UPDATE bodies SET opening = ? WHERE number = 1", bytes(32)),
        "body of entry 1 is not",
    ),
    "a short opening": (
        sql("UPDATE bodies SET opening = ? WHERE number = 1", b"x"),
        "body of entry 1 is not",
    ),
    "no opening": (
        sql("UPDATE bodies SET opening = NULL, subject_id = 'cy' WHERE number = 1"),
        "body of entry 1 is not",
    ),
    "somebody else's": (
        sql("UPDATE bodies SET subject_id = 'bo' WHERE number = 1"),
        "body of entry 1 is not",
    ),
    "an enrolment of another": (
        sql("UPDATE bodies SET subject_id = 'cy' WHERE number = 2"),
        "body of entry 2 is not",
    ),
    "a body is gone": (
        sql("DELETE FROM bodies WHERE number = 1"),
        "entry 1 is missing: a body was removed",
    ),
    "a body is blank": (
        sql("UPDATE bodies SET body = NULL WHERE number = 1"),
        "entry 1 is missing: a body was removed",
    ),
    "a body seems shredded": (
        sql(
            "UPDATE bodies SET body = NULL, opening = NULL, subject_id = NULL, "
            "erasure = ? WHERE number = 1",
            bytes(32),
        ),
        "not by this ledger's own erasure|key `erasure` is missing",
    ),
    "a body that is there seems shredded": (
        sql("UPDATE bodies SET erasure = ? WHERE number = 1", bytes(32)),
        "entry 1 is missing: a body was removed",
    ),
}
CHANGES = [*OF_THE_LOG.items(), *OF_A_BODY.items()]


@pytest.mark.parametrize("subject_id", ["u\u200b1", "u\t1", "\u202eu", "a\u00a0b"])
def test_whom_no_verifier_could_name_is_not_enrolled(book, place, subject_id):
    with pytest.raises(LedgerError, match="a character that is not printed"):
        book.append([enrolled(), enrolled(subject_id)])

    assert book.size == 0
    assert place.vault.is_empty()


def filled(book):
    """Somebody refuses, a policy is published: what nobody may be able to hide."""
    book.append([enrolled(), Event(EventKind.REFUSED, NOW, "ana"), enrolled("bo")])
    book.publish(EventKind.POLICY_PUBLISHED, NOW, {"policy": "x"})


@pytest.mark.parametrize(
    ("change_it", "message"), [case for _, case in CHANGES], ids=[n for n, _ in CHANGES]
)
def test_a_ledger_that_was_changed_by_hand_decides_nothing(
    book, place, change_it, message
):
    filled(book)
    book.close()
    with closing(connect(place.where, LEDGER)) as store:
        change_it(store)

    with pytest.raises(LedgerError, match=message), closing(reopen(place)) as again:
        again.events(4)
    with pytest.raises(LedgerError, match=message), closing(reopen(place)) as again:
        again.check()


@pytest.mark.parametrize(("change_it", "message"), OF_THE_LOG.values(), ids=OF_THE_LOG)
def test_a_log_that_was_changed_by_hand_gives_no_policy(
    book, place, change_it, message
):
    filled(book)
    book.close()
    with closing(connect(place.where, LEDGER)) as store:
        change_it(store)

    with pytest.raises(LedgerError, match=message), closing(reopen(place)) as again:
        list(again.public_events())


def test_a_body_without_an_entry_is_found_by_the_whole_check(book, place):
    filled(book)
    change(place, "INSERT INTO bodies VALUES (3, 'zoe', NULL, NULL, NULL)")

    with pytest.raises(LedgerError, match="holds 4 private bodies, but 3 entries"):
        book.check()


def test_a_complete_tile_that_was_changed_is_found(book, place):
    book.append([enrolled(f"s{n}") for n in range(700)])
    book.check()
    [(hashes,)] = book._store.rows(
        "SELECT hashes FROM tiles WHERE level=0 AND number=0"
    )
    wrong = hashes[32:64] + hashes[:32] + hashes[64:]
    book._store.change(
        "UPDATE tiles SET hashes = ? WHERE level = 0 AND number = 0", [(wrong,)]
    )

    with closing(reopen(place)) as again:  # the right edge does not touch it
        with pytest.raises(LedgerError, match="tile 0 of level 0"):
            again.check()
        with pytest.raises(LedgerError, match="tile 0 of level 0"):
            list(again.public_events())


def test_a_value_that_is_no_blob_is_refused(tmp_path):
    place = Place(tmp_path / "ledger.db", Vault(tmp_path / "secrets", Draws()))
    with closing(place.vault), closing(create(place)) as book:
        filled(book)
        change(place, "UPDATE entries SET entry = 'text' WHERE number = 1")
        with pytest.raises(LedgerError, match="not the bytes"):
            book.check()


def test_what_is_appended_after_a_check_is_checked_too(book, place):
    book.append([enrolled()])
    assert book.events(1).num_rows == 1
    with closing(reopen(place)) as other:
        other.append([Event(EventKind.REFUSED, NOW, "ana")])
    assert book.events(2).num_rows == 2
    book.append([Event(EventKind.GIVEN, NOW, "ana", notice=NOTICE)])
    change(place, "UPDATE bodies SET body = opening WHERE number = 2")

    with pytest.raises(LedgerError, match="body of entry 2"):
        book.events(3)


def test_a_head_by_another_key_is_refused(book, place, tmp_path):
    book.append([enrolled()])
    book.close()
    with closing(Vault(tmp_path / "other", lambda size: b"\7" * size)) as stranger:
        stranger.key("signing")
        with pytest.raises(LedgerError, match="signed head"):
            Book.open(place.where, "log.example", stranger, lambda: NOW)


def test_a_ledger_beside_an_empty_vault_is_refused(book, place):
    filled(book)
    place.vault.shred("ana")
    place.vault.shred("bo")

    with pytest.raises(LedgerError, match="holds no secret of anybody") as caught:
        reopen(place)
    assert "backup" in caught.value.hint


def test_a_file_that_is_no_ledger_or_is_missing_is_named(tmp_path):
    place = Place(tmp_path / "ledger.db", Vault(tmp_path / "secrets", Draws()))
    with closing(place.vault):
        with pytest.raises(LedgerError, match="no ledger"):
            reopen(place)
        place.where.write_bytes(b"this is not SQLite" * 100)
        with pytest.raises(LedgerError, match="cannot be read") as caught:
            reopen(place)
    assert "backup" in caught.value.hint


def test_a_ledger_that_cannot_be_opened_is_not_to_be_restored(tmp_path):
    place = Place(tmp_path / "ledger.db", Vault(tmp_path / "secrets", Draws()))
    place.where.mkdir()
    with (
        closing(place.vault),
        pytest.raises(LedgerError, match="could not be read or written") as caught,
    ):
        reopen(place)
    assert "backup" not in caught.value.hint


def test_creation_that_was_cut_off_is_completed_by_open(tmp_path):
    place = Place(tmp_path / "ledger.db", Vault(tmp_path / "secrets", Draws()))
    place.where.touch()
    with closing(place.vault), closing(reopen(place)) as book:
        assert book.size == 0
        assert "cut off" in book.findings[0]


def test_a_ledger_is_not_made_twice(book, place):
    with pytest.raises(UsageError, match="already"):
        create(place)


class PowerCutError(Exception):
    """The power fails."""


@pytest.mark.parametrize(
    ("step", "time"),
    [("begin", 1), ("rows", 1), ("rows", 2), ("rows", 3), ("fill", 1), ("fill", 2)]
    + [("change", 1), ("change", 2), ("commit", 1)],
)
def test_an_append_that_is_cut_off_leaves_the_old_ledger(
    book, place, step, time, monkeypatch
):
    book.append([enrolled()])
    before = book.head()
    times = iter(range(1, 100))
    whole = getattr(book._store, step)

    def fail(*given):
        if next(times) == time:
            raise PowerCutError
        return whole(*given)

    with monkeypatch.context() as patched:
        patched.setattr(book._store, step, fail)
        with pytest.raises(PowerCutError):
            book.append([enrolled("bo"), Event(EventKind.REFUSED, NOW, "bo")])

    with closing(reopen(place)) as again:
        assert again.head() == before
        assert again.findings == []
        assert len(again.append([enrolled("bo")])) == 1
        again.check()


def test_secrets_are_readable_by_their_owner_only(tmp_path):
    place = Place(tmp_path / "ledger.db", Vault(tmp_path / "secrets", Draws()))
    with closing(place.vault), closing(create(place)) as book:
        book.append([enrolled()])
        place.vault.key("plan")
        private = [*tmp_path.glob("ledger.db*"), *(tmp_path / "secrets").iterdir()]
        assert {"seen", "ledger.db-wal"} <= {path.name for path in private}
        for path in private:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_the_order_of_the_ledger_is_kept_when_the_clock_goes_back(place):
    times = iter([NOW, NOW - DAY])
    with closing(create(place, lambda: next(times))) as book:
        book.append([enrolled()])
        book.append([enrolled("bo")])
        recorded = [row["recorded_at"] for row in book.events(2).to_pylist()]
    assert recorded == [NOW, NOW]


# --- proofs, marks, witnesses' lines -------------------------------------------------


def test_growth_is_proved_between_any_two_heads(book):
    heads = []
    for number in range(5):
        book.append([enrolled(f"s{number}-{each}") for each in range(number + 1)])
        heads.append(book.head())

    for old in heads:
        for new in heads:
            if old.size <= new.size:
                path = book.consistency(old.size, new.size)
                verify_consistency(old.size, new.size, path, old.root, new.root)


def test_entries_and_tiles_are_those_of_the_log(book):
    book.append([enrolled(f"s{n}") for n in range(300)])

    entries = list(book.entries(0, 300))
    leaves = [leaf_hash(entry) for entry in entries]
    assert entries[7] == book.entry(7)
    assert list(book.entries(255, 257)) == entries[255:257]
    assert book.tile(0, 0) == b"".join(leaves[:256])
    assert book.tile(0, 1) == b"".join(leaves[256:])
    assert len(book.tile(1, 0)) == 32
    with pytest.raises(LedgerError, match="lacks tile 1 of level 1"):
        book.tile(1, 1)


def test_heads_are_found_by_how_their_root_begins(book):
    for number in range(4):
        book.append([enrolled(f"s{number}")])
    root = book.head().root.hex()

    assert book.sizes_of(root[:12]) == [4]
    assert book.sizes_of(root) == [4]
    assert book.sizes_of("") == [0, 1, 2, 3, 4]
    assert book.sizes_of(root[:-1] + "x") == []


def test_a_mark_is_kept_with_the_events_that_it_stands_for(book, place):
    assert book.marked("import") == 0
    book.append([enrolled()], mark=("import", 10))
    assert book.marked("import") == 10
    with pytest.raises(LedgerError, match="enrolled already"):
        book.append([enrolled()], mark=("import", 20))
    book.append([], mark=("import", 30))  # nothing in these rows was new

    with closing(reopen(place)) as again:
        assert again.marked("import") == 30
        assert again.marked("another") == 0
        assert again.size == 1


def test_two_that_go_on_from_one_mark_do_not_both_append(book, place):
    assert book.marked("import") == 0
    with closing(reopen(place)) as other:
        assert other.marked("import") == 0
        other.append([enrolled()], mark=("import", 10))

    with pytest.raises(LedgerError, match="is at 10 now: somebody else"):
        book.append([enrolled("bo")], mark=("import", 15))
    assert (book.size, book.marked("import")) == (1, 10)


def cosigned(timestamp, rest, key=b"\x00key"):
    """A witness's line, up to its signature, which nobody reads here."""
    data = key + timestamp.to_bytes(8, "big") + rest
    return f"\u2014 witness.example/w1 {base64.b64encode(data).decode()}"


def test_witnesses_lines_are_kept_for_the_head_that_they_signed(book, place):
    book.append([enrolled()])
    line = cosigned(1, b"")
    book.keep_cosignatures(1, [line, line])
    book.keep_cosignatures(1, [line])
    book.append([enrolled("bo")])

    with closing(reopen(place)) as again:
        assert again.cosigned_note(1) == again.head_note(1) + line + "\n"
        assert again.cosigned_note() == again.head_note(2)
    # Another time of the same key, and another key of the same name.
    later, other = cosigned(2, b""), cosigned(1, b"", key=b"\x10key")
    book.keep_cosignatures(1, [later, other])
    assert book.cosigned_note(1) == book.head_note(1) + f"{later}\n{other}\n"
    with pytest.raises(LedgerError, match="no signed head"):
        book.keep_cosignatures(7, [line])
    for wrong in ("witness", "\u2014 w A\n\u2014 x B", "", "\u2014 w AAAAAAAA"):
        with pytest.raises(LedgerError, match="no signature line"):
            book.keep_cosignatures(1, [wrong])


def test_an_older_line_of_a_witness_does_not_replace_a_newer_one(book):
    book.append([enrolled()])
    # Of one key hash, whose next byte is the time's: 5 characters of base64 hold both.
    old, new = cosigned(255, b"z"), cosigned(256, b"a")
    kept = f"{book.head_note(1)}{new}\n"

    for lines in ([new], [old], [old, new], [new, old]):
        book.keep_cosignatures(1, lines)
        assert book.cosigned_note(1) == kept


def test_what_is_published_is_read_back_and_grows_with_the_ledger(book, tmp_path):
    for size in (255, 256, 600):
        book.append([enrolled(f"s{n}") for n in range(book.size, size)])
        publish_ledger(book, tmp_path / "log")
        source = Folder(tmp_path / "log")
        reader = LogReader(source, read_checkpoint(source), book.verifier_key)

        assert reader.head == book.head()
        assert list(reader.entries(0, size)) == list(book.entries(0, size))
        assert [reader.consistency(old) for old in (1, 200, size)] == [
            book.consistency(old, size) for old in (1, 200, size)
        ]


# --- shredding -----------------------------------------------------------------------


def test_who_is_shredded_is_gone_and_everything_else_holds(book, place):
    filled(book)
    book.append([Event(EventKind.GIVEN, NOW, "bo", notice=NOTICE)])
    before, entries = book.head(), list(book.entries(0, 5))
    assert [held[0] for held in book.events_of("ana")] == [0, 1]

    assert book.shred("ana") == 2

    assert (book.head(), list(book.entries(0, 5))) == (before, entries)
    assert book.events_of("ana") == []
    assert book.enrolment("ana") is None
    assert place.vault.secrets(["ana", "bo"]).keys() == {"bo"}
    book.check()
    with closing(reopen(place)) as again:
        again.check()
        kept = again.events(5).to_pylist()
        assert [row["subject_id"] for row in kept] == ["bo", "bo"]
        assert [row["entry"] for row in kept] == [2, 4]
        assert len(list(again.public_events())) == 1
        assert again.shred("ana") == 0  # nothing is held of her


def test_a_withdrawal_that_was_put_under_another_name_is_not_shredded_with_it(
    book, place
):
    filled(book)
    book.append([Event(EventKind.WITHDRAWN, NOW, "ana")])
    change(place, "UPDATE bodies SET subject_id = 'bo' WHERE number = 4")

    with pytest.raises(LedgerError, match="entry 4 is not the one that was committed"):
        book.events_of("bo")
    with pytest.raises(LedgerError, match="entry 4 is not the one that was committed"):
        book.shred("bo")

    assert place.vault.secrets(["bo"]).keys() == {"bo"}
    change(place, "UPDATE bodies SET subject_id = 'ana' WHERE number = 4")
    book.check()


def test_a_lost_key_of_shreddings_is_not_drawn_anew(book, place, tmp_path):
    filled(book)
    book.append([enrolled("cem")])
    book.shred("ana")
    (tmp_path / "secrets" / "erasure.key").unlink()

    with pytest.raises(LedgerError, match="`erasure` is missing"):
        book.shred("cem")

    assert place.vault.secrets(["cem"]).keys() == {"cem"}


def test_nothing_of_who_is_shredded_is_left_in_the_database(book, place, tmp_path):
    book.append(
        [enrolled("ana-schmidt"), Event(EventKind.OBJECTED, NOW, "ana-schmidt")]
    )
    secret = place.vault.secret("ana-schmidt")
    [_, (_, _, _, opening)] = book.events_of("ana-schmidt")
    book.shred("ana-schmidt")

    for table in ("bodies", "shreddings"):
        rows = book._store.rows(f"SELECT * FROM {table}")
        assert b"ana-schmidt" not in repr(rows).encode()
    if isinstance(place.where, Path):
        for path in tmp_path.rglob("*"):
            data = path.read_bytes() if path.is_file() else b""
            for gone in (b"ana-schmidt", secret, opening):
                assert gone not in data, path.name


def test_the_mac_of_one_shredded_entry_covers_no_other(book, place):
    filled(book)
    book.append([Event(EventKind.WITHDRAWN, NOW, "bo")])
    book.shred("ana")
    change(
        place,
        "UPDATE bodies SET body = NULL, opening = NULL, subject_id = NULL, erasure = "
        "(SELECT erasure FROM bodies WHERE number = 1) WHERE number = 4",
    )

    with pytest.raises(LedgerError, match="entry 4 was removed, and not by this"):
        book.events(5)


def test_who_was_shredded_can_be_enrolled_anew_with_another_secret(book, place):
    filled(book)
    first = place.vault.secret("ana")
    book.shred("ana")
    with pytest.raises(LedgerError, match="never enrolled"):
        book.append([Event(EventKind.WITHDRAWN, NOW, "ana")])
    book.append([enrolled()])

    assert place.vault.secret("ana") != first
    book.check()
    assert book.enrolment("ana")[0] == 4


def test_a_shredding_that_was_cut_off_is_ended_by_the_next_opening(
    book, place, monkeypatch
):
    filled(book)

    def fail(*_):
        raise PowerCutError

    with monkeypatch.context() as patched:
        patched.setattr(place.vault, "shred", fail)
        with pytest.raises(PowerCutError):
            book.shred("ana")
    with pytest.raises(LedgerError, match="shredding of subject `ana` is not ended"):
        book.append([enrolled()])

    with closing(reopen(place)) as again:
        assert "shredding" in again.findings[0]
        assert place.vault.secrets(["ana"]) == {}
        again.append([enrolled()])
        again.check()


# --- an old copy ---------------------------------------------------------------------


def test_an_old_copy_of_the_ledger_is_refused(tmp_path):
    place = Place(tmp_path / "ledger.db", Vault(tmp_path / "secrets", Draws()))
    with closing(place.vault):
        with closing(create(place)) as book:
            filled(book)
        backup = place.where.read_bytes()
        with closing(reopen(place)) as book:
            book.append([Event(EventKind.WITHDRAWN, NOW, "bo")])
        newest = place.where.read_bytes()
        place.where.write_bytes(backup)

        with pytest.raises(LedgerError, match="has 4 entries, .* signed 5") as caught:
            reopen(place)
        assert "A lost tail" in caught.value.hint
        place.where.write_bytes(newest)
        reopen(place).close()


def test_another_history_of_the_same_length_is_refused(tmp_path):
    place = Place(tmp_path / "ledger.db", Vault(tmp_path / "secrets", Draws()))
    seen = tmp_path / "secrets/seen"
    with closing(place.vault):
        with closing(create(place)) as book:
            filled(book)
        backup, note = place.where.read_bytes(), seen.read_bytes()
        with closing(reopen(place)) as book:
            book.append([Event(EventKind.WITHDRAWN, NOW, "bo")])
        newer = seen.read_bytes()
        place.where.write_bytes(backup)
        seen.write_bytes(note)  # both restored together: nothing here can tell
        with closing(reopen(place)) as book:
            book.append([Event(EventKind.GIVEN, NOW, "bo", notice=NOTICE)] * 2)
        seen.write_bytes(newer)

        with pytest.raises(LedgerError, match="first 5 entries are not those"):
            reopen(place)


def test_what_this_folder_has_signed_must_be_known(book, place, tmp_path):
    seen = tmp_path / "secrets/seen"
    with closing(reopen(place)):
        assert seen.read_text() == book.head_note(0)
    book.append([enrolled()])
    assert seen.read_text() == book.head_note(1)
    kept = seen.read_bytes()
    for wrong in (b"", kept.replace(b"\n1\n", b"\n0\n"), b"\xff", b"none\n"):
        seen.write_bytes(wrong)
        with pytest.raises(LedgerError, match="seen|signed head"):
            reopen(place)
    seen.unlink()
    with pytest.raises(LedgerError, match="`seen` is missing"):
        reopen(place)


def test_an_append_that_nobody_was_told_of_is_said_by_the_next_start(
    book, place, tmp_path
):
    book.append([enrolled()])
    before = (tmp_path / "secrets/seen").read_bytes()
    book.append([enrolled("bo"), enrolled("cy")])
    (tmp_path / "secrets/seen").write_bytes(before)

    with closing(reopen(place)) as again:
        assert "entries 1 to 2 were appended by a writer" in again.findings[0]
    with closing(reopen(place)) as again:
        assert again.findings == []


def test_who_opens_while_another_appends_is_not_told_of_an_old_copy(
    book, place, monkeypatch
):
    whole = Heads.whole_edge
    newcomers = iter(["ana", "bo"])

    def overtaken(heads):
        head = whole(heads)
        if heads is not book._heads:  # as soon as the new one has read its head
            book.append([enrolled(next(newcomers))])
        return head

    monkeypatch.setattr(Heads, "whole_edge", overtaken)
    with closing(reopen(place)) as again:
        assert again.findings == []
        assert (again.size, next(newcomers)) == (1, "bo")


def test_the_file_of_heads_never_goes_back(tmp_path):
    notes = [f"l\n{size}\nroot\n\n\u2014 l {size}\n" for size in (9, 10, 2)]
    for note in notes:
        Seen(tmp_path / "seen").keep(note)

    assert Seen(tmp_path / "seen").note() == notes[1]
