"""Write the tables and the truth, the same bytes for the same world."""

from pathlib import Path
from typing import Literal

import polars as pl

from graph.tables import TABLES

Format = Literal["parquet", "csv"]


def write_table(name: str, frame: pl.DataFrame, folder: Path, format: Format) -> int:
    """Write one canonical table with its columns in their order; returns the number of rows."""
    columns = [column for column in TABLES[name].names if column in frame.columns]
    write_frame(name, frame.select(columns), folder, format)
    return frame.height


def write_frame(name: str, frame: pl.DataFrame, folder: Path, format: Format) -> None:
    """Write a frame as `folder/name.format`. Raises `OSError` when the folder cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.{format}"
    if format == "csv":
        frame.write_csv(path)
    else:
        frame.rechunk().write_parquet(path, compression="zstd", statistics=True)
