"""The decision again, slow and obvious: one document at a time, no SQL."""

from assent.policy.load import Declared
from assent.policy.model import Policy, Rule, Suspension
from assent.policy.regions import COUNTRIES, countries_of
from assent.terms import DAY, Basis, Reason, instant

GRANTS = {"given", "objection_lifted", "restriction_lifted", "notice_served"}
LANES = {
    # of two denials at one instant the later in the list says why
    "choice": ["given", "expired", "refused", "withdrawn"],
    "objection": ["objection_lifted", "objected"],
    "restriction": ["restriction_lifted", "restricted"],
}
NO_WORD = {"notice_served", "erased", "enrolled", "residence_changed"}
UNKNOWN = "unknown"
SEEN_FIRST = list(Reason)


def covers(scope: str, use: str) -> bool:
    steps, wanted = scope.split("."), use.split(".")
    return scope == "*" or wanted[: len(steps)] == steps


def overlaps(scope: str, use: str) -> bool:
    return covers(scope, use) or covers(use, scope)


def decide(
    document: dict,
    subjects: dict[str, dict],
    events: list[dict],
    policies: list[Policy],
    suspensions: list[Suspension],
    declared: Declared,
    purpose: str,
    recipients: list[str],
    as_of: int,
    ledger_size: int,
) -> Reason:
    if not policies:
        return Reason.NO_POLICY
    known = [e for e in events if e["entry"] < ledger_size]
    subject = subjects.get(document["subject_id"])
    if subject is None:
        return Reason.SUBJECT_UNKNOWN
    mine = [e for e in known if e["subject_id"] == subject["subject_id"]]
    if not any(e["kind"] == "enrolled" for e in mine):
        return Reason.SUBJECT_UNKNOWN
    ages = [p.minimum_age for p in policies if p.minimum_age is not None]
    if ages:
        obstacle = age_obstacle(subject, max(ages), instant(as_of).year)
        if obstacle:
            return obstacle
    place = place_at_use(subject, mine, as_of)
    rules = [(p, rule) for p in policies for rule in p.rules]
    stops = [s for s in suspensions if overlaps(s.purpose, purpose)]
    stops = [s for s in stops if s.recipient in ("*", *recipients)]
    somewhere = [
        rule
        for _, rule in rules
        if not anywhere(rule) and rule.residence != "at_creation"
    ]
    if place == UNKNOWN and (somewhere or stops):
        return Reason.REGION_UNKNOWN
    if document["created_at"] is not None and document["created_at"] > as_of:
        return Reason.CREATED_LATER
    category = document["category"]
    if category not in declared.categories:
        return Reason.UNKNOWN_CATEGORY
    if any(category in p.never for p in policies):
        return Reason.NEVER
    tier = subject["tier"] if subject["tier"] in declared.tiers else None
    for never, of_tier in (pair for p in policies for pair in p.never_of_tier):
        if category == never and tier in (None, of_tier):
            return Reason.NEVER
    for stop in stops:
        inside = place in countries_of(stop.regions)
        if inside and stop.category in ("*", category):
            return Reason.SUSPENDED
    then = place_at_creation(subject, mine, document["created_at"])
    person = {"place": place, "then": then, "tier": tier}
    level = mention_level(
        *(document, subjects, events, policies, suspensions, declared),
        *(purpose, recipients, as_of, ledger_size),
    )
    answers = []
    for recipient in recipients:
        use = (purpose, recipient, category)
        found = [
            with_mentions(
                rule, level, by_rule(policy, rule, person, mine, use, declared, as_of)
            )
            for policy, rule in rules
            if matches(rule, document, person, use)
        ]
        answers.append(min(found, key=SEEN_FIRST.index) if found else Reason.NO_RULE)
    if Reason.NO_RULE in answers:
        return Reason.NO_RULE
    denials = [a for a in answers if SEEN_FIRST.index(a) >= 3]
    if denials:
        return min(denials, key=SEEN_FIRST.index)
    return max(answers, key=SEEN_FIRST.index)


def age_obstacle(subject: dict, minimum: int, year: int) -> Reason | None:
    band, born = subject["age_band"], subject["birth_year"]
    if band == "minor":
        return Reason.UNDER_AGE
    if band not in (None, "adult"):
        return Reason.AGE_UNKNOWN
    if born is None:
        shown = band == "adult" and minimum <= 18
        return None if shown else Reason.AGE_UNKNOWN
    if born < year - 120:
        return Reason.AGE_UNKNOWN
    return None if year - born - 1 >= minimum else Reason.UNDER_AGE


