"""Tables from outside, to be described beside the lake: read and cleaned as ingest does it."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa

from graph.checks import canonical, clean_table
from graph.errors import HawserError
from graph.files import ending, read_file, table_of
from graph.reasons import reason
from graph.tables import TABLES, Table

#: The tables that features are made of.
USED = (
    "enterprises", "relations", "shipments", "shipment_items", "findings", "credit_events",
    "places",
)  # fmt: skip

_PLACE = "__place"

#: Told in a line about each row that is left out: where it stands and what is wrong with it.
Refused = Callable[[str], None]


def given_tables(folder: Path, *, refused: Refused | None = None) -> dict[str, pa.Table]:
    """Read canonical tables from the files of a folder that are named after them.

    CSV (UTF-8 or GB18030, gzip or not) and Parquet. Values are cleaned; rows with a wrong value,
    rows that contradict one another and goods items of no shipment in the folder are left out, and
    `refused` is told of each. Without it, the first such row is an error.

    Raises:
        HawserError: the folder has no shipments that can be used, or a file cannot be read.
    """
    tell = refused or _refuse
    parts: dict[str, list[pl.DataFrame]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        name = table_of(path.name) if ending(path.name) else ""
        if name in USED:
            parts.setdefault(name, []).append(_cleaned(TABLES[name], path, tell))
    if "shipments" not in parts:
        raise HawserError(
            f"{folder} has no shipments.csv or shipments.parquet", hint="name the folder of tables"
        )
    tables = {name: _agreeing(TABLES[name], pl.concat(rows), tell) for name, rows in parts.items()}
    if not tables["shipments"].height:
        raise HawserError(f"{folder} has no shipment that can be used", hint="correct its rows")
    if "shipment_items" in tables:
        known = tables["shipments"]["shipment_id"].implode()
        told = pl.col("shipment_id").is_in(known)
        words = "shipment_id is not among the shipments that can be used"
        tables["shipment_items"] = _kept(tables["shipment_items"], told, words, tell)
    return {name: frame.drop(_PLACE).to_arrow() for name, frame in tables.items()}


def _refuse(line: str) -> None:
    raise HawserError(line, hint="correct the row, or remove it")


def _cleaned(table: Table, path: Path, tell: Refused) -> pl.DataFrame:
    """A file's good rows, with their place in it. O(n)."""
    read = read_file(path)
    places = read.rows.cast(pl.String)
    for row in read.broken["row"]:
        tell(f"{path.name} row {row}: {reason('fields')}")
    values, codes = clean_table(table, canonical(read.frame, table, path.name))
    words = [
        pl.when(pl.col(name).is_not_null()).then(
            pl.lit(f"{name.split('|')[0]} ")
            + pl.col(name).replace_strict(
                {code: reason(code) for code in codes[name].drop_nulls().unique()},
                default=None,
                return_dtype=pl.String,
            )
        )
        for name in codes.columns
    ]
    wrong = codes.select(pl.concat_str(words, separator="; ", ignore_nulls=True)).to_series()
    place = f"{path.name} row " + places
    bad = wrong.fill_null("") != ""
    for line in (place + ": " + wrong).filter(bad):
        tell(line)
    return values.with_columns(place.alias(_PLACE)).filter(~bad)


def _agreeing(table: Table, rows: pl.DataFrame, tell: Refused) -> pl.DataFrame:
    """Each row once, without those that say different things of the same key and day."""
    distinct = rows.unique(table.names, keep="first", maintain_order=True)
    days = {"recorded_at", "valid_from"} & set(table.names)
    key = list(dict.fromkeys([*(name for name in table.key if name in table.names), *sorted(days)]))
    alone = pl.struct(key).is_unique()
    return _kept(distinct, alone, f"{table.key[0]} {reason('conflicting')}", tell)


def _kept(rows: pl.DataFrame, good: pl.Expr, words: str, tell: Refused) -> pl.DataFrame:
    """The rows that are `good`; of the others, `tell` gets a line with `words`."""
    for place in rows.filter(~good)[_PLACE]:
        tell(f"{place}: {words}")
    return rows.filter(good)
