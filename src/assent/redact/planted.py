"""Planted identities: made up, of every kind, to be found again by a redactor.

Every number has the check digits that its kind asks for. Nothing here is anybody's, as
far as chance allows; a random number may be in use, and so no identity is ever shown.
Pure: the same seed gives the same identities, as long as the libraries that know the
world's numbering plans are the same.

Not planted: nicknames, initials, reversed or inflected names, and what identifies
without naming.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice

from assent.redact import planted_numbers
from assent.redact.masks import Disguise, disguised, worn_by
from assent.redact.planted_numbers import Written
from assent.redact.planted_words import DIGITS, WORDS, Script
from assent.redact.spans import Kind

STAYER, LEAVER = "planted:stays", "planted:left"


@dataclass(frozen=True, slots=True)
class Identity:
    """One identity, as it is planted.

    Args:
        kind: what it is.
        script: of its letters or digits.
        form: which way of writing it, in words.
        disguise: how it was disguised.
        text: what is planted; all its letters and digits must go.
        before: stands before it, such as `Tel. `; need not go.
        after: stands after it.
        entry: what the directory knows of it, if anything.
        left: the directory knows it as a keyed hash alone, since the person left.
        near: its bearer takes part in the text; without her it is not looked for.
    """

    kind: Kind
    script: Script
    form: str
    disguise: Disguise
    text: str
    before: str = ""
    after: str = ""
    entry: str = ""
    left: bool = False
    near: bool = False

    @property
    def group(self) -> str:
        """Name what is counted together: the kind, or one sort of names."""
        return LEFT if self.left else SINGLE if self.near else self.kind.value


LEFT = "name of one who left"
SINGLE = "single name of one who takes part"
GROUPS = (
    *(each.value for each in Kind if each not in (Kind.QUOTE, Kind.EMPLOYER)),
    LEFT,
    SINGLE,
    Kind.EMPLOYER.value,
)
"""What is planted and counted apart. A quoted block is a shape, not an identity."""

_LETTERED = tuple(Script)


def identities(seed: int, each: int) -> list[Identity]:
    """Make identities: of each group, so many as written and so many disguised.

    They are spread evenly over scripts and forms, and over scripts and disguises.

    Args:
        seed: the same seed, the same identities.
        each: of a group, twice.
    """
    made: list[Identity] = []
    for group in GROUPS:
        rng = random.Random(f"assent planted {seed} {group}")
        made += islice(_as_written(group, rng), each)
        made += islice(_disguised(group, rng), each)
    return made


def entries(planted: Sequence[Identity], left: bool) -> Mapping[Kind, list[str]]:
    """List what the directory must know of identities, by kind, each once.

    Args:
        planted: the identities.
        left: of those who left, or of the others.
    """
    found: dict[Kind, dict[str, None]] = {}
    for each in planted:
        if each.entry and each.left == left:
            found.setdefault(each.kind, {})[each.entry] = None
    return {kind: list(values) for kind, values in found.items()}


def _as_written(group: str, rng: random.Random) -> Iterator[Identity]:
    makers = [(script, make) for make in _makers(group) for script in make.scripts]
    rng.shuffle(makers)
    for script, make in cycle(makers):
        yield _identity(group, script, Disguise.NONE, make.write(script, rng))


def _disguised(group: str, rng: random.Random) -> Iterator[Identity]:
    makers = _makers(group)
    scripts = list(dict.fromkeys(each for make in makers for each in make.scripts))
    worn = [each for each in Disguise if worn_by(each, _kind(group))]
    worn.remove(Disguise.NONE)
    cells = [(script, each) for script in scripts for each in worn]
    rng.shuffle(cells)
    for script, disguise in cycle(cells):
        make = rng.choice([each for each in makers if script in each.scripts])
        written = make.write(script, rng)
        text = disguised(written.text, _kind(group), disguise, rng)
        if text is not None:
            yield _identity(group, script, disguise, written, text)


def _identity(
    group: str, script: Script, how: Disguise, written: Written, text: str = ""
) -> Identity:
    return Identity(
        _kind(group),
        script,
        written.form,
        how,
        text or written.text,
        written.before,
        written.after,
        written.entry,
        group == LEFT,
        group == SINGLE,
    )


def _kind(group: str) -> Kind:
    return Kind.NAME if group in (LEFT, SINGLE) else Kind(group)


@dataclass(frozen=True, slots=True)
class _Maker:
    """One way of making an identity, and the scripts in which it can be made."""

    write: planted_numbers.Write
    scripts: tuple[Script, ...]


def _makers(group: str) -> list[_Maker]:
    if group == Kind.NAME:
        return [_Maker(partial(_name, 0), _LETTERED), _Maker(_inside, _UNSPACED)]
    if group == LEFT:
        return [_Maker(partial(_name, 1), _LETTERED)]
    if group == SINGLE:
        return [_Maker(_single, _LETTERED)]
    kind = Kind(group)
    if kind in _WRITERS:
        return [_Maker(write, _LETTERED) for write in _WRITERS[kind]]
    # Telephones and cards are written in the digits of a script, the others hardly.
    scripts = tuple(DIGITS) if kind in (Kind.PHONE, Kind.CARD) else (Script.PLAIN,)
    return [_Maker(write, scripts) for write in planted_numbers.WRITERS[kind]]


# -- what is made of letters -----------------------------------------------------------


def _name(parity: int, script: Script, rng: random.Random) -> Written:
    name = _full_name(script, rng, parity)
    return Written("full name", name, entry=name)


def _single(script: Script, rng: random.Random) -> Written:
    """Write a first name; where it comes last, it is the one put together."""
    words = WORDS[script]
    parts = (words.starts, words.ends) if words.blank == "" else (words.own,)
    name = "".join(rng.choice(each.split()) for each in parts)
    return Written("first name", name, entry=name)


def _inside(script: Script, rng: random.Random) -> Written:
    name = _full_name(script, rng, 0)
    before, after = WORDS[script].around
    return Written("full name, no blank beside it", name, before, after, name)


_UNSPACED = tuple(script for script in Script if WORDS[script].around != ("", ""))


def _full_name(script: Script, rng: random.Random, parity: int) -> str:
    """Put a name together; nobody who left has a name of somebody who stays.

    Args:
        script: of the letters.
        rng: draws.
        parity: 0 or 1: which half of all names it is of.
    """
    words = WORDS[script]
    starts, ends = words.starts.split(), words.ends.split()
    start, end = rng.randrange(len(starts)), rng.randrange(len(ends))
    if start % 2 != parity:
        start = (start + 1) % (len(starts) - len(starts) % 2)
    return f"{rng.choice(words.own.split())}{words.blank}{starts[start]}{ends[end]}"


def _employer(script: Script, rng: random.Random) -> Written:
    words = WORDS[script]
    parts = (rng.choice(each.split()) for each in (words.starts, words.ends))
    name = f"{''.join(parts)}{words.blank}{rng.choice(words.trades.split())}"
    return Written("company", name, entry=name)


def _local(script: Script, rng: random.Random) -> str:
    words = WORDS[script]
    parts = [rng.choice(words.own.split()), rng.choice(words.starts.split())]
    mark = rng.choice((".", "_", "-", ""))
    return f"{mark.join(parts)}{rng.randrange(10, 100)}".lower()


def _host(script: Script, rng: random.Random) -> str:
    place = rng.choice(WORDS[script].places.split())
    return f"{place}.example.{rng.choice(('com', 'org', 'net'))}"


def _email(script: Script, rng: random.Random) -> Written:
    return Written("address", f"{_local(script, rng)}@{_host(script, rng)}")


def _email_named(script: Script, rng: random.Random) -> Written:
    address = f"{_local(script, rng)}@{_host(script, rng)}"
    return Written("address in brackets", address, "<", ">")


def _https(script: Script, rng: random.Random) -> Written:
    path = f"{rng.choice(('in', 'u', 'people'))}/{_local(script, rng)}"
    return Written("with a scheme", f"https://{_host(script, rng)}/{path}")


def _www(script: Script, rng: random.Random) -> Written:
    return Written("with www", f"www.{_host(script, rng)}/{_local(script, rng)}")


def _bare(script: Script, rng: random.Random) -> Written:
    url = f"{_host(script, rng)}/in/{_local(script, rng)}"
    return Written("bare, in the directory", url, entry=f"https://{url}")


def _at_handle(script: Script, rng: random.Random) -> Written:
    return Written("with @", f"@{_local(script, rng).replace('-', '_')}")


def _federated(script: Script, rng: random.Random) -> Written:
    name = _local(script, rng).replace("-", "_")
    return Written("with @ and its server", f"@{name}@{_host(script, rng)}")


def _listed_handle(script: Script, rng: random.Random) -> Written:
    handle = _local(script, rng).replace("-", "_")
    return Written("bare, in the directory", handle, entry=handle)


_WRITERS: Mapping[Kind, tuple[planted_numbers.Write, ...]] = {
    Kind.EMAIL: (_email, _email_named),
    Kind.URL: (_https, _www, _bare),
    Kind.HANDLE: (_at_handle, _federated, _listed_handle),
    Kind.EMPLOYER: (_employer,),
}
