"""Commands about the ledger itself."""

import click

from assent.cli.root import cli, opened


@cli.group()
def ledger() -> None:
    """Check the ledger, and let others check it."""


@ledger.command()
@click.pass_context
def check(context: click.Context) -> None:
    """Hash every entry again, open every commitment, compare with the signed head.

    \b
    assent ledger check
    """
    with opened(context) as project:
        book = project.place.book
        book.check()
        head = book.head()
    click.echo(f"{head.size:,} entries, head {head.root.hex()[:16]}: whole")
