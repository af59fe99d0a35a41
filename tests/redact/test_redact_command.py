"""`assent redact`: what it says, what it refuses, and that it needs no project."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_files import many, written

from assent.redact.spans import PLACEHOLDER

pytest_plugins = ("command_line",)

TEXT = "Anna Lee, a@b.example: see https://c.example\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a text and a directory, in which commands run."""
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text(TEXT)
    Path("people.csv").write_text("name,email\nAnna Lee,\nGrace,g@b.example\n")
    return tmp_path


def names():
    return sorted(each.name for each in Path().iterdir())


def test_a_file_is_redacted_and_what_may_be_left_is_said(here, assent):
    rows = pa.table({"text": ["Anna Lee", "Grace"], "who": ["a", "b"]})
    written(here / "a.parquet", rows)

    said = assent(
        "redact", "a.parquet", "--directory", "people.csv", "--out", "b.parquet"
    )

    assert said.code == 0
    assert pq.read_table("b.parquet")["text"].to_pylist() == ["[name]", "Grace"]
    lines = said.out.splitlines()
    assert lines[:3] == [
        "wrote `b.parquet`: 2 documents",
        "replaced: 1 name",
        "removed: 61.54% of 13 characters",
    ]
    assert lines[3].startswith("speed: ")
    left = [line.partition(": ")[2] for line in lines[4:]]
    assert left[0] == "names of people who are not in the directory"
    assert left[1].startswith("names of one word, 1 of 3 entries: ")
    assert left[2] == "what stands in other columns: who"
    assert lines[-1].startswith("not removed 5: ")


def test_without_a_directory_every_name_may_be_left(here, assent):
    said = assent("redact", "a.txt", "--out", "b.txt")

    assert "any name: without `--directory` nobody's name is known" in said.out
    assert "replaced: 1 email, 1 url" in said.out
    assert Path("b.txt").read_text() == "Anna Lee, [email]: see [url]\n"


def test_several_files_go_to_a_folder_and_are_counted_together(here, assent):
    Path("b.jsonl").write_text('{"body": "Anna Lee"}\n{"body": "x"}\n')

    said = assent("redact", "b.jsonl", "--column", "body", "--out", "out.jsonl",
                  "--directory", "people.csv", "--drop-above", "0.5")  # fmt: skip
    assert said.out.startswith("wrote `out.jsonl`: 2 documents, 1 of them dropped\n")
    assert Path("out.jsonl").read_text() == '{"body": "x"}\n'
    assert "what stands in other fields of the lines" in said.out
    Path("c.txt").write_text("x\n")
    said = assent("redact", "a.txt", "c.txt", "--out", "out")
    assert said.out.splitlines()[:3] == [
        "wrote `a.txt`: 1 document",
        "wrote `c.txt`: 1 document",
        "in all: 2 documents, 0 of them dropped",
    ]
    assert sorted(each.name for each in Path("out").iterdir()) == ["a.txt", "c.txt"]


def test_what_is_done_before_an_error_is_said(here, assent):
    Path("b.txt").write_bytes(b"Anna \xff Lee")

    said = assent("redact", "a.txt", "b.txt", "--out", "out")

    assert said.code == 2
    assert said.out == "wrote `a.txt`: 1 document\n"
    assert said.errors == ["error: `b.txt` is not UTF-8: line 1, byte 6"]
    assert [each.name for each in Path("out").iterdir()] == ["a.txt"]
    Path("b.txt").write_bytes(b"Anna Lee")
    assert assent("redact", "a.txt", "b.txt", "--out", "out").code == 2
    again = assent("redact", "a.txt", "b.txt", "--out", "out", "--resume")
    assert again.out.startswith("wrote `b.txt`: 1 document\n")
    assert assent("redact", "a.txt", "b.txt", "--out", "out", "--force").code == 0


