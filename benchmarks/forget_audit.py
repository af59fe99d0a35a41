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

MEMBERS, NEVER, LEAVERS = 300, 1_020, 60
SHARDS = 4
CHARACTERS = 600


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
        outside = _bits(shards, folder / "model", never)
        before = _told(_bits(shards, folder / "model", leavers), outside)
        everybody = _told(_bits(shards, folder / "model", members), outside)
        shards.repair(leavers, folder / "repaired")
        outside = _bits(shards, folder / "repaired", never)
        after = _told(_bits(shards, folder / "repaired", leavers), outside)
    return {
        "audit_auc_before": before[0].auc,
        "audit_auc_before_low": before[0].low,
        "audit_auc_after": after[0].auc,
        "audit_auc_after_low": after[0].low,
        "audit_auc_after_high": after[0].high,
        "audit_auc_members": everybody[0].auc,
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


Scored = tuple[np.ndarray, np.ndarray]
"""Bits of people under each shard, and the number of each one's own."""


def _bits(shards: Shards, folder: Path, people: list[Person]) -> Scored:
    served = Served(shards.plan, folder, {GROUP: range(SHARDS)})
    found = score(served, ["\n".join(each.texts).encode() for each in people])
    assignment = Assignment(shards.plan, KEY)
    own = [assignment.shard(GROUP, each.subject_id) for each in people]
    return found.bits, np.array(own)


def _told(
    people: Scored, never: Scored
) -> tuple[membership.Told, membership.Rate, float]:
    effect = membership.effects(never[0])
    others = membership.gaps(*never, effect)
    hers = membership.gaps(*people, effect)
    return (
        membership.told_apart(hers, others, 1),
        membership.checked_rate(others),
        membership.randomisation(*people, effect, 1).p_value,
    )
