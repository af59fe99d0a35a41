"""Only who was reached is recorded as told, through real servers that fail."""

import csv
import hashlib
import hmac
import io
import json
import shutil
import ssl
import stat
from base64 import b64encode

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from assent.canon import sha256
from assent.errors import PolicyError, UsageError
from assent.ledger.book import Book
from assent.notify.channels import (
    MailServer,
    Outcome,
    Webhook,
    is_loopback,
    webhook_url,
)
from assent.notify.letters import ADDRESS, Notice, mail
from assent.notify.table import COLUMNS, Row, from_csv, to_csv
from assent.policy.model import Policy
from assent.project.needing import by_place
from assent.project.notifying import BATCH, PATIENCE
from assent.terms import DAY, iso
from small_project import (
    BUILT_AT,
    NOTICE,
    PERMITTED,
    POLICY,
    StoppedError,
    digests,
    opened,
    recorded,
    subjects,
    write_export,
    write_policy,
)

pytest_plugins = ("toy_projects", "command_line", "loopback")

EU_ONLY = POLICY.split('[[allow]]\nname = "us')[0]
GERMAN = "# Was wir tun\n\nWir lernen aus euren Beiträgen. Ihr könnt nein sagen.\n"


@pytest.fixture(scope="session")
def untold_once(tmp_path_factory):
    """A project in which everybody is enrolled and nobody was told anything."""
    folder = tmp_path_factory.mktemp("untold") / "toy"
    recorded(folder, told=False)
    return folder


@pytest.fixture
def untold(untold_once, tmp_path):
    return shutil.copytree(untold_once, tmp_path / "untold")


def served(project):
    events = project.place.book.events(project.place.book.size)
    rows = events.filter(pc.equal(events["kind"], "notice_served"))
    return sorted(rows["subject_id"].to_pylist())


def details(folder):
    """Read the evidence of every notice, as the ledger keeps it."""
    with opened(folder, 1) as project:
        rows = project.place.book._store.rows("SELECT body FROM bodies")
        bodies = [json.loads(body) for (body,) in rows]
    return [body for body in bodies if body["kind"] == "notice_served"]


def at(who):
    return f"{who}@people.example"


def mails(project, mailbox, **said):
    with MailServer("127.0.0.1", mailbox.port, False, timeout=0.3) as server:
        found = project.notices(**said)
        return project.notify_by_mail(found, server, "us@toy.example")


# --- who, and in which words ---------------------------------------------------------


def test_those_of_whom_a_rule_speaks_are_counted_by_place(untold):
    with opened(untold) as project:
        (need,) = project.notices()

    assert [each.subject_id for each in need.people] == list(PERMITTED)
    assert by_place([need]) == [
        ["2025-03", "DE", 4, 4],
        ["2025-03", "FR", 2, 2],
        ["2025-03", "US", 4, 4],
    ]
    assert need.notice.sha256 == sha256(NOTICE)


def test_a_policy_that_is_not_published_can_be_told_before_it_starts(untold):
    text = EU_ONLY.replace("2025-03", "2026")
    path = write_policy(untold, text, "2026.toml")
    with opened(untold) as project:
        (need,) = project.notices(path)

    assert len(need.people) == 6
    assert "`2026` of Toy: 6 people need a notice" in need.lines()[0]


def test_a_person_who_is_erased_or_not_enrolled_is_left_alone(untold, tmp_path):
    paths = write_export(tmp_path / "more")
    more = subjects().to_pylist()
    more.append({**more[0], "subject_id": "u99"})
    pq.write_table(pa.Table.from_pylist(more, subjects().schema), paths[1])
    with opened(untold) as project:
        project.load("parquet", *paths)
        project.record("erased", ["u01"])
        (need,) = project.notices()
        names = {each.subject_id for each in need.people}
        assert {"u01", "u99"}.isdisjoint(names)
        project.record("enrolled", ["u99"])
        (need,) = project.notices()

    assert "u99" in {each.subject_id for each in need.people}


def test_only_the_regions_that_are_named_are_told(untold):
    with opened(untold) as project:
        (need,) = project.notices(regions=["EU"])
        assert len(need.people) == 6
        (need,) = project.notices(regions=["FR", "US"])
        assert len(need.people) == 6
        with pytest.raises(PolicyError, match="region `Mars`"):
            project.notices(regions=["Mars"])


