"""Several operators of one ledger, and what a server's errors say.

Two processes append at once; a server is set back to an old backup; and whatever goes
wrong with a server, no message holds the password of its address.
"""

import traceback
from contextlib import closing
from pathlib import Path

import pytest

import small_project
from assent.errors import Error, LedgerError
from assent.ledger.store import LEDGER, connect
from killed_ledger import ORIGIN, Case, Killer, batch, cut, enrolled, working

pytest_plugins = ("servers", "command_line")

DECLARATIONS = small_project.CONFIG.replace("toy.example/ledger", ORIGIN)
ROUNDS, BATCH = 50, 6


@pytest.fixture
def server_case(tmp_path, database):
    return on(database, tmp_path / "project")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def case(request, tmp_path):
    if request.param == "postgres":
        return request.getfixturevalue("server_case")
    return Case(tmp_path / "project", DECLARATIONS)


def on(address, folder):
    line = f'[project]\nledger = "{address}"\n'
    return Case(folder, DECLARATIONS.replace("[project]\n", line, 1), address)


def sql(address, *statements):
    """Ask the server for something; returns the rows of the last answer."""
    import psycopg

    with closing(psycopg.connect(address, autocommit=True)) as admin:
        for statement in statements:
            found = admin.execute(statement.encode())
        return found.fetchall() if found.description else []


def test_two_who_append_at_once_keep_one_order(case):
    case.create()
    with closing(Killer()) as one, closing(Killer()) as other:
        for killer, name in ((one, "one"), (other, "other")):
            killer.start(working, case, name, ROUNDS, BATCH)
        for killer in (one, other):
            assert killer.next() == "opened"
        (case.folder / "go").touch()
        sizes = []
        for _ in range(5):  # who reads meanwhile sees whole batches and signed heads
            with case.opened() as (book, _):
                size = book.size
                assert book.events(size).num_rows == size
                assert size % BATCH == 0
                sizes.append(size)
        told = [one.end(), other.end()]

    assert sizes == sorted(sizes)
    assert [each.code for each in told] == [0, 0]
    acknowledged = dict(who for each in told for who in each.told)
    assert len(acknowledged) == 2 * ROUNDS
    in_order = sorted(acknowledged.items(), key=lambda each: each[1].start)
    assert [n for _, numbers in in_order for n in numbers] == list(
        range(2 * ROUNDS * BATCH)
    )
    if case.server:  # there they stand in a row; on a file the luckier one goes first
        assert {who.split("-")[0] for who, _ in in_order[:ROUNDS]} == {"one", "other"}
    with case.opened() as (book, _):
        rows = book.events(book.size).to_pylist()
        assert [row["subject_id"] for row in rows] == [
            who for who, numbers in in_order for _ in numbers
        ]
        assert (book.findings, book.check()) == ([], [])


@pytest.mark.postgres
def test_a_server_that_was_set_back_to_an_old_backup_is_refused(server, server_case):
    case = server_case
    name = case.server.split("?")[0].rsplit("/", 1)[1]
    case.create()
    with case.opened() as (book, _):
        book.append(batch("ana"))
    sql(server, f"CREATE DATABASE {name}old TEMPLATE {name}")
    with case.opened() as (book, _):
        book.append(batch("bo"))
    sql(server, f"ALTER DATABASE {name} RENAME TO {name}new")
    sql(server, f"ALTER DATABASE {name}old RENAME TO {name}")

    with (
        pytest.raises(
            LedgerError, match="has 2 entries, .* has signed 4: it is an old"
        ),
        case.opened(),
    ):
        pass
    sql(server, f"DROP DATABASE {name}")
    sql(server, f"ALTER DATABASE {name}new RENAME TO {name}")
    with case.opened() as (book, _):
        assert book.size == 4
        book.check()


# --- the password of an address -------------------------------------------------------

PASSWORD = "hunter2 zan/zibar@home"
ENCODED = "hunter2%20zan%2Fzibar%40home"


