"""Signed models: accepted by the programs of others, and never of what is not ours."""

import base64
import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from assent.canon import canonical, sha256
from assent.errors import DeniedError, ProofError
from assent.merkle.entry import read_model
from assent.merkle.note import open_head
from assent.project.attesting import BUNDLE, ENVELOPE, KEY, PUBLIC_KEY, SIGNATURE
from assent.prove import attest
from assent.terms import EventKind
from assent.train import checkpoint
from small_project import digests, model_of, opened, refused, somebody

pytest_plugins = ("toy_projects", "command_line", "npm_packages")

NODE = Path(__file__).parent / "programs" / "sigstore_verify.mjs"


@pytest.fixture(scope="module")
def signed_once(trained_once, tmp_path_factory):
    folder = tmp_path_factory.mktemp("signed") / "toy"
    shutil.copytree(trained_once, folder)
    with opened(folder) as project:
        project.sign()
    return folder


@pytest.fixture
def signed(signed_once, tmp_path):
    """A project whose model is signed, for one test alone."""
    return Path(shutil.copytree(signed_once, tmp_path / "signed"))


def papers(folder):
    """Give the one model's folder and that of its papers."""
    (model,), (signatures,) = (
        (folder / name).iterdir() for name in ("models", "signatures")
    )
    return model, signatures


def model_signing(folder):
    """Run the verifier of OpenSSF model signing, as its users do."""
    model, signatures = papers(folder)
    command = [sys.executable, "-m", "model_signing", "verify", "key"]
    command += ["--public_key", signatures / PUBLIC_KEY]
    command += ["--signature", signatures / SIGNATURE, model]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def envelope_of(folder):
    return json.loads((papers(folder)[1] / ENVELOPE).read_bytes())


def statement_of(folder):
    return json.loads(base64.b64decode(envelope_of(folder)["payload"]))


# -- model signing ---------------------------------------------------------------------


def test_the_command_of_model_signing_accepts_the_folder(signed):
    ran = model_signing(signed)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Verification succeeded" in ran.stdout


def test_it_refuses_a_changed_a_missing_and_an_added_file(signed):
    model, _ = papers(signed)
    path = model / "model.json"
    whole = path.read_bytes()

    path.write_bytes(whole.replace(b"true", b"truE", 1))
    ran = model_signing(signed)
    assert ran.returncode == 1
    assert "Hash mismatch for" in ran.stderr
    assert "model.json" in ran.stderr
    path.unlink()
    assert model_signing(signed).returncode == 1
    path.write_bytes(whole)
    (model / "more.bin").write_bytes(b"1")
    assert model_signing(signed).returncode == 1


def test_every_file_of_the_model_is_signed_under_its_own_hash(signed):
    model, signatures = papers(signed)
    bundle = json.loads((signatures / SIGNATURE).read_bytes())
    payload = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    found = {each["name"]: each["digest"] for each in payload["predicate"]["resources"]}

    assert found == {
        name: value for name, value in digests(model).items() if value != "folder"
    }


def test_the_key_is_drawn_once_and_is_secret(signed):
    path = signed / "secrets" / KEY
    before = path.read_bytes(), papers(signed)[1].joinpath(PUBLIC_KEY).read_bytes()
    with opened(signed, 1) as project:
        project.sign()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    after = path.read_bytes(), papers(signed)[1].joinpath(PUBLIC_KEY).read_bytes()
    assert after == before
    assert b"PRIVATE" not in after[1]
    assert model_signing(signed).returncode == 0


# -- provenance ------------------------------------------------------------------------


def test_the_statement_is_one_for_the_library_of_in_toto(signed):
    statement = statement_of(signed)

    attest.check_statement(statement)  # `validate` of in-toto-attestation
    for broken in (
        {**statement, "subject": []},
        {**statement, "subject": [{"name": "x"}]},
        {**statement, "predicateType": ""},
        {**statement, "predicate": {}},
        {**statement, "predicate": {**statement["predicate"], "more": 1}},
    ):
        with pytest.raises(ProofError):
            attest.check_statement(broken)
    assert isinstance(Statement([], "", {}), Statement)


def test_the_statement_says_what_the_ledger_says(signed):
    model, signatures = papers(signed)
    statement = statement_of(signed)
    definition = statement["predicate"]["buildDefinition"]
    run = statement["predicate"]["runDetails"]
    entry, head = run["byproducts"][:2]
    with opened(signed, 1) as project:
        place = project.place
        (event,) = [e for e in place.book.public_events() if e.kind == "model_trained"]
        (built,) = [e for e in place.book.public_events() if e.kind == "corpus_built"]
        note = base64.b64decode(head["content"]).decode()
        size = open_head(note, place.book.verifier_key).size
        plan = place.kept(event.body["plan"])
        manifest = place.corpus_folder(built.body["corpus_id"]) / "manifest.json"

    (subject,) = statement["subject"]
    bundle = json.loads((signatures / SIGNATURE).read_bytes())
    payload = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    assert subject == payload["subject"][0]
    assert subject["name"] == model.name == event.body["model_id"]
    assert base64.b64decode(entry["content"]) == event.entry
    assert entry["digest"]["sha256"] == sha256(event.entry)
    assert entry["annotations"]["ledger_entry"] == event.number < size
    assert entry["annotations"]["weights"] == event.body["weights"]
    assert read_model(event.entry, event.number).model_id == model.name
    assert definition["externalParameters"]["plan"] == sha256(plan)
    (corpus,) = definition["resolvedDependencies"]
    assert corpus["annotations"]["ledger_entry"] == built.number
    assert corpus["annotations"]["subject_root"] == built.body["subject_root"]
    assert corpus["digest"]["sha256"] == sha256(manifest.read_bytes())
    assert run["builder"]["id"] == "https://toy.example/ledger"
    assert run["metadata"]["finishedOn"] == "2025-03-11T00:00:00Z"


