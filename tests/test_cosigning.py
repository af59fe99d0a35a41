"""What rests on a head leaves only when the project's witnesses have cosigned it."""

import shutil
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest

from assent.errors import ProofError
from assent.merkle.quorum import check_quorum, parse_policy
from assent.merkle.tlogproof import verify_proof
from assent.project.cosigning import cosign_head, cosigned_head, witness_policy
from assent.verify import verify_bundle
from small_project import BUILT_AT, digests, opened, trained
from small_witness import asking, witnessing

pytest_plugins = ("toy_projects", "command_line")

NAMES = ("union", "auditor", "press")


QUORUM = "group two 2 union auditor press\nquorum two\n"


@contextmanager
def witnessed(folder, tmp_path, clock=time.time):
    """Give a project three witnesses, each a server; the quorum is two of them."""
    with opened(folder) as project:
        key = project.place.book.verifier_key
    with ExitStack() as stack:
        found = {
            name: stack.enter_context(
                witnessing(
                    tmp_path / name,
                    key,
                    name=f"{name}.example/w",
                    clock=lambda: int(clock()),
                )
            )
            for name in NAMES
        }
        lines = [
            f"witness {name} {each.key.verifier_key} {each.url}\n"
            for name, each in found.items()
        ]
        (folder / "witnesses.policy").write_text("".join(lines) + QUORUM)
        settings = (folder / "assent.toml").read_text()
        (folder / "assent.toml").write_text(
            settings.replace(
                "[project]\n", '[project]\nwitnesses = "witnesses.policy"\n'
            )
        )
        yield found


def policy_of(folder):
    return (folder / "witnesses.policy").read_text()


def test_a_proof_is_handed_out_with_the_cosignatures_of_a_quorum(toy, tmp_path, assent):
    with opened(toy) as project:
        subject, key = min(trained(project)), project.place.book.verifier_key
    with witnessed(toy, tmp_path):
        out = tmp_path / "bundle.json"
        said = assent("--project", toy, "prove", subject, "--out", out)

    assert said.code == 0, said.err
    found = verify_bundle(out.read_bytes(), key, policy_of(toy))
    assert len(found.witnesses) >= 2
    assert found.policy_given
    # Without one of its lines the quorum of the policy no longer holds.
    stricter = policy_of(toy).replace("group two 2", "group two 3")
    if len(found.witnesses) < 3:
        with pytest.raises(ProofError, match="quorum"):
            verify_bundle(out.read_bytes(), key, stricter)


def test_nothing_is_handed_out_without_a_quorum(toy, tmp_path, assent):
    with opened(toy) as project:
        subject = min(trained(project))
    with witnessed(toy, tmp_path) as found:
        for name in ("union", "auditor"):
            found[name].server.server_close()
        for command in (
            ("prove", subject, "--out", tmp_path / "bundle.json"),
            ("receipt", subject, "--out", tmp_path / "a.receipt.json"),
            ("ledger", "proof", 3, "--out", tmp_path / "3.tlog-proof"),
        ):
            said = assent("--project", toy, *command)
            assert said.code == 1, command
            assert "`union`" in said.err
            assert "`auditor`" in said.err
            assert "assent ledger cosign" in said.hints[0]

    assert not list(tmp_path.glob("*.json"))
    assert not list(tmp_path.glob("*.tlog-proof"))


def test_the_ledger_is_published_with_its_quorum_or_stays_as_it_was(
    toy, tmp_path, assent
):
    public = tmp_path / "public"
    publishing = ("--project", toy, "ledger", "publish", public)
    with opened(toy) as project:
        key = project.place.book.verifier_key
    with witnessed(toy, tmp_path) as found:
        said = assent(*publishing)
        assert said.code == 0, said.err
        assert "cosignatures: in `public`" in said.out
        policy = toy / "witnesses.policy"
        watching = ("--key", key, "--state", tmp_path / "state", "--policy", policy)
        assert assent("monitor", public, *watching).code == 0

        before = digests(public)
        for name in ("union", "auditor"):
            found[name].server.server_close()
        with opened(toy, days=1) as project:
            project.record("objected", ["u01"])
        said = assent(*publishing)

    assert said.code == 1
    assert "so nothing is handed out" in said.errors[0]
    assert digests(public) == before


def test_one_witness_that_is_down_does_not_stop_two_of_three(toy, tmp_path, assent):
    with witnessed(toy, tmp_path) as found:
        found["press"].server.server_close()
        said = assent("--project", toy, "ledger", "cosign")

    assert said.code == 0, said.err
    assert "missing: `press`" in said.out
    assert "the quorum `two` holds" in said.out


