"""Features: network features beside networkx, and how time grows with the number of shipments.

Both sides start from the same snapshot on disk: ours maps it and makes its matrices, networkx gets
the same edges, in bulk, and computes the same features with its own algorithms.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import polars as pl

from benchmarks._stage import hawser, table, world
from benchmarks.growth import exponent
from graph.features.build import shipment_features
from graph.features.network import (
    concentration,
    core_numbers,
    enterprise_links,
    hops,
    network_features,
    pagerank,
    penalised,
)
from graph.settings import Settings
from graph.snapshot import Snapshot, build, open_snapshot
from graph.store.lake import Batch, Lake, stored_columns
from graph.tables import TABLES

TARGET_SPEED = 20.0
TARGET_GROWTH = 1.1
DAY = date(2024, 1, 1)

Row = tuple[str, str, str, str, str]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--sizes", type=int, nargs="*", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    nodes, edges = (5_000, 50_000) if options.quick else (options.nodes, options.edges)
    sizes = [5_000, 10_000, 20_000] if options.quick else sorted(options.sizes)
    compare(nodes, edges)
    if len(sizes) > 1:
        growth(sizes)


def compare(nodes: int, edges: int) -> None:
    """Print seconds of both sides, feature by feature, and whether they agree."""
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(home=Path(name))
        lake = random_lake(settings, nodes, edges)
        built, taken = _timed(lambda: build(lake, settings, as_of=DAY, known_at=DAY))
        size = sum(built.edge_counts.values())
        ours = _ours(settings, built.id)
        theirs = _networkx(open_snapshot(settings, built.id))
        _, whole = _timed(lambda: network_features(open_snapshot(settings, built.id)))
    mine, other = (sum(seconds for _, seconds in side.values()) for side in (ours, theirs))
    table(
        [
            *(_row(what, ours[what], theirs[what]) for what in ours),
            _line("all of these", mine, other, f"at least {TARGET_SPEED:.0f} times"),
            ("all network features", f"{whole:.2f} s", "", "", ""),
            (f"snapshot of {size} edges", f"{taken:.1f} s", "", "", ""),
        ]
    )


def _row(what: str, ours: tuple[Any, float], theirs: tuple[Any, float]) -> Row:
    agree = ours[0] is None or np.allclose(ours[0], theirs[0], rtol=1e-5, equal_nan=True)
    return _line(what, ours[1], theirs[1], "" if agree else "DIFFERENT VALUES")


def _line(what: str, ours: float, theirs: float, target: str) -> Row:
    return what, f"{ours:.3f} s", f"networkx {theirs:.3f} s", f"{theirs / ours:.0f}", target


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    found = call()
    return found, time.perf_counter() - start


def _ours(settings: Settings, identifier: str) -> dict[str, tuple[Any, float]]:
    snapshot = open_snapshot(settings, identifier)
    links, reading = _timed(lambda: enterprise_links(snapshot))
    start, stop = snapshot.range("Enterprise")
    sources = penalised(snapshot)[start:stop]
    return {
        "read": (None, reading),
        "degree": _timed(lambda: np.diff(links.indptr).astype(float)),
        "concentration": _timed(lambda: concentration(links)),
        "pagerank": _timed(lambda: pagerank(links)),
        "core": _timed(lambda: core_numbers(links)),
        "hops": _timed(lambda: hops(links, sources)),
    }


def _networkx(snapshot: Snapshot) -> dict[str, tuple[Any, float]]:
    links = enterprise_links(snapshot).tocoo()
    start, stop = snapshot.range("Enterprise")
    sources = set(np.flatnonzero(penalised(snapshot)[start:stop]).tolist())
    upper = links.row < links.col
    ends = [values[upper].tolist() for values in (links.row, links.col, links.data)]

    def read() -> Any:
        graph: Any = nx.Graph()
        graph.add_nodes_from(range(stop - start))
        graph.add_weighted_edges_from(zip(*ends, strict=True))
        return graph

    graph, reading = _timed(read)

    def of(values: dict[int, float]) -> np.ndarray:
        return np.array([values.get(node, np.nan) for node in graph], float)

    def shares() -> np.ndarray:
        found = {}
        for node, near in graph.adjacency():
            weights = [edge["weight"] for edge in near.values()]
            if total := sum(weights):
                found[node] = sum(w * w for w in weights) / total**2
        return of(found)

    return {
        "read": (None, reading),
        "degree": _timed(lambda: of(dict(graph.degree))),
        "concentration": _timed(shares),
        "pagerank": _timed(lambda: of(nx.pagerank(graph, tol=1e-10 / len(graph), max_iter=200))),
        "core": _timed(lambda: of(nx.core_number(graph))),
        "hops": _timed(
            lambda: of(nx.multi_source_dijkstra_path_length(graph, sources, cutoff=6, weight=None))
        ),
    }


def random_lake(settings: Settings, nodes: int, edges: int) -> Lake:
    """A lake of enterprises and payments between them, with hubs, and some penalised."""
    rng = np.random.default_rng(0)
    names = pl.Series([f"e{number:07d}" for number in range(nodes)])
    ends = [(nodes * rng.random(edges) ** power).astype(np.int64) for power in (1.0, 1.5)]
    number = pl.arange(edges, eager=True).cast(pl.String)
    punished = names.sample(max(nodes // 100, 1), seed=0)
    tables = {
        "enterprises": pl.DataFrame({"enterprise_id": names, "name": names, "country": "CN"}),
        "payments": pl.DataFrame(
            {"payment_id": number, "payer_id": names[ends[0]], "payee_id": names[ends[1]],
             "amount": rng.lognormal(8, 2, edges), "paid_from": [DAY] * edges}
        ),
        "credit_events": pl.DataFrame(
            {"event_id": punished, "enterprise_id": punished, "type": "penalty",
             "severity": "general", "occurred_on": DAY}
        ),
    }  # fmt: skip
    lake = Lake(settings)
    with lake.writing() as staging:
        for name, frame in tables.items():
            _stored(name, frame).write_parquet(staging / f"{name}.parquet")
        lake.append(Batch("b", "tables", staging, {name: len(f) for name, f in tables.items()}))
    return lake


def _stored(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the columns a stored table carries."""
    known = {
        "record": pl.format("{}", pl.int_range(pl.len())).str.zfill(16),
        "source": pl.lit("tables"),
        "batch": pl.lit("b"),
        "file": pl.lit(name),
        "row": pl.int_range(pl.len()) + 1,
        "marking": pl.lit("PUBLIC"),
        "recorded_at": pl.lit(DAY),
    }
    full = frame.with_columns(**{key: value for key, value in known.items() if key not in frame})
    return full.select(column for column in stored_columns(TABLES[name]) if column in full.columns)


def growth(sizes: list[int]) -> None:
    """Print seconds of the shipment features at each size and the exponent of growth."""
    seconds = [_seconds(size) for size in sizes]
    per_size = [
        (f"features of {size} shipments", f"{taken:.1f} s", "", "", "")
        for size, taken in zip(sizes, seconds, strict=True)
    ]
    grown = f"{exponent(sizes, seconds):.2f}"
    table([*per_size, ("exponent of growth", grown, "", "", f"at most {TARGET_GROWTH}")])


def _seconds(shipments: int) -> float:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hawser(folder / "home", "ingest", "tables", str(world(folder / "world", shipments)))
        lake = Lake(Settings(home=folder / "home"))
        return _timed(lambda: shipment_features(lake))[1]


if __name__ == "__main__":
    main()
