"""Cosignatures: a witness says when it saw which head, and that the log only grew.

A witness signs the text of a tree head behind two lines of its own:

    cosignature/v1
    time 1679315147
    club.example/ledger
    700
    5yoAP03fPJvnR14WmIW7NxSkZkzdojCSSamiCd7zU18=

and the log puts the signature below its own. The first line keeps it apart from all
that a log's key signs. The message does not name the witness, so one key may belong to
one witness only.

Source: C2SP tlog-cosignature v1.0.1 (Ed25519, type 0x04).
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from assent.errors import ProofError
from assent.merkle.note import (
    SIGNATURE_BYTES,
    key_hash,
    public_bytes,
    read_head,
    read_key,
    read_note,
    signature_line,
    verifier_key,
)

COSIGNATURE = b"\4"
TIME_BYTES = 8
LAST_TIME = 2**63 - 1  # seconds; the specification's


@dataclass(frozen=True, slots=True)
class Cosigned:
    """Who saw a head, by the name of its key, and when: seconds since 1970, UTC."""

    name: str
    timestamp: int


def cosign(note: str, name: str, private_key: Ed25519PrivateKey, timestamp: int) -> str:
    """Cosign a tree head: one signature line, without its line end.

    The caller has checked who signed the head and that the log only grew.

    Args:
        note: the signed head, with whatever signatures it has.
        name: of the witness's key.
        private_key: of that name, and of no other.
        timestamp: seconds since 1970, UTC.

    Raises:
        ProofError: the note is no tree head.
        ValueError: the name cannot name a key, or there is no such time.
    """
    cosigner_key(name, private_key.public_key())  # refuses a name that names no key
    text, _ = read_note(note, "the tree head")
    read_head(text)
    if not 0 <= timestamp <= LAST_TIME:
        raise ValueError(f"a cosignature has a time from 0 on, not {timestamp}")
    identity = key_hash(name, COSIGNATURE, public_bytes(private_key.public_key()))
    time = timestamp.to_bytes(TIME_BYTES, "big")
    signature = private_key.sign(_message(text, timestamp))
    return signature_line(name, identity + time + signature)


def find_cosignature(note: str, key: str) -> Cosigned | None:
    """Read when a witness cosigned a tree head; None when it did not.

    Args:
        note: the signed head with its cosignatures.
        key: the witness's verifier key, as `cosigner_key` writes it.

    Raises:
        ProofError: the note or the key is malformed, or what this witness signed is
            wrong or there twice.
    """
    witness = read_key(key, COSIGNATURE)
    text, signatures = read_note(note, "the tree head")
    read_head(text)
    found = witness.signatures_in(signatures)
    if not found:
        return None
    if len(found) > 1:
        raise ProofError(
            f"the tree head has {len(found)} cosignatures by `{witness.name}`, wanted 1"
        )
    if len(found[0]) != TIME_BYTES + SIGNATURE_BYTES:
        raise ProofError(f"the cosignature by `{witness.name}` has the wrong length")
    timestamp = int.from_bytes(found[0][:TIME_BYTES], "big")
    if timestamp > LAST_TIME:
        raise ProofError(f"the cosignature by `{witness.name}` has no such time")
    try:
        witness.public_key.verify(found[0][TIME_BYTES:], _message(text, timestamp))
    except InvalidSignature:
        raise ProofError(
            f"the cosignature by `{witness.name}` does not match"
        ) from None
    return Cosigned(witness.name, timestamp)


def open_cosignature(note: str, key: str) -> Cosigned:
    """Read when a witness cosigned a tree head, only if it did.

    Raises:
        ProofError: as `find_cosignature`, or this witness did not sign.
    """
    found = find_cosignature(note, key)
    if found is None:
        name = read_key(key, COSIGNATURE).name
        raise ProofError(
            f"`{name}` has not cosigned the tree head",
            hint="check that this is the verifier key of who signed",
        )
    return found


def cosigner_key(name: str, public_key: Ed25519PublicKey) -> str:
    """Write a witness's public key as others can hold it: name+hash+base64.

    Raises:
        ValueError: the name cannot name a key.
    """
    return verifier_key(name, public_key, COSIGNATURE)


def _message(text: str, timestamp: int) -> bytes:
    """Write what is signed: both lines, then the text with its last line end."""
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()
