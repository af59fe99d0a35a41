"""Every row of a corpus derived again: honest corpora, and many that are not."""

import json

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from assent.canon import sha256
from assent.corpus.tables import part_path
from forged import built_by_a_liar, forge
from small_names import KEEP
from small_names import project as make_named
from small_project import (
    POLICY,
    corpus_of,
    digests,
    opened,
    somebody,
    write_policy,
)

pytest_plugins = ("toy_projects", "command_line")

TABLE = "commitment.parquet"
US, EU = part_path(("us", 0)), part_path(("de-fr", 0))


def audit(folder, days=1, corpus_id=None):
    with opened(folder, days) as project:
        return project.audit_corpus(corpus_id)


def lied(folder, monkeypatch, changes, **counts):
    with opened(folder) as project:
        built_by_a_liar(
            project, monkeypatch, lambda corpus: forge(corpus, changes, **counts)
        )


def renamed(column, old, new):
    """Put another value where one stands in a column."""

    def change(table):
        at = table.column_names.index(column)
        values = [new if v == old else v for v in table[column].to_pylist()]
        return table.set_column(
            at, table.schema.field(column), pa.array(values, table[column].type)
        )

    return change


def more(row_like, **values):
    """Add a row that is as another one but for some values."""

    def change(table):
        [row] = table.filter(pc.equal(table["document_id"], row_like)).to_pylist()
        new = pa.Table.from_pylist([row | values], schema=table.schema)
        return pa.concat_tables([table, new]).sort_by("document_id")

    return change


def test_every_row_of_an_honest_corpus_is_derived_and_nothing_is_written(toy):
    before = digests(toy)
    found = audit(toy)

    assert found.derivable
    assert (found.rows, found.wrong, found.faults, found.notes) == (30, {}, (), ())
    assert found.not_permitted == {}
    assert digests(toy) == before


def test_what_was_withdrawn_since_was_permitted_then(toy):
    with opened(toy, 1) as project:
        who = somebody(project, "us", 1)
        project.record("withdrawn", [who])
        found = project.audit_corpus()

    assert found.derivable
    assert found.not_permitted == {"withdrawn": 3}
    assert who not in "\n".join(found.lines())
    assert "no longer permitted" in found.lines()[-1]


def test_a_repaired_corpus_is_derived_and_of_the_old_one_what_it_commits_to(toy):
    with opened(toy, 1) as project:
        old = corpus_of(project)
        project.record("withdrawn", [somebody(project, "us", 1)])
        project.suspend("order-1", ["DE", "FR"])  # out with her group, not forgotten
        project.forget()
        new = corpus_of(project)
    repaired, erased = audit(toy, 2, new), audit(toy, 2, old)

    assert repaired.derivable
    assert (repaired.rows, repaired.not_permitted) == (27, {})
    assert erased.derivable
    assert (erased.rows, erased.not_permitted) == (30, {"withdrawn": 3})
    assert erased.notes == ("its texts were erased: no text was compared",)


def test_after_an_erasure_the_rest_is_derived_and_it_is_said(toy, tmp_path):
    with opened(toy, 1) as project:
        who, old = somebody(project, "us", 1), corpus_of(project)
        project.record("erased", [who])
        project.forget()
        assert project.erase(who, tmp_path / "hers").bundles
        for corpus_id in (old, corpus_of(project)):
            found = project.audit_corpus(corpus_id)
            assert found.derivable
            assert found.rows == 27
            assert "an erasure has left" in found.notes[0]


def test_a_later_load_changes_what_is_permitted_now_and_not_then(toy, tmp_path):
    with opened(toy, 1) as project:
        documents = pq.read_table(project.place.tables().documents)
        subjects = pq.read_table(project.place.tables().subjects)
        left = documents.filter(pc.not_equal(documents["document_id"], "u07-0"))
        for name, table in (("d", left), ("s", subjects)):
            pq.write_table(table, tmp_path / name)
        project.load("parquet", tmp_path / "d", tmp_path / "s")
        found = project.audit_corpus()

    assert found.derivable
    assert found.not_permitted == {"no_record": 1}


def test_a_row_that_was_smuggled_into_a_part_is_named(toy, assent):
    with opened(toy) as project:
        path = project.place.corpus_folder(corpus_of(project)) / US
    table = more("u07-0", document_id="u11-0", subject_id="u11")(pq.read_table(path))
    pq.write_table(table, path)
    said = assent("--project", toy, "audit", "corpus")

    assert said.code == 1
    assert "not derivable, unlisted: 1 (`u11-0`)" in said.out
    assert "fault: the part `parts/us/0.parquet` of" in said.out
    assert "u11 " not in said.out


def test_a_row_that_no_rule_permits_is_named_though_every_digest_fits(
    fresh, monkeypatch
):
    text = sha256(b"smuggled")
    lied(
        fresh,
        monkeypatch,
        {
            US: more("u07-0", document_id="u11-0", subject_id="u11", text="smuggled"),
            TABLE: more(
                "u07-0", document_id="u11-0", subject_id="u11", text_sha256=text
            ),
        },
        documents_used=31,
    )
    found = audit(fresh)

    assert found.wrong == {"no_rule": ["u11-0"]}
    assert found.faults == ()
    assert found.not_permitted == {"no_rule": 1}


def test_a_private_message_and_an_invented_document_are_named(fresh, monkeypatch):
    names = {"u07-0": "u07-3", "u08-0": "nowhere"}
    changes = {
        path: lambda table: renamed("document_id", "u08-0", names["u08-0"])(
            renamed("document_id", "u07-0", names["u07-0"])(table)
        )
        for path in (US, TABLE)
    }
    lied(fresh, monkeypatch, changes)
    found = audit(fresh)

    assert found.wrong == {
        "never": ["u07-3"],
        "no_record": ["nowhere"],
    }


