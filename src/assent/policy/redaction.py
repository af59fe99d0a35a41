"""What a policy wants done with personal data inside of texts."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from assent.terms import Inside, Recogniser, Style

Word = TypeVar("Word", Inside, Style)
ENUMS = {"names": Inside, "quotes": Inside, "style": Style, "recogniser": Recogniser}
"""Settings that are written as text."""
NAME = "name"
"""The category that somebody agrees to who lets her name stand in others' texts."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """The `[redact]` table of a policy; what is not said is the strictest.

    Args:
        names: of people of the directory.
        quotes: blocks that are quoted from others.
        style: what is put in the place of what is removed.
        drop_above: share of a document's characters, 0 to 1; of which more is removed,
            is dropped.
        recogniser: of names that are in no directory.
    """

    names: Inside = Inside.REPLACE
    quotes: Inside = Inside.REPLACE
    style: Style = Style.PLACEHOLDER
    drop_above: float = 1.0
    recogniser: Recogniser = Recogniser.NONE

    def to_json(self) -> dict[str, Any]:
        """Write the settings as JSON."""
        return asdict(self) | {name: str(getattr(self, name)) for name in ENUMS}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Redaction":
        """Read what `to_json` wrote. Raises: KeyError, TypeError, ValueError."""
        words = {name: kind(value[name]) for name, kind in ENUMS.items()}
        return cls(**{**value, **words, "drop_above": float(value["drop_above"])})


def strictest(settings: Iterable[Redaction]) -> Redaction:
    """Join the settings of all policies in force: of each, the strictest counts."""
    every = tuple(settings) or (Redaction(),)
    own = Recogniser.OWN in {each.recogniser for each in every}
    return Redaction(
        names=_first(Inside, (each.names for each in every)),
        quotes=_first(Inside, (each.quotes for each in every)),
        style=_first(Style, (each.style for each in every)),
        drop_above=min(each.drop_above for each in every),
        recogniser=Recogniser.OWN if own else Recogniser.NONE,
    )


def _first(kind: type[Word], found: Iterable[Word]) -> Word:
    """Choose what comes first in the order of a kind."""
    chosen = set(found)
    return next(each for each in kind if each in chosen)
