import unicodedata
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.redact.directory import COLUMNS, Directory
from assent.redact.fold import SEPARATOR, fold
from assent.redact.redactor import Redacted, Redactor, Settings
from assent.redact.spans import Kind

KEY = bytes(range(32))
TOPIC = unicodedata.normalize("NFD", "는")
LISTS = pa.list_(pa.string())
COLUMN_TYPES = dict.fromkeys(COLUMNS, LISTS) | {"employer": pa.string()}
SCHEMA = pa.schema([("subject_id", pa.string()), *COLUMN_TYPES.items()])


def subjects(**columns: list[Any]) -> pa.Table:
    rows = max(map(len, columns.values()), default=0)
    filled = {column: columns.get(column, [None] * rows) for column in COLUMNS}
    ids = [f"subject-{number}" for number in range(rows)]
    return pa.table({"subject_id": ids, **filled}, schema=SCHEMA)


def directory_of(**columns: list[Any]) -> Directory:
    return Directory.from_subjects(subjects(**columns), KEY)


NOBODY = directory_of()
DIRECTORY = directory_of(
    names=[["Anna Lee", "José García", "Zoë"], ["Grace"], ["王小明", "김철수"], None],
    handles=[["anna_lee99", "@ThenIck"], ["grace"], [], None],
    emails=[["Anna@Example.org"], ["root@localhost"], None, None],
    phones=[["+44 (0)20 7946 0958"], ["030 1234567"], None, None],
    urls=[["https://www.linkedin.com/in/anna-lee/"], None, ["wang.example"], None],
    employer=["Lee & Sons", "Siemens", None, None],
)
EVERYBODY = [f"subject-{number}" for number in range(4)]


def redact(text: str, directory: Directory = DIRECTORY) -> Redacted:
    (only,) = Redactor(directory).redact([text], [EVERYBODY])
    return only


def redacted(text: str) -> str:
    return redact(text).text


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
        ("anna&#64;example&#46;com", "[email]"),
        ("&#97;&#110;&#x6e;a&commat;example&period;com", "[email]"),
        ("&#43;1 202 555 0147", "[phone]"),
        ("&gt; hers\nmine", "[quote]\nmine"),
        ("b\u200bob@exam\u00adple.org", "[email]"),
        ("x@y and 3 @ 4", "x@y and 3 @ 4"),
        ("see https://a.example/b?c=d#e, ok", "see [url], ok"),
        ("(see https://a.example/c_(d))", "(see [url])"),
        ("(http://a.example).", "([url])."),
        ("WWW.A.example! www.", "[url]! www."),
        ("ssh://bob@host.example:22/x", "[url]"),
        ("linkedin.com/in/anyone, linkedin.com", "[url], linkedin.com"),
        ("bob [at] a (dot) example", "[email]"),
        ("bоb@exаmple.com", "[email]"),
        ("five five five, one two three four", "[phone]"),
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
    assert redact(text, NOBODY).text == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Anna Lee", "[name]"),
        ("ANNA  LEE's and anna\nlee", "[name]'s and [name]"),
        ("Annalee, Anna Leeds and Joanna Lee", "Annalee, Anna Leeds and Joanna Lee"),
        ("José García’s", "[name]’s"),
        ("jose garcia, José Garcia", "[name], [name]"),
        ("Аnna Lее, ᴀɴɴᴀ ʟᴇᴇ, Анна", "[name], [name], Анна"),  # Cyrillic A and e
        ("Jose\u0301 Garci\u0301a!", "[name]!"),
        ("Zoë and Zoe, zoe", "[name] and [name], zoe"),
        ("Grace said grace, Graceful", "[name] said grace, Graceful"),
        ("我是王小明你好 김철수는", "我是[name]你好 [name]는"),
        ("Jos&eacute;&nbsp;Garc&#xed;a &amp; co", "[name] &amp; co"),
        ("&#65;nna Lee &nothing;", "[name] &nothing;"),
        (unicodedata.normalize("NFD", "김철수는"), f"[name]{TOPIC}"),
        ("anna_lee99 and anna_lee999", "[handle] and anna_lee999"),
        ("thenick: yes, thenick", "[handle]: yes, thenick"),
        ("@grace", "[handle]"),
        ("+44 20 7946 0958, 020 7946 0958", "[phone], [phone]"),
        ("flat 1234 030/123 45 67", "flat 1234 [phone]"),
        ("0049 30 1234567", "[phone]"),
        ("linkedin.com/in/Anna-Lee/details?x=1.", "[url]."),
        ("wang.example, wang.examples", "[url], wang.examples"),
        ("wang.example", "[url]"),
    ],
)
def test_the_directory_finds_its_members(text: str, wanted: str) -> None:
    assert redacted(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("लिखो अनीता.गुप25@समाचार.example.net को", "लिखो [email] को"),
        ("धन्यवाद @मीरा_चौध39 जी", "धन्यवाद [handle] जी"),
        ("@रोहन@डाक.example.org", "[handle]"),
        ("বাংলা @রবীন্দ্র১২!", "বাংলা [handle]!"),
    ],
)
def test_vowel_signs_do_not_cut_an_address_in_two(text: str, wanted: str) -> None:
    assert Redactor(NOBODY).redact([text])[0].text == wanted


