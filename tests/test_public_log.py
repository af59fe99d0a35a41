"""Nothing of a person is in any byte of the log that everybody can read."""

import pyarrow as pa
import pytest

import small_project
from assent.project.publishing import publish
from small_project import POLICY_OF_BOTH, corpus_of, opened, recorded
from traces import SHORTEST, found_in, traces

NAMES = {
    "ana.schmidt.1984": ("Ana Schmidt", "DE"),
    "jürgen-müller": ("Jürgen Müller", "DE"),
    "5127734": ("Wiebke Friedrichsen", "DE"),
    "k.oyelaran": ("Kehinde Oyelaran", "DE"),
    "marie_lefebvre": ("Marie Lefebvre", "FR"),
    "8a0c4e52-77d1-4bb6-9a53": ("Théo Garnier", "FR"),
    "smith_john_77": ("John Smith", "US"),
    "emily.r.watson": ("Emily Watson", "US"),
    "0049-151-23456789": ("DeShawn Carter", "US"),
    "guadalupe94": ("Guadalupe Hernández", "US"),
    "beatriz.souza": ("Beatriz Souza", "BR"),
    "山田花子": ("山田 花子", None),
}
FIRST = "ana.schmidt.1984"


def mail_of(who):
    name = NAMES[who][0].replace(" ", ".").lower()
    return f"{name}@mail.example"


def text_of(who, number):
    return (
        f"Dr. Lindqvist told me that the biopsy was benign, writes {NAMES[who][0]} "
        f"({number}), born in 1984; call {mail_of(who)}"
    )


def subjects():
    rows = [
        {
            "subject_id": who,
            "country": country,
            "birth_year": 1984,
            "names": [name],
            "emails": [mail_of(who)],
        }
        for who, (name, country) in NAMES.items()
    ]
    return pa.Table.from_pylist(rows, schema=small_project.SUBJECTS)


def documents():
    rows = [
        {
            "document_id": f"post/{who}/{number}",
            "subject_id": who,
            "category": category,
            "created_at": small_project.START - 100 * small_project.DAY + number,
            "text": text_of(who, number),
        }
        for who in NAMES
        for number, category in enumerate(small_project.CATEGORY)
    ]
    return pa.Table.from_pylist(rows, schema=small_project.DOCUMENTS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A project in which all was recorded once that can be of a person."""
    folder = tmp_path_factory.mktemp("public") / "toy"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small_project, "subjects", subjects)
        patch.setattr(small_project, "documents", documents)
        recorded(folder, POLICY_OF_BOTH)
    with opened(folder) as project:
        project.build()
        project.share(corpus_of(project), "partner", folder.parent / "handed")
    notice = folder / "notices/2025.en.md"
    with opened(folder, 1) as project:
        project.record("given", ["5127734", "山田花子"], notice=notice)
        project.record("refused", ["guadalupe94"])
        project.record("objected", ["marie_lefebvre"], category="comment")
        project.record("restricted", ["emily.r.watson"])
        project.record("residence_changed", ["jürgen-müller"], country="FR")
        project.record("withdrawn", [FIRST])
        project.record("erased", [FIRST])
        project.pass_on(folder.parent / "changes")
        publish(project.place, folder.parent / "log")
    return folder


@pytest.fixture(scope="module")
def private(folder):
    """What must not be found: of everybody, and of what is secret about them."""
    needles = ["Lindqvist", "biopsy", "mail.example", "born in 1984"]
    secrets = []
    for who, (name, _) in NAMES.items():
        needles += [who, name, *name.split(), mail_of(who)]
        needles += [f"post/{who}/{number}" for number in range(4)]
        needles += [text_of(who, number) for number in range(4)]
    with opened(folder, 2) as project:
        for who in NAMES:
            events = project.place.book.events_of(who)
            secrets += [opening for *_, opening in events if opening]
            secrets.append(project.place.vault.secret(who))
    found = {*secrets, *(each.encode() for each in needles)}
    return {each for each in found if len(each) >= SHORTEST}


def entries(folder):
    (bundle,) = (folder.parent / "log").rglob("entries/*.p/*")
    return bundle


def test_no_byte_of_the_public_log_tells_of_a_person(folder, private):
    text = entries(folder).read_bytes()
    assert text.count(b'"type":"subject_event"') == 20  # 12 served, 8 said something
    assert text.count(b'"type":"enrolled"') == len(NAMES)
    for kind in ("corpus_built", "shared", "share_changed"):
        assert f'"type":"{kind}"'.encode() in text

    assert found_in(folder.parent / "log", private) == set()


def test_the_same_search_finds_everybody_in_what_is_kept_private(folder, private):
    found = found_in(folder, private)

    assert {needle for needle, _ in found} == private
    assert {"ledger.db", "secrets/vault.db"} <= {name for _, name in found}


def test_each_way_of_writing_it_would_be_found(folder, tmp_path):
    needle = FIRST.encode()
    whole = entries(folder).read_bytes()
    middle = whole.index(b'"commit":"') + 10
    for trace in traces(needle):
        (tmp_path / "bundle").write_bytes(whole[:middle] + trace + whole[middle:])
        assert found_in(tmp_path, [needle]) == {(needle, "bundle")}, trace
