"""Measure on clean text how much of it a shard of this project's plans needs."""

from collections.abc import Sequence
from pathlib import Path

from assent.project.building import plan_of
from assent.project.place import Place, Progress
from assent.train.calibrate import GROUP, KEY, Calibrated, calibrate


def calibrate_project(
    place: Place, files: Sequence[Path], allowed: float, progress: Progress
) -> Calibrated:
    """Calibrate by what `[train]` and `[base]` declare; nothing is written.

    Args:
        place: the project.
        files: UTF-8 text that nobody can withdraw.
        allowed: loss, as a fraction of the bits a byte of one shard, > 0.
        progress: told of each shard.

    Raises:
        TrainError: a declaration is out of its range, the base cannot be read, or the
            files are no text or too little.
    """
    plan = plan_of(place, {GROUP: ()}, KEY)
    return calibrate(plan, files, allowed, place.config.base_folder, progress)
