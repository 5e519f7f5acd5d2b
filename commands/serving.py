"""`hawser serve`: the GraphQL API and the portal over HTTP."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import uvicorn

from commands.output import note
from graph.errors import HawserError
from graph.settings import Settings

#: Seconds a server may take to answer its first request.
START = 60.0


def serve(settings: Settings, host: str | None, port: int | None) -> None:
    """Serve until interrupted. Raises `HawserError` when the port is taken."""
    from api.app import create_app

    settings = replace(
        settings,
        api_host=settings.api_host if host is None else host,
        api_port=settings.api_port if port is None else port,
    )
    with listening(settings) as (listener, address):
        app = create_app(settings)
        note(f"Serving {address}/ (GraphQL at {address}/graphql); stop with Ctrl-C")
        uvicorn.Server(_config(app)).run(sockets=[listener])


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """Serve in a thread for the length of the block; gives the address."""
    from api.app import create_app

    with listening(settings) as (listener, address):
        server = uvicorn.Server(_config(create_app(settings)))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            _wait(server, thread)
            yield address
        finally:
            server.should_exit = True
            thread.join(START)


@contextmanager
def listening(settings: Settings) -> Iterator[tuple[socket.socket, str]]:
    """A listening socket and its address. Raises `HawserError` when the port is taken."""
    try:
        listener = socket.create_server((settings.api_host, settings.api_port))
    except OSError as error:
        raise HawserError(
            f"cannot listen on {settings.api_host}:{settings.api_port}: {error.strerror}",
            hint="choose another with HAWSER_API_PORT or --port; 0 takes a free one",
        ) from error
    with listener:
        host, port = listener.getsockname()[:2]
        yield listener, f"http://{host}:{port}"


def _config(app: object) -> uvicorn.Config:
    return uvicorn.Config(app, log_level="warning", access_log=False)  # type: ignore[arg-type]


def _wait(server: uvicorn.Server, thread: threading.Thread) -> None:
    limit = time.monotonic() + START
    while not server.started:
        if not thread.is_alive() or time.monotonic() > limit:
            raise HawserError("the API did not start", hint="see the log of the data folder")
        time.sleep(0.05)
