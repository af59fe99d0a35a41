"""Pass later withdrawals on to recipients, and record what they acknowledge.

What was handed over is decided again each time, for the recipient who has it. What is
no longer permitted goes into a signed change file; what is permitted again later never
comes back by one: that needs a new handover.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assent.canon import sha256
from assent.engine.question import Question
from assent.errors import LedgerError, ProofError, UsageError
from assent.files import SECRET_MODE, write_whole
from assent.ledger.book import PublicEvent
from assent.project import standing
from assent.project.building import sealed_plans
from assent.project.descending import base_fault
from assent.project.naming import corpus_behind, no_longer
from assent.project.place import MODELS, Place
from assent.project.serving import GONE, reasons
from assent.project.sharing import (
    dropped,
    kept_documents,
    question_for,
    share_folder,
    signing_key,
)
from assent.share.folder import HANDOVER
from assent.share.papers import (
    Acknowledgement,
    Change,
    Handover,
    Kind,
    acknowledgement_name,
    change_name,
    read_acknowledgement,
    read_change,
    read_handover,
)
from assent.terms import DAY, PROVED, EventKind, iso

MOST_DAYS = 365
LATE = DAY  # a recipient's clock may be so far ahead


@dataclass(slots=True)
class Given:
    """One handover as the ledger knows it.

    Args:
        shared: its entry.
        changes: entries of its changes, in order.
        acknowledged: the last change that was acknowledged; 0: none.
    """

    shared: PublicEvent
    changes: list[PublicEvent] = field(default_factory=list)
    acknowledged: int = 0

    @property
    def share_id(self) -> str:
        """Its name."""
        return str(self.shared.body["share_id"])

    @property
    def recipient(self) -> str:
        """Who has it."""
        return str(self.shared.body["recipient"])

    @property
    def gone(self) -> bool:
        """Whether a change has taken all of it away: a model."""
        return any(event.body["whole"] for event in self.changes)

    @property
    def waiting(self) -> list[PublicEvent]:
        """Changes that nobody has acknowledged."""
        return [e for e in self.changes if e.body["number"] > self.acknowledged]


@dataclass(frozen=True, slots=True)
class Passed:
    """What one run of `pass_on` did.

    Args:
        changes: the new changes: share, number, recipient, documents, whole.
        waiting: files that recipients have not acknowledged, with the new ones.
    """

    changes: tuple[Mapping[str, Any], ...]
    waiting: tuple[Path, ...]

    def lines(self) -> list[str]:
        """Say it in lines for a terminal."""
        lines = [
            f"change {body['number']} of {body['share_id']} for "
            f"`{body['recipient']}`: "
            + (
                "the whole model must go"
                if body["whole"]
                else f"{body['documents']:,} documents must go"
            )
            + f", until {iso(body['deadline'])}"
            for body in self.changes
        ]
        lines = lines or ["all that was handed over is still permitted"]
        return lines + [f"send `{path.name}`" for path in self.waiting]


def given(place: Place) -> list[Given]:
    """List what was handed over, in order, with all that came after."""
    never_left = dropped(place)
    found: dict[str, Given] = {}
    kinds = EventKind.SHARED, EventKind.SHARE_CHANGED, EventKind.SHARE_ACKNOWLEDGED
    for event in place.events_of(*kinds):
        share_id = event.body["share_id"]
        if event.kind == EventKind.SHARED:
            found[share_id] = Given(event)
        elif event.kind == EventKind.SHARE_CHANGED:
            found[share_id].changes.append(event)
        else:
            one = found[share_id]
            one.acknowledged = max(one.acknowledged, event.body["number"])
    return [each for name, each in found.items() if name not in never_left]


# -- pass on ---------------------------------------------------------------------------


def pass_on(
    place: Place, out: Path, recipient: str | None = None, days: int = 7
) -> Passed:
    """Write a change file for every handover that holds what is no longer permitted.

    Args:
        place: the project.
        out: folder for every change file that is not acknowledged yet.
        recipient: this one only; all by default.
        days: until when it must be removed, from now.

    Raises:
        LedgerError: nobody declared the recipient, or a record in `shares` is gone.
        UsageError: the number of days makes no sense.
    """
    if not 0 < days <= MOST_DAYS:
        raise UsageError(f"a deadline of {days} days, wanted 1 to {MOST_DAYS}")
    if recipient is not None:
        standing.check_recipients(place, [recipient])
    as_of, size = place.clock(), place.book.size
    new = []
    for one, documents in denied(place, as_of, size, recipient):
        change = _change(place, one, documents, as_of, size, days)
        new.append(_log_change(place, change))
    waiting = []
    for one in given(place):
        if recipient in (None, one.recipient):
            waiting += [_copy(place, event, out) for event in one.waiting]
    # Crash here or before: every later run copies what is not acknowledged again.
    return Passed(tuple(new), tuple(waiting))


def denied(
    place: Place, as_of: int, size: int, recipient: str | None = None
) -> Iterator[tuple[Given, list[str]]]:
    """Find what recipients still hold and may hold no longer, one handover a time."""
    decided: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
    questions: dict[tuple[str, str], Question] = {}
    for one in given(place):
        if one.gone or recipient not in (None, one.recipient):
            continue
        use = (one.shared.body["purpose"], one.recipient)
        if use not in decided:
            questions[use] = question_for(place, use[0], [use[1]], as_of, size)
            decided[use] = reasons(place, questions[use])
        held = kept_documents(place, one.shared).keys() - removed(place, one)
        behind = corpus_behind(place, one.shared.body["what"])
        unnamed = no_longer(place, behind, questions[use])
        documents = sorted(
            each
            for each in held
            if each in unnamed or decided[use].get(each, GONE)[0] not in PROVED
        )
        if not documents and _based_on_denied(place, one, as_of, size):
            documents = sorted(held)
        if documents:
            yield one, documents


def _based_on_denied(place: Place, one: Given, as_of: int, size: int) -> bool:
    """Say whether a model was handed over whose base may not be used any more."""
    for event in place.events_of(*MODELS):
        if event.body["model_id"] == one.shared.body["what"]:
            plan, _ = sealed_plans(place)[event.body["plan"]]
            return bool(base_fault(place, plan, as_of, size))
    return False


def _change(
    place: Place,
    one: Given,
    documents: list[str],
    as_of: int,
    size: int,
    days: int,
) -> Change:
    body = one.shared.body
    last = one.changes[-1].body["change"] if one.changes else body["handover"]
    whole = body["kind"] == Kind.MODEL
    return Change(
        share_id=one.share_id,
        number=len(one.changes) + 1,
        previous=last,
        recipient=one.recipient,
        origin=place.config.origin,
        as_of=as_of,
        ledger_size=size,
        deadline=as_of + days * DAY,
        whole=whole,
        documents=() if whole else tuple(documents),
        verifier_key=place.book.verifier_key,
    )


def _log_change(place: Place, change: Change) -> Mapping[str, Any]:
    data = change.to_bytes(signing_key(place))
    path = share_folder(place, change.share_id) / change_name(change.number)
    write_whole(path, data, SECRET_MODE)
    # Crash here: a change that no entry names and nobody was sent; the next run writes
    # it again, as of then.
    event = place.book.publish(
        EventKind.SHARE_CHANGED,
        change.as_of,
        {
            "share_id": change.share_id,
            "number": change.number,
            "recipient": change.recipient,
            "change": sha256(data),
            "documents": len(change.documents),
            "whole": change.whole,
            "deadline": change.deadline,
        },
    )
    return event.body


def _copy(place: Place, event: PublicEvent, out: Path) -> Path:
    body = event.body
    path = out / f"{body['share_id']}.{change_name(body['number'])}"
    write_whole(path, _kept_change(place, event), SECRET_MODE)
    return path


def _kept_change(place: Place, event: PublicEvent) -> bytes:
    """Read a change back.

    Raises:
        LedgerError: it is gone, or is not the one that the ledger names.
    """
    body = event.body
    path = share_folder(place, body["share_id"]) / change_name(body["number"])
    data = path.read_bytes() if path.is_file() else b""
    if sha256(data) != body["change"]:
        raise LedgerError(
            f"`{path.name}` of `{body['share_id']}`, which the ledger names, is "
            "missing or changed",
            hint="restore the folder `shares` from a backup",
        )
    return data


def removed(place: Place, one: Given, until: int | None = None) -> set[str]:
    """List what changes have taken out, up to one of them."""
    found: set[str] = set()
    for event in one.changes[:until]:
        change = read_change(_kept_change(place, event), place.book.verifier_key)
        found.update(change.documents)
    return found


# -- acknowledge -----------------------------------------------------------------------


def acknowledge(place: Place, path: Path, key: str | None = None) -> PublicEvent:
    """Check what a recipient acknowledges, and record it, once.

    The first key that a recipient signs with is kept: later ones must be the same.

    Args:
        place: the project.
        path: the acknowledgement.
        key: the recipient's verifier key, from a source that is trusted; it takes the
            place of one that was kept before.

    Raises:
        ProofError: it is not what was to be acknowledged, or another signed it.
        UsageError: the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"`{path.name}` cannot be read: {(error.strerror or 'no reason').lower()}",
            hint="name the file that `assent apply` wrote",
        ) from error
    said = read_acknowledgement(data)
    one, change = _acknowledged(place, said)
    _check_said(place, said, one, change)
    for event in place.events_of(EventKind.SHARE_ACKNOWLEDGED):
        if event.body["acknowledgement"] == sha256(data):
            return event
    _check_signer(place, said, key)
    kept = share_folder(place, said.share_id) / acknowledgement_name(said.number)
    write_whole(kept, data)
    # Crash here: kept and not recorded; the same command records it.
    return place.book.publish(
        EventKind.SHARE_ACKNOWLEDGED,
        said.applied_at,
        {
            "share_id": said.share_id,
            "number": said.number,
            "recipient": said.recipient,
            "acknowledgement": sha256(data),
            "verifier_key": said.verifier_key,
        },
    )


