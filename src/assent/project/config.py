"""`assent.toml`: what a project declares, read strictly."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assent.errors import UsageError
from assent.files import SECRET_MODE
from assent.ledger.store import is_server
from assent.policy.load import Declared
from assent.train.plan import BYTES_PER_SHARD, shards_for

FILE = "assent.toml"
ORIGIN = re.compile(r"[^+\s]+")  # a signed note's key name; source: C2SP signed-note
KEYS: dict[str, dict[str, type]] = {
    "project": {
        "name": str,
        "origin": str,
        "choices": str,
        "ledger": str,
        "witnesses": str,
    },
    "use": {"purpose": str, "recipients": list, "model": str},
    "labels": {
        "purposes": list,
        "recipients": list,
        "categories": list,
        "tiers": list,
    },
    "train": {
        "slices": int,
        "steps": int,
        "epochs": int,
        "rows": int,
        "window": int,
        "width": int,
        "layers": int,
        "heads": int,
        "tokens_per_subject": int,
        "learning_rate": float,
        "seed": int,
        "workers": int,
        "moments": str,
        "device": str,
        "canaries": int,
    },
    "base": {
        "folder": str,
        "provenance": str,
        "rank": int,
        "alpha": float,
        "targets": list,
    },
    "privacy": {"noise": float, "clip": float, "delta": float},
    "memory": {"order": int, "least": int},
    "capacity": {},
    "receipts": {
        "withdraw_at": str,
        "rights_at": str,
        "contact": str,
        "address": str,
        "storage": str,
        "retention": str,
    },
}

SIZES = ("width", "layers", "heads")
"""Of a transformer that starts from nothing; a base has its own."""
MAY_BE_LEFT_OUT = frozenset(
    {"ledger", "tiers", "witnesses", *KEYS["receipts"], "moments", "device"}
    | {"canaries"}
    | {"rank", "alpha", "targets", *SIZES}
)
SECTIONS_MAY_BE_LEFT_OUT = ("base", "privacy", "memory", "receipts")
CHOICES = ("real", "simulated")
PER_SHARD = "bytes_per_shard"
"""In `[capacity]`, where all other keys but `default` name groups."""

SERVER_LINE = '# ledger = "postgresql://assent@db.example.org/ledger"'
TEMPLATE = (
    """\
[project]
name = "{name}"
origin = "{origin}"    # the ledger's name, signed into every head
choices = "{choices}"    # "simulated" is said wherever choices are shown
"""
    + SERVER_LINE
    + """    # else the file `ledger.db`
# witnesses = "witnesses.policy"    # who must cosign before a proof is handed out

[use]
purpose = "train.generative.content"
recipients = [{recipients}]    # all of them must be permitted
model = "content"

[labels]    # no policy and no document may use another label
purposes = ["train.generative.content"]
recipients = [{recipients}]
categories = [{categories}]
# tiers = ["basic", "premium"]    # of subjects, where a policy tells them apart

[train]
slices = 4              # a withdrawal replays from the slice that holds her
steps = 32              # a slice and epoch
epochs = 2              # inside each slice
rows = 4                # of `window` bytes, in one batch
window = 128
width = 128
layers = 4
heads = 4
tokens_per_subject = 8000
learning_rate = 0.006
seed = 1
workers = 2
# moments = "reset"     # a new optimizer in each slice: a third of the storage
# device = "cuda"       # then `workers` share the GPU
# canaries = 200        # made-up texts a group, for `assent audit model`

# [base]                # start from a clean model instead of width, layers and heads
# folder = "bases/clean"             # as `transformers` writes it
# provenance = "public-domain books, trained by us in 2026"
# rank = 8              # with it an adapter is trained, and the base itself is frozen
# alpha = 16.0

# [privacy]             # differential privacy for a person, in place of hash proofs
# noise = 1.0           # more hides more and writes worse; `build` says how much
# clip = 0.5            # length of one person's gradient; all that is longer is cut
# delta = 0.000001      # well below one in the number of people

# [memory]              # counts of what several people wrote, beside the components
# order = 4             # tokens of context, 1 to 4
# least = 2             # people of a group who must have written a thing

[capacity]    # bytes of text that a group may hold: declared, never counted from people
default = {capacity}
# bytes_per_shard = 65536    # text that a shard needs: `assent calibrate` measures it

