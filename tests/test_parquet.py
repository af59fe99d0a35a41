"""Loads: whole or absent, and read back."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assent.errors import CorpusError
from assent.files import file_sha256
from assent.sources.export import check_tables
from assent.sources.parquet import Counts, open_tables, write_tables
from assent.sources.schema import DOCUMENTS, SUBJECTS

POSTS = {"post"}
T = 1_700_000_000_000_000


def documents(*ids: str) -> list[pa.RecordBatch]:
    return [
        pa.RecordBatch.from_pylist(
            [
                {
                    "document_id": each,
                    "subject_id": "s1",
                    "category": "post",
                    "created_at": T,
                    "text": f"text of {each}",
                    "mentions": ["s2"],
                }
            ],
            schema=DOCUMENTS,
        )
        for each in ids
    ]


def subjects(*ids: str) -> list[pa.RecordBatch]:
    rows = [{"subject_id": each, "country": "DE", "names": [each]} for each in ids]
    return [pa.RecordBatch.from_pylist(rows, schema=SUBJECTS)]


def loaded(folder: Path) -> Path:
    write_tables(documents("d1", "d2"), subjects("s1", "s2"), folder, "parquet")
    return folder


# --- write and read back


def test_what_is_written_is_read_back(tmp_path):
    counts = write_tables(documents("d1", "d2"), subjects("s1"), tmp_path, "simulated")
    tables = open_tables(tmp_path)

    assert counts == tables.counts == Counts(documents=2, subjects=1)
    assert tables.source == "simulated"
    assert tables.documents_sha256 == file_sha256(tables.documents)
    assert pq.read_table(tables.documents).to_batches()[0].schema == DOCUMENTS
    assert pq.read_table(tables.documents)["document_id"].to_pylist() == ["d1", "d2"]
    assert pq.read_table(tables.subjects)["names"].to_pylist() == [["s1"]]
    tables.check_digests()


def test_an_empty_export_is_a_load_of_nothing(tmp_path):
    assert write_tables([], [], tmp_path, "parquet") == Counts(0, 0)

    tables = open_tables(tmp_path)
    tables.check_digests()
    assert check_tables(tables.documents, tables.subjects, POSTS) == Counts(0, 0)


def test_the_same_rows_make_the_same_bytes(tmp_path):
    first, second = loaded(tmp_path / "a"), loaded(tmp_path / "b")

    assert (first / "tables.json").read_bytes() == (second / "tables.json").read_bytes()


def test_a_finished_load_leaves_three_files(tmp_path):
    names = sorted(path.name for path in loaded(tmp_path).iterdir())

    assert names == ["documents.parquet", "subjects.parquet", "tables.json"]


def test_a_second_load_replaces_the_first(tmp_path):
    loaded(tmp_path)
    write_tables(documents("d9"), subjects("s9"), tmp_path, "simulated")

    assert open_tables(tmp_path).counts == Counts(1, 1)
    assert open_tables(tmp_path).source == "simulated"


def test_an_id_that_stands_twice_is_refused_and_nothing_is_changed(tmp_path):
    loaded(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    with pytest.raises(CorpusError, match="2 rows of documents repeat a document_id"):
        write_tables(documents("d1", "d2", "d1", "d1"), [], tmp_path, "parquet")
    with pytest.raises(CorpusError, match="such as `s1`"):
        write_tables([], subjects("s1", "s1"), tmp_path, "parquet")

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_export_that_breaks_half_way_leaves_no_load(tmp_path):
    def broken():
        yield from documents("d1")
        raise CorpusError("the export broke")

    with pytest.raises(CorpusError, match="broke"):
        write_tables(broken(), subjects("s1"), tmp_path, "parquet")

    assert list(tmp_path.iterdir()) == []


# --- crash at each step


@pytest.mark.parametrize("left", [(), ("subjects",), ("subjects", "documents")])
def test_a_folder_without_the_seal_holds_no_load_whatever_else_it_holds(tmp_path, left):
    loaded(tmp_path)
    (tmp_path / "tables.json").unlink()
    for table in {"subjects", "documents"} - set(left):
        (tmp_path / f"{table}.parquet").rename(tmp_path / f".{table}.parquet.draft")

    with pytest.raises(CorpusError, match="no finished load") as caught:
        open_tables(tmp_path)

    assert "again" in caught.value.hint
    assert open_tables(loaded(tmp_path)).counts == Counts(2, 2)  # loading again heals


def test_drafts_beside_a_finished_load_do_not_disturb_it(tmp_path):
    loaded(tmp_path)
    (tmp_path / ".documents.parquet.draft").write_bytes(b"half")

    open_tables(tmp_path).check_digests()


# --- tampering


@pytest.mark.parametrize("name", ["documents.parquet", "subjects.parquet"])
def test_a_file_that_is_missing_cut_off_or_changed_is_named(tmp_path, name):
    path = loaded(tmp_path) / name
    whole = path.read_bytes()

    path.write_bytes(whole[:-5])
    with pytest.raises(CorpusError, match=name):
        open_tables(tmp_path)
    path.unlink()
    with pytest.raises(CorpusError, match=name):
        open_tables(tmp_path)
    path.write_bytes(whole[:60] + bytes([whole[60] ^ 1]) + whole[61:])
    with pytest.raises(CorpusError, match=f"`{name}` has sha256"):
        open_tables(tmp_path).check_digests()


def test_another_file_with_another_count_is_found_without_hashing(tmp_path):
    loaded(tmp_path / "a")
    write_tables(documents("d1"), subjects("s1"), tmp_path / "b", "parquet")
    (tmp_path / "a" / "documents.parquet").write_bytes(
        (tmp_path / "b" / "documents.parquet").read_bytes()
    )

    with pytest.raises(CorpusError, match="holds 1 rows, but 2 were loaded"):
        open_tables(tmp_path / "a")


@pytest.mark.parametrize(
    "seal", [b"", b"{", b"[]", b"{}", b'{"source":"x","documents":3,"subjects":{}}']
)
def test_a_seal_that_is_no_seal_is_refused(tmp_path, seal):
    (loaded(tmp_path) / "tables.json").write_bytes(seal)

    with pytest.raises(CorpusError, match="cannot be read"):
        open_tables(tmp_path)


def test_the_seal_is_canonical_json_with_the_source(tmp_path):
    seal = json.loads((loaded(tmp_path) / "tables.json").read_text())

    assert seal.keys() == {"v", "source", "documents", "subjects"}
    assert seal["documents"].keys() == {"rows", "sha256"}
