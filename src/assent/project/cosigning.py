"""The head that is handed out: signed by the ledger, and cosigned by its witnesses.

Where `assent.toml` names a witness policy, nothing that rests on a head leaves before
the quorum has cosigned it: an operator alone cannot show two people two ledgers.
Without a policy nobody else has signed, and whoever checks is told so.

A witness that contradicts this ledger is an alarm, whether or not the quorum holds
without it: nothing leaves until that witness has signed a head, or is out of the
policy. The ledger remembers it, for the next command need not ask anybody.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

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
ALARM_HINT = "find out which copy is the true one before anything is recorded"
ALARM = "alarm:"
"""Of a mark in the ledger, before a witness's key: 1 from an alarm until it signs."""


@dataclass(frozen=True, slots=True)
class CosignedHead:
    """A head with its cosignatures, and what became of each witness that was asked.

    note: the signed head with one line a witness.
    size: its entries.
    cosigned: by a witness's name in the policy, who signed when.
    asked: who was asked now; empty where nobody was missing.
    met: whether the quorum holds; where all were asked again, whether it did again.
    """

    note: str
    size: int
    cosigned: dict[str, Cosigned]
    asked: tuple[Asked, ...]
    met: bool

    @property
    def alarms(self) -> tuple[Asked, ...]:
        """Who contradicts this ledger, or did so and has not signed since."""
        return tuple(each for each in self.asked if each.alarm)


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
        ProofError: the quorum does not hold, or a witness contradicts this ledger; it
            names who, and why.
        UsageError: the witness policy cannot be read.
    """
    policy = witness_policy(place)
    if policy is None:
        return place.book.head_note(), ()
    found = cosign_head(place, policy, only_if_needed=True)
    if found.alarms:
        raise ProofError(
            "a witness contradicts this ledger, so nothing is handed out: "
            f"{missing(found.alarms)}",
            hint=ALARM_HINT,
        )
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
        only_if_needed: ask nobody where the quorum holds already and no alarm is open.
        again: ask also who has signed: of a ledger to which nothing was added, their
            new times show that it was not held back.

    Raises:
        ProofError: a line that was kept is wrong.
    """
    book = place.book
    note = one_line_each(book.cosigned_note(), policy)
    size = read_head(read_note(note, "the tree head")[0]).size
    signed = cosignatures(note, policy)
    marks = {each.name: ALARM + each.key for each in policy.witnesses}
    open_alarms = {name for name, mark in marks.items() if book.marked(mark)}
    if only_if_needed and not open_alarms and policy.is_met_by(signed):
        return CosignedHead(note, size, signed, (), True)
    wanted = [
        each
        for each in policy.witnesses
        if again or each.name not in signed or each.name in open_alarms
    ]
    answers = collect(
        book.head_note(size), wanted, book.consistency, place.clock() // 1_000_000
    )
    asked = tuple(_judged(each, book.size, open_alarms) for each in answers)
    book.keep_cosignatures(
        size,
        [each.line for each in asked if each.line],
        # Not of who did not answer: another command may have met its alarm meanwhile.
        [(marks[a.name], int(a.alarm)) for a in asked if a.line or a.alarm],
    )
    # Crash before: they signed, and nobody knows; asked again they sign again, and who
    # contradicts does so again.
    note = one_line_each(book.cosigned_note(size), policy)
    signed = cosignatures(note, policy)
    now = {each.name for each in asked if each.line} if again else signed
    return CosignedHead(note, size, signed, asked, policy.is_met_by(now))


def _judged(answer: Asked, size: int, open_alarms: Iterable[str]) -> Asked:
    """Say whether an answer is an alarm, knowing what the ledger knows by now.

    Args:
        answer: of a witness.
        size: of the ledger after the answer: another command may have appended, and
            shown that to the witness, while this one asked.
        open_alarms: who contradicted before and has not signed since. Silence does
            not take it back.
    """
    if answer.alarm and 0 < answer.seen <= size:
        why = "has cosigned a later head of this ledger meanwhile"
        answer = replace(answer, alarm=False, why=why)
    if answer.name in open_alarms and not answer.line and not answer.alarm:
        why = f"contradicted this ledger before, and now {answer.why}"
        return replace(answer, alarm=True, why=why)
    return answer


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
