"""Replay a case on a project's own people and documents."""

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq

from assent.canon import canonical
from assent.decide import ask, places
from assent.files import write_whole
from assent.policy.model import in_force
from assent.policy.regions import UNKNOWN
from assent.project.place import Place, Progress
from assent.report.case import ASSENT, OPERATOR, Case
from assent.report.replay import Person, Snapshot, heard, snapshot


def replay(place: Place, case: Case, progress: Progress) -> list[Snapshot]:
    """Decide every document on every date of the case, both ways.

    The operator's policies count from their own dates and are in no ledger; ours count
    from the later of their date and their publication. The events are this ledger's.
    """
    size = place.book.size
    persons, known = _persons(place, case), heard(place.book.events(size))
    found = []
    with closing(place.engine(size)) as engine:
        for number, (at, what) in enumerate(case.dates):
            for way in (OPERATOR, ASSENT):
                versions = case.operator if way == OPERATOR else case.assent
                question = ask(
                    in_force(versions, at),
                    case.suspensions(at),
                    case.declared,
                    place.config.purpose,
                    place.config.recipients,
                    at,
                    size,
                )
                decided = engine.decide(question)
                people = persons(engine.living(question))
                recipients = place.config.recipients
                found.append(
                    snapshot(at, what, way, decided, people, known, recipients)
                )
            progress("replay", number + 1, len(case.dates))
    return found


def write_replay(place: Place, snapshots: list[Snapshot], folder: Path) -> None:
    """Write `replay.json` and `replay.svg`."""
    from assent.report.plot import replay_svg

    config = place.config
    rows = [each.to_json() for each in snapshots]
    found = {"choices": config.choices, "snapshots": rows}
    plot = replay_svg(snapshots, note=config.note)
    write_whole(folder / "replay.json", canonical(found))
    write_whole(folder / "replay.svg", plot.encode())


def _persons(
    place: Place, case: Case
) -> Callable[[Mapping[str, str | None]], dict[str, Person]]:
    """Label every subject with the finest region that any policy of the case knows.

    Returns:
        The country of each at an instant -> the subjects as they are then.
    """
    orders = [order.suspension for order in case.orders]
    region_of = places(case.policies(), orders)
    columns = ["subject_id", "birth_year", "age_band"]
    rows = pq.read_table(place.tables().subjects, columns=columns).to_pylist()

    def persons(homes: Mapping[str, str | None]) -> dict[str, Person]:
        return {
            who: Person(region_of.get(homes[who] or "", UNKNOWN), *ages)
            for who, *ages in (row.values() for row in rows)
        }

    return persons
