"""Commands of the flow: decide, build, train, ask, forget, prove, verify."""

import sys
from pathlib import Path
from typing import Any

import click

from assent.cli.audit import audit
from assent.cli.base import base
from assent.cli.calibrate import calibrate
from assent.cli.erasing import erase
from assent.cli.monitor import evidence, monitor
from assent.cli.objecting import object_
from assent.cli.output import progress_bars, show_table
from assent.cli.papers import receipt, sign
from assent.cli.redact import redact
from assent.cli.root import cli, on_cluster, on_engine, opened
from assent.cli.share import acknowledge, apply, pass_on, share
from assent.cli.verify import verify
from assent.cli.witness import witness
from assent.errors import UsageError


@cli.command()
@click.option("--at", "as_of", help="The instant asked about. Default: now.")
@click.option("--recipient", "recipients", multiple=True, help="Default: all in use.")
@click.option("--ledger-size", type=int, help="Entries known. Default: all.")
@click.option("--out", type=click.Path(path_type=Path), help="Write rows as Parquet.")
@click.option(
    "--permitted",
    is_flag=True,
    help="With --out: the permitted documents themselves, nothing removed from them.",
)
@click.option(
    "--since",
    help="With --out: only what changed since FILE (of decisions), a ledger size or "
    "the first digits of a head's root.",
)
@click.option("--since-at", help="The instant of that head. Default: its last entry.")
@on_engine
@click.pass_context
def decide(
    context: click.Context,
    as_of: str | None,
    recipients: tuple[str, ...],
    ledger_size: int | None,
    out: Path | None,
    permitted: bool,
    since: str | None,
    since_at: str | None,
    engine: str,
    master: str | None,
) -> None:
    """Decide every document: who may be used, and why the others may not.

    \b
    assent decide
    assent decide --at 2025-11-03T00:00:00Z --recipient microsoft --out rows.parquet
    assent decide --since rows.parquet --out changes.parquet
    assent decide --permitted --out documents.parquet
    assent decide --engine spark --master spark://10.0.0.1:7077 --out rows.parquet
    """
    if since and permitted or (since or permitted) and out is None:
        raise UsageError(
            "`--since` and `--permitted` write a file, and not the same one",
            hint="name one of them, and `--out FILE`",
        )
    asked: dict[str, Any] = {
        "as_of": as_of,
        "ledger_size": ledger_size,
        "recipients": recipients,
    }
    with opened(context, engine, master) as project:
        note = project.place.config.note
        if out is None:
            show_table(COUNTED, project.count(**asked), note)
            return
        pins = project.write_decisions(
            out, permitted=permitted, since=since, since_at=since_at, **asked
        )
        if since:
            show_table(["change", *COUNTED[:3]], project.count_changes(out), note)
        elif not permitted:
            show_table(COUNTED, project.count(**asked, written=out), note)
    click.echo(pins.line())
    click.echo(f"written: `{out.name}`")


COUNTED = ["reason", "rule", "documents", "people"]


@cli.command()
@click.argument("document")
@click.option("--recipient", "recipients", multiple=True, help="Default: all in use.")
@click.option("--at", "as_of", help="The instant asked about. Default: now.")
@click.option("--ledger-size", type=int, help="Entries known. Default: all.")
@click.pass_context
def explain(
    context: click.Context,
    document: str,
    recipients: tuple[str, ...],
    as_of: str | None,
    ledger_size: int | None,
) -> None:
    """Explain why DOCUMENT may be used, or may not: exit 1 when it may not.

    Each event, order and mention is left out in turn and the document decided again:
    what decided is what changes the answer.

    \b
    assent explain post:42
    assent explain post:42 --recipient microsoft --at 2025-11-03T00:00:00Z
    """
    with opened(context) as project:
        found, in_force = project.explain(
            document, as_of=as_of, ledger_size=ledger_size, recipients=recipients
        )
        note = project.place.config.note
    verdict = "may be used" if found.allowed else "may not be used"
    named = f" (`{found.rule}`)" if found.rule else ""
    click.echo(f"{verdict}: {found.reason}{named}: {found.meaning}")
    for line in (*in_force, *found.sentences, *([note] if note else [])):
        click.echo(line)
    if not found.allowed:
        sys.exit(1)


# What a build does to texts, for files alone; what a plan may start from, and how much
# text a shard of it needs.
for command in (redact, base, calibrate):
    cli.add_command(command)


@cli.command()
@on_engine
@click.pass_context
def build(context: click.Context, engine: str, master: str | None) -> None:
    """Seal the plan, then build the corpus of all permitted documents.

    \b
    assent build
    assent build --engine spark --master spark://10.0.0.1:7077
    """
    with opened(context, engine, master) as project, progress_bars() as progress:
        built = project.build(progress)
    for line in built.lines():
        click.echo(line)


# In the order of the flow: what is built can be measured, and handed over.
for command in (audit, share, pass_on, apply, acknowledge):
    cli.add_command(command)


@cli.command()
@on_cluster
@click.pass_context
def train(context: click.Context, on: str) -> None:
    """Train the sealed plan on the latest corpus.

    \b
    assent train
    assent train --on ray://10.0.0.1:10001
    """
    with opened(context) as project, progress_bars() as progress:
        trained = project.train(progress, on=on)
    for line in trained.lines():
        click.echo(line)


