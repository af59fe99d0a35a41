"""Repair: replay a shard without some people, bit by bit what it would have been.

Everything before the first touched slice was computed without them, so it is kept;
everything after is computed again from the documents that remain. The oracle computes
all of it again, from the plan's start. That both end with one digest is the claim.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from assent.errors import ForgetError, TrainError
from assent.forget.reach import Reach
from assent.train import checkpoint
from assent.train.host import check_host
from assent.train.initial import tokens_of
from assent.train.loop import train_shard
from assent.train.parallel import (
    HERE,
    Progress,
    Shard,
    Trained,
    Workers,
    train_alone,
    train_shards,
)
from assent.train.plan import Plan, shard_folder
from assent.train.rows import (
    Example,
    arrange,
    content_chain,
    is_trained,
    read_part,
)


def replay(
    plan: Plan,
    key: bytes,
    reach: Reach,
    part_path: Path,
    old_folder: Path,
    new_folder: Path,
    base: Path | None = None,
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
        base: folder of the plan's base; None where it has none.

    Returns:
        The digest of the repaired state.

    Raises:
        TrainError: a checkpoint that is kept is damaged or has read a document that is
            not in the part any more, so the reach is too late; or the host differs.
        ForgetError: the two folders are one.
    """
    check_host(plan, base)
    examples, _ = read_part(part_path)
    kept = keep_until(plan, key, reach, examples, old_folder, new_folder, base)
    start = reach.slice_index if kept else None
    own = shard_folder(new_folder, reach.group, reach.shard)
    place = reach.group, reach.shard
    return train_shard(plan, key, *place, examples, own, start, base=base)


def replay_shards(
    plan: Plan,
    key: bytes,
    reaches: Sequence[Reach],
    parts: Mapping[Shard, Path],
    old_folder: Path,
    new_folder: Path,
    workers: Workers = HERE,
    progress: Progress | None = None,
    base: Path | None = None,
) -> dict[Shard, Trained]:
    """Replay several shards at once; each goes on from its latest clean checkpoint.

    Raises:
        ForgetError: a reached shard has no part, or the two folders are one.
        TrainError: see `replay`; or a worker read another part than the one at hand.
    """
    missing = [one for one in reaches if (one.group, one.shard) not in parts]
    if missing:
        raise ForgetError(
            f"{len(missing)} reached shards have no corpus part",
            hint="build the corpus without the forget set first",
        )
    at_hand = {}
    for one in reaches:
        shard = one.group, one.shard
        examples, at_hand[shard] = read_part(parts[shard])
        keep_until(plan, key, one, examples, old_folder, new_folder, base)
    tasks = {shard: parts[shard] for shard in at_hand}
    done = train_shards(plan, key, tasks, new_folder, workers, progress, base)
    for shard, each in done.items():
        if each.content_read != at_hand[shard]:
            raise TrainError(
                f"the part of shard {shard[1]} of group `{shard[0]}` was changed while "
                "it was replayed",
                hint="run again: it is replayed from the part that is there now",
            )
    return done


def keep_until(
    plan: Plan,
    key: bytes,
    reach: Reach,
    examples: Iterable[Example],
    old_folder: Path,
    new_folder: Path,
    base: Path | None = None,
) -> tuple[str, ...]:
    """Take over the checkpoints up to the reached slice, each one hashed.

    Nothing is taken over before the last of them is known to have read only documents
    that remain: a late reach must not carry anybody into the repaired model.

    Returns:
        Their digests, from slice 0 on; none for a shard without documents.

    Raises:
        TrainError: one does not exist, is damaged, or has read other documents.
        ForgetError: the two folders are one.
    """
    source, target = _two_folders(reach.group, reach.shard, old_folder, new_folder)
    tokens = tokens_of(plan, base)
    schedule = arrange(plan, key, reach.group, reach.shard, examples, tokens)
    if not is_trained(plan, schedule):
        return ()
    chain = content_chain(plan, key, reach.group, reach.shard, schedule)
    for index in range(reach.slice_index + 1):
        found = checkpoint.load(source, index)[0]
        if (found.plan, found.content) != (plan.digest, chain[index]):
            raise TrainError(
                f"the checkpoint before slice {index} in `{source.name}` is of another "
                "plan, or has read other documents than those that remain",
                hint="replay from an earlier slice: the first that any change touches",
            )
    return tuple(
        checkpoint.copy(source, target, index).digest
        for index in range(reach.slice_index + 1)
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
    plan: Plan,
    key: bytes,
    group: str,
    shard: int,
    part_path: Path,
    folder: Path,
    base: Path | None = None,
    workers: Workers = HERE,
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
        base: folder of the plan's base; None where it has none.
        workers: where it is trained.

    Returns:
        The digest of the state after the last slice.

    Raises:
        ForgetError: the folder holds an earlier run, so it would prove nothing.
        TrainError: this host cannot reproduce the plan, or the part cannot be trained.
    """
    if checkpoint.kept(shard_folder(folder, group, shard)):
        raise ForgetError(
            f"`{folder.name}` holds an earlier run, so the oracle would prove nothing",
            hint="give the oracle an empty folder",
        )
    alone = train_alone(plan, key, group, shard, part_path, folder, base, workers)
    return alone.digest


def superseded(folders: Iterable[Path], from_slice: int) -> tuple[str, ...]:
    """List the digests of one shard's checkpoints that `destroy` would delete."""
    found = (checkpoint.describe(*place) for place in _doomed(folders, from_slice))
    return tuple(sorted({one.digest for one in found if one is not None}))


def destroy(folders: Sequence[Path], from_slice: int) -> tuple[str, ...]:
    """Delete the checkpoints of one shard that hold the people who left.

    Repairs share the files of checkpoints that they keep. So all folders that ever
    held this shard are named together, and if a file to delete has a name outside
    them, nothing is deleted. Backups are not reached: they need their own key.

    Args:
        folders: the shard's folder in each superseded model.
        from_slice: the first checkpoint to delete: one past the reached slice, since
            the checkpoint BEFORE that slice was computed without them.

    Returns:
        The digests of the states deleted, as `superseded` listed them.

    Raises:
        ForgetError: a checkpoint would live on under another name.
    """
    doomed = _doomed(folders, from_slice)
    unnamed: dict[tuple[int, int], int] = {}  # names of each file not yet doomed
    for place in doomed:
        file = checkpoint.tensor_file(*place)
        if file is not None:
            unnamed[file.identity] = unnamed.get(file.identity, file.names) - 1
    left = sum(count > 0 for count in unnamed.values())
    if left:
        raise ForgetError(
            f"{left} checkpoints to destroy would live on under another name",
            hint="name every folder that ever held this shard, older models too",
        )
    digests = superseded(folders, from_slice)
    for place in reversed(doomed):
        checkpoint.remove(*place)
        # Crash here: the rest is still listed; run it again. Who must name the digests
        # in a certificate records `superseded` before this starts.
    return digests


def _doomed(folders: Iterable[Path], from_slice: int) -> list[tuple[Path, int]]:
    return [
        (folder, index)
        for folder in folders
        for index in checkpoint.kept(folder)
        if index >= from_slice
    ]
