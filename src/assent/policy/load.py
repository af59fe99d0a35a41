"""Read a policy file strictly: what is not understood is refused, not ignored."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, TypeVar

from assent.canon import sha256
from assent.errors import PolicyError
from assent.policy.model import Policy, Rule
from assent.policy.redaction import Redaction
from assent.policy.regions import countries_of
from assent.terms import (
    Basis,
    Inside,
    Mentioned,
    Recogniser,
    Residence,
    Style,
    iso,
    micros,
)

Word = TypeVar("Word", Basis, Residence, Mentioned, Inside, Style, Recogniser)
FRACTION = (int, float)
TABLES = (list,)  # a list of tables; `list` alone is a list of names
POLICY_KEYS = {
    "policy": str,
    "controller": str,
    "effective_from": (datetime, date),
    "notice": str,
    "accepts": list,
    "minimum_age": int,
    "never": TABLES,
    "allow": TABLES,
    "redact": dict,
}
RULE_KEYS = {
    "name": str,
    "regions": list,
    "except_regions": list,
    "categories": list,
    "purpose": str,
    "recipients": list,
    "basis": str,
    "notice_days": int,
    "accepts": list,
    "created_from": (datetime, date),
    "created_until": (datetime, date),
    "residence": str,
    "mentioned": str,
    "tiers": list,
}
NEVER_KEYS = {"categories": list, "tiers": list}
REDACT_KEYS = {
    "names": str,
    "quotes": str,
    "style": str,
    "drop_above": FRACTION,
    "recogniser": str,
}
NEEDED = {
    "policy": ("policy", "controller", "effective_from", "notice"),
    "rule": ("name", "regions", "categories", "purpose", "recipients", "basis"),
    "never": ("categories",),
}
TYPES: dict[Any, str] = {
    str: "text in quotes",
    int: "a whole number",
    float: "a fraction",
    bool: "true or false",
    list: "a list",
    TABLES: "a list",
    FRACTION: "a fraction from 0.0 to 1.0",
    dict: "one table",
}
# A century: more is a slip of the pen, and its microseconds would not fit.
MOST_NOTICE_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Declared:
    """The labels that a project declares; no others may be used."""

    purposes: frozenset[str]
    recipients: frozenset[str]
    categories: frozenset[str]
    tiers: frozenset[str] = frozenset()  # of subjects


def load_policy(path: Path, declared: Declared) -> Policy:
    """Read one policy file, and the notices that it names.

    Args:
        path: the TOML file; notices are named relative to the project folder, which
            holds `policies/` and `notices/`, or to the file itself.
        declared: the project's labels.

    Raises:
        PolicyError: the file is no TOML, has an unknown or missing key, a label that
            nobody declared, dates out of order, or names a notice that is not there.
    """
    _, value = open_policy(path)
    return read_policy(f"`{path.name}`", value, path, declared)


def open_policy(path: Path) -> tuple[str, dict[str, Any]]:
    """Read a file's text and the TOML in it, whether a policy or not.

    Raises:
        PolicyError: there is no such file, or it is no TOML.
    """
    where = f"`{path.name}`"
    try:
        text = path.read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise PolicyError(f"there is no policy file {where}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyError(f"{where} is not TOML: {error}") from error


def read_policy(
    where: str, value: dict[str, Any], path: Path, declared: Declared
) -> Policy:
    """Read the TOML of a policy; `where` begins every message.

    Raises:
        PolicyError: as `load_policy` does.
    """
    check_keys(where, value, POLICY_KEYS, NEEDED["policy"])
    never: set[str] = set()
    never_of_tier: set[tuple[str, str]] = set()
    for n, block in enumerate(value.get("never", []), start=1):
        labels, tiers = read_never(f"{where}, never {n}", block, declared)
        never_of_tier |= {(label, tier) for label in labels for tier in tiers}
        never |= set() if tiers else set(labels)
    rules = tuple(
        read_rule(f"{where}, allow {n}", block, path, declared)
        for n, block in enumerate(value.get("allow", []), start=1)
    )
    check_rules(where, rules)
    return Policy(
        version=value["policy"],
        controller=value["controller"],
        effective_from=read_time(where, "effective_from", value["effective_from"]),
        notice=_notice(where, value["notice"], path),
        accepts=tuple(_notice(where, n, path) for n in value.get("accepts", [])),
        minimum_age=_minimum_age(where, value.get("minimum_age")),
        never=tuple(sorted(never)),
        rules=rules,
        never_of_tier=tuple(sorted(never_of_tier)),
        redact=read_redact(f"{where}, redact", value.get("redact", {})),
    )


def notice_names(path: Path) -> dict[str, str]:
    """Name the notices of a policy that can be read: sha256 -> name in the file.

    Raises:
        PolicyError: the file cannot be read, or a notice is not there.
    """
    return {sha256(text): name for name, text in _read_notices(path)}


def notice_texts(path: Path) -> dict[str, bytes]:
    """Read the notices of a policy where `load_policy` finds them: sha256 -> bytes.

    Raises:
        PolicyError: the file cannot be read, or a notice is not there.
    """
    return {sha256(text): text for _, text in _read_notices(path)}


def _read_notices(path: Path) -> list[tuple[str, bytes]]:
    _, value = open_policy(path)
    blocks = [value, *value.get("allow", [])]
    names = [value["notice"], *(n for b in blocks for n in b.get("accepts", []))]
    return [(name, _notice_text(f"`{path.name}`", name, path)) for name in names]


def read_never(
    where: str, block: Any, declared: Declared
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read one `[[never]]` by itself: its categories, and its tiers; none: of all.

    Raises:
        PolicyError: as `load_policy` does.
    """
    check_keys(where, block, NEVER_KEYS, NEEDED["never"])
    labels = _labels(where, "category", block["categories"], declared.categories)
    return labels, _tiers(where, block, declared)


