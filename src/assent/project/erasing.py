"""Erase a person: only when nothing holds her any more, and her proofs are made.

The order matters, and each step is safe to repeat:
(1) her final bundles, for every model that can still be shown, written and verified:
    afterwards nobody but she can make one;
(2) her personal data: loaded tables, pinned directories, what corpora keep of her;
(3) her secret, the openings and the bodies of her events.

The log stays as it is. What it says of her are 32-byte strings that only her own copy
of the secret can explain.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assent.corpus.build import erase_text
from assent.corpus.manifest import ERASED, MANIFEST
from assent.corpus.shred import shred_tables
from assent.errors import CorpusError, LedgerError, UsageError
from assent.merkle.entry import closure, model_of
from assent.merkle.note import sign_statement
from assent.project import leaving, passing
from assent.project.commitments import documents_in
from assent.project.jobs import unreadable
from assent.project.naming import named_in
from assent.project.place import MODELS, Place, Progress
from assent.project.proving import prove
from assent.project.sharing import kept_documents, signing_key
from assent.terms import EventKind
from assent.verify import verify_bundle

JOB = "erase"
PINS = {"subject_id", "bundles", "unshown", "entries", "sources", "paid", "records"}
STATEMENT = "statement_issued"
CARRIED = "carried_forward"


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erasure did, or what must be done before it.

    Args:
        subject_id: who.
        todo: what comes first; then nothing was changed.
        bundles: of each model that can still be shown: (file, verdict).
        unshown: each other model, with its corpora whose folders are gone.
        tables: loads, corpora and directories that held her.
        entries: of hers in the ledger that nobody can open any more.
        paid: what is said of payouts.
        records: of handovers that keep the ids of her documents, and how many each.
    """

    subject_id: str
    todo: tuple[str, ...] = ()
    bundles: tuple[tuple[str, str], ...] = ()
    unshown: tuple[tuple[str, tuple[str, ...]], ...] = ()
    tables: tuple[str, ...] = ()
    entries: int = 0
    paid: str = ""
    records: tuple[tuple[str, int], ...] = ()

    @property
    def nothing_held(self) -> bool:
        """Nothing was there to erase, and nothing stands in the way."""
        return not (self.todo or self.bundles or self.tables or self.entries)

    def lines(self) -> list[str]:
        """Say it in lines for a terminal."""
        who = f"`{self.subject_id}`"
        if self.todo:
            steps = "1 thing comes" if len(self.todo) == 1 else "these things come"
            return [f"{who} is not erased yet: {steps} first", *self.todo]
        if self.nothing_held:
            return [f"nothing is held about {who}: never enrolled, or erased before"]
        lines = [f"{name}: {verdict}, verified" for name, verdict in self.bundles]
        lines += [
            f"{model_id}: no bundle, for {_are_gone(corpora)}: whether documents of "
            "hers were in it nobody can show any more"
            for model_id, corpora in self.unshown
        ]
        lines += [f"{name}: without her" for name in self.tables]
        if self.entries:
            lines.append(
                f"{self.entries:,} entries of hers stay in the log; secret, openings "
                "and bodies are gone"
            )
        lines += [
            f"{name}: keeps the ids of {count:,} documents of hers, to show what "
            "was to be removed there"
            for name, count in self.records
        ]
        return [*lines, *([self.paid] if self.paid else []), f"{who} is erased"]


def _are_gone(corpora: Sequence[str]) -> str:
    return f"{', '.join(corpora)} {'is' if len(corpora) == 1 else 'are'} gone"


SHOWN = (
    (
        "she, with her own copy of secret and bundles",
        "everything in them: what was used, that nothing was; her receipts",
    ),
    (
        "the operator",
        "nothing about her any more: no bundle, no receipt, no statement of hers",
    ),
    ("anyone", "that the log is unchanged: every entry, head and proof of others"),
)
"""Who can still show what, after an erasure."""