def test_another_language_is_its_own_text_and_says_that_it_does_not_count(untold):
    (untold / "notices/2025.de.md").write_text(GERMAN)
    for path in (None, untold / "policies/2025.toml"):
        with opened(untold) as project:
            (need,) = project.notices(path, "de", ["DE"])

        assert need.notice.sha256 == sha256(GERMAN.encode())
        assert need.notice.language == "de"
        assert "permits nothing until a policy names it" in need.lines()[1]


def test_another_language_that_the_policy_accepts_counts(untold, mailbox):
    (untold / "notices/2025.de.md").write_text(GERMAN)
    text = POLICY.replace("2025-03", "2025-04").replace("2025-01", "2025-02")
    head = 'notice = "notices/2025.en.md"'
    text = text.replace(head, f'{head}\naccepts = ["notices/2025.de.md"]')
    path = write_policy(untold, text, "2025-04.toml")
    with opened(untold) as project:
        project.publish(path, "told the same day")
        (need,) = project.notices(language="de", regions=["DE"])
        assert len(need.lines()) == 1
        done = mails(project, mailbox, language="de", regions=["DE"])
        assert done.served == 4
        assert len(project.notices()[0].people) == 6
        decided = project.decide(as_of=BUILT_AT + DAY)

    rows = {r["document_id"]: r["reason"] for r in decided.to_pylist()}
    assert rows["u01-0"] == "legitimate_interests"
    assert rows["u05-0"] == "not_notified"


def test_a_notice_whose_name_tells_no_language_has_variants_too(untold):
    (untold / "notices/2026.md").write_bytes(NOTICE)
    (untold / "notices/2026.de.md").write_text(GERMAN)
    text = POLICY.replace("2025-03", "2026").replace("2025.en.md", "2026.md")
    path = write_policy(untold, text, "2026.toml")
    with opened(untold) as project:
        (own,), (other,) = project.notices(path), project.notices(path, "de")

    assert (own.notice.name, own.notice.language) == ("2026.md", "en")
    assert (other.notice.name, other.notice.language) == ("2026.de.md", "de")


def test_a_language_that_nobody_wrote_is_named(untold):
    with opened(untold) as project:
        for language, match in (("fr", "no notice `2025.fr.md`"), ("../x", "is none")):
            with pytest.raises(UsageError, match=match):
                project.notices(language=language)


def test_without_a_policy_nobody_must_be_told(tmp_path):
    recorded(tmp_path / "toy", told=False, publish=False)
    with (
        opened(tmp_path / "toy") as project,
        pytest.raises(UsageError, match="in force"),
    ):
        project.notices()


# --- by mail -------------------------------------------------------------------------


def test_each_gets_one_mail_of_her_own_and_is_recorded(untold, mailbox):
    with opened(untold) as project:
        done = mails(project, mailbox)

        assert (done.served, done.complete) == (10, True)
        assert served(project) == list(PERMITTED)
        assert project.notices()[0].people == ()
    assert sorted(mailbox.reached) == [at(who) for who in PERMITTED]
    letter = mailbox.text_of(at("u01"))
    assert letter["To"] == at("u01")
    assert (letter["From"], letter["Subject"]) == ("us@toy.example", "What we do")
    assert letter.get_content().replace("\r\n", "\n") == NOTICE.decode()
    assert "u01" not in letter["Message-ID"]
    assert letter["Auto-Submitted"] == "auto-generated"


def test_what_is_recorded_is_how_in_which_language_and_which_text(untold, mailbox):
    (untold / "notices/2025.de.md").write_text(GERMAN)
    with opened(untold) as project:
        mails(project, mailbox, language="de", regions=["DE"])
        text = project.place.kept(sha256(GERMAN.encode()))

    assert text.decode() == GERMAN
    for body in details(untold):
        assert body["detail"] == {"channel": "smtp", "language": "de"}
        assert body["notice"] == sha256(GERMAN.encode())
        assert (body["actor"], body["happened_at"]) == ("operator", BUILT_AT)
    letter = mailbox.text_of(at("u01"))
    assert letter.get_content().replace("\r\n", "\n") == GERMAN


def test_whoever_is_refused_is_not_recorded_and_is_tried_again(untold, mailbox):
    mailbox.refused = {at("u02"), at("u09")}
    with opened(untold) as project:
        done = mails(project, mailbox)
        assert (done.served, done.refused) == (8, ["u02", "u09"])
        assert not done.complete
        assert set(served(project)) == set(PERMITTED) - {"u02", "u09"}
        mailbox.refused = set()
        assert mails(project, mailbox).served == 2

    assert len(mailbox.reached) == 10


