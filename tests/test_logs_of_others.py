"""Programs that others wrote read our published log, and refuse a changed one.

Go's `golang.org/x/mod/sumdb`, which Go itself trusts its modules to; `tlog-scales`;
and, for proofs alone, npm's `@transmute/rfc9162`.
"""

import base64
import copy
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tlog_scales import signing, tlog
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.tiles import leaf_hash
from tlog_scales.writer import TilesWriter

from assent.errors import ProofError
from assent.ledger.publish import publish_log
from assent.merkle.cosign import cosign
from assent.merkle.log import consistency_path, inclusion_path
from assent.merkle.quorum import parse_policy
from assent.merkle.tlogproof import verify_proof
from assent.monitor.client import LogReader, read_checkpoint
from assent.monitor.follow import monitor_of
from assent.monitor.source import Folder
from small_log import KEY, ORIGIN, PRIVATE, STRANGER, SmallLog, entry
from small_project import opened

pytest_plugins = ("toy_projects", "command_line", "npm_packages")

PROGRAMS = Path(__file__).resolve().parent / "programs"
SIZES = [1, 2, 255, 256, 257, 600]


def text(data):
    return base64.b64encode(data).decode()


def proofs(made):
    """Prove entries and older sizes of a log, as JSON that any program reads."""
    size = made.size
    chosen = sorted({0, 1, 2, 254, 255, 256, 257, 400, size - 1} & set(range(size)))
    older = sorted(({1, 2, 3, 64, 255, 256, 257, 300, 511}) & set(range(1, size)))
    return {
        "size": size,
        "root": text(made.root()),
        "inclusion": [
            {
                "index": index,
                "entry": text(made.held[index]),
                "path": [text(h) for h in inclusion_path(index, size, made.node)],
            }
            for index in chosen
        ],
        "consistency": [
            {
                "old": old,
                "root": text(made.root(old)),
                "path": [text(h) for h in consistency_path(old, size, made.node)],
            }
            for old in older
        ],
    }


def write(made, folder):
    """Publish a log, cosigned, and write proofs beside it."""
    line = cosign(made.note(), "witness.example", STRANGER, 1_780_000_000)
    made.lines[made.size] = [line + "\n"]
    publish_log(made, folder / "log")
    (folder / "proofs.json").write_text(json.dumps(proofs(made)))
    return folder


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A log of 600 entries and proofs about it; to be copied before it is changed."""
    return write(SmallLog(600), tmp_path_factory.mktemp("written"))


def spoil(path, after=b""):
    """Change one bit, in the middle or just after the last of some bytes."""
    data = bytearray(path.read_bytes())
    data[data.rindex(after) + len(after) if after else len(data) // 2] ^= 1
    path.write_bytes(data)


# -- Go ------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def go_program(go_path, tmp_path_factory):
    """Build the program with Debian's Go packages, without a network."""
    folder = tmp_path_factory.mktemp("go")
    environment = {
        **os.environ,
        "GO111MODULE": "off",  # no module proxy: what Debian has installed, or nothing
        "GOPATH": str(go_path),
        "GOCACHE": str(folder / "cache"),
        "GOFLAGS": "",
    }
    source = PROGRAMS / "check_log.go"
    command = ["go", "build", "-o", folder / "check_log", source]
    subprocess.run(command, env=environment, check=True, timeout=300)
    return folder / "check_log"


def run(*command, **said):
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, **said
    )


def run_go(program, folder, key=KEY):
    return run(program, folder / "log", key, folder / "proofs.json")


@pytest.mark.go
@pytest.mark.parametrize("size", SIZES)
def test_go_reads_our_log_and_accepts_our_proofs(go_program, tmp_path, size):
    made = SmallLog(size)
    wanted = proofs(made)
    done = run_go(go_program, write(made, tmp_path))

    count = len(wanted["inclusion"]) + len(wanted["consistency"])
    assert done.stderr == ""
    assert done.stdout == f"club.example/ledger: {size} entries, {count} proofs\n"


