"""A case as steps and dates: what was published and ordered, and when to look."""

import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from assent.errors import PolicyError
from assent.policy.load import (
    TABLES,
    Declared,
    check_keys,
    load_policy,
    read_time,
)
from assent.policy.model import Policy, Published, Suspension
from assent.policy.regions import countries_of

OPERATOR, ASSENT = "operator", "assent"
TIME = (datetime, date)
KEYS: dict[str, dict[str, Any]] = {
    "case": {
        "title": str,
        "repository_id": str,
        "start": TIME,
        "labels": dict,
        "publish": TABLES,
        "suspend": TABLES,
        "date": TABLES,
    },
    "labels": {
        "purposes": list,
        "recipients": list,
        "categories": list,
        "tiers": list,
    },
    "publish": {"at": TIME, "policies": list},
    "suspend": {"order": str, "regions": list, "from": TIME, "until": TIME},
    "date": {"at": TIME, "what": str},
}
MAY_BE_LEFT_OUT = frozenset({"repository_id", "suspend", "until", "tiers"})


@dataclass(frozen=True, slots=True)
class Order:
    """A suspension with its beginning and, where it ended, its end."""

    suspension: Suspension
    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Case:
    """One real case, told by an operator's policies and by ours.

    Args:
        title: what it is called.
        start: microseconds UTC; nothing of the case is earlier.
        declared: the labels of its policies.
        publications: ours, each with the instant of publishing and its file.
        operator: the operator's, counted from their effective date.
        orders: suspensions; they stop both ways.
        dates: (instant, what happened), in order.
    """

    title: str
    start: int
    declared: Declared
    publications: tuple[tuple[Published, Path], ...]
    operator: tuple[Published, ...]
    orders: tuple[Order, ...]
    dates: tuple[tuple[int, str], ...]

    @property
    def assent(self) -> tuple[Published, ...]:
        """Our versions, as if published in a ledger on their day."""
        return tuple(published for published, _ in self.publications)

    def policies(self) -> tuple[Policy, ...]:
        """Every version of either way: together they tell the regions apart."""
        return tuple(each.policy for each in (*self.assent, *self.operator))

    def suspensions(self, as_of: int) -> tuple[Suspension, ...]:
        """Orders in force at an instant; the end is exclusive."""
        return tuple(
            each.suspension
            for each in self.orders
            if each.start <= as_of and (each.end is None or as_of < each.end)
        )


def load_case(path: Path) -> Case:
    """Read `case.toml`, and beside it `policies/`, `operator/` and `notices/`.

    Raises:
        PolicyError: a key is missing or a policy of it cannot be read.
    """
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise PolicyError(
            f"there is no case file `{path.name}` in `{path.parent.name}`",
            hint="name one with `--case FILE`, such as `examples/linkedin/case.toml`",
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"`{path.name}` is not TOML: {error}") from error
    _check(path.name, value)
    labels = value["labels"]
    declared = Declared(
        frozenset(labels["purposes"]),
        frozenset(labels["recipients"]),
        frozenset(labels["categories"]),
        frozenset(labels.get("tiers", ())),
    )
    return Case(
        title=value["title"],
        start=read_time(path.name, "start", value["start"]),
        declared=declared,
        publications=tuple(_publications(value, path.parent, declared)),
        operator=tuple(_operator(path.parent, declared)),
        orders=tuple(_order(each) for each in value.get("suspend", [])),
        dates=tuple(
            (read_time("date", "at", each["at"]), each["what"])
            for each in value["date"]
        ),
    )


def _check(name: str, value: dict[str, Any]) -> None:
    """Refuse what is not understood: a slip of the pen could drop an order."""
    _check_one(f"`{name}`", "case", value)
    _check_one(f"`{name}`, labels", "labels", value["labels"])
    for kind in ("publish", "suspend", "date"):
        for n, block in enumerate(value.get(kind, []), start=1):
            _check_one(f"`{name}`, {kind} {n}", kind, block)


def _check_one(where: str, kind: str, block: Any) -> None:
    needed = tuple(key for key in KEYS[kind] if key not in MAY_BE_LEFT_OUT)
    check_keys(where, block, KEYS[kind], needed)


def _publications(
    value: dict[str, Any], folder: Path, declared: Declared
) -> list[tuple[Published, Path]]:
    found = []
    for step in value["publish"]:
        for name in step["policies"]:
            path = folder / "policies" / name
            at = read_time("publish", "at", step["at"])
            found.append((Published(load_policy(path, declared), at), path))
    return found


def _operator(folder: Path, declared: Declared) -> list[Published]:
    paths = sorted((folder / "operator").glob("*.toml"))
    policies = [load_policy(path, declared) for path in paths]
    # An operator's change counted when it said so, published or not.
    return [Published(policy, policy.effective_from) for policy in policies]


def _order(value: dict[str, Any]) -> Order:
    countries_of(value["regions"])  # an order for a place that is none stops nobody
    return Order(
        Suspension(value["order"], tuple(value["regions"])),
        read_time("suspend", "from", value["from"]),
        read_time("suspend", "until", value["until"]) if "until" in value else None,
    )
