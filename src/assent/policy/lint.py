"""Find what is wrong, useless or missing in a policy file, with file and line.

Whether a file can be read is asked of the reader itself (`faults`), so that this and
`load_policy` cannot disagree. What a policy would do is asked only of one that can be
read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from assent.policy.coverage import (
    Never,
    anywhere,
    both_speak_of,
    countries,
    stands_for,
)
from assent.policy.faults import faults
from assent.policy.findings import Finding, Kind, Severity, Sheet
from assent.policy.lines import scan
from assent.policy.load import Declared, open_policy, read_policy
from assent.policy.model import Policy
from assent.policy.redaction import NAME
from assent.policy.regions import COUNTRIES, in_short
from assent.terms import DAY, Basis, Inside, Residence, iso

ORDER = {severity: n for n, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Around:
    """What a policy is compared with.

    Args:
        now: microseconds UTC; None: whether notices could be served is not asked.
        others: the other policy files of the folder: (file, policy).
        unreadable: files of the folder that are no policies.
        published: what the ledger holds.
        first_told: sha256 of a notice -> when somebody was first served it.
        histories: people of whom is known since when they live where; None: whether
            there are any is not asked.
    """

    now: int | None = None
    others: tuple[tuple[str, Policy], ...] = ()
    unreadable: tuple[str, ...] = ()
    published: tuple[Policy, ...] = ()
    first_told: Mapping[str, int] = field(default_factory=dict)
    histories: int | None = None


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
    sheet = Sheet(path.name, scan(text), [])
    faults(sheet, value, path, declared)
    if not sheet.found:
        policy = read_policy("the policy", value, path, declared)
        around = around or Around()
        never = Never.of(policy, declared.tiers)
        _dead(sheet, policy, never)
        _overlaps(sheet, policy, never)
        _gaps(sheet, policy, declared)
        _residences(sheet, policy, around)
        _notices(sheet, policy, around)
        _order(sheet, policy, around)
        _redaction(sheet, policy, never)
        for name in around.unreadable:
            message = f"`{name}` beside it cannot be read and was not compared"
            sheet.say(Severity.NOTE, Kind.FORM, 1, message)
    return tuple(sorted(sheet.found, key=lambda f: (f.line, ORDER[f.severity])))


def _dead(sheet: Sheet, policy: Policy, never: Never) -> None:
    """Find rules, and categories of rules, that can never allow anything."""
    for n, rule in enumerate(policy.rules, start=1):
        held = sorted(never.held(rule))
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


def _overlaps(sheet: Sheet, policy: Policy, never: Never) -> None:
    """Find pairs of rules that speak of the same use on different bases."""
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


def _gaps(sheet: Sheet, policy: Policy, declared: Declared) -> None:
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
    if all(rule.tiers for rule in policy.rules):
        spoken = {tier for rule in policy.rules for tier in rule.tiers}
        if silent := sorted(declared.tiers - spoken):
            gap(f"no rule speaks of people of tier {_listed(silent)}")
        gap("no rule speaks of people whose tier is not known")


def _residences(sheet: Sheet, policy: Policy, around: Around) -> None:
    """Find rules that ask where people lived when nobody knows it, or for nothing."""
    for n, rule in enumerate(policy.rules, start=1):
        line = sheet.lines.of("allow", n, "residence")
        if rule.residence is Residence.AT_USE:
            continue
        if anywhere(rule):
            message = f"`{rule.name}` is for everywhere: `residence` changes nothing"
            sheet.say(Severity.WARNING, Kind.DEAD, line, message)
        elif around.histories == 0:
            message = (
                f"`{rule.name}` asks where people lived when they wrote, which is not "
                "known of anybody who is loaded: it allows nothing yet"
            )
            sheet.say(Severity.WARNING, Kind.GAP, line, message)


def _notices(sheet: Sheet, policy: Policy, around: Around) -> None:
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


def _order(sheet: Sheet, policy: Policy, around: Around) -> None:
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


def _redaction(sheet: Sheet, policy: Policy, never: Never) -> None:
    """Find settings of `[redact]` that keep nothing, or drop nearly everything."""
    asked = any(
        NAME in rule.categories
        and NAME not in never.held(rule)
        and rule.basis is Basis.CONSENT
        for rule in policy.rules
    )
    if policy.redact.names is Inside.KEEP and not asked:
        message = (
            f"no rule asks consent for the category `{NAME}`, so nobody can agree and "
            "every name is replaced"
        )
        line = sheet.lines.of("redact", 1, "names")
        sheet.say(Severity.WARNING, Kind.DEAD, line, message)
    if policy.redact.quotes is Inside.KEEP:
        message = "quotes = keep: a build refuses it, nothing says whose words they are"
        line = sheet.lines.of("redact", 1, "quotes")
        sheet.say(Severity.WARNING, Kind.DEAD, line, message)
    if policy.redact.drop_above == 0:
        message = "drop_above = 0 drops every document in which anything is found"
        line = sheet.lines.of("redact", 1, "drop_above")
        sheet.say(Severity.WARNING, Kind.GAP, line, message)


def _listed(labels: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"`{label}`" for label in labels)
