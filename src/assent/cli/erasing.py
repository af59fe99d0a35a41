"""The command that erases a person."""

import sys
from pathlib import Path

import click

from assent.cli.output import progress_bars, show_table
from assent.cli.root import opened


@click.command()
@click.argument("subject")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder for her final bundles: hand them to her. Outside the project.",
)
@click.pass_context
def erase(context: click.Context, subject: str, out: Path) -> None:
    """Erase SUBJECT: her data, her secret, and what opens her entries in the log.

    Only when she asked for it (`assent record erased`), and when no model, corpus,
    handover or unfinished work holds her: else it says what comes first, changes
    nothing, and exits with 1. First her final bundles are written and verified; after
    that nobody but she can make one. A model whose corpus was deleted gets none, and
    is named. Backups hold her until they expire: docs/backups.md.

    \b
    assent record erased u42
    assent forget
    assent erase u42 --out for-u42
    """
    from assent.project.erasing import SHOWN

    with opened(context) as project, progress_bars() as progress:
        done = project.erase(subject, out, progress)
    for line in done.lines():
        click.echo(line)
    if done.todo:
        sys.exit(1)
    if not done.nothing_held:
        show_table(["who", "can still show"], SHOWN)