def test_a_witness_that_has_seen_another_history_is_an_alarm(toy, tmp_path, assent):
    fork = shutil.copytree(toy, tmp_path / "fork")
    with witnessed(toy, tmp_path):
        shutil.copy(toy / "witnesses.policy", fork)
        shutil.copy(toy / "assent.toml", fork)
        with opened(toy, days=1) as project:
            project.record("objected", ["u01"])
        assert assent("--project", toy, "ledger", "cosign").code == 0
        with opened(fork, days=1) as project:
            project.record("restricted", ["u01"])
        said = assent("--project", fork, "ledger", "cosign")

    assert said.code == 1
    assert said.out.count("ALARM: ") == 3
    assert "a witness contradicts this ledger" in said.errors[0]


@contextmanager
def one_knows_another_history(toy, tmp_path):
    """Give the witnesses of a project; `press` alone has seen its other history."""
    fork = shutil.copytree(toy, tmp_path / "fork")
    with witnessed(toy, tmp_path) as found:
        with opened(fork, days=1) as other:
            other.record("restricted", ["u01"])
            note, size = other.place.book.head_note(), other.place.book.size
        assert found["press"].ask(asking(0, (), note))[0] == 200
        with opened(toy, days=1) as project:
            # Of somebody who is in no model, so that nothing else stands in the way.
            outside = {f"u{n:02}" for n in range(1, 13)} - set(trained(project))
            project.record("objected", [min(outside)])
            assert project.place.book.size == size
        yield found


def test_an_alarm_stops_all_though_the_quorum_holds_without_it(toy, tmp_path, assent):
    handing = (
        ("receipt", "u01", "--out", tmp_path / "a.receipt.json"),
        ("prove", "u01", "--out", tmp_path / "bundle.json"),
        ("ledger", "publish", tmp_path / "public"),
        ("ledger", "proof", 3, "--out", tmp_path / "3.tlog-proof"),
        ("sign", "--out", tmp_path / "papers"),
    )
    with one_knows_another_history(toy, tmp_path) as found:
        for command in handing:
            said = assent("--project", toy, *command)
            assert said.code == 1, command
            assert "contradicts this ledger, so nothing is handed" in said.errors[0]
            assert "`press` has cosigned another head" in said.errors[0]
        # Two of three have signed by now; silence takes nothing back.
        found["press"].server.server_close()
        said = assent("--project", toy, *handing[0])
        assert said.code == 1
        assert "contradicted this ledger before, and now does not" in said.errors[0]
        said = assent("--project", toy, "ledger", "cosign")
        assert (said.code, said.out.count("ALARM: `press`")) == (1, 1)

        # Who is sure that the witness is wrong takes it out of the policy.
        path = toy / "witnesses.policy"
        lines = path.read_text().replace(
            "two 2 union auditor press", "two 2 union auditor"
        )
        path.write_text(
            "".join(x for x in lines.splitlines(True) if " press " not in x)
        )
        assert assent("--project", toy, *handing[0]).code == 0

    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["a.receipt.json"]
    assert not (tmp_path / "public").exists()
    assert not (tmp_path / "papers").exists()


def test_an_alarm_is_over_when_the_witness_signs(toy, tmp_path, assent):
    with witnessed(toy, tmp_path):
        assert assent("--project", toy, "ledger", "cosign").code == 0
        before = shutil.copytree(toy, tmp_path / "restored")
        with opened(toy, days=1) as project:
            project.record("objected", ["u01"])
        assert assent("--project", toy, "ledger", "cosign").code == 0
        # Restored from a backup, with the head and its cosignatures of then.
        said = assent("--project", before, "ledger", "cosign", "--again")
        assert said.code == 1
        assert said.out.count("this is an old copy") == 3
        said = assent(
            "--project", before, "ledger", "proof", 3, "--out", tmp_path / "x"
        )
        assert said.code == 1
        assert "contradicts" in said.errors[0]
        # The true ledger in its place.
        for path in toy.glob("ledger.db*"):
            shutil.copy(path, before)
        assert assent("--project", before, "ledger", "cosign").code == 0


def test_another_command_that_appends_meanwhile_is_no_alarm(toy, tmp_path):
    with witnessed(toy, tmp_path), opened(toy, days=2) as project:
        policy = witness_policy(project.place)
        times = iter([1])

        def clock():  # read after the head, and before a witness is asked
            if next(times, None):
                with opened(toy, days=1) as other:
                    other.record("objected", ["u01"])
                    now = replace(other.place, clock=clock)
                    assert cosign_head(now, policy).met
            return int(time.time() * 1_000_000)

        place = replace(project.place, clock=clock)
        first = cosign_head(place, policy)
        assert not first.alarms
        assert {each.why for each in first.asked} == {
            "has cosigned a later head of this ledger meanwhile"
        }
        assert cosigned_head(place)[0].splitlines()[1] == str(first.size + 1)