def test_the_envelope_is_accepted_by_securesystemslib_and_no_other_key_signed_it(
    signed,
):
    value = envelope_of(signed)
    keyid = value["signatures"][0]["keyid"]
    pem = (papers(signed)[1] / PUBLIC_KEY).read_text()
    assert keyid == sha256(pem.encode())

    def verified(envelope, public):
        key = SSlibKey(keyid, "ecdsa", "ecdsa-sha2-nistp256", {"public": public})
        return Envelope.from_dict(json.loads(json.dumps(envelope))).verify([key], 1)

    assert set(verified(value, pem)) == {keyid}
    other = attest.public_pem(attest.new_key(lambda n: b"\7" * n)).decode()
    with pytest.raises(VerificationError):
        verified(value, other)
    payload = base64.b64decode(value["payload"]).replace(b"ourselves", b"ourselvez")
    with pytest.raises(VerificationError):
        verified({**value, "payload": base64.b64encode(payload).decode()}, pem)
    with pytest.raises(VerificationError):
        verified({**value, "payloadType": "application/json"}, pem)


def test_openssl_accepts_the_envelope_and_refuses_what_was_changed(signed, tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("needs the program `openssl`")
    path, pem = (papers(signed)[1] / name for name in (ENVELOPE, PUBLIC_KEY))
    value, script = envelope_of(signed), NODE.with_name("openssl_dsse.sh")
    out = tmp_path / "out"
    out.mkdir()

    def verified(envelope, key=pem):
        written = tmp_path / "envelope.json"
        written.write_bytes(envelope)
        command = ["sh", script, written, key, out]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        return ran.returncode, ran.stdout

    assert verified(path.read_bytes()) == (0, "Verified OK\n")
    said = json.loads((out / "statement.json").read_bytes())
    assert said == statement_of(signed)
    other = tmp_path / "other.pub"
    other.write_bytes(attest.public_pem(attest.new_key(lambda n: b"\7" * n)))
    assert verified(path.read_bytes(), other) == (1, "Verification failure\n")
    payload = base64.b64decode(value["payload"]).replace(b"ourselves", b"ourselvez")
    for field, changed in (
        ("payload", base64.b64encode(payload).decode()),
        ("payloadType", "application/json"),
    ):
        wrong = canonical({**value, field: changed})
        assert verified(wrong) == (1, "Verification failure\n"), field


@pytest.mark.npm
def test_the_verifier_of_sigstore_accepts_both_bundles_and_refuses_changed_ones(
    signed, tmp_path, npm_packages
):
    def verified(path):
        command = ["node", NODE.name, path, papers(signed)[1] / PUBLIC_KEY]
        folder = npm_packages("@sigstore/verify@4.1.3", NODE)
        ran = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False
        )
        return ran.returncode, ran.stdout.split()

    digest = statement_of(signed)["subject"][0]["digest"]["sha256"]
    _, signatures = papers(signed)
    assert verified(signatures / BUNDLE) == (0, [attest.PREDICATE, digest])
    kind = "https://model_signing/signature/v1.0"
    assert verified(signatures / SIGNATURE) == (0, [kind, digest])
    value = json.loads((signatures / BUNDLE).read_bytes())
    payload = base64.b64decode(value["dsseEnvelope"]["payload"])
    changed = base64.b64encode(payload.replace(b"ourselves", b"ourselvez")).decode()
    value["dsseEnvelope"]["payload"] = changed
    (tmp_path / "bad.json").write_bytes(canonical(value))
    assert verified(tmp_path / "bad.json")[0] != 0


# -- what is not signed ----------------------------------------------------------------


def test_a_model_with_a_withdrawn_document_is_not_signed_and_its_repair_is(toy, assent):
    with opened(toy, 1) as project:
        old = model_of(project)
        project.record("withdrawn", [somebody(project, "us", 1)])
    error = refused(toy, DeniedError, "no longer permitted", lambda p: p.sign(), 2)
    assert "forget" in error.hint
    with opened(toy, 2) as project:
        project.forget()
        new = model_of(project)
    refused(toy, DeniedError, f"superseded by `{new}`", lambda p: p.sign(old), 3)

    said = assent("--project", toy, "sign")
    assert said.code == 0, said.err
    assert f"signatures/{new}" in said.out
    assert model_signing(toy).returncode == 0
    predicate = statement_of(toy)["predicate"]
    assert predicate["buildDefinition"]["internalParameters"] == {"supersedes": old}
    certificate = (toy / "models" / new / "certificate.json").read_bytes()
    assert predicate["runDetails"]["byproducts"][2] == {
        "name": "certificate.json",
        "digest": {"sha256": sha256(certificate)},
    }


