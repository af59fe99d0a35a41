"""Where a project stands: orders, labels, and what comes next."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from assent.errors import LedgerError, UsageError
from assent.ledger.book import PublicEvent
from assent.policy.regions import countries_of
from assent.project.place import MODELS, Place
from assent.terms import DAY, SUBJECT_EVENTS, Event, EventKind, iso, parse_time

DENIALS = frozenset(
    {
        EventKind.REFUSED,
        EventKind.WITHDRAWN,
        EventKind.EXPIRED,
        EventKind.OBJECTED,
        EventKind.RESTRICTED,
        EventKind.ERASED,
        EventKind.RESIDENCE_CHANGED,
    }
)
"""What ends or narrows a use, or may, so it must always be recordable."""
UNKNOWN = "unknown"
"""How somebody is said to have moved to a place that is not known."""


def suspend(
    place: Place,
    order: str,
    regions: Sequence[str],
    recipient: str,
    category: str,
    happened_at: int | None,
) -> PublicEvent:
    """Append an order that stops uses in some regions.

    Raises:
        PolicyError: a region is unknown.
        LedgerError: a label is not declared, the order stands already, or it says
            that it happens more than a day from now.
        UsageError: the order has no name or no region, so it would stop nothing.
    """
    if not order.strip() or not countries_of(regions):
        raise UsageError(
            f"an order needs a name and a region, found `{order}` and "
            f"{len(regions)} regions",
            hint="say it like `assent policy suspend ico-2024 --region UK`",
        )
    _declared(place, recipient, "recipient")
    _declared(place, category, "category")
    now = place.clock()
    if order in _orders(place):
        raise LedgerError(f"order `{order}` is in force already")
    if happened_at is not None and happened_at > now + DAY:
        raise LedgerError(
            f"order `{order}` happened at {iso(happened_at)}, more than a day after "
            f"it is recorded at {iso(now)}",
            hint="record an order when it is given, with its time in UTC",
        )
    return place.book.publish(
        EventKind.SUSPENSION_ORDERED,
        now if happened_at is None else happened_at,
        {
            "order": order,
            "regions": sorted(set(regions)),
            "recipient": recipient,
            "category": category,
            "purpose": "*",
        },
    )


def lift(place: Place, order: str) -> PublicEvent:
    """Append that an order no longer holds.

    Raises:
        LedgerError: no such order is in force.
    """
    if order not in _orders(place):
        raise LedgerError(
            f"no order `{order}` is in force",
            hint="`assent status` lists the orders in force",
        )
    return place.book.publish(
        EventKind.SUSPENSION_LIFTED, place.clock(), {"order": order}
    )


def _orders(place: Place) -> set[str]:
    now, size = place.clock(), place.book.size
    return {each.order for each in place.suspensions(now, size)}


def known_size(place: Place, size: int | None) -> int:
    """Choose how many entries are known: all by default.

    Raises:
        LedgerError: the ledger has never had this size.
    """
    last = place.book.size
    if size is not None and not 0 <= size <= last:
        raise LedgerError(f"the ledger has {last} entries, so never had {size}")
    return last if size is None else size


def moment(value: str | int | None, now: int) -> int:
    """Read an instant: ISO 8601 or microseconds UTC; None is now.

    Raises:
        UsageError: the text is no instant.
    """
    if value is None:
        return now
    return value if isinstance(value, int) else parse_time(value)


def notice_text(path: Path) -> bytes:
    """Read a notice that was shown.

    Raises:
        UsageError: there is no such file.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"the notice `{path.name}` cannot be read: "
            f"{(error.strerror or 'no reason').lower()}",
            hint="name the file of the text that was shown",
        ) from error


def event_kind(name: str) -> EventKind:
    """Read the name of an event kind.

    Raises:
        LedgerError: there is no such kind.
    """
    try:
        return EventKind(name)
    except ValueError as error:
        raise LedgerError(
            f"event kind `{name}` is unknown, wanted one of "
            f"{', '.join(sorted(SUBJECT_EVENTS))}"
        ) from error


def moved_to(country: str | None) -> dict[str, object]:
    """Write where somebody lives since a move; nothing where no country is said."""
    if country is None:
        return {}
    return {"country": None if country == UNKNOWN else country}


def chosen(
    place: Place, kind: str, subjects: Sequence[str], all_subjects: bool
) -> list[str]:
    """Choose whom an event concerns: those named, or all who are loaded.

    To enrol all is to enrol those who are not yet: nobody, when all of them are.

    Raises:
        UsageError: nobody is named, or nothing is loaded.
    """
    found = list(place.countries() if all_subjects else subjects)
    if not found:
        raise UsageError("no subject is named", hint="name some, or --all-subjects")
    if all_subjects and kind == EventKind.ENROLLED:
        return [each for each in found if not place.enrolled(each)]
    return found


