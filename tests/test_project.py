"""The flow through `assent.Project` on a toy platform, and what a crash leaves."""

import json
import shutil

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from assent import Project
from assent.demo.seeded import StoryClock
from assent.errors import (
    CorpusError,
    DeniedError,
    LedgerError,
    PolicyError,
    TrainError,
    UsageError,
)
from assent.project.place import PERSONAL
from assent.terms import Event, EventKind
from assent.verify import verify_bundle
from small_project import (
    BUILT_AT,
    CONFIG,
    PERMITTED,
    POLICY,
    SECRET_WORDS,
    START,
    digests,
    documents,
    leftovers,
    made_of,
    opened,
    recorded,
    refused,
    somebody,
    trained,
    write_export,
    write_policy,
)

pytest_plugins = ("toy_projects",)


def weights(project):
    """The digest of each shard's last state."""
    model = project.place.served_model()
    folder = project.place.model_folder(model["model_id"])
    return {
        (each["group"], each["shard"]): each["digest"]
        for each in json.loads((folder / "model.json").read_bytes())["shards"]
    }


# --- the flow ------------------------------------------------------------------------


def test_the_whole_flow_ends_with_proofs_that_verify(toy, tmp_path):
    with opened(toy, 1) as project:
        leaver = somebody(project, "de-fr", 1)
        project.record("withdrawn", [leaver])
        repaired = project.forget(oracle=True)
        verdicts = {
            who: project.prove(who, tmp_path / f"{who}.json")
            for who in ("u07", "u11", leaver)
        }
        status = project.status()

    assert repaired.bit_identical is True
    assert verdicts == {"u07": "used", "u11": "absent", leaver: "absent"}
    for who, verdict in verdicts.items():
        found = verify_bundle((tmp_path / f"{who}.json").read_bytes())
        assert str(found.verdict) == verdict
    assert status["unfinished"] == "nothing"
    assert status["model"] == repaired.model_id


def test_a_bundle_shows_on_request_what_the_build_knew_of_her(toy, tmp_path):
    plain, whole = tmp_path / "plain.json", tmp_path / "whole.json"
    with opened(toy, 1) as project:
        first = project.status()["model"]
        project.record("withdrawn", ["u07"])
        withdrawn = project.place.book.size - 1
        project.forget()
        project.prove("u07", plain)
        project.prove("u07", whole, consent=True)
        assert project.prove("u07", tmp_path / "old.json", first) == "used"

    said = "\n".join(verify_bundle(whole.read_bytes()).steps)
    # The corpus of the repair knew the withdrawal, and that is why she is not in it.
    assert f"the last of them entry {withdrawn}; " in said
    assert "`withdrawn`" in said
    assert said.count("in the knowledge of") == 2
    assert "in the knowledge of" not in "\n".join(
        verify_bundle(plain.read_bytes()).steps
    )


def test_every_document_has_one_decision_and_people_are_counted(fresh):
    with opened(fresh) as project:
        counted = project.count()

    assert [row[:3] for row in counted] == [
        ["legitimate_interests", "eu-interests", 18],
        ["legitimate_interests", "us-interests", 12],
        ["region_unknown", "", 4],
        ["never", "private_message", 11],
        ["no_rule", "", 3],
    ]


def test_an_old_decision_can_be_asked_again(fresh):
    with opened(fresh, 1) as project:
        size = project.place.book.size
        project.record("withdrawn", ["u01"])
        then = project.decide(as_of=BUILT_AT, ledger_size=size)
        now = project.decide()
        with pytest.raises(LedgerError, match="never had"):
            project.decide(ledger_size=size + 2)
        with pytest.raises(LedgerError, match="never had"):
            project.decide(ledger_size=-1)

    reasons = [dict.fromkeys(t["reason"].to_pylist()) for t in (then, now)]
    assert "withdrawn" not in reasons[0]
    assert "withdrawn" in reasons[1]


def test_nobodys_name_reaches_the_corpus(toy):
    with opened(toy) as project:
        corpus = project.place.corpus_folder(project.place.latest_corpus()["corpus_id"])
    texts = pq.read_table(corpus / "parts/us/0.parquet")["text"].to_pylist()

    assert texts
    assert all(SECRET_WORDS in text for text in texts)
    assert not any("Person Number" in text or "@" in text for text in texts)


def test_training_again_finds_the_model_and_writes_nothing(toy):
    before = digests(toy)
    with opened(toy, 1) as project:
        entry = project.train().entry
        assert project.place.book.size == entry + 1

    assert digests(toy) == before


