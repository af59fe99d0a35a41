"""Where the results of redacted files go: checked, all of them, before work begins."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from assent.errors import UsageError
from assent.redact.files import ENDINGS, STREAM, Format, Pair, format_of
from assent.redact.reading import PACKED, called, unpacked


def pairs(
    sources: Sequence[Path],
    out: Path | None,
    kind: Format | None = None,
    *,
    force: bool = False,
    resume: bool = False,
    others: Collection[Path] = (),
) -> list[Pair]:
    """Pair files with results: one with a file, several with a folder.

    Args:
        sources: the files, or `STREAM` alone.
        out: a file; a folder, where each keeps its name; or `STREAM`, which is where
            None leads from `STREAM`.
        kind: format of all; None: what each name says.
        force: replace results that are there.
        resume: leave out files whose results are there; each is whole.
        others: further files that no result may replace.

    Raises:
        UsageError: a file is not there, a result is, or it would replace what is read.
    """
    for source in sources:
        _check_source(source, len(sources))
    if out is None:
        if sources[0] != STREAM:
            raise UsageError(
                "there is no place for the result", hint="name one with `--out`"
            )
        out = STREAM
    inside = len(sources) > 1 or out.is_dir()
    _check_folder(sources, out, inside)
    found = []
    for source in sources:
        target = out / source.name if inside and source != STREAM else out
        pair = Pair(source, target, kind or format_of(source))
        _check_kind(pair)
        if target == STREAM or _is_new(target, [*sources, *others], force, resume):
            found.append(pair)
    return found


def _check_source(source: Path, count: int) -> None:
    if source == STREAM:
        if count > 1:
            raise UsageError("`-` stands beside other files", hint="run it alone")
    elif source.is_dir():
        raise UsageError(f"`{called(source)}` is a folder", hint="name the files in it")
    elif not source.exists():
        raise UsageError(f"there is no file `{called(source)}`", hint="check the path")


def _check_folder(sources: Sequence[Path], out: Path, inside: bool) -> None:
    counted = Counter(source.name for source in sources)
    twice = [name for name, count in counted.items() if count > 1]
    if twice:
        raise UsageError(
            f"two files are called `{twice[0]}`, so one result would replace the other",
            hint="run them one by one",
        )
    if inside and (out == STREAM or (out.exists() and not out.is_dir())):
        raise UsageError(
            f"`{called(out)}` is no folder, and there are {len(sources)} results",
            hint="name a folder with `--out`",
        )


def _check_kind(pair: Pair) -> None:
    """Refuse a result whose name says another format than it will have."""
    name = pair.target.name
    if pair.kind is Format.PARQUET and STREAM in pair:
        raise UsageError("Parquet is no stream", hint="name a file in place of `-`")
    ending = Path(unpacked(pair.target, name)).suffix.lower()
    packed = pair.kind is Format.PARQUET and pair.target.suffix in PACKED
    if packed or ENDINGS.get(ending, pair.kind) is not pair.kind:
        raise UsageError(
            f"`{name}` would not be what its name says: it holds {pair.kind}",
            hint="the result has the format of the file that it is made of",
        )


def _is_new(
    target: Path, readings: Collection[Path], force: bool, resume: bool
) -> bool:
    """Say whether a result is to be made, or is there already and may stay."""
    if not target.exists():
        return True
    if any(each.exists() and target.samefile(each) for each in readings):
        raise UsageError(
            f"`{called(target)}` is read, so no result may replace it",
            hint="name another file or folder with `--out`",
        )
    if not target.is_file():
        raise UsageError(
            f"`{called(target)}` is no ordinary file, so nothing whole can replace it",
            hint="name a file; `-` is standard output",
        )
    if resume:
        return False
    if not force:
        raise UsageError(
            f"`{called(target)}` exists already",
            hint="`--force` replaces it, `--resume` keeps it",
        )
    return True
