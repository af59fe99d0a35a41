"""The command line: one command a stage, in the order of the flow.

Nothing heavy is imported before a command runs: `assent --help` and `assent verify`
load no database and no torch.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assent import __version__
from assent.errors import Error, UsageError

if TYPE_CHECKING:
    from assent.project import Project

EXIT_CODES = """\b
Exit codes: 0 done, 1 it ran and the answer is no, 2 it could not run.
"""


class InOrder(click.Group):
    """Commands in the order of the flow, not of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names as they were added."""
        return list(self.commands)


@click.group(cls=InOrder, epilog=EXIT_CODES)
@click.version_option(__version__, prog_name="assent")
@click.option(
    "--project",
    "folder",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Project folder. Default: the folder you are in.",
)
@click.pass_context
def cli(context: click.Context, folder: Path) -> None:
    r"""Train generative models only on what people agreed to, and prove it.

    \b
    ledger | policy -> decide -> corpus -> train -> forget -> prove -> report
    """
    context.obj = folder


def main() -> None:
    """Run the command line; every error of ours is one sentence and one hint."""
    try:
        cli.main(standalone_mode=False)
    except Error as error:
        _complain(error.message, error.hint)
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        _complain("stopped; what was written is whole", "run the same command again")
        sys.exit(2)
    except click.ClickException as error:
        _complain(error.format_message().rstrip("."), "")
        sys.exit(2)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)


def _complain(message: str, hint: str) -> None:
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)


@contextmanager
def _opened(context: click.Context) -> Iterator["Project"]:
    from assent.project import Project

    project = Project.open(context.obj)
    try:
        yield project
    finally:
        project.close()


# -- the platform's tables -----------------------------------------------------------


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--from", "source", type=click.Choice(["stackexchange", "parquet"]))
@click.argument("exports", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--origin", default="", help="Name of the ledger. Default: FOLDER's name."
)
def init(
    folder: Path, source: str | None, exports: tuple[Path, ...], origin: str
) -> None:
    r"""Start a project in FOLDER, with or without a platform's export.

    \b
    assent init mine
    assent init mine --from stackexchange DUMP
    assent init mine --from parquet documents.parquet subjects.parquet
    """
    from assent.project import Project

    with Project.init(folder, origin=origin or f"{folder.name}.example/ledger") as made:
        click.echo(f"project `{folder.name}`: edit `assent.toml`, then load documents")
        if source:
            _load(made, source, exports)


@cli.command()
@click.option(
    "--from", "source", type=click.Choice(["stackexchange", "parquet"]), required=True
)
@click.argument("exports", nargs=-1, type=click.Path(path_type=Path))
@click.pass_context
def load(context: click.Context, source: str, exports: tuple[Path, ...]) -> None:
    r"""Load documents and subjects; the load before stays where it is.

    \b
    assent load --from stackexchange DUMP
    assent load --from parquet documents.parquet subjects.parquet
    """
    with _opened(context) as project:
        _load(project, source, exports)


def _load(project: "Project", source: str, exports: tuple[Path, ...]) -> None:
    wanted = {"stackexchange": 1, "parquet": 2}[source]
    if len(exports) != wanted:
        raise UsageError(
            f"`--from {source}` was given {len(exports)} paths, wanted {wanted}",
            hint="assent load --help shows both forms",
        )
    counts = project.load(source, *exports)
    click.echo(f"loaded {counts.documents} documents of {counts.subjects} subjects")


# -- ledger and policy ---------------------------------------------------------------


@cli.group(cls=InOrder)
def policy() -> None:
    """Publish policies; order and lift suspensions."""


@policy.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def publish(context: click.Context, file: Path) -> None:
    r"""Publish a policy FILE: from then on it can be in force.

    \b
    assent policy publish policies/2025-11-03.toml
    """
    with _opened(context) as project:
        event = project.publish(file)
        if event is None:
            click.echo("this very policy is published already; nothing to do")
        else:
            click.echo(f"published `{event.body['policy']}` as entry {event.number}")


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
    r"""Suspend uses at once under the name ORDER; no training is needed.

    \b
    assent policy suspend ico-2024-09-20 --region UK
    """
    with _opened(context) as project:
        project.suspend(order, regions, recipient=recipient, category=category)
        click.echo(f"suspended: `{order}`, from now on")


@policy.command()
@click.argument("order")
@click.pass_context
def lift(context: click.Context, order: str) -> None:
    r"""Lift the suspension ORDER.

    \b
    assent policy lift ico-2024-09-20
    """
    with _opened(context) as project:
        project.lift(order)
        click.echo(f"lifted: `{order}`, from now on")


@policy.command()
@click.option("--dialect", default="duckdb", show_default=True)
@click.pass_context
def sql(context: click.Context, dialect: str) -> None:
    r"""Print the decision query as of now.

    \b
    assent policy sql --dialect spark
    """
    with _opened(context) as project:
        click.echo(project.sql(dialect))


@cli.command()
@click.argument("kind")
@click.argument("subjects", nargs=-1)
@click.option("--purpose", default="*", help="Default: every purpose.")
@click.option("--recipient", default="*", help="Default: every recipient.")
@click.option("--category", default="*", help="Default: every category.")
@click.option("--notice", type=click.Path(path_type=Path), help="The text shown.")
@click.option("--valid-until", help="End of a choice, such as 2026-01-31T00:00:00Z.")
@click.option("--at", "happened_at", help="When it happened. Default: now.")
@click.option("--channel", default="cli", help="Evidence: how it was said or shown.")
@click.option("--language", default="en", help="Evidence: the notice's language.")
@click.option("--all-subjects", is_flag=True, help="Everyone who is loaded.")
@click.pass_context
def record(
    context: click.Context,
    /,
    kind: str,
    subjects: tuple[str, ...],
    all_subjects: bool,
    **said: Any,
) -> None:
    r"""Record that KIND happened for SUBJECTS: all of them, or none.

    \b
    assent record enrolled --all-subjects
    assent record notice_served --all-subjects --notice notices/2025.en.md
    assent record withdrawn u42
    assent record refused u42 --category profile --recipient microsoft
    """
    with _opened(context) as project:
        numbers = project.record(kind, subjects or None, all_subjects, **said)
        click.echo(f"recorded {len(numbers)} x {kind}: entries {_span(numbers)}")


def _span(numbers: range) -> str:
    return f"{numbers.start} to {numbers.stop - 1}" if numbers else "none"


# -- decide, build, train --------------------------------------------------------------


@cli.command()
@click.option("--at", "as_of", help="The instant asked about. Default: now.")
@click.option("--recipient", "recipients", multiple=True, help="Default: all in use.")
@click.option("--out", type=click.Path(path_type=Path), help="Write rows as Parquet.")
@click.pass_context
def decide(
    context: click.Context,
    as_of: str | None,
    recipients: tuple[str, ...],
    out: Path | None,
) -> None:
    r"""Decide every document: who may be used, and why the others may not.

    \b
    assent decide
    assent decide --at 2025-11-03T00:00:00Z --recipient microsoft --out rows.parquet
    """
    with _opened(context) as project:
        decisions = project.decide(as_of=as_of, recipients=recipients or None)
        if out:
            project.write_decisions(decisions, out)
        _table(
            ["reason", "rule", "documents", "people"],
            project.count_decisions(decisions),
        )


@cli.command()
@click.pass_context
def build(context: click.Context) -> None:
    r"""Seal the plan, then build the corpus of all permitted documents.

    \b
    assent build
    """
    with _opened(context) as project, _bars() as progress:
        built = project.build(progress)
    for line in built.lines():
        click.echo(line)


@cli.command()
@click.pass_context
def train(context: click.Context) -> None:
    r"""Train the sealed plan on the latest corpus.

    \b
    assent train
    """
    with _opened(context) as project, _bars() as progress:
        trained = project.train(progress)
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
    r"""Generate text from the served mixture.

    What is quarantined or suspended at this instant does not speak.

    \b
    assent ask "We are looking for"
    """
    with _opened(context) as project:
        answer = project.ask(prompt, size, seed, temperature)
    for line in answer.lines():
        click.echo(line, err=True)
    click.echo(answer.text)


# -- forget, prove, verify -------------------------------------------------------------


@cli.command()
@click.option(
    "--oracle/--no-oracle",
    default=False,
    help="Also train as if they had never existed, and compare. Default: no.",
)
@click.pass_context
def forget(context: click.Context, oracle: bool) -> None:
    r"""Repair the served model for all who are no longer permitted.

    \b
    assent record withdrawn u42
    assent forget --oracle
    """
    with _opened(context) as project, _bars() as progress:
        repaired = project.forget(oracle=oracle, progress=progress)
    for line in repaired.lines():
        click.echo(line)
    if repaired.bit_identical is False:
        sys.exit(1)


@cli.command()
@click.argument("subject")
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.pass_context
def prove(context: click.Context, subject: str, out: Path) -> None:
    r"""Write SUBJECT's proof bundle: was she used by the served model, or not?

    The file holds her secret: it is for her alone (mode 0600).

    \b
    assent prove u42 --out u42.bundle.json
    """
    with _opened(context) as project:
        verdict = project.prove(subject, out)
    click.echo(f"{verdict}: `{out.name}`, check it with `assent verify {out.name}`")


@cli.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--key", help="The ledger's verifier key, from a source you trust.")
def verify(bundle: Path, key: str | None) -> None:
    r"""Check a proof BUNDLE offline: no database, no network, no trust.

    \b
    assent verify u42.bundle.json
    """
    from assent.verify import verify_bundle

    found = verify_bundle(_read(bundle), key)
    for number, step in enumerate(found.steps, start=1):
        click.echo(f"({number}) {step}")
    click.echo(f"verdict: {found.verdict} (model {found.model_id})")
    for limit in found.limits:
        click.echo(f"not proved: {limit}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"`{path.name}` cannot be read: {(error.strerror or 'no reason').lower()}",
            hint="name a bundle file, such as one written by `assent prove`",
        ) from error


# -- report ----------------------------------------------------------------------------


@cli.command()
@click.option(
    "--case",
    "case_file",
    type=click.Path(path_type=Path),
    default=Path("examples/linkedin/case.toml"),
    show_default=True,
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for plot and JSON."
)
@click.pass_context
def replay(context: click.Context, case_file: Path, out: Path | None) -> None:
    r"""Replay a case on this platform: the operator's way beside Assent's.

    \b
    assent replay --case examples/linkedin/case.toml --out replay
    """
    with _opened(context) as project, _bars() as progress:
        snapshots = project.replay(case_file, progress)
        if out:
            project.write_replay(snapshots, out)
    from assent.report.tables import reason_rows, replay_rows

    _table(*replay_rows(snapshots))
    _table(*reason_rows(snapshots))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    r"""Say where the project stands and what comes next.

    \b
    assent status
    """
    with _opened(context) as project:
        found = project.status()
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    width = max(map(len, found))
    for key, value in found.items():
        click.echo(f"{key:<{width}}  {value}")


@cli.command()
@click.option("--data", type=click.Path(path_type=Path), help="A Stack Exchange dump.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo"))
@click.option("--seed", default=20240918, show_default=True)
@click.option(
    "--case",
    "case_file",
    type=click.Path(path_type=Path),
    default=Path("examples/linkedin/case.toml"),
    show_default=True,
)
def demo(data: Path | None, out: Path, seed: int, case_file: Path) -> None:
    r"""Tell the whole story on a simulated platform, or on a real dump.

    Keys, secrets and clock come from the seed, here and only here.

    \b
    assent demo
    assent demo --data DUMP
    """
    from assent.demo.story import tell

    tell(out, case_file, seed, data)


# -- output ----------------------------------------------------------------------------


def _table(title_or_columns: Any, rows: Any, title: str = "") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None)
    for name in title_or_columns:
        numeric = bool(rows) and all(
            isinstance(row[title_or_columns.index(name)], int) for row in rows
        )
        table.add_column(name, justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else cell for cell in row))
    Console().print(table)


@contextmanager
def _bars() -> Iterator[Any]:
    """Show one progress bar for each thing that is being done."""
    from assent.demo.bars import bars

    with bars() as progress:
        yield progress
