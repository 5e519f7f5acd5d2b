"""Tables from outside are read and cleaned as ingest would, and no row goes missing unsaid."""

import gzip
from datetime import date
from pathlib import Path

import pytest

from graph.errors import HawserError
from graph.features.build import given_tables, shipment_features
from graph.settings import Settings
from graph.store.lake import Lake

SHIPMENTS = """Shipment_ID,declared_at,direction,customs_office,departure_country,transit_ports,importer_id
n1,2024/05/01,i,2200,cn,SGSIN; MYPKG,a
n2,2024-05-02,I,2200,,,a
"""
ITEMS = """shipment_id,item_no,hs_code,description,origin_country,customs_value,net_mass_kg
n1,1,8471.30,电脑,cn,"1,000.50",12
n2,1,847130,电脑,CN,1000.5,12
"""


def written(folder: Path, shipments: str = SHIPMENTS, items: str = ITEMS) -> Path:
    folder.mkdir()
    (folder / "shipments.csv").write_bytes(shipments.encode("gb18030"))
    (folder / "shipment_items.csv.gz").write_bytes(gzip.compress(items.encode("gb18030")))
    return folder


def test_values_are_cleaned_and_files_read_as_in_ingest(tmp_path: Path) -> None:
    tables = given_tables(written(tmp_path / "given"))
    first = tables["shipments"].to_pylist()[0]
    assert (first["shipment_id"], first["declared_at"]) == ("n1", date(2024, 5, 1))
    assert (first["direction"], first["departure_country"]) == ("I", "CN")
    assert first["transit_ports"] == ["SGSIN", "MYPKG"]
    one, two = (
        {**row, "shipment_id": "", "item_no": 1} for row in tables["shipment_items"].to_pylist()
    )
    assert one == two
    assert (one["hs_code"], one["customs_value"], one["description"]) == ("847130", 1000.5, "电脑")
    found = shipment_features(
        Lake(Settings(home=tmp_path / "home")), known_at=date(2024, 5, 3), given=tables
    ).to_pylist()
    assert [row["hs6"] for row in found] == ["847130", "847130"]


def test_rows_that_cannot_be_used_are_told_of(tmp_path: Path) -> None:
    shipments = SHIPMENTS + (
        "n3,2024-13-01,I,2200,XX,,\nn4,2024-05-01,I\nn5,2024-05-01,I,1,,,\nn5,2024-05-01,E,1,,,\n"
        "n2,2024-05-02,I,2200,,,a\n"
    )
    items = ITEMS + "n3,1,847130,,,5,\nn2,2,847130,,,-5,\n"
    folder = written(tmp_path / "given", shipments, items)
    lines: list[str] = []
    tables = given_tables(folder, refused=lines.append)
    assert tables["shipments"]["shipment_id"].to_pylist() == ["n1", "n2"]
    assert tables["shipment_items"].num_rows == 2
    wanted = [
        "shipment_items.csv.gz row 4: customs_value is negative",
        "shipments.csv row 4: does not have as many fields as the header",
        "shipments.csv row 3: declared_at is not a date (YYYY-MM-DD); departure_country is not a",
        "shipments.csv row 5: shipment_id ",
        "shipments.csv row 6: shipment_id ",
        "shipment_items.csv.gz row 3: shipment_id is not among the shipments that can be used",
    ]
    assert len(lines) == len(wanted)
    assert all(line.startswith(start) for line, start in zip(lines, wanted, strict=True)), lines
    with pytest.raises(HawserError, match=r"row 4: customs_value is negative"):
        given_tables(folder)


def test_a_folder_without_a_usable_shipment_is_refused(tmp_path: Path) -> None:
    head = SHIPMENTS.splitlines()[0]
    folder = written(tmp_path / "given", f"{head}\nn1,never,I,2200,,,\n")
    with pytest.raises(HawserError, match="no shipment that can be used"):
        given_tables(folder, refused=[].append)
