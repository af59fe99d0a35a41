"""Decide, seal the plan, build the corpus, commit to it: in this order, resumably.

What a build depends on is pinned first (instant, ledger size, number of the plan).
Every later step is a function of the pins, so a build that was killed is continued
and ends with the same bytes.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from assent.canon import canonical, digest
from assent.corpus.manifest import BuildRequest, Manifest, read_manifest
from assent.engine.question import Question
from assent.errors import DeniedError, UsageError
from assent.files import SECRET_MODE, file_sha256, write_whole
from assent.policy.model import in_force
from assent.policy.redaction import Redaction, strictest
from assent.policy.regions import UNKNOWN
from assent.project.commitments import commit, is_logged
from assent.project.config import FILE
from assent.project.leaving import LEFT
from assent.project.naming import agreed
from assent.project.objecting import listed, objector_entries
from assent.project.place import MODELS, Place, Progress
from assent.project.writing import (
    directory_key,
    directory_path,
    kept_tags,
    settings_of,
    write_corpus,
)
from assent.redact.directory import COLUMNS, Directory
from assent.redact.hidden import union
from assent.redact.redactor import Redactor
from assent.terms import PROVED, EventKind, Inside, Residence, iso
from assent.train.component import (
    TARGETS,
    Adapter,
    Base,
    Shape,
    digest_of,
    family,
    memory_of,
)
from assent.train.plan import (
    Assignment,
    Group,
    Plan,
    commitment,
    learning_rate_table,
)
from assent.train.privacy import Guarantee, Privacy, guarantee

JOB = "build"


@dataclass(frozen=True, slots=True)
class Built:
    """A corpus that is built and committed to."""

    folder: Path
    manifest: Manifest
    entry: int
    continued: int | None = None
    """The instant that was pinned earlier, in a build that was interrupted."""
    guarantee: Guarantee | None = None
    """What a private plan promises to a person."""

    def lines(self) -> list[str]:
        """Say it in lines for a terminal."""
        counts = self.manifest.counts
        removed = ", ".join(
            f"{n:,} {kind}" for kind, n in sorted(counts.redacted_by_kind.items()) if n
        )
        began = (
            []
            if self.continued is None
            else [f"continued the build of {iso(self.continued)}"]
        )
        promise = [str(self.guarantee)] if self.guarantee else []
        return [
            *began,
            f"plan {self.manifest.request.plan[:16]}, sealed before any text was read",
            *promise,
            f"{self.manifest.corpus_id}: {counts.documents_used:,} documents of "
            f"{counts.subjects_used:,} people, {counts.documents_dropped:,} dropped, "
            "each with its reason",
            f"removed: {removed or 'nothing found'} "
            f"({counts.share_removed:.2%} of the characters)",
            f"committed to as ledger entry {self.entry}",
        ]


def build(place: Place, progress: Progress) -> Built:
    """Build the corpus of everything that is permitted now.

    Raises:
        DeniedError: the policies in force are `unsafe_default_on`.
        UsageError: nothing is loaded, or no policy is in force.
        CorpusError: the loaded tables are not those that were loaded.
        TrainError: `assent.toml` describes no plan.
    """
    place.tables().check_digests()
    begun = place.job(JOB)
    pins = _pins(place, begun)
    question = _question(place, pins)
    place.begin(JOB, pins)
    # Crash from here on: the pins are found and the build goes on with them.
    place.vault.key(f"plan-{pins['plan_number']}")
    directory_key(place)
    # Crash here: keys of nothing, which the next run takes.
    plan = _seal_plan(place, pins, plan_groups(place, question), progress)
    directory = pinned_directory(place)
    request = _request(place, pins, question, plan, directory)
    folder = place.corpus_folder(request.corpus_id)
    if not folder.exists():
        write_corpus(
            place,
            request,
            question,
            coarse(place, question),
            Redactor(
                directory,
                settings_of(place, request),
                agreed(place, question)
                if request.redaction.names is Inside.KEEP
                else None,
            ),
            Assignment(plan, plan_key(place, pins["plan_number"])).place,
            buckets_of(plan),
            progress,
        )
        # Crash here: the corpus is whole, not committed to; the next run does that.
    manifest, entry = commit(place, folder, plan)
    place.finish(JOB)
    continued = pins["as_of"] if pins is begun else None
    return Built(folder, manifest, entry, continued, promised(place, plan, 1))


def _pins(place: Place, begun: dict[str, Any] | None) -> dict[str, Any]:
    """Take up the pins of a build that was interrupted, or make new ones.

    A build of other tables or of another `assent.toml` cannot be continued to the same
    bytes, and one of a document that is denied by now must not be: its draft goes, and
    its number is not used again once a plan has it.
    """
    tables = place.tables()
    inputs = {
        "documents": tables.documents_sha256,
        "subjects": tables.subjects_sha256,
        "config": file_sha256(place.folder / FILE),
        "objectors": digest(listed(place)),
    }
    now = place.clock()
    if begun is not None:
        same = inputs.items() <= begun.items()
        if same and not _denied_since(place, begun, now):
            return begun
        _drop_drafts(place, begun)
        # Crash here: drafts are gone that nothing waits for; the next run comes here
        # again, since the old pins still stand.
    return {
        "as_of": now,
        "ledger_size": place.book.size,
        "plan_number": sum(1 for _ in place.events_of(EventKind.PLAN_SEALED)) + 1,
        **inputs,
    }


def _denied_since(place: Place, begun: dict[str, Any], now: int) -> bool:
    """Ask whether something that was allowed at the pinned instant is denied now."""
    then = _allowed(place, begun["as_of"], begun["ledger_size"])
    return not then <= _allowed(place, now, place.book.size)


def _allowed(place: Place, as_of: int, size: int) -> set[tuple[str, str]]:
    """Decide what may be used: documents, and the names of whom."""
    question = place.question(as_of, size)
    engine = place.engine(size)
    try:
        decided = engine.decide(question)
    finally:
        engine.close()
    ids, reasons = (decided[name].to_pylist() for name in ("document_id", "reason"))
    pairs = zip(ids, reasons, strict=True)
    found = {("document", each) for each, why in pairs if why in PROVED}
    if redaction_in_force(place, question).names is Inside.KEEP:
        found |= {("name", who) for who in agreed(place, question)}
    return found


def _drop_drafts(place: Place, begun: dict[str, Any]) -> None:
    """Remove what an abandoned build wrote, also a whole corpus that no entry names."""
    corpora = place.folder / "corpora"
    for draft in corpora.glob(".building-*"):
        shutil.rmtree(draft)
    for folder in corpora.glob("[!.]*"):
        if is_logged(place, folder.name):
            continue
        request = read_manifest(folder).request
        pinned = (request.as_of, request.ledger_size)
        # A corpus derived from another belongs to a repair, which goes on with it.
        if not request.derived_from and pinned == (
            begun["as_of"],
            begun["ledger_size"],
        ):
            _remove_whole(folder)


def _remove_whole(folder: Path) -> None:
    """Take a named corpus back to a draft, then remove it: never whole in part."""
    draft = folder.with_name(f".building-{folder.name}")
    folder.rename(draft)
    # Crash here: a draft of an abandoned build, which the next run removes.
    shutil.rmtree(draft)


def _question(place: Place, pins: dict[str, Any]) -> Question:
    """Compile the question, and refuse what could only fail after a write."""
    question = place.question(pins["as_of"], pins["ledger_size"])
    if question.unsafe:
        raise DeniedError("`unsafe_default_on` can be replayed, never built")
    _check_redaction(redaction_in_force(place, question))
    groups = plan_groups(place, question)
    if not question.has_policy or not groups:
        raise UsageError(
            "no policy is in force, so nothing is permitted"
            if not question.has_policy
            else "the policy in force allows nothing, so there is nothing to build",
            hint="publish one: `assent policy publish FILE`",
        )
    from assent.project.descending import check_base  # it reads the sealed plans here

    plan = plan_of(place, groups, bytes(32))  # a key is drawn only for a plan that is
    check_base(place, plan)
    if plan.privacy is not None:
        _check_private(place, question)
        promised(place, plan, 1)  # here, not after training, if it cannot be said
    return question


def _check_private(place: Place, question: Question) -> None:
    """Refuse policies by which one person's word changes what others are read for."""
    keeps = redaction_in_force(place, question).names is Inside.KEEP
    if keeps or question.depends_on_mentions:
        raise UsageError(
            "a private plan cannot promise anything where the policy in force "
            + ("keeps names" if keeps else "asks whom a text mentions")
            + ": one person's word then changes texts of others",
            hint="leave out `[privacy]`, or publish a policy that replaces every name",
        )


