"""When a quorum of witnesses last saw a head."""

from assent.merkle.quorum import LogPolicy, cosignatures

MOST_SKEW = 300
"""Seconds by which a witness's clock may be ahead of ours."""


def witness_time(note: str, policy: LogPolicy) -> int | None:
    """Give the latest time at which a quorum had seen a head: seconds UTC.

    One witness alone, also one that lies, cannot make a head look fresher than the
    quorum says.

    Returns:
        None when no quorum cosigned it.

    Raises:
        ProofError: the note is malformed, or what a known witness signed is wrong.
    """
    found = cosignatures(note, policy)
    for time in sorted({each.timestamp for each in found.values()}, reverse=True):
        names = [name for name, each in found.items() if each.timestamp >= time]
        if policy.is_met_by(names):
            return time
    return None


def is_fresh(seen: int | None, now: int, most: int) -> bool:
    """Say whether witnesses saw a head recently enough, and not in the future.

    Args:
        seen: seconds UTC; None for never.
        now: seconds UTC.
        most: seconds since then.
    """
    return seen is not None and -MOST_SKEW <= now - seen <= most
