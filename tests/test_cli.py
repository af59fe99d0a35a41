"""The command line: what it prints, how it exits, and that refusals change nothing."""

import sqlite3
import stat
import tracemalloc
from base64 import b64encode
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from small_project import (
    CONFIG,
    COUNTRIES,
    POLICY,
    digests,
    documents,
    opened,
    subjects,
    write_export,
    write_policy,
)

pytest_plugins = ("toy_projects", "command_line")

MOVE = ("--country", "FR", "--category")


def changed_rows(path, table, change):
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)
    return path


# --- a whole flow --------------------------------------------------------------------


def test_the_whole_flow_step_by_step_prints_no_secret(assent, tmp_path):
    folder, said = tmp_path / "mine", []

    def run(*arguments, code=0):
        done = assent("--project", folder, *arguments)
        assert done.code == code, done.err
        assert done.errors == []
        said.append(done.out + done.err)
        return done.out

    assert assent("init", folder, "--origin", "toy.example/ledger").code == 0
    (folder / "assent.toml").write_text(CONFIG)
    policy, notice = write_policy(folder), folder / "notices/2025.en.md"
    run("load", "--from", "parquet", *write_export(tmp_path / "export"))
    assert "published `2025-03` as entry 0" in run("policy", "publish", policy)
    assert "nothing to do" in run("policy", "publish", policy)
    run("record", "enrolled", "--all-subjects")
    served = run("record", "notice_served", "--all-subjects", "--notice", notice)
    assert "recorded 12 x notice_served: entries 13 to 24" in served
    assert "eu-interests" in run("decide", "--out", tmp_path / "rows.parquet")
    assert "sealed before any text was read" in run("build")
    assert "2 groups, 2 shards (2 with documents)" in run("train")
    run("ask", "hello", "--bytes", "8")
    run("record", "withdrawn", "u07")
    assert "quarantined: us/0" in assent("--project", folder, "ask", "x").err
    assert "unfinished   nothing" in run("status")
    assert "bit-identical: yes" in run("forget", "--oracle")
    assert "nothing to do" in run("forget")
    run("prove", "u07", "--out", tmp_path / "u07.json")
    run("policy", "suspend", "us-order", "--region", "US")
    run("policy", "lift", "us-order")
    assert "SELECT" in run("policy", "sql")
    assert '"unfinished": "nothing"' in run("status", "--json")
    checked = assent("verify", tmp_path / "u07.json")
    assert "verdict: absent" in checked.out

    everything = "".join(said) + checked.out + checked.err
    for secret in secrets_of(folder):
        for spelled in (secret.hex(), b64encode(secret).decode(), repr(secret)):
            assert spelled not in everything
    assert not any(f"{who}@people" in everything for who in COUNTRIES)


def secrets_of(folder):
    keys = [path.read_bytes() for path in (folder / "secrets").glob("*.key")]
    with closing(sqlite3.connect(folder / "secrets/vault.db")) as vault:
        rows = vault.execute("SELECT secret FROM secrets").fetchall()
    with closing(sqlite3.connect(folder / "ledger.db")) as ledger:
        query = "SELECT opening FROM bodies WHERE opening IS NOT NULL"
        rows += ledger.execute(query).fetchall()
    found = [*keys, *(bytes(row[0]) for row in rows)]
    assert len(found) > 25
    return found


def test_secrets_are_readable_by_their_owner_only(toy, assent, tmp_path):
    assent("--project", toy, "prove", "u01", "--out", tmp_path / "u01.json")
    with opened(toy, 1) as project:
        project.record("refused", ["u02"])
        # While the databases are open, their journals lie beside them.
        private = [
            *(path for path in (toy / "secrets").rglob("*") if path.is_file()),
            *toy.glob("ledger.db*"),
            tmp_path / "u01.json",
        ]
        for path in private:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    names = {path.name for path in private}
    assert {"vault.db", "signing.key", "plan-1.key", "ledger.db"} <= names
    assert stat.S_IMODE((toy / "secrets").stat().st_mode) == 0o700


def test_a_bundle_over_a_public_file_is_private(toy, assent, tmp_path):
    out = tmp_path / "u01.json"
    out.write_text("old")
    out.chmod(0o644)
    assent("--project", toy, "prove", "u01", "--out", out)

    assert stat.S_IMODE(out.stat().st_mode) == 0o600


