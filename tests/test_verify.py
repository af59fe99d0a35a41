"""The bundle: built, verified, and tampered with in every way we know."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.canon import canonical
from assent.errors import ProofError
from assent.merkle.commitment import (
    document_leaf,
    subject_leaf,
    tag,
)
from assent.merkle.log import inclusion_path, root
from assent.merkle.note import TreeHead, sign_head, verifier_key
from assent.merkle.prefix import EMPTY, PrefixTree, prefix_root
from assent.merkle.sentences import ALONE_LIMIT, KEY_LIMIT, LIMITS
from assent.prove.bundle import Share, SignedHead, build_bundle, corpora_needed
from assent.verify import MAX_BUNDLE_BYTES, Answer, verify_bundle
from small_ledger import (
    ANA,
    BEN,
    CEM,
    DIA,
    HEX,
    KEY,
    ORIGIN,
    PRIVATE,
    Ledger,
    corpus_body,
    story,
)

LEDGER = story()


@pytest.mark.parametrize(
    ("secret", "model", "wanted"),
    [
        (ANA, "model-1", "used"),
        (ANA, "model-2", "absent"),
        (ANA, "child", "used"),  # through its parent
        (ANA, "clean-child", "absent"),
        (ANA, "adapted", "unknown"),  # absent in its corpus, but not from its base
        (ANA, "orphan", "unknown"),
        (ANA, "silent", "unknown"),  # about nothing, nothing is proved
        (BEN, "model-1", "used"),
        (BEN, "model-2", "used"),
        (BEN, "adapted", "used"),  # one use is enough
        (CEM, "model-1", "absent"),
        (CEM, "model-2", "absent"),
        (CEM, "child", "absent"),
    ],
)
def test_what_is_proved_is_verified(secret: bytes, model: str, wanted: str) -> None:
    verdict = verify_bundle(LEDGER.bundle(secret, model), KEY)
    assert (verdict.model_id, verdict.verdict) == (model, wanted)
    assert bool(verdict.documents) == (wanted == "used")
    assert verdict.head.size == len(LEDGER.entries)


def test_a_withdrawn_subject_is_absent_now_and_was_used_before() -> None:
    verdict = verify_bundle(LEDGER.bundle(ANA, "model-2"), KEY)
    assert (verdict.subject_id, verdict.verdict) == ("ana", Answer.ABSENT)
    (before,) = verdict.superseded
    assert (before.model_id, before.verdict) == ("model-1", Answer.USED)
    assert before.documents == (("corpus-1", "a1"), ("corpus-1", "a2"))
    assert any("`model-2` supersedes `model-1`" in step for step in verdict.steps)


def test_a_superseded_model_that_cannot_be_shown_is_named() -> None:
    verdict = verify_bundle(LEDGER.bundle(ANA, "model-2", without="corpus-1"), KEY)
    assert (verdict.verdict, verdict.superseded) == (Answer.ABSENT, ())
    assert any("not in this bundle" in step for step in verdict.steps)


def test_steps_are_numbered_and_name_no_person() -> None:
    steps = verify_bundle(LEDGER.bundle(ANA, "child"), KEY).steps
    for number, step in enumerate(steps, 1):
        assert step.startswith(f"({number}) ")
        assert "ana" not in step


def test_without_a_key_of_ones_own_the_limits_say_so() -> None:
    bundle = LEDGER.bundle(CEM, "model-1")
    alone, given = verify_bundle(bundle), verify_bundle(bundle, KEY)
    assert (alone.key_given, alone.limits) == (False, (KEY_LIMIT, ALONE_LIMIT, *LIMITS))
    assert (given.key_given, given.limits) == (True, (ALONE_LIMIT, *LIMITS))
    assert alone.verdict == given.verdict


def test_another_ledgers_key_is_refused() -> None:
    stranger = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    with pytest.raises(ProofError, match="another verifier key"):
        verify_bundle(LEDGER.bundle(CEM, "model-1"), verifier_key(ORIGIN, stranger))


@pytest.mark.parametrize("secret", [ANA, CEM], ids=["used", "absent"])
def test_one_byte_changed_anywhere_is_refused(secret: bytes) -> None:
    bundle = LEDGER.bundle(secret, "model-1")
    for at in range(len(bundle)):
        others = {bundle[at] ^ flip for flip in (1, 4, 128)}
        for other in others | {ord("A")} - {bundle[at]}:
            changed = bundle[:at] + bytes([other]) + bundle[at + 1 :]
            with pytest.raises(ProofError):
                verify_bundle(changed)
        with pytest.raises(ProofError):
            verify_bundle(bundle[:at])  # cut short here
        with pytest.raises(ProofError):
            verify_bundle(bundle[:at] + bundle[at + 1 :])  # this byte lost


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_are_answered_with_a_refusal(data: bytes) -> None:
    with pytest.raises(ProofError):
        verify_bundle(data)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{}", b"[]", b"null", b"1", b"\xff\xfe", b"\xef\xbb\xbf{}", b"{} "),
        *(b'{"v":1,"v":1}', b'{"v":NaN}', b'{"v":"\\ud800"}', b'{"v":1e999}'),
        *(b'{"v":' + b"9" * 5000 + b"}", b"[" * 200_000, b'{"a":' * 100_000),
    ],
)
def test_malformed_json_is_a_refusal_and_no_stack_trace(data: bytes) -> None:
    with pytest.raises(ProofError):
        verify_bundle(data)


def test_a_bundle_over_64_mib_is_not_even_read() -> None:
    with pytest.raises(ProofError, match="at most"):
        verify_bundle(bytes(MAX_BUNDLE_BYTES + 1))


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every field and list element of a JSON value, by its path."""
    children: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    found = [at] if at else []
    return found + [one for key, child in children for one in places(child, (*at, key))]


