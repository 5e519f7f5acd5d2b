"""The embedded graph server's folder: where its files are and how processes agree about it.

Advisory locks, which the kernel drops when a process dies however it dies. Those of the server:

`users.lock`   every command that uses the server holds it shared; the server stops once it can take
               it alone, and keeps it until it has gone, so nobody joins a server that is leaving.
`server.lock`  the server holds it alone for as long as it runs: whoever cannot take it knows that
               `server.json` is true.

`start.lock` and `load.lock` let one process at a time start the server and load the graph.
`swap.lock` is held for the moment in which a rebuild puts its database in the place of the one in
use, and in which a starting server deletes those that are not in use.
"""

import contextlib
import fcntl
import json
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

#: The name of the database a new folder starts with.
FIRST_DATABASE = "graph"

#: Seconds to wait for `swap.lock`: a starting server may have large databases to delete.
SWAP_WITHIN = 60.0


@dataclass(frozen=True)
class Address:
    """Where a running embedded server answers, and its process id."""

    uri: str
    http_port: int
    pid: int


@dataclass(frozen=True)
class ServerFolder:
    """The files of one embedded server, all under `HOME/graph`."""

    path: Path

    def create(self) -> None:
        """Make the folder, and the password if there is none yet."""
        self.databases.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o700)
        if not self.password_file.exists():
            write_whole(self.password_file, secrets.token_urlsafe(32))

    @property
    def databases(self) -> Path:
        """Holds one folder a database."""
        return self.path / "databases"

    @property
    def password_file(self) -> Path:
        """Readable by its owner only."""
        return self.path / "password"

    @property
    def password(self) -> str:
        """The server's password."""
        return self.password_file.read_text()

    @property
    def log(self) -> Path:
        """What the server process printed since it last started."""
        return self.path / "server.log"

    @property
    def users_lock(self) -> Path:
        """Held shared by every user."""
        return self.path / "users.lock"

    @property
    def server_lock(self) -> Path:
        """Held by the server."""
        return self.path / "server.lock"

    @property
    def start_lock(self) -> Path:
        """Held while one of the users starts the server."""
        return self.path / "start.lock"

    @property
    def load_lock(self) -> Path:
        """Held by the one command that loads the graph."""
        return self.path / "load.lock"

    @property
    def swap_lock(self) -> Path:
        """Held while the databases, or the name of the one in use, change."""
        return self.path / "swap.lock"

    @property
    def address_file(self) -> Path:
        """Written by the server when it answers."""
        return self.path / "server.json"

    @property
    def current_file(self) -> Path:
        """Names the database in use."""
        return self.path / "current"

    @property
    def current(self) -> str:
        """The database in use."""
        try:
            return self.current_file.read_text()
        except FileNotFoundError:
            return FIRST_DATABASE

    @property
    def lost(self) -> bool:
        """Whether the database in use is one that a rebuild made and that is not there."""
        return self.current_file.exists() and not (self.databases / self.current).is_dir()

    def point_to(self, database: str) -> None:
        """Make `database` the one in use, at once for all."""
        write_whole(self.current_file, database)

    def publish(self, address: Address) -> None:
        """Say where the server answers."""
        write_whole(self.address_file, json.dumps(asdict(address)))

    def running(self) -> Address | None:
        """Where the running server answers; None when none runs."""
        with try_lock(self.server_lock, shared=True) as free:
            if free is not None:
                return None
        try:
            return Address(**json.loads(self.address_file.read_text()))
        except FileNotFoundError:
            return None

    def last_words(self) -> str:
        """The last line of the server's log that says what went wrong."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def server_folder(home: Path) -> ServerFolder:
    """The folder of the embedded server of a data folder."""
    return ServerFolder((home / "graph").absolute())


def write_whole(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner only: a reader sees the old text or the new."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)


def take_lock(path: Path, *, shared: bool, seconds: float) -> IO[bytes] | None:
    """Take a lock, waiting for at most `seconds`; None when others kept it for longer.

    The lock lasts until the returned file is closed or the process ends.
    """
    file = path.open("ab")
    deadline = time.monotonic() + seconds
    mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    while True:
        try:
            fcntl.flock(file, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                file.close()
                return None
            time.sleep(0.02)
        else:
            return file


@contextlib.contextmanager
def try_lock(path: Path, *, shared: bool, seconds: float = 0) -> Iterator[IO[bytes] | None]:
    """Hold a lock for a block; None when others have it."""
    file = take_lock(path, shared=shared, seconds=seconds)
    try:
        yield file
    finally:
        if file is not None:
            file.close()
