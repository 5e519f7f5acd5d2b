"""Loading the graph: our rebuild and increment beside a bare driver loop of `UNWIND … MERGE`.

    python -m benchmarks.load --shipments 1000000 --servers embedded neo4j

The peer is the loop one writes without us: rows already packed, in our batches and with our
statements, `session.execute_write` on an empty server of its own with the same constraints. It
loads a smaller world, all of the large one would take it hours; its rate does not gain by size. The
increment loads the same smaller world into another empty server: its figure has picking and packing
the rows in it, which the loop gets for nothing. The rebuild's figure, of the whole world, has
everything in it, reading the lake too.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
    parser.add_argument("--shipments", type=int, default=1_000_000)
    parser.add_argument("--sample", type=int, default=30_000, help="shipments the loop loads")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    whole, sample = (20_000, 5_000) if options.quick else (options.shipments, options.sample)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _lake(folder / "whole", whole) as large, _lake(folder / "sample", sample) as small:
            for server in options.servers:
                lack = missing() if server == "neo4j" else ""
                if lack:
                    print(f"neo4j is left out: {lack}")
                else:
                    table(_measure(server, folder / server, large, small))


def _lake(folder: Path, shipments: int) -> Lake:
    """The lake of a world with this many shipments."""
    settings = Settings(home=folder / "home")
    ingest("tables", world(folder / "world", shipments), settings)
    return Lake(settings)


def _measure(
    server: str, folder: Path, large: Lake, small: Lake
) -> list[tuple[str, str, str, str, str]]:
    with _server(server, folder / "loop") as settings, GraphStore.open(settings) as store:
        bare = _bare(small, store, settings.graph_batch_size)
    with _server(server, folder / "increment") as settings, GraphStore.open(settings) as store:
        increment = load.increment(small, store)
    with _server(server, folder / "rebuild") as settings:
        rebuild = load.rebuild(large, settings)
    loop = f"{bare.rate:,.0f} (UNWIND MERGE loop, {bare.rows:,} rows in {bare.seconds:.0f} s)"
    return [
        _line(f"{server}: rebuild", rebuild, bare, loop, TARGETS[server]),
        _line(f"{server}: increment, sending", increment, bare, loop, 0.8, "writing"),
        _line(f"{server}: increment, all of it", increment, bare, loop, None),
    ]


@contextmanager
def _server(server: str, home: Path) -> Iterator[Settings]:
    """An empty server of its own."""
    if server == "embedded":
        yield Settings(home=home)
        return
    with temporary(home / "neo4j") as real:
        yield Settings(
            home=home, graph_uri=real.uri, graph_password=real.password, neo4j_home=real.home
        )


def _line(
    what: str, report: LoadReport, bare: Loop, loop: str, target: float | None, *stages: str
) -> tuple[str, str, str, str, str]:
    """Rows a second, over the stages named or all of them, beside the loop's."""
    rows = report.written_nodes + report.written_edges
    named = stages or [stage for stage in report.seconds if stage != "writing"]
    seconds = sum(report.seconds[stage] for stage in named)
    return (
        f"{what}, rows/s",
        f"{rows / seconds:,.0f} ({rows:,} rows in {seconds:.0f} s)",
        loop,
        f"{rows / seconds / bare.rate:.2f} x",
        f"at least {target:g} x" if target else "",
    )


def _bare(lake: Lake, store: GraphStore, size: int) -> Loop:
    """The loop without us."""
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
    """Send a part's rows as a bare driver would, in managed transactions."""
    packed = [
        parameter_rows(part, batch) for batch in stream(lake, f'SELECT * FROM "{part.table}"', size)
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


if __name__ == "__main__":
    main()
