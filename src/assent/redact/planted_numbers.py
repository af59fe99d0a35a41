"""Planted numbers: telephones of many countries, cards, accounts, identity numbers."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv6Address

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from stdnum import iban, luhn
from stdnum.br import cpf
from stdnum.ch import ssn as ahv
from stdnum.cn import ric
from stdnum.es import dni
from stdnum.fi import hetu
from stdnum.gb import nhs
from stdnum.in_ import aadhaar
from stdnum.iso7064 import mod_11_10
from stdnum.it import codicefiscale
from stdnum.kr import rrn
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.se import personnummer
from stdnum.us import ssn

from assent.redact.planted_words import DIGITS, Script
from assent.redact.spans import Kind


@dataclass(frozen=True, slots=True)
class Written:
    """An identity written in one form; the fields are those of `Identity`."""

    form: str
    text: str
    before: str = ""
    after: str = ""
    entry: str = ""


Write = Callable[[Script, random.Random], Written]
"""Writes an identity in a script, drawing what is left open."""

_TRIES = 20_000


def digits(rng: random.Random, count: int) -> str:
    """Draw so many digits."""
    return "".join(rng.choices("0123456789", k=count))


def of_script(text: str, script: Script) -> str:
    """Write the digits of a text in those of a script."""
    return text.translate(str.maketrans(DIGITS[Script.PLAIN], DIGITS[script]))


def _checked(draw: Callable[[], str], valid: Callable[[str], bool]) -> str:
    """Draw until the check digits are right."""
    for _ in range(_TRIES):
        if valid(found := draw()):
            return found
    raise AssertionError(f"no valid number in {_TRIES} tries")


# -- telephones ------------------------------------------------------------------------

_REGIONS = (
    "AR AT AU BE BR CA CH CL CN CO CZ DE DK EG ES FI FR GB GR HK HU ID IE IL IN IT JP "
    "KE KR MX MY NG NL NO NZ PE PH PK PL PT RO RU SA SE SG TH TR TW UA US VN ZA"
)
_TYPES = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE)


def _telephone(
    form: str, style: int, before: tuple[str, ...], script: Script, rng: random.Random
) -> Written:
    region = rng.choice(_REGIONS.split())
    sample = phonenumbers.example_number_for_type(region, rng.choice(_TYPES))
    assert sample is not None, region

    def draw() -> str:
        whole = str(sample.national_number)
        number = phonenumbers.PhoneNumber(
            country_code=sample.country_code,
            national_number=int(whole[:-5] + digits(rng, 5)),
            italian_leading_zero=sample.italian_leading_zero,
            number_of_leading_zeros=sample.number_of_leading_zeros,
        )
        return phonenumbers.format_number(number, PhoneNumberFormat.E164)

    def valid(written: str) -> bool:
        return phonenumbers.is_valid_number(phonenumbers.parse(written))

    number = phonenumbers.parse(_checked(draw, valid))
    text = phonenumbers.format_number(number, style)
    return Written(form, of_script(text, script), rng.choice(before))


_SAID = ("Tel. ", "phone: ", "call me on ", "WhatsApp ", "mobile ", "my number is ")
_PHONES = (
    partial(_telephone, "international", PhoneNumberFormat.INTERNATIONAL, ("", *_SAID)),
    partial(_telephone, "international, joined", PhoneNumberFormat.E164, ("",)),
    partial(_telephone, "national, with a word", PhoneNumberFormat.NATIONAL, _SAID),
    partial(_telephone, "national, no word", PhoneNumberFormat.NATIONAL, ("",)),
)

# -- cards and accounts ----------------------------------------------------------------

_BRANDS = (
    ("4", (4, 4, 4, 4)),
    ("51", (4, 4, 4, 4)),
    ("2223", (4, 4, 4, 4)),
    ("6011", (4, 4, 4, 4)),
    ("3530", (4, 4, 4, 4)),
    ("6250", (4, 4, 4, 4)),
    ("37", (4, 6, 5)),
    ("36", (4, 6, 4)),
)


def _card(form: str, marks: str, script: Script, rng: random.Random) -> Written:
    prefix, groups = rng.choice(_BRANDS)
    stem = prefix + digits(rng, sum(groups) - len(prefix) - 1)
    number = stem + luhn.calc_check_digit(stem)
    mark, at, parts = rng.choice(marks) if marks else "", 0, []
    for size in groups:
        parts.append(number[at : at + size])
        at += size
    return Written(form, of_script(mark.join(parts), script))


# Structures of the SWIFT registry: n digits, a letters.
_ACCOUNTS = (
    "AE19n AT16n BG4a14n BR23n1a1n CH17n CY24n CZ20n DE18n DK14n FI14n GB4a14n GE2a16n "
    "GR23n HR17n IE4a14n IL19n IT1a22n LT16n LU16n MT4a23n NL4a10n NO11n PL24n PT21n "
    "RO4a16n SA20n SE20n SK20n TR22n UA25n"
)


def _account(form: str, apart: bool, script: Script, rng: random.Random) -> Written:
    country, structure = (each := rng.choice(_ACCOUNTS.split()))[:2], each[2:]

    def draw() -> str:
        body, count = "", ""
        for character in structure:
            if character.isdigit():
                count += character
            else:
                of = "0123456789" if character == "n" else "ABCDEFGHKLMNPRSTUW"
                body += "".join(rng.choices(of, k=int(count)))
                count = ""
        return country + iban.calc_check_digits(f"{country}00{body}") + body

    number = _checked(draw, iban.is_valid)
    return Written(form, iban.format(number) if apart else number)


# -- addresses of machines -------------------------------------------------------------


def _ip4(script: Script, rng: random.Random) -> Written:
    parts = (rng.randrange(1, 224), *(rng.randrange(256) for _ in range(3)))
    return Written("IPv4", ".".join(map(str, parts)))


def _ip6(script: Script, rng: random.Random) -> Written:
    return Written("IPv6", str(IPv6Address(0x2001 << 112 | rng.getrandbits(112))))


# -- identity numbers ------------------------------------------------------------------

# What people write before the number, the pattern of the number (9 any digit, A any
# letter, E an Italian month; DD, MM and YY a date) and its check.
_IDS: Mapping[str, tuple[str, str, Callable[[str], bool]]] = {
    "US social security": ("SSN ", "999-99-9999", ssn.is_valid),
    "GB health service": ("NHS number ", "999 999 9999", nhs.is_valid),
    "ES DNI": ("DNI ", "99999999A", dni.is_valid),
    "IT codice fiscale": (
        "codice fiscale ",
        "AAAAAAYYEDDA999A",
        codicefiscale.is_valid,
    ),
    "NL BSN": ("BSN ", "999999999", bsn.is_valid),
    "BR CPF": ("CPF ", "999.999.999-99", cpf.is_valid),
    "PL PESEL": ("PESEL ", "YYMMDD99999", pesel.is_valid),
    "IN Aadhaar": ("Aadhaar ", "9999 9999 9999", aadhaar.is_valid),
    "CN identity card": ("身份证 ", "11010519YYMMDD9999", ric.is_valid),
    "KR resident": ("주민등록번호 ", "YYMMDD-1999999", rrn.is_valid),
    "SE personnummer": ("personnummer ", "YYMMDD-9999", personnummer.is_valid),
    "FI henkilötunnus": ("henkilötunnus ", "DDMMYY-999A", hetu.is_valid),
    "CH AHV": ("AHV ", "756.9999.9999.99", ahv.is_valid),
}
_PARTS: Mapping[str, Callable[[random.Random], str]] = {
    "9": lambda rng: digits(rng, 1),
    "A": lambda rng: rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ"),
    "E": lambda rng: rng.choice("ABCDEHLMPRST"),  # a month, in Italy
}
_DATES: Mapping[str, Callable[[random.Random], str]] = {
    "YY": lambda rng: f"{rng.randrange(60, 100)}",
    "MM": lambda rng: f"{rng.randrange(1, 13):02}",
    "DD": lambda rng: f"{rng.randrange(1, 29):02}",
}


def _identity_number(form: str, script: Script, rng: random.Random) -> Written:
    before, pattern, valid = _IDS[form]

    def draw() -> str:
        found, at = "", 0
        while at < len(pattern):
            date = _DATES.get(pattern[at : at + 2])
            part = None if date else _PARTS.get(pattern[at])
            found += date(rng) if date else part(rng) if part else pattern[at]
            at += 2 if date else 1
        return found

    number = _checked(draw, valid)
    return Written(form, of_script(number, script), before)


def _tax_number(script: Script, rng: random.Random) -> Written:
    """Germany: nine digits, one of them twice, no zero first, one to check."""
    several = rng.sample("123456789", 8) + ["0"]
    several.append(several[0])
    rng.shuffle(several)
    while several[0] == "0":
        rng.shuffle(several)
    stem = "".join(several)
    number = stem + mod_11_10.calc_check_digit(stem)
    return Written("DE Steuer-ID", of_script(number, script), "Steuer-ID ")


WRITERS: Mapping[Kind, tuple[Write, ...]] = {
    Kind.PHONE: _PHONES,
    Kind.CARD: (
        partial(_card, "in groups", " -"),
        partial(_card, "joined", ""),
    ),
    Kind.IBAN: (
        partial(_account, "in groups", True),
        partial(_account, "joined", False),
    ),
    Kind.IP: (_ip4, _ip6),
    Kind.ID: (*(partial(_identity_number, form) for form in _IDS), _tax_number),
}
