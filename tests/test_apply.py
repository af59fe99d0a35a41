"""A recipient applies what is signed, in order, whole or not at all, and says so."""

import json
import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assent.canon import canonical, sha256
from assent.corpus.manifest import FileEntry
from assent.errors import ProofError, UsageError
from assent.files import file_sha256
from assent.ledger.book import Book
from assent.merkle.note import (
    TreeHead,
    open_head,
    sign_head,
    sign_statement,
    verifier_key,
)
from assent.project.sharing import signing_key
from assent.share import folder as shares
from assent.share.folder import apply, receive
from assent.share.papers import (
    read_acknowledgement,
    read_change,
    read_handover,
)
from assent.terms import DAY, EventKind
from small_project import (
    BUILT_AT,
    POLICY,
    StoppedError,
    digests,
    opened,
    stop_once,
    write_policy,
)

pytest_plugins = ("toy_projects",)

NOW = BUILT_AT + 3 * DAY


class Given:
    """What a recipient has: folders, change files in order, the ledger's key."""

    def __init__(self, root, key):
        self.project, self.key = root / "shareable", key
        self.corpus, self.model = root / "corpus", root / "model"
        changes = {
            path: json.loads(path.read_bytes()) for path in (root / "box").iterdir()
        }
        self.changes = sorted(
            (path for path, said in changes.items() if not said["whole"]),
            key=lambda path: changes[path]["number"],
        )
        (self.of_model,) = (path for path, said in changes.items() if said["whole"])

    def apply(self, *numbers, **said):
        for number in numbers:
            done = apply(self.changes[number - 1], self.corpus, self.key, NOW, **said)
        return done


@pytest.fixture(scope="session")
def given_once(handed_over_once, tmp_path_factory):
    root = tmp_path_factory.mktemp("given")
    shutil.copytree(handed_over_once, root, dirs_exist_ok=True)
    for day, who in ((2, "u01"), (2.5, "u07")):
        with opened(root / "shareable", day) as project:
            project.record("withdrawn", [who])
            project.pass_on(root / "box")
            key = project.place.book.verifier_key
    return root, key


@pytest.fixture
def given(given_once, tmp_path):
    """Two people withdrew, one after the other: two changes of the corpus."""
    root, key = given_once
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    return Given(tmp_path, key)


def people_in(folder):
    return {
        who
        for path in folder.rglob("*.parquet")
        for who in pq.read_table(path)["subject_id"].to_pylist()
    }


EVERYBODY = {f"u{n:02}" for n in range(1, 11)}


# --- applying ------------------------------------------------------------------------


def test_a_change_removes_the_rows_and_leaves_the_rest_to_the_byte(given):
    before = digests(given.corpus)
    done = given.apply(1)
    after = digests(given.corpus)

    assert people_in(given.corpus) == EVERYBODY - {"u01"}
    assert done.rows == 3
    touched = {name for name in before if before[name] != after.get(name)}
    assert touched == {"parts/de-fr/0.parquet"}
    assert after.keys() - before.keys() == {"applied.json", "acknowledgement-001.json"}
    assert receive(given.corpus, given.key).number == 1


def test_changes_follow_each_other_to_the_last(given):
    done = given.apply(1, 2)

    assert people_in(given.corpus) == EVERYBODY - {"u01", "u07"}
    assert done.acknowledgement.name == "acknowledgement-002.json"
    assert receive(given.corpus, given.key).number == 2


def test_a_model_is_removed_whole(given):
    done = apply(given.of_model, given.model, given.key, NOW)

    assert {path.name for path in given.model.iterdir()} == {
        *("handover.json", "applied.json", "acknowledgement-001.json")
    }
    assert receive(given.model, given.key).files == ()
    assert "the whole model was removed" in done.lines()[0]


def test_applied_twice_it_changes_nothing(given, tmp_path):
    given.apply(1, key_file=tmp_path / "partner.key")
    before = digests(tmp_path)
    for said in ({}, {"key_file": tmp_path / "partner.key"}):
        done = apply(given.changes[0], given.corpus, given.key, NOW + DAY, **said)

        assert done.before
        assert done.verifier_key.startswith("partner+")
        assert digests(tmp_path) == before


