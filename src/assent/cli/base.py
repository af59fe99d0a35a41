"""`assent base`: a clean base from text that nobody can withdraw."""

import shutil
from functools import partial
from pathlib import Path

import click

from assent.cli.output import progress_bars
from assent.errors import UsageError


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Folder to make."
)
@click.option(
    "--provenance",
    required=True,
    help="In words: where the text comes from, and why nobody can withdraw it.",
)
@click.option("--width", default=128, show_default=True, help="Numbers a token.")
@click.option("--layers", default=4, show_default=True)
@click.option("--heads", default=4, show_default=True)
@click.option("--window", default=256, show_default=True, help="Tokens read at once.")
@click.option(
    "--vocabulary",
    default=2_048,
    show_default=True,
    help="Tokens; 258 are the bytes, more are learned from the text.",
)
@click.option("--rows", default=16, show_default=True, help="Windows of one step.")
@click.option("--epochs", default=1, show_default=True, help="Times all is read.")
@click.option("--learning-rate", default=0.004, show_default=True)
@click.option("--seed", default=1, show_default=True)
def base(
    files: tuple[Path, ...],
    out: Path,
    provenance: str,
    width: int,
    layers: int,
    heads: int,
    **recipe: float,
) -> None:
    """Train a clean base on FILES of text, such as manuals or the public domain.

    The folder is one that `transformers` loads; `clean.json` in it says what was read,
    by name and hash. Name it as `folder` in `[base]` of `assent.toml`. That nobody can
    withdraw the text is your word, and is not checked.

    \b
    assent base manuals/*.txt --out bases/clean --provenance "manuals, GFDL, ours"
    """
    from assent.files import full_disk_named, publish_folder
    from assent.train.clean import Recipe, make_base
    from assent.train.component import Shape, digest_of

    if out.exists():
        raise UsageError(
            f"`{out.name}` is there already", hint="name a folder that is not there yet"
        )
    if not provenance.strip():
        raise UsageError("the provenance is empty, wanted where the text comes from")
    chosen = Recipe(Shape(width, layers, heads), **recipe)  # type: ignore[arg-type]
    draft = out.with_name(f".making-{out.name}")
    if draft.exists():  # of a run that was cut off
        shutil.rmtree(draft)
    with full_disk_named(out), progress_bars() as progress:
        made = make_base(files, chosen, provenance, draft, partial(progress, "steps"))
        # Crash here: a draft is left, which the next run removes.
        publish_folder(draft, out)
    click.echo(
        f"base `{out.name}`: {made.parameters:,} parameters, {made.tokens:,} tokens "
        f"read, {made.bits_per_byte:.3f} bits a byte on clean text held out"
    )
    click.echo(f"digest {digest_of(out)}")
