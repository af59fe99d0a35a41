"""The command that tells people what a policy wants them to be told."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assent.cli.output import progress_bars, show_table
from assent.cli.root import opened
from assent.errors import UsageError

if TYPE_CHECKING:
    from assent.notify.channels import MailServer
    from assent.project import Project
    from assent.project.needing import Need
    from assent.project.notifying import Delivered

FILE = click.Path(path_type=Path)
WAYS = ("--dry-run", "--csv", "--delivered", "--smtp", "--webhook")


@click.command()
@click.argument("policy", type=FILE, required=False)
@click.option(
    "--dry-run", is_flag=True, help="Only count who needs a notice, by place."
)
@click.option("--csv", "list_file", type=FILE, help="Write a list; nobody is told yet.")
@click.option("--delivered", type=FILE, help="Record that list, filled in.")
@click.option("--smtp", metavar="HOST:PORT", help="Send one mail a person.")
@click.option("--from", "sender", help="The address that mails come from.")
@click.option("--title", help="The mails' subject. Default: the notice's first line.")
@click.option("--insecure", is_flag=True, help="Send mails without STARTTLS.")
@click.option("--webhook", metavar="URL", help="Make one signed call a person.")
@click.option("--language", help="Show NAME.<language>.md. Default: the policy's own.")
@click.option("--region", "regions", multiple=True, help="Only there. Default: all.")
@click.option(
    "--timeout",
    type=click.IntRange(1, 3600),
    default=30,
    show_default=True,
    help="Seconds to wait for an answer.",
)
@click.pass_context
def notify(
    context: click.Context,
    policy: Path | None,
    dry_run: bool,
    list_file: Path | None,
    delivered: Path | None,
    smtp: str | None,
    sender: str | None,
    title: str | None,
    insecure: bool,
    webhook: str | None,
    language: str | None,
    regions: tuple[str, ...],
    timeout: int,
) -> None:
    """Tell everybody who must be told what POLICY says, and record who was reached.

    POLICY is a policy file; what is in force by default. Only who was reached is
    recorded as told; exit 1 where somebody was not. User and password of a mail server
    are read from ASSENT_SMTP_USER and ASSENT_SMTP_PASSWORD, the secret of a webhook
    from ASSENT_WEBHOOK_SECRET.

    \b
    assent notify --dry-run
    assent notify policies/2026-01.toml --smtp mail.example:587 --from us@example.org
    assent notify --webhook https://platform.example/notices
    assent notify --csv notices.csv --language de --region DE
    assent notify --delivered notices.csv
    """
    given = (dry_run, list_file, delivered, smtp, webhook)
    if sum(map(bool, given)) != 1:
        raise UsageError(
            f"`notify` was given {sum(map(bool, given))} ways, wanted 1",
            hint=f"one of {', '.join(WAYS)}",
        )
    with opened(context) as project:
        if delivered:
            click.echo(
                f"recorded {project.record_delivered(delivered)} x notice_served"
            )
            return
        found = project.notices(policy, language, regions)
        if dry_run:
            _say(found)
            _show(project, found)
        elif list_file:
            lines = project.export_notices(found, list_file)
            _say(found)
            click.echo(f"wrote {lines} lines; nobody counts as told yet")
        elif smtp:
            _end(_mailed(project, found, smtp, sender, title, insecure, timeout))
        else:
            _end(_called(project, found, str(webhook), timeout))


def _say(found: "list[Need]") -> None:
    for line in (line for need in found for line in need.lines()):
        click.echo(line)


def _show(project: "Project", found: "list[Need]") -> None:
    from assent.project.needing import by_place

    columns = ["policy", "country", "people", "with an address"]
    show_table(columns, by_place(found), project.place.config.note)


def _mailed(
    project: "Project",
    found: "list[Need]",
    smtp: str,
    sender: str | None,
    title: str | None,
    insecure: bool,
    timeout: int,
) -> "Delivered":
    if sender is None:
        raise UsageError("`--smtp` needs `--from`, the address that mails come from")
    with _server(smtp, insecure, timeout) as server:
        _say(found)
        with progress_bars() as progress:
            return project.notify_by_mail(found, server, sender, title, progress)


def _server(smtp: str, insecure: bool, timeout: int) -> "MailServer":
    """Connect to the mail server, by an encrypted line unless it is this machine."""
    from assent.notify.channels import MailServer, is_loopback

    host, _, port = smtp.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise UsageError(
            f"`--smtp {smtp}` names no server", hint="write it like mail.example:587"
        )
    here = is_loopback(host)
    user, password = (os.environ.get(f"ASSENT_SMTP_{n}") for n in ("USER", "PASSWORD"))
    credentials = (user, password) if user and password else None
    if credentials and insecure and not here:
        raise UsageError(
            "a password is not sent over an open line",
            hint="leave `--insecure` out, or unset ASSENT_SMTP_PASSWORD",
        )
    encrypted = not (here or insecure)
    return MailServer(host.strip("[]"), int(port), encrypted, credentials, timeout)


def _called(
    project: "Project", found: "list[Need]", url: str, timeout: int
) -> "Delivered":
    from assent.notify.channels import Webhook, webhook_url

    secret = os.environ.get("ASSENT_WEBHOOK_SECRET") or None
    with Webhook(webhook_url(url), timeout) as hook:
        _say(found)
        if secret is None:
            click.echo("signed by `secrets/webhook.key`: its hexadecimal is the secret")
        with progress_bars() as progress:
            return project.notify_by_webhook(found, hook, secret, progress)


def _end(done: "Delivered") -> None:
    for line in done.lines():
        click.echo(line)
    if not done.complete:
        sys.exit(1)
