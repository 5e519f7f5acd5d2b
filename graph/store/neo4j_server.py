"""A real Neo4j Community on this machine, from Maven Central, without Docker.

`fetch` copies the server's jars into a cache; `Neo4jServer` is a home folder with a server that can
be started, stopped and imported into. Loopback only, a random password in a file that only its
owner reads. Needs Java 17 or 21 and Maven.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock

from graph.errors import GraphStoreError, GraphUnreachable
from graph.store.server_folder import write_whole

POM = Path(__file__).with_name("neo4j_pom.xml")
USER = "neo4j"
DATABASE = "neo4j"
_ENTRY = "org.neo4j.server.CommunityEntryPoint"
_ADMIN = "org.neo4j.cli.AdminTool"
_OPENS = [
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in ("java.nio", "java.io", "sun.nio.ch")
]
_FOLDERS = ("conf", "data", "logs", "plugins", "import", "run")
_START_WITHIN = 180.0  # seconds, on a busy machine
_STOP_WITHIN = 60.0
_FETCH_WITHIN = 900.0
#: Bolt's handshake: its magic number and four proposed versions, of which 5.4 is one.
_HANDSHAKE = bytes.fromhex("6060b017") + bytes([0, 4, 4, 5]) + bytes(12)


def missing() -> str:
    """What this machine lacks to run a Neo4j, in one line; empty when it lacks nothing."""
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            return f"{program} is not on the PATH (Neo4j needs Java 17 or 21 and Maven)"
    told = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', told)
    if found is None or int(found[1]) < 17:
        return f"java is too old for Neo4j ({told.splitlines()[0] if told else 'unknown'})"
    return ""


def cache_folder() -> Path:
    """Where the jars are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hawser" / "neo4j"


def version() -> str:
    """The version that is fetched."""
    found = re.search(r"<neo4j.version>(.+?)<", POM.read_text())
    return found[1] if found else ""


def fetch() -> Path:
    """Copy the server's jars into the cache, once; returns their folder.

    Raises:
        GraphStoreError: Java or Maven is missing, or Maven fails.
    """
    lack = missing()
    if lack:
        raise GraphStoreError(f"a Neo4j cannot be fetched: {lack}")
    target = cache_folder() / version() / "lib"
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.parent / "fetch.lock", timeout=_FETCH_WITHIN):
        if not target.exists():
            _fetch_into(target)
    return target


