"""Audits on real text: who has left is told apart before a repair, not after."""

import random
import tempfile
from pathlib import Path

import numpy as np
from forget_repair import GROUP, KEY, Figures, Shards, plan_of
from forget_text import Person, load

from assent.prove import membership
from assent.train.component import Shape
from assent.train.ensemble import Served
from assent.train.plan import Assignment
from assent.train.score import score

MEMBERS, NEVER, LEAVERS = 400, 1_200, 60
SHARDS = 4
CHARACTERS = 1_000


def audit(text: Path, scale: float) -> Figures:
    """Train on some, ask who was: before some of them leave, and after the repair."""
    people = [_cut(each) for each in load(text) if each.size >= CHARACTERS // 2]
    random.Random("audit").shuffle(people)
    count = int(MEMBERS * max(scale, 0.25))
    members, never = people[:count], people[count : count + NEVER]
    leavers = random.Random("leave").sample(members, max(10, int(LEAVERS * scale)))
    # Many epochs over little text: shards that remember, so that there is what to find.
    plan = plan_of(
        SHARDS, slices=4, steps=8, epochs=12, rows=8, window=128, shape=Shape(96, 2, 4)
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shards = Shards(plan, members, folder / "model")
        shards.train_all()
        before = _told(shards, folder / "model", leavers, never)
        members_now = _told(shards, folder / "model", members, never)
        shards.repair(leavers, folder / "repaired")
        after = _told(shards, folder / "repaired", leavers, never)
    return {
        "audit_auc_before": before[0].auc,
        "audit_auc_before_low": before[0].low,
        "audit_auc_after": after[0].auc,
        "audit_auc_after_low": after[0].low,
        "audit_auc_after_high": after[0].high,
        "audit_auc_members": members_now[0].auc,
        "audit_p_value": before[2],
        "audit_p_value_after": after[2],
        "audit_fpr": before[1].value,
        "audit_fpr_checked": before[1].checked,
        "audit_leavers": len(leavers),
    }


def _cut(person: Person) -> Person:
    kept, room = [], CHARACTERS
    for each in person.texts:
        if room > 0:
            kept.append(each[:room])
            room -= len(each)
    return person._replace(texts=kept)


def _told(shards: Shards, folder: Path, people: list[Person], never: list[Person]):  # type: ignore[no-untyped-def]
    served = Served(shards.plan, folder, {GROUP: range(SHARDS)})
    bits = [
        score(served, ["\n".join(each.texts).encode() for each in some]).bits
        for some in (people, never)
    ]
    assignment = Assignment(shards.plan, KEY)
    own = [
        np.array([assignment.shard(GROUP, each.subject_id) for each in some])
        for some in (people, never)
    ]
    effect = membership.effects(bits[1])
    hers, others = (
        membership.gaps(b, o, effect) for b, o in zip(bits, own, strict=True)
    )
    test = membership.randomisation(bits[0], own[0], effect, 1)
    return (
        membership.told_apart(hers, others, 1),
        membership.checked_rate(others),
        test.p_value,
    )
