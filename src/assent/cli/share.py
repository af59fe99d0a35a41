"""Commands about recipients: hand over, pass withdrawals on, apply, acknowledge."""

import time
from pathlib import Path

import click

from assent.cli.output import progress_bars
from assent.cli.root import opened

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("what")
@click.option("--to", "recipient", required=True, help="A declared recipient.")
@click.option("--out", type=PATH, required=True, help="The folder to make.")
@click.pass_context
def share(context: click.Context, what: str, recipient: str, out: Path) -> None:
    """Hand WHAT, a corpus or a model, over to a recipient.

    Every document is decided again now, for this recipient. A corpus goes without what
    is not permitted; a model goes whole, or not at all (exit 1).

    \b
    assent share corpus-43c240a9a0f19d88 --to partner --out handover
    assent share model-7947f02f769561a1 --to partner --out handover
    """
    with opened(context) as project, progress_bars() as progress:
        shared = project.share(what, recipient, out, progress)
    for line in shared.lines():
        click.echo(line)


@click.command("pass-on")
@click.option("--to", "recipient", help="Default: every recipient.")
@click.option("--out", type=PATH, required=True, help="Folder for the change files.")
@click.option(
    "--deadline-days",
    "days",
    default=7,
    show_default=True,
    help="Until when it must be removed.",
)
@click.pass_context
def pass_on(
    context: click.Context, recipient: str | None, out: Path, days: int
) -> None:
    """Write a signed change file for each handover that must shrink.

    All that was handed over is decided again. Files that are not acknowledged yet are
    written again, so that one that was lost can be sent once more.

    \b
    assent pass-on --out outbox
    assent pass-on --to partner --out outbox --deadline-days 3
    """
    with opened(context) as project:
        passed = project.pass_on(out, recipient, days)
    for line in passed.lines():
        click.echo(line)


@click.command()
@click.argument("change", type=PATH)
@click.argument("folder", type=PATH)
@click.option("--key", required=True, help="The verifier key of who handed it over.")
@click.option(
    "--sign-with",
    "key_file",
    type=PATH,
    help="Your key, drawn there (mode 0600) if it is not there yet. Default: not "
    "signed.",
)
def apply(change: Path, folder: Path, key: str, key_file: Path | None) -> None:
    """Remove from FOLDER what the CHANGE file names, and write the acknowledgement.

    For the recipient: no project and no network is needed. A change that is not signed,
    not the next one, or about another folder is refused (exit 1).

    \b
    assent apply change-001.json handover --key KEY --sign-with partner.key
    """
    from assent.share.folder import apply as apply_change

    done = apply_change(change, folder, key, time.time_ns() // 1000, key_file)
    for line in done.lines():
        click.echo(line)


@click.command()
@click.argument("file", type=PATH)
@click.option("--key", help="The recipient's verifier key. Default: the one kept.")
@click.pass_context
def acknowledge(context: click.Context, file: Path, key: str | None) -> None:
    """Check a recipient's acknowledgement FILE, and record it in the ledger.

    The first key that a recipient signs with is kept; later ones must be the same.

    \b
    assent acknowledge acknowledgement-001.json
    """
    with opened(context) as project:
        event = project.acknowledge(file, key)
    body = event.body
    signer = "signed" if body["verifier_key"] else "not signed"
    click.echo(
        f"change {body['number']} of {body['share_id']} is acknowledged by "
        f"`{body['recipient']}` ({signer}): entry {event.number}"
    )