def erase(place: Place, subject_id: str, out: Path, progress: Progress) -> Erasure:
    """Erase a person, or say what must be done before; goes on where it was cut off.

    Args:
        place: the project.
        subject_id: who.
        out: folder for her final bundles, outside the project.
        progress: told of each step.

    Raises:
        UsageError: the folder is inside the project, or somebody else's erasure is
            unfinished, or nobody can say whose.
        LedgerError: a statement names no amount that can be read.
        CorpusError: a table or corpus is not as it was written.
    """
    pins = place.job(JOB)
    if pins is not None and pins.keys() != PINS:
        raise unreadable(place.folder / "jobs" / f"{JOB}.json")
    if pins is not None and pins["subject_id"] != subject_id:
        raise UsageError(
            f"the erasure of `{pins['subject_id']}` is not finished",
            hint=f"finish it: `assent erase {pins['subject_id']} --out DIR`",
        )
    if out.resolve().is_relative_to(place.folder.resolve()):
        raise UsageError(
            f"`{out.name}` is inside the project, and the bundles hold her secret",
            hint="name a folder outside, whose files you hand to her",
        )
    if pins is None:
        if not _held(place, subject_id):
            return Erasure(subject_id)
        if todo := tuple(open_points(place, subject_id)):
            return Erasure(subject_id, todo)
        pins = _with_bundles(place, subject_id, out, progress)
    # Crash before: some bundles are written, nothing is gone; they are written again.
    # From here on she is in the pins' file, which goes at the end.
    tables = _take_out(place, pins, progress)
    progress("her secret shredded", 0, 1)
    entries = place.book.shred(subject_id)
    progress("her secret shredded", 1, 1)
    # Crash here: all is gone but the pins; the next run finds nothing to shred.
    place.finish(JOB)
    return Erasure(
        subject_id,
        bundles=tuple((name, verdict) for name, verdict in pins["bundles"]),
        unshown=tuple((name, tuple(corpora)) for name, corpora in pins["unshown"]),
        tables=tables,
        entries=entries,
        paid=pins["paid"],
        records=tuple((name, count) for name, count in pins["records"]),
    )


def _held(place: Place, subject_id: str) -> bool:
    """Say whether the project holds anything under this name."""
    if place.enrolled(subject_id) or place.vault.secrets([subject_id]):
        return True
    return any(leaving.holds(folder, subject_id) for folder in leaving.loads(place))


# -- what must be done before ----------------------------------------------------------


def open_points(place: Place, subject_id: str) -> Iterator[str]:
    """Say what stands in the way of an erasure, each with what to do about it."""
    bodies = [body for _, _, body, _ in place.book.events_of(subject_id)]
    if bodies and all(body["kind"] != EventKind.ERASED for body in bodies):
        yield (
            "she has not asked for it, as far as the ledger knows: "
            f"`assent record erased {subject_id}`"
        )
    for path in sorted((place.folder / "jobs").glob("*.json")):
        yield f"a job is unfinished: `assent {path.stem}` ends it"
    yield from _of_models(place, subject_id)
    yield from _of_corpora(place, subject_id)
    yield from _of_shares(place, subject_id)
    owed = carried_forward(bodies)
    if owed:
        yield f"her last statement carries {owed:,} forward: pay it out first"


def carried_forward(bodies: Iterable[Mapping[str, Any]]) -> int:
    """Read what is owed to a person: the last statement's amount carried forward.

    Args:
        bodies: the private bodies of her events, in the order of the ledger.

    Returns:
        In the smallest unit of money; 0 where no statement was ever issued.

    Raises:
        LedgerError: a statement names no whole amount: it is not taken for nothing.
    """
    owed = 0
    for body in bodies:
        if body["kind"] != STATEMENT:
            continue
        amount = body["detail"].get(CARRIED)
        if not isinstance(amount, int) or isinstance(amount, bool) or amount < 0:
            raise LedgerError("a statement of hers names no amount carried forward")
        owed = amount
    return owed


