"""Secrets: one random secret a subject, the signing key, the plans' keys.

Every file here is created with mode 0600 and never printed. A subject's secret is
random, never derived from a master key: deleting its row is what makes the log's
commitments about her unreadable for ever.

Keys are files. The subjects' secrets are a SQLite file beside them, or the schema
`vault` of the ledger's server, so that their backups can expire apart from others.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from assent.errors import LedgerError
from assent.files import SECRET_MODE, write_whole
from assent.ledger.rows import blob
from assent.ledger.store import VAULT, connect, is_server, writing

SECRET_BYTES = 32
Randomness = Callable[[int], bytes]


class Vault:
    """The secrets of one project, in a folder that only its owner reads.

    Args:
        folder: created when absent.
        randomness: gives n secret bytes; the system's, but for a labelled demo.
        where: the ledger; when it is on a server, the secrets are there too.
    """

    def __init__(
        self, folder: Path, randomness: Randomness, where: Path | str = ""
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._randomness = randomness
        if not is_server(where):
            where = folder / "vault.db"
            where.touch(SECRET_MODE)
            where.chmod(SECRET_MODE)
        self._store = connect(where, VAULT)
        try:
            if self._store.blank():
                self._prepare()
        except BaseException:
            self._store.close()
            raise

    def _prepare(self) -> None:
        with writing(self._store):
            if self._store.blank():  # still, now that nobody else writes
                self._store.prepare()

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    @property
    def folder(self) -> Path:
        """Where the keys are."""
        return self._folder

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
        query = "SELECT subject_id, secret FROM secrets WHERE subject_id IN (?)"
        rows = self._store.rows_of(query, list(subject_ids))
        return {subject_id: blob(secret) for subject_id, secret in rows}

    def is_empty(self) -> bool:
        """Say whether nobody was ever enrolled here."""
        return not self._store.rows("SELECT 1 FROM secrets LIMIT 1")

    def spare(self, enrolled: int) -> list[str]:
        """Say how many secrets there are beside those of the enrolled, if any."""
        [(count,)] = self._store.rows("SELECT count(*) FROM secrets")
        if count <= enrolled:
            return []
        return [
            f"secrets in the vault of nobody who is enrolled: {count - enrolled:,}; "
            "an enrolment was cut off, or is at work, and the next one of theirs takes "
            "them"
        ]

    def ensure_secrets(self, subject_ids: Iterable[str]) -> None:
        """Draw a secret for each subject that has none.

        Called before the enrolment is committed: a crash between the two leaves a
        secret that nothing refers to, and the next enrolment uses it.
        """
        new = [(each, self._randomness(SECRET_BYTES)) for each in subject_ids]
        if not new:
            return
        with writing(self._store):
            self._store.change(
                "INSERT INTO secrets VALUES (?, ?) ON CONFLICT DO NOTHING", new
            )

    def shred(self, subject_id: str) -> None:
        """Delete a subject's secret for ever; nothing where there is none.

        The database overwrites it as far as it can. Copies in backups, in a server's
        journal and in the cells of a flash disk are out of its reach.
        """
        with writing(self._store):
            self._store.change(
                "DELETE FROM secrets WHERE subject_id = ?", [(subject_id,)]
            )
        # Crash here: deleted, perhaps not overwritten yet.
        self._store.scrub()

    def draws(self, count: int) -> list[bytes]:
        """Draw some times 32 secret bytes that the vault does not keep."""
        drawn = self._randomness(SECRET_BYTES * count) if count else b""
        ends = range(SECRET_BYTES, SECRET_BYTES * count + 1, SECRET_BYTES)
        return [drawn[end - SECRET_BYTES : end] for end in ends]

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