def replaced(bundle: bytes, at: tuple[Any, ...], new: Any) -> bytes:
    value = json.loads(bundle)
    inner = value
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = new
    return canonical(value)


def removed(bundle: bytes, at: tuple[Any, ...]) -> bytes:
    value = json.loads(bundle)
    inner = value
    for key in at[:-1]:
        inner = inner[key]
    del inner[at[-1]]
    return canonical(value)


JUNK: list[Any] = [None, True, False, 0, 1, -1, 2**40, 0.5, "", "x", HEX, [], {}, [[]]]


@pytest.mark.parametrize(
    ("secret", "model"),
    [(ANA, "model-2"), (CEM, "adapted")],
    ids=["repaired", "adapted"],
)
def test_every_field_replaced_or_removed_is_refused(secret: bytes, model: str) -> None:
    bundle = LEDGER.bundle(secret, model)
    value = json.loads(bundle)
    for at in places(value):
        for junk in JUNK:
            forged = replaced(bundle, at, junk)
            if forged != bundle:
                with pytest.raises(ProofError):
                    verify_bundle(forged, KEY)
        with pytest.raises(ProofError):
            verify_bundle(removed(bundle, at), KEY)


def test_a_field_that_nobody_knows_is_refused() -> None:
    bundle = LEDGER.bundle(ANA, "model-2")
    for at in [(), *places(json.loads(bundle))]:
        forged = json.loads(bundle)
        inner = forged
        for key in at:
            inner = inner[key]
        if isinstance(inner, dict):
            inner["zzz"] = 1
            with pytest.raises(ProofError):
                verify_bundle(canonical(forged), KEY)


def test_lists_in_another_order_or_with_one_twice_are_refused() -> None:
    bundle = LEDGER.bundle(ANA, "model-2")
    for at in places(json.loads(bundle)):
        inner = json.loads(bundle)
        for key in at:
            inner = inner[key]
        if not isinstance(inner, list) or not inner:
            continue
        for other in (inner[::-1], [*inner, inner[0]], [*inner, inner[-1]]):
            forged = replaced(bundle, at, other)
            if forged != bundle:
                with pytest.raises(ProofError):
                    verify_bundle(forged, KEY)


def signed_head() -> SignedHead:
    head = TreeHead(ORIGIN, len(LEDGER.entries), root(len(LEDGER.entries), LEDGER.get))
    return SignedHead(sign_head(head, PRIVATE), KEY, LEDGER.path)


def forged_ledger(change: Callable[[Ledger], None]) -> Ledger:
    ledger = Ledger()
    for secret, name in ((ANA, "ana"), (BEN, "ben"), (CEM, "cem")):
        ledger.enrol(secret, name)
    change(ledger)
    return ledger


def test_an_enrolment_after_the_corpus_proves_nothing() -> None:
    ledger = forged_ledger(lambda one: None)
    ledger.corpus("corpus", {BEN: {"b": "x"}})
    ledger.model("model", ["corpus"], [])
    ledger.enrol(DIA, "dia")
    with pytest.raises(ProofError, match="not after the enrolment"):
        ledger.bundle(DIA, "model")


def test_a_model_logged_before_its_corpus_or_its_parent_is_refused() -> None:
    ledger = forged_ledger(lambda one: None)
    ledger.model("early", ["corpus"], [])
    ledger.model("earlier than its parent", ["corpus-0"], ["parent"])
    ledger.model("in a ring", [], ["in a ring"])
    ledger.corpus("corpus", {BEN: {"b": "x"}})
    ledger.corpus("corpus-0", {BEN: {"b": "x"}})
    ledger.model("parent", ["corpus"], [])
    for model in ("early", "earlier than its parent", "in a ring"):
        with pytest.raises(ProofError, match="made of entry"):
            ledger.bundle(ANA, model)


