"""Receipts: derived from what was committed to, refused when anything is changed."""

import json
import stat
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assent.canon import canonical, sha256
from assent.errors import ProofError
from assent.ledger.records import event_body, personal_entry
from assent.merkle.commitment import enrolment_commit, event_commit
from assent.merkle.cosign import cosign, cosigner_key
from assent.merkle.log import inclusion_path, root
from assent.merkle.note import TreeHead, sign_head, verifier_key
from assent.merkle.quorum import parse_policy
from assent.prove.receipt import HerEvent, build_receipt
from assent.receipt.record import MEANINGS, NOT_AVAILABLE, Stated, consent_record
from assent.receipt.verify import (
    KEY_LIMIT,
    OPERATOR_LIMIT,
    SECRET_LIMIT,
    SIMULATED_LIMIT,
    is_receipt,
    verify_receipt,
)
from assent.terms import SUBJECT_EVENTS, Event, EventKind
from dpv_terms import CLASSES, PROPERTIES, SOURCES
from small_ledger import ANA, HEX, KEY, ORIGIN, PRIVATE, Ledger
from small_project import NOTICE, opened

pytest_plugins = ("toy_projects", "command_line")

OPENING = bytes(range(32))
NOW = 1_735_732_800_000_000
STATED = Stated(("Club Ltd",), "FR", "https://club.example/consent")
EVENT = Event(
    EventKind.GIVEN,
    NOW - 5_000_000,
    "ana",
    purpose="train.generative",
    recipient="partner",
    notice=HEX,
    valid_until=NOW + 10_000_000,
    detail={"channel": "web", "language": "fr"},
)


def ledger_of(*events: Event) -> tuple[Ledger, list[HerEvent]]:
    """Log some events, with two entries before and two after."""
    ledger, hers = Ledger(), []
    ledger.public("policy_published", {"n": 1})
    ledger.public("policy_published", {"n": 2})
    for event in events:
        body = event_body(event)
        enrolled = event.kind is EventKind.ENROLLED
        opens = ANA if enrolled else OPENING
        commit = (enrolment_commit if enrolled else event_commit)(opens, body)
        entry = personal_entry(event.kind, NOW, commit)
        hers.append(HerEvent(ledger.append(entry), entry, body, opens, ()))
    ledger.public("policy_published", {"n": 3})
    ledger.public("policy_published", {"n": 4})
    paths = [inclusion_path(e.index, len(ledger.entries), ledger.get) for e in hers]
    return ledger, [replace(e, path=p) for e, p in zip(hers, paths, strict=True)]


def head_of(ledger: Ledger) -> str:
    size = len(ledger.entries)
    return sign_head(TreeHead(ORIGIN, size, root(size, ledger.get)), PRIVATE)


def receipt_of(event: Event, stated: Stated = STATED) -> bytes:
    ledger, (hers,) = ledger_of(event)
    return build_receipt(hers, stated, head_of(ledger), KEY, PRIVATE, NOW)


RECEIPT = receipt_of(EVENT)


def test_a_receipt_says_what_was_said_and_where_it_is_logged():
    found = verify_receipt(RECEIPT, KEY)

    assert (found.subject_id, found.kind, found.index) == ("ana", "given", 2)
    assert (found.happened_at, found.recorded_at) == (EVENT.happened_at, NOW)
    assert found.head.size == 5
    assert len(found.steps) == 5
    assert KEY_LIMIT not in found.limits
    assert OPERATOR_LIMIT in found.limits
    assert verify_receipt(RECEIPT).limits[0] == KEY_LIMIT


