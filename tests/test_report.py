import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import UsageError
from assent.report.figures import (
    CorpusFigures,
    DecisionRow,
    Forgotten,
    GroupFigures,
    Limit,
    Part,
    Proof,
    ReportData,
    TrainingFigures,
)
from assent.report.page import render
from assent.report.plot import SMALLER, Bar, bars_svg, replay_svg, spread
from assent.report.tables import reason_rows, region_rows, replay_rows
from assent.terms import Reason
from report_data import DATES, PEOPLE, digest, report_data, snapshots

EVIL = '<script>alert("x")</script>'


class Reader(HTMLParser):
    """Collect what a browser would: open elements, rows of tables, captions, text."""

    VOID = ("meta", "path", "use", "br", "rect")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.open: list[str] = []
        self.caption = ""
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "table":
            self.caption = ""
        elif tag == "tr":
            self.tables.setdefault(self.caption, []).append([])
        elif tag in ("td", "th"):
            self.tables[self.caption][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if "caption" in self.open:
            self.caption += data.strip()
        elif "td" in self.open or "th" in self.open:
            self.tables[self.caption][-1][-1] += data.strip()

    def table(self, caption: str) -> list[list[str]]:
        (name,) = [name for name in self.tables if name.startswith(caption)]
        return self.tables[name]


@pytest.fixture(scope="module")
def page() -> str:
    return render(report_data())


def written(rows: list[list[str | int]]) -> list[list[str]]:
    return [[f"{c:,}" if isinstance(c, int) else c for c in row] for row in rows]


# -- the page --------------------------------------------------------------------------


def test_every_element_that_is_opened_is_closed(page):
    reader = Reader(page)

    assert reader.open == []
    assert ("html", {"lang": "en"}) in reader.elements


@pytest.mark.parametrize(
    ("caption", "table"),
    [
        ("In use, and in use without proof", replay_rows(snapshots())),
        ("People in use, by region", region_rows(snapshots(), "people")),
        ("Documents in use, by region", region_rows(snapshots(), "documents")),
        ("People not in use, by main reason", reason_rows(snapshots())),
    ],
)
def test_the_tables_beside_the_plot_hold_every_value_of_the_replay(
    page, caption, table
):
    columns, rows = table

    assert Reader(page).table(caption) == [columns, *written(rows)]


def test_every_date_of_the_case_has_its_number_and_its_words(page):
    table = Reader(page).table("Dates of the case")

    assert table[1:] == [
        [str(n), at[:10], what] for n, (at, what) in enumerate(DATES, start=1)
    ]


def test_every_figure_stands_on_the_page(page):
    text = " ".join(Reader(page).words)
    wanted = """
        20240918 2025-12-12T12:00:00Z 24,310 3,073 11,043 9,021 1,288 7,812
        18,442,120 611,390 40,120 3,122 1,604 1,207 22,975 11,204,113 2,804,993
        2.214 2.871 2.198 1,204,224 341.2 48,211 61,090 61,204 uk-2025-12-15
    """
    missing = [figure for figure in wanted.split() if figure not in text]
    assert missing == []


def test_a_long_digest_is_shortened_and_its_full_value_is_there_too(page):
    for name in ("plan", "a", "b", "c", "d", "root"):
        full = digest(name)

        assert f'<summary title="{full}"><code>{full[:12]}…</code></summary>' in page
        assert f"</summary><code>{full}</code>" in page


def test_permitted_denied_and_missing_are_told_apart(page):
    rows = Reader(page).table("Documents by reason and rule")[1:]

    assert [(row[0], row[1]) for row in rows] == [
        ("legitimate interests", "✓ permitted"),
        ("consented", "✓ permitted"),
        ("never", "denied"),
        ("objected", "denied"),
        ("not notified", "denied: gap"),
    ]


def test_bit_identical_is_read_off_the_digests_and_nowhere_else(page):
    rows = Reader(page).table("Repairs")[1:]
    assert [row[-1] for row in rows] == ["✓ yes", "not compared"]

    other = Forgotten("7f21c0", "us/0", 5, 0.1, digest("a"), digest("b"), digest("c"))
    assert other.bit_identical is False
    changed = render(replace(report_data(), forgetting=(other,)))
    assert Reader(changed).table("Repairs")[1][-1] == "✗ no"
    assert ">0 of 1<" in changed


def test_a_suspended_group_falls_silent_and_the_others_speak(page):
    rows = Reader(page).table("Groups in the served mixture")[1:]

    assert [row[2:] for row in rows] == [
        ["us", "speaks", "speaks"],
        ["uk", "speaks", "silent"],
        ["ca", "speaks", "speaks"],
    ]


def test_simulated_choices_are_called_so_wherever_choices_are_shown(page):
    captions = [name for name in Reader(page).tables if "simulated choices" in name]

    assert {name.removesuffix("simulated choices") for name in captions} == {
        "In use, and in use without proof",
        "People in use, by region",
        "Documents in use, by region",
        "People not in use, by main reason",
        "Documents by reason and rule",
        "Documents dropped",
        "Repairs",
    }
    for heading in ("Replay of the case", "Decisions", "Corpus", "Forgetting"):
        assert f'{heading} <span class="tag">simulated choices</span></h2>' in page


def test_real_choices_are_never_called_simulated():
    assert "simulated choices" not in render(
        replace(report_data(), choices_simulated=False)
    )


def test_a_limit_stands_in_its_section_and_without_one_at_the_end(page):
    proofs = page.index('id="proofs"')
    ledger = page.index('id="ledger"')
    assert proofs < page.index("It binds an operator") < ledger
    assert page.index('id="limits"') < page.index("No table says")


def test_the_limit_of_a_section_that_is_left_out_is_not_lost():
    page = render(ReportData("t", limits=(Limit("only a draft", Part.PROOFS),)))

    assert page.index('id="limits"') < page.index("only a draft")


def test_an_empty_report_says_what_it_does_not_hold():
    page = render(ReportData("nothing yet"))

    assert (
        "This report does not hold: replay of the case, decisions, corpus, plan and "
        "training, forgetting, suspension, proofs, ledger." in page
    )
    assert "<table" not in page
    assert "<svg" not in page


def test_a_report_of_one_part_holds_that_part_alone():
    page = render(ReportData("t", proofs=(Proof("a.json", "unknown", 3, 9),)))

    assert 'id="proofs"' in page
    assert 'id="ledger"' not in page


def test_a_corpus_of_nothing_has_no_share():
    page = render(ReportData("t", corpus=CorpusFigures("corpus-0", 0, 0, 0)))

    assert "<dt>share removed</dt><dd>–</dd>" in page


def test_what_is_unsafe_is_never_shown_as_permitted():
    row = DecisionRow(Reason.UNSAFE_DEFAULT_ON, "default-on", 5, 2)
    page = render(ReportData("t", decisions=(row,)))

    assert "✗ replay only" in page
    assert ">0.0 %<" in page


def test_nothing_is_run_or_loaded_by_the_page(page):
    reader = Reader(page)
    names = {tag for tag, _ in reader.elements}

    assert not names & {"script", "link", "img", "iframe", "object", "form", "base"}
    assert "http://" not in page
    assert "https://" not in page
    assert "@import" not in page
    targets = [
        value
        for _, attrs in reader.elements
        for name, value in attrs.items()
        if name in ("href", "xlink:href", "src")
    ]
    assert targets
    assert all((target or "").startswith("#") for target in targets)
    assert set(re.findall(r"url\(([^)]*)", page)) <= {
        f"#{attrs['id']}" for tag, attrs in reader.elements if tag == "clippath"
    }
    assert not [n for _, attrs in reader.elements for n in attrs if n.startswith("on")]


def test_markup_in_a_value_stays_text_wherever_it_stands():
    data = report_data()
    shown = [
        replace(each, what=EVIL, people_by_region={EVIL: 3, "$a$": 1, "us": 5})
        for each in data.replay
    ]
    page = render(
        replace(
            data,
            title=EVIL,
            labels=(EVIL,),
            as_of=EVIL,
            replay=tuple(shown),
            decisions=(replace(data.decisions[0], rule=EVIL),),
            corpus=CorpusFigures(EVIL * 3, 1, 1, 0, {EVIL: 1}, {EVIL: 1}),
            training=TrainingFigures(
                EVIL, EVIL, (GroupFigures(EVIL, 1, 1, 1, 1.0),), 1, 1, 1.0
            ),
            forgetting=(replace(data.forgetting[0], who=EVIL, before=EVIL * 2),),
            suspensions=(replace(data.suspensions[0], before=(EVIL,)),),
            proofs=(Proof(EVIL, EVIL, 1, 1),),
            limits=(Limit(EVIL),),
        )
    )

    assert "<script" not in page.lower()
    assert "script" not in {tag for tag, _ in Reader(page).elements}
    assert "$a$" in page


def test_every_header_cell_says_what_it_heads(page):
    cells = [attrs for tag, attrs in Reader(page).elements if tag == "th"]

    assert cells
    assert {cell["scope"] for cell in cells} == {"col", "row"}


def test_every_scrolling_table_can_be_reached_and_is_named(page):
    elements = Reader(page).elements
    ids = [attrs["id"] for _, attrs in elements if "id" in attrs]
    boxes = [attrs for _, attrs in elements if attrs.get("class") == "scroll"]

    assert len(boxes) == len(Reader(page).tables)
    for box in boxes:
        assert box["tabindex"] == "0"
        assert box["aria-labelledby"] in ids
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("scheme", [0, 1])
def test_words_stand_out_from_the_paper_in_light_and_dark(scheme):
    style = files("assent.report").joinpath("page.html").read_text("utf-8")
    block = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[scheme]
    colours = dict(re.findall(r"--(\w+): (#\w{6})", block))

    for name in ("ink", "faint", "link", "good", "bad"):
        # WCAG 2.2, success criterion 1.4.3: at least 4.5 to 1.
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
    assert contrast(colours["ink"], colours["soft"]) >= 4.5


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_same_figures_give_the_same_bytes_in_every_process(page):
    code = (
        "import sys, hashlib; sys.path.insert(0, 'tests');"
        "from report_data import report_data; from assent.report.page import render;"
        "print(hashlib.sha256(render(report_data()).encode()).hexdigest())"
    )
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=files("assent").joinpath("../..").resolve(),  # type: ignore[attr-defined]
            env={"PYTHONHASHSEED": seed, "PATH": "", "TZ": f"UTC+{seed}"},
        )
        assert run.stdout.strip() == digest(page)


