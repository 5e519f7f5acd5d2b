"""What is read together is of one moment, though batches come up meanwhile."""

from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from graph.features.frames import declarations
from graph.snapshot import build
from graph.store.in_force import InForce
from graph.store.lake import Lake
from graph.store.rows import GraphRows

WriteLake = Callable[..., Lake]
DAY = date(2024, 6, 30)

FIRST = {
    "enterprises": [
        {"enterprise_id": "E1", "name": "A", "country": "CN"},
        {"enterprise_id": "E2", "name": "B", "country": "CN"},
    ],
    "relations": [{"source_id": "E1", "target_id": "E2", "type": "SHAREHOLDER", "share": 0.6}],
}
SECOND = {
    "enterprises": [{"enterprise_id": "E3", "name": "C", "country": "CN"}],
    "relations": [
        {"source_id": "E3", "target_id": "E2", "type": "SHAREHOLDER", "share": 0.4},
        {"source_id": "E1", "target_id": "E2", "type": "CONTROLLER"},
    ],
}


@pytest.fixture
def lake(write_lake: WriteLake, tmp_path: Path) -> Lake:
    return write_lake(tmp_path, FIRST)


def test_a_batch_that_comes_up_between_two_readings_is_not_seen(
    write_lake: WriteLake, lake: Lake, tmp_path: Path
) -> None:
    with lake, closing(InForce(lake)) as tables:
        first = tables.table("enterprises").count().to_pyarrow().as_py()
        write_lake(tmp_path, SECOND, batch="two")
        assert (first, tables.table("relations").count().to_pyarrow().as_py()) == (2, 1)
        assert tables.statements("enterprises").count().to_pyarrow().as_py() == 2
        assert not tables.filled("shipments")
        assert lake.statements("enterprises").count().to_pyarrow().as_py() == 3, (
            "the lake itself goes on"
        )
        with closing(InForce(lake)) as later:
            assert later.table("relations").count().to_pyarrow().as_py() == 3


def test_a_snapshot_is_of_the_moment_at_which_it_began(
    write_lake: WriteLake, lake: Lake, tmp_path: Path
) -> None:
    come: list[str] = []

    def meanwhile(what: str, share: float) -> None:
        if what == "Shipment" and not come:
            come.append(what)
            write_lake(tmp_path, SECOND, batch="two")

    with lake:
        before = build(lake, lake.settings, as_of=DAY, known_at=DAY)
        during = build(lake, lake.settings, as_of=DAY, known_at=DAY, progress=meanwhile)
        after = build(lake, lake.settings, as_of=DAY, known_at=DAY)
    assert come
    assert (during.id, during.edge_counts["CONTROLS"]) == (before.id, 0)
    assert (after.node_counts["Enterprise"], after.edge_counts["CONTROLS"]) == (3, 1)


def test_a_load_is_of_the_moment_at_which_it_began(
    write_lake: WriteLake, lake: Lake, tmp_path: Path
) -> None:
    with lake, closing(GraphRows(lake, DAY, DAY)) as rows:
        assert rows.node_part("Enterprise").count == 2
        write_lake(tmp_path, SECOND, batch="two")
        assert list(rows.edge_parts("CONTROLS")) == []
        assert sum(part.count for part in rows.edge_parts("OWNS")) == 1
        assert not rows.dangling


def test_declarations_and_their_goods_are_of_one_moment(
    write_lake: WriteLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = {"shipment_id": "S1", "item_no": 1, "hs_code": "010121", "customs_value": 1.0}
    shipment = {"shipment_id": "S1", "declared_at": date(2024, 5, 1), "direction": "I"}
    first = {"shipments": [shipment], "shipment_items": [item]}
    second = {"shipment_items": [{**item, "item_no": 2}]}
    read = Lake.versions

    def reading(self: Lake, table: str) -> object:
        found = read(self, table)
        if table == "shipments":
            write_lake(tmp_path, second, batch="two")
        return found

    with write_lake(tmp_path, first) as lake:
        monkeypatch.setattr(Lake, "versions", reading)
        assert declarations(lake, DAY)[1].height == 1
