"""Build a consent receipt: one file about one event of one subject.

It holds the ledger entry word for word, what opens its commitment, its way to the tree
head, and the consent record derived from it. Layout: `docs/formats.md`, section 25.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assent.canon import canonical
from assent.merkle.log import leaf_hash
from assent.merkle.note import sign_statement
from assent.merkle.strict import base64_text, parse
from assent.receipt.record import CONTEXT, Stated, consent_record
from assent.receipt.verify import (
    FORMAT,
    PROFILE,
    TYPE,
    VERSION,
    receipt_id,
    statement_of,
    verify_receipt,
)
from assent.terms import iso


@dataclass(frozen=True, slots=True)
class HerEvent:
    """One event of one subject, as the ledger keeps it.

    Args:
        index: number of its entry.
        entry: the entry's bytes.
        body: the private body.
        opens: what opens the commitment, 32 bytes: her secret for the enrolment, the
            event's own opening for all others.
        path: its way to the tree head of the receipt.
    """

    index: int
    entry: bytes
    body: Mapping[str, Any]
    opens: bytes
    path: Sequence[bytes]


def build_receipt(
    event: HerEvent,
    stated: Stated,
    tree_head: str,
    verifier_key: str,
    private_key: Ed25519PrivateKey,
    created_at: int,
) -> bytes:
    """Build a receipt, and hand it out only if it verifies.

    Args:
        event: hers.
        stated: what the operator states beside it.
        tree_head: the signed note, which witnesses may have cosigned.
        verifier_key: the ledger's public key.
        private_key: the same key, which signs the receipt.
        created_at: microseconds UTC.

    Returns:
        The receipt's bytes; of an enrolment they hold her secret.

    Raises:
        ProofError: the parts contradict each other.
    """
    entry = parse(event.entry, f"entry {event.index}")
    enrolled = entry["type"] == "enrolled"
    proof = {
        "v": VERSION,
        "format": FORMAT,
        "entry": entry,
        "index": event.index,
        "path": [base64_text(part) for part in event.path],
        "tree_head": tree_head,
        "verifier_key": verifier_key,
        "body": dict(event.body),
        "opening": None if enrolled else base64_text(event.opens),
        "subject_secret": base64_text(event.opens) if enrolled else None,
        "stated": stated.to_json(),
    }
    unsigned: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": TYPE,
        "dct:conformsTo": PROFILE,
        "dct:created": iso(created_at),
        "dpv:hasRecordOfActivity": consent_record(
            leaf_hash(event.entry), entry["recorded_at"], event.body, stated
        ),
        "assent:proof": proof,
    }
    unsigned["dpv:hasIdentifier"] = receipt_id(unsigned)
    origin = verifier_key.partition("+")[0]
    note = sign_statement(statement_of(origin, unsigned), origin, private_key)
    receipt = canonical({**unsigned, "assent:proof": {**proof, "signature": note}})
    # Whoever gets it will verify it; so do we, before.
    verify_receipt(receipt, verifier_key)
    return receipt