def read_redact(where: str, block: Any) -> Redaction:
    """Read `[redact]` by itself; what it does not say is the strictest.

    Raises:
        PolicyError: a key or a value that is not understood.
    """
    check_keys(where, block, REDACT_KEYS, ())
    share = float(block.get("drop_above", 1.0))
    if not 0 <= share <= 1:  # also what is no number
        raise PolicyError(
            f"{where}: drop_above is {share}, wanted a share from 0.0 to 1.0"
        )
    said = {"names": Inside.REPLACE, "quotes": Inside.REPLACE} | block
    style, recogniser = Style.PLACEHOLDER, Recogniser.NONE
    return Redaction(
        names=_one_of(where, "names", said["names"], Inside),
        quotes=_one_of(where, "quotes", said["quotes"], Inside),
        style=_one_of(where, "style", said.get("style", style), Style),
        drop_above=share,
        recogniser=_one_of(
            where, "recogniser", said.get("recogniser", recogniser), Recogniser
        ),
    )


def read_rule(where: str, block: Any, path: Path, declared: Declared) -> Rule:
    """Read one `[[allow]]` by itself.

    Raises:
        PolicyError: as `load_policy` does.
    """
    check_keys(where, block, RULE_KEYS, NEEDED["rule"])
    start, end = _period(where, block)
    _check_regions(where, block)
    residence = block.get("residence", Residence.AT_USE)
    mentioned = block.get("mentioned", Mentioned.REDACT)
    purposes, recipients = declared.purposes, declared.recipients
    return Rule(
        name=block["name"],
        regions=tuple(block["regions"]),
        except_regions=tuple(block.get("except_regions", ())),
        categories=_labels(where, "category", block["categories"], declared.categories),
        purpose=_labels(where, "purpose", [block["purpose"]], purposes)[0],
        recipients=_labels(where, "recipient", block["recipients"], recipients),
        basis=_one_of(where, "basis", block["basis"], Basis),
        notice_days=_notice_days(where, block.get("notice_days", 0)),
        accepts=tuple(_notice(where, n, path) for n in block.get("accepts", [])),
        created_from=start,
        created_until=end,
        residence=_one_of(where, "residence", residence, Residence),
        mentioned=_one_of(where, "mentioned", mentioned, Mentioned),
        tiers=_tiers(where, block, declared),
    )


def _period(where: str, block: Mapping[str, Any]) -> tuple[int | None, int | None]:
    start, end = (
        read_time(where, key, block[key]) if key in block else None
        for key in ("created_from", "created_until")
    )
    if start is not None and end is not None and start >= end:
        raise PolicyError(
            f"{where}: created_from {iso(start)} is not before created_until {iso(end)}"
        )
    return start, end


def _check_regions(where: str, block: Mapping[str, Any]) -> None:
    regions, excepted = block["regions"], block.get("except_regions", [])
    if not regions:
        raise PolicyError(
            f"{where}: no region is named",
            hint='name each that is meant; everywhere is `regions = ["*"]`',
        )
    if not countries_of(regions, excepted):
        raise PolicyError(f"{where}: no country is left of these regions")


