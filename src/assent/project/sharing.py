"""Hand a corpus or a model over to a recipient: decide, copy, log, name, in this order.

(1) decide every document again, now, for this recipient and for who uses it already;
(2) copy what is permitted into a draft beside the folder that is asked for;
(3) keep, in `shares/`, what was handed over: ids, no text;
(4) log it; (5) give the draft its name.

So nothing lies in a named folder that the ledger does not know. A corpus goes without
what is not permitted; a model is trained on all of it, so it goes whole or not at all.
"""

import re
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assent.corpus.draft import parquet
from assent.corpus.tables import part_path
from assent.engine.question import Question
from assent.errors import CorpusError, DeniedError, Error, LedgerError, UsageError
from assent.files import file_sha256, publish_folder, sync_folder, write_whole
from assent.ledger.book import PublicEvent
from assent.merkle.note import read_private_key
from assent.policy.model import in_force
from assent.project import standing
from assent.project.naming import corpus_behind, no_longer
from assent.project.place import Place, Progress
from assent.project.serving import GONE, UNNAMED, reasons
from assent.project.shareable import Source, shareable
from assent.project.training import counts
from assent.share.folder import HANDOVER
from assent.share.papers import Handover, Kind, documents_digest, read_handover
from assent.terms import PROVED, EventKind

JOB = "share"
DOCUMENTS = "documents.parquet"
RECORD = pa.schema(
    [pa.field("document_id", pa.string(), nullable=False), ("path", pa.string())]
)
"""What was handed over, and in which file; kept by who handed it over."""
KEY_NAME = re.compile(r"[^+\s]+")


@dataclass(frozen=True, slots=True)
class Shared:
    """What was handed over, and what was held back.

    Args:
        folder: what the recipient gets.
        handover: what it says.
        withheld: documents that stayed, by reason; empty where that is not known
            any more, since an earlier run decided it.
        entry: in the ledger.
    """

    folder: Path
    handover: Handover
    withheld: dict[str, int]
    entry: int

    def lines(self) -> list[str]:
        """Say it in lines for a terminal."""
        paper = self.handover
        verb = "trained on" if paper.kind is Kind.MODEL else "with"
        held = f"; held back: {counts(self.withheld)}" if self.withheld else ""
        made_up = " (simulated choices or people)" if paper.simulated else ""
        what = f"{paper.documents:,} documents of {paper.subjects:,} people"
        return [
            f"{paper.share_id}: {paper.what} for `{paper.recipient}`, "
            f"{verb} {what}{held}{made_up}",
            f"logged as ledger entry {self.entry}, signed in `{HANDOVER}`",
            f"hand over the folder `{self.folder.name}`, and by another way the key "
            f"{paper.verifier_key}",
        ]


def share(
    place: Place, what: str, recipient: str, out: Path, progress: Progress
) -> Shared:
    """Hand a corpus or a model over; a share that was interrupted is finished.

    Args:
        place: the project.
        what: id of a corpus or a model.
        recipient: a declared one.
        out: the folder to make.
        progress: told what is done.

    Raises:
        DeniedError: nothing of the corpus, or not all of the model, is permitted for
            this recipient; nothing was written.
        UsageError: there is no such corpus or model, or the folder exists already.
        CorpusError: a part is not what was built, or the text was erased.
        LedgerError: nobody declared the recipient.
    """
    standing.check_recipients(place, [recipient])
    asked = {"what": what, "recipient": recipient, "out": str(out.resolve())}
    finished = _settle(place, asked)
    if finished is not None:
        return finished
    _check_names(recipient, out)
    source = shareable(place, what, progress)
    as_of, size = place.clock(), place.book.size
    permitted, withheld = _decided(place, source, recipient, as_of, size)
    draft = _draft(Path(asked["out"]))
    place.begin(JOB, asked)
    # Crash from here on: the job says where the draft is; the next run removes it.
    try:
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.mkdir(mode=0o700)
        handover = _write(place, source, recipient, as_of, size, permitted, draft)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)  # texts do not lie about
        place.finish(JOB)
        raise
    event = place.book.publish(
        EventKind.SHARED, as_of, _body(draft, handover, withheld)
    )
    # Crash here: logged, and not handed over; the next run gives the folder its name.
    return _named(place, draft, out.resolve(), handover, withheld, event.number)


def _check_names(recipient: str, out: Path) -> None:
    if not KEY_NAME.fullmatch(recipient):
        raise UsageError(
            f"recipient `{recipient}` cannot sign, so it cannot get anything",
            hint="declare it by a name without blanks and `+`",
        )
    if out.exists():
        raise UsageError(
            f"`{out.name}` exists already",
            hint="name a folder that is not there yet: it is made whole, or not at all",
        )