def test_without_a_directory_names_stay() -> None:
    assert redact("Anna Lee", NOBODY).text == "Anna Lee"


def test_counts_say_what_was_replaced() -> None:
    counts = redact("Anna Lee, Zoë: a@b.example", DIRECTORY).counts
    assert dict(counts) == {Kind.NAME: 2, Kind.EMAIL: 1}


def test_a_text_of_placeholders_is_empty() -> None:
    assert redact("> hers\n+1 650 253 0000 !", DIRECTORY).empty
    assert redact("", DIRECTORY).empty
    assert not redact("> hers\nyes", DIRECTORY).empty


def test_placeholders_in_a_text_are_no_names() -> None:
    directory = directory_of(names=[["name", "name now"]])
    assert (
        redact("[name] [name] now name", directory).text == "[name] [name] now [name]"
    )


def test_spans_that_overlap_go_whole_under_the_longest_kind() -> None:
    assert redacted("http://a.example/@zoe") == "[url]"
    assert redacted("mail Anna Lee-b@c.example") == "mail [email]"


def test_offsets_are_characters_of_the_original() -> None:
    text = "🙂\u200b e\u0301  Anna\u00a0 Lee\u0301."
    ((span,),) = Redactor(DIRECTORY).find([text])
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
    + [
        "\u200b",
        "&#64;",
        "&amp;",
        "\u1100",
        "\u1161",
        "＠",
        "：",
        "王小明",
        "call",
        ":",
        ",",
        "'s",
        "İ",
        "ς",
        "\0",
        "\r\n",
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=60))
def test_redacting_twice_changes_nothing(text: str) -> None:
    once = redact(text, DIRECTORY)
    twice = redact(once.text, DIRECTORY)
    assert twice.text == once.text
    assert not twice.counts


@given(st.lists(st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=30)))
def test_a_text_does_not_see_its_neighbours(texts: list[str]) -> None:
    together = Redactor(DIRECTORY).redact(texts, [EVERYBODY] * len(texts))
    assert together == [redact(text) for text in texts]


@given(st.lists(st.text(max_size=40)))
def test_the_plain_text_leads_back_to_the_originals(texts: list[str]) -> None:
    plain = fold(texts)
    assert len(plain.text) == len(plain.codes)
    assert plain.text.count("\0") == len(texts) + 1
    starts = plain.places.starts(np.arange(len(plain.text)))
    assert (np.diff(starts) >= 0).all()
    edges = plain.edges[:-1].tolist()
    assert all(plain.text[at - 2 : at] == "\0\n" for at in edges)
    for at, character in enumerate(plain.text):
        if character not in SEPARATOR:
            ((number, (start, end, _)),) = plain.originals([(at, at + 1, Kind.NAME)])
            assert 0 <= start < end <= len(texts[number])


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
    assert redacted(text) == "[name][handle]" + rest
    redactor = Redactor(DIRECTORY)
    assert redactor.redact([text, "ok"], [EVERYBODY] * 2, passes=2)[0].text == ""
    assert redactor.redact([""], passes=1)[0].text == ""


def test_one_word_is_a_name_only_where_its_bearer_takes_part() -> None:
    texts = ["Zoë of Siemens", "Grace of Siemens", "Zoë, Grace"]
    near = [["subject-0"], ["subject-1"], []]
    found = Redactor(DIRECTORY).redact(texts, near)
    assert [each.text for each in found] == [
        "[name] of Siemens",
        "[name] of [employer]",
        "Zoë, Grace",
    ]


@pytest.mark.shared
def test_no_member_is_addressed_in_real_comments_after_redaction(shared: Path) -> None:
    site = shared / "data/stackexchange/conlang.meta.stackexchange.com"
    users = ElementTree.parse(site / "Users.xml").getroot()
    names = [[user.get("DisplayName", "")] for user in users]
    redactor = Redactor(directory_of(names=names, handles=names))
    comments = ElementTree.parse(site / "Comments.xml").getroot()
    found = redactor.redact([row.get("Text", "") for row in comments])
    texts = [each.text for each in found]
    assert len(texts) > 100
    assert not any(redactor.find(texts))
    assert not any("://" in text for text in texts)


def test_a_recogniser_adds_names_and_leaves_placeholders_alone() -> None:
    texts = ["I met Maria Gonzalez and Anna Lee", "[name] met [url] Maria Gonzalez."]
    redactor = Redactor(DIRECTORY, Settings(recogniser="person"))
    together = redactor.redact(texts)
    assert [each.text for each in together] == [
        "I met [name] and [name]",
        "[name] met [url] [name].",
    ]
    assert together == [redactor.redact([text])[0] for text in texts]
