"""The Stack Exchange connector: what becomes of a dump, and what a broken one says."""

import time
import tracemalloc
from collections import Counter
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import CorpusError
from assent.sources.countries import country_of
from assent.sources.export import check_tables
from assent.sources.parquet import Counts, open_tables, write_tables
from assent.sources.stackexchange import plain_text, read, rows_of

DAY = "2018-03-09T18:48:09.477"
T = 1_520_621_289_477_000
CATEGORIES = {"profile", "post", "comment"}
FILES = ("Users", "Posts", "Comments")
SITES = {
    "conlang.meta.stackexchange.com": Counts(documents=588, subjects=271),
    "quantumcomputing.stackexchange.com": Counts(documents=7_017, subjects=3_460),
}


def xml(root: str, rows: list[dict[str, object]]) -> bytes:
    lines = [
        "  <row "
        + " ".join(f"{name}={quoteattr(str(value))}" for name, value in row.items())
        + " />"
        for row in rows
    ]
    head = f'<?xml version="1.0" encoding="utf-8"?>\n<{root}>\n'
    return b"\xef\xbb\xbf" + (head + "\n".join(lines) + f"\n</{root}>").encode()


def user(number: int, name: str = "Ann Lee", **more: object) -> dict[str, object]:
    return {"Id": number, "CreationDate": DAY, "DisplayName": name, **more}


def post(number: int, **more: object) -> dict[str, object]:
    return {"Id": number, "PostTypeId": 1, "CreationDate": DAY, "Body": "b", **more}


def comment(number: int, on: int, text: str, **more: object) -> dict[str, object]:
    return {"Id": number, "PostId": on, "CreationDate": DAY, "Text": text, **more}


def dump(folder: Path, users=(), posts=(), comments=()) -> Path:
    for name, rows in zip(FILES, (users, posts, comments), strict=True):
        (folder / f"{name}.xml").write_bytes(xml(name.lower(), list(rows)))
    return folder


def documents(folder: Path) -> dict[str, dict]:
    batches, _ = read(folder)
    rows = [row for batch in batches for row in batch.to_pylist()]
    return {row["document_id"]: row for row in rows}


def subjects(folder: Path) -> dict[str, dict]:
    _, batches = read(folder)
    rows = [row for batch in batches for row in batch.to_pylist()]
    return {row["subject_id"]: row for row in rows}


# --- what becomes of what


def test_a_user_is_a_subject_with_a_directory_entry(tmp_path):
    dump(tmp_path, [user(7, " Ann Lee ", Location="Bonn, Germany", WebsiteUrl="h://x")])

    assert subjects(tmp_path) == {
        "u7": {
            "subject_id": "u7", "country": "DE", "birth_year": None, "age_band": None,
            "tier": None, "residences": None, "names": ["Ann Lee"],
            "handles": ["AnnLee"], "emails": None,
            "phones": None, "urls": ["h://x"], "employer": None,
        }
    }  # fmt: skip


def test_what_a_user_does_not_say_is_empty_or_unknown(tmp_path):
    dump(tmp_path, [user(7, ""), {"Id": 8, "CreationDate": DAY}])

    for row in subjects(tmp_path).values():
        assert row["names"] == row["handles"] == row["urls"] == []
        assert row["country"] is None


def test_the_community_user_is_no_person(tmp_path):
    dump(
        tmp_path,
        [user(-1, "Community", AboutMe="I am not a person"), user(1)],
        [post(1, OwnerUserId=-1), post(2, OwnerUserId=1)],
        [comment(1, 2, "x", UserId=-1)],
    )

    assert set(subjects(tmp_path)) == {"u1"}
    authors = {name: row["subject_id"] for name, row in documents(tmp_path).items()}
    assert authors == {"post-1": None, "post-2": "u1", "comment-1": None}


