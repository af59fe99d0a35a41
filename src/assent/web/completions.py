"""An endpoint for the served mixture, in the words of OpenAI's completions.

Clients that know `/v1/completions` and `/v1/models` work as they are. One thread holds
the project and the components and says one token after the other, in turn for all who
ask; before each, what may speak is decided again when the ledger has grown. What
mixtures of models cannot give (log-probabilities tell who was trained on, several
choices cost several times as much) is refused, never left out in silence.
"""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from assent import Project
from assent.errors import Error, UsageError
from assent.project.speaking import Said, Speaker, Wanted

MOST_TOKENS = 4096
MOST_PROMPT = 100_000  # characters
_Made = TypeVar("_Made")


class Asked(BaseModel):
    """The body of a request. A field that is not here is refused."""

    model_config = ConfigDict(extra="forbid")

    model: str
    prompt: Annotated[str, Field(max_length=MOST_PROMPT)] = ""
    max_tokens: Annotated[int, Field(ge=0, le=MOST_TOKENS)] = 16
    temperature: Annotated[float, Field(ge=0, le=2)] = 1.0
    seed: Annotated[int | None, Field(ge=0, lt=2**63)] = None
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    stream: bool = False
    n: Literal[1] = 1
    best_of: Literal[1] = 1
    echo: Literal[False] = False
    logprobs: None = None
    user: str | None = None  # not read, not kept

    def wanted(self) -> Wanted:
        """Say it in our words. Raises: UsageError: a value is out of its range."""
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        seed = secrets.randbits(62) if self.seed is None else self.seed
        return Wanted(self.prompt, self.max_tokens, seed, self.temperature, tuple(stop))


class RefusedError(Exception):
    """What is answered in place of a completion.

    Args:
        status: of HTTP.
        message: for the client, in one line.
        code: a word for programs.
    """

    def __init__(self, status: int, message: str, code: str) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code

    @property
    def body(self) -> dict[str, Any]:
        """Say it as OpenAI's clients read it."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        error = {"message": self.message, "type": kind, "param": None}
        return {"error": error | {"code": self.code}}

    def response(self) -> JSONResponse:
        """Say it with its status."""
        return JSONResponse(self.body, self.status)


@dataclass(frozen=True, slots=True)
class _Voice:
    """The one thread that holds the project: SQLite and torch's settings stay in it."""

    thread: ThreadPoolExecutor
    speaker: Speaker

    async def do(self, work: Callable[[], _Made]) -> _Made:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.thread, work)


def app_of(folder: Path, token: str = "") -> FastAPI:
    """Make the application that serves a project.

    Args:
        folder: of the project.
        token: that a client must send as `Authorization: Bearer ...`; empty: none.
    """

    @asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        with ThreadPoolExecutor(1, "voice") as thread:
            loop = asyncio.get_running_loop()
            project = await loop.run_in_executor(thread, Project.open, folder)
            app.state.voice = _Voice(thread, Speaker(project.place))
            yield
            await loop.run_in_executor(thread, project.close)

    app = FastAPI(title="Assent", lifespan=living, openapi_url=None)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(RequestValidationError, _not_as_wanted)
    app.add_exception_handler(Error, _cannot)

    def admitted(request: Request) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token and not secrets.compare_digest(given.encode(), token.encode()):
            raise RefusedError(401, "the token is missing or wrong", "no_token")

    @app.get("/v1/models", dependencies=[Depends(admitted)])
    async def models(request: Request) -> dict[str, Any]:
        voice: _Voice = request.app.state.voice
        served = await voice.do(lambda: _about(voice.speaker))
        return {"object": "list", "data": [served]}

    @app.post("/v1/completions", dependencies=[Depends(admitted)])
    async def completions(request: Request, asked: Asked) -> Response:
        return await _completed(request.app.state.voice, asked)

    return app


async def _completed(voice: _Voice, asked: Asked) -> Response:
    wanted = asked.wanted()
    model = await voice.do(lambda: voice.speaker.model_id)
    if asked.model != model:
        raise RefusedError(
            404, f"the model that is served is {model}", "model_not_found"
        )
    frame = {
        "id": f"cmpl-{secrets.token_hex(12)}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": model,
    }
    said = Said()
    pieces = voice.speaker.speak(wanted, said)
    if asked.stream:
        events = _events(voice, pieces, said, frame)
        return StreamingResponse(events, media_type="text/event-stream")
    text = "".join([piece async for piece in _pieces(voice, pieces)])
    usage = {
        "prompt_tokens": said.read,
        "completion_tokens": len(said.tokens),
        "total_tokens": said.read + len(said.tokens),
    }
    about = await voice.do(lambda: _about(voice.speaker))
    choices = [_choice(text, said.ended)]
    return JSONResponse(
        frame | {"choices": choices, "usage": usage, "assent": about["assent"]}
    )


def _about(speaker: Speaker) -> dict[str, Any]:
    """Say which model speaks, who of it, and who may not."""
    served = speaker.serving()
    base = served.clean_base
    return {
        "id": speaker.model_id,
        "object": "model",
        "created": 0,
        "owned_by": "assent",
        "assent": {
            "serving": []
            if served.clean_base
            else [list(c) for c in served.components],
            "clean_base": base,
            "quarantined": [list(each) for each in speaker.quarantined],
            "suspended": speaker.suspended,
        },
    }


def _choice(text: str, ended: str) -> dict[str, Any]:
    reason = ended or None
    return {"index": 0, "text": text, "logprobs": None, "finish_reason": reason}


async def _pieces(voice: _Voice, pieces: Iterator[str]) -> AsyncIterator[str]:
    """Give one piece after the other; between two, others have their turn."""
    while (piece := await voice.do(lambda: next(pieces, None))) is not None:
        yield piece


async def _events(
    voice: _Voice, pieces: Iterator[str], said: Said, frame: dict[str, Any]
) -> AsyncIterator[str]:
    """Write server-sent events, an error among them: the status is sent already."""
    try:
        async for piece in _pieces(voice, pieces):
            yield _event(frame | {"choices": [_choice(piece, "")]})
        yield _event(frame | {"choices": [_choice("", said.ended)]})
        yield "data: [DONE]\n\n"
    except Error as error:
        yield _event(_denied(error).body)


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def _denied(error: Error) -> RefusedError:
    status = 400 if isinstance(error, UsageError) else 503
    return RefusedError(status, str(error), type(error).__name__)


def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RefusedError)
    return error.response()


def _cannot(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Error)
    return _denied(error).response()


def _not_as_wanted(_: Request, error: Exception) -> JSONResponse:
    """Name the fields that are not as wanted, and nothing of what was sent."""
    assert isinstance(error, RequestValidationError)
    fields = sorted({".".join(map(str, each["loc"][1:])) for each in error.errors()})
    listed = ", ".join(f"`{each}`" for each in fields if each) or "the body"
    return RefusedError(400, f"not as wanted: {listed}", "invalid_value").response()
