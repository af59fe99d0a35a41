"""Bits a byte of shards in groups, beside one model of equal compute on the same text.

All start from one clean base and read the same people's texts once, by the plan's own
trainer. The one model cannot forget; the shards can, each the cheaper the more of them.
Each is measured as it is served, with its memory of what two people wrote, and without.
"""

import os
import random
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path

import forget_clean
from forget_repair import KEY, Figures
from forget_text import GROUPS, Person, examples, load

from assent.files import publish_folder
from assent.train import checkpoint
from assent.train.base import load as load_base
from assent.train.clean import Recipe, make_base
from assent.train.component import Base, Shape, digest_of, memory_of
from assent.train.ensemble import Served
from assent.train.host import seal
from assent.train.loop import train_shard
from assent.train.plan import (
    Assignment,
    Group,
    Plan,
    commitment,
    learning_rate_table,
    shard_folder,
)

BASE = "ASSENT_BENCH_BASE"
"""Environment variable: folder of the base, which is made there if it is missing."""
HELD = 40_000  # bytes of people a group who are not trained on
TRAINED = {"conlang": 180_000}  # bytes a group; the others have MOST
MOST = 600_000
WINDOW = 256
SLICES = 8
SHARDS = (1, 2, 4, 8)  # a group
MONO_RATE, MONO_ROWS = 4e-3, 8  # the better of 2e-3 and 4e-3
SHARD_RATE, SHARD_ROWS = 3e-3, 4
ALL = "all"


def quality(text: Path, scale: float) -> Figures:
    """Train one model, then 4 groups of 1, 2, 4 and 8 shards; measure on outsiders."""
    with tempfile.TemporaryDirectory() as name:
        people = People(load(text), scale)
        base = base_in(Path(name))
        nobody = Served(plan_of(people, base, 1), Path(), {}, base)
        figures = {"bpb_base": people.bits(nobody)}
        for shards in (0, *SHARDS):
            key = f"bpb_{shards * len(GROUPS)}" if shards else "bpb_mono"
            bare, whole = trained_bits(people, base, shards)
            figures |= {f"{key}_bare": bare, key: whole}
    one = figures["bpb_mono_bare"]
    return figures | {
        "bpb_loss": figures["bpb_16"] / one - 1,
        "bpb_loss_bare": figures["bpb_16_bare"] / one - 1,
    }


class People:
    """Who is trained on and whose texts are held out, by group.

    Args:
        everybody: of all groups.
        scale: of the bytes of both.
    """

    def __init__(self, everybody: list[Person], scale: float) -> None:
        self.trained: list[Person] = []
        self.held: list[Person] = []
        for group in GROUPS:
            hers = [each for each in everybody if each.group == group]
            random.Random(f"quality {group}").shuffle(hers)
            held = read = 0
            for who in hers:
                if held < HELD * scale:
                    self.held.append(who)
                    held += who.size
                elif read < TRAINED.get(group, MOST) * scale:
                    self.trained.append(who)
                    read += who.size

    def bits(self, served: Served) -> float:
        """Measure bits a byte on the texts of those who are held out."""
        texts = (text.encode() for who in self.held for text in who.texts)
        return served.bits_per_byte(texts)

    def rows(self, base: Path) -> int:
        """Count the windows that all of those who are trained on fill."""
        _, tokens = load_base(base, digest_of(base))
        counts = [
            len(tokens.encode(text.encode()))
            for who in self.trained
            for text in who.texts
        ]
        return sum(-(-each // WINDOW) for each in counts)


def base_in(folder: Path) -> Path:
    """Make the clean base, or take the one that an earlier run made."""
    base = Path(os.environ.get(BASE) or folder / "base")
    if not base.exists():
        draft = base.with_name(f".making-{base.name}")
        if draft.exists():  # of a run that was cut off
            shutil.rmtree(draft)
        files = forget_clean.write(folder / "clean")
        make_base(files, Recipe(Shape(128, 4, 4)), forget_clean.PROVENANCE, draft)
        publish_folder(draft, base)
    return base


def plan_of(people: People, base: Path, shards: int) -> Plan:
    """Seal a plan of so many shards a group; 0: of one model for everybody."""
    slices, rows, rate = SLICES, SHARD_ROWS, SHARD_RATE
    groups = tuple(Group(name, (), shards) for name in sorted(GROUPS))
    if shards == 0:
        slices, rows, rate = 1, MONO_ROWS, MONO_RATE
        groups = (Group(ALL, (), 1),)
    count = sum(each.shards for each in groups)
    steps = max(1, round(people.rows(base) / (count * slices * rows)))
    draft = Plan(
        model="bench",
        purpose="train.generative.content",
        recipients=("ourselves",),
        groups=groups,
        slices=slices,
        steps=steps,
        epochs=1,
        rows=rows,
        window=WINDOW,
        learning_rates=learning_rate_table(slices * steps, rate),
        weight_decay=0.1,
        betas=(0.9, 0.95),
        clip_norm=1.0,
        seed=1,
        tokens_per_subject=8_000,
        key_commitment=commitment(KEY),
        shape=None,
        base=Base(digest_of(base), forget_clean.PROVENANCE),
        memory=memory_of(order=4, least=2),
    )
    return seal(draft, base)


def trained_bits(people: People, base: Path, shards: int) -> tuple[float, float]:
    """Train everybody by a plan. Returns: bits a byte without the memory, and with."""
    plan = plan_of(people, base, shards)
    assignment = Assignment(plan, KEY)
    parts: dict[tuple[str, int], list[Person]] = defaultdict(list)
    for who in people.trained:
        group = who.group if shards else ALL
        parts[group, assignment.shard(group, who.subject_id)].append(who)
    with tempfile.TemporaryDirectory() as name:
        served = defaultdict(list)
        for (group, shard), hers in sorted(parts.items()):
            own = shard_folder(Path(name), group, shard)
            read = examples(plan, KEY, hers)
            train_shard(plan, KEY, group, shard, read, own, base=base)
            for index in range(plan.slices):
                checkpoint.remove(own, index)  # else 32 shards fill 3 GB
            served[group].append(shard)
        whole = Served(plan, Path(name), served, base)
        return people.bits(whole.without_memory()), people.bits(whole)
