"""Changed bundles, made with knowledge of what a bundle looks like.

Two families. `replacements` gives other values for one place, written in canonical
form, so that nothing but the value can be why it is refused. `forms` gives other texts
for the same value, so that nothing but the writing can be.
"""

import base64
import json
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from assent.canon import canonical

At = tuple[Any, ...]
HASH = 32
STRANGE: list[Any] = [None, True, False, 0, 1, -1, 2**53, 0.5, "", "x", [], {}, [[]]]


def places(value: Any, at: At = ()) -> Iterator[At]:
    """Give every field and list element of a JSON value by its path, () first."""
    yield at
    if isinstance(value, dict):
        for key, child in value.items():
            yield from places(child, (*at, key))
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield from places(child, (*at, number))


def look(value: Any, at: At) -> Any:
    """Give what stands at a path."""
    for key in at:
        value = value[key]
    return value


def put(value: Any, at: At, new: Any) -> Any:
    """Copy a value with another one at a path."""
    if not at:
        return new
    copied: Any = dict(value) if isinstance(value, dict) else list(value)
    copied[at[0]] = put(copied[at[0]], at[1:], new)
    return copied


def drop(value: Any, at: At) -> Any:
    """Copy a value without what stands at a path."""
    copied: Any = dict(value) if isinstance(value, dict) else list(value)
    if len(at) > 1:
        copied[at[0]] = drop(copied[at[0]], at[1:])
    else:
        del copied[at[0]]
    return copied


# --- other values ---------------------------------------------------------------------


def replacements(value: Any) -> list[Any]:
    """Give other values for one: changed, longer, shorter, of another type."""
    found = [*STRANGE, [value], {"value": value}]
    if isinstance(value, str):
        found += _texts(value)
    elif isinstance(value, list):
        found += _lists(value)
    elif isinstance(value, dict):
        found += _objects(value)
    elif isinstance(value, int):
        found += [value + 1, value - 1, -value, value + 2**32, value * 10, value * 0.1]
        found += [str(value), hex(value), bool(value)]
    return found