@pytest.fixture
def stranger(server, server_case):
    """An address with a password, of a user who may connect and no more."""
    case = server_case
    case.create()
    with case.opened() as (book, _):
        book.append(batch("ana"))
    [(path,)] = sql(server, "SHOW hba_file")
    kept = Path(path).read_text()
    Path(path).write_text(f"local all stranger scram-sha-256\n{kept}")
    sql(
        server,
        f"CREATE ROLE stranger LOGIN PASSWORD '{PASSWORD}'",
        "SELECT pg_reload_conf()",
    )
    yield case.server.replace("tester@", f"stranger:{ENCODED}@")
    Path(path).write_text(kept)
    sql(server, "DROP ROLE stranger", "SELECT pg_reload_conf()")


def says_no_password(error):
    said = "".join(traceback.format_exception(error)) + error.message + error.hint
    for secret in (PASSWORD, ENCODED, "hunter2", "zibar", "wrong-one"):
        assert secret not in said
    assert error.exit_code == 2
    return error.message


def refused(address):
    with pytest.raises(Error) as caught:
        connect(address, LEDGER).close()
    return says_no_password(caught.value)


@pytest.mark.postgres
def test_no_message_about_a_server_holds_the_password(stranger, server_case, tmp_path):
    base, host = stranger.split("?host=")
    wrong = stranger.replace(ENCODED, "wrong-one")
    nowhere = stranger.replace(host, "/nowhere")
    other = stranger.replace(base, base.rsplit("/", 1)[0] + "/other")

    assert "password authentication failed" in refused(wrong)
    assert "No such file" in refused(nowhere)
    assert 'database "other" does not exist' in refused(other)
    assert "could not be read" in refused(f"postgresql://u:{ENCODED}@127.0.0.1:1/x")
    case = on(stranger, server_case.folder)
    with pytest.raises(LedgerError) as caught, case.opened():
        pass
    assert "cannot be read as a ledger" in says_no_password(caught.value)
    assert "may use the schema `ledger`" in caught.value.hint


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:hunter2@zibar@host/x",
        "postgresql://u:hunter2/zibar@host/x",
        "postgresql://u:hunter2/zibar@host:5432/x",
        "postgresql://u:hunter2%@host/x",
        "postgresql://u:hunter2@[host/x",
        "postgresql://u:hunter2@host/x?password",
    ],
)
def test_no_message_about_an_unreadable_address_holds_a_password(address):
    pytest.importorskip("psycopg")
    assert refused(address) == "the address of the ledger's server cannot be read"


@pytest.mark.postgres
def test_a_lost_connection_and_a_lost_table_say_no_password(stranger, server_case):
    address = server_case.server
    sql(address, "GRANT ALL ON SCHEMA ledger, vault TO stranger")
    for schema in ("ledger", "vault"):
        sql(address, f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO stranger")
    case = on(stranger, server_case.folder)
    with case.opened() as (book, _):
        book.append([enrolled("bo")])
        cut(address)
        with pytest.raises(LedgerError) as caught:
            book.append([enrolled("cy")])
        assert "terminating connection" in says_no_password(caught.value)
        with pytest.raises(LedgerError) as caught:
            book.append([enrolled("cy")])
        assert "connection is closed" in says_no_password(caught.value)
    sql(address, "DROP TABLE ledger.heads")
    with pytest.raises(LedgerError) as caught, case.opened():
        pass
    assert "cannot be read as a ledger" in says_no_password(caught.value)
    sql(address, "DROP OWNED BY stranger")


@pytest.mark.postgres
def test_a_command_with_a_wrong_password_is_one_error_without_it(
    stranger, server_case, assent
):
    config = on(stranger.replace(ENCODED, "wrong-one"), server_case.folder).config
    (server_case.folder / "assent.toml").write_text(config)

    said = assent("--project", server_case.folder, "status")
    assert (said.code, len(said.errors), said.out) == (2, 1, "")
    assert "password authentication failed" in said.errors[0]
    assert "wrong-one" not in said.err
