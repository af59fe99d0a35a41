"""Sign a model for other people's programs, only if it is the one to vouch for now."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assent import __version__
from assent.canon import canonical
from assent.errors import DeniedError, ProofError, TrainError, UsageError
from assent.files import SECRET_MODE, file_sha256, write_whole
from assent.ledger.book import PublicEvent
from assent.merkle.entry import closure, model_of
from assent.project.building import sealed_plans
from assent.project.cosigning import cosigned_head
from assent.project.descending import check_base
from assent.project.place import MODELS, Place
from assent.project.receipts import check_installed
from assent.project.serving import standing
from assent.project.training import checked_summary, counts
from assent.terms import EventKind
from assent.train import checkpoint
from assent.train.plan import Plan, shard_folder

if TYPE_CHECKING:
    from assent.prove.attest import Entry

FOLDER = "signatures"
KEY = "model-signing.key"
CERTIFICATE = "certificate.json"
PUBLIC_KEY, SIGNATURE = "model-signing.pub", "model.sig"
ENVELOPE, BUNDLE = "provenance.intoto.jsonl", "provenance.sigstore.json"


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed model.

    Args:
        model_id: its name.
        folder: where the papers are.
        digest: of the model's folder, as model signing computes it.
        files: how many files were signed.
        entry: number of the model's ledger entry.
        weights: digest of all its weights, from that entry.
        default: whether the papers are where they are by default.
    """

    model_id: str
    folder: Path
    digest: str
    files: int
    entry: int
    weights: str
    default: bool

    def lines(self) -> list[str]:
        """Say it in lines for a terminal."""
        at = f"{FOLDER}/{self.model_id}" if self.default else str(self.folder)
        return [
            f"model {self.model_id}: {self.files} files signed, digest {self.digest}",
            f"ledger entry {self.entry}, weights {self.weights}",
            f"written to `{at}`: {SIGNATURE}, {ENVELOPE}, {BUNDLE}, {PUBLIC_KEY}",
            "check it with",
            f"  model_signing verify key --public_key {at}/{PUBLIC_KEY} "
            f"--signature {at}/{SIGNATURE} models/{self.model_id}",
        ]


def sign(place: Place, model_id: str | None = None, out: Path | None = None) -> Signed:
    """Sign a model's folder, and say what it was made of, in `out`.

    Args:
        place: the project.
        model_id: the served model by default.
        out: a folder; `signatures/<model id>` by default.

    Raises:
        UsageError: there is no such model, or the programs' libraries are missing.
        DeniedError: it was superseded, or not all that it was trained on is permitted.
        ProofError: its folder is not what the ledger logged.
    """
    check_installed("sign")
    from assent.prove.attest import public_pem, seal, sign_folder, sigstore_bundle

    event = _model(place, model_id)
    model = event.body["model_id"]
    plan, _ = sealed_plans(place)[event.body["plan"]]
    _check_permitted(place, event, plan)
    folder = place.model_folder(model)
    before = _check_logged(place, event, plan)
    key_path = _key_file(place)
    signed = sign_folder(folder, key_path)
    if dict(signed.files) != before:
        raise ProofError(
            f"`{model}` was changed while it was signed; nothing was written",
            hint="close what writes there, then sign again",
        )
    pem = key_path.read_bytes()
    statement = _provenance(place, event, plan, signed.digest)
    envelope = seal(statement, pem)
    default = place.folder / FOLDER / model
    target = out or default
    write_whole(target / PUBLIC_KEY, public_pem(pem))
    write_whole(target / SIGNATURE, signed.signature)
    # Crash here: the model is signed and its provenance is missing or that of an
    # earlier run about the same bytes; the next run writes all again.
    write_whole(target / ENVELOPE, canonical(envelope) + b"\n")
    write_whole(target / BUNDLE, canonical(sigstore_bundle(envelope, pem)))
    return Signed(
        model,
        target,
        signed.digest,
        len(signed.files),
        event.number,
        event.body["weights"],
        target.absolute() == default.absolute(),
    )


def _model(place: Place, model_id: str | None) -> PublicEvent:
    """Find the model's entry, and refuse one that another replaced."""
    models = {each.body["model_id"]: each for each in place.events_of(*MODELS)}
    wanted = model_id or place.served_model()["model_id"]
    if wanted not in models:
        known = ", ".join(sorted(models)[-3:]) or "none yet"
        raise UsageError(f"no model `{wanted}` is logged", hint=f"known: {known}")
    for each in models.values():
        if each.body.get("supersedes") == wanted:
            raise DeniedError(
                f"`{wanted}` was superseded by `{each.body['model_id']}`",
                hint="sign that one: somebody was taken out of the old one",
            )
    return models[wanted]


