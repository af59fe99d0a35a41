"""Who is no member objects once, and is in no text that is built afterwards."""

import io
import json
import re
import shutil

import pytest

from assent.errors import CorpusError, LedgerError, UsageError
from assent.monitor.entries import Entries
from assent.project.objecting import OBJECTORS, opens
from assent.redact.spans import Kind
from small_names import project, texts_of
from small_project import digests, opened

pytest_plugins = ("command_line",)

HER = {
    "name": ["Zora Quill"],
    "email": ["zora.quill@mail.example"],
    "handle": ["zq_1977"],
    "phone": ["+49 30 5550 1234"],
    "url": ["https://pages.example/zoraquill"],
}
WORDS = ("zora", "quill", "zq_1977", "5550")
TEXTS = {
    "u01-0": "I saw ZORA QUILL there, and zq_1977 wrote to us about the garden.",
    "u03-0": "Nobody of that name came to the garden with us on that day.",
    "u05-0": "We called Zóra\u00a0Quill twice about it, on the third of May.",
}


def says_nothing_of_her(text):
    return not [word for word in WORDS if word in text.lower()]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("objecting") / "toy"
    project(folder, TEXTS)
    return folder


@pytest.fixture
def toy(made, tmp_path):
    return shutil.copytree(made, tmp_path / "toy")


def test_what_an_objector_is_called_is_removed_from_everybodys_texts(toy):
    with opened(toy) as there:
        there.object(HER)
        there.build()

        texts = texts_of(there)
    assert texts["u01-0"].startswith("I saw [name] there, and [handle] wrote")
    assert texts["u03-0"] == TEXTS["u03-0"]
    assert texts["u05-0"].startswith("We called [name] twice")


def test_nothing_that_she_gave_is_kept_or_logged_in_the_clear(toy):
    before = digests(toy)
    with opened(toy) as there:
        there.object(HER)
        there.build()
    new = [name for name, value in digests(toy).items() if before.get(name) != value]

    assert OBJECTORS in new
    assert (toy / OBJECTORS).stat().st_mode & 0o777 == 0o600
    held = [name for name in new if (toy / name).is_file()]
    data = b"".join((toy / name).read_bytes().lower() for name in held)
    assert [word for word in WORDS if word.encode() in data] == []


def test_the_log_has_a_commitment_that_her_receipt_opens_and_nothing_else_does(toy):
    values = {Kind(kind): given for kind, given in HER.items()}
    with opened(toy) as there:
        done = there.object(HER)
        [event] = [
            e for e in there.place.book.public_events() if e.number == done.entry
        ]

    assert event.body.keys() == {"objector", "commitment"}
    assert re.fullmatch("[0-9a-f]{16}", event.body["objector"])
    commitment = event.body["commitment"]
    assert opens(commitment, done.opening, done.objector, values)
    assert not opens(commitment, "00" * 32, done.objector, values)
    assert not opens(commitment, done.opening, "x", values)
    fewer = values | {Kind.EMAIL: []}
    assert not opens(commitment, done.opening, done.objector, fewer)


def test_a_monitor_reads_what_is_logged_of_objectors(toy):
    with opened(toy) as there:
        there.remove_objector(there.object(HER).objector)
        events = list(there.place.book.public_events())[-2:]

    assert [e.kind for e in events] == ["objector_registered", "objector_removed"]
    entries = Entries()
    for event in events:
        assert entries.check(event.number, event.entry) is None


def test_a_corpus_from_before_is_said_to_hold_traces_until_it_is_built_again(toy):
    with opened(toy) as there:
        there.build()
        found = there.object(HER)
        [corpus_id] = found.traces
    with opened(toy, 1) as there:
        there.build()
        later = there.object({"name": ["Somebody Else"]})
        again = there.object(HER)

    assert found.traces == {corpus_id: 2}
    lines = "\n".join(found.lines())
    assert f"{corpus_id}: 2 of its texts still hold a trace" in lines
    assert "assent build" in lines
    assert later.traces == {}
    assert again.traces == {corpus_id: 2}  # the newer one holds none


