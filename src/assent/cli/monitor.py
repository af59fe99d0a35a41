"""Commands for whoever follows a ledger from outside: they need no project."""

import json
import signal
import sys
import time
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from assent.errors import Error

if TYPE_CHECKING:
    from assent.monitor.follow import Monitor
    from assent.monitor.watch import Seen


@click.command()
@click.argument("where", metavar="URL")
@click.option("--key", required=True, help="The ledger's verifier key, NAME+HASH+KEY.")
@click.option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File of what was accepted last. Without it, nothing old can be missed.",
)
@click.option(
    "--policy",
    type=click.Path(path_type=Path, dir_okay=False),
    help="tlog-policy file: a head without its quorum of witnesses is reported.",
)
@click.option(
    "--fresh",
    type=click.IntRange(min=1),
    metavar="SECONDS",
    help="Report a head that the quorum saw longer ago. Needs --policy.",
)
@click.option(
    "--compare",
    metavar="URL2",
    help="Another place that serves the ledger: two histories are reported.",
)
@click.option(
    "--mirror",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep a verified copy here: then the first rewritten entry can be named.",
)
@click.option(
    "--evidence",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for what is found. Default: STATE.evidence.",
)
@click.option(
    "--whole", is_flag=True, help="Read every entry again, not only the new ones."
)
@click.option("--once", is_flag=True, help="Look once. The default.")
@click.option(
    "--every",
    type=click.IntRange(min=1),
    metavar="SECONDS",
    help="Look again and again, until stopped.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a look.")
def monitor(
    where: str, once: bool, every: int | None, as_json: bool, **asked: Any
) -> None:
    """Follow the ledger that is published at URL, or in a folder of that name.

    Each look is one line. It is reported, with an evidence file that others can check
    (`assent evidence`): a head that is not signed or not witnessed, or too old; two
    histories; fewer entries than before; rewritten entries; files that the head does
    not vouch for, or that are missing; entries that are not as the formats say; two of
    one name. Exit 1 when any was found, 2 when the ledger could not be read.

    \b
    assent monitor https://club.example/ledger --key KEY --state club.json
    assent monitor https://club.example/ledger --key KEY --state club.json --every 300
    assent monitor public --key KEY --state club.json --policy club.policy --fresh 86400
    """
    from assent.monitor.follow import monitor_of

    if once and every:
        raise click.UsageError("`--once` and `--every` exclude each other")
    watcher = monitor_of(where, **asked)
    if not every:
        raise SystemExit(0 if _look(watcher, as_json) else 1)
    raise SystemExit(_follow(watcher, every, as_json))


def _follow(watcher: "Monitor", every: int, as_json: bool) -> int:
    """Look until somebody stops it: 1 when any look found something."""
    well, stopped = True, Event()

    def stop(*_: object) -> None:
        # Python swallows an exception in code that it runs by itself, such as a
        # finalizer: what is set stays.
        stopped.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, stop)
    try:
        while not stopped.is_set():
            try:
                well &= _look(watcher, as_json)
            except Error as error:
                # The next look may succeed: a monitor that ends on a lost network
                # would be blind from then on.
                if not as_json:
                    click.echo(f"could not look: {error.message}", err=True)
            stopped.wait(every)
    except KeyboardInterrupt:
        pass  # it is how a look, or the wait, comes to its end at once
    finally:
        signal.signal(signal.SIGINT, before)
    return 0 if well else 1


def _look(watcher: "Monitor", as_json: bool) -> bool:
    """Look once and say what was seen: whether all is well."""
    now = time.time_ns() // 1000
    try:
        seen = _run(watcher, now)
    except Error as error:
        if as_json:
            value = {"result": "not_read", "why": error.message}
            click.echo(_json({"origin": watcher.origin, "at": now, **value}))
        raise
    if as_json:
        click.echo(_json({"origin": watcher.origin, "at": now, **_facts(seen)}))
    else:
        click.echo(_line(watcher, seen, now // 1_000_000))
    return seen.is_well


def _run(watcher: "Monitor", now: int) -> "Seen":
    """Look, with progress bars for somebody who sits before a terminal."""
    from assent.cli.output import progress_bars

    if not sys.stderr.isatty():
        return watcher.run(now)  # a line a look is all that a log file should get
    with progress_bars() as progress:
        return watcher.run(now, progress)


def _line(watcher: "Monitor", seen: "Seen", now: int) -> str:
    said = []
    if seen.root is not None:
        new = seen.size - seen.before
        grown = f" ({new:,} new)" if new > 0 else ""
        said.append(f"{seen.size:,} entries{grown}, head {seen.root.hex()[:16]}")
    if seen.witnessed_at is not None:
        said.append(f"witnessed {max(0, now - seen.witnessed_at):,} s ago")
    wrong = [
        f"{finding.kind.replace('_', ' ').upper()}: {finding.says} "
        f"[{watcher.evidence.name}/{kept}]"
        for finding, kept in seen.findings
    ]
    wrong += [
        f"still {each.kind.upper()}: {each.message} "
        f"[{watcher.evidence.name}/{each.evidence}]"
        for each in seen.known
    ]
    if seen.cut_off:
        wrong.append(f"the look was cut off: {seen.cut_off}")
    ends = "; ".join(wrong) or "all well"
    return f"{watcher.origin}: {', '.join(said)}{': ' if said else ''}{ends}"


def _facts(seen: "Seen") -> dict[str, Any]:
    return {
        "result": "well" if seen.is_well else "misbehaviour",
        "size": seen.size,
        "before": seen.before,
        "root": seen.root.hex() if seen.root is not None else None,
        "witnessed_at": seen.witnessed_at,
        "findings": [
            {
                "kind": finding.kind,
                "says": finding.says,
                "source": finding.source,
                "evidence": kept,
            }
            for finding, kept in seen.findings
        ],
        "known": [
            {"kind": each.kind, "says": each.message, "evidence": each.evidence}
            for each in seen.known
        ],
        "cut_off": seen.cut_off or None,
    }


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True)


@click.command()
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
)
@click.option("--key", help="The ledger's verifier key, not taken from the file.")
def evidence(files: tuple[Path, ...], key: str | None) -> None:
    """Check what a monitor kept of a ledger's misbehaviour: no network is needed.

    Exit 0 when every FILE shows what it says, 1 when one does not.

    \b
    assent evidence club.json.evidence/split_view-0f3a5c7e9b1d2f48.json --key KEY
    """
    from assent.monitor.evidence import check_evidence
    from assent.terms import iso

    for path in files:
        shown = check_evidence(path.read_bytes(), key)
        click.echo(f"{shown.origin}: {shown.kind.replace('_', ' ')}")
        # The sentence is checked by nobody: only the kind is.
        click.echo(f"  in the finder's words: {shown.says}")
        if shown.proved:
            click.echo("  proved: the ledger's own signatures show it")
        else:
            click.echo(
                f"  shown: this is wrong; not shown: that {shown.source} served it "
                f"at {iso(shown.found_at)}, which is the finder's word"
            )
        if key is None:
            click.echo(
                "  the key is the file's own: compare it with the ledger's, or give "
                "it with `--key`"
            )