def _texts(text: str) -> list[Any]:
    found: list[Any] = [text[1:], text[:-1], text[: len(text) // 2], text * 2]
    found += [text + more for more in (" ", "\n", "\0", "=", "0", "\u200b", "\u0301")]
    found += [" " + text, text.upper(), text.lower(), text.swapcase(), text[::-1]]
    found += [unicodedata.normalize("NFD", text), text.replace("a", "\u0430")]
    found += [text.replace("\n", "\r\n"), list(text), text.encode().hex()]
    found += [text.replace("-", "\u2010"), int(text) if text.isdecimal() else text]
    lines = text.splitlines(keepends=True)
    if len(lines) > 1:
        found += ["".join(lines[::-1]), "".join([*lines, lines[-1]])]
        found += ["".join(lines[:at] + lines[at + 1 :]) for at in range(len(lines))]
    return found + _encoded(text)


def _encoded(text: str) -> list[Any]:
    """Give other texts for the same bytes, and texts for other bytes, in base64."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return []
    changed = [data + bytes(HASH), data[:-HASH], data[HASH:], data + b"\0", data[::-1]]
    changed += [data[HASH:] + data[:HASH], data * 2, b"\0" + data]
    if data:
        changed += [
            data[:-1] + bytes([data[-1] ^ 1]),
            bytes([data[0] ^ 128]) + data[1:],
        ]
    found: list[Any] = [base64.b64encode(one).decode() for one in changed]
    found += [base64.urlsafe_b64encode(data).decode(), text.rstrip("="), text + "===="]
    found += [
        data.hex(),
        base64.b32encode(data).decode(),
        base64.encodebytes(data).decode(),
    ]
    if text.endswith("="):  # spare bits that decode to the same bytes
        body = text.rstrip("=")
        found += [body[:-1] + chr(ord(body[-1]) + 1) + text[len(body) :]]
    return found


def _lists(items: list[Any]) -> list[Any]:
    found: list[Any] = [items[1:], items[:-1], items[::-1], items * 2]
    found += [[*items, each] for each in items]
    found += [[*items, None], [*items, {}], dict(enumerate_texts(items))]
    return found


def _objects(value: dict[str, Any]) -> list[Any]:
    found: list[Any] = [{**value, "zzz": 1}, {**value, "": ""}, list(value.values())]
    for key, child in value.items():
        rest = {name: one for name, one in value.items() if name != key}
        found += [
            {**rest, other: child} for other in (key.upper(), key + " ", key + "\0")
        ]
    names = list(value)
    for one, other in zip(names, names[1:], strict=False):
        found.append({**value, one: value[other], other: value[one]})
    return found


def enumerate_texts(items: list[Any]) -> Iterator[tuple[str, Any]]:
    """Give items as an object would hold them: by their numbers, as texts."""
    return ((str(number), one) for number, one in enumerate(items))


# --- other writings of the same value -------------------------------------------------


def write(value: Any, at: At, rewrite: Callable[[Any, str], str]) -> str:
    """Write a canonical value as JSON, but one place as `rewrite` gives it."""
    if isinstance(value, dict):
        fields = [
            f"{_text(key)}:{_below(child, key, at, rewrite)}"
            for key, child in value.items()
        ]
        text = "{" + ",".join(fields) + "}"
    elif isinstance(value, list):
        items = [_below(one, key, at, rewrite) for key, one in enumerate(value)]
        text = "[" + ",".join(items) + "]"
    else:
        text = _text(value)
    return text if at else rewrite(value, text)


def _below(child: Any, key: Any, at: At, rewrite: Callable[[Any, str], str]) -> str:
    if at and at[0] == key:
        return write(child, at[1:], rewrite)
    return canonical(child).decode()


def _text(value: Any) -> str:
    return canonical(value).decode()


def forms(value: Any, text: str) -> list[str]:
    """Give other texts that mean the same value, or might to somebody."""
    found = [each + text for each in (" ", "\n", "\t", "\ufeff", "/**/", "+")]
    found += [text + each for each in (" ", "\n", "\r\n", "\0", ",", "//")]
    if isinstance(value, str):
        found += _escaped(text)
    elif isinstance(value, bool) or value is None:
        found += [text.upper(), text.title(), f'"{text}"']
    elif isinstance(value, int):
        found += [f"{text}{more}" for more in (".0", ".", "e0", "E+0", "e-0", "n", "L")]
        found += [f"{less}{text}" for less in ("0", "-", "00")]
        found += [f"{text}0e-1", f'"{text}"', hex(value)]
    elif isinstance(value, dict):
        found += _rearranged(value)
    elif isinstance(value, list):
        found += [text[:-1] + ",]", text.replace(",", ", ", 1), "(" + text[1:-1] + ")"]
    return found


def _escaped(text: str) -> list[str]:
    """Give a text with one of its characters escaped, in each way that JSON knows."""
    inner, found = text[1:-1], ["'" + text[1:-1] + "'", text.replace("/", "\\/", 1)]
    if inner and inner[0] != "\\":
        for code in (f"\\u{ord(inner[0]):04x}", f"\\u{ord(inner[0]):04X}"):
            found.append(f'"{code}{inner[1:]}"')
        found.append(f'"\\x{ord(inner[0]):02x}{inner[1:]}"')
    found.append('"' + inner.replace("\\n", "\\u000a", 1) + '"')
    found.append('"' + inner.replace("\\n", "\n", 1) + '"')
    found += [f'"{inner}\\ud800"', f'"{inner}\\u0000"', text[:-1]]
    return found


def _rearranged(value: dict[str, Any]) -> list[str]:
    """Give an object with its keys in another order, or one of them twice."""
    fields = [f"{_text(key)}:{_text(child)}" for key, child in value.items()]
    orders = [fields[::-1], fields[1:] + fields[:1], [*fields, *fields]]
    orders += [[*fields, each] for each in fields]
    orders += [[f"{_text(key)}:null", *fields] for key in value]
    orders += [[f"{_text(key)} :{_text(child)}"] for key, child in value.items()]
    return ["{" + ",".join(each) + "}" for each in orders]


# --- all of them ----------------------------------------------------------------------


def changes(bundle: bytes, others: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """Give changed bundles, each with what was done; none of them is the bundle.

    Args:
        bundle: canonical.
        others: bundles whose fields are put in place of its own.
    """
    seen = {bundle}
    for what, changed in _all(bundle, [json.loads(one) for one in others]):
        if changed not in seen:
            seen.add(changed)
            yield what, changed


def _all(bundle: bytes, others: Sequence[Any]) -> Iterator[tuple[str, bytes]]:
    value = json.loads(bundle)
    for at in places(value):
        here = look(value, at)
        for new in replacements(here):
            yield f"{at}: another value", encoded(put(value, at, new))
        if at:
            yield f"{at}: dropped", encoded(drop(value, at))
        for other in others if at else ():
            if reaches(other, at):
                yield f"{at}: swapped", encoded(put(value, at, look(other, at)))
        for text in forms(here, _text(here)):
            changed = write(value, at, lambda _, __, text=text: text)  # type: ignore[misc]
            yield f"{at}: another form", changed.encode("utf-8", "surrogatepass")
    for what in ("utf-16", "utf-32", "utf-8-sig"):
        yield what, bundle.decode().encode(what)
    yield "twice", bundle + bundle


def reaches(value: Any, at: At) -> bool:
    """Say whether something stands at a path."""
    for key in at:
        inside = isinstance(value, dict) and key in value
        if not inside and not (
            isinstance(value, list) and isinstance(key, int) and key < len(value)
        ):
            return False
        value = value[key]
    return True


def encoded(value: Any) -> bytes:
    """Write a value in canonical form; what has none as JSON writes it."""
    try:
        return canonical(value)
    except ValueError:
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