# [receipts]    # what people read in theirs; what is left out is "not available"
# withdraw_at = "https://example.org/settings/training"
# rights_at = "https://example.org/privacy/rights"
# contact = "privacy@example.org"
# address = "1 Example Street, Dublin"
# storage = "Ireland"
# retention = "until the account is closed"
"""
)


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """What a plan is sealed from. Sizes in rows, tokens (`window`) and steps.

    `sizes` are width, layers and heads; None where there is a base.
    """

    slices: int
    steps: int
    epochs: int
    rows: int
    window: int
    tokens_per_subject: int
    learning_rate: float
    seed: int
    workers: int
    sizes: tuple[int, int, int] | None
    moments: str
    device: str
    canaries: int


@dataclass(frozen=True, slots=True)
class BaseConfig:
    """Where a clean base lies, and how it is trained.

    Without a rank all of it is trained; no targets: every matrix of its blocks.
    """

    folder: Path
    provenance: str
    rank: int | None = None
    alpha: float | None = None
    targets: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """One project's declarations."""

    name: str
    origin: str
    ledger: str | None = field(repr=False)  # may hold a password
    choices: str
    purpose: str
    recipients: tuple[str, ...]
    model: str
    declared: Declared
    train: TrainConfig
    base: BaseConfig | None
    privacy: Mapping[str, float] | None
    memory: Mapping[str, int] | None
    capacity: Mapping[str, int]
    receipts: Mapping[str, str]
    witnesses: str = ""
    """Path of a C2SP tlog-policy, from the project folder; empty: nobody is asked."""
    bytes_per_shard: int = BYTES_PER_SHARD
    """Text that a shard needs, as `assent calibrate` measures it."""

    @property
    def mode(self) -> int:
        """Of the file itself: for its owner alone where it may hold a password."""
        return SECRET_MODE if self.ledger else 0o644

    @property
    def note(self) -> str:
        """What must stand wherever people's choices are shown; empty: nothing."""
        return "simulated choices" if self.choices == "simulated" else ""

    @property
    def base_folder(self) -> Path | None:
        """Folder of the clean base; None where shards start from nothing."""
        return self.base.folder if self.base else None

    def shards(self, group: str) -> int:
        """Count a group's shards by what is declared: bytes of it, bytes a shard."""
        declared = self.capacity.get(group, self.capacity["default"])
        return shards_for(declared, self.bytes_per_shard)


def load_config(folder: Path) -> Config:
    """Read `assent.toml` in a project folder.

    Raises:
        UsageError: no such file, no TOML, or a key that is unknown, missing or wrong.
    """
    try:
        text = (folder / FILE).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(
            f"there is no `{FILE}` in `{folder.name or folder}`",
            hint="run `assent init FOLDER`, or name a project with `--project`",
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"`{FILE}` is not TOML: {error}") from error
    return parse_config(text, folder)


def parse_config(text: str, folder: Path) -> Config:
    """Read the text of `assent.toml` in a project folder.

    Raises:
        UsageError: no TOML, or a key that is unknown, missing or wrong.
    """
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"`{FILE}` is not TOML: {error}") from error
    _check(value)
    labels, use = value["labels"], value["use"]
    if value["project"]["choices"] not in CHOICES:
        raise UsageError(
            f"`{FILE}`: choices is `{value['project']['choices']}`, wanted one of "
            f"{', '.join(CHOICES)}"
        )
    declared = Declared(
        purposes=frozenset(labels["purposes"]),
        recipients=frozenset(labels["recipients"]),
        categories=frozenset(labels["categories"]),
        tiers=frozenset(labels.get("tiers", ())),
    )
    for recipient in use["recipients"]:
        if recipient not in declared.recipients:
            raise UsageError(f"`{FILE}`: recipient `{recipient}` is used, not declared")
    if use["purpose"] not in declared.purposes:
        raise UsageError(f"`{FILE}`: purpose `{use['purpose']}` is used, not declared")
    return Config(
        name=value["project"]["name"],
        origin=value["project"]["origin"],
        ledger=value["project"].get("ledger"),
        choices=value["project"]["choices"],
        purpose=use["purpose"],
        recipients=tuple(sorted(set(use["recipients"]))),
        model=use["model"],
        declared=declared,
        train=_train(value["train"]),
        base=_base(value["base"], folder) if "base" in value else None,
        privacy=value.get("privacy"),
        memory=value.get("memory"),
        capacity={k: n for k, n in value["capacity"].items() if k != PER_SHARD},
        receipts=dict(value.get("receipts", {})),
        witnesses=value["project"].get("witnesses", ""),
        bytes_per_shard=value["capacity"].get(PER_SHARD, BYTES_PER_SHARD),
    )


