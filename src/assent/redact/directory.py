"""The directory: members' names, handles, addresses and numbers, to find and remove.

It is personal data and nothing else: whoever stores it uses mode 0600. It is pinned by
its digest in every plan and corpus, so that forgetting a person changes nobody else's
text: when she leaves, her entries become keyed tags, which are found as before and read
by nobody, and the digest stays the same.

A name of several words is found in any case and in other forms, everywhere, see
`assent.redact.otherwise`. One of a single word may be a word of the language, so it is
found as it is written, and only where its bearer takes part. Not found: initials of
a family name that many people have, most nicknames, masked letters, and more than one
slip in a name.

Memory: about 13 bytes an entry, 30 more for a name of two words, and the texts.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from cryptography.exceptions import InvalidTag
from numpy.typing import NDArray

from assent.errors import CorpusError
from assent.redact import handles
from assent.redact.beside import widened
from assent.redact.compiled import openings
from assent.redact.dialled import Dialled
from assent.redact.entries import (
    BATCH,
    MARK_OF,
    Mark,
    batches,
    forms_of,
    keys_of,
    lowered,
)
from assent.redact.fold import Plain
from assent.redact.forms import Forms, FormTable
from assent.redact.grams import Grams, Keys, Words, distinct, hashed, joined
from assent.redact.hidden import HIDDEN, Tags, Unsealed, pairs
from assent.redact.links import link_end
from assent.redact.otherwise import Otherwise
from assent.redact.runs import Pieces
from assent.redact.spans import Found, Hashes, Indexes, Kind, of_word

COLUMNS = {
    "names": Kind.NAME,
    "handles": Kind.HANDLE,
    "emails": Kind.EMAIL,
    "phones": Kind.PHONE,
    "urls": Kind.URL,
    "employer": Kind.EMPLOYER,
}
_ROWS = pa.schema(
    [
        pa.field("subject_id", pa.string()),  # null: of no subject
        pa.field("mark", pa.uint16(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
    ]
)
_REST = re.compile(r"[/?#][^\s<>\"\0]*")
_ADDRESS_LETTERS = 64
_HIDDEN_BITS = 8
_OF_RUNS = ~int(Mark.ADDRESSED)  # numbers are twice as fast as flags
_KIND_OF = {mark: kind for kind, mark in MARK_OF.items()}

Near = Sequence[Collection[str]]
"""For each text, the subjects that take part: author, thread, connections."""


class Directory:
    """Every entry of every subject, and how to find them.

    Args:
        rows: `subject_id`, `mark`, `text`: entries as `batches` makes them.
        key: 32 bytes, drawn for this project and kept in its vault.
        hidden: rows of `ENTRIES` without text.
        keys: of the rows, if they are known already; and the forms of the names.
    """

    def __init__(
        self,
        rows: pa.Table,
        key: bytes,
        hidden: pa.Table | None = None,
        keys: tuple[Keys, Forms] | None = None,
    ) -> None:
        self._key = key
        self._tags = Tags(key)
        self.rows = rows.cast(_ROWS)
        self.hidden = HIDDEN.empty_table() if hidden is None else hidden
        self._hidden_tags = frozenset(self.hidden["tag"].to_pylist())
        unsealed = self._tags.unseal(self.hidden)
        known, forms = keys or self._all_keys()
        forms = Forms.joined([forms, unsealed.forms])
        words = distinct(forms.firsts)
        self._grams = self._table(known, unsealed, words)
        self._otherwise = Otherwise(
            FormTable(forms.keys), words, self._tags, unsealed.form_tags
        )
        dialled = self.rows["text"].filter(pc.equal(self.rows["mark"], Mark.PHONE))
        self._dialled = Dialled(dialled.to_pylist(), unsealed.numbers)
        self._near_subjects, self._near_rows = self._takes_part()

    @classmethod
    def of(
        cls,
        values: Mapping[Kind, Sequence[str]],
        key: bytes,
        hidden: pa.Table | None = None,
    ) -> "Directory":
        """Make a directory of values that belong to no known subject."""
        made = [
            _rows_of(kind, listed, pa.nulls(len(listed), pa.string()))
            for kind, listed in values.items()
        ]
        rows, keys = _put_together(made)
        return cls(rows, key, hidden, keys)

    @classmethod
    def from_subjects(
        cls, subjects: pa.Table, key: bytes, hidden: pa.Table | None = None
    ) -> "Directory":
        """Collect the directory columns of the subjects table.

        Values too short to be looked for are left out; null lists are empty.

        Args:
            subjects: the table, with `subject_id` and the directory columns.
            key: of the project.
            hidden: entries of those who left, by `hide`, and of objectors; one that
                somebody still in the table has is known again.

        Raises:
            CorpusError: a directory column is missing, so nobody would be found by it.
        """
        rows, keys = _of_subjects(subjects)
        return cls(rows, key, hidden, keys)

    def to_bytes(self) -> bytes:
        """Write the directory as a Parquet file: personal data, for mode 0600."""
        table = pa.concat_tables(
            [_nullable(self.rows), _nullable(self.hidden)], promote_options="default"
        )
        out = pa.BufferOutputStream()
        pq.write_table(table, out, compression="zstd")
        return bytes(out.getvalue())

    @classmethod
    def read(cls, path: Path, key: bytes) -> "Directory":
        """Read a file of what `to_bytes` gave. Raises: CorpusError: it is not that."""
        try:
            table = pq.read_table(path)
            known = pc.is_valid(table["text"])
            rows = table.filter(known).select(_ROWS.names)
            hidden = table.filter(pc.invert(known)).select(HIDDEN.names)
            return cls(rows, key, hidden.cast(HIDDEN))
        except (pa.ArrowException, KeyError, InvalidTag) as error:
            raise CorpusError(
                "the directory cannot be read, or was made with another key",
                hint="build the directory again from the subjects table",
            ) from error

    @cached_property
    def digest(self) -> str:
        """Sha256, in hex, of all keyed tags: the same before and after hiding."""
        tags = [b"".join(each) for each in pairs(self.hidden)]
        parts = [np.array(tags, "S32")]
        for batch in self.rows.to_batches(max_chunksize=BATCH):
            rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
            tags = [self._tags.of_row(*row) for row in rows]
            parts.append(np.array(tags, "S32"))
        whole = hashlib.sha256(b"assent/directory/v2\n")
        whole.update(np.unique(np.concatenate(parts)).tobytes())
        return whole.hexdigest()

    def hide(self, subject_id: str) -> "Directory":
        """Turn the entries of a subject into keyed tags; the digest stays the same."""
        hers = pc.fill_null(pc.equal(self.rows["subject_id"], subject_id), False)
        leaving = self.rows.filter(hers)
        staying = self.rows.filter(pc.invert(hers))
        hidden = pa.concat_tables([self.hidden, self._tags.hide(leaving)])
        return Directory(staying, self._key, hidden)

    def holds(self, subject_id: str) -> bool:
        """Say whether entries of a subject stand here in the clear."""
        hers = pc.equal(self.rows["subject_id"], subject_id)
        return bool(pc.any(hers, min_count=0).as_py())

    def hides(self, mark: int, text: str) -> bool:
        """Say whether an entry is among the hidden ones."""
        if not self._hidden_tags:
            return False
        return self._tags.of_entry(mark, text) in self._hidden_tags

    def hides_letters(self, letters: str) -> bool:
        """Say whether letters are a form of the name of somebody hidden."""
        return self._otherwise.hides(letters)

    def find(
        self, plain: Plain, words: Words, near: Near | None = None
    ) -> Iterator[Found]:
        """Find entries in folded texts; spans may overlap.

        Args:
            plain: the texts.
            words: of `plain.codes`.
            near: who takes part in each text, one item a text; names of one word are
                looked for nowhere else.
        """
        if not len(words.starts):
            return
        singles, gates = self._grams.singles(words.starts, words.ends, words.sums)
        whole = Pieces(words.starts, words.ends, singles, gates)
        names = set()
        for found in self._kept(plain, *self._grams.find(words, gates)):
            if found[2] is Kind.NAME:
                names.add(found[:2])
            else:
                yield found
        others = self._otherwise.find(plain, words, whole, self._grams, names)
        for start, end, kind in chain(((*each, Kind.NAME) for each in names), others):
            yield start, end, kind
            wider = widened(plain.text, start, end)
            if wider != (start, end):
                yield *wider, kind
        yield from self._addressed(plain, words)
        yield from self._written(plain, whole)
        if near is not None and len(self._near_rows):
            yield from self._around(plain, near)
        yield from self._dialled.find(plain.text)

    def __len__(self) -> int:
        return len(self.rows) + len(self.hidden)

    def _all_keys(self) -> tuple[Keys, Forms]:
        batches = self.rows.to_batches(max_chunksize=BATCH)
        names = self.rows.filter(pc.equal(self.rows["mark"], Mark.NAME))
        named = names.to_batches(max_chunksize=BATCH)
        return (
            joined([keys_of(batch["text"].to_pylist()) for batch in batches]),
            Forms.joined([forms_of(each["text"].to_pylist())[0] for each in named]),
        )

    def _table(self, keys: Keys, hidden: Unsealed, inside: Hashes) -> Grams:
        """Make what finds the entries that are runs of words, or open a line."""
        marks = self.rows["mark"].to_numpy()
        runs = (marks != Mark.PHONE) & (marks & Mark.NEAR == 0)
        if not runs.all():
            keys, marks = keys[runs], marks[runs]
        keys = joined([keys, hidden.keys])
        marks = np.concatenate([marks, hidden.marks << np.uint16(_HIDDEN_BITS)])
        addressed = marks & (Mark.ADDRESSED | Mark.ADDRESSED << _HIDDEN_BITS) > 0
        keys.words[addressed] = 0  # looked up at the start of a line, never as a run
        return Grams(keys, marks, inside)

    def _takes_part(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Index the rows of names of one word by their subject."""
        rows = np.flatnonzero(self.rows["mark"].to_numpy() & Mark.NEAR)
        owners = self.rows["subject_id"].take(pa.array(rows)).to_pylist()
        subjects = np.array([_subject_hash(each or "") for each in owners], np.uint64)
        order = np.argsort(subjects, kind="stable")
        return subjects[order], rows[order]

    def _names_of(self, subject_id: str) -> list[tuple[str, Kind]]:
        wanted = np.uint64(_subject_hash(subject_id))
        first = np.searchsorted(self._near_subjects, wanted, "left")
        last = np.searchsorted(self._near_subjects, wanted, "right")
        found = []
        for row in self._near_rows[first:last].tolist():
            subject, mark, text = (column[row].as_py() for column in self.rows.columns)
            if subject == subject_id:
                found.append((text, _KIND_OF[Mark(mark) & ~Mark.NEAR]))
        return found

    def _kept(
        self, plain: Plain, starts: Indexes, ends: Indexes, marks: NDArray[np.uint16]
    ) -> Iterator[Found]:
        text = plain.text
        for start, end, bits in zip(
            starts.tolist(), ends.tolist(), marks.tolist(), strict=True
        ):
            # A plain handle is no run of words: another entry let it through the gate.
            mark = self._mark(text[start:end], bits) & _OF_RUNS
            if mark & Mark.URL:
                if rest := _REST.match(text, end):
                    end = max(end, link_end(text, start, rest.end()))
                yield start, end, Kind.URL
            elif mark:
                yield start, end, _KIND_OF[Mark(mark & -mark)]

    def _mark(self, written: str, bits: int) -> int:
        """Which marks an entry really has: a hidden one must have its tag here."""
        mark = bits & (1 << _HIDDEN_BITS) - 1
        hidden = bits >> _HIDDEN_BITS
        if hidden:
            found = lowered(written)
            for each in Mark:
                if (
                    hidden & each
                    and self._tags.of_entry(each, found) in self._hidden_tags
                ):
                    mark |= each
        return mark

    def _addressed(self, plain: Plain, words: Words) -> Iterator[Found]:
        starts, ends = openings(plain.codes, _ADDRESS_LETTERS)
        found, marks = self._grams.look_up(words.hashes(starts, ends))
        for at, bits in zip(found.tolist(), marks.tolist(), strict=True):
            start, end = int(starts[at]), int(ends[at])
            if self._mark(plain.text[start:end], bits) & Mark.ADDRESSED:
                yield start, end, Kind.HANDLE

    def _written(self, plain: Plain, pieces: Pieces) -> Iterator[Found]:
        """Find handles that are not written in one."""
        some = [*handles.written(plain.text, plain.codes, pieces)]
        if not some:
            return
        found, marks = self._grams.look_up(hashed([each for *_, each in some]))
        for at, bits in zip(found.tolist(), marks.tolist(), strict=True):
            start, end, handle = some[at]
            if self._mark(handle, bits) & Mark.HANDLE:
                yield start, end, Kind.HANDLE

    def _around(self, plain: Plain, near: Near) -> Iterator[Found]:
        known: dict[str, list[tuple[str, Kind]]] = {}
        edges = plain.edges.tolist()
        for number, subjects in enumerate(near):
            for subject in subjects:
                if subject not in known:
                    known[subject] = self._names_of(subject)
                for name, kind in known[subject]:
                    yield from _written(
                        plain.text, name, kind, *edges[number : number + 2]
                    )


