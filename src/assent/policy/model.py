"""Policies as frozen types, and which of them is in force."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from assent.canon import digest
from assent.policy.redaction import Redaction
from assent.terms import Basis, Mentioned, Residence

ENUMS = {"basis": Basis, "residence": Residence, "mentioned": Mentioned}
"""Fields of a rule that are written as text."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One `[[allow]]` of a policy: who, where, what, for what, on which basis."""

    name: str
    regions: tuple[str, ...]
    categories: tuple[str, ...]
    purpose: str
    recipients: tuple[str, ...]
    basis: Basis
    except_regions: tuple[str, ...] = ()
    notice_days: int = 0
    accepts: tuple[str, ...] = ()  # sha256 of further notices that count for this rule
    created_from: int | None = None
    created_until: int | None = None
    residence: Residence = Residence.AT_USE
    mentioned: Mentioned = Mentioned.REDACT
    tiers: tuple[str, ...] = ()  # of subjects; empty: of every tier, also unknown


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of one controller's policy."""

    version: str
    controller: str
    effective_from: int  # microseconds UTC
    notice: str  # sha256 of the text
    never: tuple[str, ...]
    rules: tuple[Rule, ...]
    minimum_age: int | None = None
    accepts: tuple[str, ...] = ()  # sha256 of further notices that count
    never_of_tier: tuple[tuple[str, str], ...] = ()  # (category, tier)
    redact: Redaction = field(default_factory=Redaction)

    def to_json(self) -> dict[str, Any]:
        """Write the policy as the JSON that its digest names."""
        value = asdict(self)
        value["rules"] = [
            {**rule, **{name: str(rule[name]) for name in ENUMS}}
            for rule in value["rules"]
        ]
        # A policy that says nothing of it has the digest that it had before there was
        # such a table.
        del value["redact"]
        if self.redact != Redaction():
            value["redact"] = self.redact.to_json()
        return value

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Policy":
        """Read a policy back from its JSON."""
        rules = tuple(
            Rule(
                **_tuples(rule)
                | {name: kind(rule[name]) for name, kind in ENUMS.items()}
            )
            for rule in value["rules"]
        )
        never = tuple(map(tuple, value["never_of_tier"]))
        redact = Redaction()
        if "redact" in value:
            redact = Redaction.from_json(value["redact"])
        read = {"rules": rules, "never_of_tier": never, "redact": redact}
        return cls(**(_tuples(value) | read))

    @property
    def digest(self) -> str:
        """Sha256 of the canonical JSON: the name of this policy in the ledger."""
        return digest(self.to_json())


@dataclass(frozen=True, slots=True)
class Published:
    """A policy and the instant from which it may count."""

    policy: Policy
    published_at: int

    @property
    def start(self) -> int:
        """No version counts before it was published in the ledger."""
        return max(self.policy.effective_from, self.published_at)


@dataclass(frozen=True, slots=True)
class Suspension:
    """An order that stops uses at once, without a new policy."""

    order: str
    regions: tuple[str, ...]
    recipient: str = "*"
    category: str = "*"
    purpose: str = "*"


def in_force(versions: Iterable[Published], as_of: int) -> tuple[Policy, ...]:
    """Find, for each controller, the version with the latest start at an instant.

    Of two versions with one start the one published later counts.
    """
    latest: dict[str, Published] = {}
    for each in versions:
        if each.start > as_of:
            continue
        known = latest.get(each.policy.controller)
        if known is None or (each.start, each.published_at) >= (
            known.start,
            known.published_at,
        ):
            latest[each.policy.controller] = each
    return tuple(latest[name].policy for name in sorted(latest))


def _tuples(value: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in value.items()}
