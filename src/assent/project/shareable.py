"""What can be handed over: a corpus that is whole, a model that nothing supersedes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assent.canon import sha256
from assent.corpus.draft import parquet
from assent.corpus.manifest import FileEntry, check_parts, read_manifest
from assent.corpus.tables import read_table
from assent.errors import CorpusError, UsageError
from assent.files import write_whole
from assent.project.building import sealed_plans
from assent.project.commitments import check_logged
from assent.project.descending import check_base
from assent.project.place import MODELS, Place, Progress
from assent.project.serving import Trained, trained_documents
from assent.project.training import checked_summary
from assent.share.papers import Kind
from assent.terms import EventKind
from assent.train import checkpoint
from assent.train.plan import Plan, shard_folder


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be handed over.

    Args:
        kind: a corpus or a model.
        what: its id.
        documents: that it holds, or was trained on.
        purpose: the only one that it may serve.
        recipients: who uses it already.
        simulated: choices or people were made up.
        files: writes its files into a folder, given the documents that may go.
    """

    kind: Kind
    what: str
    documents: tuple[Trained, ...]
    purpose: str
    recipients: tuple[str, ...]
    simulated: bool
    files: Callable[[Path, frozenset[str]], list[FileEntry]]


def shareable(place: Place, what: str, progress: Progress) -> Source:
    """Find what is to be handed over, and refuse what cannot be.

    Raises:
        UsageError: there is no such corpus or model, or it was superseded.
        CorpusError: a part is not what was built, or the text was erased.
        TrainError: the model is not the one that was logged.
    """
    models = {event.body["model_id"]: event.body for event in place.events_of(*MODELS)}
    corpora = {
        event.body["corpus_id"] for event in place.events_of(EventKind.CORPUS_BUILT)
    }
    if what in models:
        newer = [m for m in models.values() if m.get("supersedes") == what]
        if newer:
            raise UsageError(
                f"`{what}` was superseded by `{newer[-1]['model_id']}`",
                hint="share that one: somebody was taken out of the old one",
            )
        return _model(place, models[what])
    if what in corpora:
        return _corpus(place, what, progress)
    known = ", ".join([*sorted(corpora)[-3:], *sorted(models)[-3:]]) or "none yet"
    raise UsageError(f"no corpus or model `{what}` is logged", hint=f"known: {known}")


def _corpus(place: Place, what: str, progress: Progress) -> Source:
    check_logged(place, what)
    folder = place.corpus_folder(what)
    parts = check_parts(folder).parts
    request = read_manifest(folder).request

    def files(draft: Path, permitted: frozenset[str]) -> list[FileEntry]:
        found = []
        named = pa.array(sorted(permitted), pa.string())
        for done, part in enumerate(parts):
            progress("parts handed over", done, len(parts))
            table = read_table(folder / part.path)
            rows = table.filter(pc.is_in(table["document_id"], value_set=named))
            data = parquet(rows)
            write_whole(draft / part.path, data)
            found.append(FileEntry(part.path, sha256(data), len(rows), len(data)))
        progress("parts handed over", len(parts), len(parts))
        return found

    return Source(
        Kind.CORPUS,
        what,
        trained_documents(place, what),
        request.purpose,
        request.recipients,
        request.simulated,
        files,
    )


def _model(place: Place, model: dict[str, Any]) -> Source:
    plan, _ = sealed_plans(place)[model["plan"]]
    check_base(place, plan)
    (corpus_id,) = model["corpora"]
    request = read_manifest(place.corpus_folder(corpus_id)).request
    checked_summary(place, model)

    def files(draft: Path, permitted: frozenset[str]) -> list[FileEntry]:
        return _model_files(place, model, plan, draft)

    return Source(
        Kind.MODEL,
        model["model_id"],
        trained_documents(place, corpus_id),
        plan.purpose,
        plan.recipients,
        request.simulated,
        files,
    )


def _model_files(
    place: Place, model: dict[str, Any], plan: Plan, draft: Path
) -> list[FileEntry]:
    """Copy what is needed to serve a model: its last states, and its plan.

    Copied, never linked: what the recipient does to its files is not done to ours.
    """
    folder = place.model_folder(model["model_id"])
    wanted = ["model.json"]
    for (group, shard), each in checked_summary(place, model).items():
        own = shard_folder(folder, group, shard)
        if not each.served:
            continue
        found, _ = checkpoint.load(own, plan.slices)
        if found.digest != each.digest:
            raise CorpusError(
                f"shard {group}/{shard} of `{folder.name}` is not the one that was "
                "logged",
                hint="restore the model's folder from a backup of this very model",
            )
        wanted += [
            f"{own.name}/slice-{plan.slices}.{suffix}"
            for suffix in ("safetensors", "json")
        ]
    contents = {name: (folder / name).read_bytes() for name in wanted}
    contents["plan.json"] = place.kept(model["plan"])
    for name, data in contents.items():
        write_whole(draft / name, data)
    return [FileEntry(name, sha256(d), 0, len(d)) for name, d in contents.items()]