def _check_redaction(wanted: Redaction) -> None:
    """Refuse what this installation cannot do, rather than do something else."""
    if wanted.quotes is not Inside.REPLACE:
        raise UsageError(
            "the policy in force wants quoted blocks kept, and nothing says whose "
            "words they are",
            hint='publish a policy with `quotes = "replace"`',
        )


def plan_key(place: Place, number: int) -> bytes:
    """Read the key of a sealed plan: 32 bytes.

    Raises:
        LedgerError: it is gone.
    """
    return place.vault.drawn_key(f"plan-{number}")


def sealed_plans(place: Place) -> dict[str, tuple[Plan, int]]:
    """Read every sealed plan: digest -> (plan, the number of its key)."""
    return {
        event.body["plan"]: (
            Plan.from_json(json.loads(place.kept(event.body["sha256"]))),
            event.body["key"],
        )
        for event in place.events_of(EventKind.PLAN_SEALED)
    }


def promised(place: Place, plan: Plan, coming: int = 0) -> Guarantee | None:
    """Say what a plan promises to a person, over all its models; None: not private.

    Args:
        place: whose ledger counts the models.
        plan: sealed.
        coming: models that are not logged yet, and count too.

    Raises:
        TrainError: `dp-accounting` is not installed.
    """
    if plan.privacy is None:
        return None
    logged = sum(each.body["plan"] == plan.digest for each in place.events_of(*MODELS))
    return guarantee(plan.privacy, plan.epochs, logged + coming)


