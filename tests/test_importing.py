"""Files of events are imported whole or not, each event once, whatever kills it."""

import random
import shutil
import signal
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

from assent import Project
from assent.demo.seeded import UnsafeSeededRandomness
from assent.demo.story import StoryClock
from assent.errors import LedgerError, UsageError
from assent.sources import events
from assent.terms import DAY
from killed_import import BATCH, run_and_kill
from small_project import CONFIG, START, opened, write_export

pytest_plugins = ("command_line",)

NOTICE = "ab" * 32
AT = START + DAY
PEOPLE = [f"u{n:02}" for n in range(1, 13)]


def row(subject_id, kind="refused", at=0, **said):
    return {"subject_id": subject_id, "kind": kind, "happened_at": AT + at, **said}


HISTORY = [
    *(row(who, "enrolled") for who in PEOPLE),
    *(row(who, "notice_served", 1, notice=NOTICE) for who in PEOPLE),
    row("u03", "given", 2, notice=NOTICE, category="post"),
    row("u04", "withdrawn", 3),
    row("u05", "residence_changed", 4, country="US"),
]


def write(path, rows):
    names = dict.fromkeys(name for each in rows for name in each)
    table = pa.table({name: [each.get(name) for each in rows] for name in names})
    if path.suffix == ".csv":
        csv.write_csv(table, path)
    else:
        pq.write_table(table, path)
    return path


@pytest.fixture(scope="session")
def loaded_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("loaded") / "toy"
    made = Project.init(
        folder,
        config=CONFIG,
        clock=StoryClock(START),
        randomness=UnsafeSeededRandomness(7),
    )
    with made as project:
        project.load("parquet", *write_export(folder.parent / "export"))
    return folder


@pytest.fixture
def loaded(loaded_once, tmp_path):
    """A project where nobody is enrolled."""

    return Path(shutil.copytree(loaded_once, tmp_path / "loaded"))


def said(project):
    """What the ledger says, without numbers and times of recording."""
    table = project.place.book.events(project.place.book.size)
    return [
        {
            name: value
            for name, value in each.items()
            if name not in ("entry", "recorded_at") and value not in (None, "*")
        }
        for each in table.to_pylist()
    ]


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_what_a_file_says_is_in_the_ledger_once(loaded, tmp_path, suffix):
    path = write(tmp_path / f"events{suffix}", HISTORY)
    with opened(loaded) as project:
        [done] = project.import_events([path])
        assert (done.appended, done.before) == (len(HISTORY), 0)
        assert said(project) == HISTORY
        head = project.place.book.head()

        [again] = project.import_events([path])

        assert (again.appended, again.before) == (0, len(HISTORY))
        assert again.line(False) == f"{path.name}: imported before, nothing to do"
        assert project.place.book.head() == head
        project.place.book.check()


def test_an_import_is_decided_on_as_what_was_recorded(loaded, tmp_path):
    with opened(loaded) as project:
        project.import_events([write(tmp_path / "e.csv", HISTORY)])
        assert project.place.enrolled("u01")
        [given] = [each for each in said(project) if each["kind"] == "given"]
        assert given["category"] == "post"


def test_nothing_is_appended_where_one_row_of_any_file_is_bad(loaded, tmp_path):
    good = write(tmp_path / "a.parquet", HISTORY)
    bad = write(tmp_path / "b.csv", [row("u03"), row("u03", "gave")])
    with opened(loaded) as project:
        with pytest.raises(LedgerError, match=r"`b\.csv`, row 2: kind") as caught:
            project.import_events([good, bad])

        assert caught.value.message.endswith("; nothing was appended")
        assert project.place.book.size == 0
        assert project.place.vault.is_empty()


def test_whom_no_verifier_could_name_is_refused_before_anything_is_appended(
    loaded, tmp_path
):
    documents, subjects = write_export(tmp_path / "export")
    table = pq.read_table(subjects)
    ids = pa.array(["u\u200b01", *table["subject_id"].to_pylist()[1:]])
    named = table.set_column(0, table.schema.field("subject_id"), ids)
    pq.write_table(named, subjects)
    rows = [row("u02", "enrolled"), row("u\u200b01")]
    with opened(loaded) as project:
        project.load("parquet", documents, subjects)
        with pytest.raises(LedgerError, match="row 2: .*is not printed") as caught:
            project.import_events([write(tmp_path / "e.csv", rows)], enrol=True)

        assert caught.value.message.endswith("; nothing was appended")
        assert project.place.book.size == 0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([row("u03")], "row 1: subject `u03` was never enrolled"),
        ([row("u03"), row("u03", "enrolled")], "row 1: subject `u03` was never"),
        ([row("zoe", "enrolled")], "row 1: its subject_id is not among the loaded"),
        (
            [row("u03", "enrolled"), row("u03", "enrolled")],
            "row 2: subject `u03` is enrolled already",
        ),
    ],
)
def test_an_event_of_a_stranger_is_refused_by_row(loaded, tmp_path, rows, message):
    with opened(loaded) as project, pytest.raises(LedgerError) as caught:
        project.import_events([write(tmp_path / "e.csv", rows)])

    assert message in caught.value.message


