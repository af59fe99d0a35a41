"""Repair: replay a shard without some people, bit by bit what it would have been.

Everything before the first touched slice was computed without them, so it is kept;
everything after is computed again from the documents that remain. The oracle computes
all of it again, from the plan's start. That both end with one digest is the claim.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from assent.errors import ForgetError
from assent.forget.reach import Reach
from assent.train import checkpoint
from assent.train.host import check_host
from assent.train.loop import train_shard
from assent.train.parallel import (
    Progress,
    Shard,
    Trained,
    train_alone,
    train_shards,
)
from assent.train.plan import Plan, shard_folder
from assent.train.rows import read_part


def replay(
    plan: Plan,
    key: bytes,
    reach: Reach,
    part_path: Path,
    old_folder: Path,
    new_folder: Path,
) -> str:
    """Replay one shard, from before the reached slice, with the documents that remain.

    A shard that lost all its documents goes back to the clean base and is not served.

    Args:
        plan: of the old model; a repair has no plan of its own.
        key: the plan's secret.
        reach: which shard, and from which slice.
        part_path: the shard's Parquet part after the withdrawal.
        old_folder: the old model's; it is read, never written.
        new_folder: the repaired model's.

    Returns:
        The digest of the repaired state.

    Raises:
        TrainError: a checkpoint that is kept is damaged or has read a document that is
            not in the part any more, so the reach is too late; or the host differs.
        ForgetError: the two folders are one.
    """
    check_host(plan)
    examples, _ = read_part(part_path)
    keep_until(reach, old_folder, new_folder)
    start = reach.slice_index if any(example.text for example in examples) else None
    own = shard_folder(new_folder, reach.group, reach.shard)
    return train_shard(plan, key, reach.group, reach.shard, examples, own, start)


def replay_shards(
    plan: Plan,
    key: bytes,
    reaches: Sequence[Reach],
    parts: Mapping[Shard, Path],
    old_folder: Path,
    new_folder: Path,
    workers: int = 2,
    progress: Progress | None = None,
) -> dict[Shard, Trained]:
    """Replay several shards at once; each goes on from its latest clean checkpoint.

    Raises:
        ForgetError: a reached shard has no part, or the two folders are one.
        TrainError: see `replay`.
    """
    missing = [one for one in reaches if (one.group, one.shard) not in parts]
    if missing:
        raise ForgetError(
            f"{len(missing)} reached shards have no corpus part",
            hint="build the corpus without the forget set first",
        )
    for one in reaches:
        keep_until(one, old_folder, new_folder)
    tasks = {(one.group, one.shard): parts[one.group, one.shard] for one in reaches}
    return train_shards(plan, key, tasks, new_folder, workers, progress)


def keep_until(reach: Reach, old_folder: Path, new_folder: Path) -> tuple[str, ...]:
    """Take over the checkpoints up to the reached slice, each one hashed.

    Returns:
        Their digests, from slice 0 on.

    Raises:
        TrainError: one does not exist or is damaged.
        ForgetError: the two folders are one.
    """
    source, target = _two_folders(reach.group, reach.shard, old_folder, new_folder)
    # A shard that never had documents has the clean base alone: that is its all.
    last = min(reach.slice_index, max(checkpoint.kept(source), default=0))
    return tuple(
        checkpoint.copy(source, target, index).digest for index in range(last + 1)
    )


def carry_over(group: str, shard: int, old_folder: Path, new_folder: Path) -> str:
    """Give an untouched shard's checkpoints to the repaired model, each one hashed.

    Returns:
        The digest of its last state: the same as before.

    Raises:
        TrainError: a checkpoint does not exist or is damaged.
        ForgetError: the two folders are one.
    """
    source, target = _two_folders(group, shard, old_folder, new_folder)
    last = max(checkpoint.kept(source), default=0)
    digests = [
        checkpoint.copy(source, target, index).digest for index in range(last + 1)
    ]
    return digests[-1]


def _two_folders(group: str, shard: int, old: Path, new: Path) -> tuple[Path, Path]:
    if old.resolve() == new.resolve():
        raise ForgetError(
            f"the repaired model cannot have the old one's folder, `{old.name}`",
            hint="give the repaired model a folder of its own",
        )
    return shard_folder(old, group, shard), shard_folder(new, group, shard)


def train_as_if_never(
    plan: Plan, key: bytes, group: str, shard: int, part_path: Path, folder: Path
) -> str:
    """Run the oracle: train the shard from the plan's start, in a fresh process.

    It is given the documents that remain and nothing of any earlier run.

    Args:
        plan: of the model.
        key: the plan's secret.
        group: whose shard it is.
        shard: its number.
        part_path: the shard's Parquet part after the withdrawal.
        folder: where nothing has been trained.

    Returns:
        The digest of the state after the last slice.

    Raises:
        ForgetError: the folder holds an earlier run, so it would prove nothing.
        TrainError: this host cannot reproduce the plan, or the part cannot be trained.
    """
    if checkpoint.kept(shard_folder(folder, group, shard)):
        raise ForgetError(
            f"`{folder.name}` holds an earlier run: from there the oracle proves nothing",
            hint="give the oracle an empty folder",
        )
    return train_alone(plan, key, group, shard, part_path, folder).digest


def destroy(folders: Iterable[Path], from_slice: int) -> tuple[str, ...]:
    """Delete the checkpoints of one shard that hold the people who left.

    Repairs share the files of checkpoints that they keep. So all folders that ever
    held this shard are named together, and if a file to delete has a name outside
    them, nothing is deleted. Backups are not reached: they need their own key.

    Args:
        folders: the shard's folder in each superseded model, oldest first.
        from_slice: the first checkpoint to delete: one past the reached slice, since
            the checkpoint BEFORE that slice was computed without them.

    Returns:
        The digests of the states deleted, each once, sorted.

    Raises:
        ForgetError: a checkpoint would live on under another name.
    """
    doomed = [
        (folder, index)
        for folder in folders
        for index in checkpoint.kept(folder)
        if index >= from_slice
    ]
    names: dict[tuple[int, int], int] = {}
    for place in doomed:
        file = checkpoint.file_identity(*place)
        if file is not None:
            names[file.identity] = names.get(file.identity, file.names) - 1
    left = sum(count > 0 for count in names.values())
    if left:
        raise ForgetError(
            f"{left} checkpoints to destroy would live on under another name",
            hint="name every folder that ever held this shard, older models too",
        )
    found = (checkpoint.describe(folder, index) for folder, index in doomed)
    digests = {one.digest for one in found if one is not None}
    for folder, index in reversed(doomed):
        checkpoint.remove(folder, index)
        # Crash here: the rest is still listed by `kept`; run it again. The caller
        # records the digests before it starts, so none of them is lost.
    return tuple(sorted(digests))
