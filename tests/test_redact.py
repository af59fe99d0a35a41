from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.corpus.detect import Kind, Span, plain
from assent.corpus.directory import COLUMNS, Directory, Entry, normal
from assent.corpus.redact import find, merged, redact
from assent.errors import CorpusError

LISTS = pa.schema([(column, pa.list_(pa.string())) for column in COLUMNS])


def subjects(**columns: list[list[str] | None]) -> pa.Table:
    rows = max(map(len, columns.values()), default=0)
    filled = {column: columns.get(column, [None] * rows) for column in COLUMNS}
    return pa.table(filled, schema=LISTS)


DIRECTORY = Directory.from_subjects(
    subjects(
        names=[
            ["Anna Lee", "José García", "Zoë"],
            ["Grace"],
            ["王小明", "김철수"],
            None,
        ],
        handles=[["anna_lee99", "@ThenIck"], ["grace"], [], None],
        emails=[["Anna@Example.org"], ["root@localhost"], None, None],
        phones=[["+44 (0)20 7946 0958"], ["030 1234567"], None, None],
        urls=[["https://www.linkedin.com/in/anna-lee/"], None, ["wang.example"], None],
    )
)


def redacted(text: str) -> str:
    return redact(text, DIRECTORY).text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("write to bob.b+c@mail.example.co.uk", "write to [email]"),
        ("write to bob@example.org.", "write to [email]."),
        ("<mailto:bob@example.org>", "<mailto:[email]>"),
        ("'bob@example.org'", "'[email]'"),
        ("on root@localhost now", "on [email] now"),
        ("bob@münchen.example", "[email]"),
        ("a＠example．org", "[email]"),
        ("b\u200bob@exam\u00adple.org", "[email]"),
        ("x@y and 3 @ 4", "x@y and 3 @ 4"),
        ("see https://a.example/b?c=d#e, ok", "see [url], ok"),
        ("(see https://a.example/c_(d))", "(see [url])"),
        ("(http://a.example).", "([url])."),
        ("WWW.A.example! www.", "[url]! www."),
        ("ssh://bob@host.example:22/x", "[url]"),
        ("me: +1 650-253-0000.", "me: [phone]."),
        ("(650) 253-0000 or 650.253.0000", "[phone] or [phone]"),
        ("call me at 2530000", "call me at [phone]"),
        ("020 7946 0999", "[phone]"),
        ("+٤٤ ٢٠ ٧٩٤٦ ٠٩٩٩", "[phone]"),
        ("2024-01-02 10:20:30 and 12345678", "2024-01-02 10:20:30 and 12345678"),
        ("ask @bob-b.c.", "ask [handle]."),
        ("@bob@social.example", "[handle]"),
        ("> hers\n> too\nmine", "[quote]\nmine"),
        ("mine\n > hers\n\n> hers\nmine", "mine\n [quote]\nmine"),
        ("a > b", "a > b"),
    ],
)
def test_patterns_find_each_kind_without_knowing_anybody(
    text: str, wanted: str
) -> None:
    assert redact(text, Directory([])).text == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Anna Lee", "[name]"),
        ("ANNA  LEE's and anna\nlee", "[name]'s and [name]"),
        ("Annalee, Anna Leeds and Joanna Lee", "Annalee, Anna Leeds and Joanna Lee"),
        ("José García’s", "[name]’s"),
        ("jose garcia, José Garcia", "[name], [name]"),
        ("Jose\u0301 Garci\u0301a!", "[name]!"),
        ("Zoë and Zoe, zoe", "[name] and [name], zoe"),
        ("Grace said grace, Graceful", "[name] said grace, Graceful"),
        ("我是王小明你好 김철수는", "我是[name]你好 [name]는"),
        ("anna_lee99 and anna_lee999", "[handle] and anna_lee999"),
        ("thenick: yes, thenick", "[handle]: yes, thenick"),
        ("@grace", "[handle]"),
        ("+44 20 7946 0958, 020 7946 0958", "[phone], [phone]"),
        ("flat 1234 030/123 45 67", "flat 1234 [phone]"),
        ("0049 30 1234567", "[phone]"),
        ("linkedin.com/in/Anna-Lee/details?x=1.", "[url]."),
        ("linkedin.com/in/anna-leeds", "linkedin.com/in/anna-leeds"),
        ("wang.example", "[url]"),
    ],
)
def test_the_directory_finds_its_members(text: str, wanted: str) -> None:
    assert redacted(text) == wanted