def test_a_repair_of_a_later_model_is_refused() -> None:
    ledger = forged_ledger(lambda one: None)
    ledger.corpus("corpus", {BEN: {"b": "x"}})
    ledger.model("repair", ["corpus"], [], old="late")
    ledger.model("late", ["corpus"], [])
    with pytest.raises(ProofError, match="logged later"):
        ledger.bundle(ANA, "repair")


def test_one_id_for_two_entries_is_refused() -> None:
    ledger = forged_ledger(lambda one: None)
    ledger.corpus("corpus", {ANA: {"a": "x"}})
    ledger.corpus("corpus", {BEN: {"b": "x"}})
    ledger.model("model", ["corpus"], [])
    with pytest.raises(ProofError, match="two entries name the corpus"):
        ledger.bundle(ANA, "model")


def test_a_corpus_of_the_model_cannot_be_left_out() -> None:
    with pytest.raises(ProofError, match="nothing is known of corpus") as caught:
        LEDGER.bundle(ANA, "model-1", without="corpus-1")
    value = json.loads(LEDGER.bundle(CEM, "model-1"))
    value["corpora"] = []
    with pytest.raises(ProofError, match="lacks the corpus"):
        verify_bundle(LEDGER.reproved(value))
    assert caught.value.hint == "restore this corpus from a backup"


def test_leaving_out_a_parent_never_turns_into_absent() -> None:
    value = json.loads(LEDGER.bundle(CEM, "child"))
    value["models"] = value["models"][1:]  # the parent, with the corpus it read
    value["corpora"] = value["corpora"][1:]
    with pytest.raises(ProofError, match="which is `unknown`"):
        verify_bundle(LEDGER.reproved(value))
    value["verdict"] = "unknown"
    verdict = verify_bundle(LEDGER.reproved(value))
    assert verdict.verdict is Answer.UNKNOWN
    assert any("`model-1` is not shown" in step for step in verdict.steps)


def test_an_entry_that_bears_on_nothing_is_refused() -> None:
    small = json.loads(LEDGER.bundle(CEM, "model-1"))
    large = json.loads(LEDGER.bundle(CEM, "child"))
    small["corpora"] = large["corpora"]
    with pytest.raises(ProofError, match="no part of the model"):
        verify_bundle(LEDGER.reproved(small))


def test_a_document_kept_back_or_added_is_refused() -> None:
    bundle = LEDGER.bundle(ANA, "model-1")
    fewer, more, none = (json.loads(bundle) for _ in range(3))
    fewer["corpora"][0]["documents"].popitem()
    more["corpora"][0]["documents"]["a3"] = HEX
    none["corpora"][0]["documents"] = {}
    absent = json.loads(bundle)
    del absent["corpora"][0]["documents"]
    for forged in (fewer, more, none, absent):
        with pytest.raises(ProofError):
            verify_bundle(canonical(forged))


def test_another_persons_secret_opens_nothing() -> None:
    value = json.loads(LEDGER.bundle(ANA, "model-1"))
    value["secret"] = base64.b64encode(CEM).decode()
    with pytest.raises(ProofError, match="proof leads to root"):
        verify_bundle(canonical(value))
    with pytest.raises(ProofError, match="do not open"):
        build_bundle(
            CEM,
            LEDGER.enrolments[ANA],
            "model-1",
            enumerate(LEDGER.entries),
            {name: held[ANA] for name, held in LEDGER.shares.items()},
            signed_head(),
        )


def test_another_body_or_secret_makes_another_enrolment() -> None:
    value = json.loads(LEDGER.bundle(CEM, "silent"))  # no corpus: only the enrolment
    changes: list[dict[str, Any]] = [
        {"secret": base64.b64encode(ANA).decode()},
        {"enrolled": {**value["enrolled"], "recorded_at": 7}},
        {"enrolled": {**value["enrolled"], "body": {"subject_id": "cem"}}},
    ]
    for change in changes:
        with pytest.raises(ProofError, match="do not lead to the root"):
            verify_bundle(canonical(value | change))


def test_a_line_of_an_unknown_signer_is_not_let_in() -> None:
    value = json.loads(LEDGER.bundle(ANA, "model-1"))
    value["tree_head"] += "\u2014 witness.example " + "A" * 8 + "\n"
    with pytest.raises(ProofError, match="2 signature lines"):
        verify_bundle(canonical(value))