def test_a_model_whose_parent_holds_a_withdrawn_document_is_not_signed(toy):
    with opened(toy, 1) as project:
        [model] = project.place.events_of(EventKind.MODEL_TRAINED)
        project.record("withdrawn", [somebody(project, "us", 1)])
        parents = [model.body["model_id"]]
        body = {**model.body, "model_id": "child", "corpora": [], "parents": parents}
        project.place.book.publish(EventKind.MODEL_TRAINED, model.happened_at, body)
    refused(toy, DeniedError, "no longer permitted", lambda p: p.sign("child"), 2)


def test_the_papers_are_named_by_the_path_that_was_asked_for(toy, tmp_path, assent):
    out = tmp_path / "signatures" / "elsewhere"
    said = assent("--project", toy, "sign", "--out", out)
    assert said.code == 0, said.err
    assert f"--public_key {out}/{PUBLIC_KEY} --signature {out}/{SIGNATURE}" in said.out


def test_a_model_with_a_suspended_group_is_not_signed(toy):
    with opened(toy, 1) as project:
        project.suspend("order-1", ["US"])
    refused(toy, DeniedError, "suspended by order `order-1`", lambda p: p.sign(), 2)


def last_state(folder):
    (model,) = (folder / "models").iterdir()
    return model / "us.000", 3


def change_weights(own, index):
    state, tensors = checkpoint.load(own, index)
    name = next(name for name in tensors if name.startswith("weight."))
    tensors[name] = tensors[name] + 1
    other = checkpoint.Checkpoint(
        **{
            **{f: getattr(state, f) for f in state.__dataclass_fields__},
            "digest": checkpoint.state_digest(tensors),
        }
    )
    checkpoint.remove(own, index)
    checkpoint.save(own, other, tensors)


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda own, index: change_weights(own, index), "were logged"),
        (lambda own, index: checkpoint.remove(own, index), "no state after its last"),
        (lambda own, _: (own / "slice-0.safetensors").write_bytes(b"x"), "damaged"),
        (lambda own, _: (own / "more.bin").write_bytes(b"x"), "no part of the model"),
        (
            lambda own, _: (own.parent / "model.json").unlink(),
            "no readable `model.json`",
        ),
        (
            lambda own, _: (own.parent / "model.json").write_bytes(
                (own.parent / "model.json").read_bytes().replace(b"0", b"1")
            ),
            "the ledger says",
        ),
    ],
)
def test_bytes_that_were_not_logged_are_not_signed(toy, damage, found):
    damage(*last_state(toy))
    refused(toy, ProofError, found, lambda project: project.sign(), 1)


def test_a_link_in_the_folder_is_not_signed(toy, tmp_path):
    own, index = last_state(toy)
    path = own / f"slice-{index}.safetensors"
    shutil.move(path, tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with opened(toy, 1) as project, pytest.raises(ProofError, match="a link is in it"):
        project.sign()
    assert not (toy / "signatures").exists()


def test_a_key_that_is_none_signs_nothing(toy):
    path = toy / "secrets" / KEY
    path.write_text("no key\n")
    with opened(toy, 1) as project, pytest.raises(ProofError, match="no EC P-256"):
        project.sign()
    assert not (toy / "signatures").exists()


def test_an_unknown_model_is_named_with_those_that_there_are(toy, refuses):
    refuses(toy, "sign", "model-none", found="no model `model-none`", hint="known: mod")


def test_the_exit_code_of_a_refusal_is_one(toy, assent):
    with opened(toy, 1) as project:
        project.record("withdrawn", ["u01"])
    said = assent("--project", toy, "sign")
    assert (said.code, len(said.errors)) == (1, 1)


# -- what a provenance can say ---------------------------------------------------------


def test_parents_and_what_is_not_known_are_named_as_such():
    def entry(number, **body):
        raw = canonical({"body": body, "n": number})
        return attest.Entry(number, raw, body, 1_735_732_800_000_000)

    digests_of = {"weights": "ab" * 32, "content_read": "cd" * 32}
    model = entry(9, model_id="child", plan="ef" * 32, **digests_of)
    parent = entry(4, model_id="base", **digests_of)
    statement = attest.Provenance(
        *("club.example/ledger", "1", "12" * 32, model, [], [parent]),
        plan={"model": "content"},
        tree_head="club.example/ledger\n",
        external=["some base"],
    ).statement()
    known, unknown = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert known["annotations"] == {"ledger_entry": 4, "weights": "ab" * 32}
    assert known["digest"] == {"sha256": sha256(parent.raw)}
    assert unknown == {"name": "some base", "annotations": {"external": True}}