def test_without_a_directory_names_stay() -> None:
    assert redact("Anna Lee", Directory([])).text == "Anna Lee"


def test_counts_say_what_was_replaced() -> None:
    counts = redact("Anna Lee, Zoë: a@b.example", DIRECTORY).counts
    assert dict(counts) == {Kind.NAME: 2, Kind.EMAIL: 1}


def test_a_text_of_placeholders_is_empty() -> None:
    assert redact("> hers\n+1 650 253 0000 !", DIRECTORY).empty
    assert redact("", DIRECTORY).empty
    assert not redact("> hers\nyes", DIRECTORY).empty


def test_placeholders_in_a_text_are_no_names() -> None:
    directory = Directory([Entry(Kind.NAME, "name"), Entry(Kind.NAME, "name now")])
    assert (
        redact("[name] [name] now name", directory).text == "[name] [name] now [name]"
    )


def test_spans_that_overlap_go_whole_under_the_longest_kind() -> None:
    spans = [Span(4, 9, Kind.URL), Span(0, 6, Kind.NAME), Span(9, 10, Kind.PHONE)]
    assert merged(spans) == [Span(0, 9, Kind.NAME), Span(9, 10, Kind.PHONE)]


def test_offsets_are_characters_of_the_original() -> None:
    text = "🙂\u200b e\u0301  Anna\u00a0 Lee\u0301."
    (span,) = find(text, DIRECTORY)
    assert text[span.start : span.end] == "Anna\u00a0 Lee\u0301"


PIECES = st.sampled_from(
    ["Anna Lee", "anna_lee99", "@", "a", "b.c", "+", "1", "650", "2530000", " ", "\n"]
    + [
        "(",
        ")",
        ">",
        "://",
        "www.",
        "http",
        "[name]",
        "[email",
        "]",
        "-",
        "é",
        "\u0301",
    ]
    + ["\u200b", "＠", "：", "王小明", "call", ":", ",", "'s", "İ", "ς", "\0", "\r\n"]
)


@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=60))
def test_redacting_twice_changes_nothing(text: str) -> None:
    once = redact(text, DIRECTORY)
    twice = redact(once.text, DIRECTORY)
    assert twice.text == once.text
    assert not twice.counts


@given(st.text(max_size=40))
def test_the_plain_text_leads_back_to_the_original(text: str) -> None:
    view = plain(text)
    assert len(view.text) == len(view.lower) == len(view.starts) == len(view.ends)
    assert list(view.starts) == sorted(view.starts)
    assert all(a < b for a, b in zip(view.starts, view.ends, strict=True))


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_planted_address_never_survives(before: str, after: str) -> None:
    assert "anna@example.org" not in redacted(f"{before} anna@example.org {after}")


@pytest.mark.parametrize(
    "unit",
    ["a", "a@", "@a", "aa@", "(", "1(", "1 ", "1-", "+1", "+1-", "012 ", "://", "www."]
    + [
        "> ",
        ">\n",
        "\n",
        " ",
        "\u200b",
        "e\u0301",
        "a.",
        "[name",
        "+",
        "a:",
        "Anna Lee",
    ]
    + [" @a +16502530000", "x+16502530000", "http://a)", "1", ")"],
)
def test_a_long_hostile_text_comes_to_an_end(unit: str) -> None:
    # A pattern that backtracks over 100,000 characters would not, in a day.
    text = (unit * 100_000)[:100_000]

    assert len(redact(text, DIRECTORY).text) <= 10 * len(text)


