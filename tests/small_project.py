"""A toy project: twelve people in four countries, a plan that trains in a second.

Two groups, `de-fr` and `us`, one shard each, three slices. Everybody is told and
nearly everybody is permitted. Keys and clock come from a seed, so that each person sits
in the same slice every time.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assent import Project
from assent.demo.seeded import StoryClock, UnsafeSeededRandomness
from assent.project.serving import Trained, trained_documents
from assent.sources.schema import DOCUMENTS, SUBJECTS
from assent.terms import DAY, parse_time

START = parse_time("2025-03-01T00:00:00Z")
BUILT_AT = START + 10 * DAY
NOTICE = b"# What we do\n\nWe train on your posts. You can say no.\n"
SECRET_WORDS = "zanzibar quicksilver marmalade"  # what somebody wrote; never to be said

CONFIG = """\
[project]
name = "toy"
origin = "toy.example/ledger"
choices = "real"
[use]
purpose = "train.generative.content"
recipients = ["ourselves"]
model = "content"
[labels]
purposes = ["train.generative.content"]
recipients = ["ourselves", "partner"]
categories = ["post", "comment", "private_message"]
[train]
slices = 3
steps = 2
epochs = 1
rows = 4
window = 32
width = 16
layers = 1
heads = 2
tokens_per_subject = 512
learning_rate = 0.003
seed = 1
workers = 1
[capacity]
default = 1
"""

POLICY = """\
policy = "2025-03"
controller = "Toy"
effective_from = 2025-01-01T00:00:00Z
notice = "notices/2025.en.md"
minimum_age = 18
[[never]]
categories = ["private_message"]
[[allow]]
name = "eu-interests"
regions = ["DE", "FR"]
categories = ["post", "comment"]
purpose = "train.generative.content"
recipients = ["ourselves"]
basis = "legitimate_interests"
[[allow]]
name = "us-interests"
regions = ["US"]
categories = ["post", "comment"]
purpose = "train.generative.content"
recipients = ["ourselves"]
basis = "legitimate_interests"
"""

POLICY_OF_BOTH = POLICY.replace('["ourselves"]', '["ourselves", "partner"]')

COUNTRIES = {
    **dict.fromkeys(("u01", "u02", "u03", "u04"), "DE"),
    **dict.fromkeys(("u05", "u06"), "FR"),
    **dict.fromkeys(("u07", "u08", "u09", "u10"), "US"),
    "u11": "BR",  # no rule speaks of Brazil
    "u12": None,
}
PERMITTED = tuple(f"u{n:02}" for n in range(1, 11))
CATEGORY = ("post", "comment", "post", "private_message")


def subjects() -> pa.Table:
    rows = [
        {
            "subject_id": subject_id,
            "country": country,
            "birth_year": 1980,
            "names": [f"Person Number{subject_id}"],
            "emails": [f"{subject_id}@people.example"],
        }
        for subject_id, country in COUNTRIES.items()
    ]
    return pa.Table.from_pylist(rows, schema=SUBJECTS)


def documents() -> pa.Table:
    rows = [
        {
            "document_id": f"{subject_id}-{n}",
            "subject_id": subject_id,
            "category": category,
            "created_at": START - 100 * DAY + n,
            "text": f"{subject_id} wrote number {n} about {SECRET_WORDS}, and greets "
            f"Person Number{subject_id} at {subject_id}@people.example",
        }
        for subject_id in COUNTRIES
        for n, category in enumerate(CATEGORY)
    ]
    return pa.Table.from_pylist(rows, schema=DOCUMENTS)


def write_export(folder: Path) -> tuple[Path, Path]:
    """Write the two Parquet files of the platform."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "documents.parquet", folder / "subjects.parquet"
    pq.write_table(documents(), paths[0])
    pq.write_table(subjects(), paths[1])
    return paths


def write_policy(folder: Path, text: str = POLICY, name: str = "2025.toml") -> Path:
    """Write a policy and its notice into a project folder."""
    (folder / "policies").mkdir(parents=True, exist_ok=True)
    (folder / "notices").mkdir(exist_ok=True)
    (folder / "notices/2025.en.md").write_bytes(NOTICE)
    path = folder / "policies" / name
    path.write_text(text)
    return path