# -- what is permitted -----------------------------------------------------------------


def question_for(
    place: Place, purpose: str, recipients: Iterable[str], as_of: int, size: int
) -> Question:
    """Compile the question for a purpose that need not be the project's any more."""
    config = replace(place.config, purpose=purpose)
    then = replace(place, config=config)
    return then.question(as_of, size, tuple(sorted(set(recipients))))


def _decided(
    place: Place, source: Source, recipient: str, as_of: int, size: int
) -> tuple[dict[str, str], dict[str, int]]:
    """Decide every document: id -> author of what may go, and counts of the rest.

    Who uses it already must be permitted too: what is due to be forgotten here is not
    handed on.
    """
    who = {*source.recipients, recipient}
    question = question_for(place, source.purpose, who, as_of, size)
    why = reasons(place, question)
    unnamed = no_longer(place, corpus_behind(place, source.what), question)
    held: Counter[str] = Counter()
    permitted = {}
    for each in source.documents:
        reason, _ = why.get(each.document_id, GONE)
        if reason in PROVED and each.document_id in unnamed:
            held[UNNAMED] += 1
        elif reason in PROVED:
            permitted[each.document_id] = each.subject_id
        else:
            held[reason] += 1
    withheld = dict(sorted(held.items()))
    whole = source.kind is Kind.MODEL
    if not permitted or (whole and withheld):
        raise DeniedError(
            f"{sum(held.values())} of {len(permitted) + sum(held.values())} documents "
            f"of `{source.what}` are not permitted for `{recipient}`: "
            f"{counts(withheld) or 'it holds none'}",
            hint="a model is handed over whole: run `assent forget`, or share a corpus"
            if whole
            else "publish a policy that names this recipient, and serve its notice",
        )
    return permitted, withheld


# -- writing ---------------------------------------------------------------------------


def _draft(out: Path) -> Path:
    return out.with_name(f".sharing-{out.name}")


def share_folder(place: Place, share_id: str) -> Path:
    """Where the papers of a handover are kept."""
    return place.folder / "shares" / share_id


def signing_key(place: Place) -> Ed25519PrivateKey:
    """Read the ledger's key, which signs the papers too."""
    return read_private_key(place.vault.drawn_key("signing"))


def _write(
    place: Place,
    source: Source,
    recipient: str,
    as_of: int,
    size: int,
    permitted: dict[str, str],
    draft: Path,
) -> Handover:
    """Write the folder but for its name, and our record of it."""
    files = sorted(source.files(draft, frozenset(permitted)))
    policies = in_force(place.versions(size), as_of)
    handover = Handover(
        kind=source.kind,
        what=source.what,
        recipient=recipient,
        origin=place.config.origin,
        controllers=tuple(sorted(each.controller for each in policies)),
        purpose=source.purpose,
        as_of=as_of,
        ledger_size=size,
        policies=tuple(sorted(each.digest for each in policies)),
        documents=len(permitted),
        subjects=len(set(permitted.values())),
        documents_sha256=documents_digest(permitted),
        files=tuple(files),
        simulated=source.simulated,
        verifier_key=place.book.verifier_key,
    )
    _check_rows(source, handover)
    data = handover.to_bytes(signing_key(place))
    write_whole(draft / HANDOVER, data)
    for inner in draft.rglob("*"):
        if inner.is_dir():
            sync_folder(inner)
    # Crash here: a draft that is not logged; the next run makes it again, as of then.
    _record(place, source, handover, permitted, data)
    return handover


def _check_rows(source: Source, handover: Handover) -> None:
    rows = sum(entry.rows for entry in handover.files)
    if source.kind is Kind.CORPUS and rows != handover.documents:
        raise CorpusError(
            f"the parts of `{source.what}` hold {rows} of the {handover.documents} "
            "documents that may go",
            hint="restore the corpus from a backup, or build again",
        )


def _record(
    place: Place,
    source: Source,
    handover: Handover,
    permitted: dict[str, str],
    data: bytes,
) -> None:
    """Keep what goes: later withdrawals are looked up here, for years."""
    shares = place.folder / "shares"
    shares.mkdir(mode=0o700, exist_ok=True)
    known = {event.body["share_id"] for event in place.events_of(EventKind.SHARED)}
    for left in shares.iterdir():
        if left.name not in known:
            shutil.rmtree(left)  # of a run that was cut off before it logged anything
    path_of = {}
    if source.kind is Kind.CORPUS:
        for each in source.documents:
            path_of[each.document_id] = part_path((each.group, each.shard))
    names = sorted(permitted)
    columns = [names, [path_of.get(name) for name in names]]
    folder = shares / handover.share_id
    write_whole(folder / DOCUMENTS, parquet(pa.table(columns, schema=RECORD)))
    write_whole(folder / HANDOVER, data)
    # Crash here: a record that no entry names; the next run removes it.


