"""Made-up directories: given and family names out of Faker's lists, joined by seed."""

import random
from collections.abc import Iterator
from pathlib import Path

LISTS = Path(__file__).with_name("redact_names.txt")
NAMES = 1_000_000
MANY_NAMES = 10_000_000


def names(count: int, scale: float = 1, seed: str = "directory") -> list[str]:
    """Draw `count * scale` different names `Given Family`, at most 11.1 million."""
    count = max(1000, int(count * scale))
    given, family = _lists()
    chosen = random.Random(seed).sample(range(len(given) * len(family)), count)
    return [
        f"{given[each // len(family)]} {family[each % len(family)]}" for each in chosen
    ]


def _lists() -> tuple[list[str], list[str]]:
    given, family = (list(_listed(title)) for title in ("given", "family"))
    return given, family


def _listed(title: str) -> Iterator[str]:
    _, _, rest = LISTS.read_text(encoding="utf-8").partition(f"\n[{title}]\n")
    lines, _, _ = rest.partition("\n\n")
    for line in lines.splitlines():
        yield from filter(None, (name.strip() for name in line.split(",")))
