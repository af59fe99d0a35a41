"""Checkpoints: the state before each slice and after the last, and its digest.

`slice-<k>.safetensors` holds the weights, both AdamW moments and the step counter
before slice k; `slice-<k>.json` is written after it and says what it is. Without its
JSON a checkpoint does not exist. Layout: `docs/formats.md`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from assent.canon import canonical
from assent.errors import TrainError
from assent.files import link_or_copy, sync_folder, write_whole

NAMES_OF_DTYPES = {torch.float32: "F32", torch.int64: "I64"}
State = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint's JSON says about its tensors.

    `step` counts the optimizer steps taken; `content` is the keyed name of all that
    was read so far (`rows.content_chain`); `digest` is `state_digest` of the tensors.
    """

    plan: str
    group: str
    shard: int
    slice_index: int
    step: int
    content: str
    digest: str
    v: int = 1


def state_digest(state: State) -> str:
    """Hash weights, optimizer moments and step: 64 hexadecimal digits.

    For each tensor in order of name: canonical JSON of [name, dtype, shape], a newline,
    then its elements, little-endian, row by row.

    Raises:
        TrainError: a tensor's type is not one that a state holds.
    """
    total = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name]
        if tensor.dtype not in NAMES_OF_DTYPES:
            raise TrainError(f"a state cannot hold a tensor of type `{tensor.dtype}`")
        head = [name, NAMES_OF_DTYPES[tensor.dtype], list(tensor.shape)]
        total.update(canonical(head) + b"\n")
        kind = "<f4" if tensor.dtype is torch.float32 else "<i8"
        total.update(tensor.detach().contiguous().numpy().astype(kind).tobytes())
    return total.hexdigest()


def save(folder: Path, checkpoint: Checkpoint, state: State) -> None:
    """Write a checkpoint whole: first its tensors, then the JSON that makes it exist.

    An older checkpoint of the same slice must have been removed before.
    """
    tensors = {name: tensor.detach().contiguous() for name, tensor in state.items()}
    index = checkpoint.slice_index
    write_whole(_tensors_path(folder, index), save_tensors(tensors))
    # Crash here: tensors without JSON, so the checkpoint does not exist.
    write_whole(_json_path(folder, index), canonical(asdict(checkpoint)))
    # Crash here: the checkpoint exists and is complete.


def describe(folder: Path, slice_index: int) -> Checkpoint | None:
    """Read what a checkpoint says it is; None if there is none.

    Raises:
        TrainError: the JSON is not a checkpoint's.
    """
    path = _json_path(folder, slice_index)
    if not path.exists():
        return None
    try:
        value = json.loads(path.read_bytes())
    except ValueError as error:
        raise _damaged(folder, slice_index, "its JSON cannot be read") from error
    if not _is_checkpoint(value) or value["slice_index"] != slice_index:
        raise _damaged(folder, slice_index, "its JSON is not a checkpoint's")
    return Checkpoint(**value)


def load(folder: Path, slice_index: int) -> tuple[Checkpoint, dict[str, Tensor]]:
    """Read a checkpoint, and trust it only after hashing every tensor.

    Raises:
        TrainError: it does not exist, is cut short, or its digest is another.
    """
    checkpoint = describe(folder, slice_index)
    if checkpoint is None:
        raise TrainError(
            f"`{folder.name}` has no checkpoint before slice {slice_index}",
            hint="train this shard first; a shard without documents is never served",
        )
    try:
        state = load_tensors(_tensors_path(folder, slice_index).read_bytes())
    except (OSError, SafetensorError) as error:
        raise _damaged(folder, slice_index, "its tensors cannot be read") from error
    found = state_digest(state)
    if found != checkpoint.digest:
        raise _damaged(
            folder, slice_index, f"its state is {found}, not {checkpoint.digest}"
        )
    return checkpoint, state


def copy(source: Path, target: Path, slice_index: int) -> Checkpoint:
    """Give a checkpoint a second home, after hashing it; returns what it says it is.

    Raises:
        TrainError: it does not exist or is damaged.
    """
    checkpoint, _ = load(source, slice_index)
    named = _tensors_path(target, slice_index)
    link_or_copy(_tensors_path(source, slice_index), named)
    # Crash here: tensors without JSON, so the copy does not exist.
    write_whole(_json_path(target, slice_index), canonical(asdict(checkpoint)))
    # Crash here: the copy exists; what it shares with the source is never written to.
    return checkpoint


def remove(folder: Path, slice_index: int) -> None:
    """Delete a checkpoint: its existence first, then its tensors."""
    _json_path(folder, slice_index).unlink(missing_ok=True)
    # Crash here: tensors without JSON; the next removal or write takes them away.
    _tensors_path(folder, slice_index).unlink(missing_ok=True)
    for draft in folder.glob(f".slice-{slice_index}.*.draft"):
        draft.unlink()  # a write that was cut off may have left a state here
    if folder.is_dir():
        sync_folder(folder)
    # Crash here: nothing of this checkpoint is left under this name.


def kept(folder: Path) -> list[int]:
    """List the slice numbers of which any file is left, drafts included, sorted."""
    names = {path.name.lstrip(".") for path in folder.glob("slice-*")}
    names |= {path.name.lstrip(".") for path in folder.glob(".slice-*.draft")}
    numbers = {name.removeprefix("slice-").split(".")[0] for name in names}
    return sorted(int(number) for number in numbers if number.isdecimal())


@dataclass(frozen=True, slots=True)
class TensorFile:
    """Which file holds a checkpoint's tensors, and how many names it has on disk."""

    identity: tuple[int, int]  # device, inode
    names: int


def tensor_file(folder: Path, slice_index: int) -> TensorFile | None:
    """Say which file a checkpoint's tensors are in; None if there is none."""
    path = _tensors_path(folder, slice_index)
    if not path.exists():
        return None
    found = path.stat()
    return TensorFile((found.st_dev, found.st_ino), found.st_nlink)


def _tensors_path(folder: Path, slice_index: int) -> Path:
    return folder / f"slice-{slice_index}.safetensors"


def _json_path(folder: Path, slice_index: int) -> Path:
    return folder / f"slice-{slice_index}.json"


def _is_checkpoint(value: Any) -> bool:
    wanted = {field.name: field.type for field in fields(Checkpoint)}
    return (
        isinstance(value, dict)
        and value.keys() == wanted.keys()
        and all(type(value[name]) is kind for name, kind in wanted.items())
        and value["v"] == 1
    )


def _damaged(folder: Path, slice_index: int, why: str) -> TrainError:
    return TrainError(
        f"the checkpoint before slice {slice_index} in `{folder.name}` is damaged: "
        f"{why}",
        hint="train this shard again: it goes on from the last whole checkpoint",
    )
