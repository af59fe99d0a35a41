"""Repairs: the same bits as never seen, what they cost, what checkpoints take."""

import random
import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from forget_text import Person, drawn, examples, load

from assent.forget.reach import Reach, expected_cost, reach
from assent.forget.repair import replay
from assent.train.component import Adapter, Base, Shape, digest_of
from assent.train.export import merged, write
from assent.train.host import seal
from assent.train.initial import size_of
from assent.train.loop import train_shard
from assent.train.plan import (
    Assignment,
    Group,
    Plan,
    commitment,
    learning_rate_table,
    shard_folder,
)
from assent.train.rows import Example

KEY = bytes(range(32))
GROUP = "all"
SHARDS, SLICES = 16, 8
HASHED = 50
"""Withdrawals of each kind of component."""
BATCHES = {1: 8 * SLICES, 10: 16, 100: 4}
"""How many batches of so many people are measured."""
Figures = dict[str, float]


def plan_of(shards: int = SHARDS, **changes: object) -> Plan:
    """Seal a plan with one group: a byte transformer unless a base is named."""
    values = {
        "slices": SLICES,
        "steps": 4,
        "epochs": 1,
        "rows": 8,
        "window": 128,
        "shape": Shape(64, 2, 2),
        "moments": "kept",
        **changes,
    }
    steps = values["slices"] * values["steps"] * values["epochs"]  # type: ignore[operator]
    base = values.pop("folder", None)
    draft = Plan(
        model="bench",
        purpose="train.generative.content",
        recipients=("ourselves",),
        groups=(Group(GROUP, (), shards),),
        learning_rates=learning_rate_table(steps, 3e-3),
        weight_decay=0.1,
        betas=(0.9, 0.95),
        clip_norm=1.0,
        seed=1,
        tokens_per_subject=8_000,
        key_commitment=commitment(KEY),
        **values,  # type: ignore[arg-type]
    )
    return seal(draft, base)  # type: ignore[arg-type]


class Shards:
    """People of one group in their shards, trained in a folder.

    Args:
        plan: sealed.
        people: who is trained on.
        folder: of the model.
        base: of the plan's base.
    """

    def __init__(
        self, plan: Plan, people: list[Person], folder: Path, base: Path | None = None
    ) -> None:
        self.plan, self.folder, self.base = plan, folder, base
        self.assignment = Assignment(plan, KEY)
        self.people: dict[int, list[Person]] = {}
        for each in people:
            shard = self.assignment.shard(GROUP, each.subject_id)
            self.people.setdefault(shard, []).append(each)

    def train(self, shard: int, folder: Path, people: list[Person]) -> str:
        """Train a shard on some people. Returns: the digest of its last state."""
        own = shard_folder(folder, GROUP, shard)
        read = examples(self.plan, KEY, people)
        return train_shard(self.plan, KEY, GROUP, shard, read, own, base=self.base)

    def train_all(self) -> float:
        """Train every shard. Returns: processor seconds."""
        started = time.process_time()
        for shard in range(self.plan.groups[0].shards):
            self.train(shard, self.folder, self.people.get(shard, []))
        return time.process_time() - started

    def place(self, person: Person) -> tuple[int, int]:
        """Say in which shard and slice a person is."""
        return self.assignment.place(GROUP, person.subject_id)

    def part(self, shard: int, people: list[Person], path: Path) -> Path:
        """Write the Parquet part of a shard."""
        rows = examples(self.plan, KEY, people)
        table = pa.table(
            {
                "document_id": [each.document_id for each in rows],
                "subject_id": [each.subject_id for each in rows],
                "slice": pa.array([each.slice_index for each in rows], pa.int32()),
                "text": [each.text.decode() for each in rows],
            }
        )
        pq.write_table(table, path)
        return path

    def repair(
        self, leavers: list[Person], folder: Path
    ) -> tuple[dict[int, str], float]:
        """Replay what so many people reach: (digests by shard, processor seconds)."""
        rows = [(each.subject_id, GROUP, *self.place(each)) for each in leavers]
        gone = {each.subject_id for each in leavers}
        parts: dict[int, tuple[Reach, Path]] = {}
        for one in reach(rows):
            rest = [
                each
                for each in self.people.get(one.shard, [])
                if each.subject_id not in gone
            ]
            path = folder.with_name(f"{folder.name}-{one.shard}.parquet")
            parts[one.shard] = one, self.part(one.shard, rest, path)
        started = time.process_time()
        digests = {
            shard: replay(self.plan, KEY, one, path, self.folder, folder, self.base)
            for shard, (one, path) in parts.items()
        }
        return digests, time.process_time() - started


