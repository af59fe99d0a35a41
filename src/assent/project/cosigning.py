"""The head that is handed out: signed by the ledger, and cosigned by its witnesses.

Where `assent.toml` names a witness policy, nothing that rests on a head leaves before
the quorum has cosigned it: an operator alone cannot show two people two ledgers.
Without a policy nobody else has signed, and whoever checks is told so.
"""

from dataclasses import dataclass

from assent.errors import ProofError, UsageError
from assent.merkle.cosign import COSIGNATURE, Cosigned
from assent.merkle.note import read_head, read_key, read_note, signature_line
from assent.merkle.quorum import LogPolicy, check_quorum, cosignatures, parse_policy
from assent.merkle.tlogproof import write_proof
from assent.project.config import FILE
from assent.project.place import Place
from assent.witness.collect import Asked, collect

HINT = (
    "run `assent ledger cosign` when they answer again, or change the policy named in "
    f"`{FILE}`"
)


@dataclass(frozen=True, slots=True)
class CosignedHead:
    """A head with its cosignatures, and what became of each witness that was asked.

    note: the signed head with one line a witness.
    size: its entries.
    cosigned: by a witness's name in the policy, who signed when.
    asked: who was asked now; empty where nobody was missing.
    met: whether the quorum holds.
    """

    note: str
    size: int
    cosigned: dict[str, Cosigned]
    asked: tuple[Asked, ...]
    met: bool


def witness_policy(place: Place) -> LogPolicy | None:
    """Read the project's witness policy; None where it has none.

    Raises:
        UsageError: the file is gone or no policy, or it is about other ledgers.
    """
    name = place.config.witnesses
    if not name:
        return None
    try:
        policy = parse_policy((place.folder / name).read_bytes().decode())
    except FileNotFoundError:
        raise UsageError(
            f"there is no `{name}`, which `{FILE}` names as the witness policy",
            hint=f"write it, or take `witnesses` out of `{FILE}`",
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"`{name}` is not UTF-8") from None
    except ProofError as error:
        raise UsageError(f"`{name}`: {error.message}", error.hint) from error
    keys = [each.key for each in policy.logs]
    if keys and place.book.verifier_key not in keys:
        raise UsageError(
            f"`{name}` names other ledgers than this one",
            hint=f"write `log {place.book.verifier_key}` into it",
        )
    return policy


def cosigned_head(place: Place) -> tuple[str, tuple[str, ...]]:
    """Give the latest head with its cosignatures, only if the quorum holds.

    Witnesses that are missing are asked, if the quorum needs them. Without a witness
    policy it is the head as the ledger signed it.

    Returns:
        The signed note, and the verifier keys of the policy's witnesses.

    Raises:
        ProofError: the quorum does not hold; it names who is missing, and why.
        UsageError: the witness policy cannot be read.
    """
    policy = witness_policy(place)
    if policy is None:
        return place.book.head_note(), ()
    found = cosign_head(place, policy, only_if_needed=True)
    if not found.met:
        raise ProofError(
            f"the quorum `{policy.quorum}` has not cosigned the head of {found.size} "
            f"entries, so nothing is handed out: {missing(found.asked)}",
            hint=HINT,
        )
    check_quorum(found.note, policy, place.book.verifier_key)
    return found.note, tuple(each.key for each in policy.witnesses)


def cosign_head(
    place: Place, policy: LogPolicy, only_if_needed: bool = False, again: bool = False
) -> CosignedHead:
    """Ask every witness that has not cosigned the latest head, and keep what they sign.

    Args:
        place: the project.
        policy: its witnesses.
        only_if_needed: ask nobody where the quorum holds already.
        again: ask also who has signed: of a ledger to which nothing was added, their
            new times show that it was not held back.

    Raises:
        ProofError: a line that was kept is wrong.
    """
    book = place.book
    note = one_line_each(book.cosigned_note(), policy)
    size = read_head(read_note(note, "the tree head")[0]).size
    signed = cosignatures(note, policy)
    if only_if_needed and policy.is_met_by(signed):
        return CosignedHead(note, size, signed, (), True)
    asked = collect(
        book.head_note(size),
        [each for each in policy.witnesses if again or each.name not in signed],
        book.consistency,
        place.clock() // 1_000_000,
    )
    book.keep_cosignatures(size, [each.line for each in asked if each.line])
    # Crash before: they signed, and nobody knows; asked again they sign again.
    note = one_line_each(book.cosigned_note(size), policy)
    signed = cosignatures(note, policy)
    return CosignedHead(note, size, signed, tuple(asked), policy.is_met_by(signed))


def entry_proof(place: Place, number: int) -> tuple[str, bytes]:
    """Write a proof file that an entry stands in the ledger, and give the entry.

    Raises:
        UsageError: there is no such entry.
        ProofError: the quorum does not hold.
    """
    note, _ = cosigned_head(place)
    size = read_head(read_note(note, "the tree head")[0]).size
    if not 0 <= number < size:
        raise UsageError(
            f"there is no entry {number} in a ledger of {size} entries",
            hint=f"name one from 0 to {size - 1}" if size else "record something first",
        )
    path = place.book.path(number, size)
    return write_proof(number, path, note), place.book.entry(number)


def one_line_each(note: str, policy: LogPolicy) -> str:
    """Leave of a head's cosignatures the newest of each witness of a policy.

    A witness may have been asked again, or by two commands at once; a head with two
    lines of one is refused wherever it is checked.

    Raises:
        ProofError: the note is malformed.
    """
    text, lines = read_note(note, "the tree head")
    kept = [lines[0]]  # the ledger's own stands first
    for witness in policy.witnesses:
        key = read_key(witness.key, COSIGNATURE)
        own = [
            (name, signature)
            for name, signature in lines[1:]
            if name == key.name and signature.startswith(key.identity)
        ]
        # The time follows the key's hash, as 8 big-endian bytes.
        kept += sorted(own, key=lambda line: line[1][4:12])[-1:]
    block = "".join(f"{signature_line(*line)}\n" for line in kept)
    return f"{text}\n{block}"


def missing(asked: tuple[Asked, ...]) -> str:
    """Say in words who did not sign, and why."""
    return "; ".join(f"`{each.name}` {each.why}" for each in asked if not each.line)
