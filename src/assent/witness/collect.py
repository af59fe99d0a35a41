"""Ask the witnesses of a policy to cosign a head: all at once, nobody waits for long.

A witness says by its answer which size it has seen; the next request then shows that
the ledger has only grown since. What it answers is verified before it counts.

Two answers are an alarm and no failure of the line: a witness that has seen more
entries than there are (this ledger is an old copy), and one that has seen other
entries (two histories are signed).

Source: C2SP tlog-witness v1.0.0.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus

from assent.errors import ProofError
from assent.merkle.cosign import Cosigned, open_cosignature
from assent.merkle.note import SIZE_LINE, read_head, read_note
from assent.merkle.quorum import Witness
from assent.merkle.strict import base64_text
from assent.witness.call import CallError, post

ROUNDS = 4  # the size is told; grow from there; and twice more if others ask too
PLAIN = "text/plain; charset=utf-8"
AHEAD = 300  # seconds that a witness's clock may be before ours
SIZE_BODY = re.compile(f"({SIZE_LINE.pattern})\n")
SAID: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: "does not understand the request",
    HTTPStatus.FORBIDDEN: "holds another key of this ledger",
    HTTPStatus.NOT_FOUND: "does not know this ledger, or is elsewhere",
    HTTPStatus.UNPROCESSABLE_ENTITY: "says that this ledger did not only grow: "
    "two histories are signed",
}
Grown = Callable[[int, int], Sequence[bytes]]
"""Gives the consistency proof between two sizes, 1 <= old <= new."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one witness: its line and when it signed, or why there is none.

    name: in the policy.
    line: one signature line without its line end, verified; None: it did not sign.
    cosigned: who and when, where there is a line.
    why: in words, where there is none.
    alarm: whether it contradicts this ledger, rather than not answering.
    seen: entries that it says it has seen, where there are more than here; else 0.
    """

    name: str
    line: str | None = None
    cosigned: Cosigned | None = None
    why: str = ""
    alarm: bool = False
    seen: int = 0


def collect(
    note: str,
    witnesses: Iterable[Witness],
    grown: Grown,
    now: int,
    seconds: float = 10.0,
) -> list[Asked]:
    """Ask witnesses to cosign a signed head, in the order given.

    Args:
        note: the head as the ledger signed it.
        witnesses: whom to ask, with their URLs.
        grown: the consistency proof between two sizes; called in this thread only.
        now: seconds since 1970, UTC; a signature of later than this does not count.
        seconds: how long one witness may take for one answer.

    Raises:
        ProofError: the note is no tree head.
    """
    size = read_head(read_note(note, "the tree head")[0]).size
    asked = list(witnesses)
    done: dict[str, Asked] = {}
    old = dict.fromkeys((each.name for each in asked), 0)
    with ThreadPoolExecutor(max(len(asked), 1)) as threads:
        for _ in range(ROUNDS):
            left = [each for each in asked if each.name not in done]
            bodies = [_request(note, old[each.name], size, grown) for each in left]
            waits = [seconds] * len(left)
            answers = threads.map(_post, (each.url for each in left), bodies, waits)
            for each, answer in zip(left, answers, strict=True):
                found = _judge(each, answer, note, old[each.name], size, now)
                if isinstance(found, Asked):
                    done[each.name] = found
                else:
                    old[each.name] = found
    busy = "is asked by somebody else at the same time"
    return [done.get(each.name, Asked(each.name, why=busy)) for each in asked]


def _request(note: str, old: int, new: int, grown: Grown) -> bytes:
    path = grown(old, new) if 0 < old < new else ()
    lines = "".join(f"{base64_text(one)}\n" for one in path)
    return f"old {old}\n{lines}\n{note}".encode()


@dataclass(frozen=True, slots=True)
class _Answer:
    """A status and a body; without a status nobody answered, and `body` says why."""

    status: int | None
    body: str


def _judge(
    witness: Witness, answer: _Answer, note: str, old: int, size: int, now: int
) -> Asked | int:
    """Say what an answer means: the end, or the size to ask from next."""
    name = witness.name
    if answer.status is None:
        return Asked(name, why=answer.body)
    if answer.status == HTTPStatus.OK:
        return _signed(witness, answer.body, note, now)
    seen = SIZE_BODY.fullmatch(answer.body)
    if answer.status != HTTPStatus.CONFLICT or seen is None:
        why = "answers what no witness answers"
        if 400 <= answer.status < 600:
            why = SAID.get(answer.status, f"answers {answer.status}")
        alarm = answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
        return Asked(name, why=why, alarm=alarm)
    if int(seen[1]) > size:
        why = f"has cosigned {seen[1]} entries, here are {size}: this is an old copy"
        return Asked(name, why=why, alarm=True, seen=int(seen[1]))
    if int(seen[1]) == old == size:
        why = f"has cosigned another head of {size} entries: two histories are signed"
        return Asked(name, why=why, alarm=True)
    return int(seen[1])


def _signed(witness: Witness, body: str, note: str, now: int) -> Asked:
    """Take this witness's line out of an answer, if it is right; pass over others."""
    why = "answers without a signature of its own"
    for line in body.split("\n"):
        try:
            cosigned = open_cosignature(f"{note}{line}\n", witness.key)
        except ProofError:
            continue
        if cosigned.timestamp > now + AHEAD:
            why = "signs with a time that is still to come"
            continue
        return Asked(witness.name, line, cosigned)
    return Asked(witness.name, why=why)


def _post(url: str, body: bytes, seconds: float) -> _Answer:
    """Send one request; what goes wrong is an answer too."""
    if not url:
        return _Answer(None, "has no URL in the policy")
    try:
        status, data = post(url, "/add-checkpoint", body, PLAIN, seconds)
    except CallError as error:
        return _Answer(None, str(error))
    return _Answer(status, data.decode(errors="replace"))
