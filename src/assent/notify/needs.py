"""Who needs a notice: people of whom a policy speaks, and whom it has not reached."""

from collections.abc import Iterable
from dataclasses import dataclass

from assent.decide import covers
from assent.policy.model import Policy, Rule
from assent.policy.regions import countries_of

Told = tuple[str, str, str, str]
"""A notice that was served: its sha256, and the purpose, recipient and category."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may have to be told.

    Args:
        subject_id: who.
        country: where she lives now; None: not known.
        countries: everywhere that she is known to have lived, now included.
        address: her e-mail address; None: none that can be used.
        told: what was served to her.
    """

    subject_id: str
    country: str | None
    countries: frozenset[str]
    address: str | None
    told: frozenset[Told]


def untold(policy: Policy, people: Iterable[Person], shown: str) -> list[Person]:
    """Find the people of whom a rule speaks and who were never told as it wants.

    A rule speaks of who lives, or lived, where it allows; age and choices are nothing
    to it here. She was told when a notice that the rule accepts was served to her for
    each of its categories and recipients. Who was served this very text, for
    everything, is not told it again: it would make no difference.

    Args:
        policy: whose rules are asked.
        people: enrolled.
        shown: sha256 of the text that is about to be served.
    """
    known: dict[tuple[frozenset[str], frozenset[Told]], bool] = {}
    everywhere = (shown, "*", "*", "*")
    places = [(rule, _places(rule)) for rule in policy.rules]

    def needs(person: Person) -> bool:
        if everywhere in person.told:
            return False
        return any(
            (where is None or where & person.countries)
            and not _told_all(rule, _accepted(policy, rule), person.told)
            for rule, where in places
        )

    found = []
    for person in people:
        alike = (person.countries, person.told)  # of a million people, a few kinds
        if alike not in known:
            known[alike] = needs(person)
        if known[alike]:
            found.append(person)
    return found


def accepts(policy: Policy, shown: str) -> bool:
    """Say whether every rule of a policy accepts a notice."""
    return all(shown in _accepted(policy, rule) for rule in policy.rules)


def _accepted(policy: Policy, rule: Rule) -> frozenset[str]:
    return frozenset({policy.notice, *policy.accepts, *rule.accepts})


def _places(rule: Rule) -> frozenset[str] | None:
    """List the countries that a rule speaks of; None: it does not ask for one."""
    if "*" in rule.regions and not rule.except_regions:
        return None
    return countries_of(rule.regions, rule.except_regions)


def _told_all(rule: Rule, accepted: frozenset[str], told: frozenset[Told]) -> bool:
    served = [each for each in told if each[0] in accepted]
    return all(
        any(
            covers(purpose, rule.purpose)
            and whom in ("*", recipient)
            and what in ("*", category)
            for _, purpose, whom, what in served
        )
        for recipient in rule.recipients
        for category in rule.categories
    )
