"""The pins of work that was begun: what it depends on, kept until it is done."""

import json
from pathlib import Path
from typing import Any

from assent.canon import canonical
from assent.errors import UsageError
from assent.files import SECRET_MODE, write_whole


def read_pins(path: Path) -> dict[str, Any] | None:
    """Read what unfinished work depends on; None where there is none.

    Raises:
        UsageError: it is not the JSON object that was written. Nothing is taken for
            finished because its pins cannot be read.
    """
    if not path.exists():
        return None
    try:
        pins = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        pins = None
    if not isinstance(pins, dict):
        raise unreadable(path)
    return pins


def write_pins(path: Path, pins: dict[str, Any]) -> None:
    """Pin what a piece of work depends on; it may name a subject, so mode 0600."""
    write_whole(path, canonical(pins), SECRET_MODE)
    # Crash before: nothing was begun. Here: the next run continues with these pins.


def unreadable(path: Path) -> UsageError:
    """Say that work was begun, and that nobody can say with what."""
    return UsageError(
        f"`{path.parent.name}/{path.name}` is not what unfinished work wrote there",
        hint="restore it from a backup: the work goes on from it",
    )
