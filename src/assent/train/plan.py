"""The sealed plan: everything that decides a weight, except the words themselves.

Nothing in it is computed from who takes part. Were a step count or a learning rate a
function of the roster, one person's leaving would move it, and the run without her
could not be reached by replaying the end of the run with her.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from assent.canon import digest, keyed
from assent.errors import TrainError
from assent.train.component import (
    Adapter,
    Base,
    Memory,
    Shape,
    exact_keys,
    is_count,
    is_hex,
    part,
    want,
)
from assent.train.privacy import Privacy

BYTES_PER_SHARD = 65_536  # less text than this and a component starves
MOST_SHARDS = 256
GROUP_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")  # it names a folder
MOMENTS = ("kept", "reset")
LATER_KEYS = ("privacy", "memory")
CPU, CUDA = "cpu", "cuda"
MOST_CANARIES = 100_000
CANARY_BYTES = 64
SEED_LIMIT = 2**53  # integers that canonical JSON can say (RFC 8785, section 3.2.2.3)


@dataclass(frozen=True, slots=True)
class Group:
    """People who can be suspended together: one component group of the mixture.

    `regions` is a label for the reader. `shards` is a power of two.
    """

    name: str
    regions: tuple[str, ...]
    shards: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is sealed before any text is read.

    Units: `window` and `tokens_per_subject` in tokens of text, which are its bytes
    where `shape` says what is trained; `steps` per pass over a slice; `learning_rates`
    one per optimizer step of a shard's whole run, in order of slice, then epoch, then
    step. Exactly one of `shape` and `base` is there; an `adapter` needs a base. Where
    `moments` are `reset`, each slice begins with those of a new optimizer, and a
    checkpoint keeps the weights alone. `canaries` are made-up texts a group, of which
    the key plants each or does not: what a later audit tells apart. With `privacy`, all
    of a person is in one step a pass, and each step is noisy. `golden` is empty until
    the plan is sealed.

    Raises:
        TrainError: a value is outside its range, or two values contradict each other.
    """

    model: str
    purpose: str
    recipients: tuple[str, ...]  # sorted, each once
    groups: tuple[Group, ...]
    slices: int
    steps: int
    epochs: int  # inside a slice: passes over a whole shard would undo the slicing
    rows: int  # B
    window: int  # T
    learning_rates: tuple[float, ...]
    weight_decay: float
    betas: tuple[float, float]
    clip_norm: float
    seed: int
    tokens_per_subject: int
    key_commitment: str  # hex, see `commitment`
    shape: Shape | None
    base: Base | None = None
    adapter: Adapter | None = None
    moments: str = "kept"
    device: str = CPU
    canaries: int = 0
    privacy: Privacy | None = None
    memory: Memory | None = None
    host: Mapping[str, str] = field(default_factory=dict, hash=False)
    golden: str = ""
    v: int = 2

    def __post_init__(self) -> None:
        _check_names(self)
        _check_sizes(self)
        _check_constants(self)

    @property
    def run_steps(self) -> int:
        """Optimizer steps of one shard's whole run."""
        return self.slices * self.epochs * self.steps

    @property
    def digest(self) -> str:
        """Hash of the plan's canonical JSON: its name in checkpoints and the ledger."""
        return digest(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        value = asdict(self)
        for name in ("recipients", "learning_rates", "betas", "groups"):
            value[name] = list(value[name])
        for group in value["groups"]:
            group["regions"] = list(group["regions"])
        if self.adapter is not None:
            value["adapter"]["targets"] = list(self.adapter.targets)
        value["host"] = dict(self.host)
        if self.memory is not None:
            value["memory"]["weights"] = list(self.memory.weights)
        for name in LATER_KEYS:
            if value[name] is None:
                del value[name]  # plans that were sealed before have no such key
        return value

    @classmethod
    def from_json(cls, value: Any) -> "Plan":
        """Read a plan back, refusing what this version does not know.

        Raises:
            TrainError: a key is missing or unknown, or a value is not as wanted.
        """
        found = value if isinstance(value, dict) else {}
        left_out = [name for name in LATER_KEYS if found.get(name) is None]
        given = exact_keys(value, cls, "plan", left_out)
        try:
            groups = tuple(_group(item) for item in _list(given["groups"]))
            changed = {
                "groups": groups,
                "recipients": tuple(_list(given["recipients"])),
                # Canonical JSON writes 1.0 as 1, so a whole number may come back.
                "learning_rates": tuple(map(_number, _list(given["learning_rates"]))),
                "betas": tuple(map(_number, _list(given["betas"]))),
                "weight_decay": _number(given["weight_decay"]),
                "clip_norm": _number(given["clip_norm"]),
                "shape": part(given["shape"], Shape, "shape of the plan"),
                "base": part(given["base"], Base, "base of the plan"),
                "adapter": part(given["adapter"], Adapter, "adapter of the plan"),
                "privacy": part(given.get("privacy"), Privacy, "privacy of the plan"),
                "memory": part(given.get("memory"), Memory, "memory of the plan"),
                "host": dict(given["host"]),
            }
            return cls(**{**given, **changed})
        except (TypeError, ValueError) as error:
            raise TrainError(
                "a value of the plan has the wrong JSON type",
                hint="use the plan file as it was sealed",
            ) from error

    def group(self, name: str) -> Group:
        """Find a group by name.

        Raises:
            TrainError: the plan has no such group.
        """
        for group in self.groups:
            if group.name == name:
                return group
        raise TrainError(f"the plan of `{self.model}` has no group `{name}`")


def _group(value: Any) -> Group:
    given = exact_keys(value, Group, "group of the plan")
    return Group(given["name"], tuple(_list(given["regions"])), given["shards"])


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("not a list")  # a text would fall apart into letters
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    return float(value)


def _check_names(plan: Plan) -> None:
    want(type(plan.v) is int and plan.v == 2, "version", "2")
    for name in ("model", "purpose"):
        text = getattr(plan, name)
        want(isinstance(text, str) and text != "", name, "a text that says something")
    named = all(isinstance(r, str) and r for r in plan.recipients)
    want(bool(plan.recipients) and named, "list of recipients", "a list of names")
    ordered = list(plan.recipients) == sorted(set(plan.recipients))
    want(ordered, "list of recipients", "sorted, each once")
    want((plan.shape is None) != (plan.base is None), "start", "one: a shape or a base")
    based = plan.adapter is None or plan.base is not None
    want(based, "adapter", "on a base")
    silent = plan.privacy is None or plan.memory is None
    want(silent, "memory", "left out where `privacy` is declared: counts hide nobody")
    want(plan.moments in MOMENTS, "moments", "`kept` or `reset`")
    want(plan.device in (CPU, CUDA), "device", f"`{CPU}` or `{CUDA}`")
    want(is_hex(plan.key_commitment), "key commitment", "64 hexadecimal digits")
    want(plan.golden == "" or is_hex(plan.golden), "golden hash", "a digest")
    strings = all(isinstance(x, str) for pair in plan.host.items() for x in pair)
    want(strings, "host class", "a table of texts")


def _check_sizes(plan: Plan) -> None:
    names = [group.name for group in plan.groups]
    want(bool(names) and len(set(names)) == len(names), "groups", "named, each once")
    for group in plan.groups:
        named = isinstance(group.name, str) and GROUP_NAME.fullmatch(group.name)
        want(bool(named), "group name", f"a match of `{GROUP_NAME.pattern}`")
        count = group.shards
        power = type(count) is int and count > 0 and count & (count - 1) == 0
        want(power and count <= MOST_SHARDS, "shard count", "a power of two to 256")
        want(all(isinstance(r, str) for r in group.regions), "regions", "all texts")
    positive = ("slices", "steps", "epochs", "rows", "window", "tokens_per_subject")
    for name in positive:
        want(is_count(getattr(plan, name)), name, "a whole number from 1")
    planted = type(plan.canaries) is int and 0 <= plan.canaries <= MOST_CANARIES
    want(planted, "canaries", f"a whole number to {MOST_CANARIES}")
    want(plan.window >= 2, "window", "at least 2 tokens")
    roomy = plan.tokens_per_subject >= plan.window
    want(roomy, "tokens per subject", "at least one window, so nobody is left out")
    seeded = type(plan.seed) is int and 0 <= plan.seed < SEED_LIMIT
    want(seeded, "seed", "a whole number below 2**53")


def _check_constants(plan: Plan) -> None:
    count = len(plan.learning_rates)
    want(count == plan.run_steps, "rate table", f"one rate for {plan.run_steps} steps")
    decay, clip = plan.weight_decay, plan.clip_norm
    floats = (*plan.learning_rates, *plan.betas, decay, clip)
    finite = all(isinstance(x, float) and math.isfinite(x) and x >= 0 for x in floats)
    want(finite, "table of constants", "made of finite floats from 0")
    want(len(plan.betas) == 2 and max(plan.betas) < 1, "betas", "two numbers below 1")
    want(plan.clip_norm > 0, "clip norm", "above 0")


def shards_for(declared_bytes: int, bytes_per_shard: int = BYTES_PER_SHARD) -> int:
    """Choose a group's shard count from its DECLARED capacity, never a counted one.

    The rule: the largest power of two that leaves each shard so much text, at least 1
    and at most 256. Cheap forgetting and sibling controls want many shards, the
    quality of text wants few: below this much text a component starves. A group with
    one shard has no sibling controls, so audits of it rest on canaries alone.

    Args:
        declared_bytes: text the group is expected to hold, in bytes, from the
            configuration. A count of today's text would depend on the roster.
        bytes_per_shard: as measured on clean text, see `assent.train.calibrate`, > 0.

    Raises:
        TrainError: the capacity is negative.
    """
    if declared_bytes < 0:
        raise TrainError(f"a declared capacity of {declared_bytes} bytes is below 0")
    fitting = max(1, declared_bytes // bytes_per_shard)
    return min(MOST_SHARDS, 1 << (fitting.bit_length() - 1))


def learning_rate_table(run_steps: int, peak: float) -> tuple[float, ...]:
    """Build the stored table: a tenth rises, half stays at `peak`, the rest falls.

    Late slices hold people too, so the fall starts late and ends at a tenth of `peak`.
    Nine decimals keep the table readable; what trains is the table, not the formula.
    """
    warm, fall = max(1, run_steps // 10), run_steps * 6 // 10
    table = []
    for step in range(run_steps):
        rate = peak * min(1.0, (step + 1) / warm)
        if step >= fall:
            done = (step - fall + 1) / (run_steps - fall)
            rate *= 0.1 + 0.45 * (1 + math.cos(math.pi * done))
        table.append(round(rate, 9))
    return tuple(table)


def commitment(key: bytes) -> str:
    """Commit to the plan's secret key without showing it: 64 hexadecimal digits."""
    return keyed(key, "plan_key").hex()


def shard_folder(folder: Path, group: str, shard: int) -> Path:
    """Name the folder of one shard's checkpoints inside a model's folder."""
    return folder / f"{group}.{shard:03d}"  # no group name holds a dot


@dataclass(frozen=True, slots=True)
class Canary:
    """A text of random letters, and whether it is trained on. It names nobody."""

    document_id: str
    planted: bool
    shard: int
    slice_index: int
    text: bytes


class Assignment:
    """Where each person and each document goes: a keyed function of its own id alone.

    First come, first served would not do: without her, the next person would have had
    her place. The key is secret, or a crowd could aim itself at one shard.

    Raises:
        TrainError: the key is not the one that the plan commits to.
    """

    def __init__(self, plan: Plan, key: bytes) -> None:
        if commitment(key) != plan.key_commitment:
            raise TrainError(
                f"the key is not the one the plan of `{plan.model}` commits to",
                hint="use the key that was made with the plan",
            )
        self._plan = plan
        self._key = key

    def shard(self, group: str, subject_id: str) -> int:
        """Choose the shard, from 0, that holds all of a subject's documents."""
        count = self._plan.group(group).shards
        return self._draw("shard", group.encode(), subject_id.encode()) % count

    def slice_index(self, subject_id: str) -> int:
        """Choose the slice, from 0, that holds all of a subject's documents."""
        return self._draw("slice", subject_id.encode()) % self._plan.slices

    def place(self, group: str, subject_id: str) -> tuple[int, int]:
        """Choose shard and slice at once."""
        return self.shard(group, subject_id), self.slice_index(subject_id)

    def step(self, subject_id: str, document_id: str) -> int:
        """Choose the optimizer step inside the slice, from 0; the same each epoch.

        In a private plan it is one for all that a person wrote.
        """
        drawn_by = document_id if self._plan.privacy is None else subject_id
        return self._draw("step", drawn_by.encode()) % self._plan.steps

    def order(self, document_id: str, chunk: int) -> bytes:
        """Return the 32 bytes that rows of one step are sorted by."""
        return keyed(self._key, "order", document_id.encode(), chunk.to_bytes(8, "big"))

    def canary(self, group: str, number: int) -> Canary:
        """Draw a canary of a group, from 0: its text, its place, and the coin."""
        name = f"canary:{group}:{number}"
        shard, slice_index = self.place(group, name)
        drawn = b"".join(
            keyed(self._key, "canary", name.encode(), bytes([part]))
            for part in range(CANARY_BYTES // 32)
        )
        text = bytes(ord("a") + each % 26 for each in drawn)
        planted = self._draw("coin", name.encode()) % 2 == 1
        return Canary(name, planted, shard, slice_index, text)

    def _draw(self, label: str, *parts: bytes) -> int:
        # 256 bits, so that a remainder by any small count is even to 2**-240.
        return int.from_bytes(keyed(self._key, label, *parts), "big")
