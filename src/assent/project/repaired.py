"""What a repair did, for people and for programs."""

from dataclasses import dataclass

from assent.forget.certificate import Certificate
from assent.project.refuted import evidence

MODELS_FOLDER = "models"


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair did, or that there was nothing to do.

    Args:
        model_id: the repaired model, or the served one when there was nothing to do.
        documents: how many were taken out.
        subjects: of how many people.
        certificate: None when there was nothing to do.
        entry: its number in the ledger; None for a model that its oracle refuted.
        expected: share of training that so many people replay on average.
        denied_since: documents of the repaired model that are not permitted any more.
        renamed: texts of others out of which names were taken.
        unnamed: of how many people.
        authors: whose texts went or changed.
        exports: what became of the merged models of the model before.
        also: repairs of models of ours that its base comes from.
        dead: it was not repaired, for its base was replaced and it never speaks again.
        notes: what of its descendants is not repaired, and what to do about it.
    """

    model_id: str
    documents: int
    subjects: int
    certificate: Certificate | None = None
    entry: int | None = None
    expected: float = 0.0
    denied_since: int = 0
    renamed: int = 0
    unnamed: int = 0
    authors: int = 0
    exports: tuple[str, ...] = ()
    also: tuple["Repaired", ...] = ()
    dead: bool = False
    notes: tuple[str, ...] = ()

    @property
    def bit_identical(self) -> bool | None:
        """Whether repair and oracle agree; None: no oracle was run."""
        return self.certificate.bit_identical if self.certificate else None

    @property
    def refuted(self) -> bool:
        """Whether an oracle refuted a repair, of this model or of one behind it."""
        return self.bit_identical is False or any(each.refuted for each in self.also)

    def lines(self) -> list[str]:
        """Say it in lines for a terminal."""
        others = [line for each in self.also for line in each.lines()]
        return [*self._own_lines(), *others, *self.notes]

    def _own_lines(self) -> list[str]:
        if self.dead:
            return []
        if self.certificate is None:
            return [
                f"model {self.model_id}: everything in it is permitted; nothing to do"
            ]
        lines = [
            f"forget set: {self.documents:,} documents of {self.subjects:,} people"
        ]
        if self.renamed:
            lines.append(
                f"names of {self.unnamed:,} taken out of {self.renamed:,} texts of "
                "others, which stay"
            )
        for each in self.certificate.shards:
            lines += [
                f"shard {each.group}/{each.shard}, replayed from slice "
                f"{each.slice_index}:",
                f"  before    {each.before}",
                f"  repaired  {each.after}",
                f"  oracle    {each.oracle or self._no_oracle}",
            ]
        people = "person" if self.authors == 1 else "people"
        lines.append(
            f"replayed: {self.certificate.replayed_share:.1%} of training "
            f"(expected {self.expected:.1%} for {self.authors:,} {people})"
        )
        return lines + self._ending()

    @property
    def _no_oracle(self) -> str:
        private = self.certificate is not None and self.certificate.privacy
        return "none: the noise is fresh, so no hash can be" if private else "not run"

    def _ending(self) -> list[str]:
        lines = []
        if self.certificate is not None and self.certificate.privacy is not None:
            lines += [
                "differentially private: replayed with fresh noise; no hash proof",
                str(self.certificate.privacy),
            ]
        if self.bit_identical is not None:
            lines.append(f"bit-identical: {'yes' if self.bit_identical else 'no'}")
        if self.bit_identical is False:
            lines += [
                f"model {self.model_id} is not published; its certificate is kept: "
                f"{MODELS_FOLDER}/{evidence(self.model_id)}",
                "its shards stay in quarantine; `assent forget` computes them anew",
            ]
        if self.entry is not None:
            lines.append(f"model {self.model_id}, logged as ledger entry {self.entry}")
        lines += self.exports
        if self.denied_since:
            lines.append(
                f"{self.denied_since:,} documents were withdrawn since: "
                "run `assent forget` again"
            )
        return lines