def test_the_record_has_every_field_that_the_specification_wants():
    record = json.loads(RECEIPT)["dpv:hasRecordOfActivity"]
    process, status = record["dpv:hasProcess"], record["dpv:hasConsentStatus"]
    (controller,) = record["dpv:hasDataController"]

    assert record["@type"] == "dpv:ConsentRecord"
    assert record["dct:identifier"] == record["@id"]
    assert record["dpv:hasDataSubject"]["dct:identifier"] == "ana"
    assert record["dpv:hasNotice"] == {
        "@type": "dpv:ConsentNotice",
        "dct:identifier": f"sha256:{HEX}",
        "dct:language": "fr",
    }
    assert process["dpv:hasPurpose"]["dct:identifier"] == "train.generative"
    assert process["dpv:hasRecipient"]["dct:identifier"] == "partner"
    assert process["dpv:hasPersonalData"]["dct:description"] == "every category"
    assert process["dpv:hasLegalBasis"] == {"@id": "dpv:Consent"}
    assert controller["dpv:hasName"] == "Club Ltd"
    assert record["dpv:hasJurisdiction"]["dct:identifier"] == "FR"
    assert record["dpv:hasConsentControl"]["dpv:isExercisedAt"] == STATED.withdraw_at
    assert status["@type"] == "dpv:ConsentGiven"
    assert status["dpv:isIndicatedAtTime"] == "2025-01-01T11:59:55Z"
    assert status["dpv:hasIndicationMethod"] == "web"
    assert status["dpv:hasDuration"]["rdf:value"] == "2025-01-01T12:00:10Z"


def test_what_is_not_known_says_so_and_is_not_guessed():
    bare = replace(EVENT, notice=None, detail={}, valid_until=None)
    record = consent_record(OPENING, NOW, event_body(bare), Stated())
    (controller,) = record["dpv:hasDataController"]

    for field in ("dpv:hasNotice", "dpv:hasJurisdiction", "dpv:hasConsentControl"):
        assert NOT_AVAILABLE.items() <= record[field].items(), field
    for kept in record["dpv:hasProcess"]["dpv:hasStorageCondition"]:
        assert NOT_AVAILABLE.items() <= kept.items()
    assert controller["dpv:hasName"] == NOT_AVAILABLE
    assert record["dpv:hasConsentStatus"]["dpv:hasIndicationMethod"] == NOT_AVAILABLE


def test_every_kind_of_event_about_a_person_has_a_record_and_a_receipt():
    assert MEANINGS.keys() == SUBJECT_EVENTS
    for kind in sorted(SUBJECT_EVENTS):
        event = replace(EVENT, kind=kind, valid_until=None)
        assert verify_receipt(receipt_of(event), KEY).kind is kind


def test_a_withdrawal_is_withdrawn_and_never_revoked():
    for actor in ("subject", "guardian", "operator"):
        event = replace(EVENT, kind=EventKind.WITHDRAWN, actor=actor)
        text = receipt_of(event).decode()
        assert '"@type":"dpv:ConsentWithdrawn"' in text
        assert "Revoked" not in text


