"""Where a project's shards are trained: here, or on a cluster."""

from collections.abc import Iterator
from contextlib import contextmanager

from assent.errors import UsageError
from assent.project.place import Place
from assent.train.parallel import Here, Workers


@contextmanager
def workers_on(place: Place, on: str) -> Iterator[Workers]:
    """Give processes of this host, or the nodes of a cluster while it is needed.

    Args:
        place: the project.
        on: `ray://HOST:PORT`; empty for this host.

    Raises:
        UsageError: Ray is not installed, or no cluster answers there.
    """
    if not on:
        yield Here(place.config.train.workers)
        return
    try:
        from assent.train.cluster import connected
    except ImportError as error:
        raise UsageError(
            f"training on a cluster is not installed: no module `{error.name}`",
            hint="pip install 'assent[run,train,ray]'",
        ) from error
    with connected(on, place.folder) as cluster:
        yield cluster
