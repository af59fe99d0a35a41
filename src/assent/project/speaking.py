"""Speaking: text from what may be served, decided again while it is written.

A server holds the components of the served model in memory. Whenever the ledger has
grown, and each minute (choices run out, people come of age), what may speak is decided
again before the next token; if that cannot be decided, nothing is said.
"""

import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from assent.errors import UsageError
from assent.project.place import Place
from assent.project.training import check_question, mixture, served_now
from assent.train.ensemble import Reading, Served, draw, seeded
from assent.train.exact import reproducible
from assent.train.tokens import Tokens

LOOK_EVERY = 0.2
DECIDE_EVERY = 60.0
"""Seconds between two looks at the ledger's size, and between two decisions at most."""
MOST_HELD = 4
"""Tokens of one character: no character of UTF-8 has more bytes."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for.

    Args:
        prompt: to go on from; may be empty.
        count: of tokens, at most.
        seed: of the draws; the same seed says the same.
        temperature: 0 takes the likeliest token each time.
        stop: texts before which it ends.

    Raises:
        UsageError: a value is out of its range.
    """

    prompt: str
    count: int
    seed: int = 1
    temperature: float = 1.0
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_question(self.prompt, self.count, self.seed, self.temperature)
        if not all(self.stop):
            raise UsageError("a text to stop before is empty")


@dataclass(slots=True)
class Said:
    """What was said so far, and how it ended.

    Args:
        read: tokens of the prompt.
        tokens: said so far.
        ended: `stop` or `length`; empty while it goes on.
    """

    read: int = 0
    tokens: list[int] = field(default_factory=list)
    ended: str = ""


class Speaker:
    """The components that may speak now; for one thread.

    Args:
        place: the project, open in this thread.
        seconds: a clock that never goes back.
    """

    def __init__(
        self, place: Place, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._place = place
        self._seconds = seconds
        self._served: Served | None = None
        self._model_id = ""
        self._known = (-1, -1.0, -1.0)  # ledger size, when looked at, when decided
        self.suspended: dict[str, str] = {}
        self.quarantined: tuple[tuple[str, int], ...] = ()

    @property
    def model_id(self) -> str:
        """The model that speaks. Raises: UsageError: none is trained."""
        self.serving()
        return self._model_id

    def serving(self) -> Served:
        """Decide what may speak, where that may have changed since.

        Raises:
            UsageError: no model is trained.
            TrainError: a checkpoint is missing or damaged.
        """
        size, looked, decided = self._known
        now = self._seconds()
        if self._served is not None and now < looked + LOOK_EVERY:
            return self._served
        found = self._place.book.size
        if self._served is None or found != size or now >= decided + DECIDE_EVERY:
            self._decide()
            decided = now
        self._known = (found, now, decided)
        if self._served is None:
            raise AssertionError("decided, and nothing to speak with")
        return self._served

    def _decide(self) -> None:
        before, self._served = self._served, None  # nothing is said until it is decided
        model, plan, now = served_now(self._place)
        wanted = [(group, s) for group, shards in now.serving.items() for s in shards]
        same = model["model_id"] == self._model_id
        kept = before.only(wanted) if before is not None and same else None
        if (
            kept is not None
            and before is not None
            and before.components == kept.components
        ):
            kept = before  # whoever reads goes on where it is
        self._served = kept or mixture(self._place, model, plan, now)
        self._model_id = str(model["model_id"])
        self.suspended = dict(now.suspended)
        self.quarantined = tuple(sorted(now.quarantined))

    def speak(self, wanted: Wanted, said: Said) -> Iterator[str]:
        """Continue a text, piece by piece.

        Args:
            wanted: what is asked for.
            said: is filled as it goes on.

        Raises:
            UsageError: no model is trained.
            TrainError: a checkpoint is missing or damaged.
        """
        generator = seeded(wanted.seed)
        served = self.serving()
        context = list(served.tokens.encode(wanted.prompt.encode()))
        said.read = len(context)
        device = served.plan.device
        with reproducible(device):
            reading = Reading(served, context)
        pieces = _Pieces(served.tokens, wanted.stop)
        while len(said.tokens) < wanted.count:
            if self.serving() is not served:
                served = self.serving()
                with reproducible(device):
                    reading = Reading(served, context + said.tokens)
            with reproducible(device):
                token = draw(reading.probabilities(), wanted.temperature, generator)
                reading.read(token)
            said.tokens.append(token)
            yield from pieces.add(token)
            if pieces.stopped:
                said.ended = "stop"
                return
        yield from pieces.rest()
        said.ended = "stop" if pieces.stopped else "length"


class _Pieces:
    """Tokens on their way to text: whole characters, nothing of a text to stop before.

    Args:
        tokens: of the plan.
        stop: texts before which it ends.
    """

    def __init__(self, tokens: Tokens, stop: tuple[str, ...]) -> None:
        self._characters = _Bytes(tokens) if tokens.exact else _Window(tokens)
        self._stop = stop
        self._text = ""
        self._held = max(map(len, stop), default=1) - 1
        self.stopped = False

    def add(self, token: int) -> Iterator[str]:
        """Take a token, and give what is certain now."""
        self._text += self._characters.add(token)
        yield from self._given(self._held)

    def rest(self) -> Iterator[str]:
        """Give what was held back, when nothing follows."""
        self._text += self._characters.rest()
        yield from self._given(0)

    def _given(self, held: int) -> Iterator[str]:
        ends = [at for each in self._stop if (at := self._text.find(each)) >= 0]
        if ends:
            self.stopped = True
            self._text, held = self._text[: min(ends)], 0
        size = max(0, len(self._text) - held)
        piece, self._text = self._text[:size], self._text[size:]
        if piece:
            yield piece


class _Bytes:
    """Characters of tokens that are so many bytes each, whatever stands before."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._decoder = getincrementaldecoder("utf-8")(errors="replace")

    def add(self, token: int) -> str:
        """Take a token, and give the characters that are whole now."""
        return self._decoder.decode(self._tokens.decode([token]))

    def rest(self) -> str:
        """Give what is left."""
        return self._decoder.decode(b"", final=True)


class _Window:
    """Characters of tokens that are written otherwise behind others."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._written: list[int] = []
        self._held: list[int] = []

    def add(self, token: int) -> str:
        """Take a token, and give the characters that are whole now."""
        self._held.append(token)
        piece = self.rest()
        if piece.endswith("\ufffd") and len(self._held) < MOST_HELD:
            return ""  # a character that is not whole yet, or none at all
        self._written, self._held = self._held, []
        return piece

    def rest(self) -> str:
        """Give what is left."""
        before = self._decoded(self._written)
        return self._decoded(self._written + self._held)[len(before) :]

    def _decoded(self, tokens: list[int]) -> str:
        return self._tokens.decode(tokens).decode(errors="replace")
