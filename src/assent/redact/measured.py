"""Measure a redactor: plant identities into texts, redact, and look at what is left.

An identity is removed when not one of its letters and digits is left; half of a number
is a number. What stands before and after it need not go. A look-alike is hit when any
of it goes.
"""

import random
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from assent.redact.directory import Near
from assent.redact.redactor import PASSES, Redactor
from assent.redact.spans import PLACEHOLDER, Kind, Span

CARRIER_CHARACTERS = 4_000
"""A longer carrier is cut at a blank: what stands so far away decides nothing."""
_SHAPE_CHARACTERS = 40


class Plant(Protocol):
    """What can be planted: an identity or a look-alike."""

    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def before(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Planted:
    """A carrier with something planted: `text[start:end]`."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a redactor did to what was planted.

    Args:
        removed: no letter or digit of it is left.
        kinds: of the spans that took any of it.
        characters: of it, letters and digits that are left.
    """

    removed: bool
    kinds: frozenset[Kind]
    characters: int


def plant(carriers: Sequence[str], plants: Sequence[Plant], seed: int) -> list[Planted]:
    """Put each plant between two words of a carrier, or at an end of it.

    Args:
        carriers: redacted texts; drawn again and again where there are fewer.
        plants: identities or look-alikes, one a text.
        seed: decides which carrier, and where.
    """
    rng = random.Random(f"assent carriers {seed}")
    order: list[int] = []
    made = []
    for each in plants:
        if not order and carriers:
            order = rng.sample(range(len(carriers)), len(carriers))
        carrier = _cut(carriers[order.pop()]) if carriers else ""
        made.append(_planted(carrier, each, rng))
    return made


def _planted(carrier: str, each: Plant, rng: random.Random) -> Planted:
    # A placeholder holds no blank, so no boundary lies inside one.
    places = [at for at, letter in enumerate(carrier) if letter.isspace()]
    at = rng.choice((0, len(carrier), *places))
    head, tail = carrier[:at], carrier[at:]
    head += " " if head and not head[-1].isspace() else ""
    tail = (" " if tail and not tail[0].isspace() else "") + tail
    start = len(head) + len(each.before)
    after = getattr(each, "after", "")
    text = f"{head}{each.before}{each.text}{after}{tail}"
    return Planted(text, start, start + len(each.text))


def _cut(carrier: str) -> str:
    if len(carrier) <= CARRIER_CHARACTERS:
        return carrier
    end = carrier.rfind(" ", 0, CARRIER_CHARACTERS)
    return carrier[: end if end > 0 else CARRIER_CHARACTERS]


def outcomes(
    redactor: Redactor, planted: Sequence[Planted], near: Near | None = None
) -> list[Outcome]:
    """Redact as a corpus is redacted, pass after pass, and follow what was planted.

    Args:
        redactor: knows what the directory must know of the identities.
        planted: the texts; all are read together.
        near: who takes part in each, one item a text.
    """
    return [
        Outcome(not left, frozenset(kinds), left)
        for text, trace, kinds in follow(redactor, planted, near)
        for left in (sum(text[at].isalnum() for at in trace),)
    ]


def follow(
    redactor: Redactor, planted: Sequence[Planted], near: Near | None = None
) -> list[tuple[str, list[int], set[Kind]]]:
    """Redact, and keep track of what was planted.

    Args:
        redactor: as for `outcomes`.
        planted: the texts.
        near: who takes part in each.

    Returns:
        For each the text that redaction leaves, with placeholders; where characters of
        the plant stand in it; and the kinds of the spans that took any of it.
    """
    texts = [each.text for each in planted]
    traces = [list(range(each.start, each.end)) for each in planted]
    kinds: list[set[Kind]] = [set() for _ in planted]
    reading = list(range(len(planted)))
    for _ in range(PASSES):
        if not reading:
            break
        around = None if near is None else [near[each] for each in reading]
        found = redactor.find([texts[each] for each in reading], around)
        changed = []
        for each, spans in zip(reading, found, strict=True):
            if spans:
                kinds[each] |= _touching(traces[each], spans)
                texts[each], traces[each] = _replaced(texts[each], traces[each], spans)
                changed.append(each)
        reading = changed
    for each in reading:  # still not at rest: such a text comes back empty
        texts[each], traces[each] = "", []
    return list(zip(texts, traces, kinds, strict=True))


def _touching(trace: list[int], spans: Sequence[Span]) -> set[Kind]:
    return {
        span.kind for span in spans if any(span.start <= at < span.end for at in trace)
    }


def _replaced(
    text: str, trace: list[int], spans: Sequence[Span]
) -> tuple[str, list[int]]:
    """Replace spans by placeholders; places of the plant move, or go."""
    pieces, moved, done, size = [], [], 0, 0
    for span in (*spans, None):
        stop = span.start if span else len(text)
        moved += [at - done + size for at in trace if done <= at < stop]
        pieces.append(text[done:stop])
        size += stop - done
        if span:
            pieces.append(f"[{span.kind}]")
            size += len(pieces[-1])
            done = span.end
    return "".join(pieces), moved


def found_again(
    redactor: Redactor, texts: Sequence[str], near: Near | None = None
) -> Counter[Kind]:
    """Count what is found in texts that are redacted already; nothing should be."""
    found = redactor.find(texts, near)
    return Counter(span.kind for spans in found for span in spans)


def stood_for(
    redactor: Redactor,
    originals: Sequence[str],
    redacted: Sequence[str],
    near: Near | None = None,
) -> list[list[Span] | None]:
    """Find what the placeholders of redacted texts stand for in their originals.

    Exact where the redactor still does in one pass what was done then; else what is
    kept is found from left to right, which may put an end of a span elsewhere.

    Args:
        redactor: that of the corpus.
        originals: the texts before redaction.
        redacted: the same after it, in the same order.
        near: who takes part in each, one item a text.

    Returns:
        For each text its spans, sorted; None: it was made of another original.
    """
    spans: list[list[Span] | None] = []
    found = redactor.find(originals, near)
    for before, after, now in zip(originals, redacted, found, strict=True):
        plain = PLACEHOLDER.sub(lambda mark: f"[{_kind(mark)}]", after)
        same = _replaced(before, [], now)[0] == plain
        spans.append(now if same else aligned(before, after))
    return spans


def aligned(original: str, redacted: str) -> list[Span] | None:
    """Find what placeholders stand for by what is kept between them.

    Of several placeholders with nothing between them the last is given all.

    Args:
        original: the text before redaction.
        redacted: the same after it.

    Returns:
        Spans, sorted; None: it was made of another original.
    """
    marks = list(PLACEHOLDER.finditer(redacted))
    if not marks:
        return [] if original == redacted else None
    first = redacted[: marks[0].start()]
    last = redacted[marks[-1].end() :]
    at, end = len(first), len(original) - len(last)
    if end <= at or not (original.startswith(first) and original.endswith(last)):
        return None
    spans = []
    for mark, following in zip(marks, marks[1:], strict=False):
        between = redacted[mark.end() : following.start()]
        if not between:
            continue
        stop = original.find(between, at + 1, end)  # something stood there
        if stop < 0:
            return None
        spans.append(Span(at, stop, _kind(mark)))
        at = stop + len(between)
    if end <= at:
        return None
    return [*spans, Span(at, end, _kind(marks[-1]))]


def _kind(mark: re.Match[str]) -> Kind:
    return Kind(mark.group()[1:-1].split("-")[0])


def shape(text: str) -> str:
    """Draw the outline of a text: letters become `A`, `a` or `x`, digits `9`.

    What is not seen becomes a middle dot, a line break an arrow; marks over letters and
    vowel signs are left out; the rest stays. Forty characters at most.

    Args:
        text: a span, or a planted identity.
    """
    drawn = "".join(map(_outline, text[: 2 * _SHAPE_CHARACTERS]))
    return f"{drawn[:_SHAPE_CHARACTERS]}…" if len(drawn) > _SHAPE_CHARACTERS else drawn


def _outline(character: str) -> str:
    if character.isdigit():
        return "9"
    if character.isalpha():
        return "A" if character.isupper() else "a" if character.islower() else "x"
    if character == "\n":
        return "↵"
    if character.isspace():
        return " "
    if unicodedata.category(character)[0] == "M":
        return ""
    return character if character.isprintable() and character.isascii() else "·"
