"""Signed notes: who vouches for what, as a text that people can read.

A tree head says which root a log has:

    club.example/ledger
    700
    5yoAP03fPJvnR14WmIW7NxSkZkzdojCSSamiCd7zU18=

    — club.example/ledger 0Rq2S77A...

The key's name is the log's origin, so one key speaks for one log. Extension lines are
refused: we write none, and nobody audits them.

A statement is any other text that the same key signs. Its first line has a space, and
an origin has none, so no statement can ever pass as a tree head.

Others may sign below the log: a witness its cosignature (`merkle.cosign`).

Source: C2SP signed-note v1.0.0 and tlog-checkpoint v1.0.0 (Ed25519, type 0x01).
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from assent.errors import ProofError
from assent.merkle.log import HASH_BYTES
from assent.merkle.strict import base64_text, read_base64

ED25519 = b"\1"
KEY_BYTES = 32
SIGNATURE_BYTES = 64
MAX_NOTE_CHARACTERS = 150_000  # of 16 signatures with 5 kB each, and more
SIGNATURE_LINE = re.compile("\u2014 ([^ ]+) ([^ ]+)")  # an em dash begins it
SIZE_LINE = re.compile("0|[1-9][0-9]{0,15}")  # canonical decimal
KEY_TEXT = re.compile(r"([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key, its name, and the four bytes by which a signature names it."""

    name: str
    identity: bytes
    public_key: Ed25519PublicKey

    def signatures_in(self, signatures: Sequence[tuple[str, bytes]]) -> list[bytes]:
        """Take what this key signed out of a note's signature lines, unchecked."""
        return [
            signature[len(self.identity) :]
            for signer, signature in signatures
            if signer == self.name and signature.startswith(self.identity)
        ]


@dataclass(frozen=True, slots=True)
class TreeHead:
    """What is signed: a log's name, how many entries it has, and their root."""

    origin: str
    size: int
    root: bytes


def sign_head(head: TreeHead, private_key: Ed25519PrivateKey) -> str:
    """Sign a tree head as a note.

    Raises:
        ValueError: the origin cannot name a key, the size is negative, or the root is
            not 32 bytes.
    """
    _check_name(head.origin)
    if head.size < 0 or len(head.root) != HASH_BYTES:
        raise ValueError("a tree head has a size from 0 on and a root of 32 bytes")
    text = f"{head.origin}\n{head.size}\n{base64_text(head.root)}\n"
    return _sign(text, head.origin, private_key)


def sign_statement(text: str, name: str, private_key: Ed25519PrivateKey) -> str:
    """Sign a text that is no tree head as a note.

    Args:
        text: lines, each with its line end; the first one has a space in it.
        name: of the key; a log's origin, for the key of a log.
        private_key: of that name.

    Raises:
        ValueError: the name cannot name a key, or the text could be a tree head.
    """
    _check_name(name)
    if " " not in text.partition("\n")[0] or not text.endswith("\n"):
        raise ValueError("a statement begins with a line that has a space in it")
    return _sign(text, name, private_key)


def _sign(text: str, name: str, private_key: Ed25519PrivateKey) -> str:
    identity = key_hash(name, ED25519, public_bytes(private_key.public_key()))
    line = signature_line(name, identity + private_key.sign(text.encode()))
    return f"{text}\n{line}\n"


def open_head(note: str, verifier_key: str) -> TreeHead:
    """Read a signed tree head, only if this key signed it.

    Lines signed by other keys are passed over: a witness may add its own.

    Raises:
        ProofError: the note or the key is malformed, the key did not sign, its
            signature is wrong or there twice, or the note is about another log.
    """
    # (1) One right signature of this key.
    origin, text = _open(note, verifier_key, "the tree head")

    # (2) Of the key's own log.
    head = read_head(text)
    if head.origin != origin:
        raise ProofError(f"`{origin}` signed a tree head of another ledger")
    return head


def signed_head(note: str, verifier_key: str) -> TreeHead | None:
    """Read a tree head as `open_head` does; None when the key signed nothing in it.

    Raises:
        ProofError: as `open_head`, but for a key that did not sign.
    """
    _, signatures = read_note(note, "the tree head")
    if not read_key(verifier_key).signatures_in(signatures):
        return None
    return open_head(note, verifier_key)


def read_head(text: str) -> TreeHead:
    """Read the text of a tree head, whoever signed it or did not.

    Args:
        text: without the blank line and the signatures.

    Raises:
        ProofError: not three lines: whose log, how many entries, which root.
    """
    lines = text.split("\n")
    if len(lines) != 4 or not lines[0]:
        raise ProofError(f"the tree head has {len(lines) - 1} lines, wanted 3")
    if not SIZE_LINE.fullmatch(lines[1]):
        raise ProofError("the second line of the tree head is no canonical number")
    root = read_base64(lines[2], "the root of the tree head", HASH_BYTES)
    return TreeHead(lines[0], int(lines[1]), root)


def open_statement(note: str, verifier_key: str, where: str) -> str:
    """Read a signed text, only if this key signed it and nobody else did.

    The caller compares the text with the one that it wants: only then does the
    signature say anything.

    Args:
        note: the text and its one signature line, so that no byte is free.
        verifier_key: who must have signed.
        where: what it is, for messages.

    Raises:
        ProofError: the note or the key is malformed, or the signature is not the one.
    """
    if signature_count(note, where) != 1:
        raise ProofError(f"{where} has more signatures than one")
    return _open(note, verifier_key, where)[1]


