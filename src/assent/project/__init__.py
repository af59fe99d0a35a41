"""The Python API: one class, one method a stage, in the order of the flow."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from assent.canon import sha256
from assent.engine.choice import EMBEDDED, Choice
from assent.ledger.book import PublicEvent
from assent.ledger.vault import Randomness
from assent.project import loading, standing
from assent.project.config import SERVER_LINE, TEMPLATE
from assent.project.decides import Decides
from assent.project.models import Models
from assent.project.outward import Outward
from assent.project.place import Clock, Place, Progress, system_clock
from assent.sources.parquet import Counts
from assent.sources.simulated import MEMBERS
from assent.terms import Event

if TYPE_CHECKING:
    from assent.decide.impact import Impact
    from assent.policy.findings import Finding
    from assent.project.auditing import Audit, Options
    from assent.project.auditing_corpora import CorpusAudit
    from assent.project.building import Built
    from assent.project.erasing import Erasure
    from assent.project.importing import Imported
    from assent.project.objecting import Objection
    from assent.report.replay import Snapshot

CATEGORIES = ("profile", "post", "comment", "article", "group_message",
              "private_message")  # fmt: skip


def silent(what: str, done: int, total: int) -> None:
    """Show no progress."""


class Project(Decides, Models, Outward):
    """A project folder, open. Use it in a `with` block, or close it.

    Args:
        place: the open folder.
    """

    def __init__(self, place: Place) -> None:
        self.place = place

    @classmethod
    def init(
        cls,
        folder: str | Path,
        *,
        origin: str = "example.org/assent",
        recipients: Sequence[str] = ("ourselves",),
        categories: Sequence[str] = CATEGORIES,
        ledger: str = "",
        config: str | None = None,
        clock: Clock = system_clock,
        randomness: Randomness = os.urandom,
    ) -> "Project":
        """Start a project in a folder.

        Args:
            folder: is made where it is missing.
            origin: the ledger's name.
            recipients: who gets the models.
            categories: of the documents.
            ledger: address of the PostgreSQL server that keeps the ledger,
                `postgresql://USER@HOST/DATABASE`; else a file does.
            config: the text of `assent.toml`, instead of the four before.
            clock: gives microseconds UTC.
            randomness: gives secret bytes.

        Raises:
            UsageError: there is a project already, or the server cannot be used.
        """
        text = config or TEMPLATE.format(
            name=_escaped(Path(folder).resolve().name),
            origin=_escaped(origin),
            recipients=_quoted(recipients),
            categories=_quoted(categories),
            capacity=200_000,
            choices="real",
        )
        if ledger and not config:
            text = text.replace(SERVER_LINE, f'ledger = "{_escaped(ledger)}"')
        return cls(Place.create(Path(folder), text, clock, randomness))

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        engine: str = EMBEDDED.name,
        master: str = EMBEDDED.master,
        clock: Clock = system_clock,
        randomness: Randomness = os.urandom,
    ) -> "Project":
        """Open a project and check its ledger against its signed head.

        Args:
            folder: of the project.
            engine: what decides, `duckdb` or `spark`; the answers are the same.
            master: of Spark, such as `spark://host:7077`. Its workers must see the
                folder under the same path, as the same user.
            clock: gives microseconds UTC.
            randomness: gives secret bytes.

        Raises:
            UsageError: the folder holds no project, or there is no such engine.
            LedgerError: the ledger is not what its head signs.
        """
        choice = Choice(engine, master)
        return cls(Place.open(Path(folder), clock, randomness, choice))

    def close(self) -> None:
        """Close the project's databases."""
        self.place.close()

    def __enter__(self) -> "Project":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- record ------------------------------------------------------------------------

    def load(
        self, source: str, *exports: Path, seed: int = 0, members: int = MEMBERS
    ) -> Counts:
        """Load documents and subjects from an export.

        Args:
            source: `stackexchange` (one folder), `parquet` (documents, subjects) or
                `simulated` (none).
            exports: the paths of the export.
            seed: of a simulated platform.
            members: of a simulated platform.

        Raises:
            CorpusError: the export is not as wanted; nothing was changed.
        """
        return loading.load(self.place, source, exports, seed, members)

    def check_policy(self, path: Path) -> "tuple[Finding, ...]":
        """Find what is wrong, useless or missing in a policy file.

        Raises:
            PolicyError: there is no such file, or it is no TOML.
        """
        from assent.project.policies import check

        return check(self.place, path)

    def show_policy(self, path: Path) -> list[str]:
        """Tell a member of the public what a policy file means: paragraphs."""
        from assent.project.policies import show

        return show(self.place, path)

    def diff_policies(self, old: Path, new: Path) -> list[str]:
        """Tell what a policy file changes against another: one line a change."""
        from assent.project.policies import diff

        return diff(self.place, old, new)

    def impact(
        self,
        after: Path,
        before: Path | None = None,
        *,
        as_of: str | int | None = None,
        recipients: Sequence[str] | None = None,
    ) -> "Impact":
        """Preview whom and what a policy file would bring into use, or out of it.

        Args:
            after: the new policy, decided as if in force.
            before: what it is compared with; what is in force by default.
            as_of: ISO 8601 or microseconds UTC; when it would start by default.
            recipients: of the use; the project's by default.
        """
        from assent.project.policies import impact

        standing.check_recipients(self.place, recipients or ())
        at = None if as_of is None else standing.moment(as_of, self.place.clock())
        return impact(self.place, after, before, at, recipients)

    def publish(self, path: Path, accept_unnotified: str = "") -> PublicEvent | None:
        """Publish a policy file; None when this very policy is published already.

        Args:
            path: the file.
            accept_unnotified: why people may be used without a notice; it goes into
                the public entry.

        Raises:
            DeniedError: people would be in use without a notice, and no reason is
                given; nothing was changed.
        """
        from assent.project.policies import publish

        return publish(self.place, path, accept_unnotified)

    def suspend(
        self,
        order: str,
        regions: Sequence[str],
        *,
        recipient: str = "*",
        category: str = "*",
        happened_at: int | None = None,
    ) -> PublicEvent:
        """Order a suspension: it counts at once, for every model."""
        return standing.suspend(
            self.place, order, regions, recipient, category, happened_at
        )

    def lift(self, order: str) -> PublicEvent:
        """Lift a suspension.

        Raises:
            LedgerError: no such order is in force.
        """
        return standing.lift(self.place, order)

    def record(
        self,
        kind: str,
        subjects: Sequence[str] | None = None,
        all_subjects: bool = False,
        *,
        notice: Path | str | None = None,
        happened_at: str | int | None = None,
        valid_until: str | int | None = None,
        purpose: str = "*",
        recipient: str = "*",
        category: str = "*",
        country: str | None = None,
        channel: str = "api",
        language: str = "en",
        actor: str = "subject",
    ) -> range:
        """Record that something happened for some subjects: for all, or for none.

        Args:
            kind: an event kind about one subject, such as `withdrawn`.
            subjects: their ids.
            all_subjects: every loaded subject instead; to enrol, every one that is
                not enrolled yet.
            notice: the text that was shown, as a file.
            happened_at: ISO 8601 or microseconds UTC; now by default.
            valid_until: end of a choice, likewise.
            purpose: scope, or `*`.
            recipient: scope, or `*`.
            category: scope, or `*`.
            country: where they live since then (`residence_changed` only): an ISO
                3166-1 alpha-2 code, or `unknown`.
            channel: evidence: how.
            language: evidence: in which language.
            actor: evidence: who.

        Raises:
            LedgerError: a subject is unknown or an event breaks a rule; nothing was
                recorded.
            UsageError: nobody is named, or the notice cannot be read.
        """
        chosen = standing.chosen(self.place, kind, subjects or (), all_subjects)
        now, moment = self.place.clock(), standing.moment
        shown = standing.notice_text(Path(notice)) if notice else None
        sample = Event(
            standing.event_kind(kind),
            moment(happened_at, now),
            purpose=purpose,
            recipient=recipient,
            category=category,
            notice=None if shown is None else sha256(shown),
            valid_until=None if valid_until is None else moment(valid_until, now),
            actor=actor,
            detail={"channel": channel, "language": language}
            | standing.moved_to(country),
        )
        events = [replace(sample, subject_id=subject_id) for subject_id in chosen]
        return self.record_events(events, [] if shown is None else [shown])

    def record_events(
        self, events: Sequence[Event], notices: Sequence[bytes] = ()
    ) -> range:
        """Record events of any subjects: all of them, or none.

        Args:
            events: about one subject each.
            notices: texts that the events name by sha256, to be kept.

        Raises:
            LedgerError: a subject is not loaded, a label not declared, or an event
                breaks a rule.
        """
        if not events:  # to enrol everyone, when everyone is enrolled
            return range(self.place.book.size, self.place.book.size)
        standing.check_labels(self.place, events)
        self.place.book.check_events(events)
        for text in notices:
            self.place.keep(text)
        # Crash here: texts that nothing refers to; recording again uses them.
        return self.place.book.append(events)

    def import_events(
        self,
        paths: Sequence[Path],
        *,
        enrol: bool = False,
        only_check: bool = False,
        progress: Progress = silent,
    ) -> "list[Imported]":
        """Import files of events: all are checked first, then each event once.

        Args:
            paths: Parquet or CSV files, or folders of them.
            enrol: enrol people whom no row enrols, at their first event.
            only_check: append nothing.
            progress: told how many rows are done.

        Raises:
            LedgerError: a row is not as wanted; the message says what was appended.
            UsageError: there is no such file, or nothing is loaded.
        """
        from assent.project.importing import import_events

        return import_events(self.place, paths, enrol, only_check, progress)

    # -- build, train, ask, forget, prove ----------------------------------------------

    def build(self, progress: Progress = silent) -> "Built":
        """Seal the plan and build the corpus of all permitted documents."""
        from assent.project.building import build

        return build(self.place, progress)

    def prove(
        self,
        subject_id: str,
        path: Path,
        model_id: str | None = None,
        consent: bool = False,
    ) -> str:
        """Write a subject's bundle (mode 0600) and give its verdict.

        Args:
            subject_id: who.
            path: of the file.
            model_id: the served model by default.
            consent: also show what was known of her when each corpus was built.
        """
        from assent.project.proving import prove

        return prove(self.place, subject_id, path, model_id, consent)

    def object(self, values: Mapping[str, Sequence[str]]) -> "Objection":
        """Register what somebody who is no member is called; it is removed everywhere.

        Args:
            values: by kind: `name`, `email`, `handle`, `phone`, `url`.
        """
        from assent.project.objecting import register
        from assent.redact.spans import Kind

        return register(self.place, {Kind(kind): each for kind, each in values.items()})

    def objectors(self) -> dict[str, str]:
        """List those who objected and are no members: id -> since when."""
        from assent.project.objecting import listed

        return listed(self.place)

    def remove_objector(self, objector: str) -> int:
        """Forget such an objector; gives the ledger entry that says so."""
        from assent.project.objecting import remove

        return remove(self.place, objector)

    def erase(
        self, subject_id: str, out: Path, progress: Progress = silent
    ) -> "Erasure":
        """Erase a person, or say what must be done before.

        Args:
            subject_id: who.
            out: folder for her final bundles, outside the project.
            progress: told of each step.
        """
        from assent.project.erasing import erase

        return erase(self.place, subject_id, out, progress)

    # -- report ------------------------------------------------------------------------

    def audit_redaction(
        self,
        corpus_id: str,
        out: Path,
        options: "Options | None" = None,
        progress: Progress = silent,
    ) -> "Audit":
        """Measure what the redaction of a corpus finds and misses, and write a page.

        Args:
            corpus_id: of the corpus.
            out: folder for the page, its figures and the review sheet.
            options: how much is planted, the seed, the floor, the review.
            progress: told of each step.
        """
        from assent.project.auditing import Options, audit

        return audit(self.place, corpus_id, out, options or Options(), progress)

    def audit_corpus(
        self, corpus_id: str | None = None, progress: Progress = silent
    ) -> "CorpusAudit":
        """Derive again that each row of a corpus was permitted; the latest by default.

        Args:
            corpus_id: of any corpus of the ledger.
            progress: told of each part.
        """
        from assent.project.auditing_corpora import audit_corpus

        return audit_corpus(self.place, corpus_id, progress)

    def replay(self, case: Path, progress: Progress = silent) -> "list[Snapshot]":
        """Replay a case on this platform, the operator's way and Assent's."""
        from assent.project.replaying import replay
        from assent.report.case import load_case

        return replay(self.place, load_case(case), progress)

    def write_replay(self, snapshots: "list[Snapshot]", folder: Path) -> None:
        """Write a replay as `replay.json` and `replay.svg`."""
        from assent.project.replaying import write_replay

        write_replay(self.place, snapshots, folder)

    def status(self) -> dict[str, Any]:
        """Say where the project stands, and what comes next."""
        return standing.status(self.place)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{_escaped(name)}"' for name in names)


def _escaped(text: str) -> str:
    """Write a text as the inside of a TOML string, which escapes as JSON does."""
    return json.dumps(text)[1:-1]
