"""A project's folder: where everything lies, and what the ledger says is in force.

assent.toml   what the project declares          policies/ notices/  texts, as written
data/N/       documents and subjects, one folder a load
ledger.db     the ledger, if not on a server     objects/   published texts, by sha256
secrets/      vault, keys, pinned directories: mode 0600
corpora/      one folder a corpus                models/    one folder a model
shares/       what was handed over, by id: no text
jobs/         pins of unfinished work          .spill/   what does not fit into memory
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from assent.canon import canonical, sha256
from assent.corpus.manifest import check_shredded
from assent.decide import ask, places
from assent.engine.choice import EMBEDDED, Choice, Engine, open_spark
from assent.engine.duckdb import DuckEngine
from assent.engine.question import Question
from assent.errors import LedgerError, PolicyError, UsageError
from assent.files import new_folders, write_whole
from assent.ledger.book import Book, PublicEvent
from assent.ledger.store import drop, there
from assent.ledger.vault import Randomness, Vault
from assent.policy.load import load_policy, notice_texts
from assent.policy.model import Policy, Published, Suspension, in_force
from assent.project.config import FILE, Config, load_config, parse_config
from assent.project.jobs import read_pins, write_pins
from assent.sources.parquet import Tables, open_tables
from assent.terms import Basis, EventKind, iso

if TYPE_CHECKING:
    from assent.engine.spark import SparkEngine

Clock = Callable[[], int]
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done, and of how much."""

SUSPENSIONS = (EventKind.SUSPENSION_ORDERED, EventKind.SUSPENSION_LIFTED)
FOLDERS = ("policies", "notices", "objects")
PERSONAL = ("data", "corpora", "models", "exports", "shares", ".spill")
"""Hold what people wrote, or was made of it: mode 0700, for their owner alone."""
LEDGER = ("ledger.db", "ledger.db-wal", "ledger.db-shm")
LOADED = "loaded.json"
"""Comes last into a load's folder: at which ledger size it was loaded."""
MODELS = (EventKind.MODEL_TRAINED, EventKind.MODEL_REPAIRED)


def system_clock() -> int:
    """Read the system's clock: microseconds UTC."""
    return time.time_ns() // 1000


