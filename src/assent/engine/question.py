"""The question that a decision answers: who asks what, when, under which rules."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from assent.terms import UNKNOWN_PLACE, Basis, Mentioned, Residence


@dataclass(frozen=True, slots=True)
class QuestionRule:
    """One `allow` rule, as far as the question needs it."""

    name: str
    basis: Basis
    jurisdictions: tuple[str, ...]  # with `unknown` where no place is asked
    uses: tuple[tuple[str, str], ...]  # (category, recipient), both asked and allowed
    notices: tuple[str, ...]  # sha256 of the notices that count
    notice_days: int = 0
    created_from: int | None = None  # microseconds, inclusive
    created_until: int | None = None  # microseconds, exclusive
    residence: Residence = Residence.AT_USE
    mentioned: Mentioned = Mentioned.REDACT
    tiers: tuple[str, ...] = ()  # empty: no tier is asked

    @property
    def asks_creation(self) -> bool:
        """Whether it matters where a person lived when she wrote the document."""
        asks_place = UNKNOWN_PLACE not in self.jurisdictions
        return asks_place and self.residence is not Residence.AT_USE


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that a decision depends on, beside the tables.

    Args:
        purpose: dotted path of the use.
        recipients: all of them must be permitted.
        purposes: the declared ones.
        categories: the declared ones; any other label denies.
        declared_recipients: of any use, asked here or not.
        as_of: microseconds UTC; what counts from this instant on is not seen.
        ledger_size: entries from this number on are not known.
        jurisdictions: country code -> the jurisdiction it belongs to.
        rules: of every policy in force; empty with `has_policy` means nothing allowed.
        has_policy: whether any policy is in force.
        minimum_age: years, or None where no policy in force states one.
        depends_on_region: whether an unknown country must deny.
        never: categories that no rule can allow.
        suspended: (order, jurisdiction, category, recipient) in force.
        never_of_tier: (category, tier) that no rule can allow.
        tiers: the declared ones; any other label is an unknown tier.
    """

    purpose: str
    recipients: tuple[str, ...]
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    declared_recipients: tuple[str, ...]
    as_of: int
    ledger_size: int
    jurisdictions: tuple[tuple[str, str], ...]
    rules: tuple[QuestionRule, ...]
    has_policy: bool
    minimum_age: int | None
    depends_on_region: bool
    never: tuple[str, ...]
    suspended: tuple[tuple[str, str, str, str], ...]
    never_of_tier: tuple[tuple[str, str], ...] = ()
    tiers: tuple[str, ...] = ()

    @property
    def unsafe(self) -> bool:
        """Whether this asks what an operator did, not what is permitted."""
        return any(rule.basis is Basis.UNSAFE_DEFAULT_ON for rule in self.rules)

    @property
    def depends_on_creation(self) -> bool:
        """Whether a rule asks where a person lived when she wrote a document."""
        return any(rule.asks_creation for rule in self.rules)

    @property
    def depends_on_mentions(self) -> bool:
        """Whether a rule asks whom a document mentions."""
        return any(rule.mentioned is not Mentioned.REDACT for rule in self.rules)

    @property
    def notice_sets(self) -> tuple[tuple[str, ...], ...]:
        """The different sets of notices that rules accept, in the rules' order."""
        return tuple(dict.fromkeys(rule.notices for rule in self.rules))


# -- situations: what a document can bring with it -------------------------------------

RuleSet = tuple[tuple[int, str], ...]
"""Rules that speak of a document together: (rule number, how)."""

Judges = tuple[RuleSet, ...]
"""The rules that speak of a document, one set a recipient."""

HOLDS = ""
FAILS = {1: "denied", 2: "denied", 3: "objected"}
"""How a rule fails by the level of a document's mentions, where it asks for them."""
LEVELS = (0, *FAILS)
"""0: nobody mentioned stands in the way; 1: somebody is not permitted; 2: it is not
known who; 3: somebody has objected."""


@dataclass(frozen=True, slots=True)
class Period:
    """A span of creation times that no rule divides. None: open, or no time known."""

    start: int | None
    end: int | None
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Situation:
    """Categories that the same rules judge, period by period and level by level."""

    categories: tuple[str, ...]
    judges: tuple[tuple[Period, int, Judges], ...]


def situations(question: Question) -> tuple[Situation, ...]:
    """Divide the documents that rules speak of into what no rule tells apart."""
    found: dict[tuple[tuple[Period, int, Judges], ...], list[str]] = {}
    for category in question.categories:
        rules = [
            rule
            for rule in question.rules
            if any(used == category for used, _ in rule.uses)
        ]
        if category in question.never or not rules:
            continue
        asks = any(rule.mentioned is not Mentioned.REDACT for rule in rules)
        judged = tuple(
            (period, level, _judges(question, category, period, level))
            for period, level in product(_periods(rules), LEVELS if asks else (0,))
        )
        found.setdefault(judged, []).append(category)
    return tuple(Situation(tuple(names), judges) for judges, names in found.items())


def _periods(rules: list[QuestionRule]) -> Iterator[Period]:
    edges = sorted(
        {
            edge
            for rule in rules
            for edge in (rule.created_from, rule.created_until)
            if edge is not None
        }
    )
    if edges:
        yield Period(None, None, is_known=False)
    starts, ends = [None, *edges], [*edges, None]
    yield from (Period(*span) for span in zip(starts, ends, strict=True))


def _judges(question: Question, category: str, period: Period, level: int) -> Judges:
    return tuple(
        tuple(
            (number, _how(rule, level))
            for number, rule in enumerate(question.rules)
            if (category, recipient) in rule.uses and _inside(rule, period)
        )
        for recipient in question.recipients
    )


def _how(rule: QuestionRule, level: int) -> str:
    if rule.mentioned is Mentioned.REDACT:
        return HOLDS
    if rule.mentioned is Mentioned.IGNORE and level == 1:
        return HOLDS
    return FAILS.get(level, HOLDS)


def _inside(rule: QuestionRule, period: Period) -> bool:
    """Whether a rule speaks of all of a period; no edge lies inside of one."""
    if rule.created_from is None and rule.created_until is None:
        return True
    if not period.is_known:
        return False
    begun = rule.created_from is None or (
        period.start is not None and period.start >= rule.created_from
    )
    ended = rule.created_until is not None and (
        period.end is None or period.end > rule.created_until
    )
    return begun and not ended
