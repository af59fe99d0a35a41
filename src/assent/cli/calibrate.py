"""`assent calibrate`: how much text a shard needs, measured on clean text."""

from pathlib import Path

import click

from assent.cli.output import progress_bars, show_table
from assent.cli.root import opened

COLUMNS = ["shards", "bytes a shard", "bits a byte", "worse than one shard"]


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--worse",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.03,
    show_default=True,
    help="Loss that is allowed, as a fraction of one shard's bits a byte.",
)
@click.pass_context
def calibrate(context: click.Context, files: tuple[Path, ...], worse: float) -> None:
    """Measure on FILES of clean text how many bytes a shard needs.

    Pieces of the text stand for people. They are trained with 1, 2, 4, 8... shards, as
    `[train]` and `[base]` say, until the loss is larger than allowed. Give text that
    nobody can withdraw, about as much as a group may hold. Nothing is written: declare
    the answer in `[capacity]` of `assent.toml`, before the next `assent build`.

    \b
    assent calibrate manuals/*.txt --worse 0.03
    """
    with opened(context) as project, progress_bars() as progress:
        found = project.calibrate(files, worse, progress)
    rows = [
        (a.shards, a.bytes_per_shard, f"{a.bits_per_byte:.3f}", f"{a.worse:+.1%}")
        for a in found.arms
    ]
    show_table(COLUMNS, rows)
    click.echo(f"the least text a shard with which the loss stays within {worse:.1%}:")
    click.echo(f"[capacity]\nbytes_per_shard = {found.bytes_per_shard}")
    if found.open_below:
        click.echo("less may do: the text was too short to try more shards")
    elif len(found.arms) == 2:
        click.echo("two shards lose too much already: only more text tells of larger")
