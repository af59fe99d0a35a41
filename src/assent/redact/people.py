"""A directory from a file of people: Parquet, CSV, or plain text with a name a line."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from assent.errors import CorpusError
from assent.redact.columns import readable
from assent.redact.directory import COLUMNS, Directory
from assent.redact.entries import Mark
from assent.redact.hidden import KEY_BYTES
from assent.redact.nested import is_text
from assent.redact.reading import opened, pieces, unpacked
from assent.redact.spans import Kind

SUBJECT = "subject_id"
WANTED = "wanted any of names, handles, emails, phones, urls, employer"

# A table of one value a row says `name`, as often as not.
_NAMED = {name: name for name in COLUMNS} | {
    "name": "names",
    "handle": "handles",
    "email": "emails",
    "phone": "phones",
    "url": "urls",
    "employers": "employer",
}


class People(NamedTuple):
    """A directory, and what is to be known about it.

    Args:
        directory: whom to look for.
        entries: how many there are; values that are too short are none.
        single: how many are names of one word, looked for only where their bearer
            takes part.
        owned: entries have subjects, so that it can be known who takes part.
    """

    directory: Directory
    entries: int
    single: int
    owned: bool


def nobody() -> People:
    """Make a directory of nobody."""
    return _people(Directory.of({}, os.urandom(KEY_BYTES)), owned=False)


def read_people(path: Path) -> People:
    """Read a file of people.

    Parquet: columns `names`, `handles`, `emails`, `phones`, `urls`, `employer`, any of
    them, each of text or lists of text; and `subject_id`, if it is known. CSV: the same
    with one value a cell; a person may have several rows. Else: a name a line.

    Args:
        path: named `.parquet`, `.csv`, or anything else; may be packed, if it is text.

    Raises:
        UsageError: there is no such file.
        CorpusError: it cannot be read, is not UTF-8, or has none of the columns.
    """
    key = os.urandom(KEY_BYTES)
    ending = Path(unpacked(path, path.name)).suffix.lower()
    if ending == ".parquet":
        table = _parquet(path)
    elif ending == ".csv":
        table = _csv(path)
    else:
        names = _lines(path)
        return _people(Directory.of({Kind.NAME: names}, key), owned=False)
    subjects, owned = _subjects(table, path.name)
    return _people(Directory.from_subjects(subjects, key), owned)


def _people(directory: Directory, owned: bool) -> People:
    marks = directory.rows["mark"].to_numpy()
    single = int(np.count_nonzero(marks & Mark.NEAR))
    return People(directory, len(directory), single, owned)


def _lines(path: Path) -> list[str]:
    names: list[str] = []
    with opened(path) as stream:
        for piece in pieces(stream, path.name):
            names += filter(None, map(str.strip, piece.text.split("\n")))
    return names


def _parquet(path: Path) -> pa.Table:
    with opened(path), readable(path.name), pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        wanted = [name for name in names if name in _NAMED or name == SUBJECT]
        table = file.read(columns=wanted)
    return table.select(list(dict.fromkeys(wanted)))


def _csv(path: Path) -> pa.Table:
    # As text, all of it: a number would lose its `+` and its zeros.
    kinds = dict.fromkeys([*_NAMED, SUBJECT], pa.string())
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    convert = pyarrow.csv.ConvertOptions(column_types=kinds, strings_can_be_null=False)
    with opened(path) as stream:
        try:
            table = pyarrow.csv.read_csv(
                stream, parse_options=parse, convert_options=convert
            )
        except pa.ArrowException:
            table = None
    if table is None:  # Arrow's own words may quote the file
        raise CorpusError(
            f"`{path.name}` cannot be read as CSV in UTF-8",
            hint="a first line of column names, then as many values in every line",
        )
    return table


def _subjects(table: pa.Table, name: str) -> tuple[pa.Table, bool]:
    """Make what a directory is made of; says whether its entries have subjects."""
    if len(set(table.column_names)) != len(table.column_names):
        raise CorpusError(f"`{name}` has a column twice", hint=WANTED)
    found = {_NAMED[each]: each for each in table.column_names if each in _NAMED}
    if not found:
        raise CorpusError(f"`{name}` has no column of a directory", hint=WANTED)
    owned = SUBJECT in table.column_names
    columns = {SUBJECT: pa.nulls(len(table), pa.string())}
    if owned:
        columns[SUBJECT] = _text(table[SUBJECT], SUBJECT, name)
    for column in COLUMNS:
        columns[column] = pa.nulls(len(table), pa.string())
        if column in found:
            columns[column] = _text(table[found[column]], found[column], name)
    return pa.table(columns), owned


def _text(values: pa.ChunkedArray, column: str, name: str) -> pa.ChunkedArray:
    """Read a column as text, or lists of text; numbers are written out."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
        values = values.cast(kind)
    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    inner = kind.value_type if listed else kind
    sound = is_text(inner) or pa.types.is_integer(inner) or pa.types.is_null(inner)
    if not sound or (listed and column == SUBJECT):
        raise CorpusError(
            f"column `{column}` of `{name}` holds {kind}, no text",
            hint=f"{WANTED}, as text or lists of text",
        )
    wanted = pa.list_(pa.string()) if listed else pa.string()
    try:
        cast = values.cast(wanted)
        cast.validate(full=True)  # a reader does not look whether text is UTF-8
        return cast
    except pa.ArrowException:
        pass
    raise CorpusError(
        f"column `{column}` of `{name}` is not UTF-8", hint="export it again as UTF-8"
    )
