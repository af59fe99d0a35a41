"""Nothing is believed that the head does not sign.

Two checks. The *log*: every entry is hashed again and the tiles and the root compared
with what is stored and signed. The *bodies*: every personal entry must have its private
body, which must open its commitment; or the vault's MAC: we shredded it.

Both go forward only: what this process has checked of the log is not read again.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.json as pj

from assent.canon import keyed
from assent.errors import LedgerError
from assent.ledger.records import parse
from assent.ledger.rows import EntryRow, Held, Rows, blob
from assent.ledger.vault import Vault
from assent.merkle import log, tiles
from assent.merkle.commitment import enrolment_commit, event_commit
from assent.merkle.note import TreeHead

PERSONAL = re.compile(
    rb'\{"commit":"([0-9a-f]{64})","recorded_at":([0-9]+),'
    rb'"type":"(enrolled|subject_event)","v":1\}'
)
"""A personal entry, whole: canonical JSON has one way to write it."""
ERASURE_KEY = "erasure"
BLOCK = 1 << 20

EVENTS = pa.schema(
    [
        ("entry", pa.int64()),
        ("kind", pa.string()),
        ("subject_id", pa.string()),
        ("purpose", pa.string()),
        ("recipient", pa.string()),
        ("category", pa.string()),
        ("notice", pa.string()),
        ("valid_until", pa.int64()),
        ("happened_at", pa.int64()),
        ("recorded_at", pa.int64()),
        ("country", pa.string()),  # of `residence_changed`; null for all others
    ]
)
DETAIL = pa.struct([("country", pa.string())])
BODY = pa.schema(
    [field for field in EVENTS if field.name not in ("entry", "recorded_at", "country")]
    + [pa.field("detail", DETAIL)]
)
"""What is read of a private body."""


class LogCheck:
    """How far this process has hashed the entries again, and what they hash to.

    Args:
        rows: the ledger's tables.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._head: TreeHead | None = None
        self._size = 0
        self._personal = 0
        self._edge: dict[tuple[int, int], bytes] = {}

    def run(self, head: TreeHead) -> int:
        """Check the entries under a signed head, from where the last check ended.

        Returns:
            How many of all entries are personal.

        Raises:
            LedgerError: an entry, its kind or a tile is not what was signed.
        """
        if self._head == head:
            return self._personal
        if head.size < self._size:
            raise LedgerError(
                f"the ledger has {head.size} entries, and had {self._size} before",
                hint="restore the newest copy of the ledger",
            )
        size, personal, edge = self._size, self._personal, self._edge
        for chunk in self._rows.entries(size, head.size):
            leaves = [self._leaf(number, row) for number, row in enumerate(chunk, size)]
            changed = tiles.extend(size, leaves, _held(edge))
            size += len(chunk)
            personal += sum(row.kind is None for row in chunk)
            edge = self._compared({**edge, **changed}, size)
        if size != head.size:
            raise LedgerError(
                f"the ledger holds {size} entries, but its head signs {head.size}",
                hint="restore the ledger from a backup; a new head would hide the loss",
            )
        root = log.root(size, lambda *at: tiles.node(at[0], at[1], _held(edge)))
        if root != head.root:
            raise LedgerError(
                f"the entries hash to {root.hex()}, but the head signs "
                f"{head.root.hex()}",
                hint="restore the ledger from a backup; an entry was changed",
            )
        self._head, self._size = head, size
        self._personal, self._edge = personal, edge
        return personal

    def _leaf(self, number: int, row: EntryRow) -> bytes:
        """Hash an entry, which must be the next one and of the kind that is said."""
        found, kind, entry = row
        if found != number:
            raise LedgerError(
                f"the ledger lacks entry {number}",
                hint="restore the ledger from a backup; a new head would hide the loss",
            )
        if not isinstance(entry, bytes):
            blob(entry)
        # A policy that is marked as personal would be passed over, and the reverse.
        if (
            (PERSONAL.fullmatch(entry) is None)
            if kind is None
            else _says(entry) != kind
        ):
            raise LedgerError(
                f"entry {number} hashes to something else than was signed, or is not "
                f"of the kind `{kind or 'personal'}`",
                hint="restore the ledger from a backup; an entry was changed",
            )
        return hashlib.sha256(b"\0" + entry).digest()

    def _compared(
        self, changed: dict[tuple[int, int], bytes], size: int
    ) -> dict[tuple[int, int], bytes]:
        """Compare complete tiles with the stored ones, and keep the partial ones.

        The partial ones are compared by the root: proofs are made from the tiles, and
        `Book` compares their right edge with the signed head.
        """
        partial = {
            (level, count // tiles.WIDTH)
            for level, count in enumerate(tiles.widths(size))
            if count % tiles.WIDTH
        }
        for (level, index), hashes in changed.items():
            complete = len(hashes) == tiles.WIDTH * log.HASH_BYTES
            if complete and self._rows.tile(level, index) != hashes:
                raise LedgerError(
                    f"tile {index} of level {level} is not what its entries hash to",
                    hint="restore the ledger from a backup; an entry or a tile was "
                    "changed",
                )
        return {place: changed[place] for place in partial}


class BodyCheck:
    """Reads private bodies, each opened against its entry's commitment.

    Args:
        rows: the ledger's tables.
        vault: where the secrets are that open enrolments.
    """

    def __init__(self, rows: Rows, vault: Vault) -> None:
        self._rows = rows
        self._vault = vault

    def events(self, size: int) -> Iterator[pa.Table]:
        """Read the events of the first `size` entries in chunks of `EVENTS`' columns.

        Raises:
            LedgerError: a body is missing, or is not the one that was committed to.
        """
        for chunk in self._rows.personal(0, size):
            kept, times = self._opened(chunk)
            if kept:
                yield _table(kept, times)

    def one(self, held: Held) -> tuple[int, bytes, dict[str, Any], bytes | None]:
        """Read one body: entry number, entry, body, opening.

        Raises:
            LedgerError: it is not the one that was committed to.
        """
        self._opened([held])
        if held.body is None:
            raise LedgerError(f"the private body of entry {held.number} was shredded")
        body = json.loads(held.body)
        # A row under another name would go to that person, or be shredded with her.
        if body["subject_id"] != held.subject_id:
            raise _not_committed(held.number)
        return held.number, held.entry, body, held.opening

    def _opened(self, chunk: list[Held]) -> tuple[list[Held], list[int]]:
        """Check each body; leave the shredded ones out. Also when each was recorded."""
        newcomers = [
            str(row.subject_id)
            for row in chunk
            if row.opening is None and row.body is not None
        ]
        secrets = self._vault.secrets(newcomers) if newcomers else {}
        kept, times = [], []
        for row in chunk:
            number, entry, subject_id, body, opening, erasure = row
            public = PERSONAL.fullmatch(entry)
            if public is None:
                raise LedgerError(f"entry {number} commits to no private body")
            if body is None or erasure is not None:
                self._check_erasure(row)
                continue
            if not isinstance(body, bytes):
                raise _not_committed(number)
            if public[3] == b"subject_event":
                whole = isinstance(opening, bytes) and len(opening) == log.HASH_BYTES
                commit = event_commit(opening, body) if opening and whole else b""
            else:
                secret = secrets.get(str(subject_id)) if opening is None else None
                commit = enrolment_commit(secret, body) if secret else b""
            if commit.hex().encode() != public[1]:
                raise _not_committed(number)
            kept.append(row)
            times.append(int(public[2]))
        return kept, times

    def _check_erasure(self, row: Held) -> None:
        """Refuse a body that is missing and was not shredded by us."""
        gone = row.body is None and row.opening is None and row.subject_id is None
        if row.erasure is None or not gone:
            raise LedgerError(
                f"the private body of entry {row.number} is missing: a body was "
                "removed",
                hint="restore the ledger from a backup; it could be a withdrawal",
            )
        key = self._vault.drawn_key(ERASURE_KEY)
        if row.erasure != erasure_mac(key, row.number, row.entry):
            raise LedgerError(
                f"the private body of entry {row.number} was removed, and not by this "
                "ledger's own erasure",
                hint="restore the ledger from a backup; it could be a withdrawal",
            )


def _held(edge: Mapping[tuple[int, int], bytes]) -> tiles.ReadTile:
    return lambda level, index: edge[level, index]


def erasure_mac(key: bytes, number: int, entry: bytes) -> bytes:
    """Say with a key of the vault that the body of an entry was shredded: 32 bytes."""
    return keyed(key, "shredded", number.to_bytes(8, "big"), entry)


def _says(entry: bytes) -> object:
    """Read the kind of a public entry; None where it is none."""
    try:
        value = parse(entry)
        return value["type"] if "body" in value else None
    except (ValueError, KeyError, TypeError):
        return None


def _table(kept: list[Held], times: list[int]) -> pa.Table:
    """Decode bodies that were opened: the columns of `EVENTS`."""
    bodies = [row.body or b"" for row in kept]
    longest = max(map(len, bodies))
    decoded = pj.read_json(
        pa.BufferReader(b"\n".join(bodies)),
        read_options=pj.ReadOptions(block_size=max(BLOCK, longest + 1)),
        parse_options=pj.ParseOptions(
            explicit_schema=BODY, unexpected_field_behavior="ignore"
        ),
    )
    # Whose it is must be what the body says: shredding goes by this column.
    whose = decoded["subject_id"].to_pylist()
    for row, subject_id in zip(kept, whose, strict=True):
        if row.subject_id != subject_id:
            raise _not_committed(row.number)
    columns = {name: decoded[name] for name in BODY.names if name != "detail"}
    columns["country"] = pa.chunked_array(
        [chunk.field("country") for chunk in decoded["detail"].chunks]
    )
    columns["entry"] = pa.array([row.number for row in kept], pa.int64())
    columns["recorded_at"] = pa.array(times, pa.int64())
    return pa.table([columns[name] for name in EVENTS.names], schema=EVENTS)


def _not_committed(number: int) -> LedgerError:
    return LedgerError(
        f"the private body of entry {number} is not the one that was committed to",
        hint="restore the ledger from a backup; the body was changed",
    )