def test_who_is_removed_from_the_list_is_not_removed_from_later_texts(toy):
    with opened(toy) as there:
        kept = there.object({"handle": ["zq_1977"]}).objector
        gone = there.object({"name": ["Zora Quill"]}).objector
        assert there.objectors().keys() == {kept, gone}
        there.remove_objector(gone)
        assert there.objectors().keys() == {kept}
        there.build()

        assert "ZORA QUILL there, and [handle] wrote" in texts_of(there)["u01-0"]
        with pytest.raises(UsageError, match="no objector of that id"):
            there.remove_objector(gone)


@pytest.mark.parametrize("lost", ["missing", "of another"])
def test_a_build_without_what_is_kept_of_an_objector_is_refused(toy, lost):
    with opened(toy) as there:
        there.object({"name": ["Zora Quill"]})
        older = (toy / OBJECTORS).read_bytes()
        there.object({"handle": ["zq_1977"]})
        if lost == "missing":
            (toy / OBJECTORS).unlink()
        else:
            (toy / OBJECTORS).write_bytes(older)

        with pytest.raises(LedgerError, match="nothing is kept of objector") as caught:
            there.build()
    assert OBJECTORS in caught.value.hint


def test_what_is_kept_and_damaged_is_refused(toy):
    with opened(toy) as there:
        there.object(HER)
        (toy / OBJECTORS).write_bytes(b"no directory")

        with pytest.raises(CorpusError):
            there.build()


# Kind and value -> words of the refusal.
UNFINDABLE = [
    ("name", "Zora", "name 1 is one word"),
    ("name", "Z", "name 1 is nothing that can be looked for"),
    ("name", "!?", "name 1 is nothing"),
    ("email", "zora at home", "email 1 is nothing"),
    ("phone", "123", "phone 1 is nothing"),
    ("url", "zoraquill", "url 1 is nothing"),
    ("name", "Zora " * 1000, "name 1 is nothing"),
]


@pytest.mark.parametrize(("kind", "value", "wanted"), UNFINDABLE)
def test_what_could_not_be_found_is_refused_not_promised(toy, kind, value, wanted):
    before = digests(toy)

    with opened(toy) as there, pytest.raises(UsageError) as caught:
        there.object({"handle": ["zq_1977"], kind: [value]})
    assert wanted in caught.value.message
    assert says_nothing_of_her(caught.value.message + str(caught.value.hint))
    assert digests(toy) == before


# --- the command ---------------------------------------------------------------------


def test_the_command_registers_lists_and_removes(toy, assent, monkeypatch):
    request = "Name: Zora Quill\n\nemail: zora.quill@mail.example\nhandle:zq_1977\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(request))
    made = assent("--project", toy, "object", "--stdin")
    [objector] = re.findall(r"^objector ([0-9a-f]{16}): 4 entries", made.out)

    assert made.code == 0
    assert "receipt: ledger entry" in made.out
    assert says_nothing_of_her(made.out + made.err)
    shown = assent("--project", toy, "object", "--list")
    assert objector in shown.out
    assert says_nothing_of_her(shown.out)
    removed = assent("--project", toy, "object", "--remove", objector)
    assert f"objector {objector} is removed: ledger entry" in removed.out
    assert objector not in assent("--project", toy, "object", "--list").out


MISTAKES = [
    ((), "", "say one thing"),
    (("--list", "--name", "Zora Quill"), "", "say one thing"),
    (("--stdin",), "", "nothing is given"),
    (("--stdin",), "name Zora Quill\n", "line 1 of the input"),
    (("--stdin",), "name: A Bee\nshoe: zora\n", "line 2 of the input"),
    (("--remove", "zora"), "", "no objector of that id"),
    (("--name", "Zora"), "", "name 1 is one word"),
]


@pytest.mark.parametrize(("arguments", "given", "wanted"), MISTAKES)
def test_a_mistake_is_one_error_with_a_hint_that_repeats_nothing(
    toy, assent, monkeypatch, arguments, given, wanted
):
    monkeypatch.setattr("sys.stdin", io.StringIO(given))
    before = digests(toy)
    said = assent("--project", toy, "object", *arguments)

    assert said.code == 2
    [error], [_] = said.errors, said.hints
    assert wanted in error
    assert says_nothing_of_her(said.out + said.err)
    assert digests(toy) == before


def test_what_she_gave_is_in_no_json_of_the_ledger(toy):
    with opened(toy) as there:
        there.object(HER)
        bodies = [event.body for event in there.place.book.public_events()]

    assert says_nothing_of_her(json.dumps(bodies))
