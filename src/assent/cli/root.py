"""The group that all commands belong to, and the project they work on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from assent import __version__

if TYPE_CHECKING:
    from assent.project import Project

Command = TypeVar("Command", bound=Callable[..., object])

EXIT_CODES = """\b
Exit codes: 0 done, 1 it ran and the answer is no, 2 it could not run.
"""


class InOrder(click.Group):
    """Commands in the order of the flow, not of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names as they were added."""
        return list(self.commands)


@click.group(cls=InOrder, epilog=EXIT_CODES)
@click.version_option(__version__, prog_name="assent")
@click.option(
    "--project",
    "folder",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Project folder. Default: the folder you are in.",
)
@click.pass_context
def cli(context: click.Context, folder: Path) -> None:
    """Train generative models only on what people agreed to, and prove it.

    \b
    ledger | policy -> decide -> corpus -> train -> forget -> prove -> report
    """
    context.obj = folder


def on_engine(command: Command) -> Command:
    """Let a command run on the engine that `--engine` and `--master` name."""
    for option in (
        click.option(
            "--master",
            help="Of Spark: `spark://HOST:PORT`. Its workers share the project folder.",
        ),
        click.option(
            "--engine",
            default="duckdb",
            show_default=True,
            help="`duckdb`, here, or `spark`, on a cluster: the same answers.",
        ),
    ):
        command = option(command)
    return command


on_cluster = click.option(
    "--on",
    default="",
    help="A Ray cluster, `ray://HOST:PORT`: the same bits. Its nodes share the project "
    "folder. Default: processes here.",
)


def say_found(project: "Project") -> None:
    """Say what a writer that was cut off has left, and that it is mended."""
    for finding in project.place.book.findings:
        click.echo(f"note: {finding}", err=True)


@contextmanager
def opened(
    context: click.Context, engine: str = "duckdb", master: str | None = None
) -> Iterator["Project"]:
    """Open the project that `--project` names, and close it again."""
    from assent.project import Project

    project = Project.open(context.obj, engine=engine, master=master or "")
    say_found(project)
    try:
        yield project
    finally:
        project.close()
