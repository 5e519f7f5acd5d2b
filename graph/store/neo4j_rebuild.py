"""Build a Neo4j of this machine anew by its offline import, and swap the new store in.

The import runs into a data folder of its own while the server still serves the old graph. Then the
server is stopped, the two store folders change places, and it is started again and counted. If
anything is wrong by then the old folders go back. `swap.json` says that a swap is under way, so
that a rebuild which was killed in it is undone by the next one, and by `make neo4j`.

Two advisory locks in the server's home, which the kernel drops when a process dies: `rebuild.lock`
lets one rebuild at a time use the folder it builds in, whatever data folder it reads;
`swap.lock` is held while the folders change places or go back, and by whoever starts or stops the
server by hand.
"""

import contextlib
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from graph.errors import HawserError, LoadError
from graph.ontology import EDGE_KINDS, NODE_KINDS
from graph.settings import Settings
from graph.store import cypher
from graph.store.bolt import GraphStore
from graph.store.counts import check_counts
from graph.store.neo4j_server import DATABASE, Neo4jServer
from graph.store.report import LoadReport, Progress
from graph.store.rows import GraphRows, Part, told
from graph.store.server_folder import SWAP_WITHIN, try_lock, write_whole

_STORES = (Path("data/databases") / DATABASE, Path("data/transactions") / DATABASE)
_TYPES = {"VARCHAR": "string", "DOUBLE": "double", "BIGINT": "long", "VARCHAR[]": "string[]"}
_CONF = "server.directories.data={data}\ndbms.usage_report.enabled=false\n"
_AWAIT_INDEXES = "CALL db.awaitIndexes(3600)"


def rebuild_neo4j(rows: GraphRows, settings: Settings, progress: Progress) -> LoadReport:
    """Import, swap, count. The caller holds the load lock.

    Raises:
        LoadError: the import failed, the new graph could not be put in place or its counts are
            wrong; the old graph is back. Or somebody else is rebuilding this server.
        GraphStoreError: the server does not come up.
    """
    server = Neo4jServer(settings.neo4j_home.absolute())
    if not server.settled.exists():
        raise LoadError(f"{server.home} is not the home of a Neo4j", hint="check HAWSER_NEO4J_HOME")
    if settings.graph_uri != server.uri:
        raise LoadError(
            f"HAWSER_GRAPH_URI is {settings.graph_uri}, but the Neo4j in {server.home} has"
            f" {server.uri}",
            hint="check HAWSER_NEO4J_HOME",
        )
    busy = f"another rebuild of the Neo4j in {server.home} is running"
    with _held(server.home / "rebuild.lock", busy, seconds=0):
        return _rebuild(rows, server, settings, progress)


def _rebuild(
    rows: GraphRows, server: Neo4jServer, settings: Settings, progress: Progress
) -> LoadReport:
    recover(server)
    building = server.home / "building"
    shutil.rmtree(building, ignore_errors=True)
    (building / "input").mkdir(parents=True)
    report = LoadReport(method="offline import")
    try:
        _import(rows, server, building, report, progress)
        with swap_lock(server):
            _swap(server, building, settings, report)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return report


def recover(server: Neo4jServer) -> None:
    """Undo a swap that was cut short, and start the server on its old graph.

    Raises:
        LoadError: a rebuild is swapping right now, or another command starts or stops the server.
        GraphStoreError: the server does not come up.
    """
    with swap_lock(server):
        _undo(server)


def start(server: Neo4jServer) -> None:
    """`recover`, and start the server in any case. Raises as it does."""
    with swap_lock(server):
        _undo(server)
        server.start()


@contextlib.contextmanager
def swap_lock(server: Neo4jServer) -> Iterator[None]:
    """Keep the server's store folders, and whether it runs, to oneself for a block.

    Raises:
        LoadError: another command has them, and keeps them for longer than a minute.
    """
    busy = f"another command is starting, stopping or rebuilding the Neo4j in {server.home}"
    with _held(server.home / "swap.lock", busy, seconds=SWAP_WITHIN):
        yield


@contextlib.contextmanager
def _held(path: Path, busy: str, *, seconds: float) -> Iterator[None]:
    with try_lock(path, shared=False, seconds=seconds) as mine:
        if mine is None:
            raise LoadError(busy, hint="wait until it has finished")
        yield


def _undo(server: Neo4jServer) -> None:
    if _journal(server).exists():
        tied = server.tied or _was_tied(server)
        server.stop()
        _exchange_back(server)
        server.start(tied=tied)


def _was_tied(server: Neo4jServer) -> bool:
    """Whether the server ended with its rebuild, by the journal; an older one does not say."""
    try:
        return bool(json.loads(_journal(server).read_text())["tied"])
    except (ValueError, KeyError, TypeError):
        return False


