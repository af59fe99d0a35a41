"""The directory: members' names, handles, addresses and numbers, to find and remove.

It is personal data and nothing else: whoever stores it uses mode 0600. It is pinned by
its digest in every plan and corpus, so that forgetting a person changes nobody else's
text: her entries stay in it until the next plan.

Not found: a single name in another case, or of one or two letters; initials, nicknames,
reversed order and inflected forms (`Annas`); a handle that is an ordinary word, unless
it is written with `@` or opens a line as the person spoken to (`anna: thanks`).
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import phonenumbers
import pyarrow as pa
from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from assent.canon import canonical, sha256
from assent.corpus.detect import (
    PHONE_DIGITS,
    Kind,
    Plain,
    Span,
    link_end,
    numbers,
    opened,
    plain,
)
from assent.errors import CorpusError

FORMAT = "assent/directory/v1"
COLUMNS = {
    "names": Kind.NAME,
    "handles": Kind.HANDLE,
    "emails": Kind.EMAIL,
    "phones": Kind.PHONE,
    "urls": Kind.URL,
}
LETTERS = 3  # a shorter name is found in half of all sentences
UNSPACED_LETTERS = 2  # a whole Chinese name may be two characters
SURE_DIGITS = 8  # fewer digits than this must be the whole number of somebody
_COUNTRY_DIGITS = 3
_KEY_DIGITS = PHONE_DIGITS.start

# Scripts written without blanks: a name there has no word boundary to be checked.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
_DISTINCT = re.compile(r"[\d_.]")
_ADDRESSED = re.compile(r"^([^\s:,]{1,64})[:,](?=\s|$)", re.MULTILINE)
_SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?(?:www\.)?")
_REST = re.compile(r"[/?#][^\s<>\"\0]*")


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One thing to look for, in its normal form."""

    kind: Kind
    text: str


def normal(kind: Kind, raw: str) -> Entry | None:
    """Bring a directory value to the form that is looked for.

    Returns:
        None when it is too short, or not of its kind, and would be found everywhere.
    """
    view = plain(raw)
    text = view.text.replace("\n", " ").strip()
    lower = view.lower.replace("\n", " ").strip()
    if kind is Kind.NAME:
        return _name(text, lower)
    if kind is Kind.HANDLE:
        handle = lower.removeprefix("@")
        return Entry(kind, handle) if handle else None
    if kind is Kind.EMAIL:
        address = lower.removeprefix("mailto:")
        return Entry(kind, address) if re.search(r"\w@\w", address) else None
    if kind is Kind.PHONE:
        digits = _phone(text)
        return Entry(kind, digits) if len(digits) in PHONE_DIGITS else None
    link = _SCHEME.sub("", lower).rstrip("/")
    return Entry(kind, link) if "." in link else None


def _name(text: str, lower: str) -> Entry | None:
    letters = sum(map(str.isalpha, text))
    least = UNSPACED_LETTERS if _UNSPACED.search(text) else LETTERS
    if letters < least:
        return None
    # Several words are sure enough for any case; one word may be a word of the
    # language (Will, Grace), which only its capital gives away.
    return Entry(Kind.NAME, lower if " " in text else text)


def _phone(text: str) -> str:
    if text.startswith("+"):
        try:
            number = phonenumbers.parse(text, None)
        except phonenumbers.NumberParseException:
            pass  # not a number of any plan: its digits are still to be found
        else:
            written = phonenumbers.PhoneNumberFormat.E164
            return phonenumbers.format_number(number, written).removeprefix("+")
    digits = "".join(filter(str.isdigit, text))
    return digits.removeprefix("00")