def _open(note: str, verifier_key: str, where: str) -> tuple[str, str]:
    """Read whose key it is and the text that it signed: exactly once, and right."""
    key = read_key(verifier_key)
    name = key.name
    text, signatures = read_note(note, where)
    ours = key.signatures_in(signatures)
    if len(ours) != 1:
        raise ProofError(
            f"{where} has {len(ours)} signatures by `{name}`, wanted 1",
            hint="check that this is the verifier key of who signed",
        )
    try:
        key.public_key.verify(ours[0], text.encode())
    except InvalidSignature:
        raise ProofError(f"the signature by `{name}` does not match") from None
    return name, text


def signature_count(note: str, where: str = "the tree head") -> int:
    """Count the signature lines of a note, whoever signed them.

    Raises:
        ProofError: the note is malformed.
    """
    return len(read_note(note, where)[1])


def verifier_key(
    origin: str, public_key: Ed25519PublicKey, kind: bytes = ED25519
) -> str:
    """Write a public key as others can hold it: name+hash+base64.

    Args:
        origin: the key's name.
        public_key: of that name.
        kind: one byte, what the key signs; a log's heads by default.

    Raises:
        ValueError: the origin cannot name a key.
    """
    _check_name(origin)
    raw = public_bytes(public_key)
    return f"{origin}+{key_hash(origin, kind, raw).hex()}+{base64_text(kind + raw)}"


def public_bytes(public_key: Ed25519PublicKey) -> bytes:
    """Write a public key as its raw 32 bytes."""
    return public_key.public_bytes_raw()


def private_bytes(private_key: Ed25519PrivateKey) -> bytes:
    """Write a private key as its raw 32 bytes: a secret, for a file of mode 0600."""
    return private_key.private_bytes_raw()


def read_private_key(raw: bytes) -> Ed25519PrivateKey:
    """Read a private key from its raw 32 bytes; any 32 random bytes are one.

    Raises:
        ValueError: there are not 32 bytes.
    """
    if len(raw) != KEY_BYTES:
        raise ValueError(f"a private key has 32 bytes, not {len(raw)}")
    return Ed25519PrivateKey.from_private_bytes(raw)


def _check_name(origin: str) -> None:
    if not origin.isprintable() or not re.fullmatch(r"[^+\s]+", origin):
        raise ValueError("an origin is printable, without spaces and without `+`")


def key_hash(name: str, kind: bytes, raw: bytes) -> bytes:
    """Give the four bytes by which a signature names its key.

    Source: C2SP signed-note v1.0.0, "Signatures".
    """
    return hashlib.sha256(name.encode() + b"\n" + kind + raw).digest()[:4]


def read_key(text: str, kind: bytes = ED25519) -> VerifierKey:
    """Read a verifier key: name, hash and key, and check that the hash is theirs.

    Args:
        text: `name+hash+base64`.
        kind: the one byte that says what the key signs.

    Raises:
        ProofError: it is malformed, or a key for another kind of signature.
    """
    match = KEY_TEXT.fullmatch(text)
    if match is None or not match[1].isprintable():
        raise ProofError(
            "the verifier key is malformed, wanted `name+hash+base64`",
            hint="copy the whole key, in one line",
        )
    name, identity, encoded = match.groups()
    payload = read_base64(encoded, "the verifier key")
    if not payload.startswith(kind):
        raise ProofError(
            f"the verifier key is of type {payload[0]}, wanted {kind[0]}",
            hint="a log's key is of type 1 (Ed25519), a witness's of type 4 "
            "(cosignature/v1)",
        )
    raw = payload[len(kind) :]
    if len(raw) != KEY_BYTES:
        raise ProofError(f"the verifier key has {len(raw)} bytes, wanted {KEY_BYTES}")
    if key_hash(name, kind, raw).hex() != identity:
        raise ProofError("the verifier key does not match its own hash")
    public_key = Ed25519PublicKey.from_public_bytes(raw)
    return VerifierKey(name, bytes.fromhex(identity), public_key)


def signature_line(name: str, signature: bytes) -> str:
    """Write one signature line, without its line end.

    Args:
        name: of the key.
        signature: four bytes of key hash, then what the key made.
    """
    return f"\u2014 {name} {base64_text(signature)}"


def read_note(note: str, where: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Split a note into its text and its signature lines, all of them unchecked.

    Args:
        note: text, blank line, signature lines.
        where: what it is, for messages.

    Returns:
        The signed text with its last line end, and for each line the signer's name
        and the key hash followed by the signature.

    Raises:
        ProofError: the note is malformed.
    """
    if len(note) > MAX_NOTE_CHARACTERS:
        raise ProofError(f"{where} has {len(note)} characters, far too many")
    if not note.replace("\n", "").isprintable():
        raise ProofError(f"{where} has a character that cannot be printed")
    text, blank, block = note.rpartition("\n\n")
    if not text or not blank or not block.endswith("\n"):
        raise ProofError(f"{where} is no signed note: text, blank line, signature")
    signatures = []
    for line in block[:-1].split("\n"):
        match = SIGNATURE_LINE.fullmatch(line)
        if match is None:
            raise ProofError(f"a signature line of {where} is malformed")
        signature = read_base64(match[2], f"a signature of {where}")
        signatures.append((match[1], signature))
    return text + "\n", signatures
