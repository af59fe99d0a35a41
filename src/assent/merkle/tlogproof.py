"""One file that shows, without a network, that an entry stands in a log.

    c2sp.org/tlog-proof@v1
    index 4
    B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=

    club.example/ledger
    6
    5yoAP03fPJvnR14WmIW7NxSkZkzdojCSSamiCd7zU18=

    — club.example/ledger 0Rq2S77A...

The entry itself is not in it: who checks the file holds the entry, and a witness policy
(`merkle.quorum`). An `extra` line says what anybody wrote there: nobody signed it.

Source: C2SP tlog-proof, v1.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assent.errors import ProofError
from assent.merkle.cosign import Cosigned
from assent.merkle.log import HASH_BYTES, leaf_hash, verify_inclusion
from assent.merkle.note import SIZE_LINE, TreeHead, read_head, read_note
from assent.merkle.quorum import LogPolicy, check_quorum
from assent.merkle.strict import base64_text, read_base64

FIRST_LINE = "c2sp.org/tlog-proof@v1"
MAX_PATH = 63  # a log of 2**63 entries has no longer one
MAX_CHARACTERS = 500_000
INDEX = re.compile(f"index ({SIZE_LINE.pattern})")


@dataclass(frozen=True, slots=True)
class LogProof:
    """What a proof file holds, unchecked.

    index: the entry's number, from 0.
    path: siblings of 32 bytes, lowest first (RFC 6962, 2.1.1).
    note: the signed head, as the log gave it out.
    unverified_extra: bytes that nobody signed.
    """

    index: int
    path: tuple[bytes, ...]
    note: str
    unverified_extra: bytes = b""


@dataclass(frozen=True, slots=True)
class Logged:
    """What a proof showed: where the entry stands, under which head, seen by whom."""

    index: int
    head: TreeHead
    cosigned: tuple[Cosigned, ...]


def write_proof(index: int, path: Sequence[bytes], note: str) -> str:
    """Write a proof file's text.

    Raises:
        ProofError: it could not be read back: no such index, hash or head.
    """
    lines = [FIRST_LINE, f"index {index}", *map(base64_text, path)]
    text = "\n".join(lines) + f"\n\n{note}"
    read_proof(text)
    return text


def read_proof(text: str) -> LogProof:
    """Read a proof file; nothing in it is checked against anything yet.

    Raises:
        ProofError: it is no such file.
    """
    if len(text) > MAX_CHARACTERS:
        raise ProofError(f"the log proof has {len(text)} characters, far too many")
    proof, blank, note = text.partition("\n\n")
    lines = proof.split("\n")
    if lines.pop(0) != FIRST_LINE or not blank:
        raise ProofError(
            f"this is no log proof, wanted `{FIRST_LINE}` first",
            hint="use a file that `assent ledger proof` or the log wrote",
        )
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = read_base64(lines.pop(0).removeprefix("extra "), "the extra line")
        if not extra:
            raise ProofError("the extra line of the log proof is empty")
    index = INDEX.fullmatch(lines.pop(0)) if lines else None
    if index is None:
        raise ProofError("the log proof lacks its line `index NUMBER`")
    if len(lines) > MAX_PATH:
        raise ProofError(f"the log proof has {len(lines)} hashes, wanted {MAX_PATH}")
    path = tuple(
        read_base64(line, "a hash of the log proof", HASH_BYTES) for line in lines
    )
    read_head(read_note(note, "the tree head")[0])
    return LogProof(int(index[1]), path, note, extra)


def verify_proof(
    text: str, entry: bytes, policy: LogPolicy, log_key: str | None = None
) -> Logged:
    """Check that an entry stands in a log that a policy trusts.

    Args:
        text: the proof file.
        entry: the bytes that were logged.
        policy: which logs and witnesses count.
        log_key: the log's verifier key, where the policy names no log.

    Raises:
        ProofError: the file is malformed, its head is not what the policy wants, or
            the entry is not there.
    """
    # (1) The head counts: a known log signed it, a quorum saw it.
    proof = read_proof(text)
    cosigned = check_quorum(proof.note, policy, log_key)

    # (2) The entry stands under it.
    head = read_head(read_note(proof.note, "the tree head")[0])
    leaf = leaf_hash(entry)
    verify_inclusion(leaf, proof.index, head.size, proof.path, head.root)
    return Logged(proof.index, head, cosigned)
