"""The decision again, slow and obvious: one document at a time, no SQL."""

from assent.policy.load import Declared
from assent.policy.model import Policy, Rule, Suspension
from assent.policy.regions import COUNTRIES, countries_of
from assent.terms import DAY, Basis, Reason, instant

GRANTS = {"given", "objection_lifted", "restriction_lifted", "notice_served"}
LANES = {
    "choice": {"given", "refused", "withdrawn", "expired"},
    "objection": {"objected", "objection_lifted"},
    "restriction": {"restricted", "restriction_lifted"},
}
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
    rules = [(p, rule) for p in policies for rule in p.rules]
    stops = [s for s in suspensions if overlaps(s.purpose, purpose)]
    stops = [s for s in stops if s.recipient in ("*", *recipients)]
    somewhere = [r for _, r in rules if r.except_regions or "*" not in r.regions]
    has_country = subject["country"] in COUNTRIES
    if not has_country and (somewhere or stops):
        return Reason.REGION_UNKNOWN
    if document["created_at"] is not None and document["created_at"] > as_of:
        return Reason.CREATED_LATER
    category = document["category"]
    if category not in declared.categories:
        return Reason.UNKNOWN_CATEGORY
    if any(category in p.never for p in policies):
        return Reason.NEVER
    for stop in stops:
        inside = subject["country"] in countries_of(stop.regions)
        if inside and stop.category in ("*", category):
            return Reason.SUSPENDED
    answers = []
    for recipient in recipients:
        use = (purpose, recipient, category)
        found = [
            by_rule(policy, rule, mine, use, declared, as_of)
            for policy, rule in rules
            if matches(rule, document, subject, use)
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


def matches(rule: Rule, document: dict, subject: dict, use: tuple) -> bool:
    purpose, recipient, category = use
    everywhere = "*" in rule.regions and not rule.except_regions
    members = countries_of(rule.regions, rule.except_regions)
    if not everywhere and subject["country"] not in members:
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


def by_rule(
    policy: Policy,
    rule: Rule,
    mine: list[dict],
    use: tuple,
    declared: Declared,
    at: int,
) -> Reason:
    touching = []
    for event in mine:
        counts = counts_from(event, at)
        if counts is not None and counts <= at and touches(event, use, declared):
            touching.append((counts, event))
    accepted = {policy.notice, *policy.accepts, *rule.accepts}
    told = [c for c, e in touching if e["kind"] == "notice_served"]
    told_right = [
        c
        for c, e in touching
        if e["kind"] == "notice_served" and e["notice"] in accepted
    ]
    choice = latest(touching, "choice", at)
    objection = latest(touching, "objection", at)
    restriction = latest(touching, "restriction", at)
    listed = {"notice_served", "erased", "enrolled"}.union(*LANES.values())
    erased = any(e["kind"] == "erased" for _, e in touching)
    unknown = any(e["kind"] not in listed for _, e in touching)
    if erased:
        return Reason.ERASED
    if unknown:
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
    if choice and choice["valid_until"] is not None and choice["valid_until"] <= at:
        return Reason.EXPIRED
    if rule.basis is Basis.CONSENT:
        if choice is None:
            return Reason.NO_RECORD
        proved = choice["notice"] in accepted
        return Reason.CONSENTED if proved else Reason.STALE_NOTICE
    if told_right:
        early = min(told_right) <= at - rule.notice_days * DAY
        return Reason.LEGITIMATE_INTERESTS if early else Reason.NOTICE_TOO_RECENT
    return Reason.STALE_NOTICE if told else Reason.NOT_NOTIFIED


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


def latest(touching: list[tuple[int, dict]], lane: str, at: int) -> dict | None:
    found = [(said_at(e, at), e) for _, e in touching if e["kind"] in LANES[lane]]
    if not found:
        return None
    # The latest; at the same instant a denial, and of two the one recorded last.
    return max(found, key=lambda x: (x[0], x[1]["kind"] not in GRANTS, x[1]["entry"]))[
        1
    ]