def check_labels(place: Place, events: Iterable[Event]) -> None:
    """Refuse events about people who are not loaded, or with undeclared labels.

    Who is enrolled may say no even when the latest export lacks her: her documents may
    still be in a model. A label that nobody declared would be read as "everything" in
    a denial and as "nothing" in a grant; it is better refused while somebody can
    correct it.

    Raises:
        LedgerError: naming the first such event.
    """
    loaded: Collection[str] | None = None
    for event in events:
        known = event.kind in DENIALS and place.enrolled(str(event.subject_id))
        if not known and loaded is None:
            loaded = place.countries().keys()
        if not known and event.subject_id not in (loaded or ()):
            raise LedgerError(
                f"`{event.kind}` concerns subject `{event.subject_id}`, who is not "
                "among the loaded subjects",
                hint="correct the id, or load an export that holds it",
            )
        _declared(place, event.recipient, "recipient")
        _declared(place, event.category, "category")
        _known_purpose(place, event.purpose)


def check_recipients(place: Place, recipients: Iterable[str]) -> None:
    """Refuse recipients that nobody declared.

    Raises:
        LedgerError: naming the first.
    """
    for recipient in recipients:
        _declared(place, recipient, "recipient", star=False)


def _declared(place: Place, label: str, noun: str, star: bool = True) -> None:
    declared = place.config.declared
    known = declared.recipients if noun == "recipient" else declared.categories
    if label not in known and not (star and label == "*"):
        raise LedgerError(
            f"{noun} `{label}` is not declared, wanted one of "
            f"{', '.join(sorted(known))}",
            hint="correct the name, or declare it in `assent.toml`",
        )


def _known_purpose(place: Place, purpose: str) -> None:
    known = place.config.declared.purposes
    parents = any(each == purpose or each.startswith(purpose + ".") for each in known)
    if purpose != "*" and not parents:
        raise LedgerError(
            f"purpose `{purpose}` is not declared, wanted one of "
            f"{', '.join(sorted(known))} or a parent of one",
            hint="correct the name, or declare it in `assent.toml`",
        )


def status(place: Place) -> dict[str, Any]:
    """Say where the project stands; each value is one line."""
    size, now = place.book.size, place.clock()
    found: dict[str, Any] = {"project": place.config.name}
    found["choices"] = place.config.choices
    found["documents"] = _loaded(place)
    found["ledger"] = f"{size} entries, head {place.book.head().root.hex()[:16]}, whole"
    versions = place.versions()
    found["policies"] = (
        ", ".join(f"{p.policy.version} from {iso(p.start)[:10]}" for p in versions)
        or "none published"
    )
    orders = ", ".join(sorted(each.order for each in place.suspensions(now, size)))
    found["suspensions"] = orders or "none in force"
    corpora = list(place.events_of(EventKind.CORPUS_BUILT))
    models = list(place.events_of(*MODELS))
    found["corpus"] = corpora[-1].body["corpus_id"] if corpora else "none built"
    served = place.served_model() if models else None
    found["model"] = served["model_id"] if served else "none trained"
    found["quarantined"] = _quarantined(place, served)
    found |= _shared(place)
    jobs = sorted(path.stem for path in (place.folder / "jobs").glob("*.json"))
    found["unfinished"] = ", ".join(jobs) or "nothing"
    found["next"] = _next(found, bool(versions), bool(corpora), bool(models), jobs)
    return found


def _quarantined(place: Place, model: dict[str, Any] | None) -> str:
    """List the served model's shards that hold what is no longer permitted."""
    from assent.project.building import sealed_plans
    from assent.project.serving import standing

    if model is None:
        return "nothing"
    plan, _ = sealed_plans(place)[model["plan"]]
    now = standing(place, plan, model["corpora"][0], place.clock(), place.book.size)
    shards = sorted(now.quarantined)
    return ", ".join(f"{group}/{shard}" for group, shard in shards) or "nothing"


def _shared(place: Place) -> dict[str, str]:
    """Say what recipients have, if there was ever anything."""
    from assent.project.passing import status as of_shares

    return of_shares(place, place.clock(), place.book.size)


def _loaded(place: Place) -> str:
    try:
        tables = place.tables()
    except UsageError:
        return "none loaded"
    counts = tables.counts
    return f"{counts.documents} of {counts.subjects} subjects, from {tables.source}"


def _next(
    found: dict[str, Any], policies: bool, corpora: bool, models: bool, jobs: list[str]
) -> str:
    if "erase" in jobs:
        return "assent erase SUBJECT --out DIR   (continues what was interrupted)"
    for job in ("forget", "train", "build"):
        # Nothing new is built while the served model waits for a repair.
        if job == "build" and found["quarantined"] != "nothing":
            return "assent forget"
        if job in jobs:
            return f"assent {job}   (continues what was interrupted)"
    if found["documents"] == "none loaded":
        return "assent load"
    if not policies:
        return "assent policy publish FILE"
    if not corpora:
        return "assent record, then assent build"
    return "assent ask, assent prove" if models else "assent train"
