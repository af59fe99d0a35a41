"""Have the ledger's head stamped by an RFC 3161 authority, and keep what it says.

In `stamps/`: `<size>.head`, the head as the ledger signed it, and
`<size>-<digest>.tsr`, one for each stamp that was verified. Nothing there is about a
person, and anyone can check it:

    openssl ts -verify -data 812.head -in 812-0f3c....tsr -CAfile root.pem
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from assent.errors import ProofError
from assent.files import write_whole
from assent.merkle.note import SIZE_LINE, open_head
from assent.project.place import Place
from assent.witness.stamps import (
    Stamp,
    ask_authority,
    imprint,
    new_request,
    verify_stamp,
)

FOLDER = "stamps"
HEAD = re.compile(f"({SIZE_LINE.pattern})[.]head")
STAMP = re.compile("[0-9]+-[0-9a-f]{16}[.]tsr")


@dataclass(frozen=True, slots=True)
class Stamped:
    """A stamp that was verified, and where it lies."""

    size: int
    stamp: Stamp
    head: Path
    response: Path


def stamp_by_url(place: Place, url: str, roots: bytes) -> Stamped:
    """Ask an authority to stamp the latest head; keep the stamp if it verifies.

    Raises:
        UsageError: it does not answer, or the certificates cannot be read.
        ProofError: what it answers is no stamp of this head by these certificates.
    """
    head = _keep_head(place)
    request, nonce = new_request(_note(head))
    response = ask_authority(url, request)
    stamp = verify_stamp(_note(head), response, roots, nonce)
    return _keep(head, response, stamp)


def write_request(place: Place, out: Path) -> int:
    """Write a request about the latest head, to be carried to an authority.

    Returns:
        The head's number of entries.
    """
    head = _keep_head(place)
    # Crash here: a head that nobody asked about; the next request finds it there.
    write_whole(out, new_request(_note(head))[0])
    return int(head.stem)


def keep_response(place: Place, response: bytes, roots: bytes) -> Stamped:
    """Keep what an authority answered to a request that was written here.

    Raises:
        ProofError: it is about no head that was asked for, or does not verify.
    """
    wanted = imprint(response)
    for head in _heads(place):
        if sha256(head.read_bytes()).digest() == wanted:
            return _keep(head, response, _verified(place, head, response, roots))
    raise ProofError(
        "the time stamp is about no head that was asked for here",
        hint="write a request first: `assent ledger stamp --request FILE`",
    )


def kept_stamps(place: Place, roots: bytes) -> Iterator[Stamped]:
    """Verify every stamp that is kept, the oldest head first.

    Raises:
        ProofError: one does not verify, or the head that it is about is gone.
    """
    heads = _heads(place)
    sizes = {head.stem for head in heads}
    for path in sorted((place.folder / FOLDER).glob("*.tsr")):
        size = path.stem.partition("-")[0]
        # Passed over, it would look as if no time had ever been shown.
        if STAMP.fullmatch(path.name) and size not in sizes:
            raise ProofError(
                f"`{FOLDER}/{path.name}` is about a head that is gone: "
                f"`{FOLDER}/{size}.head`",
                hint="restore that file from a backup, or move the stamp elsewhere",
            )
    for head in heads:
        for path in sorted(head.parent.glob(f"{head.stem}-*.tsr")):
            if not STAMP.fullmatch(path.name):
                continue  # somebody else's
            try:
                stamp = _verified(place, head, path.read_bytes(), roots)
            except ProofError as error:
                said = f"`{FOLDER}/{path.name}`: {error.message}"
                raise ProofError(said, error.hint) from error
            yield Stamped(int(head.stem), stamp, head, path)


def _heads(place: Place) -> list[Path]:
    """Find the heads that were kept; what else lies there is somebody else's."""
    found = (place.folder / FOLDER).glob("*.head")
    heads = [path for path in found if HEAD.fullmatch(path.name) and path.is_file()]
    return sorted(heads, key=lambda path: int(path.stem))


def _note(head: Path) -> str:
    """Read a head as its signer wrote it.

    Raises:
        ProofError: it is no text.
    """
    try:
        return head.read_bytes().decode()
    except UnicodeDecodeError:
        raise ProofError(f"`{FOLDER}/{head.name}` is no text in UTF-8") from None


def _keep_head(place: Place) -> Path:
    """Keep the latest head as its signer wrote it: that is what is stamped.

    Raises:
        ProofError: another text lies there under its name.
    """
    note = place.book.head_note()
    size = open_head(note, place.book.verifier_key).size
    path = place.folder / FOLDER / f"{size}.head"
    if not path.exists():
        write_whole(path, note.encode())
    elif _note(path) != note:
        raise ProofError(
            f"`{FOLDER}/{path.name}` is not the head that this ledger signed",
            hint="move it elsewhere; the ledger writes its own",
        )
    return path


def _verified(place: Place, head: Path, response: bytes, roots: bytes) -> Stamp:
    note = _note(head)
    open_head(note, place.book.verifier_key)
    return verify_stamp(note, response, roots)


def _keep(head: Path, response: bytes, stamp: Stamp) -> Stamped:
    name = f"{head.stem}-{sha256(response).hexdigest()[:16]}.tsr"
    write_whole(head.with_name(name), response)
    return Stamped(int(head.stem), stamp, head, head.with_name(name))
