"""The recipient's side: check a folder that was handed over, and apply changes to it.

No project, no ledger and no network is needed. A change makes a whole new folder
beside the old one, which then takes its name: the folder is as before, or as the change
wants it, and never something between.
"""

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assent.canon import canonical, sha256
from assent.corpus.manifest import FileEntry
from assent.errors import ProofError, UsageError
from assent.files import (
    SECRET_MODE,
    file_sha256,
    link_or_copy,
    publish_folder,
    sync_folder,
    write_whole,
)
from assent.merkle.note import KEY_BYTES, read_private_key, verifier_key
from assent.merkle.strict import Fields, parse
from assent.share.papers import (
    Acknowledgement,
    Change,
    Handover,
    Kind,
    acknowledgement_name,
    read_acknowledgement,
    read_change,
    read_entries,
    read_handover,
)

HANDOVER = "handover.json"
APPLIED = "applied.json"
APPLIED_FORMAT = "assent/applied/v1"


@dataclass(frozen=True, slots=True)
class Received:
    """A handed over folder as it stands now.

    Args:
        handover: what was signed.
        number: of the last change that was applied; 0: none.
        last: sha256 of that change file, or of `handover.json`.
        applied_at: when it was applied, microseconds UTC; 0: never.
        files: every file that it holds, beside the papers.
    """

    handover: Handover
    number: int
    last: str
    applied_at: int
    files: tuple[FileEntry, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """What one change did.

    Args:
        change: that was applied.
        rows: removed from the files.
        before: it had been applied already, and nothing was changed.
        acknowledgement: the file to send back.
        verifier_key: that signed it; None: it is not signed.
    """

    change: Change
    rows: int
    before: bool
    acknowledgement: Path
    verifier_key: str | None

    def lines(self) -> list[str]:
        """Say it in lines for a terminal."""
        name = f"change {self.change.number} of {self.change.share_id}"
        if self.before:
            first = f"{name} was applied before; nothing was changed"
        elif self.change.whole:
            first = f"{name}: the whole model was removed"
        else:
            first = f"{name}: {self.rows:,} documents were removed"
        signer = f"signed by {self.verifier_key}" if self.verifier_key else "not signed"
        return [first, f"send back `{self.acknowledgement.name}` ({signer})"]


def receive(folder: Path, key: str) -> Received:
    """Check a folder that was handed over: its paper, and each byte of its files.

    Args:
        folder: as it was handed over, or as changes left it.
        key: the ledger's verifier key, from a source that is trusted.

    Raises:
        ProofError: a paper or a file is not what was signed, or a file is not listed.
        UsageError: there is no such folder, or it was never handed over.
    """
    data = _read(folder / HANDOVER)
    handover = read_handover(data, key)
    received = Received(handover, 0, sha256(data), 0, handover.files)
    if (folder / APPLIED).exists():
        received = _applied(_read(folder / APPLIED), handover)
    _check_files(folder, received.files)
    return received


def apply(
    change_file: Path, folder: Path, key: str, now: int, key_file: Path | None = None
) -> Applied:
    """Remove what a change asks for, and write the acknowledgement.

    Applied twice, it changes nothing the second time.

    Args:
        change_file: signed by the ledger.
        folder: the one that was handed over.
        key: the ledger's verifier key, from a source that is trusted.
        now: microseconds UTC.
        key_file: the recipient's own key; drawn there where there is none yet.

    Raises:
        ProofError: the change or the folder is not what was signed, a change was left
            out, or it is about another handover; nothing was changed.
        UsageError: a file or folder is not there, or the key file is none.
    """
    folder = folder.resolve()
    own_key = None if key_file is None else _existing_key(key_file)
    _finish_swap(folder)
    with _refusing():
        data = _read(change_file)
        change = read_change(data, key)
        received = receive(folder, key)
        before = _follows(change, sha256(data), received)
    if key_file is not None and own_key is None:
        own_key = _drawn_key(key_file)
    rows = 0
    if not before:
        rows, files = _draft(folder, change, received)
        written = Received(received.handover, change.number, sha256(data), now, files)
        write_whole(_beside(folder, "applying") / APPLIED, _applied_bytes(written))
        # Crash here: a draft that the next run makes again.
        _swap(folder)
        received = written
    _remove(_beside(folder, "replaced"))
    # Crash here: what had to go is gone; the next run writes the acknowledgement.
    path, signer = _acknowledge(folder, received, own_key)
    return Applied(change, rows, before, path, signer)


# -- checks ----------------------------------------------------------------------------


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except ProofError as error:
        raise ProofError(
            f"refused, {error.message}",
            error.hint or "nothing was changed; ask who handed it over",
        ) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"`{path.name}` cannot be read: {(error.strerror or 'no reason').lower()}",
            hint="name the change file, and the folder that was handed over",
        ) from error


def _applied(data: bytes, handover: Handover) -> Received:
    """Read what earlier changes left.

    It is the recipient's own word: it cannot be signed by who handed the folder over.
    """
    where = f"`{APPLIED}`"
    names = ("format", "share_id", "number", "change", "applied_at", "files")
    fields = Fields.of(parse(data, where), where, names)
    fields.constant("format", APPLIED_FORMAT)
    fields.constant("share_id", handover.share_id)
    return Received(
        handover,
        fields.count("number"),
        fields.digest("change").hex(),
        fields.count("applied_at"),
        read_entries(fields),
    )


def _applied_bytes(received: Received) -> bytes:
    return canonical(
        {
            "format": APPLIED_FORMAT,
            "share_id": received.handover.share_id,
            "number": received.number,
            "change": received.last,
            "applied_at": received.applied_at,
            "files": [asdict(entry) for entry in received.files],
        }
    )