@pytest.mark.parametrize(
    ("age", "band"),
    [("19", "adult"), ("40", "adult"), ("18", None), ("17", "minor"), ("x", None)],
)
def test_an_age_in_an_old_dump_is_a_band_where_it_is_sure(tmp_path, age, band):
    dump(tmp_path, [user(1, Age=age)])

    assert subjects(tmp_path)["u1"]["age_band"] == band


def test_about_me_is_a_profile_as_old_as_the_account(tmp_path):
    dump(tmp_path, [user(3, AboutMe="<p>I build <b>looms</b>.</p>"), user(4)])

    assert documents(tmp_path) == {
        "profile-3": {
            "document_id": "profile-3", "subject_id": "u3", "category": "profile",
            "created_at": T, "text": "I build looms.", "in_reply_to": None,
            "mentions": [],
            "near": [],
        }
    }  # fmt: skip


def test_a_question_and_its_answer_are_posts_by_their_owners(tmp_path):
    dump(
        tmp_path,
        [user(1), user(2)],
        [
            post(1, OwnerUserId=1, Title="Why?", Body="<p>So?</p>"),
            post(2, PostTypeId=2, ParentId=1, OwnerUserId=2, Body="<p>Because.</p>"),
        ],
    )
    found = documents(tmp_path)

    assert found["post-1"]["text"] == "Why?\n\nSo?"
    assert found["post-2"]["in_reply_to"] == "post-1"
    assert found["post-2"]["subject_id"] == "u2"
    assert {row["category"] for row in found.values()} == {"post"}


def test_a_deleted_account_leaves_documents_of_nobody(tmp_path):
    dump(
        tmp_path,
        [],
        [post(1, OwnerDisplayName="user99")],
        [comment(1, 1, "x", UserDisplayName="user99")],
    )

    assert {row["subject_id"] for row in documents(tmp_path).values()} == {None}


def test_an_empty_dump_is_empty(tmp_path):
    assert documents(dump(tmp_path)) == {}
    assert subjects(tmp_path) == {}


def test_a_number_that_stands_twice_is_refused_when_the_load_is_written(tmp_path):
    dump(tmp_path, [user(1), user(1)])
    with pytest.raises(CorpusError, match="repeat a subject_id, such as `u1`"):
        write_tables(*read(tmp_path), tmp_path / "load", "stackexchange")

    dump(tmp_path, [user(1)], [post(5), post(5)])
    with pytest.raises(CorpusError, match="repeat a document_id, such as `post-5`"):
        write_tables(*read(tmp_path), tmp_path / "load", "stackexchange")


# --- mentions


def mentions(folder: Path, *comments: tuple[int, str]) -> list[list[str]]:
    """Comments (author, text) on a post that user 1 owns -> mentions of each."""
    people = ["Ann Lee", "Bo", "Jürgen", "Annika", "Sam", "Sam", "Jean-Luc", "Zed Q"]
    dump(
        folder,
        [user(number, name) for number, name in enumerate(people, 1)],
        [post(1, OwnerUserId=1)],
        [
            comment(number, 1, text, UserId=author)
            for number, (author, text) in enumerate(comments, 1)
        ],
    )
    found = documents(folder)
    return [found[f"comment-{n}"]["mentions"] for n in range(1, len(comments) + 1)]


def test_the_owner_of_the_post_is_meant_by_the_beginning_of_the_handle(tmp_path):
    texts = [
        (3, "@AnnLee yes"),
        (3, "@ann: no"),
        (3, "so, @annlee's idea."),
        (3, "@An"),
    ]

    assert mentions(tmp_path, *texts) == [["u1"], ["u1"], ["u1"], []]


def test_whoever_commented_before_can_be_meant_and_whoever_comments_later_not(tmp_path):
    texts = [(3, "@jea hm"), (7, "I am here"), (3, "@jea hello")]

    assert mentions(tmp_path, *texts) == [[], [], ["u7"]]


def test_a_name_that_two_people_of_the_thread_begin_with_is_nobody(tmp_path):
    assert mentions(tmp_path, (4, "hi"), (3, "@ann which?")) == [[], []]


