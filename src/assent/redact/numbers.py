"""Numbers: telephones, payment cards, bank accounts and national identity numbers.

One scan of the whole text finds chains of digits that stand close together; only a
chain is looked at closely. Check digits, lengths and shapes decide where they can, the
words beside a number where they cannot. The work a character is bounded: a line of
nothing but digits, or of `+`, is no trap.

Not found: digits spelled out (`assent.redact.disguised`), and a number in one piece
without any word that says what it is.
"""

import re
from collections.abc import Iterable, Iterator

from assent.redact import banks, context, edges, identity, phones, shapes
from assent.redact.chains import chains, opened
from assent.redact.edges import Run
from assent.redact.spans import BARRIER, Found, Kind, Stretch, outside
from assent.redact.vocabulary import Hint, Weight

_FEWEST = shapes.FEWEST_DIGITS
_LONG = 96  # characters: a longer chain is a table, and read in overlapping pieces
_STEP = 48
_ENDLESS = re.compile(r"[0-9]{24,}")
_RUN = re.compile(r"\(?[0-9][0-9 ().\-/]*")
_NO_DIGITS = {character: None for character in range(128) if not 48 <= character < 58}

_BANKS_BEFORE = 24  # characters from the beginning of an IBAN to its first chain
_BANKS_AFTER = 40
_PATH = 12  # characters: what is longer may be a card
_IBAN_CHAIN = 8  # characters; every country has more digits in a row, or in groups
_COUNTRY = re.compile(r"[A-Za-z]{2}[ \-]?[0-9]{2}")


def find(text: str, over: Iterable[Stretch] = ()) -> Iterator[Found]:
    """Find numbers that lead to a person.

    Args:
        text: plain texts (`assent.redact.fold`), parted by a line with only a barrier.
        over: links that are found already, sorted and apart: a chain inside one goes
            with it.

    Yields:
        Start and end in characters, and the kind; may overlap.
    """
    for start, end in outside(chains(text), over):
        if end - start <= _LONG:
            yield from _in_chain(text, start, end)
        else:
            yield from _in_table(text, start, end)


def _in_table(text: str, start: int, end: int) -> Iterator[Found]:
    """Read a long chain in pieces that overlap by more than any number is long."""
    at = start
    while at < end:
        endless = _ENDLESS.search(text, at, end)
        stop = endless.start() if endless else end
        while at < stop:
            first, last = at, min(at + _LONG, stop)
            # No piece starts or ends inside a group.
            while first < last and first > start and text[first - 1].isdigit():
                first += 1
            while last > first and last < stop and text[last].isdigit():
                last -= 1
            yield from _in_chain(text, first, last)
            at += _STEP
        at = endless.end() if endless else end


def _in_chain(text: str, start: int, end: int) -> Iterator[Found]:
    short = end - start < _PATH and " " not in text[start:end]
    if short and text[start - 1 : start] == "/":
        return  # a part of a path, the most common chain of all
    taken = [(a, b, Kind.ID) for a, b in identity.shaped(text, start, end)]
    if end - start >= _IBAN_CHAIN and _COUNTRY.search(
        text, max(0, start - _BANKS_BEFORE), end
    ):
        floor, ceiling = _around(text, start, end)
        taken += ((a, b, Kind.IBAN) for a, b in banks.ibans(text, floor, ceiling))
    yield from taken
    runs = 0
    opening = start - (text[start - 1 : start] == "(")
    for run in _RUN.finditer(text, opening, end):
        body = run.group().rstrip(shapes.SEPARATORS)
        if len(body) >= _FEWEST:
            runs += 1
            yield from _in_run(text, run.start(), _without(body, run.start(), taken))
    if not runs and not taken:  # `C01X00T47` is a passport, if a word says so
        hint = context.before(text, start)
        if hint.kind is Kind.ID and (span := identity.after_word(text, start, end)):
            yield *span, Kind.ID


def _without(body: str, start: int, taken: list[Found]) -> str:
    """Blot out what has its kind already."""
    for a, b, _ in taken:
        a, b = max(0, a - start), min(len(body), b - start)
        if a < b:
            body = body[:a] + shapes.BLOT * (b - a) + body[b:]
    return body


def _around(text: str, start: int, end: int) -> tuple[int, int]:
    """How far an IBAN may reach before and after a chain, not over a barrier."""
    floor = max(0, start - _BANKS_BEFORE)
    ceiling = min(len(text), end + _BANKS_AFTER)
    barrier = text.find(BARRIER, end, ceiling)
    return (
        max(floor, text.rfind(BARRIER, floor, start) + 1),
        ceiling if barrier < 0 else barrier,
    )


