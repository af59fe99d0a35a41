"""Components: what a shard trains, as its plan declares it.

A component is a byte transformer from its own initial weights; or a clean base model
that goes on training; or a low-rank adapter on one, which is otherwise frozen.
"""

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from assent.canon import digest
from assent.errors import TrainError
from assent.files import file_sha256

HEX_DIGEST = re.compile(r"[0-9a-f]{64}")
MOST_ORDER = 4
MODULE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_Part = TypeVar("_Part")

TARGETS = {
    "llama": (
        "down_proj",
        "gate_proj",
        "k_proj",
        "o_proj",
        "q_proj",
        "up_proj",
        "v_proj",
    ),
    "gpt2": ("c_attn", "c_fc", "c_proj"),
}
"""Families of bases, by `model_type`, and the matrices of their blocks."""


def want(condition: bool, what: str, wanted: str) -> None:
    """Refuse a plan in which something is not as wanted. Raises: TrainError."""
    if not condition:
        raise TrainError(f"the plan's {what} is not {wanted}")


def is_hex(value: object) -> bool:
    """Say whether a value is 64 hexadecimal digits."""
    return isinstance(value, str) and HEX_DIGEST.fullmatch(value) is not None


def is_count(value: object) -> bool:
    """Say whether a value is a whole number from 1."""
    return type(value) is int and value >= 1


def exact_keys(
    value: Any, kind: type[Any], what: str, without: Collection[str] = ()
) -> dict[str, Any]:
    """Return a JSON object whose keys are exactly the fields of `kind`.

    Args:
        value: what was read.
        kind: a dataclass.
        what: is read, for the error.
        without: fields that are no keys here.

    Raises:
        TrainError: a key is missing or unknown.
    """
    wanted = {f.name for f in fields(kind)} - set(without)
    found = set(value) if isinstance(value, dict) else set()
    if found != wanted:
        missing, unknown = sorted(wanted - found), sorted(map(str, found - wanted))
        raise TrainError(
            f"the {what} lacks the keys {missing} and has the unknown keys {unknown}",
            hint="use the plan file as it was sealed, with the version that sealed it",
        )
    return dict(value)


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a byte transformer: `width` is split evenly among `heads`.

    Raises:
        TrainError: a size is no whole number, or a head has an odd width.
    """

    width: int
    layers: int
    heads: int

    def __post_init__(self) -> None:
        for each in fields(self):
            want(is_count(getattr(self, each.name)), each.name, "a whole number from 1")
        want(self.width % (2 * self.heads) == 0, "width", "an even number a head")


@dataclass(frozen=True, slots=True)
class Base:
    """A clean base model: a folder as `transformers` writes it.

    Args:
        digest: of its files, see `digest_of`.
        provenance: what it was trained on, and by whom, in words: a certificate covers
            what we trained, not what the base has read.

    Raises:
        TrainError: the digest is none, or nothing is said about where it comes from.
    """

    digest: str
    provenance: str

    def __post_init__(self) -> None:
        want(is_hex(self.digest), "digest of the base", "64 hexadecimal digits")
        said = isinstance(self.provenance, str) and self.provenance.strip() != ""
        want(said, "provenance of the base", "a text that says where it comes from")


@dataclass(frozen=True, slots=True)
class Adapter:
    """Low-rank additions to some matrices of a base. Source: arXiv 2106.09685.

    Args:
        rank: of each addition.
        alpha: an addition counts `alpha / rank`.
        targets: last names of the modules that get one, sorted, each once.

    Raises:
        TrainError: a value is outside its range.
    """

    rank: int
    alpha: float
    targets: tuple[str, ...]

    def __post_init__(self) -> None:
        want(is_count(self.rank), "rank", "a whole number from 1")
        positive = isinstance(self.alpha, float) and 0 < self.alpha < float("inf")
        want(positive, "alpha", "a finite number above 0")
        named = all(
            isinstance(each, str) and MODULE_NAME.fullmatch(each)
            for each in self.targets
        )
        ordered = self.targets == tuple(sorted(set(self.targets)))
        want(bool(self.targets) and named and ordered, "targets", "sorted module names")


@dataclass(frozen=True, slots=True)
class Memory:
    """Counts beside a component, see `assent.train.memory`.

    Args:
        order: tokens of context at most, 1 to 4.
        least: people of a group who must have written a thing before it is said.
        discount: taken off each count, between 0 and 1.
        weights: for each order, shortest first, how many people the prediction below
            it counts as.

    Raises:
        TrainError: a value is outside its range.
    """

    order: int
    least: int
    discount: float
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        ordered = is_count(self.order) and self.order <= MOST_ORDER
        want(ordered, "order of its memory", f"a whole number from 1 to {MOST_ORDER}")
        want(is_count(self.least), "`least` of its memory", "a whole number from 1")
        off = isinstance(self.discount, float) and 0 < self.discount < 1
        want(off, "discount of its memory", "a number between 0 and 1")
        heavy = all(
            isinstance(each, float) and 0 < each < float("inf") for each in self.weights
        )
        whole = heavy and len(self.weights) == self.order
        want(whole, "list of weights of its memory", "a number above 0 for each order")


def memory_of(order: int, least: int) -> Memory:
    """Complete a memory by the constants that did best, see `docs/quality-log.md`.

    Raises:
        TrainError: a value is outside its range.
    """
    return Memory(order, least, 0.8, (100.0, 30.0, 10.0, 5.0)[:order])


def part(value: Any, kind: Callable[..., _Part], what: str) -> _Part | None:
    """Read a part of a plan back from JSON; null is none.

    Raises:
        TrainError: a key is missing or unknown, or a value is not as wanted.
        TypeError: a value has the wrong JSON type.
    """
    if value is None:
        return None
    given = exact_keys(value, kind, what)  # type: ignore[arg-type]
    if "targets" in given:
        given["targets"] = tuple(given["targets"])
    if "weights" in given:
        given["weights"] = tuple(
            float(each) if type(each) is int else each for each in given["weights"]
        )
    for name in ("alpha", "noise", "clip", "delta", "discount"):
        if type(given.get(name)) is int:  # canonical JSON writes 16.0 as 16
            given[name] = float(given[name])
    return kind(**given)


def digest_of(folder: Path) -> str:
    """Name a base by its files: sha256 of canonical `[[name, sha256 of it], ...]`.

    Raises:
        TrainError: it is no folder, or a file cannot be read.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.name[0] != ".")
        return digest(
            [[path.name, file_sha256(path)] for path in files if path.is_file()]
        )
    except OSError as error:
        raise unreadable(folder, "it or a file in it cannot be opened") from error


def family(folder: Path) -> str:
    """Say which family a base is of.

    Raises:
        TrainError: it has no readable `config.json`, or is of another family.
    """
    try:
        found = json.loads((folder / "config.json").read_bytes())["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise unreadable(folder, "its `config.json` names no model type") from error
    if found not in TARGETS:
        raise TrainError(
            f"the base in `{folder.name}` is of the family `{found}`, wanted one of "
            f"{sorted(TARGETS)}",
            hint="use a Llama- or GPT-2-shaped model",
        )
    return str(found)


def unreadable(folder: Path, why: str) -> TrainError:
    """Say that a folder holds no base that can be read."""
    return TrainError(
        f"the base in `{folder.name}` cannot be read: {why}",
        hint="give a folder with `config.json`, `*.safetensors` and `tokenizer.json`",
    )
