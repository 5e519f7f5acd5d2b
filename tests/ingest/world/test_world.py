"""The simulated world: deterministic, consistent, with schemes that can be found but not read off."""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import networkx as nx
import numpy as np
import polars as pl
import pytest
from stdnum import imo, iso6346
from stdnum.cn import uscc
from stdnum.iso7064 import mod_11_2

from graph.tables import TABLES
from ingest.world import SCHEMES, WorldError, WorldPolicy, WorldReport, generate

POLICY = WorldPolicy()


@dataclass(frozen=True)
class World:
    """A generated world read back."""

    report: WorldReport
    tables: dict[str, pl.DataFrame]
    truth: dict[str, pl.DataFrame]


def read(folder: Path) -> dict[str, pl.DataFrame]:
    return {path.stem: pl.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    report = generate(1500, 7, folder, shipments=20_000)
    return World(report, read(folder / "tables"), read(folder / "truth"))


def fingerprints(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.*"))
    }


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    generate(300, 5, tmp_path / "a")
    generate(300, 5, tmp_path / "b")
    generate(300, 6, tmp_path / "c")
    first, second, other = (fingerprints(tmp_path / name) for name in "abc")
    assert first == second
    same = {name for name in first if first[name] == other[name]}
    assert same == {"tables/places.parquet", "tables/commodities.parquet"}


def test_csv_says_the_same_as_parquet(tmp_path: Path) -> None:
    report = generate(150, 3, tmp_path / "p")
    generate(150, 3, tmp_path / "c", format="csv")
    for name, rows in report.counts.items():
        plain = pl.read_csv(tmp_path / "c" / "tables" / f"{name}.csv", infer_schema=False)
        assert plain.height == rows
        assert plain.columns == pl.read_parquet(tmp_path / f"p/tables/{name}.parquet").columns


@pytest.mark.parametrize(("size", "shipments"), [(100, None), (120, 120), (300, 6000)])
def test_small_worlds_hold_every_scheme(tmp_path: Path, size: int, shipments: int | None) -> None:
    report = generate(size, 1, tmp_path, shipments=shipments)
    rings = pl.read_parquet(tmp_path / "truth" / "rings.parquet")
    assert set(rings["scheme"]) == set(SCHEMES)
    ids = pl.read_parquet(tmp_path / "tables" / "enterprises.parquet")["enterprise_id"]
    assert ids.n_unique() == size
    assert report.counts["shipments"] == (shipments or 10 * size)


def test_refuses_what_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="too small"):
        generate(20, 1, tmp_path)
    with pytest.raises(WorldError, match="not known"):
        generate(300, 1, tmp_path, format="xml")  # type: ignore[arg-type]


def test_refuses_numbers_no_world_can_be_made_of() -> None:
    with pytest.raises(WorldError, match="ring_noise"):
        WorldPolicy(ring_noise=1.5)
    with pytest.raises(WorldError, match="too short"):
        WorldPolicy(last_day=date(2023, 3, 1))


def test_neither_ids_nor_order_tell(world: World) -> None:
    """Ranks of ids of ring members and of violating shipments are spread like anybody's."""
    firms = world.tables["enterprises"].select("enterprise_id").unique().sort("enterprise_id")
    inside = world.truth["enterprises"].filter(pl.col("role") == "front")["enterprise_id"]
    serial = world.truth["shipments"].sort(pl.col("shipment_id").str.slice(9))
    for marked in (firms["enterprise_id"].is_in(inside.to_list()), serial["violation"]):
        ranks = np.flatnonzero(marked.to_numpy()) / len(marked)
        assert abs(ranks.mean() - 0.5) < 4 * (1 / 12 / len(ranks)) ** 0.5


def test_tables_have_declared_columns_and_required_values(world: World) -> None:
    for name, frame in world.tables.items():
        table = TABLES[name]
        assert set(frame.columns) <= set(table.names), name
        for column in table.columns:
            if column.required:
                assert frame[column.name].null_count() == 0, (name, column.name)
            if column.choices:
                assert set(frame[column.name].drop_nulls()) <= set(column.choices)


