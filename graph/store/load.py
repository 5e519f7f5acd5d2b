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

import ibis.expr.types as ir
import pyarrow as pa

from graph.errors import LoadError
from graph.ontology import EDGE_KINDS, NODE_KINDS
from graph.settings import Settings
from graph.store import cypher
from graph.store.bolt import GraphStore
from graph.store.counts import check_counts
from graph.store.embedded_rebuild import rebuild_embedded
from graph.store.lake import Lake
from graph.store.ledger import Ledger
from graph.store.neo4j_rebuild import rebuild_neo4j
from graph.store.report import LoadReport, Progress, silent
from graph.store.rows import GraphRows, Part, drop, keep, key_table, parameter_rows, stream
from graph.store.server_folder import server_folder, try_lock

_NODE_KEYS = ("id", "digest")
_EDGE_KEYS = ("kind", "target_kind", "source_id", "target_id", "key", "digest")
_LOCK_WITHIN = 2.0  # seconds to wait for another load
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
        judgements = ledger.judgements()
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
    there = _edges_there(store, kept)
    for place, kind in enumerate(EDGE_KINDS, start=len(NODE_KINDS)):
        progress(kind, place / (len(NODE_KINDS) + len(EDGE_KINDS)))
        report.edges[kind] = sum(
            _edges(rows.lake, store, part, there, report) for part in rows.edge_parts(kind)
        )
    report.seconds["edges"] = time.monotonic() - began
    check_counts(store, report)
    return report


def _nodes(lake: Lake, store: GraphStore, part: Part, report: LoadReport) -> pa.Table:
    """Bring one node kind up to date; returns the ids that were there before and stay."""
    statement = cypher.node_keys(part.kind)
    there = _told(store, statement, {}, _NODE_KEYS)
    with _table(lake, "load_there", there) as known:
        gone = known.anti_join(part.table, "id").select("id").to_pyarrow()
        kept = known.semi_join(part.table, "id").select("id").order_by("id").to_pyarrow()
        remove = cypher.remove_nodes(part.kind)
        for batch in gone.to_batches(max_chunksize=lake.settings.graph_batch_size):
            done = store.write(remove.name, remove.cypher, {"ids": batch["id"].to_pylist()})
            report.removed_nodes += done["nodes_deleted"]
            report.removed_edges += done["relationships_deleted"]
        changed = part.table.anti_join(known, list(_NODE_KEYS))
        report.written_nodes += _write(store, part, cypher.write_nodes(part.kind), changed, lake)
    report.nodes[part.kind] = int(part.table.count().execute())
    return kept


def _edges_there(store: GraphStore, kept: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """The keys and digests of the edges that leave the nodes which stay, by source kind."""
    found = {}
    for kind in dict.fromkeys(source for _, source, _ in cypher.joins()):
        statement = cypher.edge_keys(kind)
        told = [
            _told(store, statement, {"ids": batch["id"].to_pylist()}, _EDGE_KEYS)
            for batch in kept[kind].to_batches(max_chunksize=_IDS_AT_ONCE)
        ]
        found[kind] = pa.concat_tables([key_table([], _EDGE_KEYS), *told])
    return found


def _edges(
    lake: Lake, store: GraphStore, part: Part, there: dict[str, pa.Table], report: LoadReport
) -> int:
    """Bring the edges of a kind between two node kinds up to date; returns how many there are."""
    source, target = part.ends or ("", "")
    join = (part.kind, source, target)
    with _table(lake, "load_there", there[source]) as every:
        known = every.filter(every["kind"] == part.kind, every["target_kind"] == target)
        gone = known.anti_join(part.table, list(part.key)).select(*part.key).to_pyarrow()
        remove = cypher.remove_edges(*join)
        for batch in gone.to_batches(max_chunksize=lake.settings.graph_batch_size):
            done = store.write(remove.name, remove.cypher, {"rows": batch.to_pylist()})
            report.removed_edges += done["relationships_deleted"]
        changed = part.table.anti_join(known, [*part.key, "digest"])
        report.written_edges += _write(store, part, cypher.write_edges(*join), changed, lake)
    return int(part.table.count().execute())


def _write(
    store: GraphStore, part: Part, statement: cypher.Statement, rows: ir.Table, lake: Lake
) -> int:
    """Send rows in batches; returns how many."""
    written = 0
    for batch in stream(lake, rows, lake.settings.graph_batch_size):
        store.write(statement.name, statement.cypher, {"rows": parameter_rows(part, batch)})
        written += batch.num_rows
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


@contextmanager
def _table(lake: Lake, name: str, content: pa.Table) -> Iterator[ir.Table]:
    """Arrow content as a table beside the lake's."""
    yield keep(lake, name, content)
    drop(lake, name)
