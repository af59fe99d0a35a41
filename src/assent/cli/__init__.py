"""The command line: one command a stage, in the order of the flow.

Nothing heavy is imported before a command runs: `assent --help` and `assent verify`
load no database and no torch.
"""

import errno
import os
import sys
from pathlib import Path

import click

from assent.cli import record, run, tell
from assent.cli.root import cli
from assent.errors import Error

__all__ = ["cli", "main", "record", "run", "tell"]


def main() -> None:
    """Run the command line; every error is one sentence, and a hint where one helps."""
    try:
        cli.main(prog_name="assent", standalone_mode=False)
    except Error as error:
        _complain(error.message, error.hint)
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        _complain("stopped; what was written is whole", "run the same command again")
        sys.exit(2)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.ClickException as error:
        said = error.format_message().rstrip(".").replace("'", "`")
        _complain(said[:1].lower() + said[1:], _help_of(error))
        sys.exit(2)
    except OSError as error:
        _complain(_said_by_the_system(error), _way_out(error))
        sys.exit(2)
    except UnicodeEncodeError:
        if not any("\ud800" <= c <= "\udfff" for c in "".join(sys.argv)):
            raise  # not what was typed, so a mistake of ours
        _complain("an argument is not text in UTF-8", "check how the shell writes it")
        sys.exit(2)
    except MemoryError:
        _complain("there is not enough memory for this", "free some, then run it again")
        sys.exit(2)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)


def _help_of(error: click.ClickException) -> str:
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"`{error.ctx.command_path} --help` shows how it is written"
    return ""


def _said_by_the_system(error: OSError) -> str:
    """Name the file, not its path: a message says nothing of this machine's folders."""
    # Not `strerror`: a library may put the whole path there.
    why = os.strerror(error.errno).lower() if error.errno else "no reason was given"
    name = Path(str(error.filename)).name if error.filename else "a file or folder"
    return f"`{name}` cannot be read or written: {why}"


def _way_out(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "free some space, then run the same command again"
    return "check the path and who may read and write there"


def _complain(message: str, hint: str) -> None:
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)
