"""A person is erased when nothing holds her any more, and then nothing is left."""

import json
import os
import random
import shutil
import signal

import pyarrow.parquet as pq
import pytest

from assent.corpus.manifest import SHREDDED, check_parts
from assent.corpus.shred import shred_tables
from assent.errors import CorpusError, LedgerError, UsageError
from assent.ledger.book import Book
from assent.project import erasing, leaving
from assent.project.commitments import consent_in, documents_in, prove_in
from assent.project.erasing import carried_forward
from assent.project.place import MODELS, Place
from assent.project.publishing import publish
from assent.redact.directory import Directory
from assent.redact.redactor import Redactor
from assent.redact.spans import Kind
from assent.share.folder import apply as apply_change
from assent.verify import verify_bundle
from killed_erasure import run_and_kill
from small_anna import ANNA, MAIL, NAMED
from small_project import (
    Stop,
    StoppedError,
    corpus_of,
    digests,
    leftovers,
    model_of,
    opened,
    stop_once,
)
from traces import found_in as traced_in

pytest_plugins = ("command_line", "leaving_projects")


def strings(folder):
    """Read every file twice: its bytes, and of Parquet what they say."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path, path.read_bytes()
            if path.suffix == ".parquet":
                yield path, repr(pq.read_table(path).to_pylist()).encode()


def found_in(folder, *needles):
    return sorted(
        {
            path.relative_to(folder).as_posix()
            for path, data in strings(folder)
            for needle in needles
            if needle in data
        }
    )


def private_bytes(folder, subject_id=ANNA):
    """Her secret and every opening of her events."""
    with opened(folder, 2) as project:
        book = project.place.book
        openings = [row[3] for row in book.events_of(subject_id) if row[3]]
        assert len(openings) >= 2
        return [project.place.vault.secret(subject_id), *openings]


def log_of(project):
    book = project.place.book
    return list(book.entries(0, book.size)), book.head()


# -- what comes first ------------------------------------------------------------------


def test_whoever_is_in_the_model_is_not_erased_and_nothing_changes(
    anna_trained, tmp_path
):
    before = digests(anna_trained)
    with opened(anna_trained, 1) as project:
        done = project.erase(ANNA, tmp_path / "out")

    assert [line.partition(":")[0] for line in done.todo] == [
        "she has not asked for it, as far as the ledger knows",
        f"model {model(anna_trained)} was trained on 3 documents of hers",
        f"{corpus(anna_trained)} holds 3 documents of hers",
    ]
    assert f"assent record erased {ANNA}" in done.todo[0]
    assert "assent forget" in done.todo[1]
    assert digests(anna_trained) == before
    assert not (tmp_path / "out").exists()


def model(folder):
    with opened(folder, 1) as project:
        return model_of(project)


def corpus(folder):
    with opened(folder, 1) as project:
        return corpus_of(project)


def test_an_unfinished_job_comes_first(anna_gone, tmp_path):
    with opened(anna_gone, 2) as project:
        project.record("withdrawn", ["u01"])
        with pytest.raises(StoppedError):
            project.forget(progress=Stop(2))

        done = project.erase(ANNA, tmp_path / "out")

        assert done.todo == ("a job is unfinished: `assent forget` ends it",)


def test_a_handover_comes_first_until_it_is_acknowledged(anna_trained, tmp_path):
    with opened(anna_trained, 1) as project:
        project.share(corpus_of(project), "partner", tmp_path / "theirs")
        project.record("erased", [ANNA])
        project.forget()

        [todo] = project.erase(ANNA, tmp_path / "out").todo
        assert "gave 3 documents of hers to `partner`: `assent pass-on`" in todo

        passed = project.pass_on(tmp_path / "changes")
        [todo] = project.erase(ANNA, tmp_path / "out").todo
        assert "not acknowledged up to change 1" in todo

        now, key = project.place.clock(), project.place.book.verifier_key
        done = apply_change(passed.waiting[0], tmp_path / "theirs", key, now)
        project.acknowledge(done.acknowledgement)
        done = project.erase(ANNA, tmp_path / "out")

        # What was to be removed there can be shown only by the ids of what was given.
        [(share, count)] = done.records
        assert (done.todo, count) == ((), 3)
        assert f"{share}: keeps the ids of 3 documents of hers" in "\n".join(
            done.lines()
        )
        assert {
            path.partition("/")[0] for path in found_in(anna_trained, ANNA.encode())
        } == {"shares"}
        project.record("withdrawn", ["u01"])
        project.forget()
        assert project.pass_on(tmp_path / "changes").waiting


def test_a_corpus_that_nothing_uses_loses_its_texts(anna_trained, tmp_path):
    with opened(anna_trained, 1) as project:
        first = corpus_of(project)
        project.record("erased", [ANNA])
        project.forget()
        second = corpus_of(project)
        project.build()
        assert corpus_of(project) not in (first, second)

        assert project.erase(ANNA, tmp_path / "out").todo == ()

        assert project.ask("x", 1)
    assert found_in(anna_trained, ANNA.encode()) == []


@pytest.mark.parametrize(
    ("statements", "owed"),
    [([], 0), ([5], 5), ([5, 0], 0), ([0, 7], 7)],
)
def test_the_last_statement_says_what_is_owed(statements, owed):
    bodies = [{"kind": "given", "detail": {}}] + [
        {"kind": "statement_issued", "detail": {"carried_forward": amount}}
        for amount in statements
    ]

    assert carried_forward(bodies) == owed


@pytest.mark.parametrize("amount", [None, "5", -1, True, 2.5])
def test_a_statement_without_an_amount_is_not_taken_for_nothing(amount):
    body = {"kind": "statement_issued", "detail": {"carried_forward": amount}}

    with pytest.raises(LedgerError, match="no amount"):
        carried_forward([body])


def test_the_bundles_are_not_written_into_the_project(anna_gone):
    with (
        opened(anna_gone, 2) as project,
        pytest.raises(UsageError, match="inside the project"),
    ):
        project.erase(ANNA, anna_gone / "shares" / "out")


# -- erased ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def erased_once(repaired_once, tmp_path_factory):
    """A project where Anna is erased, beside it her bundles and what was before."""
    folder = tmp_path_factory.mktemp("erased")
    shutil.copytree(repaired_once, folder / "before")
    shutil.copytree(repaired_once, folder / "toy")
    with opened(folder / "toy", 2) as project:
        done = project.erase(ANNA, folder / "out")
    return folder, done


def test_no_file_of_the_project_holds_her_any_more(erased_once):
    folder, _ = erased_once
    needles = [*private_bytes(folder / "before"), ANNA.encode(), NAMED.encode()]
    assert len(found_in(folder / "before", *needles)) > 5

    assert found_in(folder / "toy", *needles, MAIL.encode()) == []
    assert leftovers(folder / "toy") == []


def test_no_byte_of_the_public_log_has_ever_told_of_her(erased_once, tmp_path):
    folder, _ = erased_once
    needles = [*private_bytes(folder / "before"), ANNA.encode(), NAMED.encode()]
    needles += [MAIL.encode(), f"{ANNA}-0".encode(), b"quicksilver marmalade"]
    with opened(folder / "before", 2) as project:
        publish(project.place, tmp_path)
        kinds = {str(each.kind) for each in project.place.book.public_events()}

    assert {"corpus_built", "model_trained", "model_repaired"} <= kinds
    assert len(traced_in(folder / "before", needles)) > 5
    assert traced_in(tmp_path, needles) == set()


def test_the_log_and_its_head_are_unchanged_and_whole(erased_once):
    folder, done = erased_once
    with opened(folder / "before", 2) as project:
        before = log_of(project)
    with opened(folder / "toy", 3) as project:
        assert log_of(project) == before
        project.place.book.check()
        assert not project.place.enrolled(ANNA)
        assert project.place.book.events_of(ANNA) == []
    assert done.entries == 3


def test_her_final_bundles_are_verified_by_herself(erased_once):
    folder, done = erased_once
    with opened(folder / "toy", 3) as project:
        key = project.place.book.verifier_key
        models = [event.body["model_id"] for event in models_of(project)]

    assert [name for name, _ in done.bundles] == [f"{m}.bundle.json" for m in models]
    verdicts = [
        str(verify_bundle((folder / "out" / name).read_bytes(), key).verdict)
        for name, _ in done.bundles
    ]
    assert verdicts == [verdict for _, verdict in done.bundles]
    for name, _ in done.bundles:
        shown = json.loads((folder / "out" / name).read_bytes())
        assert all("consent" in corpus for corpus in shown["corpora"])
    assert len(set(verdicts)) == 2  # used by the first model, not by the repaired one
    assert (folder / "out" / done.bundles[0][0]).stat().st_mode & 0o077 == 0


def models_of(project):
    return list(project.place.events_of(*MODELS))


def test_bundles_of_others_are_made_and_verified_as_before(erased_once, tmp_path):
    folder, _ = erased_once
    with opened(folder / "toy", 3) as project:
        for who in ("u01", "u02", "u08"):
            verdict = project.prove(who, tmp_path / f"{who}.json")
            assert verdict == str(
                verify_bundle((tmp_path / f"{who}.json").read_bytes()).verdict
            )
        with pytest.raises(LedgerError):
            project.prove(ANNA, tmp_path / "anna.json")


def test_what_was_known_of_others_and_used_of_theirs_is_still_proved(erased_once):
    folder, _ = erased_once
    shown = []
    for name in ("before", "toy"):
        with opened(folder / name, 3) as project:
            place, corpus_id = project.place, corpus_of(project)
            shown.append(
                [
                    (
                        consent_in(place, corpus_id, who),
                        prove_in(place, corpus_id, who),
                        documents_in(place, corpus_id, who),
                    )
                    for who in ("u01", "u02", "u08")
                ]
            )
    assert shown[0] == shown[1]
    assert all(state is not None for (state, _), _, _ in shown[1])


def test_a_second_erasure_says_that_nothing_is_held(erased_once, tmp_path):
    folder, _ = erased_once
    before = digests(folder / "toy")
    with opened(folder / "toy", 3) as project:
        done = project.erase(ANNA, tmp_path / "out")

    assert done.nothing_held
    assert done.lines() == [
        f"nothing is held about `{ANNA}`: never enrolled, or erased before"
    ]
    assert digests(folder / "toy") == before


def test_who_comes_back_gets_another_secret(erased_once, tmp_path):
    folder, _ = erased_once
    copy = shutil.copytree(folder / "toy", tmp_path / "copy")
    old = private_bytes(folder / "before")
    export = export_of(folder / "before")
    with opened(copy, 4) as project:
        project.load("parquet", *export)
        # Not enrolled, nothing said: nobody's consent outlives her erasure.
        rows = {r["reason"] for r in reasons_of(project, ANNA)}
        assert rows == {"subject_unknown"}
        project.record("enrolled", [ANNA])
        assert project.place.vault.secret(ANNA) not in old
        assert len(project.place.book.events_of(ANNA)) == 1


def export_of(folder):
    [load] = (folder / "data").glob("[0-9]*")
    return load / "documents.parquet", load / "subjects.parquet"


def reasons_of(project, subject_id):
    place = project.place
    engine = place.embedded(place.book.size)
    try:
        decided = engine.decide(place.question(place.clock(), place.book.size))
    finally:
        engine.close()
    return [r for r in decided.to_pylist() if r["subject_id"] == subject_id]


def test_decisions_about_others_and_their_texts_are_as_before(erased_once):
    folder, _ = erased_once
    decided = []
    for name in ("before", "toy"):
        with opened(folder / name, 3) as project:
            place = project.place
            place.tables().check_digests()
            people = [who for who in place.countries() if who != ANNA]
            decided.append({who: reasons_of(project, who) for who in people})
    assert decided[0] == decided[1]

    [load] = (folder / "toy" / "data").glob("[0-9]*")
    rows = {
        r["document_id"]: r
        for r in pq.read_table(load / "documents.parquet").to_pylist()
    }
    quoting = rows["u01-quoting"]
    assert quoting["text"] == (
        "I thank [name] and [email], and Person Numberu02, for the help"
    )
    assert quoting["mentions"] == [None, "u02"]
    assert quoting["in_reply_to"] is None
    [before] = (folder / "before" / "data").glob("[0-9]*")
    for each in pq.read_table(before / "documents.parquet").to_pylist():
        if ANNA not in (each["subject_id"], *(each["mentions"] or ())):
            assert rows[each["document_id"]] == each


def test_a_later_build_of_the_same_plan_has_the_texts_it_would_have_had(
    erased_once, tmp_path
):
    folder, _ = erased_once
    texts = []
    for name in ("before", "toy"):
        copy = shutil.copytree(folder / name, tmp_path / name)
        with opened(copy, 5) as project:
            built = project.build()
            texts.append(
                {
                    row["document_id"]: row["text"]
                    for path in sorted((built.folder / "parts").rglob("*.parquet"))
                    for row in pq.read_table(path).to_pylist()
                }
            )
    assert texts[0] == texts[1]
    assert "[name] and [email], and [name]" in texts[0]["u01-quoting"]


def test_corpora_stay_checkable_and_the_next_repair_works(erased_once, tmp_path):
    folder, _ = erased_once
    copy = shutil.copytree(folder / "toy", tmp_path / "copy")
    with opened(copy, 4) as project:
        check_parts(project.place.corpus_folder(corpus_of(project)))
        assert project.status()["quarantined"] == "nothing"
        project.record("erased", ["u08"])
        repaired = project.forget(oracle=True)
        assert repaired.bit_identical is True
        assert project.erase("u08", tmp_path / "out8").todo == ()
        project.place.book.check()
        project.build()
    assert found_in(copy, b"u08@people", ANNA.encode()) == []


def test_a_note_that_the_ledger_s_key_did_not_sign_is_refused(erased_once, tmp_path):
    folder, _ = erased_once
    copy = shutil.copytree(folder / "toy", tmp_path / "copy")
    notes = sorted((copy / "corpora").rglob(SHREDDED))
    assert notes
    with opened(copy, 3) as project:
        named = {path.parent.name for path in notes}
        assert corpus_of(project) in named
    for path in notes:
        text = path.read_text()
        path.write_text(text.replace('"rows":', '"rows":1', 1))
    with opened(copy, 3) as project:
        with pytest.raises(CorpusError, match=SHREDDED):
            project.ask("x", 1)
        with pytest.raises(CorpusError, match=SHREDDED):
            project.prove("u01", tmp_path / "b.json")


def test_a_table_that_an_erasure_did_not_write_is_refused(erased_once, tmp_path):
    folder, _ = erased_once
    copy = shutil.copytree(folder / "toy", tmp_path / "copy")
    path = next(iter(sorted((copy / "corpora").rglob(SHREDDED)))).parent
    table = pq.read_table(path / "dropped.parquet")
    pq.write_table(table.slice(1), path / "dropped.parquet")
    with pytest.raises(CorpusError, match="`dropped.parquet` .* not as it was written"):
        shred_tables(path, "u08", str)
    with opened(copy, 3) as project:
        project.record("erased", ["u08"])
        with pytest.raises(CorpusError, match="dropped"):
            project.forget()


def test_who_was_loaded_and_never_enrolled_goes_from_the_tables(erased_once, tmp_path):
    folder, _ = erased_once
    copy = shutil.copytree(folder / "toy", tmp_path / "copy")
    with opened(copy, 4) as project:
        project.load("parquet", *export_of(folder / "before"))
        done = project.erase(ANNA, tmp_path / "out")

        assert (done.bundles, done.entries) == ((), 0)
        assert "load 000002" in done.tables
    assert found_in(copy, ANNA.encode()) == []


# -- texts -----------------------------------------------------------------------------

HERS = {
    Kind.NAME: ["Anna Muster"],
    Kind.HANDLE: ["anna_m9"],
    Kind.EMAIL: ["anna@x.example"],
    Kind.URL: ["x.example/anna"],
    Kind.PHONE: ["+41 44 668 18 00"],
}
OTHERS = {Kind.NAME: ["Ben Muster"], Kind.HANDLE: ["ben_m7"]}
WORDS = [
    *("Anna Muster", "anna_m9", "@anna_m9", "anna@x.example", "x.example/anna"),
    *("https://x.example/anna/about?x=1", "+41 44 668 18 00", "Ben Muster", "ben_m7"),
    *(
        "https://y.example/anna_m9",
        "hello",
        "the",
        "\n> quoted Anna Muster\n",
        "(",
        ")",
    ),
    *("call 044 668 18 00", "mail:anna@x.example,", "Änna", "ben@y.example", "\n"),
]


def test_what_is_replaced_now_is_what_a_build_would_have_replaced():
    both = {kind: [*HERS[kind], *OTHERS.get(kind, [])] for kind in HERS}
    hers, others, everybody = (
        Redactor(Directory.of(values, bytes(32))) for values in (HERS, OTHERS, both)
    )
    rng = random.Random(3)
    texts = [
        " ".join(rng.choice(WORDS) for _ in range(rng.randrange(1, 12)))
        for _ in range(400)
    ]
    cleaned = hers.without(texts)

    assert hers.without(cleaned) == cleaned
    found = zip(others.redact(cleaned), everybody.redact(texts), strict=True)
    assert all(one.text == other.text for one, other in found)
    assert sum(one != other for one, other in zip(texts, cleaned, strict=True)) > 200


# -- killed ----------------------------------------------------------------------------

STEPS = [
    (erasing, "verify_bundle"),
    (Place, "begin"),
    (leaving, "leave_directories"),
    (leaving, "leave_loads"),
    (leaving, "_documents"),
    (leaving, "_sweep"),
    (erasing, "erase_text"),
    (erasing, "shred_tables"),
    (Book, "shred"),
    (Place, "finish"),
]


@pytest.mark.parametrize(("owner", "name"), STEPS, ids=lambda each: str(each)[-30:])
def test_an_erasure_that_is_killed_before_a_step_is_finished_by_the_next_run(
    anna_gone, erased_once, tmp_path, monkeypatch, owner, name
):
    stop_once(monkeypatch, owner, name)
    with opened(anna_gone, 2) as project, pytest.raises(StoppedError):
        project.erase(ANNA, tmp_path / "out")

    finished(anna_gone, erased_once, tmp_path / "out")


@pytest.mark.parametrize("at", range(1, 40, 2))
def test_an_erasure_that_is_killed_at_a_write_is_finished_by_the_next_run(
    anna_gone, erased_once, tmp_path, monkeypatch, at
):
    """Stop before the `at`-th file is given its name, wherever that is."""
    whole, calls = os.replace, []

    def replace(*paths):
        calls.append(paths)
        if len(calls) == at:
            raise StoppedError(f"before file {at}")
        return whole(*paths)

    monkeypatch.setattr(os, "replace", replace)
    with opened(anna_gone, 2) as project:
        try:
            project.erase(ANNA, tmp_path / "out")
        except StoppedError:
            assert len(calls) == at
    monkeypatch.undo()

    finished(anna_gone, erased_once, tmp_path / "out")
    assert len(calls) >= at or at > 9


@pytest.mark.parametrize("at", [1, 2, 4, 6, 8, 9, 10, 11])
def test_an_erasure_that_is_killed_outright_is_finished_by_the_next_run(
    anna_gone, erased_once, tmp_path, at
):
    code = run_and_kill(anna_gone, ANNA, tmp_path / "out", at)

    assert code == -signal.SIGKILL
    finished(anna_gone, erased_once, tmp_path / "out")


def finished(folder, erased_once, out):
    """Run again, and compare with an erasure that nothing interrupted."""
    with opened(folder, 3) as project:
        assert said_of(project) in ("nothing", "erase", "no finished load")
        done = project.erase(ANNA, out)
        assert done.todo == ()
        project.place.book.check()
        assert project.status()["unfinished"] == "nothing"
        assert project.ask("x", 1)
    whole, _ = erased_once
    assert found_in(folder, ANNA.encode(), NAMED.encode()) == []
    assert sorted(path.name for path in out.iterdir()) == sorted(
        path.name for path in (whole / "out").iterdir()
    )
    wanted = tables_of(whole / "toy")
    assert tables_of(folder) == wanted


def said_of(project):
    """What status says is unfinished; a load without its seal is refused, not used."""
    try:
        return project.status()["unfinished"]
    except CorpusError as error:
        return "no finished load" if "assent erase" in error.hint else error.message


def tables_of(folder):
    return {
        name: value
        for name, value in digests(folder).items()
        if name.startswith(("data/", "corpora/")) and not name.endswith("erased.json")
    }


def test_somebody_else_waits_until_an_erasure_is_finished(
    anna_gone, tmp_path, monkeypatch
):
    stop_once(monkeypatch, Book, "shred")
    with opened(anna_gone, 2) as project:
        with pytest.raises(StoppedError):
            project.erase(ANNA, tmp_path / "out")
        with pytest.raises(UsageError, match=f"erasure of `{ANNA}` is not finished"):
            project.erase("u08", tmp_path / "out")
        assert "assent erase" in project.status()["next"]


# -- the command -----------------------------------------------------------------------


def test_the_command_refuses_with_what_comes_first(anna_trained, tmp_path, assent):
    said = assent("--project", anna_trained, "erase", ANNA, "--out", tmp_path / "out")

    assert said.code == 1
    assert said.out.startswith(f"`{ANNA}` is not erased yet: these things come first")
    assert "assent forget" in said.out


def test_the_command_says_who_can_still_show_what(anna_gone, tmp_path, assent):
    said = assent("--project", anna_gone, "erase", ANNA, "--out", tmp_path / "out")

    assert said.code == 0, said.err
    assert "nothing is owed to her: no pool was ever paid" in said.out
    assert f"`{ANNA}` is erased" in said.out
    for words in ("she, with her own copy", "the operator", "anyone"):
        assert words in said.out
    whole = assent("--project", anna_gone, "ledger", "check")
    assert whole.code == 0
    for path in sorted((tmp_path / "out").iterdir()):
        assert assent("verify", path).code == 0

    again = assent("--project", anna_gone, "erase", ANNA, "--out", tmp_path / "out")
    assert again.code == 0
    assert again.out.startswith("nothing is held about")
