"""Commands that tell: replay a case, say where a project stands, tell the story."""

import json
from pathlib import Path

import click

from assent.cli.output import progress_bars, show_table
from assent.cli.root import cli, on_engine, opened


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
@on_engine
@click.pass_context
def replay(
    context: click.Context,
    case_file: Path,
    out: Path | None,
    engine: str,
    master: str | None,
) -> None:
    """Replay a case on this platform: the operator's way beside Assent's.

    \b
    assent replay --case examples/linkedin/case.toml --out replay
    assent replay --engine spark --master spark://10.0.0.1:7077
    """
    with opened(context, engine, master) as project, progress_bars() as progress:
        snapshots = project.replay(case_file, progress)
        if out:
            project.write_replay(snapshots, out)
        note = project.place.config.note
    from assent.report.case import ASSENT, OPERATOR
    from assent.report.tables import by_date, reason_rows, replay_rows

    show_table(*replay_rows(snapshots), note)
    for way in (OPERATOR, ASSENT):
        title = f"People not in use by reason, {way}'s way {note}"
        show_table(*by_date(reason_rows(snapshots), way), title)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """Say where the project stands and what comes next.

    \b
    assent status
    """
    with opened(context) as project:
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
    """Tell the whole story on a simulated platform, or on a real dump.

    Keys, secrets and clock come from the seed, here and only here.

    \b
    assent demo
    assent demo --data DUMP
    """
    from assent.demo.story import tell

    tell(out, case_file, seed, data)