def test_entries_from_the_heads_size_on_are_not_seen() -> None:
    ledger = story()
    size = 5  # up to model-1
    head = TreeHead(ORIGIN, size, root(size, ledger.get))

    def path(index: int) -> list[bytes]:
        return inclusion_path(index, size, ledger.get)

    signed = SignedHead(sign_head(head, PRIVATE), KEY, path)
    shares = {name: held[CEM] for name, held in ledger.shares.items()}
    parts = (ledger.enrolments[CEM], "model-1", enumerate(ledger.entries), shares)
    assert verify_bundle(build_bundle(CEM, *parts, signed)).head.size == size
    parts = (ledger.enrolments[CEM], "model-2", enumerate(ledger.entries), shares)
    with pytest.raises(ProofError, match="no entry names"):
        build_bundle(CEM, *parts, signed)


@pytest.mark.parametrize(
    "change",
    [
        {"subject_root": EMPTY.hex()},
        {"subjects": 0},
        {"documents": 0},
        {"tag_scheme": "hmac-v2"},
        {"categories": ["post", "comment"]},
        {"categories": ["post", "post"]},
        {"categories": []},
        {"consent_root": "short"},
        {"ledger_size": 1_000},
        {"manifest": HEX.upper()},
        {"derived_from": ""},
        {"corpus_id": "\x1b[2J"},
        {"subjects": True},
        {"as_of": -1},
        {"further": 1},
    ],
)
def test_a_corpus_entry_that_contradicts_its_format_is_refused(
    change: dict[str, Any],
) -> None:
    ledger = forged_ledger(lambda one: None)
    texts = {BEN: {"b": "x"}}
    leaves = [subject_leaf(BEN, "c", [document_leaf(BEN, "c", "b", "x")])]
    ledger.shares["c"] = {ANA: Share(PrefixTree(leaves).prove(tag(ANA, "c")))}
    ledger.public("corpus_built", corpus_body("c", prefix_root(leaves), texts) | change)
    ledger.model("model", ["c"], [])
    with pytest.raises(ProofError):
        ledger.bundle(ANA, "model")


def test_an_entry_that_is_not_canonical_is_refused() -> None:
    ledger = forged_ledger(lambda one: None)
    ledger.corpus("corpus", {BEN: {"b": "x"}})
    entry = ledger.entries.pop()
    ledger.append(entry.replace(b",", b", ", 1))
    ledger.model("model", ["corpus"], [])
    with pytest.raises(ProofError, match="canonical"):
        ledger.bundle(ANA, "model")


def test_the_corpora_to_bring_are_those_of_the_closure() -> None:
    entries = list(enumerate(LEDGER.entries))
    assert corpora_needed("child", entries) == ("corpus-1", "corpus-3")
    assert corpora_needed("model-2", entries) == ("corpus-2", "corpus-1")
    with pytest.raises(ProofError, match="no entry names"):
        corpora_needed("nobody", entries)


def test_tags_of_one_person_in_two_corpora_share_nothing() -> None:
    assert tag(ANA, "corpus-1") != tag(ANA, "corpus-2")
    assert tag(ANA, "corpus-1") != tag(BEN, "corpus-1")
    with pytest.raises(ValueError, match="32 bytes"):
        tag(b"short", "corpus-1")
    with pytest.raises(ValueError, match="without documents"):
        subject_leaf(ANA, "corpus-1", [])


@settings(max_examples=30)
@given(
    st.dictionaries(
        st.sampled_from([ANA, BEN, CEM, DIA]),
        st.dictionaries(
            st.text(st.characters(codec="utf-8"), min_size=1, max_size=5),
            st.text(st.characters(codec="utf-8"), max_size=9),
            min_size=1,
            max_size=4,
        ),
    )
)
def test_any_corpus_proves_each_subject_used_or_absent(
    texts: dict[bytes, dict[str, str]],
) -> None:
    ledger = forged_ledger(lambda one: one.enrol(DIA, "dia"))
    ledger.corpus("corpus", texts)
    ledger.model("model", ["corpus"], [])
    for secret in (ANA, BEN, CEM, DIA):
        verdict = verify_bundle(ledger.bundle(secret, "model"), KEY)
        assert verdict.verdict == ("used" if secret in texts else "absent")
        found = {document_id for _, document_id in verdict.documents}
        assert found == texts.get(secret, {}).keys()


def test_the_verifier_loads_nothing_heavy() -> None:
    script = (
        "import sys, assent.verify\n"
        "heavy = {'duckdb', 'torch', 'pyarrow', 'numpy', 'sqlite3', 'urllib.request'}\n"
        "sys.exit(1 if heavy & sys.modules.keys() else 0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_every_verdict_says_that_other_models_and_the_replay_itself_are_not_shown():
    said = " ".join(LIMITS)

    assert "this model and of those that it supersedes" in said
    assert "that the replay was really done is the operator's word" in said
    assert "bit-identical" in said