def test_words_in_the_place_of_an_id_are_not_repeated(loaded, tmp_path):
    words = "I was so ill that year"
    path = write(tmp_path / "e.csv", [row("u01", "enrolled"), row(words)])
    with opened(loaded) as project, pytest.raises(LedgerError) as caught:
        project.import_events([path], enrol=True)

    assert caught.value.message.startswith("`e.csv`, row 2: its subject_id is not")
    assert words not in caught.value.message + caught.value.hint


def test_whoever_is_new_is_enrolled_at_her_first_event_when_asked(loaded, tmp_path):
    rows = [row("u03"), row("u04", at=1), row("u03", "withdrawn", 2)]
    with opened(loaded) as project:
        [done] = project.import_events([write(tmp_path / "e.csv", rows)], enrol=True)

        assert (done.appended, done.newcomers) == (5, 2)
        assert [(e["subject_id"], e["kind"]) for e in said(project)] == [
            ("u03", "enrolled"),
            ("u03", "refused"),
            ("u04", "enrolled"),
            ("u04", "refused"),
            ("u03", "withdrawn"),
        ]
        project.place.book.check()


def test_a_check_writes_nothing(loaded, tmp_path):
    path = write(tmp_path / "e.parquet", HISTORY)
    with opened(loaded) as project:
        [done] = project.import_events([path], only_check=True)

        assert done.line(True) == f"e.parquet: {len(HISTORY)} events as wanted"
        assert project.place.book.size == 0
        assert project.place.book.marked(f"import:{events_sha(path)}") == 0


def events_sha(path):
    return events.fingerprint(events.Part(path, path.name)).sha256


def test_an_event_id_counts_once_over_all_files(loaded, tmp_path):
    rows = [{**each, "event_id": f"e-{n}"} for n, each in enumerate(HISTORY)]
    first = write(tmp_path / "a.parquet", rows[:20])
    # A later export of everything, in another form, with one row twice.
    second = write(tmp_path / "b.csv", [*rows, rows[-1]])
    with opened(loaded) as project:
        done = project.import_events([first, second])

        assert [each.appended for each in done] == [20, len(HISTORY) - 20]
        assert done[1].known == 21
        assert "21 known by their event_id" in done[1].line(False)
        assert said(project) == HISTORY


def test_an_event_id_with_another_event_is_refused(loaded, tmp_path):
    rows = [{**each, "event_id": f"e-{n}"} for n, each in enumerate(HISTORY)]
    with opened(loaded) as project:
        project.import_events([write(tmp_path / "a.csv", rows)])
        head = project.place.book.head()
        other = [row("u04", "refused", 9, event_id="e-25")]

        with pytest.raises(LedgerError, match="row 1: its event_id was imported"):
            project.import_events([write(tmp_path / "b.csv", other)])
        assert project.place.book.head() == head


def test_an_id_stands_with_its_event_also_where_somebody_is_enrolled_first(
    loaded, tmp_path
):
    rows = [
        row("u03", event_id="a"),
        row("u03", "withdrawn", 1),
        row("u04", at=2, event_id="b"),
    ]
    path = write(tmp_path / "a.csv", rows)
    with opened(loaded) as project:
        project.import_events([path], enrol=True)
        book = project.place.book
        kept = [number for (number,) in book._store.rows("SELECT number FROM ids")]
        assert sorted(kept) == [1, 4]
        assert [entry[2]["subject_id"] for entry in book.events_of("u04")] == [
            "u04",
            "u04",
        ]

        book.shred("u03")

        assert book._store.rows("SELECT number FROM ids") == [(4,)]


def test_event_ids_are_kept_under_a_key_and_not_as_they_are(loaded, tmp_path):
    rows = [{**each, "event_id": f"mail-{n}@x"} for n, each in enumerate(HISTORY)]
    with opened(loaded) as project:
        project.import_events([write(tmp_path / "a.csv", rows)])
        kept = project.place.book._store.rows("SELECT event, said FROM ids")

    assert len(kept) == len(HISTORY)
    assert {(len(event), len(said)) for event, said in kept} == {(32, 16)}
    assert not any("mail" in event or b"mail" in said for event, said in kept)