def hashes(text: Path, scale: float) -> Figures:
    """Withdraw a hundred people, one after the other, and train as if never, each."""
    tried = equal = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        people = drawn(load(text), 160, "hashes")
        for kind, (plan, base) in _components(folder).items():
            found = _chained(
                plan, base, people, folder / kind, max(4, int(HASHED * scale))
            )
            tried, equal = tried + found[0], equal + found[1]
    return {"hash_tried": tried, "hash_equal": equal}


def _components(folder: Path) -> dict[str, tuple[Plan, Path | None]]:
    """A byte transformer from nothing, and adapters on one that was trained before."""
    small = {"steps": 2, "rows": 4, "window": 64, "shape": Shape(32, 1, 2)}
    scratch = plan_of(4, **small)
    base = folder / "base"
    start = shard_folder(folder / "start", GROUP, 0)
    one = plan_of(1, **small)
    text = b"Words that nobody wrote to anybody. " * 40
    clean = [Example("d", "nobody", Assignment(one, KEY).slice_index("nobody"), text)]
    train_shard(one, KEY, GROUP, 0, clean, start)
    write(one, merged(one, folder / "start", GROUP, [0], None), None, base)
    lora = {
        **small,
        "shape": None,
        "base": Base(digest_of(base), "made-up words"),
        "adapter": Adapter(4, 8.0, ("down_proj", "q_proj", "v_proj")),
        "folder": base,
    }
    return {"scratch": (scratch, None), "lora": (plan_of(4, **lora), base)}


def _chained(
    plan: Plan, base: Path | None, people: list[Person], folder: Path, count: int
) -> tuple[int, int]:
    shards = Shards(plan, people, folder / "0", base)
    shards.train_all()
    draw = random.Random("who leaves")
    equal = 0
    for number in range(count):
        wanted = number % plan.slices  # all slices
        found = [p for each in shards.people.values() for p in each]
        hers = [p for p in found if shards.place(p)[1] == wanted] or found
        leaver = draw.choice(hers)
        shard, _ = shards.place(leaver)
        new = folder / str(number + 1)
        digests, _ = shards.repair([leaver], new)
        shards.people[shard].remove(leaver)
        # The oracle: from the plan's start, with those who are left, somewhere else.
        never = shards.train(shard, folder / f"never-{number}", shards.people[shard])
        equal += digests[shard] == never
        for other in range(plan.groups[0].shards):
            own, kept = (shard_folder(f, GROUP, other) for f in (shards.folder, new))
            if other != shard:
                own.rename(kept)
        shards.folder = new
    return count, equal


def cost(text: Path, scale: float) -> Figures:
    """Measure what batches of withdrawals cost, beside the formula."""
    people = drawn(load(text), int(2_000 * max(scale, 0.2)), "cost")
    figures: Figures = {}
    errors = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shards = Shards(plan_of(), people, folder / "model")
        whole = shards.train_all()
        for count, batches in BATCHES.items():
            spent = []
            for number in range(max(2, int(batches * scale))):
                leavers = _leavers(shards, people, count, number)
                new = folder / f"repair-{count}-{number}"
                spent.append(shards.repair(leavers, new)[1] / whole)
                shutil.rmtree(new)
            share = sum(spent) / len(spent)
            formula = expected_cost(SHARDS, SLICES, count)
            figures[f"share_{count}"] = share
            figures[f"formula_{count}"] = formula
            errors.append(abs(share / formula - 1))
        figures |= _storage(shards)
    return figures | {
        "withdrawal_share": figures["share_1"],
        "formula_error": max(errors),
    }


def _leavers(
    shards: Shards, people: list[Person], count: int, number: int
) -> list[Person]:
    """Draw who leaves; alone, somebody of each slice in turn."""
    draw = random.Random(f"{count} {number}")
    if count > 1:
        return draw.sample(people, min(count, len(people)))
    hers = [each for each in people if shards.place(each)[1] == number % SLICES]
    return [draw.choice(hers)]


def _storage(shards: Shards) -> Figures:
    """Compare the bytes of one shard's checkpoints with the formula."""
    size = size_of(shards.plan, None)
    kept = _bytes(shard_folder(shards.folder, GROUP, 0).iterdir())
    formula = (SLICES + 1) * 12 * size
    with tempfile.TemporaryDirectory() as name:
        reset = replace(shards.plan, moments="reset", host={}, golden="")
        other = Shards(seal(reset), shards.people.get(0, []), Path(name))
        other.train(0, other.folder, shards.people.get(0, []))
        third = _bytes(shard_folder(other.folder, GROUP, 0).iterdir())
    return {
        "storage_error": abs(kept / formula - 1),
        "storage_reset_share": third / kept,
    }


def _bytes(files: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in files)
