from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import CorpusError
from assent.redact.directory import COLUMNS, Directory
from assent.redact.entries import batches
from assent.redact.redactor import Redactor
from assent.redact.spans import Kind

KEY = bytes(range(32))
LISTS = pa.list_(pa.string())
COLUMN_TYPES = dict.fromkeys(COLUMNS, LISTS) | {"employer": pa.string()}
SCHEMA = pa.schema([("subject_id", pa.string()), *COLUMN_TYPES.items()])

ANNA: dict[str, Any] = {
    "subject_id": "anna",
    "names": ["Anna Lee", "Zoë", "王小明"],
    "handles": ["anna_lee99", "thenick"],
    "emails": ["anna@example.org"],
    "phones": ["+44 (0)20 7946 0958", "555 1234"],
    "urls": ["https://www.linkedin.com/in/anna-lee/"],
    "employer": "Lee & Sons",
}
BEN: dict[str, Any] = {"subject_id": "ben", "names": ["Ben Berg"], "handles": ["ben"]}
TRACES = [
    ("by ANNA  lee.", "by [name]."),
    ("by Anna Leeds", "by Anna Leeds"),
    ("你好王小明", "你好[name]"),
    ("ask anna_lee99", "ask [handle]"),
    ("thenick: yes", "[handle]: yes"),
    ("thenick yes", "thenick yes"),
    ("020 7946 0958", "[phone]"),
    ("flat 5551234", "flat [phone]"),
    ("linkedin.com/in/anna-lee?x", "[url]"),
    ("at lee & sons", "at [employer]"),
    ("by ben berg", "by [name]"),
]


def directory_of(*rows: dict[str, Any], key: bytes = KEY) -> Directory:
    return Directory.from_subjects(pa.Table.from_pylist(list(rows), SCHEMA), key)


def redacted(directory: Directory, text: str) -> str:
    return Redactor(directory).redact([text])[0].text


@pytest.mark.parametrize(("text", "wanted"), TRACES)
def test_entries_are_found_in_the_clear_and_as_tags(text: str, wanted: str) -> None:
    known = directory_of(ANNA, BEN)
    assert redacted(known, text) == wanted
    assert redacted(known.hide("anna"), text) == wanted
    assert redacted(known.hide("anna").hide("ben"), text) == wanted


def test_a_handle_that_is_a_word_stays_whatever_other_handles_there_are() -> None:
    words = ["".join(pair) for pair in product("abcdefgh", "mnopqrst", "uvwxyz")]
    distinct = [f"{word}_{number}" for number, word in enumerate(words)]
    known = directory_of({"subject_id": "all", "handles": [*words, *distinct]})
    text = " ".join(words)
    assert redacted(known, text) == text
    assert redacted(known, distinct[7]) == "[handle]"
    assert redacted(known, f"{words[7]}: yes") == "[handle]: yes"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (r"ask @quill\_harrow\_77, yes", "ask [handle], yes"),
        (r"so quill\_harrow\_77.", "so [handle]."),
        ("I am quill underscore harrow underscore 77 there", "I am [handle] there"),
        (r"quill\_harrow\_7 and xquill\_harrow\_77", None),
        ("quill underscore harrow, an underscore and 77", None),
    ],
)
def test_a_handle_is_found_though_its_signs_are_written_otherwise(text, wanted) -> None:
    known = directory_of({"subject_id": "quill", "handles": ["quill_harrow_77"]})
    assert redacted(known, text) == (wanted or text)
    assert redacted(known.hide("quill"), text) == (wanted or text)


def test_hiding_somebody_leaves_the_digest_and_no_word_of_hers(tmp_path: Path) -> None:
    known = directory_of(ANNA, BEN)
    hidden = known.hide("anna")
    assert hidden.digest == known.digest
    assert len(hidden) == len(known)
    (tmp_path / "directory").write_bytes(hidden.to_bytes())
    written = pq.read_table(tmp_path / "directory").to_pylist()
    assert "ben berg" in repr(written)
    assert "anna" not in repr(written)
    again = Directory.read(tmp_path / "directory", KEY)
    assert again.digest == known.digest
    assert redacted(again, "Anna Lee, Ben Berg") == "[name], [name]"


def test_what_somebody_else_has_too_stays_known() -> None:
    twin = BEN | {"names": ["Anna Lee"]}
    hidden = directory_of(ANNA, twin).hide("anna")
    assert "anna lee" in hidden.rows["text"].to_pylist()
    assert redacted(hidden, "Anna Lee") == "[name]"


def test_the_order_of_the_table_does_not_matter() -> None:
    assert directory_of(ANNA, BEN).digest == directory_of(BEN, ANNA).digest
    assert directory_of(ANNA).digest != directory_of(ANNA, BEN).digest
    assert directory_of(ANNA).digest != directory_of(ANNA, key=bytes(32)).digest


def test_a_directory_of_another_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "directory").write_bytes(
        directory_of(ANNA, BEN).hide("anna").to_bytes()
    )
    with pytest.raises(CorpusError, match="another key"):
        Directory.read(tmp_path / "directory", bytes(32))


def test_a_key_that_is_too_short_is_refused() -> None:
    with pytest.raises(CorpusError, match="wanted 32"):
        directory_of(ANNA, key=b"short")


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-9], lambda data: b"", lambda data: b"{}" * 40]
)
def test_a_damaged_directory_is_refused(tmp_path: Path, damage: Any) -> None:
    path = tmp_path / "directory"
    path.write_bytes(damage(directory_of(ANNA).to_bytes()))
    with pytest.raises(CorpusError, match="cannot be read"):
        Directory.read(path, KEY)


def test_a_missing_directory_column_is_refused() -> None:
    table = pa.Table.from_pylist([ANNA], SCHEMA).drop_columns(["phones"])
    with pytest.raises(CorpusError, match="`phones`"):
        Directory.from_subjects(table, KEY)


def test_a_directory_of_nobody_finds_nothing(tmp_path: Path) -> None:
    nobody = directory_of()
    assert len(nobody) == 0
    assert redacted(nobody, "Anna Lee: 020 7946 0958 5551234") != ""
    (tmp_path / "directory").write_bytes(nobody.to_bytes())
    assert Directory.read(tmp_path / "directory", KEY).digest == nobody.digest


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (Kind.NAME, "Al"),
        (Kind.NAME, "123"),
        (Kind.NAME, "12 34 56 78 90"),
        (Kind.NAME, " "),
        (Kind.NAME, "a [name] b"),
        (Kind.HANDLE, "@"),
        (Kind.EMAIL, "nobody"),
        (Kind.PHONE, "123"),
        (Kind.PHONE, "+"),
        (Kind.URL, "https://"),
    ],
)
def test_what_would_be_found_everywhere_is_left_out(kind: Kind, raw: str) -> None:
    (batch,) = batches(kind, [raw])
    assert batch.texts == []


NAMES = st.text("ab é'-.王小", min_size=1, max_size=8)


@given(st.lists(NAMES, min_size=1, max_size=20), st.data())
def test_a_name_is_found_as_written_wherever_words_end(
    names: list[str], data: st.DataObject
) -> None:
    directory = Directory.of({Kind.NAME: names}, KEY)
    for text, mark in zip(
        *(directory.rows[name].to_pylist() for name in ("text", "mark")), strict=True
    ):
        if mark == 1:
            around = data.draw(st.sampled_from([" ", "\n", ".", "(", ""]))
            found = Redactor(directory).find([f"{around}{text}{around}"])[0]
            assert any(span.end - span.start >= len(text) for span in found)
