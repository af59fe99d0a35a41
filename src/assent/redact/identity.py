"""Numbers that a state gives to a person: by their shape and check digits.

What a check digit cannot say a word says (`assent.redact.context`); here is what needs
none. Nothing here reads the clock: a birthday in the future is no reason for a refusal,
or the same text would read otherwise a year later.
"""

import re
from collections.abc import Callable, Iterator

from stdnum import luhn
from stdnum.br import cpf
from stdnum.ch import ssn as ahv
from stdnum.cn import ric
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.it import codicefiscale
from stdnum.kr import rrn
from stdnum.mx import curp
from stdnum.pl import pesel

_BOUND = r"(?<![0-9A-Za-z+])(?<![0-9A-Za-z_]\()(?<![0-9A-Za-z][.\-/])"
_BOUND_AFTER = r"(?![0-9A-Za-z]|\*[0-9A-Za-z]|[.\-/][0-9])"


def _always(number: str) -> bool:
    return True


def _personnummer(number: str) -> bool:
    """Source: Skatteverket, SKV 704: Luhn over ten digits; a co-ordination day + 60."""
    digits = "".join(filter(str.isdigit, number))[-10:]
    month, day = int(digits[2:4]), int(digits[4:6])
    return 1 <= month <= 12 and 1 <= day % 60 <= 31 and bool(luhn.is_valid(digits))


def _belgian(number: str) -> bool:
    """Source: Belgian Rijksregister: 97 less the rest of nine digits; 2 first: 2000."""
    digits = "".join(filter(str.isdigit, number))
    check = int(digits[9:])
    return check in (97 - int(digits[:9]) % 97, 97 - int("2" + digits[:9]) % 97)


def _pesel(number: str) -> bool:
    return bool(pesel.is_valid(number))


def _rrn(number: str) -> bool:
    return bool(rrn.is_valid(number, allow_future=True))


# Shapes of digits and separators, each with what makes it sure.
_DIGITS: dict[str, tuple[str, Callable[[str], bool]]] = {
    # The only number that is grouped 3-2-4.
    "us": (r"(?!000|666)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}", _always),
    "br": (r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", cpf.is_valid),
    "ch": (r"756\.[0-9]{4}\.[0-9]{4}\.[0-9]{2}", ahv.is_valid),
    "be": (r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}", _belgian),
    "se": (r"(?:19|20)?[0-9]{6}-[0-9]{4}", _personnummer),
    "kr": (r"[0-9]{6}-[1-8][0-9]{6}", _rrn),
    "pl": (r"[0-9]{11}", _pesel),
    "cn": (r"[0-9]{17}[0-9X]", ric.is_valid),
    "fr": (
        r"[12] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}",
        nir.is_valid,
    ),
}
# Shapes with letters.
_LETTERS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "gb": (
        r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?"
        r"[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]",
        _always,
    ),
    "fi": (r"[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-Y]", hetu.is_valid),
    "es": (r"[0-9]{8}-?[A-HJ-NP-TV-Z]", dni.is_valid),
    "nie": (r"[XYZ]-?[0-9]{7}-?[A-HJ-NP-TV-Z]", nie.is_valid),
    "mx": (r"[A-Z]{4}[0-9]{6}[HM][A-Z]{5}[0-9A-Z][0-9]", curp.is_valid),
    "it": (
        r"[A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]",
        codicefiscale.is_valid,
    ),
}
_CHECKS = {name: check for name, (_, check) in (_DIGITS | _LETTERS).items()}


def _any(shapes: dict[str, tuple[str, Callable[[str], bool]]]) -> re.Pattern[str]:
    named = "|".join(f"(?P<{name}>{shape})" for name, (shape, _) in shapes.items())
    return re.compile(f"{_BOUND}(?:{named}){_BOUND_AFTER}")


_ANY_DIGITS = _any(_DIGITS)
_ANY_LETTERS = _any(_LETTERS)
_CAPITAL = re.compile("[A-Z]")
_DIGITS_CHAIN = 11  # characters of the shortest shape without letters
_NEAR = 2  # characters from a chain to a capital of the same number
_BEFORE = 8  # characters
_AFTER = 16
_TOKEN_BEFORE = 24


def shaped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Find identity numbers that are sure by themselves, in and around a run of digits.

    Args:
        text: a plain text.
        start: where the run starts; letters before it may belong to the number.
        end: where the run ends (exclusive); letters after it may belong too.
    """
    floor, ceiling = max(0, start - _BEFORE), end + _AFTER
    if end - start >= _DIGITS_CHAIN:
        for found in _ANY_DIGITS.finditer(text, start, ceiling):
            if found.start() < end and _CHECKS[found.lastgroup or ""](found.group()):
                yield found.span()
    if _CAPITAL.search(text, max(0, start - _NEAR), end + _NEAR):
        for found in _ANY_LETTERS.finditer(text, floor, ceiling):
            if found.start() < end and _CHECKS[found.lastgroup or ""](found.group()):
                yield found.span()


_TOKEN = re.compile(r"[A-Za-z0-9]+(?:[ .\-/]?[A-Za-z0-9]*[0-9][A-Za-z0-9]*){0,6}")
_DECIMAL = re.compile(r"[0-9]+\.[0-9]+")
ANNOUNCED_DIGITS = range(5, 20)


def after_word(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Take the number that a word like `passport` announces, whatever its shape.

    Args:
        text: a plain text.
        start: where the run of digits starts.
        end: where it ends (exclusive).
    """
    floor = max(0, start - _TOKEN_BEFORE)
    while start > floor and text[start - 1].isascii() and text[start - 1].isalnum():
        start -= 1
    found = _TOKEN.match(text, start, end + _AFTER)
    if not found or _DECIMAL.fullmatch(found.group()):
        return None
    if sum(map(str.isdigit, found.group())) in ANNOUNCED_DIGITS:
        return found.start(), found.end()
    return None
