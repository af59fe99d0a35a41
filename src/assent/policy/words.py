"""Say in plain English what a policy allows, and what another version changes.

For whom it speaks of: no knowledge of the law or of TOML is needed. It says what the
policy and Assent's rules say, and nothing about what an operator does beside them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import pycountry

from assent.policy.coverage import Never, anywhere
from assent.policy.model import Policy, Rule
from assent.policy.redaction import Redaction
from assent.terms import (
    Basis,
    Inside,
    Mentioned,
    Recogniser,
    Residence,
    Style,
    instant,
)

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
PLACES = {
    "EU": "the European Union",
    "EEA": "the European Economic Area (the EU, Iceland, Liechtenstein and Norway)",
    "UK": "the United Kingdom",
    "GB": "the United Kingdom",
    "US": "the United States",
    "NL": "the Netherlands",
    "AE": "the United Arab Emirates",
    "PH": "the Philippines",
    "*": "any country",
}
UNCOUNTED = frozenset({"content", "data", "feedback", "information", "media"})
NOTICES = frozenset({"notice", "accepts"})
TIMES = frozenset({"effective_from", "created_from", "created_until"})
KEYS = {
    "effective_from": "it counts from",
    "notice": "the notice",
    "accepts": "further notices that count",
    "minimum_age": "the youngest age",
    "never": "never used",
    "regions": "places",
    "except_regions": "places left out",
    "categories": "kinds of content",
    "recipients": "who may use the models",
    "basis": "the legal basis",
    "notice_days": "days between being told and being used",
    "created_from": "content counts from",
    "created_until": "content counts until",
    "residence": "when you must have lived there",
    "mentioned": "people who are mentioned",
    "tiers": "tiers of members",
    "never_of_tier": "never used of some",
    "names": "names in texts",
    "quotes": "quoted blocks in texts",
    "style": "what stands in the place of what is removed",
    "drop_above": "removed share above which a text is dropped",
    "recogniser": "recogniser of names",
}
"""What a changed field is called; another one is called by its name."""
WORDS: dict[str, str] = {
    Residence.AT_USE: "on the day of the use",
    Residence.AT_CREATION: "when you wrote it",
    Residence.BOTH: "both on the day of the use and when you wrote it",
    Mentioned.REDACT: "not asked, their names removed",
    Mentioned.REQUIRE: "each must be usable too",
    Mentioned.IGNORE: "not asked, but able to object",
}


STYLES = {
    Style.PLACEHOLDER: "In its place stands what it was, such as `[name]`.",
    Style.DOCUMENT: (
        "In its place stands what it was and a mark, such as `[name-1f0c97e2]`, which "
        "is the same for the same name within one text."
    ),
    Style.CORPUS: (
        "In its place stands what it was and a mark, such as `[name-1f0c97e2]`, which "
        "is the same for the same name in all texts."
    ),
}


def show(policy: Policy, notices: Mapping[str, str]) -> list[str]:
    """Tell a member of the public what a policy means for her: paragraphs.

    Args:
        policy: one version.
        notices: sha256 of a notice -> its file name, as far as known.
    """
    return [
        f"Policy {policy.version} of {policy.controller}",
        _from_when(policy),
        *_left_out(policy),
        _never(policy),
        *(_rule(rule, policy, notices) for rule in policy.rules),
        _silence(policy),
        *([_removed(policy.redact)] if policy.rules and not _is_unsafe(policy) else []),
        *([_saying_no(policy)] if policy.rules else []),
    ]


def diff(old: Policy, new: Policy, notices: Mapping[str, str]) -> list[str]:
    """Tell what a policy changes against another: one line a change, empty for none.

    Args:
        old: the version before.
        new: the version after.
        notices: sha256 of a notice -> its file name, of both.
    """
    lines = []
    if old.controller != new.controller:
        lines.append(
            f"the controller is {new.controller}, before {old.controller}: the one "
            "does not replace the other"
        )
    if old.version != new.version:
        lines.append(f"the version is `{new.version}`, before `{old.version}`")
    apart = {"version", "controller", "rules", "redact"}
    lines += _changes(old, new, apart, notices)
    lines += _changes(old.redact, new.redact, set(), notices)
    return lines + list(_rule_changes(old, new, notices))


# -- the paragraphs --------------------------------------------------------------------


def _from_when(policy: Policy) -> str:
    start = f"From when: it counts from {_time(policy.effective_from)}"
    # What an operator did counted from its own date; it is in no ledger.
    if not _is_unsafe(policy):
        start += ", or from its publication in the ledger if that is later"
    return (
        f"{start}. From then on it takes the place of every earlier policy of "
        f"{policy.controller}."
    )


def _left_out(policy: Policy) -> Iterator[str]:
    who = []
    if _is_unsafe(policy):
        if policy.minimum_age is not None:
            yield f"Who is left out: anyone known to be under {policy.minimum_age}."
        return
    if policy.minimum_age is not None:
        who.append(f"anyone who is or may be under {policy.minimum_age}")
        who.append("anyone whose age is not known")
    if any(_asks_now(rule) for rule in policy.rules):
        who.append("anyone whose country is not known")
    if policy.rules and all(rule.tiers for rule in policy.rules):
        who.append("anyone whose tier is not known")
    if who:
        yield f"Who is left out: {_or(who)}."


def _asks_now(rule: Rule) -> bool:
    return not anywhere(rule) and rule.residence is not Residence.AT_CREATION


def _never(policy: Policy) -> str:
    of_tier: dict[str, list[str]] = {}
    for category, tier in policy.never_of_tier:
        of_tier.setdefault(category, []).append(tier)
    some = [_of_tiers(category, tiers) for category, tiers in of_tier.items()]
    kinds = _and(map(_plural, policy.never)) or "; ".join(some)
    if not kinds:
        return "Never used: this policy names nothing that is never used."
    said = f"Never used: {kinds}. No rule can allow them, and no consent either."
    if policy.never and some:
        said += f" The same holds for {'; '.join(some)}."
    return said


def _of_tiers(category: str, tiers: Sequence[str]) -> str:
    return (
        f"{_plural(category)} of members of the tier {_or(tiers)}, or whose tier is "
        "not known"
    )


def _rule(rule: Rule, policy: Policy, notices: Mapping[str, str]) -> str:
    held = Never.of(policy).held(rule)
    kinds = _and(map(_plural, sorted(set(rule.categories) - held)))
    sentences = [
        f'Rule "{rule.name}": {_where(rule)}, your {kinds or "content"} may be '
        f"used {_purpose(rule.purpose)} for {_and(rule.recipients)}.",
        *_lived(rule),
        *_tiers(rule),
        *_period(rule),
        *_mentioned(rule),
        *_why(rule, _shown(rule, policy, notices)),
    ]
    if not kinds:
        sentences.append(
            "In fact this rule allows nothing: all that it names is never used."
        )
    return " ".join(sentences)


def _where(rule: Rule) -> str:
    if anywhere(rule):
        return "wherever you live"
    where = _or(map(_place, _without_doubles(rule.regions)))
    if rule.except_regions:
        excepted = _without_doubles(rule.except_regions)
        where += f", but not in {_or(map(_place, excepted))}"
    if rule.residence is Residence.AT_CREATION:
        return f"if you lived in {where}, when you wrote it"
    also = ", and also did when you wrote it"
    return f"if you live in {where}{also if rule.residence is Residence.BOTH else ''}"


def _lived(rule: Rule) -> Iterator[str]:
    if rule.residence is not Residence.AT_USE and not anywhere(rule):
        yield (
            "If it is not known where you lived when you wrote it, it is not used "
            "under this rule."
        )


def _tiers(rule: Rule) -> Iterator[str]:
    if rule.tiers:
        yield (
            f"This is for members of the tier {_or(rule.tiers)} only, and not for "
            "members whose tier is not known."
        )


def _mentioned(rule: Rule) -> Iterator[str]:
    if rule.mentioned is Mentioned.REQUIRE:
        yield (
            "If it mentions other people, it is used only if what each of them writes "
            "may be used in the same way; if one of them is not known, it is not used."
        )
    elif rule.mentioned is Mentioned.IGNORE:
        yield (
            "If it mentions other people, they are not asked, but it is not used once "
            "one of them has objected, nor if it is not known who is meant."
        )


def _period(rule: Rule) -> Iterator[str]:
    times = []
    if rule.created_from is not None:
        times.append(f"from {_time(rule.created_from)} on")
    if rule.created_until is not None:
        times.append(f"before {_time(rule.created_until)}")
    if times:
        yield f"Only what you wrote {' and '.join(times)} counts."


def _why(rule: Rule, notice: str) -> Iterator[str]:
    """Say the basis, and what it means for her."""
    if rule.basis is Basis.CONSENT:
        yield (
            "The basis is your consent (GDPR Article 6(1)(a)): it is used only if you "
            f"said yes when you were shown {notice}; silence is a no. You can take "
            "your yes back at any time."
        )
    elif rule.basis is Basis.LEGITIMATE_INTERESTS:
        days = f" at least {_count(rule.notice_days, 'day')} before"
        yield (
            "You are not asked first: the basis is the operator's own legitimate "
            f"interests (GDPR Article 6(1)(f)). You must have been shown {notice}"
            f"{days if rule.notice_days else ' before'}; until then nothing of yours "
            "is used under this rule. You can object at any time, without a reason."
        )
    else:
        yield (
            "It is on by default: nobody is asked, and nobody need be told. This "
            "describes what an operator did; it has no lawful basis here and can be "
            "replayed, never published, built or trained with."
        )


def _silence(policy: Policy) -> str:
    if not policy.rules:
        return "What is allowed: nothing. This version has no rule."
    return "Everything that no rule above speaks of is not used."


def _removed(redact: Redaction) -> str:
    """Say what is taken out of texts before anything is trained on them."""
    said = [
        "What is removed from texts: addresses, numbers and other traces of people, "
        "whoever they are."
    ]
    if redact.names is Inside.KEEP:
        said.append(
            "A name stays only if everybody whose name it may be has agreed to that."
        )
    else:
        said.append("Names are removed too, also of those who agreed to be used.")
    if redact.quotes is Inside.KEEP:
        said.append(
            "What is quoted from somebody stays only if it is known whose words they "
            "are and if these may be used."
        )
    else:
        said.append("So is what is quoted from others.")
    said.append(STYLES[redact.style])
    if redact.drop_above < 1:
        said.append(
            f"A text of which more than {redact.drop_above:.0%} would be removed is "
            "not used."
        )
    if redact.recogniser is not Recogniser.NONE:
        said.append("Names of people who are not known here are looked for too.")
    return " ".join(said)


def _saying_no(policy: Policy) -> str:
    if _is_unsafe(policy):
        return "How to say no: refuse, or withdraw. An objection changed nothing."
    return (
        f"How to say no: tell {policy.controller} that you refuse, take your consent "
        "back, object, or want the use restricted. Each of these alone is enough, for "
        "everything or for one kind of content or one recipient. It counts from the "
        "moment you say it. Parts of a model that learned from your content fall "
        "silent at once, and are repaired when the operator retrains them without it."
    )


def _shown(rule: Rule, policy: Policy, notices: Mapping[str, str]) -> str:
    accepted = dict.fromkeys((policy.notice, *policy.accepts, *rule.accepts))
    return f"the notice {_or(_notice(each, notices) for each in accepted)}"


# -- the changes -----------------------------------------------------------------------


def _rule_changes(
    old: Policy, new: Policy, notices: Mapping[str, str]
) -> Iterator[str]:
    before = {rule.name: rule for rule in old.rules}
    after = {rule.name: rule for rule in new.rules}
    renamed = _renamed(before, after)
    for name, rule in before.items():
        if name not in after and name not in renamed:
            yield f"a rule is gone: {_rule(rule, old, notices)}"
    for name in sorted(renamed):
        yield f"rule `{name}` is called `{renamed[name]}` now, and says the same"
    for name, rule in after.items():
        if name in before:
            changes = _changes(before[name], rule, {"name"}, notices)
            yield from (f"rule `{name}`: {change}" for change in changes)
        elif name not in renamed.values():
            yield f"a new rule: {_rule(rule, new, notices)}"
    kept = [
        renamed.get(name, name) for name in before if renamed.get(name, name) in after
    ]
    if kept != [name for name in after if name in kept]:
        yield (
            "the rules stand in another order, which changes only the rule that a "
            "decision names when several allow"
        )


def _renamed(before: Mapping[str, Rule], after: Mapping[str, Rule]) -> dict[str, str]:
    """Pair rules that differ in their names alone: old name -> new name."""
    gone = [name for name in before if name not in after]
    come = [name for name in after if name not in before]
    pairs: dict[str, str] = {}
    for name in gone:
        for other in come:
            same = replace(before[name], name=other) == after[other]
            if same and other not in pairs.values():
                pairs[name] = other
                break
    return pairs


def _changes(
    old: Policy | Rule | Redaction,
    new: Policy | Rule | Redaction,
    but: set[str],
    notices: Mapping[str, str],
) -> Iterator[str]:
    """Say each field that differs, whatever the fields are."""
    for each in fields(old):
        before, after = getattr(old, each.name), getattr(new, each.name)
        if each.name in but or before == after:
            continue
        what = KEYS.get(each.name, each.name.replace("_", " "))
        if each.name == "tiers":  # none is everybody, so no list says more or less
            before, after = (_or(each) or "every one" for each in (before, after))
        if isinstance(before, tuple) and isinstance(after, tuple):
            yield f"{what}: {_moved(each.name, before, after, notices)}"
            continue
        now, then = (_value(each.name, value, notices) for value in (after, before))
        if now == then:  # a notice of the same file name
            yield f"{what}: the text of {now} is another one now"
        else:
            yield f"{what}: {now} now, before {then}"


def _moved(
    key: str, before: Sequence[Any], after: Sequence[Any], notices: Mapping[str, str]
) -> str:
    come = [_value(key, each, notices) for each in after if each not in before]
    gone = [_value(key, each, notices) for each in before if each not in after]
    said = [f"now also {_and(come)}"] if come else []
    said += [f"no longer {_and(gone)}"] if gone else []
    return "; ".join(said) or "the same, written in another order"


def _value(key: str, value: Any, notices: Mapping[str, str]) -> str:
    if value is None:
        return "not stated"
    if key in NOTICES:
        return _notice(value, notices)
    if key in TIMES:
        return _time(value)
    if key in ("regions", "except_regions"):
        return _place(value)
    if key in ("categories", "never"):
        return _plural(value)
    if key == "never_of_tier":
        category, tier = value
        return _of_tiers(category, [tier])
    if key in ("residence", "mentioned"):
        return WORDS[value]
    return str(value).replace("_", " ")


def _is_unsafe(policy: Policy) -> bool:
    return any(rule.basis is Basis.UNSAFE_DEFAULT_ON for rule in policy.rules)


# -- words -----------------------------------------------------------------------------


def _notice(digest: str, notices: Mapping[str, str]) -> str:
    name = notices.get(digest)
    return f"`{name}`" if name else f"with the fingerprint {digest[:16]}"


def _without_doubles(regions: Sequence[str]) -> list[str]:
    """Leave the EU out where the EEA, which holds it, stands beside it."""
    return [each for each in regions if each != "EU" or "EEA" not in regions]


def _place(region: str) -> str:
    if region in PLACES:
        return PLACES[region]
    country = pycountry.countries.get(alpha_2=region)
    return str(getattr(country, "common_name", country.name) if country else region)


def _plural(label: str) -> str:
    """Turn a label such as `private_message` into words: private messages."""
    words = label.replace("_", " ")
    if words.endswith("s") or words.rpartition(" ")[2] in UNCOUNTED:
        return words
    if words.endswith("y") and words[-2:-1] not in "aeiou":
        return words[:-1] + "ies"
    return words + ("es" if words.endswith(("x", "ch", "sh")) else "s")


def _purpose(purpose: str) -> str:
    first, *rest = purpose.replace("_", " ").split(".")
    verb = "to train AI models" if first == "train" else f"for {first}"
    return f"{verb} ({', '.join(rest)})" if rest else verb


def _time(time: int) -> str:
    moment = instant(time)
    day = f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"
    if moment.second or moment.microsecond:
        return f"{day}, {moment.time().isoformat()} UTC"
    return f"{day}, {moment.hour:02}:{moment.minute:02} UTC"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _and(words: Iterable[str]) -> str:
    return _joined(list(words), "and")


def _or(words: Iterable[str]) -> str:
    return _joined(list(words), "or")


def _joined(words: list[str], last: str) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
