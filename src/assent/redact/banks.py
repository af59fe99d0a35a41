"""Payment cards and bank accounts: check digits where they hold, words where not."""

import re
from collections.abc import Iterator
from functools import lru_cache

from stdnum import iban, luhn, numdb

CARD_DIGITS = range(12, 20)  # ISO/IEC 7812: the number of a card
IBAN_CHARACTERS = range(15, 35)  # Norway has the shortest

# First digits of issuers and the lengths that they issue, widest range last. A check
# digit alone passes one number in ten: serial numbers, IMEI, times in microseconds.
_ISSUERS: tuple[tuple[int, int, frozenset[int]], ...] = (
    (2131, 2131, frozenset({15})),  # JCB, old
    (1800, 1800, frozenset({15})),
    (2200, 2204, frozenset(range(16, 20))),  # Mir
    (2221, 2720, frozenset({16})),  # Mastercard
    (3000, 3059, frozenset({14, 16})),  # Diners
    (3095, 3095, frozenset({14, 16})),
    (3400, 3499, frozenset({15})),  # American Express
    (3528, 3589, frozenset(range(16, 20))),  # JCB
    (3600, 3699, frozenset({14, 16})),
    (3700, 3799, frozenset({15})),
    (3800, 3999, frozenset({14, 16})),
    (4000, 4999, frozenset({13, 16, 19})),  # Visa
    (5018, 5038, frozenset(range(12, 20))),  # Maestro
    (5060, 5099, frozenset(range(16, 20))),  # Verve, Elo, RuPay
    (5100, 5599, frozenset({16})),  # Mastercard
    (5600, 5999, frozenset(range(12, 20))),  # Maestro
    (6000, 6199, frozenset({16, 19})),  # Discover, RuPay
    (6200, 6299, frozenset(range(16, 20))),  # UnionPay
    (6300, 6399, frozenset(range(12, 20))),  # Maestro, InstaPayment
    (6400, 6599, frozenset(range(16, 20))),  # Discover
    (6700, 6799, frozenset(range(12, 20))),  # Maestro
    (8100, 8299, frozenset(range(16, 20))),  # UnionPay, RuPay
    (8699, 8699, frozenset({15})),  # Voyager
    (8600, 8600, frozenset({16})),  # Uzcard
    (9792, 9792, frozenset({16})),  # Troy
    (9860, 9860, frozenset({16})),  # Humo
)


def is_card(digits: str) -> bool:
    """Say whether the check digit holds and an issuer numbers its cards so."""
    if len(digits) not in CARD_DIGITS:
        return False
    first = int(digits[:4])
    return any(
        low <= first <= high and len(digits) in lengths
        for low, high, lengths in _ISSUERS
    ) and bool(luhn.is_valid(digits))


# As cards are printed: 4-4-4-4, 4-4-4-4-3, 4-6-5 and 4-6-4, with one separator; or in
# one piece.
_CARD = re.compile(
    r"(?<![0-9])(?:[0-9]{12,19}"
    r"|[0-9]{4}([ .\-])(?:[0-9]{4}\1[0-9]{4}\1[0-9]{1,4}(?:\1[0-9]{1,4})?"
    r"|[0-9]{6}\1[0-9]{4,5}))(?![0-9])"
)


def cards(body: str) -> Iterator[tuple[int, int, bool]]:
    """List what is written as a card: start, end, and whether it needs no context.

    Args:
        body: digits and separators only.
    """
    unsure: list[tuple[int, int]] = []
    sure_until = at = 0
    while found := _CARD.search(body, at):
        digits = "".join(filter(str.isdigit, found.group()))
        if is_card(digits):
            sure_until = at = found.end()
            yield found.start(), found.end(), True
        else:  # perhaps it is a number before a card: `1234 4111 1111 1111 1111`
            if len(digits) in CARD_DIGITS and found.start() >= sure_until:
                unsure.append(found.span())
            at = found.start() + 1
    for start, end in unsure:
        yield start, end, False


_CHUNK = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}[ \-]?[0-9]{2}"
    r"(?:[ \-]?[A-Za-z0-9]){11,32}"
)
_PIECES = re.compile(
    r"[A-Za-z0-9]+"
    r"(?:[ \-]?(?:[A-Z]{4}(?![A-Za-z])|[A-Za-z]{0,6}[0-9][A-Za-z0-9]*)){0,12}"
)
_FEWEST_ANNOUNCED = 8  # digits
_SIZE = re.compile(r"([0-9]+)!")


@lru_cache(maxsize=1 << 10)
def length(country: str) -> int:
    """How many characters an IBAN of a country has; 0 when there is no such IBAN."""
    [(_, about), *_] = numdb.get("iban").info(country)
    size = sum(map(int, _SIZE.findall(about.get("bban", ""))))
    return size + 4 if size else 0


def ibans(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Find IBANs whose length, structure and check digits are those of their country.

    Free words pass mod 97 once in a hundred times; with a country's length and its
    places for digits and letters they do not.
    """
    at = start
    while found := _CHUNK.search(text, at, end):
        stop = _end(text, found.start(), found.end())
        if stop and iban.is_valid(text[found.start() : stop], check_country=False):
            yield found.start(), stop
            at = stop
        else:
            at = found.start() + 2


def _end(text: str, start: int, most: int) -> int:
    """Where the IBAN that starts here would end by its country; 0 when it cannot."""
    left = length(text[start : start + 2].upper())
    if not left:
        return 0
    for at in range(start, most):
        left -= text[at].isalnum()
        if not left:
            joined = text[at + 1 : at + 2].isalnum()
            return 0 if joined else at + 1
    return 0


def after_word(text: str, start: int, floor: int, end: int) -> tuple[int, int] | None:
    """Take what follows the word IBAN for one, even when no check digit holds.

    Args:
        text: a plain text.
        start: where a run of digits starts, that the word announces.
        floor: how far before it an account may start.
        end: how far it may reach (exclusive).
    """
    found = _CHUNK.search(text, floor, end)
    if found and found.start() <= start and length(found.group()[:2].upper()):
        first = found.start()
        if stop := _end(text, first, found.end()):
            return first, stop
    else:
        first = start
        while first > floor and text[first - 1].isascii() and text[first - 1].isalnum():
            first -= 1
    pieces = _PIECES.match(text, first, end)
    if pieces and sum(map(str.isdigit, pieces.group())) >= _FEWEST_ANNOUNCED:
        return pieces.span()
    return None
