"""The three papers between a controller and a recipient, each one signed.

handover          what was handed over, to whom, for what, decided when
change            what must be removed from it
acknowledgement   that it was removed, and what is left

Each is one canonical JSON object. Its field `signature` is a note over the digest of
all other fields; the note's first line says which paper it is, so that no signature of
one can pass as that of another, nor as a tree head. Layout: `docs/formats.md`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from dataclasses import fields as fields_of
from enum import StrEnum
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assent.canon import canonical, digest
from assent.corpus.manifest import FileEntry
from assent.errors import ProofError
from assent.merkle.note import open_statement, sign_statement
from assent.merkle.strict import Fields, parse

MAX_BYTES = 1 << 30
PATH_STEP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
SHARE_ID = re.compile(r"share-[0-9a-f]{16}")


class Paper(StrEnum):
    """Which of the three it is."""

    HANDOVER = "handover"
    CHANGE = "change"
    ACKNOWLEDGEMENT = "acknowledgement"


class Kind(StrEnum):
    """What is handed over."""

    CORPUS = "corpus"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Handover:
    """What was handed over.

    Args:
        kind: a corpus or a model.
        what: its id.
        recipient: who got it.
        origin: the ledger's name, which signs.
        controllers: of the policies in force.
        purpose: the only one that it may serve.
        as_of: microseconds UTC; the instant of the decisions.
        ledger_size: entries that the decisions saw.
        policies: sha256 of those in force, sorted.
        documents: handed over, or trained on.
        subjects: who wrote them.
        documents_sha256: `documents_digest` of their ids.
        files: every file beside `handover.json`, by path.
        simulated: choices or people were made up.
        verifier_key: the ledger's, which signs this and every change.
    """

    kind: Kind
    what: str
    recipient: str
    origin: str
    controllers: tuple[str, ...]
    purpose: str
    as_of: int
    ledger_size: int
    policies: tuple[str, ...]
    documents: int
    subjects: int
    documents_sha256: str
    files: tuple[FileEntry, ...]
    simulated: bool
    verifier_key: str

    @property
    def share_id(self) -> str:
        """Name the handover by the digest of all that it says."""
        return f"share-{digest(_plain(asdict(self)))[:16]}"

    def to_bytes(self, key: Ed25519PrivateKey) -> bytes:
        """Write the paper, signed by the ledger's key."""
        body = _plain(asdict(self)) | {"share_id": self.share_id}
        return _seal(Paper.HANDOVER, body, self.origin, key)