def test_the_whole_handle_beats_a_longer_one_that_begins_with_it(tmp_path):
    assert mentions(tmp_path, (4, "hi"), (3, "@annika and @AnnLee")) == [
        [],
        ["u4", "u1"],
    ]


def test_outside_the_thread_only_a_whole_handle_that_is_unique_counts(tmp_path):
    texts = [(3, "@ZedQ look"), (3, "@Zed look"), (3, "@Sam look"), (3, "@nobody")]

    assert mentions(tmp_path, *texts) == [["u8"], [], [], []]


def test_an_address_is_no_mention_and_nobody_mentions_herself(tmp_path):
    texts = [(3, "write to x@annlee.example"), (1, "@AnnLee is me"), (3, "@jürgen")]

    assert mentions(tmp_path, *texts) == [[], [], []]


def test_a_handle_with_marks_and_hyphens_is_found(tmp_path):
    assert mentions(tmp_path, (2, "@Jürgen, @Jean-Luc.")) == [["u3", "u7"]]


# --- HTML


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("<p>a\n b</p><p>c<br>d</p>", "a b\n\nc\nd"),
        ("<p>1 &lt; 2 &amp;&nbsp;3</p>", "1 < 2 & 3"),
        ('<a href="https://x.example/u/7">Ann</a>!', "Ann (https://x.example/u/7)!"),
        ('<a href="https://x.example">https://x.example</a>', "https://x.example"),
        ('<a href="mailto:a@x.example"></a>', "mailto:a@x.example"),
        ('<a href="https://x.example">left open', "left open (https://x.example)"),
        ('<p><a href="/a">b</p><p>c</a></p>', "b\n\nc (/a)"),
        ('<img src="/p.png" alt="me">', "me (/p.png)"),
        ("<blockquote><p>q</p><p>r</p></blockquote><p>a</p>", "> q\n\n> r\n\na"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>", "> a\n\n> > b"),
        ("<blockquote><pre><code>x\n y</code></pre></blockquote>", "> x\n>  y"),
        (
            "x<pre><code>for a:\n    b &gt; c\n</code></pre>y",
            "x\n\nfor a:\n    b > c\n\ny",
        ),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n\n- b"),
        ("<script>x</script><style>y</style>z", "z"),
        ("<!-- note -->a<![CDATA[b]]>", "a"),
        ("a </blockquote></pre></a> b", "a\n\nb"),
    ],
)
def test_html_becomes_the_text_that_a_person_reads(html, text):
    assert plain_text(html) == text


@given(st.lists(st.sampled_from(
    ["<", ">", "<p>", "</p>", "<a href='u'>", "</a>", "<![", "<!", "<!--", "<?", "&#",
     "&lt", "<pre>", "</pre>", "<blockquote>", "]]>", "x y", "\n", '"', "<script>"]
)))  # fmt: skip
def test_no_html_however_broken_stops_the_reader(pieces):
    assert isinstance(plain_text("".join(pieces)), str)


@pytest.mark.parametrize("piece", ["<a ", "<!--", "<a href='", "<a '>", "<!-->", "<"])
def test_hostile_html_takes_time_in_proportion_to_its_length(piece):
    start = time.process_time()
    plain_text(piece * 20_000)

    assert time.process_time() - start < 5  # seconds; quadratic was 28 and more


def test_quotes_in_quotes_do_not_outgrow_the_text():
    assert len(plain_text("<blockquote>x" * 1_000)) < 20_000


# --- countries


@pytest.mark.parametrize(
    ("location", "country"),
    [
        ("Germany", "DE"), ("Bonn, Deutschland", "DE"), ("Leeds, England, UK", "GB"),
        ("Wales", "GB"), ("U.S.A.", "US"), ("US", "US"), ("Oslo, NOR", None),
        ("Lyon, FRA", "FR"), ("Austin, TX", "US"), ("Reno, Nevada", "US"),
        ("Toronto, Ontario", "CA"), ("Hà Nội, Việt Nam", "VN"),
        ("Bern, Schweiz.", "CH"), ("Boston, MA, United States", "US"),
        ("HONG KONG", "HK"), ("Seoul, South Korea", "KR"),
    ],
)  # fmt: skip
def test_a_country_that_is_clearly_said_is_found(location, country):
    assert country_of(location) == country