# --- bad input -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "found", "hint"),
    [
        ("minimum_age", "minimal_age", "unknown key `minimal_age`", "known are"),
        ('"comment"]\npurp', '"poem"]\npurp', "category `poem` is not declared", "dec"),
        ('"ourselves"', '"eve"', "recipient `eve` is not declared", "declare it"),
        (
            'basis = "legitimate_interests"\n[[allow]]',
            'basis = "legitimate_interests"\ncreated_from = 2024-01-02\n'
            "created_until = 2024-01-01\n[[allow]]",
            "created_from 2024-01-02T00:00:00Z is not before created_until 2024-01-01",
            "",
        ),
        ("notices/2025.en.md", "notices/absent.md", "notice `notices/absent.md`", ""),
        ('"DE"', '"Mars"', "region `Mars` is unknown", ""),
        ('controller = "Toy"\n', "", "`controller` is missing", ""),
        ("[[never]]", "[[never", "is not TOML", ""),
        ("01T00:00:00Z", "01T00:00:00", "no time zone", "final `Z`"),
        (
            'basis = "legitimate_interests"',
            'basis = "unsafe_default_on"',
            "never published",
            "",
        ),
        ('basis = "legitimate_interests"', 'basis = "habit"', "basis is `habit`", ""),
    ],
)
def test_a_policy_that_is_none_is_refused(fresh, refuses, old, new, found, hint):
    path = write_policy(fresh, POLICY.replace(old, new), "bad.toml")

    refuses(fresh, "policy", "publish", path, found=found, hint=hint)


def test_versions_out_of_order_are_refused(fresh, refuses):
    earlier = POLICY.replace("2025-01-01", "2024-12-31").replace("2025-03", "2024-12")
    path = write_policy(fresh, earlier, "earlier.toml")

    refuses(
        fresh,
        "policy",
        "publish",
        path,
        found="dates out of order: `2024-12` is effective from 2024-12-31T00:00:00Z",
        hint="later `effective_from`",
    )


def test_a_parquet_that_is_not_as_wanted_is_refused(fresh, refuses, tmp_path):
    folder = tmp_path / "export"
    good = write_export(folder)
    bad = folder / "bad.parquet"

    def load(documents_path, subjects_path, found, hint=""):
        arguments = ("load", "--from", "parquet", documents_path, subjects_path)
        refuses(fresh, *arguments, found=found, hint=hint)

    pq.write_table(documents().drop_columns(["category"]), bad)
    load(bad, good[1], "`bad.parquet` has no column category; it has", "rename or add")
    changed_rows(bad, documents(), lambda rows: rows[1].update(document_id="u01-0"))
    load(bad, good[1], "1 rows of documents repeat a document_id, such as `u01-0`")
    changed_rows(bad, documents(), lambda rows: rows[1].update(category="poem"))
    load(bad, good[1], "category `poem` is not declared, wanted one of comment")
    changed_rows(bad, documents(), lambda rows: rows[1].update(created_at=1_700_000))
    load(bad, good[1], "1 documents have a created_at outside 1980")
    changed_rows(bad, documents(), lambda rows: rows[1].update(text=None))
    load(bad, good[1], "1 documents have no text, such as `u01-1`")
    changed_rows(bad, subjects(), lambda rows: rows[1].update(country="Germany"))
    load(good[0], bad, "1 values of country are unknown", "convert them")
    changed_rows(bad, subjects(), lambda rows: rows[1].update(subject_id="u01"))
    load(good[0], bad, "repeat a subject_id, such as `u01`")
    bad.write_bytes(good[0].read_bytes()[:-100])
    load(bad, good[1], "cannot be read as Parquet", "export it again")
    load(folder / "absent.parquet", good[1], "`absent.parquet` is missing")
    parts = folder / "parts"
    parts.mkdir()
    load(parts, good[1], "`parts` holds no part", "check the path")
    pq.write_table(documents(), parts / "part-1.parquet")
    pq.write_table(documents().drop_columns(["mentions"]), parts / "part-2.parquet")
    load(parts, good[1], "mentions of `parts/part-2.parquet` is missing, but list")


def dump(folder):
    """Write a small Stack Exchange dump."""
    folder.mkdir(parents=True)
    date = 'CreationDate="2020-01-01T00:00:00.000"'
    rows = {
        "Users": f'<row Id="1" {date} DisplayName="A" Reputation="1" />',
        "Posts": f'<row Id="1" PostTypeId="1" {date} OwnerUserId="1" Body="words" />',
        "Comments": f'<row Id="1" PostId="1" {date} UserId="1" Text="more words" />',
    }
    for name, row in rows.items():
        tag = name.lower()
        text = f'<?xml version="1.0" encoding="utf-8"?>\n<{tag}>\n{row}\n</{tag}>\n'
        (folder / f"{name}.xml").write_text(text)
    return folder


