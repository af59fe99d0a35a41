"""One encoding, one hash: canonical bytes, digests and keyed digests.

Whatever is signed, logged or compared goes through this file, so that two programs
that mean the same thing hold the same bytes.
"""

import hashlib
import hmac
import json
import re
from typing import Any

import rfc8785

LABEL = b"assent/v1/"
KEY_BYTES = 32
PLAIN = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
BEYOND_16_BITS = re.compile("[\ud800-\udfff\U00010000-\U0010ffff]")  # or half of such
MOST = 1 << 53  # whole numbers below it are exact as floats
# HMAC has two keys: the secret, padded to a block, xor 36 and xor 5c (hexadecimal).
INNER, OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
INNER_PAD, OUTER_PAD = (bytes([pad]) * (64 - KEY_BYTES) for pad in (0x36, 0x5C))


def canonical(value: Any) -> bytes:
    """Encode a JSON value as its one canonical form.

    Raises:
        ValueError: a float that is not finite, an integer beyond 2**53, a key that is
            not a string, or a type that JSON does not have.

    Source: RFC 8785.
    """
    # Python's own encoder, in C and ten times as fast, writes the same where there is
    # no float and no key that UTF-16 sorts elsewhere. Entries have neither, mostly.
    if _is_plain(value):
        text = PLAIN.encode(value)
        if text.isascii() or not BEYOND_16_BITS.search(text):
            return text.encode()
    return rfc8785.dumps(value)


def _is_plain(value: Any) -> bool:
    """Say whether these are only texts, whole numbers that floats hold, and so on."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is int:
        return bool(-MOST < value < MOST)
    if kind is dict:
        return all(type(key) is str and _is_plain(value[key]) for key in value)
    return kind is list and all(map(_is_plain, value))


def sha256(data: bytes) -> str:
    """Hash bytes: 64 lower-case hexadecimal digits. Source: FIPS 180-4."""
    return hashlib.sha256(data).hexdigest()


def digest(value: Any) -> str:
    """Hash a JSON value by its canonical bytes: 64 hexadecimal digits."""
    return sha256(canonical(value))


def keyed(key: bytes, label: str, *parts: bytes) -> bytes:
    """Derive 32 bytes from a secret key for one named use.

    The message is `assent/v1/<label>`, then for each part a zero byte, its length as
    eight big-endian bytes, and the part itself: no two lists of parts share a message.

    Args:
        key: 32 secret bytes.
        label: what the result is for; one label, one use.
        parts: what it is bound to.

    Source: RFC 2104 (HMAC) with SHA-256.
    """
    message = LABEL + label.encode()
    for part in parts:
        message += b"\0" + len(part).to_bytes(8, "big") + part
    if len(key) != KEY_BYTES:
        return hmac.digest(key, message, "sha256")
    # Twice as fast as `hmac.digest`, which looks its algorithm up each time; a ledger
    # is read and written by millions of these.
    inner = hashlib.sha256(key.translate(INNER) + INNER_PAD + message).digest()
    return hashlib.sha256(key.translate(OUTER) + OUTER_PAD + inner).digest()