def anywhere(rule: Rule) -> bool:
    return "*" in rule.regions and not rule.except_regions


def statements(subject: dict, mine: list[dict]) -> list[tuple]:
    """Dated statements of where somebody lives: (from, country, known from)."""
    found = [
        (each["valid_from"], each["country"], each["valid_from"])
        for each in subject.get("residences") or []
    ]
    for event in mine:
        if event["kind"] == "residence_changed":
            times = [event["happened_at"], event["recorded_at"]]
            known = None if None in times else max(times)
            found.append((event["happened_at"], event.get("country"), known))
    return found


def lived(found: list[tuple], at: int) -> list[tuple]:
    """The statements that the latest instant up to `at` makes."""
    begun = [each for each in found if each[0] is not None and each[0] <= at]
    last = max((each[0] for each in begun), default=None)
    return [each for each in begun if each[0] == last]


def one_place(found: list[tuple]) -> str:
    places = {country for _, country, _ in found}
    only = places.pop() if len(places) == 1 else None
    return only if only in COUNTRIES else UNKNOWN


def place_at_use(subject: dict, mine: list[dict], at: int) -> str:
    found = statements(subject, mine)
    if not found:
        return subject["country"] if subject["country"] in COUNTRIES else UNKNOWN
    last = lived(found, at)
    if any(known is None or known > at for _, _, known in last):
        return UNKNOWN
    return one_place(last)


def place_at_creation(subject: dict, mine: list[dict], created: int | None) -> str:
    return (
        UNKNOWN
        if created is None
        else one_place(lived(statements(subject, mine), created))
    )


def mention_level(
    document: dict,
    subjects: dict[str, dict],
    events: list[dict],
    policies: list[Policy],
    suspensions: list[Suspension],
    declared: Declared,
    purpose: str,
    recipients: list[str],
    as_of: int,
    ledger_size: int,
) -> str:
    """The worst of those mentioned: fine, denied, unnamed, or objected."""
    found = {"fine"}
    known = [e for e in events if e["entry"] < ledger_size]
    for who in document.get("mentions") or []:
        if who is None:
            found.add("unnamed")
            continue
        hers = [e for e in known if e["subject_id"] == who]
        for recipient in recipients:
            use = (purpose, recipient, document["category"])
            word = latest(touching(hers, use, declared, as_of), "objection", as_of)
            if who in subjects and word and word["kind"] == "objected":
                found.add("objected")
        as_hers = document | {"subject_id": who, "mentions": None}
        reason = decide(
            *(as_hers, subjects, events, policies, suspensions, declared),
            *(purpose, recipients, as_of, ledger_size),
        )
        if SEEN_FIRST.index(reason) >= 3:
            found.add("denied")
    return max(found, key=["fine", "denied", "unnamed", "objected"].index)


def with_mentions(rule: Rule, level: str, reason: Reason) -> Reason:
    fails = {
        "redact": set(),
        "ignore": {"unnamed", "objected"},
        "require": {"denied", "unnamed", "objected"},
    }[str(rule.mentioned)]
    if level not in fails:
        return reason
    objected = level == "objected"
    why = Reason.MENTIONED_OBJECTED if objected else Reason.MENTIONED_DENIED
    permits = SEEN_FIRST.index(reason) < 3
    return why if permits else min(why, reason, key=SEEN_FIRST.index)


def matches(rule: Rule, document: dict, person: dict, use: tuple) -> bool:
    purpose, recipient, category = use
    members = countries_of(rule.regions, rule.except_regions)
    if not anywhere(rule):
        if rule.residence != "at_creation" and person["place"] not in members:
            return False
        if rule.residence != "at_use" and person["then"] not in (*members, UNKNOWN):
            return False
    if rule.tiers and person["tier"] not in (None, *rule.tiers):
        return False
    if recipient not in rule.recipients or category not in rule.categories:
        return False
    if not covers(rule.purpose, purpose):
        return False
    created = document["created_at"]
    if rule.created_from is None and rule.created_until is None:
        return True
    if created is None:
        return False
    early = rule.created_from is not None and created < rule.created_from
    late = rule.created_until is not None and created >= rule.created_until
    return not (early or late)


