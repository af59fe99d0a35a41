"""Train the sealed plan on the latest corpus, and speak with what may be served."""

import json
import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assent.canon import canonical, digest
from assent.corpus.manifest import check_parts, read_manifest
from assent.corpus.tables import part_path
from assent.errors import CorpusError, DeniedError, TrainError, UsageError
from assent.files import publish_folder, write_whole
from assent.project.building import buckets_of, plan_key, promised, sealed_plans
from assent.project.descending import check_base
from assent.project.place import MODELS, Place, Progress
from assent.project.serving import Shard, Standing, standing
from assent.terms import EventKind
from assent.train import checkpoint
from assent.train.ensemble import Served
from assent.train.initial import size_of
from assent.train.parallel import Trained as TrainedShard
from assent.train.parallel import Workers, train_shards
from assent.train.plan import Plan, shard_folder
from assent.train.privacy import Guarantee

JOB = "train"


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained or repaired model.

    Args:
        model_id: its name.
        plan: what it was trained by.
        shards: what each shard became.
        parameters: of one component.
        entry: its number in the ledger.
        guarantee: what a private plan promises to a person.
    """

    model_id: str
    plan: Plan
    shards: Mapping[Shard, TrainedShard]
    parameters: int
    entry: int
    guarantee: Guarantee | None = None

    def lines(self) -> list[str]:
        """Say it in lines for a terminal."""
        served = sum(each.served for each in self.shards.values())
        which = "with documents" if self.guarantee is None else "trained"
        return [
            f"model {self.model_id}: {len(self.plan.groups)} groups, "
            f"{len(self.shards)} shards ({served} {which}), "
            f"{self.plan.slices} slices each, {self.parameters:,} parameters a shard",
            f"logged as ledger entry {self.entry}, with the digest of the bytes read",
            *([str(self.guarantee)] if self.guarantee else []),
        ]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the served mixture said, and who spoke."""

    text: str
    serving: dict[str, list[int]]
    quarantined: tuple[Shard, ...]
    suspended: dict[str, str]
    clean_base: bool

    def lines(self) -> list[str]:
        """Say in lines who spoke and who may not."""
        speaking = ", ".join(
            f"{group} x{len(shards)}" for group, shards in self.serving.items()
        )
        lines = [f"serving: {speaking or 'the clean base, trained on nobody'}"]
        if self.quarantined:
            names = ", ".join(f"{group}/{shard}" for group, shard in self.quarantined)
            lines.append(f"quarantined: {names} (run `assent forget`)")
        for group, order in self.suspended.items():
            lines.append(f"suspended: {group}, by order `{order}`")
        return lines


def train(place: Place, progress: Progress, workers: Workers) -> Trained:
    """Train the latest corpus by its plan; what was interrupted goes on.

    Raises:
        DeniedError: a document of the corpus is no longer permitted, or the base may
            not be used.
        UsageError: a repair is unfinished: the latest corpus is the one it makes.
        CorpusError: a part is not what the manifest says.
        TrainError: a host cannot reproduce the plan.
    """
    corpus = place.latest_corpus()
    plan, number = sealed_plans(place)[corpus["plan"]]
    model_id = name_of(plan, corpus["corpus_id"])
    folder = place.model_folder(model_id)
    draft = folder.with_name(f".training-{model_id}")
    known = logged(place, model_id)
    if known and not folder.exists() and plan.privacy is not None:
        raise TrainError(
            f"`{model_id}` was logged and its folder is gone, and other noise would "
            "make another model",
            hint="restore the folder from a backup, or run `assent build` again",
        )
    if not (known and folder.exists()):
        _check_trainable(place, plan, corpus["corpus_id"], workers)
        _drop_another(place, model_id)
        place.begin(JOB, {"model_id": model_id})
    # Crash from here on: the job says what is unfinished, the draft holds what is done.
    if not folder.exists():
        shards = train_corpus(
            place, plan, number, corpus["corpus_id"], draft, progress, workers
        )
        # Crash in training: the next run goes on from the last whole checkpoints.
        write_summary(draft, plan, shards)
        publish_folder(draft, folder)
        # Crash here: the model is whole, and not logged yet; the next run does that.
    trained = log_model(
        place, EventKind.MODEL_TRAINED, model_id, plan, corpus["corpus_id"]
    )
    place.finish(JOB)
    return trained


