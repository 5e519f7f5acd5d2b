"""Bring the graph server up to date with the lake: `rebuild` and `increment`.

`rebuild` makes a new database with the server's own bulk way, checks it, and puts it in the place
of the old one whole. `increment` asks the server what it has, writes what changed and removes what
is gone. Both read `graph.store.rows` and end in the same graph; one that is killed can be run
again. One load at a time works on a data folder.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pyarrow as pa

from graph.errors import LoadError
from graph.ontology import EDGE_KINDS, NODE_KINDS
from graph.settings import Settings
from graph.store import cypher
from graph.store.ahead import ahead
from graph.store.bolt import GraphStore
from graph.store.counts import check_counts
from graph.store.embedded_rebuild import rebuild_embedded
from graph.store.lake import Lake
from graph.store.ledger import Ledger
from graph.store.neo4j_rebuild import rebuild_neo4j
from graph.store.report import LoadReport, Progress, silent
from graph.store.rows import (
    EDGE_KEY,
    GraphRows,
    Part,
    drop,
    keep,
    key_table,
    parameter_rows,
    stream,
    thin_end,
    told,
)
from graph.store.server_folder import server_folder, try_lock

_NODE_KEYS = ("id", "digest")
_EDGE_KEYS = ("kind", "target_kind", "source_id", "target_id", "key", "digest")
_LOCK_WITHIN = 2.0  # seconds to wait for another load
_THERE, _EVERY = "load_there", "load_every"  # temporary tables of what the server has
_ALL = 1_000_000  # rows in a batch when all are wanted
_IDS_AT_ONCE = 5_000  # nodes whose edges are asked for at once


def rebuild(
    lake: Lake,
    settings: Settings,
    *,
    as_of: date | None = None,
    known_at: date | None = None,
    progress: Progress | None = None,
) -> LoadReport:
    """Build the whole graph anew and swap it in; the old one serves until then.

    The embedded server takes the new database while it runs. A Neo4j of this machine
    (`neo4j_home`) is restarted on it. Any other Neo4j cannot be built offline from here: it gets
    an increment, and the report's `note` says so.

    Raises:
        LoadError: another load is running, or the new graph is not what the lake says; the graph
            is as it was.
        GraphStoreError: the server refused or went away.
    """
    report = progress or silent
    with _loading(settings), _rows(lake, as_of, known_at) as rows:
        if not settings.graph_uri:
            done = rebuild_embedded(rows, settings, report)
        elif settings.neo4j_home.name:
            done = rebuild_neo4j(rows, settings, report)
        else:
            with GraphStore.open(settings) as store:
                done = _increment(rows, store, report)
            done.note = (
                "the Neo4j server is not one that `make neo4j` started (HAWSER_NEO4J_HOME):"
                " it was brought up to date over Bolt instead"
            )
        done.dangling = dict(rows.dangling)
    return done


def increment(
    lake: Lake,
    store: GraphStore,
    *,
    as_of: date | None = None,
    known_at: date | None = None,
    progress: Progress | None = None,
) -> LoadReport:
    """Write what changed since the last load and remove what is gone.

    With n nodes and m edges in the graph and k changes: O(n + m) keys are read, O(k) written.

    Raises:
        LoadError: another load is running, or the counts do not agree in the end.
        GraphStoreError: the server refused or went away; run it again.
    """
    with _loading(lake.settings), _rows(lake, as_of, known_at) as rows:
        done = _increment(rows, store, progress or silent)
        done.dangling = dict(rows.dangling)
    return done


@contextmanager
def _loading(settings: Settings) -> Iterator[None]:
    """Keep other loads of the same data folder out."""
    folder = server_folder(settings.home)
    folder.create()
    with try_lock(folder.load_lock, shared=False, seconds=_LOCK_WITHIN) as lock:
        if lock is None:
            raise LoadError(
                f"another load of {settings.home} is running", hint="wait until it has finished"
            )
        yield


@contextmanager
def _rows(lake: Lake, as_of: date | None, known_at: date | None) -> Iterator[GraphRows]:
    """The lake's graph with the ledger's judgements of identity."""
    with Ledger(lake.settings) as ledger:
        judgements = ledger.judgements(known_at=known_at)
    rows = GraphRows(lake, as_of, known_at, judgements)
    try:
        yield rows
    finally:
        rows.close()


def _increment(rows: GraphRows, store: GraphStore, progress: Progress) -> LoadReport:
    report = LoadReport(method="increment")
    began = time.monotonic()
    for statement in cypher.schema():
        store.write(statement.name, statement.cypher, {})
    report.seconds["schema"] = time.monotonic() - began
    began = time.monotonic()
    kept = {}
    for place, part in enumerate(rows.node_parts()):
        progress(part.kind, place / (len(NODE_KINDS) + len(EDGE_KINDS)))
        kept[part.kind] = _nodes(rows.lake, store, part, report)
    report.seconds["nodes"] = time.monotonic() - began
    began = time.monotonic()
    keep(rows.lake, _EVERY, _edges_there(store, kept))
    for place, kind in enumerate(EDGE_KINDS, start=len(NODE_KINDS)):
        progress(kind, place / (len(NODE_KINDS) + len(EDGE_KINDS)))
        report.edges[kind] = _edges(rows, store, kind, report)
    drop(rows.lake, _EVERY, _THERE)
    report.seconds["edges"] = time.monotonic() - began
    check_counts(store, report)
    return report


def _nodes(lake: Lake, store: GraphStore, part: Part, report: LoadReport) -> pa.Table:
    """Bring one node kind up to date; returns the ids that were there before and stay."""
    statement = cypher.node_keys(part.kind)
    keep(lake, _THERE, _told(store, statement, {}, _NODE_KEYS))
    found = f'(SELECT id FROM "{part.table}")'
    gone = stream(lake, f"SELECT id FROM {_THERE} WHERE id NOT IN {found}", _ALL).read_all()
    remove = cypher.remove_nodes(part.kind)
    for batch in gone.to_batches(max_chunksize=lake.settings.graph_batch_size):
        done = store.write(remove.name, remove.cypher, {"ids": batch["id"].to_pylist()})
        report.removed_nodes += done["nodes_deleted"]
        report.removed_edges += done["relationships_deleted"]
    statement = cypher.write_nodes(part.kind)
    report.written_nodes += _write(lake, store, part, statement, _NODE_KEYS, report)
    report.nodes[part.kind] = part.count
    return stream(lake, f"SELECT id FROM {_THERE} WHERE id IN {found} ORDER BY id", _ALL).read_all()


def _edges_there(store: GraphStore, kept: dict[str, pa.Table]) -> pa.Table:
    """The keys and digests of the edges that leave the nodes which stay."""
    parts = []
    for kind in dict.fromkeys(source for _, source, _ in cypher.joins()):
        statement = cypher.edge_keys(kind)
        found = [
            _told(store, statement, {"ids": batch["id"].to_pylist()}, _EDGE_KEYS)
            for batch in kept[kind].to_batches(max_chunksize=_IDS_AT_ONCE)
        ]
        table = pa.concat_tables([key_table([], _EDGE_KEYS), *found])
        parts.append(table.append_column("source_kind", pa.repeat(kind, table.num_rows)))
    return pa.concat_tables(parts)


def _stale_edges(
    lake: Lake, store: GraphStore, kind: str, part: Part | None, join: tuple[str, str]
) -> int:
    """Remove the edges between two node kinds that the lake no longer has; how many there were.

    Those that are there are in the table `load_every`; they are left in `load_there`.
    """
    drop(lake, _THERE)
    told(
        lake,
        f"CREATE TEMP TABLE {_THERE} AS SELECT * FROM {_EVERY}"
        " WHERE kind = ? AND source_kind = ? AND target_kind = ?",
        [kind, *join],
    )
    names = ", ".join(EDGE_KEY)
    kept = f'WHERE ({names}) NOT IN (SELECT ({names}) FROM "{part.table}")' if part else ""
    gone = stream(lake, f"SELECT {names} FROM {_THERE} {kept}", _ALL).read_all()
    remove = cypher.remove_edges(kind, *join, thin_end(lake, _THERE))
    removed = 0
    for batch in gone.to_batches(max_chunksize=lake.settings.graph_batch_size):
        done = store.write(remove.name, remove.cypher, {"rows": batch.to_pylist()})
        removed += done["relationships_deleted"]
    return removed


def _edges(rows: GraphRows, store: GraphStore, kind: str, report: LoadReport) -> int:
    """Bring the edges of a kind up to date; returns how many there are."""
    total = 0
    seen = set()
    for part in rows.edge_parts(kind):
        join = part.ends or ("", "")
        seen.add(join)
        report.removed_edges += _stale_edges(rows.lake, store, kind, part, join)
        statement = cypher.write_edges(kind, *join, thin_end(rows.lake, part.table))
        written = _write(rows.lake, store, part, statement, (*EDGE_KEY, "digest"), report)
        report.written_edges += written
        total += part.count
    for join in EDGE_KINDS[kind].endpoints:
        if join not in seen:
            report.removed_edges += _stale_edges(rows.lake, store, kind, None, join)
    return total


def _write(
    lake: Lake,
    store: GraphStore,
    part: Part,
    statement: cypher.Statement,
    known: tuple[str, ...],
    report: LoadReport,
) -> int:
    """Send the rows that are not in `load_there` as they are, in batches; returns how many."""
    began = time.monotonic()
    same = " AND ".join(f"there.{name} = part.{name}" for name in known)
    query = f'SELECT * FROM "{part.table}" part ANTI JOIN {_THERE} there ON {same}'
    written = 0
    batches = stream(lake, query, lake.settings.graph_batch_size)
    for rows in ahead(parameter_rows(part, batch) for batch in batches):
        store.write(statement.name, statement.cypher, {"rows": rows})
        written += len(rows)
    report.seconds["writing"] = report.seconds.get("writing", 0.0) + time.monotonic() - began
    return written


def _told(
    store: GraphStore,
    statement: cypher.Statement,
    parameters: dict[str, object],
    names: tuple[str, ...],
) -> pa.Table:
    """What the server has, as an Arrow table of texts."""
    parts = [
        key_table(rows, names)
        for rows in store.stream(statement.name, statement.cypher, parameters)
    ]
    return pa.concat_tables([key_table([], names), *parts])
