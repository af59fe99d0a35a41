"""Figures as SVG text: the same input gives the same bytes. Home of matplotlib."""

import math
import re
import textwrap
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from io import StringIO

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from assent.errors import UsageError
from assent.report.replay import Snapshot
from assent.terms import DAY, instant, micros, parse_time

INK, FAINT, PAPER = "#1b1f24", "#6b7280", "#ffffff"
BAR, TRACK = "#41729f", "#e7e9ec"
# From Paul Tol's schemes for colour-blind readers ("muted", with the blue and grey of
# "bright"); neighbours differ in lightness too, and each band carries its name.
COLOURS = ("#4477aa", "#88ccee", "#44aa99", "#ddcc77", "#cc6677", "#aa4499", "#bbbbbb")
SMALLER = "smaller regions"
FONT = "DejaVu Sans"  # comes with matplotlib: every machine measures text the same
READERS_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name, its length, and the value as the table beside it writes it."""

    label: str
    value: float
    text: str


@dataclass(frozen=True, slots=True)
class _Shape:
    """Sizes of a replay figure in CSS pixels; `line` is in characters."""

    width: int
    left: int
    right: int
    head: int
    numbers: int
    panel: int
    foot: int
    font: float
    line: int
    ticks: int
    counts: bool

    def height(self, panels: int) -> int:
        return self.numbers + panels * (self.head + self.panel + self.foot)


WIDE = _Shape(920, 62, 150, 50, 30, 210, 34, 12, 130, 7, True)
NARROW = _Shape(340, 42, 72, 62, 28, 180, 30, 10, 58, 3, False)


def replay_svg(
    snapshots: Sequence[Snapshot], narrow: bool = False, note: str = ""
) -> str:
    """Draw people in use by region over the dates of a case, one panel a way.

    The panels share both axes. A step holds from its date until the next; the last is
    drawn on a little, so that it can be seen. At most seven bands are drawn: of more
    regions the smallest are drawn as one, and the tables name them all.

    Args:
        snapshots: as the replay counts them; the ways come in the order found.
        narrow: for a screen of 360 CSS pixels instead of 920 and more.
        note: stands in a lower corner, such as `simulated choices`.

    Returns:
        An SVG document, black on white.

    Raises:
        UsageError: there is no snapshot.
    """
    if not snapshots:
        raise UsageError(
            "the replay holds no date, wanted at least one",
            hint="give the case a `[[date]]`",
        )
    shape = NARROW if narrow else WIDE
    ways = list(dict.fromkeys(each.way for each in snapshots))
    regions = _regions(snapshots)
    top = max(max(each.people_in_use for each in snapshots), 1) * 1.16
    height = shape.height(len(ways))
    with fixed(shape.font, f"assent replay {shape.width}"):
        figure = blank(shape.width, height)
        for number, way in enumerate(ways):
            found = [each for each in snapshots if each.way == way]
            y = height - shape.numbers - (number + 1) * (shape.head + shape.panel)
            axes = figure.add_axes(
                (
                    shape.left / shape.width,
                    (y - number * shape.foot) / height,
                    (shape.width - shape.left - shape.right) / shape.width,
                    shape.panel / height,
                )
            )
            _panel(axes, found, regions, top, shape)
            _heading(axes, way, found, shape, numbered=number == 0)
        figure.text(0.995, 0.01, note, ha="right", va="bottom", color=FAINT)
        return written(figure)


def bars_svg(
    bars: Sequence[Bar], full: float | None = None, narrow: bool = False
) -> str:
    """Draw horizontal bars from zero, each with its name and its value in words.

    Args:
        bars: in the order wanted, from the top.
        full: what the whole scale stands for, such as 1.0 for a share; the largest
            value by default.
        narrow: for a screen of 360 CSS pixels.

    Returns:
        An SVG document, black on white.

    Raises:
        UsageError: there is no bar, or one is below zero or not finite.
    """
    wrong = [bar.label for bar in bars if not 0 <= bar.value < math.inf]
    if wrong or not bars:
        named = f", among them `{wrong[0]}` of no finite length" if wrong else ""
        raise UsageError(
            f"cannot draw {len(bars)} bars{named}, wanted one or more, from zero"
        )
    width, row, font = (340, 40, 11) if narrow else (920, 30, 12)
    left, right, thick = (2, 2, 0.26) if narrow else (190, 110, 0.5)
    scale = max(full or 0.0, max(bar.value for bar in bars)) or 1.0
    with fixed(font, f"assent bars {width} {bars}"):
        figure = blank(width, row * len(bars))
        axes = figure.add_axes((left / width, 0, (width - left - right) / width, 1))
        axes.set(xlim=(0, scale), ylim=(len(bars), 0))
        axes.axis("off")
        for n, bar in enumerate(bars):
            # On a phone the words stand above the bar, where they have the full width.
            y, text_y = (n + 0.7, n + 0.3) if narrow else (n + 0.5, n + 0.5)
            axes.barh(y, scale if full else 0, thick, color=TRACK)
            axes.barh(y, bar.value, thick, color=BAR)
            pixel = scale / (width - left - right)
            start, end = (0.0, scale) if narrow else (-left * pixel, scale + 12 * pixel)
            write = partial(axes.text, va="center", clip_on=False, color=INK)
            write(start, text_y, bar.label, ha="left")
            write(end, text_y, bar.text, ha="right" if narrow else "left")
        return written(figure)


@dataclass(frozen=True, slots=True)
class Whiskers:
    """One line of a figure of intervals, each a share with its ends, 0 to 1.

    Args:
        label: of the line.
        filled: (low, value, high) drawn as a dot; None: nothing was tried.
        hollow: the same, drawn as a ring below it.
        text: the values as the table writes them.
    """

    label: str
    filled: tuple[float, float, float] | None
    hollow: tuple[float, float, float] | None
    text: str


def intervals_svg(lines: Sequence[Whiskers], narrow: bool = False) -> str:
    """Draw shares with their intervals on one scale from 0 to 1.

    Args:
        lines: in the order wanted, from the top.
        narrow: for a screen of 360 CSS pixels.

    Returns:
        An SVG document, black on white.

    Raises:
        UsageError: there is no line.
    """
    if not lines:
        raise UsageError("cannot draw 0 intervals, wanted one or more")
    width, row, font = (340, 50, 11) if narrow else (920, 32, 12)
    left, right, foot = (6, 6, 26) if narrow else (250, 200, 26)
    height = row * len(lines) + foot
    with fixed(font, f"assent intervals {width} {lines}"):
        figure = blank(width, height)
        wide = (width - left - right) / width
        axes = figure.add_axes((left / width, foot / height, wide, 1 - foot / height))
        axes.set(xlim=(0, 1), ylim=(len(lines), 0), yticks=[])
        ticks = (0, 0.25, 0.5, 0.75, 1)
        axes.set_xticks(ticks, [f"{round(100 * each)} %" for each in ticks])
        # The first and the last number would stick out of a narrow figure.
        labels = axes.get_xticklabels()
        labels[0].set_horizontalalignment("left")
        labels[-1].set_horizontalalignment("right")
        axes.tick_params(color=FAINT, labelcolor=INK, length=3, width=0.7)
        for side, spine in axes.spines.items():
            spine.set(visible=side == "bottom", color=FAINT, linewidth=0.7)
        axes.vlines(ticks, 0, len(lines), color=TRACK, lw=0.8, zorder=0)
        middle, words = (0.66, 0.26) if narrow else (0.5, 0.5)
        pixel = 1 / (width - left - right)
        start, end = (0.0, 1.0) if narrow else (-left * pixel, 1 + 14 * pixel)
        write = partial(axes.text, va="center", clip_on=False, color=INK)
        for n, line in enumerate(lines):
            write(start, n + words, line.label, ha="left")
            write(end, n + words, line.text, ha="right" if narrow else "left")
        _whiskers(axes, [each.filled for each in lines], middle - 4 / row, BAR)
        _whiskers(axes, [each.hollow for each in lines], middle + 4 / row, PAPER)
        return written(figure)


def _whiskers(
    axes: Axes,
    shares: Sequence[tuple[float, float, float] | None],
    offset: float,
    face: str,
) -> None:
    """Draw the intervals of all lines, each that far below the top of its line."""
    found = [(n + offset, *ends) for n, ends in enumerate(shares) if ends is not None]
    if not found:
        return
    y, low, value, high = zip(*found, strict=True)
    axes.hlines(y, low, high, color=BAR, lw=2)
    axes.plot(value, y, "o", ms=6, mfc=face, mec=BAR, mew=1.4, clip_on=False)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move places apart, as little as needed, so that labels do not overlap.

    Args:
        wanted: in rising order.
        gap: least distance; made smaller where the places would not fit.
        low: least place.
        high: greatest place.

    Returns:
        As many places, in order, `gap` apart.
    """
    if not wanted:
        return []
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    # Without the gaps the order is all that counts: pool neighbours that are out of it.
    pools: list[list[float]] = []
    for n, place in enumerate(wanted):
        pools.append([place - n * gap])
        while len(pools) > 1 and _mean(pools[-2]) > _mean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    flat = [_mean(pool) for pool in pools for _ in pool]
    end = high - (len(wanted) - 1) * gap
    return [min(max(place, low), end) + n * gap for n, place in enumerate(flat)]


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)


