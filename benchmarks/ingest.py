"""Ingest of canonical tables: rows a second and memory, beside sending the rows over Bolt.

The peer is what one does without a lake: the rows of the same tables, in the same proportions, as
nodes by their key, through `UNWIND $rows AS row MERGE …` in batches of 5,000 with the official
driver to the same machine's graph server, on a sample (a rate, so that it compares). It checks
nothing and makes no edge, which is the least such a loop can do.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks._stage import hawser, table, world
from graph.settings import Settings
from graph.store.bolt import GraphStore
from graph.tables import TABLES

SAMPLE = 60_000
BATCH = 5_000
UNIQUE = "CREATE CONSTRAINT IF NOT EXISTS FOR (n:`{label}`) REQUIRE n.key IS UNIQUE"
UNWIND = "UNWIND $rows AS row MERGE (n:`{label}` {{key: row.key}}) SET n += row"

Row = dict[str, Any]


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
                f"{bolt:,.0f} (UNWIND MERGE over Bolt)",
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
    """Rows a second through UNWIND, on a server warmed up with as many other rows."""
    every = max(2, _count(tables) // SAMPLE)
    warm, timed = _sample(tables, every, every // 2), _sample(tables, every, 0)
    with GraphStore.open(Settings(home=home)) as store:
        for label in timed:
            store.write("constraint", UNIQUE.format(label=label), {})
        _send(store, warm)
        started = time.perf_counter()
        _send(store, timed)
        return sum(map(len, timed.values())) / (time.perf_counter() - started)


def _send(store: GraphStore, tables: dict[str, list[Row]]) -> None:
    for label, rows in tables.items():
        for start in range(0, len(rows), BATCH):
            batch = {"rows": rows[start : start + BATCH]}
            store.write("unwind", UNWIND.format(label=label), batch)


def _count(tables: Path) -> int:
    return sum(pl.scan_parquet(path).select(pl.len()).collect().item() for path in _files(tables))


def _files(tables: Path) -> list[Path]:
    return sorted(tables.glob("*.parquet"))


def _sample(tables: Path, every: int, offset: int) -> dict[str, list[Row]]:
    """Each table's rows from `offset`, one in `every`, with their key as one text."""
    return {path.stem: _rows(path, every, offset) for path in _files(tables)}


def _rows(path: Path, every: int, offset: int) -> list[Row]:
    frame = pl.scan_parquet(path).gather_every(every, offset).collect()
    dates = [name for name, kind in frame.schema.items() if kind == pl.Date]
    key = [name for name in TABLES[path.stem].key if name in frame.columns]
    return (
        frame.with_columns(pl.col(dates).cast(pl.String))
        .with_columns(pl.concat_str(key, separator="|", ignore_nulls=True).alias("key"))
        .to_dicts()
    )


if __name__ == "__main__":
    main()