def _check_trainable(
    place: Place, plan: Plan, corpus_id: str, workers: Workers
) -> None:
    """Refuse, before anything is written, what must not or cannot be trained."""
    if place.job("forget") is not None:
        raise UsageError(
            f"a repair is unfinished, and `{corpus_id}` may be what it is making",
            hint="run `assent forget`: it goes on where it stopped",
        )
    check_base(place, plan)
    now = standing(place, plan, corpus_id, place.clock(), place.book.size)
    if now.wrong:
        raise DeniedError(
            f"{len(now.wrong)} documents of `{corpus_id}` are no longer "
            f"permitted: {counts(now.reasons())}",
            hint="run `assent build` again: it decides as of now",
        )
    check_parts(place.corpus_folder(corpus_id))
    workers.check(plan, place.config.base_folder)


def _drop_another(place: Place, model_id: str) -> None:
    """Remove what an interrupted training of another corpus left.

    It is never served, and somebody may have withdrawn from it since.
    """
    begun = place.job(JOB)
    if begun is None or begun["model_id"] == model_id:
        return
    left = place.model_folder(begun["model_id"])
    folders = [left.with_name(f".training-{left.name}")]
    if not logged(place, left.name):
        folders.append(left)
    for folder in folders:
        if folder.exists():
            shutil.rmtree(folder)
    # Crash here: less is left of it; the next run comes here again.


def train_corpus(
    place: Place,
    plan: Plan,
    number: int,
    corpus_id: str,
    folder: Path,
    progress: Progress,
    workers: Workers,
) -> dict[Shard, TrainedShard]:
    """Train every shard of a plan on a corpus that was checked whole.

    Raises:
        CorpusError: a part was changed after it was checked: what was read is not what
            the corpus holds.
    """
    corpus = place.corpus_folder(corpus_id)
    tasks = {bucket: corpus / part_path(bucket) for bucket in buckets_of(plan)}
    shards = train_shards(
        plan,
        plan_key(place, number),
        tasks,
        folder,
        workers,
        lambda done, total: progress("slices trained", done, total),
        place.config.base_folder,
    )
    listed = {part.path: part.sha256 for part in read_manifest(corpus).parts}
    for bucket, each in shards.items():
        if each.content_read != listed[part_path(bucket)]:
            raise CorpusError(
                f"`{part_path(bucket)}` of `{corpus_id}` was changed while it was "
                "trained on; no model was made",
                hint="restore the corpus from a backup, then train again",
            )
    return shards


def name_of(plan: Plan, corpus_id: str) -> str:
    """Name a model by all that decides its weights: the plan and the corpus."""
    return f"model-{digest({'plan': plan.digest, 'corpus': corpus_id})[:16]}"


def write_summary(
    folder: Path, plan: Plan, shards: Mapping[Shard, TrainedShard]
) -> None:
    """Write `model.json`: what each shard became and read."""
    value = {
        "v": 1,
        "plan": plan.digest,
        "shards": [
            {
                "group": group,
                "shard": shard,
                "digest": each.digest,
                "content_read": each.content_read,
                "served": each.served,
            }
            for (group, shard), each in sorted(shards.items())
        ],
    }
    write_whole(folder / "model.json", canonical(value))