def test_a_key_is_drawn_for_its_owner_alone_and_used_again(here, assent):
    command = ["redact", "a.txt", "--style", "corpus", "--key", "k", "--out"]

    first = assent(*command, "b.txt")
    again = assent(*command, "c.txt")

    assert "note: drew a key and wrote it to `k`" in first.err
    assert "note" not in again.err
    assert stat.S_IMODE(Path("k").stat().st_mode) == 0o600
    assert Path("b.txt").read_text() == Path("c.txt").read_text()
    assert len(PLACEHOLDER.findall(Path("b.txt").read_text())) == 2
    assert "[email-" in Path("b.txt").read_text()
    Path("k").chmod(0o640)
    said = assent(*command, "d.txt")
    assert said.errors == ["error: `k` is a key that others may read"]
    Path("k").write_bytes(b"short")
    Path("k").chmod(0o600)
    assert "holds 5 bytes" in assent(*command, "d.txt").errors[0]


def test_a_recogniser_finds_who_is_in_no_directory(here, assent):
    Path("b.txt").write_text("I met Michael Johnson in Berlin.\n\nso it goes on\n")
    command = ["redact", "b.txt", "--recogniser", "own", "--force", "--out"]

    for jobs in (1, 2):
        said = assent(*command, "c.txt", "--jobs", jobs)
        assert said.code == 0
        assert Path("c.txt").read_text() == "I met [name] in Berlin.\n\nso it goes on\n"
    assert "names that the recogniser misses" in said.out
    assert "any name" not in said.out


def test_an_empty_directory_is_named(here, assent):
    Path("nobody.txt").touch()

    said = assent("redact", "a.txt", "--directory", "nobody.txt", "--out", "b.txt")

    assert "note: `nobody.txt` has no entry to look for" in said.err
    assert said.code == 0


@pytest.mark.parametrize(
    ("command", "fault", "hint"),
    [
        ("a.txt", "no place for the result", "--out"),
        ("b.txt --out c.txt", "there is no file `b.txt`", "path"),
        (". --out c.txt", "`.` is a folder", "files in it"),
        ("a.txt - --out c.txt", "`-` stands beside other files", "alone"),
        ("a.txt a.txt --out c", "two files are called `a.txt`", "one by one"),
        ("a.txt b.jsonl --out people.csv", "`people.csv` is no folder", "folder"),
        ("a.txt b.jsonl --out -", "`-` is no folder", "folder"),
        ("people.csv --out c.txt", "does not say its format", "--format"),
        ("a.txt --out c.jsonl", "it holds text", "format"),
        ("c.parquet --out c.parquet.gz", "it holds parquet", "format"),
        ("c.parquet --out -", "Parquet is no stream", "file"),
        ("a.txt --out a.txt --force", "`a.txt` is read", "--out"),
        ("a.txt --out people.csv --directory people.csv --force", "is read", "--out"),
        ("a.txt --out /dev/null --force", "`null` is no ordinary file", "`-`"),
        ("a.txt --out old.txt", "`old.txt` exists already", "--force"),
        ("a.txt --out c.txt --force --resume", "exclude each other", "one"),
        ("a.txt --out c.txt --column x", "plain text has no columns", "--column"),
        ("b.jsonl --out c.jsonl --near x", "no entry of a directory", "subject_id"),
        ("b.jsonl --out c.jsonl --column x", "line 1: there is no `x`", "JSON"),
        ("c.parquet --out d.parquet --column x", "has no column `x`", "`text`"),
        ("a.txt --out c.txt --style corpus", "needs a key", "--key"),
        ("a.txt --out c.txt --key k", "`--key` is for pseudonyms", "--style"),
        ("a.txt --out c.txt --longest 1e-05", "longer than 1e-05 MB", "--longest"),
        ("a.txt --out c.txt --directory b.csv", "there is no file `b.csv`", "path"),
        ("a.txt --out c.txt --recogniser mine", "no recogniser `mine`", "person"),
        ("a.txt --out c.txt --recogniser .", "holds no token classifier", "save"),
        ("a.txt --out c.txt --drop-above 2", "not in the range", "--help"),
        ("a.txt --out c.txt --jobs 0", "not in the range", "--help"),
    ],
)
def test_what_cannot_be_done_is_one_error_and_writes_nothing(
    here, assent, command, fault, hint
):
    Path("b.jsonl").write_text('{"text": "Anna Lee"}\n')
    Path("old.txt").write_text("old")
    written(here / "c.parquet", pa.table({"text": ["Anna Lee"]}))
    before = {name: Path(name).read_bytes() for name in names()}

    said = assent("redact", *command.split())

    assert said.code == 2
    assert len(said.errors) == len(said.hints) == 1, said.err
    assert fault in said.errors[0]
    assert hint in said.hints[0]
    assert "Anna" not in said.err
    assert str(here) not in said.err
    assert said.out == ""
    assert {name: Path(name).read_bytes() for name in names()} == before


