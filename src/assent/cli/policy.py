"""Commands about policies: check, read, compare, preview, publish, suspend."""

import sys
from pathlib import Path

import click

from assent.cli.output import show_table
from assent.cli.root import InOrder, opened
from assent.errors import UsageError

FILE = click.Path(path_type=Path)


@click.group(cls=InOrder)
def policy() -> None:
    """Check, publish and compare policies; order and lift suspensions."""


@policy.command()
@click.argument("file", type=FILE)
@click.pass_context
def check(context: click.Context, file: Path) -> None:
    """Find what is wrong, useless or missing in a policy FILE, line by line.

    An error stands in the way of publishing (exit 1); a warning is most likely not
    what was meant; a note says what the policy is silent about.

    \b
    assent policy check policies/2025-11-03.toml
    """
    from assent.policy.findings import Severity

    with opened(context) as project:
        findings = project.check_policy(file)
    for finding in findings:
        click.echo(str(finding))
    severities = [each.severity for each in findings]
    counts = [(severities.count(each), str(each)) for each in Severity]
    click.echo(", ".join(f"{n} {what}{'' if n == 1 else 's'}" for n, what in counts))
    if Severity.ERROR in severities:
        sys.exit(1)


@policy.command()
@click.argument("file", type=FILE)
@click.pass_context
def show(context: click.Context, file: Path) -> None:
    """Tell in plain sentences what a policy FILE means for the people it is about.

    \b
    assent policy show policies/2025-11-03.toml
    """
    with opened(context) as project:
        click.echo("\n\n".join(project.show_policy(file)))


@policy.command()
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@click.pass_context
def diff(context: click.Context, old: Path, new: Path) -> None:
    """Tell in words what the policy file NEW changes against OLD.

    \b
    assent policy diff policies/2025-11-03.toml policies/2025-11-07.toml
    """
    with opened(context) as project:
        changes = project.diff_policies(old, new)
    for change in changes or ["nothing: both say the same"]:
        click.echo(change)


@policy.command()
@click.argument("files", type=FILE, nargs=-1, required=True, metavar="[OLD] NEW")
@click.option("--at", "as_of", help="The instant asked about. Default: NEW's start.")
@click.option("--recipient", "recipients", multiple=True, help="Default: all in use.")
@click.pass_context
def impact(
    context: click.Context,
    files: tuple[Path, ...],
    as_of: str | None,
    recipients: tuple[str, ...],
) -> None:
    """Preview whom and what the policy file NEW brings into use, or out of it.

    Compared with OLD, or with what is in force. Both count as if in force at the
    instant; nothing is published.

    \b
    assent policy impact policies/2025-11-07.toml
    assent policy impact policies/2025-11-03.toml policies/2025-11-07.toml
    """
    if len(files) > 2:
        raise UsageError(
            f"`policy impact` was given {len(files)} files, wanted 1 or 2",
            hint="name the new policy, or the old one and then the new one",
        )
    with opened(context) as project:
        old = files[0] if len(files) == 2 else None
        found = project.impact(
            files[-1], old, as_of=as_of, recipients=recipients or None
        )
        note = project.place.config.note
    for line in found.lines():
        click.echo(line)
    if rows := found.rows():
        show_table(["becomes", "by", "part", "documents", "people"], rows, note)
    elif note:
        click.echo(note)


@policy.command()
@click.argument("file", type=FILE)
@click.option(
    "--accept-unnotified",
    metavar="REASON",
    default="",
    help="Publish although people would be in use without a notice; REASON goes into "
    "the public ledger. Default: refuse.",
)
@click.pass_context
def publish(context: click.Context, file: Path, accept_unnotified: str) -> None:
    """Publish a policy FILE: from then on it can be in force.

    \b
    assent policy publish policies/2025-11-03.toml
    """
    with opened(context) as project:
        event = project.publish(file, accept_unnotified)
    if event is None:
        click.echo("this very policy is published already; nothing to do")
        return
    click.echo(f"published `{event.body['policy']}` as entry {event.number}")
    if accept_unnotified and "accepted_unnotified" not in event.body:
        click.echo(
            "nobody would be in use without a notice: the reason was not recorded"
        )


@policy.command()
@click.argument("order")
@click.option("--region", "regions", multiple=True, required=True)
@click.option("--recipient", default="*", help="Default: every recipient.")
@click.option("--category", default="*", help="Default: every category.")
@click.pass_context
def suspend(
    context: click.Context,
    order: str,
    regions: tuple[str, ...],
    recipient: str,
    category: str,
) -> None:
    """Suspend uses at once under the name ORDER; no training is needed.

    \b
    assent policy suspend ico-2024-09-20 --region UK
    """
    with opened(context) as project:
        project.suspend(order, regions, recipient=recipient, category=category)
        click.echo(f"suspended: `{order}`, from now on")


@policy.command()
@click.argument("order")
@click.pass_context
def lift(context: click.Context, order: str) -> None:
    """Lift the suspension ORDER.

    \b
    assent policy lift ico-2024-09-20
    """
    with opened(context) as project:
        project.lift(order)
        click.echo(f"lifted: `{order}`, from now on")


@policy.command()
@click.option(
    "--dialect",
    default="duckdb",
    show_default=True,
    help="duckdb, spark, trino, snowflake or bigquery.",
)
@click.option("--recipient", "recipients", multiple=True, help="Default: all in use.")
@click.option("--at", "as_of", help="The instant asked about. Default: now.")
@click.pass_context
def sql(
    context: click.Context,
    dialect: str,
    recipients: tuple[str, ...],
    as_of: str | None,
) -> None:
    """Print the decision query as a view that a warehouse can hold.

    It reads the flat tables documents, subjects, residences, mentions and events.

    \b
    assent policy sql --dialect spark
    assent policy sql --dialect snowflake --recipient microsoft
    """
    with opened(context) as project:
        click.echo(project.sql(dialect, as_of=as_of, recipients=recipients or None))
