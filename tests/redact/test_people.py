"""Directories are read from files of people, in whatever way they are written."""

import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_files import TEXT, redact, written

from assent.errors import CorpusError
from assent.redact.bulk import Batch, Work
from assent.redact.directory import Directory
from assent.redact.files import Wanted
from assent.redact.people import People, nobody, read_people
from assent.redact.redactor import Settings


def people(tmp_path: Path, name: str, data: str | pa.Table) -> People:
    path = tmp_path / name
    if isinstance(data, str):
        path.write_text(data)
    else:
        pq.write_table(data, path)
    return read_people(path)


def found_by(directory: Directory, text: str, near: list[str] | None = None) -> str:
    work = Work(directory, Settings())

    batch = Batch(1, [text], [0], None if near is None else [near])
    return dict(work.on(batch).changed).get(0, text)


def test_people_are_read_from_parquet_csv_and_lines(tmp_path):
    lists = pa.table(
        {
            "names": pa.array([["Anna Lee", "Zoë"], None], pa.large_list(pa.string())),
            "phones": pa.array([442079460958, None]),
            "note": [1, 2],
        }
    )
    csv = (
        'name,note,phone,subject_id\nAnna Lee,"a\nb",+44 20 7946 0958,007\nZoë,,,007\n'
    )
    text = "Anna Lee, 020 7946 0958, Zoë"

    for each in (people(tmp_path, "a.parquet", lists), people(tmp_path, "b.csv", csv)):
        assert found_by(each.directory, text) == "[name], [phone], Zoë"
        assert (each.entries, each.single) == (3, 1)
    assert each.owned
    assert found_by(each.directory, text, ["007"]) == "[name], [phone], [name]"
    lines = people(tmp_path, "c.txt", " Anna Lee \r\n\nZoë\n")
    assert found_by(lines.directory, "Anna Lee, Zoë") == "[name], Zoë"
    assert not lines.owned


@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_a_directory_of_nobody_is_one(tmp_path, name):
    found = people(tmp_path, name, "names\n" if name == "a.csv" else "\n\n")

    assert found.entries == 0
    assert found_by(found.directory, TEXT) == "Anna Lee, [email]: see [url]"


def test_names_that_are_words_take_no_word_away(tmp_path):
    drawn = random.Random(5)
    words = ["".join(drawn.choices("etaoinshr", k=4)) for _ in range(2000)]
    found = people(tmp_path, "a.txt", "\n".join(words))
    text = " ".join(words)

    assert found.single == found.entries > 1500
    assert found_by(found.directory, text) == text


@pytest.mark.parametrize(
    ("name", "data", "fault"),
    [
        ("a.csv", b"", "cannot be read as CSV"),
        ("a.csv", b"names\nAnna Lee\nAnna,Lee\n", "cannot be read as CSV"),
        ("a.csv", b"names\n\xff\n", "cannot be read as CSV"),
        ("a.csv", b"person\nAnna Lee\n", "no column of a directory"),
        ("a.csv", b"names,names\nAnna Lee,Anna\n", "a column twice"),
        ("a.parquet", b"Anna Lee", "cannot be read as Parquet"),
        ("a.txt", b"Bob\nAnna \xff Lee\n", "line 2, byte 6"),
    ],
)
def test_people_that_cannot_be_read_are_refused_and_not_quoted(
    tmp_path, name, data, fault
):
    (tmp_path / name).write_bytes(data)

    with pytest.raises(CorpusError) as refusal:
        read_people(tmp_path / name)

    assert fault in refusal.value.message
    assert "Lee" not in refusal.value.message + refusal.value.hint


def test_who_takes_part_is_read_from_a_column(tmp_path):
    csv = "name,subject_id\nGrace,1\nZoë,b\n"
    known = people(tmp_path, "people.csv", csv).directory
    rows = pa.table(
        {
            "text": ["Grace, Zoë"] * 3,
            "author": [1, 2, None],
            "thread": [["b"], None, [None]],
        }
    )
    source, target = written(tmp_path / "a.parquet", rows), tmp_path / "b.parquet"
    lines = tmp_path / "a.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows.to_pylist()))
    wanted = ["[name], [name]", "Grace, Zoë", "Grace, Zoë"]
    near = Wanted(near=["author", "thread"])

    redact(source, target, near, Work(known, Settings()))
    redact(lines, tmp_path / "b.jsonl", near, Work(known, Settings()))

    assert pq.read_table(target)["text"].to_pylist() == wanted
    made = (tmp_path / "b.jsonl").read_text().splitlines()
    assert [json.loads(line)["text"] for line in made] == wanted


def test_nobody_is_in_the_directory_of_nobody():
    assert nobody().entries == 0
    assert found_by(nobody().directory, TEXT) == "Anna Lee, [email]: see [url]"


def test_ids_in_many_lists_are_found_or_refused(tmp_path):
    known = people(tmp_path, "people.csv", "name,subject_id\nGrace,1\n").directory
    source, target = tmp_path / "a.jsonl", tmp_path / "b.jsonl"

    def said(depth: int) -> str:
        inside = "[" * depth + "1" + "]" * depth
        source.write_text(f'{{"text": "Grace", "who": {inside}}}\n')
        try:
            redact(source, target, Wanted(near=["who"]), Work(known, Settings()))
        except CorpusError as error:
            return error.message.partition(": ")[2]
        return target.read_text()[: len('{"text": "[name]"')]

    found = [said(depth) for depth in (1, 9, *range(300, 1100, 40), 9999)]

    assert set(found[:2]) == {'{"text": "[name]"'}
    assert set(found[2:-1]) <= {found[0], "ids lie in too many lists", found[-1]}
    assert found[-1] == "no JSON object"
