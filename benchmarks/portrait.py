"""A portrait over GraphQL, beside the bare Cypher reads that it rests on.

The peer sends exactly the queries that the portrait sent, one after the other on one connection
pool, and does nothing with the rows. Both are warm; enterprises are the ones with most shipments
and a random sample of the others.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from fastapi import FastAPI

from api.app import create_app
from benchmarks._stage import hawser, table, world
from graph.settings import Settings
from graph.snapshot import Snapshot
from graph.store.bolt import GraphStore

ROWS = "redacted { nodes edges properties } next partial"
PORTRAIT = f"""
query Portrait($id: String!) {{ enterprise(id: $id) {{
  asOf enterprise {{ id name }}
  registration {{ name nameEn uscc customsCode country address evidence {{ record source }} }}
  clearance {{ periods {{ rows {{ period role shipments firstOn lastOn }} {ROWS} }}
    shipments {{ rows {{ id role declaredAt direction evidence {{ record }} }} {ROWS} }} }}
  commodities {{ rows {{ hsCode description role currency items customsValue netMassKg }} {ROWS} }}
  credit {{ events {{ rows {{ id type severity occurredOn evidence {{ record }} }} {ROWS} }}
    findings {{ rows {{ id outcome shipment role evidence {{ record }} }} {ROWS} }} }}
  related {{ parties {{ rows {{ tie share party {{ id name kind }} link {{ record }} }} {ROWS} }}
    shared {{ rows {{ tie party {{ id name }} via {{ text }} }} {ROWS} }} }}
  prices {{ rows {{ hsCode role currency items low median high peers {{ median }} }} {ROWS} }}
  grade {{ band points }} }} }}
"""
#: The same with what the snapshot computes: owners and risk paths.
WHOLE = PORTRAIT.replace(
    "grade { band points }",
    "grade { band points }"
    " risk { influence { influence paths { contribution hops { kind from to } } } }"
    " owned: related { owners { owners { id share controls } } }",
)
SHIPMENTS, QUICK, SAMPLE, ROUNDS = 50_000, 5_000, 20, 3
Call = tuple[str, str, dict[str, Any]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--shipments", type=int, default=SHIPMENTS)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    shipments = QUICK if options.quick else options.shipments
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "home"
        hawser(home, "ingest", "tables", str(world(folder / "world", shipments)))
        hawser(home, "load", "--rebuild")
        hawser(home, "snapshot")
        app = create_app(Settings(home=home))
        try:
            asyncio.run(_compare(app, shipments))
        finally:
            app.state.services.close()


async def _compare(app: FastAPI, shipments: int) -> None:
    services = app.state.services
    ids = _enterprises(services.snapshot)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        calls = [await _recorded(services.store, client, id) for id in ids]
        ours = [await _seconds(client, PORTRAIT, id) for _ in range(ROUNDS) for id in ids]
        whole = [await _seconds(client, WHOLE, id) for _ in range(ROUNDS) for id in ids]
    bare = [_timed(partial(_replay, services.store, c)) for _ in range(ROUNDS) for c in calls]
    what = f"portrait, {shipments:,} shipments, {len(ids)} enterprises"
    table(
        [
            _row(f"{what}: median ms", statistics.median, ours, bare, "at most 3 x"),
            _row(f"{what}: 95th percentile ms", _p95, ours, bare, ""),
            _row("with owners and risk paths: median ms", statistics.median, whole, bare, ""),
            ("Cypher reads in it", f"{statistics.mean(map(len, calls)):.1f}", "", "", ""),
        ]
    )


def _row(
    what: str,
    of: Callable[[list[float]], float],
    ours: list[float],
    bare: list[float],
    target: str,
) -> tuple[str, str, str, str, str]:
    mine, theirs = of(ours) * 1e3, of(bare) * 1e3
    return what, f"{mine:.1f}", f"{theirs:.1f} (bare Cypher)", f"{mine / theirs:.2f} x", target


def _p95(values: list[float]) -> float:
    return float(np.percentile(values, 95))


def _enterprises(snapshot: Snapshot) -> list[str]:
    """Half of the sample are the busiest importers, half are drawn from all enterprises."""
    numbers, counts = np.unique(snapshot.edges("IMPORTED").source, return_counts=True)
    busiest = numbers[np.argsort(-counts, kind="stable")[: SAMPLE // 2]]
    start, stop = snapshot.range("Enterprise")
    drawn = np.random.default_rng(7).integers(start, stop, SAMPLE // 2)
    return [snapshot.id_of(int(number)) for number in np.concatenate((busiest, drawn))]


async def _seconds(client: httpx.AsyncClient, query: str, id: str) -> float:
    start = time.perf_counter()
    reply = await client.post("/graphql", json={"query": query, "variables": {"id": id}})
    taken = time.perf_counter() - start
    if "errors" in reply.json():
        raise RuntimeError(reply.text[:500])
    return taken


async def _recorded(store: GraphStore, client: httpx.AsyncClient, id: str) -> list[Call]:
    """The queries that one portrait sends."""
    calls: list[Call] = []
    read = store.read

    def recording(
        name: str, cypher: str, parameters: dict[str, Any], *, timeout: float | None = None
    ) -> list[dict[str, Any]]:
        calls.append((name, cypher, parameters))
        return read(name, cypher, parameters, timeout=timeout)

    store.read = recording  # type: ignore[method-assign,assignment]
    try:
        await _seconds(client, PORTRAIT, id)
    finally:
        del store.read
    return calls


def _replay(store: GraphStore, calls: Iterable[Call]) -> None:
    for name, cypher, parameters in calls:
        store.read(name, cypher, parameters)


def _timed(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