def _paid(bodies: Iterable[Mapping[str, Any]]) -> str:
    issued = any(body["kind"] == STATEMENT for body in bodies)
    if issued:
        return "nothing is owed to her: her last statement carries nothing forward"
    return "nothing is owed to her: no pool was ever paid"


def _of_models(place: Place, subject_id: str) -> Iterator[str]:
    """Find models whose weights are there and that hold her, or may."""
    made_of = _made_of(place)
    for model_id, corpora in made_of.items():
        if not place.model_folder(model_id).exists():
            continue
        served = model_id == place.served_model()["model_id"]
        count = sum(len(_documents(place, each, subject_id)) for each in corpora)
        if count:
            yield f"model {model_id} was trained on {count:,} documents of hers: " + (
                "`assent forget`" if served else _delete(model_id)
            )
        elif gone := _gone(place, corpora):
            # Not "none of hers": who cannot look must not erase the ways to find out.
            yield (
                f"nobody can say if model {model_id} holds her, {_are_gone(gone)}: "
                + (
                    "restore it from a backup, or train another model"
                    if served
                    else _delete(model_id)
                )
            )


def _delete(model_id: str) -> str:
    return f"it is not served; delete the folder `models/{model_id}`"


def _made_of(place: Place) -> dict[str, list[str]]:
    """List of each model, in order, the corpora that it and its parents were made of.

    Raises:
        ProofError: what the ledger says of a model cannot be read.
    """
    models = {
        each.body["model_id"]: model_of(each.body, each.number, EventKind(each.kind))
        for each in place.events_of(*MODELS)
    }
    return {name: sorted(closure(name, models).corpora) for name in models}


def _gone(place: Place, corpora: Iterable[str]) -> list[str]:
    """Name the corpora whose folders were deleted.

    Raises:
        CorpusError: a folder is there, but not whole.
    """
    return [name for name in corpora if not _is_kept(place, name)]


def _of_corpora(place: Place, subject_id: str) -> Iterator[str]:
    """Find whole corpora that are in use and hold her."""
    for corpus_id in _in_use(place):
        folder = place.corpus_folder(corpus_id)
        count = len(_documents(place, corpus_id, subject_id))
        if count and not (folder / ERASED).exists():
            yield (
                f"{corpus_id} holds {count:,} documents of hers: `assent forget` if a "
                "model was trained on it, else `assent build`"
            )
        named = sum(subject_id in who for who in named_in(place, corpus_id).values())
        if named and not (folder / ERASED).exists():
            yield (
                f"{corpus_id} keeps her name in {named:,} texts of others: `assent "
                "forget` if a model was trained on it, else `assent build`"
            )


def _in_use(place: Place) -> set[str]:
    """Name the latest corpus, and those of the served model."""
    built = [e.body["corpus_id"] for e in place.events_of(EventKind.CORPUS_BUILT)]
    models = _made_of(place)
    served = models[place.served_model()["model_id"]] if models else ()
    return {*built[-1:], *served}


def _documents(place: Place, corpus_id: str, subject_id: str) -> set[str]:
    """Read which documents of hers a corpus was built with; none where it is gone."""
    if not _is_kept(place, corpus_id):
        return set()
    return {name for name, _ in documents_in(place, corpus_id, subject_id)}


def _is_kept(place: Place, corpus_id: str) -> bool:
    """Say whether a corpus is there; it may be deleted, but whole.

    Raises:
        CorpusError: its manifest is gone, but not what it was about: she may be in it.
    """
    folder = place.corpus_folder(corpus_id)
    if (folder / MANIFEST).exists():
        return True
    if folder.is_dir() and any(folder.iterdir()):
        raise CorpusError(
            f"`{MANIFEST}` of `{corpus_id}` is missing, so nobody can say who is in it",
            hint="restore the corpus from a backup, or delete its whole folder",
        )
    return False