def test_old_lines_of_a_quorum_are_not_what_was_asked_for_anew(toy, tmp_path, assent):
    with witnessed(toy, tmp_path) as found:
        ours = ("--project", toy, "ledger")
        assert assent(*ours, "cosign").code == 0
        for name in ("union", "auditor"):
            found[name].server.server_close()
        said = assent(*ours, "cosign", "--again")
        assert said.code == 1
        assert "was not reached again" in said.errors[0]
        assert assent(*ours, "publish", tmp_path / "public").code == 0  # they count


def test_cosignatures_are_kept_and_asked_for_once(toy, tmp_path):
    then = BUILT_AT // 1_000_000  # the clock of a toy project stands there
    with witnessed(toy, tmp_path, lambda: then) as found, opened(toy) as project:
        first, keys = cosigned_head(project.place)
        for each in found.values():
            each.server.server_close()

        assert cosigned_head(project.place)[0] == first
        assert set(keys) == {each.key.verifier_key for each in found.values()}
        policy, key = parse_policy(policy_of(toy)), project.place.book.verifier_key
        assert len(check_quorum(first, policy, key)) == 3


def test_witnesses_sign_again_so_that_a_ledger_at_rest_stays_fresh(
    toy, tmp_path, assent
):
    public, day = tmp_path / "public", 86_400
    now = int(time.time())
    clock = [now - 2 * day]
    with opened(toy) as project:
        key = project.place.book.verifier_key
    watching = ("monitor", public, "--key", key, "--state", tmp_path / "state")
    watching += ("--policy", toy / "witnesses.policy", "--fresh", day)
    with witnessed(toy, tmp_path, lambda: clock[0]) as found:
        assert assent("--project", toy, "ledger", "publish", public).code == 0
        assert "witnesses last saw the log" in assent(*watching).out
        clock[0] = now
        assert "Z  `union`" in assent("--project", toy, "ledger", "cosign").out
        assert assent("--project", toy, "ledger", "publish", public).code == 0
        assert assent(*watching).code == 1  # nobody was asked: all had signed

        found["press"].server.server_close()
        said = assent("--project", toy, "ledger", "cosign", "--again")
        assert (said.code, "missing: `press`" in said.out) == (0, True), said.err
        assert assent("--project", toy, "ledger", "publish", public).code == 0
    assert assent(*watching).code == 0
    policy = parse_policy(policy_of(toy))
    times = {
        one.name: one.timestamp
        for one in check_quorum((public / "checkpoint").read_text(), policy, key)
    }
    assert times == {
        "union.example/w": now,
        "auditor.example/w": now,
        "press.example/w": now - 2 * day,
    }


def test_an_entry_is_proved_in_a_file_that_stands_alone(toy, tmp_path, assent):
    with opened(toy) as project:
        key, entry = project.place.book.verifier_key, project.place.book.entry(3)
    out, beside = tmp_path / "3.tlog-proof", tmp_path / "3.json"
    prove = ("--project", toy, "ledger", "proof", 3, "--out", out, "--entry", beside)
    with witnessed(toy, tmp_path):
        said = assent(*prove)

    assert said.code == 0, said.err
    (tmp_path / "policy").write_text(policy_of(toy))
    trust = ("--key", key, "--policy", tmp_path / "policy")
    said = assent("verify", beside, "--proof", out, *trust)
    assert (said.code, said.err) == (0, "")
    assert "verdict: logged (entry 3 of" in said.out
    policy = parse_policy(f"log {key}\n{policy_of(toy)}")
    verify_proof(out.read_text(), entry, policy)
    with pytest.raises(ProofError):
        verify_proof(out.read_text(), entry + b" ", policy)


def test_without_a_policy_nobody_is_asked_and_the_limits_say_so(toy, tmp_path, assent):
    with opened(toy) as project:
        subject = min(trained(project))
        key = project.place.book.verifier_key
    out = tmp_path / "bundle.json"
    assert assent("--project", toy, "prove", subject, "--out", out).code == 0
    assert any("alone" in each for each in verify_bundle(out.read_bytes(), key).limits)

    said = assent("--project", toy, "ledger", "cosign")
    assert said.code == 2
    assert "no witnesses" in said.errors[0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, "there is no `witnesses.policy`"),
        ("quorum all-of-them\n", "line 1"),
        ("", "no line end"),
    ],
)
def test_a_policy_that_cannot_be_read_is_named(toy, refuses, text, found):
    settings = (toy / "assent.toml").read_text()
    (toy / "assent.toml").write_text(
        settings.replace("[project]\n", '[project]\nwitnesses = "witnesses.policy"\n')
    )
    if text is not None:
        (toy / "witnesses.policy").write_text(text)

    refuses(toy, "ledger", "cosign", found=found)


# -- time stamps ----------------------------------------------------------------------

