"""Ingest of canonical tables: rows a second and memory, beside sending the rows over Bolt.

The peer is what one does without a lake: the same rows of the shipments table as nodes, through
`UNWIND $rows AS row MERGE …` in batches of 5,000 with the official driver to the same machine's
graph server, on a sample (a rate, so that it compares).
"""

import argparse
import tempfile
import time
from pathlib import Path

import polars as pl

from benchmarks._stage import hawser, table, world
from graph.settings import Settings
from graph.store.bolt import GraphStore

SAMPLE = 50_000
BATCH = 5_000
UNWIND = "UNWIND $rows AS row MERGE (s:Shipment {id: row.shipment_id}) SET s += row"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--shipments", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    shipments = 20_000 if options.quick else options.shipments
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tables = world(folder / "world", shipments)
        first = hawser(folder / "home", "ingest", "tables", str(tables))
        again = hawser(folder / "home", "ingest", "tables", str(tables))
        bolt = _bolt_rate(folder / "bolt", tables)
    rows = sum(first.answer["accepted"].values())
    rate = rows / first.seconds
    table(
        [
            (
                f"rows/s, {rows:,} rows of {shipments:,} shipments",
                f"{rate:,.0f}",
                f"{bolt:,.0f} (UNWIND over Bolt)",
                f"{rate / bolt:.1f} x",
                "at least 10 x",
            ),
            ("peak memory, MB", f"{first.peak:,.0f}", "", "", "at most 4,000"),
            (
                "the same rows again, s",
                f"{again.seconds:.1f}",
                f"{first.seconds:.1f} (first time)",
                f"{again.seconds / first.seconds:.2f}",
                f"unchanged: {again.answer['unchanged']}",
            ),
        ]
    )


def _bolt_rate(home: Path, tables: Path) -> float:
    """Rows a second through UNWIND, after a warm-up batch."""
    frame = pl.scan_parquet(tables / "shipments.parquet").head(SAMPLE + BATCH).collect()
    dates = [name for name, kind in frame.schema.items() if kind == pl.Date]
    rows = frame.with_columns(pl.col(dates).cast(pl.String)).to_dicts()
    with GraphStore.open(Settings(home=home)) as store:
        constraint = "CREATE CONSTRAINT IF NOT EXISTS FOR (s:Shipment) REQUIRE s.id IS UNIQUE"
        store.write("constraint", constraint, {})
        store.write("warm", UNWIND, {"rows": rows[:BATCH]})
        started = time.monotonic()
        for start in range(BATCH, len(rows), BATCH):
            store.write("unwind", UNWIND, {"rows": rows[start : start + BATCH]})
        return (len(rows) - BATCH) / (time.monotonic() - started)


if __name__ == "__main__":
    main()
