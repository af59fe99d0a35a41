"""Where people live at an instant is counted as it is decided."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import oracle
import worlds
from assent.engine.duckdb import DuckEngine
from assent.ledger.book import EVENTS
from assent.policy.regions import COUNTRIES
from assent.sources.schema import DOCUMENTS, SUBJECTS
from assent.terms import DAY
from small_project import POLICY, START, opened, write_export, write_policy
from worlds import DAY_0

pytest_plugins = ("toy_projects",)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Ask the engine where Ana lives at an instant."""
    question = next(worlds.batches(0, 1, 0)).question
    spill = tmp_path_factory.mktemp("spill")

    def ask(events=(), at=DAY_0, size=9, **row):
        subjects = [{"subject_id": "ana", "country": "DE", **row}]
        moves = [
            {
                "entry": n,
                "kind": "residence_changed",
                "subject_id": "ana",
                "country": country,
                "happened_at": happened,
                "recorded_at": recorded,
            }
            for n, (country, happened, recorded) in enumerate(events)
        ]
        engine = DuckEngine(
            DOCUMENTS.empty_table(),
            pa.Table.from_pylist(subjects, SUBJECTS),
            pa.Table.from_pylist(moves, EVENTS),
            spill,
        )
        found = engine.living(replace(question, as_of=at, ledger_size=size))
        engine.close()
        return found["ana"]

    return ask


def lived(*stays):
    return [{"country": country, "valid_from": start} for country, start in stays]


def test_without_a_dated_statement_the_undated_country_counts(home):
    assert home() == "DE"
    assert home(country=None) is None
    assert home(residences=[]) == "DE"


def test_the_latest_statement_that_has_begun_says_where_she_lives(home):
    stays = lived(("FR", DAY_0 - DAY), ("US", DAY_0))

    assert home(residences=stays, at=DAY_0 - 1) == "FR"
    assert home(residences=stays, at=DAY_0) == "US"
    assert home(residences=stays, at=DAY_0 - DAY - 1) is None  # not yet: not known


def test_two_places_from_one_instant_are_none(home):
    assert home(residences=lived(("FR", DAY_0), ("US", DAY_0))) is None
    assert home(residences=lived(("FR", DAY_0), ("FR", DAY_0))) == "FR"
    assert home([("US", DAY_0, DAY_0)], residences=lived(("FR", DAY_0))) is None


def test_a_move_counts_at_once_and_is_known_when_it_is_recorded(home):
    late = [("FR", DAY_0 - DAY, DAY_0 + DAY)]

    assert home(late, at=DAY_0 - DAY - 1) is None
    assert home(late, at=DAY_0) is None  # she has moved, nobody knew where
    assert home(late, at=DAY_0 + DAY) == "FR"
    assert home(late, at=DAY_0 + DAY, size=0) == "DE"  # not in the ledger yet
    assert home([(None, DAY_0, DAY_0)]) is None


@pytest.mark.parametrize("seed", range(3))
def test_it_agrees_with_the_oracle_on_made_up_platforms(tmp_path, seed):
    compared = 0
    for batch in worlds.batches(seed, 10, 10):
        engine = DuckEngine(*batch.tables(), tmp_path)
        by_id = engine.living(batch.question)
        engine.close()
        for world in batch.worlds:
            for person in world.subjects:
                who = person["subject_id"]
                mine = [e for e in world.events if e["subject_id"] == who]
                mine = [e for e in mine if e["entry"] < batch.size]
                place = by_id[who] if by_id[who] in COUNTRIES else "unknown"
                assert place == oracle.place_at_use(person, mine, batch.at)
                compared += 1
    assert compared > 100


# --- a corpus ------------------------------------------------------------------------


def test_who_lived_there_when_she_wrote_is_built_wherever_she_lives_now(
    fresh, tmp_path
):
    documents_path, subjects_path = write_export(tmp_path / "export")
    rows = pq.read_table(subjects_path).to_pylist()
    past = {"country": "DE", "valid_from": START - 1000 * DAY}
    for row in rows:
        now = {"country": row["country"], "valid_from": START - 10 * DAY}
        # In Germany when they wrote; now in Brazil, and nobody knows where.
        row["residences"] = [past, now] if row["subject_id"] in ("u11", "u12") else None
    pq.write_table(pa.Table.from_pylist(rows, SUBJECTS), subjects_path)
    then = POLICY.replace("2025-03", "2025-04").replace(
        "[[allow]]\n", '[[allow]]\nresidence = "at_creation"\n'
    )
    path = write_policy(fresh, then, "later.toml")
    with opened(fresh) as project:
        project.load("parquet", documents_path, subjects_path)
        project.publish(path)
        reasons = {
            row["subject_id"]: row["reason"]
            for row in project.decide().to_pylist()[::4]
        }
        built = project.build()

    denied = {f"u{n:02}": "residence_unknown" for n in range(1, 11)}
    proved = dict.fromkeys(("u11", "u12"), "legitimate_interests")
    assert reasons == denied | proved
    assert built.manifest.counts.subjects_used == 2
    held = {each.path.split("/")[1].split(".")[0] for each in built.manifest.parts}
    assert held == {"de-fr", "us", "outside", "unknown"}
