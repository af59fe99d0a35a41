"""The command that redacts files alone, without a project."""

import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assent.cli.output import progress_bars
from assent.errors import UsageError
from assent.files import SECRET_MODE, write_whole

if TYPE_CHECKING:
    from assent.redact.bulk import Doing
    from assent.redact.files import Done, Pair, Wanted
    from assent.redact.people import People
    from assent.redact.redactor import Settings

PATH = click.Path(path_type=Path)
PAGE = "docs/redact.md"
KEY_BYTES = 32
MEGABYTE = 1_000_000
OTHERS = stat.S_IRWXG | stat.S_IRWXO


@click.command()
@click.argument("files", nargs=-1, required=True, type=PATH)
@click.option(
    "--out",
    type=PATH,
    help="File of the result; for several FILES, a folder. Default for `-`: `-`.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    help="Column or field of the texts; `a.b` goes inside, through lists too. "
    "Default: `text`.",
)
@click.option(
    "--directory",
    type=PATH,
    help="People to find: Parquet or CSV with any of the columns names, handles, "
    "emails, phones, urls, employer, and subject_id; else a name a line.",
)
@click.option(
    "--near",
    multiple=True,
    help="Column with ids of subjects who take part: their names of one word are found "
    "there, and nowhere else.",
)
@click.option(
    "--recogniser",
    default="none",
    show_default=True,
    help="Find names that are in no directory: `own`; `presidio:MODEL`, of spaCy; or a "
    "folder with a token classifier of Hugging Face. Nothing is fetched.",
)
@click.option(
    "--style",
    type=click.Choice(["placeholder", "document", "corpus"]),
    default="placeholder",
    show_default=True,
    help="`[name]`; or `[name-1f0c97e2]`, the same within one document, or everywhere.",
)
@click.option(
    "--key",
    type=PATH,
    help="File of the key of such pseudonyms: 32 bytes, drawn if it is not there.",
)
@click.option(
    "--drop-above",
    type=click.FloatRange(0, 1),
    help="Leave out a document if a larger share of its characters is removed.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["parquet", "jsonl", "text"]),
    help="Default: what the name says; for `-`, text, or jsonl with --column.",
)
@click.option(
    "--document",
    type=click.Choice(["line", "paragraph", "file"]),
    default="paragraph",
    show_default=True,
    help="What one document is in plain text.",
)
@click.option(
    "--longest",
    type=click.FloatRange(0, min_open=True),
    default=16,
    show_default=True,
    metavar="MB",
    help="Longest document that is taken on, at 70 bytes of memory a byte.",
)
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes."
)
@click.option("--force", is_flag=True, help="Replace results that are there.")
@click.option("--resume", is_flag=True, help="Keep results that are there, as whole.")
def redact(
    files: tuple[Path, ...],
    out: Path | None,
    columns: tuple[str, ...],
    directory: Path | None,
    near: tuple[str, ...],
    recogniser: str,
    style: str,
    key: Path | None,
    drop_above: float | None,
    kind: str | None,
    document: str,
    longest: float,
    jobs: int,
    force: bool,
    resume: bool,
) -> None:
    """Remove personal data from Parquet, JSON lines or text FILES: no project needed.

    Found are e-mail and web addresses, IP addresses, telephone, card and account
    numbers, handles, quotes and, with a directory, people's names. All other columns,
    fields and line ends stay as they are. Each result is whole or absent.

    \b
    assent redact posts.parquet --column text --out cleaned.parquet
    assent redact chats.jsonl --column messages.content --out cleaned.jsonl
    assent redact in.parquet --directory people.csv --near author_id --out out.parquet
    assent redact a.txt b.txt.gz --style corpus --key names.key --out cleaned --jobs 4
    assent redact - < notes.txt > cleaned.txt
    """
    from assent.redact.bulk import Work, workers
    from assent.redact.files import STREAM

    plan = _plan(
        files, out, kind, bool(columns or near), (force, resume), (directory, key)
    )
    people = _people(directory, near)
    wanted = _wanted(columns, near, document, longest)
    names = _recogniser(recogniser)
    settings = replace(_settings(style, key), recogniser=names or "")
    work = Work(people.directory, settings, drop_above)
    start, done = time.perf_counter(), []
    # Where the result goes to standard output, nothing else may.
    aside = any(each.target == STREAM for each in plan)
    with workers(work, jobs) as doing, progress_bars() as progress:
        try:
            for pair in plan:
                done.append(_run(pair, wanted, doing, progress))
        finally:  # what is written stays, whatever happens to the next file
            for line in _wrote(plan, done):
                click.echo(line, err=aside)
    for line in _summary(plan, done, time.perf_counter() - start, jobs):
        click.echo(line, err=aside)
    for number, line in enumerate(_left(plan, done, people, near, names), 1):
        click.echo(f"not removed {number}: {line}", err=aside)


def _plan(
    files: Sequence[Path],
    out: Path | None,
    kind: str | None,
    tabular: bool,
    there: tuple[bool, bool],
    others: Sequence[Path | None],
) -> "list[Pair]":
    """Say what is made of what, once everything that can be known is checked."""
    from assent.redact.files import STREAM, Format
    from assent.redact.targets import pairs

    force, resume = there
    if force and resume:
        raise UsageError("`--force` and `--resume` exclude each other", hint="use one")
    known = None if kind is None else Format(kind)
    if known is None and STREAM in files:
        known = Format.JSONL if tabular else Format.TEXT
    read = [each for each in others if each is not None]
    plan = pairs(files, out, known, force=force, resume=resume, others=read)
    if tabular and any(each.kind is Format.TEXT for each in plan):
        raise UsageError(
            "plain text has no columns", hint="leave `--column` and `--near` out"
        )
    return plan


