"""Check a receipt: one file in, one verdict out, no network and no trust.

The verifier opens the ledger entry's commitment itself, derives the consent record from
the body that was committed to, and compares: what the file claims is never an input.
The file has one valid form and is signed whole, so one byte changed is refused.
Layout: `docs/formats.md`, section 25.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assent.canon import canonical, sha256
from assent.errors import ProofError, UsageError
from assent.merkle.commitment import SECRET_BYTES, enrolment_commit, event_commit
from assent.merkle.cosign import Cosigned
from assent.merkle.entry import PRIVATE_KEYS
from assent.merkle.log import HASH_BYTES, leaf_hash, verify_inclusion
from assent.merkle.note import TreeHead, open_head, open_statement, signature_count
from assent.merkle.quorum import LogPolicy, check_quorum
from assent.merkle.strict import Fields, parse, read_base64
from assent.receipt.record import (
    CONTEXT,
    MEANINGS,
    Stated,
    consent_record,
    is_simulated,
)
from assent.terms import EventKind, iso, parse_time

FORMAT = "assent-receipt-v1"
VERSION = 1
TYPE = "dpv:ConsentReceipt"
PROFILE = "https://w3id.org/dpv/schema/dpv-27560#receipt"
RECEIPT_ID = "urn:assent:receipt:"
MAX_RECEIPT_BYTES = 1 << 20
MOST_MICROS = 4_102_444_800_000_000  # the year 2100: later is another unit of time

RECEIPT_KEYS = (
    *("@context", "@type", "dct:conformsTo", "dct:created", "dpv:hasIdentifier"),
    *("dpv:hasRecordOfActivity", "assent:proof"),
)
PROOF_KEYS = (
    *("v", "format", "entry", "index", "path", "tree_head", "verifier_key"),
    *("body", "opening", "subject_secret", "stated", "signature"),
)
BODY_KEYS = (
    *("kind", "subject_id", "happened_at", "purpose", "recipient", "category"),
    *("notice", "valid_until", "actor", "detail"),
)
STATED_KEYS = tuple(Stated().to_json())

LIMITS = (
    "It shows that this event is in the ledger. Whether a later event changes it, only "
    "the receipts of the later ones can show: ask for all of them.",
    "That the person herself said it, and the times, are the operator's word: what was "
    "recorded can no longer be changed, but the ledger did not see it happen.",
    "Controller, jurisdiction, storage, and how to withdraw are what the operator "
    "stated when the receipt was made; it signed them, the ledger holds them not.",
    "The notice is named by the hash of its text: compare it with the text at hand.",
)
OPERATOR_LIMIT = (
    "The tree head has the operator's signature alone. Compare it with the head that "
    "others hold: a ledger with two faces shows only there."
)
KEY_LIMIT = (
    "The verifier key was taken from the receipt itself: compare it with a copy that "
    "you have from elsewhere."
)
SECRET_LIMIT = (
    "This receipt holds the subject's secret: whoever has it can find her in every "
    "corpus. It is hers, and should be kept like a key."
)
SIMULATED_LIMIT = "Simulated: no person said this, it was made up to show the system."


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receipt proves, how it was checked, and what it does not prove.

    Args:
        subject_id: whom it is about, as the platform names her.
        kind: of the event.
        words: what happened, for people.
        index: number of the ledger entry.
        happened_at: microseconds UTC, as the operator claims.
        recorded_at: microseconds UTC, from the entry.
        body: the private body that the entry commits to.
        head: the tree head under which the entry stands.
        steps: each step that was checked, in a plain sentence.
        limits: what the receipt does not prove.
        verifier_key: the key that signed it.
    """

    subject_id: str
    kind: EventKind
    words: str
    index: int
    happened_at: int
    recorded_at: int
    body: Mapping[str, Any]
    head: TreeHead
    steps: tuple[str, ...]
    limits: tuple[str, ...]
    verifier_key: str


def is_receipt(data: bytes) -> bool:
    """Say whether a file means to be a receipt; true even of one that is not valid."""
    return f'"format":"{FORMAT}"'.encode() in data[:MAX_RECEIPT_BYTES]


