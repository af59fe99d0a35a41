"""The list for a platform's own mailer, and the same list with what it delivered.

A spreadsheet takes a cell that begins like a formula for one, and runs it. Such a cell
gets an apostrophe in front, which is taken away when the list is read back.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

from assent.errors import UsageError
from assent.terms import parse_time

COLUMNS = ("subject_id", "address", "language", "notice", "policy", "delivered_at")
# Source: OWASP, CSV Injection; with the wide forms of the same four characters.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")


@dataclass(frozen=True, slots=True)
class Row:
    """One person's line.

    Args:
        subject_id: who.
        address: her e-mail address; empty: none that can be used.
        language: of the notice.
        notice: its sha256.
        policy: that needs it.
        delivered_at: microseconds UTC; None: not yet.
    """

    subject_id: str
    address: str
    language: str
    notice: str
    policy: str
    delivered_at: int | None = None


def to_csv(rows: Iterable[Row]) -> bytes:
    """Write the list; `delivered_at` is left for the mailer to fill in."""
    text = io.StringIO()
    out = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    out.writerow(COLUMNS)
    for row in rows:
        cells = (row.subject_id, row.address, row.language, row.notice, row.policy, "")
        out.writerow(map(_harmless, cells))
    return text.getvalue().encode()


def from_csv(data: bytes, name: str) -> list[Row]:
    """Read the list back; lines whose `delivered_at` is empty are left out.

    Args:
        data: UTF-8, with or without a byte order mark.
        name: of the file, for messages.

    Raises:
        UsageError: it is not such a list; the message names the first line that is
            not as wanted.
    """
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"`{name}` is no CSV in UTF-8") from error
    if not rows or tuple(rows[0]) != COLUMNS:
        raise UsageError(
            f"`{name}` does not begin with the columns {', '.join(COLUMNS)}",
            hint="give back the file that `assent notify --csv` wrote, filled in",
        )
    found = []
    for number, cells in enumerate(rows[1:], start=2):
        row = _row(cells, f"`{name}`, row {number}")
        if row is not None:
            found.append(row)
    return found


def _row(cells: list[str], where: str) -> Row | None:
    if not any(cells):
        return None
    if len(cells) != len(COLUMNS):
        raise UsageError(
            f"{where} has {len(cells)} cells, wanted {len(COLUMNS)}",
            hint="nothing was recorded: correct the file",
        )
    who, address, language, notice, policy, delivered = map(_plain, cells)
    if not delivered.strip():
        return None
    try:
        at = parse_time(delivered.strip())
    except UsageError as error:
        raise UsageError(
            f"{where}: `delivered_at` is no instant with a time zone",
            hint="write it like 2025-11-03T00:00:00Z; nothing was recorded",
        ) from error
    return Row(who, address, language, notice, policy, at)


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _plain(cell: str) -> str:
    return cell.removeprefix("'")
