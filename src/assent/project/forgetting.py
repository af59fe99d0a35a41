"""Take everything that is no longer permitted out of the served model.

The order matters, and each step is safe to repeat:
(1) quarantine: nothing to do, what is denied does not speak from its own instant on;
(2) erase: a corpus without the texts, then the old one's texts removed;
(3) replay: the touched shards, from the checkpoint before the first touched slice;
(4) destroy: every superseded checkpoint;
(5) certify and log: the repaired model, its new corpus, the model it supersedes.
"""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assent.canon import canonical, keyed
from assent.corpus.build import erase_text, without
from assent.corpus.manifest import Manifest, read_manifest
from assent.corpus.tables import part_path
from assent.errors import ForgetError
from assent.files import publish_folder, write_whole
from assent.forget.certificate import Certificate, RepairedShard
from assent.forget.reach import Reach, reach, replayed_share
from assent.forget.repair import (
    carry_over,
    destroy,
    replay_shards,
    train_as_if_never,
)
from assent.project.building import (
    buckets_of,
    commit,
    plan_key,
    policies_in_force,
    sealed_plans,
)
from assent.project.place import MODELS, Place, Progress
from assent.project.serving import Shard, Standing, standing, trained_documents
from assent.project.training import (
    checked_summary,
    log_model,
    name_of,
    read_summary,
    write_summary,
)
from assent.terms import EventKind
from assent.train import checkpoint
from assent.train.host import check_host
from assent.train.parallel import Trained as TrainedShard
from assent.train.plan import Plan, shard_folder

