"""Figures of a measurement: shares with intervals, and what they say of the rest.

All are JSON values: the report page shows the same ones that the file holds.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from assent.redact.interval import share, unseen
from assent.redact.lookalikes import SORTS, Innocent
from assent.redact.masks import Disguise
from assent.redact.measured import Outcome, shape
from assent.redact.planted import GROUPS, Identity
from assent.redact.planted_words import Script
from assent.redact.spans import Kind

MOST_SHAPES = 3
"""Shapes shown of a kind, the commonest first."""
LEAST_SEEN = 3
"""A shape of what people wrote is shown where so many documents hold it."""

Figures = dict[str, Any]
Tried = Sequence[tuple[Identity, Outcome]]


def recall(tried: Tried) -> Figures:
    """Count what was removed whole: by group, script, disguise and form."""
    plain = [each for each in tried if each[0].disguise is Disguise.NONE]
    changed = [each for each in tried if each[0].disguise is not Disguise.NONE]
    forms = dict.fromkeys((each.group, each.form) for each, _ in plain)
    return {
        "by_kind": _both(plain, changed, GROUPS, lambda each: each.group),
        "by_script": _both(plain, changed, Script, lambda each: each.script),
        "by_disguise": [
            {"name": how.value, "disguised": _removed(changed, how, _disguise)}
            for how in Disguise
            if how is not Disguise.NONE
        ],
        "by_form": [
            {
                "kind": group,
                "name": form,
                "as_written": _removed(plain, (group, form), _form),
            }
            for group, form in sorted(forms, key=lambda x: (GROUPS.index(x[0]), x[1]))
        ],
    }


def _disguise(each: Identity) -> Disguise:
    return each.disguise


def _form(each: Identity) -> tuple[str, str]:
    return each.group, each.form


def _both(
    plain: Tried,
    changed: Tried,
    names: Iterable[str],
    of: Callable[[Identity], str],
) -> list[Figures]:
    return [
        {
            "name": str(name),
            "as_written": _removed(plain, name, of),
            "disguised": _removed(changed, name, of),
        }
        for name in names
    ]


def _removed(tried: Tried, name: object, of: Callable[[Identity], object]) -> Figures:
    mine = [outcome.removed for each, outcome in tried if of(each) == name]
    return share(sum(mine), len(mine)).to_json()


def precision(
    tried: Tried, innocent: Sequence[tuple[Innocent, Outcome]]
) -> list[Figures]:
    """Count by the kind that was put in its place: was it an identity at all?

    As written alone: a look-alike is written as it is. It holds for as many identities
    and look-alikes as were planted, which is no text's own mixture.
    """
    right: Counter[Kind] = Counter()
    wrong: Counter[Kind] = Counter()
    for each, outcome in tried:
        if each.disguise is Disguise.NONE:
            right.update(outcome.kinds)
    for _, outcome in innocent:
        wrong.update(outcome.kinds)
    return [
        {
            "name": kind.value,
            "precision": share(right[kind], right[kind] + wrong[kind]).to_json(),
        }
        for kind in Kind
        if kind is not Kind.QUOTE
    ]


def spared(innocent: Sequence[tuple[Innocent, Outcome]]) -> list[Figures]:
    """Count by sort which look-alikes were left alone."""
    rows = []
    for sort in SORTS:
        mine = [not outcome.kinds for each, outcome in innocent if each.sort == sort]
        rows.append({"name": sort, "spared": share(sum(mine), len(mine)).to_json()})
    return rows


def missed(tried: Tried) -> list[Figures]:
    """Draw what was not removed: the commonest shapes of each group and disguise."""
    counts: dict[tuple[int, int], Counter[str]] = {}
    ways = tuple(Disguise)
    for each, outcome in tried:
        if not outcome.removed:
            key = GROUPS.index(each.group), ways.index(each.disguise)
            counts.setdefault(key, Counter())[shape(each.text)] += 1
    return [
        {
            "name": GROUPS[group],
            "disguise": ways[way].value,
            "missed": found.total(),
            "shapes": _commonest(found, 1),
        }
        for (group, way), found in sorted(counts.items())
    ]


def removed_shapes(seen: Mapping[Kind, Counter[str]]) -> list[Figures]:
    """Draw what was removed from people's documents, where several look the same.

    Args:
        seen: for each kind and shape, how many documents hold it.
    """
    rows = [
        {
            "name": kind.value,
            "shapes": _commonest(seen.get(kind, Counter()), LEAST_SEEN),
        }
        for kind in Kind
    ]
    return [row for row in rows if row["shapes"]]


def _commonest(counts: Counter[str], least: int) -> list[str]:
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [drawn for drawn, times in order if times >= least][:MOST_SHAPES]


def remaining(found: int, caught: Figures) -> Figures:
    """Estimate how many were missed, from how many were found and the share caught.

    Args:
        found: how many were replaced, the wrong ones among them.
        caught: the recall, as a JSON value of `Share`.

    Returns:
        The missed share at most; how many remain, with the ends of `unseen`. None where
        there is no bound or nothing was tried.
    """
    value = caught["share"]
    low, high = unseen(found, caught["low"], caught["high"])
    return {
        "missed_at_most": round(1 - caught["low"], 6),
        "remain": round(found * (1 - value) / value) if value else None,
        "remain_low": low,
        "remain_high": high,
    }


def below(rows: Sequence[Figures], column: str, least: float) -> list[str]:
    """Name the groups whose interval does not lie above a floor.

    Args:
        rows: `by_kind` of `recall`.
        column: `as_written` or `disguised`.
        least: what the lower end must reach.
    """
    return [row["name"] for row in rows if row[column]["low"] < least]


def fewest(least: float) -> int:
    """How many tries it takes until a floor can be reached, with nothing missed."""
    tries = 1
    while share(tries, tries).low < least:
        tries = tries + max(1, tries // 50)
    return tries