def terms(value, prefixes=("dpv:",)):
    """Give (term, whether it stands as a property) wherever the vocabulary is used."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key.startswith(prefixes):
                yield key, True
            if key != "assent:proof":
                yield from terms(inner, prefixes)
    elif isinstance(value, list):
        for inner in value:
            yield from terms(inner, prefixes)
    elif isinstance(value, str) and value.startswith(prefixes):
        yield value, False


def test_every_term_is_one_of_the_vocabulary_and_used_as_what_it_is():
    used = set()
    for kind in SUBJECT_EVENTS:
        for stated in (STATED, Stated()):
            for end in (None, NOW + 10_000_000):
                event = replace(EVENT, kind=kind, valid_until=end, actor="operator")
                receipt = json.loads(receipt_of(event, stated))
                del receipt["@context"]
                used |= set(terms(receipt))
    properties = {term.removeprefix("dpv:") for term, is_key in used if is_key}
    classes = {term.removeprefix("dpv:") for term, is_key in used if not is_key}

    assert properties == set(PROPERTIES)  # none unknown, and no source too many
    assert classes | {"DataSubject"} == set(CLASSES)
    assert set(PROPERTIES.values()) | set(CLASSES.values()) == set(SOURCES)


def test_only_the_receipt_of_the_enrolment_holds_her_secret():
    enrolled = receipt_of(Event(EventKind.ENROLLED, NOW, "ana"))
    found = verify_receipt(enrolled, KEY)

    assert json.loads(enrolled)["assent:proof"]["subject_secret"] is not None
    assert SECRET_LIMIT in found.limits
    assert json.loads(RECEIPT)["assent:proof"]["subject_secret"] is None
    assert SECRET_LIMIT not in verify_receipt(RECEIPT).limits


def test_a_choice_that_was_made_up_says_so_first():
    event = replace(EVENT, detail={"simulated": True})
    receipt = receipt_of(event)

    assert verify_receipt(receipt, KEY).limits[0] == SIMULATED_LIMIT
    record = json.loads(receipt)["dpv:hasRecordOfActivity"]
    assert record["dct:description"] == "simulated: consent given"


# -- tampering -------------------------------------------------------------------------


def places(value, path=()):
    """Name every field and item of a JSON value, inner ones too."""
    if isinstance(value, dict | list):
        keys = value if isinstance(value, dict) else range(len(value))
        for key in keys:
            yield (*path, key)
            yield from places(value[key], (*path, key))


def changed(value, path, change):
    """Give a copy in which one place was changed; None: the change is none there."""
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    change(inner, path[-1])
    return copy


def another(value):
    if isinstance(value, bool) or value is None:
        return 1
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return value[:-1] + ("A" if value[-1:] != "A" else "B")
    return [*value, 1] if isinstance(value, list) else {**value, "more": 1}


def put(inner, key):
    inner[key] = another(inner[key])


def empty(inner, key):
    inner[key] = [] if inner[key] != [] else {}


def drop(inner, key):
    del inner[key]


def double(inner, key):
    inner[key] = [inner[key], inner[key]]


PLACES = list(places(json.loads(RECEIPT)))
CHANGES = [(path, change) for path in PLACES for change in (put, empty, drop, double)]


def test_no_field_can_be_changed_dropped_or_doubled():
    assert len(CHANGES) > 400
    for path, change in CHANGES:
        bad = canonical(changed(json.loads(RECEIPT), path, change))
        assert bad != RECEIPT
        with pytest.raises(ProofError):
            verify_receipt(bad, KEY)


@pytest.mark.parametrize("field", ["purpose", "recipient", "category"])
def test_no_operator_writes_lines_of_its_own_beside_the_verdict(field):
    event = replace(EVENT, **{field: "train\nnot proved: nothing at all"})

    with pytest.raises(ProofError, match=f"field `{field}` is a string"):
        receipt_of(event)  # it verifies before it hands out


def signed_again(receipt):
    """Sign a changed receipt with the ledger's own key: the operator lies."""
    from assent.merkle.note import sign_statement
    from assent.receipt.verify import receipt_id, statement_of

    proof = {k: v for k, v in receipt["assent:proof"].items() if k != "signature"}
    unsigned = {**receipt, "assent:proof": proof}
    unsigned["dpv:hasIdentifier"] = receipt_id(unsigned)
    note = sign_statement(statement_of(ORIGIN, unsigned), ORIGIN, PRIVATE)
    return canonical({**unsigned, "assent:proof": {**proof, "signature": note}})


SIGNED_TOO = [
    (path, change)
    for path, change in CHANGES
    # What the operator states, and when it made the receipt, is its own word.
    if path[-1] not in ("dct:created", "signature", "dpv:hasIdentifier")
    and "stated" not in path
    and path != ("assent:proof",)
] + [(("dpv:hasRecordOfActivity", "dct:created"), put)]


def test_not_even_the_operator_can_sign_another_record_than_was_committed_to():
    refused = 0
    for path, change in SIGNED_TOO:
        value = changed(json.loads(RECEIPT), path, change)
        try:
            bad = signed_again(value)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # such a thing cannot even be signed
        with pytest.raises(ProofError):
            verify_receipt(bad, KEY)
        refused += 1
    assert refused > 300


