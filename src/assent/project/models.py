"""Models of a project: trained, asked, exported, gated and repaired."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assent.project import standing
from assent.project.place import Place, Progress

if TYPE_CHECKING:
    from assent.project.auditing_models import ModelAudit, Options
    from assent.project.exporting import Exported
    from assent.project.gating import Gate
    from assent.project.repaired import Repaired
    from assent.project.training import Answer, Trained
    from assent.train.calibrate import Calibrated


class Models:
    """The part of `Project` that makes models, lets them speak and repairs them."""

    place: Place

    def calibrate(
        self,
        files: Sequence[Path],
        allowed: float = 0.03,
        progress: Progress = lambda *_: None,
    ) -> "Calibrated":
        """Measure on text that nobody can withdraw how much of it a shard needs.

        Args:
            files: UTF-8 text.
            allowed: loss, as a fraction of the bits a byte of one shard, > 0.
            progress: told of each shard.

        Raises:
            TrainError: a declaration is out of its range, the base cannot be read, or
                the files are no text or too little.
        """
        from assent.project.calibrating import calibrate_project

        return calibrate_project(self.place, files, allowed, progress)

    def train(self, progress: Progress = lambda *_: None, *, on: str = "") -> "Trained":
        """Train the sealed plan on the latest corpus.

        Args:
            progress: told what is done.
            on: a Ray cluster, `ray://HOST:PORT`, whose nodes share the project's
                folder; processes of this host by default.

        Raises:
            UsageError: Ray is not installed, or no cluster answers there.
            DeniedError: a document of the corpus is no longer permitted.
        """
        from assent.project.training import train
        from assent.project.workers import workers_on

        with workers_on(self.place, on) as workers:
            return train(self.place, progress, workers)

    def ask(
        self, prompt: str, size: int = 200, seed: int = 1, temperature: float = 0.8
    ) -> "Answer":
        """Generate text from the served mixture, without what may not speak now."""
        from assent.project.training import ask

        return ask(self.place, prompt, size, seed, temperature)

    def export(self, group: str) -> "Exported":
        """Merge a group of the served model into one that `transformers` loads.

        Raises:
            UsageError: no model is trained, or it has no such group.
            DeniedError: a shard of the group is in quarantine, or it is suspended.
        """
        from assent.project.exporting import export

        return export(self.place, group)

    def gate(
        self,
        model_id: str | None = None,
        *,
        as_of: str | int | None = None,
        days: int = 30,
    ) -> "Gate":
        """Decide again all that a model was trained on: is anybody's deadline past?

        Args:
            model_id: any model of the ledger; the served one by default.
            as_of: ISO 8601 or microseconds UTC; now by default.
            days: until what is not permitted must be out.

        Raises:
            UsageError: there is no such model, or the days are below 0.
        """
        from assent.project.gating import gate

        at = None if as_of is None else standing.moment(as_of, self.place.clock())
        return gate(self.place, model_id, at, days)

    def forget(
        self,
        oracle: bool = False,
        progress: Progress = lambda *_: None,
        *,
        audit: float = 0.0,
        on: str = "",
    ) -> "Repaired":
        """Repair the served model for everything that is no longer permitted.

        Args:
            oracle: also train what is repaired as if they had never existed, and
                compare.
            progress: told what is done.
            audit: the probability that an oracle is run when none is asked for.
            on: as for `train`: where shards are replayed, and the oracle is run.
        """
        from assent.project.forgetting import forget
        from assent.project.workers import workers_on

        with workers_on(self.place, on) as workers:
            return forget(self.place, oracle, progress, workers, audit)

    def audit_model(
        self,
        model_id: str | None,
        out: Path,
        options: "Options",
        progress: Progress = lambda *_: None,
    ) -> "ModelAudit":
        """Measure what a model's shards tell of the people they were trained on.

        Args:
            model_id: any model whose texts are there; the served one for None.
            out: folder of the files.
            options: what is done.
            progress: told what is done.
        """
        from assent.project.auditing_models import audit_model

        return audit_model(self.place, model_id, out, options, progress)

    def is_due(self, within: int, days: int = 30) -> "tuple[bool, Gate]":
        """Say whether a repair is due, so that many share one.

        Args:
            within: it is due so many days before the first deadline.
            days: of that deadline.

        Returns:
            (whether it is due, or is unfinished; how the served model stands)
        """
        from assent.project.gating import gate

        found = gate(self.place, days=days)
        unfinished = self.place.job("forget") is not None
        return unfinished or found.is_due(within), found
