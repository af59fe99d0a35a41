"""Merged models: a group of what is served, in one folder that others can load.

They lie in `exports/<model id>/<group>/`, and exist once `<group>.json` beside it says
what they were merged from. A repair takes those of the old model away and makes those
of the new one.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assent.canon import canonical
from assent.errors import DeniedError, UsageError
from assent.files import publish_folder, write_whole
from assent.project.place import Place
from assent.project.refuted import remove
from assent.project.training import check_served, logged, model_now
from assent.terms import EventKind
from assent.train.component import digest_of
from assent.train.plan import Plan

FOLDER = "exports"


@dataclass(frozen=True, slots=True)
class Exported:
    """A merged model.

    Args:
        model_id: of what it was merged from.
        group: likewise.
        shards: how many.
        folder: where it lies.
        digest: of its files, as of a base.
        memory: whether the plan has one, which no merge takes along.
    """

    model_id: str
    group: str
    shards: int
    folder: Path
    digest: str
    memory: bool = False

    def lines(self) -> list[str]:
        """Say it in lines for a terminal."""
        shards = "1 shard" if self.shards == 1 else f"{self.shards} shards"
        return [
            f"group `{self.group}` of {self.model_id}, {shards} merged: "
            f"`{FOLDER}/{self.model_id}/{self.group}`",
            f"digest {self.digest}",
            *(["the plan's memory is not in it"] if self.memory else []),
        ]


def export(
    place: Place, group: str, of_model: dict[str, Any] | None = None
) -> Exported:
    """Merge the shards of a group, all of which may be served at this instant.

    What was merged from the same shards before is taken as it is.

    Args:
        place: the project.
        group: of the model.
        of_model: body of the model's entry; the served one by default.

    Raises:
        UsageError: no model is trained, or it has no such group.
        DeniedError: a shard of it is in quarantine, or the group is suspended or empty.
        TrainError: a checkpoint is damaged, or `transformers` is not installed.
    """
    model, plan, now = model_now(place, of_model or place.served_model())
    model_id = str(model["model_id"])
    if group not in {each.name for each in plan.groups}:
        known = ", ".join(each.name for each in plan.groups)
        raise UsageError(
            f"`{model_id}` has no group `{group}`", hint=f"its groups: {known}"
        )
    if group in now.suspended:
        raise DeniedError(
            f"group `{group}` is suspended by order `{now.suspended[group]}`",
            hint="it can be exported when the order is lifted",
        )
    if held := sorted(shard for name, shard in now.quarantined if name == group):
        raise DeniedError(
            f"{len(held)} shards of group `{group}` were trained on what is no longer "
            "permitted",
            hint="run `assent forget`, then export again",
        )
    shards = now.serving.get(group, [])
    if not shards:
        raise DeniedError(
            f"group `{group}` of `{model_id}` holds no documents",
            hint="the clean base answers for it, and that is no merge",
        )
    known_states = check_served(place, model, plan, {group: shards})
    return _export(
        place,
        plan,
        {
            "v": 1,
            "model": model_id,
            "plan": plan.digest,
            "group": group,
            "shards": [[s, known_states[group, s].digest] for s in shards],
        },
    )


def _export(place: Place, plan: Plan, wanted: dict[str, Any]) -> Exported:
    from assent.train.export import merged, write

    model_id, group, states = wanted["model"], wanted["group"], wanted["shards"]
    folder = place.folder / FOLDER / model_id
    target = folder / group
    digest = _whole(folder, group, wanted)
    if not digest:
        _remove(folder, group)
        # Crash here: no export of this group; the next run makes it.
        shards = [shard for shard, _ in states]
        base = place.config.base_folder
        weights = merged(plan, place.model_folder(model_id), group, shards, base)
        draft = folder / f".{group}"
        remove(draft)
        write(plan, weights, base, draft)
        digest = digest_of(draft)
        publish_folder(draft, target)
        # Crash here: a folder without its JSON, so the export does not exist.
        _log(place, model_id, group, digest)
        # Crash here: logged, and made again by the next run: the same bytes.
        about = canonical(wanted | {"digest": digest})
        write_whole(_about(folder, group), about)
    else:
        _log(place, model_id, group, digest)  # made before exports were logged
    remembers = plan.memory is not None
    return Exported(model_id, group, len(states), target, digest, remembers)


def _log(place: Place, model_id: str, group: str, digest: str) -> None:
    """Log an export, once: what starts from it is found by its digest."""
    body = {"model_id": model_id, "group": group, "digest": digest}
    before = place.events_of(EventKind.MODEL_EXPORTED)
    if all(event.body != body for event in before):
        place.book.publish(EventKind.MODEL_EXPORTED, place.clock(), body)


def _whole(folder: Path, group: str, wanted: dict[str, Any]) -> str:
    """Give the digest of an export that is whole and merged from just these shards."""
    about = _about(folder, group)
    if not (about.exists() and (folder / group).is_dir()):
        return ""
    digest = digest_of(folder / group)
    same = about.read_bytes() == canonical(wanted | {"digest": digest})
    return digest if same else ""


def _about(folder: Path, group: str) -> Path:
    return folder / f"{group}.json"


def _remove(folder: Path, group: str) -> None:
    _about(folder, group).unlink(missing_ok=True)
    # Crash here: a folder without its JSON, so the export does not exist.
    remove(folder / group)


def take_away(place: Place, model_id: str) -> bool:
    """Remove all exports of a model; says whether there were any."""
    folder = place.folder / FOLDER / model_id
    found = folder.exists()
    for about in sorted(folder.glob("*.json")):
        _remove(folder, about.stem)
        # Crash here: the others are still listed, or lie there without their JSON.
    remove(folder)
    return found


def rebuild(place: Place, old_model: str, repaired: str) -> tuple[str, ...]:
    """Make a repaired model's exports, and take away those of the model before.

    Returns:
        What was done, one line an export.

    Raises:
        TrainError: as `export`; run again, it goes on.
    """
    folder = place.folder / FOLDER / old_model
    lines = []
    for about in sorted(folder.glob("*.json")):
        group = about.stem
        try:
            made = export(place, group, logged(place, repaired).body)
            lines.append(f"export of group `{group}` made anew: digest {made.digest}")
        except DeniedError as error:
            lines.append(f"export of group `{group}` taken away: {error}")
        _remove(folder, group)
        # Crash here: the others are still listed; the next repair comes here again.
    remove(folder)
    return tuple(lines)