def _people(path: Path | None, near: Sequence[str]) -> "People":
    from assent.redact.people import nobody, read_people

    people = nobody() if path is None else read_people(path)
    if near and not people.owned:
        raise UsageError(
            "`--near` says who takes part, and no entry of a directory is theirs",
            hint="give a `--directory` with a column subject_id",
        )
    if path is not None and not people.entries:
        click.echo(f"note: `{path.name}` has no entry to look for", err=True)
    return people


def _recogniser(choice: str) -> str | None:
    """Say how a recogniser is opened, once it is known that it can be."""
    if choice == "none":
        return None
    from assent.redact.recogniser import opened

    wanted = "person" if choice == "own" else choice
    if Path(choice).is_dir():
        wanted = f"transformers:{choice}"
    opened(wanted)
    return wanted


def _wanted(
    columns: Sequence[str], near: Sequence[str], document: str, longest: float
) -> "Wanted":
    from assent.redact.files import Wanted
    from assent.redact.text import Unit

    return Wanted(
        columns=tuple(dict.fromkeys(columns)),
        near=tuple(dict.fromkeys(near)),
        unit=Unit(document),
        longest=int(longest * MEGABYTE),
    )


def _settings(style: str, path: Path | None) -> "Settings":
    """Say how spans are replaced; a key that is not there is drawn, and said so."""
    from assent.redact.redactor import Settings
    from assent.terms import Style

    if style == Style.PLACEHOLDER:
        if path is not None:
            raise UsageError(
                "`--key` is for pseudonyms", hint="choose another `--style`"
            )
        return Settings()
    if path is None:
        raise UsageError(
            f"`--style {style}` needs a key, so that nobody can guess who is who",
            hint="name its file with `--key`; it is drawn if it is not there",
        )
    if not path.exists():
        write_whole(path, os.urandom(KEY_BYTES), SECRET_MODE)
        click.echo(
            f"note: drew a key and wrote it to `{path.name}`: whoever has it can test "
            "who is behind a pseudonym",
            err=True,
        )
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise UsageError(
            f"`{path.name}` holds {len(key)} bytes, and a key has {KEY_BYTES}",
            hint="name another file with `--key`; it is drawn if it is not there",
        )
    if path.stat().st_mode & OTHERS:
        raise UsageError(
            f"`{path.name}` is a key that others may read", hint="chmod 600 it"
        )
    return Settings(Style(style), key)


def _run(
    pair: "Pair", wanted: "Wanted", doing: "Doing", progress: Callable[..., None]
) -> "Done":
    from assent.redact.files import redact_file
    from assent.redact.reading import called

    name = called(pair.source)
    done = redact_file(
        pair, wanted, doing, lambda tally: progress(name, tally.documents, 0)
    )
    progress(name, done.tally.documents, done.tally.documents)
    return done


def _wrote(plan: Sequence["Pair"], done: Sequence["Done"]) -> Iterator[str]:
    from assent.redact.files import STREAM
    from assent.redact.reading import called

    for pair, each in zip(plan, done, strict=False):
        if pair.target == STREAM:
            continue
        tally = each.tally
        said = f"wrote `{called(pair.target)}`: {_counted(tally.documents, 'document')}"
        yield said + (f", {tally.dropped:,} of them dropped" if tally.dropped else "")


def _counted(number: int, what: str) -> str:
    if number != 1:
        what += "es" if what.endswith("s") else "s"
    return f"{number:,} {what}"


def _summary(
    plan: Sequence["Pair"], done: Sequence["Done"], seconds: float, jobs: int
) -> Iterator[str]:
    """Say what was done, in figures."""
    from assent.redact.bulk import Tally
    from assent.redact.files import STREAM
    from assent.redact.spans import Kind

    tally = sum((each.tally for each in done), Tally())
    if len(done) != 1 or plan[0].target == STREAM:
        documents = _counted(tally.documents, "document")
        yield f"in all: {documents}, {tally.dropped:,} of them dropped"
    found = [f"{tally.found[kind]:,} {kind}" for kind in Kind if tally.found.get(kind)]
    yield f"replaced: {', '.join(found) or 'nothing'}"
    share = tally.removed / tally.characters if tally.characters else 0
    yield f"removed: {share:.2%} of {tally.characters:,} characters"
    speed = tally.size / MEGABYTE / max(seconds, 1e-9)
    yield (
        f"speed: {speed:.1f} MB/s ({tally.size / MEGABYTE:,.1f} MB of text in "
        f"{seconds:.1f} s, {_counted(jobs, 'process')})"
    )


def _left(
    plan: Sequence["Pair"],
    done: Sequence["Done"],
    people: "People",
    near: Sequence[str],
    recogniser: str | None,
) -> Iterator[str]:
    """Say what may still be in the result."""
    from assent.redact.files import Format

    if recogniser is not None:
        yield (
            "names that the recogniser misses: docs/name-recogniser.md says how many, "
            "and how many of its finds are none"
        )
    elif not people.entries:
        yield "any name: without `--directory` nobody's name is known"
    else:
        yield "names of people who are not in the directory"
    if people.single and not near and recogniser is None:
        yield (
            f"names of one word, {people.single:,} of {people.entries:,} entries: they "
            "may be words of the language, and are found only where `--near` says that "
            "their bearer takes part"
        )
    kept = sorted({column for each in done for column in each.kept})
    if kept:
        yield f"what stands in other columns: {', '.join(kept)}"
    if any(pair.kind is Format.JSONL for pair in plan):
        yield "what stands in other fields of the lines"
    yield (
        "nicknames, initials, street addresses, dates of birth, and what together "
        "tells who somebody is"
    )
    yield f"what is written in a way that no pattern knows: {PAGE} says more"
