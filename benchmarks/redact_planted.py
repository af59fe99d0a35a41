"""Made-up identifiers of each kind, valid in form: check digits and plans are kept.

Addresses and hosts are those that are reserved for examples, cards and accounts are
random digits with a right check digit, telephone numbers are the example numbers of
each plan with other last digits. None is meant to be anybody's.
"""

import random
import string
from collections.abc import Callable

import phonenumbers

REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "IN", "BR", "AU", "NL")
WRITTEN = (
    phonenumbers.PhoneNumberFormat.INTERNATIONAL,
    phonenumbers.PhoneNumberFormat.NATIONAL,
    phonenumbers.PhoneNumberFormat.E164,
)
ACCOUNTS = {"DE": "18d", "AT": "16d", "CH": "17d", "GB": "4a14d", "NL": "4a10d"}
"""What follows the check digits of an IBAN: letters and digits."""
LEADS = {
    "email": ("mail me at ", "e-mail: ", "write to "),
    "url": ("see ", "my page is ", "link: "),
    "ip": ("from ", "my server is ", "ping "),
    "phone": ("call me on ", "tel. ", "my number is "),
    "card": ("my card is ", "Visa: ", "charged to card "),
    "iban": ("IBAN ", "transfer it to ", "my account: "),
    "id": ("SSN ", "my social security number is ", "social security: "),
    "name": ("ask ", "thanks to ", "by "),
}


def email(draw: random.Random) -> str:
    """Make an address at a domain for examples."""
    return f"{handle(draw)}@{draw.choice(('example.com', 'mail.example.org'))}"


def url(draw: random.Random) -> str:
    """Make the address of a profile."""
    host = draw.choice(
        ("https://example.org/u/", "www.example.com/", "http://example.net/~")
    )
    return host + handle(draw)


def ip(draw: random.Random) -> str:
    """Make an address of the ranges for documentation (RFC 5737, RFC 3849)."""
    if draw.randrange(4) == 0:
        return "2001:db8::" + ":".join(
            f"{draw.randrange(1, 65536):x}" for _ in range(3)
        )
    net = draw.choice(("192.0.2", "198.51.100", "203.0.113"))
    return f"{net}.{draw.randrange(256)}"


def phone(draw: random.Random) -> str:
    """Make a valid number of a plan, written in one of three ways."""
    while True:
        kind = draw.choice(
            (
                phonenumbers.PhoneNumberType.MOBILE,
                phonenumbers.PhoneNumberType.FIXED_LINE,
            )
        )
        region = draw.choice(REGIONS)
        number = phonenumbers.example_number_for_type(region, kind)
        number.national_number = (
            number.national_number // 10_000 * 10_000 + draw.randrange(10_000)
        )
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, draw.choice(WRITTEN))


def card(draw: random.Random) -> str:
    """Make a number that passes Luhn's check, in groups or in one."""
    prefix, length = draw.choice(
        (("4", 16), ("5" + str(draw.randint(1, 5)), 16), ("37", 15))
    )
    body = prefix + _digits(draw, length - 1 - len(prefix))
    digits = body + str(_luhn(body))
    between = draw.choice((" ", "-", ""))
    cuts = (0, 4, 10, 15) if length == 15 else (0, 4, 8, 12, 16)
    return between.join(digits[a:b] for a, b in zip(cuts, cuts[1:], strict=False))


def iban(draw: random.Random) -> str:
    """Make an account number with right check digits, in groups of four or in one."""
    country = draw.choice(list(ACCOUNTS))
    account, form = "", ACCOUNTS[country]
    if "a" in form:
        account = "".join(draw.choices(string.ascii_uppercase, k=4))
        form = form.removeprefix("4a")
    account += _digits(draw, int(form.removesuffix("d")))
    as_number = "".join(str(int(each, 36)) for each in f"{account}{country}00")
    whole = f"{country}{98 - int(as_number) % 97:02}{account}"
    if draw.randrange(2):
        return whole
    return " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))


def national_id(draw: random.Random) -> str:
    """Make a number of the US social security's form, of an area unused till 2011."""
    return (
        f"{draw.randint(734, 749)}-{draw.randint(1, 99):02}-{draw.randint(1, 9999):04}"
    )


IDENTIFIERS: dict[str, Callable[[random.Random], str]] = {
    "email": email,
    "url": url,
    "ip": ip,
    "phone": phone,
    "card": card,
    "iban": iban,
    "id": national_id,
}


def handle(draw: random.Random) -> str:
    """Make a handle that is no word: letters, perhaps a mark, digits."""
    word = "".join(draw.choices(string.ascii_lowercase, k=draw.randint(3, 7)))
    return word + draw.choice((".", "_", "")) + str(draw.randrange(1000))


def _digits(draw: random.Random, count: int) -> str:
    return "".join(draw.choices(string.digits, k=count))


def _luhn(body: str) -> int:
    doubled = [
        sum(divmod(int(digit) * (2 if at % 2 == 0 else 1), 10))
        for at, digit in enumerate(reversed(body))
    ]
    return -sum(doubled) % 10
