import struct

import pytest
from chromium import CUT_OFF, DARK, LIGHT, SIZES, find, measure, screenshot

from assent.project.auditing import PAGE, Options
from small_project import corpus_of, opened, recorded

pytestmark = pytest.mark.browser

OVERLAPS = """(() => {
  const boxes = [...page.querySelectorAll('svg')]
    .map(svg => [...svg.querySelectorAll('text')].map(x => x.getBoundingClientRect()))
    .map(boxes => boxes.filter(box => box.width > 0));
  const meet = (a, b) => a.left < b.right && b.left < a.right
    && a.top + 1 < b.bottom && b.top + 1 < a.bottom;
  return boxes.flatMap(found => found.filter(
    (a, n) => found.slice(n + 1).some(b => meet(a, b)))).length;
})()"""


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    find()
    folder = tmp_path_factory.mktemp("audited")
    recorded(folder / "toy")
    with opened(folder / "toy") as project:
        project.build()
        project.audit_redaction(corpus_of(project), folder / "out", Options(each=12))
    return (folder / "out" / PAGE).read_text("utf-8")


@pytest.mark.parametrize("width", [360, 390, 700, 1200])
def test_the_page_never_scrolls_sideways_and_cuts_no_word_off(tmp_path, page, width):
    script = f"[page.documentElement.scrollWidth, {CUT_OFF}, {SIZES}, {OVERLAPS}]"
    wide, cut_off, sizes, overlaps = measure(tmp_path, page, width, script)

    assert wide <= width
    assert cut_off == []
    assert min(sizes) >= 9  # CSS pixels
    assert overlaps == 0


def test_the_page_is_dark_where_the_reader_wants_it_dark_and_loads_nothing(
    tmp_path, page
):
    script = """[view.getComputedStyle(page.body).backgroundColor,
      view.performance.getEntriesByType('resource').length]"""

    assert measure(tmp_path, page, 390, script, LIGHT) == ["rgb(255, 255, 255)", 0]
    assert measure(tmp_path, page, 390, script, DARK) == ["rgb(21, 24, 27)", 0]


def test_the_page_can_be_photographed(tmp_path, page):
    file = tmp_path / "redaction.html"
    file.write_text(page, encoding="utf-8")
    picture = screenshot(tmp_path, file, 1200, 2000)

    assert struct.unpack(">II", picture[16:24]) == (1200, 2000)
    assert len(picture) > 50_000  # an empty page would be a few kilobytes
