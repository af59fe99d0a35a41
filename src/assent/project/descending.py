"""What was made of a model: its exports, and models that start from one of them.

An export is logged with the digest of its files, and a plan names its base by that
digest: where the two are equal, the model descends from ours. Her words are in a base
as they are in the shards that it was merged from, so a descendant may speak only while
they may. It cannot be repaired, for its sealed plan names the base that she is in: it
is blocked until another is trained on the base that the repair made.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from assent.errors import DeniedError, UsageError
from assent.project.building import sealed_plans
from assent.project.place import MODELS, Place
from assent.project.serving import standing
from assent.terms import EventKind
from assent.train.plan import Plan

TRAIN_ANEW = (
    "name the folder of the export that the repair made in `[base]`, then run `assent "
    "build` and `assent train`"
)


@dataclass(frozen=True, slots=True)
class Origin:
    """An export that a base is: of which model, and of which of its groups."""

    model_id: str
    group: str


def origins(place: Place, plan: Plan) -> list[Origin]:
    """List the exports of this ledger that a plan's base is, in order."""
    if plan.base is None:
        return []
    return [
        Origin(event.body["model_id"], event.body["group"])
        for event in place.events_of(EventKind.MODEL_EXPORTED)
        if event.body["digest"] == plan.base.digest
    ]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a plan's base may not be used, and what to do about it.

    Args:
        message: the value found.
        hint: one action.
        final: a repair has replaced the base: what starts from it is never repaired.
    """

    message: str
    hint: str
    final: bool = False


def base_fault(place: Place, plan: Plan, as_of: int, size: int) -> Fault | None:
    """Say why a plan's base may not be used at an instant; None: it may.

    Costs a decision over all documents for each of our models behind it.
    """
    found = origins(place, plan)
    if not found:
        return None
    models = _models(place)
    replaced = {body.get("supersedes"): name for name, body in models.items()}
    # The same bytes are a repaired model's export too where its group was not touched.
    one = next((each for each in found if each.model_id not in replaced), found[-1])
    what = f"its base is the export of group `{one.group}` of `{one.model_id}`, "
    if one.model_id in replaced:
        message = f"{what}which `{replaced[one.model_id]}` supersedes"
        return Fault(message, TRAIN_ANEW, final=True)
    body = models[one.model_id]
    own, _ = sealed_plans(place)[body["plan"]]
    now = standing(place, own, body["corpora"][0], as_of, size)
    wrong = {d.document_id for d in now.documents if d.group == one.group} & now.wrong
    if wrong:
        message = f"{what}with {len(wrong):,} documents that are no longer permitted"
        return Fault(message, f"run `assent forget`, {TRAIN_ANEW}")
    if one.group in now.suspended:
        message = f"{what}which order `{now.suspended[one.group]}` suspends"
        return Fault(message, "it can be used when the order is lifted")
    return base_fault(place, own, as_of, size)


def check_base(place: Place, plan: Plan) -> None:
    """Refuse a plan whose base may not be used now.

    Raises:
        DeniedError: the base is an export of ours that holds what is not permitted, or
            that a repair has replaced.
    """
    fault = base_fault(place, plan, place.clock(), place.book.size)
    if fault:
        raise DeniedError(f"`{plan.model}` is blocked: {fault.message}", fault.hint)


def behind(place: Place, plan: Plan) -> list[dict[str, Any]]:
    """List the models of this ledger that a plan's base comes from, as they are now.

    The nearest first; those that were repaired as repaired, those whose folder is gone
    not at all.
    """
    models, plans = _models(place), sealed_plans(place)
    found: dict[str, dict[str, Any]] = {}
    waiting = [plan]
    while waiting:
        for one in origins(place, waiting.pop()):
            body = _latest(models, one.model_id)
            name = body["model_id"]
            if name not in found and place.model_folder(name).exists():
                found[name] = body
                waiting.append(plans[body["plan"]][0])
    return list(found.values())


def check_comparable(place: Place, asked: bool) -> None:
    """Refuse an oracle where no two runs end alike: of private plans.

    Raises:
        UsageError: the served model, or one that its base comes from, is private.
    """
    served, plans = place.served_model(), sealed_plans(place)
    for model in (served, *behind(place, plans[served["plan"]][0])):
        plan, _ = plans[model["plan"]]
        if asked and plan.privacy is not None:
            raise UsageError(
                f"the plan of `{plan.model}` is differentially private: each run draws "
                "other noise, so there is no hash that an oracle could compare",
                hint="run `assent forget` without an oracle or an audit",
            )


def unserved(place: Place, plan: Plan) -> list[dict[str, Any]]:
    """List the models that nothing replaced and that are not the served one's bases.

    Args:
        place: the project.
        plan: of the served model.
    """
    models = _models(place)
    kept = {body["model_id"] for body in (place.served_model(), *behind(place, plan))}
    kept |= {body.get("supersedes") for body in models.values()}
    return [body for name, body in models.items() if name not in kept]


def _models(place: Place) -> dict[str, dict[str, Any]]:
    return {event.body["model_id"]: event.body for event in place.events_of(*MODELS)}


def _latest(models: dict[str, dict[str, Any]], model_id: str) -> dict[str, Any]:
    for body in models.values():  # in order: a repair comes after what it replaces
        if body.get("supersedes") == model_id:
            model_id = body["model_id"]
    return models[model_id]


def made_of(
    place: Place, model_id: str, groups: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """List the models that start from an export of some groups: (model id, base).

    Those that were replaced by a repair are left out.
    """
    digests = {
        event.body["digest"]
        for event in place.events_of(EventKind.MODEL_EXPORTED)
        if event.body["model_id"] == model_id and event.body["group"] in groups
    }
    models, plans = _models(place), sealed_plans(place)
    replaced = {body.get("supersedes") for body in models.values()}
    for name, body in models.items():
        base = plans[body["plan"]][0].base
        if base and base.digest in digests and name not in replaced:
            yield name, base.digest