def test_two_projects_with_one_seed_have_the_same_bytes(toy, tmp_path):
    recorded(tmp_path / "again" / "toy")
    with opened(tmp_path / "again" / "toy") as project:
        project.build()
        project.train()

    assert made_of(tmp_path / "again" / "toy") == made_of(toy)


def test_each_step_says_what_comes_next(tmp_path):
    folder = tmp_path / "toy"
    clock = StoryClock(START)
    with Project.init(folder, config=CONFIG, clock=clock) as project:
        assert project.status()["next"] == "assent load"
        project.load("parquet", *write_export(tmp_path / "export"))
        assert project.status()["next"] == "assent policy publish FILE"
        project.publish(write_policy(folder))
        assert project.status()["next"] == "assent record, then assent build"
        project.build()
        assert project.status()["next"] == "assent train"
        project.train()
        assert project.status()["next"] == "assent ask, assent prove"


def test_a_platform_where_nobody_is_permitted_serves_the_clean_base(tmp_path):
    folder, clock = tmp_path / "toy", StoryClock(START)
    with Project.init(folder, config=CONFIG, clock=clock) as project:
        project.load("parquet", *write_export(tmp_path / "export"))
        project.publish(write_policy(folder))
        built = project.build()
        project.train()
        answer = project.ask("hello", 4)

    assert built.manifest.counts.documents_used == 0
    assert answer.clean_base
    assert answer.lines() == ["serving: the clean base, trained on nobody"]


# --- forgetting ----------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 1, 2])
def test_the_repaired_model_is_the_one_that_never_saw_her(toy, index):
    with opened(toy, 1) as project:
        leaver = somebody(project, "de-fr", index)
        before = weights(project)
        project.record("withdrawn", [leaver])
        repaired = project.forget(oracle=True)
        after = weights(project)

        assert repaired.certificate.shards[0].slice_index == index
        assert repaired.bit_identical is True
        assert after["de-fr", 0] != before["de-fr", 0]
        assert after["us", 0] == before["us", 0]
        assert leaver not in trained(project)
    assert "bit-identical: yes" in repaired.lines()
    assert leftovers(toy) == []


def test_two_people_leave_one_after_the_other(toy):
    models = []
    with opened(toy, 1) as project:
        first, second = somebody(project, "de-fr", 2), somebody(project, "de-fr", 0)
    for day, leaver in ((1, first), (2, second)):
        with opened(toy, day) as project:
            project.record("withdrawn", [leaver])
            repaired = project.forget(oracle=True)
            assert repaired.bit_identical is True
            models.append(repaired.model_id)

    with opened(toy, 3) as project:
        assert {first, second} & trained(project).keys() == set()
        assert project.forget().certificate is None
    assert [path.name for path in (toy / "models").iterdir()] == models[1:]


def test_someone_in_no_slice_gives_nothing_to_do(toy):
    before = made_of(toy)
    with opened(toy, 1) as project:
        project.record("withdrawn", ["u11"])
        repaired = project.forget(oracle=True)

    assert repaired.certificate is None
    assert "nothing to do" in repaired.lines()[0]
    assert made_of(toy) == before
    assert leftovers(toy) == []


def test_a_shard_that_becomes_empty_goes_back_to_the_clean_base(toy):
    with opened(toy, 1) as project:
        people = [who for who, each in trained(project).items() if each.group == "us"]
        project.record("withdrawn", people)
        repaired = project.forget(oracle=True)
        answer = project.ask("hello", 4)

    assert repaired.bit_identical is True
    assert [each.served for each in repaired.certificate.shards] == [False]
    assert answer.serving == {"de-fr": [0]}


def test_when_everybody_leaves_the_clean_base_is_what_is_left(toy, tmp_path):
    with opened(toy, 1) as project:
        project.record("withdrawn", list(PERMITTED))
        assert project.ask("hello", 4).clean_base
        repaired = project.forget()
        assert project.ask("hello", 4).clean_base
        assert project.prove("u01", tmp_path / "u01.json") == "absent"

    assert repaired.subjects == len(PERMITTED)


def test_the_words_of_who_left_are_in_no_file_of_the_project(toy):
    with opened(toy, 1) as project:
        project.record("withdrawn", ["u07"])
        project.forget()

    with_words = [
        path.relative_to(toy).as_posix()
        for path in (toy / "corpora").rglob("*.parquet")
        if path.parent.parent.name == "parts"
        and any("u07 wrote" in text for text in pq.read_table(path)["text"].to_pylist())
    ]
    assert with_words == []


