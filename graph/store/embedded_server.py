"""The embedded graph server's own process: `python -m graph.store.embedded_server FOLDER ...`.

It serves the folder over Bolt on the loopback interface and goes when the last user has gone, when
its folder is taken away, or when it is told to. A user is a process that holds `users.lock`
shared; the kernel lets go of it when the user dies, so no user can leave the server behind.
"""

import argparse
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

from graph.store.server_folder import SWAP_WITHIN, Address, ServerFolder, take_lock, try_lock

_LOOK_EVERY = 0.2  # seconds between two looks at the users
_LOCK_WITHIN = 5.0  # seconds to wait for the folder: others hold it for an instant to look
_STOP_WITHIN = 15.0  # seconds an orderly stop may take
_BOLT_PLUGIN = "Bolt:com.arcadedb.bolt.BoltProtocolPlugin"
_IN_USE = 3  # exit status: another server has the folder


def main(arguments: list[str] | None = None) -> int:
    """Serve a folder until nobody uses it. Returns the process's exit status."""
    parser = argparse.ArgumentParser(prog="graph.store.embedded_server")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--heap", required=True)
    parser.add_argument("--idle", type=float, required=True)
    parser.add_argument("--command-timeout", type=float, required=True)
    options = parser.parse_args(arguments)
    folder = ServerFolder(options.folder)
    lock = take_lock(folder.server_lock, shared=False, seconds=_LOCK_WITHIN)
    if lock is None:
        sys.stderr.write(f"{folder.path} is in use by another graph server\n")
        return _IN_USE
    folder.address_file.unlink(missing_ok=True)
    os.chdir(folder.path)
    users = _serve(folder, options)
    users.close()
    lock.close()
    return 0


def _serve(folder: ServerFolder, options: argparse.Namespace) -> IO[bytes]:
    """Run the server until nobody uses it; returns the users' lock, held alone."""
    database = _remove_unused(folder)
    server = _start(folder, database, options.heap, options.command_timeout)
    retired = RetiredDatabases(folder, server, database, options.command_timeout)
    users = _wait_until_unused(folder, retired, options.idle)
    folder.address_file.unlink(missing_ok=True)
    _stop(server)
    return users


def _remove_unused(folder: ServerFolder) -> str:
    """Delete the databases that are not in use: a rebuild left them, finished or not.

    Returns the one in use. A rebuild cannot change it meanwhile.
    """
    with try_lock(folder.swap_lock, shared=False, seconds=SWAP_WITHIN) as mine:
        if mine is None:
            sys.exit("a rebuild does not let go of the databases: try again")
        if folder.lost:
            sys.exit(f"the database {folder.current} is missing: run `hawser load --rebuild`")
        database = folder.current
        for path in folder.databases.iterdir():
            if path.name != database:
                shutil.rmtree(path, ignore_errors=True)
    return database


def _start(folder: ServerFolder, database: str, heap: str, command_timeout: float) -> Any:
    """Start the server on free ports and publish its address."""
    import arcadedb_embedded
    from arcadedb_embedded.jvm import start_jvm

    # The user file holds the hash of an earlier password; without it the server takes ours.
    for old in folder.path.glob("config/server-users.json*"):
        old.unlink()
    start_jvm(
        heap_size=heap,
        jvm_args=[
            f"-Darcadedb.command.timeout={int(command_timeout * 1000)}",
            "-Darcadedb.txWalFlush=1",
        ],
    )
    server = arcadedb_embedded.create_server(
        root_path=str(folder.path),
        root_password=folder.password,
        config={"server_plugins": _BOLT_PLUGIN, "bolt_port": 0, "http_port": 0, "txWalFlush": 1},
    )
    server.start()
    server.create_database(database)
    bolt = next(plugin for plugin in server._java_server.getPlugins() if hasattr(plugin, "getPort"))
    http_port = int(server._java_server.getHttpServer().getPort())
    folder.publish(Address(f"bolt://127.0.0.1:{int(bolt.getPort())}", http_port, os.getpid()))
    return server


class RetiredDatabases:
    """Drops a database some time after a rebuild has put another in its place.

    Queries that began on the old one may still run for `grace` seconds.
    """

    def __init__(self, folder: ServerFolder, server: Any, database: str, grace: float) -> None:
        self.folder, self.server, self.grace = folder, server, grace
        self.current = database
        self.retired: dict[str, float] = {}

    def look(self, now: float) -> None:
        """Notice a change of the database in use; drop what has been out of use long enough."""
        current = self.folder.current
        if current != self.current:
            self.retired[self.current] = now
            self.retired.pop(current, None)
            self.current = current
        for name in [name for name, since in self.retired.items() if now - since > self.grace]:
            del self.retired[name]
            self.server._java_server.getDatabase(name).getEmbedded().drop()
            self.server._java_server.removeDatabase(name)


def _wait_until_unused(folder: ServerFolder, retired: RetiredDatabases, idle: float) -> IO[bytes]:
    """Wait until no process has used the folder for `idle` seconds, and keep new ones out."""
    last_used = time.monotonic()
    while True:
        time.sleep(_LOOK_EVERY)
        if not folder.users_lock.exists():
            os._exit(0)  # the folder was taken away: there is nothing left to save
        users = take_lock(folder.users_lock, shared=False, seconds=0)
        now = time.monotonic()
        if users is None:
            last_used = now
            retired.look(now)
        elif now - last_used >= idle:
            return users
        else:
            users.close()


def _stop(server: Any) -> None:
    """Stop in order; a stop that hangs ends the process, the log has every acknowledged write."""
    timer = threading.Timer(_STOP_WITHIN, os._exit, (1,))
    timer.daemon = True
    timer.start()
    server.stop()
    timer.cancel()


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # the Java machine's threads must not keep the process
