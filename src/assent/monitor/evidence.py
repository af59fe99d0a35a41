"""What a log did wrong, as a file that a third person checks without the log.

Some faults are proved by signatures alone: two heads that cannot both be honest, an
entry that breaks the format. Others are that something was *served*; a file cannot show
that, and says so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assent.canon import canonical, sha256
from assent.errors import ProofError
from assent.files import write_whole
from assent.merkle import log
from assent.merkle.log import EMPTY_ROOT, HASH_BYTES
from assent.merkle.note import TreeHead, open_head
from assent.merkle.quorum import check_quorum, parse_policy
from assent.merkle.strict import Fields, base64_text, parse, read_base64
from assent.merkle.tiles import WIDTH
from assent.monitor.client import LogReader, TileError
from assent.monitor.entries import MALFORMED, TWICE, Entries
from assent.monitor.fresh import is_fresh, witness_time

FORMAT = "assent-evidence-v1"
KEYS = ("format", "kind", "says", "key", "source", "found_at", "proof")
MOST_BYTES_OF_A_FILE = 1_048_576
"""A longer one is cut: its beginning is as wrong as the whole of it."""

SPLIT_VIEW, REWRITTEN, ROLLBACK = "split_view", "rewritten", "rollback"
TILE, WITHHELD, CHECKPOINT = "tile", "withheld", "checkpoint"
UNWITNESSED, STALE = "unwitnessed", "stale"
PROVED = frozenset({SPLIT_VIEW, REWRITTEN, MALFORMED, TWICE})
"""Shown by signatures of the log alone; of the rest, not that the log served it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a log did wrong.

    Args:
        kind: which wrong it is.
        says: one sentence about it.
        proof: what shows it, as JSON.
        source: where the log was read.
    """

    kind: str
    says: str
    proof: dict[str, Any]
    source: str

    def write(self, folder: Path, key: str, found_at: int) -> Path:
        """Write the file. The same finding has the same name, and is written once."""
        value = {
            "format": FORMAT,
            "kind": self.kind,
            "says": self.says,
            "key": key,
            "source": self.source,
            "proof": self.proof,
        }
        name = f"{self.kind}-{sha256(canonical(value))[:16]}.json"
        if not (folder / name).exists():
            write_whole(folder / name, canonical({**value, "found_at": found_at}))
        return folder / name


@dataclass(frozen=True, slots=True)
class Shown:
    """What an evidence file shows.

    Args:
        kind: which wrong it is.
        says: the finder's sentence about it.
        origin: the log's name.
        proved: by signatures alone; else it rests on the word of the finder that the
            log served this.
        source: where the finder says it was served.
        found_at: when the finder says it was: microseconds UTC.
    """

    kind: str
    says: str
    origin: str
    proved: bool
    source: str
    found_at: int


def check_evidence(data: bytes, key: str | None = None) -> Shown:
    """Check that an evidence file shows what it says.

    Args:
        data: the file.
        key: the log's verifier key, from somewhere else than the file; without it the
            file's own is taken, and then anybody could have made it.

    Raises:
        ProofError: it is no evidence file, or it shows nothing of the kind.
    """
    fields = Fields.of(parse(data, "the evidence"), "the evidence", KEYS)
    fields.constant("format", FORMAT)
    kind, own = fields.name("kind"), fields.name("key")
    if key is not None and key != own:
        raise ProofError(
            "the evidence is about a log of another key",
            hint="give the key of the log that it names, from a source that you trust",
        )
    if kind not in CHECKS:
        raise ProofError(f"the evidence is of no kind that is known: `{kind[:40]}`")
    keys, check = CHECKS[kind]
    proof = Fields.of(fields.values["proof"], "the proof", keys)
    check(proof, own, kind, fields.count("found_at"))
    return Shown(
        kind,
        fields.name("says"),
        own.partition("+")[0],
        kind in PROVED,
        fields.name("source"),
        fields.count("found_at"),
    )


# -- what each kind is made of -------------------------------------------------------


def two_heads(
    older: str,
    newer: str,
    prefix_root: bytes,
    path: list[bytes],
    first: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Show that the newer head's log has another beginning than the older head's.

    Args:
        older: a signed head.
        newer: a signed head of at least as many entries.
        prefix_root: the root of the newer log's first entries, as many as the older
            head has; any other than this would have to break SHA-256.
        path: the consistency proof between the two.
        first: the first entry that differs, where the older one was kept.
    """
    return {
        "older": older,
        "newer": newer,
        "prefix_root": prefix_root.hex(),
        "path": [base64_text(each) for each in path],
        "first": first,
    }


def entries_proof(
    head: str, entries: list[tuple[int, bytes, list[bytes]]]
) -> dict[str, Any]:
    """Show entries with their inclusion in a signed head: number, entry, path."""
    return {
        "head": head,
        "entries": [
            {
                "index": index,
                "entry": base64_text(entry),
                "path": [base64_text(each) for each in path],
            }
            for index, entry, path in entries
        ],
    }


def tile_proof(head: str, error: TileError) -> dict[str, Any]:
    """Show files that the signed head does not vouch for."""
    return {
        "head": head,
        "files": {
            name: base64_text(data[:MOST_BYTES_OF_A_FILE])
            for name, data in error.files.items()
        },
        "tile": list(error.tile) if error.tile else None,
        "bundle": error.bundle,
    }


# -- how each kind is checked --------------------------------------------------------


def _check_two_heads(proof: Fields, key: str, _: str, __: int) -> None:
    older, newer = _head(proof, "older", key), _head(proof, "newer", key)
    prefix_root, path = proof.digest("prefix_root"), _hashes(proof, "path")
    if older.size == 0:
        if older.root == EMPTY_ROOT:
            raise ProofError("a head of no entries contradicts no other")
    elif prefix_root == older.root:
        raise ProofError("both heads have the same beginning: this shows nothing")
    else:
        log.verify_consistency(older.size, newer.size, path, prefix_root, newer.root)
    if proof.values["first"] is not None:
        _check_first(proof.values["first"], older, newer)


