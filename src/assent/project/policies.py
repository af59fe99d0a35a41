"""Policies of a project: checked, told, compared, previewed, and then published."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assent.decide import ask, places
from assent.decide.impact import Impact, census, compare, served, without_notice
from assent.engine.question import Question
from assent.errors import DeniedError, PolicyError, UsageError
from assent.ledger.book import PublicEvent
from assent.policy import words
from assent.policy.findings import Finding
from assent.policy.lint import Around, lint
from assent.policy.load import load_policy, notice_names
from assent.policy.model import Policy, in_force
from assent.project.config import FILE
from assent.project.place import Place
from assent.terms import EventKind, instant

COLUMNS = ["subject_id", "birth_year", "age_band"]


def check(place: Place, path: Path) -> tuple[Finding, ...]:
    """Check a policy file against the labels, the folder and the ledger.

    Raises:
        PolicyError: there is no such file, or it is no TOML.
    """
    others: list[tuple[str, Policy]] = []
    unreadable: list[str] = []
    for beside in sorted(path.parent.glob("*.toml")):
        if beside.name in (path.name, FILE):
            continue
        try:
            others.append((beside.name, load_policy(beside, place.config.declared)))
        except PolicyError:
            unreadable.append(beside.name)
    events = place.book.events(place.book.size)
    around = Around(
        now=place.clock(),
        others=tuple(others),
        unreadable=tuple(unreadable),
        published=tuple(each.policy for each in place.versions()),
        first_told=_first_told(events),
        histories=_histories(place, events),
    )
    return lint(path, place.config.declared, around)


def show(place: Place, path: Path) -> list[str]:
    """Tell what a policy means for a member of the public: paragraphs."""
    policy = load_policy(path, place.config.declared)
    return words.show(policy, notice_names(path))


def diff(place: Place, old: Path, new: Path) -> list[str]:
    """Tell what a policy changes against another: one line a change."""
    before, after = (load_policy(path, place.config.declared) for path in (old, new))
    return words.diff(before, after, notice_names(old) | notice_names(new))


def impact(
    place: Place,
    after: Path,
    before: Path | None = None,
    as_of: int | None = None,
    recipients: Sequence[str] | None = None,
) -> Impact:
    """Preview a policy on the loaded people and documents; nothing is changed.

    Both are decided as if in force at the instant, whatever their dates, with the
    other controllers' policies, the orders and the events that are known now.

    Args:
        place: the open project.
        after: the new policy.
        before: what it is compared with; what is in force by default.
        as_of: microseconds UTC; by default when the new policy would start.
        recipients: of the use; the project's by default.
    """
    declared = place.config.declared
    old = None if before is None else load_policy(before, declared)
    named = tuple(recipients or place.config.recipients)
    return _impact(place, load_policy(after, declared), old, as_of, named)


def publish(
    place: Place, path: Path, accept_unnotified: str = ""
) -> PublicEvent | None:
    """Publish a policy file; None when this very policy is published already.

    Args:
        place: the open project.
        path: the policy file.
        accept_unnotified: why people may be used without a notice. It goes into the
            public entry, and only where there are such people.

    Raises:
        DeniedError: people would be in use without a notice that the policy accepts,
            and no reason is given; nothing was changed.
        UsageError: the reason cannot be written into the ledger.
        PolicyError: the file is no policy that can be published.
    """
    if accept_unnotified and not (
        accept_unnotified.strip() and accept_unnotified.isprintable()
    ):
        raise UsageError(
            "the reason for `--accept-unnotified` is blank or holds control characters",
            hint="write one line, and name nobody: the ledger entry is public",
        )
    policy = place.publishable(path)
    if policy is None:
        return None
    people = _people_without_notice(place, policy)
    if people and not accept_unnotified:
        raise DeniedError(
            f"{people} people would be in use under `{policy.version}` without a "
            "notice that it accepts",
            hint="serve and record the notice, or give an officer's reason with "
            '`--accept-unnotified "REASON"`, which goes into the public ledger',
        )
    return place.publish_policy(path, policy, accept_unnotified if people else "")


def _people_without_notice(place: Place, policy: Policy) -> int:
    try:
        place.tables()
    except UsageError:
        return 0  # nothing is loaded, so nobody is used
    return _impact(place, policy, None, None, place.config.recipients).without_notice


def _impact(
    place: Place,
    new: Policy,
    old: Policy | None,
    as_of: int | None,
    recipients: tuple[str, ...],
) -> Impact:
    size = place.book.size
    at = max(place.clock(), new.effective_from) if as_of is None else as_of
    present = in_force(place.versions(size), at)
    replaced = {new.controller, *([] if old is None else [old.controller])}
    others = [each for each in present if each.controller not in replaced]
    before = present if old is None else (*others, old)
    after = (*others, new)
    orders = place.suspensions(at, size)

    def question(policies: Sequence[Policy]) -> Question:
        declared, purpose = place.config.declared, place.config.purpose
        return ask(policies, orders, declared, purpose, recipients, at, size)

    with closing(place.engine(size)) as engine:
        decisions = [engine.decide(question(each)) for each in (before, after)]
        home = engine.living(question(after))
    subjects = pq.read_table(place.tables().subjects, columns=COLUMNS)
    events = place.book.events(size)
    regions = places((*before, *after), orders)
    homes = [home[each] for each in subjects["subject_id"].to_pylist()]
    people = census(subjects, homes, regions, instant(at).year)
    alone = question((new,))
    notices = served(events, alone)
    return compare(
        at,
        ([each.version for each in before], [each.version for each in after]),
        (decisions[0], decisions[1]),
        people,
        notices,
        len(without_notice(decisions[1], people, notices, alone)),
    )


def _first_told(events: pa.Table) -> dict[str, int]:
    """Say when each notice was first served to somebody."""
    kept = events.filter(pc.equal(events["kind"], EventKind.NOTICE_SERVED.value))
    times = pc.max_element_wise(kept["happened_at"], kept["recorded_at"])
    table = pa.table({"notice": kept["notice"], "time": times})
    found = table.group_by("notice").aggregate([("time", "min")]).to_pylist()
    return {row["notice"]: row["time_min"] for row in found}


def _histories(place: Place, events: pa.Table) -> int | None:
    """Count people of whom is known since when they live where; None: none loaded."""
    try:
        path = place.tables().subjects
    except UsageError:
        return None
    table = pq.read_table(path, columns=["subject_id", "residences"])
    dated = table.filter(pc.greater(pc.list_value_length(table["residences"]), 0))
    moved = events.filter(pc.equal(events["kind"], EventKind.RESIDENCE_CHANGED.value))
    return len({*dated["subject_id"].to_pylist(), *moved["subject_id"].to_pylist()})
