"""Curves of true against false positives, as SVG: one panel a group."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from assent.errors import UsageError
from assent.report.plot import BAR, FAINT, INK, TRACK, blank, fixed, written

_TICKS = (0, 0.25, 0.5, 0.75, 1)
Points = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Curve:
    """One panel.

    Args:
        label: above it.
        now: (false, true) positive rates, each from 0 to 1, rising.
        before: the same of an earlier audit, drawn dashed; empty: none.
    """

    label: str
    now: Points
    before: Points = ()


def curves_svg(curves: Sequence[Curve], narrow: bool = False) -> str:
    """Draw curves beside each other, or below each other for a phone.

    Args:
        curves: in the order wanted.
        narrow: for a screen of 360 CSS pixels.

    Returns:
        An SVG document, black on white.

    Raises:
        UsageError: there is no curve.
    """
    if not curves:
        raise UsageError("cannot draw 0 curves, wanted one or more")
    columns = 1 if narrow else min(3, len(curves))
    rows = -(-len(curves) // columns)
    width, font = (340, 11) if narrow else (920, 12)
    cell = width / columns if narrow else 920 / 3
    side, left, top = cell - 76, 52, 34
    height = rows * (side + top + 46)
    with fixed(font, f"assent curves {width} {curves}"):
        figure = blank(width, height)
        for number, curve in enumerate(curves):
            row, column = divmod(number, columns)
            bottom = height - row * (side + top + 46) - top - side
            at = (column * cell + left) / width, bottom / height
            axes = figure.add_axes((*at, side / width, side / height))
            _panel(axes, curve)
        return written(figure)


def _panel(axes: Axes, curve: Curve) -> None:
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=_TICKS, yticks=_TICKS)
    axes.set_xlabel("taken for members, of others", color=INK)
    axes.set_ylabel("found, of members", color=INK)
    axes.set_title(curve.label, loc="left", color=INK, fontsize="medium")
    axes.tick_params(color=FAINT, labelcolor=INK, length=3, width=0.7)
    for spine in axes.spines.values():
        spine.set(color=FAINT, linewidth=0.7)
    axes.grid(color=TRACK, linewidth=0.8)
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8)  # nothing is told
    if curve.before:
        axes.plot(*zip(*curve.before, strict=True), color=BAR, linestyle="--")
    axes.plot(*zip(*curve.now, strict=True), color=BAR, linewidth=2, clip_on=False)