def test_a_document_that_the_platform_no_longer_has_is_forgotten(toy, tmp_path):
    paths = write_export(tmp_path / "later")
    rows = [row for row in documents().to_pylist() if row["document_id"] != "u07-0"]
    pq.write_table(documents().from_pylist(rows, schema=documents().schema), paths[0])
    with opened(toy, 1) as project:
        project.load("parquet", *paths)
        assert project.ask("x", 1).quarantined == (("us", 0),)
        repaired = project.forget()

    assert (repaired.documents, repaired.subjects) == (1, 1)


def test_who_returns_waits_for_the_next_plan(toy):
    with opened(toy, 1) as project:
        project.record("withdrawn", ["u07"])
        project.forget()
    with opened(toy, 2) as project:
        notice = project.place.folder / "notices/2025.en.md"
        project.record("given", ["u07"], notice=notice)
        assert "u07" not in trained(project)
        project.build()
        project.train()
        assert "u07" in trained(project)


# --- what is refused, and changes nothing --------------------------------------------


def test_training_on_what_is_no_longer_permitted_is_refused(fresh_corpus):
    with opened(fresh_corpus, 1) as project:
        project.record("withdrawn", ["u01"])
    error = refused(
        fresh_corpus, DeniedError, "3 documents .* withdrawn", lambda p: p.train(), 2
    )

    assert error.exit_code == 1
    assert "assent build" in error.hint
    with opened(fresh_corpus, 3) as project:
        project.build()
        project.train()
        assert "u01" not in trained(project)


def test_a_lost_model_is_not_trained_again_on_who_has_left(toy):
    with opened(toy, 1) as project:
        project.record("withdrawn", ["u01"])
    shutil.rmtree(toy / "models")

    refused(toy, DeniedError, "withdrawn", lambda project: project.train(), 2)


