"""Policies and orders in force become one question; the engine answers it."""

from collections.abc import Iterable, Sequence

from assent.engine.question import Question, QuestionRule
from assent.errors import PolicyError
from assent.policy.load import Declared
from assent.policy.model import Policy, Rule, Suspension
from assent.policy.regions import UNKNOWN, countries_of, jurisdictions
from assent.terms import Basis, Residence

MOST = 999
"""Rules, and orders, that one question can tell apart."""


def covers(scope: str, use: str) -> bool:
    """Say whether a scope of a purpose covers a use: only whole steps of a path do."""
    return scope in ("*", use) or use.startswith(scope + ".")


def overlaps(scope: str, use: str) -> bool:
    """Say whether a scope of a purpose and a use have anything in common."""
    return covers(scope, use) or scope.startswith(use + ".")


def places(
    policies: Iterable[Policy], suspensions: Iterable[Suspension] = ()
) -> dict[str, str]:
    """Divide the countries into the jurisdictions that policies and orders tell apart.

    Returns:
        Country code -> jurisdiction. Those of policies alone are the groups of a plan;
        with orders they may be finer, never coarser.
    """
    return jurisdictions(
        [(rule.regions, rule.except_regions) for p in policies for rule in p.rules]
        + [(each.regions, ()) for each in suspensions]
    )


def ask(
    policies: Sequence[Policy],
    suspensions: Sequence[Suspension],
    declared: Declared,
    purpose: str,
    recipients: Sequence[str],
    as_of: int,
    ledger_size: int,
) -> Question:
    """Compile what is in force into the question that the engine answers.

    Args:
        policies: one a controller, those in force at `as_of`.
        suspensions: the orders in force at `as_of`.
        declared: the project's labels.
        purpose: what the model is for.
        recipients: who gets it; all must be permitted.
        as_of: microseconds UTC.
        ledger_size: entries from this number on are not known.

    Raises:
        PolicyError: the policies in force mix a lawful basis with what operators did,
            or have more rules or orders than can be told apart.
    """
    rules = [(policy, rule) for policy in policies for rule in policy.rules]
    _check([rule for _, rule in rules], len(suspensions))
    by_country = places(policies, suspensions)
    ages = [p.minimum_age for p in policies if p.minimum_age is not None]
    suspended = _suspended(
        suspensions, by_country, declared.categories, purpose, recipients
    )
    return Question(
        purpose=purpose,
        recipients=tuple(sorted(set(recipients))),
        purposes=tuple(sorted(declared.purposes)),
        categories=tuple(sorted(declared.categories)),
        declared_recipients=tuple(sorted(declared.recipients)),
        as_of=as_of,
        ledger_size=ledger_size,
        jurisdictions=tuple(sorted(by_country.items())),
        rules=tuple(
            _question_rule(policy, rule, by_country, purpose, recipients)
            for policy, rule in rules
        ),
        has_policy=bool(policies),
        minimum_age=max(ages, default=None),
        depends_on_region=bool(suspended) or any(_asks_place(r) for _, r in rules),
        never=tuple(sorted({name for p in policies for name in p.never})),
        suspended=suspended,
        never_of_tier=tuple(
            sorted({pair for p in policies for pair in p.never_of_tier})
        ),
        tiers=tuple(sorted(declared.tiers)),
    )


def _check(rules: Sequence[Rule], orders: int) -> None:
    if max(len(rules), orders) > MOST:
        raise PolicyError(
            f"{len(rules)} rules and {orders} orders are in force, wanted at most "
            f"{MOST} of each",
            hint="join rules that differ in their regions or categories alone",
        )
    unsafe = {rule.basis is Basis.UNSAFE_DEFAULT_ON for rule in rules}
    if len(unsafe) > 1:
        raise PolicyError(
            "a policy in force mixes `unsafe_default_on` with lawful ones"
        )


def _question_rule(
    policy: Policy,
    rule: Rule,
    by_country: dict[str, str],
    purpose: str,
    recipients: Sequence[str],
) -> QuestionRule:
    members = countries_of(rule.regions, rule.except_regions)
    found = {by_country[country] for country in members}
    if _anywhere(rule) or (
        rule.basis is Basis.UNSAFE_DEFAULT_ON and "*" in rule.regions
    ):
        found.add(UNKNOWN)  # an operator's default reached people without a country too
    uses = [
        (category, recipient)
        for category in rule.categories
        for recipient in sorted(set(recipients))
        if recipient in rule.recipients and covers(rule.purpose, purpose)
    ]
    return QuestionRule(
        name=rule.name,
        basis=rule.basis,
        jurisdictions=tuple(sorted(found)),
        uses=tuple(uses),
        notices=tuple(sorted({policy.notice, *policy.accepts, *rule.accepts})),
        notice_days=rule.notice_days,
        created_from=rule.created_from,
        created_until=rule.created_until,
        residence=rule.residence,
        mentioned=rule.mentioned,
        tiers=rule.tiers,
    )


def _anywhere(rule: Rule) -> bool:
    """A rule for everywhere, without exception, does not ask where a person lives."""
    return "*" in rule.regions and not rule.except_regions


def _asks_place(rule: Rule) -> bool:
    """Whether it matters to a rule where a person lives now."""
    return not _anywhere(rule) and rule.residence is not Residence.AT_CREATION


def _suspended(
    suspensions: Sequence[Suspension],
    by_country: dict[str, str],
    categories: Iterable[str],
    purpose: str,
    recipients: Sequence[str],
) -> tuple[tuple[str, str, str, str], ...]:
    """Write each order out: (order, jurisdiction, category, recipient)."""
    rows = set()
    for each in suspensions:
        if not overlaps(each.purpose, purpose):
            continue
        found = {by_country[country] for country in countries_of(each.regions)}
        for place in found:
            for category in categories:
                for recipient in recipients:
                    if each.category in ("*", category) and each.recipient in (
                        "*",
                        recipient,
                    ):
                        rows.add((each.order, place, category, recipient))
    return tuple(sorted(rows))