@cli.command()
@click.argument("prompt")
@click.option("--bytes", "size", default=200, show_default=True, help="To generate.")
@click.option("--seed", default=1, show_default=True)
@click.option("--temperature", default=0.8, show_default=True)
@click.pass_context
def ask(
    context: click.Context, prompt: str, size: int, seed: int, temperature: float
) -> None:
    """Generate text from the served mixture.

    What is quarantined or suspended at this instant does not speak.

    \b
    assent ask "We are looking for"
    """
    with opened(context) as project:
        answer = project.ask(prompt, size, seed, temperature)
    for line in answer.lines():
        click.echo(line, err=True)
    # A model may say anything, a terminal's control characters too.
    click.echo("".join(c if c.isprintable() or c == "\n" else " " for c in answer.text))


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="0: any that is free.",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    help="Clients must send its one line as `Authorization: Bearer ...`.",
)
@click.pass_context
def serve(
    context: click.Context, host: str, port: int, token_file: Path | None
) -> None:
    """Answer `/v1/completions` with the served mixture, as OpenAI's clients ask.

    What is quarantined or suspended falls silent at the next token, a repaired model
    speaks without a restart.

    \b
    assent serve --port 8000 --token-file token
    """
    from assent.web.running import run

    run(context.obj, host, port, _token(token_file), click.echo)


def _token(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        token = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"`{file.name}` cannot be read as text",
            hint="name a file with the token in its one line",
        ) from error
    if not token or len(token.split()) > 1:
        raise UsageError(f"`{file.name}` holds no single token")
    return token


@cli.command()
@click.argument("group")
@click.pass_context
def export(context: click.Context, group: str) -> None:
    """Merge GROUP of the served model into one folder that `transformers` loads.

    Exit 1 while a shard of it is in quarantine or the group is suspended. A repair
    makes the exports anew.

    \b
    assent export eu
    """
    with opened(context) as project:
        exported = project.export(group)
    for line in exported.lines():
        click.echo(line)


@cli.command()
@click.argument("model", required=False)
@click.option("--at", "as_of", help="The instant asked about. Default: now.")
@click.option(
    "--deadline-days",
    "days",
    default=30,
    show_default=True,
    help="Until when what is not permitted must be out.",
)
@click.pass_context
def gate(
    context: click.Context, model: str | None, as_of: str | None, days: int
) -> None:
    """Decide again all that MODEL was trained on: exit 1 when a deadline is past.

    A line for a deployment pipeline. Default: the served model.

    \b
    assent gate
    assent gate model-7947f02f769561a1 --at 2025-12-01T00:00:00Z --deadline-days 7
    """
    with opened(context) as project:
        found = project.gate(model, as_of=as_of, days=days)
    for line in found.lines():
        click.echo(line)
    if not found.open:
        sys.exit(1)


# -- forget, prove, verify -------------------------------------------------------------


@cli.command()
@click.option(
    "--oracle/--no-oracle",
    default=False,
    help="Also train as if they had never existed, and compare. Default: no.",
)
@click.option(
    "--audit",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Probability of an oracle that was not asked for.",
)
@click.option("--due", is_flag=True, help="Only when a deadline is near.")
@click.option(
    "--within",
    default=3,
    show_default=True,
    help="With --due: so many days before the first deadline.",
)
@click.option(
    "--deadline-days",
    "days",
    default=30,
    show_default=True,
    help="With --due: until when what is not permitted must be out.",
)
@on_cluster
@click.pass_context
def forget(
    context: click.Context,
    oracle: bool,
    audit: float,
    due: bool,
    within: int,
    days: int,
    on: str,
) -> None:
    """Repair the served model for all who are no longer permitted.

    What is not permitted is silent from the instant it is recorded; a repair can wait
    until a deadline is near, so that many people share one.

    \b
    assent record withdrawn u42
    assent forget --oracle
    assent forget --due --within 3 --deadline-days 30 --audit 0.1
    assent forget --on ray://10.0.0.1:10001
    """
    with opened(context) as project:
        if due:
            needed, found = project.is_due(within, days)
            if not needed:
                click.echo("nothing is due")
                for line in found.lines()[1:]:
                    click.echo(line)
                return
        with progress_bars() as progress:
            repaired = project.forget(oracle, progress, audit=audit, on=on)
    for line in repaired.lines():
        click.echo(line)
    if repaired.refuted:
        sys.exit(1)


# In the order of the flow: who is in nothing any more can be erased.
cli.add_command(object_)
cli.add_command(erase)


@cli.command()
@click.argument("subject")
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--model", help="Model id. Default: the served model.")
@click.option(
    "--consent",
    is_flag=True,
    help="Also show what was known of her choices when each corpus was built.",
)
@click.pass_context
def prove(
    context: click.Context, subject: str, out: Path, model: str | None, consent: bool
) -> None:
    """Write SUBJECT's proof bundle: was she used by the model, or not?

    The file holds her secret: it is for her alone (mode 0600). She checks it with
    `assent verify`, or in a browser with the page of `assent verify --page`.

    \b
    assent prove u42 --out u42.bundle.json
    assent prove u42 --out u42.bundle.json --model model-7947f02f769561a1 --consent
    """
    with opened(context) as project:
        verdict = project.prove(subject, out, model, consent)
    click.echo(f"{verdict}: `{out.name}`, check it with `assent verify {out.name}`")


for command in (receipt, sign, verify, witness, monitor, evidence):
    cli.add_command(command)