def _check_first(value: object, older: TreeHead, newer: TreeHead) -> None:
    keys = ("index", "older_leaf", "older_path", "newer_leaf", "newer_path")
    first = Fields.of(value, "the first difference", keys)
    index = first.count("index")
    leaves = first.digest("older_leaf"), first.digest("newer_leaf")
    if leaves[0] == leaves[1]:
        raise ProofError("the entry that is named as different is the same in both")
    for name, leaf, head in zip(
        ("older_path", "newer_path"), leaves, (older, newer), strict=True
    ):
        log.verify_inclusion(leaf, index, head.size, _hashes(first, name), head.root)


def _check_rollback(proof: Fields, key: str, _: str, __: int) -> None:
    seen, served = _head(proof, "seen", key), _head(proof, "served", key)
    proof.count("seen_at")
    if served.size >= seen.size:
        raise ProofError("the head that was served is not the smaller one")


def _check_tile(proof: Fields, key: str, _: str, __: int) -> None:
    reader = LogReader(_Held(proof), proof.text("head"), key)
    tile, bundle = proof.values["tile"], proof.values["bundle"]
    try:
        reader.check()
        if reader.head.size == 0 and reader.head.root != EMPTY_ROOT:
            return
        if isinstance(tile, list) and [type(each) for each in tile] == [int, int]:
            reader.tile(*tile)
        if bundle is not None:
            start = proof.count("bundle") * WIDTH
            stop = min(start + WIDTH, reader.head.size)
            for _entry in reader.entries(start, stop):
                continue
    except TileError:
        return
    except ValueError as error:  # no tile of this place in a log of this size
        raise ProofError(f"the evidence names what is not there: {error}") from None
    raise ProofError("the head vouches for these very files: this shows nothing")


class _Held:
    """The files of an evidence file, as a source."""

    where = "the evidence"

    def __init__(self, proof: Fields) -> None:
        files = proof.values["files"]
        if not isinstance(files, dict):
            raise ProofError("the files of the evidence are no object")
        held = Fields("the files", files)
        self._files = {
            name: read_base64(str(held.values[name]), "a file of the evidence")
            for name in files
        }

    def fetch(self, name: str, limit: int) -> bytes | None:
        """Read a file of the evidence."""
        data = self._files.get(name)
        return None if data is None else data[: limit + 1]


def _check_withheld(proof: Fields, key: str, _: str, __: int) -> None:
    _head(proof, "head", key)
    proof.name("name")


def _check_checkpoint(proof: Fields, key: str, _: str, __: int) -> None:
    # Possibly empty: a server may serve nothing as its checkpoint.
    data = read_base64(str(proof.values["checkpoint"]), "the checkpoint")
    try:
        open_head(data.decode(), key)
    except (ProofError, UnicodeDecodeError):
        return
    raise ProofError("the log's key signed this head: this shows nothing")


def _check_unwitnessed(proof: Fields, key: str, _: str, __: int) -> None:
    _head(proof, "head", key)
    policy = parse_policy(proof.text("policy"))
    try:
        check_quorum(proof.text("head"), policy, key)
    except ProofError:
        return
    raise ProofError("the quorum is met: this shows nothing")


def _check_stale(proof: Fields, key: str, _: str, found_at: int) -> None:
    _head(proof, "head", key)
    policy, fresh = parse_policy(proof.text("policy")), proof.count("fresh")
    seen = witness_time(proof.text("head"), policy)
    if is_fresh(seen, found_at // 1_000_000, fresh):
        raise ProofError("the head was fresh when it was looked at: this shows nothing")


def _check_entries(proof: Fields, key: str, kind: str, _: int) -> None:
    head, seen, fault = _head(proof, "head", key), Entries(), None
    last = -1
    for item in proof.items("entries"):
        fields = Fields.of(item, "an entry", ("index", "entry", "path"))
        index = fields.count("index")
        entry = read_base64(str(fields.values["entry"]), "an entry")
        if index <= last:
            raise ProofError("the entries do not stand in the order of the log")
        log.verify_inclusion(
            log.leaf_hash(entry), index, head.size, _hashes(fields, "path"), head.root
        )
        last, fault = index, seen.check(index, entry)
    if fault is None or fault.kind != kind:
        raise ProofError("the last entry is as it should be: this shows nothing")


def _head(proof: Fields, name: str, key: str) -> TreeHead:
    return open_head(proof.text(name), key)


def _hashes(fields: Fields, key: str) -> list[bytes]:
    return [
        read_base64(str(each), "a hash of the proof", HASH_BYTES)
        for each in fields.items(key)
    ]


_Check = Callable[[Fields, str, str, int], None]
_TWO_HEADS = ("older", "newer", "prefix_root", "path", "first")
CHECKS: dict[str, tuple[tuple[str, ...], _Check]] = {
    SPLIT_VIEW: (_TWO_HEADS, _check_two_heads),
    REWRITTEN: (_TWO_HEADS, _check_two_heads),
    ROLLBACK: (("seen", "seen_at", "served"), _check_rollback),
    TILE: (("head", "files", "tile", "bundle"), _check_tile),
    WITHHELD: (("head", "name"), _check_withheld),
    CHECKPOINT: (("checkpoint",), _check_checkpoint),
    UNWITNESSED: (("head", "policy"), _check_unwitnessed),
    STALE: (("head", "policy", "fresh"), _check_stale),
    MALFORMED: (("head", "entries"), _check_entries),
    TWICE: (("head", "entries"), _check_entries),
}
