"""The same proof for SCITT's programs: a transparent statement with a COSE receipt.

The statement is a COSE_Sign1 over the bytes of a ledger entry. The receipt under its
label 394 is a COSE_Sign1 over the root of the ledger, with the entry's inclusion proof.
So the leaf is the statement's PAYLOAD, the entry as the ledger hashes it, and not the
statement's own bytes: who verifies the receipt hands in the payload. Nothing in it is
about a person but the entry's commitment, which is public.

Both are signed by the ledger's key. What COSE signs begins with a CBOR array (0x84),
which begins no note: no signature of one can pass as the other.

Source: RFC 9052 (COSE_Sign1), RFC 9597 (CWT claims), RFC 9942 (receipts), RFC 9943.
"""

from collections.abc import Sequence
from typing import Any

import cbor2
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assent.merkle.log import leaf_hash, verify_inclusion
from assent.merkle.note import TreeHead
from assent.receipt.record import RECORD_ID

SIGN1 = 18
EDDSA = -8
ALGORITHM, CONTENT_TYPE, KEY_ID, CLAIMS = 1, 3, 4, 15
ISSUER, SUBJECT = 1, 2
RECEIPTS, STRUCTURE, PROOFS = 394, 395, 396
RFC9162_SHA256 = 1
INCLUSION = -1


def transparent_statement(
    entry: bytes,
    index: int,
    path: Sequence[bytes],
    head: TreeHead,
    private_key: Ed25519PrivateKey,
    key_id: bytes,
) -> bytes:
    """Write an entry as a signed statement with the receipt of its ledger.

    Args:
        entry: the ledger entry's bytes, which become the payload.
        index: its number.
        path: its inclusion path under `head`.
        head: the tree head, already checked.
        private_key: the ledger's.
        key_id: the four bytes by which the ledger's notes name it.

    Returns:
        Deterministic CBOR (RFC 8949, 4.2.1), tag 18.

    Raises:
        ProofError: the entry does not stand there.
    """
    leaf = leaf_hash(entry)
    verify_inclusion(leaf, index, head.size, path, head.root)
    common: dict[int, Any] = {
        ALGORITHM: EDDSA,
        KEY_ID: key_id,
        CLAIMS: {ISSUER: head.origin, SUBJECT: RECORD_ID + leaf.hex()},
    }
    proof = _encode([head.size, index, list(path)])
    protected, _, signature = _signed(
        {**common, STRUCTURE: RFC9162_SHA256}, head.root, private_key
    )
    # The root is left out: who verifies computes it from the entry and the path.
    unprotected = {PROOFS: {INCLUSION: [proof]}}
    receipt = _encode(cbor2.CBORTag(SIGN1, [protected, unprotected, None, signature]))

    protected, payload, signature = _signed(
        {**common, CONTENT_TYPE: "application/json"}, entry, private_key
    )
    return _encode(
        cbor2.CBORTag(SIGN1, [protected, {RECEIPTS: [receipt]}, payload, signature])
    )


def public_pem(private_key: Ed25519PrivateKey) -> bytes:
    """Write the public key as COSE's programs read it: PEM."""
    return private_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _signed(
    header: dict[int, Any], payload: bytes, private_key: Ed25519PrivateKey
) -> tuple[bytes, bytes, bytes]:
    """Sign a payload: protected header, payload, signature (RFC 9052, 4.4)."""
    protected = _encode(header)
    to_sign = _encode(["Signature1", protected, b"", payload])
    return protected, payload, private_key.sign(to_sign)


def _encode(value: Any) -> bytes:
    encoded: bytes = cbor2.dumps(value, canonical=True)
    return encoded