def touching(mine: list[dict], use: tuple, declared: Declared, at: int) -> list[tuple]:
    found = []
    for event in mine:
        counts = counts_from(event, at)
        if counts is not None and counts <= at and touches(event, use, declared):
            found.append((counts, event))
    return found


def by_rule(
    policy: Policy,
    rule: Rule,
    person: dict,
    mine: list[dict],
    use: tuple,
    declared: Declared,
    at: int,
) -> Reason:
    heard = touching(mine, use, declared, at)
    accepted = {policy.notice, *policy.accepts, *rule.accepts}
    told = [c for c, e in heard if e["kind"] == "notice_served"]
    told_right = [
        c for c, e in heard if e["kind"] == "notice_served" and e["notice"] in accepted
    ]
    choice = latest(heard, "choice", at)
    objection = latest(heard, "objection", at)
    restriction = latest(heard, "restriction", at)
    listed = NO_WORD.union(*LANES.values())
    if any(e["kind"] == "erased" for _, e in heard):
        return Reason.ERASED
    if any(e["kind"] not in listed for _, e in heard):
        return Reason.UNKNOWN_EVENT
    if choice and choice["kind"] == "withdrawn":
        return Reason.WITHDRAWN
    if objection and objection["kind"] == "objected":
        return Reason.OBJECTED
    if choice and choice["kind"] == "refused":
        return Reason.REFUSED
    if restriction and restriction["kind"] == "restricted":
        return Reason.RESTRICTED
    if choice and choice["kind"] == "expired":
        return Reason.EXPIRED
    if choice and ended(choice, at):
        return Reason.EXPIRED
    asks_then = not anywhere(rule) and rule.residence != "at_use"
    if asks_then and person["then"] == UNKNOWN:
        return Reason.RESIDENCE_UNKNOWN
    if rule.tiers and person["tier"] is None:
        return Reason.TIER_UNKNOWN
    if rule.basis is Basis.CONSENT:
        if choice is None:
            return Reason.NO_RECORD
        # of two that were said at one instant, one under an accepted notice is a proof
        said = {
            e["notice"]
            for _, e in heard
            if e["kind"] == "given" and said_at(e, at) == said_at(choice, at)
        }
        return Reason.CONSENTED if said & accepted else Reason.STALE_NOTICE
    if told_right:
        early = min(told_right) <= at - rule.notice_days * DAY
        return Reason.LEGITIMATE_INTERESTS if early else Reason.NOTICE_TOO_RECENT
    return Reason.STALE_NOTICE if told else Reason.NOT_NOTIFIED


def ended(event: dict, at: int) -> bool:
    return event["valid_until"] is not None and event["valid_until"] <= at


def counts_from(event: dict, at: int) -> int | None:
    times = [event["happened_at"], event["recorded_at"]]
    if event["kind"] in GRANTS:
        return None if None in times else max(times)
    given = [time for time in times if time is not None]
    return min(given) if given else at


def touches(event: dict, use: tuple, declared: Declared) -> bool:
    purpose, recipient, category = use
    if event["kind"] in GRANTS:
        return (
            event["purpose"] is not None
            and covers(event["purpose"], purpose)
            and event["recipient"] in ("*", recipient)
            and event["category"] in ("*", category)
        )
    return (
        purpose_touches(event["purpose"], purpose, declared)
        and label_touches(event["recipient"], recipient, declared.recipients)
        and label_touches(event["category"], category, declared.categories)
    )


def purpose_touches(scope: str | None, use: str, declared: Declared) -> bool:
    if scope is None or overlaps(scope, use):
        return True
    return not any(overlaps(scope, each) for each in declared.purposes)


def label_touches(scope: str | None, use: str, declared: frozenset[str]) -> bool:
    return scope is None or scope in ("*", use) or scope not in declared


def said_at(event: dict, at: int) -> int:
    times = [event["happened_at"], event["recorded_at"]]
    if event["kind"] in GRANTS:
        return min(times)  # one that lacks a time never counts, so it never comes here
    return next((time for time in times if time is not None), at)


def latest(heard: list[tuple[int, dict]], lane: str, at: int) -> dict | None:
    order = LANES[lane]
    found = [event for _, event in heard if event["kind"] in order]
    # The latest; at one instant a denial, and of two yes the one that has ended.
    return max(
        found,
        key=lambda e: (said_at(e, at), order.index(e["kind"]), ended(e, at)),
        default=None,
    )
