"""What a witness keeps: its key, and of each log the last head that it cosigned.

A folder with two files, both of mode 0600:

witness.key   one line, `PRIVATE+KEY+name+hash+base64(0x04 || seed)`
witness.db    SQLite (WAL, synchronous FULL): the last head a log, and proofs of fraud

Whoever restores an old `witness.db` makes the witness forget what it has seen: it then
cosigns a second version of the entries since.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assent.errors import ProofError, UsageError
from assent.files import SECRET_MODE, write_whole
from assent.merkle.cosign import COSIGNATURE, cosigner_key
from assent.merkle.note import private_bytes, read_private_key
from assent.merkle.strict import base64_text, read_base64

KEY_FILE = "witness.key"
DATABASE = "witness.db"
PRIVATE = "PRIVATE+KEY+"
SCHEMA = """
CREATE TABLE IF NOT EXISTS heads (
  origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL,
  note TEXT NOT NULL, cosigned_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS splits (
  origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL,
  note TEXT NOT NULL, seen_at INTEGER NOT NULL,
  PRIMARY KEY (origin, size, root)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness's name and its private key."""

    name: str
    private_key: Ed25519PrivateKey

    @property
    def verifier_key(self) -> str:
        """What others hold: name+hash+base64, of type 4."""
        return cosigner_key(self.name, self.private_key.public_key())


@dataclass(frozen=True, slots=True)
class Seen:
    """The last head of a log that was cosigned, and when: seconds since 1970."""

    origin: str
    size: int
    root: bytes
    note: str
    cosigned_at: int


def draw_key(folder: Path, name: str) -> WitnessKey:
    """Start a witness in a folder: draw its key.

    Raises:
        UsageError: there is one already, or the name cannot name a key.
    """
    path = folder / KEY_FILE
    if path.exists():
        raise UsageError(
            f"there is a witness in `{folder.name}` already",
            hint="choose another folder: a second key would be a second witness",
        )
    key = WitnessKey(name, Ed25519PrivateKey.generate())
    try:
        identity = key.verifier_key.split("+")[1]
    except ValueError as error:
        raise UsageError(
            "this name cannot name a witness",
            hint="write a name without spaces and `+`, such as `union.example/w1`",
        ) from error
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    State.create(folder).close()
    # Crash here: no key, so no witness; the next `init` takes the empty state.
    secret = base64_text(COSIGNATURE + private_bytes(key.private_key))
    write_whole(path, f"{PRIVATE}{name}+{identity}+{secret}\n".encode(), SECRET_MODE)
    # From here on it is a witness, one that has seen nothing yet.
    return key


def read_key_file(folder: Path) -> WitnessKey:
    """Read a witness's key.

    Raises:
        UsageError: there is none, or the file is no such key.
    """
    path = folder / KEY_FILE
    if not path.exists():
        raise UsageError(
            f"there is no witness in `{folder.name or folder}`",
            hint="run `assent witness init FOLDER --name NAME` first",
        )
    try:
        line = path.read_text(encoding="utf-8")
        name, identity, secret = line.removeprefix(PRIVATE).rstrip("\n").split("+", 2)
        data = read_base64(secret, "the key", 33)
        key = WitnessKey(name, read_private_key(data[1:]))
        wanted = f"{PRIVATE}{name}+{key.verifier_key.split('+')[1]}+{secret}\n"
        if line != wanted or not data.startswith(COSIGNATURE):
            raise ValueError(identity)
    except (ValueError, ProofError) as error:
        raise UsageError(
            f"`{path.name}` is not the key of a witness",
            hint="restore the file from a backup",
        ) from error
    return key


class State:
    """The last head of each log. Safe for many threads, and many processes.

    Use `State.open`, which never makes a new file: a witness whose state is gone has
    forgotten what it saw, and would cosign a second version of it.
    """

    @classmethod
    def create(cls, folder: Path) -> "State":
        """Make an empty state, or open the one that is there."""
        # Before SQLite: its journals take the mode of the file.
        (folder / DATABASE).touch(SECRET_MODE)
        return cls(folder / DATABASE, SCHEMA)

    @classmethod
    def open(cls, folder: Path) -> "State":
        """Open the state of a witness.

        Raises:
            UsageError: it is gone or empty, is no such database, or cannot be used.
        """
        found = (folder / DATABASE).exists()
        state = cls(folder / DATABASE) if found else None
        if state is not None and state._has_tables():
            return state
        if state is not None:
            state.close()  # emptied, or another program's
        raise UsageError(
            f"`{DATABASE}` is {'not the state of a witness' if found else 'missing'}: "
            "the witness would not know what it has seen",
            hint="restore the newest copy, or draw a new key in another folder",
        )

    def __init__(self, path: Path, schema: str = "") -> None:
        self._lock = threading.Lock()
        with self._usable():
            self._connection = sqlite3.connect(
                path, isolation_level=None, timeout=30, check_same_thread=False
            )
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = FULL")
                self._connection.executescript(schema)
            except BaseException:
                self._connection.close()
                raise

    def _has_tables(self) -> bool:
        query = "SELECT count(*) FROM sqlite_master WHERE name IN ('heads', 'splits')"
        with self._usable():
            [(count,)] = self._connection.execute(query)
        return bool(count == 2)  # both

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def changing(self) -> Iterator["State"]:
        """Hold the state alone: what is read inside is true until it is written.

        Committed to the disk when the block ends; an error inside undoes it all.

        Raises:
            UsageError: the file cannot be written now.
        """
        with self._lock, self._usable():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
        # Crash before the commit: the old head. After it: the new one, whether or not
        # anybody got a signature for it.

    def last(self, origin: str) -> Seen | None:
        """Read the last head of a log; None when none was ever cosigned."""
        row = self._connection.execute(
            "SELECT origin, size, root, note, cosigned_at FROM heads WHERE origin = ?",
            (origin,),
        ).fetchone()
        return None if row is None else Seen(*row)

    def keep(self, seen: Seen) -> None:
        """Replace the last head of a log, inside `changing`."""
        self._connection.execute(
            "INSERT OR REPLACE INTO heads VALUES (?, ?, ?, ?, ?)",
            (seen.origin, seen.size, seen.root, seen.note, seen.cosigned_at),
        )

    def keep_split(self, split: Seen) -> None:
        """Keep a second head of a size that is cosigned already, inside `changing`."""
        self._connection.execute(
            "INSERT OR IGNORE INTO splits VALUES (?, ?, ?, ?, ?)",
            (split.origin, split.size, split.root, split.note, split.cosigned_at),
        )

    def all(self) -> tuple[list[Seen], list[Seen]]:
        """Read the last heads, and the second heads that logs signed: proofs of fraud.

        Raises:
            UsageError: the file cannot be read.
        """
        with self._lock, self._usable():
            heads = self._connection.execute(
                "SELECT origin, size, root, note, cosigned_at FROM heads ORDER BY 1"
            ).fetchall()
            splits = self._connection.execute(
                "SELECT origin, size, root, note, seen_at FROM splits ORDER BY 1, 2, 3"
            ).fetchall()
        return [Seen(*row) for row in heads], [Seen(*row) for row in splits]

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise UsageError(
                f"`{DATABASE}` cannot be used ({error}); nothing was cosigned",
                hint="free some space or close the other program; never replace the "
                "file by an older one: the witness would cosign a second version",
            ) from error
