"""The command that an auditor runs; it loads no more than an auditor installs."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assent.cli.papers import show_receipt
from assent.errors import ProofError, UsageError

if TYPE_CHECKING:
    from assent.merkle.quorum import LogPolicy
    from assent.verify import Verdict

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("file", type=PATH, required=False)
@click.option("--key", help="The ledger's verifier key, from a source you trust.")
@click.option(
    "--policy",
    type=PATH,
    help="A C2SP tlog-policy file, from a source you trust: which logs and witnesses. "
    "It wins over the one in the bundle; a receipt has none.",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON, for machines.")
@click.option(
    "--page",
    type=PATH,
    help="Write the offline page that checks bundles in a browser, and stop if no FILE "
    "is named.",
)
def verify(
    file: Path | None,
    key: str | None,
    policy: Path | None,
    as_json: bool,
    page: Path | None,
) -> None:
    """Check a proof bundle or a receipt offline: no database, no network, no trust.

    Exit code 0: it holds, used or absent. 1: it is refused, or the verdict is unknown.

    \b
    assent verify u42.bundle.json
    assent verify u42.bundle.json --key "$(cat ledger.vkey)" --policy witnesses.policy
    assent verify u42.receipt.json --policy witnesses.policy
    assent verify --page verify.html
    """
    if page is not None:
        _write_page(page)
        if file is None:
            return
    if file is None:
        raise UsageError("no file was named", hint="name a bundle or a receipt")
    from assent.receipt.verify import is_receipt, verify_receipt

    data = _read(file)
    if is_receipt(data):
        if as_json:
            raise UsageError(
                "`--json` is for bundles, and this is a receipt",
                hint="run it again without it",
            )
        show_receipt(verify_receipt(data, key, _policy(policy)))
        return
    _verify(data, key, None if policy is None else _text(policy), as_json)


def _policy(path: Path | None) -> "LogPolicy | None":
    if path is None:
        return None
    from assent.merkle.quorum import parse_policy

    return parse_policy(_text(path))


def _verify(data: bytes, key: str | None, policy: str | None, as_json: bool) -> None:
    from assent.verify import Answer, verify_bundle

    try:
        found = verify_bundle(data, key, policy)
    except ProofError as error:
        if as_json:
            refused = {"verdict": "refused", "error": error.message, "hint": error.hint}
            click.echo(json.dumps(refused))
            sys.exit(error.exit_code)
        raise
    if as_json:
        click.echo(json.dumps(_as_json(found)))
    else:
        _show(found)
    if found.verdict is Answer.UNKNOWN:
        sys.exit(1)


def _show(found: "Verdict") -> None:
    """Print the steps, then the verdict, and beside it what it does not prove."""
    for step in found.steps:
        click.echo(step)
    click.echo(
        f"verdict: {found.verdict} (model {found.model_id}); "
        f"not proved: 1 to {len(found.limits)} below"
    )
    click.echo(f"in words: {found.sentence}")
    for number, limit in enumerate(found.limits, 1):
        click.echo(f"not proved {number}: {limit}")


def _as_json(found: "Verdict") -> dict[str, Any]:
    """Give all that was found, bytes as hexadecimal digits."""
    value = asdict(found)
    value["head"]["root"] = found.head.root.hex()
    return value


def _write_page(path: Path) -> None:
    from assent.files import write_whole
    from assent.prove.page import page

    write_whole(path, page().encode())
    click.echo(f"wrote `{path.name}`: open it in a browser, it needs no network")


def _text(path: Path) -> str:
    try:
        return _read(path, "name a policy file").decode()
    except UnicodeDecodeError:
        raise UsageError(
            f"`{path.name}` is no text in UTF-8", hint="name a policy file"
        ) from None


def _read(
    path: Path, hint: str = "name a file written by `assent prove` or `assent receipt`"
) -> bytes:
    from assent.verify import MAX_BUNDLE_BYTES

    try:
        with path.open("rb") as stream:
            # One byte more than allowed: whoever verifies sees that it is too long.
            return stream.read(MAX_BUNDLE_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"`{path.name}` cannot be read: {(error.strerror or 'no reason').lower()}",
            hint=hint,
        ) from error
