"""Names that are in no directory, found by a recogniser where one is asked for.

It runs last and least: on texts in which all else is replaced already, and of these on
the ones that its gate lets through. It is wrong at times either way, and a second run
may find what the first one did not.
"""

from collections.abc import Sequence
from functools import cache

from assent.redact.person import gate
from assent.redact.recogniser import Recogniser, open_recogniser
from assent.redact.redactor import Redacted
from assent.redact.settings import Settings
from assent.redact.spans import PLACEHOLDER, Kind

opened = cache(open_recogniser)
"""Open a recogniser once a process."""


def with_names(
    done: Sequence[Redacted],
    recogniser: Recogniser,
    settings: Settings,
    documents: Sequence[str] | None = None,
) -> list[Redacted]:
    """Replace the names that a recogniser finds in what a redactor has left.

    Args:
        done: by the redactor, which kept no name.
        recogniser: finds names.
        settings: how names are replaced.
        documents: the id of each text, as for `Redactor.redact`.

    Returns:
        All of them, in order; names are counted with those of the directory.
    """
    made = list(done)
    numbers = [number for number, each in enumerate(done) if gate(each.text)]
    found = recogniser.find([done[number].text for number in numbers])
    for number, spans in zip(numbers, found, strict=True):
        text, counts = done[number].text, done[number].counts
        names = _outside(text, spans)
        if names:
            scope = documents[number] if documents else ""
            total = counts.get(Kind.NAME, 0) + len(names)
            made[number] = Redacted(
                _replaced(text, names, settings, scope),
                dict(sorted((dict(counts) | {Kind.NAME: total}).items())),
            )
    return made


def _outside(text: str, names: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Leave placeholders alone, whatever a recogniser takes them for."""
    held = [each.span() for each in PLACEHOLDER.finditer(text)] if names else []
    return [
        (start, end)
        for start, end in names
        if not any(start < last and first < end for first, last in held)
    ]


def _replaced(
    text: str, names: Sequence[tuple[int, int]], settings: Settings, document: str
) -> str:
    pieces: list[str] = []
    done = 0
    for start, end in names:
        name = settings.stand_in(Kind.NAME, text[start:end], document)
        pieces += [text[done:start], name]
        done = end
    return "".join([*pieces, text[done:]])
