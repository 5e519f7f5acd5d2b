"""No feature sees what was recorded on its day or later; each is what its definition says."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from graph.features.build import build_features, given_tables, shipment_features
from graph.features.catalogue import names
from graph.settings import Settings
from graph.snapshot import build
from graph.store.lake import Lake
from ingest.pipeline import ingest
from ingest.world.build import generate

LATER = date(2100, 1, 1)
DATED = {
    "shipments": "declared_at", "findings": "recorded_at", "credit_events": "recorded_at",
    "enterprises": "registered_on", "relations": "valid_from",
}  # fmt: skip
Tables = dict[str, pl.DataFrame]


@dataclass(frozen=True)
class Cut:
    """Features from all statements, from those up to `day`, and of the next days' shipments."""

    day: date
    whole: pl.DataFrame
    cut: pl.DataFrame
    known: pl.DataFrame
    again: pl.DataFrame
    given: pl.DataFrame
    of_given: pl.DataFrame


@dataclass(frozen=True)
class World:
    """Corrected tables, a lake of all of them, and a folder for others."""

    root: Path
    tables: Tables
    whole: Lake


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("cut")
    generate(150, 3, root / "world", shipments=1500)
    tables = _corrected(
        {path.stem: pl.read_parquet(path) for path in (root / "world/tables").glob("*.parquet")}
    )
    return World(root, tables, _lake(root / "whole", tables))


@pytest.fixture(scope="module")
def cut(world: World) -> Cut:
    tables, whole = world.tables, world.whole
    day = _last_day(tables)
    short = _lake(world.root / "short", _until(tables, day))
    following = tables["shipments"].filter(
        (pl.col("declared_at") == day + timedelta(1))
        & (pl.col("recorded_at") == pl.col("declared_at"))
    )
    following = following.gather_every(2)
    items = tables["shipment_items"].join(
        following.select("shipment_id"), on="shipment_id", how="semi"
    )
    given = {"shipments": following.to_arrow(), "shipment_items": items.to_arrow()}
    return Cut(
        day,
        _frame(shipment_features(whole, known_at=LATER)),
        _frame(shipment_features(short, known_at=LATER)),
        _frame(shipment_features(whole, known_at=day)),
        _frame(shipment_features(Lake(whole.settings), known_at=LATER)),
        following,
        _frame(shipment_features(short, known_at=day, given=given)),
    )


def _last_day(tables: Tables) -> date:
    """The day before the first declarations of a late quarter: what is frozen then is fresh."""
    days = tables["shipments"]["declared_at"].unique().sort()
    late = days.filter(days >= days[int(len(days) * 0.7)])
    first = late.filter(late.dt.quarter() != late.dt.offset_by("-7d").dt.quarter())[0]
    return first - timedelta(1)


def _frame(table: pa.Table) -> pl.DataFrame:
    return pl.DataFrame(table).sort("shipment_id")


def _weekly(column: str) -> pl.Expr:
    """The first day, on or after the column's, of a grid of seven days."""
    day = pl.col(column).to_physical()
    return (day + (-day) % 7).cast(pl.Date).alias(column)


def _corrected(tables: Tables) -> Tables:
    """Statements that correct earlier ones, months later, so that force matters; and many on the
    same days, so that a feature that looks at its own day shows."""
    tables["shipments"] = tables["shipments"].with_columns(
        _weekly("declared_at"), _weekly("declared_at").alias("recorded_at")
    )
    tables["findings"] = tables["findings"].with_columns(
        _weekly("inspected_on"), _weekly("recorded_at")
    )
    inspected = tables["shipments"].gather_every(3).with_row_index("number")
    more = inspected.select(
        pl.concat_str(pl.lit("more"), pl.col("number")).alias("finding_id"),
        "shipment_id",
        inspected_on=pl.col("declared_at"),
        recorded_at=pl.col("declared_at") + timedelta(14),
        outcome=pl.when(pl.col("number") % 5 == 0)
        .then(pl.lit("violation"))
        .otherwise(pl.lit("compliant")),
    )
    findings = pl.concat([tables["findings"], more], how="diagonal")
    overturned = findings.gather_every(3).with_columns(
        pl.lit("compliant").alias("outcome"), pl.col("recorded_at") + timedelta(45)
    )
    shipments = tables["shipments"]
    amended = shipments.gather_every(9).with_columns(
        pl.col("declarant_id").shift(1), recorded_at=pl.col("declared_at") + timedelta(60)
    )
    moved = (
        tables["enterprises"]
        .gather_every(4)
        .with_columns(
            pl.col("address").shift(1).fill_null("1 NEW ROAD"),
            recorded_at=pl.col("registered_on") + timedelta(500),
        )
    )
    return {
        **tables,
        "findings": pl.concat([findings, overturned], how="diagonal"),
        "shipments": pl.concat([shipments, amended], how="diagonal"),
        "enterprises": pl.concat([tables["enterprises"], moved], how="diagonal"),
    }


