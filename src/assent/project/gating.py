"""The gate: may a model go on being used, or is somebody's deadline past?

Every document that the model was trained on is decided again. What is not permitted
must be out by a deadline, so many days after the first word against it. Which word that
was is not asked of the policy: of a person's events since the corpus was decided, the
first that can deny counts, or else the first policy or order since; where neither is
found (a choice ran out, somebody came of another age) the corpus itself, which is the
strictest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from assent.corpus.manifest import read_manifest
from assent.errors import UsageError
from assent.project.building import promised, sealed_plans
from assent.project.descending import Fault, base_fault
from assent.project.place import MODELS, Place
from assent.project.serving import Standing, standing
from assent.terms import DAY, EventKind, iso
from assent.train.privacy import Guarantee

DAYS = 30
"""Until what is not permitted must be out. GDPR article 12(3): within one month."""
DENYING = frozenset(
    {
        EventKind.REFUSED,
        EventKind.WITHDRAWN,
        EventKind.EXPIRED,
        EventKind.OBJECTED,
        EventKind.RESTRICTED,
        EventKind.RESIDENCE_CHANGED,
        EventKind.ERASED,
    }
)
_FOR_ALL = (EventKind.POLICY_PUBLISHED, EventKind.SUSPENSION_ORDERED)


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a model may go on being used at an instant.

    Args:
        model_id: the model.
        as_of: the instant asked about, in microseconds UTC.
        documents: that it was trained on.
        wrong: of these, what is not permitted: reason -> documents.
        due: of these, past their deadline: reason -> documents.
        next_deadline: the first one that is not past, or None.
        blocked: why its base may not be used; None: it may.
        guarantee: what a private plan promises to a person.
    """

    model_id: str
    as_of: int
    documents: int
    wrong: dict[str, int]
    due: dict[str, int]
    next_deadline: int | None
    blocked: Fault | None = None
    guarantee: Guarantee | None = None

    @property
    def open(self) -> bool:
        """Nobody's deadline is past, and what it starts from may be used."""
        return not (self.due or self.blocked)

    def is_due(self, within: int) -> bool:
        """Say whether a deadline is past, or will be in so many days."""
        soon = self.as_of + within * DAY
        return not self.open or (
            self.next_deadline is not None and self.next_deadline <= soon
        )

    def lines(self) -> list[str]:
        """Say it in lines for a terminal."""
        lines = [
            f"gate {'open' if self.open else 'shut'}: model {self.model_id} at "
            f"{iso(self.as_of)}",
            f"not permitted: {_counted(self.wrong)} of {self.documents:,} documents",
        ]
        if self.wrong:
            lines.append(f"past their deadline: {_counted(self.due)}")
        if self.next_deadline is not None:
            lines.append(f"next deadline: {iso(self.next_deadline)}")
        if self.guarantee is not None:
            lines.append(str(self.guarantee))
        if self.blocked:
            lines += [f"blocked: {self.blocked.message}", self.blocked.hint]
        elif self.due:
            lines.append("run `assent forget`, and deploy the model that it makes")
        return lines


def gate(
    place: Place,
    model_id: str | None = None,
    as_of: int | None = None,
    days: int = DAYS,
) -> Gate:
    """Decide again all that a model was trained on.

    Args:
        place: the project.
        model_id: any model of the ledger; the served one by default.
        as_of: microseconds UTC; now by default.
        days: until what is not permitted must be out.

    Raises:
        UsageError: there is no such model, or the days are below 0.
        CorpusError: what the model was trained on is not what was logged.
    """
    if days < 0:
        raise UsageError(f"a deadline after {days} days, wanted 0 or more")
    model = logged_model(place, model_id)
    now = place.clock() if as_of is None else as_of
    plan, _ = sealed_plans(place)[model["plan"]]
    [corpus_id] = model["corpora"]
    found = standing(place, plan, corpus_id, now, place.book.size)
    deadlines = {
        document: since + days * DAY
        for document, since in denied_since(place, corpus_id, found).items()
    }
    due = frozenset(each for each, deadline in deadlines.items() if deadline <= now)
    later = [deadline for deadline in deadlines.values() if deadline > now]
    return Gate(
        model["model_id"],
        now,
        len(found.documents),
        found.reasons(),
        found.among(due).reasons(),
        min(later, default=None),
        base_fault(place, plan, now, place.book.size),
        promised(place, plan),
    )


def denied_since(place: Place, corpus_id: str, found: Standing) -> dict[str, int]:
    """Say since when each document that is wrong must be out: id -> microseconds UTC.

    Args:
        place: the project.
        corpus_id: whose documents they are.
        found: what is permitted of it now.
    """
    request = read_manifest(place.corpus_folder(corpus_id)).request
    for_all = [
        min(event.happened_at, event.recorded_at)
        for event in place.events_of(*_FOR_ALL)
        if event.number >= request.ledger_size
    ]
    otherwise = min(for_all, default=request.as_of)
    first: dict[str, int | None] = {}

    def since(people: Iterable[str]) -> int:
        for who in people:
            if who not in first:
                first[who] = _first_word(place, who, request.ledger_size)
        said = [each for who in people if (each := first[who]) is not None]
        return max(request.as_of, min(said, default=otherwise))

    author = {each.document_id: each.subject_id for each in found.documents}
    return {
        **{each: since(found.unnamed[each]) for each in found.unnamed},
        **{each: since([author[each]]) for each in found.denied},
    }


def _first_word(place: Place, subject_id: str, size: int) -> int | None:
    """When somebody first said no, of what the ledger learnt after a size."""
    times = [
        min(body["happened_at"], place.book.recorded_at(number))
        for number, _, body, _ in place.book.events_of(subject_id)
        if number >= size and body["kind"] in DENYING
    ]
    return min(times, default=None)


def logged_model(place: Place, model_id: str | None) -> dict[str, Any]:
    """Find a model of the ledger; None: the one that is served.

    Raises:
        UsageError: there is no such model, or none at all.
    """
    if model_id is None:
        return place.served_model()
    models = {event.body["model_id"]: event.body for event in place.events_of(*MODELS)}
    if model_id not in models:
        known = ", ".join(sorted(models)[-3:]) or "none yet"
        raise UsageError(f"no model `{model_id}` is logged", hint=f"known: {known}")
    return models[model_id]


def _counted(reasons: dict[str, int]) -> str:
    if not reasons:
        return "0"
    parts = ", ".join(f"{count:,} {reason}" for reason, count in reasons.items())
    return f"{sum(reasons.values()):,} ({parts})"
