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

ENTRY_HINT = "name the files that `assent ledger proof` writes, the entry first"
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
@click.option(
    "--proof",
    type=PATH,
    help="A C2SP tlog-proof file: check that FILE, byte for byte, is an entry of the "
    "ledger. Needs --key.",
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
    proof: Path | None,
    as_json: bool,
    page: Path | None,
) -> None:
    """Check a bundle, a receipt or an entry offline: no database, network or trust.

    Exit code 0: it holds, used, absent or logged. 1: it is refused, or the verdict is
    unknown.

    \b
    assent verify u42.bundle.json
    assent verify u42.bundle.json --key "$(cat ledger.vkey)" --policy witnesses.policy
    assent verify u42.receipt.json --policy witnesses.policy
    assent verify entry-7.json --proof entry-7.tlog-proof --key "$(cat ledger.vkey)"
    assent verify --page verify.html
    """
    if page is not None:
        _write_page(page)
        if file is None:
            return
    if file is None:
        raise UsageError(
            "no file was named", hint="name a bundle, a receipt or an entry"
        )
    if proof is not None:
        _verify_entry(file, proof, key, policy, as_json)
        return
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


def _verify_entry(
    file: Path, proof: Path, key: str | None, policy: Path | None, as_json: bool
) -> None:
    """Check an entry by its proof file, and print the steps and the verdict."""
    from assent.merkle.quorum import parse_policy
    from assent.merkle.tlogproof import verify_proof
    from assent.terms import iso

    if key is None:
        raise UsageError(
            "`--proof` needs `--key`: a proof file does not say whom to trust",
            hint="give the ledger's verifier key, from a source you trust",
        )
    if as_json:
        raise UsageError(
            "`--json` is for bundles, and this is a proof of an entry",
            hint="run it again without it",
        )
    entry = _read(file, ENTRY_HINT)
    trusted = _policy(policy) or parse_policy("quorum none\n")
    found = verify_proof(_text(proof, ENTRY_HINT), entry, trusted, key)
    head = found.head
    steps = [f"the key given signed the head of `{head.origin}`: {head.size:,} entries"]
    steps += [
        f"witness `{one.name}` cosigned it at {iso(one.timestamp * 1_000_000)}"
        for one in found.cosigned
    ]
    if policy is not None:
        steps.append(f"the quorum `{trusted.quorum}` of the policy given holds")
    steps.append(
        f"the {len(entry):,} bytes of the entry are number {found.index} in it"
    )
    for number, step in enumerate(steps, 1):
        click.echo(f"({number}) {step}")
    click.echo(f"verdict: logged (entry {found.index} of {head.origin})")
    click.echo("not proved: that what the entry says is true, or whom it is about")
    if not found.cosigned:
        click.echo(
            "not proved: that others are shown the same ledger: no witness was asked"
        )


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


def _text(path: Path, hint: str = "name a policy file") -> str:
    try:
        return _read(path, hint).decode()
    except UnicodeDecodeError:
        raise UsageError(f"`{path.name}` is no text in UTF-8", hint=hint) from None


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
