"""Secrets: one random secret a subject, the signing key, the plans' keys.

Everything here is created with mode 0600 and never printed. A subject's secret is
random, never derived from a master key: deleting its row is what makes the log's
commitments about her unreadable for ever.
"""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from assent.errors import LedgerError
from assent.files import SECRET_MODE, write_whole
from assent.ledger.database import readable

SECRET_BYTES = 32
Randomness = Callable[[int], bytes]

SCHEMA = """
CREATE TABLE IF NOT EXISTS secrets (
  subject_id TEXT PRIMARY KEY, secret BLOB NOT NULL CHECK (length(secret) = 32)
) WITHOUT ROWID
"""


class Vault:
    """The secrets of one project, in a folder that only its owner reads.

    Args:
        folder: created when absent.
        randomness: gives n secret bytes; the system's, but for a labelled demo.
    """

    def __init__(self, folder: Path, randomness: Randomness) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._randomness = randomness
        database = folder / "vault.db"
        # SQLite gives its journal files the mode of the database, so set that first.
        database.touch(SECRET_MODE)
        database.chmod(SECRET_MODE)
        with readable():
            self._connection = sqlite3.connect(database, isolation_level=None)
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA secure_delete = ON")
            self._connection.execute(SCHEMA)

    def close(self) -> None:
        """Close the database file."""
        self._connection.close()

    def secret(self, subject_id: str) -> bytes:
        """Read one subject's secret: 32 bytes.

        Raises:
            LedgerError: the subject was never enrolled, or her secret was shredded.
        """
        found = self.secrets([subject_id]).get(subject_id)
        if found is None:
            raise LedgerError(
                f"subject `{subject_id}` has no secret: never enrolled, or shredded",
                hint="enrol the subject first: `assent record enrolled SUBJECT`",
            )
        return found

    def secrets(self, subject_ids: Iterable[str]) -> dict[str, bytes]:
        """Read several subjects' secrets; those without one are left out."""
        query = "SELECT secret FROM secrets WHERE subject_id = ?"
        found = {}
        for subject_id in subject_ids:
            with (
                readable(),
                closing(self._connection.execute(query, (subject_id,))) as rows,
            ):
                row = rows.fetchone()
            if row is not None:
                found[subject_id] = bytes(row[0])
        return found

    def is_empty(self) -> bool:
        """Say whether nobody was ever enrolled here."""
        with readable():
            rows = self._connection.execute("SELECT 1 FROM secrets LIMIT 1")
            return rows.fetchone() is None

    def ensure_secrets(self, subject_ids: Iterable[str]) -> None:
        """Draw a secret for each subject that has none.

        Called before the enrolment is appended: a crash between the two leaves a
        secret that nothing refers to, and the next enrolment uses it.
        """
        new = [(each, self._randomness(SECRET_BYTES)) for each in subject_ids]
        with readable(), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT INTO secrets VALUES (?, ?) ON CONFLICT DO NOTHING", new
            )

    def draw(self) -> bytes:
        """Draw 32 secret bytes that the vault does not keep."""
        return self._randomness(SECRET_BYTES)

    def key(self, name: str) -> bytes:
        """Read a named key of 32 bytes, drawn when it is first asked for."""
        path = self._folder / f"{name}.key"
        if not path.exists():
            write_whole(path, self._randomness(SECRET_BYTES), SECRET_MODE)
        return self.drawn_key(name)

    def drawn_key(self, name: str) -> bytes:
        """Read a named key of 32 bytes that was drawn before.

        Raises:
            LedgerError: it is gone; a new one would open nothing of the old one's.
        """
        path = self._folder / f"{name}.key"
        if not path.exists():
            raise LedgerError(
                f"key `{name}` is missing from the folder `{self._folder.name}`",
                hint="restore the key file from a backup",
            )
        key = path.read_bytes()
        if len(key) != SECRET_BYTES:
            raise LedgerError(
                f"key `{name}` holds {len(key)} bytes, wanted {SECRET_BYTES}",
                hint="restore the key file from a backup",
            )
        return key

    def has_key(self, name: str) -> bool:
        """Say whether a named key was drawn already."""
        return (self._folder / f"{name}.key").exists()
