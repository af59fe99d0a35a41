"""Progress bars: one for each thing that is being done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)


@contextmanager
def bars(console: Console | None = None) -> Iterator[Callable[[str, int, int], None]]:
    """Show bars on standard error while the block runs.

    Yields:
        Called with what is done, how much, and of how much (0: not known yet).
    """
    columns = (
        TextColumn("  {task.description:<18}"),
        BarColumn(bar_width=32),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console or Console(stderr=True)) as shown:
        tasks = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=total or None)
            shown.update(tasks[what], completed=done, total=total or None)

        yield progress
