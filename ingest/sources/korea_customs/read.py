"""Korean import declarations: parties, declarations with one item each, inspection results."""

from collections.abc import Iterator

import polars as pl

from graph.files import read_file
from ingest.context import ROW, Context, RawTable, files_at

#: Role -> (column of the party, word that stands for the missing name).
_PARTIES = {
    "importer_id": ("Importer ID", "Importer"),
    "declarant_id": ("Declarant ID", "Customs broker"),
    "exporter_id": ("Seller ID", "Seller"),
    "carrier_id": ("Courier ID", "Courier"),
}
_USED = (
    "Declaration ID",
    "Date",
    "Office ID",
    "Import Type",
    "Mode of Transport",
    "HS6 Code",
    "Country of Departure",
    "Country of Origin",
    "Tax Rate",
    "Net Mass",
    "Item Price",
    "Fraud",
    "Critical Fraud",
    *(column for column, _ in _PARTIES.values()),
)


def read(context: Context) -> Iterator[RawTable]:
    """Yield the tables of each file; parties are told with the day of their first declaration."""
    for path in files_at(context.path, "*.csv"):
        name = context.name(path)
        read_ = read_file(path)
        frame = context.number(read_)
        context.audit(frame, name, _USED)
        frame = context.fix(frame)
        yield RawTable("enterprises", name, _enterprises(frame))
        yield RawTable("shipments", name, frame.select(ROW, *_shipment()), read_.broken)
        yield RawTable("shipment_items", name, frame.select(ROW, *_item()))
        days = int(context.source.facts["days_until_recorded"])
        yield RawTable("findings", name, frame.select(ROW, *_finding(days)))


def _prefixed(column: str) -> pl.Expr:
    return pl.lit("kr-") + pl.col(column)


def _enterprises(frame: pl.DataFrame) -> pl.DataFrame:
    origin = pl.coalesce("Country of Departure", "Country of Origin")
    seen = pl.concat(
        frame.select(
            ROW,
            enterprise_id=_prefixed(column),
            name=pl.lit(f"{word} ") + pl.col(column),
            country=origin if role == "exporter_id" else pl.lit("KR"),
            recorded_at="Date",
        ).drop_nulls("enterprise_id")
        for role, (column, word) in _PARTIES.items()
    )
    usual = (
        seen.group_by("enterprise_id", "country")
        .agg(pl.len())
        .sort("len", "country", descending=[True, False], nulls_last=True)
        .unique("enterprise_id", keep="first", maintain_order=True)
        .select("enterprise_id", "country")
    )
    first = seen.drop("country").sort("recorded_at", ROW).unique("enterprise_id", keep="first")
    return first.join(usual, on="enterprise_id").sort(ROW, "enterprise_id")


def _shipment() -> list[pl.Expr]:
    return [
        _prefixed("Declaration ID").alias("shipment_id"),
        pl.col("Date").alias("declared_at"),
        pl.lit("I").alias("direction"),
        _prefixed("Office ID").alias("customs_office"),
        pl.col("Mode of Transport").alias("transport_mode"),
        pl.col("Import Type").alias("trade_mode"),
        *(_prefixed(column).alias(role) for role, (column, _) in _PARTIES.items()),
        pl.col("Country of Departure").alias("departure_country"),
    ]


def _item() -> list[pl.Expr]:
    return [
        _prefixed("Declaration ID").alias("shipment_id"),
        pl.lit("1").alias("item_no"),
        pl.col("HS6 Code").alias("hs_code"),
        pl.col("Country of Origin").alias("origin_country"),
        pl.col("Net Mass").alias("net_mass_kg"),
        pl.col("Item Price").alias("customs_value"),
        pl.col("Tax Rate").alias("tax_rate"),
    ]


def _finding(days: int) -> list[pl.Expr]:
    critical = pl.col("Critical Fraud") == "2"
    fraud = pl.col("Fraud") == "1"
    recorded = pl.col("Date").str.to_date(strict=False).dt.offset_by(f"{days}d")
    return [
        (pl.lit("kr-finding-") + pl.col("Declaration ID")).alias("finding_id"),
        _prefixed("Declaration ID").alias("shipment_id"),
        pl.col("Date").alias("inspected_on"),
        recorded.alias("recorded_at"),
        pl.when(fraud).then(pl.lit("violation")).otherwise(pl.lit("compliant")).alias("outcome"),
        pl.when(fraud).then(pl.lit("fraud")).alias("type"),
        pl.when(fraud & critical)
        .then(pl.lit("serious"))
        .when(fraud)
        .then(pl.lit("general"))
        .alias("severity"),
    ]