def _body(draft: Path, handover: Handover, withheld: dict[str, int]) -> dict[str, Any]:
    """Say in public what went to whom.

    The digest tells nothing of what is in the paper: its signature, which is in the
    bytes, cannot be guessed.
    """
    return {
        "share_id": handover.share_id,
        "kind": str(handover.kind),
        "what": handover.what,
        "recipient": handover.recipient,
        "purpose": handover.purpose,
        "handover": file_sha256(draft / HANDOVER),
        "documents": handover.documents,
        "subjects": handover.subjects,
        "withheld": sum(withheld.values()),
    }


def _named(
    place: Place,
    draft: Path,
    out: Path,
    handover: Handover,
    withheld: dict[str, int],
    entry: int,
) -> Shared:
    publish_folder(draft, out)
    # Crash here: handed over and logged; the next run finds it so.
    place.finish(JOB)
    return Shared(out, handover, withheld, entry)


# -- what an interrupted run left ------------------------------------------------------


def _settle(place: Place, asked: dict[str, str]) -> Shared | None:
    """Bring an interrupted share to an end; give it where it is the one asked for."""
    begun = place.job(JOB)
    if begun is None:
        return None
    out = Path(begun["out"])
    draft = _draft(out)
    done, event = _logged_in(place, out), _logged_in(place, draft)
    if done is None and event is not None:
        handover = read_handover(
            (draft / HANDOVER).read_bytes(), place.book.verifier_key
        )
        if begun == asked and not out.exists() and _still(place, event, handover):
            return _named(place, draft, out, handover, {}, event.number)
        _drop(place, event)
    if draft.exists():
        shutil.rmtree(draft)
    place.finish(JOB)
    if done is None or begun != asked:
        return None
    handover = read_handover((out / HANDOVER).read_bytes(), place.book.verifier_key)
    return Shared(out, handover, {}, done.number)


def _logged_in(place: Place, folder: Path) -> PublicEvent | None:
    """Find the entry of the handover in a folder, if it has one."""
    path = folder / HANDOVER
    name = file_sha256(path) if path.is_file() else ""
    for event in place.events_of(EventKind.SHARED):
        if event.body["handover"] == name:
            return event
    return None


def _still(place: Place, event: PublicEvent, handover: Handover) -> bool:
    """Ask whether all that was logged, and not handed over, is still permitted."""
    if event.body["share_id"] in dropped(place):
        return False
    size = place.book.size
    try:
        source = shareable(place, handover.what, lambda *_: None)
        now, _ = _decided(place, source, handover.recipient, place.clock(), size)
    except Error:
        return False  # denied by now, superseded, or erased
    return set(kept_documents(place, event)) <= now.keys()


def _drop(place: Place, event: PublicEvent) -> None:
    """Log that a handover never left: its folder never got its name."""
    if event.body["share_id"] not in dropped(place):
        place.book.publish(
            EventKind.SHARE_DROPPED,
            place.clock(),
            {"share_id": event.body["share_id"]},
        )
        # Crash here: the draft goes with the next run.


def dropped(place: Place) -> set[str]:
    """Name the handovers that never left."""
    events = place.events_of(EventKind.SHARE_DROPPED)
    return {event.body["share_id"] for event in events}


def kept_documents(place: Place, event: PublicEvent) -> dict[str, str | None]:
    """Read what a handover held: document id -> file; None for a model's.

    Raises:
        LedgerError: the record is gone, or is not that of what the ledger names.
    """
    folder = share_folder(place, event.body["share_id"])
    found = _read_record(place, folder, event.body["handover"])
    if found is None:
        raise LedgerError(
            f"the record of `{folder.name}`, which the ledger names, is missing or "
            "changed",
            hint="restore the folder `shares` from a backup: it says what must be "
            "removed where somebody withdraws",
        )
    return found


def _read_record(
    place: Place, folder: Path, logged: str
) -> dict[str, str | None] | None:
    """Read the record, if it is the one that was logged."""
    paper, documents = folder / HANDOVER, folder / DOCUMENTS
    if not (paper.is_file() and documents.is_file()) or file_sha256(paper) != logged:
        return None
    handover = read_handover(paper.read_bytes(), place.book.verifier_key)
    try:
        table = pq.read_table(documents, schema=RECORD)
    except (pa.ArrowException, OSError):
        return None  # damaged
    ids, paths = (table[name].to_pylist() for name in RECORD.names)
    same = documents_digest(ids) == handover.documents_sha256
    return dict(zip(ids, paths, strict=True)) if same else None
