"""Files alone are redacted: all else stays, whole or not at all, in bounded memory."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_files import KEY, NAMES, REDACTED, TEXT, redact, written

from assent.errors import Error
from assent.redact import reading
from assent.redact import text as text_module
from assent.redact.bulk import Work
from assent.redact.files import Wanted
from assent.redact.jsonl import strings
from assent.redact.reading import MEGABYTE
from assent.redact.redactor import Settings
from assent.redact.spans import Kind
from assent.redact.text import Unit
from assent.terms import Style


def redacted(tmp_path: Path, name: str, data: bytes, **wanted: Any) -> bytes:
    """Redact the bytes of a file that is called so."""
    source, target = tmp_path / name, tmp_path / f"new-{name}"
    source.write_bytes(data)
    redact(source, target, Wanted(**wanted))
    return target.read_bytes()


def refused(tmp_path: Path, name: str, data: bytes, **wanted: Any) -> Error:
    """Redact what must be refused; nothing of it may be left."""
    with pytest.raises(Error) as refusal:
        redacted(tmp_path, name, data, **wanted)
    assert sorted(each.name for each in tmp_path.iterdir()) == [name]
    return refusal.value


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ""),
        ("\n\n", "\n\n"),
        (TEXT, REDACTED),
        (f"{TEXT}\r\n\r\n \t\n{TEXT}\n", f"{REDACTED}\r\n\r\n \t\n{REDACTED}\n"),
        (f"\n{TEXT}\n\x0b\u2028\n", f"\n{REDACTED}\n\x0b\u2028\n"),
        ("\ufeffAnna Lee\n", "\ufeff[name]\n"),
        ("Anna\nLee\n\nAnna\n\nLee", "[name]\n\nAnna\n\nLee"),
    ],
)
def test_text_keeps_its_line_ends_and_blank_lines(tmp_path, text, wanted):
    assert redacted(tmp_path, "a.txt", text.encode()).decode() == wanted


@pytest.mark.parametrize("unit", Unit)
@pytest.mark.parametrize("line", ["\n", " \r\n", "a\n\n"])
def test_a_million_lines_of_nothing_come_to_an_end(tmp_path, unit, line):
    # Joined one by one to what stands before, they would take minutes.
    data = (line * 1_000_000)[:1_000_000].encode()

    assert redacted(tmp_path, "a.txt", data, unit=unit) == data


@pytest.mark.parametrize(
    ("unit", "wanted", "documents"),
    [
        (Unit.LINE, "Anna\nLee\n\n[name]\n", 3),
        (Unit.PARAGRAPH, "[name]\n\n[name]\n", 2),
        (Unit.FILE, "[name]\n\n[name]\n", 1),
    ],
)
def test_a_document_of_text_is_what_was_asked_for(tmp_path, unit, wanted, documents):
    source, target = tmp_path / "a.txt", tmp_path / "b.txt"
    source.write_text("Anna\nLee\n\nAnna Lee\n")

    done = redact(source, target, Wanted(unit=unit))

    assert target.read_text() == wanted
    assert done.tally.documents == documents


@given(st.text("ab\n\r \t\x0b\x1c\u2028é", max_size=60), st.sampled_from(Unit))
def test_text_without_a_trace_of_anybody_stays_as_it_is(tmp_path_factory, text, unit):
    data = text.encode()
    folder = tmp_path_factory.mktemp("same")

    assert redacted(folder, "a.txt", data, unit=unit) == data


@pytest.mark.parametrize("read", [1, 7])
@pytest.mark.parametrize("unit", Unit)
def test_where_a_file_is_cut_to_be_read_does_not_matter(
    tmp_path, monkeypatch, read, unit
):
    data = f"é Anna\r\nLee\n\r\n {TEXT} ünd\n\n\n@bob 🙂\n{TEXT}".encode()
    lines = b"".join(
        json.dumps({"text": line.decode()}, ensure_ascii=False).encode() + b"\n"
        for line in data.splitlines()
    )
    wanted = redacted(tmp_path, "a.txt", data, unit=unit)
    wanted_lines = redacted(tmp_path, "a.jsonl", lines)

    monkeypatch.setattr(reading, "READ", read)
    monkeypatch.setattr(text_module, "BATCH_CHARACTERS", read)

    assert redacted(tmp_path, "a.txt", data, unit=unit) == wanted
    assert redacted(tmp_path, "a.jsonl", lines) == wanted_lines


def test_other_fields_of_json_lines_stay_byte_for_byte(tmp_path):
    line = (
        '\ufeff { "n": 1.10e400, "text" : "%s", "é": "Anna Lee\\u00e9", "b":[NaN]} \r\n'
    )
    more = (
        '\n{"text":null}\n{"text":"caf\\u00e9 @bob"}\n{"text":"café @bob","a\\"text":1}'
    )

    found = redacted(tmp_path, "a.jsonl", (line % TEXT + more).encode()).decode()

    kept = '\n{"text":null}\n{"text":"caf\\u00e9 [handle]"}\n'
    last = '{"text":"café [handle]","a\\"text":1}'
    assert found == line % REDACTED + kept + last


def test_a_field_inside_objects_and_lists_is_found(tmp_path):
    chat = {"messages": [{"role": "Anna Lee", "content": TEXT}, {"content": None}]}
    flat = {"messages.content": TEXT, "n": 1}
    data = f"{json.dumps(chat)}\n{json.dumps(flat)}\n".encode()

    lines = redacted(
        tmp_path, "a.jsonl", data, columns=["messages.content"]
    ).splitlines()

    assert json.loads(lines[0]) == {
        "messages": [{"role": "Anna Lee", "content": REDACTED}, {"content": None}]
    }
    assert json.loads(lines[1]) == flat | {"messages.content": REDACTED}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "a", 'a"text', "é"]), inner)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["text", 'x"text', "text ", "b"]), JSON),
    st.text(max_size=9),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_the_text_of_a_line_is_found_wherever_it_stands(rest, text, plain, shuffled):
    items = list((rest | {"text": text}).items())
    shuffled.shuffle(items)
    line = json.dumps(dict(items), ensure_ascii=plain)

    [found] = strings(line, ["text"])

    new = line[: found.start] + json.dumps("new text") + line[found.end :]
    assert found.text == text
    assert repr(json.loads(new)) == repr(dict(items) | {"text": "new text"})


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("Anna Lee", "no JSON object"),
        ("[1]", "no JSON object"),
        ('{"text": "Anna Lee"', "no JSON object"),
        ('{"text": "Anna Lee",}', "no JSON object"),
        ('{"text": "Anna Lee"} {}', "more than one JSON object"),
        ('{"other": "Anna Lee"}', "there is no `text`"),
        ('{"text": 7}', "`text` is no text"),
        ('{"text": {"a": "Anna Lee"}}', "`text` is no text"),
        ('{"text": "Anna", "text": "Lee"}', "`text` stands twice"),
        ('{"text": "Anna", "te\\u0078t": "Lee"}', "`text` stands twice"),
        ('{"text": "Anna \\ud800 Lee"}', "lone surrogate"),
        ("[" * 100_000, "no JSON object"),
        ('{"text":' * 50_000, "no JSON object"),
    ],
)
def test_a_line_that_is_not_as_wanted_is_named_and_not_quoted(tmp_path, line, fault):
    error = refused(tmp_path, "a.jsonl", f'{{"text": ""}}\n{line}\n'.encode())

    assert "line 2" in error.message
    assert fault in error.message
    assert "Anna" not in error.message + error.hint
    assert error.__cause__ is None
    assert error.__context__ is None


def table() -> pa.Table:
    words = pa.array([TEXT, None, "", "x", "Anna Lee"])
    chats = [
        [{"who": "Anna Lee", "content": TEXT}],
        None,
        [],
        [None],
        [{"content": "x"}],
    ]
    kind = pa.list_(pa.struct([("who", pa.string()), ("content", pa.large_string())]))
    return pa.table(
        {
            "text": words,
            "code": words.dictionary_encode(),
            "large": words.cast(pa.large_string()),
            "view": words.cast(pa.string_view()),
            "chat": pa.array(chats, kind),
            "tags": pa.array([["Anna Lee", None], None, [], ["x"], [TEXT]]),
            "at": pa.array([1, 2, None, 4, 5], pa.timestamp("ns", "UTC")),
            "x": pa.array([float("nan"), -0.0, None, 1e308, 5], pa.float64()),
            "raw": pa.array([b"\xff", None, b"", b"a", b"b"]),
        },
        metadata={"made": "here"},
    )


def test_the_other_columns_of_parquet_stay_with_their_types(tmp_path):
    rows = table()
    source = tmp_path / "a.parquet"
    pq.write_table(rows, source, compression="gzip", row_group_size=2)
    target = tmp_path / "b.parquet"

    done = redact(source, target)

    before, after = pq.read_table(source), pq.read_table(target)
    assert after.schema.equals(before.schema, check_metadata=True)
    assert after["text"].to_pylist() == [REDACTED, None, "", "x", "[name]"]
    for name in before.column_names[1:]:
        assert repr(after[name].to_pylist()) == repr(before[name].to_pylist())
    assert pq.ParquetFile(target).metadata.row_group(0).column(0).compression == "GZIP"
    assert list(done.kept) == before.column_names[1:]


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        ("code", [REDACTED, None, "", "x", "[name]"]),
        ("large", [REDACTED, None, "", "x", "[name]"]),
        ("view", [REDACTED, None, "", "x", "[name]"]),
        ("tags", [["[name]", None], None, [], ["x"], [REDACTED]]),
        (
            "chat.content",
            [
                [{"who": "Anna Lee", "content": REDACTED}],
                None,
                [],
                [None],
                [{"who": None, "content": "x"}],
            ],
        ),
    ],
)
def test_text_in_any_column_of_parquet_is_reached(tmp_path, column, wanted):
    source, target = written(tmp_path / "a.parquet", table()), tmp_path / "b.parquet"

    redact(source, target, Wanted([column]))

    after = pq.read_table(target)[column.partition(".")[0]]
    assert after.to_pylist() == wanted
    if column != "code":  # which codes it needs is not known before the end
        assert after.type == table()[column.partition(".")[0]].type


def test_several_columns_are_one_document(tmp_path):
    rows = pa.table({"title": ["Anna Lee", "x"], "text": ["y" * 7, "z"], "id": [1, 2]})
    rows = rows.append_column("view", pa.array(["a", None], pa.string_view()))
    source, target = written(tmp_path / "a.parquet", rows), tmp_path / "b.parquet"
    columns = Wanted(["title", "text"])

    # 8 of 15 characters go: more than half, and less than three in five.
    for share, left in ((0.6, [1, 2]), (0.5, [2])):
        done = redact(source, target, columns, Work(NAMES, Settings(), share))
        assert pq.read_table(target)["id"].to_pylist() == left
        assert done.tally.dropped == 2 - len(left)
        assert done.tally.removed == (8 if len(left) == 2 else 15)


def test_what_is_dropped_is_gone_in_every_format(tmp_path):
    work = Work(NAMES, Settings(), drop_above=0.5)
    lines = [f"{TEXT} Anna Lee", "nobody is named in this one, is she"]
    (tmp_path / "a.txt").write_text("\n\n".join(lines) + "\n")
    (tmp_path / "a.jsonl").write_text(
        "".join(json.dumps({"text": line}) + "\n\n" for line in lines)
    )

    for name in ("a.txt", "a.jsonl"):
        done = redact(tmp_path / name, tmp_path / f"b{name}", work=work)
        assert (done.tally.documents, done.tally.dropped) == (2, 1)
    assert (tmp_path / "ba.txt").read_text() == f"{lines[1]}\n"
    text = json.dumps({"text": lines[1]})
    assert (tmp_path / "ba.jsonl").read_text() == f"\n{text}\n\n"


def test_the_share_that_is_removed_is_counted_exactly(tmp_path):
    source = tmp_path / "a.txt"
    source.write_text("I, [name], am Anna Lee: a@b.example\n")
    tally = redact(source, tmp_path / "b.txt").tally

    for style in (Style.DOCUMENT, Style.CORPUS):
        work = Work(NAMES, Settings(style, KEY))
        assert redact(source, tmp_path / "b.txt", work=work).tally == tally
    assert tally.removed == len("Anna Lee") + len("a@b.example")
    assert tally.found == {Kind.NAME: 1, Kind.EMAIL: 1}
    assert tally.characters == tally.size == 35


def test_pseudonyms_join_one_document_or_all(tmp_path):
    source, target = tmp_path / "a.txt", tmp_path / "b.txt"
    source.write_text("Anna Lee anna lee\n\nthen Anna Lee\n")
    found = {}
    for style in (Style.DOCUMENT, Style.CORPUS):
        redact(source, target, work=Work(NAMES, Settings(style, KEY)))
        found[style] = target.read_text().replace("then ", "").split()

    once, again, other = found[Style.DOCUMENT]
    assert once == again != other
    assert len(set(found[Style.CORPUS])) == 1
    assert found[Style.CORPUS][0].startswith("[name-")


def test_a_documents_pseudonyms_do_not_depend_on_its_place(tmp_path):
    work = Work(NAMES, Settings(Style.DOCUMENT, KEY))
    for name, text in (("a.txt", "by Anna Lee"), ("b.txt", "\n\nx\n\nby Anna Lee")):
        (tmp_path / name).write_text(text)
        redact(tmp_path / name, tmp_path / f"new-{name}", work=work)

    alone = (tmp_path / "new-a.txt").read_text()
    assert (tmp_path / "new-b.txt").read_text() == f"\n\nx\n\n{alone}"


@pytest.mark.parametrize(
    ("column", "fault"),
    [
        ("words", "has no column `words`"),
        ("chat.words", "has no column `chat.words`"),
        ("text.a", "has no column `text.a`"),
        ("x", "holds double, no text"),
        ("raw", "holds binary, no text"),
        ("chat", "holds structs, no text"),
    ],
)
def test_a_column_that_is_not_there_or_not_text_is_refused(tmp_path, column, fault):
    data = written(tmp_path / "a.parquet", table()).read_bytes()

    error = refused(tmp_path, "a.parquet", data, columns=[column])

    assert fault in error.message
    assert "`chat.content`, `tags`" in error.hint


def test_what_is_not_utf_8_is_named_by_its_place(tmp_path):
    lines = b'{"text": "a"}\n' * 70_000
    error = refused(tmp_path, "a.jsonl", lines + b'{"text": "Anna\xe9"}\n')
    assert error.message == "`a.jsonl` is not UTF-8: line 70001, byte 15"

    (tmp_path / "a.jsonl").unlink()
    error = refused(tmp_path, "a.txt", "Anna\n".encode("utf-16"))
    assert error.message == "`a.txt` is not UTF-8: line 1, byte 1"

    (tmp_path / "a.txt").unlink()
    bad = pa.Array.from_buffers(
        pa.string(),
        2,
        [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff")],
    )
    data = written(tmp_path / "a.parquet", pa.table({"text": bad})).read_bytes()
    error = refused(tmp_path, "a.parquet", data)
    assert error.message == "column `text` of `a.parquet` is not UTF-8 in row 2"


@pytest.mark.parametrize("size", [2_000, 3_000_000])
def test_a_document_that_is_too_long_is_refused_in_every_format(tmp_path, size):
    longest = size - 100
    long = "ab " * (size // 3)
    for name, data, unit in (
        ("a.txt", f"x\n\n{long}\n", Unit.PARAGRAPH),
        ("a.txt", f"x\n\n{long}", Unit.LINE),
        ("a.txt", "ab\n" * (size // 3), Unit.PARAGRAPH),
        ("a.txt", "ab\n\n" * (size // 3), Unit.FILE),
        ("a.jsonl", f'{{"text": ""}}\n\n{{"text": "{long}"}}', Unit.LINE),
    ):
        error = refused(tmp_path, name, data.encode(), unit=unit, longest=longest)
        assert f"longer than {longest / MEGABYTE:,g} MB" in error.message
        whole = unit is Unit.FILE or "ab\n" in data[:9]
        assert f"line {1 if whole else 3}:" in error.message
        (tmp_path / name).unlink()
    data = written(tmp_path / "a.parquet", pa.table({"text": ["", long]})).read_bytes()
    error = refused(tmp_path, "a.parquet", data, longest=longest)
    assert "row 2" in error.message


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl.gz", "a.txt.zst", "a.txt.bz2"])
@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: b"Anna Lee"])
def test_a_file_that_is_cut_off_is_refused(tmp_path, name, damage):
    with pa.output_stream(tmp_path / name) as out:
        out.write(json.dumps({"text": TEXT}).encode() * 5000)
    if name == "a.parquet":
        written(tmp_path / name, table())
    error = refused(tmp_path, name, damage((tmp_path / name).read_bytes()))

    assert "damaged" in error.message


@pytest.mark.parametrize("ending", ["gz", "zst", "bz2"])
def test_packed_files_are_read_and_written_packed(tmp_path, ending):
    source, target = tmp_path / f"a.txt.{ending}", tmp_path / f"b.txt.{ending}"
    with pa.output_stream(source) as out:
        out.write(f"{TEXT}\n".encode())
    twice = source.read_bytes() * 2  # packed files may be joined
    source.write_bytes(twice)

    redact(source, target, Wanted(unit=Unit.LINE))

    with pa.input_stream(target) as made:
        assert made.read().decode() == f"{REDACTED}\n" * 2
    redact(source, tmp_path / "c.txt")
    assert (tmp_path / "c.txt").read_text() == f"{REDACTED}\n" * 2


def test_gzip_by_python_is_read(tmp_path):
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(TEXT.encode()))

    redact(tmp_path / "a.txt.gz", tmp_path / "b.txt")

    assert (tmp_path / "b.txt").read_text() == REDACTED
