"""Commands that hand papers out: receipts for people, signatures for models."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from assent.cli.root import opened
from assent.errors import UsageError

if TYPE_CHECKING:
    from assent.receipt.verify import Receipt

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("subject")
@click.option("--entry", type=int, help="Of this ledger entry. Default: her latest.")
@click.option("--all", "every", is_flag=True, help="Of every event: --out is a folder.")
@click.option(
    "--out", type=PATH, required=True, help="The file, or with --all a folder."
)
@click.option(
    "--cose",
    type=PATH,
    help="Also write a COSE statement of the entry with its receipt (RFC 9942), for "
    "programs of SCITT: the log's leaf is the entry in it, not the statement.",
)
@click.pass_context
def receipt(
    context: click.Context,
    subject: str,
    entry: int | None,
    every: bool,
    out: Path,
    cose: Path | None,
) -> None:
    """Write SUBJECT's consent receipt: what she said, what she was shown, and proof.

    ISO/IEC TS 27560 as JSON-LD, signed, with the way of the event's entry to the signed
    tree head. The receipt of the enrolment holds her secret: it is for her alone. Every
    receipt says what she said, so the files have mode 0600.

    \b
    assent receipt u42 --out u42.receipt.json
    assent receipt u42 --entry 17 --out u42.receipt.json
    assent receipt u42 --all --out receipts
    assent receipt u42 --out u42.receipt.json --cose u42.cose
    """
    if every and entry is not None:
        raise UsageError("`--all` and `--entry` were both named", hint="name one")
    with opened(context) as project:
        handed = project.receipt(subject, out, entry, every, cose)
        note = project.place.config.note
    for each in handed:
        click.echo(each.line())
    if note:
        click.echo(note)
    if cose is not None:
        click.echo(f"for SCITT: `{cose.name}`, the ledger's key in `{cose.name}.pem`")
    last = handed[-1].path
    name = f"{out.name}/{last.name}" if every else last.name
    click.echo(f"check it with `assent verify {name}`")


@click.command()
@click.argument("model", required=False)
@click.option("--out", type=PATH, help="Folder. Default: `signatures/MODEL`.")
@click.pass_context
def sign(context: click.Context, model: str | None, out: Path | None) -> None:
    """Sign MODEL, or the served model: OpenSSF model signing and SLSA provenance.

    For other people's programs. A model that was superseded, that holds a document that
    is no longer permitted, or whose files are not the logged ones is refused (exit 1).

    \b
    assent sign
    assent sign model-7947f02f769561a1 --out papers
    """
    with opened(context) as project:
        signed = project.sign(model, out)
    for line in signed.lines():
        click.echo(line)


def show_receipt(found: "Receipt") -> None:
    """Print what a receipt proves, step by step, and what it does not."""
    from assent.terms import iso

    for step in found.steps:
        click.echo(step)
    who = "".join(c if c.isprintable() else "?" for c in found.subject_id)
    click.echo(f"verdict: recorded ({found.words}, subject {who}, entry {found.index})")
    click.echo(f"happened {iso(found.happened_at)}, recorded {iso(found.recorded_at)}")
    for field in ("purpose", "recipient", "category"):
        value = found.body[field]
        click.echo(f"{field}: {f'every {field}' if value == '*' else value}")
    if found.body["notice"] is not None:
        click.echo(f"notice shown: sha256 {found.body['notice']}")
    for limit in found.limits:
        click.echo(f"not proved: {limit}")