class Directory:
    """Every entry of every member, and the automata that find them.

    Memory grows with the entries: about 0.6 kB each. A million names take about 8 s to
    build on one core.

    Args:
        entries: in any order, repeated or not.
    """

    __slots__ = (
        "_any_case",
        "_exact",
        "_handles",
        "_links",
        "_phones",
        "_words",
        "digest",
        "entries",
    )

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(sorted(set(entries), key=_order))
        self.digest = sha256(self.to_bytes())
        self._words: list[Entry] = []
        exact: list[str] = []
        phones: dict[str, list[str]] = {}
        for entry in self.entries:
            if entry.kind is Kind.PHONE:
                phones.setdefault(entry.text[-_KEY_DIGITS:], []).append(entry.text)
            elif entry.kind is Kind.NAME and " " not in entry.text:
                exact.append(entry.text)
            elif entry.kind is not Kind.HANDLE or _stands_alone(entry.text):
                self._words.append(entry)
        self._phones = phones
        self._handles = frozenset(
            entry.text for entry in self.entries if entry.kind is Kind.HANDLE
        )
        self._exact = _automaton(exact)
        self._any_case = _automaton([entry.text for entry in self._words])

    @classmethod
    def from_subjects(
        cls, subjects: pa.Table, words: Collection[str] = ()
    ) -> "Directory":
        """Collect the directory columns of the subjects table.

        Values too short to be looked for are left out; null lists are empty.

        Args:
            subjects: the table, with the directory columns.
            words: single names that are not to be found alone, in this very case: on
                a site about quantum computers, a member who calls himself `quantum`
                would take that word from everybody's texts. His handle is still found.

        Raises:
            CorpusError: a directory column is missing, so nobody would be found by it.
        """
        entries: set[Entry] = set()
        for column, kind in COLUMNS.items():
            if column not in subjects.column_names:
                raise CorpusError(
                    f"the subjects table has no column `{column}`",
                    hint="add the column; an empty list says that there is nothing",
                )
            values = subjects[column].combine_chunks().flatten().drop_null()
            found = (normal(kind, raw) for raw in values.unique().to_pylist())
            entries.update(entry for entry in found if entry is not None)
        return cls(entries - {Entry(Kind.NAME, word) for word in words})

    def to_bytes(self) -> bytes:
        """Write the one canonical form: a head line, then a line an entry, sorted."""
        head = canonical({"entries": len(self.entries), "format": FORMAT})
        lines = [canonical([entry.kind.value, entry.text]) for entry in self.entries]
        return b"\n".join([head, *lines]) + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> "Directory":
        """Read what `to_bytes` wrote.

        Raises:
            CorpusError: not the canonical bytes of a directory.
        """
        try:
            rows = [json.loads(line) for line in data.splitlines()[1:]]
            directory = cls(Entry(Kind(kind), text) for kind, text in rows)
        except (ValueError, TypeError, AttributeError) as error:
            raise _not_canonical() from error
        if directory.to_bytes() != data:
            raise _not_canonical()
        return directory

    def find(self, view: Plain) -> Iterator[Span]:
        """Find entries in a text; spans may overlap. Offsets are those of the view."""
        text = view.text
        for _, start, end in self._exact.find_matches_as_indexes(
            text, overlapping=True
        ):
            if _whole(text, start, end):
                yield Span(start, end, Kind.NAME)
        lower = view.lower
        # Overlapping, so that a match that fails its boundary hides no other.
        for index, start, end in self._any_case.find_matches_as_indexes(
            lower.replace("\n", " "), overlapping=True
        ):
            if _whole(text, start, end):
                kind = self._words[index].kind
                if kind is Kind.URL and (rest := _REST.match(text, end)):
                    end = max(end, link_end(text, start, rest.end()))
                yield Span(start, end, kind)
        for found in _ADDRESSED.finditer(lower):
            if found.group(1) in self._handles:
                yield Span(found.start(1), found.end(1), Kind.HANDLE)
        if self._phones:
            yield from self._numbers(text)

    def _numbers(self, text: str) -> Iterator[Span]:
        for start, end, digits in numbers(text):
            known = self._phones.get(digits[-_KEY_DIGITS:], ())
            if any(_same_number(digits, entry) for entry in known):
                yield Span(opened(text, start), end, Kind.PHONE)


def _order(entry: Entry) -> tuple[str, str]:
    return entry.kind.value, entry.text


def _automaton(patterns: list[str]) -> AhoCorasick:
    return AhoCorasick(
        patterns,
        matchkind=MatchKind.Standard,
        store_patterns=False,
        implementation=Implementation.ContiguousNFA,
    )


def _stands_alone(handle: str) -> bool:
    """A handle that nobody takes for a word is looked for without its `@`."""
    return len(handle) >= 4 and _DISTINCT.search(handle) is not None


def _whole(text: str, start: int, end: int) -> bool:
    before, first = text[start - 1 : start], text[start]
    last, after = text[end - 1], text[end : end + 1]
    return not (_joined(before, first) or _joined(last, after))


def _joined(left: str, right: str) -> bool:
    """Two neighbours are inside one word."""
    if not (_of_word(left) and _of_word(right)):
        return False
    return not (_UNSPACED.match(left) or _UNSPACED.match(right))


def _of_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _same_number(digits: str, entry: str) -> bool:
    """With or without country code and leading zero, it is the same line."""
    if digits == entry:
        return True
    written, known = digits.lstrip("0"), entry.lstrip("0")
    shorter, longer = sorted((written, known), key=len)
    if len(shorter) < SURE_DIGITS or not longer.endswith(shorter):
        return False
    return len(written) - len(known) <= _COUNTRY_DIGITS


def _not_canonical() -> CorpusError:
    return CorpusError(
        "the directory is not in its canonical form: its digest would pin nothing",
        hint="build the directory again from the subjects table",
    )
