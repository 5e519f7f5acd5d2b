"""Loading the graph: our rebuild and increment beside a bare driver loop of `UNWIND … MERGE`.

    python -m benchmarks.load --shipments 1000000 --servers embedded neo4j

The peer is the loop one writes without us: rows already packed, in our batches and with our
statements, `session.execute_write` on an empty server of its own with the same constraints. It
loads a smaller world, as all of the large one would take it hours. The increment loads the same
smaller world into another empty server: its figure has picking and packing the rows in it, which
the loop gets for nothing. The rebuild's figure, of the whole world, is all of its time, reading the
lake too; it is set beside the loop's rate without the first batch of each statement, when the
server is warm.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
class Rate:
    """Rows sent and the seconds that took."""

    rows: int = 0
    seconds: float = 0.0

    def add(self, rows: int, seconds: float) -> None:
        """Count some more."""
        self.rows += rows
        self.seconds += seconds

    @property
    def value(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds

    def __str__(self) -> str:
        return f"{self.value:,.0f} ({self.rows:,} rows in {self.seconds:.0f} s)"


@dataclass
class Loop:
    """What the bare loop did: in all, and without the first batch of each statement."""

    whole: Rate = field(default_factory=Rate)
    warm: Rate = field(default_factory=Rate)


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
        sent, increment = _timed(lambda: load.increment(small, store))
    with _server(server, folder / "rebuild") as settings:
        _, rebuild = _timed(lambda: load.rebuild(large, settings))
    sending = Rate(increment.rows, sent.seconds["writing"])
    return [
        _line(f"{server}: rebuild", rebuild, bare.warm, TARGETS[server]),
        _line(f"{server}: increment, sending", sending, bare.whole, 0.8),
        _line(f"{server}: increment, all of it", increment, bare.whole, None),
    ]


def _timed(call: Callable[[], LoadReport]) -> tuple[LoadReport, Rate]:
    """A load's report, and its rate by the clock."""
    began = time.perf_counter()
    report = call()
    seconds = time.perf_counter() - began
    return report, Rate(report.written_nodes + report.written_edges, seconds)


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
    what: str, ours: Rate, loop: Rate, target: float | None
) -> tuple[str, str, str, str, str]:
    wanted = f"at least {target:g} x" if target else ""
    ratio = f"{ours.value / loop.value:.2f} x"
    return f"{what}, rows/s", str(ours), f"UNWIND MERGE loop {loop}", ratio, wanted


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
    with store._driver.session(database=store.database) as session:
        for number, rows in enumerate(packed):
            began = time.perf_counter()
            session.execute_write(_one_batch, statement.cypher, rows)
            seconds = time.perf_counter() - began
            loop.whole.add(len(rows), seconds)
            if number:
                loop.warm.add(len(rows), seconds)


def _one_batch(transaction: Any, text: str, rows: list[dict[str, object]]) -> None:
    """The driver's managed transaction: it repeats a batch after a transient error."""
    transaction.run(text, rows=rows).consume()


if __name__ == "__main__":
    main()
