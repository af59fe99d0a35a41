"""People who are not members object: their names are removed everywhere.

Who is no member has no events of her own: nobody could tell by her id whom they
concern. She gets a random id, and of what she gives only keyed tags stay, as of those
who were erased; they are in every later directory. The log gets a public event with
that id and a commitment that only she can open.

`objected` of a member is something else: it denies the use of what she wrote.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assent.canon import canonical, keyed
from assent.corpus.manifest import ERASED
from assent.errors import LedgerError, UsageError
from assent.project.commitments import is_logged
from assent.project.place import Place
from assent.project.writing import directory_key, keep_tags, kept_tags
from assent.redact.directory import Directory
from assent.redact.entries import Mark, batches
from assent.redact.hidden import Tags
from assent.redact.redactor import Redactor
from assent.redact.spans import Kind
from assent.terms import EventKind, iso

OBJECTORS = "secrets/objectors"
"""A directory of keyed tags alone: of all objectors who are not members."""
KINDS = (Kind.NAME, Kind.EMAIL, Kind.HANDLE, Kind.PHONE, Kind.URL)
MOST_LETTERS = 1_000
BATCH_ROWS = 1_000
ID_BYTES = 8

Values = Mapping[Kind, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Objection:
    """What was registered.

    Args:
        objector: random id, the only thing by which the objection can be named.
        entry: of the ledger.
        opening: hex; with her own values it opens the commitment in the ledger.
        entries: how many things are looked for.
        traces: corpus id -> documents whose texts still hold something of hers.
    """

    objector: str
    entry: int
    opening: str
    entries: int
    traces: Mapping[str, int]

    def lines(self) -> list[str]:
        """Say it in lines for a terminal; none of them holds what she gave."""
        counted = "1 entry" if self.entries == 1 else f"{self.entries} entries"
        return [
            f"objector {self.objector}: {counted} kept as keyed tags",
            f"receipt: ledger entry {self.entry}, opening {self.opening} (for her "
            "alone: it is kept nowhere)",
            "removed from now on, in every corpus that is built",
            *self._traces(),
        ]

    def _traces(self) -> list[str]:
        if not self.traces:
            return ["no corpus that stands holds a trace of it"]
        found = [
            f"{corpus_id}: {count:,} of its texts still {_hold(count)} a trace"
            for corpus_id, count in self.traces.items()
        ]
        return [
            *found,
            "due: `assent build`, then `assent train`; a repair keeps its directory, "
            "so it would not remove them",
        ]


def register(place: Place, values: Values) -> Objection:
    """Register what an objector who is not a member is called.

    Args:
        place: the project.
        values: what is to be removed everywhere, by kind.

    Raises:
        UsageError: a value that could not be looked for; it is named by its number.
        CorpusError: what is kept of earlier objectors is damaged.
    """
    rows = _rows(values)
    objector = place.vault.draws(1)[0][:ID_BYTES].hex()
    opening = place.vault.draws(1)[0]
    owner = pa.array([objector] * len(rows), pa.string())
    new = Tags(directory_key(place)).hide(rows.set_column(0, "subject_id", owner))
    kept = kept_tags(place, OBJECTORS)
    keep_tags(place, OBJECTORS, pa.concat_tables([kept, new]))
    # Crash here: her entries count already, under an id that nobody was told.
    commitment = keyed(opening, "objector", canonical(_committed(objector, values)))
    event = place.book.publish(
        EventKind.OBJECTOR_REGISTERED,
        place.clock(),
        {"objector": objector, "commitment": commitment.hex()},
    )
    traces = _traces(place, Directory(rows, directory_key(place)))
    return Objection(objector, event.number, opening.hex(), len(rows), traces)


def remove(place: Place, objector: str) -> int:
    """Forget an objector; later directories do not hold her. Returns: ledger entry.

    Raises:
        UsageError: no objector of that id stands.
    """
    if objector not in listed(place):
        raise UsageError(
            "no objector of that id is registered",
            hint="`assent object --list` lists the ids",
        )
    hers = Tags(directory_key(place)).of_subject(objector)
    kept = kept_tags(place, OBJECTORS)
    if len(kept):
        keep_tags(place, OBJECTORS, kept.filter(pc.not_equal(kept["owner"], hers)))
    # Crash here: her entries are gone and she is listed; removing again logs it.
    event = place.book.publish(
        EventKind.OBJECTOR_REMOVED, place.clock(), {"objector": objector}
    )
    return event.number


def listed(place: Place) -> dict[str, str]:
    """List the objectors: id -> when she was registered (ISO 8601)."""
    found: dict[str, str] = {}
    kinds = EventKind.OBJECTOR_REGISTERED, EventKind.OBJECTOR_REMOVED
    for event in place.events_of(*kinds):
        objector = event.body["objector"]
        if event.kind == EventKind.OBJECTOR_REGISTERED:
            found[objector] = iso(event.recorded_at)
        else:
            found.pop(objector, None)
    return found


def objector_entries(place: Place) -> pa.Table:
    """Read the keyed tags of all objectors.

    Raises:
        LedgerError: the ledger names an objector of whom nothing is kept: her name
            would come back.
    """
    kept = kept_tags(place, OBJECTORS)
    known = set(kept["owner"].to_pylist())
    tags = Tags(directory_key(place))
    for objector in listed(place):
        if tags.of_subject(objector) not in known:
            raise LedgerError(
                f"nothing is kept of objector {objector}, so nothing of hers would be "
                "removed",
                hint=f"restore `{OBJECTORS}` from a backup, or say that she is not to "
                f"be removed any more: `assent object --remove {objector}`",
            )
    return kept


def opens(commitment: str, opening: str, objector: str, values: Values) -> bool:
    """Say whether an objector's own values open a commitment in the ledger."""
    value = canonical(_committed(objector, values))
    found = keyed(bytes.fromhex(opening), "objector", value).hex()
    return secrets.compare_digest(found, commitment)


