"""Loading the graph: our rebuild and increment beside a bare driver loop of `UNWIND … MERGE`.

    python -m benchmarks.load --shipments 100000 --servers embedded neo4j

The peer is the loop one writes without us: the same rows, already packed, in the same batches,
`session.execute_write` of the statement on a new connection to the same empty server with the
same constraints. The rebuild's time has everything in it, reading the lake too; the increment's is
that of sending the changed rows, with picking and packing them, which the loop gets for nothing.
"""

import argparse
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks._stage import table, world
from graph.ontology import EDGE_KINDS
from graph.settings import Settings
from graph.store import cypher, load
from graph.store.bolt import GraphStore
from graph.store.lake import Lake
from graph.store.neo4j_server import missing, temporary
from graph.store.report import LoadReport
from graph.store.rows import GraphRows, Part, parameter_rows, stream, thin_end
from ingest.pipeline import ingest

SERVERS = ("embedded", "neo4j")
TARGETS = {"embedded": 4.0, "neo4j": 3.0}
#: The bare loop is timed on this many rows of each kind, as a rate: all would take hours.
SAMPLE = 50_000


@dataclass
class Loop:
    """Rows sent and seconds spent by the bare loop."""

    rows: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--shipments", type=int, default=100_000)
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        tables = world(folder / "world", 3_000 if options.quick else options.shipments)
        for server in options.servers:
            lack = missing() if server == "neo4j" else ""
            if lack:
                print(f"neo4j is left out: {lack}")
                continue
            settings = Settings(home=folder / server)
            if server == "neo4j":
                real = stack.enter_context(temporary(folder / "neo4j-home"))
                settings = Settings(
                    home=folder / server,
                    graph_uri=real.uri,
                    graph_password=real.password,
                    neo4j_home=real.home,
                )
            ingest("tables", tables, settings)
            lines += _measure(server, settings)
    table(lines)


def _measure(server: str, settings: Settings) -> list[tuple[str, str, str, str, str]]:
    with Lake(settings) as lake:
        with GraphStore.open(settings) as store:
            bare = _bare(lake, store, settings.graph_batch_size)
            _empty(store)
            ours = _rate(load.increment(lake, store), "writing")
        whole = _rate(load.rebuild(lake, settings))
    return [
        (
            f"{server}: rebuild, rows/s",
            f"{whole:,.0f}",
            f"{bare.rate:,.0f} (UNWIND MERGE loop)",
            f"{whole / bare.rate:.1f} x",
            f"at least {TARGETS[server]:g} x",
        ),
        (
            f"{server}: increment, rows/s",
            f"{ours:,.0f}",
            f"{bare.rate:,.0f} (same batches)",
            f"{ours / bare.rate:.2f} x",
            "at least 0.8 x",
        ),
    ]


def _rate(report: LoadReport, *stages: str) -> float:
    """Rows a second, over the stages named or all of them."""
    rows = report.written_nodes + report.written_edges
    seconds = sum(report.seconds[name] for name in stages or report.seconds)
    return rows / seconds


def _bare(lake: Lake, store: GraphStore, size: int) -> Loop:
    """The loop without us on a sample of every kind."""
    loop = Loop()
    rows = GraphRows(lake)
    for statement in cypher.schema():
        store.write(statement.name, statement.cypher, {})
    for part in rows.node_parts():
        _send(lake, store, part, cypher.write_nodes(part.kind), size, loop)
    for kind in EDGE_KINDS:
        for part in rows.edge_parts(kind):
            statement = cypher.write_edges(
                kind, *(part.ends or ("", "")), thin_end(lake, part.table)
            )
            _send(lake, store, part, statement, size, loop)
    rows.close()
    return loop


def _send(
    lake: Lake, store: GraphStore, part: Part, statement: cypher.Statement, size: int, loop: Loop
) -> None:
    """Send a part's rows as a bare driver would: a session, `run`, `consume`.

    Nodes are all sent, so that the edges find their ends.
    """
    limit = "" if part.ends is None else f" LIMIT {SAMPLE}"
    packed = [
        parameter_rows(part, batch)
        for batch in stream(lake, f'SELECT * FROM "{part.table}"{limit}', size)
    ]
    began = time.perf_counter()
    with store._driver.session(database=store.database) as session:
        for rows in packed:
            session.execute_write(_one_batch, statement.cypher, rows)
    loop.seconds += time.perf_counter() - began
    loop.rows += sum(map(len, packed))


def _one_batch(transaction: Any, text: str, rows: list[dict[str, object]]) -> None:
    """The driver's managed transaction: it repeats a batch after a transient error."""
    transaction.run(text, rows=rows).consume()


def _empty(store: GraphStore) -> None:
    """Remove everything, in steps that fit a transaction."""
    while True:
        done = store.write("empty", "MATCH (n) WITH n LIMIT 5000 DETACH DELETE n", {})
        if not done["nodes_deleted"]:
            return


if __name__ == "__main__":
    main()
