"""The page of a redaction audit: what was found, what was missed, what that leaves.

It shows the very figures of `redaction.json`, and of no text more than its outline.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from assent.report.page import SIMULATED, fill
from assent.report.plot import Whiskers, intervals_svg
from assent.report.sections import Block, Cell, Facts, Grid, Plot, Prose

Figures = Mapping[str, Any]
Row = Mapping[str, Any]


class Section(StrEnum):
    """A section of the page."""

    RECALL = "recall"
    MISSED = "missed"
    PRECISION = "precision"
    RESIDUAL = "residual"
    REVIEW = "review"
    REMOVED = "removed"
    METHOD = "method"


TITLES = {
    Section.RECALL: "Found, of what was planted",
    Section.MISSED: "Missed: their shapes",
    Section.PRECISION: "Taken by mistake",
    Section.RESIDUAL: "What remains",
    Section.REVIEW: "A reviewer’s verdicts",
    Section.REMOVED: "Share of the text removed",
    Section.METHOD: "How it was measured",
}

LIMITS = {
    Section.RECALL: [
        "Planted forms are not the forms that people invent: a disguise that nobody "
        "planted is not in these figures.",
        "Not planted at all: nicknames, initials, names in reversed order or "
        "inflected, hashtags, and what identifies somebody without naming her.",
        "Every script and disguise counts the same here; in people’s texts they are "
        "not equally common.",
        "Names and employers are planted into the directory too: this measures whether "
        "listed ones are found, not whether the directory lists everybody.",
    ],
    Section.PRECISION: [
        "Look-alikes were chosen for looking alike; in ordinary text mistakes are "
        "rarer, and other ones happen. Only a reviewer sees those.",
    ],
    Section.RESIDUAL: [
        "It rests on one assumption: that people write as was planted (or as the "
        "reviewer’s sample shows). Kinds that are never looked for are not in it.",
        "What was replaced by mistake counts as found, so rather too many remain here "
        "than too few.",
    ],
    Section.REVIEW: [
        "A reviewer misses some of what is left. Two reviewers who do not see each "
        "other’s sheets would show how much.",
    ],
}
CLOSING = (
    "This page shows what was counted. Who has the corpus can count it again: the same "
    "corpus, seed and release give the same bytes."
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
        figures: as `redaction.json` holds them.
    """
    blocks = {
        Section.RECALL: _recall(figures["recall"]),
        Section.MISSED: _missed(figures["missed"]),
        Section.PRECISION: _precision(figures),
        Section.RESIDUAL: _residual(figures["residual"]),
        Section.REVIEW: _review(figures["review"]),
        Section.REMOVED: _removed(figures["removed"]),
        Section.METHOD: _method(figures),
    }
    shown = [section for section in Section if blocks[section]]
    return fill(
        data=_Head("How much personal data redaction removes"),
        tags=[figures["corpus"], *([SIMULATED] if figures["simulated"] else [])],
        simulated={},
        summary=_summary(figures),
        shown=shown,
        missing=[TITLES[section] for section in Section if not blocks[section]],
        titles=TITLES,
        blocks=blocks,
        limits={section: LIMITS.get(section, []) for section in Section},
        others=[],
        closing=CLOSING,
    )


def _summary(figures: Figures) -> list[tuple[str, str]]:
    rows = figures["recall"]["by_kind"]
    plain = min(rows, key=lambda row: row["as_written"]["low"])
    tried = sum(row["disguised"]["total"] for row in rows)
    found = sum(row["disguised"]["found"] for row in rows)
    spared = [row["spared"] for row in figures["look_alikes"]]
    left = sum(each["found"] for each in spared)
    alike = sum(each["total"] for each in spared)
    return [
        (
            _percent(plain["as_written"]["share"]),
            f"removed of the kind found worst, as written: {plain['name']}",
        ),
        (_percent(found / tried), f"of {tried:,} disguised identities removed"),
        (_percent(left / alike), f"of {alike:,} look-alikes left alone"),
        (_percent(figures["removed"]["share"]), "of the characters removed"),
    ]


