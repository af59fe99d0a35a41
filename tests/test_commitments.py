"""What a corpus commits to: who is in it, what was known of everybody, and of what."""

from collections import Counter
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from assent.corpus.manifest import check_parts
from assent.errors import CorpusError, LedgerError, ProofError
from assent.merkle.commitment import (
    consent_key,
    consent_leaf,
    document_leaf_of,
    subject_leaf,
    tag,
    verify_document,
)
from assent.merkle.prefix import prefix_root, verify_absent, verify_present
from assent.project.commitments import consent_in, document_in, documents_in, prove_in
from assent.terms import EventKind
from small_project import COUNTRIES, PERMITTED, Stop, StoppedError, opened

pytest_plugins = ("toy_projects",)


def corpora(project):
    """The bodies of all logged corpora, in order."""
    events = project.place.events_of(EventKind.CORPUS_BUILT)
    return [event.body for event in events]


def roots(body):
    return bytes.fromhex(body["subject_root"]), bytes.fromhex(body["consent_root"])


def states_of(project, body):
    """The consent states, from the decisions and the ledger, person by person."""
    place, size = project.place, body["ledger_size"]
    events = place.book.events(size).to_pylist()
    engine = place.engine(size)
    decided = engine.decide(place.question(body["as_of"], size)).to_pylist()
    engine.close()
    found = {}
    for subject_id in {event["subject_id"] for event in events}:
        own = [e["entry"] for e in events if e["subject_id"] == subject_id]
        reasons = Counter(r["reason"] for r in decided if r["subject_id"] == subject_id)
        found[subject_id] = {
            "entries": len(own),
            "last_entry": max(own),
            "reasons": dict(reasons),
        }
    return found


# --- who is in it --------------------------------------------------------------------


def test_the_root_is_that_of_everybodys_leaf(fresh_corpus):
    with opened(fresh_corpus) as project:
        place, body = project.place, project.place.latest_corpus()
        name, leaves = body["corpus_id"], []
        for who in PERMITTED:
            secret = place.vault.secret(who)
            documents = documents_in(place, name, who)
            leaves.append(
                subject_leaf(
                    secret,
                    name,
                    [
                        document_leaf_of(secret, name, each, bytes.fromhex(sha))
                        for each, sha in documents
                    ],
                )
            )
            verify_present(prove_in(place, name, who), *leaves[-1], roots(body)[0])
        absent = set(COUNTRIES) - set(PERMITTED)
        for who in absent:
            key = tag(place.vault.secret(who), name)
            verify_absent(prove_in(place, name, who), key, roots(body)[0])
            assert documents_in(place, name, who) == []

    assert (len(leaves), len(absent)) == (body["subjects"], 2)
    assert prefix_root(leaves) == roots(body)[0]


def test_one_document_is_shown_or_shown_to_be_missing_without_the_others(fresh_corpus):
    with opened(fresh_corpus) as project:
        place, body = project.place, project.place.latest_corpus()
        name, root = body["corpus_id"], roots(body)[0]
        secret = place.vault.secret("u01")
        held = documents_in(place, name, "u01")
        there = document_in(place, name, "u01", "u01-0")
        private = document_in(place, name, "u01", "u01-3")  # a private message
        theirs = document_in(place, name, "u02", "u02-0")
        with pytest.raises(ProofError, match="nothing of subject `u11`"):
            document_in(place, name, "u11", "u11-0")
    sha = bytes.fromhex(dict(held)["u01-0"])

    assert [document_id for document_id, _ in held] == ["u01-0", "u01-1", "u01-2"]
    verify_document(there, secret, name, "u01-0", sha, root)
    verify_document(private, secret, name, "u01-3", None, root)
    for proof, document_id, text in (
        (there, "u01-0", None),  # it is there
        (there, "u01-0", bytes(32)),  # with another text
        (there, "u01-1", sha),
        (private, "u01-3", sha),  # it is not there
        (private, "u01-0", None),
        (theirs, "u01-3", None),
        (replace(private, documents=2), "u01-3", None),
        (replace(private, documents=0), "u01-3", None),
        (replace(private, documents_root=bytes(32)), "u01-3", None),
        (replace(private, document=there.document), "u01-3", None),
        (replace(private, subject=theirs.subject), "u01-3", None),
    ):
        with pytest.raises(ProofError):
            verify_document(proof, secret, name, document_id, text, root)


# --- of what -------------------------------------------------------------------------


def categories_of(folder):
    parts = pq.ParquetDataset(folder / "parts", partitioning=None).read()
    return sorted(set(parts["category"].to_pylist()))


def test_a_category_that_the_entry_does_not_list_is_not_in_the_corpus(fresh):
    with opened(fresh) as project:
        loaded = pq.read_table(project.place.tables().documents)["category"]
        built = project.build()
        body = project.place.latest_corpus()

    assert set(loaded.to_pylist()) == {"post", "comment", "private_message"}
    assert body["categories"] == ["comment", "post"]
    assert categories_of(built.folder) == body["categories"]
    assert built.manifest.counts.subjects_used == body["subjects"] == len(PERMITTED)


