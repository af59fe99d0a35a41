"""Which uses a rule speaks of, and how two rules lie to each other."""

from collections.abc import Set
from dataclasses import dataclass, fields

from assent.policy.model import Rule
from assent.policy.regions import countries_of
from assent.terms import Basis

# Fields that `stands_for` compares by what they mean. Any other one must be equal: a
# field that is added later must not make two rules look alike.
MEANT = frozenset(
    {
        *("name", "regions", "except_regions", "categories", "purpose", "recipients"),
        *("notice_days", "accepts", "created_from", "created_until"),
    }
)
ALIKE = tuple(each.name for each in fields(Rule) if each.name not in MEANT)


@dataclass(frozen=True, slots=True)
class Shared:
    """The uses that two rules both speak of."""

    countries: frozenset[str]
    categories: tuple[str, ...]
    recipients: tuple[str, ...]


def countries(rule: Rule) -> frozenset[str]:
    """Resolve the countries that a rule speaks of."""
    return countries_of(rule.regions, rule.except_regions)


def anywhere(rule: Rule) -> bool:
    """Whether a rule also speaks of people whose country is not known."""
    return "*" in rule.regions and not rule.except_regions


def stands_for(other: Rule, rule: Rule, never: Set[str]) -> bool:
    """Whether whatever one rule allows, the other allows on no more proof.

    Both are of one policy, so that its own notices count for both.

    Args:
        other: the rule that may stand for `rule`.
        rule: the rule that may be too many.
        never: categories that no rule can allow.
    """
    alike = all(getattr(other, name) == getattr(rule, name) for name in ALIKE)
    # Days are asked for with legitimate interests only.
    days = rule.basis is not Basis.LEGITIMATE_INTERESTS or (
        other.notice_days <= rule.notice_days
    )
    return (
        alike
        and days
        and set(other.accepts) >= set(rule.accepts)
        and countries(other) >= countries(rule)
        and (anywhere(other) or not anywhere(rule))
        and set(other.categories) >= set(rule.categories) - never
        and set(other.recipients) >= set(rule.recipients)
        and _covers(other.purpose, rule.purpose)
        and _begins(other) <= _begins(rule)
        and _ends(other) >= _ends(rule)
    )


def both_speak_of(first: Rule, second: Rule, never: Set[str]) -> Shared | None:
    """Find what two rules both speak of; None where they never meet."""
    shared = Shared(
        countries(first) & countries(second),
        tuple(sorted(set(first.categories) & set(second.categories) - never)),
        tuple(sorted(set(first.recipients) & set(second.recipients))),
    )
    purpose = _covers(first.purpose, second.purpose) or _covers(
        second.purpose, first.purpose
    )
    time = max(_begins(first), _begins(second)) < min(_ends(first), _ends(second))
    whole = shared.countries and shared.categories and shared.recipients
    return shared if whole and purpose and time else None


def _covers(scope: str, use: str) -> bool:
    return use == scope or use.startswith(scope + ".")


def _begins(rule: Rule) -> float:
    return float("-inf") if rule.created_from is None else rule.created_from


def _ends(rule: Rule) -> float:
    return float("inf") if rule.created_until is None else rule.created_until
