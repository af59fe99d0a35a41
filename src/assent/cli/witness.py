"""Commands to be a witness: somebody who sees that a ledger only grows, and signs."""

import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from assent.cli.root import InOrder
from assent.errors import ProofError, UsageError


@click.group(cls=InOrder)
def witness() -> None:
    """Be a witness: sign that you saw a ledger's head, and that it only grew.

    A witness needs no project and sees no entry, only sizes and hashes. A ledger whose
    heads are cosigned cannot show two versions of itself, unless its witnesses help.
    """


@witness.command("init")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--name", required=True, help="Name of the witness, such as `union.example/w1`."
)
def start(folder: Path, name: str) -> None:
    """Draw a key in FOLDER and print its public part.

    Whoever trusts this witness writes that line into a witness policy.

    \b
    assent witness init our-witness --name union.example/w1
    """
    from assent.witness.keeping import draw_key

    key = draw_key(folder, name)
    click.echo(key.verifier_key)


@witness.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--log",
    "keys",
    multiple=True,
    help="Verifier key of a ledger to cosign; once for each.",
)
@click.option(
    "--logs",
    "listed",
    type=click.Path(path_type=Path),
    help="File of such keys, one a line; `#` begins a comment.",
)
@click.option(
    "--listen",
    default="127.0.0.1:7380",
    show_default=True,
    help="HOST:PORT. Without TLS: for others, put a proxy in front.",
)
def serve(
    folder: Path, keys: tuple[str, ...], listed: Path | None, listen: str
) -> None:
    """Cosign ledgers over HTTP until it is stopped.

    Speaks C2SP tlog-witness v1.0.0: POST /add-checkpoint.

    \b
    assent witness serve our-witness --log club.example/ledger+1a2b3c4d+AQ...
    assent witness serve our-witness --logs ledgers.txt --listen 0.0.0.0:7380
    """
    from assent.witness.cosigning import Cosigner, known_logs, read_list
    from assent.witness.keeping import State, read_key_file
    from assent.witness.server import WitnessServer

    address = _address(listen)
    named = [*keys, *(read_list(listed) if listed else [])]
    try:
        logs = known_logs(named)
    except ProofError as error:
        raise UsageError(f"`--log`: {error.message}", error.hint) from error
    if not logs:
        raise UsageError(
            "no ledger is named: the witness would sign for nobody",
            hint="name one with `--log VERIFIER_KEY`; a project's `assent ledger key` "
            "prints it",
        )
    key = read_key_file(folder)
    state = State.open(folder)
    cosigner = Cosigner(key, state, logs, lambda: int(time.time()))
    try:
        with WitnessServer(address, cosigner, _say) as server:
            click.echo(f"{key.verifier_key}")
            click.echo(f"cosigns {', '.join(sorted(logs))}")
            click.echo(f"listens on http://{_shown(address[0])}:{server.port}")
            signal.signal(signal.SIGTERM, _stop)
            server.serve_forever()
    except KeyboardInterrupt:
        click.echo("stopped")
    finally:
        state.close()


@witness.command()
@click.argument("folder", type=click.Path(path_type=Path))
def heads(folder: Path) -> None:
    """Show what was cosigned, and every split view.

    A split view is two heads of one size that a ledger signed. The exit code is 1 when
    there is one.

    \b
    assent witness heads our-witness
    """
    from assent.cli.output import show_table
    from assent.witness.keeping import State, read_key_file

    key = read_key_file(folder)
    state = State.open(folder)
    seen, splits = state.all()
    state.close()
    if not seen:
        click.echo(f"`{key.name}` has cosigned nothing yet")
        return
    show_table(
        ("ledger", "entries", "root", "cosigned"),
        [(one.origin, one.size, one.root.hex()[:16], _at(one)) for one in seen],
        f"Heads that {key.name} has cosigned",
    )
    for one in splits:
        click.echo()
        click.echo(
            f"SPLIT VIEW: `{one.origin}` signed another head of {one.size:,} entries, "
            f"shown at {_at(one)}. This is the proof; keep it:"
        )
        click.echo(one.note, nl=False)
    if splits:
        raise ProofError(
            f"{len(splits)} heads contradict what was cosigned",
            hint="tell the ledger's operator and the other witnesses",
        )


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (host and colon and port.isascii() and port.isdigit()):
        raise UsageError(
            f"`{listen}` is no address to listen on",
            hint="write HOST:PORT, such as 127.0.0.1:7380",
        )
    return host, int(port)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _say(line: str) -> None:
    click.echo(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}", err=True)


def _at(seen: Any) -> str:
    return f"{datetime.fromtimestamp(seen.cosigned_at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _stop(*_: object) -> None:
    raise KeyboardInterrupt
