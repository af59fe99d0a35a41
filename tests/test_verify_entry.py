"""An entry beside its proof file is checked by one command, and by nothing less."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assent.merkle.cosign import cosign, cosigner_key
from assent.merkle.note import verifier_key
from assent.merkle.tlogproof import write_proof
from small_witness import ORIGIN, SmallLog
from test_light import AUDITOR, FACE, loaded_by

pytest_plugins = ("command_line",)

WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(32))
WITNESS_KEY = cosigner_key("union.example/w1", WITNESS.public_key())
LOG = SmallLog(431)
NOTE = f"{LOG.note()}{cosign(LOG.note(), 'union.example/w1', WITNESS, 1_700_000_000)}\n"
POLICY = f"witness w {WITNESS_KEY}\nquorum w\n"


@pytest.fixture
def files(tmp_path):
    """An entry, its proof with a witness, its proof without, and a policy."""
    (tmp_path / "e.json").write_bytes(b"entry 300")
    path = LOG.inclusion(300)
    (tmp_path / "e.tlog-proof").write_text(write_proof(300, path, NOTE))
    (tmp_path / "alone.tlog-proof").write_text(write_proof(300, path, LOG.note()))
    (tmp_path / "w.policy").write_text(POLICY)
    return tmp_path


@pytest.fixture
def verify(files, assent):
    def run(*options, entry="e.json", proof="e.tlog-proof"):
        return assent("verify", files / entry, "--proof", files / proof, *options)

    return run


def test_an_entry_is_logged_and_the_steps_say_why(files, verify):
    said = verify("--key", LOG.key, "--policy", files / "w.policy")

    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        f"(1) the key given signed the head of `{ORIGIN}`: 431 entries",
        "(2) witness `union.example/w1` cosigned it at 2023-11-14T22:13:20Z",
        "(3) the quorum `w` of the policy given holds",
        "(4) the 9 bytes of the entry are number 300 in it",
        f"verdict: logged (entry 300 of {ORIGIN})",
        "not proved: that what the entry says is true, or whom it is about",
    ]


def test_without_a_policy_no_witness_counts_and_that_is_said(verify):
    said = verify("--key", LOG.key)

    assert said.code == 0
    assert "union.example" not in said.out
    assert "same ledger: no witness was asked" in said.out


def test_what_does_not_hold_is_refused(files, verify):
    stranger = verifier_key(ORIGIN, WITNESS.public_key())
    (files / "other.json").write_bytes(b"entry 300\n")
    (files / "log.policy").write_text(f"log {stranger}\nquorum none\n")
    refused = [
        verify("--key", LOG.key, entry="other.json"),
        verify("--key", stranger),
        verify("--key", LOG.key, proof="e.json"),
        verify("--key", LOG.key, "--policy", files / "log.policy"),
        verify(
            *("--key", LOG.key, "--policy", files / "w.policy"),
            proof="alone.tlog-proof",
        ),
    ]

    for said in refused:
        assert (said.code, said.out, len(said.errors)) == (1, "", 1)
    assert "quorum `w` is not met" in refused[-1].err


@pytest.mark.parametrize(
    ("options", "proof", "found"),
    [
        ((), "e.tlog-proof", "`--proof` needs `--key`"),
        (("--key", LOG.key, "--json"), "e.tlog-proof", "`--json` is for bundles"),
        (("--key", LOG.key), "none.tlog-proof", "`none.tlog-proof` cannot be read"),
    ],
)
def test_what_cannot_be_checked_is_a_fault_of_use(verify, options, proof, found):
    said = verify(*options, proof=proof)

    assert (said.code, said.out) == (2, "")
    assert found in said.errors[0]


def test_checking_an_entry_loads_what_an_auditor_installs(files):
    arguments = [files / "e.json", "--proof", files / "e.tlog-proof", "--key", LOG.key]
    statement = f"""
    import io, contextlib
    from assent.cli import main
    sys.argv = ["assent", "verify", *{list(map(str, arguments))!r}]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        try:
            main()
        except SystemExit as leaving:
            assert not leaving.code, leaving.code
    assert "verdict: logged" in said.getvalue()"""

    assert loaded_by(statement.strip()) <= AUDITOR | FACE
