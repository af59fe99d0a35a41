"""The report's figures as blocks: tables, facts, plots and paragraphs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from assent.report.figures import (
    CorpusFigures,
    DecisionRow,
    Forgotten,
    LedgerFigures,
    Part,
    Proof,
    ReportData,
    Suspended,
    TrainingFigures,
)
from assent.report.plot import Bar, bars_svg, replay_svg
from assent.report.replay import Snapshot
from assent.report.tables import Table, reason_rows, region_rows, replay_rows
from assent.terms import GAPS, PROVED, Reason

SHORT = 12  # characters of a digest that are shown at once
MOST_BARS = 16  # of more, the table alone is clearer
GUESSING = 8.0  # bits per byte of a model that knows nothing


@dataclass(frozen=True, slots=True)
class Cell:
    """One value; `full` is what a shortened one stands for, `share` draws a bar."""

    text: str
    look: str = "text"  # number, hash, good, bad or text
    full: str = ""
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; the first cell of a row names the row.

    What is `of_choices` says so where the choices are simulated.
    """

    caption: str
    columns: list[str]
    rows: list[list[Cell]]
    of_choices: bool = True
    block: str = "grid"


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with one value each."""

    items: list[tuple[str, Cell]]
    block: str = "facts"


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure drawn twice: for wide screens and paper, and for phones."""

    label: str
    caption: str
    wide: str
    narrow: str
    block: str = "plot"


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph, and a command that goes with it."""

    text: str
    command: str = ""
    block: str = "prose"


Block = Grid | Facts | Plot | Prose


def sections(data: ReportData) -> dict[Part, list[Block]]:
    """Lay out every part; one that has nothing to show has no block."""
    return {
        Part.REPLAY: _replay(data.replay),
        Part.DECISIONS: _decisions(data.decisions),
        Part.CORPUS: _corpus(data.corpus),
        Part.TRAINING: _training(data.training),
        Part.FORGETTING: _forgetting(data.forgetting),
        Part.SUSPENSION: _suspensions(data.suspensions),
        Part.PROOFS: _proofs(data.proofs),
        Part.LEDGER: _ledger(data.ledger),
    }


def summary(data: ReportData) -> list[tuple[str, str]]:
    """Pick the figures to read first: (value, what it counts)."""
    found = []
    for way in dict.fromkeys(each.way for each in data.replay):
        worst = max(each.used_before_told for each in data.replay if each.way == way)
        found.append((f"{worst:,}", f"{way}: people used before being told, at worst"))
    if data.decisions:
        total = sum(row.documents for row in data.decisions)
        allowed = sum(row.documents for row in data.decisions if row.reason in PROVED)
        found.append((_percent(allowed, total), f"of {total:,} documents permitted"))
    if data.forgetting:
        compared = [each for each in data.forgetting if each.bit_identical is not None]
        same = sum(each.bit_identical is True for each in compared)
        words = "repaired shards bit-identical to one that never saw the person"
        found.append((f"{same} of {len(compared)}", words))
    if data.proofs:
        found.append((f"{len(data.proofs):,}", "proof bundles checked offline"))
    if data.ledger:
        found.append(
            (f"{data.ledger.entries:,}", "ledger entries under one signed head")
        )
    return found


def _replay(snapshots: Sequence[Snapshot]) -> list[Block]:
    if not snapshots:
        return []
    dates = list(dict.fromkeys((each.at, each.what) for each in snapshots))
    return [
        Prose(
            "The same people, documents and events, decided on every date of the case: "
            "once as the operator did, once by Assent’s policies. A step holds until "
            "the next date; the numbers above the first panel are the dates below."
        ),
        Plot(
            "People in use by region on each date, one panel a way; the tables below "
            "hold every value.",
            "People in use by region, both ways on one scale.",
            replay_svg(snapshots),
            replay_svg(snapshots, narrow=True),
        ),
        Grid(
            "Dates of the case",
            ["number", "date", "what happened"],
            [
                [_number(n), Cell(at[:10]), Cell(what, "long")]
                for n, (at, what) in enumerate(dates, start=1)
            ],
            of_choices=False,
        ),
        _grid("In use, and in use without proof", replay_rows(snapshots), alarms=4),
        _grid("People in use, by region", region_rows(snapshots, "people")),
        _grid("Documents in use, by region", region_rows(snapshots, "documents")),
        _grid("People not in use, by main reason", reason_rows(snapshots)),
    ]


def _decisions(rows: Sequence[DecisionRow]) -> list[Block]:
    if not rows:
        return []
    total = max(sum(row.documents for row in rows), 1)
    order = sorted(rows, key=lambda row: (_standing(row.reason)[0], -row.documents))
    allowed = sum(row.documents for row in rows if row.reason in PROVED)
    gaps = sum(row.documents for row in rows if row.reason in GAPS)
    return [
        Prose(
            f"Only proof allows: {allowed:,} documents are permitted, "
            f"{sum(row.documents for row in rows) - allowed - gaps:,} are denied, and "
            f"{gaps:,} are denied because something is missing (a gap). People are "
            "counted in each row where a document of theirs is, so that column has no "
            "sum."
        ),
        Grid(
            "Documents by reason and rule",
            ["reason", "decision", "rule, order or label", "documents", "people"],
            [
                [
                    Cell(_words(row.reason)),
                    Cell(*_standing(row.reason)[1:]),
                    Cell(row.rule or "–"),
                    _number(row.documents, row.documents / total),
                    _number(row.people),
                ]
                for row in order
            ],
        ),
    ]


def _standing(reason: Reason) -> tuple[int, str, str]:
    if reason in PROVED:
        return 0, "permitted", "good"
    if reason is Reason.UNSAFE_DEFAULT_ON:
        return 1, "replay only", "bad"
    return (3, "denied: gap", "text") if reason in GAPS else (2, "denied", "text")


def _corpus(corpus: CorpusFigures | None) -> list[Block]:
    if corpus is None:
        return []
    found: list[Block] = [
        Facts(
            [
                ("corpus", _digest(corpus.corpus_id)),
                ("documents used", _number(corpus.documents)),
                ("documents dropped", _number(corpus.documents_dropped)),
                ("characters before redaction", _number(corpus.characters)),
                ("characters removed", _number(corpus.characters_removed)),
                (
                    "share removed",
                    Cell(
                        _percent(corpus.characters_removed, corpus.characters), "number"
                    ),
                ),
            ]
        )
    ]
    if corpus.redactions:
        columns = ["kind", "replaced"]
        found.append(
            _counted("Personal data removed", columns, corpus.redactions, False)
        )
    if corpus.dropped:
        columns = ["reason", "documents"]
        found.append(_counted("Documents dropped", columns, corpus.dropped))
    return found


def _training(training: TrainingFigures | None) -> list[Block]:
    if training is None:
        return []
    groups = training.groups
    measured = [each for each in groups if each.bits_per_byte is not None]
    facts = [
        ("model", _digest(training.model_id)),
        ("sealed plan", _digest(training.plan)),
        ("shards", _number(sum(each.shards for each in groups))),
        ("slices a shard", _number(training.slices)),
        ("parameters a shard", _number(training.parameters)),
        ("seconds", Cell(f"{training.seconds:,.1f}", "number")),
    ]
    if training.bits_per_byte is not None:
        bits = Cell(f"{training.bits_per_byte:.3f}", "number")
        facts.append(("bits per byte, all groups mixed", bits))
    columns = ["group", "shards", "documents", "bytes"]
    rows = [
        [Cell(x.name), _number(x.shards), _number(x.documents), _number(x.bytes)]
        + ([_bits(x.bits_per_byte)] if measured else [])
        for x in groups
    ]
    found: list[Block] = [Facts(facts)]
    if measured:
        columns.append("bits per byte")
        bars = [
            Bar(x.name, x.bits_per_byte or 0.0, _bits(x.bits_per_byte).text)
            for x in measured
        ]
        caption = (
            "Bits per byte of held-out clean text, by group: lower is better, and "
            f"guessing costs {GUESSING:.0f}, which is the whole length."
        )
        found += _bars(bars, caption, GUESSING)
    return [*found, Grid("Groups of the plan", columns, rows)]


def _forgetting(forgotten: Sequence[Forgotten]) -> list[Block]:
    if not forgotten:
        return []
    bars = [Bar(x.shard, x.share, _percent(x.share, 1)) for x in forgotten]
    columns = ["person", "shard", "from slice", "share of training replayed"]
    columns += ["weights before", "weights after", "oracle", "bit-identical"]
    rows = [
        [
            Cell(x.who, "code"),
            Cell(x.shard),
            _number(x.slice_index),
            Cell(_percent(x.share, 1), "number"),
            _digest(x.before),
            _digest(x.after),
            _digest(x.oracle) if x.oracle is not None else Cell("not run"),
            {
                True: Cell("yes", "good"),
                False: Cell("no", "bad"),
                None: Cell("not compared"),
            }[x.bit_identical],
        ]
        for x in forgotten
    ]
    return [
        Prose(
            "Each shard was replayed from the checkpoint before the person’s slice, "
            "without the person. The oracle is the same shard, trained from the start "
            "as if the person had never existed."
        ),
        *_bars(bars, "Share of all training steps that were replayed.", 1.0),
        Grid("Repairs", columns, rows),
    ]


def _suspensions(suspensions: Sequence[Suspended]) -> list[Block]:
    rows = [
        [
            Cell(each.order),
            Cell(", ".join(each.regions)),
            Cell(group),
            Cell("speaks" if group in each.before else "silent"),
            Cell("speaks") if group in each.after else Cell("silent", "strong"),
        ]
        for each in suspensions
        for group in dict.fromkeys((*each.before, *each.after))
    ]
    columns = ["order", "regions", "group", "before", "after"]
    caption = "Groups in the served mixture, before and after the order"
    words = (
        "A suspension counts at once: the group leaves the mixture, nothing is trained."
    )
    return [Prose(words), Grid(caption, columns, rows)] if rows else []


def _proofs(proofs: Sequence[Proof]) -> list[Block]:
    rows = [
        [
            Cell(each.file, "code"),
            Cell(each.verdict, "strong"),
            _number(each.steps),
            _number(each.bytes),
        ]
        for each in proofs
    ]
    prose = Prose(
        "Anyone who has one of these files can check it offline. The command derives "
        "the verdict from the signed ledger entries in the file.",
        command="assent verify FILE",
    )
    columns = ["file", "verdict", "steps checked", "bytes"]
    return [prose, Grid("Proof bundles", columns, rows)] if rows else []


def _ledger(ledger: LedgerFigures | None) -> list[Block]:
    if ledger is None:
        return []
    return [
        Facts(
            [
                ("origin", Cell(ledger.origin)),
                ("entries", _number(ledger.entries)),
                ("signed root", _digest(ledger.head)),
            ]
        )
    ]


# -- values ----------------------------------------------------------------------------


def _number(value: int, share: float | None = None) -> Cell:
    return Cell(f"{value:,}", "number", share=share)


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def _bits(value: float | None) -> Cell:
    return Cell("–" if value is None else f"{value:.3f}", "number")


def _digest(value: str) -> Cell:
    """Shorten what is long: the page shows the rest on request."""
    if len(value) <= 2 * SHORT:
        return Cell(value, "code")
    return Cell(value[:SHORT] + "…", "hash", full=value)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _grid(caption: str, table: Table, alarms: int | None = None) -> Grid:
    """Set a table of `report.tables`; from column `alarms` on only zero is well."""
    columns, rows = table

    def cell(n: int, value: str | int) -> Cell:
        if isinstance(value, str):
            return Cell(value)
        alarm = alarms is not None and n >= alarms and value > 0
        look = "number alarm" if alarm else "number" if value else "number zero"
        return Cell(f"{value:,}", look)

    return Grid(
        caption, columns, [[cell(n, x) for n, x in enumerate(row)] for row in rows]
    )


def _counted(
    caption: str, columns: list[str], counts: Mapping[str, int], of_choices: bool = True
) -> Grid:
    total = max(sum(counts.values()), 1)
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [[Cell(_words(name)), _number(n, n / total)] for name, n in order]
    return Grid(caption, columns, rows, of_choices)


def _bars(bars: Iterable[Bar], caption: str, full: float) -> list[Block]:
    drawn = list(bars)
    if len(drawn) > MOST_BARS:
        return []
    label = f"{caption} The table below holds every value."
    pair = (bars_svg(drawn, full, narrow) for narrow in (False, True))
    return [Plot(label, caption, *pair)]
