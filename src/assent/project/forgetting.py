"""Take everything that is no longer permitted out of the served model.

The order matters, and each step is safe to repeat:
(1) quarantine: nothing to do, what is denied does not speak from its own instant on;
(2) erase: a corpus without the texts, then the old one's texts removed;
(3) replay: the touched shards, from the checkpoint before the first touched slice;
(4) destroy: every superseded checkpoint;
(5) certify and log: the repaired model, its new corpus, the model it supersedes.

A model that its oracle refutes is never published: its certificate stays as evidence.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assent.canon import canonical, digest, keyed
from assent.corpus.build import erase_text, without
from assent.corpus.manifest import Manifest, read_manifest
from assent.corpus.renaming import TakenBack
from assent.corpus.tables import part_path
from assent.errors import ForgetError, UsageError
from assent.files import publish_folder, write_whole
from assent.forget.certificate import Certificate, RepairedShard
from assent.forget.reach import Reach, expected_cost, reach, replayed_share
from assent.forget.repair import (
    carry_over,
    destroy,
    replay_shards,
    superseded,
    train_as_if_never,
)
from assent.project.building import (
    buckets_of,
    plan_key,
    policies_in_force,
    promised,
    sealed_plans,
)
from assent.project.commitments import commit, people
from assent.project.descending import base_fault, behind, check_comparable, made_of
from assent.project.exporting import rebuild
from assent.project.place import MODELS, Place, Progress
from assent.project.refuted import (
    CERTIFICATE,
    DRAFT,
    drop_refuted,
    evidence,
    read_certificate,
    remove,
)
from assent.project.repaired import Repaired
from assent.project.serving import Shard, Standing, standing, trained_documents
from assent.project.training import (
    checked_summary,
    log_model,
    logged,
    name_of,
    read_summary,
    write_summary,
)
from assent.project.unrepaired import unrepaired
from assent.project.writing import settings_of
from assent.terms import EventKind
from assent.train import checkpoint
from assent.train.parallel import Trained as TrainedShard
from assent.train.parallel import Workers
from assent.train.plan import Plan, shard_folder

JOB = "forget"


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
    workers: Workers

    @property
    def forget(self) -> dict[str, tuple[str, str]]:
        """Document id -> why it goes."""
        return self.standing.denied

    @property
    def people(self) -> set[str]:
        """Who goes, at least with some documents."""
        return self._authors(frozenset(self.forget))

    @property
    def unnamed(self) -> set[str]:
        """Whose names are taken out of others' texts."""
        return {who for each in self.standing.unnamed.values() for who in each}

    @property
    def expected(self) -> float:
        """The share of training that so many authors replay on average."""
        shards = sum(group.shards for group in self.plan.groups)
        return expected_cost(shards, self.plan.slices, len(self.authors))

    @property
    def authors(self) -> set[str]:
        """Whose texts go or change."""
        return self._authors(self.standing.wrong)

    def _authors(self, documents: frozenset[str]) -> set[str]:
        return {
            each.subject_id
            for each in self.standing.documents
            if each.document_id in documents
        }

    @property
    def reaches(self) -> tuple[Reach, ...]:
        """The shards to replay, and from which slice."""
        return reach(
            (each.subject_id, each.group, each.shard, each.slice_index)
            for each in self.standing.documents
            if each.document_id in self.standing.wrong
        )


def forget(
    place: Place, oracle: bool, progress: Progress, workers: Workers, audit: float = 0.0
) -> Repaired:
    """Repair the served model, and then those of ours that its base comes from.

    A repair that was interrupted goes on with its pins, before anything else.

    Args:
        place: the project.
        oracle: also train each touched shard from the start, in another process, as if
            the people had never existed, and compare.
        progress: told what is done.
        workers: where shards are replayed.
        audit: probability of an oracle that nobody asked for, by the ledger's root.

    Raises:
        UsageError: the probability is not from 0 to 1, or a private plan has no oracle.
        TrainError: a host cannot reproduce the plan, or a checkpoint is damaged.
        ForgetError: the superseded model cannot be removed, or the repair was logged
            by an earlier run, too early for the oracle that is asked for now.
    """
    if not 0 <= audit <= 1:
        raise UsageError(f"an audit with probability {audit}, wanted 0 to 1")
    check_comparable(place, oracle or audit > 0)
    begun = place.job(JOB)
    done = [_repair(place, begun, oracle, progress, workers)] if begun else []
    served = place.served_model()
    plan, _ = sealed_plans(place)[served["plan"]]
    # The served one first: the bases that it starts from are there until theirs.
    for model in (served, *behind(place, plan)):
        if any(each.refuted for each in done):
            break
        known = model["model_id"] in {each.model_id for each in done}
        if not (known or _is_dead(place, model)):
            pins = _pins(place, model, audit)
            done.append(_repair(place, pins, oracle, progress, workers))
    some = [each for each in done if each.certificate] or done[:1]
    first = some[0] if some else Repaired(served["model_id"], 0, 0, dead=True)
    notes = tuple(unrepaired(place, plan))
    return replace(first, also=tuple(some[1:]), notes=notes)