def _check_files(folder: Path, files: Iterable[FileEntry]) -> None:
    """Hash every file again, and find what nobody listed."""
    listed = {entry.path: entry for entry in files}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise ProofError(f"`{name}` leads out of the folder")
        if path.is_dir() or name in (HANDOVER, APPLIED) or _is_acknowledgement(name):
            continue
        if name not in listed:
            raise ProofError(
                f"`{name}` is not among the files that were handed over",
                hint="move it out of the folder: it would not be looked through",
            )
    for name, entry in listed.items():
        path = folder / name
        if not path.is_file() or file_sha256(path) != entry.sha256:
            raise ProofError(
                f"`{name}` is missing, or is not as it was handed over",
                hint="restore the folder from what was handed over, then apply every "
                "change in order",
            )


def _is_acknowledgement(name: str) -> bool:
    return re.fullmatch(r"acknowledgement-[0-9]{3,}\.json", name) is not None


def _follows(change: Change, digest: str, received: Received) -> bool:
    """Say whether a change was applied before; refuse it where it is not the next."""
    handover = received.handover
    for name in ("share_id", "recipient", "origin"):
        if getattr(change, name) != getattr(handover, name):
            raise ProofError("the change is about another handover than this folder")
    if change.whole != (handover.kind is Kind.MODEL):
        raise ProofError(f"the change does not fit a {handover.kind}")
    if change.number == received.number and digest == received.last:
        return True
    if change.number != received.number + 1:
        raise ProofError(
            f"this is change {change.number}, and {received.number} were applied",
            hint=f"apply change {received.number + 1} first"
            if change.number > received.number
            else "it was applied before, or it is not the one that was",
        )
    if change.previous != received.last:
        raise ProofError("the change does not follow on what was applied last")
    return False


# -- the new folder --------------------------------------------------------------------


def _beside(folder: Path, what: str) -> Path:
    return folder.with_name(f".{what}-{folder.name}")


def _draft(
    folder: Path, change: Change, received: Received
) -> tuple[int, tuple[FileEntry, ...]]:
    """Make the folder as the change wants it; rows removed, and the files left."""
    draft = _beside(folder, "applying")
    _remove(draft)
    draft.mkdir(mode=0o700)
    removed = frozenset(change.documents)
    files: list[FileEntry] = []
    for entry in () if change.whole else received.files:
        data = _without(folder / entry.path, removed)
        if data is None:
            link_or_copy(folder / entry.path, draft / entry.path)
            files.append(entry)
        else:
            rows, content = data
            write_whole(draft / entry.path, content)
            files.append(FileEntry(entry.path, sha256(content), rows, len(content)))
    for path in folder.iterdir():
        if path.name == HANDOVER or _is_acknowledgement(path.name):
            link_or_copy(path, draft / path.name)
    for inner in draft.rglob("*"):
        if inner.is_dir():
            sync_folder(inner)
    # Crash here: a draft that the next run makes again.
    gone = sum(e.rows for e in received.files) - sum(e.rows for e in files)
    return gone, tuple(files)


def _without(path: Path, removed: frozenset[str]) -> tuple[int, bytes] | None:
    """Write a part without some documents; None where it holds none of them."""
    # Only who holds a corpus needs these: a model is removed without.
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from assent.corpus.draft import parquet

    table = pq.ParquetFile(path).read()
    named = pa.array(sorted(removed), table["document_id"].type)
    rows = table.filter(pc.invert(pc.is_in(table["document_id"], value_set=named)))
    return None if len(rows) == len(table) else (len(rows), parquet(rows))


def _swap(folder: Path) -> None:
    draft, old = _beside(folder, "applying"), _beside(folder, "replaced")
    _remove(old)
    os.rename(folder, old)
    # Crash here: the new folder is whole and has no name; `_finish_swap` gives it.
    publish_folder(draft, folder)
    # Crash here: the folder is as the change wants it; the old one goes next.


def _finish_swap(folder: Path) -> None:
    """Give the new folder its name where a run was cut off between two renames."""
    draft, old = _beside(folder, "applying"), _beside(folder, "replaced")
    if not folder.exists() and draft.exists() and old.exists():
        publish_folder(draft, folder)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
        sync_folder(folder.parent)


# -- the acknowledgement ---------------------------------------------------------------


def _existing_key(path: Path) -> Ed25519PrivateKey | None:
    """Read the recipient's key; None where there is none yet."""
    if not path.exists():
        return None
    raw = _read(path)
    if len(raw) != KEY_BYTES:
        raise UsageError(
            f"`{path.name}` holds {len(raw)} bytes, a key has {KEY_BYTES}",
            hint="name your key file, or one that is not there yet: a key is drawn",
        )
    return read_private_key(raw)


def _drawn_key(path: Path) -> Ed25519PrivateKey:
    raw = os.urandom(KEY_BYTES)
    write_whole(path, raw, SECRET_MODE)
    # Crash here: a key that has signed nothing; the next run takes it.
    return read_private_key(raw)


def _acknowledge(
    folder: Path, received: Received, key: Ed25519PrivateKey | None
) -> tuple[Path, str | None]:
    """Write the acknowledgement of the last change.

    What it says is fixed by what was applied, so it is the same each time.
    """
    recipient = received.handover.recipient
    signer = None if key is None else verifier_key(recipient, key.public_key())
    said = Acknowledgement(
        received.handover.share_id,
        received.number,
        received.last,
        recipient,
        received.applied_at,
        received.files,
        signer,
    )
    path, data = folder / acknowledgement_name(received.number), said.to_bytes(key)
    if key is None and path.exists():
        return path, read_acknowledgement(_read(path)).verifier_key
    if not path.exists() or path.read_bytes() != data:
        write_whole(path, data)
        # Crash before: nothing is acknowledged that was not removed.
    return path, signer