JOB = "forget"
CERTIFICATE = "certificate.json"
DRAFT = ".repairing-"


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair did, or that there was nothing to do."""

    model_id: str
    documents: int
    subjects: int
    certificate: Certificate | None = None
    entry: int | None = None

    @property
    def bit_identical(self) -> bool | None:
        """Whether repair and oracle agree; None: no oracle was run."""
        return self.certificate.bit_identical if self.certificate else None

    def lines(self) -> list[str]:
        """Say it in lines for a terminal."""
        if self.certificate is None:
            return [
                f"model {self.model_id}: everything in it is permitted; nothing to do"
            ]
        lines = [
            f"forget set: {self.documents:,} documents of {self.subjects:,} people"
        ]
        for each in self.certificate.shards:
            lines += [
                f"shard {each.group}/{each.shard}, replayed from slice "
                f"{each.slice_index}:",
                f"  before    {each.before}",
                f"  repaired  {each.after}",
                f"  oracle    {each.oracle or 'not run'}",
            ]
        lines.append(f"replayed: {self.certificate.replayed_share:.1%} of training")
        if self.bit_identical is not None:
            lines.append(f"bit-identical: {'yes' if self.bit_identical else 'no'}")
        if self.entry is not None:
            lines.append(f"model {self.model_id}, logged as ledger entry {self.entry}")
        return lines


@dataclass(frozen=True, slots=True)
class _Work:
    """One repair under way."""

    place: Place
    plan: Plan
    key: bytes
    old_model: str
    old_corpus: str
    standing: Standing
    pins: dict[str, Any]
    progress: Progress

    @property
    def forget(self) -> dict[str, tuple[str, str]]:
        """Document id -> why it goes."""
        return self.standing.denied

    @property
    def reaches(self) -> tuple[Reach, ...]:
        """The shards to replay, and from which slice."""
        return reach(
            (each.subject_id, each.group, each.shard, each.slice_index)
            for each in self.standing.documents
            if each.document_id in self.forget
        )


def forget(place: Place, oracle: bool, progress: Progress) -> Repaired:
    """Repair the served model; a repair that was interrupted goes on with its pins.

    Args:
        place: the project.
        oracle: also train each touched shard from the start, in another process, as if
            the people had never existed, and compare.
        progress: told what is done.

    Raises:
        TrainError: this host cannot reproduce the plan, or a checkpoint is damaged.
    """
    pins = place.job(JOB) or _pins(place)
    work = _work(place, pins, progress)
    if not work.forget:
        return Repaired(work.old_model, 0, 0)
    check_host(work.plan)
    place.begin(JOB, pins)
    # Crash from here on: the pins are found and the repair goes on with them.
    corpus = _corpus_without(work)
    repaired, certificate = _model_without(work, corpus, oracle)
    people = {
        each.subject_id
        for each in work.standing.documents
        if each.document_id in work.forget
    }
    if certificate.bit_identical is False:
        # Not logged and not served: the shards stay in quarantine.
        return Repaired(repaired, len(work.forget), len(people), certificate)
    logged = log_model(
        place,
        EventKind.MODEL_REPAIRED,
        repaired,
        work.plan,
        corpus.corpus_id,
        {
            "supersedes": work.old_model,
            "certificate": certificate.digest,
        },
    )
    # Crash here: the repaired model is logged and served; the rest is cleaning up.
    shutil.rmtree(place.model_folder(work.old_model), ignore_errors=True)
    place.finish(JOB)
    return Repaired(repaired, len(work.forget), len(people), certificate, logged.entry)


def _pins(place: Place) -> dict[str, Any]:
    """Decide what goes, once: a load in between must not change what is certified.

    Raises:
        UsageError: no model is trained.
        TrainError: the model's folder is not the one that was logged.
    """
    model, as_of, size = place.served_model(), place.clock(), place.book.size
    checked_summary(place, model)
    plan, _ = sealed_plans(place)[model["plan"]]
    now = standing(place, plan, model["corpora"][0], as_of, size)
    return {
        "model_id": model["model_id"],
        "as_of": as_of,
        "ledger_size": size,
        "denied": {name: list(why) for name, why in sorted(now.denied.items())},
    }


def _work(place: Place, pins: dict[str, Any], progress: Progress) -> _Work:
    bodies = {event.body["model_id"]: event.body for event in place.events_of(*MODELS)}
    model = bodies[pins["model_id"]]
    plan, number = sealed_plans(place)[model["plan"]]
    corpus_id = model["corpora"][0]
    denied = {name: (why[0], why[1]) for name, why in pins["denied"].items()}
    now = Standing(trained_documents(place, corpus_id), denied)
    key = plan_key(place, number)
    return _Work(place, plan, key, model["model_id"], corpus_id, now, pins, progress)


def _corpus_without(work: _Work) -> Manifest:
    """Build and log the corpus without the forget set, then erase the old texts."""
    place, pins = work.place, work.pins
    old = place.corpus_folder(work.old_corpus)
    request = replace(
        read_manifest(old).request,
        as_of=pins["as_of"],
        ledger_size=pins["ledger_size"],
        policies=policies_in_force(place, pins["as_of"], pins["ledger_size"]),
        derived_from=work.old_corpus,
    )
    folder = place.corpus_folder(request.corpus_id)
    if not folder.exists():
        without(old, request, work.forget, {}, folder.parent, work.progress)
    # Crash here: the new corpus is whole and not logged; the next run logs it.
    built = commit(place, folder, work.plan)
    erase_text(old, pins["as_of"])
    # Crash here: the forgotten texts are gone from both corpora.
    return built.manifest


def _model_without(
    work: _Work, corpus: Manifest, oracle: bool
) -> tuple[str, Certificate]:
    """Replay touched shards, compare with the oracle, destroy what is superseded."""
    place = work.place
    repaired = name_of(work.plan, corpus.corpus_id)
    folder = place.model_folder(repaired)
    parts = {
        bucket: place.corpus_folder(corpus.corpus_id) / part_path(bucket)
        for bucket in buckets_of(work.plan)
    }
    if not folder.exists():
        draft = folder.with_name(f"{DRAFT}{repaired}")
        old = place.model_folder(work.old_model)
        shards = _replay(work, parts, old, draft)
        found = _oracle(work, parts, repaired) if oracle else {}
        certificate = _certificate(work, repaired, old, shards, found)
        write_summary(draft, work.plan, shards)
        write_whole(draft / CERTIFICATE, canonical(certificate.to_json()))
        publish_folder(draft, folder)
        # Crash here: repaired and certified; the superseded states are still there.
    shutil.rmtree(_oracle_folder(folder), ignore_errors=True)
    certificate = Certificate.from_json(json.loads((folder / CERTIFICATE).read_bytes()))
    for one in work.reaches:
        old_shard = shard_folder(
            place.model_folder(work.old_model), one.group, one.shard
        )
        if old_shard.exists() and certificate.bit_identical is not False:
            destroy([old_shard], one.slice_index + 1)
    return repaired, certificate


def _replay(
    work: _Work, parts: dict[Shard, Path], old: Path, draft: Path
) -> dict[Shard, TrainedShard]:
    touched = {(one.group, one.shard) for one in work.reaches}
    before = read_summary(old)
    shards = dict(before)
    for group, shard in parts:
        if (group, shard) in touched:
            continue
        found = carry_over(group, shard, old, draft)
        if found != before[group, shard].digest:
            raise ForgetError(
                f"shard {group}/{shard} of `{work.old_model}` has the weights {found}, "
                f"but {before[group, shard].digest} were logged",
                hint="restore the model's folder from a backup of this very model",
            )
    shards |= replay_shards(
        work.plan,
        work.key,
        work.reaches,
        parts,
        old,
        draft,
        work.place.config.train.workers,
        lambda done, total: work.progress("slices replayed", done, total),
    )
    return shards


def _oracle(work: _Work, parts: dict[Shard, Path], repaired: str) -> dict[Shard, str]:
    """Train each touched shard from the start, in processes that saw nothing else."""
    folder = _oracle_folder(work.place.model_folder(repaired))
    found = {}
    for done, one in enumerate(work.reaches):
        work.progress("oracle runs", done, len(work.reaches))
        shutil.rmtree(folder, ignore_errors=True)  # an interrupted run proves nothing
        shard = (one.group, one.shard)
        found[shard] = train_as_if_never(
            work.plan, work.key, *shard, parts[shard], folder
        )
    shutil.rmtree(folder, ignore_errors=True)
    work.progress("oracle runs", len(work.reaches), len(work.reaches))
    return found


def _oracle_folder(folder: Path) -> Path:
    return folder.with_name(f"{DRAFT}{folder.name}.oracle")


def _certificate(
    work: _Work,
    repaired: str,
    old: Path,
    shards: dict[Shard, TrainedShard],
    oracle: dict[Shard, str],
) -> Certificate:
    before = read_summary(old)
    subjects = {
        each.subject_id
        for each in work.standing.documents
        if each.document_id in work.forget
    }
    secrets = work.place.vault.secrets(subjects)
    return Certificate(
        plan=work.plan.digest,
        old_model=work.old_model,
        new_model=repaired,
        slices=work.plan.slices,
        shards=tuple(
            RepairedShard(
                group=one.group,
                shard=one.shard,
                slice_index=one.slice_index,
                before=before[one.group, one.shard].digest,
                after=shards[one.group, one.shard].digest,
                served=shards[one.group, one.shard].served,
                oracle=oracle.get((one.group, one.shard)),
            )
            for one in work.reaches
        ),
        # Each opens hers with her own secret, and nobody opens another's.
        subjects=tuple(
            sorted(
                keyed(secret, "certificate", repaired.encode()).hex()
                for secret in secrets.values()
            )
        ),
        replayed_share=replayed_share(work.plan, work.reaches),
        golden_ok=True,  # `replay_shards` refuses a host that fails its golden run
        destroyed=_superseded(work, old),
    )


def _superseded(work: _Work, old: Path) -> tuple[str, ...]:
    """List the states that hold the forget set, before they are destroyed."""
    found = set()
    for one in work.reaches:
        folder = shard_folder(old, one.group, one.shard)
        for index in checkpoint.kept(folder):
            state = checkpoint.describe(folder, index)
            if index > one.slice_index and state is not None:
                found.add(state.digest)
    return tuple(sorted(found))
