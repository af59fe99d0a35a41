"""Audit the redaction of a corpus: plant, redact, count, and ask a reviewer.

Identities and look-alikes that were made up are planted into documents of the corpus,
which are redacted already, and read with the directory that the corpus pins. Nobody's
text is redacted anew, and nothing is appended to the ledger: the same corpus, seed and
release give the same bytes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from assent.canon import canonical, sha256
from assent.corpus.manifest import Manifest, check_parts
from assent.errors import CorpusError, UsageError
from assent.files import SECRET_MODE, write_all_whole, write_whole
from assent.policy.redaction import Redaction
from assent.project import reviewing
from assent.project.drawing import Document, Draw, draw, drawn
from assent.project.place import Place, Progress
from assent.project.removal import removed, spans_of
from assent.project.reviewing import Head
from assent.project.writing import directory_key, directory_path, settings_of
from assent.redact import tally
from assent.redact.directory import Directory
from assent.redact.interval import CONFIDENCE, share
from assent.redact.lookalikes import Innocent, innocents
from assent.redact.measured import Outcome, found_again, outcomes, plant
from assent.redact.planted import LEAVER, STAYER, Identity, entries, identities
from assent.redact.redactor import Redactor
from assent.redact.spans import Kind
from assent.redact.tally import Figures
from assent.terms import Inside

FORMAT = "assent/redaction-audit/v1"
CARRIERS = 2_000
"""Documents that identities are planted into, and that shares by kind come from."""
PAGE, FIGURES, SHEET = "redaction.html", "redaction.json", "review.csv"
_CORPUS_ID = re.compile(r"corpus-[0-9a-f]{16}")
_LIBRARIES = ("phonenumbers", "python-stdnum")


@dataclass(frozen=True, slots=True)
class Options:
    """What an audit does.

    Args:
        each: identities of each kind as written, and as many disguised.
        seed: of everything that is drawn.
        sample: documents for the reviewer; 0: no sheet.
        review: the filled sheet.
        floor: least recall of each kind as written, by the interval's lower end.
        floor_disguised: the same, of disguised identities.
    """

    each: int = 400
    seed: int = 1
    sample: int = 0
    review: Path | None = None
    floor: float | None = None
    floor_disguised: float | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """A finished audit.

    Args:
        figures: what `redaction.json` holds.
        digest: sha256 of its bytes.
        files: written, by name.
        below: for each floor that is missed, the kinds that miss it.
    """

    figures: Figures
    digest: str
    files: tuple[str, ...]
    below: dict[str, list[str]]

    def rows(self) -> list[list[str]]:
        """Give the table for a terminal: recall by kind, with intervals."""
        return [
            [row["name"], *(said(row[each]) for each in ("as_written", "disguised"))]
            for row in self.figures["recall"]["by_kind"]
        ]

    def lines(self) -> list[str]:
        """Say the rest in lines for a terminal."""
        again = sum(self.figures["again"]["found"].values())
        documents = self.figures["again"]["documents"]
        lines = [
            f"read again: {documents:,} documents of the corpus, {again:,} finds"
            + (": build it again with this release" if again else ""),
            f"written: {', '.join(f'`{name}`' for name in self.files)}",
            f"sha256 of `{FIGURES}`: {self.digest}",
        ]
        for floor, kinds in self.below.items():
            lines.append(f"below the floor of {floor}: {', '.join(kinds)}")
        return lines


def said(found: Figures) -> str:
    """Write a share with its interval: `99.0 % (97.4 to 99.7)`."""
    if found["share"] is None:
        return "–"
    low, high = (f"{100 * found[end]:.1f}" for end in ("low", "high"))
    return f"{100 * found['share']:.1f} % ({low} to {high})"


def audit(
    place: Place, corpus_id: str, out: Path, options: Options, progress: Progress
) -> Audit:
    """Audit the redaction of a corpus, and write page, figures and review sheet.

    Raises:
        UsageError: there is no such corpus, a number makes no sense, a sheet would lie
            in the project or on top of another, or the review is of another corpus.
        CorpusError: the corpus is not whole, or its directory is gone.
    """
    _check(options)
    folder, manifest = _corpus(place, corpus_id)
    directory = _directory(place, manifest)
    head = _head(corpus_id, options)
    if options.sample:
        _check_place(place, out)
    reviewed = head.documents if head else 0
    found = draw(folder, manifest, options.seed, CARRIERS, reviewed)
    table = place.tables_at(manifest.request.ledger_size).documents
    carriers = drawn(folder, manifest, table, found.evenly)
    progress("documents drawn", len(carriers), len(carriers))
    redactor = Redactor(directory, settings_of(place, manifest.request))
    figures: Figures = {
        **_pins(manifest, options, len(carriers)),
        "again": _again(redactor, carriers, manifest.request.redaction),
        **_planted(place, redactor, carriers, options, progress),
        "removed": removed(redactor, folder, manifest, carriers),
    }
    _estimate(figures, manifest)
    sheet = _review(figures, head, found, (folder, manifest, table), redactor, options)
    figures["floors"], below = _floors(figures, options)
    return _write(out, figures, sheet, below)


def _check(options: Options) -> None:
    for floor in (options.floor, options.floor_disguised):
        if floor is None:
            continue
        if not 0 < floor < 1:
            raise UsageError(
                f"the floor is {floor}, wanted a share between 0 and 1",
                hint="such as `--floor 0.95`",
            )
        if share(options.each, options.each).low < floor:
            raise UsageError(
                f"{options.each} identities of a kind cannot show a recall of {floor}, "
                "even if all are removed",
                hint=f"plant more: `--each {tally.fewest(floor)}`",
            )
    if not 1 <= options.each <= 100_000:
        raise UsageError(f"{options.each} of each kind, wanted 1 to 100,000")
    if not 0 <= options.sample <= 100_000:
        raise UsageError(f"a sample of {options.sample}, wanted 0 to 100,000 documents")
    if not 0 <= options.seed < 10**18:
        raise UsageError(f"the seed is {options.seed}, wanted 0 to 10**18 - 1")


def _check_place(place: Place, out: Path) -> None:
    """Refuse to write a sheet where it is lost sight of, or another one is lost."""
    if out.resolve().is_relative_to(place.folder.resolve()):
        raise UsageError(
            f"`{out.name}` is inside the project, where the sheet would keep the words "
            "of people who are erased later",
            hint="name a folder outside with `--out`, and delete the sheet when it is "
            "read back",
        )
    if (out / SHEET).exists():
        raise UsageError(
            f"there is a `{SHEET}` already, and somebody may have filled it in",
            hint="read it with `--review`, or choose another `--out`",
        )


def _corpus(place: Place, corpus_id: str) -> tuple[Path, Manifest]:
    known = _CORPUS_ID.fullmatch(corpus_id) is not None
    folder = place.corpus_folder(corpus_id) if known else place.folder
    if not known or not folder.is_dir():
        raise UsageError(
            "there is no such corpus in this project",
            hint="`assent status` names the latest one",
        )
    return folder, check_parts(folder)


def _directory(place: Place, manifest: Manifest) -> Directory:
    path = directory_path(place, manifest.request.directory)
    if not path.exists():
        raise CorpusError(
            f"the directory that `{manifest.corpus_id}` pins is gone",
            hint="restore `secrets/directories` from a backup, or build again",
        )
    return Directory.read(path, directory_key(place))


def _head(corpus_id: str, options: Options) -> Head | None:
    """Say which sheet is to be written, or is to be read back; None: none is."""
    if options.review is None:
        asked = Head(corpus_id, options.seed, options.sample)
        return asked if options.sample else None
    if options.sample:
        raise UsageError(
            "`--sample` writes a sheet and `--review` reads one, not both at once",
            hint="leave `--sample` out: the sheet says how many documents it has",
        )
    head = reviewing.read_head(options.review)
    if (head.corpus_id, head.seed) != (corpus_id, options.seed):
        raise UsageError(
            f"`{options.review.name}` is of `{head.corpus_id}` with seed {head.seed}, "
            f"not of `{corpus_id}` with seed {options.seed}",
            hint=f"audit that corpus, with `--seed {head.seed}`",
        )
    return head


def _pins(manifest: Manifest, options: Options, carriers: int) -> Figures:
    return {
        "format": FORMAT,
        "corpus": manifest.corpus_id,
        "manifest": manifest.digest,
        "directory": manifest.request.directory,
        "simulated": manifest.request.simulated,
        "release": version("assent"),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "seed": options.seed,
        "each": options.each,
        "carriers": carriers,
        "confidence": CONFIDENCE,
        "documents": manifest.counts.documents_used,
    }


def _again(
    redactor: Redactor, carriers: Sequence[Document], asked: Redaction
) -> Figures:
    """Read the drawn documents again; what a policy keeps is there by its will."""
    kept = {Kind.NAME: asked.names, Kind.QUOTE: asked.quotes}
    left = {kind for kind, what in kept.items() if what is Inside.KEEP}
    texts = [each.redacted for each in carriers]
    found = found_again(redactor, texts, [each.near for each in carriers])
    counts = {kind.value: found[kind] for kind in sorted(found) if kind not in left}
    return {
        "documents": len(texts),
        "found": counts,
        "kept_by_policy": sorted(kind.value for kind in left),
    }


def _planted(
    place: Place,
    redactor: Redactor,
    carriers: Sequence[Document],
    options: Options,
    progress: Progress,
) -> Figures:
    """Plant identities and look-alikes, redact, and count what became of them."""
    made = identities(options.seed, options.each)
    innocent = innocents(options.seed, max(options.each // 4, 1))
    directory = _with_planted(redactor.directory, directory_key(place), made)
    redactor = Redactor(directory, redactor.settings)
    texts = [each.redacted for each in carriers]
    progress("identities made", len(made), len(made))
    near = [(STAYER,) if each.near else () for each in made]
    tried = outcomes(redactor, plant(texts, made, options.seed), near)
    progress("identities redacted", len(made), len(made))
    spared = outcomes(redactor, plant(texts, innocent, options.seed + 1))
    pairs: list[tuple[Identity, Outcome]] = list(zip(made, tried, strict=True))
    others: list[tuple[Innocent, Outcome]] = list(zip(innocent, spared, strict=True))
    return {
        "recall": tally.recall(pairs),
        "missed": tally.missed(pairs),
        "precision": tally.precision(pairs, others),
        "look_alikes": tally.spared(others),
    }


def _with_planted(
    directory: Directory, key: bytes, made: Sequence[Identity]
) -> Directory:
    """Add what must be known of planted identities; who left is known by hashes."""

    def rows(left: bool, owner: str) -> pa.Table:
        listed = Directory.of(entries(made, left=left), key).rows
        owners = pa.array([owner] * len(listed), pa.string())
        return listed.set_column(0, "subject_id", owners)

    left = Directory(rows(True, LEAVER), key).hide(LEAVER)
    return Directory(
        pa.concat_tables([directory.rows, rows(False, STAYER)]),
        key,
        pa.concat_tables([directory.hidden, left.hidden]),
    )


def _estimate(figures: Figures, manifest: Manifest) -> None:
    """Estimate what remains, if people wrote as was planted."""
    rows = {row["name"]: row for row in figures["recall"]["by_kind"]}
    counts = manifest.counts.redacted_by_kind
    figures["residual"] = [
        {
            "name": kind.value,
            "replaced": counts.get(kind, 0),
            "as_written": tally.remaining(counts.get(kind, 0), row["as_written"]),
            "disguised": tally.remaining(counts.get(kind, 0), row["disguised"]),
        }
        for kind in Kind
        if (row := rows.get(kind.value))
    ]


def _review(
    figures: Figures,
    head: Head | None,
    found: Draw,
    corpus: tuple[Path, Manifest, Path],
    redactor: Redactor,
    options: Options,
) -> bytes | None:
    """Make the sheet, or read it back into the figures."""
    figures["review"] = None
    if head is None:
        return None
    ids = [each for stratum in sorted(found.strata) for each in found.strata[stratum]]
    documents = drawn(*corpus, ids)
    rows = reviewing.rows_of(documents, spans_of(redactor, documents))
    if options.review is None:
        return reviewing.sheet(head, rows)
    verdicts = reviewing.read_verdicts(options.review, rows)
    counts = dict(corpus[1].counts.redacted_by_kind)
    figures["review"] = {
        **reviewing.judged(rows, verdicts, documents, found.sizes, counts),
        "strata": reviewing.strata_of(documents, found.sizes),
    }
    return None


def _floors(
    figures: Figures, options: Options
) -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    asked = (("as_written", options.floor), ("disguised", options.floor_disguised))
    rows = figures["recall"]["by_kind"]
    floors, below = [], {}
    for column, floor in asked:
        if floor is None:
            continue
        missed = tally.below(rows, column, floor)
        floors.append({"of": column, "floor": floor, "below": missed})
        if missed:
            below[f"{floor} ({column.replace('_', ' ')})"] = missed
    return floors, below


def _write(
    out: Path, figures: Figures, sheet: bytes | None, below: dict[str, list[str]]
) -> Audit:
    from assent.report.redaction import page

    data = canonical(figures)
    files = [(out / PAGE, page(figures).encode()), (out / FIGURES, data)]
    if sheet is not None:
        write_whole(out / SHEET, sheet, SECRET_MODE)
        # Crash here: a sheet alone; the next run must be given another folder.
    write_all_whole(files)
    names = [path.name for path, _ in files] + [SHEET] * (sheet is not None)
    return Audit(figures, sha256(data), tuple(names), below)