def test_a_text_that_keeps_giving_something_away_comes_back_empty() -> None:
    text = "Zoe@a is not an address, and only without Zoe is `@a` a handle"
    rest = " is not an address, and only without [name] is `[handle]` a handle"
    assert redact(text, DIRECTORY).text == "[name][handle]" + rest
    assert redact(text, DIRECTORY, passes=2).text == ""
    assert redact("", DIRECTORY, passes=1).text == ""


def test_the_same_directory_has_the_same_bytes_in_any_order() -> None:
    backwards = Directory(reversed(DIRECTORY.entries))
    assert backwards.to_bytes() == DIRECTORY.to_bytes()
    assert backwards.digest == DIRECTORY.digest


def test_a_directory_is_read_as_it_was_written() -> None:
    again = Directory.from_bytes(DIRECTORY.to_bytes())
    assert again.entries == DIRECTORY.entries
    assert redact("Anna Lee", again).text == "[name]"


@pytest.mark.parametrize(
    "tamper",
    [
        lambda data: data[:-1],
        lambda data: data.replace(b"anna lee", b"anna leo", 1) + b"\n",
        lambda data: b"\n".join(data.splitlines()[:-1]) + b"\n",
        lambda data: b"\n".join(reversed(data.splitlines())),
        lambda data: data.replace(b'"name"', b'"names"'),
        lambda data: data.replace(b'"v1"', b'"v2"') + b"[]",
        lambda data: b"",
        lambda data: data + b'["name",["x"]]\n',
        lambda data: data + b"\xff\n",
    ],
)
def test_a_directory_not_in_canonical_form_is_refused(tamper) -> None:
    with pytest.raises(CorpusError, match="canonical"):
        Directory.from_bytes(tamper(DIRECTORY.to_bytes()))


def test_a_missing_directory_column_is_refused() -> None:
    with pytest.raises(CorpusError, match="`phones`"):
        Directory.from_subjects(subjects(names=[[]]).drop_columns(["phones"]))


def test_a_name_that_is_a_word_of_the_field_can_be_spared() -> None:
    table = subjects(names=[["quantum"], ["Quantum Lee"]], handles=[["quantum"], []])
    directory = Directory.from_subjects(table, words=["quantum"])
    spared = redact("quantum: a quantum joke of Quantum Lee, @quantum", directory)
    assert spared.text == "[handle]: a quantum joke of [name], [handle]"
    assert directory.digest != Directory.from_subjects(table).digest


def test_a_directory_of_nobody_finds_nothing() -> None:
    empty = Directory.from_subjects(subjects())
    assert empty.entries == ()
    assert redact("Anna Lee", empty).text == "Anna Lee"
    assert Directory.from_bytes(empty.to_bytes()).digest == empty.digest


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (Kind.NAME, "Al"),
        (Kind.NAME, "123"),
        (Kind.NAME, " "),
        (Kind.HANDLE, "@"),
        (Kind.EMAIL, "nobody"),
        (Kind.PHONE, "123"),
        (Kind.PHONE, "+"),
        (Kind.URL, "https://"),
    ],
)
def test_what_would_be_found_everywhere_is_left_out(kind: Kind, raw: str) -> None:
    assert normal(kind, raw) is None


@pytest.mark.shared
def test_no_member_is_addressed_in_real_comments_after_redaction(shared: Path) -> None:
    site = shared / "data/stackexchange/conlang.meta.stackexchange.com"
    users = ElementTree.parse(site / "Users.xml").getroot()
    names = [[user.get("DisplayName", "")] for user in users]
    directory = Directory.from_subjects(subjects(names=names, handles=names))
    comments = ElementTree.parse(site / "Comments.xml").getroot()
    texts = [redact(row.get("Text", ""), directory).text for row in comments]
    assert len(texts) > 100
    assert not any(find(text, directory) for text in texts)
    assert not any("://" in text for text in texts)