def _until(tables: Tables, day: date) -> Tables:
    """What had been recorded up to the day; goods items go with their declarations."""
    kept = dict(tables)
    for name, column in DATED.items():
        recorded = pl.col(column)
        if "recorded_at" in tables[name].columns:
            recorded = pl.coalesce("recorded_at", column)
        kept[name] = tables[name].filter(recorded.fill_null(LATER) <= day)
    items = tables["shipment_items"]
    kept["shipment_items"] = items.join(kept["shipments"], on="shipment_id", how="semi")
    return kept


def _lake(root: Path, tables: Tables) -> Lake:
    (root / "tables").mkdir(parents=True)
    for name, frame in tables.items():
        frame.write_parquet(root / "tables" / f"{name}.parquet")
    settings = Settings(home=root / "home", quarantine_share=0.9)
    ingest("tables", root / "tables", settings, recorded_at=LATER)
    return Lake(settings)


@pytest.mark.parametrize("name", names("shipment"))
def test_later_statements_change_no_feature(cut: Cut, name: str) -> None:
    early = cut.whole.filter(pl.col("declared_at") <= cut.day)
    common = early.join(cut.cut.select("shipment_id"), on="shipment_id", how="semi")
    assert common.height > 900
    for other in (cut.cut, cut.known):
        same = common.select("shipment_id").join(other, on="shipment_id", how="left")
        np.testing.assert_allclose(common[name], same[name], rtol=1e-6, atol=1e-7, equal_nan=True)


@pytest.mark.parametrize("name", names("shipment"))
def test_given_shipments_are_described_as_those_in_the_lake(cut: Cut, name: str) -> None:
    inside = cut.whole.join(cut.given.select("shipment_id"), on="shipment_id", how="semi")
    assert inside["shipment_id"].to_list() == cut.of_given["shipment_id"].to_list()
    assert inside.height > 0
    np.testing.assert_allclose(
        inside[name], cut.of_given[name], rtol=1e-6, atol=1e-7, equal_nan=True
    )


@pytest.fixture(scope="module")
def enterprises(world: World, cut: Cut) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
    """At two days, features from all statements as known then, and from those up to the day."""
    middle = cut.day - timedelta(200)
    found = []
    for day, short in (
        (middle, _lake(world.root / "middle", _until(world.tables, middle))),
        (cut.day, Lake(Settings(home=world.root / "short" / "home"))),
    ):
        both = []
        for lake in (world.whole, short):
            snapshot = build(lake, lake.settings, as_of=day, known_at=day)
            both.append(pl.DataFrame(build_features(lake, snapshot, lake.settings).enterprises))
        found.append((both[0], both[1]))
    return found


@pytest.mark.parametrize("name", names("enterprise"))
def test_later_statements_change_no_feature_of_an_enterprise(
    enterprises: list[tuple[pl.DataFrame, pl.DataFrame]], name: str
) -> None:
    for whole, short in enterprises:
        assert whole.height > 50
        assert whole["enterprise_id"].equals(short["enterprise_id"])
        np.testing.assert_allclose(whole[name], short[name], rtol=1e-5, atol=1e-7, equal_nan=True)


def test_most_features_vary(cut: Cut) -> None:
    varied = [name for name in names("shipment") if cut.whole[name].drop_nans().n_unique() > 1]
    assert len(varied) > 0.9 * len(names("shipment"))


def test_same_statements_give_same_features(cut: Cut) -> None:
    assert cut.whole.equals(cut.again)


WriteLake = Callable[..., Lake]
FIRST = date(2024, 1, 1)


def _shipment(number: int, day: int, **more: object) -> dict[str, object]:
    return {
        "shipment_id": f"s{number}", "declared_at": FIRST + timedelta(day), "direction": "I",
        "customs_office": "2200", "importer_id": "a", "exporter_id": "x", "declarant_id": "k",
        **more,
    }  # fmt: skip


def _item(number: int, value: float, **more: object) -> dict[str, object]:
    return {
        "shipment_id": f"s{number}", "item_no": 1, "hs_code": "85171300", "customs_value": value,
        "net_mass_kg": 10.0, "currency": "CNY", **more,
    }  # fmt: skip