def _notice_days(where: str, days: int) -> int:
    if not 0 <= days <= MOST_NOTICE_DAYS:
        raise PolicyError(
            f"{where}: notice_days is {days}, wanted days from 0 to {MOST_NOTICE_DAYS}"
        )
    return days


def check_rules(where: str, rules: tuple[Rule, ...]) -> None:
    """Refuse rules that cannot stand beside each other.

    Raises:
        PolicyError: two have one name, or a lawful basis stands beside what operators
            did.
    """
    names = [rule.name for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise PolicyError(f"{where}: two rules are named `{name}`")
    unsafe = {rule.basis is Basis.UNSAFE_DEFAULT_ON for rule in rules}
    if len(unsafe) > 1:
        raise PolicyError(
            f"{where}: `unsafe_default_on` shows what an operator did and cannot stand "
            "beside a lawful basis",
            hint="move these rules into a file of their own",
        )


def check_keys(
    where: str, block: Any, known: Mapping[str, Any], needed: tuple[str, ...]
) -> None:
    """Refuse a table with a key that is unknown, missing or of the wrong type.

    Raises:
        PolicyError: it has one.
    """
    if not isinstance(block, dict):
        raise PolicyError(f"{where}: wanted a table of keys")
    for key, value in block.items():
        if key not in known:
            raise PolicyError(
                f"{where}: unknown key `{key}`", hint=f"known are {', '.join(known)}"
            )
        _check_type(f"{where}: `{key}`", value, known[key])
        if known[key] is list and not all(isinstance(item, str) for item in value):
            raise PolicyError(f"{where}: `{key}` wants a list of names in quotes")
    for key in needed:
        if key not in block:
            raise PolicyError(f"{where}: `{key}` is missing")


def _check_type(what: str, value: Any, wanted: Any) -> None:
    # Python counts true and false as numbers; a policy does not.
    wrong_bool = isinstance(value, bool) and wanted in (int, FRACTION)
    if wrong_bool or not isinstance(value, wanted):
        raise PolicyError(
            f"{what} has the wrong type: found {TYPES.get(type(value), 'a date')}, "
            f"wanted {TYPES.get(wanted, 'a date')}"
        )
    if value == "":
        raise PolicyError(f"{what} is empty, wanted a name")


def _labels(
    where: str, noun: str, found: list[str], declared: frozenset[str]
) -> tuple[str, ...]:
    for label in found:
        if label not in declared:
            raise PolicyError(
                f"{where}: {noun} `{label}` is not declared, wanted one of "
                f"{', '.join(sorted(declared)) or 'none'}",
                hint="correct the name, or declare it in `assent.toml`",
            )
    if not found:
        raise PolicyError(f"{where}: no {noun} is named")
    return tuple(sorted(set(found)))


def _tiers(where: str, block: Mapping[str, Any], declared: Declared) -> tuple[str, ...]:
    """Read the tiers of a block; none where it has no such key, and means everybody.

    An empty list would mean everybody too, which nobody who writes one can intend.
    """
    if "tiers" not in block:
        return ()
    return _labels(where, "tier", block["tiers"], declared.tiers)


def _one_of(where: str, key: str, found: str, kind: type[Word]) -> Word:
    try:
        return kind(found)
    except ValueError as error:
        raise PolicyError(
            f"{where}: {key} is `{found}`, wanted one of {', '.join(kind)}"
        ) from error


def read_time(where: str, key: str, value: datetime | date) -> int:
    """Turn a date-time or date of a file into microseconds UTC.

    Raises:
        PolicyError: a date-time has no time zone.
    """
    if not isinstance(value, datetime):  # a date alone: its first instant in UTC
        return micros(datetime.combine(value, time(), UTC))
    if value.tzinfo is None:
        raise PolicyError(
            f"{where}: {key} has no time zone, so it names no instant",
            hint="write it with a final `Z`",
        )
    return micros(value)


def _minimum_age(where: str, value: int | None) -> int | None:
    if value is not None and not 0 < value < 120:
        raise PolicyError(
            f"{where}: minimum_age is {value}, wanted years from 1 to 119"
        )
    return value


def _notice(where: str, name: str, path: Path) -> str:
    return sha256(_notice_text(where, name, path))


def _notice_text(where: str, name: str, path: Path) -> bytes:
    for base in (path.parent, path.parent.parent):
        if (base / name).is_file():
            return (base / name).read_bytes()
    raise PolicyError(
        f"{where}: notice `{name}` is not there",
        hint="people can only have been told by a text that exists: add the file",
    )