def piped(text, *arguments, code=0):
    """Run the command in a process of its own, between two pipes."""
    command = [sys.executable, "-m", "assent", "redact", *arguments]
    ran = subprocess.run(command, input=text, capture_output=True, check=False)
    assert ran.returncode == code, ran.stderr.decode()
    return ran.stdout, ran.stderr.decode()


def test_a_pipe_carries_the_result_and_nothing_else(here):
    out, err = piped(TEXT.encode(), "-", "--directory", "people.csv")
    assert out == b"[name], [email]: see [url]\n"
    assert (
        "in all: 1 document, 0 of them dropped\nreplaced: 1 email, 1 url, 1 name" in err
    )
    assert "wrote" not in err

    out, err = piped(b'{"a": {"b": "Anna Lee, a@b.example"}}\n', "-", "--column", "a.b")
    assert out == b'{"a": {"b": "Anna Lee, [email]"}}\n'

    out, err = piped(b"x\n\nAnna \xff", "-", code=2)
    assert "error: `-` is not UTF-8: line 3, byte 6\n" in err

    out, err = piped(b"", "a.txt", "--out", "-")
    assert out == b"Anna Lee, [email]: see [url]\n"
    piped(TEXT.encode(), "-", "--out", "b.txt")
    assert Path("b.txt").read_bytes() == out


def test_a_reader_who_goes_away_ends_it_without_a_word(here):
    source = many(here / "large.txt", 2000)
    command = [sys.executable, "-m", "assent", "redact", str(source), "--out", "-"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        os.read(process.stdout.fileno(), 1)
        process.stdout.close()
        err = process.stderr.read().decode()
    assert process.returncode == 1  # as for any command in a pipe
    assert "Traceback" not in err
    assert "error" not in err


def test_two_processes_write_the_same_file(here, assent):
    many(here / "large.jsonl", 1200)

    for jobs in (1, 2):
        said = assent("redact", "large.jsonl", "--out", f"{jobs}.jsonl", "--jobs", jobs)
        assert said.code == 0, said.err

    assert Path("1.jsonl").read_bytes() == Path("2.jsonl").read_bytes()
    assert "2 processes" in said.out


@pytest.mark.shared
def test_real_messages_are_redacted_and_stay_so(shared, here, assent):
    rows = pq.read_table(shared / "data/ubuntu-irc/ubuntu-irc.parquet").slice(0, 5000)
    written(here / "irc.parquet", rows)

    said = assent("redact", "irc.parquet", "--out", "once.parquet")
    again = assent("redact", "once.parquet", "--out", "twice.parquet")

    assert said.code == 0
    assert "replaced: nothing" in again.out
    once = pq.read_table("once.parquet")
    assert once.drop_columns(["text"]).equals(rows.drop_columns(["text"]))
    assert once.equals(pq.read_table("twice.parquet"))
    assert sum("://" in (text or "") for text in once["text"].to_pylist()) == 0