def _is_dead(place: Place, model: dict[str, Any]) -> bool:
    """Say whether a model can never speak again: a repair has replaced its base."""
    plan, _ = sealed_plans(place)[model["plan"]]
    fault = base_fault(place, plan, place.clock(), place.book.size)
    return fault is not None and fault.final


def _repair(
    place: Place,
    pins: dict[str, Any],
    oracle: bool,
    progress: Progress,
    workers: Workers,
) -> Repaired:
    oracle = oracle or pins.get("oracle", False)
    work = _work(place, pins, progress, workers)
    if not work.standing.wrong:
        return Repaired(work.old_model, 0, 0)
    workers.check(work.plan, place.config.base_folder)
    if place.job(JOB) is None:
        _check_states(work)
    place.begin(JOB, pins)
    # Crash from here on: the pins are found and the repair goes on with them.
    corpus = _corpus_without(work)
    repaired, certificate = _model_without(work, corpus, oracle)
    done = _done(work, repaired, certificate)
    if certificate.bit_identical is False:
        # Not logged and not served. The job stays: the old corpus has no texts any
        # more, so the next run must go on from the corpus that these pins made.
        return done
    entry = log_model(
        place,
        EventKind.MODEL_REPAIRED,
        repaired,
        work.plan,
        corpus.corpus_id,
        {
            "supersedes": work.old_model,
            "certificate": certificate.digest,
        },
    ).entry
    # Crash here: the repaired model is logged and served; the next run comes here.
    remove(place.model_folder(work.old_model))
    exports = rebuild(place, work.old_model, repaired)
    place.finish(JOB)
    if oracle and certificate.bit_identical is None:
        raise ForgetError(
            f"`{repaired}` was logged as ledger entry {entry} before an oracle was "
            "asked for, so none was run",
            hint="the repair is finished; ask for the oracle at the next one",
        )
    # What was withdrawn after the pins is still in the model that is served now.
    now = standing(place, work.plan, corpus.corpus_id, place.clock(), place.book.size)
    return replace(done, entry=entry, denied_since=len(now.wrong), exports=exports)


def _check_states(work: _Work) -> None:
    """Read every state that is taken over, before anything is changed: twice in all.

    Raises:
        TrainError: one is missing or damaged.
    """
    old = work.place.model_folder(work.old_model)
    reached = {(one.group, one.shard): one.slice_index for one in work.reaches}
    left = {
        (each.group, each.shard)
        for each in work.standing.documents
        if each.document_id not in work.forget
    }
    for bucket in buckets_of(work.plan):
        folder = shard_folder(old, *bucket)
        last = reached.get(bucket)
        if last is None:
            last = max(checkpoint.kept(folder), default=0)
        elif (
            bucket not in left and work.plan.privacy is None
        ):  # it goes back to the clean base
            continue
        for index in range(last + 1):
            checkpoint.load(folder, index)


def _done(work: _Work, repaired: str, certificate: Certificate) -> Repaired:
    return Repaired(
        repaired,
        len(work.forget),
        len(work.people),
        certificate,
        expected=work.expected,
        renamed=len(work.standing.unnamed),
        unnamed=len(work.unnamed),
        authors=len(work.authors),
    )


def _pins(place: Place, model: dict[str, Any], audit: float) -> dict[str, Any]:
    """Decide what goes, once: a load in between must not change what is certified.

    Raises:
        TrainError: the model's folder is not the one that was logged.
    """
    as_of, size = place.clock(), place.book.size
    checked_summary(place, model)
    plan, _ = sealed_plans(place)[model["plan"]]
    now = standing(place, plan, model["corpora"][0], as_of, size)
    return {
        "model_id": model["model_id"],
        "as_of": as_of,
        "ledger_size": size,
        "denied": {name: list(why) for name, why in sorted(now.denied.items())},
        "unnamed": {name: list(who) for name, who in sorted(now.unnamed.items())},
        "oracle": _drawn(place, model["model_id"]) < audit,
    }


def _drawn(place: Place, model_id: str) -> float:
    """Draw a number from 0 to 1 (exclusive) for a repair of a model at this head."""
    root = place.book.head().root.hex()
    return int(digest(["oracle", model_id, root])[:13], 16) / 16**13