def test_a_server_that_says_not_now_is_asked_again_for_the_next(untold, mailbox):
    mailbox.later = {at("u03")}
    with opened(untold) as project:
        done = mails(project, mailbox)

        assert (done.served, done.refused) == (9, ["u03"])


@pytest.mark.parametrize("how", ["dropped", "mute"])
def test_a_mail_without_an_answer_is_not_counted_as_read(untold, mailbox, how):
    if how == "dropped":
        mailbox.dropped = {at("u01")}
    else:
        mailbox.mute = 1  # the text was sent, and nothing comes back
    with opened(untold) as project:
        done = mails(project, mailbox)

        assert (done.served, done.refused) == (9, ["u01"])
        assert "u01" not in served(project)


def test_a_server_that_goes_away_is_not_asked_for_everybody(untold, mailbox):
    mailbox.dropped = {at(who) for who in PERMITTED[2:]}
    with opened(untold) as project:
        done = mails(project, mailbox)

        assert done.served == 2
        assert done.refused == list(PERMITTED[2 : 2 + PATIENCE])
        assert done.not_tried == 10 - 2 - PATIENCE
        assert served(project) == ["u01", "u02"]


def test_people_without_a_usable_address_are_counted(untold, mailbox, tmp_path):
    paths = write_export(tmp_path / "more")
    rows = subjects().to_pylist()
    for row, emails in zip(
        rows,
        ([], None, ["no address"], ["a@b\r\nBcc: x@y", "u04@people.example"]),
        strict=False,
    ):
        row["emails"] = emails
    pq.write_table(pa.Table.from_pylist(rows, subjects().schema), paths[1])
    with opened(untold) as project:
        project.load("parquet", *paths)
        done = mails(project, mailbox)

        assert (done.served, done.without_address, done.complete) == (7, 3, True)
    assert {"u01", "u02", "u03"}.isdisjoint(served_in(untold))
    assert at("u04") in mailbox.reached


def served_in(folder):
    with opened(folder, 1) as project:
        return served(project)


def test_killed_before_the_record_the_same_people_are_told_again(
    untold, mailbox, monkeypatch
):
    def dead(self, events):
        raise StoppedError("the machine is off")

    with opened(untold) as project:
        with monkeypatch.context() as patched:
            patched.setattr(Book, "append", dead)
            with pytest.raises(StoppedError):
                mails(project, mailbox)
        assert len(mailbox.reached) == 10 < BATCH
        assert served(project) == []
        assert mails(project, mailbox).served == 10

    assert sorted(mailbox.reached) == sorted([at(who) for who in PERMITTED] * 2)


def test_stopped_by_a_person_what_was_sent_is_recorded(untold, mailbox):
    def stop(what, done, total):
        if done == 4:
            raise KeyboardInterrupt

    with opened(untold) as project:
        with (
            MailServer("127.0.0.1", mailbox.port, False) as server,
            pytest.raises(KeyboardInterrupt),
        ):
            project.notify_by_mail(
                project.notices(), server, "us@toy.example", progress=stop
            )
        assert served(project) == list(PERMITTED[:4])
    assert len(mailbox.reached) == 4


def test_a_batch_is_recorded_before_the_next_is_sent(untold, mailbox, monkeypatch):
    monkeypatch.setattr("assent.project.notifying.BATCH", 3)
    sizes = []
    whole = Book.append

    def append(self, events):
        sizes.append((len(events), len(mailbox.reached)))
        return whole(self, events)

    monkeypatch.setattr(Book, "append", append)
    with opened(untold) as project:
        mails(project, mailbox)

    assert sizes == [(3, 3), (3, 6), (3, 9), (1, 10)]


