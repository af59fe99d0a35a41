"""What the reader refuses of a policy file, each fault on its line.

The reader itself is asked, key by key: a good sample in which one key is exchanged is
refused for the fault of this key alone.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assent.errors import PolicyError
from assent.policy.findings import Kind, Severity, Sheet
from assent.policy.load import (
    NEEDED,
    Declared,
    check_rules,
    read_never,
    read_policy,
    read_redact,
    read_rule,
)
from assent.policy.model import Rule
from assent.terms import Basis

# Lawful and in force since long: what a sample of a policy needs, and no more.
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def faults(sheet: Sheet, value: dict[str, Any], path: Path, declared: Declared) -> None:
    """Ask the reader about every key by itself, then about what they say together.

    Args:
        sheet: takes what the reader refuses.
        value: the file as TOML.
        path: the file; notices are looked for from there.
        declared: the project's labels.
    """
    # The one text that is surely there is the file itself; it serves as the notice.
    sample = {"policy": "x", "controller": "x", "effective_from": LONG_AGO}
    sample |= {"notice": path.name}

    def read(block: dict[str, Any]) -> object:
        return read_policy("the policy", block, path, declared)

    for key, found in value.items():
        if key in ("never", "allow") and isinstance(found, list):
            continue  # block by block, below
        if key == "redact" and isinstance(found, dict):
            continue  # key by key, below
        for item, error in _probe(read, sample, key, found):
            sheet.refuse(sheet.lines.of("", 0, key, item), key, error)
    for key in NEEDED["policy"]:
        if key not in value:
            sheet.say(Severity.ERROR, Kind.FORM, 1, f"`{key}` is missing")
    for n, block in enumerate(_blocks(value, "never"), start=1):
        _faults_of_never(sheet, n, block, declared)
    if isinstance(block := value.get("redact"), dict):
        place = ("redact", 1)
        _faults_of_block(sheet, place, block, _read_redact, {}, ())
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


def _read_redact(keys: Any) -> object:
    return read_redact("redact", keys)


def _blocks(value: dict[str, Any], key: str) -> list[Any]:
    found = value.get(key, [])
    return found if isinstance(found, list) else []


def _faults_of_never(sheet: Sheet, n: int, block: Any, declared: Declared) -> None:
    def read(keys: Any) -> object:
        return read_never(f"never {n}", keys, declared)

    sample = {"categories": sorted(declared.categories)[:1]}
    known = sample if declared.categories else None
    _faults_of_block(sheet, ("never", n), block, read, known, NEEDED["never"])


def _faults_of_rule(
    sheet: Sheet, n: int, block: Any, path: Path, declared: Declared
) -> Rule | None:
    """Give the rule if nothing of it is refused."""

    def read(keys: Any) -> Rule:
        return read_rule(f"allow {n}", keys, path, declared)

    known, needed = _sample_rule(declared), NEEDED["rule"]
    sound = _faults_of_block(sheet, ("allow", n), block, read, known, needed)
    return read(block) if sound else None


def _faults_of_block(
    sheet: Sheet,
    place: tuple[str, int],
    block: Any,
    read: Callable[[Any], object],
    sample: dict[str, Any] | None,
    needed: tuple[str, ...],
) -> bool:
    """Ask about each key of a block, then about all together; true: no fault.

    Args:
        sheet: takes what is refused.
        place: the table and its number.
        block: as it stands in the file.
        read: the reader of such blocks.
        sample: a good block; None where none can be written.
        needed: keys that may not be missing.
    """
    before, header = len(sheet.found), sheet.lines.of(*place)
    if isinstance(block, dict) and sample is not None:
        for key, found in block.items():
            for item, error in _probe(read, sample, key, found):
                sheet.refuse(sheet.lines.of(*place, key, item), key, error)
        for key in needed:
            if key not in block:
                message = f"{place[0]} {place[1]}: `{key}` is missing"
                sheet.say(Severity.ERROR, Kind.FORM, header, message)
    if len(sheet.found) == before:
        try:
            read(block)
        except PolicyError as error:
            sheet.refuse(header, "", error)
    return len(sheet.found) == before


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
