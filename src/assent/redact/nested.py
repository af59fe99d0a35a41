"""Values inside the columns of an Arrow table, through structs and lists, and back."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assent.errors import CorpusError

SHOWN = 12
"""Columns that a message names at most."""

Owners = NDArray[np.int64]
Rebuild = Callable[[pa.Array], pa.Array]


def path_of(
    schema: pa.Schema, column: str, name: str, ids: bool = False
) -> tuple[str, ...]:
    """Find a column of text by its name, or by a path with dots such as `a.b`.

    Args:
        schema: of the table.
        column: name or path; lists on the way mean each of their items.
        name: of the file, for messages.
        ids: integers are wanted as well.

    Raises:
        CorpusError: it is missing, stands twice or holds something else.
    """
    path = (column,) if column in schema.names else tuple(column.split("."))
    if schema.names.count(path[0]) > 1:
        raise CorpusError(
            f"`{name}` has two columns `{path[0]}`", hint="give each its own name"
        )
    kind: pa.DataType | None = pa.struct(schema)
    for part in path:
        kind = _inner(_items(kind), part)
        if kind is None:
            raise CorpusError(
                f"`{name}` has no column `{column}`",
                hint=f"name one with `--column`; of text: {_listed(schema)}",
            )
    kind = _items(kind)
    if pa.types.is_dictionary(kind) and len(path) == 1:
        kind = kind.value_type
    if is_text(kind) or (ids and pa.types.is_integer(kind)):
        return path
    raise CorpusError(
        f"column `{column}` of `{name}` holds {_called(kind)}, no {_wanted(ids)}",
        hint=f"columns of text: {_listed(schema)}",
    )


def is_text(kind: pa.DataType) -> bool:
    """Say whether values of a type are strings."""
    types = pa.types
    return bool(
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_string_view(kind)
    )


def leaves(
    rows: pa.RecordBatch, path: Sequence[str]
) -> tuple[pa.Array, Owners, Rebuild]:
    """Give the values at a path in all rows.

    Args:
        rows: of a table.
        path: of a column; see `path_of`.

    Returns:
        (values, owners, rebuild): all values in order, null or not; (len(values),) the
        row of each; and what makes the whole column of new values.
    """
    array = rows[path[0]]
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return _leaves(array, path[1:], np.arange(rows.num_rows))


def _leaves(
    array: pa.Array, path: Sequence[str], owners: Owners
) -> tuple[pa.Array, Owners, Rebuild]:
    kind = array.type
    if _is_list(kind):
        parents = pc.list_parent_indices(array).to_numpy()
        values, of, rebuild = _leaves(array.flatten(), path, owners[parents])
        return values, of, lambda new: _listed_again(array, rebuild(new))
    if path:
        at = kind.get_field_index(path[0])
        values, of, rebuild = _leaves(array.field(at), path[1:], owners)
        return values, of, lambda new: _with_field(array, at, rebuild(new))
    if pa.types.is_string_view(kind):  # little is done with views yet
        return array.cast(pa.large_string()), owners, lambda new: new.cast(kind)
    return array, owners, lambda new: new


def _listed_again(array: pa.Array, values: pa.Array) -> pa.Array:
    """Divide values into lists as an array of lists does."""
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(False)
    large = pa.types.is_large_list(array.type)
    offsets = np.zeros(len(lengths) + 1, np.int64 if large else np.int32)
    np.cumsum(lengths, out=offsets[1:])
    made = pa.LargeListArray if large else pa.ListArray
    return made.from_arrays(
        pa.array(offsets), values, type=array.type, mask=array.is_null()
    )


def _with_field(array: pa.Array, at: int, values: pa.Array) -> pa.Array:
    fields = list(array.type)
    children = [array.field(number) for number in range(len(fields))]
    children[at] = values
    return pa.StructArray.from_arrays(children, fields=fields, mask=array.is_null())


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _items(kind: pa.DataType) -> pa.DataType:
    while _is_list(kind):
        kind = kind.value_type
    return kind


def _inner(kind: pa.DataType, name: str) -> pa.DataType | None:
    if not pa.types.is_struct(kind) or kind.get_field_index(name) < 0:
        return None
    return kind.field(name).type


def _texts(kind: pa.DataType, before: str = "") -> Iterator[str]:
    """Name every path to text in a struct."""
    for field in kind:
        inner = _items(field.type)
        if pa.types.is_dictionary(inner) and not before:
            inner = inner.value_type
        if is_text(inner):
            yield before + field.name
        elif pa.types.is_struct(inner):
            yield from _texts(inner, f"{before}{field.name}.")


def _listed(schema: pa.Schema) -> str:
    names = list(_texts(pa.struct(schema)))
    shown = ", ".join(f"`{name}`" for name in names[:SHOWN])
    return f"{shown} ..." if len(names) > SHOWN else shown or "none"


def _called(kind: pa.DataType) -> str:
    """Name a type; a struct's own name would list all that is in it."""
    return "structs" if pa.types.is_struct(kind) else str(kind)


def _wanted(ids: bool) -> str:
    return "ids" if ids else "text"