def test_nothing_is_sent_unencrypted_where_encryption_is_asked_for(
    mailbox, secure_mailbox, certificate
):
    with pytest.raises(UsageError, match="offers no STARTTLS"):
        MailServer("127.0.0.1", mailbox.port, starttls=True)
    with pytest.raises(UsageError, match="certificate is not trusted"):
        MailServer("127.0.0.1", secure_mailbox.port, starttls=True)
    assert mailbox.mails == secure_mailbox.mails == []
    assert not any(word.startswith("MAIL") for word in mailbox.said)

    trusted = ssl.create_default_context(cafile=certificate)
    with MailServer(
        "127.0.0.1", secure_mailbox.port, starttls=True, context=trusted
    ) as server:
        notice = Notice(Policy("p", "c", 0, "", (), ()), NOTICE, "en", "n.md")
        letter = mail(notice, "us@toy.example", "ana@people.example", "t", 0, "1")
        assert server.send(letter) is Outcome.SERVED
    assert secure_mailbox.reached == ["ana@people.example"]
    assert "STARTTLS" in secure_mailbox.said


def test_user_and_password_are_sent_and_a_wrong_one_is_an_error(mailbox):
    mailbox.password = b64encode(b"\0us\0secret").decode()
    with MailServer("127.0.0.1", mailbox.port, False, ("us", "secret")):
        pass
    with pytest.raises(UsageError, match="does not take the user and password"):
        MailServer("127.0.0.1", mailbox.port, False, ("us", "guess"))


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"]
)
def test_this_machine_is_known_by_its_names(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["mail.example", "10.0.0.1", "0.0.0.0", "localhost.evil.example", "", "::2"]
)
def test_other_machines_are_not(host):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "address",
    [
        *("", "ana", "@b.example", "a@", "a b@c.example", "a@b.example\n"),
        *(
            "a@b.example,c@d.example",
            "<a@b.example>",
            "a@b.example\r\nBcc: x@y.example",
        ),
        *("ana@bücher.example", "a@-b.example", 'a"@b.example'),
    ],
)
def test_what_could_reach_somebody_else_is_no_address(address):
    assert ADDRESS.fullmatch(address) is None


# --- by webhook ----------------------------------------------------------------------


def calls(project, platform, secret="between us", **said):
    with Webhook(webhook_url(platform.url), timeout=0.3) as hook:
        return project.notify_by_webhook(project.notices(**said), hook, secret)


def test_each_call_is_signed_and_carries_the_text(untold, platform):
    with opened(untold) as project:
        done = calls(project, platform)
        assert (done.served, done.complete) == (10, True)
        assert served(project) == list(PERMITTED)

    path, headers, body = platform.calls[0]
    said = json.loads(body)
    assert path == "/notices?from=assent"
    assert said["subject_id"] == "u01"
    assert sha256(said["text"].encode()) == said["notice"] == sha256(NOTICE)
    seconds, _, mac = headers["Assent-Signature"].partition(",")
    assert seconds == f"t={BUILT_AT // 1_000_000}"
    message = f"{seconds[2:]}.".encode() + body
    found = hmac.new(b"between us", message, hashlib.sha256).hexdigest()
    assert mac == f"v1={found}"
    assert {b["detail"]["channel"] for b in details(untold)} == {"webhook"}


def test_without_a_secret_one_is_drawn_and_kept(untold, platform):
    with opened(untold) as project:
        calls(project, platform, None, regions=["DE"])
        path = untold / "secrets/webhook.key"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        calls(project, platform, None, regions=["FR"])

    secret = path.read_bytes().hex().encode()
    for _, headers, body in platform.calls:
        seconds, _, mac = headers["Assent-Signature"].partition(",")
        message = f"{seconds[2:]}.".encode() + body
        assert mac[3:] == hmac.new(secret, message, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("status", [302, 400, 404, 500, 503, None])
def test_an_answer_other_than_2xx_is_nobody_told(untold, platform, status):
    platform.answers = [204, status, 200]
    with opened(untold) as project:
        done = calls(project, platform)

        assert (done.served, done.refused) == (9, ["u02"])
        assert "u02" not in served(project)
    assert not any(path == "/elsewhere" for path, _, _ in platform.calls)


def test_a_platform_that_keeps_failing_is_left_alone(untold, platform):
    platform.answers = [500] * 10
    with opened(untold) as project:
        done = calls(project, platform)

        assert (done.served, len(done.refused)) == (0, PATIENCE)
        assert done.not_tried == 10 - PATIENCE
    assert len(platform.calls) == PATIENCE


def test_a_platform_that_refuses_each_is_asked_for_each(untold, platform):
    platform.answers = [404] * 10
    with opened(untold) as project:
        assert len(calls(project, platform).refused) == 10


def test_an_answer_that_comes_too_late_is_none(untold, platform):
    platform.slow = 0.6
    with opened(untold) as project:
        done = calls(project, platform)

        assert done.served == 0
        assert served(project) == []


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("http://platform.example/x", "in the open"),
        ("ftp://localhost/x", "no URL"),
        ("https://user:word@platform.example/", "no URL"),
        ("https:///x", "no URL"),
        ("https://[::1", "no URL"),
        ("https://platform.example:port/", "no URL"),
        ("platform.example", "no URL"),
        ("https://platform.example/a b", "no URL"),
        ("https://platform.example/ü", "no URL"),
        ("https://platform.example/\n", "no URL"),
    ],
)
def test_a_call_goes_by_https_or_to_this_machine(url, match):
    with pytest.raises(UsageError, match=match):
        webhook_url(url)


