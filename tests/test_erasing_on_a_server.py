"""Imported into and erased from a ledger that is on a PostgreSQL server."""

from contextlib import closing

import psycopg
import pyarrow as pa
import pyarrow.csv as csv
import pytest

import small_project
from assent.errors import LedgerError
from assent.sources import events
from small_anna import ANNA, with_anna
from small_project import DAY, START, Stop, StoppedError, opened, recorded
from test_erasing import found_in, log_of, private_bytes

pytest_plugins = ("servers",)


@pytest.fixture
def toy(database, tmp_path, monkeypatch):
    """A project of Anna and others whose ledger is on a server."""
    config = small_project.CONFIG.replace(
        "[project]\n", f'[project]\nledger = "{database}"\n', 1
    )
    monkeypatch.setattr(small_project, "CONFIG", config)
    with_anna(lambda: recorded(tmp_path / "toy"))
    return tmp_path / "toy"


def everything(database):
    """All values of all tables, as bytes."""
    found = []
    with closing(psycopg.connect(database)) as reader:
        tables = reader.execute(
            "SELECT schemaname, tablename FROM pg_tables "
            "WHERE schemaname IN ('ledger', 'vault')"
        ).fetchall()
        assert len(tables) > 8
        for schema, table in tables:
            query = f"SELECT * FROM {schema}.{table}".encode()
            for row in reader.execute(query):
                found += [
                    value if isinstance(value, bytes) else str(value).encode()
                    for value in row
                ]
    return found


def test_an_import_into_a_server_that_was_cut_off_is_finished_with_each_event_once(
    toy, database, tmp_path, monkeypatch
):
    monkeypatch.setattr(events, "BATCH", 7)
    who = [f"u{1 + number % 6:02}" for number in range(40)]
    at = [START + DAY + number for number in range(40)]
    names = [f"event-{number}" for number in range(40)]
    columns = {
        "subject_id": who,
        "kind": ["refused"] * 40,
        "happened_at": at,
        "event_id": names,
    }
    path = tmp_path / "events.csv"
    csv.write_csv(pa.table(columns), path)
    with opened(toy) as project:
        before = project.place.book.size
        # A file found, six batches checked, then three appended.
        with pytest.raises(StoppedError):
            project.import_events([path], progress=Stop(1 + 6 + 3))
        assert 0 < project.place.book.size - before < 40
    with opened(toy) as project:
        [done] = project.import_events([path])
        assert done.before + done.rows == 40
        table = project.place.book.events(project.place.book.size).to_pylist()
        assert [
            (row["subject_id"], row["happened_at"])
            for row in table
            if row["kind"] == "refused"
        ] == list(zip(who, at, strict=True))
        project.place.book.check()
    kept = everything(database)
    assert not any(value.startswith(b"event-") for value in kept)


def test_nothing_of_who_is_erased_is_left_in_tables_of_a_server(
    toy, database, tmp_path
):
    with opened(toy, 1) as project:
        project.record("erased", [ANNA])
        before = log_of(project)
    needles = [*private_bytes(toy), ANNA.encode()]

    def held():
        values = everything(database)
        return [n for n in needles if any(n in value for value in values)]

    assert held() == needles
    with opened(toy, 2) as project:
        assert project.erase(ANNA, tmp_path / "out").todo == ()
        assert log_of(project) == before
        project.place.book.check()
        with pytest.raises(LedgerError):
            project.place.vault.secret(ANNA)

    assert held() == []
    assert found_in(toy, *needles) == []
