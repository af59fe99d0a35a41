"""Tell the whole story: platform, policy, replay, corpus, training, forgetting, proof.

Everything runs on the real stages. People's choices are simulated, on a real dump too,
and every page, table and file that shows them says so.
"""

import itertools
import resource
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.rule import Rule
from rich.table import Table

from assent import Project
from assent.canon import sha256
from assent.demo.ages import with_simulated_ages
from assent.demo.bars import bars
from assent.demo.choices import simulate_choices
from assent.demo.page import Told, measure, write_page
from assent.demo.seeded import StoryClock, UnsafeSeededRandomness
from assent.errors import ProofError, UsageError
from assent.files import SECRET_MODE, write_whole
from assent.project.building import Built
from assent.project.config import TEMPLATE
from assent.project.loading import load_batches
from assent.project.repaired import Repaired
from assent.project.serving import trained_documents
from assent.project.training import Trained
from assent.report.case import ASSENT, OPERATOR, Case, Order, load_case
from assent.report.figures import Suspended
from assent.report.replay import Snapshot
from assent.report.tables import by_date, reason_rows, region_rows, replay_rows
from assent.sources import stackexchange
from assent.sources.simulated import MEMBERS
from assent.terms import DAY, Event, iso
from assent.verify import Verdict, verify_bundle

MARK = ".assent-demo"
Step = list[Event] | Path | str | Order
"""Events to record, a policy to publish, an order to lift, or one to give."""
NOTICES = ("2024-09-18", "2025-09-18")
BUILD_AFTER = 35 * DAY
"""The story trains when the notice of September 2025 is old enough for most people."""
CAPACITY = {"eu-eea-ch": 200_000, "us": 200_000}
"""Bytes declared for the two large groups, as an operator would before it counts."""
TEMPERATURE = 0.5
PROMPT = "We are looking for "


@dataclass(slots=True)
class Teller:
    """What the chapters share."""

    project: Project
    case: Case
    clock: StoryClock
    out: Path
    seed: int
    dump: bool
    console: Console
    seconds: dict[str, float]

    @contextmanager
    def chapter(self, number: int, title: str) -> Iterator[None]:
        """Head a chapter, and time it."""
        self.console.print(Rule(f"[bold]{number}. {title}", align="left"))
        started = time.monotonic()
        yield
        self.seconds[title] = time.monotonic() - started

    def say(self, *lines: str) -> None:
        """Print lines."""
        for line in lines:
            self.console.print(f"  {line}", highlight=False, soft_wrap=True)

    def table(
        self, columns: list[str], rows: list[list[str | int]], title: str
    ) -> None:
        """Print a table; numbers stand right."""
        shown = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0))
        for n, name in enumerate(columns):
            right = bool(rows) and isinstance(rows[0][n], int)
            shown.add_column(name, justify="right" if right else "left", no_wrap=n == 0)
        for row in rows:
            shown.add_row(*(f"{c:,}" if isinstance(c, int) else c for c in row))
        self.console.print(shown)


def tell(
    out: Path,
    case_file: Path,
    seed: int,
    data: Path | None = None,
    console: Console | None = None,
    members: int = MEMBERS,
    config: str | None = None,
) -> None:
    """Run the demo into a folder.

    Args:
        out: an earlier demo in it is replaced, anything else is refused.
        case_file: the case to replay.
        seed: decides platform, choices, keys and clock.
        data: a Stack Exchange dump instead of the simulated platform.
        console: where to print.
        members: of the simulated platform.
        config: the text of `assent.toml`; by default the demo's own plan.

    Raises:
        UsageError: the folder holds something that is no demo.
        CorpusError: the folder of the dump holds none; an earlier demo still stands.
    """
    console = console or Console()
    case = load_case(case_file)
    if data is not None:
        stackexchange.read(data)  # looks whether the files are there, and reads none
    _clear(out, console)
    clock = StoryClock(case.start)
    started = time.monotonic()
    with Project.init(
        out / "project",
        config=config or _config(case),
        clock=clock,
        randomness=UnsafeSeededRandomness(seed),
    ) as project:
        teller = Teller(project, case, clock, out, seed, data is not None, console, {})
        teller.say(
            f"seed {seed}: keys, secrets and clock come from it, here and only here; "
            "they protect nobody"
        )
        _tell_all(teller, data, case_file, members)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    teller.say(
        f"{time.monotonic() - started:.0f} s in all; at most {peak:,} MiB here and "
        f"{workers:,} MiB in a worker",
        f"report: {out / 'report.html'}",
        f"proofs: {out / 'proofs'}",
        f"the project goes on in {out / 'project'}: try "
        f"`assent --project {out / 'project'} status`",
    )


