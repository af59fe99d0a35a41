"""What a repair leaves undone: descendants that are blocked, or must be deleted."""

from collections.abc import Iterator
from pathlib import Path

from assent.corpus.manifest import MANIFEST
from assent.project.building import sealed_plans
from assent.project.descending import base_fault, unserved
from assent.project.exporting import take_away
from assent.project.passing import denied
from assent.project.place import Place
from assent.project.serving import standing
from assent.train.component import digest_of
from assent.train.plan import Plan


def unrepaired(place: Place, plan: Plan) -> Iterator[str]:
    """Say what of the descendants is not repaired, and what must be done about it.

    Exports of models that are not served are taken away where they hold such words.

    Args:
        place: the project.
        plan: of the served model.
    """
    now, size = place.clock(), place.book.size
    if fault := base_fault(place, plan, now, size):
        name = place.served_model()["model_id"]
        yield f"model {name} is blocked: {fault.message}"
        yield f"to go on: {fault.hint}"
        base = place.config.base_folder
        if fault.final and base and plan.base and _is(base, plan.base.digest):
            yield f"delete the folder `{base.name}` of `[base]`: it is that export"
    for body in unserved(place, plan):
        name, corpus_id = body["model_id"], body["corpora"][0]
        known = (place.corpus_folder(corpus_id) / MANIFEST).exists()
        own, _ = sealed_plans(place)[body["plan"]]
        if known and not standing(place, own, corpus_id, now, size).wrong:
            continue
        if take_away(place, name):
            yield f"exports of {name}, which is not served, are taken away"
        if place.model_folder(name).exists():
            holds = "holds" if known else "may hold"
            yield (
                f"model {name} is not served, and {holds} what is no longer permitted: "
                f"delete the folder `models/{name}`"
            )
    for one, documents in denied(place, now, size):
        yield (
            f"{one.share_id} gave {len(documents):,} such documents to "
            f"`{one.recipient}`: run `assent pass-on`"
        )


def _is(base: Path, digest: str) -> bool:
    return base.is_dir() and digest_of(base) == digest
