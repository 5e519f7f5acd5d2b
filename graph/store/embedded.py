"""The embedded graph server: start it when first needed, share it, never leave it behind.

The server (ArcadeDB) runs in a process of its own, see `graph.store.embedded_server`, and serves
one data folder to every command that uses the folder.
"""

import os
import signal
import sys
import time
from dataclasses import dataclass
from typing import IO

from graph.errors import GraphStoreError, GraphUnreachable
from graph.settings import Settings
from graph.store.server_folder import Address, ServerFolder, server_folder, take_lock, try_lock

_START_WITHIN = 90.0  # seconds a start may take on a busy machine
_USER = "root"
#: Process ids of servers that this process started and whose end it has not collected yet.
_started: list[int] = []


@dataclass(frozen=True)
class EmbeddedServer:
    """A running embedded server that this process uses until `leave`."""

    address: Address
    folder: ServerFolder
    membership: IO[bytes]

    @property
    def user(self) -> str:
        """The user name to log in with."""
        return _USER

    @property
    def alive(self) -> bool:
        """Whether the server this process joined still runs."""
        return self.folder.running() == self.address

    def leave(self) -> None:
        """Stop using the server. It goes by itself when nobody uses it."""
        self.membership.close()
        collect_ended()


def join(settings: Settings) -> EmbeddedServer:
    """Join the server of `settings.home`, starting it if none runs.

    Raises:
        GraphUnreachable: the server does not start.
        GraphStoreError: the folder cannot be used.
    """
    folder = server_folder(settings.home)
    try:
        folder.create()
        membership = take_lock(folder.users_lock, shared=True, seconds=_START_WITHIN)
    except OSError as error:
        raise GraphStoreError(
            f"the graph folder {folder.path} cannot be used ({error.strerror})",
            hint="check its owner and rights, or set HAWSER_HOME",
        ) from error
    if membership is None:
        raise _in_use(folder)
    try:
        with try_lock(folder.start_lock, shared=False, seconds=_START_WITHIN) as starting:
            if starting is None:
                raise _in_use(folder)
            address = folder.running() or _start(folder, settings)
    except BaseException:
        membership.close()
        raise
    return EmbeddedServer(address, folder, membership)


def collect_ended() -> None:
    """Collect the exit status of servers that have ended, so that no dead process lingers."""
    _started[:] = [child for child in _started if _runs(child)]


def _runs(child: int) -> bool:
    try:
        return os.waitpid(child, os.WNOHANG)[0] == 0
    except ChildProcessError:
        return False


def _start(folder: ServerFolder, settings: Settings) -> Address:
    """Start the server process and wait until it answers."""
    collect_ended()
    folder.address_file.unlink(missing_ok=True)
    child = _spawn(folder, settings)
    _started.append(child)
    deadline = time.monotonic() + _START_WITHIN
    while time.monotonic() < deadline:
        address = folder.running()
        if address is not None:
            return address
        collect_ended()
        if child not in _started:
            break
        time.sleep(0.05)
    else:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        _started.remove(child)
    raise GraphUnreachable(
        f"the embedded graph server of {folder.path} did not start: {folder.last_words()}",
        hint=f"see {folder.log}",
    )


def _spawn(folder: ServerFolder, settings: Settings) -> int:
    """Start the server in a session of its own; returns its process id.

    It outlives this process by `embedded_idle` seconds, which `subprocess` would complain about.
    """
    command = [
        sys.executable,
        "-m",
        "graph.store.embedded_server",
        str(folder.path),
        f"--heap={settings.embedded_heap}",
        f"--idle={settings.embedded_idle}",
        # Bounds what a client left behind; a client's own limit is kept by the client.
        f"--command-timeout={max(60.0, 2 * settings.graph_timeout)}",
    ]
    writing = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    return os.posix_spawn(
        sys.executable,
        command,
        {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(folder.log), writing, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def _in_use(folder: ServerFolder) -> GraphStoreError:
    return GraphStoreError(
        f"the graph folder {folder.path} is kept by another process",
        hint="wait until it ends, or set HAWSER_HOME to another folder",
    )