# --- by the platform's own mailer ----------------------------------------------------


def filled(path, delivered):
    """Fill the list in, as a mailer would."""
    rows = list(csv.reader(io.StringIO(path.read_text(), newline="")))
    for row in rows[1:]:
        row[5] = delivered.get(row[0], "")
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    path.write_text(out.getvalue())


def test_a_list_tells_nobody_and_what_comes_back_is_recorded_with_its_time(
    untold, tmp_path
):
    path = tmp_path / "list.csv"
    with opened(untold) as project:
        assert project.export_notices(project.notices(), path) == 10
        assert served(project) == []
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    when = iso(BUILT_AT + DAY // 2)
    filled(path, {"u01": when, "u07": when})
    with opened(untold, 1) as project:
        assert project.record_delivered(path) == 2
        assert served(project) == ["u01", "u07"]
        # Read again it records nothing; grown, only what is new.
        assert project.record_delivered(path) == 0
        filled(path, {"u01": when, "u07": when, "u02": when})
        assert project.record_delivered(path) == 1
        assert len(project.notices()[0].people) == 7

    for body in details(untold):
        assert body["detail"] == {"channel": "csv", "language": "en"}
        assert body["happened_at"] == BUILT_AT + DAY // 2


@pytest.mark.parametrize(
    ("column", "value", "match"),
    [
        (0, "eve", "`eve` names nobody who is enrolled"),
        (2, "English!", "names no language"),
        (3, "0" * 64, "never exported"),
        (3, "../../assent.toml", "never exported"),
        (5, "yesterday", "row 3: `delivered_at` is no instant"),
        (5, "2025-03-10T00:00:00", "row 3: `delivered_at` is no instant"),
        (5, "2026-01-01T00:00:00Z", "is to come"),
    ],
)
def test_one_bad_row_and_nothing_is_recorded(untold, tmp_path, column, value, match):
    path = tmp_path / "list.csv"
    with opened(untold) as project:
        project.export_notices(project.notices(), path)
    filled(path, dict.fromkeys(PERMITTED, iso(BUILT_AT)))
    rows = list(csv.reader(io.StringIO(path.read_text(), newline="")))
    rows[2][column] = value
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    path.write_text(out.getvalue())
    before = digests(untold)
    with opened(untold, 1) as project, pytest.raises(UsageError, match=match):
        project.record_delivered(path)

    assert digests(untold) == before


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "does not begin with the columns"),
        (b"subject_id,delivered_at\r\nu01,2025-03-11T00:00:00Z\r\n", "columns"),
        (b"\xff\xfe", "no CSV in UTF-8"),
        (",".join(COLUMNS).encode() + b"\r\nu01,x\r\n", "row 2 has 2 cells, wanted 6"),
        (",".join(COLUMNS).encode() + b'\r\n"' + b"x" * 200_000, "no CSV"),
    ],
)
def test_a_file_that_is_no_such_list_is_refused(untold, tmp_path, data, match):
    path = tmp_path / "list.csv"
    path.write_bytes(data)
    with opened(untold, 1) as project, pytest.raises(UsageError, match=match):
        project.record_delivered(path)


def test_the_same_delivery_twice_in_a_list_is_refused(untold, tmp_path):
    path = tmp_path / "list.csv"
    with opened(untold) as project:
        project.export_notices(project.notices(), path)
    filled(path, {"u01": iso(BUILT_AT)})
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines, lines[1]]))
    with opened(untold, 1) as project, pytest.raises(UsageError, match="twice"):
        project.record_delivered(path)


CELLS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "'", "'=1", "＝1", "a,b",
         'a"b', "", "plain", "a\r\nb", "  =1", "ünï"]  # fmt: skip