@pytest.mark.parametrize(
    "location",
    [
        None, "", " , ", "Georgia", "Atlanta, Georgia", "Berlin, DE", "San Jose, CA",
        "Gary, IN", "Perth, WA", "Milano, MI", "TX", "Texas", "us", "London", "Korea",
        "Hong Kong, China", "Germany, USA", "France and Italy", "Europe", "Antarctica",
        "Lahore, Punjab", "DE", "in Germany", "x" * 300 + ", Germany", "AND", "Jersey",
    ],
)  # fmt: skip
def test_a_place_that_could_be_two_or_none_is_unknown(location):
    assert country_of(location) is None


# --- broken dumps


def test_a_missing_file_is_named_before_anything_is_read(tmp_path):
    for name in FILES:
        (dump(tmp_path) / f"{name}.xml").unlink()
        with pytest.raises(CorpusError, match=f"`{name}.xml` is missing"):
            read(tmp_path)


def test_a_dump_cut_off_anywhere_is_refused(tmp_path):
    dump(tmp_path, [user(number) for number in range(1, 4)])
    path = tmp_path / "Users.xml"
    whole = path.read_bytes()

    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(CorpusError, match="`Users.xml` is cut off or not XML"):
            subjects(tmp_path)


def test_a_cut_says_the_row_after_which_it_is(tmp_path):
    dump(tmp_path, [user(1), user(2), user(3)])
    path = tmp_path / "Users.xml"
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b'Id="3"')])

    with pytest.raises(CorpusError, match="after row 2$"):
        subjects(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not XML"),
        (b"\x50\x4b\x03\x04", "not XML"),
        (b"<users><row Id='1'/></users><x/>", "not XML"),
        (b"<users><row Id='1' DisplayName='\xff'/></users>", "not XML"),
        (b"<posts></posts>", "has an element `posts`, wanted `users`"),
        (b"<users><user Id='1'/></users>", "has an element `user`, wanted `row`"),
        (b"<users><row Id='1'><b/></row></users>", "wanted `nothing inside`"),
    ],
)
def test_another_kind_of_file_is_refused(tmp_path, content, message):
    (dump(tmp_path) / "Users.xml").write_bytes(content)

    with pytest.raises(CorpusError, match=message):
        subjects(tmp_path)


@pytest.mark.parametrize(
    "inside", ["", '[<!ENTITY a "b"><!ENTITY c "&a;&a;&a;">]', 'SYSTEM "file:///x"']
)
def test_a_document_type_is_refused_before_an_entity_can_grow(tmp_path, inside):
    path = dump(tmp_path) / "Users.xml"
    path.write_text(f"<!DOCTYPE users {inside}><users></users>")

    with pytest.raises(CorpusError, match="declares a document type"):
        subjects(tmp_path)


@pytest.mark.parametrize(
    ("file", "rows", "message"),
    [
        ("Users", [user(1), {"CreationDate": DAY}], "row 2 of `Users.xml` has no Id"),
        ("Users", [{**user(1), "Id": "1x"}], "row 1 of `Users.xml` has a malformed Id"),
        ("Posts", [post(1, OwnerUserId="me")], "malformed OwnerUserId"),
        ("Posts", [post(1, ParentId="")], "malformed ParentId"),
        ("Posts", [{**post(1), "CreationDate": "yesterday"}], "malformed CreationDate"),
        ("Posts", [{**post(1), "CreationDate": "2018-13-09T18:48:09"}], "malformed"),
        ("Posts", [{"Id": 1, "Body": "b"}], "row 1 of `Posts.xml` has no CreationDate"),
        ("Comments", [{"Id": 1, "CreationDate": DAY}], "has no PostId"),
    ],
)
def test_a_row_without_what_it_needs_is_named_by_its_number(
    tmp_path, file, rows, message
):
    (dump(tmp_path) / f"{file}.xml").write_bytes(xml(file.lower(), rows))

    with pytest.raises(CorpusError, match=message) as caught:
        documents(tmp_path)

    assert "yesterday" not in caught.value.message