@dataclass(frozen=True, slots=True)
class Change:
    """What must be removed from what was handed over; no reason is told.

    Args:
        share_id: of the handover.
        number: 1 for the first change, then one more each time.
        previous: sha256 of the change before; of `handover.json` for the first.
        recipient: who must remove it.
        origin: the ledger's name, which signs.
        as_of: microseconds UTC; the instant of the decisions.
        ledger_size: entries that the decisions saw.
        deadline: microseconds UTC; until then it must be removed.
        whole: everything must go: a model was trained on it.
        documents: ids to remove, sorted; none where everything must go.
        verifier_key: the ledger's.
    """

    share_id: str
    number: int
    previous: str
    recipient: str
    origin: str
    as_of: int
    ledger_size: int
    deadline: int
    whole: bool
    documents: tuple[str, ...]
    verifier_key: str

    def to_bytes(self, key: Ed25519PrivateKey) -> bytes:
        """Write the paper, signed by the ledger's key."""
        return _seal(Paper.CHANGE, _plain(asdict(self)), self.origin, key)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What a recipient says after a change.

    Args:
        share_id: of the handover.
        number: of the change.
        change: sha256 of the change file.
        recipient: who says it.
        applied_at: microseconds UTC, by the recipient's clock.
        files: what is left beside `handover.json`, by path.
        verifier_key: the recipient's own; None: not signed.
    """

    share_id: str
    number: int
    change: str
    recipient: str
    applied_at: int
    files: tuple[FileEntry, ...]
    verifier_key: str | None

    def to_bytes(self, key: Ed25519PrivateKey | None) -> bytes:
        """Write the paper, signed where the recipient has a key."""
        return _seal(Paper.ACKNOWLEDGEMENT, _plain(asdict(self)), self.recipient, key)


def change_name(number: int) -> str:
    """Name the file of a change."""
    return f"change-{number:03}.json"


def acknowledgement_name(number: int) -> str:
    """Name the file of an acknowledgement."""
    return f"acknowledgement-{number:03}.json"


def documents_digest(document_ids: Iterable[str]) -> str:
    """Hash a set of document ids, whatever their order."""
    return digest(sorted(document_ids))


# -- reading ---------------------------------------------------------------------------


def read_handover(data: bytes, verifier_key: str) -> Handover:
    """Read a handover that a ledger signed.

    Raises:
        ProofError: a field is not as signed, or another key signed.
    """
    fields = _signed(Paper.HANDOVER, data, (*_names(Handover), "share_id"))
    handover = Handover(
        kind=_kind(fields),
        what=fields.name("what"),
        recipient=fields.name("recipient"),
        origin=fields.name("origin"),
        controllers=fields.names("controllers"),
        purpose=fields.name("purpose"),
        as_of=fields.count("as_of"),
        ledger_size=fields.count("ledger_size"),
        policies=fields.names("policies"),
        documents=fields.count("documents"),
        subjects=fields.count("subjects"),
        documents_sha256=fields.digest("documents_sha256").hex(),
        files=read_entries(fields),
        simulated=_flag(fields, "simulated"),
        verifier_key=fields.name("verifier_key"),
    )
    fields.constant("share_id", handover.share_id)
    _check_signature(Paper.HANDOVER, fields, handover.origin, verifier_key)
    return handover


def read_change(data: bytes, verifier_key: str) -> Change:
    """Read a change that a ledger signed.

    Raises:
        ProofError: a field is not as signed, or another key signed.
    """
    fields = _signed(Paper.CHANGE, data, _names(Change))
    documents = fields.items("documents")
    if not all(isinstance(each, str) and each for each in documents):
        raise ProofError(f"{fields.where}: a document id is no text")
    if documents != sorted(set(documents)):
        raise ProofError(f"{fields.where}: the documents are not sorted, each once")
    change = Change(
        share_id=_share_id(fields),
        number=fields.count("number"),
        previous=fields.digest("previous").hex(),
        recipient=fields.name("recipient"),
        origin=fields.name("origin"),
        as_of=fields.count("as_of"),
        ledger_size=fields.count("ledger_size"),
        deadline=fields.count("deadline"),
        whole=_flag(fields, "whole"),
        documents=tuple(documents),
        verifier_key=fields.name("verifier_key"),
    )
    if change.whole == bool(change.documents):
        raise ProofError(f"{fields.where} says both everything and some documents")
    _check_signature(Paper.CHANGE, fields, change.origin, verifier_key)
    return change


def read_acknowledgement(data: bytes) -> Acknowledgement:
    """Read an acknowledgement; where it names a key, that key signed it.

    Whose key it is, is for the reader to know.

    Raises:
        ProofError: a field is not as signed.
    """
    fields = _signed(Paper.ACKNOWLEDGEMENT, data, _names(Acknowledgement))
    key = fields.values["verifier_key"]
    said = Acknowledgement(
        share_id=_share_id(fields),
        number=fields.count("number"),
        change=fields.digest("change").hex(),
        recipient=fields.name("recipient"),
        applied_at=fields.count("applied_at"),
        files=read_entries(fields),
        verifier_key=None if key is None else fields.name("verifier_key"),
    )
    if said.verifier_key is not None:
        _check_signature(
            Paper.ACKNOWLEDGEMENT, fields, said.recipient, said.verifier_key
        )
    elif fields.values["signature"] is not None:
        raise ProofError(f"{fields.where} is signed, and names no key")
    return said


def read_entries(fields: Fields) -> tuple[FileEntry, ...]:
    """Read a list of files, each in or below one folder, by path.

    Raises:
        ProofError: a path leads elsewhere or stands there twice, or is out of order.
    """
    entries = []
    for item in fields.items("files"):
        one = Fields.of(item, f"{fields.where}: a file", _names(FileEntry))
        path = one.name("path")
        if not all(map(PATH_STEP.fullmatch, path.split("/"))):
            raise ProofError(f"{fields.where}: a path leads out of the folder")
        sha256 = one.digest("sha256").hex()
        entries.append(FileEntry(path, sha256, one.count("rows"), one.count("bytes")))
    paths = [entry.path for entry in entries]
    if paths != sorted(set(paths)):
        raise ProofError(f"{fields.where}: the files are not sorted, each once")
    return tuple(entries)


# -- inside ----------------------------------------------------------------------------


def _names(of: type[Any]) -> tuple[str, ...]:
    return tuple(each.name for each in fields_of(of))


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """Write tuples as the lists that JSON has."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in value.items()}


def _statement(paper: Paper, name: str, body: Mapping[str, Any]) -> str:
    return f"assent {paper} v1\n{name}\n{digest(dict(body))}\n"


def _format(paper: Paper) -> str:
    return f"assent/{paper}/v1"


def _seal(
    paper: Paper, body: dict[str, Any], name: str, key: Ed25519PrivateKey | None
) -> bytes:
    body = body | {"format": _format(paper)}
    signature = (
        None
        if key is None
        else sign_statement(_statement(paper, name, body), name, key)
    )
    return canonical(body | {"signature": signature})


def _signed(paper: Paper, data: bytes, names: Iterable[str]) -> Fields:
    """Take a paper of the wanted kind apart; its signature is not checked yet."""
    where = f"the {paper}"
    if len(data) > MAX_BYTES:
        raise ProofError(f"{where} has {len(data)} bytes, far too many")
    fields = Fields.of(parse(data, where), where, (*names, "format", "signature"))
    fields.constant("format", _format(paper))
    return fields


def _check_signature(
    paper: Paper, fields: Fields, name: str, verifier_key: str
) -> None:
    fields.constant("verifier_key", verifier_key)
    body = {k: v for k, v in fields.values.items() if k != "signature"}
    text = open_statement(fields.text("signature"), verifier_key, fields.where)
    if text != _statement(paper, name, body) or not verifier_key.startswith(f"{name}+"):
        raise ProofError(f"{fields.where} is not what `{name}` signed")


def _kind(fields: Fields) -> Kind:
    name = fields.name("kind")
    if name not in tuple(Kind):
        raise ProofError(f"{fields.where} hands over neither a corpus nor a model")
    return Kind(name)


def _share_id(fields: Fields) -> str:
    found = fields.name("share_id")
    if not SHARE_ID.fullmatch(found):
        raise ProofError(f"{fields.where}: field `share_id` names no handover")
    return found


def _flag(fields: Fields, key: str) -> bool:
    value = fields.values[key]
    if not isinstance(value, bool):
        raise ProofError(f"{fields.where}: field `{key}` is neither true nor false")
    return value
