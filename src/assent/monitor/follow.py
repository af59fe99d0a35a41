"""One run of a monitor: the lock, the memory, the look, the evidence."""

from dataclasses import dataclass
from pathlib import Path

from assent.errors import ProofError, UsageError
from assent.merkle.note import ED25519, read_key
from assent.merkle.quorum import parse_policy
from assent.monitor.evidence import Finding
from assent.monitor.source import open_source
from assent.monitor.state import State, alone, read_state, write_state
from assent.monitor.watch import Progress, Seen, Watch, look


@dataclass(frozen=True, slots=True)
class Monitor:
    """What to follow, and where to remember it.

    Args:
        watch: what to follow.
        state: file of what was accepted last.
        evidence: folder for the files that show what was wrong.
    """

    watch: Watch
    state: Path
    evidence: Path

    @property
    def origin(self) -> str:
        """Give the log's name, as in its key."""
        return self.watch.key.partition("+")[0]

    def run(self, now: int, progress: Progress = lambda *_: None) -> Seen:
        """Look once, and remember: everything is whole wherever it is cut off.

        Args:
            now: microseconds UTC.
            progress: is told how many entries were read.

        Raises:
            UnreachableError: the log could not be read, and nothing was found.
            UsageError: the state is of another log or in use; the disk is full.
            LedgerError: the mirror is not a copy of this log.
        """
        key = self.watch.key

        def save(state: State) -> None:
            write_state(self.state, state)

        def note(finding: Finding) -> str:
            return finding.write(self.evidence, key, now).name

        with alone(self.state):
            state = read_state(self.state, key)
            return look(self.watch, state, now, save, note, progress)


def monitor_of(
    where: str,
    key: str,
    state: Path,
    policy: Path | None = None,
    fresh: int | None = None,
    compare: str | None = None,
    mirror: Path | None = None,
    evidence: Path | None = None,
    whole: bool = False,
) -> Monitor:
    """Put a monitor together from what somebody typed.

    Raises:
        UsageError: the key, an address or the policy cannot be used as such.
    """
    try:
        read_key(key, ED25519)
        text = policy.read_text(encoding="utf-8") if policy else ""
        parsed = parse_policy(text) if policy else None
    except ProofError as error:
        raise UsageError(error.message, error.hint) from error
    except UnicodeDecodeError:
        raise UsageError("the witness policy is no UTF-8 text") from None
    if fresh is not None and parsed is None:
        raise UsageError(
            "`--fresh` was given without `--policy`: only witnesses say a time",
            hint="name the witnesses with `--policy FILE`",
        )
    watch = Watch(
        source=open_source(where),
        key=key,
        policy=parsed,
        policy_text=text,
        fresh=fresh,
        compare=open_source(compare) if compare else None,
        mirror=mirror,
        whole=whole,
    )
    folder = evidence or state.with_name(f"{state.name}.evidence")
    return Monitor(watch, state, folder)