def test_a_category_that_is_taken_out_is_no_longer_listed(toy):
    with opened(toy, 1) as project:
        everybody = list(PERMITTED)
        project.record("objected", everybody, category="comment")
        project.forget()
        before, after = corpora(project)
        folder = project.place.corpus_folder(after["corpus_id"])

    assert before["categories"] == ["comment", "post"]
    assert after["categories"] == categories_of(folder) == ["post"]


# --- what was known ------------------------------------------------------------------


def test_what_was_known_of_everybody_is_committed(fresh):
    with opened(fresh) as project:
        project.record("withdrawn", ["u05"])
        project.build()
        place, body = project.place, project.place.latest_corpus()
        states = states_of(project, body)
        secrets = place.vault.secrets(states)
        shown = {who: consent_in(place, body["corpus_id"], who) for who in states}

    assert states.keys() == COUNTRIES.keys()
    assert states["u05"]["reasons"] == {"withdrawn": 3, "never": 1}
    assert {who: state for who, (state, _) in shown.items()} == states
    leaves = {
        who: consent_leaf(secrets[who], body["corpus_id"], state)
        for who, state in states.items()
    }
    assert body["consent_root"] == prefix_root(leaves.values()).hex()
    for who, (_, proof) in shown.items():
        verify_present(proof, *leaves[who], roots(body)[1])


def test_a_withdrawal_is_known_to_a_build_from_its_own_entry_on(fresh):
    with opened(fresh) as project:
        with pytest.raises(StoppedError):
            project.build(Stop(1))  # the pins are taken, and nothing else is done
        (entry,) = project.record("withdrawn", ["u11"])  # of nothing that is used
        project.build()
        first = project.place.latest_corpus()
    with opened(fresh, 1) as project:
        project.build()
        second = project.place.latest_corpus()
        states = [
            consent_in(project.place, body["corpus_id"], "u11")[0]
            for body in (first, second)
        ]

    assert first["ledger_size"] == entry
    assert states[0]["last_entry"] < entry == states[1]["last_entry"]
    assert states[1]["entries"] == states[0]["entries"] + 1
    assert first["consent_root"] != second["consent_root"]


def test_who_was_not_enrolled_by_then_is_shown_not_to_be_known(fresh):
    with opened(fresh) as project:
        with pytest.raises(StoppedError):
            project.build(Stop(1))
        project.place.vault.ensure_secrets(["later"])
        project.build()
        place, body = project.place, project.place.latest_corpus()
        state, proof = consent_in(place, body["corpus_id"], "later")
        key = consent_key(place.vault.secret("later"), body["corpus_id"])
        with pytest.raises(LedgerError, match="`nobody` has no secret"):
            consent_in(place, body["corpus_id"], "nobody")

    assert state is None
    verify_absent(proof, key, roots(body)[1])


def test_a_repair_commits_to_the_state_of_its_own_instant(toy):
    with opened(toy, 1) as project:
        (entry,) = project.record("withdrawn", ["u07"])
    with opened(toy, 2) as project:
        project.forget()
        before, after = corpora(project)
        place = project.place
        old, new = (consent_in(place, b["corpus_id"], "u07") for b in (before, after))
        kept = consent_in(place, after["corpus_id"], "u08")[0]
        key = tag(place.vault.secret("u07"), after["corpus_id"])
        gone = prove_in(place, after["corpus_id"], "u07")
        secret = place.vault.secret("u07")

    assert old[0]["reasons"] == {"legitimate_interests": 3, "never": 1}
    assert new[0]["reasons"] == {"withdrawn": 3, "never": 1}
    assert old[0]["last_entry"] < new[0]["last_entry"] == entry
    assert kept["reasons"] == old[0]["reasons"]
    verify_absent(gone, key, roots(after)[0])
    leaf = consent_leaf(secret, after["corpus_id"], new[0])
    verify_present(new[1], *leaf, roots(after)[1])
    # The corpus that held her was erased; what was known then can still be shown.
    leaf = consent_leaf(secret, before["corpus_id"], old[0])
    verify_present(old[1], *leaf, roots(before)[1])


# --- damage --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["subjects.tree", "consent.tree", "consent.parquet"])
def test_a_changed_byte_beside_the_parts_is_refused(fresh_corpus, name):
    (path,) = fresh_corpus.glob(f"corpora/*/{name}")
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorpusError, match=name):
        check_parts(path.parent)
    path.unlink()
    with pytest.raises(CorpusError, match=f"`{name}` of .* is missing"):
        check_parts(path.parent)


def test_a_state_that_was_changed_is_not_shown(fresh_corpus):
    (path,) = fresh_corpus.glob("corpora/*/consent.parquet")
    table = pq.read_table(path)
    states = [s.replace('"never":1', '"never":2') for s in table["state"].to_pylist()]
    for changed in (table.set_column(1, "state", [states]), table.slice(1)):
        pq.write_table(changed, path)
        with (
            opened(fresh_corpus) as project,
            pytest.raises(CorpusError, match="does not say of `u01`"),
        ):
            consent_in(project.place, path.parent.name, "u01")
    path.write_bytes(b"no table")
    with opened(fresh_corpus) as project, pytest.raises(CorpusError, match="be read"):
        consent_in(project.place, path.parent.name, "u01")
