"""People and what they wrote, to train on: Stack Exchange and Ubuntu IRC.

Four groups, as a platform's regions would be, by what is declared of a person: the
site, and for IRC whether she was there before the middle of the logs. Nobody wrote in
two. All from the files in `shared/data`, nothing drawn.
"""

import json
import random
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from assent.sources.stackexchange import read
from assent.train.plan import Assignment, Plan
from assent.train.rows import Example

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SITES = {"quantumcomputing.stackexchange.com": "quantum", "conlang.meta": "conlang"}
GROUPS = ("quantum", "conlang", "irc-early", "irc-late")
MOST = 8_000
"""Characters of one person: the cap that a plan sets anyway."""


class Person(NamedTuple):
    """Somebody of one group, and her texts."""

    subject_id: str
    group: str
    texts: list[str]

    @property
    def size(self) -> int:
        """Bytes of all her texts."""
        return sum(len(each.encode()) for each in self.texts)


def write(path: Path) -> None:
    """Write everybody with a hundred characters at least, one JSON list a line."""
    if not DATA.is_dir():
        sys.exit(
            f"error: there is no {DATA}\nhint: this benchmark reads its text there"
        )
    with path.open("w", encoding="utf-8") as file:
        for person in [*_posts(), *_chat()]:
            if sum(map(len, person.texts)) >= 100:
                file.write(json.dumps(person, ensure_ascii=False) + "\n")


def load(path: Path) -> list[Person]:
    """Read what `write` wrote."""
    with path.open(encoding="utf-8") as file:
        return [Person(*json.loads(line)) for line in file]


def drawn(people: list[Person], count: int, seed: str) -> list[Person]:
    """Draw so many people, or all."""
    return random.Random(seed).sample(people, min(count, len(people)))


def examples(plan: Plan, key: bytes, people: list[Person]) -> list[Example]:
    """Make a plan's documents of people's texts."""
    assignment = Assignment(plan, key)
    return [
        Example(f"{who.subject_id}/{n}", who.subject_id, index, text.encode())
        for who in people
        for index in (assignment.slice_index(who.subject_id),)
        for n, text in enumerate(who.texts)
    ]


def _posts() -> list[Person]:
    found: dict[str, Person] = {}
    for folder in sorted((DATA / "stackexchange").iterdir()):
        group = "conlang" if folder.name.startswith("conlang") else "quantum"
        documents, _ = read(folder)
        for batch in documents:
            rows = zip(
                *(batch[n].to_pylist() for n in ("subject_id", "text")), strict=True
            )
            for subject, text in rows:
                if subject and text.strip():
                    who = f"{group}-{subject}"
                    _add(found.setdefault(who, Person(who, group, [])), text)
    return list(found.values())


def _chat() -> list[Person]:
    columns = ["author_id", "log", "line", "text", "created_at"]
    table = pq.read_table(DATA / "ubuntu-irc" / "ubuntu-irc.parquet", columns=columns)
    rows = table.sort_by([("log", "ascending"), ("line", "ascending")]).to_pylist()
    middle = sorted(row["created_at"] for row in rows)[len(rows) // 2]
    lines: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    first: dict[str, object] = {}
    for row in rows:
        if row["author_id"]:
            lines[row["author_id"]][row["log"]].append(row["text"])
            first.setdefault(row["author_id"], row["created_at"])
    found = []
    for author, logs in lines.items():
        group = "irc-early" if first[author] < middle else "irc-late"  # type: ignore[operator]
        person = Person(f"irc-{author}", group, [])
        for log in logs.values():
            _add(person, "\n".join(log))
        found.append(person)
    return found


def _add(person: Person, text: str) -> None:
    room = MOST - sum(map(len, person.texts))
    if room > 0:
        person.texts.append(text[:room])
