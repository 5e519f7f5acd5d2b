"""Features of a declaration's own fields, among them its prices against those of its peers."""

import zlib

import numpy as np
import polars as pl

from graph.features.frames import Told
from graph.features.windows import NEVER, Integers, Numbers, encode

#: Days of earlier prices that a price is compared with, and days for which the peers stay fixed.
PEER_WINDOW = 180
PEER_STEP = 30
#: Smallest spread of log prices that counts as a spread.
LEAST_SPREAD = 0.05
EARTH_RADIUS_KM = 6371.0

_OPTIONAL = (
    "importer_id", "exporter_id", "declarant_id", "carrier_id", "forwarder_id", "manufacturer_id",
    "bill_of_lading", "vessel_imo", "containers", "loading_port", "discharge_port",
    "departure_country",
)  # fmt: skip


def row_features(told: Told) -> dict[str, Numbers]:
    """Features of group `row` for every subject. O(i log i) in the items."""
    shipments = told.shipments[told.subjects]
    goods = _goods(told)[told.subjects]
    route = _routes(told, shipments)
    return {**_header(shipments), **_contents(goods), **_route(shipments, goods, route)}


def stable_code(column: pl.Series) -> Numbers:
    """A number for each text that depends on the text alone; NaN for none. O(distinct) hashing."""
    (codes,), texts = encode(column.to_arrow())
    hashes = [zlib.crc32(text.encode()) & 0xFFFFFF for text in texts.to_pylist()]
    return np.append(np.array(hashes, np.float64), np.nan)[codes]


def _header(shipments: pl.DataFrame) -> dict[str, Numbers]:
    """Fields of the declaration's head."""
    day = shipments["day"].to_numpy()
    missing = shipments.select(pl.sum_horizontal(pl.col(name).is_null() for name in _OPTIONAL))
    weekday = (day + 3) % 7
    codes = {
        f"{name}_code": stable_code(shipments[name])
        for name in ("customs_office", "transport_mode", "trade_mode", "departure_country",
                     "loading_port", "discharge_port")
    }  # fmt: skip
    return {
        "is_import": (shipments["direction"] == "I").to_numpy().astype(float),
        "month": shipments["declared_at"].dt.month().cast(pl.Float64).to_numpy(),
        "weekday": weekday.astype(float),
        "missing_fields": missing.to_series().to_numpy().astype(float),
        "containers": _lengths(shipments["containers"]),
        "transit_ports": _lengths(shipments["transit_ports"]),
        **codes,
    }


def _lengths(column: pl.Series) -> Numbers:
    return column.list.len().fill_null(0).cast(pl.Float64).to_numpy()


def _goods(told: Told) -> pl.DataFrame:
    """One row a declaration: sums over its items, and its main item (the largest value)."""
    items = _priced(told.items, needed=told.subjects)
    value, net, gross = (pl.col(n) for n in ("customs_value", "net_mass_kg", "gross_mass_kg"))
    main = [
        pl.col(name)
        .sort_by(value, "item_no", descending=[True, False])
        .first()
        .alias(f"main_{name}")
        for name in ("hs_code", "origin_country", "log_price", "price_log_ratio", "price_robust_z",
                     "price_peers")
    ]  # fmt: skip
    sums = items.group_by("shipment").agg(
        pl.len().alias("items"),
        pl.col("hs6").n_unique().alias("distinct_hs"),
        pl.col("origin_country").drop_nulls().n_unique().alias("distinct_origins"),
        value.sum().alias("value"),
        pl.when(net.is_not_null().any()).then(net.sum()).alias("net"),
        pl.when(gross.is_not_null().any()).then(gross.sum()).alias("gross"),
        ((pl.col("tax_rate") * value).sum() / value.filter(pl.col("tax_rate").is_not_null()).sum())
        .alias("tax_rate"),
        pl.col("tax_rate").max().alias("highest_tax_rate"),
        pl.col("price_robust_z").min().alias("lowest_price_z"),
        pl.col("price_robust_z").max().alias("highest_price_z"),
        *main,
    )  # fmt: skip
    frame = pl.DataFrame({"shipment": np.arange(told.shipments.height, dtype=np.int64)})
    return frame.join(sums, on="shipment", how="left", maintain_order="left")


