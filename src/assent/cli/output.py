"""Tables and progress bars on a terminal."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


def show_table(
    columns: Sequence[str], rows: Sequence[Sequence[str | int]], title: str = ""
) -> None:
    """Print a table; numbers stand right, with thousands separated."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None)
    for name in columns:
        numeric = bool(rows) and all(
            isinstance(row[columns.index(name)], int) for row in rows
        )
        table.add_column(name, justify="right" if numeric else "left")
    for row in rows:
        # As `Text`: a name in square brackets is a name, not a colour.
        table.add_row(
            *(Text(f"{cell:,}" if isinstance(cell, int) else cell) for cell in row)
        )
    Console().print(table)


@contextmanager
def progress_bars() -> Iterator[Any]:
    """Show one progress bar for each thing that is being done."""
    from assent.demo.bars import bars

    with bars() as progress:
        yield progress
