"""`hawser serve`: the GraphQL API over HTTP."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn

from commands.output import note
from graph.errors import HawserError
from graph.settings import Settings

#: The portrait that the demo asks for over HTTP.
PORTRAIT = """
query Portrait($id: String!) {
  enterprise(id: $id) {
    asOf
    snapshot
    enterprise { id name country }
    registration { nameEn uscc }
    grade { band points reasons { en zh } }
    risk { probability { probability low high } influence { influence } note }
  }
}
"""

#: Seconds a server may take to answer its first request.
START = 60.0


#: What a server beside its parent runs.
_TIED = "from commands.serving import end_with_parent; end_with_parent(); import cli; cli.main()"


def end_with_parent() -> None:
    """End this process when its standard input closes: its parent has gone, however it went."""

    def wait() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


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


def serve_beside(settings: Settings) -> None:
    """Serve from a process of its own, so that it holds no model; until interrupted."""
    with _child(settings, None) as child:
        try:
            child.wait()
        except KeyboardInterrupt:
            note("stopped")


@contextmanager
def beside(settings: Settings) -> Iterator[str]:
    """Serve from a process of its own for the length of the block; gives the address."""
    with _child(settings, subprocess.PIPE) as child:
        yield _address(child)


@contextmanager
def _child(settings: Settings, stderr: int | None) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", _TIED, "serve"]
    command += ["--host", settings.api_host, "--port", str(_free(settings))]
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "HAWSER_HOME": str(settings.home.absolute()),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=stderr, text=True, env=environment
    )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        for pipe in (child.stdin, child.stderr):
            if pipe:
                pipe.close()


def _free(settings: Settings) -> int:
    """The port to serve on: the setting's, or any free one when it is taken."""
    try:
        with listening(settings):
            return settings.api_port
    except HawserError:
        return 0


def _address(child: "subprocess.Popen[str]") -> str:
    """What the child says it serves at. Raises `HawserError` with its last line if it ends."""
    last = "the API did not start"
    for line in child.stderr or ():
        last = line.strip() or last
        if found := re.search(r"Serving (http://\S+)/ ", line):
            return found[1]
    raise HawserError(last)


def ask(address: str, enterprise: str) -> dict[str, Any]:
    """One portrait over HTTP. Raises `HawserError` when the API refuses."""
    body = json.dumps({"query": PORTRAIT, "variables": {"id": enterprise}}).encode()
    request = urllib.request.Request(
        f"{address}/graphql", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=START) as reply:
        answer: dict[str, Any] = json.load(reply)
    if answer.get("errors"):
        raise HawserError(f"the API refused: {answer['errors'][0]['message']}")
    return answer


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
