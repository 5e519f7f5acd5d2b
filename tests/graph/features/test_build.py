"""Feature tables of a snapshot: complete, repeatable, told apart from damaged ones; labels."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from graph.errors import HawserError, SnapshotError
from graph.features.build import (
    FeatureSet,
    build_features,
    given_tables,
    open_features,
    shipment_features,
)
from graph.features.catalogue import names
from graph.features.labels import labels
from graph.settings import Settings
from graph.snapshot import Snapshot, build
from graph.store.lake import Lake

WriteLake = Callable[..., Lake]
DAY = date(2024, 6, 30)


def _enterprise(name: str, **more: object) -> dict[str, object]:
    return {
        "enterprise_id": name,
        "name": name,
        "country": "CN",
        "registered_on": date(2020, 1, 1),
        **more,
    }


def _shipment(name: str, day: date, importer: str, exporter: str, broker: str) -> dict[str, object]:
    return {"shipment_id": name, "declared_at": day, "direction": "I", "customs_office": "2200",
            "importer_id": importer, "exporter_id": exporter, "declarant_id": broker}  # fmt: skip


def _finding(name: str, shipment: str, day: date, outcome: str) -> dict[str, object]:
    return {"finding_id": name, "shipment_id": shipment, "inspected_on": day, "recorded_at": day,
            "outcome": outcome, "selection": "random", "probability": 0.1}  # fmt: skip


TABLES = {
    "enterprises": [
        _enterprise("a", address="1 Quay Road", phone="+86 21 1"),
        _enterprise("b", address="1 quay road", phone="+86 21 2", email="b@c.cn"),
        _enterprise("c", phone="+86 21 2", email="b@c.cn"),
        _enterprise("k"), _enterprise("x"), _enterprise("z"),
    ],
    "persons": [{"person_id": "p", "name": "P"}],
    "relations": [
        {"source_id": "p", "target_id": "a", "type": "LEGAL_REPRESENTATIVE"},
        {"source_id": "p", "target_id": "c", "type": "LEGAL_REPRESENTATIVE"},
        {"source_id": "x", "target_id": "b", "type": "SHAREHOLDER", "share": 1.0},
        {"source_id": "b", "target_id": "c", "type": "SHAREHOLDER", "share": 1.0},
    ],
    "shipments": [
        _shipment("s1", date(2024, 1, 1), "a", "x", "k"), _shipment("s2", date(2024, 2, 1), "b", "x", "k"),
        _shipment("s3", date(2024, 3, 1), "a", "x", "b"),
    ],
    "shipment_items": [
        {"shipment_id": f"s{i}", "item_no": 1, "hs_code": "85171300", "customs_value": v, "net_mass_kg": 1.0}
        for i, v in ((1, 100.0), (2, 300.0), (3, 50.0))
    ],
    "findings": [
        _finding("f1", "s1", date(2024, 1, 20), "violation"),
        _finding("f2", "s2", date(2024, 2, 20), "compliant"),
    ],
    "credit_events": [
        {"event_id": "e", "enterprise_id": "b", "type": "penalty", "occurred_on": date(2024, 3, 1),
         "recorded_at": date(2024, 3, 2), "severity": "serious"},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, write_lake: WriteLake) -> Lake:
    return write_lake(tmp_path_factory.mktemp("build"), TABLES)


@pytest.fixture(scope="module")
def snapshot(lake: Lake) -> Snapshot:
    return build(lake, lake.settings, as_of=DAY, known_at=DAY)


@pytest.fixture(scope="module")
def features(lake: Lake, snapshot: Snapshot) -> FeatureSet:
    return build_features(lake, snapshot, lake.settings)


def _of(features: FeatureSet, enterprise: str) -> dict[str, float]:
    frame = pl.DataFrame(features.enterprises)
    return frame.row(by_predicate=pl.col("enterprise_id") == enterprise, named=True)


def test_tables_have_the_catalogues_columns(features: FeatureSet, snapshot: Snapshot) -> None:
    assert features.enterprises.column_names == ["enterprise_id", *features.names("enterprise")]
    assert features.enterprises["enterprise_id"].to_pylist() == list(snapshot.ids("Enterprise"))
    assert features.shipments["shipment_id"].to_pylist() == ["s1", "s2", "s3"]
    assert features.shipments.column_names[-len(names("shipment")) :] == names("shipment")
    assert features.names("shipment", "row") == names("shipment", "row")
    for subject, table in (("shipment", features.shipments), ("enterprise", features.enterprises)):
        for name in names(subject):
            assert str(table.schema.field(name).type) == "float"
            assert not np.isinf(table[name].to_numpy()).any()


def test_links_of_enterprises(features: FeatureSet) -> None:
    a, b, c, z = (_of(features, name) for name in "abcz")
    assert (a["shared_address"], b["shared_address"], z["shared_address"]) == (1, 1, 0)
    assert (b["shared_contact"], c["shared_contact"]) == (1, 1)
    assert (a["shared_representative"], b["shared_representative"]) == (1, 0)
    assert (b["owners"], b["holdings"], c["ownership_depth"]) == (1, 1, 2)
    assert (a["suppliers"], a["officers"], _of(features, "x")["customers"]) == (1, 1, 2)
    assert _of(features, "x")["customer_hhi"] == pytest.approx((150**2 + 300**2) / 450**2)
    assert (b["hops_to_penalised"], c["hops_to_penalised"], a["hops_to_penalised"]) == (0, 1, 2)
    assert np.isnan(z["hops_to_penalised"])
    assert np.isnan(a["hops_to_listed"])
    assert a["component_size"] == pytest.approx(np.log(4))
    assert (z["component_size"], z["core"]) == (0, 0)
    assert b["pagerank"] > z["pagerank"]


def test_history_of_enterprises(features: FeatureSet) -> None:
    a, b, z = (_of(features, name) for name in "abz")
    assert (a["importer_shipments_365"], a["declarants_365d"]) == (2, 2)
    assert (a["inspections_365d"], a["violations_365d"], a["violation_rate_365d"]) == (1, 1, 1)
    assert (b["credit_events_365d"], b["serious_events_open"]) == (1, 1)
    assert np.isnan(z["violation_rate_365d"])
    assert z["inspections_365d"] == 0
    assert a["age_days"] == (DAY - date(2020, 1, 1)).days + 1
    assert b["neighbour_violation_rate"] > a["neighbour_violation_rate"]
    assert np.isnan(z["neighbour_violation_rate"])


def test_where_nobody_is_known_shipments_have_the_same_columns(
    tmp_path: Path, write_lake: WriteLake, features: FeatureSet
) -> None:
    lone = {name: value for name, value in TABLES["shipments"][0].items() if "_id" not in name}
    given = tmp_path / "given"
    given.mkdir()
    pl.DataFrame([{"shipment_id": "s", **lone}]).write_csv(given / "shipments.csv")
    empty = Lake(Settings(home=tmp_path / "empty"))
    lake = write_lake(tmp_path / "lone", {"shipments": [{"shipment_id": "s", **lone}]})
    for table, rows in (
        (shipment_features(empty, known_at=DAY), 0),
        (shipment_features(empty, known_at=DAY, given=given_tables(given)), 1),
        (shipment_features(lake, known_at=DAY), 1),
        (shipment_features(lake, known_at=date(2020, 1, 1)), 0),
    ):
        assert table.num_rows == rows
        assert table.schema.equals(features.shipments.schema)
        assert set(table["broker_clients_weight"].to_pylist()) <= {0.0}


def test_a_violation_counts_for_whom_it_was_found_against(
    tmp_path: Path, write_lake: WriteLake
) -> None:
    day = date(2024, 3, 1)
    tables = {
        "enterprises": [_enterprise(name) for name in "akmx"],
        "shipments": [_shipment(f"s{i}", date(2024, 2, i), "a", "x", "k") for i in (1, 2, 3)],
        "findings": [
            {**_finding("f1", "s1", day, "violation"), "enterprise_id": "x"},
            {**_finding("f2", "s2", day, "violation"), "enterprise_id": "m"},
            _finding("f3", "s3", day, "violation"),
        ],
    }
    lake = write_lake(tmp_path, tables)
    snapshot = build(lake, lake.settings, as_of=DAY, known_at=DAY)
    found = build_features(lake, snapshot, lake.settings)
    names = ("inspections_365d", "violations_365d")
    counts = {name: tuple(_of(found, name)[column] for column in names) for name in "akmx"}
    # The broker took part in all three and is named by none; m has no role in the one that names it.
    assert counts == {"a": (3, 1), "k": (3, 0), "m": (1, 1), "x": (3, 2)}
    assert np.isnan(_of(found, "k")["days_since_violation"])
    assert _of(found, "k")["violation_rate_365d"] == 0
    assert _of(found, "m")["violation_rate_365d"] == 1


def _event(day: date, **more: object) -> dict[str, object]:
    return {"event_id": "e", "enterprise_id": "b", "type": "penalty", "occurred_on": day,
            "recorded_at": day, "severity": "serious", **more}  # fmt: skip


@pytest.fixture(scope="module")
def overturned(tmp_path_factory: pytest.TempPathFactory, write_lake: WriteLake) -> FeatureSet:
    """Old and recent violations and penalties, some of them taken back within the last year."""
    old = date(2023, 5, 1)
    tables = {
        "enterprises": [_enterprise(name) for name in "abkx"],
        "shipments": [_shipment(f"s{i}", date(2023, 1, i), "a", "x", "k") for i in (1, 2, 3)]
        + [_shipment("s9", date(2024, 6, 20), "a", "x", "k")],
        "findings": [
            _finding("f1", "s1", date(2023, 4, 1), "violation"),
            _finding("f2", "s2", old, "violation"),
            {**_finding("f2", "s2", old, "compliant"), "recorded_at": date(2024, 3, 1)},
            _finding("f3", "s3", date(2024, 4, 1), "violation"),
            {**_finding("f3", "s3", date(2024, 4, 1), "compliant"), "recorded_at": date(2024, 5, 1)},
        ],
        "credit_events": [
            _event(old, event_id="e0"), _event(date(2024, 2, 1)),
            {**_event(date(2024, 2, 1), severity=None), "recorded_at": date(2024, 4, 1)},
        ],
    }  # fmt: skip
    lake = write_lake(tmp_path_factory.mktemp("overturned"), tables)
    return build_features(lake, build(lake, lake.settings, as_of=DAY, known_at=DAY), lake.settings)


def test_overturned_findings_and_events_no_longer_count(overturned: FeatureSet) -> None:
    a, b = _of(overturned, "a"), _of(overturned, "b")
    assert (a["inspections_365d"], a["violations_365d"], a["violation_rate_365d"]) == (2, 0, 0)
    assert a["days_since_violation"] == (DAY - date(2023, 4, 1)).days + 1
    assert a["findings"] == pytest.approx(np.log1p(3))
    assert (b["credit_events_365d"], b["adverse_events"], b["serious_events_open"]) == (0, 1, 1)
    assert b["days_since_adverse"] == (DAY - date(2023, 5, 1)).days + 1
    shipment = pl.DataFrame(overturned.shipments).filter(pl.col("shipment_id") == "s9")
    day = date(2024, 6, 20)
    assert shipment["importer_days_since_violation"].item() == (day - date(2023, 4, 1)).days


def test_again_gives_the_same_files(lake: Lake, snapshot: Snapshot, features: FeatureSet) -> None:
    before = {path.name: path.read_bytes() for path in features.folder.iterdir()}
    build_features(lake, snapshot, lake.settings)
    (features.folder / "manifest.json").unlink()
    again = build_features(lake, snapshot, lake.settings)
    assert {path.name: path.read_bytes() for path in again.folder.iterdir()} == before
    assert [path.name for path in lake.settings.feature_folder.iterdir()] == [snapshot.id]


def test_missing_and_damaged_tables_are_told(
    lake: Lake, snapshot: Snapshot, features: FeatureSet
) -> None:
    with pytest.raises(SnapshotError, match="no features yet"):
        open_features(lake.settings, "0" * 16)
    path = features.folder / "shipments.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    with pytest.raises(SnapshotError, match="damaged"):
        open_features(lake.settings, snapshot.id)
    path.write_bytes(whole)


def test_given_tables_need_shipments(tmp_path: Path) -> None:
    with pytest.raises(HawserError, match="no shipments"):
        given_tables(tmp_path)
    (tmp_path / "shipments.parquet").write_bytes(b"no parquet")
    with pytest.raises(HawserError, match="not a complete Parquet file"):
        given_tables(tmp_path)


def test_labels_are_findings_known_then(lake: Lake) -> None:
    table = labels(lake, date(2024, 2, 19))
    assert table.column_names == [
        "shipment_id", "declared_at", "inspected_on", "recorded_at", "violation", "selection",
        "probability",
    ]  # fmt: skip
    assert table["shipment_id"].to_pylist() == ["s1"]
    assert table["violation"].to_pylist() == [True]
    later = labels(lake, DAY)
    assert later["violation"].to_pylist() == [True, False]
