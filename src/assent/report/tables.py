"""Tables of a replay, the same for the terminal and the page."""

from collections.abc import Sequence

from assent.report.replay import Snapshot

Table = tuple[list[str], list[list[str | int]]]


def replay_rows(snapshots: Sequence[Snapshot]) -> Table:
    """One row a date and way: people and documents in use, and use without proof."""
    columns = [
        "date",
        "way",
        "people",
        "documents",
        "before told",
        "after objecting",
        "perhaps under age",
        "age unknown",
    ]
    rows: list[list[str | int]] = [
        [
            each.at[:10],
            each.way,
            each.people_in_use,
            each.documents_in_use,
            each.used_before_told,
            each.used_after_objecting,
            each.used_under_age,
            each.used_age_unknown,
        ]
        for each in snapshots
    ]
    return columns, rows


def region_rows(snapshots: Sequence[Snapshot], noun: str) -> Table:
    """One row a date and way, one column a region: `people` or `documents` in use."""
    counts = [getattr(each, f"{noun}_by_region") for each in snapshots]
    regions = sorted({region for found in counts for region in found})
    rows: list[list[str | int]] = [
        [each.at[:10], each.way, *(found.get(region, 0) for region in regions)]
        for each, found in zip(snapshots, counts, strict=True)
    ]
    return ["date", "way", *regions], rows


def reason_rows(snapshots: Sequence[Snapshot], noun: str = "people") -> Table:
    """One row a date and way, one column a reason: who or what is not in use, and why.

    Reasons that never occur have no column.
    """
    counts = [getattr(each, f"{noun}_by_reason") for each in snapshots]
    reasons = sorted({reason for found in counts for reason in found})
    rows: list[list[str | int]] = [
        [each.at[:10], each.way, *(found.get(reason, 0) for reason in reasons)]
        for each, found in zip(snapshots, counts, strict=True)
    ]
    return ["date", "way", *(name.replace("_", " ") for name in reasons)], rows


def by_date(table: Table, way: str) -> Table:
    """Turn a table of dates and ways around: one column a date of one way.

    A date stands as three short lines, so that ten of them fit on a terminal.
    """
    columns, rows = table
    mine = [row for row in rows if row[1] == way]
    dates = [str(row[0])[2:].replace("-", "\n") for row in mine]
    turned: list[list[str | int]] = [
        [name, *(row[n] for row in mine)]
        for n, name in enumerate(columns)
        if n >= 2 and any(row[n] for row in mine)
    ]
    return ["", *dates], turned
