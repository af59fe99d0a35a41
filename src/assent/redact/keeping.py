"""Keeping names: those of which every plausible bearer has agreed.

A text is redacted as if no name were ever kept; then the names whose bearers have all
agreed are put back where they stood. So what is removed does not depend on who agreed,
and a name is taken back later, without the text as it was, to the same result as if it
had never been kept.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assent.redact.directory import Directory
from assent.redact.entries import BATCH, Mark, forms_of, letters_of, lowered
from assent.redact.forms import same_letters
from assent.redact.grams import hashed
from assent.redact.otherwise import readings
from assent.redact.settings import Settings
from assent.redact.spans import Found, Kind, Span

_OF_WORDS = Mark.NAME | Mark.HANDLE | Mark.EMAIL | Mark.URL | Mark.EMPLOYER
"""Marks of entries that a run of words is: whoever has one may be its bearer."""


class Kept(NamedTuple):
    """A name that stands in a text: `[start, end)` in characters, and its bearers."""

    start: int
    end: int
    bearers: tuple[str, ...]


class Bearers:
    """Who may be meant by a name that can be kept.

    Memory: the names of those who agreed; one pass over the directory.

    Args:
        directory: the pinned one. Who is hidden in it has not agreed.
        agreed: subjects who agreed that their names stand in others' texts.
    """

    def __init__(self, directory: Directory, agreed: Collection[str]) -> None:
        self._directory = directory
        self._agreed = frozenset(agreed)
        rows = directory.rows
        marks = rows["mark"].to_numpy()
        # A handle that opens a line, and a number, is no run of words.
        rows = rows.filter(pa.array((marks & _OF_WORDS) > 0))
        marks = rows["mark"].to_numpy()
        hers = pc.is_in(rows["subject_id"], pa.array(sorted(self._agreed), pa.string()))
        names = pc.and_(hers, pa.array((marks & Mark.NAME) > 0))
        wanted = set(rows["text"].filter(names).to_pylist())
        # A name of one word is kept as it is written, everything else in lower case.
        forms = pa.array(sorted(wanted | set(map(lowered, wanted))), pa.string())
        found: dict[tuple[bool, str], set[str | None]] = {}
        for row in rows.filter(pc.is_in(rows["text"], forms)).to_pylist():
            key = bool(row["mark"] & Mark.NEAR), row["text"]
            found.setdefault(key, set()).add(row["subject_id"])
        self._found = found
        self._forms = _forms(
            rows, frozenset(each for name in wanted for each in _read_as(name))
        )

    def of(self, written: str) -> tuple[str, ...] | None:
        """List all bearers of a name as it stands in a folded text.

        Returns:
            Their ids, sorted; None where nobody is known by just these words, where one
            of all who can be meant has not agreed, or where one is not known: nobody
            can have asked that one.
        """
        lower = lowered(written)
        every = self._found.get((True, written), set()) | self._found.get(
            (False, lower), set()
        )
        if not every:
            return None
        for letters in _read_as(written):
            every = every | self._forms.get(letters, set())
        if not every <= self._agreed or self._hidden(written, lower):
            return None
        return tuple(sorted(each for each in every if each is not None))

    def of_span(
        self, text: str, span: Found, inside: Sequence[Found]
    ) -> tuple[str, ...] | None:
        """List all bearers of a merged span; None where it must be replaced.

        Args:
            text: the folded text.
            span: what was found, merged.
            inside: all finds in it: it is kept only if each is a name, and one of them
                is the whole. Of names inside of a name every bearer counts.
        """
        whole = False
        bearers: set[str] = set()
        for start, end, kind in inside:
            who = self.of(text[start:end]) if kind is Kind.NAME else None
            if who is None:
                return None
            whole |= (start, end) == span[:2]
            bearers.update(who)
        return tuple(sorted(bearers)) if whole else None

    def _hidden(self, written: str, lower: str) -> bool:
        forms = [(mark, lower) for mark in Mark if mark & _OF_WORDS]
        forms += [(mark | Mark.NEAR, written) for mark in (Mark.NAME, Mark.EMPLOYER)]
        return any(self._directory.hides(mark, text) for mark, text in forms) or any(
            map(self._directory.hides_letters, _read_as(written))
        )


def _read_as(name: str) -> Iterator[str]:
    return readings(lowered(name))


def _forms(rows: pa.Table, wanted: frozenset[str]) -> dict[str, set[str | None]]:
    """Find whose names have letters as one of their forms: letters -> subjects."""
    found: dict[str, set[str | None]] = {}
    hashes = np.sort(hashed(sorted(wanted)))
    names = rows.filter(pc.equal(rows["mark"], Mark.NAME))
    for batch in names.to_batches(max_chunksize=BATCH):
        texts = batch["text"].to_pylist()
        forms, owners = forms_of(texts)
        for owner in np.unique(owners[same_letters(forms.keys, hashes)]).tolist():
            for letters in wanted.intersection(letters_of(texts[owner])):
                subject = batch["subject_id"][owner].as_py()
                found.setdefault(letters, set()).add(subject)
    return found


class Stood(NamedTuple):
    """A name that was replaced and will be put back.

    Args:
        start: of what stands in its place.
        end: after it.
        written: the name.
        bearers: all of them.
    """

    start: int
    end: int
    written: str
    bearers: tuple[str, ...]


def moved(
    before: Sequence[Stood],
    spans: Sequence[Span],
    stand_ins: Sequence[str],
    text: str,
    bearers: Mapping[int, tuple[str, ...]],
) -> list[Stood]:
    """Follow what will be put back through one more replacement.

    Args:
        before: names replaced so far, sorted, at their places in `text`.
        spans: what is replaced in it now, sorted and disjoint.
        stand_ins: what is put in the place of each.
        text: before the replacement.
        bearers: start of a span -> its bearers, of names that can be kept.

    Returns:
        All that will be put back, at their new places; what is replaced once more, as a
        part of something else, is gone.
    """
    events: list[tuple[int, int, Stood | Span]] = [
        *((each.start, each.end, each) for each in before),
        *((each.start, each.end, each) for each in spans),
    ]
    events.sort(key=lambda each: each[:2])
    places = {span.start: number for number, span in enumerate(spans)}
    left: list[Stood] = []
    shift, covered = 0, 0
    following = iter([*(span.start for span in spans), len(text) + 1])
    upcoming = next(following)
    for start, end, each in events:
        if isinstance(each, Span):
            instead = stand_ins[places[start]]
            if start in bearers:
                written, at = text[start:end], start + shift
                left.append(Stood(at, at + len(instead), written, bearers[start]))
            shift += len(instead) - (end - start)
            covered = end
            upcoming = next(following)
        elif start >= covered and end <= upcoming:
            left.append(each._replace(start=start + shift, end=end + shift))
    return left


def put_back(text: str, stood: Sequence[Stood]) -> tuple[str, tuple[Kept, ...]]:
    """Put names back where they stood: the text, and where they stand now."""
    pieces: list[str] = []
    kept = []
    done = at = 0
    for each in stood:
        pieces += [text[done : each.start], each.written]
        at += each.start - done
        kept.append(Kept(at, at + len(each.written), each.bearers))
        at += len(each.written)
        done = each.end
    return "".join([*pieces, text[done:]]), tuple(kept)


def taken_back(
    text: str,
    kept: Sequence[Kept],
    gone: Collection[str] | None,
    settings: Settings,
    document: str,
) -> tuple[str, tuple[Kept, ...]]:
    """Replace kept names of which a bearer does not agree any more.

    Args:
        text: with the names.
        kept: where they stand, sorted.
        gone: who does not agree; None: nobody does.
        settings: as the text was redacted with.
        document: the id of the text.

    Returns:
        What redacting the text as it once was gives without their agreement.
    """
    pieces: list[str] = []
    left = []
    done = shift = 0
    for start, end, bearers in kept:
        if gone is not None and not set(bearers) & set(gone):
            left.append(Kept(start + shift, end + shift, bearers))
            continue
        instead = settings.stand_in(Kind.NAME, text[start:end], document)
        pieces += [text[done:start], instead]
        shift += len(instead) - (end - start)
        done = end
    return "".join([*pieces, text[done:]]), tuple(left)