def verify_receipt(
    data: bytes, verifier_key: str | None = None, policy: LogPolicy | None = None
) -> Receipt:
    """Check a receipt, offline.

    Args:
        data: the file's bytes.
        verifier_key: the ledger's public key from a source that you trust; without it
            the key in the receipt is used, and the limits say so.
        policy: the witnesses that must have cosigned the tree head; without it their
            signatures are not looked at, and the limits say so. A `log` line in it is
            a key given.

    Raises:
        ProofError: anything in it is malformed, does not match, or is missing.
    """
    # (1) One JSON object with one reading.
    receipt, proof = _read(data)

    # (2) Signed whole by the ledger's key.
    key = proof.text("verifier_key")
    if verifier_key is not None and verifier_key != key:
        raise ProofError(
            "the receipt was made under another verifier key than the one given",
            hint="check from which ledger the receipt and the key come",
        )
    _check_signature(receipt, proof, key)

    # (3) The entry is in the ledger.
    note = proof.text("tree_head")
    head = open_head(note, key)
    entry, index = _logged(proof, head)
    seen = None if policy is None else check_quorum(note, policy, key)

    # (4) The body, with its opening or her secret, is what the entry committed to.
    body = _body(proof.values["body"])
    recorded_at = _open_entry(entry, index, body, proof)

    # (5) The consent record says what the body says, and nothing else.
    stated = _stated(proof.values["stated"])
    wanted = consent_record(leaf_hash(entry), recorded_at, body, stated)
    # As bytes: in Python `True` would equal 1.
    if canonical(receipt.values["dpv:hasRecordOfActivity"]) != canonical(wanted):
        raise ProofError(
            "the consent record says something else than the event in the ledger"
        )
    given = verifier_key is not None or (policy is not None and bool(policy.logs))
    return _found(
        _Checked(body, recorded_at, index, head, len(data)),
        key,
        given,
        seen,
        signature_count(note) - 1,
    )


def statement_of(origin: str, unsigned: Mapping[str, Any]) -> str:
    """Write the text that the ledger's key signs.

    Args:
        origin: the ledger's name.
        unsigned: the receipt, its proof without `signature`.
    """
    return f"assent receipt v1\n{origin}\n{sha256(canonical(dict(unsigned)))}\n"


def receipt_id(unsigned: Mapping[str, Any]) -> str:
    """Name a receipt by all that it says but its name and signature."""
    said = {key: unsigned[key] for key in unsigned if key != "dpv:hasIdentifier"}
    return RECEIPT_ID + sha256(canonical(said))


@dataclass(frozen=True, slots=True)
class _Checked:
    """What was checked: the event, its place in the ledger, the file's size."""

    body: dict[str, Any]
    recorded_at: int
    index: int
    head: TreeHead
    size: int


def _found(
    checked: _Checked,
    key: str,
    key_given: bool,
    seen: tuple[Cosigned, ...] | None,
    others: int,
) -> Receipt:
    """Say what a receipt proves, how it was checked, and what it does not prove."""
    body, head = checked.body, checked.head
    kind = EventKind(body["kind"])
    enrolled = kind is EventKind.ENROLLED
    names = ", ".join(f"`{each.name}`" for each in seen or ())
    witnessed = f", cosigned by {names} as the given policy asks" if names else ""
    steps = (
        f"the file is one canonical JSON object of {checked.size} bytes",
        f"it is signed whole by `{head.origin}`, with the key from the "
        f"{'caller' if key_given else 'receipt'}",
        f"entry {checked.index} is in that ledger, under a signed head of {head.size} "
        f"entries{witnessed}",
        f"the {'secret' if enrolled else 'opening'} and the event open the commitment "
        "of that entry",
        f"the consent record says what the event says: {MEANINGS[kind].words}",
    )
    return Receipt(
        subject_id=body["subject_id"],
        kind=kind,
        words=MEANINGS[kind].words,
        index=checked.index,
        happened_at=body["happened_at"],
        recorded_at=checked.recorded_at,
        body=body,
        head=head,
        steps=tuple(f"({number}) {step}" for number, step in enumerate(steps, 1)),
        limits=(
            *((SIMULATED_LIMIT,) if is_simulated(body) else ()),
            *(() if key_given else (KEY_LIMIT,)),
            *((SECRET_LIMIT,) if enrolled else ()),
            *LIMITS,
            *(() if seen else (_unseen(others),)),
        ),
        verifier_key=key,
    )


def _unseen(others: int) -> str:
    """Say that nobody else vouches for the tree head, as far as was checked."""
    if others == 0:
        return OPERATOR_LIMIT
    return (
        f"The tree head has {others} further signatures, which were not checked: name "
        "the witnesses that you trust."
    )