def _acknowledged(place: Place, said: Acknowledgement) -> tuple[Given, PublicEvent]:
    """Find the change that is acknowledged."""
    for one in given(place):
        for event in one.changes:
            if event.body["change"] == said.change:
                wanted = (one.share_id, event.body["number"], one.recipient)
                if wanted != (said.share_id, said.number, said.recipient):
                    raise ProofError("the acknowledgement names another handover")
                return one, event
    raise ProofError(
        "the acknowledgement is of a change that this ledger never passed on",
        hint="check that it is this project whose change was applied",
    )


def _check_said(
    place: Place, said: Acknowledgement, one: Given, change: PublicEvent
) -> None:
    """Compare the files that are said to be left with those that must be.

    A file that no change touched is known to the byte; of the others the rows are.
    """
    if said.applied_at > place.clock() + LATE:
        raise ProofError("the acknowledgement was written after now")
    if said.applied_at < change.happened_at - LATE:
        raise ProofError("the acknowledgement was written before its change")
    handover = _handover(place, one)
    kept = kept_documents(place, one.shared)
    gone = removed(place, one, said.number)
    touched = {kept[each] for each in gone}
    rows = Counter(path for name, path in kept.items() if name not in gone)
    whole = bool(change.body["whole"])
    wanted = {} if whole else {entry.path: entry for entry in handover.files}
    found = {entry.path: entry for entry in said.files}
    if found.keys() != wanted.keys():
        raise ProofError("the acknowledgement lists other files than must be left")
    for path, entry in wanted.items():
        if path in touched:
            if found[path].rows != rows[path] or found[path].sha256 == entry.sha256:
                raise ProofError(f"`{path}` is not said to be without what must go")
        elif found[path] != entry:
            raise ProofError(f"`{path}` is said to be another file than it was")