def test_a_truncated_dump_is_refused_and_leaves_no_project(
    assent, refuses, fresh, tmp_path
):
    folder = dump(tmp_path / "dump")
    assert (
        assent("init", tmp_path / "good", "--from", "stackexchange", folder).code == 0
    )
    posts = folder / "Posts.xml"
    posts.write_bytes(posts.read_bytes()[:-20])

    refuses(fresh, "load", "--from", "stackexchange", folder, found="`Posts.xml`")
    said = assent("init", tmp_path / "bad", "--from", "stackexchange", folder)
    assert (said.code, len(said.errors), said.out) == (2, 1, "")
    assert not (tmp_path / "bad").exists()


def test_an_init_that_fails_takes_only_its_own_files_away(assent, tmp_path):
    folder = tmp_path / "mine"
    (folder / "policies").mkdir(parents=True)
    (folder / "policies/mine.toml").write_text("mine")
    before = digests(folder)
    for exports in ([], [tmp_path / "absent.parquet"] * 2):
        said = assent("init", folder, "--from", "parquet", *exports)
        assert (said.code, len(said.errors)) == (2, 1)
        assert digests(folder) == before


def test_an_init_with_data_is_a_project(assent, tmp_path, monkeypatch):
    paths = write_export(tmp_path / "export")
    (tmp_path / "my folder").mkdir()
    monkeypatch.chdir(tmp_path / "my folder")
    said = assent("init", ".", "--from", "parquet", *paths)

    assert said.code == 0
    assert "project `my folder`" in said.out
    assert "loaded 48 documents of 12 subjects" in said.out
    assert (
        "my-folder.example/ledger" in (tmp_path / "my folder/assent.toml").read_text()
    )
    assert "48 of 12 subjects, from parquet" in assent("status").out


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["record", "withdrawn", "eve"], "subject `eve`, who is not among the loaded"),
        (["record", "withdrawn"], "no subject is named"),
        (["record", "wavered", "u01"], "event kind `wavered` is unknown"),
        (["record", "given", "u01"], "says no notice"),
        (["record", "given", "u01", "--notice", "absent.md"], "`absent.md` cannot be"),
        (["record", "given", "u01", "--notice", "/"], "cannot be read"),
        (["record", "refused", "u01", "--at", "noon"], "'noon' is no instant"),
        (["record", "refused", "u01", "--category", "poem"], "category `poem`"),
        (["record", "refused", "u01", "--purpose", "spam"], "purpose `spam`"),
        (["record", "enrolled", "u01"], "enrolled already"),
        (["record", "residence_changed", "u01"], "names no country, wanted where she"),
        (["record", "residence_changed", "u01", "--country", "UK"], "names no country"),
        (["record", "residence_changed", "u01", *MOVE, "post"], "has a scope"),
        (
            ["record", "refused", "u01", "--country", "FR"],
            "`refused` names a country, which only `residence_changed` may",
        ),
        (["decide", "--at", "2025-13-01T00:00:00Z"], "is no instant"),
        (["decide", "--recipient", "eve"], "recipient `eve` is not declared"),
        (["policy", "publish", "absent.toml"], "no policy file `absent.toml`"),
        (["policy", "suspend", "o", "--region", "Mars"], "region `Mars` is unknown"),
        (["policy", "suspend", "o"], "missing option `--region`"),
        (["policy", "lift", "o"], "no order `o` is in force"),
        (["policy", "sql", "--dialect", "oracle"], "dialect `oracle`"),
        (["train"], "no corpus is built yet"),
        (["ask", "hello"], "no model is trained yet"),
        (["ask", "hello", "--bytes", "many"], "`many` is not a valid integer"),
        (["ask", "hello", "--bytes", "-1"], "-1 tokens cannot be generated"),
        (["ask", "hello", "--seed", "9" * 30], "is out of range"),
        (["ask", "hello", "--temperature", "nan"], "temperature is nan"),
        (["ask", "hello", "--temperature", "-1"], "temperature is -1.0"),
        (["ask", "caf\udce9"], "the prompt is not UTF-8"),
        (["receipt", "caf\udce9", "--out", "x"], "an argument is not text in UTF-8"),
        (["erase", "caf\udce9", "--out", "../x"], "an argument is not text in UTF-8"),
        (["forget"], "no model is trained yet"),
        (["prove", "u01", "--out", "x.json"], "no model is trained yet"),
        (["prove", "eve", "--out", "x.json"], "subject `eve` has no secret"),
        (["prove", "u01"], "missing option `--out`"),
        (["replay", "--case", "absent.toml"], "no case file `absent.toml`"),
        (["load", "--from", "parquet", "one.parquet"], "was given 1 paths, wanted 2"),
        (["load", "--from", "gopher"], "`gopher` is not one of"),
        (["build", "--quickly"], "no such option `--quickly`"),
        (["unlearn"], "no such command `unlearn`"),
        (["policy", "shred"], "no such command `shred`"),
        (["train", "now"], "unexpected extra argument"),
    ],
)
def test_what_cannot_be_done_is_one_error_and_exit_2(fresh, refuses, arguments, found):
    refuses(fresh, *arguments, found=found)


