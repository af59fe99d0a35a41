"""Find what is wrong, useless or missing in a policy file, with file and line.

Whether a file can be read is asked of the reader itself, key by key, so that this and
`load_policy` cannot disagree. What a policy would do is asked only of one that can be
read.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from assent.errors import PolicyError
from assent.policy.coverage import anywhere, both_speak_of, countries, stands_for
from assent.policy.lines import Lines, scan
from assent.policy.load import (
    NEEDED,
    Declared,
    check_rules,
    open_policy,
    read_policy,
    read_rule,
)
from assent.policy.model import Policy, Rule
from assent.policy.regions import COUNTRIES, in_short
from assent.terms import DAY, Basis, iso


class Severity(StrEnum):
    """How bad a finding is; only an error stands in the way of publishing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Kind(StrEnum):
    """What a finding is about."""

    FORM = "form"  # a key, type or value that is not understood
    LABEL = "label"  # a name that nobody declared
    DEAD = "dead"  # what can never allow anything
    OVERLAP = "overlap"
    GAP = "gap"
    DATE = "date"


LABELS = frozenset({"regions", "except_regions", "categories", "recipients", "purpose"})
DATES = frozenset({"effective_from", "created_from", "created_until", "notice_days"})
ORDER = {severity: n for n, severity in enumerate(Severity)}
# Lawful and in force since long: what a sample of a policy needs, and no more.
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about a policy file."""

    file: str
    line: int
    severity: Severity
    kind: Kind
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.severity}: {self.message}"


@dataclass(frozen=True, slots=True)
class Around:
    """What a policy is compared with.

    Args:
        now: microseconds UTC; None: whether notices could be served is not asked.
        others: the other policy files of the folder: (file, policy).
        unreadable: files of the folder that are no policies.
        published: what the ledger holds.
        first_told: sha256 of a notice -> when somebody was first served it.
    """

    now: int | None = None
    others: tuple[tuple[str, Policy], ...] = ()
    unreadable: tuple[str, ...] = ()
    published: tuple[Policy, ...] = ()
    first_told: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A file's findings, as they come."""

    file: str
    lines: Lines
    found: list[Finding]

    def say(self, severity: Severity, kind: Kind, line: int, message: str) -> None:
        finding = Finding(self.file, line, severity, kind, message)
        if finding not in self.found:
            self.found.append(finding)

    def refuse(self, line: int, key: str, error: PolicyError) -> None:
        """Note what the reader refused."""
        kind = Kind.LABEL if key in LABELS else Kind.DATE if key in DATES else Kind.FORM
        hint = f" ({error.hint})" if error.hint else ""
        self.say(Severity.ERROR, kind, line, error.message + hint)


def lint(
    path: Path, declared: Declared, around: Around | None = None
) -> tuple[Finding, ...]:
    """Check one policy file; the findings in the order of its lines.

    Args:
        path: the TOML file.
        declared: the project's labels.
        around: what to compare it with; nothing by default.

    Raises:
        PolicyError: there is no such file, or it is no TOML.
    """
    text, value = open_policy(path)
    sheet = _Sheet(path.name, scan(text), [])
    _faults(sheet, value, path, declared)
    if not sheet.found:
        policy = read_policy("the policy", value, path, declared)
        _dead(sheet, policy)
        _overlaps(sheet, policy)
        _gaps(sheet, policy, declared)
        around = around or Around()
        _notices(sheet, policy, around)
        _order(sheet, policy, around)
        for name in around.unreadable:
            message = f"`{name}` beside it cannot be read and was not compared"
            sheet.say(Severity.NOTE, Kind.FORM, 1, message)
    return tuple(sorted(sheet.found, key=lambda f: (f.line, ORDER[f.severity])))


# -- what the reader refuses -----------------------------------------------------------


def _faults(
    sheet: _Sheet, value: dict[str, Any], path: Path, declared: Declared
) -> None:
    """Ask the reader about every key by itself, then about what they say together."""
    # The one text that is surely there is the file itself; it serves as the notice.
    sample = {"policy": "x", "controller": "x", "effective_from": LONG_AGO}
    sample |= {"notice": path.name}

    def read(block: dict[str, Any]) -> object:
        return read_policy("the policy", block, path, declared)

    for key, found in value.items():
        if key in ("never", "allow") and isinstance(found, list):
            continue  # block by block, below
        for item, error in _probe(read, sample, key, found):
            sheet.refuse(sheet.lines.of("", 0, key, item), key, error)
    for key in NEEDED["policy"]:
        if key not in value:
            sheet.say(Severity.ERROR, Kind.FORM, 1, f"`{key}` is missing")
    for n, block in enumerate(_blocks(value, "never"), start=1):
        _faults_of_never(sheet, n, block, lambda b: read({**sample, "never": [b]}))
    rules: tuple[Rule, ...] = ()
    for n, block in enumerate(_blocks(value, "allow"), start=1):
        rule = _faults_of_rule(sheet, n, block, path, declared)
        if rule is None:
            continue
        try:
            check_rules(f"allow {n}", (*rules, rule))
            rules += (rule,)
        except PolicyError as error:
            sheet.refuse(sheet.lines.of("allow", n, "name"), "name", error)