@pytest.mark.go
def test_go_refuses_a_log_with_one_byte_changed_in_any_of_its_files(
    go_program, written, tmp_path
):
    folder = Path(shutil.copytree(written, tmp_path / "spoiled"))
    names = [
        path.relative_to(folder / "log").as_posix()
        for path in sorted((folder / "log").rglob("*"))
        if path.is_file()
    ]
    assert len(names) == 8  # a head, three tiles of leaves and one above, three bundles
    for name in names:
        path = folder / "log" / name
        whole = path.read_bytes()
        # Of the head's three lines and two signatures, the last is a stranger's to Go.
        end = whole.rindex(b"\xe2\x80\x94") if name == "checkpoint" else len(whole)
        for at in (0, end // 3, end // 2, end - 2):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            done = run_go(go_program, folder)
            assert done.returncode == 1, (name, at)
            assert done.stderr.startswith(said_of(name)), (name, at, done.stderr)
        path.unlink()
        assert run_go(go_program, folder).returncode == 1, name
        path.write_bytes(whole)
    assert run_go(go_program, folder).returncode == 0


def said_of(name):
    """Give how Go's words about a changed file may begin."""
    if name == "checkpoint":
        return "malformed note", "invalid signature for", "note has no verifiable"
    if "entries" in name:
        return "invalid transparency proof", "malformed bundle"
    return "downloaded inconsistent tile", "invalid transparency proof"


@pytest.mark.go
def test_go_refuses_proofs_and_keys_of_another_log(go_program, written, tmp_path):
    folder = Path(shutil.copytree(written, tmp_path / "mixed"))
    stranger = SmallLog(private=STRANGER).verifier_key
    assert "no verifiable signatures" in run_go(go_program, folder, stranger).stderr

    ours, other = proofs(SmallLog(600)), proofs(SmallLog(600).rewritten(256))
    for part in ("inclusion", "consistency"):
        (folder / "proofs.json").write_text(json.dumps({**ours, part: other[part]}))
        done = run_go(go_program, folder)
        assert (done.returncode, done.stderr) == (1, "invalid transparency proof\n")


# -- tlog-scales ---------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_tlog_scales_reads_our_log(tmp_path, size):
    made = SmallLog(size)
    write(made, tmp_path)
    reader = TilesReader(LocalBackend(tmp_path / "log"))

    head = reader.get_checkpoint()
    head.verify(signing.Vkey.from_string(KEY))
    assert (head.origin, head.size) == ("club.example/ledger", size)
    assert head.root_hash == reader.calculate_root_hash() == made.root()
    for index in range(0, size, 37):
        assert reader.get_entry(index) == made.held[index]
        proof = reader.get_inclusion_proof(index, size)
        assert proof.node_hashes == inclusion_path(index, size, made.node)
        proof.check(leaf_hash(made.held[index]), head.root_hash)
    for old in range(1, size, 37):
        path = consistency_path(old, size, made.node)
        tlog.ConsistencyProof(old, size, path).check(made.root(old), head.root_hash)
        assert reader.get_consistency_proof(old, size).node_hashes == path


def test_tlog_scales_refuses_a_changed_entry_and_signature(tmp_path):
    write(SmallLog(600), tmp_path)
    spoil(tmp_path / "log/tile/entries/001", b'commit":"')
    reader = TilesReader(LocalBackend(tmp_path / "log"))
    head = reader.get_checkpoint()

    reader.get_inclusion_proof(510, 600).check(
        leaf_hash(reader.get_entry(510)), head.root_hash
    )
    with pytest.raises(tlog.InclusionProofInvalid):
        reader.get_inclusion_proof(511, 600).check(
            leaf_hash(reader.get_entry(511)), head.root_hash
        )
    with pytest.raises(RuntimeError, match="no signature matched"):
        head.verify(signing.Vkey.from_string(SmallLog(private=STRANGER).verifier_key))


def test_a_proof_file_that_tlog_scales_writes_of_our_log_is_accepted(written):
    command = [sys.executable, "-m", "tlog_scales.cli", "gen-proof", written / "log"]
    policy = parse_policy(f"log {KEY}\nquorum none\n")
    for index in (0, 255, 256, 599):
        done = run(*command, str(index))
        assert verify_proof(done.stdout, entry(index), policy).index == index
        with pytest.raises(ProofError):
            verify_proof(done.stdout, entry(index + 1), policy)


def test_we_follow_a_log_that_tlog_scales_writes_and_write_its_very_bytes(tmp_path):
    signer = signing.PlainEd25519Signer(ORIGIN, PRIVATE)
    another = signing.MLDSA44CosignatureSigner("witness.example", bytes(32))
    theirs, made = TilesWriter.create(tmp_path / "theirs", ORIGIN), SmallLog()
    for now, step in enumerate((1, 2, 252, 1, 1, 255, 300), start=1):
        for each in (entry(made.size + n) for n in range(step)):
            theirs.add_leaf(each)
        theirs.commit([signer, another])
        publish_log(made.grow(step), tmp_path / "ours")

        following = monitor_of(str(tmp_path / "theirs"), KEY, tmp_path / "state.json")
        seen = following.run(now * 1_000_000)
        assert (seen.is_well, seen.size, seen.root) == (True, made.size, made.root())
    source = Folder(tmp_path / "theirs")
    assert list(LogReader(source, read_checkpoint(source), KEY).entries(0, 812)) == (
        made.held
    )
    names = [path for path in (tmp_path / "theirs/tile").rglob("*") if path.is_file()]
    assert len(names) > 8
    for path in names:
        ours = tmp_path / "ours" / path.relative_to(tmp_path / "theirs")
        assert ours.read_bytes() == path.read_bytes()


# -- npm -----------------------------------------------------------------------------


@pytest.fixture
def run_node(npm_packages):
    """Check a file of proofs with the package from npm."""
    script = PROGRAMS / "transmute_proofs.js"

    def checked(file):
        folder = npm_packages("@transmute/rfc9162@0.0.5", script)
        return run("node", script.name, file, cwd=folder)

    return checked


@pytest.mark.npm
@pytest.mark.parametrize("size", SIZES)
def test_transmute_accepts_our_proofs(run_node, tmp_path, size):
    wanted = proofs(SmallLog(size))
    (tmp_path / "proofs.json").write_text(json.dumps(wanted))

    done = run_node(tmp_path / "proofs.json")

    count = len(wanted["inclusion"]) + len(wanted["consistency"])
    assert (done.stdout, done.stderr) == (f"{count} proofs\n", "")


@pytest.mark.npm
@pytest.mark.parametrize("part", ["inclusion", "consistency"])
def test_transmute_refuses_proofs_of_another_log_and_a_changed_byte(
    run_node, tmp_path, part
):
    ours, other = proofs(SmallLog(600)), proofs(SmallLog(600).rewritten(256))
    spoiled = copy.deepcopy(ours)
    path = spoiled[part][-1]["path"]
    value = base64.b64decode(path[0])
    path[0] = text(bytes([value[0] ^ 1]) + value[1:])
    for wrong in ({**ours, part: other[part]}, spoiled):
        (tmp_path / "proofs.json").write_text(json.dumps(wrong))

        done = run_node(tmp_path / "proofs.json")

        assert done.returncode == 1
        assert "is refused" in done.stderr


# -- the ledger of a project ----------------------------------------------------------


@pytest.fixture
def ledger(fresh, assent, tmp_path):
    """A project's ledger as its operator publishes it: folder, key, head, entries."""
    said = assent("--project", fresh, "ledger", "publish", tmp_path / "log")
    assert said.code == 0, said.err
    with opened(fresh) as project:
        book = project.place.book
        entries = list(book.entries(0, book.size))
        return tmp_path / "log", book.verifier_key, book.head(), entries


def test_tlog_scales_and_our_monitor_read_the_ledger_of_a_project(
    ledger, assent, tmp_path
):
    folder, key, wanted, entries = ledger
    reader = TilesReader(LocalBackend(folder))
    head = reader.get_checkpoint()
    head.verify(signing.Vkey.from_string(key))
    assert head.root_hash == reader.calculate_root_hash() == wanted.root
    assert [reader.get_entry(index) for index in range(head.size)] == entries

    seen = assent("monitor", folder, "--key", key, "--state", tmp_path / "state.json")
    assert seen.code == 0
    assert f"{len(entries)} entries" in seen.out


@pytest.mark.go
def test_go_reads_the_ledger_of_a_project(ledger, go_program):
    folder, key, wanted, entries = ledger
    done = run(go_program, folder, key)

    assert done.stdout == f"{wanted.origin}: {len(entries)} entries, 0 proofs\n"
