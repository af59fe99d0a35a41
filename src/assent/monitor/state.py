"""What a monitor remembers between two looks: the last head that it accepted.

Whoever could set this back could hide a rollback, so it is written whole or not at all,
and only one monitor works with a file at a time.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assent.canon import canonical
from assent.errors import ProofError, UsageError
from assent.files import write_whole
from assent.merkle.note import open_head
from assent.merkle.strict import Fields, parse
from assent.monitor.entries import Entries

FORMAT = "assent-monitor-v1"
KEYS = (
    *("format", "key", "note", "seen_at", "checked", "recorded_at"),
    *("corpora", "models", "faults"),
)


@dataclass(frozen=True, slots=True)
class Known:
    """A fault of an entry that was found before: it stays in the log for ever."""

    kind: str
    message: str
    evidence: str


@dataclass(frozen=True, slots=True)
class State:
    """The last head that was accepted, and how far below it entries were read.

    Args:
        key: the log's verifier key.
        note: the signed head.
        seen_at: when it was first seen: microseconds UTC.
        checked: entries that were read and checked, from the first one on.
        entries: what they said that later ones may not contradict.
        faults: what was wrong with them.
    """

    key: str
    note: str
    seen_at: int
    checked: int
    entries: Entries
    faults: tuple[Known, ...] = ()


def read_state(path: Path, key: str) -> State | None:
    """Read a monitor's memory; None when it has not looked yet.

    Raises:
        UsageError: it is of another log, or it was damaged.
    """
    if not path.exists():
        return None
    try:
        return _read(path.read_bytes(), path.name, key)
    except ProofError as error:
        raise UsageError(
            f"`{path.name}` cannot be used: {error.message}",
            hint="restore it, or name a new file: then what was seen before is lost",
        ) from error


def _read(data: bytes, name: str, key: str) -> State:
    fields = Fields.of(parse(data, f"`{name}`"), f"`{name}`", KEYS)
    fields.constant("format", FORMAT)
    if fields.text("key") != key:
        raise ProofError("it follows another log than the one of this key")
    note, checked = fields.text("note"), fields.count("checked")
    if checked > open_head(note, key).size:
        raise ProofError("it has checked more entries than its head has")
    faults = []
    for item in fields.items("faults"):
        fault = Fields.of(item, "a fault", ("kind", "message", "evidence"))
        faults.append(Known(*(fault.name(key) for key in Known.__slots__)))
    return State(
        key,
        note,
        fields.count("seen_at"),
        checked,
        Entries(
            fields.count("recorded_at"),
            _numbers(fields, "corpora"),
            _numbers(fields, "models"),
        ),
        tuple(faults),
    )


def _numbers(fields: Fields, key: str) -> dict[str, int]:
    values: Any = fields.values[key]
    if not isinstance(values, dict):
        raise ProofError(f"{fields.where}: field `{key}` is no object")
    read = Fields(f"{fields.where}: `{key}`", values)
    return {name: read.count(name) for name in values}


def write_state(path: Path, state: State) -> None:
    """Write a monitor's memory. Crash before: it looks again from the old one on."""
    entries = state.entries
    value = {
        "format": FORMAT,
        "key": state.key,
        "note": state.note,
        "seen_at": state.seen_at,
        "checked": state.checked,
        "recorded_at": entries.recorded_at,
        "corpora": entries.corpora,
        "models": entries.models,
        "faults": [
            {"kind": each.kind, "message": each.message, "evidence": each.evidence}
            for each in state.faults
        ],
    }
    write_whole(path, canonical(value))


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep every other monitor from a state file while this one works with it.

    Raises:
        UsageError: another monitor is at it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(
        path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644
    )
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise UsageError(
            f"another monitor works with `{path.name}`",
            hint="stop it, or give this one a state file of its own",
        ) from None
    finally:
        os.close(handle)  # gives the lock back