def test_an_absurd_number_of_a_post_takes_no_absurd_memory(tmp_path):
    dump(tmp_path, [user(1)], [post(10**17, OwnerUserId=1)])

    assert documents(tmp_path)[f"post-{10**17}"]["subject_id"] == "u1"


def test_memory_stays_the_same_however_long_the_file_is(tmp_path):
    row = f'<row Id="1" PostId="1" CreationDate="{DAY}" Text="{"x" * 2_000}" />\n'
    path = tmp_path / "Comments.xml"
    peaks = []
    for megabytes in (4, 20):
        with path.open("w") as out:
            out.write("<comments>")
            out.writelines([row] * (megabytes * 500))
            out.write("</comments>")
        tracemalloc.start()
        count = sum(1 for _ in rows_of(path, "comments"))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert count == megabytes * 500

    assert max(peaks) < 4_000_000  # bytes
    assert peaks[1] < peaks[0] * 1.2


# --- real dumps


@pytest.fixture(scope="module", params=SITES)
def site(request, shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("load")
    export = shared / "data" / "stackexchange" / request.param
    counts = write_tables(*read(export), folder, "stackexchange")
    return request.param, export, counts, open_tables(folder)


@pytest.mark.shared
def test_a_real_dump_loads_whole_and_passes_the_check(site):
    name, _, counts, tables = site

    assert counts == SITES[name]
    tables.check_digests()
    assert check_tables(tables.documents, tables.subjects, CATEGORIES) == counts


@pytest.mark.shared
def test_every_row_of_a_real_dump_is_accounted_for(site):
    _, export, _, tables = site
    users = list(rows_of(export / "Users.xml", "users"))
    posts = list(rows_of(export / "Posts.xml", "posts"))
    remarks = list(rows_of(export / "Comments.xml", "comments"))
    read_back = pq.read_table(tables.documents)
    categories = Counter(read_back["category"].to_pylist())
    persons = [row for row in users if int(row.values["Id"]) > 0]
    nobody = sum(
        int(row.values.get(key, 0)) < 1
        for rows, key in ((posts, "OwnerUserId"), (remarks, "UserId"))
        for row in rows
    )

    assert categories == {
        "profile": sum(bool(row.values.get("AboutMe")) for row in persons),
        "post": len(posts),
        "comment": len(remarks),
    }
    assert read_back["subject_id"].null_count == nobody > 0
    assert tables.counts.subjects == len(persons)


@pytest.mark.shared
def test_most_locations_of_real_users_say_a_country(site):
    _, export, _, tables = site
    rows = rows_of(export / "Users.xml", "users")
    said = sum("Location" in row.values for row in rows)
    countries = pq.read_table(tables.subjects)["country"]

    assert 0.65 < (len(countries) - countries.null_count) / said < 0.9


@pytest.mark.shared
def test_most_mentions_in_real_comments_are_resolved(site):
    rows = pq.read_table(site[3].documents).to_pylist()
    people = set(pq.read_table(site[3].subjects)["subject_id"].to_pylist())
    remarks = [row for row in rows if row["category"] == "comment"]
    with_sign = [row for row in remarks if "@" in row["text"]]
    found = [row for row in remarks if row["mentions"]]

    assert 0.6 < len(found) / len(with_sign) <= 1
    assert {each for row in found for each in row["mentions"]} <= people


@pytest.mark.shared
def test_no_markup_is_left_in_real_posts_outside_of_code(site):
    texts = pq.read_table(site[3].documents)["text"].to_pylist()

    assert not any("</p>" in text or "<blockquote>" in text for text in texts)
    assert any(line.startswith("> ") for text in texts for line in text.split("\n"))