def _recall(recall: Figures) -> list[Block]:
    by_kind, by_script = recall["by_kind"], recall["by_script"]
    return [
        Prose(
            "Made-up identities were planted into documents of the corpus, one a "
            "document, and redacted with the corpus’s own directory. One counts as "
            "removed when none of its letters and digits is left. Intervals are 95 % "
            "and exact (Clopper and Pearson)."
        ),
        *_plot(by_kind, "Removed by kind: dots as written, rings disguised."),
        _grid("By kind", "kind", by_kind),
        *_plot(by_script, "Removed by script: dots as written, rings disguised."),
        _grid("By script", "script", by_script),
        *_plot(recall["by_disguise"], "Removed by disguise, of all kinds together."),
        Grid(
            "By disguise",
            ["disguise", "planted", "removed", "95 % interval"],
            [[Cell(x["name"]), *_cells(x["disguised"])] for x in recall["by_disguise"]],
            of_choices=False,
        ),
        Grid(
            "By form, as written",
            ["kind", "form", "planted", "removed", "95 % interval"],
            [
                [Cell(x["kind"]), Cell(x["name"]), *_cells(x["as_written"])]
                for x in recall["by_form"]
            ],
            of_choices=False,
        ),
    ]


def _grid(caption: str, noun: str, rows: Sequence[Row]) -> Grid:
    columns = [noun, "as written", "removed", "95 % interval"]
    return Grid(
        caption,
        [*columns, "disguised", "removed", "95 % interval"],
        [
            [Cell(row["name"]), *_cells(row["as_written"]), *_cells(row["disguised"])]
            for row in rows
        ],
        of_choices=False,
    )


def _plot(rows: Sequence[Row], caption: str) -> list[Block]:
    lines = [
        Whiskers(
            row["name"],
            _ends(row.get("as_written")),
            _ends(row.get("disguised")),
            " · ".join(
                _percent(row[each]["share"])
                for each in ("as_written", "disguised")
                if each in row
            ),
        )
        for row in rows
    ]
    label = f"{caption} The table below holds every value."
    pair = (intervals_svg(lines, narrow) for narrow in (False, True))
    return [Plot(label, caption, *pair)]


def _ends(found: Row | None) -> tuple[float, float, float] | None:
    if found is None or found["share"] is None:
        return None
    return found["low"], found["share"], found["high"]


def _missed(rows: Sequence[Row]) -> list[Block]:
    if not rows:
        return []
    return [
        Prose(
            "What was planted and not removed whole, as outlines: A and a are letters, "
            "x one of a script without capitals, 9 a digit, a dot what is not seen."
        ),
        Grid(
            "Missed, by kind and disguise",
            ["kind", "disguise", "missed", "shapes"],
            [
                [
                    Cell(row["name"]),
                    Cell(row["disguise"]),
                    _number(row["missed"]),
                    Cell(" | ".join(row["shapes"]), "code"),
                ]
                for row in rows
            ],
            of_choices=False,
        ),
    ]


def _precision(figures: Figures) -> list[Block]:
    return [
        Prose(
            "Look-alikes were planted in the same way: nothing of them need go. Below, "
            "precision is the share of identities among all that a kind was put in the "
            "place of, both as written."
        ),
        Grid(
            "Look-alikes left alone",
            ["look-alike", "planted", "left alone", "95 % interval"],
            [
                [Cell(row["name"]), *_cells(row["spared"])]
                for row in figures["look_alikes"]
            ],
            of_choices=False,
        ),
        Grid(
            "Precision on what was planted",
            ["kind", "replaced", "identities", "95 % interval"],
            [
                [Cell(row["name"]), *_cells(row["precision"])]
                for row in figures["precision"]
            ],
            of_choices=False,
        ),
    ]


def _residual(rows: Sequence[Row]) -> list[Block]:
    return [
        Prose(
            "How many of each kind are left, if so many were replaced in the corpus "
            "and people write as was planted: replaced, times the share missed, by the "
            "share found. In brackets how few and how many more there may be, by both "
            "ends of the recall’s interval and by chance. Of a kind that was not "
            "found at all, some may be there all the same."
        ),
        Grid(
            "Estimated to remain in the corpus",
            [
                *("kind", "replaced", "missed at most", "remain, as written"),
                *("missed at most", "remain, were all disguised"),
            ],
            [
                [
                    Cell(row["name"]),
                    _number(row["replaced"]),
                    *_remaining(row["as_written"]),
                    *_remaining(row["disguised"]),
                ]
                for row in rows
            ],
            of_choices=False,
        ),
    ]


def _remaining(row: Row) -> list[Cell]:
    least, most = row["remain_low"], row["remain_high"]
    ends = f"{_count(least)} to {_count(most) if most is not None else 'no bound'}"
    text = "–" if row["remain"] is None else f"{_count(row['remain'])} ({ends})"
    return [Cell(_percent(row["missed_at_most"]), "number"), Cell(text, "number")]