def _fetch_into(target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        shutil.copy(POM, Path(folder) / "pom.xml")
        done = subprocess.run(
            [
                "mvn", "-q", "-B", "-f", f"{folder}/pom.xml", "dependency:copy-dependencies",
                "-DincludeScope=runtime", f"-DoutputDirectory={folder}/lib",
            ],
            capture_output=True, text=True, check=False, timeout=_FETCH_WITHIN,
        )  # fmt: skip
        if done.returncode:
            lines = [line for line in done.stdout.splitlines() if "ERROR" in line]
            raise GraphStoreError(
                f"Maven could not fetch Neo4j {version()} ({lines[0] if lines else 'no reason'})",
                hint="is Maven Central, or a mirror of it in ~/.m2/settings.xml, reachable?",
            )
        (Path(folder) / "lib").rename(target)


@dataclass(frozen=True)
class Neo4jServer:
    """The home folder of one Neo4j: configuration, data, password, and a server on it at times."""

    home: Path

    @classmethod
    def create(cls, home: Path, *, heap: str = "1g", page_cache: str = "256m") -> "Neo4jServer":
        """Make a home with a port and a password of its own, or take the one that is there.

        Raises:
            GraphStoreError: the jars cannot be fetched, or the password cannot be set.
        """
        server = cls(home.absolute())
        if server.settled.exists():
            return server
        for name in _FOLDERS:
            (server.home / name).mkdir(parents=True, exist_ok=True)
        server.home.chmod(0o700)
        write_whole(server.home / "password", secrets.token_hex(24))
        write_whole(
            server.home / "conf" / "neo4j.conf", _configuration(_free_port(), heap, page_cache)
        )
        server.admin(["dbms", "set-initial-password", server.password])
        write_whole(server.settled, version())
        return server

    @property
    def settled(self) -> Path:
        """Is there once the home is complete."""
        return self.home / "version"

    @property
    def password(self) -> str:
        """The password of user `neo4j`."""
        return (self.home / "password").read_text()

    @property
    def port(self) -> int:
        """The Bolt port, fixed for the life of the home."""
        found = re.search(r"bolt.listen_address=127.0.0.1:(\d+)", self._conf.read_text())
        if found is None:
            raise GraphStoreError(f"{self._conf} names no Bolt port")
        return int(found[1])

    @property
    def uri(self) -> str:
        """The Bolt address."""
        return f"bolt://127.0.0.1:{self.port}"

    @property
    def process(self) -> psutil.Process | None:
        """The running server, or None."""
        try:
            told = json.loads((self.home / "run" / "server.json").read_text())
            process = psutil.Process(told["pid"])
            same = abs(process.create_time() - told["created"]) < 1.0
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except (FileNotFoundError, psutil.NoSuchProcess):
            return None

    @property
    def tied(self) -> bool:
        """Whether the running server ends with the process that started it."""
        try:
            return bool(json.loads((self.home / "run" / "server.json").read_text())["tied"])
        except FileNotFoundError:
            return False

    @property
    def _conf(self) -> Path:
        return self.home / "conf" / "neo4j.conf"

    def start(self, *, tied: bool = False) -> None:
        """Start the server and wait until it answers; nothing if it runs already.

        With `tied` it ends when this process ends, however that happens.

        Raises:
            GraphUnreachable: it does not come up.
        """
        if self.process is not None:
            return
        command = [
            *self._java([]), "-Xms256m", _ENTRY,
            f"--home-dir={self.home}", f"--config-dir={self.home / 'conf'}",
        ]  # fmt: skip
        if tied:
            # The shell waits for this process's end of the pipe to close, then ends the server.
            script = '"$@" </dev/null & echo $!; cat >/dev/null; kill -9 $! 2>/dev/null; wait'
            command = ["sh", "-c", script, "neo4j", *command]
        with (self.home / "logs" / "console.log").open("ab") as log:
            child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if tied else subprocess.DEVNULL,
                stdout=subprocess.PIPE if tied else log,
                stderr=log,
                start_new_session=True,
                env=self._environment(),
            )
        _children.append(child)
        pid = child.pid
        if tied:
            assert child.stdout is not None
            pid = int(child.stdout.readline())
        told = {"pid": pid, "created": psutil.Process(pid).create_time(), "tied": tied}
        write_whole(self.home / "run" / "server.json", json.dumps(told))
        self._await()

    def _await(self) -> None:
        deadline = time.monotonic() + _START_WITHIN
        while time.monotonic() < deadline:
            if answers(self.port):
                return
            if self.process is None:
                break
            time.sleep(0.2)
        self.stop()
        raise GraphUnreachable(
            f"Neo4j in {self.home} did not start", hint=f"see {self.home / 'logs'}"
        )

    def stop(self) -> None:
        """Stop the server in order, by force after a minute; nothing if none runs."""
        process = self.process
        if process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(_STOP_WITHIN)
                except psutil.TimeoutExpired:
                    process.kill()
                    process.wait(10)
        (self.home / "run" / "server.json").unlink(missing_ok=True)
        _collect()

    def admin(self, arguments: Sequence[str], *, conf: Path | None = None, heap: str = "1g") -> str:
        """Run Neo4j's admin tool; returns what it printed.

        The arguments travel in a file that only the owner reads: one may be a password.

        Raises:
            GraphStoreError: the tool failed.
        """
        with tempfile.NamedTemporaryFile("w", suffix=".args", dir=self.home) as file:
            words = [*self._java([f"-Xmx{heap}"])[1:], _ADMIN, *arguments]
            file.write("\n".join(json.dumps(word, ensure_ascii=False) for word in words))
            file.flush()
            done = subprocess.run(
                ["java", f"@{file.name}"],
                capture_output=True,
                text=True,
                check=False,
                env=self._environment(conf),
            )
        if done.returncode:
            lines = [line.strip() for line in (done.stderr or done.stdout).splitlines()]
            said = next((line for line in lines if line), f"status {done.returncode}")
            raise GraphStoreError(f"neo4j-admin {arguments[0]} {arguments[1]} failed: {said}")
        return done.stdout

    def _java(self, options: Sequence[str]) -> list[str]:
        return ["java", *options, "-cp", f"{fetch()}/*", *_OPENS, f"-Dbasedir={self.home}"]

    def _environment(self, conf: Path | None = None) -> dict[str, str]:
        folder = str(conf or self.home / "conf")
        return {**os.environ, "NEO4J_HOME": str(self.home), "NEO4J_CONF": folder}


#: Servers that this process started, kept so that their end can be collected.
_children: list[subprocess.Popen[bytes]] = []


def _collect() -> None:
    for child in list(_children):
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(2)
            _children.remove(child)


def answers(port: int) -> bool:
    """Whether a Bolt server answers on this machine's port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(_HANDSHAKE)
            return len(connection.recv(4)) == 4
    except OSError:
        return False


@contextlib.contextmanager
def temporary(home: Path) -> Iterator[Neo4jServer]:
    """A server for a block, which ends with the block or with this process."""
    server = Neo4jServer.create(home)
    server.start(tied=True)
    try:
        yield server
    finally:
        server.stop()


def _configuration(port: int, heap: str, page_cache: str) -> str:
    return f"""\
server.default_listen_address=127.0.0.1
server.bolt.listen_address=127.0.0.1:{port}
server.http.enabled=false
server.memory.heap.max_size={heap}
server.memory.pagecache.size={page_cache}
dbms.usage_report.enabled=false
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