def _enterprise(name: str, address: str) -> dict[str, object]:
    return {"enterprise_id": name, "name": name, "country": "CN", "address": address,
            "registered_on": FIRST - timedelta(100), "registered_capital": 99.0}  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, write_lake: WriteLake) -> pl.DataFrame:
    tables = {
        "enterprises": [_enterprise("a", "1 Quay Rd."), _enterprise("b", "1 quay rd"),
                        _enterprise("c", "2 Quay Rd.")],
        "shipments": [
            *(_shipment(i, i) for i in range(4)),
            _shipment(9, 5, importer_id="b", exporter_id="y", declarant_id="j"),
            _shipment(5, 100, exporter_id="z", transit_ports=["SGSIN"], loading_port="CNSHA",
                      discharge_port="NLRTM", departure_country="CN"),
            _shipment(6, 100, importer_id="b", exporter_id="y", declarant_id="j"),
            _shipment(7, 100, importer_id="c", exporter_id="w", declarant_id="i"),
        ],
        "shipment_items": [
            *(_item(i, 100.0 * (1 + i)) for i in range(4)),
            _item(9, 50.0), _item(5, 20.0, origin_country="VN"), _item(6, 1.0), _item(7, 1.0),
        ],
        "findings": [
            {"finding_id": "f", "shipment_id": "s0", "inspected_on": FIRST + timedelta(2),
             "recorded_at": FIRST + timedelta(20), "outcome": "violation"},
        ],
        "places": [
            {"locode": "CNSHA", "name": "Shanghai", "country": "CN", "latitude": 0.0, "longitude": 0.0},
            {"locode": "SGSIN", "name": "Singapore", "country": "SG", "latitude": 0.0, "longitude": 30.0},
            {"locode": "NLRTM", "name": "Rotterdam", "country": "NL", "latitude": 0.0, "longitude": 15.0},
        ],
    }  # fmt: skip
    lake = write_lake(tmp_path_factory.mktemp("small"), tables)
    return _frame(shipment_features(lake, known_at=LATER))


def _of(frame: pl.DataFrame, shipment: str) -> dict[str, float]:
    return frame.row(by_predicate=pl.col("shipment_id") == shipment, named=True)


def test_own_fields(small: pl.DataFrame) -> None:
    row = _of(small, "s5")
    assert row["route_detour"] == pytest.approx(3)
    assert row["origin_is_not_departure"] == 1
    assert row["loading_is_not_departure"] == 0
    assert (row["hs_chapter"], row["transit_ports"], row["items"]) == (85, 1, 1)
    assert row["log_value_per_kg"] == pytest.approx(np.log(2))
    assert row["price_peers"] == pytest.approx(np.log1p(5))
    assert row["price_log_ratio"] == pytest.approx(np.log(2) - np.log(20))
    assert row["own_price_log_ratio"] == pytest.approx(
        np.log(2) - np.log([10, 20, 30, 40]).mean(), abs=1e-5
    )


def test_history(small: pl.DataFrame) -> None:
    row = _of(small, "s5")
    assert (row["importer_shipments_30"], row["importer_shipments_365"]) == (0, 4)
    assert row["importer_log_value_365"] == pytest.approx(np.log1p(1000))
    assert (row["importer_days_since_first"], row["importer_days_since_last"]) == (100, 97)
    assert row["importer_age_days"] == 200
    assert row["importer_log_capital"] == pytest.approx(np.log(100))
    assert (row["new_supplier"], row["new_broker"], row["new_hs"]) == (1, 0, 0)
    base = (1 + 1) / (1 + 25)
    assert row["base_violation_rate"] == pytest.approx(base)
    assert row["importer_violation_rate"] == pytest.approx((1 + 20 * base) / 21)
    assert row["importer_days_since_violation"] == 80
    assert _of(small, "s3")["importer_days_since_violation"] != row["importer_days_since_violation"]
    assert np.isnan(row["exporter_days_since_first"])


def test_neighbours(small: pl.DataFrame) -> None:
    base = (1 + 1) / (1 + 25)
    near, far = _of(small, "s6"), _of(small, "s7")
    weight = 1 / np.log(2 + 2)
    assert near["importer_address_rate"] == pytest.approx((weight + 3 * base) / (weight + 3))
    assert near["importer_address_weight"] == pytest.approx(np.log1p(weight))
    assert near["importer_contact_weight"] == 0
    assert far["importer_any_link_weight"] == 0
    assert far["importer_any_link_rate"] == pytest.approx(base)
    own = _of(small, "s5")
    assert own["importer_address_weight"] == 0


def test_given_tables_are_read_from_text(tmp_path: Path, write_lake: WriteLake) -> None:
    (tmp_path / "shipments.csv").write_text(
        "shipment_id,declared_at,direction,customs_office,importer_id,transit_ports\n"
        "n1,2024-05-01,I,2200,a,SGSIN;MYPKG\n"
    )
    (tmp_path / "shipment_items.csv").write_text(
        "shipment_id,item_no,hs_code,customs_value,net_mass_kg\nn1,1,010121,50.5,\n"
    )
    lake = write_lake(tmp_path / "home", {"shipments": [_shipment(1, 0)]})
    row = _frame(shipment_features(lake, given=given_tables(tmp_path)))
    assert row["shipment_id"].to_list() == ["n1"]
    assert row["transit_ports"].item() == 2
    assert row["importer_shipments_365"].item() == 1
    assert row["hs_subheading"].item() == 10121


def test_no_shipments_at_all(tmp_path: Path) -> None:
    table = shipment_features(Lake(Settings(home=tmp_path)))
    assert table.num_rows == 0
    assert set(names("shipment")) <= set(table.column_names)