def test_a_key_is_drawn_once_and_is_its_owners_alone(given, tmp_path):
    path = tmp_path / "keys/partner.key"
    first = given.apply(1, key_file=path)
    second = given.apply(2, key_file=path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert first.verifier_key == second.verifier_key
    said = read_acknowledgement(second.acknowledgement.read_bytes())
    assert (said.number, said.recipient, said.applied_at) == (2, "partner", NOW)
    assert said.files == receive(given.corpus, given.key).files


def test_no_draft_and_no_old_text_stays_beside_the_folder(given, tmp_path):
    given.apply(1, 2)

    assert list(tmp_path.glob(".*")) == []
    assert list(given.corpus.glob("**/.*")) == []


# --- refused -------------------------------------------------------------------------


def refuses(given, change, folder, match, key=None, error=ProofError):
    root = given.corpus.parent
    before = digests(root)
    with pytest.raises(error, match=match) as caught:
        apply(change, folder, key or given.key, NOW, root / "new.key")
    assert digests(root) == before
    if error is ProofError:
        assert caught.value.exit_code == 1
        assert caught.value.message.startswith("refused, ")
        assert caught.value.hint
    return caught.value


def test_a_change_that_skips_one_is_refused(given):
    found = refuses(given, given.changes[1], given.corpus, "change 2, and 0 were")
    assert found.hint == "apply change 1 first"

    given.apply(1, 2)
    refuses(given, given.changes[0], given.corpus, "change 1, and 2 were")


def test_a_change_of_another_handover_is_refused(given):
    refuses(given, given.of_model, given.corpus, "another handover")
    refuses(given, given.changes[0], given.model, "another handover")


def test_another_ledgers_key_is_refused(given):
    stranger = Ed25519PrivateKey.generate().public_key()
    for name in ("toy.example/ledger", "other.example/ledger"):
        key = verifier_key(name, stranger)
        refuses(given, given.changes[0], given.corpus, "wanted", key)


def test_a_change_that_another_signed_is_refused(given, tmp_path):
    change = read_change(given.changes[0].read_bytes(), given.key)
    forged = tmp_path / "forged.json"
    forged.write_bytes(change.to_bytes(Ed25519PrivateKey.generate()))

    refuses(given, forged, given.corpus, "0 signatures")


def test_a_change_that_does_not_follow_is_refused(given, tmp_path):
    with opened(given.project, 4) as project:
        key = signing_key(project.place)
    change = read_change(given.changes[0].read_bytes(), given.key)
    other = tmp_path / "other.json"
    other.write_bytes(replace(change, previous="0" * 64).to_bytes(key))
    refuses(given, other, given.corpus, "does not follow")
    # Another change of a number that was applied is not taken for the one that was.
    given.apply(1)
    other.write_bytes(replace(change, documents=("u02-0",)).to_bytes(key))
    refuses(given, other, given.corpus, "change 1, and 1 were applied")
    whole = replace(change, number=2, whole=True, documents=())
    other.write_bytes(whole.to_bytes(key))
    refuses(given, other, given.corpus, "does not fit a corpus")


@pytest.mark.parametrize("applied", [False, True])
def test_a_folder_with_anything_changed_is_refused(given, applied):
    if applied:
        given.apply(1)
    change = given.changes[applied]
    part = given.corpus / "parts/us/0.parquet"
    whole = part.read_bytes()

    part.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    refuses(given, change, given.corpus, "us/0.parquet` is missing, or is not")
    part.unlink()
    refuses(given, change, given.corpus, "us/0.parquet` is missing, or is not")
    part.write_bytes(whole)
    (given.corpus / "parts/copy.parquet").write_bytes(whole)
    refuses(given, change, given.corpus, "`parts/copy.parquet` is not among")
    (given.corpus / "parts/copy.parquet").unlink()
    (given.corpus / "parts/elsewhere").symlink_to(given.model)
    refuses(given, change, given.corpus, "leads out of the folder")


def test_what_is_not_there_is_named(given, tmp_path):
    refuses(given, tmp_path / "no.json", given.corpus, "`no.json`", error=UsageError)
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "absent", tmp_path / "empty"):
        refuses(given, given.changes[0], folder, "`handover.json`", error=UsageError)