def test_a_lost_key_of_event_ids_is_not_drawn_anew(loaded, tmp_path):
    rows = [{**each, "event_id": f"mail-{n}@x"} for n, each in enumerate(HISTORY)]
    with opened(loaded) as project:
        project.import_events([write(tmp_path / "a.csv", rows)])
        (loaded / "secrets" / "import.key").unlink()

        with pytest.raises(LedgerError, match="`import` is missing"):
            project.import_events([write(tmp_path / "b.csv", rows[:-1])])

        assert project.place.book.size == len(HISTORY)


def test_the_same_file_under_two_names_counts_once(loaded, tmp_path):
    first = write(tmp_path / "a.csv", HISTORY)
    (tmp_path / "b.csv").write_bytes(first.read_bytes())
    with opened(loaded) as project:
        done = project.import_events([first, tmp_path / "b.csv", first])

        assert [each.name for each in done] == ["a.csv"]
        assert project.place.book.size == len(HISTORY)


def test_what_was_appended_before_a_late_refusal_is_said(loaded, tmp_path, monkeypatch):
    monkeypatch.setattr(events, "BATCH", 5)
    rows = [row(who, "enrolled", n) for n, who in enumerate(PEOPLE)]
    path = write(tmp_path / "e.csv", rows)

    def progress(what, done, total):
        # Another program enrols u11 when all rows are checked.
        if (what, done) == ("events checked", len(rows)):
            with opened(loaded) as other:
                other.record("enrolled", ["u11"])

    with opened(loaded) as project:
        with pytest.raises(LedgerError) as caught:
            project.import_events([path], progress=progress)

        assert "row 11: subject `u11` is enrolled already" in caught.value.message
        assert caught.value.message.endswith(
            "; nothing of its batch was appended; 10 events before it were"
        )
        assert project.place.book.size == 11
        project.place.book.check()


def test_nothing_can_be_imported_before_people_are_loaded(tmp_path):
    made = Project.init(tmp_path / "toy", config=CONFIG, clock=StoryClock(START))
    with made as project, pytest.raises(UsageError, match="no documents are loaded"):
        project.import_events([write(tmp_path / "e.csv", HISTORY)])


# -- killed ----------------------------------------------------------------------------


def test_killed_at_random_instants_each_event_is_there_once(loaded, tmp_path):
    rng, total, kills = random.Random(11), 1_000, 0
    rows = [row(rng.choice(PEOPLE), at=n) for n in range(total)]
    path = write(tmp_path / "e.csv", rows)

    code = -signal.SIGKILL
    while code == -signal.SIGKILL:
        # A line for the file found, and one for each batch that is checked again.
        checked = 1 + (total - marked(loaded, path)) // BATCH
        code = run_and_kill(
            loaded, path, max(checked + rng.choice([-2, 0, 1, 2, 3, 4]), 0)
        )
        kills += code != 0
        with opened(loaded) as project:
            project.place.book.check()
    assert code == 0
    assert kills >= 10

    with opened(loaded) as project:
        found = [e for e in said(project) if e["kind"] == "refused"]
        assert found == rows
        assert len(said(project)) == total + len(PEOPLE)
        assert project.import_events([path], enrol=True)[0].appended == 0


def marked(folder, path):
    with opened(folder) as project:
        return project.place.book.marked(f"import:{events_sha(path)}")


# -- the command -----------------------------------------------------------------------


def test_the_command_says_what_became_of_each_file(loaded, tmp_path, assent):
    folder = tmp_path / "export"
    folder.mkdir()
    write(folder / "1.parquet", HISTORY[:20])
    write(folder / "2.csv", HISTORY[20:])

    checked = assent("--project", loaded, "ledger", "import", folder, "--check")
    assert checked.code == 0
    assert checked.out.splitlines()[-1] == "checked, and nothing was appended"

    done = assent("--project", loaded, "ledger", "import", folder)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[:2] == [
        "export/1.parquet: 20 events appended",
        f"export/2.csv: {len(HISTORY) - 20} events appended",
    ]
    assert lines[2].startswith(f"ledger: {len(HISTORY)} entries, head ")
    assert "events imported" in done.err

    again = assent("--project", loaded, "ledger", "import", folder)
    assert again.out.count("imported before, nothing to do") == 2


def test_the_command_names_the_bad_row_and_what_to_do(loaded, tmp_path, refuses):
    path = write(tmp_path / "e.csv", [row("u03"), row("u03")])

    found = refuses(
        loaded,
        *("ledger", "import", path),
        found="`e.csv`, row 1: subject `u03` was never enrolled; nothing was appended",
        hint="--enrol",
    )
    assert found.code == 2
