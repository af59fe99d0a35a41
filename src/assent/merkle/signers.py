"""Who signed the tree head of a bundle, written as a policy with one form only.

    log club.example/ledger+d12ab64b+AQ...
    witness w1 union.example/w1+0afc1f01+BA...
    quorum w1

It is a C2SP tlog-policy that asks for everybody who signed: the log, then each witness
in the order of their keys, all of them where there are several. So it says nothing
that the signature lines do not, and no byte of it is free. Whom to trust, and how many
of them are enough, is for the reader's own policy to say (`assent.merkle.quorum`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assent.errors import ProofError
from assent.merkle.cosign import COSIGNATURE, Cosigned, open_cosignature
from assent.merkle.note import (
    TreeHead,
    VerifierKey,
    open_head,
    read_key,
    read_note,
    signature_line,
)

LOG_LINE = re.compile("log ([^ \n]+)")
WITNESS_LINE = re.compile("witness w[0-9]+ ([^ \n]+)")
MOST_WITNESSES = 64


@dataclass(frozen=True, slots=True)
class Signers:
    """The verifier keys of those who signed a head: the log's, and each witness's."""

    log: str
    witnesses: tuple[str, ...] = ()


def signers_text(signers: Signers) -> str:
    """Write who signed as the one policy that asks for all of them.

    Raises:
        ValueError: the witnesses are not in the order of their keys, each once.
    """
    keys = signers.witnesses
    if list(keys) != sorted(set(keys)):
        raise ValueError("the witnesses are not in the order of their keys, each once")
    names = [f"w{number}" for number in range(1, len(keys) + 1)]
    lines = [f"log {signers.log}"]
    lines += [f"witness {name} {key}" for name, key in zip(names, keys, strict=True)]
    if len(names) > 1:
        lines.append(" ".join(["group all-of-them all", *names]))
        names = ["all-of-them"]
    return "\n".join([*lines, f"quorum {names[0] if names else 'none'}", ""])


def read_signers(text: str) -> Signers:
    """Read who signed, only if it is written as `signers_text` writes it.

    Raises:
        ProofError: it is not.
    """
    lines = text.split("\n")
    log = LOG_LINE.fullmatch(lines[0])
    found = [WITNESS_LINE.fullmatch(line) for line in lines[1:]]
    keys = tuple(match[1] for match in found if match is not None)
    if log is None or len(keys) > MOST_WITNESSES:
        raise ProofError("the policy of the bundle does not begin with its one log")
    if list(keys) != sorted(set(keys)):
        raise ProofError("the witnesses of the bundle are not in order, each once")
    signers = Signers(log[1], keys)
    if signers_text(signers) != text:
        raise ProofError(
            "the policy of the bundle is not the one that asks for all who signed",
            hint="give a policy of your own beside the bundle, not inside it",
        )
    return signers


def open_signed(note: str, signers: Signers) -> tuple[TreeHead, tuple[Cosigned, ...]]:
    """Read a head that exactly these signed, in this order, each of them rightly.

    Raises:
        ProofError: the note is malformed, a signature is wrong or missing, or there is
            a line of somebody else, which could say anything.
    """
    _, lines = read_note(note, "the tree head")
    wanted = [read_key(signers.log)]
    wanted += [read_key(key, COSIGNATURE) for key in signers.witnesses]
    found = [(name, signature[:4]) for name, signature in lines]
    if found != [(key.name, key.identity) for key in wanted]:
        raise ProofError(
            f"the tree head has {len(found)} signature lines, and they are not those "
            f"of the {len(wanted)} signers that the bundle names"
        )
    head = open_head(note, signers.log)
    return head, tuple(open_cosignature(note, key) for key in signers.witnesses)


def signed_by(note: str, log: str, known: Sequence[str]) -> tuple[str, Signers]:
    """Keep the lines of a head that are by these signers, in their one order.

    Args:
        note: the head with all its signature lines.
        log: the log's verifier key.
        known: verifier keys of the witnesses whose lines are wanted if they are there.

    Returns:
        The note with the lines kept, and whose they are; nothing is verified here.

    Raises:
        ProofError: the note or a key is malformed.
    """
    text, lines = read_note(note, "the tree head")
    kept = _lines_by(read_key(log), lines)
    witnesses = []
    for key in sorted(set(known)):
        own = _lines_by(read_key(key, COSIGNATURE), lines)
        kept += own
        if own:
            witnesses.append(key)
    block = "".join(f"{signature_line(*line)}\n" for line in kept)
    return f"{text}\n{block}", Signers(log, tuple(witnesses))


def _lines_by(
    signer: VerifierKey, lines: Sequence[tuple[str, bytes]]
) -> list[tuple[str, bytes]]:
    return [
        (name, signature)
        for name, signature in lines
        if name == signer.name and signature.startswith(signer.identity)
    ]
