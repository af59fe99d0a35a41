"""Hand a subject her receipts: one file an event, each checked before it is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from assent.errors import UsageError
from assent.files import SECRET_MODE, write_whole
from assent.ledger.records import parse
from assent.merkle.note import TreeHead, open_head, read_key
from assent.policy.model import in_force
from assent.project.cosigning import cosigned_head
from assent.project.place import Place
from assent.project.sharing import signing_key
from assent.prove.receipt import HerEvent, build_receipt
from assent.receipt.record import MEANINGS, Stated
from assent.terms import EventKind

SUFFIX = ".receipt.json"


@dataclass(frozen=True, slots=True)
class Handed:
    """One receipt that was written, and what it is about."""

    path: Path
    index: int
    words: str
    holds_secret: bool

    def line(self) -> str:
        """Say it in one line for a terminal."""
        secret = ", with her secret" if self.holds_secret else ""
        return f"entry {self.index}: {self.words}{secret}: `{self.path.name}`"


def hand_out(
    place: Place,
    subject_id: str,
    out: Path,
    entry: int | None = None,
    every: bool = False,
    cose: Path | None = None,
) -> list[Handed]:
    """Write receipts of one subject, each with mode 0600: they hold what she said.

    Args:
        place: the project.
        subject_id: whose.
        out: the file; with `every`, a folder that gets one file an event.
        entry: number of the ledger entry; her latest by default.
        every: all of hers instead.
        cose: also write the entry as a transparent statement for SCITT's programs
            here, and the ledger's public key beside it (`.pem`). Of one event only.

    Raises:
        UsageError: she has no event, or not this one, or COSE is not installed.
        LedgerError: what opens the commitment was shredded.
        ProofError: a receipt does not verify; it was not written.
    """
    if cose is not None:
        if every:
            raise UsageError("a COSE receipt is of one event", hint="name its entry")
        check_installed("cose")
    hers = _events(place, subject_id)
    chosen = hers if every else [_chosen(hers, subject_id, entry)]
    known = _Known(place, subject_id, hers)
    note, _ = cosigned_head(place)
    head = open_head(note, place.book.verifier_key)
    handed = []
    for each in chosen:
        number, raw, body, opening = each
        event = HerEvent(
            index=number,
            entry=raw,
            body=body,
            opens=place.vault.secret(subject_id) if opening is None else opening,
            path=place.book.path(number, head.size),
        )
        receipt = build_receipt(
            event,
            known.beside(each),
            note,
            place.book.verifier_key,
            signing_key(place),
            place.clock(),
        )
        path = out / f"{number:06d}{SUFFIX}" if every else out
        write_whole(path, receipt, SECRET_MODE)
        # Crash here: some receipts are written, each whole; the next run writes all.
        words = MEANINGS[EventKind(body["kind"])].words
        handed.append(Handed(path, number, words, opening is None))
        if cose is not None:
            _write_cose(place, event, head, cose)
    return handed


def check_installed(what: str) -> None:
    """Load the programs' own libraries, before anything is written.

    Raises:
        UsageError: one is not installed.
    """
    try:
        if what == "cose":
            import assent.prove.cose  # noqa: F401
        else:
            import assent.prove.attest  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"papers for other programs cannot be written: no module `{error.name}`",
            hint="pip install 'assent[run,sign]'",
        ) from error


def _write_cose(place: Place, event: HerEvent, head: TreeHead, path: Path) -> None:
    """Write the entry, which says nothing of her, and the key to check it with."""
    from assent.prove.cose import public_pem, transparent_statement

    key = signing_key(place)
    key_id = read_key(place.book.verifier_key).identity
    data = transparent_statement(
        event.entry, event.index, event.path, head, key, key_id
    )
    write_whole(path.with_name(f"{path.name}.pem"), public_pem(key))
    # Crash here: a public key that nothing needs; the next run writes both.
    write_whole(path, data)


Hers = tuple[int, bytes, dict[str, Any], bytes | None]
"""Number, entry, private body, and the opening; None of an enrolment."""


def _events(place: Place, subject_id: str) -> list[Hers]:
    hers = place.book.events_of(subject_id)
    if not hers:
        raise UsageError(
            f"the ledger has no event of subject `{subject_id}`",
            hint="enrol the subject first: `assent record enrolled SUBJECT`",
        )
    return hers


def _chosen(hers: Sequence[Hers], subject_id: str, entry: int | None) -> Hers:
    for each in reversed(hers):
        if entry is None or each[0] == entry:
            return each
    raise UsageError(
        f"entry {entry} is no event of subject `{subject_id}`",
        hint=f"hers are {', '.join(str(each[0]) for each in hers[-9:])}",
    )


class _Known:
    """What is known of one subject beside her events, read once."""

    def __init__(self, place: Place, subject_id: str, hers: Sequence[Hers]) -> None:
        self._settings = place.config.receipts
        self._versions = place.versions()
        self._row = _loaded(place, subject_id)
        self._moves = [
            (number, body["happened_at"], body["detail"].get("country"))
            for number, _, body, _ in hers
            if body["kind"] == EventKind.RESIDENCE_CHANGED
        ]

    def beside(self, event: Hers) -> Stated:
        """Gather what is known at the time of an event; nothing is guessed."""
        number, raw, body, _ = event
        policies = in_force(self._versions, parse(raw)["recorded_at"])
        return Stated(
            controllers=tuple(sorted({each.controller for each in policies})),
            country=self._country(number, body["happened_at"]),
            **self._settings,
        )

    def _country(self, number: int, at: int) -> str | None:
        """Say where she lived at an instant, as known at an entry; None: not known.

        The rule of decisions (`docs/formats.md`, section 3): of the dated statements
        the latest start counts, two places from one instant are none, and only
        without any statement does the undated country count.
        """
        statements = [
            (start, country) for index, start, country in self._moves if index <= number
        ]
        statements += [
            (each["valid_from"], each["country"])
            for each in self._row.get("residences") or ()
        ]
        if not statements:
            country: str | None = self._row.get("country")
            return country
        last = max((start for start, _ in statements if start <= at), default=None)
        found = {country for start, country in statements if start == last}
        return found.pop() if len(found) == 1 else None


def _loaded(place: Place, subject_id: str) -> dict[str, Any]:
    """Read her row of the loaded subjects; empty where there is none."""
    columns = ["subject_id", "country", "residences"]
    for tables in place.loads():
        table = pq.read_table(tables.subjects, columns=columns)
        for row in table.filter(pc.equal(table["subject_id"], subject_id)).to_pylist():
            found: dict[str, Any] = row
            return found
        break
    return {}