def read_summary(folder: Path) -> dict[Shard, TrainedShard]:
    """Read `model.json` back.

    Raises:
        TrainError: it is missing or is not a model's.
    """
    try:
        value = json.loads((folder / "model.json").read_bytes())
        return {
            (each["group"], each["shard"]): TrainedShard(
                each["digest"], each["content_read"], each["served"]
            )
            for each in value["shards"]
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainError(
            f"`{folder.name}` has no readable `model.json`",
            hint="restore the model's folder from a backup, or train again",
        ) from error


def checked_summary(
    place: Place, model: Mapping[str, Any]
) -> dict[Shard, TrainedShard]:
    """Read `model.json` back, and compare with what the ledger says of the model.

    Raises:
        TrainError: it is another model's, as after a wrong restore.
    """
    shards = read_summary(place.model_folder(model["model_id"]))
    for name, found in _digests(shards).items():
        if found != model[name]:
            raise TrainError(
                f"`{name}` of `{model['model_id']}` is {found}, but the ledger says "
                f"{model[name]}",
                hint="restore the model's folder from a backup of this very model",
            )
    return shards


def _digests(shards: Mapping[Shard, TrainedShard]) -> dict[str, str]:
    """Name all weights, and all bytes that were read, by one digest each."""
    ordered = sorted(shards.items())
    return {
        "weights": digest([[*shard, each.digest] for shard, each in ordered]),
        "content_read": digest(
            [[*shard, each.content_read] for shard, each in ordered]
        ),
    }


def log_model(
    place: Place,
    kind: EventKind,
    model_id: str,
    plan: Plan,
    corpus_id: str,
    extra: dict[str, Any] | None = None,
) -> Trained:
    """Log a model, once."""
    shards = read_summary(place.model_folder(model_id))
    event = logged(place, model_id) or place.book.publish(
        kind,
        place.clock(),
        {
            "model_id": model_id,
            "plan": plan.digest,
            "corpora": [corpus_id],
            "parents": [{"external": plan.base.digest}] if plan.base else [],
            **_digests(shards),
            **(extra or {}),
        },
    )
    parameters = size_of(plan, place.config.base_folder)
    promise = promised(place, plan)
    return Trained(model_id, plan, shards, parameters, event.number, promise)


def logged(place: Place, model_id: str) -> Any:
    """Find a model's entry in the ledger, if it has one."""
    for event in place.events_of(*MODELS):
        if event.body["model_id"] == model_id:
            return event
    return None


def ask(place: Place, prompt: str, size: int, seed: int, temperature: float) -> Answer:
    """Generate text from what may be served at this instant.

    Raises:
        UsageError: no model is trained, or what is asked cannot be answered.
        TrainError: a checkpoint is missing or damaged.
    """
    check_question(prompt, size, seed, temperature)
    model, plan, now = served_now(place)
    served = mixture(place, model, plan, now)
    text = served.generate_text(prompt, size, seed, temperature)
    return Answer(
        text,
        now.serving,
        tuple(sorted(now.quarantined)),
        now.suspended,
        served.clean_base,
    )


def check_question(prompt: str, size: int, seed: int, temperature: float) -> None:
    """Refuse what cannot be answered. Raises: UsageError."""
    try:
        prompt.encode()
    except UnicodeEncodeError as error:
        raise UsageError("the prompt is not UTF-8, wanted text") from error
    if size < 0:
        raise UsageError(f"{size} tokens cannot be generated, wanted 0 or more")
    if not 0 <= seed < 2**63:
        raise UsageError(f"seed {seed} is out of range, wanted 0 to 2**63 - 1")
    if not (math.isfinite(temperature) and temperature >= 0):
        raise UsageError(f"temperature is {temperature}, wanted a number from 0 on")


def served_now(place: Place) -> tuple[dict[str, Any], Plan, Standing]:
    """Read the served model and decide what of it may speak at this instant.

    Raises:
        UsageError: no model is trained.
        DeniedError: its base may not be used.
    """
    return model_now(place, place.served_model())


def model_now(
    place: Place, model: dict[str, Any]
) -> tuple[dict[str, Any], Plan, Standing]:
    """Decide what of a model may speak at this instant; see `served_now`."""
    plan, _ = sealed_plans(place)[model["plan"]]
    check_base(place, plan)
    now = standing(place, plan, model["corpora"][0], place.clock(), place.book.size)
    return model, plan, now


def mixture(place: Place, model: dict[str, Any], plan: Plan, now: Standing) -> Served:
    """Load the components that may speak, each one the one that was logged.

    Raises:
        TrainError: a checkpoint is damaged, or is not this model's.
    """
    check_served(place, model, plan, now.serving)
    folder = place.model_folder(model["model_id"])
    return Served(plan, folder, now.serving, place.config.base_folder)


def check_served(
    place: Place, model: dict[str, Any], plan: Plan, serving: Mapping[str, list[int]]
) -> dict[Shard, TrainedShard]:
    """Make sure that the shards of some groups are those that were logged.

    Raises:
        TrainError: one is not this model's.
    """
    shards = checked_summary(place, model)
    folder = place.model_folder(model["model_id"])
    for group, numbers in serving.items():
        for shard in numbers:
            own = shard_folder(folder, group, shard)
            found = checkpoint.describe(own, plan.slices)
            if found is not None and found.digest != shards[group, shard].digest:
                raise TrainError(
                    f"shard {shard} of group `{group}` has the weights "
                    f"{found.digest}, but `{model['model_id']}` was logged with "
                    f"{shards[group, shard].digest}",
                    hint="restore the model's folder from a backup of this very model",
                )
    return shards


def bits_per_byte(place: Place, texts: list[bytes], base: bool = False) -> float:
    """Measure the served mixture, or the clean base alone, on clean text.

    Returns:
        Bits a byte; lower is better, 8 is a uniform guess.
    """
    model, plan, now = served_now(place)
    nobody = Standing(()) if base else now
    found = mixture(place, model, plan, nobody).bits_per_byte(texts)
    if not math.isfinite(found):
        raise TrainError("the mixture gives no finite score on the text")
    return found


def counts(found: Mapping[str, int]) -> str:
    """Write counts by reason in one line."""
    return ", ".join(f"{number} {reason}" for reason, number in found.items())
