"""JSON that has exactly one reading, or is refused.

Two programs that read the same proof differently are how verifiers get fooled. So
every key is known, every number is whole, every hash has its length, every base64
text is the one that encoding gives, and the bytes are their own canonical form.
"""

import base64
import binascii
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from assent.canon import canonical
from assent.errors import ProofError

HEX_DIGEST = re.compile("[0-9a-f]{64}")


def parse(data: bytes, where: str) -> dict[str, Any]:
    """Read the canonical bytes of one JSON object.

    Raises:
        ProofError: not JSON, not an object, a key twice, or not canonical (RFC 8785).
    """
    # Whatever parses and encodes to the same bytes again had no key twice, no spaces,
    # no trailing data: the comparison alone is the whole rule.
    try:
        value = json.loads(data.decode())
        same = canonical(value) == data
    except (ValueError, RecursionError):  # bad UTF-8, bad JSON, too deep, not finite
        raise ProofError(f"{where} is not JSON that can be read") from None
    if not isinstance(value, dict):
        raise ProofError(f"{where} is {_kind(value)}, wanted a JSON object")
    if not same:
        raise ProofError(
            f"{where} is not in canonical form",
            hint="use the file as it was handed out; do not edit or reformat it",
        )
    return value


def base64_text(data: bytes) -> str:
    """Encode bytes in standard base64 with padding."""
    return base64.b64encode(data).decode()


def read_base64(text: str, where: str, length: int | None = None) -> bytes:
    """Decode standard base64, only if encoding gives the same text again.

    Raises:
        ProofError: another alphabet, padding or spare bits, or another length.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ProofError(f"{where} is not base64") from None
    if base64_text(data) != text:
        raise ProofError(f"{where} is not canonical base64")
    if length is not None and len(data) != length:
        raise ProofError(f"{where} has {len(data)} bytes, wanted {length}")
    return data


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object with exactly the wanted keys, read one typed field at a time.

    Messages name the field and the kind of value found, never the value: it may be
    a secret or a person's.
    """

    where: str
    values: dict[str, Any]

    @classmethod
    def of(cls, value: object, where: str, keys: Collection[str]) -> "Fields":
        """Take an object whose keys are exactly these.

        Raises:
            ProofError: not an object, or a key too many or too few.
        """
        if not isinstance(value, dict):
            raise ProofError(f"{where} is {_kind(value)}, wanted an object")
        missing, unknown = set(keys) - value.keys(), value.keys() - set(keys)
        if missing:
            raise ProofError(f"{where} lacks the field `{min(missing)}`")
        if unknown:
            raise ProofError(
                f"{where} has {len(unknown)} unknown fields, wanted none",
                hint="a newer version may have written it: update `assent`",
            )
        return cls(where, value)

    def text(self, key: str) -> str:
        """Read a string that is not empty."""
        value = self.values[key]
        if not isinstance(value, str) or not value:
            raise self._wrong(key, "a string that is not empty")
        return value

    def name(self, key: str) -> str:
        """Read a name that is safe to print: no control characters."""
        value = self.text(key)
        if not value.isprintable():
            raise self._wrong(key, "a name that can be printed")
        return value

    def count(self, key: str) -> int:
        """Read a whole number from 0 on; true and false are none."""
        value = self.values[key]
        if type(value) is not int or value < 0:
            raise self._wrong(key, "a whole number from 0 on")
        return value

    def constant(self, key: str, wanted: str | int) -> None:
        """Check a field that can have one value only."""
        value = self.values[key]
        if type(value) is not type(wanted) or value != wanted:
            raise self._wrong(key, f"`{wanted}`")

    def digest(self, key: str) -> bytes:
        """Read 64 lower-case hexadecimal digits as 32 bytes."""
        value = self.values[key]
        if not isinstance(value, str) or not HEX_DIGEST.fullmatch(value):
            raise self._wrong(key, "64 lower-case hexadecimal digits")
        return bytes.fromhex(value)

    def data(self, key: str, length: int | None = None) -> bytes:
        """Read canonical base64."""
        return read_base64(self.text(key), f"{self.where}: field `{key}`", length)

    def items(self, key: str) -> list[Any]:
        """Read a list of anything."""
        value = self.values[key]
        if not isinstance(value, list):
            raise self._wrong(key, "a list")
        return value

    def names(self, key: str) -> tuple[str, ...]:
        """Read a list of names that are safe to print."""
        items = self.items(key)
        if not all(isinstance(one, str) and one and one.isprintable() for one in items):
            raise self._wrong(key, "a list of names that can be printed")
        return tuple(items)

    def _wrong(self, key: str, wanted: str) -> ProofError:
        found = _kind(self.values[key])
        return ProofError(f"{self.where}: field `{key}` is {found}, wanted {wanted}")


def _kind(value: object) -> str:
    """Name a value without telling it."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true or false"
    if isinstance(value, str):
        return f"a string of {len(value)} characters"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "an object" if isinstance(value, dict) else "a number"
