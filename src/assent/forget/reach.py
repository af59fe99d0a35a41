"""Reach: which slices must be replayed when some documents go."""

from collections.abc import Iterable
from dataclasses import dataclass

from assent.errors import ForgetError
from assent.train.plan import Plan


@dataclass(frozen=True, slots=True, order=True)
class Reach:
    """One shard to replay, from before `slice_index` to its end."""

    group: str
    shard: int
    slice_index: int


def reach(rows: Iterable[tuple[str, str, int, int]]) -> tuple[Reach, ...]:
    """Find the first slice of each shard that a forget set touches.

    Args:
        rows: (subject_id, group, shard, slice) of every document that goes or changes:
            those of the people who leave, and those of others with an edge to them.

    Returns:
        One reach a touched shard, sorted; none when nothing of theirs was trained on.
    """
    first: dict[tuple[str, int], int] = {}
    for _, group, shard, slice_index in rows:
        place = (group, shard)
        first[place] = min(slice_index, first.get(place, slice_index))
    return tuple(Reach(*place, index) for place, index in sorted(first.items()))


def replayed_share(plan: Plan, reaches: Iterable[Reach]) -> float:
    """Measure what a repair trains again, as a share of the plan's slices, 0 to 1.

    Every shard of the plan counts, those without documents too: the plan's cost does
    not depend on the roster either.

    Raises:
        ForgetError: a reach is not in the plan, or a shard comes twice.
    """
    shards = {(g.name, s) for g in plan.groups for s in range(g.shards)}
    replayed, seen = 0, set()
    for one in reaches:
        place = (one.group, one.shard)
        if place not in shards or place in seen:
            raise ForgetError(
                f"shard {one.shard} of group `{one.group}` is not in the plan, or twice"
            )
        if not 0 <= one.slice_index < plan.slices:
            raise ForgetError(
                f"slice {one.slice_index} is not one of the plan's {plan.slices}"
            )
        seen.add(place)
        replayed += plan.slices - one.slice_index
    return replayed / (len(shards) * plan.slices)


def expected_cost(shards: int, slices: int, leavers: int) -> float:
    """Expect the share of training that one batch of withdrawals replays.

    F(S, R, k) = 1 - (1/R) * sum over j = 1..R of (1 - j/(S*R))**k, for k people who
    are spread evenly over S shards of R slices each. One person: (R + 1) / (2*R*S).

    Raises:
        ForgetError: a count is below its least: 1 shard, 1 slice, 0 people.
    """
    if shards < 1 or slices < 1 or leavers < 0:
        raise ForgetError(
            f"{leavers} people in {shards} shards of {slices} slices have no cost",
            hint="use at least 1 shard, 1 slice and 0 people",
        )
    cells = shards * slices
    spared = sum((1 - j / cells) ** leavers for j in range(1, slices + 1))
    return 1 - spared / slices