def test_every_reference_exists(world: World) -> None:
    keys = {name: set(frame[TABLES[name].key[0]]) for name, frame in world.tables.items()}
    for name, frame in world.tables.items():
        for column in TABLES[name].columns:
            if column.references and column.name in frame.columns:
                known = set().union(*(keys[table] for table in column.references))
                assert set(frame[column.name].drop_nulls()) <= known, (name, column.name)
    shipments, items = world.tables["shipments"], world.tables["shipment_items"]
    ports = {*shipments["loading_port"], *shipments["discharge_port"]}
    ports |= set(shipments["transit_ports"].drop_nulls().str.split(";").explode())
    assert ports <= keys["places"]
    assert set(items["hs_code"].str.slice(0, 6)) <= keys["commodities"]
    assert set(world.tables["commodities"]["parent"].drop_nulls()) <= keys["commodities"]
    assert set(items["shipment_id"]) == keys["shipments"]


def test_keys_are_unique_but_for_later_statements(world: World) -> None:
    for name in ("persons", "shipments", "shipment_items", "findings", "list_entries", "places"):
        frame = world.tables[name]
        assert frame.select(TABLES[name].key).is_unique().all(), name
    for name in ("enterprises", "relations", "credit_events"):
        frame = world.tables[name]
        assert frame.select(*TABLES[name].key, "recorded_at").is_unique().all(), name


def test_identifiers_pass_their_checks(world: World) -> None:
    firms = world.tables["enterprises"].unique("enterprise_id")
    domestic = firms.filter(pl.col("country") == "CN")
    numbers = domestic["uscc"].drop_nulls()
    assert numbers.n_unique() == len(numbers) == domestic["customs_code"].drop_nulls().n_unique()
    assert all(uscc.is_valid(number) for number in numbers)
    assert domestic["customs_code"].drop_nulls().str.contains(r"^[0-9]{6}[0-9A-Z]{4}$").all()
    shipments = world.tables["shipments"]
    assert all(imo.is_valid(number) for number in shipments["vessel_imo"].drop_nulls().unique())
    boxes = shipments["containers"].drop_nulls().str.split(";").explode().unique()
    assert all(iso6346.is_valid(box) for box in boxes)
    people = world.tables["persons"]["id_number"].drop_nulls()
    assert all(mod_11_2.is_valid(number) for number in people)


def test_values_are_possible(world: World) -> None:
    items, shipments = world.tables["shipment_items"], world.tables["shipments"]
    assert items["net_mass_kg"].min() > 0
    assert items["customs_value"].min() > 0
    assert (items["gross_mass_kg"] >= items["net_mass_kg"]).all()
    assert items["tax_rate"].is_between(0, 100).all()
    assert items["hs_code"].str.contains(r"^\d{10}$").all()
    assert items["item_no"].is_between(1, 4).all()
    for name in ("loading_port", "discharge_port"):
        assert (shipments[name].str.len_chars() == 5).all()
    assert shipments["declared_at"].is_between(POLICY.first_day, POLICY.last_day).all()
    assert (shipments["loading_port"] != shipments["discharge_port"]).all()
    shares = world.tables["relations"].filter(pl.col("type") == "SHAREHOLDER")
    assert shares["share"].is_between(0, 1).all()
    assert shares.group_by("target_id").agg(pl.col("share").sum())["share"].max() <= 1 + 1e-9


def test_nobody_trades_before_it_is_registered(world: World) -> None:
    born = world.tables["enterprises"].group_by("enterprise_id").agg(pl.col("recorded_at").min())
    for role in ("importer_id", "exporter_id"):
        joined = world.tables["shipments"].join(born, left_on=role, right_on="enterprise_id")
        assert (joined["declared_at"] > joined["recorded_at_right"]).all()


