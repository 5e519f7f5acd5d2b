"""What the lake tells, as Polars frames with day numbers, read once for all features.

Declarations count as they were first declared: a later correction changes neither a declaration's
own features nor what it adds to its parties' history. Their goods count from the same day on, even
where all of them were told on a later one. Everything else counts while its statement is in force:
from the day it was recorded until the next statement of the same key was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

from graph.features.windows import NEVER, Integers
from graph.tables import TABLES

if TYPE_CHECKING:
    from graph.store.lake import Lake

Given = Mapping[str, pa.Table]

_SHIPMENT = (
    "shipment_id", "declared_at", "direction", "customs_office", "transport_mode", "trade_mode",
    "importer_id", "exporter_id", "declarant_id", "carrier_id", "forwarder_id", "manufacturer_id",
    "bill_of_lading", "vessel_imo", "containers", "loading_port", "transit_ports",
    "discharge_port", "departure_country",
)  # fmt: skip
_ITEM = (
    "shipment_id", "item_no", "hs_code", "origin_country", "quantity", "net_mass_kg",
    "gross_mass_kg", "customs_value", "currency", "tax_rate", "description",
)  # fmt: skip
_FINDING = ("finding_id", "shipment_id", "enterprise_id", "outcome")
_ENTERPRISE = (
    "enterprise_id", "valid_from", "country", "registered_on", "registered_capital", "address",
    "phone", "email",
)  # fmt: skip
_RELATION = ("source_id", "target_id", "type", "valid_from")
_EVENT = ("event_id", "enterprise_id", "type", "severity", "ended_on")

_POLARS = {"date": pl.Date, "integer": pl.Int64}
_NUMBERS = {"money", "mass", "quantity", "share", "rate", "probability", "coordinate"}


@dataclass(frozen=True)
class Told:
    """Frames with `start` (day recorded) and `end` (day superseded, `NEVER` if in force).

    `shipments` has one row a declaration, sorted by id, with `day` (declared); `items` one row an
    item, with `shipment` (row of its declaration). `subjects` are rows of `shipments` to describe.
    """

    shipments: pl.DataFrame
    items: pl.DataFrame
    findings: pl.DataFrame
    enterprises: pl.DataFrame
    relations: pl.DataFrame
    events: pl.DataFrame
    places: pl.DataFrame
    subjects: Integers


def read(lake: "Lake", known_at: date, given: Given | None = None) -> Told:
    """Read what was recorded up to `known_at`; `given` canonical tables count as told besides.

    With `given` shipments, these alone are the subjects. O(n log n) in the rows read.
    """
    given, lake = given or {}, lake.pinned()
    shipments, items = declarations(lake, known_at, given)
    findings = _versions(lake, "findings", _FINDING, known_at, given)
    places = _versions(lake, "places", ("locode", "country", "latitude", "longitude"), None, given)
    return Told(
        shipments,
        items,
        findings,
        _versions(lake, "enterprises", _ENTERPRISE, known_at, given),
        _versions(lake, "relations", _RELATION, known_at, given),
        _versions(lake, "credit_events", _EVENT, known_at, given),
        places.unique("locode", keep="last", maintain_order=True),
        _subjects(shipments, given),
    )


def declarations(
    lake: "Lake", known_at: date, given: Given | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Declarations recorded up to `known_at`, sorted by id, and their items, as first declared."""
    given, lake = given or {}, lake.pinned()
    shipments = _first(_versions(lake, "shipments", _SHIPMENT, known_at, given))
    shipments = shipments.with_columns(day=_number("declared_at"))
    items = _versions(lake, "shipment_items", _ITEM, known_at, given)
    return shipments, _of_shipments(items, shipments)


def _subjects(shipments: pl.DataFrame, given: Given) -> Integers:
    if "shipments" not in given:
        return np.arange(shipments.height, dtype=np.int64)
    wanted = pl.Series(given["shipments"]["shipment_id"].cast(pa.string())).unique()
    mask = shipments["shipment_id"].is_in(wanted.implode())
    return np.flatnonzero(mask.to_numpy()).astype(np.int64)


def _number(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Date).to_physical().cast(pl.Int64)


def _versions(
    lake: "Lake", table: str, columns: tuple[str, ...], known_at: date | None, given: Given
) -> pl.DataFrame:
    """Every version known, sorted by key and day recorded.

    Places have no day (`known_at` None): a place is where it is.
    """
    rows = lake.versions(table)
    if known_at is not None:
        rows = rows.filter(rows["recorded_at"] <= known_at)
    wanted = rows.select(*columns, "recorded_at", "superseded_at", "record")
    told = pl.DataFrame(lake.connection.to_pyarrow(wanted))
    if table in given:
        told = pl.concat([told, _given(table, columns, given[table], told)], how="vertical")
    end = _number("superseded_at")
    if known_at is not None:
        limit = (known_at - date(1970, 1, 1)).days
        end = pl.when(end <= limit).then(end)
    return (
        told.with_columns(start=_number("recorded_at").fill_null(-1), end=end.fill_null(NEVER))
        .sort(*TABLES[table].key, "start", "record")
        .drop("recorded_at", "superseded_at", "record")
    )


def _given(
    table: str, columns: tuple[str, ...], rows: pa.Table, like: pl.DataFrame
) -> pl.DataFrame:
    """Rows told beside the lake, with its columns; each is recorded on the day it speaks of."""
    declaration = TABLES[table]
    frame = pl.DataFrame(rows)
    names = {column.name: column for column in declaration.columns}
    own = [
        _cast(frame, name, like.schema[name], many=name in names and names[name].many)
        for name in (*columns, "recorded_at", "superseded_at", "record")
    ]
    frame = frame.select(own)
    event = declaration.event_date
    if event and event in frame.columns:
        frame = frame.with_columns(pl.coalesce("recorded_at", event).alias("recorded_at"))
    elif event and event in rows.column_names:
        days = pl.DataFrame(rows.select([event]))[event].cast(pl.String).str.to_date(strict=False)
        frame = frame.with_columns(pl.coalesce("recorded_at", days).alias("recorded_at"))
    return frame.select(like.columns)


def _cast(frame: pl.DataFrame, name: str, kind: pl.DataType, *, many: bool) -> pl.Expr:
    if name not in frame.columns:
        return pl.lit(None, kind).alias(name)
    have = frame.schema[name]
    if many and have == pl.String:
        return pl.col(name).str.split(";").alias(name)
    if kind == pl.Date and have == pl.String:
        return pl.col(name).str.to_date(strict=False)
    return pl.col(name).cast(kind)


def _first(versions: pl.DataFrame) -> pl.DataFrame:
    """The first version of each declaration, sorted by id."""
    return versions.unique("shipment_id", keep="first", maintain_order=True)


def _of_shipments(items: pl.DataFrame, shipments: pl.DataFrame) -> pl.DataFrame:
    """First version of each item of a known declaration, with the declaration's row and days.

    Goods that were added later are left out: after the day the declaration was recorded, or, as its
    first statement may arrive after its goods and be dated before them, that of its first goods.
    """
    items = items.rename({"start": "told"}).drop("end")
    items = items.unique(("shipment_id", "item_no"), keep="first", maintain_order=True)
    rows = shipments.select("shipment_id", "start", "day", "direction").with_row_index("shipment")
    found = items.join(rows, on="shipment_id", how="inner", maintain_order="left")
    first = pl.col("told").min().over("shipment")
    found = found.filter(pl.col("told") <= pl.max_horizontal("start", first)).drop("told")
    return found.with_columns(pl.col("shipment").cast(pl.Int64))