def recorded(
    folder: Path,
    policy: str = POLICY,
    publish: bool = True,
    told: bool = True,
    config: str | None = None,
) -> None:
    """Start a project, load, publish, enrol and tell everybody."""
    made = Project.init(
        folder,
        config=config or CONFIG,
        clock=StoryClock(START),
        randomness=UnsafeSeededRandomness(7),
    )
    with made as project:
        project.load("parquet", *write_export(folder.parent / f"{folder.name}.export"))
        path = write_policy(folder, policy)
        if publish:
            project.publish(path)
        project.record("enrolled", all_subjects=True)
        if told:
            notice = folder / "notices/2025.en.md"
            project.record("notice_served", all_subjects=True, notice=notice)


@contextmanager
def opened(folder: Path, days: float = 0) -> Iterator[Project]:
    """Open a toy project some days after the corpus was built."""
    clock = StoryClock(BUILT_AT + round(days * DAY))
    # Another seed each time: what was drawn must have been kept, not drawn again.
    randomness = UnsafeSeededRandomness(1017 + round(days * 8))
    with Project.open(folder, clock=clock, randomness=randomness) as project:
        yield project


def trained(project: Project) -> dict[str, Trained]:
    """Where each person of the served model was trained: subject -> a document."""
    corpus = project.place.served_model()["corpora"][0]
    found = trained_documents(project.place, corpus)
    return {each.subject_id: each for each in found}


def somebody(project: Project, group: str, slice_index: int) -> str:
    """Name a person who was trained in a slice of a group."""
    return min(
        who
        for who, each in trained(project).items()
        if (each.group, each.slice_index) == (group, slice_index)
    )


def corpus_of(project: Project) -> str:
    return project.place.latest_corpus()["corpus_id"]


def model_of(project: Project) -> str:
    return project.place.served_model()["model_id"]


def digests(folder: Path) -> dict[str, str]:
    """Hash every file and name every folder: two equal answers mean nothing changed.

    SQLite's own two files beside a database come and go as it is opened.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            found[name] = "folder"
        elif not name.endswith(("-wal", "-shm", "-journal")):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def made_of(folder):
    """Everything that two runs must have in common: corpora, models, plans."""
    return {
        name: value
        for name, value in digests(folder).items()
        if name.startswith(("corpora/", "models/", "objects/"))
    }


def leftovers(folder: Path) -> list[str]:
    """Name what only unfinished work needs."""
    return [
        path.relative_to(folder).as_posix()
        for pattern in (".building-*", ".training-*", ".repairing-*", "*.draft")
        for path in folder.rglob(pattern)
    ] + [f"jobs/{path.name}" for path in (folder / "jobs").glob("*")]


class StoppedError(Exception):
    """What a test raises in the middle of work."""


class Stop:
    """A progress callback that stops the work at its `at`-th call, from 1 on."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self.calls: list[str] = []

    def __call__(self, what: str, done: int, total: int) -> None:
        self.calls.append(what)
        if len(self.calls) == self.at:
            raise StoppedError(f"{what} {done} of {total}")


class StopAt(Stop):
    """A progress callback that stops the work at the first call about something.

    With `done`, at its last call: when all of it is done.
    """

    def __init__(self, word: str, done: bool = False) -> None:
        super().__init__()
        self.word, self.done = word, done

    def __call__(self, what: str, done: int, total: int) -> None:
        if what.startswith(self.word) and (not self.done or done == total):
            raise StoppedError(f"{what} {done} of {total}")


def stop_once(monkeypatch, owner, name):
    """Let a function raise when it is called for the first time."""
    whole, stopped = getattr(owner, name), []

    def raising(*args, **said):
        if not stopped:
            stopped.append(name)
            raise StoppedError(name)
        return whole(*args, **said)

    monkeypatch.setattr(owner, name, raising)


def refused(folder, error, match, action, days=1):
    """Do what must be refused, and must change nothing; returns the error."""
    before = digests(folder)
    with opened(folder, days) as project, pytest.raises(error, match=match) as caught:
        action(project)
    assert digests(folder) == before
    return caught.value