def _committed(objector: str, values: Values) -> dict[str, object]:
    every = {str(kind): sorted(set(listed)) for kind, listed in values.items()}
    return {"objector": objector} | {key: each for key, each in every.items() if each}


def _rows(values: Values) -> pa.Table:
    """Make entries of the values. Raises: UsageError: one of them gives none."""
    if not any(values.values()):
        raise UsageError(
            "nothing is given that could be removed",
            hint="give `--name`, `--email`, `--handle`, `--phone` or `--url`, or "
            "`--stdin`",
        )
    for kind, given in values.items():
        for number, value in enumerate(given, start=1):
            _check(kind, number, value)
    return Directory.of(values, bytes(32)).rows


def _check(kind: Kind, number: int, value: str) -> None:
    """Refuse what would be promised and never found; the value is not repeated."""
    made = list(batches(kind, [value])) if len(value) <= MOST_LETTERS else []
    marks = {mark for batch in made for mark in batch.marks.tolist()}
    if any(mark & Mark.NEAR for mark in marks):
        raise UsageError(
            f"{kind} {number} is one word, which may be a word of the language, so it "
            "would not be looked for",
            hint="give name and surname as they are written together",
        )
    if not marks:
        raise UsageError(
            f"{kind} {number} is nothing that can be looked for",
            hint="write it as it stands in texts: a name of two words, an address "
            "with `@`, a number with its country code",
        )


def _traces(place: Place, directory: Directory) -> dict[str, int]:
    """Count the texts of the corpora that stand in which something of hers is found."""
    redactor, found = Redactor(directory), {}
    for folder in sorted((place.folder / "corpora").glob("[!.]*")):
        if (folder / ERASED).exists() or not is_logged(place, folder.name):
            continue
        count = 0
        for path in sorted(place.corpus_folder(folder.name).glob("parts/*/*.parquet")):
            for batch in pq.ParquetFile(path).iter_batches(
                BATCH_ROWS, columns=["text"]
            ):
                texts = batch["text"].to_pylist()
                pairs = zip(texts, redactor.without(texts), strict=True)
                count += sum(before != after for before, after in pairs)
        if count:
            found[folder.name] = count
    return found


def _hold(count: int) -> str:
    return "holds" if count == 1 else "hold"
