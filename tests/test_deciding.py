"""Decisions of a project: written, counted, and told as changes."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assent.errors import LedgerError, UsageError
from assent.sources.schema import DOCUMENTS
from assent.terms import PROVED
from small_project import BUILT_AT, documents, opened, subjects

pytest_plugins = ("toy_projects",)


def test_decisions_are_written_and_read_back(fresh, tmp_path):
    with opened(fresh) as project:
        decisions = project.decide()
        pins = project.write_decisions(tmp_path / "rows.parquet")
        counted = project.count(written=tmp_path / "rows.parquet")

        assert counted == project.count()
    written = pq.read_table(tmp_path / "rows.parquet").sort_by("document_id")
    assert written.to_pylist() == decisions.to_pylist()
    assert (tmp_path / "rows.parquet").stat().st_mode & 0o777 == 0o600
    assert pins.line().startswith("decided as of 2025-03-11T00:00:00Z, as known at")
    assert {path.name for path in tmp_path.iterdir()} == {"fresh", "rows.parquet"}


def test_the_permitted_documents_are_written_as_they_were_loaded(fresh, tmp_path):
    with opened(fresh) as project:
        allowed = {
            row["document_id"]
            for row in project.decide().to_pylist()
            if row["reason"] in PROVED
        }
        project.write_decisions(tmp_path / "used.parquet", permitted=True)

    rows = pq.read_table(tmp_path / "used.parquet").to_pylist()
    expected = [row for row in documents().to_pylist() if row["document_id"] in allowed]
    assert sorted(rows, key=lambda row: row["document_id"]) == expected


def changed(project, tmp_path, **asked):
    project.write_decisions(tmp_path / "changes.parquet", **asked)
    rows = pq.read_table(tmp_path / "changes.parquet").to_pylist()
    return {row["document_id"]: (row["change"], row["reason"]) for row in rows}


def test_a_withdrawal_is_all_that_changed_since_a_file_or_a_head(fresh, tmp_path):
    with opened(fresh) as project:
        size, root = project.place.book.size, project.place.book.head().root.hex()
        project.write_decisions(tmp_path / "rows.parquet")
    with opened(fresh, 1) as project:
        project.record("withdrawn", ["u01"])
        expected = {f"u01-{n}": ("changed", "withdrawn") for n in range(3)}

        by_file = changed(project, tmp_path, since=str(tmp_path / "rows.parquet"))
        again = changed(project, tmp_path, since=str(tmp_path / "changes.parquet"))
        assert by_file == expected
        assert again == {}  # a file of changes is where the next step begins
        for head in (str(size), root, root[:8]):
            assert changed(project, tmp_path, since=head, since_at=BUILT_AT) == expected
        assert project.count_changes(tmp_path / "changes.parquet") == [
            ["changed", "withdrawn", "eu-interests", 3]
        ]


def test_a_new_load_tells_what_is_new_and_what_is_gone(fresh, tmp_path):
    with opened(fresh) as project:
        size = project.place.book.size
        project.write_decisions(tmp_path / "rows.parquet")
        table = documents()
        more = table.slice(0, 1).to_pylist()[0] | {"document_id": "u01-new"}
        later = pa.concat_tables(
            [table.slice(1), pa.Table.from_pylist([more], schema=DOCUMENTS)]
        )
        pq.write_table(later, tmp_path / "documents.parquet")
        pq.write_table(subjects(), tmp_path / "subjects.parquet")
        project.load(
            "parquet", tmp_path / "documents.parquet", tmp_path / "subjects.parquet"
        )
        expected = {
            "u01-0": ("gone", None),
            "u01-new": ("new", "legitimate_interests"),
        }

        assert expected == changed(
            project, tmp_path, since=str(tmp_path / "rows.parquet")
        )
        assert expected == changed(
            project, tmp_path, since=str(size - 1), since_at=BUILT_AT
        )


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"since": "no-such-file"}, LedgerError, "names 0 heads"),
        ({"since": "999"}, LedgerError, "never had 999"),
        ({"since": "assent.toml"}, UsageError, "does not say what was asked"),
        ({"recipients": ["partner"]}, UsageError, "for ourselves under"),
    ],
)
def test_a_step_from_what_was_not_asked_is_refused(
    fresh, tmp_path, change, error, words
):
    rows, out = tmp_path / "rows.parquet", tmp_path / "changes.parquet"
    with opened(fresh) as project:
        project.write_decisions(rows)
        asked = {"since": str(rows)} | change
        if asked["since"] == "assent.toml":
            asked["since"] = str(project.place.folder / "assent.toml")

        with pytest.raises(error, match=words):
            project.write_decisions(out, **asked)
    assert not out.exists()