def _in_run(text: str, start: int, body: str) -> Iterator[Found]:
    """Look at digits and separators only: cards first, then what words say."""
    if len(body) >= banks.CARD_DIGITS.start and text[start - 1 : start] != "+":
        for a, b, sure in list(banks.cards(body)):
            if shapes.BLOT in body[a:b] or edges.glued(text, start + a, start + b):
                continue
            if sure or context.before(text, start + a).kind is Kind.CARD:
                yield start + a, start + b, Kind.CARD
                body = body[:a] + shapes.BLOT * (b - a) + body[b:]
    run = edges.trimmed(text, start, body)
    if run.end - run.start < _FEWEST:
        return
    inner = body[run.start - start : run.end - start]
    digits = len(inner.translate(_NO_DIGITS))
    if digits < _FEWEST:
        return
    hint = context.before(text, opened(text, run.start))
    if shapes.BLOT not in inner and hint.weight is Weight.STRONG:
        announced = _announced(text, run, inner, digits, hint.kind)
        if announced:
            yield announced
            return
    yield from _phones(text, run, inner, hint)


def _announced(
    text: str, run: Run, inner: str, digits: int, kind: Kind
) -> Found | None:
    """Take what a word announces, whatever its check digits are."""
    span = None
    if kind is Kind.CARD and digits in banks.CARD_DIGITS:
        if not run.joined and "." not in inner:
            span = run.start, run.end
    elif kind is Kind.IBAN:
        span = banks.after_word(text, run.start, *_around(text, run.start, run.end))
    elif kind is Kind.ID:
        span = identity.after_word(text, run.start, run.end)
    return (*span, kind) if span else None


def _phones(text: str, run: Run, inner: str, hint: Hint) -> Iterator[Found]:
    done = 0
    for window in _windows(text, run, inner):
        if window.start < done:
            continue  # inside one that was found
        if run.joined and window.weight < shapes.SURE and hint.weight < Weight.STRONG:
            continue
        start, end = run.start + window.start, run.start + window.end
        weight = window.weight
        if weight == shapes.ALONE and _house(text, start, end):
            weight = shapes.LIKELY
        stop = context.extension(text, end)
        if weight + _said(text, start, end, stop, hint, weight) >= shapes.ALONE:
            done = window.end
            yield _whole(text, start, stop), stop, Kind.PHONE


def _windows(text: str, run: Run, inner: str) -> tuple[shapes.Window, ...]:
    """What may be a telephone number, with what a `+` before it says."""
    first = opened(text, run.start)
    if "+" in text[first : run.start]:
        return phones.windows(inner, not edges.letter(text[first - 1 : first]))
    grouped = not inner.isdigit() and "." not in inner
    if grouped and text[first - 2 : first] == "+ ":  # `+ 49 171 1234567`
        abroad = phones.windows(inner, True)
        if abroad and abroad[0].weight == shapes.SURE:
            return abroad
    return phones.windows(inner, False)


def _said(
    text: str, start: int, end: int, stop: int, hint: Hint, weight: int
) -> Weight:
    """What the words around a number add to its shape."""
    if hint.kind is Kind.PHONE and hint.weight is Weight.STRONG:
        return Weight.STRONG
    after = context.after(text, end)
    if stop > end or (after.kind is Kind.PHONE and after.weight):
        return Weight.STRONG
    if hint.kind is Kind.PHONE and hint.weight:
        return hint.weight
    alone = weight == shapes.LIKELY and _own_line(text, start, end)
    return Weight.WEAK if alone else Weight.NOTHING


def _whole(text: str, start: int, end: int) -> int:
    """Where a number starts: with its `+`, and with a parenthesis that it closes."""
    start = opened(text, start)
    while text[start] == "(" and ")" not in text[start:end]:
        start += 1
    return start


_HOUSE = re.compile(r"[0-9]{2,3} [0-9]{4} [A-Za-z]|[0-9]{4} [0-9]{4} [A-Z]")


def _house(text: str, start: int, end: int) -> bool:
    """`370 3911 Fourth Avenue` is a flat and a house before it is a telephone."""
    return _HOUSE.fullmatch(text, start, end + 2) is not None


def _own_line(text: str, start: int, end: int) -> bool:
    start = opened(text, start)
    return text[start - 1 : start] in ("", "\n") and text[end : end + 1] in ("", "\n")
