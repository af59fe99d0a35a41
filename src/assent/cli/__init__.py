"""The command line: one command a stage, in the order of the flow.

Nothing heavy is imported before a command runs: `assent --help` and `assent verify`
load no database and no torch.
"""

import sys

import click

from assent.cli import record, run, tell
from assent.cli.root import cli
from assent.errors import Error

__all__ = ["cli", "main", "record", "run", "tell"]


def main() -> None:
    """Run the command line; every error of ours is one sentence and one hint."""
    try:
        cli.main(standalone_mode=False)
    except Error as error:
        _complain(error.message, error.hint)
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        _complain("stopped; what was written is whole", "run the same command again")
        sys.exit(2)
    except click.ClickException as error:
        _complain(error.format_message().rstrip("."), "")
        sys.exit(2)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)


def _complain(message: str, hint: str) -> None:
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)