def plan_groups(place: Place, question: Question) -> dict[str, tuple[str, ...]]:
    """Divide people into the groups of a plan: name -> country codes.

    Where no rule asks for a country, people without one are permitted too, and are a
    group of their own; and where a rule asks only where somebody lived when she wrote,
    so are people who live outside of every rule now. Orders have no say in it: what
    they take out can come back.
    """
    then = [rule.residence is Residence.AT_CREATION for rule in question.rules]
    groups = place.groups(question.as_of, question.ledger_size, outside=any(then))
    anywhere = [UNKNOWN in rule.jurisdictions for rule in question.rules]
    if groups and all(a or b for a, b in zip(anywhere, then, strict=True)):
        groups[UNKNOWN] = (UNKNOWN,)
    return {name: groups[name] for name in sorted(groups)}


def _seal_plan(
    place: Place,
    pins: dict[str, Any],
    groups: dict[str, tuple[str, ...]],
    progress: Progress,
) -> Plan:
    """Write, keep and log the plan. It reads declarations and pins, never a roster."""
    from assent.train.host import seal

    progress("plan sealed", 0, 1)
    key = plan_key(place, pins["plan_number"])
    plan = seal(plan_of(place, groups, key), place.config.base_folder)
    if plan.digest not in sealed_plans(place):
        place.book.publish(
            EventKind.PLAN_SEALED,
            place.clock(),
            {
                "plan": plan.digest,
                "sha256": place.keep(canonical(plan.to_json())),
                "model": plan.model,
                "key": pins["plan_number"],
                "key_commitment": plan.key_commitment,
            },
        )
    progress("plan sealed", 1, 1)
    return plan