def _handover(place: Place, one: Given) -> Handover:
    path = share_folder(place, one.share_id) / HANDOVER
    return read_handover(path.read_bytes(), place.book.verifier_key)


def _check_signer(place: Place, said: Acknowledgement, key: str | None) -> None:
    """Compare the signer with the key that is given, or was kept."""
    wanted = key
    if key is None:
        for event in place.events_of(EventKind.SHARE_ACKNOWLEDGED):
            if event.body["recipient"] == said.recipient:
                wanted = event.body["verifier_key"] or wanted
    if wanted is not None and said.verifier_key != wanted:
        raise ProofError(
            f"the acknowledgement is not signed by the key of `{said.recipient}`",
            hint="where the recipient has a new key, name it with `--key`",
        )


# -- status ----------------------------------------------------------------------------


def status(place: Place, now: int, size: int) -> dict[str, str]:
    """Say what recipients have, what must be passed on, and what is not answered."""
    every = given(place)
    if not every:
        return {"shared": "nothing"}
    shared = [f"{e.shared.body['what']} to {e.recipient} ({e.share_id})" for e in every]
    to_pass = [
        f"{len(documents):,} documents of {one.share_id} (run `assent pass-on`)"
        for one, documents in denied(place, now, size)
    ]
    waiting = [
        f"{one.share_id}/{event.body['number']} by {one.recipient}, "
        + ("past its deadline of " if event.body["deadline"] < now else "until ")
        + iso(event.body["deadline"])[:10]
        for one in every
        for event in one.waiting
    ]
    return {
        "shared": ", ".join(shared),
        "to pass on": ", ".join(to_pass) or "nothing",
        "unanswered": ", ".join(waiting) or "nothing",
    }