def _blocks(value: dict[str, Any], key: str) -> list[Any]:
    found = value.get(key, [])
    return found if isinstance(found, list) else []


def _faults_of_never(
    sheet: _Sheet, n: int, block: Any, read: Callable[[Any], object]
) -> None:
    found = block.get("categories") if isinstance(block, dict) else None
    labels = found if isinstance(found, list) and len(block) == 1 else []
    refused = list(_probe(read, {}, "categories", labels)) if labels else []
    for item, error in refused:
        line = sheet.lines.of("never", n, "categories", item)
        sheet.refuse(line, "categories", error)
    if not refused:
        try:
            read(block)
        except PolicyError as error:
            sheet.refuse(sheet.lines.of("never", n), "", error)


def _faults_of_rule(
    sheet: _Sheet, n: int, block: Any, path: Path, declared: Declared
) -> Rule | None:
    """Give the rule if nothing of it is refused."""
    before = len(sheet.found)
    header = sheet.lines.of("allow", n)

    def read(keys: Any) -> object:
        return read_rule(f"allow {n}", keys, path, declared)

    sample = _sample_rule(declared)
    if isinstance(block, dict) and sample is not None:
        for key, found in block.items():
            for item, error in _probe(read, sample, key, found):
                sheet.refuse(sheet.lines.of("allow", n, key, item), key, error)
        for key in NEEDED["rule"]:
            if key not in block:
                message = f"allow {n}: `{key}` is missing"
                sheet.say(Severity.ERROR, Kind.FORM, header, message)
    if len(sheet.found) > before:
        return None
    try:
        return read_rule(f"allow {n}", block, path, declared)
    except PolicyError as error:
        sheet.refuse(header, "", error)
        return None


def _sample_rule(declared: Declared) -> dict[str, Any] | None:
    """Write a rule that the reader takes, in which one key can be exchanged."""
    if not (declared.categories and declared.purposes and declared.recipients):
        return None
    return {
        "name": "x",
        "regions": ["*"],
        "categories": sorted(declared.categories)[:1],
        "purpose": min(declared.purposes),
        "recipients": sorted(declared.recipients)[:1],
        "basis": str(Basis.CONSENT),
    }


def _probe(
    read: Callable[[dict[str, Any]], object],
    sample: dict[str, Any],
    key: str,
    value: Any,
) -> Iterator[tuple[str, PolicyError]]:
    """Exchange one key of a good sample: what is refused then is this key's fault.

    A list is tried item by item first, so that each bad item is named.
    """
    found = False
    items = value if isinstance(value, list) else []
    for tried in [*([item] for item in items), value]:
        if tried is value and found:
            return
        try:
            read({**sample, key: tried})
        except PolicyError as error:
            found = True
            yield str(tried[0]) if tried is not value else "", error


# -- what a policy would do ------------------------------------------------------------


def _dead(sheet: _Sheet, policy: Policy) -> None:
    """Find rules, and categories of rules, that can never allow anything."""
    never = frozenset(policy.never)
    for n, rule in enumerate(policy.rules, start=1):
        held = sorted(never.intersection(rule.categories))
        line = sheet.lines.of("allow", n, "categories", held[0] if held else "")
        if len(held) == len(rule.categories):
            message = f"`{rule.name}` can never match: its categories are all in"
            sheet.say(Severity.WARNING, Kind.DEAD, line, f"{message} `never`")
            continue
        if held:
            message = f"`{rule.name}` can never allow {_listed(held)}: in `never`"
            sheet.say(Severity.WARNING, Kind.DEAD, line, message)
        for m, other in enumerate(policy.rules, start=1):
            # Of two that stand for each other, the later one is too many.
            if m != n and stands_for(other, rule, never) and (
                m < n or not stands_for(rule, other, never)
            ):  # fmt: skip
                message = (
                    f"`{rule.name}` adds nothing: all that it allows, "
                    f"`{other.name}` (line {sheet.lines.of('allow', m)}) allows on the "
                    "same proof; at most it divides the groups of a plan"
                )
                line = sheet.lines.of("allow", n)
                sheet.say(Severity.WARNING, Kind.DEAD, line, message)
                break


def _overlaps(sheet: _Sheet, policy: Policy) -> None:
    """Find pairs of rules that speak of the same use on different bases."""
    never = frozenset(policy.never)
    for m, second in enumerate(policy.rules, start=1):
        for n, first in enumerate(policy.rules[: m - 1], start=1):
            shared = both_speak_of(first, second, never)
            if shared is None or first.basis == second.basis:
                continue
            sheet.say(
                Severity.WARNING,
                Kind.OVERLAP,
                sheet.lines.of("allow", m),
                f"`{second.name}` ({second.basis}) and `{first.name}` (line "
                f"{sheet.lines.of('allow', n)}, {first.basis}) both speak of "
                f"{_listed(shared.categories)} in {in_short(shared.countries)} for "
                f"{_listed(shared.recipients)}: one proof is enough, so who does not "
                "give the one may still be used on the other",
            )


