"""A memory beside a component: how many people of a shard went on how.

Counts close most of the gap between a shard, which has read little, and one model that
has read it all: unlike weights they add up over shards, and exactly, because they are
whole numbers. A person counts once for a context and what followed it, however often
she wrote it. What is served are sums over the shards of a group that may answer, and of
these only what at least `least` people have written: what one person alone wrote is
never said by it, and what it weighed goes to the prediction below. To forget is to
count again without her.

The prediction of the components is the last resort of the counts: each order of context
gives way to the next shorter one, and the shortest to the components. Source:
interpolated Pitman-Yor smoothing, Teh 2006 (ACL), equation 6, with a person for a
customer and fixed constants; a network below counts: arXiv 2401.17377.

Dimensions: N tokens of context at most, E entries of one order, n tokens of text, V
tokens in all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assent.errors import TrainError
from assent.train.component import Memory
from assent.train.rows import Schedule

BITS = 16  # of a token in a context: four are one number
MOST_TOKENS = 1 << BITS
COLUMNS = ("context", "next", "people")

Numbers = NDArray[np.int64]
State = Mapping[str, Tensor]


def is_memory(name: str) -> bool:
    """Say whether a tensor of a state is of a memory."""
    return name.startswith("memory.")


def check_vocabulary(memory: Memory | None, size: int) -> None:
    """Refuse a memory of tokens that do not fit. Raises: TrainError."""
    if memory is not None and size > MOST_TOKENS:
        raise TrainError(
            f"a memory counts at most {MOST_TOKENS:,} different tokens, the base has "
            f"{size:,}",
            hint="leave out `[memory]`, or use a base with a smaller vocabulary",
        )


def count(memory: Memory, schedule: Schedule) -> dict[str, Tensor]:
    """Count what a shard has read; time and memory grow with its tokens times N.

    Args:
        memory: of the plan.
        schedule: all rows of the shard; a context does not reach over a row's start.

    Returns:
        For each order 1..N `memory.<order>.context`, `.next` and `.people`: (E,) int64,
        sorted by context, then next token.
    """
    rows = [row for steps in schedule for step in steps for row in step]
    people = sorted({row.subject_id for row in rows})
    numbers = {name: number for number, name in enumerate(people)}
    state = {}
    for order in range(1, memory.order + 1):
        parts = [
            _followed(
                np.array(list(row.tokens), np.int64), order, numbers[row.subject_id]
            )
            for row in rows
        ]
        table = np.concatenate([np.empty((3, 0), np.int64), *parts], axis=1)
        context, after, _ = np.unique(table, axis=1)  # once a person
        columns = _added(context, after, np.ones_like(context))
        for column, values in zip(COLUMNS, columns, strict=True):
            state[f"memory.{order}.{column}"] = torch.from_numpy(values.copy())
    return state


def _followed(tokens: Numbers, order: int, person: int) -> Numbers:
    """List each context of a row, what followed it and who wrote it: (3, E)."""
    after = tokens[order:]
    context = np.zeros(len(after), np.int64)
    for back in range(order):
        context = (context << BITS) | tokens[back : back + len(after)]
    return np.stack((context, after, np.full(len(after), person, np.int64)))


def _added(
    context: Numbers, after: Numbers, people: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """Add up entries of the same context and next token; sorted by both."""
    order = np.lexsort((after, context))
    context, after, people = context[order], after[order], people[order]
    if not len(context):
        return context, after, people
    new = np.flatnonzero(np.r_[True, (np.diff(context) != 0) | (np.diff(after) != 0)])
    return context[new], after[new], np.add.reduceat(people, new)


@dataclass(frozen=True, slots=True)
class _Order:
    """The counts of one order: entries, and where those of each context begin."""

    contexts: Numbers  # (C,) sorted, each once
    starts: Numbers  # (C + 1,)
    after: Numbers  # (E,) sorted inside a context
    people: NDArray[np.float64]  # (E,)
    totals: NDArray[np.float64]  # (C,) people, over all that followed
    unsaid: NDArray[np.float64]  # (C,) of them, those of entries that too few wrote

    def find(self, context: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
        """Find contexts: (n,) their numbers, and whether they are there at all."""
        at = np.searchsorted(self.contexts, context)
        at = np.minimum(at, max(0, len(self.contexts) - 1))
        if not len(self.contexts):
            return at, np.zeros(len(context), np.bool_)
        return at, self.contexts[at] == context


class Remembered:
    """What the shards of one group remember together.

    Args:
        memory: of the plan.
        states: of the shards that may answer; other tensors in them are not looked at.
        least: people who must have written a thing; by default as the plan says.
    """

    def __init__(
        self, memory: Memory, states: Sequence[State], least: int | None = None
    ) -> None:
        self._memory = memory
        wanted = memory.least if least is None else least
        self._orders = [
            _order(order, states, wanted) for order in range(1, memory.order + 1)
        ]

    def score(self, tokens: Sequence[int], nats: Tensor) -> Tensor:
        """Score a text, each token given those before it.

        Args:
            tokens: the text.
            nats: (n,) float64, what the components make of it.
        """
        read = np.array(list(tokens), np.int64)  # (n,)
        odds = np.exp(nats.numpy())  # (n,)
        for number, order in enumerate(self._orders, 1):
            if len(read) <= number:
                break
            context, after, _ = _followed(read, number, 0)  # (n - number,)
            at, there = order.find(context)
            seen = np.flatnonzero(there)
            firsts, ends = order.starts[at[seen]], order.starts[at[seen] + 1]
            people = np.array(
                [
                    _people(order, first, end, token)
                    for first, end, token in zip(firsts, ends, after[seen], strict=True)
                ],
                np.float64,
            )
            odds[number + seen] = self._mixed(
                number, people, at[seen], odds[number + seen]
            )
        return torch.from_numpy(np.log(odds))

    def spread(self, context: Sequence[int], odds: Tensor) -> Tensor:
        """Predict the token after a context: (V,) odds of the components to (V,)."""
        found = odds.numpy().copy()
        for number, order in enumerate(self._orders, 1):
            if len(context) < number:
                break
            recent = np.array([*context[-number:], 0], np.int64)
            at, there = order.find(_followed(recent, number, 0)[0])
            if not there[0]:
                break  # whoever wrote a longer context wrote this one too
            first, end = order.starts[at[0]], order.starts[at[0] + 1]
            people = np.zeros(len(found))
            people[order.after[first:end]] = order.people[first:end]
            found = self._mixed(number, people, at[0], found)
        return torch.from_numpy(found)

    def _mixed(
        self,
        number: int,
        people: NDArray[np.float64],
        at: Numbers,
        below: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Mix counts of one order after contexts `at` with the prediction below it."""
        weight, off = self._memory.weights[number - 1], self._memory.discount
        order = self._orders[number - 1]
        kinds = order.starts[at + 1] - order.starts[at]
        rest = weight + off * kinds + order.unsaid[at]
        kept = np.maximum(people - off, 0.0)
        return (kept + rest * below) / (order.totals[at] + weight)


def _people(order: _Order, first: int, end: int, token: int) -> float:
    at = first + int(np.searchsorted(order.after[first:end], token))
    there = at < end and order.after[at] == token
    return float(order.people[at]) if there else 0.0


def _order(number: int, states: Sequence[State], least: int) -> _Order:
    columns = [
        np.concatenate(
            [np.empty(0, np.int64)]
            + [state[f"memory.{number}.{name}"].numpy() for state in states]
        )
        for name in COLUMNS
    ]
    context, after, people = _added(*columns)
    every, firsts = np.unique(context, return_index=True)
    totals = np.add.reduceat(people, firsts) if len(firsts) else people
    kept = people >= least
    context, after, people = context[kept], after[kept], people[kept]
    contexts, starts = np.unique(context, return_index=True)
    totals = totals[np.searchsorted(every, contexts)]
    said = np.add.reduceat(people, starts) if len(starts) else people
    return _Order(
        contexts,
        np.append(starts, len(context)),
        after,
        people.astype(np.float64),
        totals.astype(np.float64),
        (totals - said).astype(np.float64),
    )
