"""A way to put statements into a real lake without reading files."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from graph.settings import Settings
from graph.store.lake import Batch, Lake, stored_columns
from graph.tables import TABLES

_TYPES = {
    "VARCHAR": pl.String,
    "DOUBLE": pl.Float64,
    "BIGINT": pl.Int64,
    "DATE": pl.Date,
    "VARCHAR[]": pl.List(pl.String),
}
Rows = Mapping[str, Sequence[Mapping[str, Any]]]
WriteLake = Callable[..., Lake]


@pytest.fixture(scope="session")
def write_lake() -> WriteLake:
    """`write_lake(home, {table: rows}, batch=…)` appends one batch and returns the lake."""
    return _write


def _write(
    home: Path, tables: Rows, *, batch: str = "one", recorded_at: date = date(2024, 1, 1)
) -> Lake:
    lake = Lake(Settings(home=home))
    with lake.writing() as staging:
        for name, rows in tables.items():
            _frame(name, rows, batch, recorded_at).write_parquet(staging / f"{name}.parquet")
        counts = {name: len(rows) for name, rows in tables.items()}
        lake.append(Batch(batch, "tables", staging, counts))
    return lake


def _frame(
    name: str, rows: Sequence[Mapping[str, Any]], batch: str, recorded_at: date
) -> pl.DataFrame:
    table = TABLES[name]
    full = []
    for number, row in enumerate(rows, 1):
        event = row.get(table.event_date or "valid_from")
        text = repr(sorted((key, value) for key, value in row.items() if key != "marking"))
        own = {
            "record": hashlib.md5(f"{name} {text}".encode()).hexdigest()[:16],
            "source": "tables",
            "batch": batch,
            "file": f"{name}.csv",
            "row": number,
            "marking": "INTERNAL",
            "valid_from": row.get("valid_from", event),
            "recorded_at": event or recorded_at,
        }
        full.append({**own, **row})
    schema = {column: _TYPES[type] for column, type in stored_columns(table).items()}
    return pl.DataFrame(
        {column: [row.get(column) for row in full] for column in schema}, schema=schema
    )
