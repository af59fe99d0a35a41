"""What a witness answers to one `add-checkpoint` request.

    old 812
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=

    club.example/ledger
    813
    5yoAP03fPJvnR14WmIW7NxSkZkzdojCSSamiCd7zU18=

    — club.example/ledger 0Rq2S77A...

The head that a log shows must contain all that its last one contained. The check and
the new state are one transaction, on the disk before the signature leaves: two
requests at once cannot roll the witness back, and neither can a crash.

A head with extension lines is refused (400): nobody audits them, so we sign none.

Source: C2SP tlog-witness v1.0.0.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from assent.errors import ProofError, UsageError
from assent.merkle.cosign import cosign
from assent.merkle.log import EMPTY_ROOT, HASH_BYTES, verify_consistency
from assent.merkle.note import (
    MAX_NOTE_CHARACTERS,
    SIZE_LINE,
    TreeHead,
    read_head,
    read_key,
    signed_head,
)
from assent.merkle.strict import read_base64
from assent.witness.keeping import Seen, State, WitnessKey

MAX_PATH = 63
MAX_BODY = 4 * MAX_NOTE_CHARACTERS  # bytes
OLD = re.compile(f"old ({SIZE_LINE.pattern})")
PLAIN = "text/plain; charset=utf-8"
SIZE = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, what kind of body, the body; and one line for the witness's own log."""

    status: HTTPStatus
    kind: str
    body: str
    said: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a log asks: from which size to which head, and how the one grew."""

    old: int
    path: tuple[bytes, ...]
    note: str
    head: TreeHead


def read_request(body: bytes) -> Request:
    """Read the body of a request; no signature is checked yet.

    Raises:
        ProofError: it is malformed.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise ProofError("the request is not UTF-8") from None
    asked, blank, note = text.partition("\n\n")
    first, *lines = asked.split("\n")
    old = OLD.fullmatch(first)
    if old is None or not blank:
        raise ProofError("the request does not begin with `old SIZE` and a blank line")
    if len(lines) > MAX_PATH:
        raise ProofError(f"the request has more than {MAX_PATH} consistency hashes")
    path = tuple(read_base64(line, "a consistency hash", HASH_BYTES) for line in lines)
    # What is wrong with a signature line is no mistake of form, but a signature that
    # does not verify: only the text is read here.
    signed_text, blank, _ = note.rpartition("\n\n")
    if not blank:
        raise ProofError("the checkpoint has no blank line before its signatures")
    head = read_head(f"{signed_text}\n")
    return Request(int(old[1]), path, note, head)


def known_logs(keys: Iterable[str]) -> dict[str, list[str]]:
    """Sort verifier keys of logs by the log's name; one log may have several.

    Raises:
        ProofError: one is malformed, or not a log's.
    """
    found: dict[str, list[str]] = {}
    for key in keys:
        found.setdefault(read_key(key).name, []).append(key)
    return found


class Cosigner:
    """A witness at work.

    Args:
        key: its name and private key.
        state: what it has seen.
        logs: by a log's name, the verifier keys that it signs with.
        clock: seconds since 1970, UTC.
    """

    def __init__(
        self,
        key: WitnessKey,
        state: State,
        logs: Mapping[str, list[str]],
        clock: Callable[[], int],
    ) -> None:
        self._key = key
        self._state = state
        self._logs = logs
        self._clock = clock

    def answer(self, body: bytes) -> Answer:
        """Answer one request, in the order of the specification.

        Raises:
            UsageError: the state cannot be read or written; nothing was cosigned.
        """
        # (1) A request about a log that we know.
        try:
            request = read_request(body)
        except ProofError as error:
            return _refused(HTTPStatus.BAD_REQUEST, error.message, "malformed")
        keys = self._logs.get(request.head.origin)
        if not keys:
            return _refused(HTTPStatus.NOT_FOUND, "unknown log", "unknown log")

        # (2) The log signed the head; a known key's wrong signature spoils the note.
        name = request.head.origin
        try:
            signed = [key for key in keys if signed_head(request.note, key)]
        except ProofError:
            signed = []
        if not signed:
            said = f"{name}: invalid signature"
            return _refused(HTTPStatus.FORBIDDEN, "invalid signature", said)
        if request.old > request.head.size:
            why = "the old size is above the size of the checkpoint"
            return _refused(HTTPStatus.BAD_REQUEST, why, f"{name}: {why}")

        # (3) Check and keep as one step. The time is taken inside: after it another
        # request may get a larger head, and this one would no longer be the largest.
        with self._state.changing() as state:
            now = self._clock()
            last = state.last(name)
            refused = _check(request, last, state, now)
            if refused is None:
                state.keep(
                    Seen(name, request.head.size, request.head.root, request.note, now)
                )
        if refused is not None:
            return refused

        # (4) It is on the disk: only now is there a signature.
        line = cosign(request.note, self._key.name, self._key.private_key, now)
        said = f"{name}: {request.old} -> {request.head.size} cosigned"
        return Answer(HTTPStatus.OK, PLAIN, f"{line}\n", said)


def _check(
    request: Request, last: Seen | None, state: State, now: int
) -> Answer | None:
    """Compare a head that its log signed with the last one; None when it may follow."""
    head, size = request.head, last.size if last else 0
    root = last.root if last else EMPTY_ROOT
    if last and head.size == size and head.root != root:
        # Two heads of one size, both signed by the log: the proof of a split view.
        state.keep_split(Seen(head.origin, head.size, head.root, request.note, now))
        return _conflict(size, f"{head.origin}: SPLIT VIEW at {size} entries, kept")
    if request.old != size:
        return _conflict(size, f"{head.origin}: asked from {request.old}, is {size}")
    try:
        _check_growth(request, root)
    except ProofError as error:
        why = f"the consistency proof does not hold: {error.message}"
        said = f"{head.origin}: {size} -> {head.size} does not follow"
        return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, why, said)
    return None


def _check_growth(request: Request, old_root: bytes) -> None:
    """Check that the old entries are the first of the new ones.

    Raises:
        ProofError: they are not shown to be.
    """
    if request.old == 0:
        if request.path:
            raise ProofError("from size 0 on it has to be empty")
        if request.head.size == 0 and request.head.root != EMPTY_ROOT:
            raise ProofError("an empty log has another root")
        return
    verify_consistency(
        request.old, request.head.size, request.path, old_root, request.head.root
    )


def _refused(status: HTTPStatus, why: str, said: str) -> Answer:
    return Answer(status, PLAIN, f"{why}\n", said)


def _conflict(size: int, said: str) -> Answer:
    return Answer(HTTPStatus.CONFLICT, SIZE, f"{size}\n", said)


def read_list(path: Path) -> list[str]:
    """Read a file of logs' verifier keys, one a line; `#` begins a comment line.

    Raises:
        UsageError: a line is no verifier key of a log, or the file is not UTF-8.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"`{path.name}` is not UTF-8") from error
    keys = []
    for number, line in enumerate(lines, start=1):
        text = line.strip(" \t\r")
        if not text or text.startswith("#"):
            continue
        try:
            read_key(text)
        except ProofError as error:
            raise UsageError(
                f"line {number} of `{path.name}`: {error.message}", error.hint
            ) from error
        keys.append(text)
    return keys