def _check_permitted(place: Place, event: PublicEvent, plan: Plan) -> None:
    """Refuse a model with a shard that may not speak now: it is signed whole.

    What its parents in this ledger were trained on is in it too. A parent elsewhere is
    named as such in the provenance: nothing here knows what it holds.
    """
    now = place.clock()
    check_base(place, plan)
    models = {
        each.body["model_id"]: model_of(each.body, each.number, EventKind(each.kind))
        for each in place.events_of(*MODELS)
    }
    for corpus_id in sorted(closure(event.body["model_id"], models).corpora):
        found = standing(place, plan, corpus_id, now, place.book.size)
        if found.wrong:
            raise DeniedError(
                f"{len(found.wrong)} documents of `{event.body['model_id']}` are no "
                f"longer permitted ({counts(found.reasons())}), "
                f"{len(found.quarantined)} shards are quarantined",
                hint="run `assent forget`, then sign the repaired model",
            )
        if found.suspended:
            group, order = min(found.suspended.items())
            raise DeniedError(
                f"group `{group}` of `{event.body['model_id']}` is suspended by order "
                f"`{order}`, and a model is signed whole",
                hint="sign it when the order is lifted",
            )


def _check_logged(place: Place, event: PublicEvent, plan: Plan) -> dict[str, str]:
    """Check that a folder is the model that was logged, file by file.

    Returns:
        Path in the folder -> sha256, of every file.

    Raises:
        ProofError: a file is missing, changed, or no part of the model.
    """
    folder = place.model_folder(event.body["model_id"])
    with _as_proof():
        found = _hashes(folder)
        shards = checked_summary(place, event.body)
        expected = {"model.json"}
        for (group, shard), each in shards.items():
            own = shard_folder(folder, group, shard)
            last = plan.slices if each.served else 0
            for index in checkpoint.kept(own):
                state, _ = checkpoint.load(own, index)
                if (state.plan, state.group, state.shard) != (
                    plan.digest,
                    group,
                    shard,
                ):
                    raise TrainError(f"`{own.name}` holds a state of another shard")
                if index == last and state.digest != each.digest:
                    raise TrainError(
                        f"`{own.name}` has the weights {state.digest}, but "
                        f"{each.digest} were logged"
                    )
                name = f"{own.name}/slice-{index}"
                expected |= {f"{name}.json", f"{name}.safetensors"}
            if last not in checkpoint.kept(own):
                raise TrainError(f"`{own.name}` has no state after its last slice")
    if "certificate" in event.body:
        expected.add(CERTIFICATE)
        if found.get(CERTIFICATE) != event.body["certificate"]:
            raise ProofError(f"`{CERTIFICATE}` is not the one that was logged")
    over = sorted(found.keys() ^ expected)
    if over:
        raise ProofError(
            f"`{over[0]}` of `{folder.name}` is missing, or no part of the model",
            hint="restore the model's folder from a backup of this very model",
        )
    return found


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): file_sha256(path)
        for path in folder.rglob("*")
        if path.is_file()
    }


@contextmanager
def _as_proof() -> Iterator[None]:
    """Say of what cannot be trained with that it cannot be vouched for: exit 1."""
    try:
        yield
    except TrainError as error:
        raise ProofError(
            error.message,
            hint="restore the model's folder from a backup of this very model",
        ) from error


def _key_file(place: Place) -> Path:
    """Name the file of the signing key, drawn when it is first asked for."""
    from assent.prove.attest import new_key

    path = place.folder / "secrets" / KEY
    if not path.exists():
        write_whole(path, new_key(place.randomness), SECRET_MODE)
    return path


def _provenance(
    place: Place, event: PublicEvent, plan: Plan, folder_digest: str
) -> dict[str, Any]:
    from assent.prove.attest import Provenance

    events = list(place.events_of(EventKind.CORPUS_BUILT, *MODELS))
    corpora = {e.body["corpus_id"]: e for e in events if "corpus_id" in e.body}
    models = {e.body["model_id"]: e for e in events if "model_id" in e.body}
    parents = event.body["parents"]
    inside = [each for each in parents if isinstance(each, str)]
    return Provenance(
        origin=place.config.origin,
        version=__version__,
        folder_digest=folder_digest,
        model=_entry(event),
        corpora=[_entry(corpora[name]) for name in event.body["corpora"]],
        parents=[_entry(models[name]) for name in inside if name in models],
        plan={
            "model": plan.model,
            "purpose": plan.purpose,
            "recipients": list(plan.recipients),
        },
        tree_head=cosigned_head(place)[0],
        external=[
            *(name for name in inside if name not in models),
            *(each["external"] for each in parents if isinstance(each, dict)),
        ],
    ).statement()


def _entry(event: PublicEvent) -> "Entry":
    from assent.prove.attest import Entry

    return Entry(event.number, event.entry, event.body, event.happened_at)
