"""Commands that audit: were rows permitted, what redaction finds, what shards tell."""

import json
import sys
from pathlib import Path

import click

from assent.cli.output import progress_bars, show_table
from assent.cli.root import InOrder, opened
from assent.errors import UsageError

PATH = click.Path(path_type=Path)


@click.group(cls=InOrder)
def audit() -> None:
    """Measure what was done, and say what is left."""


@audit.command("corpus")
@click.argument("corpus", required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def corpus_(context: click.Context, corpus: str | None, as_json: bool) -> None:
    """Derive again, from ledger and policy, that every row of CORPUS was permitted.

    Each row of each part is decided as of the corpus's own instant and ledger size, and
    compared with the manifest; exit 1 when one cannot be derived, with its document id.
    How many are no longer permitted now is said beside it. Default: the latest corpus.

    \b
    assent audit corpus
    assent audit corpus corpus-43c240a9a0f19d88 --json
    """
    with opened(context) as project, progress_bars() as progress:
        done = project.audit_corpus(corpus, progress)
    if as_json:
        click.echo(json.dumps(done.to_json(), indent=2, sort_keys=True))
    else:
        for line in done.lines():
            click.echo(line)
    if not done.derivable:
        sys.exit(1)


@audit.command()
@click.argument("corpus")
@click.option(
    "--out",
    type=PATH,
    default=Path("audit"),
    show_default=True,
    help="Folder for `redaction.html`, `redaction.json` and the review sheet.",
)
@click.option(
    "--each",
    default=400,
    show_default=True,
    help="Identities of each kind as written, and as many disguised.",
)
@click.option("--seed", default=1, show_default=True, help="Of all that is drawn.")
@click.option(
    "--sample",
    default=0,
    help="Documents for a reviewer: writes `review.csv` (mode 0600), which shows what "
    "people wrote, into a folder outside of the project. Default: no sheet.",
)
@click.option(
    "--review", type=PATH, help="The filled sheet: adds recall and precision from it."
)
@click.option(
    "--floor",
    type=float,
    help="Least recall of every kind as written, by the lower end of its interval; "
    "exit 1 below it. Default: none.",
)
@click.option("--floor-disguised", type=float, help="The same of disguised identities.")
@click.pass_context
def redaction(
    context: click.Context,
    corpus: str,
    out: Path,
    each: int,
    seed: int,
    sample: int,
    review: Path | None,
    floor: float | None,
    floor_disguised: float | None,
) -> None:
    """Measure how much personal data the redaction of CORPUS finds.

    Made-up identities of every kind are planted into documents of the corpus, as
    written and disguised, and redacted with the corpus's own directory; look-alikes
    tell what goes by mistake. Nothing is appended to the ledger.

    \b
    assent audit redaction corpus-43c240a9a0f19d88 --floor 0.95
    assent audit redaction corpus-43c240a9a0f19d88 --sample 200 --out ../review
    assent audit redaction corpus-43c240a9a0f19d88 --review ../review/review.csv
    """
    from assent.project.auditing import Options

    options = Options(each, seed, sample, review, floor, floor_disguised)
    with opened(context) as project, progress_bars() as progress:
        done = project.audit_redaction(corpus, out, options, progress)
        note = project.place.config.note
    show_table(["kind", "removed, as written", "disguised"], done.rows(), note)
    for line in done.lines():
        click.echo(line)
    if done.below:
        sys.exit(1)


@audit.command()
@click.argument("model", required=False)
@click.option(
    "--out",
    type=PATH,
    default=Path("audit"),
    show_default=True,
    help="Folder for `model.html` and `model.json`.",
)
@click.option(
    "--never",
    type=PATH,
    help="People in no shard, as JSON lines of `subject_id` and `text`: at least 40. "
    "Without them members cannot be told from others.",
)
@click.option(
    "--people",
    type=PATH,
    help="People to test one by one, in the same form, such as who has left: writes "
    "`people.json` (mode 0600). Needs `--never`.",
)
@click.option("--before", type=PATH, help="`model.json` of an earlier audit.")
@click.option(
    "--most", default=400, show_default=True, help="People of each group, at most."
)
@click.option("--seed", default=1, show_default=True, help="Of all that is drawn.")
@click.pass_context
def model(
    context: click.Context,
    model: str | None,
    out: Path,
    never: Path | None,
    people: Path | None,
    before: Path | None,
    most: int,
    seed: int,
) -> None:
    """Measure what the shards of MODEL tell of the people they were trained on.

    The shards of a group are each other's controls. Default: the served model, shards
    in quarantine too. Nothing is appended to the ledger.

    \b
    assent audit model
    assent audit model --never outsiders.jsonl --people left.jsonl --out before
    assent audit model --never outsiders.jsonl --before before/model.json --out after
    """
    from assent.project.auditing_models import Options

    if people and not never:
        raise UsageError(
            "`--people` needs `--never`: nobody is compared with herself",
            hint="name a file of people in no shard",
        )
    options = Options(seed, most, never, people, before)
    with opened(context) as project, progress_bars() as progress:
        done = project.audit_model(model, out, options, progress)
        note = project.place.config.note
    columns = ["group", "shards", "p-value", "AUC", "false alarms", "epsilon"]
    show_table(columns, done.rows(), note)
    for line in done.lines():
        click.echo(line)