# -- the plots -------------------------------------------------------------------------


@pytest.mark.parametrize("narrow", [False, True])
def test_the_same_snapshots_draw_the_same_bytes(narrow):
    assert replay_svg(snapshots(), narrow) == replay_svg(list(snapshots()), narrow)


def test_a_figure_names_no_program_and_no_day():
    figure = replay_svg(snapshots())

    assert "matplotlib" not in figure.lower()
    assert "<dc:date>" not in figure


@pytest.mark.parametrize("narrow", [False, True])
def test_every_region_is_named_in_each_panel_and_not_by_colour_alone(narrow):
    words = re.findall(r">([^<>]+)</text>", replay_svg(snapshots(), narrow))
    names = [word.split(" ")[0] for word in words]

    for region in PEOPLE:
        assert names.count(region) == 2


def test_the_wide_figure_gives_the_last_count_of_each_region():
    figure = replay_svg(snapshots())

    for way in (-2, -1):
        for region, count in snapshots()[way].people_by_region.items():
            assert f">{region} {count:,}</text>" in figure


def test_use_without_proof_is_said_in_words_above_each_panel():
    figure = replay_svg(snapshots())

    worst = snapshots()[0].people_in_use
    assert (
        f"In use at worst: {worst:,} before being told, 443 after objecting and 160 "
        "perhaps under age." in figure
    )
    assert "Nobody before being told, after objecting or under age." in figure
    assert figure.count("used before being told</text>") == 1