def test_longer_voyages_take_longer_and_call_at_more_ports(world: World) -> None:
    sea = (
        world.tables["shipments"]
        .join(world.truth["shipments"], on="shipment_id")
        .filter(pl.col("transport_mode") == "2")
        .with_columns(calls=pl.col("transit_ports").str.split(";").list.len().fill_null(0))
    )
    short, long = sea.filter(pl.col("distance_nm") < 1500), sea.filter(pl.col("distance_nm") > 8000)
    assert long["calls"].mean() > short["calls"].mean() + 0.8
    assert long["days_at_sea"].min() > short["days_at_sea"].mean()


def test_base_rate_and_selection(world: World) -> None:
    findings = world.tables["findings"]
    assert 0.02 <= world.report.base_rate <= 0.04
    assert 0.034 <= world.report.inspected <= 0.046
    random = findings.filter(pl.col("selection") == "random")
    assert set(random["probability"]) == {POLICY.random_probability}
    expected = POLICY.random_probability * world.report.counts["shipments"]
    assert abs(random.height - expected) < 4 * expected**0.5
    assert findings["probability"].is_between(0, 1, closed="right").all()
    lag = (findings["recorded_at"] - findings["inspected_on"]).dt.total_days()
    assert lag.is_between(7, 30).all()


def test_inverse_probability_weights_recover_the_base_rate(world: World) -> None:
    """Each shipment is taken by exactly one wheel with the recorded probability, so that the
    weighted sum over both, with each wheel's probability, estimates sums over all shipments."""
    targeted = world.tables["findings"].filter(pl.col("selection") == "targeted")
    weight = 1 / targeted["probability"]
    found = (targeted["outcome"] == "violation").cast(pl.Float64)
    estimate = (weight * found).sum() / weight.sum()
    assert abs(estimate - world.report.base_rate) < 0.02


def test_findings_tell_the_truth(world: World) -> None:
    joined = world.tables["findings"].join(world.truth["shipments"], on="shipment_id")
    assert ((joined["outcome"] == "violation") == joined["violation"]).all()
    assert (joined["type"].is_null() == ~joined["violation"]).all()


def test_penalties_follow_their_findings(world: World) -> None:
    penalties = world.tables["credit_events"].filter(
        pl.col("type").is_in(["administrative_penalty", "smuggling"])
    )
    found = world.tables["findings"].filter(pl.col("outcome") == "violation")
    first = found.group_by("enterprise_id").agg(pl.col("recorded_at").min().alias("first"))
    joined = penalties.join(first, on="enterprise_id", how="left")
    assert penalties.height > 20
    assert (joined["occurred_on"] >= joined["first"] + timedelta(days=10)).all()
    assert (penalties["recorded_at"] >= penalties["occurred_on"]).all()
    assert penalties["legal_basis"].null_count() == 0


def test_credit_classes_are_rare_and_change_by_later_statements(world: World) -> None:
    rows = world.tables["enterprises"]
    size = rows["enterprise_id"].n_unique()
    now = rows.sort("valid_from", "recorded_at").group_by("enterprise_id").last()
    classes = dict(now["credit_class"].value_counts().rows())
    assert 0.005 < classes["advanced_certified"] / size < 0.02
    assert 0.002 < classes["dishonest"] / size < 0.02
    again = rows.filter(pl.len().over("enterprise_id") > 1)
    assert again.height % 3 == 0
    assert again.height > 0


def test_every_scheme_is_planted_and_violates(world: World) -> None:
    true = world.truth["shipments"]
    inside = true.filter(pl.col("ring").is_not_null())
    assert 0.05 <= inside.height / true.height <= 0.09
    assert set(inside.filter("violation")["scheme"]) == set(SCHEMES)
    assert set(true.filter(pl.col("ring").is_null() & pl.col("violation"))["scheme"]) == {
        "lone_offender"
    }
    assert 0.22 <= inside["violation"].mean() <= 0.40


