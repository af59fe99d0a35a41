"""Look for something in every byte of a folder: as it is, coded, or hashed."""

import base64
import hashlib
import json

import pyarrow.parquet as pq

SHORTEST = 4
"""Bytes of a trace: a shorter one stands in random bytes now and then."""
HASHES = ("sha256", "sha1", "md5", "sha512", "sha3_256", "blake2b")


def traces(needle):
    """Give the ways in which bytes may stand in a file."""
    found = [needle, needle[::-1], needle.hex().encode(), needle.hex().upper().encode()]
    found.append(base64.b32encode(needle).rstrip(b"=")[:-1])
    found += _base64(needle)
    for name in HASHES:
        for text in (needle, b"\0" + needle):  # as it is, and as a leaf of a log
            digest = hashlib.new(name, text).digest()
            found += [digest, digest.hex().encode(), *_base64(digest)]
    try:
        text = needle.decode()
    except UnicodeDecodeError:
        return found
    found += [text.encode("utf-16-le"), text.encode("utf-16-be")]
    found += [text.upper().encode(), text.lower().encode()]
    return [*found, json.dumps(text)[1:-1].encode()]


def _base64(data):
    """Write bytes in base64 as after 0, 1 and 2 others: that looks different."""
    for before, shared in ((0, 0), (1, 2), (2, 3)):  # characters shared with others
        code = base64.b64encode(bytes(before) + data)[shared:].rstrip(b"=")[:-1]
        yield code
        yield code.replace(b"+", b"-").replace(b"/", b"_")


def found_in(folder, needles):
    """Name each needle that left a trace, and the file: of Parquet also its values."""
    contents = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name = path.relative_to(folder).as_posix()
        contents.append((name, path.read_bytes()))
        if path.suffix == ".parquet":
            values = pq.read_table(path).to_pylist()
            contents.append((name, repr(values).encode()))
    return {
        (needle, name)
        for needle in needles
        for trace in traces(needle)
        for name, data in contents
        if len(trace) >= SHORTEST and trace in data
    }