@dataclass(slots=True)
class Place:
    """An open project folder. Close it when done: it holds two databases."""

    folder: Path
    config: Config
    vault: Vault
    book: Book
    clock: Clock
    randomness: Randomness
    choice: Choice = EMBEDDED
    load: Tables | None = None  # that is decided on; the latest by default

    @classmethod
    def create(
        cls,
        folder: Path,
        config_text: str,
        clock: Clock = system_clock,
        randomness: Randomness = os.urandom,
    ) -> "Place":
        """Make an empty project; `assent.toml` comes last and makes it one.

        Raises:
            UsageError: there is a project already, or the text is no configuration;
                nothing was changed.
            LedgerError: there is a ledger with entries, whose `assent.toml` is gone.
        """
        if (folder / FILE).exists():
            loaded = any((folder / "data").glob(f"[0-9]*/{LOADED}"))
            raise UsageError(
                f"there is a project in `{folder.name}` already",
                hint="choose another folder; nothing was changed"
                if loaded
                else "nothing is loaded there yet: go on with "
                f"`assent --project {folder.name} load --from ...`",
            )
        config = parse_config(config_text, folder)
        private = dict.fromkeys((*PERSONAL, "secrets"), 0o700)
        with new_folders(folder, dict.fromkeys(FOLDERS, 0o777) | private):
            place = cls._connect(folder, config, clock, randomness)
        # Crash here: no project yet; the next `create` goes on with the empty ledger.
        if place.book.size:
            place.close()
            raise LedgerError(
                f"there is a ledger of {place.config.name} without an `{FILE}`",
                hint=f"restore `{FILE}` from a backup, or choose another folder",
            )
        write_whole(folder / FILE, config_text.encode(), config.mode)
        return place

    def discard(self, kept: Collection[str] | None) -> None:
        """Take an empty project away again: all that `create` made, nothing else.

        Args:
            kept: names in the folder that were there before; None: there was none.
        """
        self.close()
        if self.config.ledger and "secrets" not in (kept or ()):
            drop(self.config.ledger)
        # `assent.toml` first: without it what is left is no project.
        for name in (FILE, *FOLDERS, *PERSONAL, *LEDGER, "secrets"):
            path = self.folder / name
            if name in (kept or ()):
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        if kept is None and not any(self.folder.iterdir()):
            self.folder.rmdir()

    @classmethod
    def open(
        cls,
        folder: Path,
        clock: Clock = system_clock,
        randomness: Randomness = os.urandom,
        choice: Choice = EMBEDDED,
    ) -> "Place":
        """Open a project and check its ledger.

        Raises:
            UsageError: the folder holds no project.
            LedgerError: the ledger does not match its signed head, or is gone.
        """
        place = cls._connect(folder, load_config(folder), clock, randomness)
        place.choice = choice
        return place

    @classmethod
    def _connect(
        cls, folder: Path, config: Config, clock: Clock, randomness: Randomness
    ) -> "Place":
        where = config.ledger or folder / LEDGER[0]
        vault = Vault(folder / "secrets", randomness, where)
        try:
            if vault.has_key("signing") or there(where):
                book = Book.open(where, config.origin, vault, clock)
            else:
                book = Book.create(where, config.origin, vault, clock)
        except BaseException:
            vault.close()
            raise
        return cls(folder, config, vault, book, clock, randomness)

    def close(self) -> None:
        """Close the databases."""
        self.book.close()
        self.vault.close()

    # -- data ------------------------------------------------------------------------

    def tables(self) -> Tables:
        """Open the latest finished load, or the one that is decided on.

        Raises:
            UsageError: nothing was loaded yet.
        """
        for tables in (self.load,) if self.load else self.loads():
            return tables
        raise UsageError(
            "no documents are loaded yet",
            hint="run `assent load --from stackexchange DIR`, or `--from parquet ...`",
        )

    def tables_at(self, size: int) -> Tables:
        """Open the latest load that was made by a ledger size, else the first.

        Raises:
            UsageError: nothing was loaded yet.
        """
        found = self.tables()
        for found in self.loads():
            if json.loads((found.folder / LOADED).read_bytes())["ledger_size"] <= size:
                return found
        return found

    def loads(self) -> Iterator[Tables]:
        """Open every finished load, the latest first."""
        for folder in sorted((self.folder / "data").glob("[0-9]*"), reverse=True):
            if (folder / LOADED).exists():
                yield open_tables(folder)

    def next_data_folder(self) -> Path:
        """Name the folder of the next load; an unfinished one is used again."""
        finished = [
            int(folder.name)
            for folder in (self.folder / "data").glob("[0-9]*")
            if (folder / LOADED).exists()
        ]
        return self.folder / "data" / f"{max(finished, default=0) + 1:06d}"

    def countries(self) -> dict[str, str | None]:
        """Read each subject's country."""
        columns = ["subject_id", "country"]
        table = pq.read_table(self.tables().subjects, columns=columns)
        return dict(zip(*(table[name].to_pylist() for name in columns), strict=True))

    def enrolled(self, subject_id: str) -> bool:
        """Say whether somebody was ever enrolled in the ledger."""
        return self.book.enrolment(subject_id) is not None

    # -- objects ---------------------------------------------------------------------

    def keep(self, data: bytes) -> str:
        """Keep bytes under their sha256; what is kept is never changed."""
        name = sha256(data)
        path = self.folder / "objects" / name
        if not path.exists():
            write_whole(path, data)
        return name

    def kept(self, name: str) -> bytes:
        """Read kept bytes back.

        Raises:
            LedgerError: they are gone or are other bytes now.
        """
        path = self.folder / "objects" / name
        if not path.exists() or sha256(path.read_bytes()) != name:
            raise LedgerError(
                f"object `{name[:16]}...`, which the ledger names, is missing or "
                "changed",
                hint="restore the folder `objects` from a backup",
            )
        return path.read_bytes()

    # -- what is in force --------------------------------------------------------------

    def publishable(self, path: Path) -> Policy | None:
        """Read a policy that may be published; None when it is the latest already.

        Raises:
            PolicyError: the file is not a policy, its date is before that of the
                version it would replace, another version has replaced it, or it
                allows without a lawful basis.
        """
        policy = load_policy(path, self.config.declared)
        if any(rule.basis is Basis.UNSAFE_DEFAULT_ON for rule in policy.rules):
            raise PolicyError(
                f"`{path.name}` is `unsafe_default_on`: what an operator did can be "
                "replayed, never published"
            )
        versions = [each.policy for each in self.versions()]
        mine = [each for each in versions if each.controller == policy.controller]
        if mine and policy.digest == mine[-1].digest:
            return None
        if policy.digest in {each.digest for each in mine}:
            raise PolicyError(
                f"`{policy.version}` was published before and replaced by "
                f"`{mine[-1].version}`",
                hint="give it a new name and a later `effective_from`",
            )
        last = max((each.effective_from for each in mine), default=None)
        if last is not None and policy.effective_from < last:
            raise PolicyError(
                f"dates out of order: `{policy.version}` is effective from "
                f"{iso(policy.effective_from)}, but a version from {iso(last)} is "
                "published already",
                hint="give the new version a later `effective_from`",
            )
        return policy

    def publish_policy(
        self, path: Path, policy: Policy, accepted_unnotified: str
    ) -> PublicEvent:
        """Append a policy that is `publishable` to the ledger.

        Args:
            path: its file, around which its notices are.
            policy: as read from there.
            accepted_unnotified: why people may be used without a notice; empty where
                there are none.

        Raises:
            PolicyError: a notice was changed since the policy was read.
        """
        for text in _notice_texts(path, policy):
            self.keep(text)
        name = self.keep(canonical(policy.to_json()))
        # Crash here: objects that nothing refers to; publishing again uses them.
        body: dict[str, Any] = {
            "policy": policy.version,
            "controller": policy.controller,
            "effective_from": policy.effective_from,
            "sha256": name,
        }
        if accepted_unnotified:
            body["accepted_unnotified"] = accepted_unnotified
        return self.book.publish(
            EventKind.POLICY_PUBLISHED, policy.effective_from, body
        )

    def versions(self, size: int | None = None) -> list[Published]:
        """List the published policies, as known at a ledger size."""
        return [
            Published(
                Policy.from_json(json.loads(self.kept(event.body["sha256"]))),
                event.recorded_at,
            )
            for event in self.book.public_events(size)
            if event.kind == EventKind.POLICY_PUBLISHED
        ]

    def suspensions(self, as_of: int, size: int) -> list[Suspension]:
        """List the orders in force.

        An order counts from the earlier of happened and recorded, its lifting from
        the later. Of those that count, the last in the ledger says whether an order
        holds: renewed after a lifting it holds again, whenever it says it happened.
        """
        state: dict[str, Suspension | None] = {}
        for event in self.book.public_events(size):
            if event.kind not in SUSPENSIONS:
                continue
            starts = event.kind == EventKind.SUSPENSION_ORDERED
            times = (event.happened_at, event.recorded_at)
            when = min(times) if starts else max(times)
            if when <= as_of:
                state[event.body["order"]] = _suspension(event) if starts else None
        return [each for each in state.values() if each is not None]

    def question(
        self,
        as_of: int,
        size: int,
        recipients: tuple[str, ...] | None = None,
        passed_over: frozenset[str] = frozenset(),
    ) -> Question:
        """Compile what is in force at an instant, as known at a ledger size.

        Args:
            as_of: microseconds UTC.
            size: ledger entries known.
            recipients: of the use; the project's by default.
            passed_over: orders that are dealt with otherwise (a whole group is out).
        """
        orders = self.suspensions(as_of, size)
        return ask(
            in_force(self.versions(size), as_of),
            [each for each in orders if each.order not in passed_over],
            self.config.declared,
            self.config.purpose,
            recipients or self.config.recipients,
            as_of,
            size,
        )

    def groups(
        self, as_of: int, size: int, outside: bool = False
    ) -> dict[str, tuple[str, ...]]:
        """Divide the countries into the groups of a plan: name -> country codes.

        Args:
            as_of: microseconds UTC.
            size: ledger entries known.
            outside: whether countries that no rule names are a group too.
        """
        found: dict[str, list[str]] = {}
        by_country = places(in_force(self.versions(size), as_of))
        for country, group in by_country.items():
            if outside or group != "outside":
                found.setdefault(group, []).append(country)
        return {group: tuple(found[group]) for group in sorted(found)}

    def engine(self, size: int) -> Engine:
        """Open the chosen engine over the loaded tables and the known events."""
        return self.cluster(size) if self.on_cluster else self.embedded(size)

    @property
    def on_cluster(self) -> bool:
        """Whether the chosen engine is not in this process."""
        return self.choice != EMBEDDED

    def embedded(self, size: int) -> DuckEngine:
        """Open DuckDB."""
        return DuckEngine(*self.inputs(size))

    def cluster(self, size: int) -> "SparkEngine":
        """Open Spark.

        Raises:
            UsageError: Spark is not installed, or there is no such cluster.
        """
        return open_spark(*self.inputs(size), self.choice.master)

    def inputs(self, size: int) -> tuple[Path, Path, pa.Table, Path]:
        """Name documents, subjects, events, and the folder to spill into."""
        tables = self.tables()
        spill = self.folder / ".spill"  # may hold what people wrote
        spill.mkdir(mode=0o700, exist_ok=True)
        spill.chmod(0o700)
        return tables.documents, tables.subjects, self.book.events(size), spill

    # -- models and corpora ------------------------------------------------------------

    def events_of(self, *kinds: EventKind) -> Iterator[PublicEvent]:
        """Read the public events of some kinds, in order."""
        return (event for event in self.book.public_events() if event.kind in kinds)

    def latest_corpus(self) -> dict[str, Any]:
        """Read the body of the latest `corpus_built`.

        Raises:
            UsageError: nothing is built yet.
        """
        bodies = [event.body for event in self.events_of(EventKind.CORPUS_BUILT)]
        if not bodies:
            raise UsageError("no corpus is built yet", hint="run `assent build`")
        return bodies[-1]

    def served_model(self) -> dict[str, Any]:
        """Read the body of the model that was trained last, or of its latest repair.

        Raises:
            UsageError: nothing is trained yet.
        """
        served: dict[str, Any] = {}
        for body in (event.body for event in self.events_of(*MODELS)):
            if body.get("supersedes") in (None, served.get("model_id")):
                served = body
        if not served:
            raise UsageError("no model is trained yet", hint="run `assent train`")
        return served

    def corpus_folder(self, corpus_id: str) -> Path:
        """Where a corpus lies; one that an erasure changed unsigned is refused."""
        folder = self.folder / "corpora" / corpus_id
        check_shredded(folder, self.book.verifier_key)
        return folder

    def model_folder(self, model_id: str) -> Path:
        """Where a model's checkpoints lie."""
        return self.folder / "models" / model_id

    # -- jobs --------------------------------------------------------------------------

    def job(self, name: str) -> dict[str, Any] | None:
        """Read the pins of work that was begun and not finished."""
        return read_pins(self._job_file(name))

    def begin(self, name: str, pins: dict[str, Any]) -> dict[str, Any]:
        """Pin what a piece of work depends on, so that it can be continued."""
        write_pins(self._job_file(name), pins)
        return pins

    def finish(self, name: str) -> None:
        """Forget the pins of finished work."""
        self._job_file(name).unlink(missing_ok=True)

    def _job_file(self, name: str) -> Path:
        return self.folder / "jobs" / f"{name}.json"


def _suspension(event: PublicEvent) -> Suspension:
    body = event.body
    return Suspension(
        body["order"],
        tuple(body.get("regions", ("*",))),
        body.get("recipient", "*"),
        body.get("category", "*"),
        body.get("purpose", "*"),
    )


def _notice_texts(path: Path, policy: Policy) -> list[bytes]:
    """Read the notices that a policy names by hash, where the policy found them."""
    wanted = {policy.notice, *policy.accepts}
    wanted |= {name for rule in policy.rules for name in rule.accepts}
    found = notice_texts(path)
    if not wanted <= found.keys():
        raise PolicyError(
            f"a notice of `{path.name}` was changed while it was published",
            hint="publish again: nothing was changed",
        )
    return [found[name] for name in sorted(wanted)]