def _regions(snapshots: Sequence[Snapshot]) -> dict[str, tuple[str, ...]]:
    """Order the bands, largest first, each with the regions that it stands for."""
    largest: Counter[str] = Counter()
    for each in snapshots:
        largest |= Counter(each.people_by_region)
    order = sorted(largest, key=lambda region: (-largest[region], region))
    if len(order) <= len(COLOURS):
        return {region: (region,) for region in order}
    kept = len(COLOURS) - 1
    bands = {region: (region,) for region in order[:kept]}
    return bands | {SMALLER: tuple(order[kept:])}


def _panel(
    axes: Axes,
    found: Sequence[Snapshot],
    regions: dict[str, tuple[str, ...]],
    top: float,
    shape: _Shape,
) -> None:
    """Stack the regions' steps, and name each band at its end."""
    times = [_day(each.at) for each in found]
    end = times[-1] + max((times[-1] - times[0]) * 0.07, 1.0)  # days
    x = [*times, end]
    axes.set(xlim=(times[0], end), ylim=(0, top))
    base = [0] * len(x)
    middles = []
    for colour, names in zip(COLOURS, regions.values(), strict=False):
        counts = [sum(each.people_by_region.get(n, 0) for n in names) for each in found]
        counts.append(counts[-1])
        roof = [low + more for low, more in zip(base, counts, strict=True)]
        axes.fill_between(
            x, base, roof, step="post", facecolor=colour, edgecolor=PAPER, lw=0.6
        )
        middles.append((base[-1] + roof[-1]) / 2)
        base = roof
    axes.vlines(times, 0, top, color=FAINT, lw=0.6, linestyles=(0, (1, 3)))
    _names(axes, found[-1], regions, middles, end, shape)
    silent = [each.used_before_told for each in found]
    if any(silent):
        _silent_line(axes, x, [*silent, silent[-1]])
    _axis(axes, shape)


