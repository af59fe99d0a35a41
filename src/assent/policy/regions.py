"""Regions by name, and the jurisdictions that a set of policies tells apart."""

from collections.abc import Iterable

import pycountry

from assent.errors import PolicyError
from assent.terms import UNKNOWN_PLACE

# fmt: off
EU = frozenset([
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
])  # Treaty on European Union, members since 2020-02-01
# fmt: on
COUNTRIES = frozenset(country.alpha_2 for country in pycountry.countries)
NAMED = {
    "EU": EU,
    "EEA": EU | {"IS", "LI", "NO"},
    "UK": frozenset({"GB"}),
    "*": COUNTRIES,
}
SHOWN = 8  # countries that a message lists one by one
UNKNOWN = UNKNOWN_PLACE


def countries_of(
    regions: Iterable[str], excepted: Iterable[str] = ()
) -> frozenset[str]:
    """Resolve region names to country codes.

    Args:
        regions: `EU`, `EEA`, `UK`, `*` or ISO 3166-1 alpha-2 codes.
        excepted: the same, taken away.

    Raises:
        PolicyError: a name is none of these.
    """
    found: set[str] = set()
    for region in regions:
        found |= _one(region)
    for region in excepted:
        found -= _one(region)
    return frozenset(found)


def _one(region: str) -> frozenset[str]:
    if region in NAMED:
        return NAMED[region]
    if region in COUNTRIES:
        return frozenset({region})
    raise PolicyError(
        f"region `{region}` is unknown, wanted {', '.join(sorted(NAMED))} or an "
        "ISO 3166-1 alpha-2 code such as `CH`"
    )


def jurisdictions(
    blocks: Iterable[tuple[tuple[str, ...], tuple[str, ...]]],
) -> dict[str, str]:
    """Divide all countries into the places that no rule tells apart.

    Two countries share a jurisdiction when every block of regions holds both or
    neither. A jurisdiction is named by the blocks that hold it: `eu-eea-ch`;
    `elsewhere` when only a `*` does, `outside` when none does. Where several `*` with
    different exceptions divide one name, the parts are numbered.

    Args:
        blocks: (regions, excepted) of every rule, in any order.

    Returns:
        Country code -> jurisdiction, for every country.
    """
    named: dict[str, frozenset[str]] = {}
    wild: set[frozenset[str]] = set()
    for regions, excepted in blocks:
        members = countries_of(regions, excepted)
        if "*" in regions or excepted:
            wild.add(members)
        else:
            named["-".join(sorted(regions, key=_by_name)).lower()] = members
    parts: dict[str, dict[tuple[bool, ...], list[str]]] = {}
    ordered = sorted(wild, key=lambda members: (-len(members), sorted(members)))
    for country in sorted(COUNTRIES):
        names = sorted(name for name, members in named.items() if country in members)
        inside = tuple(country in members for members in ordered)
        name = "_".join(names) or ("elsewhere" if any(inside) else "outside")
        parts.setdefault(name, {}).setdefault(inside, []).append(country)
    result = {}
    for name, divided in parts.items():
        # The part that most blocks hold keeps the plain name.
        for n, inside in enumerate(sorted(divided, reverse=True), start=1):
            label = name if n == 1 else f"{name}-{n}"
            result.update(dict.fromkeys(divided[inside], label))
    return result


def _by_name(region: str) -> tuple[int, str]:
    order = ["EU", "EEA"]
    return (order.index(region) if region in order else len(order), region)


def in_short(countries: Iterable[str]) -> str:
    """Name countries by the names that hold them, else by code, some of them.

    Args:
        countries: ISO 3166-1 alpha-2 codes.
    """
    left = frozenset(countries)
    if left == COUNTRIES:
        return "every country"
    named = []
    for name in ("EEA", "EU"):
        if NAMED[name] <= left:
            named.append(name)
            left -= NAMED[name]
    codes = ["UK" if code == "GB" else code for code in sorted(left)]
    if len(codes) > SHOWN:
        return ", ".join([*named, *codes[:SHOWN]]) + f" and {len(codes) - SHOWN} more"
    return ", ".join([*named, *codes])
