"""Commands about the ledger itself."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from assent.cli.root import InOrder, opened
from assent.errors import ProofError, UsageError
from assent.terms import iso

if TYPE_CHECKING:
    from assent.project.stamping import Stamped


@click.group(cls=InOrder)
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
        left = book.check()
        head = book.head()
    click.echo(f"{head.size:,} entries, head {head.root.hex()[:16]}: whole")
    for found in left:
        click.echo(f"note: {found}")


@ledger.command()
@click.pass_context
def key(context: click.Context) -> None:
    """Print the ledger's verifier key, for witnesses, monitors and auditors.

    \b
    assent ledger key
    """
    with opened(context) as project:
        click.echo(project.place.book.verifier_key)


@ledger.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.pass_context
def publish(context: click.Context, folder: Path) -> None:
    """Bring FOLDER up to the ledger's head: files that any web server can hand out.

    It holds entries, hashes and the signed head, and nothing that names a person.
    `assent monitor` follows it, as do other programs for logs (C2SP tlog-tiles). Only
    what is new is written, the head last. A folder that is ahead of the ledger, or of
    another history, is refused. The project's witnesses are asked first.

    \b
    assent ledger publish /srv/www/ledger
    """
    from assent.cli.output import progress_bars
    from assent.project.publishing import publish as published

    with opened(context) as project, progress_bars() as progress:
        done = published(project.place, folder, progress)
    count = done.cosignatures
    witnesses = f", {count} cosignature{'' if count == 1 else 's'}" if count else ""
    click.echo(
        f"{done.head.size:,} entries ({done.head.size - done.before:,} new), head "
        f"{done.head.root.hex()[:16]}{witnesses}: in `{folder.name}`"
    )


@ledger.command()
@click.argument("number", type=int)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="The file to write, such as `entry-7.tlog-proof`.",
)
@click.option(
    "--entry",
    "entry_file",
    type=click.Path(path_type=Path),
    help="Also write the entry itself, which the proof does not hold.",
)
@click.pass_context
def proof(
    context: click.Context, number: int, out: Path, entry_file: Path | None
) -> None:
    """Write a proof that entry NUMBER stands in the ledger.

    It is a C2SP tlog-proof file: checked offline, also by other programs, together
    with the entry. Here `assent verify ENTRY --proof FILE --key KEY` does it.

    \b
    assent ledger proof 7 --out entry-7.tlog-proof --entry entry-7.json
    assent verify entry-7.json --proof entry-7.tlog-proof --key "$(cat ledger.vkey)"
    """
    from assent.files import write_whole
    from assent.project.cosigning import entry_proof

    with opened(context) as project:
        text, entry = entry_proof(project.place, number)
    if entry_file:
        write_whole(entry_file, entry)
    write_whole(out, text.encode())
    click.echo(f"entry {number} is proved by `{out.name}`")


@ledger.command()
@click.option("--tsa", "url", help="URL of an RFC 3161 time stamp authority.")
@click.option(
    "--request",
    type=click.Path(path_type=Path),
    help="Write the request to this file instead, to be carried there.",
)
@click.option(
    "--response",
    type=click.Path(path_type=Path),
    help="Keep the authority's answer from this file.",
)
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    help="Certificates that are trusted, in PEM. Needed to keep a stamp.",
)
@click.pass_context
def stamp(
    context: click.Context,
    url: str | None,
    request: Path | None,
    response: Path | None,
    root: Path | None,
) -> None:
    """Have the signed head stamped with a time by somebody else.

    A stamp that does not verify is not kept. Those that do lie in `stamps`, each beside
    the head that it is about.

    \b
    assent ledger stamp --tsa https://tsa.example/ --root tsa-root.pem
    assent ledger stamp --request head.tsq
    assent ledger stamp --response head.tsr --root tsa-root.pem
    """
    from assent.project.stamping import keep_response, stamp_by_url, write_request

    if sum(each is not None for each in (url, request, response)) != 1:
        raise UsageError(
            "wanted one of `--tsa`, `--request` and `--response`",
            hint="`assent ledger stamp --help` shows all three ways",
        )
    if request is None and root is None:
        raise UsageError(
            "`--root` is missing: a stamp that is not verified is not kept",
            hint="give the root certificate of the authority, in PEM",
        )
    with opened(context) as project:
        if request is not None:
            size = write_request(project.place, request)
            click.echo(f"`{request.name}` asks to stamp the head of {size:,} entries")
            return
        roots = root.read_bytes() if root else b""
        found = (
            keep_response(project.place, response.read_bytes(), roots)
            if response is not None
            else stamp_by_url(project.place, str(url), roots)
        )
    click.echo(_stamped(found))


@ledger.command()
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    required=True,
    help="Certificates that are trusted, in PEM.",
)
@click.pass_context
def stamps(context: click.Context, root: Path) -> None:
    """Verify every time stamp that is kept, and list them.

    \b
    assent ledger stamps --root tsa-root.pem
    """
    from assent.project.stamping import kept_stamps

    with opened(context) as project:
        found = list(kept_stamps(project.place, root.read_bytes()))
    for each in found:
        click.echo(_stamped(each))
    if not found:
        click.echo("no time stamp is kept")


def _stamped(found: "Stamped") -> str:
    return (
        f"{iso(found.stamp.at)}  head of {found.size:,} entries, stamped by "
        f"{found.stamp.authority}: `stamps/{found.response.name}`"
    )


@ledger.command()
@click.option(
    "--again",
    is_flag=True,
    help="Ask also who has signed this head: a monitor with `--fresh` wants new times "
    "of a ledger to which nothing is added.",
)
@click.pass_context
def cosign(context: click.Context, again: bool) -> None:
    """Ask the project's witnesses to cosign the ledger's head.

    The witnesses and how many are enough stand in the policy file that `witnesses` in
    `assent.toml` names. Whoever has not signed the present head is asked. A witness
    that contradicts the ledger stops all that would be handed out (exit 1), until it
    signs again or is out of the policy.

    \b
    assent ledger cosign
    assent ledger cosign --again
    """
    from assent.project.cosigning import ALARM_HINT, cosign_head, witness_policy

    with opened(context) as project:
        policy = witness_policy(project.place)
        if policy is None:
            raise UsageError(
                "the project has no witnesses: nobody else signs its heads",
                hint="name a policy file with `witnesses` under `[project]` in "
                "`assent.toml`; `docs/formats.md` shows one",
            )
        found = cosign_head(project.place, policy, again=again)
    for name, one in found.cosigned.items():
        click.echo(f"{iso(one.timestamp * 1_000_000)}  `{name}` ({one.name}) cosigned")
    for each in found.asked:
        if not each.line:
            mark = "ALARM" if each.alarm else "missing"
            click.echo(f"{mark}: `{each.name}` {each.why}")
    if found.alarms:
        raise ProofError("a witness contradicts this ledger", hint=ALARM_HINT)
    if not found.met:
        lacks = "was not reached again" if again else "does not hold"
        raise ProofError(
            f"the quorum `{policy.quorum}` {lacks} for the head of "
            f"{found.size:,} entries",
            hint="run it again when the missing witnesses answer",
        )
    click.echo(f"the quorum `{policy.quorum}` holds for {found.size:,} entries")