def _silent_line(axes: Axes, x: list[float], silent: list[int]) -> None:
    label = "used before being told"
    for colour, width, style in ((PAPER, 3.0, "-"), (INK, 1.5, (0, (4, 2)))):
        # Drawn on a paper-coloured line, so that it is seen on every band.
        (line,) = axes.plot(
            x,
            silent,
            drawstyle="steps-post",
            color=colour,
            lw=width,
            ls=style,
            label=label,
            clip_on=False,
        )
    axes.legend(handles=[line], loc="upper right", frameon=False, labelcolor=INK)


def _names(
    axes: Axes,
    last: Snapshot,
    regions: dict[str, tuple[str, ...]],
    middles: list[float],
    end: float,
    shape: _Shape,
) -> None:
    """Write each band's name, and its last count where there is room, to its right."""
    top = axes.get_ylim()[1]
    unit = top / shape.panel  # people a pixel
    pixel = (end - axes.get_xlim()[0]) / (shape.width - shape.left - shape.right)
    places = spread(middles, shape.font * 1.45 * unit, 5 * unit, top - 5 * unit)
    for colour, name, middle, place in zip(
        COLOURS, regions, middles, places, strict=False
    ):
        count = sum(last.people_by_region.get(each, 0) for each in regions[name])
        line = partial(axes.plot, clip_on=False, solid_capstyle="butt")
        if count:
            line([end, end + 8 * pixel], [middle, place], color=FAINT, lw=0.6)
        line([end + 9 * pixel, end + 15 * pixel], [place] * 2, color=colour, lw=6)
        text = f"{name} {count:,}" if shape.counts else name
        axes.text(
            end + 19 * pixel, place, text, va="center", color=INK if count else FAINT
        )


def _axis(axes: Axes, shape: _Shape) -> None:
    marks = _marks(*axes.get_xlim(), shape.ticks)
    axes.set_xticks([time for time, _ in marks], [text for _, text in marks])
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.tick_params(color=FAINT, labelcolor=INK, length=3, width=0.7)
    for side, spine in axes.spines.items():
        spine.set(visible=side in ("left", "bottom"), color=FAINT, linewidth=0.7)