AUTHORITY = """
[tsa]
default_tsa = a
[a]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[ext]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A time stamp authority of our own: OpenSSL, its root and its certificate."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the program `openssl`")
    folder = tmp_path_factory.mktemp("tsa")
    (folder / "tsa.cnf").write_text(AUTHORITY)
    (folder / "serial").write_text("01")
    new = "req -x509 -newkey rsa:2048 -nodes -days 30 -sha256"
    openssl(folder, f"{new} -subj /CN=root -keyout root.key -out root.pem")
    ask = "req -new -newkey rsa:2048 -nodes -sha256 -subj /CN=stamps"
    openssl(folder, f"{ask} -keyout tsa.key -out tsa.csr")
    openssl(
        folder,
        "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -CAcreateserial -days 30 "
        "-sha256 -extfile tsa.cnf -extensions ext -out tsa.pem",
    )
    return folder


def openssl(folder, line):
    command = ["openssl", *line.split()]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def stamped(folder, request, response):
    """Let the authority answer a request."""
    openssl(
        folder,
        f"ts -reply -config tsa.cnf -queryfile {request} -out {response}",
    )


def test_a_stamp_is_kept_and_openssl_accepts_it(toy, tmp_path, authority, assent):
    request, response = tmp_path / "head.tsq", tmp_path / "head.tsr"
    root = authority / "root.pem"
    said = assent("--project", toy, "ledger", "stamp", "--request", request)
    assert said.code == 0, said.err
    stamped(authority, request, response)

    said = assent(
        *("--project", toy, "ledger", "stamp", "--response", response, "--root", root)
    )
    assert said.code == 0, said.err
    (head,) = (toy / "stamps").glob("*.head")
    (kept,) = (toy / "stamps").glob("*.tsr")
    checked = openssl(tmp_path, f"ts -verify -data {head} -in {kept} -CAfile {root}")
    assert "Verification: OK" in checked
    said = assent("--project", toy, "ledger", "stamps", "--root", root)
    assert said.out.count("stamped by CN=stamps") == 1


def test_a_stamp_of_another_head_or_by_a_stranger_is_not_kept(
    toy, tmp_path, authority, refuses, assent
):
    request, response = tmp_path / "head.tsq", tmp_path / "head.tsr"
    (tmp_path / "other").write_text("another text")
    openssl(tmp_path, "ts -query -data other -sha256 -cert -out other.tsq")
    stamped(authority, tmp_path / "other.tsq", response)
    root = authority / "root.pem"
    assert not assent("--project", toy, "ledger", "stamp", "--request", request).code
    wanted = ("ledger", "stamp", "--response", response, "--root")

    refuses(toy, *wanted, root, code=1, found="no head that was asked for")
    stamped(authority, request, response)
    new = "req -x509 -newkey rsa:2048 -nodes -days 30 -sha256"
    openssl(tmp_path, f"{new} -subj /CN=stranger -keyout s.key -out stranger.pem")
    refuses(toy, *wanted, tmp_path / "stranger.pem", code=1, found="time stamp")
    response.write_bytes(response.read_bytes()[:-40])
    refuses(toy, *wanted, root, code=1, found="time stamp")


def test_files_of_others_among_the_stamps_are_passed_over_or_named(
    toy, tmp_path, authority, refuses, assent
):
    request, response = tmp_path / "head.tsq", tmp_path / "head.tsr"
    root, folder = authority / "root.pem", toy / "stamps"
    folder.mkdir()
    for name in ("abc.head", "٣.head", "-1.head", "01.head", "abc-def.tsr"):
        (folder / name).write_bytes(b"\xff\x00")
    (folder / "7.head").mkdir()
    ours = ("--project", toy, "ledger")
    assert assent(*ours, "stamp", "--request", request).code == 0
    stamped(authority, request, response)
    keep = ("stamp", "--response", response, "--root", root)
    assert assent(*ours, *keep).code == 0
    (head,) = (path for path in folder.glob("[1-9]*.head") if path.is_file())
    (folder / f"{head.stem}-old.tsr").write_bytes(b"")
    said = assent(*ours, "stamps", "--root", root)
    assert (said.code, said.out.count("stamped by CN=stamps")) == (0, 1), said.err

    # A stamp without its head shows nothing, and says so.
    aside = head.rename(tmp_path / "aside")
    said = f"is about a head that is gone: `stamps/{head.name}`"
    refuses(toy, "ledger", "stamps", "--root", root, code=1, found=said)
    aside.rename(head)

    # Under the very name of the head something else is no head, and is not stamped.
    head.write_bytes(b"\xff")
    for command in (("stamp", "--request", request), ("stamps", "--root", root)):
        refuses(toy, "ledger", *command, code=1, found="is no text in UTF-8")
    head.write_text("another text")
    found = "is not the head that this ledger signed"
    refuses(toy, "ledger", "stamp", "--request", request, code=1, found=found)
