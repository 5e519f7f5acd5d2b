"""A model sees declarations as they were first made, and outcomes as they are known."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np

from gnn.cases import load_cases
from graph.features.build import build_features
from graph.features.labels import labels
from graph.settings import Settings
from graph.snapshot import build, to_day
from graph.store.lake import Lake
from ingest.pipeline import ingest

FIRST = date(2024, 1, 1)


HEADS = "shipment_id,declared_at,recorded_at,direction,customs_office,importer_id,declarant_id"
GOODS = "shipment_id,item_no,hs_code,origin_country,customs_value,net_mass_kg"
DECLARED = {
    "shipments": [HEADS, *(f"s{i},2024-01-01,2024-01-01,I,2200,a,k" for i in (1, 2))],
    "shipment_items": [GOODS, *(f"s{i},1,85171300,CN,100,10" for i in (1, 2))],
    "enterprises": [
        "enterprise_id,name,country,registered_on,recorded_at",
        "a,A,CN,2023-05-01,2024-01-01",
        "b,B,CN,,2023-12-01",
        "k,K,CN,,",
    ],
    "findings": [
        "finding_id,shipment_id,inspected_on,recorded_at,outcome",
        "f,s2,2024-01-20,2024-01-21,violation",
    ],
}
CORRECTED = {
    "enterprises": ["enterprise_id,name,country,recorded_at", "b,B Ltd,CN,2024-02-01"],
    "shipments": [HEADS, "s2,2024-01-01,2024-02-01,I,2200,b,k"],
    "shipment_items": [GOODS, "s2,1,01012100,VN,100,10"],
}


def _ingest(tables: dict[str, list[str]], folder: Path, settings: Settings, day: date) -> None:
    folder.mkdir(parents=True)
    for name, lines in tables.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    ingest("tables", folder, settings, recorded_at=day)


def test_a_later_correction_changes_neither_parties_nor_goods(tmp_path: Path) -> None:
    found = []
    for corrected in (False, True):
        root = tmp_path / f"{corrected}"
        settings = Settings(home=root / "home")
        _ingest(DECLARED, root / "declared", settings, FIRST)
        if corrected:
            _ingest(CORRECTED, root / "corrected", settings, FIRST + timedelta(31))
        day = FIRST + timedelta(90)
        with Lake(settings) as lake:
            snapshot = build(lake, settings, as_of=day, known_at=day)
            features = build_features(lake, snapshot, settings)
            now = lake.table("shipments", known_at=day).to_polars().sort("shipment_id")
            assert now["importer_id"].to_list() == ["a", "b" if corrected else "a"]
            goods = lake.table("shipment_items", known_at=day).to_polars().sort("shipment_id")
            assert goods["origin_country"].to_list() == ["CN", "VN" if corrected else "CN"]
            found.append(load_cases(lake, snapshot, features, labels(lake, day)))
    first, second = found
    assert second.shipment_id.tolist() == ["s1", "s2"]
    assert second.parties["importer"][0] == second.parties["importer"][1] >= 0
    assert second.product[0] == second.product[1]
    for role, codes in first.parties.items():
        np.testing.assert_array_equal(codes, second.parties[role])
    np.testing.assert_array_equal(first.features, second.features)
    np.testing.assert_array_equal(second.outcome, [np.nan, 1.0])
    np.testing.assert_array_equal(first.since, second.since)
    days = [date(2023, 5, 1), date(2023, 12, 1), FIRST]
    assert first.since.tolist() == [to_day(day) for day in days]