@pytest.mark.parametrize("narrow", [False, True])
def test_every_date_is_numbered(narrow):
    words = re.findall(r">(\d+)</text>", replay_svg(snapshots(), narrow))

    assert [word for word in words if 1 <= int(word) <= len(DATES)] == [
        str(n) for n in range(1, len(DATES) + 1)
    ]


def test_more_regions_than_colours_are_drawn_as_one():
    many = {f"r{n}": 100 - n for n in range(12)}
    shown = replace(snapshots()[0], people_by_region=many, people_in_use=1134)
    figure = replay_svg([shown])

    assert f">{SMALLER} {sum(100 - n for n in range(6, 12))}</text>" in figure
    assert ">r5 95</text>" in figure
    assert "r6" not in figure


@pytest.mark.parametrize("narrow", [False, True])
def test_one_date_with_nobody_in_use_can_be_drawn(narrow):
    nobody = replace(
        snapshots()[1], people_by_region={}, documents_by_region={}, people_in_use=0
    )

    assert "15 Aug 2024" in replay_svg([nobody], narrow)


def test_no_date_is_an_error_that_says_what_to_do():
    with pytest.raises(UsageError, match="holds no date") as error:
        replay_svg([])

    assert "[[date]]" in error.value.hint


@pytest.mark.parametrize("narrow", [False, True])
def test_a_bar_carries_its_name_and_its_value(narrow):
    figure = bars_svg([Bar("us/0", 0.3, "30.0 %"), Bar("uk", 0.0, "0.0 %")], 1, narrow)

    for words in ("us/0", "30.0 %", "uk", "0.0 %"):
        assert f">{words}</text>" in figure


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_a_bar_without_a_length_is_refused(value):
    with pytest.raises(UsageError, match="wanted one or more, from zero"):
        bars_svg([Bar("us/0", value, "?")])


def test_no_bars_are_refused():
    with pytest.raises(UsageError, match="cannot draw 0 bars"):
        bars_svg([])


@given(
    st.lists(st.floats(0, 100), max_size=12).map(sorted),
    st.floats(0.1, 30),
)
def test_labels_are_moved_apart_in_order_and_inside(wanted, gap):
    places = spread(wanted, gap, 0, 100)

    assert len(places) == len(wanted)
    room = min(gap, 100 / max(len(wanted) - 1, 1))
    assert all(b - a >= room - 1e-6 for a, b in pairwise(places))
    assert all(-1e-6 <= place <= 100 + 1e-6 for place in places)


def test_labels_that_do_not_touch_stay_where_they_are():
    assert spread([1, 50, 99], 5, 0, 100) == pytest.approx([1, 50, 99])
    assert spread([50, 50], 4, 0, 100) == pytest.approx([48, 52])
