"""The flow through `assent.Project` on a toy platform, and what a crash leaves."""

import json
import shutil

import pyarrow.parquet as pq
import pytest

from assent import Project
from assent.demo.seeded import StoryClock, UnsafeSeededRandomness
from assent.errors import (
    CorpusError,
    DeniedError,
    LedgerError,
    PolicyError,
    TrainError,
    UsageError,
)
from assent.ledger.book import Book
from assent.terms import DAY, Event, EventKind
from assent.verify import verify_bundle
from small_project import (
    BUILT_AT,
    CONFIG,
    PERMITTED,
    POLICY,
    SECRET_WORDS,
    START,
    Stop,
    StopAt,
    StoppedError,
    digests,
    documents,
    leftovers,
    opened,
    recorded,
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


def made_of(folder):
    """Everything that two runs must have in common: corpora, models, plans."""
    return {
        name: value
        for name, value in digests(folder).items()
        if name.startswith(("corpora/", "models/", "objects/"))
    }


def kinds(project):
    return [event.kind for event in project.place.book.public_events()]


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


def test_every_document_has_one_decision_and_people_are_counted(fresh):
    with opened(fresh) as project:
        counted = project.count_decisions(project.decide())

    assert [row[:3] for row in counted] == [
        ["legitimate_interests", "eu-interests", 18],
        ["legitimate_interests", "us-interests", 12],
        ["region_unknown", "", 4],
        ["never", "private_message", 11],
        ["no_rule", "", 3],
    ]


def test_decisions_are_written_and_read_back(fresh, tmp_path):
    with opened(fresh) as project:
        decisions = project.decide()
        project.write_decisions(decisions, tmp_path / "rows.parquet")

    assert pq.read_table(tmp_path / "rows.parquet").to_pylist() == (
        decisions.to_pylist()
    )


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


def refused(folder, error, match, action, days=1):
    before = digests(folder)
    with opened(folder, days) as project, pytest.raises(error, match=match) as caught:
        action(project)
    assert digests(folder) == before
    return caught.value


def test_training_on_what_is_no_longer_permitted_is_refused(toy, fresh_corpus):
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


@pytest.fixture
def fresh_corpus(fresh, tmp_path_factory):
    """A project with a corpus and no model."""
    with opened(fresh) as project:
        project.build()
    folder = tmp_path_factory.mktemp("corpus") / "toy"
    return shutil.copytree(fresh, folder)


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


# --- tampering -----------------------------------------------------------------------


def test_a_person_who_is_left_out_of_the_commitment_is_missed(toy):
    (path,) = toy.glob("corpora/*/commitment.parquet")
    rows = pq.read_table(path)
    pq.write_table(rows.filter(pq.pc.field("subject_id") != "u01"), path) if hasattr(
        pq, "pc"
    ) else pq.write_table(rows.slice(3), path)

    for action in (lambda p: p.ask("x"), lambda p: p.forget()):
        refused(toy, CorpusError, "commitment.parquet", action)


def test_a_manifest_that_the_ledger_does_not_name_is_refused(toy, fresh):
    with opened(fresh, 1) as project:
        project.record("withdrawn", ["u01"])
        project.build()
    (other,) = (fresh / "corpora").iterdir()
    (mine,) = (toy / "corpora").iterdir()
    shutil.rmtree(mine)
    shutil.copytree(other, mine)

    refused(toy, CorpusError, "not the one that the ledger names", lambda p: p.ask("x"))


def test_the_checkpoints_of_another_model_are_not_served(toy, tmp_path):
    old = shutil.copytree(toy / "models", tmp_path / "models")
    with opened(toy, 1) as project:
        project.record("withdrawn", ["u07"])
        project.forget()
    (before,), (after,) = old.iterdir(), (toy / "models").iterdir()
    shard = after / "us.000"
    shutil.rmtree(shard)
    shutil.copytree(before / "us.000", shard)

    refused(toy, TrainError, "was logged with", lambda project: project.ask("x"), 2)
    shutil.copyfile(before / "model.json", after / "model.json")
    refused(toy, TrainError, "the ledger says", lambda project: project.ask("x"), 2)
    refused(toy, TrainError, "the ledger says", lambda project: project.forget(), 2)


def test_a_model_of_another_plan_is_not_served(toy, tmp_path):
    other = tmp_path / "other" / "toy"
    recorded(other)
    text = (other / "assent.toml").read_text()
    (other / "assent.toml").write_text(text.replace("seed = 1", "seed = 2"))
    with opened(other) as project:
        project.build()
        project.train()
    (mine,), (theirs,) = (toy / "models").iterdir(), (other / "models").iterdir()
    shutil.rmtree(mine / "us.000")
    shutil.copytree(theirs / "us.000", mine / "us.000")

    refused(toy, TrainError, "was logged with", lambda project: project.ask("x"))


def test_a_plan_that_was_changed_is_refused(toy):
    with opened(toy) as project:
        event = next(project.place.events_of(EventKind.PLAN_SEALED))
    path = toy / "objects" / event.body["sha256"]
    path.write_bytes(path.read_bytes().replace(b'"seed":1', b'"seed":2'))

    refused(toy, LedgerError, "missing or changed", lambda project: project.ask("x"))


def test_a_lost_key_is_named_and_not_drawn_again(toy):
    with opened(toy, 1) as project:
        project.record("withdrawn", ["u01"])
    (toy / "secrets/plan-1.key").unlink()
    refused(toy, LedgerError, "key `plan-1` is missing", lambda p: p.forget(), 2)

    (toy / "secrets/signing.key").unlink()
    before = digests(toy)
    with pytest.raises(LedgerError, match="`signing` is missing"), opened(toy):
        pass
    assert digests(toy) == before


def test_a_host_of_another_class_is_refused_before_anything_is_written(
    toy, monkeypatch
):
    with opened(toy, 1) as project:
        project.record("withdrawn", ["u01"])
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")

    refused(toy, TrainError, "cannot reproduce", lambda project: project.forget(), 2)
    shutil.rmtree(toy / "models")


# --- killed at any step --------------------------------------------------------------


def number_of_calls(folder, action, days, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "counted")
    stop = Stop()
    with opened(copy, days) as project:
        action(project, stop)
    return len(stop.calls), made_of(copy)


def killed_at_every_call(folder, action, days, tmp_path, unfinished):
    """Stop at each call of the progress in turn, reopen, and finish."""
    count, wanted = number_of_calls(folder, action, days, tmp_path)
    for at in range(1, count + 1):
        copy = shutil.copytree(folder, tmp_path / f"stopped-{at}")
        with opened(copy, days) as project, pytest.raises(StoppedError):
            action(project, Stop(at))
        with opened(copy, days) as project:
            assert project.status()["unfinished"] == unfinished, at
            assert project.status()["next"].startswith(f"assent {unfinished}")
            action(project, Stop())
            project.place.book.check()
            assert project.status()["unfinished"] == "nothing"
        assert leftovers(copy) == [], at
        assert made_of(copy) == wanted, at
        shutil.rmtree(copy)


def test_a_build_that_is_killed_at_any_call_ends_with_the_same_bytes(fresh, tmp_path):
    killed_at_every_call(
        fresh, lambda project, stop: project.build(stop), 0, tmp_path, "build"
    )


def test_training_that_is_killed_ends_with_the_same_bits(fresh_corpus, tmp_path):
    _, wanted = number_of_calls(
        fresh_corpus, lambda project, stop: project.train(stop), 1, tmp_path
    )
    # How often training reports depends on the clock: it is killed again and again,
    # each time one call later, until it ends.
    for at in range(1, 20):
        with opened(fresh_corpus, 1) as project:
            stop = Stop(at)
            try:
                project.train(stop)
            except StoppedError:
                assert project.status()["unfinished"] == "train"
            else:
                break

    assert at > 1
    assert leftovers(fresh_corpus) == []
    assert made_of(fresh_corpus) == wanted


def test_a_repair_that_is_killed_at_every_call_ends_the_same(toy, tmp_path):
    with opened(toy, 1) as project:
        project.record("withdrawn", ["u07"])
    _, wanted = number_of_calls(
        toy, lambda project, stop: project.forget(True, stop), 2, tmp_path
    )
    # The corpus first: each run goes on from the one before, and stops a call later.
    # What is done is skipped, so the later stops are told by what they are about.
    stops = [*map(Stop, range(1, 8)), *map(StopAt, ("slices", "oracle"))]
    for stop in (*stops, StopAt("oracle", done=True)):
        with opened(toy, 2) as project, pytest.raises(StoppedError):
            project.forget(True, stop)
        with opened(toy, 2) as project:
            assert project.status()["unfinished"] == "forget"
            # Still in quarantine, whatever was done.
            assert ("us", 0) in project.ask("x", 1).quarantined
    with opened(toy, 2) as project:
        assert project.forget(oracle=True).bit_identical is True
        assert project.status()["unfinished"] == "nothing"

    assert leftovers(toy) == []
    assert made_of(toy) == wanted


def fail_once(monkeypatch, kind):
    """Let the ledger fail once, when this kind of event is to be appended."""
    whole, failed = Book.publish, []

    def publish(self, found, happened_at, body):
        if found is kind and not failed:
            failed.append(kind)
            raise StoppedError(f"before {kind} is logged")
        return whole(self, found, happened_at, body)

    monkeypatch.setattr(Book, "publish", publish)


@pytest.mark.parametrize("kind", [EventKind.PLAN_SEALED, EventKind.CORPUS_BUILT])
def test_a_build_that_is_killed_before_its_entry_is_logged(
    fresh, tmp_path, kind, monkeypatch
):
    _, wanted = number_of_calls(fresh, lambda p, stop: p.build(stop), 0, tmp_path)
    fail_once(monkeypatch, kind)
    with opened(fresh) as project:
        with pytest.raises(StoppedError):
            project.build()
        assert project.status()["unfinished"] == "build"
    with opened(fresh) as project:
        project.build()
        assert kinds(project).count(kind) == 1

    assert made_of(fresh) == wanted
    assert leftovers(fresh) == []


def test_a_model_that_was_not_logged_is_logged_by_the_next_run(
    fresh_corpus, monkeypatch
):
    fail_once(monkeypatch, EventKind.MODEL_TRAINED)
    with opened(fresh_corpus, 1) as project:
        with pytest.raises(StoppedError):
            project.train()
        assert project.status()["unfinished"] == "train"
        with pytest.raises(UsageError, match="no model"):
            project.ask("x")
        entry = project.train().entry
        assert project.train().entry == entry

    assert leftovers(fresh_corpus) == []


@pytest.mark.parametrize("kind", [EventKind.CORPUS_BUILT, EventKind.MODEL_REPAIRED])
def test_a_repair_that_is_killed_before_its_entry_is_logged(toy, kind, monkeypatch):
    with opened(toy, 1) as project:
        project.record("withdrawn", ["u07"])
        fail_once(monkeypatch, kind)
        with pytest.raises(StoppedError):
            project.forget()
        assert project.status()["unfinished"] == "forget"
        if kind is EventKind.MODEL_REPAIRED:
            # The latest corpus is the repair's: to train it would be half a repair.
            with pytest.raises(UsageError, match="repair is unfinished"):
                project.train()
        project.forget()
        assert kinds(project).count(kind) == 1 + (kind is EventKind.CORPUS_BUILT)
        assert "u07" not in trained(project)

    assert leftovers(toy) == []


def test_who_withdraws_while_training_stands_still_leaves_no_weights(fresh_corpus):
    with opened(fresh_corpus, 1) as project, pytest.raises(StoppedError):
        project.train(Stop(2))
    with opened(fresh_corpus, 2) as project:
        project.record("withdrawn", ["u01"])
        with pytest.raises(DeniedError):
            project.train()
        project.build()
        project.train()
        model = project.place.served_model()["model_id"]

    assert [path.name for path in (fresh_corpus / "models").iterdir()] == [model]
    assert leftovers(fresh_corpus) == []


def test_an_interrupted_build_of_other_tables_begins_anew(fresh, tmp_path):
    with opened(fresh) as project, pytest.raises(StoppedError):
        project.build(Stop(6))
    with opened(fresh, 1) as project:
        project.load("parquet", *write_export(tmp_path / "later"))
        built = project.build()
        assert built.manifest.request.as_of == BUILT_AT  # the same tables: continued

    copy = shutil.copytree(fresh, tmp_path / "copy")
    with opened(copy, 2) as project, pytest.raises(StoppedError):
        project.build(Stop(6))
    text = (copy / "assent.toml").read_text()
    (copy / "assent.toml").write_text(text.replace("steps = 2", "steps = 1"))
    with opened(copy, 3) as project:
        built = project.build()
        project.train()
        assert built.manifest.request.as_of == BUILT_AT + 3 * DAY
    assert leftovers(copy) == []


def test_a_load_during_a_repair_does_not_change_what_is_certified(toy, tmp_path):
    with opened(toy, 1) as project:
        project.record("withdrawn", ["u07"])
        with pytest.raises(StoppedError):
            project.forget(progress=Stop(8))
    paths = write_export(tmp_path / "later")
    rows = [row for row in documents().to_pylist() if row["subject_id"] != "u01"]
    pq.write_table(documents().from_pylist(rows, schema=documents().schema), paths[0])
    with opened(toy, 2) as project:
        project.load("parquet", *paths)
        first = project.forget()
        second = project.forget()

    assert (first.subjects, second.subjects) == (1, 1)
    assert {each.group for each in first.certificate.shards} == {"us"}
    assert {each.group for each in second.certificate.shards} == {"de-fr"}


@pytest.mark.parametrize("draws", range(1, 3))
def test_a_project_whose_making_was_killed_can_be_made_again(tmp_path, draws):
    count = 0

    def randomness(size):
        nonlocal count
        count += 1
        if count == draws:
            raise StoppedError("power")
        return bytes([count]) * size

    folder = tmp_path / "toy"
    if draws == 1:
        with pytest.raises(StoppedError):
            Project.init(folder, config=CONFIG, randomness=randomness)
        assert not (folder / "assent.toml").exists()
    Project.init(folder, config=CONFIG, randomness=UnsafeSeededRandomness(1)).close()

    with Project.open(folder) as project:
        assert project.place.book.size == 0


def test_an_emptied_ledger_is_not_begun_anew_under_people(fresh):
    (fresh / "ledger.db").write_bytes(b"")
    with pytest.raises(LedgerError), opened(fresh):
        pass


def test_a_private_body_that_was_removed_is_missed(fresh):
    with opened(fresh, 1) as project:
        project.record("withdrawn", ["u01"])
        last = project.place.book.size - 1
        project.place.book._connection.execute(
            "DELETE FROM bodies WHERE number = ?", (last,)
        )
    with pytest.raises(LedgerError, match="a body was removed|private bodies"):
        Project.open(fresh)
