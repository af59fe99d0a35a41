"""The command that imports many events at once."""

from pathlib import Path

import click

from assent.cli.ledger import ledger
from assent.cli.output import progress_bars
from assent.cli.root import opened

__all__ = ["import_", "ledger"]


@ledger.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--check", "only_check", is_flag=True, help="Check all, append nothing.")
@click.option(
    "--enrol", is_flag=True, help="Enrol whom no row enrols, at her first event."
)
@click.pass_context
def import_(
    context: click.Context, files: tuple[Path, ...], only_check: bool, enrol: bool
) -> None:
    """Import events from Parquet or CSV FILES, or folders of them: each event once.

    Needed columns: subject_id, kind, happened_at. Others: purpose, recipient,
    category, notice, valid_until, actor, channel, language, country, event_id. Rows
    stand in the order of happened_at.

    All files are checked before anything is appended. Whatever stops an import, the
    same command goes on where it stood; a file that is done appends nothing. Where
    files overlap, give each event an event_id.

    \b
    assent ledger import events.parquet
    assent ledger import exports/ --enrol
    assent ledger import 2024.csv 2025.csv --check
    """
    with opened(context) as project, progress_bars() as progress:
        done = project.import_events(
            files, enrol=enrol, only_check=only_check, progress=progress
        )
        head = project.place.book.head()
    for each in done:
        click.echo(each.line(only_check))
    click.echo(
        "checked, and nothing was appended"
        if only_check
        else f"ledger: {head.size:,} entries, head {head.root.hex()[:16]}"
    )