def _train(value: dict[str, Any]) -> TrainConfig:
    given = {key: each for key, each in value.items() if key not in SIZES}
    sizes = tuple(value[key] for key in SIZES if key in value) or None
    default = {"moments": "kept", "device": "cpu", "canaries": 0}
    return TrainConfig(**{**default, **given, "sizes": sizes})


def _base(value: dict[str, Any], folder: Path) -> BaseConfig:
    listed = value.get("targets")
    targets = None if listed is None else tuple(sorted(set(listed)))
    return BaseConfig(
        **{**value, "folder": folder / value["folder"], "targets": targets}
    )


def _check_start(value: dict[str, Any]) -> None:
    """Refuse sizes beside a base, none without one, and half an adapter."""
    given = [key for key in SIZES if key in value["train"]]
    if "base" not in value:
        for key in SIZES:
            _check_value("train", key, value["train"].get(key), int)
        return
    if given:
        raise UsageError(
            f"`{FILE}`: `[base]` has its own {', '.join(given)}",
            hint="leave these out in `[train]`, or the section `[base]`",
        )
    base = value["base"]
    needed = {"rank", "alpha"} if {"rank", "alpha", "targets"} & base.keys() else set()
    if not needed <= base.keys():
        raise UsageError(
            f"`{FILE}`: `[base]` has half an adapter, wanted `rank` and `alpha`",
            hint="leave out `rank`, `alpha` and `targets` to train all of the base",
        )


def _check(value: dict[str, Any]) -> None:
    for section in value:
        if section not in KEYS:
            raise UsageError(
                f"`{FILE}`: unknown section `[{section}]`, wanted {', '.join(KEYS)}"
            )
    for section, keys in KEYS.items():
        found = value.get(section)
        if found is None and section in SECTIONS_MAY_BE_LEFT_OUT:
            continue
        if not isinstance(found, dict):
            raise UsageError(f"`{FILE}`: section `[{section}]` is missing")
        for key in found:
            if keys and key not in keys:
                raise UsageError(
                    f"`{FILE}`: unknown key `{key}` in `[{section}]`",
                    hint=f"known are {', '.join(keys)}",
                )
        for key, kind in keys.items():
            if key in found or key not in MAY_BE_LEFT_OUT:
                _check_value(section, key, found.get(key), kind)
    _check_start(value)
    origin = value["project"]["origin"]
    if not ORIGIN.fullmatch(origin):
        raise UsageError(
            f"`{FILE}`: origin `{origin}` cannot name a ledger",
            hint="write a name without spaces and `+`, such as `example.org/ledger`",
        )
    ledger = value["project"].get("ledger")
    if ledger is not None and not is_server(ledger):
        raise UsageError(  # not repeated here: it may hold a password
            f"`{FILE}`: `ledger` is no address of a PostgreSQL server",
            hint="write it as postgresql://USER@HOST/DATABASE, with the password in "
            "~/.pgpass, or leave it out: then the ledger is the file `ledger.db`",
        )
    if "default" not in value["capacity"]:
        raise UsageError(f"`{FILE}`: `[capacity]` lacks `default`")
    for group, size in value["capacity"].items():
        _check_value("capacity", group, size, int)


def _check_value(section: str, key: str, found: object, kind: type) -> None:
    where = f"`{FILE}`: `{key}` in `[{section}]`"
    if found is None:
        raise UsageError(f"{where} is missing")
    if isinstance(found, bool) or not isinstance(found, kind):
        raise UsageError(f"{where} has the wrong type, wanted {kind.__name__}")
    one_line = section == "receipts" or key in ("witnesses", "folder", "provenance")
    if one_line and not (found and str(found).isprintable()):
        raise UsageError(f"{where} is empty or cannot be printed, wanted one line")
    if isinstance(found, int | float) and found <= 0:
        raise UsageError(f"{where} is {found}, wanted more than 0")
    if isinstance(found, list) and not (
        found and all(isinstance(item, str) for item in found)
    ):
        raise UsageError(f"{where} wants a list of names in quotes")
