"""What a corpus commits to: who is in it, what was known of everybody, and of what."""

from collections import Counter

import pyarrow.parquet as pq

from assent.merkle.commitment import consent_leaf
from assent.merkle.prefix import prefix_root
from small_project import COUNTRIES, PERMITTED, opened

pytest_plugins = ("toy_projects",)


def states_of(project, body):
    """The consent states, from the decisions and the ledger, person by person."""
    place, size = project.place, body["ledger_size"]
    events = place.book.events(size).to_pylist()
    engine = place.engine(size)
    decided = engine.decide(place.question(body["as_of"], size)).to_pylist()
    engine.close()
    found = {}
    for subject_id in {event["subject_id"] for event in events}:
        own = [e["entry"] for e in events if e["subject_id"] == subject_id]
        reasons = Counter(r["reason"] for r in decided if r["subject_id"] == subject_id)
        found[subject_id] = {
            "entries": len(own),
            "last_entry": max(own),
            "reasons": dict(reasons),
        }
    return found


def test_what_was_known_of_everybody_is_committed(fresh):
    with opened(fresh) as project:
        project.record("withdrawn", ["u05"])
        project.build()
        body = project.place.latest_corpus()
        states = states_of(project, body)
        secrets = project.place.vault.secrets(states)

    assert states.keys() == COUNTRIES.keys()
    assert states["u05"]["reasons"] == {"withdrawn": 3, "never": 1}
    leaves = [
        consent_leaf(secrets[who], body["corpus_id"], state)
        for who, state in states.items()
    ]
    assert body["consent_root"] == prefix_root(leaves).hex()


def categories_of(folder):
    parts = pq.ParquetDataset(folder / "parts", partitioning=None).read()
    return sorted(set(parts["category"].to_pylist()))


def test_a_category_that_the_entry_does_not_list_is_not_in_the_corpus(fresh):
    with opened(fresh) as project:
        loaded = pq.read_table(project.place.tables().documents)["category"]
        built = project.build()
        body = project.place.latest_corpus()

    assert set(loaded.to_pylist()) == {"post", "comment", "private_message"}
    assert body["categories"] == ["comment", "post"]
    assert categories_of(built.folder) == body["categories"]
    assert built.manifest.counts.subjects_used == body["subjects"] == len(PERMITTED)