@pytest.mark.parametrize(
    "edit",
    [
        lambda raw: raw + b"\n",
        lambda raw: b" " + raw,
        lambda raw: raw[:-1],
        lambda raw: raw.replace(b":", b": ", 1),
        lambda raw: raw.replace(b'"@type"', b'"@type":"x","@type"', 1),
        lambda raw: raw.replace(b"dpv", b"\\u0064pv", 1),
        lambda raw: json.dumps(json.loads(raw), indent=1).encode(),
        lambda raw: b"\xef\xbb\xbf" + raw,
        lambda raw: raw.decode().encode("utf-16"),
        lambda raw: b"[" + raw + b"]",
        lambda raw: b"",
    ],
)
def test_another_encoding_of_the_same_is_refused(edit):
    with pytest.raises(ProofError):
        verify_receipt(edit(RECEIPT), KEY)


def test_no_byte_is_free():
    for at in range(0, len(RECEIPT), 7):
        bad = bytearray(RECEIPT)
        bad[at] ^= 1
        with pytest.raises(ProofError):
            verify_receipt(bytes(bad), KEY)


def test_a_receipt_of_another_key_or_ledger_is_refused():
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    with pytest.raises(ProofError, match="another verifier key"):
        verify_receipt(RECEIPT, verifier_key(ORIGIN, other.public_key()))
    ledger, (hers,) = ledger_of(EVENT)
    with pytest.raises(ProofError):  # signed by somebody else
        build_receipt(hers, STATED, head_of(ledger), KEY, other, NOW)


def test_an_opening_of_another_event_opens_nothing():
    ledger, (hers,) = ledger_of(EVENT)
    for wrong in (
        replace(hers, opens=bytes(32)),
        replace(hers, body={**hers.body, "purpose": "*"}),
        replace(hers, index=hers.index + 1),
    ):
        with pytest.raises(ProofError):
            build_receipt(wrong, STATED, head_of(ledger), KEY, PRIVATE, NOW)


def test_the_witnesses_that_a_policy_names_must_have_cosigned(tmp_path, assent):
    witness = Ed25519PrivateKey.from_private_bytes(bytes([7] * 32))
    name = "w.example/w"
    vkey = cosigner_key(name, witness.public_key())
    policy = parse_policy(f"log {KEY}\nwitness w {vkey}\nquorum w\n")
    ledger, (hers,) = ledger_of(EVENT)
    head = head_of(ledger)
    seen = head + cosign(head, name, witness, 1_735_732_800) + "\n"
    receipt = build_receipt(hers, STATED, seen, KEY, PRIVATE, NOW)

    found = verify_receipt(receipt, KEY, policy)
    assert "cosigned by `w.example/w`" in found.steps[2]
    assert "the key from the caller" in found.steps[1]  # its `log` line is a key given
    assert not {OPERATOR_LIMIT, KEY_LIMIT} & {*found.limits}
    # Not asked for, they are not believed either.
    assert "1 further signatures, which were not" in verify_receipt(receipt).limits[-1]
    with pytest.raises(ProofError, match="quorum `w` is not met"):
        verify_receipt(RECEIPT, KEY, policy)

    # And so from the command line.
    paths = [tmp_path / name for name in ("seen", "unseen", "w.policy")]
    paths[0].write_bytes(receipt)
    paths[1].write_bytes(RECEIPT)
    paths[2].write_text(f"log {KEY}\nwitness w {vkey}\nquorum w\n")
    said = assent("verify", paths[0], "--policy", paths[2])
    assert said.code == 0, said.err
    assert "cosigned by `w.example/w` as the given policy asks" in said.out
    assert "further signatures" not in said.out
    said = assent("verify", paths[1], "--policy", paths[2])
    assert said.code == 1
    assert "the quorum `w` is not met" in said.errors[0]
    assert "verdict" not in said.out
    said = assent("verify", paths[0], "--policy", paths[0])
    assert said.code == 1  # a policy that is none, as for a bundle


# -- of a project ----------------------------------------------------------------------


