"""The page of a model audit: whether shards tell whom they were trained on.

It shows the very figures of `model.json`; they name no person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from assent.report.curves import Curve, curves_svg
from assent.report.page import SIMULATED, fill
from assent.report.plot import Whiskers, intervals_svg
from assent.report.sections import Block, Cell, Facts, Grid, Plot, Prose

Figures = Mapping[str, Any]


class Section(StrEnum):
    """A section of the page."""

    LEAK = "leak"
    TOLD = "told"
    RATE = "rate"
    CANARIES = "canaries"
    RANKING = "ranking"
    METHOD = "method"


TITLES = {
    Section.LEAK: "Do shards know their own people?",
    Section.TOLD: "Can members be told from others?",
    Section.RATE: "Is the promised rate of false alarms kept?",
    Section.CANARIES: "Canaries",
    Section.RANKING: "Rankings without a control",
    Section.METHOD: "How it was measured",
}
LIMITS = {
    Section.LEAK: [
        "A small p-value says that the shards of the group remember; a large one does "
        "not say that they forget.",
        "Groups with one shard have no siblings to compare with: only canaries speak "
        "of them.",
    ],
    Section.TOLD: [
        "The people in no shard come from a file that the auditor chose. Where they "
        "write otherwise than members, part of the difference is that.",
    ],
    Section.CANARIES: [
        "Random letters are remembered more easily than prose: the bound is on the "
        "training, not on what it keeps of a person.",
    ],
    Section.RANKING: [
        "Losses and Min-K%++ have no control: a difference of topic or time looks like "
        "memory. They order people for a closer look, and claim nothing.",
    ],
}
CLOSING = (
    "This page shows what was counted. Who has the model, the corpus and the plan’s "
    "key can count it again: the same files and seed give the same bytes."
)


@dataclass(frozen=True, slots=True)
class _Head:
    """What the frame of the page asks of its data."""

    title: str
    as_of: str = ""
    seed: int | None = None


def page(figures: Figures) -> str:
    """Write the page: one HTML file, the same bytes for the same figures.

    Args:
        figures: as `model.json` holds them.
    """
    groups = figures["groups"]
    before = {each["name"]: each for each in figures["before"] or []}
    blocks = {
        Section.LEAK: _leak(groups, before),
        Section.TOLD: _told(groups, before),
        Section.RATE: _rate(groups),
        Section.CANARIES: _canaries(groups),
        Section.RANKING: _ranking(groups),
        Section.METHOD: _method(figures),
    }
    shown = [section for section in Section if blocks[section]]
    return fill(
        data=_Head("What a model tells of the people it was trained on"),
        tags=[figures["model"], *([SIMULATED] if figures["simulated"] else [])],
        simulated={},
        summary=_summary(groups),
        shown=shown,
        missing=[TITLES[section] for section in Section if not blocks[section]],
        titles=TITLES,
        blocks=blocks,
        limits={section: LIMITS.get(section, []) for section in Section},
        others=[],
        closing=CLOSING,
    )


def _summary(groups: Sequence[Figures]) -> list[tuple[str, str]]:
    people = sum(each["people"] for each in groups)
    found = [(f"{people:,}", "people of the corpus tested")]
    if tested := [each["randomisation"] for each in groups if each["randomisation"]]:
        least = min(each["p_value"] for each in tested)
        found.append((f"{least:.4f}", "smallest p-value of a group"))
    if told := [each["told"] for each in groups if each["told"]]:
        most = max(each["auc"] for each in told)
        found.append((f"{most:.3f}", "largest AUC of a group; 0.5 tells nothing"))
    if coins := [each["canaries"] for each in groups if each["canaries"]]:
        most = max(each["epsilon"] for each in coins)
        found.append((f"{most:.2f}", "epsilon at least, by canaries, at 95 %"))
    return found


def _leak(groups: Sequence[Figures], before: Mapping[str, Figures]) -> list[Block]:
    rows = []
    for each in groups:
        test = each["randomisation"]
        old = before.get(each["name"], {}).get("randomisation")
        if test is None:
            continue
        rows.append(
            [
                Cell(each["name"]),
                _number(f"{each['shards']}"),
                _number(f"{test['people']:,}"),
                _number(f"{test['statistic']:+.4f}"),
                _number(f"{test['p_value']:.4f}"),
                _number(f"{old['p_value']:.4f}" if old else "–"),
            ]
        )
    if not rows:
        return []
    return [
        Prose(
            "Which shard of a group holds a person was drawn with a secret key. The "
            "gap is how many bits a token better her own shard foresees her words than "
            "the other shards of her group do. If the draw is made again among the "
            "same people, how often is the mean gap as large by chance alone? That is "
            "the p-value, and it is exact."
        ),
        Grid(
            "Randomisation test, by group",
            ["group", "shards", "people", "mean gap", "p-value", "before"],
            rows,
            of_choices=False,
        ),
    ]


def _told(groups: Sequence[Figures], before: Mapping[str, Figures]) -> list[Block]:
    shown = [each for each in groups if each["told"]]
    if not shown:
        return []
    lines, curves, rows = [], [], []
    for each in shown:
        told, old = each["told"], before.get(each["name"], {}).get("told")
        lines.append(
            Whiskers(
                each["name"],
                _ends(told),
                _ends(old) if old else None,
                _auc(told) + (f" · {old['auc']:.3f}" if old else ""),
            )
        )
        curve = before.get(each["name"], {}).get("curve") or ()
        curves.append(Curve(each["name"], each["curve"], curve))
        rows.append(
            [
                Cell(each["name"]),
                _number(f"{told['members']:,}"),
                _number(f"{told['others']:,}"),
                _number(f"{told['auc']:.3f}"),
                _number(f"{told['low']:.3f} to {told['high']:.3f}"),
                _number(f"{100 * told['tpr']:.1f} %"),
                _number(_auc(old) if old else "–"),
            ]
        )
    caption = "AUC with its 95 % interval: dots now, rings before."
    roc = "True against false positives; dashed before, the thin line tells nothing."
    return [
        Plot(caption, caption, intervals_svg(lines), intervals_svg(lines, True)),
        Plot(roc, roc, curves_svg(curves), curves_svg(curves, True)),
        Grid(
            "Members against people in no shard",
            ["group", "members", "others", "AUC", "95 %", "found at 1 %", "before"],
            rows,
            of_choices=False,
        ),
    ]


def _rate(groups: Sequence[Figures]) -> list[Block]:
    rows = [
        [
            Cell(each["name"]),
            _number(f"{100 * rate['nominal']:.0f} %"),
            _number(f"{rate['threshold']:.2f}"),
            _number(f"{rate['found']:,} of {rate['checked']:,}"),
            _number(f"{100 * rate['low']:.1f} to {100 * rate['high']:.1f} %"),
        ]
        for each in groups
        if (rate := each["rate"])
    ]
    if not rows:
        return []
    return [
        Prose(
            "Half of the people in no shard set the threshold; the others, who did "
            "not, show how often it gives a false alarm."
        ),
        Grid(
            "False alarms",
            ["group", "promised", "threshold, in deviations", "false alarms", "95 %"],
            rows,
            of_choices=False,
        ),
    ]


def _canaries(groups: Sequence[Figures]) -> list[Block]:
    rows = [
        [
            Cell(each["name"]),
            _number(f"{coins['canaries']:,}"),
            _number(f"{coins['planted']:,}"),
            _number(f"{coins['right']:,} of {coins['guessed']:,}"),
            _number(f"{coins['epsilon']:.2f}"),
        ]
        for each in groups
        if (coins := each["canaries"])
    ]
    if not rows:
        return []
    return [
        Prose(
            "Made-up texts, each planted or not by a coin of the plan’s key. Of those "
            "that stand out most it is guessed which were planted. So many right "
            "guesses would be rare if the training were private to epsilon."
        ),
        Grid(
            "Canaries, by group",
            ["group", "drawn", "planted", "guessed right", "epsilon at least"],
            rows,
            of_choices=False,
        ),
    ]


def _ranking(groups: Sequence[Figures]) -> list[Block]:
    rows = [
        [
            Cell(each["name"]),
            _number(f"{ranking['loss']:.3f}"),
            _number(f"{ranking['min_k_plus_plus']:.3f}"),
        ]
        for each in groups
        if (ranking := each["ranking"])
    ]
    if not rows:
        return []
    return [
        Grid(
            "AUC of a ranking by one shard alone",
            ["group", "loss", "Min-K%++"],
            rows,
            of_choices=False,
        )
    ]


def _method(figures: Figures) -> list[Block]:
    return [
        Facts(
            [
                ("model", Cell(figures["model"])),
                ("plan", Cell(figures["plan"][:16], "hash", figures["plan"])),
                ("corpora", Cell(", ".join(figures["corpora"]))),
                ("seed", _number(str(figures["seed"]))),
                ("people tested, at most a group", _number(f"{figures['most']:,}")),
            ]
        ),
        Prose(
            "Texts are cut and read as in training. What a shard is better at for "
            "everybody is taken off first, by people in no shard where there are some. "
            "Sources: Phipson and Smyth (2010); Steinke, Nasr and Jagielski (2023); "
            "Zhang and others (arXiv 2404.02936)."
        ),
    ]


def _number(text: str) -> Cell:
    return Cell(text, "number")


def _auc(told: Figures) -> str:
    return f"{told['auc']:.3f} ({told['low']:.3f} to {told['high']:.3f})"


def _ends(told: Figures) -> tuple[float, float, float]:
    return told["low"], told["auc"], told["high"]
