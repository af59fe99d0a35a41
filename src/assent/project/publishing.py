"""The ledger as others may read it: a folder of static files, witnessed first."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assent.ledger.book import Book
from assent.ledger.publish import Published, publish_ledger
from assent.project.cosigning import cosigned_head
from assent.project.place import Place, Progress


@dataclass(frozen=True, slots=True)
class _Witnessed:
    """The ledger up to one head, whatever is appended meanwhile."""

    book: Book
    note: str

    @property
    def verifier_key(self) -> str:
        return self.book.verifier_key

    def cosigned_note(self, size: int | None = None) -> str:
        return self.note

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        return self.book.entries(start, stop)

    def tile(self, level: int, index: int) -> bytes:
        return self.book.tile(level, index)


def publish(
    place: Place, folder: Path, progress: Progress = lambda *_: None
) -> Published:
    """Bring a folder that a web server hands out up to the latest head.

    Where the project has witnesses, they are asked first: a head without its quorum
    would be reported by every monitor that knows the policy.

    Raises:
        LedgerError, UsageError: as `ledger.publish.publish_log`; or the witness policy
            cannot be read.
        ProofError: the quorum does not hold; the folder is as it was.
    """
    note, _ = cosigned_head(place)
    return publish_ledger(_Witnessed(place.book, note), folder, progress)
