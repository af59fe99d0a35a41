"""A country from free text, only where the text clearly says one.

A wrong country can turn a person whom a regulator protects into one whom a rule
allows, so everything that could mean two places is unknown: `Georgia`, `Springfield,
IN`, `Hong Kong, China`. Unknown denies under any rule that depends on a region.
"""

import re
import unicodedata
from functools import cache

import pycountry

CODES = frozenset(str(country.alpha_2) for country in pycountry.countries)
LONGEST = 200  # characters; a place is shorter, and this bounds the work per row

# Names of countries that are also a region of another country, or of two countries.
AMBIGUOUS = frozenset(["georgia", "jersey", "korea", "congo", "samoa", "micronesia"])
# Nobody resides there: such a location is a joke.
UNINHABITED = frozenset(["AQ", "BV", "GS", "HM", "TF", "UM"])
# fmt: off
ALIASES = {
    "GB": ["uk", "u k", "great britain", "britain", "england", "scotland", "wales",
           "northern ireland", "united kingdom of great britain"],
    "US": ["usa", "u s a", "u s", "united states", "united states of america",
           "the united states", "the usa", "the united states of america"],
    "DE": ["deutschland", "allemagne"], "AT": ["österreich"],
    "CH": ["schweiz", "suisse", "svizzera"], "NL": ["the netherlands", "nederland",
                                                   "holland"],
    "BE": ["belgië", "belgique"], "ES": ["españa", "espana"], "IT": ["italia"],
    "BR": ["brasil"], "SE": ["sverige"], "NO": ["norge"], "DK": ["danmark"],
    "FI": ["suomi"], "PL": ["polska"], "CZ": ["česko", "czech republic",
                                              "česká republika"],
    "SK": ["slovensko", "slovak republic"], "HU": ["magyarország"],
    "RO": ["românia"], "GR": ["ελλάδα", "hellas"], "RU": ["russia", "россия"],
    "UA": ["україна", "украина"], "BG": ["българия"], "RS": ["србија", "srbija"],
    "HR": ["hrvatska"], "SI": ["slovenija"], "LT": ["lietuva"], "LV": ["latvija"],
    "EE": ["eesti"], "IE": ["éire", "republic of ireland"],
    "TR": ["turkey", "türkiye"], "IR": ["iran"], "VN": ["vietnam"],
    "TW": ["taiwan"], "KR": ["south korea", "대한민국"], "KP": ["north korea"],
    "JP": ["日本"], "CN": ["中国", "p r china", "people's republic of china"],
    "IN": ["भारत"], "IL": ["ישראל"], "SY": ["syria"], "LA": ["laos"],
    "BO": ["bolivia"], "VE": ["venezuela"], "TZ": ["tanzania"], "MD": ["moldova"],
    "AE": ["uae", "u a e"], "BN": ["brunei"],
    "ZA": ["rsa"], "NZ": ["aotearoa"], "HK": ["hongkong", "hong kong sar"],
    "MA": ["maroc"], "DZ": ["algérie"], "TN": ["tunisie"],
}
# Two letters after a comma that name a state of the US and nothing else that people
# write there: no ISO 3166-1 code (CA, DE, IN ...), no province of Italy (MI, OR, VT
# ...), no state of Australia (WA) and none of India.
STATE_CODES = frozenset([
    "AK", "DC", "FL", "HI", "IA", "KS", "NH", "NJ", "NV", "NY", "OH", "OK", "TX", "UT",
    "WI", "WV", "WY",
])
# Three letters that are words or other codes at least as often as they are countries.
NOT_A_CODE = frozenset(["AND", "ARE", "ARM", "COM", "GIN", "NOR", "PER", "SUR"])
# fmt: on


def country_of(location: str | None) -> str | None:
    """Read the country that a free-text location clearly says, or None.

    The last part after a comma, or the whole text, must be a name of a country or one
    of few aliases; after a comma also a state or province whose full name belongs to
    one country, or an unambiguous code of a US state. Two parts that name different
    countries give None, and so does anything else.

    Args:
        location: as a person wrote it.

    Returns:
        ISO 3166-1 alpha-2, or None.
    """
    if not location or len(location) > LONGEST:
        return None
    parts = [part for part in map(str.strip, location.split(",")) if part]
    if not parts:
        return None
    found = _named(parts[-1]) or (_within(parts[-1]) if len(parts) > 1 else None)
    others = {_named(part) for part in parts[:-1]} - {None, found}
    return None if others else found


def _named(part: str) -> str | None:
    """Find a country by its name, or by its three capital letters."""
    if re.fullmatch(r"[A-Z]{3}", part) and part not in NOT_A_CODE:
        country = pycountry.countries.get(alpha_3=part)
        if country is not None:
            return str(country.alpha_2)
    if part == "US":  # never `us`: that is a word
        return "US"
    return _names().get(_plain(part))


def _within(part: str) -> str | None:
    """Find the country of a state or province named after a comma."""
    if part in STATE_CODES:
        return "US"
    return _provinces().get(_plain(part))


@cache
def _names() -> dict[str, str]:
    """All names of countries in plain letters, without those that name two places."""
    names: dict[str, str] = {}
    for country in pycountry.countries:
        for field in ("name", "common_name", "official_name"):
            name = getattr(country, field, None)
            if name:
                names[_plain(name)] = country.alpha_2
    for code, aliases in ALIASES.items():
        names.update({_plain(alias): code for alias in aliases})
    return {
        name: code
        for name, code in names.items()
        if name not in AMBIGUOUS and code not in UNINHABITED
    }


@cache
def _provinces() -> dict[str, str]:
    """Full names of states and provinces of four federations, where they are unique."""
    countries: dict[str, set[str]] = {}
    for each in pycountry.subdivisions:
        countries.setdefault(_plain(each.name), set()).add(each.country_code)
    taken = _names().keys() | AMBIGUOUS
    return {
        name: next(iter(codes))
        for name, codes in countries.items()
        # Georgia is a country too; Punjab lies in two countries.
        if len(codes) == 1 and codes <= {"US", "CA", "AU", "IN"} and name not in taken
    }


def _plain(text: str) -> str:
    """Write a name in lower case, without marks, dots and doubled spaces."""
    letters = unicodedata.normalize("NFKD", text.casefold().replace(".", " "))
    kept = (letter for letter in letters if not unicodedata.combining(letter))
    return " ".join("".join(kept).split())