def test_a_file_that_is_no_key_is_named_before_anything_is_done(given, tmp_path):
    path = tmp_path / "no.key"
    path.write_bytes(b"too short")
    before = digests(tmp_path)
    with pytest.raises(UsageError, match="holds 9 bytes, a key has 32"):
        given.apply(1, key_file=path)

    assert digests(tmp_path) == before


def other_values(value):
    """Say something else of the same kind, in every way that there is a place for."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, max(value - 1, 0), -1, str(value))
    elif isinstance(value, str):
        flipped = ("1" if value[:1] == "0" else "0") + value[1:]
        yield from (flipped, value + "x", value[:-1], "")
    elif isinstance(value, list):
        yield from ([*value, "more"], value[1:], None)
        for n, item in enumerate(value):
            for other in other_values(item):
                yield [*value[:n], other, *value[n + 1 :]]
    elif isinstance(value, dict):
        for name, item in value.items():
            for other in other_values(item):
                yield value | {name: other}
            yield {k: v for k, v in value.items() if k != name}
        yield value | {"more": 1}
    else:
        yield from ("x", 1)
    if value is not None:
        yield None


def every_tampering(data):
    """Change each field once, and each byte of the file."""
    said = json.loads(data)
    for other in other_values(said):
        if other is not None and other != said:
            yield canonical(other)
    for n in range(0, len(data), 7):
        yield data[:n] + bytes([data[n] ^ 1]) + data[n + 1 :]
    yield from (data[:-1], data + b"\n", b"", b"[]", b"null", b"\xff", b"{}")


def test_every_field_of_a_handover_is_signed(given):
    data = (given.corpus / "handover.json").read_bytes()
    read_handover(data, given.key)
    tried = 0
    for tampered in every_tampering(data):
        with pytest.raises(ProofError):
            read_handover(tampered, given.key)
        tried += 1
    assert tried > 150


def test_every_field_of_a_change_is_signed(given):
    data = given.changes[1].read_bytes()
    read_change(data, given.key)
    for tampered in every_tampering(data):
        with pytest.raises(ProofError):
            read_change(tampered, given.key)


def test_every_field_of_an_acknowledgement_is_signed(given, tmp_path):
    done = given.apply(1, key_file=tmp_path / "partner.key")
    data = done.acknowledgement.read_bytes()
    with opened(given.project, 4) as project:
        for tampered in every_tampering(data):
            path = tmp_path / "tampered.json"
            path.write_bytes(tampered)
            with pytest.raises(ProofError):
                project.acknowledge(path, done.verifier_key)
        assert not list(project.place.events_of(EventKind.SHARE_ACKNOWLEDGED))


# --- one signature, one meaning ------------------------------------------------------


def test_no_paper_passes_as_another_nor_as_a_tree_head(given):
    handover = (given.corpus / "handover.json").read_bytes()
    change = given.changes[0].read_bytes()
    for data in (handover, change):
        with pytest.raises(ProofError):
            open_head(json.loads(data)["signature"], given.key)
    # The digest of one, in the place of the other's.
    for taken, into, read in (
        (handover, change, read_change),
        (change, handover, read_handover),
    ):
        mixed = json.loads(into) | {"signature": json.loads(taken)["signature"]}
        with pytest.raises(ProofError, match="is not what"):
            read(canonical(mixed), given.key)


def test_a_tree_head_is_no_paper_whatever_the_ledger_is_called():
    key = Ed25519PrivateKey.generate()
    with pytest.raises(ValueError, match="origin"):
        sign_head(TreeHead("assent change v1", 1, bytes(32)), key)
    for text in ("toy.example/ledger\n1\nx\n", "no line end of words", ""):
        with pytest.raises(ValueError, match="begins with a line"):
            sign_statement(text, "toy.example/ledger", key)


@pytest.mark.parametrize(
    "path", ["../parts", "/etc/passwd", "parts//x", ".hidden", "a/../b", "a\\b", "a/"]
)
def test_a_path_that_leads_elsewhere_is_refused_though_it_is_signed(given, path):
    with opened(given.project, 4) as project:
        key = signing_key(project.place)
    handover = read_handover((given.corpus / "handover.json").read_bytes(), given.key)
    signed = replace(handover, files=(FileEntry(path, "0" * 64, 0, 0),)).to_bytes(key)
    with pytest.raises(ProofError, match="leads out of the folder"):
        read_handover(signed, given.key)


# --- crashes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("owner", "name", "removed"),
    [
        (shares, "_draft", False),
        (shares, "_swap", False),
        (os, "rename", False),
        (shares, "publish_folder", None),  # between the two renames: no folder
        (shares, "_acknowledge", True),
    ],
)
def test_cut_off_anywhere_the_next_run_ends_the_same(
    given, tmp_path, monkeypatch, owner, name, removed
):
    other = Path(shutil.copytree(given.corpus, tmp_path / "other" / "corpus"))
    apply(given.changes[0], other, given.key, NOW)
    with monkeypatch.context() as patched:
        stop_once(patched, owner, name)
        with pytest.raises(StoppedError):
            given.apply(1)
    if removed is None:
        assert not given.corpus.exists()
    else:
        assert ("u01" not in people_in(given.corpus)) == removed
        assert not list(given.corpus.glob("acknowledgement-*"))
    done = given.apply(1)

    assert digests(given.corpus) == digests(other)
    assert list(tmp_path.glob(".*")) == []
    assert done.acknowledgement.exists()


def test_the_old_texts_are_gone_before_anything_is_acknowledged(
    given, tmp_path, monkeypatch
):
    with monkeypatch.context() as patched:
        stop_once(patched, shutil, "rmtree")
        with pytest.raises(StoppedError):
            given.apply(1)
    assert "u01" in people_in(tmp_path / ".replaced-corpus")
    assert not list(given.corpus.glob("acknowledgement-*"))
    done = given.apply(1)

    assert not (tmp_path / ".replaced-corpus").exists()
    assert done.before
    assert done.acknowledgement.exists()


# --- acknowledging -------------------------------------------------------------------


def acknowledgements(project):
    return [
        event.body for event in project.place.events_of(EventKind.SHARE_ACKNOWLEDGED)
    ]


def test_an_acknowledgement_is_recorded_once_and_the_status_says_so(given, tmp_path):
    key_file = tmp_path / "partner.key"
    first = given.apply(1, key_file=key_file)
    of_model = apply(given.of_model, given.model, given.key, NOW, key_file)
    with opened(given.project, 4) as project:
        assert project.status()["unanswered"].count("by partner") == 3
        entry = project.acknowledge(first.acknowledgement)
        assert project.acknowledge(first.acknowledgement).number == entry.number
        project.acknowledge(of_model.acknowledgement)
        assert project.status()["unanswered"].count("by partner") == 1
        # Who has applied the second change has applied the first.
        project.acknowledge(given.apply(2, key_file=key_file).acknowledgement)
        assert project.status()["unanswered"] == "nothing"
        assert project.pass_on(tmp_path / "empty").waiting == ()

        found = acknowledgements(project)
    assert [body["number"] for body in found] == [1, 1, 2]
    assert found[0]["acknowledgement"] == file_sha256(first.acknowledgement)
    assert {body["verifier_key"] for body in found} == {first.verifier_key}


def test_the_first_key_that_signs_is_kept(given, tmp_path):
    first = given.apply(1, key_file=tmp_path / "one.key")
    with opened(given.project, 4) as project:
        project.acknowledge(first.acknowledgement)
        unsigned = Path(shutil.copytree(given.corpus, tmp_path / "copy"))
        for key_file in (tmp_path / "two.key", None):
            shutil.rmtree(unsigned)
            shutil.copytree(given.corpus, unsigned)
            done = apply(given.changes[1], unsigned, given.key, NOW, key_file)
            with pytest.raises(ProofError, match="not signed by the key of `partner`"):
                project.acknowledge(done.acknowledgement)
        shutil.rmtree(unsigned)
        shutil.copytree(given.corpus, unsigned)
        done = apply(given.changes[1], unsigned, given.key, NOW, tmp_path / "two.key")
        project.acknowledge(done.acknowledgement, done.verifier_key)

        assert [body["verifier_key"] for body in acknowledgements(project)] == [
            first.verifier_key,
            done.verifier_key,
        ]


def test_one_that_is_not_signed_is_recorded_as_such(given):
    done = given.apply(1)
    with opened(given.project, 4) as project:
        project.acknowledge(done.acknowledgement)

        assert acknowledgements(project)[0]["verifier_key"] is None


def changed(given, tmp_path, **fields):
    """Say something else, and sign it well."""
    done = given.apply(1)
    said = read_acknowledgement(done.acknowledgement.read_bytes())
    path = tmp_path / "said.json"
    path.write_bytes(replace(said, **fields).to_bytes(None))
    return path


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"number": 2}, "another handover"),
        ({"recipient": "ourselves"}, "another handover"),
        ({"share_id": "share-" + "0" * 16}, "another handover"),
        ({"change": "0" * 64}, "never passed on"),
        ({"applied_at": BUILT_AT}, "before its change"),
        ({"applied_at": BUILT_AT + 30 * DAY}, "after now"),
        ({"files": ()}, "other files than must be left"),
    ],
)
def test_an_acknowledgement_of_something_else_is_refused(
    given, tmp_path, fields, match
):
    path = changed(given, tmp_path, **fields)
    before = digests(given.project)
    with opened(given.project, 4) as project, pytest.raises(ProofError, match=match):
        project.acknowledge(path)

    assert digests(given.project) == before


def test_files_that_still_hold_what_must_go_are_not_acknowledged(given, tmp_path):
    handed = read_handover((given.corpus / "handover.json").read_bytes(), given.key)
    touched, other = handed.files
    less = replace(touched, rows=touched.rows - 3)
    cases = [
        ((touched, other), "not said to be without"),
        ((less, other), "not said to be without"),  # the same bytes
        ((replace(touched, sha256="1" * 64), other), "not said to be without"),
        ((replace(less, sha256="1" * 64), replace(other, rows=1)), "another file"),
    ]
    for files, match in cases:
        path = changed(given, tmp_path, files=files)
        with (
            opened(given.project, 4) as project,
            pytest.raises(ProofError, match=match),
        ):
            project.acknowledge(path)


def test_an_acknowledgement_that_was_not_recorded_is_recorded_by_the_next_run(
    given, monkeypatch
):
    done = given.apply(1)
    with opened(given.project, 4) as project:
        with monkeypatch.context() as patched:
            stop_once(patched, Book, "publish")
            with pytest.raises(StoppedError):
                project.acknowledge(done.acknowledgement)
        project.acknowledge(done.acknowledgement)

        assert len(acknowledgements(project)) == 1


def test_a_later_policy_reaches_the_recipient_to_the_last_row(given, tmp_path):
    given.apply(1, 2)
    text = POLICY.replace("2025-03", "2025-04").replace("2025-01-01", "2025-02-01")
    with opened(given.project, 5) as project:
        project.publish(write_policy(given.project, text, "2025-04.toml"))
        (body,) = project.pass_on(tmp_path / "box").changes
        last = tmp_path / "box" / f"{body['share_id']}.change-003.json"
    done = apply(last, given.corpus, given.key, BUILT_AT + 5 * DAY)

    assert people_in(given.corpus) == set()
    assert done.rows == 24
    with opened(given.project, 6) as project:
        project.acknowledge(done.acknowledgement)
        assert sha256(done.acknowledgement.read_bytes()) in {
            body["acknowledgement"] for body in acknowledgements(project)
        }