def test_a_folder_without_a_project_is_named(refuses, assent, tmp_path):
    for arguments in (["status"], ["build"], ["record", "withdrawn", "u01"]):
        refuses(tmp_path, *arguments, found="there is no `assent.toml`", hint="init")
    assert list(tmp_path.iterdir()) == []
    said = assent("--project", tmp_path / "absent", "status")
    assert (said.code, len(said.errors)) == (2, 1)
    assert not (tmp_path / "absent").exists()


def test_an_existing_project_is_not_made_again(fresh, assent):
    before = digests(fresh)
    said = assent("init", fresh)

    assert (said.code, len(said.errors)) == (2, 1)
    assert "already" in said.errors[0]
    assert digests(fresh) == before


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("slices = 3", "slices = 3\nslides = 4", "unknown key `slides` in `[train]`"),
        ("[capacity]", "[capacities]", "unknown section `[capacities]`"),
        ("steps = 2", 'steps = "2"', "`steps` in `[train]` has the wrong type"),
        ("workers = 1", "", "`workers` in `[train]` is missing"),
        ('["ourselves"]', '["eve"]', "recipient `eve` is used, not declared"),
        ('"toy"', '"toy', "is not TOML"),
    ],
)
def test_a_configuration_that_is_not_understood_is_refused(
    fresh, refuses, old, new, found
):
    path = fresh / "assent.toml"
    path.write_text(CONFIG.replace(old, new, 1))

    refuses(fresh, "status", found=found)


def test_no_command_at_all_shows_the_help(assent):
    said = assent()

    assert said.code == 2
    assert "Usage: assent" in said.err
    assert assent("--help").code == 0
    assert assent("--version").out.startswith("assent")


# --- the answer is no ----------------------------------------------------------------


def test_training_on_what_is_no_longer_permitted_exits_1(fresh, refuses, assent):
    with opened(fresh) as project:
        project.build()
    assert assent("--project", fresh, "record", "withdrawn", "u01", "u02").code == 0

    refuses(
        fresh,
        "train",
        code=1,
        found="6 documents of `corpus-",
        hint="run `assent build` again",
    )
    assert assent("--project", fresh, "build").code == 0
    assert assent("--project", fresh, "train").code == 0


def test_a_bundle_with_one_byte_changed_exits_1(toy, assent, tmp_path):
    out = tmp_path / "u01.json"
    assert assent("--project", toy, "prove", "u01", "--out", out).code == 0
    assert assent("verify", out).code == 0
    data = out.read_bytes()
    place = data.index(b'"happened_at":') + 20
    out.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    said = assent("verify", out)

    assert (said.code, len(said.errors)) == (1, 1)
    assert said.out == ""


def test_a_bundle_under_another_key_or_that_is_none(toy, assent, tmp_path):
    out = tmp_path / "u01.json"
    assent("--project", toy, "prove", "u01", "--out", out)
    key = "toy.example/ledger+00000000+" + b64encode(b"\1" + bytes(32)).decode()
    said = assent("verify", out, "--key", key)
    assert (said.code, len(said.errors)) == (1, 1)

    for path, code in ((tmp_path / "absent.json", 2), (tmp_path, 2)):
        said = assent("verify", path)
        assert (said.code, len(said.errors)) == (code, 1)
    (tmp_path / "none.json").write_text("{}")
    assert assent("verify", tmp_path / "none.json").code == 1


def test_a_file_that_is_far_too_long_is_not_read_to_its_end(assent, tmp_path):
    path = tmp_path / "long.json"
    with path.open("wb") as stream:
        stream.truncate(512 << 20)
    tracemalloc.start()
    try:
        said = assent("verify", path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (said.code, len(said.errors)) == (1, 1)
    assert "wanted at most 67108864" in said.errors[0]
    assert peak < 256 << 20


def test_someone_in_no_slice_is_told_so_with_exit_0(toy, assent):
    assert assent("--project", toy, "record", "withdrawn", "u11").code == 0
    said = assent("--project", toy, "forget", "--oracle")

    assert said.code == 0
    assert "everything in it is permitted; nothing to do" in said.out