@pytest.mark.parametrize(
    ("action", "error", "match"),
    [
        (lambda p: p.train(), UsageError, "no corpus is built"),
        (lambda p: p.ask("x"), UsageError, "no model is trained"),
        (lambda p: p.forget(), UsageError, "no model is trained"),
        (lambda p: p.record("withdrawn", []), UsageError, "no subject is named"),
        (lambda p: p.record("withdrawn", ["eve"]), LedgerError, "not among the loaded"),
        (lambda p: p.record("wavered", ["u01"]), LedgerError, "kind `wavered`"),
        (lambda p: p.record("corpus_built", ["u01"]), LedgerError, "one subject"),
        (lambda p: p.record("given", ["u01"]), LedgerError, "says no notice"),
        (lambda p: p.record("enrolled", ["u01"]), LedgerError, "enrolled already"),
        (
            lambda p: p.record("given", ["u01"], notice="absent.md"),
            UsageError,
            "notice `absent.md` cannot be read",
        ),
        (
            lambda p: p.record("refused", ["u01"], category="poem"),
            LedgerError,
            "category `poem` is not declared",
        ),
        (
            lambda p: p.record("refused", ["u01"], happened_at="yesterday"),
            UsageError,
            "no instant",
        ),
        (
            lambda p: p.record("refused", ["u01"], happened_at="2031-01-01T00:00:00Z"),
            LedgerError,
            "more than a day",
        ),
        (lambda p: p.decide(recipients=["eve"]), LedgerError, "not declared"),
        (lambda p: p.suspend("x", ["Mars"]), PolicyError, "region `Mars`"),
        (lambda p: p.suspend("x", []), UsageError, "needs a name and a region"),
        (lambda p: p.suspend(" ", ["DE"]), UsageError, "needs a name and a region"),
        (lambda p: p.lift("x"), LedgerError, "no order `x`"),
        (lambda p: p.sql("oracle"), UsageError, "dialect"),
        (lambda p: p.load("gopher"), UsageError, "source"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    fresh, action, error, match
):
    refused(fresh, error, match, action)


@pytest.mark.parametrize(("said", "kept"), [("FR", "FR"), ("unknown", None)])
def test_a_move_is_recorded_with_its_country_or_that_it_is_unknown(fresh, said, kept):
    with opened(fresh) as project:
        [number] = project.record("residence_changed", ["u01"], country=said)
        row = project.place.book.events(number + 1).to_pylist()[-1]

    assert (row["kind"], row["country"]) == ("residence_changed", kept)


def test_who_moves_after_she_left_the_export_can_still_be_recorded(fresh, tmp_path):
    documents_path, subjects_path = write_export(tmp_path / "export")
    rest = pq.read_table(subjects_path).filter(pc.field("subject_id") != "u01")
    pq.write_table(rest, subjects_path)
    with opened(fresh) as project:
        project.load("parquet", documents_path, subjects_path)

        assert len(project.record("residence_changed", ["u01"], country="US")) == 1


def test_a_notice_of_an_event_that_is_refused_is_not_kept(fresh, tmp_path):
    (tmp_path / "new.md").write_text("# another notice")

    refused(
        fresh,
        LedgerError,
        "not among the loaded",
        lambda p: p.record("given", ["eve"], notice=tmp_path / "new.md"),
    )


def test_all_events_are_recorded_or_none(fresh):
    events = [Event(EventKind.REFUSED, BUILT_AT, who) for who in ("u01", "eve")]

    refused(fresh, LedgerError, "`eve`", lambda project: project.record_events(events))


@pytest.mark.parametrize(
    ("old", "new", "error", "match"),
    [
        ("slices = 3", "slices = 0", UsageError, "wanted more than 0"),
        ("heads = 2", "heads = 3", TrainError, "even number a head"),
        ("tokens_per_subject = 512", "tokens_per_subject = 3", TrainError, "window"),
    ],
)
def test_a_configuration_that_is_no_plan_builds_nothing(fresh, old, new, error, match):
    path = fresh / "assent.toml"
    path.write_text(path.read_text().replace(old, new))
    before = digests(fresh)
    with pytest.raises(error, match=match), opened(fresh) as project:
        project.build()

    assert digests(fresh) == before


def test_a_build_without_documents_or_policy_leaves_nothing_begun(tmp_path):
    folder = tmp_path / "toy"
    Project.init(folder, config=CONFIG, clock=StoryClock(START)).close()
    refused(folder, UsageError, "no documents", lambda project: project.build())
    with opened(folder) as project:
        project.load("parquet", *write_export(tmp_path / "export"))
    refused(folder, UsageError, "no policy", lambda project: project.build())


def test_a_policy_that_allows_nothing_builds_nothing(fresh):
    nothing = POLICY.split("[[allow]]")[0].replace("2025-03", "2025-04")
    with opened(fresh) as project:
        project.publish(write_policy(fresh, nothing, "none.toml"))

    refused(fresh, UsageError, "allows nothing", lambda project: project.build())


def test_loaded_tables_that_were_changed_are_not_built_from(fresh):
    rows = documents().to_pylist()
    rows[0]["subject_id"] = "u02"
    path = fresh / "data/000001/documents.parquet"
    pq.write_table(documents().from_pylist(rows, schema=documents().schema), path)

    refused(fresh, CorpusError, "was loaded", lambda project: project.build())


def test_an_export_that_is_refused_leaves_the_load_before(fresh, tmp_path):
    paths = write_export(tmp_path / "bad")
    rows = documents().to_pylist()
    rows[1]["document_id"] = rows[0]["document_id"]
    pq.write_table(documents().from_pylist(rows, schema=documents().schema), paths[0])

    refused(
        fresh, CorpusError, "repeat a document_id", lambda p: p.load("parquet", *paths)
    )


def test_a_project_is_not_made_twice_nor_over_a_ledger(fresh):
    before = digests(fresh)
    with pytest.raises(UsageError, match="already"):
        Project.init(fresh)
    assert digests(fresh) == before

    (fresh / "assent.toml").rename(fresh / "elsewhere.toml")
    with pytest.raises(LedgerError, match="without an `assent.toml`"):
        Project.init(fresh, config=CONFIG)
    (fresh / "elsewhere.toml").rename(fresh / "assent.toml")
    assert digests(fresh) == before


def test_an_invalid_configuration_makes_no_folder(tmp_path):
    with pytest.raises(UsageError, match="origin"):
        Project.init(tmp_path / "toy", origin="two words")

    assert list(tmp_path.iterdir()) == []


def test_a_folder_name_with_a_quote_is_a_name(tmp_path):
    with Project.init(tmp_path / 'a "b" c') as project:
        assert project.status()["project"] == 'a "b" c'


def test_what_people_wrote_is_in_folders_for_their_owner_alone(tmp_path):
    with Project.init(tmp_path / "mine") as project:
        folder = project.place.folder

    modes = {name: (folder / name).stat().st_mode & 0o777 for name in PERSONAL}
    assert set(modes.values()) == {0o700}
