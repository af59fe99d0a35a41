"""Gather what the story did into the report page."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from assent import Project
from assent.corpus.tables import part_path
from assent.files import write_whole
from assent.merkle.sentences import limits_of
from assent.project.building import Built, buckets_of, sealed_plans
from assent.project.repaired import Repaired
from assent.project.training import Trained, bits_per_byte
from assent.report.case import Case
from assent.report.figures import (
    CorpusFigures,
    DecisionRow,
    Forgotten,
    GroupFigures,
    LedgerFigures,
    Limit,
    Part,
    Proof,
    ReportData,
    Suspended,
    TrainingFigures,
)
from assent.report.page import render
from assent.report.replay import Snapshot
from assent.sources.simulated import simulated
from assent.terms import Reason, iso
from assent.verify import Verdict

CLEAN_MEMBERS = 24
"""People of another simulated platform, whose words no model here has seen."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Bits a byte on clean text that nobody in the corpus wrote."""

    base: float
    mixture: float
    text: str
    groups: tuple[GroupFigures, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What each chapter found."""

    case: Case
    dump: bool
    seed: int
    snapshots: tuple[Snapshot, ...]
    decided: list[list[str | int]]
    built: Built
    trained: Trained
    measured: Measured
    forgotten: Repaired
    suspended: Suspended
    proofs: dict[str, Verdict]
    seconds: dict[str, float]


def measure(project: Project, built: Built, seed: int, dump: bool) -> Measured:
    """Score the clean base and the served mixture on clean text; weigh each group.

    For the simulated platform: documents of another one, from the next seed. For a
    dump: the notices, the only text at hand that none of its people wrote.
    """
    if dump:
        names = sorted((project.place.folder / "objects").iterdir())
        texts = [path.read_bytes() for path in names]
        texts = [text for text in texts if text.startswith(b"#")]
        what = "the case's notices"
    else:
        documents, _ = simulated(seed + 1, CLEAN_MEMBERS)
        texts = [
            text.encode()
            for batch in documents
            for text in batch.column("text").to_pylist()
        ]
        what = f"{len(texts)} documents of another simulated platform"
    base = bits_per_byte(project.place, texts, base=True)
    mixture = bits_per_byte(project.place, texts)
    return Measured(base, mixture, what, _groups(project, built))


def _groups(project: Project, built: Built) -> tuple[GroupFigures, ...]:
    """Count documents and bytes of text of each group, while the texts are there."""
    plan, _ = sealed_plans(project.place)[built.manifest.request.plan]
    texts: dict[str, list[str]] = {group.name: [] for group in plan.groups}
    for bucket in buckets_of(plan):
        part = pq.read_table(built.folder / part_path(bucket), columns=["text"])
        texts[bucket[0]] += part["text"].to_pylist()
    return tuple(
        GroupFigures(
            group.name,
            group.shards,
            len(texts[group.name]),
            sum(len(text.encode()) for text in texts[group.name]),
        )
        for group in plan.groups
    )


def write_page(out: Path, project: Project, told: Told) -> None:
    """Write `report.html`, whole."""
    data = ReportData(
        title=f"{told.case.title}: as it was done, and with Assent",
        labels=("Stack Exchange dump", "simulated ages")
        if told.dump
        else ("simulated platform",),
        choices_simulated=True,
        seed=told.seed,
        as_of=iso(told.built.manifest.request.as_of),
        replay=told.snapshots,
        decisions=tuple(
            DecisionRow(Reason(str(reason)), str(rule), int(documents), int(people))
            for reason, rule, documents, people in told.decided
        ),
        corpus=_corpus(told.built),
        training=_training(told),
        forgetting=_forgetting(told.forgotten),
        suspensions=(told.suspended,),
        proofs=tuple(
            Proof(
                name,
                str(verdict.verdict),
                len(verdict.steps),
                (out / "proofs" / name).stat().st_size,
            )
            for name, verdict in told.proofs.items()
        ),
        ledger=LedgerFigures(
            project.place.config.origin,
            project.place.book.size,
            project.place.book.head().root.hex(),
        ),
        limits=_limits(told),
    )
    write_whole(out / "report.html", render(data).encode())


def _corpus(built: Built) -> CorpusFigures:
    counts = built.manifest.counts
    return CorpusFigures(
        corpus_id=built.manifest.corpus_id,
        documents=counts.documents_used,
        characters=counts.characters_before,
        characters_removed=counts.characters_before - counts.characters_kept,
        redactions=counts.redacted_by_kind,
        dropped=counts.dropped_by_reason,
    )


def _training(told: Told) -> TrainingFigures:
    return TrainingFigures(
        model_id=told.trained.model_id,
        plan=told.trained.plan.digest,
        groups=told.measured.groups,
        slices=told.trained.plan.slices,
        parameters=told.trained.parameters,
        seconds=told.seconds["Train"],
        bits_per_byte=told.measured.mixture,
    )


def _forgetting(repaired: Repaired) -> tuple[Forgotten, ...]:
    certificate = repaired.certificate
    if certificate is None:
        return ()
    everything = certificate.slices_replayed
    return tuple(
        Forgotten(
            who=certificate.subjects[0][:12]
            if repaired.subjects == 1
            else f"one of {repaired.subjects}",
            shard=f"{one.group}/{one.shard}",
            slice_index=one.slice_index,
            share=certificate.replayed_share
            * (certificate.slices - one.slice_index)
            / everything,
            before=one.before,
            after=one.after,
            oracle=one.oracle,
        )
        for one in certificate.shards
    )


def _limits(told: Told) -> tuple[Limit, ...]:
    measured = told.measured
    return (
        Limit(
            "Quality is that of a toy: a small model on little text. On "
            f"{measured.text} the clean base needs {measured.base:.2f} bits a byte, "
            f"the trained mixture {measured.mixture:.2f}; a uniform guess needs 8.",
            Part.TRAINING,
        ),
        Limit(
            "What redaction missed is not measured here: e-mails, URLs, phones, "
            "handles and names of the directory are removed, everything else stays.",
            Part.CORPUS,
        ),
        Limit(
            "Keys and secrets come from the seed, so in this demo they protect nobody.",
            Part.LEDGER,
        ),
        *(Limit(text, Part.PROOFS) for text in limits_of(True, False, 0)),
    )
