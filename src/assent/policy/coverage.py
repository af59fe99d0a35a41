"""Which uses a rule speaks of, and how two rules lie to each other."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from assent.policy.model import Policy, Rule
from assent.policy.regions import countries_of
from assent.terms import Basis, Residence

# Fields that `stands_for` compares by what they mean. Any other one must be equal: a
# field that is added later must not make two rules look alike.
MEANT = frozenset(
    {
        *("name", "regions", "except_regions", "categories", "purpose", "recipients"),
        *("notice_days", "accepts", "created_from", "created_until"),
        *("residence", "tiers"),
    }
)
ALIKE = tuple(each.name for each in fields(Rule) if each.name not in MEANT)


@dataclass(frozen=True, slots=True)
class Never:
    """What no rule of a policy can allow.

    Args:
        categories: of everybody.
        of_tier: (category, tier): also of whoever's tier is not known.
        declared: every tier there can be.
    """

    categories: frozenset[str] = frozenset()
    of_tier: frozenset[tuple[str, str]] = frozenset()
    declared: frozenset[str] = frozenset()

    @classmethod
    def of(cls, policy: Policy, tiers: Iterable[str] = ()) -> "Never":
        """Gather it from a policy and the declared tiers."""
        of_tier = frozenset(policy.never_of_tier)
        return cls(frozenset(policy.never), of_tier, frozenset(tiers))

    def held(self, rule: Rule) -> frozenset[str]:
        """Find the categories of a rule in which it can allow nobody."""
        tiers = frozenset(rule.tiers) or self.declared
        return frozenset(
            each
            for each in rule.categories
            if each in self.categories
            or (tiers and all((each, tier) in self.of_tier for tier in tiers))
        )


@dataclass(frozen=True, slots=True)
class Shared:
    """The uses that two rules both speak of."""

    countries: frozenset[str]  # where people live at the use, as far as a rule asks
    categories: tuple[str, ...]
    recipients: tuple[str, ...]


def countries(rule: Rule) -> frozenset[str]:
    """Resolve the countries that a rule speaks of."""
    return countries_of(rule.regions, rule.except_regions)


def anywhere(rule: Rule) -> bool:
    """Whether a rule also speaks of people whose country is not known."""
    return "*" in rule.regions and not rule.except_regions


def stands_for(other: Rule, rule: Rule, never: Never) -> bool:
    """Whether whatever one rule allows, the other allows on no more proof.

    Both are of one policy, so that its own notices count for both.

    Args:
        other: the rule that may stand for `rule`.
        rule: the rule that may be too many.
        never: what no rule can allow.
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
        # Who lives there now and lived there then passes each of the two.
        and (anywhere(other) or rule.residence in (other.residence, Residence.BOTH))
        and (not other.tiers or set(other.tiers) >= set(rule.tiers) > set())
        and set(other.categories) >= set(rule.categories) - never.held(rule)
        and set(other.recipients) >= set(rule.recipients)
        and _covers(other.purpose, rule.purpose)
        and _begins(other) <= _begins(rule)
        and _ends(other) >= _ends(rule)
    )


def both_speak_of(first: Rule, second: Rule, never: Never) -> Shared | None:
    """Find what two rules both speak of; None where they never meet."""
    tiers = {*first.tiers, *second.tiers}  # where one says none it speaks of each
    if first.tiers and second.tiers:
        tiers = set(first.tiers) & set(second.tiers)
        if not tiers:
            return None
    categories = set(first.categories) & set(second.categories)
    met = replace(first, categories=tuple(categories), tiers=tuple(tiers))
    shared = Shared(
        _both_in(first, second),
        tuple(sorted(categories - never.held(met))),
        tuple(sorted(set(first.recipients) & set(second.recipients))),
    )
    purpose = _covers(first.purpose, second.purpose) or _covers(
        second.purpose, first.purpose
    )
    time = max(_begins(first), _begins(second)) < min(_ends(first), _ends(second))
    whole = shared.countries and shared.categories and shared.recipients
    return shared if whole and purpose and time else None


def _both_in(first: Rule, second: Rule) -> frozenset[str]:
    """Find where somebody lives of whom both rules speak."""
    asked = {first.residence, second.residence}
    if asked == {Residence.AT_USE, Residence.AT_CREATION}:
        # She may have moved: the one asks where to, the other where from.
        return countries(first if first.residence is Residence.AT_USE else second)
    return countries(first) & countries(second)


def _covers(scope: str, use: str) -> bool:
    return use == scope or use.startswith(scope + ".")


def _begins(rule: Rule) -> float:
    return float("-inf") if rule.created_from is None else rule.created_from


def _ends(rule: Rule) -> float:
    return float("inf") if rule.created_until is None else rule.created_until