@pytest.mark.parametrize("paths", [(US,), (US, TABLE)])
def test_a_row_that_was_moved_to_another_subject_is_named(fresh, monkeypatch, paths):
    lied(fresh, monkeypatch, {p: of_another("u07-0", "u08") for p in paths})
    found = audit(fresh)

    assert found.wrong == {"another_subject": ["u07-0"]}
    assert found.not_permitted == {}


def of_another(document, subject):
    def change(table):
        rows = table.to_pylist()
        for row in rows:
            if row["document_id"] == document:
                row["subject_id"] = subject
        return pa.Table.from_pylist(rows, schema=table.schema)

    return change


def test_a_row_in_another_slice_than_the_plan_draws_is_named(fresh, monkeypatch):
    lied(
        fresh,
        monkeypatch,
        {path: renamed("slice", 0, 9) for path in (US, TABLE)},
    )
    found = audit(fresh)

    assert set(found.wrong) == {"another_place"}


def test_a_text_that_is_not_the_committed_one_is_named(fresh, monkeypatch):
    def change(table):
        rows = table.to_pylist()
        rows[0]["text"] += " and more"
        return pa.Table.from_pylist(rows, schema=table.schema)

    lied(fresh, monkeypatch, {US: change})
    found = audit(fresh)

    assert found.wrong == {"another_text": ["u07-0"]}


def test_rows_that_a_part_lacks_and_wrong_counts_are_named(fresh, monkeypatch):
    lied(fresh, monkeypatch, {EU: lambda table: table.slice(1)}, documents_used=31)
    found = audit(fresh)

    assert found.wrong == {"missing": ["u01-0"]}
    assert found.faults == (
        "the manifest counts 31 rows, and the corpus commits to 30",
    )


def test_a_part_that_is_not_listed_is_a_fault(toy):
    with opened(toy) as project:
        path = project.place.corpus_folder(corpus_of(project)) / US
    path.with_name("7.parquet").write_bytes(path.read_bytes())

    assert audit(toy).faults == ("the file `parts/us/7.parquet` is not listed",)


@pytest.mark.parametrize("how", ["cut", "gone", "flipped"])
def test_a_part_that_was_changed_or_is_gone_is_a_fault(toy, how):
    with opened(toy) as project:
        path = project.place.corpus_folder(corpus_of(project)) / US
    data = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        half = len(data) // 2
        flipped = data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :]
        other = data[:-40] if how == "cut" else flipped
        path.write_bytes(other)
    found = audit(toy)

    assert not found.derivable
    assert "parts/us/0.parquet" in found.faults[0]


def test_a_policy_that_was_altered_is_refused(toy, refuses):
    with opened(toy) as project:
        [version] = project.place.versions()
    path = toy / "objects" / version.policy.digest
    path.write_bytes(path.read_bytes().replace(b"DE", b"BR"))

    refuses(toy, "audit", "corpus", found="missing or changed", hint="backup")


def test_a_corpus_under_a_policy_that_was_not_in_force_is_a_fault(fresh, monkeypatch):
    monkeypatch.setattr(
        "assent.project.building.policies_in_force", lambda *_: ("0" * 64,)
    )
    with opened(fresh) as project:
        project.build()
    monkeypatch.undo()
    found = audit(fresh)

    assert found.wrong == {}
    assert found.faults == (
        "the policies that it names are not those that were in force",
    )


def test_a_new_policy_counts_now_and_not_then(toy):
    later = POLICY.replace("2025-03", "2025-04").replace(
        '["post", "comment"]', '["post"]'
    )
    with opened(toy, 1) as project:
        project.publish(write_policy(toy, later, "2025-04.toml"), "a test")
        found = project.audit_corpus()

    assert found.derivable
    assert found.not_permitted == {"no_rule": 10}


@pytest.mark.parametrize("name", [TABLE, "manifest.json", "files.jsonl"])
def test_what_the_ledger_pins_is_not_audited_when_it_was_changed(toy, refuses, name):
    with opened(toy) as project:
        path = project.place.corpus_folder(corpus_of(project)) / name
    path.write_bytes(path.read_bytes() + b" ")

    refuses(toy, "audit", "corpus", hint="again")


def test_a_load_that_is_gone_and_an_unknown_corpus_are_refused(toy, fresh, refuses):
    refuses(toy, "audit", "corpus", "corpus-x", found="no corpus `corpus-x` is logged")
    refuses(fresh, "audit", "corpus", found="no corpus is built yet")
    path = toy / "data/000001/documents.parquet"
    changed = of_another("u07-0", "u08")(pq.read_table(path))
    pq.write_table(changed, path)

    refuses(toy, "audit", "corpus", found="has sha256", hint="restore")


def test_the_command_gives_json(toy, assent):
    said = assent("--project", toy, "audit", "corpus", "--json")
    value = json.loads(said.out)

    assert said.code == 0
    assert value["derivable"] is True
    assert value["rows"] == 30
    assert value["wrong"] == {}


def test_names_that_stay_are_derived_with_who_agreed_then(tmp_path):
    folder = tmp_path / "toy"
    text = "I walked with Ben Berg along the river, and we swam in it."
    make_named(folder, {"u01-0": text, "u02-0": "The river was high."}, KEEP)
    with opened(folder) as project:
        notice = folder / "notices/2025.en.md"
        for who in ("u02", "u04"):
            project.record("given", [who], notice=notice, category="name")
        project.build()
        assert project.audit_corpus().not_permitted == {}
    with opened(folder, 1) as project:
        project.record("withdrawn", ["u02"], category="name")
        found = project.audit_corpus()

    assert found.derivable
    assert found.not_permitted == {"name_not_agreed": 1}
