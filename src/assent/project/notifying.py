"""Tell people what a policy wants them to be told, and record each as told.

Nobody is recorded before she was reached. What was sent is recorded in small batches:
who was reached in a batch that a crash kept from the ledger is told once more, which
is safe; to take her as told when she was not would not be.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assent.errors import UsageError
from assent.files import SECRET_MODE, write_whole
from assent.notify.channels import MailServer, Outcome, Webhook
from assent.notify.letters import ADDRESS, SIGNATURE, Notice, call, mail, signature
from assent.notify.needs import Person
from assent.notify.table import Row, from_csv, to_csv
from assent.project.needing import LANGUAGE, Need, events_of
from assent.project.place import Place, Progress
from assent.terms import Event, EventKind, iso

BATCH = 20
"""Events a time: so many people are told again after a crash, at most."""
PATIENCE = 5
"""Failures of the whole channel in a row after which nobody else is tried."""
WEBHOOK_KEY = "webhook"


@dataclass(slots=True)
class Delivered:
    """Who was reached, and who was not.

    Args:
        served: people who were reached, and are recorded.
        refused: subject ids whose message was not taken.
        not_tried: people who were left out because the channel was down.
        without_address: people whom the channel has no address of.
    """

    served: int = 0
    refused: list[str] = field(default_factory=list)
    not_tried: int = 0
    without_address: int = 0

    @property
    def complete(self) -> bool:
        """Whether everybody who has an address was reached."""
        return not self.refused and not self.not_tried

    def lines(self) -> list[str]:
        """Say it in lines for a terminal."""
        lines = [f"reached and recorded: {self.served:,}"]
        if self.without_address:
            lines.append(f"no address for this channel: {self.without_address:,}")
        if self.refused:
            lines.append(f"not reached: {len(self.refused):,}")
            lines += [f"  {subject_id}" for subject_id in self.refused]
        if self.not_tried:
            lines.append(
                f"not tried: {self.not_tried:,}, since the channel failed "
                f"{PATIENCE} times, one after another"
            )
        return lines


# -- sending ---------------------------------------------------------------------------


def by_mail(
    place: Place,
    found: Sequence[Need],
    server: MailServer,
    sender: str,
    title: str | None,
    progress: Progress,
) -> Delivered:
    """Send one mail a person; reached is whose mail the server took."""
    if not ADDRESS.fullmatch(sender):
        raise UsageError(
            "the address after `--from` is none", hint="write it like us@example.org"
        )
    if title is not None and not (title.strip() and title.isprintable()):
        raise UsageError("the title of a mail is one line that can be printed")

    def tell(notice: Notice, person: Person) -> Outcome | None:
        if person.address is None:
            return None
        token = place.randomness(16).hex()
        heading = title or notice.title
        now = place.clock()
        return server.send(mail(notice, sender, person.address, heading, now, token))

    return _deliver(place, found, tell, "smtp", progress)


def by_webhook(
    place: Place,
    found: Sequence[Need],
    webhook: Webhook,
    secret: str | None,
    progress: Progress,
) -> Delivered:
    """Make one signed call a person; reached is for whom 2xx was the answer.

    Args:
        place: the project.
        found: who needs which notice.
        webhook: where it goes.
        secret: that both sides know; `secrets/webhook.key` in hexadecimal by default,
            drawn when it is first asked for.
        progress: told what is done.
    """
    shared = place.vault.key(WEBHOOK_KEY).hex() if secret is None else secret

    def tell(notice: Notice, person: Person) -> Outcome | None:
        body = call(notice, person.subject_id)
        seconds = place.clock() // 1_000_000
        headers = {
            "Content-Type": "application/json",
            SIGNATURE: signature(shared, body, seconds),
        }
        return webhook.send(body, headers)

    return _deliver(place, found, tell, "webhook", progress)


def _deliver(
    place: Place,
    found: Sequence[Need],
    tell: Callable[[Notice, Person], Outcome | None],
    channel: str,
    progress: Progress,
) -> Delivered:
    """Tell one person after another, and record who was reached, a batch a time."""
    done = Delivered()
    tasks = [(need.notice, person) for need in found for person in need.people]
    _keep_texts(place, found)
    reached: list[Event] = []
    failures = 0
    try:
        for number, (notice, person) in enumerate(tasks):
            progress("notices", number, len(tasks))
            if failures >= PATIENCE:
                done.not_tried += 1
                continue
            outcome = tell(notice, person)
            if outcome is None:
                done.without_address += 1
                continue
            failures = failures + 1 if outcome is Outcome.DOWN else 0
            if outcome is Outcome.SERVED:
                reached.append(_served(place.clock(), notice, person, channel))
            else:
                done.refused.append(person.subject_id)
            if len(reached) >= BATCH:
                _record(place, reached, done)
                # Crash here: all of them are recorded. Before: they are told again.
    finally:
        # Also when somebody stops it: who was reached must be known.
        _record(place, reached, done)
    progress("notices", len(tasks), len(tasks))
    return done


def _keep_texts(place: Place, found: Sequence[Need]) -> None:
    """Keep every text that is about to be shown.

    Raises:
        UsageError: one is no text, or is blank; nobody was told anything.
    """
    for need in found:
        if not need.notice.words.strip():
            raise UsageError(f"the notice `{need.notice.name}` is blank")
        place.keep(need.notice.text)
    # Crash here: texts that nothing refers to; the next run uses them.


def _served(now: int, notice: Notice, person: Person, channel: str) -> Event:
    return Event(
        EventKind.NOTICE_SERVED,
        now,
        person.subject_id,
        notice=notice.sha256,
        actor="operator",
        detail={"channel": channel, "language": notice.language},
    )


def _record(place: Place, reached: list[Event], done: Delivered) -> None:
    if reached:
        place.book.append(reached)
        done.served += len(reached)
        reached.clear()


# -- the platform's own mailer ---------------------------------------------------------


def export(place: Place, found: Sequence[Need], path: Path) -> int:
    """Write the list for a platform's own mailer; nobody counts as told by it.

    Returns:
        How many lines it has.
    """
    rows = [
        Row(
            person.subject_id,
            person.address or "",
            need.notice.language,
            need.notice.sha256,
            need.notice.policy.version,
        )
        for need in found
        for person in need.people
    ]
    _keep_texts(place, found)
    write_whole(path, to_csv(rows), SECRET_MODE)
    return len(rows)


def delivered(place: Place, path: Path) -> int:
    """Record what a platform's own mailer delivered: all of it, or nothing.

    Lines that were recorded before are passed over, so a list can grow and be read
    again.

    Returns:
        How many were recorded.

    Raises:
        UsageError: the file is not the list, or a line is not as wanted: it names
            somebody unknown, a text that was never exported, or a time to come.
    """
    try:
        rows = from_csv(path.read_bytes(), path.name)
    except OSError as error:
        raise UsageError(
            f"`{path.name}` cannot be read: {(error.strerror or 'no reason').lower()}",
            hint="name the file that `assent notify --csv` wrote, filled in",
        ) from error
    events = events_of(place, EventKind.ENROLLED, EventKind.NOTICE_SERVED)
    known = {
        (event["subject_id"], event["notice"], event["happened_at"])
        for event in events
        if event["kind"] == EventKind.NOTICE_SERVED
    }
    enrolled = {e["subject_id"] for e in events if e["kind"] == EventKind.ENROLLED}
    for row in rows:
        _check_delivered(place, row, path.name, enrolled)
    new = {(row.subject_id, row.notice, row.delivered_at): row for row in rows}
    if len(new) != len(rows):
        raise UsageError(
            f"`{path.name}` says the same delivery twice", hint="nothing was recorded"
        )
    found = [_delivery(row) for key, row in new.items() if key not in known]
    if found:
        place.book.append(found)
    return len(found)


def _delivery(row: Row) -> Event:
    return Event(
        EventKind.NOTICE_SERVED,
        row.delivered_at or 0,
        row.subject_id,
        notice=row.notice,
        actor="operator",
        detail={"channel": "csv", "language": row.language},
    )


def _check_delivered(place: Place, row: Row, name: str, enrolled: set[str]) -> None:
    hint = "nothing was recorded: correct the file"
    where = f"`{name}`: the row of subject `{row.subject_id}`"
    if row.subject_id not in enrolled:
        raise UsageError(f"{where} names nobody who is enrolled", hint=hint)
    path = place.folder / "objects" / row.notice
    if not re.fullmatch("[0-9a-f]{64}", row.notice) or not path.is_file():
        raise UsageError(f"{where} names a notice that was never exported", hint=hint)
    if not LANGUAGE.fullmatch(row.language):
        raise UsageError(f"{where} names no language", hint=hint)
    if (row.delivered_at or 0) > place.clock():
        raise UsageError(
            f"{where} was delivered at {iso(row.delivered_at or 0)}, which is to come",
            hint=hint,
        )