def _import(
    rows: GraphRows, server: Neo4jServer, building: Path, report: LoadReport, progress: Progress
) -> None:
    began = time.monotonic()
    arguments = _write_input(rows, building / "input", report, progress)
    report.seconds["input"] = time.monotonic() - began
    began = time.monotonic()
    (building / "conf").mkdir()
    (building / "conf" / "neo4j.conf").write_text(_CONF.format(data=building / "data"))
    try:
        server.admin(
            [
                "database", "import", "full", DATABASE, "--overwrite-destination",
                "--multiline-fields=true", "--bad-tolerance=0", "--max-off-heap-memory=1G",
                f"--report-file={building / 'import.report'}", *arguments,
            ],
            conf=building / "conf",
        )  # fmt: skip
    except HawserError as error:
        raise LoadError(f"{error.message}; the graph is as it was") from error
    report.seconds["import"] = time.monotonic() - began


def _write_input(
    rows: GraphRows, folder: Path, report: LoadReport, progress: Progress
) -> list[str]:
    """Write one CSV a part; returns the import's arguments that name them."""
    arguments = []
    steps = len(NODE_KINDS) + len(EDGE_KINDS)
    for place, part in enumerate(rows.node_parts()):
        progress(part.kind, place / steps)
        path = folder / f"{part.kind}.csv"
        report.nodes[part.kind] = _copy(rows, part, path)
        arguments.append(f"--nodes={part.kind}={path}")
    for place, kind in enumerate(EDGE_KINDS, start=len(NODE_KINDS)):
        progress(kind, place / steps)
        report.edges[kind] = 0
        for number, part in enumerate(rows.edge_parts(kind)):
            path = folder / f"{kind}-{number}.csv"
            report.edges[kind] += _copy(rows, part, path)
            arguments.append(f"--relationships={kind}={path}")
    report.written_nodes = sum(report.nodes.values())
    report.written_edges = sum(report.edges.values())
    return arguments


def _copy(rows: GraphRows, part: Part, path: Path) -> int:
    """Write a part's rows with the headers the import reads; returns how many."""
    names = {name: f"{name}:{_TYPES[type]}" for name, type in part.types.items()}
    if part.ends is None:
        names["id"] = f"id:ID({part.kind})"
    else:
        names["source_id"] = f":START_ID({part.ends[0]})"
        names["target_id"] = f":END_ID({part.ends[1]})"
    chosen = ", ".join(
        (f"array_to_string(\"{name}\", ';')" if header.endswith("[]") else f'"{name}"')
        + f' AS "{header}"'
        for name, header in names.items()
    )
    target = str(path).replace("'", "''")
    told(
        rows.lake,
        f"COPY (SELECT {chosen} FROM \"{part.table}\") TO '{target}' (FORMAT csv, HEADER)",
    )
    return part.count


def _swap(server: Neo4jServer, building: Path, settings: Settings, report: LoadReport) -> None:
    began = time.monotonic()
    tied = server.tied
    _announce(server, tied)
    try:
        server.stop()
        _exchange(server, building)
        server.start(tied=tied)
        with GraphStore.open(settings) as store:
            for statement in cypher.schema():
                store.write(statement.name, statement.cypher, {})
            store.write("await indexes", _AWAIT_INDEXES, {})
            check_counts(store, report)
    except BaseException as error:
        server.stop()
        _exchange_back(server)
        server.start(tied=tied)
        if not isinstance(error, HawserError | OSError):
            raise
        reason = error.message if isinstance(error, HawserError) else str(error)
        raise LoadError(
            f"the new graph cannot be used ({reason})", hint="the old one is back"
        ) from error
    _journal(server).unlink()
    shutil.rmtree(server.home / "previous", ignore_errors=True)  # else the next swap removes it
    report.seconds["swap"] = time.monotonic() - began


def _announce(server: Neo4jServer, tied: bool) -> None:
    """Make room for the old store folders and write the journal, while the server still runs.

    What is aside is the old graph only while there is a journal, so it is cleared before."""
    aside = server.home / "previous"
    try:
        if aside.exists():
            shutil.rmtree(aside)
        for store in _STORES:
            (aside / store).parent.mkdir(parents=True)
        write_whole(_journal(server), json.dumps({"tied": tied}))
    except OSError as error:
        raise LoadError(
            f"the new graph cannot be put in place ({error})", hint="the graph is as it was"
        ) from error


def _exchange(server: Neo4jServer, building: Path) -> None:
    """Put the old store folders aside and the new ones in their place."""
    for store in _STORES:
        old = server.home / store
        if old.exists():
            old.rename(server.home / "previous" / store)
        (building / store).rename(old)


def _exchange_back(server: Neo4jServer) -> None:
    """Put back whatever was put aside."""
    for store in _STORES:
        old, aside = server.home / store, server.home / "previous" / store
        if aside.exists():
            shutil.rmtree(old, ignore_errors=True)
            aside.rename(old)
    _journal(server).unlink(missing_ok=True)


def _journal(server: Neo4jServer) -> Path:
    return server.home / "swap.json"