def plan_of(place: Place, groups: dict[str, tuple[str, ...]], key: bytes) -> Plan:
    """Draw up a plan from declarations alone: no count of people or texts is asked.

    Raises:
        TrainError: a declaration is out of its range, or the base cannot be read.
    """
    config, train = place.config, place.config.train
    steps = train.slices * train.epochs * train.steps
    return Plan(
        model=config.model,
        purpose=config.purpose,
        recipients=config.recipients,
        groups=tuple(
            Group(name, countries, config.shards(name))
            for name, countries in groups.items()
        ),
        slices=train.slices,
        steps=train.steps,
        epochs=train.epochs,
        rows=train.rows,
        window=train.window,
        learning_rates=learning_rate_table(steps, train.learning_rate),
        weight_decay=0.1,
        betas=(0.9, 0.95),
        clip_norm=1.0,
        seed=train.seed,
        tokens_per_subject=train.tokens_per_subject,
        key_commitment=commitment(key),
        moments=train.moments,
        device=train.device,
        canaries=train.canaries,
        privacy=Privacy(**config.privacy) if config.privacy else None,
        memory=memory_of(**config.memory) if config.memory else None,
        **_start(place),
    )


def _start(place: Place) -> dict[str, Any]:
    """Say what a shard starts from: a shape, or a base and its adapter."""
    sizes, base = place.config.train.sizes, place.config.base
    if base is None:
        return {"shape": Shape(*sizes) if sizes else None}
    adapter = None
    if base.rank is not None:
        targets = base.targets or TARGETS[family(base.folder)]
        adapter = Adapter(base.rank, float(base.alpha or 0), targets)
    pinned = Base(digest_of(base.folder), base.provenance)
    return {"shape": None, "base": pinned, "adapter": adapter}


def pinned_directory(place: Place) -> Directory:
    """Make the directory of the loaded people and pin it: mode 0600, by digest.

    Those who were erased, and objectors who are no members, are in it as keyed tags.
    """
    subjects = pq.read_table(place.tables().subjects, columns=["subject_id", *COLUMNS])
    hidden = union([kept_tags(place, LEFT), objector_entries(place)])
    directory = Directory.from_subjects(subjects, directory_key(place), hidden)
    path = directory_path(place, directory.digest)
    if not path.exists():
        write_whole(path, directory.to_bytes(), SECRET_MODE)
    return directory


def _request(
    place: Place,
    pins: dict[str, Any],
    question: Question,
    plan: Plan,
    directory: Directory,
) -> BuildRequest:
    tables = place.tables()
    return BuildRequest(
        purpose=question.purpose,
        recipients=question.recipients,
        as_of=pins["as_of"],
        ledger_size=pins["ledger_size"],
        policies=policies_in_force(place, pins["as_of"], pins["ledger_size"]),
        documents=tables.documents_sha256,
        subjects=tables.subjects_sha256,
        directory=directory.digest,
        plan=plan.digest,
        simulated="simulated" in (place.config.choices, *tables.source.split()),
        redaction=redaction_in_force(place, question),
    )


def policies_in_force(place: Place, as_of: int, size: int) -> tuple[str, ...]:
    """Name the policies in force by digest."""
    return tuple(p.digest for p in in_force(place.versions(size), as_of))


def redaction_in_force(place: Place, question: Question) -> Redaction:
    """Join what the policies in force want done with personal data in texts."""
    policies = in_force(place.versions(question.ledger_size), question.as_of)
    return strictest(policy.redact for policy in policies)


def coarse(place: Place, question: Question) -> dict[str | None, str]:
    """Map the question's jurisdictions, which orders may divide, to a plan's groups."""
    groups = plan_groups(place, question)
    group_of = {country: name for name, all_of in groups.items() for country in all_of}
    return {
        fine: group_of[country]
        for country, fine in (*question.jurisdictions, (UNKNOWN, UNKNOWN))
        if country in group_of
    }


def buckets_of(plan: Plan) -> Sequence[tuple[str, int]]:
    """List the (group, shard) pairs of a plan."""
    return [
        (group.name, shard) for group in plan.groups for shard in range(group.shards)
    ]