def _tell_all(teller: Teller, data: Path | None, case_file: Path, members: int) -> None:
    notices = _load(teller, data, case_file, members)
    _ledger(teller, notices, case_file)
    snapshots = _replay(teller, case_file)
    decided, built = _corpus(teller)
    trained = _train(teller)
    people = _choose(teller)
    measured = measure(teller.project, built, teller.seed, teller.dump)
    forgotten = _forget(teller, people["withdrawn"])
    suspended = _suspend(teller)
    proofs = _prove(teller, people)
    with teller.chapter(8, "Report"):
        told = Told(
            teller.case,
            teller.dump,
            teller.seed,
            tuple(snapshots),
            decided,
            built,
            trained,
            measured,
            forgotten,
            suspended,
            proofs,
            teller.seconds,
        )
        write_page(teller.out, teller.project, told)
        teller.say(
            "one file, no network needed: every figure above, as tables and plots"
        )


def _clear(out: Path, console: Console) -> None:
    if (out / MARK).exists():
        console.print(f"  found an earlier demo in {out}: replaced")
        shutil.rmtree(out)
    elif out.exists() and any(out.iterdir()):
        raise UsageError(
            f"`{out}` is not empty and holds no demo",
            hint="choose another folder with `--out`; nothing was changed",
        )
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / MARK, b"")


def _config(case: Case) -> str:
    return TEMPLATE.format(
        name="linkedin-case",
        origin="demo.example/assent",
        recipients=_quoted(case.declared.recipients),
        categories=_quoted(case.declared.categories),
        capacity=65_536,
        choices="simulated",
    ) + "".join(f"{name} = {size}\n" for name, size in CAPACITY.items())


def _quoted(names: frozenset[str]) -> str:
    return ", ".join(f'"{name}"' for name in sorted(names))


# -- 1 and 2 ---------------------------------------------------------------------------


def _load(
    teller: Teller, data: Path | None, case_file: Path, members: int
) -> dict[str, str]:
    with teller.chapter(1, "Platform"):
        if data is None:
            counts = teller.project.load("simulated", seed=teller.seed, members=members)
            teller.say("a simulated platform: people and words from our own grammar")
        else:
            documents, subjects = stackexchange.read(data)
            counts = load_batches(
                teller.project.place,
                documents,
                with_simulated_ages(subjects, teller.seed),
                "stackexchange, simulated ages",
            )
            teller.say(
                f"the Stack Exchange dump `{data.name}`: real people and words; the "
                "dump says no ages, so ages are simulated, as the choices are"
            )
        teller.say(f"{counts.documents:,} documents of {counts.subjects:,} subjects")
    folder = case_file.parent / "notices"
    texts = {name: (folder / f"{name}.en.md").read_bytes() for name in NOTICES}
    for text in texts.values():
        teller.project.place.keep(text)
    return {name: sha256(text) for name, text in texts.items()}