def _review(review: Figures | None) -> list[Block]:
    if review is None:
        return []
    return [
        Prose(
            f"A reviewer read {review['documents']:,} documents, drawn in strata. Each "
            "counts for as many as it stands for; the interval is that of as many "
            "independent tries as the sample is worth (Korn and Graubard)."
        ),
        Grid(
            "By kind",
            [
                *("kind", "judged", "found", "95 % interval"),
                *("replaced, judged", "rightly", "95 % interval", "remain"),
            ],
            [
                [
                    Cell(row["name"]),
                    *_cells(row["recall"]),
                    *_cells(row["precision"]),
                    _remaining(row)[1],
                ]
                for row in review["by_kind"]
            ],
            of_choices=False,
        ),
        Grid(
            "Strata",
            ["group", "category", "anything replaced", "documents", "read"],
            [
                [
                    Cell(row["group"]),
                    Cell(row["category"]),
                    Cell("yes" if row["replaced"] else "no"),
                    _number(row["documents"]),
                    _number(row["drawn"]),
                ]
                for row in review["strata"]
            ],
            of_choices=False,
        ),
    ]


def _removed(removed: Figures) -> list[Block]:
    sample = removed["sample"]
    categories = [row["name"] for row in removed["by_category"]]
    shapes = {row["name"]: row["shapes"] for row in removed["shapes"]}
    blocks: list[Block] = [
        Prose(
            f"{removed['characters_before'] - removed['characters_kept']:,} of "
            f"{removed['characters_before']:,} characters. By kind they are counted on "
            f"{sample['documents']:,} of {sample['of']:,} drawn documents, those whose "
            "original is loaded as it was."
        ),
        Grid(
            "By category, whole corpus",
            ["category", "characters", "removed"],
            [
                [
                    Cell(row["name"]),
                    _number(row["characters"]),
                    Cell(_percent(row["share"]), "number", share=row["share"] or 0.0),
                ]
                for row in removed["by_category"]
            ],
            of_choices=False,
        ),
    ]
    if sample["documents"]:
        blocks.append(
            Grid(
                "By kind, of the characters of the drawn documents",
                ["kind", "replaced in the corpus", "removed", *categories, "shapes"],
                [
                    [
                        Cell(row["name"]),
                        _number(row["replaced"]),
                        Cell(_percent(row["share"], 2), "number"),
                        *(
                            Cell(_percent(row["by_category"].get(each), 2), "number")
                            for each in categories
                        ),
                        Cell(" | ".join(shapes.get(row["name"], [])) or "–", "code"),
                    ]
                    for row in sample["by_kind"]
                ],
                of_choices=False,
            )
        )
    return blocks


def _method(figures: Figures) -> list[Block]:
    again = figures["again"]
    finds = sum(again["found"].values())
    libraries = ", ".join(f"{n} {v}" for n, v in figures["libraries"].items())
    floors = [
        f"{floor['floor']} {floor['of'].replace('_', ' ')}: "
        + (f"missed by {', '.join(floor['below'])}" if floor["below"] else "reached")
        for floor in figures["floors"]
    ]
    digest = figures["directory"]
    return [
        Facts(
            [
                ("corpus", Cell(figures["corpus"], "code")),
                ("documents", _number(figures["documents"])),
                ("directory", Cell(f"{digest[:12]}…", "hash", full=digest)),
                ("drawn to carry", _number(figures["carriers"])),
                (
                    "found when read again",
                    Cell(
                        f"{finds:,} in {again['documents']:,}",
                        "bad" if finds else "good",
                    ),
                ),
                ("of each kind", Cell(f"{figures['each']:,}, twice")),
                ("seed", Cell(str(figures["seed"]))),
                ("release", Cell(f"assent {figures['release']}, {libraries}")),
                ("floors", Cell("; ".join(floors) or "none was asked for")),
            ]
        )
    ]


def _cells(found: Row) -> list[Cell]:
    """Write a share in three cells: of how many, the share, its interval."""
    if found["share"] is None:
        return [_number(0), Cell("–", "number"), Cell("–", "number")]
    ends = f"{100 * found['low']:.1f} to {100 * found['high']:.1f}"
    return [
        _number(found["total"]),
        Cell(_percent(found["share"]), "number"),
        Cell(ends, "number"),
    ]


def _number(value: int) -> Cell:
    return Cell(f"{value:,}", "number" if value else "number zero")


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _percent(value: float | None, decimals: int = 1) -> str:
    return "–" if value is None else f"{100 * value:.{decimals}f} %"