def _read(data: bytes) -> tuple[Fields, Fields]:
    where = "the receipt"
    if len(data) > MAX_RECEIPT_BYTES:
        raise ProofError(
            f"{where} has {len(data)} bytes, wanted at most {MAX_RECEIPT_BYTES}"
        )
    receipt = Fields.of(parse(data, where), where, RECEIPT_KEYS)
    if canonical(receipt.values["@context"]) != canonical(CONTEXT):
        raise ProofError(f"{where} has another JSON-LD context than this version's")
    receipt.constant("@type", TYPE)
    receipt.constant("dct:conformsTo", PROFILE)
    created = receipt.text("dct:created")
    try:
        same = iso(parse_time(created)) == created
    except (UsageError, OverflowError):
        same = False
    if not same:
        raise ProofError(f"{where}: field `dct:created` is no time as it is written")
    proof = Fields.of(receipt.values["assent:proof"], "the proof", PROOF_KEYS)
    proof.constant("v", VERSION)
    proof.constant("format", FORMAT)
    return receipt, proof


def _check_signature(receipt: Fields, proof: Fields, key: str) -> None:
    bare = {name: proof.values[name] for name in PROOF_KEYS if name != "signature"}
    unsigned = {**receipt.values, "assent:proof": bare}
    receipt.constant("dpv:hasIdentifier", receipt_id(unsigned))
    text = open_statement(proof.text("signature"), key, "the signature of the receipt")
    if text != statement_of(key.partition("+")[0], unsigned):
        raise ProofError("the signature of the receipt is about something else")


def _logged(proof: Fields, head: TreeHead) -> tuple[bytes, int]:
    """Give the entry's bytes and index, once the head is seen to hold it there."""
    value, index = proof.values["entry"], proof.count("index")
    if not isinstance(value, dict):
        raise ProofError("the entry of the receipt is no JSON object")
    entry = canonical(value)
    where = "a hash of the path"
    path = [read_base64(text, where, HASH_BYTES) for text in proof.names("path")]
    verify_inclusion(leaf_hash(entry), index, head.size, path, head.root)
    return entry, index


def _open_entry(entry: bytes, index: int, body: dict[str, Any], proof: Fields) -> int:
    """Open the entry's commitment; gives when it was recorded."""
    where = f"entry {index}"
    fields = Fields.of(parse(entry, where), where, PRIVATE_KEYS)
    fields.constant("v", VERSION)
    enrolled = body["kind"] == EventKind.ENROLLED
    fields.constant("type", "enrolled" if enrolled else "subject_event")
    opens, closed = ("subject_secret", "opening")[:: 1 if enrolled else -1]
    if proof.values[closed] is not None:
        raise ProofError(
            f"the receipt holds a `{closed}` that this event does not have"
        )
    commit = enrolment_commit if enrolled else event_commit
    if commit(proof.data(opens, SECRET_BYTES), body) != fields.digest("commit"):
        raise ProofError(
            f"the event of the receipt is not the one that {where} committed to"
        )
    return _time(fields, "recorded_at")


def _body(value: object) -> dict[str, Any]:
    """Read a private body so far that a record can be derived from it."""
    body = Fields.of(value, "the event", BODY_KEYS)
    if body.text("kind") not in MEANINGS:
        raise ProofError("the kind of the event is none that this version knows")
    for key in ("subject_id", "actor"):
        body.text(key)
    for key in ("purpose", "recipient", "category"):
        body.name(key)  # printed beside the verdict: a line end would forge a line
    _time(body, "happened_at")
    if body.values["valid_until"] is not None:
        _time(body, "valid_until")
    if body.values["notice"] is not None:
        body.digest("notice")
    if not isinstance(body.values["detail"], dict):
        raise ProofError("the evidence of the event is no JSON object")
    return body.values


def _time(fields: Fields, key: str) -> int:
    value = fields.count(key)
    if value > MOST_MICROS:
        raise ProofError(f"{fields.where}: field `{key}` is no time in microseconds")
    return value


def _stated(value: object) -> Stated:
    stated = Fields.of(value, "what the operator states", STATED_KEYS)
    texts: dict[str, str | None] = {
        key: None if stated.values[key] is None else stated.name(key)
        for key in STATED_KEYS
        if key != "controllers"
    }
    return Stated(controllers=stated.names("controllers"), **texts)