def _ledger(teller: Teller, notices: dict[str, str], case_file: Path) -> None:
    project, case = teller.project, teller.case
    with teller.chapter(2, "Policy and ledger"):
        subjects = sorted(project.place.countries())
        events = simulate_choices(subjects, teller.seed, notices)
        steps: list[tuple[int, Step]] = [
            (group[0].happened_at // DAY * DAY + DAY - 1, group)
            for _, days in itertools.groupby(events, lambda e: e.happened_at // DAY)
            for group in [list(days)]
        ]
        steps += [(p.published_at, path) for p, path in case.publications]
        steps += [(order.start, order) for order in case.orders]
        steps += [(o.end, o.suspension.order) for o in case.orders if o.end is not None]
        steps.sort(key=lambda step: step[0])
        with bars(teller.console) as progress:
            for done, (when, what) in enumerate(steps, start=1):
                teller.clock.at(when)
                _step(project, what)
                progress("ledger", done, len(steps))
        head = project.place.book.head()
        teller.say(
            f"{len(events):,} simulated choices and notices, "
            f"{len(case.publications)} policy versions, {len(case.orders)} suspensions",
            f"ledger: {head.size:,} entries, head {head.root.hex()[:16]}, signed",
        )


def _step(project: Project, what: Step) -> None:
    if isinstance(what, list):
        project.record_events(what)
    elif isinstance(what, Path):
        project.publish(what)
    elif isinstance(what, str):
        project.lift(what)
    else:
        order = what.suspension
        project.suspend(order.order, order.regions)


# -- 3 to 5 ----------------------------------------------------------------------------


def _replay(teller: Teller, case_file: Path) -> list[Snapshot]:
    with teller.chapter(3, "Replay"):
        with bars(teller.console) as progress:
            snapshots = teller.project.replay(case_file, progress)
        teller.project.write_replay(snapshots, teller.out)
        note = "(simulated choices)"
        teller.table(*replay_rows(snapshots), f"In use, and without proof {note}")
        for way in (OPERATOR, ASSENT):
            people = by_date(region_rows(snapshots, "people"), way)
            teller.table(*people, f"People in use by region, {way}'s way {note}")
            reasons = by_date(reason_rows(snapshots), way)
            teller.table(*reasons, f"People not in use by reason, {way}'s way {note}")
        teller.say(f"plot: {teller.out / 'replay.svg'}")
    return snapshots


def _corpus(teller: Teller) -> tuple[list[list[str | int]], Built]:
    with teller.chapter(4, "Corpus"):
        teller.clock.at(teller.case.dates[-1][0] + BUILD_AFTER)
        counted = teller.project.count()
        teller.table(
            ["reason", "rule", "documents", "people"],
            counted,
            f"Decided as of {iso(teller.clock.now)[:10]} (simulated choices)",
        )
        with bars(teller.console) as progress:
            built = teller.project.build(progress)
        teller.say(*built.lines())
    return counted, built


def _train(teller: Teller) -> Trained:
    with teller.chapter(5, "Train"):
        with bars(teller.console) as progress:
            trained = teller.project.train(progress)
        teller.say(*trained.lines())
        _speak(teller)
    return trained


def _speak(teller: Teller) -> list[str]:
    """Ask the served mixture, and tell which groups spoke."""
    answer = teller.project.ask(PROMPT, 160, temperature=TEMPERATURE)
    teller.say(*answer.lines(), f"{PROMPT}[dim]{_printable(answer.text)}[/dim]")
    return [group for group, shards in answer.serving.items() if shards]


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text).replace("[", "\\[")


# -- 6 and 7 ---------------------------------------------------------------------------


def _choose(teller: Teller) -> dict[str, str]:
    """Choose who will be looked at: used, never used, and about to withdraw.

    The one who withdraws sits in a middle slice of a shard that others share.
    """
    place = teller.project.place
    corpus = place.latest_corpus()["corpus_id"]
    trained = trained_documents(place, corpus)
    slices = place.config.train.slices
    people = {each.subject_id: each for each in trained}
    middle = [who for who, each in people.items() if each.slice_index == slices // 2]
    leaving = min(middle or people)
    used = min(who for who in people if who != leaving)
    never = min(who for who in place.countries() if who not in people)
    return {"used": used, "never-used": never, "withdrawn": leaving}


def _forget(teller: Teller, subject_id: str) -> Repaired:
    with teller.chapter(6, "Forget"):
        project, clock = teller.project, teller.clock
        clock.at(clock.now + DAY)
        project.record("withdrawn", [subject_id], channel="story")
        teller.say(f"subject {subject_id} withdraws (simulated choice)")
        teller.say(*project.ask(PROMPT, 0).lines())
        with bars(teller.console) as progress:
            repaired = project.forget(oracle=True, progress=progress)
        teller.say(*repaired.lines())
        if repaired.bit_identical is not True:
            raise ProofError(
                "the repaired shard is not the one that never saw her",
                hint="the shard stays in quarantine; its certificate has both hashes",
            )
    return repaired


def _suspend(teller: Teller) -> Suspended:
    """Order a suspension and lift it again: two lines in the ledger, no training."""
    with teller.chapter(6, "Suspend a region, without training"):
        clock = teller.clock
        before = _speak(teller)
        region = _region_to_suspend(teller, before)
        clock.at(clock.now + DAY)
        order = f"{region.lower()}-order"
        teller.project.suspend(order, [region])
        after = _speak(teller)
        clock.at(clock.now + DAY)
        teller.project.lift(order)
        teller.say(f"order `{order}` lifted: the mixture is as before, no step trained")
    return Suspended(order, (region,), tuple(before), tuple(after))


def _region_to_suspend(teller: Teller, groups: list[str]) -> str:
    """Prefer the UK, as in the case; else any country that is a group of its own."""
    by_group = {"uk": "UK", "ca": "CA", "hk": "HK", "us": "US"}
    alone = [region for group, region in by_group.items() if group in groups]
    return alone[0] if alone else "UK"


def _prove(teller: Teller, people: dict[str, str]) -> dict[str, Verdict]:
    """Write and check the three bundles."""
    found = {}
    with teller.chapter(7, "Prove"):
        key = teller.project.place.book.verifier_key
        for who, subject_id in people.items():
            name = f"{who}.bundle.json"
            path = teller.out / "proofs" / name
            teller.project.prove(subject_id, path)
            verdict = verify_bundle(path.read_bytes(), key)
            found[name] = verdict
            uses = "".join(
                f"; was {u.verdict} in {u.model_id}" for u in verdict.superseded
            )
            teller.say(f"{name}: {verdict.verdict} ({verdict.model_id}{uses})")
        _tamper(teller, path)
        write_whole(teller.out / "proofs" / "ledger.vkey", f"{key}\n".encode())
        teller.say(f"check one: `assent verify {path}`")
    return found


def _tamper(teller: Teller, path: Path) -> None:
    """Change one byte of a bundle: it must be refused."""
    data = bytearray(path.read_bytes())
    place = data.index(b'"happened_at":') + len(b'"happened_at":') + 4
    data[place] ^= 1
    changed = path.with_name("one-byte-changed.bundle.json")
    write_whole(changed, bytes(data), SECRET_MODE)
    try:
        verify_bundle(bytes(data))
    except ProofError as error:
        teller.say(f"{changed.name}: refused, {error.message}")
    else:
        raise ProofError("a bundle with one byte changed was accepted")