def _priced(items: pl.DataFrame, needed: Integers) -> pl.DataFrame:
    """Add each item's log price per kilogram and its place among its peers' prices.

    Peers are the items of the same HS subheading, currency and direction recorded in the 180 days
    before the first day of the 30-day period in which the item is declared; their median and
    median absolute deviation hold for the whole period.
    """
    price = pl.col("customs_value") / pl.col("net_mass_kg")
    items = items.with_columns(
        pl.col("hs_code").str.slice(0, 6).alias("hs6"),
        pl.when((price > 0) & price.is_finite()).then(price.log()).alias("log_price"),
        pl.col("currency").fill_null(""),
        (pl.col("day") // PEER_STEP).alias("period"),
    )
    items = _kinds(items, "hs6", "currency", "direction")
    of = ["kind", "period"]
    steps = list(range(1, PEER_WINDOW // PEER_STEP + 1))
    asked = pl.Series("shipment", needed)
    periods = items.filter(pl.col("shipment").is_in(asked.implode()))["period"].unique()
    peers = (
        items.filter(pl.col("log_price").is_not_null() & (pl.col("start") < NEVER))
        .select("kind", "log_price", pl.col("start") // PEER_STEP)
        .with_columns(pl.lit(steps).alias("step"))
        .explode("step")
        .with_columns((pl.col("start") + pl.col("step")).alias("period"))
        .filter(pl.col("period").is_in(periods.implode()))
    )
    middle = peers.group_by(of).agg(
        pl.col("log_price").median().alias("median"), pl.len().alias("price_peers")
    )
    spread = (
        peers.join(middle, on=of)
        .group_by(of)
        .agg((pl.col("log_price") - pl.col("median")).abs().median().alias("spread"))
    )
    ratio = pl.col("log_price") - pl.col("median")
    return (
        items.join(middle, on=of, how="left", maintain_order="left")
        .join(spread, on=of, how="left", maintain_order="left")
        .with_columns(
            ratio.alias("price_log_ratio"),
            (ratio / (1.4826 * pl.col("spread") + LEAST_SPREAD)).alias("price_robust_z"),
            pl.col("price_peers").fill_null(0),
        )
    )


def _kinds(items: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Number the combinations of some columns (`kind`; null where one is): each item stands in many
    periods, which are then joined by numbers and not by texts."""
    known = items.select(names).drop_nulls().unique(maintain_order=True)
    numbered = known.with_row_index("kind")
    return items.join(numbered, on=names, how="left", maintain_order="left")


def _contents(goods: pl.DataFrame) -> dict[str, Numbers]:
    """Features of the goods."""
    value, net, gross = (_numbers(goods[name]) for name in ("value", "net", "gross"))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(net > 0, gross / net, np.nan)
    hs = goods["main_hs_code"]
    same = ("distinct_hs", "distinct_origins", "items", "tax_rate", "highest_tax_rate",
            "lowest_price_z", "highest_price_z")  # fmt: skip
    return {
        "log_value": np.log1p(np.maximum(value, 0)),
        "log_net_mass": np.log1p(np.maximum(net, 0)),
        "log_value_per_kg": _numbers(goods["main_log_price"]),
        "gross_net_ratio": ratio,
        "price_log_ratio": _numbers(goods["main_price_log_ratio"]),
        "price_robust_z": _numbers(goods["main_price_robust_z"]),
        "price_peers": np.log1p(_numbers(goods["main_price_peers"])),
        "hs_chapter": _numbers(hs.str.slice(0, 2).cast(pl.Float64, strict=False)),
        "hs_heading": _numbers(hs.str.slice(0, 4).cast(pl.Float64, strict=False)),
        "hs_subheading": _numbers(hs.str.slice(0, 6).cast(pl.Float64, strict=False)),
        "origin_country_code": stable_code(goods["main_origin_country"]),
        **{name: _numbers(goods[name]) for name in same},
    }


def _numbers(column: pl.Series) -> Numbers:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _route(shipments: pl.DataFrame, goods: pl.DataFrame, detour: Numbers) -> dict[str, Numbers]:
    departure, loading = shipments["departure_country"], shipments["loading_port"].str.slice(0, 2)
    return {
        "route_detour": detour,
        "origin_is_not_departure": _differs(goods["main_origin_country"], departure),
        "loading_is_not_departure": _differs(loading, departure),
    }


def _differs(left: pl.Series, right: pl.Series) -> Numbers:
    return _numbers((left != right).cast(pl.Float64))


def _routes(told: Told, shipments: pl.DataFrame) -> Numbers:
    """Length of the way over the transit ports, by the direct one; NaN if a place is unknown.

    Great circles between UN/LOCODE coordinates. O(stops).
    """
    stops = shipments.select(
        pl.concat_list(
            pl.concat_list("loading_port"),
            pl.col("transit_ports").fill_null(pl.lit([], pl.List(pl.String))),
            pl.concat_list("discharge_port"),
        ).alias("locode")
    ).with_row_index("row")
    legs = (
        stops.explode("locode")
        .join(told.places, on="locode", how="left", maintain_order="left")
        .with_columns(
            pl.col("latitude", "longitude").radians(),
        )
        .with_columns(
            pl.col("latitude", "longitude").shift().over("row").name.prefix("last_"),
        )
    )
    whole = legs.with_columns(_distance("last_latitude", "last_longitude").alias("leg"))
    total = whole.group_by("row", maintain_order=True).agg(
        pl.col("leg").sum().alias("way"),
        pl.col("latitude").is_null().any().alias("unknown"),
        pl.col("latitude").last(), pl.col("longitude").last(),
        pl.col("latitude").first().alias("first_latitude"),
        pl.col("longitude").first().alias("first_longitude"),
    ).with_columns(_distance("first_latitude", "first_longitude").alias("direct"))  # fmt: skip
    known = ~pl.col("unknown") & (pl.col("direct") > 0)
    return _numbers(total.select(pl.when(known).then(pl.col("way") / pl.col("direct"))).to_series())


def _distance(latitude: str, longitude: str) -> pl.Expr:
    """Great-circle distance in km (haversine) from there to `latitude`, `longitude`."""
    other, here = pl.col(latitude), pl.col("latitude")
    rise = ((here - other) / 2).sin().pow(2)
    turn = ((pl.col("longitude") - pl.col(longitude)) / 2).sin().pow(2)
    return 2 * EARTH_RADIUS_KM * (rise + other.cos() * here.cos() * turn).sqrt().arcsin()


def main_goods(told: Told) -> pl.DataFrame:
    """HS subheading and origin of each declaration's main item, one row a declaration."""
    main = told.items.sort("shipment", "customs_value", "item_no", descending=[False, True, False])
    main = main.unique("shipment", keep="first", maintain_order=True).select(
        "shipment",
        pl.col("hs_code").str.slice(0, 6).alias("hs6"),
        pl.col("origin_country").alias("origin"),
    )
    frame = pl.DataFrame({"shipment": np.arange(told.shipments.height, dtype=np.int64)})
    return frame.join(main, on="shipment", how="left", maintain_order="left")