def test_what_rings_keep_is_in_the_tables(world: World) -> None:
    firms = world.tables["enterprises"].unique("enterprise_id")
    members = world.truth["enterprises"].filter(pl.col("role") == "front")
    fronts = members.join(firms, on="enterprise_id").join(
        world.truth["rings"], on="ring", suffix="_kept"
    )
    assert (
        fronts.filter("keeps_address")["address"] == fronts.filter("keeps_address")["address_kept"]
    ).all()
    assert (
        fronts.filter("keeps_phone")["phone"] == fronts.filter("keeps_phone")["phone_kept"]
    ).all()
    assert 0.5 < fronts.filter(pl.col("scheme") == "rotating_fronts")["keeps_address"].mean() < 0.95
    roles = world.tables["relations"]
    named = fronts.filter("keeps_nominee").join(
        roles.filter(pl.col("type") == "LEGAL_REPRESENTATIVE"),
        left_on="enterprise_id",
        right_on="target_id",
    )
    assert (named["source_id"] == named["nominee_id"]).all()


def test_fronts_rotate(world: World) -> None:
    fronts = world.truth["enterprises"].filter(pl.col("role") == "front")
    active = (fronts["active_to"] - fronts["active_from"]).dt.total_days()
    assert active.max() <= 90
    per_ring = fronts.group_by("ring").agg(pl.col("active_from").n_unique().alias("identities"))
    assert per_ring["identities"].min() >= 4


def test_circular_rings_own_and_trade_in_circles(world: World) -> None:
    owned = world.tables["relations"].filter(pl.col("type") == "SHAREHOLDER")
    graph = nx.DiGraph(owned.select("source_id", "target_id").rows())
    circles = [set(part) for part in nx.strongly_connected_components(graph) if len(part) > 1]
    rings = world.truth["rings"]
    circular = rings.filter(pl.col("scheme") == "circular_trade")
    for holding in circular["holding_id"]:
        assert any(holding in circle for circle in circles)
    true = world.truth["shipments"].join(circular, on="ring", how="semi")
    trade = world.tables["shipments"].join(true, on="shipment_id", how="semi")
    flows = nx.DiGraph(trade.select("exporter_id", "importer_id").drop_nulls().rows())
    assert any(len(part) > 1 for part in nx.strongly_connected_components(flows))


def test_laundered_goods_name_the_country_they_passed(world: World) -> None:
    false = world.truth["shipments"].filter(pl.col("scheme") == "transshipment")
    rows = (
        world.tables["shipments"].join(false, on="shipment_id").filter(pl.col("direction") == "I")
    )
    items = world.tables["shipment_items"].join(rows, on="shipment_id")
    assert rows.height > 10
    assert (items["origin_country"] == items["departure_country"]).mean() > 0.85
    detour = rows.filter(pl.col("departure_country") != pl.col("loading_port").str.slice(0, 2))
    assert detour.height > 0.3 * rows.height


def test_waste_rings_declare_recycled_material(world: World) -> None:
    rings = world.truth["rings"].filter(pl.col("scheme") == "waste_concealment")
    inside = world.truth["shipments"].join(rings, on="ring", how="semi")
    codes = world.tables["shipment_items"].join(inside, on="shipment_id", how="semi")["hs_code"]
    scrap = codes.str.slice(0, 4).is_in(
        ["3915", "4004", "4707", "7204", "7404", "7602", "8002", "2620"]
    )
    assert scrap.mean() > 0.6
    honest = world.tables["shipment_items"].join(inside, on="shipment_id", how="anti")["hs_code"]
    assert honest.str.slice(0, 4).is_in(["7204", "7404", "7602"]).sum() > 20


def test_list_names_enterprises_by_variants(world: World) -> None:
    entries = world.tables["list_entries"].join(world.truth["list_matches"], on="entry_id")
    firms = (
        world.tables["enterprises"]
        .unique("enterprise_id")
        .select("enterprise_id", pl.col("name").alias("firm"))
    )
    ours = entries.filter(pl.col("kind") == "enterprise").join(firms, on="enterprise_id")
    assert 0 < ours.height < world.tables["list_entries"].height
    aliased = ours.filter(pl.col("aliases").is_not_null())
    assert (aliased["aliases"].str.split(";").list.last() == aliased["firm"]).all()
    assert world.truth["duplicates"].height > 0