def _marks(first: float, last: float, most: int) -> list[tuple[float, str]]:
    """Choose months whose first day is marked; the first day where there is none."""
    begin, end = instant(round(first * DAY)), instant(round(last * DAY))
    months = [
        datetime(year, month, 1, tzinfo=UTC)
        for year in range(begin.year, end.year + 1)
        for month in range(1, 13)
    ]
    inside = [month for month in months if begin <= month <= end]
    # A mark every n months, where n divides a year, so that each year looks the same.
    chosen = (
        [month for month in inside if (month.month - 1) % n == 0] for n in (1, 2, 3, 6)
    )
    fitting = next((found for found in chosen if len(found) <= most), None)
    if fitting is None:
        fitting = [month for month in inside if month.month == 1]
    if len(fitting) < 2:
        return [(first, f"{begin:%d %b %Y}")]
    return [(micros(month) / DAY, f"{month:%b %Y}") for month in fitting]


def _heading(
    axes: Axes, way: str, found: Sequence[Snapshot], shape: _Shape, numbered: bool
) -> None:
    """Name the way, sum up its use without proof, and number the dates."""
    above = shape.numbers if numbered else 10
    sentence = textwrap.wrap(_worst(found), shape.line)
    lines = len(sentence) * shape.font * 1.35
    write = partial(
        axes.annotate,
        xy=(1, 1),
        xycoords=("figure pixels", "axes fraction"),
        textcoords="offset points",
        annotation_clip=False,
        color=INK,
    )
    title = f"{way[:1].upper()}{way[1:]}: people in use, by region"
    write(title, xytext=(0, above + lines + 4), weight="bold", size=shape.font + 2)
    write("\n".join(sentence), xytext=(0, above))
    if numbered:
        _numbers(axes, [_day(each.at) for each in found], shape)


def _numbers(axes: Axes, times: list[float], shape: _Shape) -> None:
    """Number the dates above the panel, moved apart where they are close."""
    low, high = axes.get_xlim()
    pixel = (high - low) / (shape.width - shape.left - shape.right)
    places = spread(times, shape.font * 1.5 * pixel, low, high)
    for number, (time, place) in enumerate(zip(times, places, strict=True), start=1):
        axes.annotate(
            str(number),
            (time, 1),
            (place, 1 + 15 / shape.panel),
            xycoords=axes.get_xaxis_transform(),
            textcoords=axes.get_xaxis_transform(),
            ha="center",
            va="center",
            size=shape.font - 1,
            color=INK,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": FAINT, "lw": 0.6, "shrinkB": 0},
        )


def _worst(found: Sequence[Snapshot]) -> str:
    """Say how many people were in use without proof, on the worst date of each kind."""
    counts = (
        (max(each.used_before_told for each in found), "before being told"),
        (max(each.used_after_objecting for each in found), "after objecting"),
        (max(each.used_under_age for each in found), "perhaps under age"),
    )
    if not any(count for count, _ in counts):
        return "Nobody before being told, after objecting or under age."
    parts = [f"{count:,} {words}" for count, words in counts]
    return f"In use at worst: {', '.join(parts[:-1])} and {parts[-1]}."


def _day(at: str) -> float:
    return parse_time(at) / DAY


def blank(width: float, height: float) -> Figure:
    """Make a figure of so many CSS pixels."""
    return Figure(figsize=(width / 72, height / 72), dpi=72, facecolor=PAPER)


def fixed(font: float, salt: str) -> AbstractContextManager[None]:
    """Fix what could make two runs differ: font, identifiers, simplification."""
    return mpl.rc_context(
        {
            "font.family": FONT,
            "font.size": font,
            "legend.fontsize": font,
            "text.parse_math": False,  # a `$` in a name is a `$`
            "svg.fonttype": "none",  # text stays text: it can be read, found, copied
            "svg.hashsalt": salt,
        }
    )


def written(figure: Figure) -> str:
    """Write the figure without date, program or element ids, in the reader's font."""
    out = StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(out, format="svg", metadata=nothing)
    text = out.getvalue()
    text = re.sub(r"<g id=\"[^\"]*\"", "<g", text)
    # Left in the font that measured, the words would look foreign in the page.
    return text.replace(f"'{FONT}'", READERS_FONT)
