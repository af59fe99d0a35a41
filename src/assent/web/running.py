"""Run the endpoint until it is stopped."""

import socket
from collections.abc import Callable
from pathlib import Path

from assent import Project
from assent.errors import UsageError


def run(
    folder: Path, host: str, port: int, token: str, say: Callable[[str], None]
) -> None:
    """Serve a project; returns when it is told to stop.

    Args:
        folder: of the project.
        host: to listen on.
        port: 0 for any that is free.
        token: that clients must send; empty: none.
        say: told where it listens, once it does.

    Raises:
        UsageError: the address cannot be listened on, no model is trained, or the
            packages are not installed.
    """
    try:
        import uvicorn

        from assent.web.completions import app_of
    except ImportError as error:
        raise UsageError(
            f"serving needs a package that is not installed: {error.name}",
            hint="pip install 'assent[web]'",
        ) from error
    with Project.open(folder) as project:  # before anybody is listened to
        model_id = project.place.served_model()["model_id"]
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(
            f"`{host}` port {port} cannot be listened on",
            hint="choose another `--host` or `--port`",
        ) from error
    with listener:
        shown = f"[{host}]" if ":" in host else host
        say(f"model {model_id}")
        say(f"listens on http://{shown}:{listener.getsockname()[1]}/v1")
        config = uvicorn.Config(
            app_of(folder, token), log_level="warning", access_log=False
        )
        try:
            uvicorn.Server(config).run([listener])
        except KeyboardInterrupt:  # it has closed everything, and passes it on
            say("stopped")