def _nullable(table: pa.Table) -> pa.Table:
    return table.cast(pa.schema([field.with_nullable(True) for field in table.schema]))


def rows_of_subjects(subjects: pa.Table) -> pa.Table:
    """List the entries of some subjects: `subject_id`, `mark`, `text`.

    Raises:
        CorpusError: a directory column is missing.
    """
    return _of_subjects(subjects)[0]


_Made = tuple[pa.Table, tuple[Keys, Forms]]
"""Rows, and how they are found."""


def _of_subjects(subjects: pa.Table) -> _Made:
    made = []
    for column, kind in COLUMNS.items():
        if column not in subjects.column_names:
            raise CorpusError(
                f"the subjects table has no column `{column}`",
                hint="add the column; an empty list says that there is nothing",
            )
        values = subjects[column].combine_chunks()
        owners = subjects["subject_id"].combine_chunks()
        if pa.types.is_list(values.type):
            owners = owners.take(pc.list_parent_indices(values))
            values = pc.list_flatten(values)
        some = pc.is_valid(values)
        made.append(
            _rows_of(kind, values.filter(some).to_pylist(), owners.filter(some))
        )
    return _put_together(made)


def _put_together(made: Sequence[_Made]) -> _Made:
    rows = pa.concat_tables([_ROWS.empty_table(), *(each for each, _ in made)])
    keys = joined([each for _, (each, _) in made])
    return rows, (keys, Forms.joined([each for _, (_, each) in made]))


def _rows_of(kind: Kind, values: Sequence[str], owners: pa.Array) -> _Made:
    tables, keys, forms = [_ROWS.empty_table()], [], []
    for batch in batches(kind, values):
        columns = (pa.array(batch.marks), pa.array(batch.texts, pa.string()))
        of = owners.take(pa.array(batch.owners))
        tables.append(pa.table([of, *columns], schema=_ROWS))
        keys.append(batch.keys)
        forms.append(batch.forms)
    return pa.concat_tables(tables), (joined(keys), Forms.joined(forms))


def _subject_hash(subject_id: str) -> int:
    digest = hashlib.blake2b(subject_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _written(
    text: str, name: str, kind: Kind, start: int, stop: int
) -> Iterator[Found]:
    """Find a word as it is written, and whole."""
    at = text.find(name, start, stop)
    while at >= 0:
        end = at + len(name)
        if not of_word(text[at - 1]) and not of_word(text[end]):
            yield at, end, kind
        at = text.find(name, end, stop)
