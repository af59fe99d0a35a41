import struct

import pytest
from chromium import CUT_OFF, DARK, LIGHT, SIZES, find, measure, screenshot

from assent.report.page import render
from report_data import report_data

pytestmark = pytest.mark.browser

WIDTH = "page.documentElement.scrollWidth"
SHOWN = """['wide', 'narrow'].map(name =>
  page.querySelector('.' + name).getBoundingClientRect().width > 0)"""


@pytest.fixture(scope="module")
def page() -> str:
    find()
    return render(report_data())


@pytest.mark.parametrize("width", [360, 390, 700, 900, 1200])
def test_the_page_never_scrolls_sideways(tmp_path, page, width):
    assert measure(tmp_path, page, width, WIDTH) <= width


def test_a_page_that_is_too_wide_is_found_out(tmp_path, page):
    wide = page.replace("<main>", '<main><div style="width: 500px">wide</div>')

    assert measure(tmp_path, wide, 360, WIDTH) > 360


def test_a_wide_table_scrolls_in_its_own_box(tmp_path, page):
    script = """[...page.querySelectorAll('.scroll')]
      .filter(box => box.scrollWidth > box.clientWidth).length"""

    assert measure(tmp_path, page, 360, script) > 0


@pytest.mark.parametrize(
    ("width", "shown"), [(360, [False, True]), (1200, [True, False])]
)
def test_a_phone_gets_the_narrow_figures_and_a_desktop_the_wide_ones(
    tmp_path, page, width, shown
):
    assert measure(tmp_path, page, width, SHOWN) == shown


@pytest.mark.parametrize("width", [360, 720, 1200])
def test_no_word_of_a_figure_is_cut_off_or_too_small(tmp_path, page, width):
    assert measure(tmp_path, page, width, CUT_OFF) == []
    assert min(measure(tmp_path, page, width, SIZES)) >= 9  # CSS pixels


def test_the_page_is_dark_where_the_reader_wants_it_dark(tmp_path, page):
    script = "view.getComputedStyle(page.body).backgroundColor"

    assert measure(tmp_path, page, 1200, script, LIGHT) == "rgb(255, 255, 255)"
    assert measure(tmp_path, page, 1200, script, DARK) == "rgb(21, 24, 27)"


def test_the_page_loads_nothing(tmp_path, page):
    script = "view.performance.getEntriesByType('resource').map(each => each.name)"

    assert measure(tmp_path, page, 1200, script) == []


def test_the_page_can_be_photographed(tmp_path, page):
    file = tmp_path / "report.html"
    file.write_text(page, encoding="utf-8")
    picture = screenshot(tmp_path, file, 1200, 2000)

    assert picture.startswith(b"\x89PNG")
    assert struct.unpack(">II", picture[16:24]) == (1200, 2000)
    assert len(picture) > 50_000  # an empty page would be a few kilobytes