def _gaps(sheet: _Sheet, policy: Policy, declared: Declared) -> None:
    """Say what no rule speaks of: information, for silence denies."""
    line = sheet.lines.of("", 0, "policy")
    if policy.minimum_age is None:
        message = "no `minimum_age`: nobody is left out for being young"
        sheet.say(Severity.WARNING, Kind.GAP, line, message)

    for n, rule in enumerate(policy.rules, start=1):
        if rule.basis is Basis.UNSAFE_DEFAULT_ON:
            message = f"`{rule.name}` shows what an operator did; it is never published"
            place = sheet.lines.of("allow", n, "basis")
            sheet.say(Severity.WARNING, Kind.FORM, place, message)

    def gap(message: str) -> None:
        sheet.say(Severity.NOTE, Kind.GAP, line, message)

    if not policy.rules:
        gap("no rule: this version allows nothing")
        return
    spoken = {label for rule in policy.rules for label in rule.categories}
    silent = sorted(declared.categories - spoken - set(policy.never))
    if silent:
        gap(f"no rule and no `never` speaks of category {_listed(silent)}")
    spoken = {label for rule in policy.rules for label in rule.recipients}
    silent = sorted(declared.recipients - spoken)
    if silent:
        gap(f"no rule speaks of recipient {_listed(silent)}")
    places = COUNTRIES.difference(*(countries(rule) for rule in policy.rules))
    if places:
        gap(f"no rule speaks of people in {in_short(places)}")
    if not any(anywhere(rule) for rule in policy.rules):
        gap("no rule speaks of people whose country is not known")


def _notices(sheet: _Sheet, policy: Policy, around: Around) -> None:
    """Find rules that come into force before their notice can have run its days."""
    if around.now is None:
        return
    start = policy.effective_from
    if policy.digest not in {each.digest for each in around.published}:
        start = max(start, around.now)  # no version starts before it is published
    for n, rule in enumerate(policy.rules, start=1):
        if rule.basis is not Basis.LEGITIMATE_INTERESTS:
            continue
        line = sheet.lines.of("allow", n, "notice_days")
        if not rule.notice_days:
            message = f"`{rule.name}` gives no time to object: 0 notice_days"
            sheet.say(Severity.WARNING, Kind.DATE, line, message)
        notices = (policy.notice, *policy.accepts, *rule.accepts)
        told = min(around.first_told.get(each, around.now) for each in notices)
        earliest = told + rule.notice_days * DAY
        if earliest > start:
            served = any(each in around.first_told for each in notices)
            said = f"first served at {iso(told)}" if served else "served to nobody yet"
            message = (
                f"`{rule.name}` starts at {iso(start)}, but its notice, {said}, must "
                f"be {rule.notice_days} days old: nobody is used before {iso(earliest)}"
            )
            sheet.say(Severity.WARNING, Kind.DATE, line, message)


def _order(sheet: _Sheet, policy: Policy, around: Around) -> None:
    """Compare the dates with those of the same controller's other versions."""
    line = sheet.lines.of("", 0, "effective_from")
    mine = [each for each in around.published if each.controller == policy.controller]
    published = policy.digest in {each.digest for each in mine}
    last = max((each.effective_from for each in mine), default=None)
    if last is not None and policy.effective_from < last and not published:
        message = (
            f"effective from {iso(policy.effective_from)}, but a version from "
            f"{iso(last)} is published already: publishing will be refused"
        )
        sheet.say(Severity.ERROR, Kind.DATE, line, message)
    for n, rule in enumerate(policy.rules, start=1):
        if rule.created_from is not None and rule.created_from > policy.effective_from:
            message = f"`{rule.name}` is for documents of after the policy's start"
            place = sheet.lines.of("allow", n, "created_from")
            sheet.say(Severity.WARNING, Kind.DATE, place, message)
    for file, other in around.others:
        if other.controller != policy.controller or other.digest == policy.digest:
            continue
        named = (policy.version > other.version) - (policy.version < other.version)
        dated = policy.effective_from - other.effective_from
        if named == 0:
            message = f"`{file}` is a version of the same name `{other.version}`"
            place = sheet.lines.of("", 0, "policy")
            sheet.say(Severity.WARNING, Kind.DATE, place, message)
        if dated == 0:
            message = f"`{file}` has the same date: the one published later counts"
            sheet.say(Severity.WARNING, Kind.DATE, line, message)
        elif named * dated < 0:
            message = (
                f"`{policy.version}` and `{other.version}` of `{file}` have dates in "
                "the other order than their names"
            )
            sheet.say(Severity.WARNING, Kind.DATE, line, message)


def _listed(labels: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"`{label}`" for label in labels)
