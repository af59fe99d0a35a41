"""The report page: one file with every figure in a table too, no script, no network."""

import re
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from assent.report.figures import TITLES, Part, ReportData
from assent.report.plot import BAR, FAINT, INK, PAPER, TRACK
from assent.report.sections import sections, summary

SIMULATED = "simulated choices"
SHOW_CHOICES = (Part.REPLAY, Part.DECISIONS, Part.CORPUS, Part.FORGETTING)
THEME = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    PAPER: "var(--paper)",
    BAR: "var(--bar)",
    TRACK: "var(--track)",
}


CLOSING = (
    "This page shows what was counted; by itself it proves nothing. What can be "
    "checked are the proof bundles and the signed ledger."
)


def render(data: ReportData) -> str:
    """Write the page: one HTML file, the same bytes for the same data."""
    blocks = sections(data)
    shown = [part for part in Part if blocks[part]]
    return fill(
        data=data,
        tags=[*data.labels, *([SIMULATED] if data.choices_simulated else [])],
        simulated={part: SIMULATED for part in SHOW_CHOICES if data.choices_simulated},
        summary=summary(data),
        shown=shown,
        missing=[TITLES[part] for part in Part if not blocks[part]],
        titles=TITLES,
        blocks=blocks,
        limits={part: [x.text for x in data.limits if x.part == part] for part in Part},
        # A limit of a section that is left out must not be lost with it.
        others=[each.text for each in data.limits if each.part not in shown],
        closing=CLOSING,
    )


def fill(**values: Any) -> str:
    """Fill the frame that all our pages share; every value that it names is wanted."""
    template = files("assent.report").joinpath("page.html").read_text("utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["inline"] = _inline
    return environment.from_string(template).render(**values)


def _inline(svg: str) -> Markup:
    """Fit a figure of ours into the page: its colours, its size, no namespaces.

    Safe to mark as such: matplotlib escapes the words in it.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(
        r' (?:xmlns(?::xlink)?|version|width|height)="[^"]*"', "", body, count=5
    )
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)  # it would leak
    for colour, name in THEME.items():
        body = body.replace(colour, name)
    body = body.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)
    return Markup(re.sub(r"\s*\n\s*", "\n", body))  # noqa: S704