def _work(
    place: Place, pins: dict[str, Any], progress: Progress, workers: Workers
) -> _Work:
    bodies = {event.body["model_id"]: event.body for event in place.events_of(*MODELS)}
    model = bodies[pins["model_id"]]
    plan, number = sealed_plans(place)[model["plan"]]
    corpus_id = model["corpora"][0]
    denied = {name: (why[0], why[1]) for name, why in pins["denied"].items()}
    unnamed = {name: tuple(who) for name, who in pins.get("unnamed", {}).items()}
    documents = trained_documents(place, corpus_id)
    now = Standing(documents, denied, unnamed=unnamed)
    key, old = plan_key(place, number), model["model_id"]
    return _Work(place, plan, key, old, corpus_id, now, pins, progress, workers)


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
        known = people(place, pins["ledger_size"])
        taken_back = TakenBack(frozenset(work.unnamed), settings_of(place, request))
        root, told = folder.parent, work.progress
        without(old, request, work.forget, {}, root, known, told, taken_back)
    # Crash here: the new corpus is whole and not logged; the next run logs it.
    manifest, _ = commit(place, folder, work.plan)
    erase_text(old, pins["as_of"])
    # Crash here: the forgotten texts are gone from both corpora.
    return manifest


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
    if logged(place, repaired):
        # Its certificate is in the ledger, and the old model may be half removed.
        return repaired, read_certificate(folder / CERTIFICATE)
    drop_refuted(folder)
    # What was refuted once is compared again, asked or not.
    oracle = oracle or folder.with_name(evidence(repaired)).exists()
    draft = folder.with_name(f"{DRAFT}{repaired}")
    if folder.exists():
        certificate = read_certificate(folder / CERTIFICATE)
        if oracle and certificate.bit_identical is None:
            found = _oracle(work, parts, repaired)
            certificate = _compared(certificate, found)
            write_whole(folder / CERTIFICATE, canonical(certificate.to_json()))
            # Crash here: whole with its oracle, and not logged yet.
    else:
        old = place.model_folder(work.old_model)
        shards = _replay(work, parts, old, draft)
        found = _oracle(work, parts, repaired) if oracle else {}
        certificate = _certificate(work, repaired, old, shards, found)
        write_summary(draft, work.plan, shards)
        write_whole(draft / CERTIFICATE, canonical(certificate.to_json()))
        # Crash here: a draft; the next run drops it if its oracle refuted it.
    remove(_oracle_folder(folder))
    if certificate.bit_identical is False:
        drop_refuted(folder)
        return repaired, certificate
    if not folder.exists():
        publish_folder(draft, folder)
        # Crash here: repaired and certified; the superseded states are still there.
    _destroy_superseded(work)
    return repaired, certificate


def _destroy_superseded(work: _Work) -> None:
    old = work.place.model_folder(work.old_model)
    for one in work.reaches:
        folder = shard_folder(old, one.group, one.shard)
        if folder.exists():
            destroy([folder], one.slice_index + 1)


def _compared(certificate: Certificate, found: dict[Shard, str]) -> Certificate:
    """Add the oracle's digests to a certificate that was written without them."""
    shards = tuple(
        replace(one, oracle=found[one.group, one.shard]) for one in certificate.shards
    )
    return replace(certificate, shards=shards)


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
        work.workers,
        lambda done, total: work.progress("slices replayed", done, total),
        work.place.config.base_folder,
    )
    return shards


def _oracle(work: _Work, parts: dict[Shard, Path], repaired: str) -> dict[Shard, str]:
    """Train each touched shard from the start, in processes that saw nothing else."""
    folder = _oracle_folder(work.place.model_folder(repaired))
    found = {}
    for done, one in enumerate(work.reaches):
        work.progress("oracle runs", done, len(work.reaches))
        remove(folder)  # an interrupted run proves nothing
        shard = (one.group, one.shard)
        base = work.place.config.base_folder
        found[shard] = train_as_if_never(
            work.plan, work.key, *shard, parts[shard], folder, base, work.workers
        )
    remove(folder)
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
    secrets = work.place.vault.secrets(work.people | work.unnamed)
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
        golden_ok=True,  # of each host that replayed: any other refuses to
        destroyed=_destroyed(work, repaired),
        blocked=_blocked(work),
        privacy=promised(work.place, work.plan, 1),
    )


def _blocked(work: _Work) -> tuple[tuple[str, str], ...]:
    groups = frozenset(one.group for one in work.reaches)
    return tuple(sorted(made_of(work.place, work.old_model, groups)))


def _destroyed(work: _Work, repaired: str) -> tuple[str, ...]:
    """List the states that hold the forget set, before they are destroyed."""
    old = work.place.model_folder(work.old_model)
    found: set[str] = set()
    for one in work.reaches:
        folder = shard_folder(old, one.group, one.shard)
        found.update(superseded([folder], one.slice_index + 1))
    # A repair that was refuted late has destroyed them already.
    refuted = work.place.model_folder(evidence(repaired))
    if refuted.exists():
        found.update(read_certificate(refuted).destroyed)
    return tuple(sorted(found))
