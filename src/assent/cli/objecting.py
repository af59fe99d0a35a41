"""The command by which people who are not members have their names removed."""

import sys
from collections.abc import Iterable

import click

from assent.cli.output import show_table
from assent.cli.root import opened
from assent.errors import UsageError

KINDS = ("name", "email", "handle", "phone", "url")


@click.command("object")
@click.option("--name", multiple=True, help="As it is written: name and surname.")
@click.option("--email", multiple=True, help="An address.")
@click.option("--handle", multiple=True, help="With or without `@`.")
@click.option("--phone", multiple=True, help="With the country code.")
@click.option("--url", multiple=True, help="Of a page about her.")
@click.option(
    "--stdin",
    "from_stdin",
    is_flag=True,
    help="Read `KIND: VALUE`, one a line: options stay in a shell's history.",
)
@click.option("--list", "show", is_flag=True, help="List ids and dates only.")
@click.option("--remove", metavar="ID", help="Forget the objector of this id.")
@click.pass_context
def object_(
    context: click.Context,
    name: tuple[str, ...],
    email: tuple[str, ...],
    handle: tuple[str, ...],
    phone: tuple[str, ...],
    url: tuple[str, ...],
    from_stdin: bool,
    show: bool,
    remove: str | None,
) -> None:
    """Register that somebody who is NOT a member wants to be in no text.

    Her names, addresses, handles and numbers are removed from every corpus that is
    built from now on, whoever wrote them. Only keyed tags of them are kept. She gets an
    id and a receipt. A member says no with `assent record objected`: that is about what
    she wrote herself.

    \b
    assent object --stdin
    assent object --name "Anna Example" --email anna@mail.example
    assent object --list
    assent object --remove 3f9c0a51d2e47b68
    """
    given = dict(zip(KINDS, (name, email, handle, phone, url), strict=True))
    wanted = [bool(from_stdin or any(given.values())), show, remove is not None]
    if sum(wanted) != 1:
        raise UsageError(
            "say one thing: whom to remove, `--list`, or `--remove ID`",
            hint="values are given as options or with `--stdin`",
        )
    if from_stdin:
        given = _read(sys.stdin, given)
    with opened(context) as project:
        if show:
            rows = [list(each) for each in project.objectors().items()]
            show_table(["objector", "since"], rows)
        elif remove is not None:
            entry = project.remove_objector(remove)
            click.echo(f"objector {remove} is removed: ledger entry {entry}")
        else:
            for line in project.object(given).lines():
                click.echo(line)


def _read(
    lines: Iterable[str], given: dict[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Read `KIND: VALUE` lines; what is wrong is named by its line alone."""
    found = {kind: list(values) for kind, values in given.items()}
    try:
        for number, line in enumerate(lines, start=1):
            kind, colon, value = line.partition(":")
            if not line.strip():
                continue
            if not colon or kind.strip().lower() not in found or not value.strip():
                raise UsageError(
                    f"line {number} of the input is no `KIND: VALUE`",
                    hint=f"kinds are {', '.join(KINDS)}",
                )
            found[kind.strip().lower()].append(value.strip())
    except UnicodeDecodeError as error:
        raise UsageError("the input is not UTF-8") from error
    return {kind: tuple(values) for kind, values in found.items()}
