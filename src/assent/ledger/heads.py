"""Signed heads: how many entries the ledger has, their root, and who vouches for it."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assent.errors import LedgerError, ProofError
from assent.ledger.rows import Rows
from assent.ledger.seen import Seen
from assent.ledger.vault import Vault
from assent.merkle import log, tiles
from assent.merkle.note import TreeHead, open_head, sign_head, verifier_key

SEEN = "seen"
MADE = "the making of the ledger was cut off, and is done now"


class Heads:
    """The heads of one ledger: signs new ones, opens old ones, remembers the largest.

    Args:
        rows: the ledger's tables.
        origin: the log's name, as signed.
        vault: where the signing key is.
    """

    def __init__(self, rows: Rows, origin: str, vault: Vault) -> None:
        self._rows = rows
        self._origin = origin
        self._vault = vault
        self._seen = Seen(vault.folder / SEEN)
        self._private: Ed25519PrivateKey | None = None
        self._opened: tuple[str, TreeHead] | None = None

    @property
    def verifier_key(self) -> str:
        """The public key that signs heads, as C2SP writes it."""
        return verifier_key(self._origin, self._key().public_key())

    def note(self, size: int | None = None) -> str:
        """Read the signed head, the latest or that of a size.

        Raises:
            LedgerError: no head was signed at this size.
        """
        note = self._rows.head(size)
        if note is None:
            raise _no_head()
        return note

    def latest(self) -> TreeHead:
        """Read the latest head and check its signature."""
        return self.opened(self._rows.head())

    def opened(self, note: str | None) -> TreeHead:
        """Open a signed head of this ledger; the last one is not opened twice.

        Raises:
            LedgerError: there is none, or the signature is not by this ledger's key.
        """
        if note is None:
            raise _no_head()
        if self._opened is not None and self._opened[0] == note:
            return self._opened[1]
        try:
            head = open_head(note, self.verifier_key)
        except ProofError as error:
            raise LedgerError(
                f"the signed head of `{note.splitlines()[0][:80]}` does not open as "
                f"one of `{self._origin}`: {error.message}",
                hint="restore ledger, key and the ledger's name from the same backup",
            ) from error
        self._opened = note, head
        return head

    def sign(self, size: int, root: bytes) -> str:
        """Sign a new head and add it, inside the transaction that is open."""
        note = sign_head(TreeHead(self._origin, size, root), self._key())
        self._rows.add_head(size, root, note)
        return note

    def node(self, level: int, position: int) -> bytes:
        """Read a complete subtree from the stored tiles.

        Raises:
            LedgerError: its tile is missing or too short.
        """
        try:
            return tiles.node(level, position, self._rows.tile)
        except ProofError as error:
            raise LedgerError(
                f"the tree is damaged: {error.message}",
                hint="restore the ledger from a backup",
            ) from error

    def whole_edge(self) -> TreeHead:
        """Read the latest head, and compare entries and tiles with it: O(log n).

        Raises:
            LedgerError: they are not what the head signs.
        """
        note, count = self._rows.top()
        head = self.opened(note)
        if count != head.size:
            raise LedgerError(
                f"the ledger holds {count} entries, but its head signs {head.size}",
                hint="restore the ledger from a backup; a new head would hide the loss",
            )
        root = log.root(head.size, self.node)
        if root != head.root:
            raise LedgerError(
                f"the tree hashes to {root.hex()}, but the head signs "
                f"{head.root.hex()}",
                hint="restore the ledger from a backup; the tree was changed",
            )
        return head

    # -- what this folder has signed ---------------------------------------------------

    def seen(self) -> str | None:
        """Read the largest head that this folder signed; None for none yet.

        To be read before the ledger is: whoever appends meanwhile moves both on, and a
        head that was read first would look like one of an old copy.
        """
        return self._seen.note()

    def remember(self, note: str) -> None:
        """Keep a head that was committed, unless a larger one is kept."""
        self._seen.keep(note)

    def compare_with_seen(self, head: TreeHead, note: str | None) -> str:
        """Refuse a ledger that is older than, or another than, what was signed here.

        Args:
            head: of the ledger.
            note: what `seen` gave before this head was read.

        Returns:
            What was found, in words; empty for nothing.

        Raises:
            LedgerError: the ledger is an old copy, or one with another history.
        """
        if note is None:
            if head.size:
                raise LedgerError(
                    f"the file `{SEEN}` is missing: nothing says whether this ledger "
                    f"of {head.size} entries is the newest copy",
                    hint="restore the folder `secrets` from its newest backup",
                )
            self.remember(self.note())
            return MADE
        seen = self.opened(note)
        if seen.size > head.size:
            raise LedgerError(
                f"the ledger has {head.size} entries, but this folder has signed "
                f"{seen.size}: it is an old copy",
                hint="restore the newest copy; if the last entries are lost for good, "
                "see `A lost tail` in docs/formats.md",
            )
        if log.root(seen.size, self.node) != seen.root:
            raise LedgerError(
                f"the first {seen.size} entries are not those that this folder signed",
                hint="restore the newest copy; two histories were signed, which "
                "witnesses will see",
            )
        if seen.size == head.size:
            return ""
        self.remember(self.note(head.size))
        return (
            f"entries {seen.size} to {head.size - 1} were appended by a writer "
            "that was cut off, is at work, or is elsewhere: they are signed and whole"
        )

    def _key(self) -> Ed25519PrivateKey:
        # Never drawn here: a new key beside an old ledger would hide that one is lost.
        if self._private is None:
            key = self._vault.drawn_key("signing")
            self._private = Ed25519PrivateKey.from_private_bytes(key)
        return self._private


def _no_head() -> LedgerError:
    return LedgerError(
        "the ledger has no signed head of the size asked for",
        hint="restore the ledger from a backup, or ask for another size",
    )