def test_a_subject_gets_a_receipt_of_each_event_and_it_verifies(
    fresh, tmp_path, assent
):
    with opened(fresh, 1) as project:
        project.record("withdrawn", ["u01"], purpose="train.generative.content")
        key = project.place.book.verifier_key
    out = tmp_path / "receipts"
    said = assent("--project", fresh, "receipt", "u01", "--all", "--out", out)

    assert said.code == 0, said.err
    files = sorted(out.iterdir())
    kinds = [verify_receipt(path.read_bytes(), key).kind for path in files]
    assert kinds == ["enrolled", "notice_served", "withdrawn"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert "with her secret" in said.out.splitlines()[0]
    record = json.loads(files[1].read_bytes())["dpv:hasRecordOfActivity"]
    assert record["dpv:hasNotice"]["dct:identifier"] == f"sha256:{sha256(NOTICE)}"
    assert record["dpv:hasJurisdiction"]["dct:identifier"] == "DE"
    assert record["dpv:hasDataController"][0]["dpv:hasName"] == "Toy"
    for path in files:
        checked = assent("verify", path, "--key", key)
        assert checked.code == 0
        assert "verdict: recorded (" in checked.out
    assert "consent withdrawn, subject u01" in checked.out
    assert "purpose: train.generative.content" in checked.out


def test_the_latest_event_is_the_default_and_another_one_can_be_named(fresh, tmp_path):
    with opened(fresh, 1) as project:
        project.record("refused", ["u02"])
        (latest,) = project.receipt("u02", tmp_path / "a.receipt.json")
        (first,) = project.receipt("u02", tmp_path / "b.receipt.json", entry=2)
    assert (latest.words, latest.holds_secret) == ("consent refused", False)
    assert (first.words, first.holds_secret) == ("enrolled in the ledger", True)


def test_where_she_lives_is_as_decisions_know_it(fresh, tmp_path):
    def country(days, **said):
        with opened(fresh, days) as project:
            if said:
                project.record("residence_changed", ["u01"], **said)
            (each,) = project.receipt("u01", tmp_path / "r.receipt.json")
        record = json.loads(each.path.read_bytes())["dpv:hasRecordOfActivity"]
        return record["dpv:hasJurisdiction"].get("dct:identifier")

    assert country(1) == "DE"
    assert country(2, country="FR") == "FR"
    assert country(3, country="unknown") is None


def test_settings_of_the_project_are_in_the_receipts(fresh, tmp_path):
    path = fresh / "assent.toml"
    path.write_text(path.read_text() + '[receipts]\ncontact = "privacy@toy.example"\n')
    with opened(fresh, 1) as project:
        (each,) = project.receipt("u01", tmp_path / "r.receipt.json")
    record = json.loads(each.path.read_bytes())["dpv:hasRecordOfActivity"]
    assert record["dpv:hasDataController"][0]["dpv:hasContact"] == "privacy@toy.example"


@pytest.mark.parametrize(
    ("arguments", "found", "hint"),
    [
        (("receipt", "nobody"), "no event of subject `nobody`", "enrol"),
        (("receipt", "u01", "--entry", "0"), "entry 0 is no event of", "hers are"),
        (("receipt", "u01", "--all", "--entry", "1"), "both named", "name one"),
    ],
)
def test_what_is_not_hers_gives_no_receipt(fresh, refuses, arguments, found, hint):
    out = fresh.parent / "no.receipt.json"
    refuses(fresh, *arguments, "--out", out, found=found, hint=hint)
    assert not out.exists()


@pytest.mark.parametrize("text", ["", "two\\nlines"])
def test_a_setting_of_receipts_is_one_line(fresh, refuses, text):
    path = fresh / "assent.toml"
    path.write_text(path.read_text() + f'[receipts]\naddress = "{text}"\n')
    refuses(fresh, "receipt", "u01", "--out", "x", found="`address` in `[receipts]`")


def test_a_changed_receipt_is_refused_in_one_line(tmp_path, assent):
    path = tmp_path / "a.receipt.json"
    path.write_bytes(RECEIPT.replace(b"partner", b"partnex"))
    said = assent("verify", path)

    assert (said.code, len(said.errors)) == (1, 1)
    assert is_receipt(RECEIPT)
    assert not is_receipt(b"{}")