def test_no_cell_is_a_formula_and_each_comes_back_as_it_was():
    at = "2025-03-11T00:00:00Z"
    rows = [Row(cell, cell, "en", "0" * 64, cell, 0) for cell in CELLS]
    data = to_csv(rows)
    found = list(csv.reader(io.StringIO(data.decode(), newline="")))
    for row in found[1:]:
        assert all(not cell.startswith(tuple("=+-@\t\r\n＝＋－＠")) for cell in row)
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(
        [found[0], *([*row[:5], at] for row in found[1:])]
    )
    back = from_csv(b"\xef\xbb\xbf" + out.getvalue().encode(), "list.csv")

    assert [(row.subject_id, row.address, row.policy) for row in back] == [
        (cell, cell, cell) for cell in CELLS
    ]


# --- the command ---------------------------------------------------------------------


def test_the_command_tells_counts_and_exits(untold, assent, mailbox, tmp_path):
    smtp = ("--smtp", f"127.0.0.1:{mailbox.port}", "--from", "us@toy.example")

    def run(*arguments):
        return assent("--project", untold, "notify", *arguments)

    counted = run("--dry-run")
    assert counted.code == 0
    assert "10 people need a notice" in counted.out
    assert [line.split() for line in counted.out.splitlines() if " DE " in line]
    assert served_in(untold) == []

    mailbox.refused = {at("u02")}
    told = run(*smtp)
    assert told.code == 1
    assert "reached and recorded: 9" in told.out
    assert "not reached: 1\n  u02\n" in told.out
    assert "@people" not in told.out + told.err
    listed = run("--csv", tmp_path / "list.csv")
    assert "wrote 1 lines; nobody counts as told yet" in listed.out
    mailbox.refused = set()
    assert run(*smtp).code == 0
    assert "0 people need a notice" in run("--dry-run").out


def test_the_command_calls_a_platform(untold, assent, platform, monkeypatch):
    monkeypatch.setenv("ASSENT_WEBHOOK_SECRET", "between us")
    said = assent("--project", untold, "notify", "--webhook", platform.url)

    assert said.code == 0
    assert "reached and recorded: 10" in said.out
    assert "between us" not in said.out + said.err
    assert not (untold / "secrets/webhook.key").exists()


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ([], "was given 0 ways, wanted 1"),
        (["--dry-run", "--csv", "x"], "was given 2 ways, wanted 1"),
        (["--smtp", "127.0.0.1:25"], "`--smtp` needs `--from`"),
        (["--smtp", "127.0.0.1", "--from", "a@b.example"], "names no server"),
        (["--smtp", "127.0.0.1:x", "--from", "a@b.example"], "names no server"),
        (["--smtp", "127.0.0.1:1", "--from", "a@b.example"], "cannot be reached"),
        (["--smtp", "a..b:25", "--from", "a@b.example"], "cannot be reached"),
        (["--smtp", "127.0.0.1:25", "--timeout", "0"], "0 is not in the range"),
        (["--webhook", "http://platform.example"], "in the open"),
        (["--delivered", "absent.csv"], "`absent.csv` cannot be read"),
        (["absent.toml", "--dry-run"], "no policy file `absent.toml`"),
        (["--dry-run", "--language", "fr"], "no notice `2025.fr.md`"),
    ],
)
def test_what_cannot_be_told_is_one_error(untold, refuses, arguments, found):
    refuses(untold, "notify", *arguments, found=found)


def test_a_password_is_not_sent_over_an_open_line(untold, assent, monkeypatch):
    monkeypatch.setenv("ASSENT_SMTP_USER", "us")
    monkeypatch.setenv("ASSENT_SMTP_PASSWORD", "secret")
    said = assent(
        *("--project", untold, "notify", "--smtp", "mail.example:587"),
        *("--from", "us@toy.example", "--insecure"),
    )

    assert said.code == 2
    assert "a password is not sent over an open line" in said.errors[0]
    assert "secret" not in said.out + said.err


def test_a_notice_that_is_no_text_reaches_nobody(untold, mailbox):
    for data, match in ((b"\xff", "not UTF-8"), (b" \n", "is blank")):
        (untold / "notices/2025.de.md").write_bytes(data)
        with opened(untold) as project, pytest.raises(UsageError, match=match):
            mails(project, mailbox, language="de")
    assert mailbox.mails == []
