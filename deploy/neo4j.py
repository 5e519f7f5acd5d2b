"""`make neo4j`: fetch, start, stop a real Neo4j Community on this machine (Java 17+, Maven).

    python -m deploy.neo4j                start it and say how to use it
    python -m deploy.neo4j status|stop    look at it, stop it

Its home is `./neo4j-home`, or HAWSER_NEO4J_HOME; it stays until it is stopped.
"""

import argparse
import os
import sys
from pathlib import Path

from graph.errors import HawserError
from graph.store.neo4j_rebuild import start, swap_lock
from graph.store.neo4j_server import USER, Neo4jServer, fetch


def main() -> int:
    """Do what the command line says. Returns the exit status."""
    parser = argparse.ArgumentParser(description="A real Neo4j Community, without Docker.")
    parser.add_argument(
        "action", nargs="?", default="start", choices=("start", "stop", "status", "fetch")
    )
    parser.add_argument("--heap", default="1g", help="Java heap of the server")
    options = parser.parse_args()
    home = Path(os.environ.get("HAWSER_NEO4J_HOME", "neo4j-home")).absolute()
    try:
        _do(options.action, home, options.heap)
    except HawserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _do(action: str, home: Path, heap: str) -> None:
    server = Neo4jServer(home)
    if action == "fetch":
        sys.stdout.write(f"{fetch()}\n")
    elif action == "start":
        server = Neo4jServer.create(home, heap=heap)
        start(server)
        sys.stdout.write(_advice(server))
    elif action == "stop":
        if server.settled.exists():
            with swap_lock(server):
                server.stop()
        sys.stdout.write(f"Neo4j in {home} is stopped\n")
    else:
        process = server.process
        state = f"runs as process {process.pid} at {server.uri}" if process else "does not run"
        sys.stdout.write(f"Neo4j in {home} {state}\n")


def _advice(server: Neo4jServer) -> str:
    return f"""\
Neo4j runs at {server.uri}. To use it:

export HAWSER_GRAPH_URI={server.uri}
export HAWSER_GRAPH_USER={USER}
export HAWSER_GRAPH_PASSWORD="$(cat {server.home / "password"})"
export HAWSER_NEO4J_HOME={server.home}

Stop it with: make neo4j ARGS=stop
"""


if __name__ == "__main__":
    sys.exit(main())
