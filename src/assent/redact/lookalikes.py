"""Look-alikes: what reads like personal data and is none, to be left alone."""

import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_R = random.Random


@dataclass(frozen=True, slots=True)
class Innocent:
    """One look-alike.

    Args:
        sort: what it is.
        text: nothing of it need go.
        before: stands before it, such as `release `.
    """

    sort: str
    text: str
    before: str = ""


def innocents(seed: int, each: int) -> list[Innocent]:
    """Make look-alikes, so many of each sort; the same seed makes the same.

    Args:
        seed: of the draw.
        each: how many of a sort.
    """
    made = []
    for sort, (before, write) in _SORTS.items():
        rng = random.Random(f"assent look-alikes {seed} {sort}")
        made += [
            Innocent(sort, write(rng), rng.choice(before.split("|")))
            for _ in range(each)
        ]
    return made


def _digits(rng: _R, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


def _hex(rng: _R, count: int) -> str:
    return "".join(rng.choices("0123456789abcdef", k=count))


def _date(rng: _R) -> str:
    year, month, day = (
        rng.randrange(1970, 2030),
        rng.randrange(1, 13),
        rng.randint(1, 28),
    )
    return rng.choice(
        (
            f"{year}-{month:02}-{day:02}",
            f"{day:02}.{month:02}.{year}",
            f"{month}/{day}/{year % 100:02}",
            f"{day:02}-{month:02}-{year}",
        )
    )


def _time(rng: _R) -> str:
    clock = f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}"
    return f"{_date(rng)} {clock}"


def _version(rng: _R) -> str:
    parts = [str(rng.randrange(30)) for _ in range(rng.choice((3, 3, 5)))]
    return ".".join(parts) + rng.choice(("", "-rc1", "b2"))


def _price(rng: _R) -> str:
    whole = f"{rng.randrange(1, 40):,},{rng.randrange(1000):03}"
    return rng.choice((f"${whole}.{_digits(rng, 2)}", f"{whole} EUR"))


def _range(rng: _R) -> str:
    first = rng.randrange(1800, 2000)
    return f"{first}-{first + rng.randrange(1, 80)}"


def _isbn(rng: _R) -> str:
    stem = f"978{_digits(rng, 9)}"
    check = -sum(int(d) * (1, 3)[n % 2] for n, d in enumerate(stem)) % 10
    return f"978-{stem[3]}-{stem[4:8]}-{stem[8:12]}-{check}"


def _coordinates(rng: _R) -> str:
    return f"{rng.uniform(-90, 90):.5f}, {rng.uniform(-180, 180):.5f}"


def _sums(rng: _R) -> str:
    a, b = rng.randrange(1000, 99999), rng.randrange(1000, 99999)
    return rng.choice((f"{a} + {b} = {a + b}", f"{a} * {b} = {a * b}"))


def _series(rng: _R) -> str:
    return " ".join(_digits(rng, rng.choice((2, 3, 4))) for _ in range(6))


_NAMES = ("report", "notes", "invoice", "backup", "draft", "figure")
_ENDINGS = ("pdf", "py", "tar.gz", "docx", "jpeg")
_CODE = (
    "self.cache.get(key).value",
    "a[i] = b[j].c(d)",
    "x.y.z += 1",
    "const f = (a, b) => a.b.c",
    "if (n % 2 == 0) return m.at(n)",
    "std::vector<int>::iterator",
    "import os.path as p",
    "@property",
    "@override",
    "@media print",
)
_PHRASES = (
    "Grace Period",
    "Will Power",
    "Mark Down",
    "New York",
    "Central Park",
    "Machine Learning",
    "Black Forest",
    "Easter Island",
    "Frank Discussion",
    "Bill Payment",
)
_TALK = ("3:2 at half time", "5-7, 6-4, 7-6", "121-118 in overtime", "2:1 (1:0)")

_SORTS: Mapping[str, tuple[str, Callable[[_R], str]]] = {
    "version": ("release |version |v|pinned to ", _version),
    "date": ("on |since |", _date),
    "date and time": ("at |", _time),
    "years": ("in |(", _range),
    "score": ("", lambda rng: rng.choice(_TALK)),
    "order number": (
        "order |invoice |ticket #",
        lambda rng: f"{_digits(rng, 4)}-{_digits(rng, 5)}",
    ),
    "part number": (
        "part |item ",
        lambda rng: f"KX-{_digits(rng, 4)}/{_digits(rng, 2)}",
    ),
    "price": ("for |", _price),
    "measure": ("", lambda rng: f"{_digits(rng, 3)}.{_digits(rng, 2)} x 10.5 mm"),
    "sum": ("", _sums),
    "row of numbers": ("values: ", _series),
    "book number": ("ISBN ", _isbn),
    "article number": (
        "doi:",
        lambda rng: f"10.{rng.randrange(1000, 9999)}/j.{_digits(rng, 8)}",
    ),
    "commit": ("commit |", lambda rng: _hex(rng, rng.choice((7, 12, 40)))),
    "UUID": ("", lambda rng: str(uuid.UUID(int=rng.getrandbits(128), version=4))),
    "place on a map": ("", _coordinates),
    "file name": (
        "",
        lambda rng: f"{rng.choice(_NAMES)}_{_digits(rng, 4)}.{rng.choice(_ENDINGS)}",
    ),
    "section": (
        "section |see |",
        lambda rng: f"{rng.randrange(1, 20)}.{_digits(rng, 1)}",
    ),
    "code": ("", lambda rng: rng.choice(_CODE)),
    "capital letters": ("the |a |", lambda rng: rng.choice(_PHRASES)),
}
SORTS = tuple(_SORTS)