def _given(place: Place, subject_id: str) -> Iterator[tuple[passing.Given, set[str]]]:
    """Find the handovers that held documents of hers, with these."""
    given = passing.given(place)
    if not given:
        return
    hers = leaving.documents_of(place, subject_id)
    for event in place.events_of(EventKind.CORPUS_BUILT):
        hers |= _documents(place, event.body["corpus_id"], subject_id)
    for one in given:
        if shared := kept_documents(place, one.shared).keys() & hers:
            yield one, shared


def _of_shares(place: Place, subject_id: str) -> Iterator[str]:
    for one, shared in _given(place, subject_id):
        waiting = {event.body["number"] for event in one.waiting}
        if not one.gone and shared - passing.removed(place, one):
            yield (
                f"{one.share_id} gave {len(shared):,} documents of hers to "
                f"`{one.recipient}`: `assent pass-on`"
            )
        elif waiting:
            yield (
                f"{one.share_id} of `{one.recipient}` is not acknowledged up to change "
                f"{max(waiting)}: `assent acknowledge`"
            )


# -- the steps -------------------------------------------------------------------------


def _with_bundles(
    place: Place, subject_id: str, out: Path, progress: Progress
) -> dict[str, Any]:
    """Write and verify her final bundles, then pin that it is done.

    A model whose corpora were deleted gets none: a bundle about it can never be made
    again, and she must not wait for one.

    Raises:
        ProofError: a corpus is there, but cannot be shown: it is damaged.
    """
    bundles, unshown = [], []
    made_of = _made_of(place) if place.enrolled(subject_id) else {}
    for number, (model_id, corpora) in enumerate(made_of.items(), start=1):
        if gone := _gone(place, corpora):
            unshown.append([model_id, gone])
        else:
            path = out / f"{model_id}.bundle.json"
            prove(place, subject_id, path, model_id, consent=True)
            verdict = verify_bundle(path.read_bytes(), place.book.verifier_key).verdict
            bundles.append([path.name, str(verdict)])
        progress("bundles written", number, len(made_of))
    bodies = [body for _, _, body, _ in place.book.events_of(subject_id)]
    return place.begin(
        JOB,
        {
            "subject_id": subject_id,
            "bundles": bundles,
            "unshown": unshown,
            "entries": leaving.entries_of(place, subject_id),
            "sources": leaving.sources(place),
            "paid": _paid(bodies),
            "records": [
                [one.share_id, len(shared)] for one, shared in _given(place, subject_id)
            ],
        },
    )


def _take_out(
    place: Place, pins: dict[str, Any], progress: Progress
) -> tuple[str, ...]:
    """Take her out of tables, directories and corpora; each is whole or done again."""
    subject_id = pins["subject_id"]
    progress("tables rewritten", 0, 3)
    gone = leaving.leave_directories(place, subject_id, pins["entries"])
    found = [f"{gone} pinned directories"] * bool(gone)
    progress("tables rewritten", 1, 3)
    loads = leaving.leave_loads(place, subject_id, pins["entries"], pins["sources"])
    found += [f"load {name}" for name in loads]
    progress("tables rewritten", 2, 3)
    for event in place.events_of(EventKind.CORPUS_BUILT):
        corpus_id = event.body["corpus_id"]
        folder = place.corpus_folder(corpus_id)
        if not _is_kept(place, corpus_id):
            continue
        if _documents(place, corpus_id, subject_id):
            # Nothing uses it: what is in use was refused above.
            erase_text(folder, place.clock())
        # Crash here: her texts are gone, her name is not; the next run comes here.
        if shred_tables(folder, subject_id, lambda text: _signed(place, text)):
            found.append(corpus_id)
    progress("tables rewritten", 3, 3)
    return tuple(found)


def _signed(place: Place, text: str) -> str:
    return sign_statement(text, place.config.origin, signing_key(place))
