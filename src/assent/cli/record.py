"""Commands about what there is and what was said: tables and records."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assent.cli.importing import ledger
from assent.cli.notify import notify
from assent.cli.policy import policy
from assent.cli.root import cli, opened, say_found
from assent.errors import UsageError

if TYPE_CHECKING:
    from assent.sources.parquet import Counts


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--from", "source", type=click.Choice(["stackexchange", "parquet"]))
@click.argument("exports", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--origin", default="", help="Name of the ledger. Default: FOLDER's name."
)
@click.option(
    "--ledger",
    default="",
    metavar="ADDRESS",
    help="Server of the ledger, `postgresql://...`. Default: a file. A password is "
    "safest in PGPASSFILE.",
)
def init(
    folder: Path,
    source: str | None,
    exports: tuple[Path, ...],
    origin: str,
    ledger: str,
) -> None:
    """Start a project in FOLDER, with or without a platform's export.

    \b
    assent init mine
    assent init mine --from stackexchange DUMP
    assent init mine --from parquet documents.parquet subjects.parquet
    assent init mine --ledger postgresql://assent@db.example.org/ledger
    """
    from assent.project import Project

    if source:
        _check_exports(source, exports)
    name = folder.resolve().name
    kept = [path.name for path in folder.iterdir()] if folder.exists() else None
    # A ledger's name has no spaces and no `+`; a folder's may.
    spelled = re.sub(r"[+\s]+", "-", name).lower()
    made = Project.init(
        folder, origin=origin or f"{spelled}.example/ledger", ledger=ledger
    )
    say_found(made)
    try:
        counts = made.load(source, *exports) if source else None
    except BaseException:
        made.place.discard(kept)  # what cannot be loaded leaves no project behind
        raise
    made.close()
    click.echo(f"project `{name}`: edit `assent.toml`, then load documents")
    if counts:
        click.echo(_loaded(counts))


@cli.command()
@click.option(
    "--from", "source", type=click.Choice(["stackexchange", "parquet"]), required=True
)
@click.argument("exports", nargs=-1, type=click.Path(path_type=Path))
@click.pass_context
def load(context: click.Context, source: str, exports: tuple[Path, ...]) -> None:
    """Load documents and subjects; the load before stays where it is.

    Of Parquet, each of the two is a file, or a folder of parts.

    \b
    assent load --from stackexchange DUMP
    assent load --from parquet documents.parquet subjects.parquet
    assent load --from parquet documents/ subjects.parquet
    """
    _check_exports(source, exports)
    with opened(context) as project:
        click.echo(_loaded(project.load(source, *exports)))


def _check_exports(source: str, exports: tuple[Path, ...]) -> None:
    wanted = {"stackexchange": 1, "parquet": 2}[source]
    if len(exports) != wanted:
        raise UsageError(
            f"`--from {source}` was given {len(exports)} paths, wanted {wanted}",
            hint="assent load --help shows both forms",
        )


def _loaded(counts: "Counts") -> str:
    return f"loaded {counts.documents} documents of {counts.subjects} subjects"


# In the order of the flow: what is allowed stands before what was said.
cli.add_command(policy)


@cli.command()
@click.argument("kind")
@click.argument("subjects", nargs=-1)
@click.option("--purpose", default="*", help="Default: every purpose.")
@click.option("--recipient", default="*", help="Default: every recipient.")
@click.option("--category", default="*", help="Default: every category.")
@click.option("--notice", type=click.Path(path_type=Path), help="The text shown.")
@click.option("--valid-until", help="End of a choice, such as 2026-01-31T00:00:00Z.")
@click.option(
    "--country",
    help="Of a move: where they live since then, such as FR, or `unknown`.",
)
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
    """Record that KIND happened for SUBJECTS: all of them, or none.

    \b
    assent record enrolled --all-subjects
    assent record notice_served --all-subjects --notice notices/2025.en.md
    assent record withdrawn u42
    assent record refused u42 --category profile --recipient microsoft
    assent record residence_changed u42 --country FR --at 2025-11-01T00:00:00Z
    """
    with opened(context) as project:
        numbers = project.record(kind, subjects or None, all_subjects, **said)
        span = f"{numbers.start} to {numbers.stop - 1}"
        click.echo(
            f"recorded {len(numbers)} x {kind}: entries {span}"
            if numbers
            else "everyone who is loaded is enrolled already: nothing to record"
        )


# In the order of the flow: who is told stands before what is decided.
for command in (ledger, notify):
    cli.add_command(command)
