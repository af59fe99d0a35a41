"""Hidden entries: found in texts as before, and read by nobody.

Who leaves goes on being removed from other people's texts, so something of her entries
must stay. Of each stays a keyed tag (BLAKE2b, RFC 7693) and how it is found, encrypted
(AES-SIV, RFC 5297). A stolen directory says nothing; who has the key as well can try
names one by one, as with every keyed hash, so the key lies in the vault.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from numpy.typing import NDArray

from assent.errors import CorpusError
from assent.redact.dialled import suffix
from assent.redact.entries import Mark, forms_of, keys_of, letters_of
from assent.redact.forms import Forms, plain_keys
from assent.redact.grams import Keys, hashed

KEY_BYTES = 32
HIDDEN = pa.schema(
    [
        pa.field("mark", pa.uint16(), nullable=False),
        pa.field("tag", pa.binary(16), nullable=False),  # of mark and text
        pa.field("owner", pa.binary(16), nullable=False),  # of the subject
        pa.field("seal", pa.binary(), nullable=False),  # how it is found, encrypted
    ]
)
_SEALED = np.dtype([("words", "u1"), ("first", "<u8"), ("whole", "<u8")])
_FORM = np.dtype([("key", "<u8"), ("first", "<u8"), ("tag", "V16")])


class Unsealed(NamedTuple):
    """How hidden entries are found.

    Args:
        keys: of those that are runs of words.
        marks: of the same.
        numbers: `suffix` of each telephone number.
        forms: of names of several words.
        form_tags: `of_letters` of each form.
    """

    keys: Keys
    marks: NDArray[np.uint16]
    numbers: frozenset[int]
    forms: Forms
    form_tags: frozenset[bytes]


class Tags:
    """Makes and knows the keyed tags of one project.

    Args:
        key: 32 bytes.

    Raises:
        CorpusError: the key is of another length.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise CorpusError(f"the directory's key has {len(key)} bytes, wanted 32")
        self._key = key
        sealing = hashlib.blake2b(b"seal", key=key, digest_size=KEY_BYTES)
        self._cipher = AESSIV(sealing.digest())

    def __reduce__(self) -> tuple[type["Tags"], tuple[bytes]]:
        return Tags, (self._key,)  # a cipher does not travel between processes

    def of_entry(self, mark: int, text: str) -> bytes:
        """Tag an entry: 16 bytes."""
        return self._tag(str(int(mark)), text)

    def of_letters(self, letters: str) -> bytes:
        """Tag the letters of a form: 16 bytes."""
        return self._tag("form", letters)

    def of_subject(self, subject_id: str | None) -> bytes:
        """Tag whose an entry is: 16 bytes."""
        return self._tag("owner", subject_id or "")

    def of_row(self, subject_id: str | None, mark: int, text: str) -> bytes:
        """Tag an entry and whose it is: 32 bytes."""
        return self.of_entry(mark, text) + self.of_subject(subject_id)

    def hide(self, rows: pa.Table) -> pa.Table:
        """Turn entries (`subject_id`, `mark`, `text`) into rows of `HIDDEN`."""
        listed = rows.to_pylist()
        keys = keys_of([row["text"] for row in listed])
        hidden = []
        for number, row in enumerate(listed):
            tag = self.of_entry(row["mark"], row["text"])
            if row["mark"] == Mark.PHONE:
                opened = suffix(int(row["text"])).to_bytes(8, "little")
            elif row["mark"] & Mark.NEAR:
                opened = b"\0"  # nobody takes part any more; AES-SIV wants a byte
            else:
                each = (keys.words[number], keys.firsts[number], keys.hashes[number])
                opened = np.array([each], _SEALED).tobytes()
                if row["mark"] == Mark.NAME:
                    opened += self._forms(row["text"])
            owner = self.of_subject(row["subject_id"])
            seal = self._cipher.encrypt(opened, [tag])
            hidden.append(
                dict(zip(HIDDEN.names, (row["mark"], tag, owner, seal), strict=True))
            )
        return pa.Table.from_pylist(hidden, schema=HIDDEN)

    def unseal(self, hidden: pa.Table) -> Unsealed:
        """Read how hidden entries are found. Raises: InvalidTag: another key."""
        sealed, marks, numbers, formed = bytearray(), [], set(), bytearray()
        columns = (hidden[name].to_pylist() for name in ("mark", "tag", "seal"))
        for mark, tag, seal in zip(*columns, strict=True):
            opened = self._cipher.decrypt(seal, [tag])
            if mark == Mark.PHONE:
                numbers.add(int.from_bytes(opened, "little"))
            elif not mark & Mark.NEAR:
                sealed += opened[: _SEALED.itemsize]
                formed += opened[_SEALED.itemsize :]
                marks.append(mark)
        rows = np.frombuffer(bytes(sealed), _SEALED)
        keys = Keys(rows["whole"].copy(), rows["first"].copy(), rows["words"].copy())
        each = np.frombuffer(bytes(formed), _FORM)
        return Unsealed(
            keys,
            np.array(marks, np.uint16),
            frozenset(numbers),
            Forms(each["key"].copy(), each["first"].copy()).hidden,
            frozenset(tag.tobytes() for tag in each["tag"]),
        )

    def _forms(self, text: str) -> bytes:
        """Say how the forms of a name are found: of each its key, word and tag."""
        forms, _ = forms_of([text])
        written = letters_of(text)
        tags = dict(zip(plain_keys(hashed(written)).tolist(), written, strict=True))
        columns = (forms.keys, forms.firsts, plain_keys(forms.keys))
        rows = [
            (key, first, self.of_letters(tags[plain]))
            for key, first, plain in zip(
                *(each.tolist() for each in columns), strict=True
            )
        ]
        return np.array(rows, _FORM).tobytes()

    def _tag(self, kind: str, text: str) -> bytes:
        message = f"{kind}\0{text}".encode()
        return hashlib.blake2b(message, key=self._key, digest_size=16).digest()


def union(tables: Iterable[pa.Table]) -> pa.Table:
    """Put hidden entries behind each other; each stands once."""
    seen: set[tuple[bytes, bytes]] = set()
    parts = [HIDDEN.empty_table()]
    for table in tables:
        found = list(pairs(table))
        new = [pair not in seen for pair in found]
        seen.update(found)
        parts.append(table.filter(pa.array(new, pa.bool_())))
    return pa.concat_tables(parts)


def pairs(hidden: pa.Table) -> Iterator[tuple[bytes, bytes]]:
    """List the (tag, owner) of hidden entries: what tells them apart."""
    columns = (hidden[name].to_pylist() for name in ("tag", "owner"))
    return zip(*columns, strict=True)
