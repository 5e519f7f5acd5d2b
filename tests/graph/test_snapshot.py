"""Snapshots: content-hashed, idempotent, checked when opened, true to as_of and known_at."""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pytest

from graph.errors import SnapshotError
from graph.features.build import build_features
from graph.features.labels import labels
from graph.ontology import EDGE_KINDS, MARKINGS
from graph.settings import Settings
from graph.snapshot import NO_END, NO_START, Snapshot, build, from_day, open_snapshot, to_day
from graph.store.lake import Lake
from graph.store.rows import GraphRows

DAY = date(2024, 6, 30)
WriteLake = Callable[..., Lake]

TABLES: dict[str, list[dict[str, Any]]] = {
    "enterprises": [
        {"enterprise_id": "b", "name": "Beta", "country": "CN", "registered_on": date(2020, 1, 1)},
        {"enterprise_id": "a", "name": "Alpha 甲", "country": "CN", "address": "1 Quay Road"},
        {"enterprise_id": "c", "name": "Gamma", "country": "DE", "address": "1, quay road"},
    ],
    "persons": [{"person_id": "p1", "name": "Person"}],
    "relations": [
        {"source_id": "p1", "target_id": "a", "type": "SHAREHOLDER", "share": 0.6,
         "valid_from": date(2021, 1, 1), "valid_to": date(2023, 1, 1)},
        {"source_id": "a", "target_id": "b", "type": "SHAREHOLDER", "share": 0.3,
         "valid_from": date(2022, 1, 1)},
        {"source_id": "a", "target_id": "c", "type": "SHAREHOLDER", "valid_from": date(2022, 1, 1)},
    ],
    "shipments": [
        {"shipment_id": "s1", "declared_at": date(2024, 2, 1), "direction": "I",
         "customs_office": "2200", "importer_id": "a", "exporter_id": "c"},
        {"shipment_id": "s2", "declared_at": date(2024, 9, 1), "direction": "I",
         "customs_office": "2200", "importer_id": "b", "exporter_id": "c"},
    ],
    "shipment_items": [
        {"shipment_id": "s1", "item_no": 1, "hs_code": "85171300", "customs_value": 1000.0},
        {"shipment_id": "s1", "item_no": 2, "hs_code": "85171300", "customs_value": 500.0},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, write_lake: WriteLake) -> Path:
    """A data folder with one snapshot; the tests that change anything copy it."""
    folder = tmp_path_factory.mktemp("snapshot") / "home"
    lake = write_lake(folder, TABLES)
    build(lake, lake.settings, as_of=DAY, known_at=DAY)
    return folder


@pytest.fixture
def lake(tmp_path: Path, home: Path) -> Lake:
    shutil.copytree(home, tmp_path / "home")
    return Lake(Settings(home=tmp_path / "home"))


@pytest.fixture
def snapshot(lake: Lake) -> Snapshot:
    return open_snapshot(lake.settings)


def test_nodes_are_numbered_by_kind_and_id(snapshot: Snapshot) -> None:
    assert list(snapshot.ids("Enterprise")) == ["a", "b", "c"]
    assert snapshot.range("Enterprise") == (0, 3)
    assert snapshot.range("Person") == (3, 4)
    assert snapshot.locate("Enterprise", ["c", "nobody", "a"]).tolist() == [2, -1, 0]
    assert snapshot.locate("Person", ["p1"] * 300).tolist() == [3] * 300
    assert snapshot.locate("Vessel", ["9074729"]).tolist() == [-1]
    assert (snapshot.kind_of(3), snapshot.id_of(3)) == ("Person", "p1")
    assert snapshot.nodes("Enterprise")["name"].to_pylist() == ["Alpha 甲", "Beta", "Gamma"]
    assert snapshot.size == sum(snapshot.node_counts.values())


def test_only_what_had_happened_is_there(snapshot: Snapshot) -> None:
    assert list(snapshot.ids("Shipment")) == ["s1"]
    assert snapshot.edge_counts["IMPORTED"] == 1


def test_edges_carry_weight_dates_and_marking(snapshot: Snapshot) -> None:
    owns = snapshot.edges("OWNS")
    assert owns.source.tolist() == [0, 0, 3]
    assert owns.target.tolist() == [1, 2, 0]
    np.testing.assert_array_equal(owns.weight, [0.3, np.nan, 0.6])
    assert owns.valid_to.tolist() == [NO_END, NO_END, to_day(date(2023, 1, 1))]
    assert set(owns.marking.tolist()) == {MARKINGS.index("INTERNAL")}
    assert all(len(record) == 16 for record in owns.record.tolist())
    assert not owns.source.flags.writeable


def test_adjacency_filters_weighs_and_transposes(snapshot: Snapshot) -> None:
    owns = snapshot.adjacency(["OWNS"], on=DAY, weighted=True)
    assert owns.nnz == 1
    assert owns[0, 1] == pytest.approx(0.3)
    assert snapshot.adjacency(["OWNS"], on=DAY).nnz == 2
    assert snapshot.adjacency(["OWNS"]).nnz == 3
    inward = snapshot.adjacency(["OWNS"], direction="in")
    assert inward[0, 3] == 1
    both = snapshot.adjacency(["OWNS", "IMPORTED"], direction="both")
    assert (both != both.T).nnz == 0
    shipment, commodity = snapshot.range("Shipment")[0], snapshot.range("Commodity")[0]
    contains = snapshot.adjacency(["CONTAINS"])
    assert contains[shipment, commodity] == 1
    assert snapshot.adjacency(["CONTAINS"], weighted=True)[shipment, commodity] == 1500
    assert snapshot.adjacency([]).shape == (snapshot.size, snapshot.size)


def test_building_again_changes_nothing(lake: Lake, snapshot: Snapshot) -> None:
    before = _bytes(snapshot.folder)
    again = build(lake, lake.settings, as_of=DAY, known_at=DAY)
    assert again.id == snapshot.id
    assert _bytes(again.folder) == before
    others = [path.name for path in lake.settings.snapshot_folder.iterdir()]
    assert sorted(others) == sorted([snapshot.id, "latest"])


def test_of_given_days_it_is_put_in_use_only_where_there_is_none(
    lake: Lake, snapshot: Snapshot, write_lake: WriteLake
) -> None:
    settings, past, ahead = lake.settings, date(2023, 1, 1), date(2027, 1, 1)
    assert open_snapshot(settings).id == snapshot.id, "the first one"
    late = {"country": "CN", "recorded_at": date(2024, 10, 1)}
    firm = {"enterprise_id": "d", "name": "Delta", **late}
    grown = write_lake(settings.home, {"enterprises": [firm]}, batch="two")
    looks = [build(grown, settings, known_at=past), build(grown, settings, as_of=ahead)]
    assert open_snapshot(settings).id == snapshot.id not in {look.id for look in looks}
    now = build(grown, settings)
    assert open_snapshot(settings).id == now.id
    (now.folder / "manifest.json").write_text("{")
    look = build(grown, settings, as_of=past)
    assert open_snapshot(settings).id == look.id, "what is damaged is not in use"


def test_id_depends_on_content_only(
    tmp_path: Path, snapshot: Snapshot, write_lake: WriteLake
) -> None:
    settings = Settings(home=tmp_path / "other")
    for name, rows in TABLES.items():
        for number, row in enumerate(reversed(rows)):
            write_lake(settings.home, {name: [row]}, batch=f"{name}{number}")
    other = build(Lake(settings), settings, as_of=DAY, known_at=DAY)
    assert other.id == snapshot.id
    assert _bytes(other.folder) == _bytes(snapshot.folder)


def test_everything_is_worked_out_within_the_lakes_own_limits(
    write_lake: WriteLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never on the engine that Ibis shares in a process, which knows neither limit nor folder."""
    monkeypatch.setattr(ibis.options, "default_backend", None)
    for tables in ({}, TABLES):
        with write_lake(tmp_path / str(len(tables)), tables) as lake:
            snapshot = build(lake, lake.settings, as_of=DAY, known_at=DAY)
            build_features(lake, snapshot, lake.settings)
            labels(lake, DAY)
            with closing(GraphRows(lake, DAY, DAY)) as rows:
                assert sum(part.count for part in rows.node_parts()) == snapshot.size
                assert [part for kind in EDGE_KINDS for part in rows.edge_parts(kind)] or not tables
    assert ibis.options.default_backend is None


def test_snapshots_are_built_side_by_side(write_lake: WriteLake, tmp_path: Path) -> None:
    lakes = [write_lake(tmp_path / name, TABLES) for name in "abcd"]

    def made(lake: Lake) -> str:
        with lake:
            return build(lake, lake.settings, as_of=DAY, known_at=DAY).id

    with ThreadPoolExecutor(len(lakes)) as pool:
        assert len(set(pool.map(made, lakes))) == 1


def test_another_day_is_another_snapshot(lake: Lake, snapshot: Snapshot) -> None:
    later = build(lake, lake.settings, as_of=date(2024, 12, 31), known_at=date(2024, 12, 31))
    assert later.id != snapshot.id
    assert list(later.ids("Shipment")) == ["s1", "s2"]
    assert open_snapshot(lake.settings, snapshot.id) == snapshot


def test_what_was_not_known_is_not_there(
    tmp_path: Path, lake: Lake, snapshot: Snapshot, write_lake: WriteLake
) -> None:
    late = {"enterprise_id": "d", "name": "Delta", "country": "CN", "recorded_at": date(2024, 8, 1)}
    grown = write_lake(tmp_path / "home", {"enterprises": [late]}, batch="two")
    assert build(grown, lake.settings, as_of=DAY, known_at=DAY).id == snapshot.id
    told = build(grown, lake.settings, as_of=DAY, known_at=date(2024, 8, 1))
    assert "d" in told.ids("Enterprise")


@pytest.mark.parametrize("name", ["nodes/Enterprise.arrow", "edges/OWNS/source.npy"])
def test_damage_is_told_in_one_line(lake: Lake, snapshot: Snapshot, name: str) -> None:
    path = snapshot.folder / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(SnapshotError, match="damaged") as caught:
        open_snapshot(lake.settings, snapshot.id)
    assert "\n" not in str(caught.value)
    path.unlink()
    with pytest.raises(SnapshotError, match=name):
        open_snapshot(lake.settings, snapshot.id, verify=False)


def test_building_mends_a_damaged_snapshot(lake: Lake, snapshot: Snapshot) -> None:
    (snapshot.folder / "nodes" / "Enterprise.arrow").unlink()
    assert build(lake, lake.settings, as_of=DAY, known_at=DAY).id == snapshot.id
    assert open_snapshot(lake.settings) == snapshot


@pytest.mark.parametrize("damaged", [False, True])
def test_two_commands_that_build_the_same_snapshot_both_have_it(
    lake: Lake, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, damaged: bool
) -> None:
    """The other one puts its own in place just before this one does."""
    if damaged:
        (snapshot.folder / "nodes" / "Enterprise.arrow").unlink()
    else:
        shutil.rmtree(snapshot.folder)
    rename, others = Path.rename, list[Snapshot]()

    def renaming(self: Path, target: Path) -> Path:
        if not others and target == snapshot.folder:
            others.append(snapshot)
            others[:] = [build(lake, lake.settings, as_of=DAY, known_at=DAY)]
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", renaming)
    assert build(lake, lake.settings, as_of=DAY, known_at=DAY) == others[0] == snapshot
    assert open_snapshot(lake.settings) == snapshot
    assert not list(snapshot.folder.parent.glob(".*"))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 1, "id": "other"}'])
def test_damaged_manifest_is_told(lake: Lake, snapshot: Snapshot, text: str) -> None:
    (snapshot.folder / "manifest.json").write_text(text, "utf-8")
    with pytest.raises(SnapshotError, match=r"manifest\.json"):
        open_snapshot(lake.settings)


def test_missing_snapshot_is_told(tmp_path: Path, snapshot: Snapshot) -> None:
    with pytest.raises(SnapshotError, match="no snapshot was built"):
        open_snapshot(Settings(home=tmp_path / "empty"))
    with pytest.raises(SnapshotError, match="there is no snapshot"):
        open_snapshot(Settings(home=tmp_path / "home"), "0" * 16)
    with pytest.raises(SnapshotError, match="no node kind"):
        snapshot.ids("Ship")
    with pytest.raises(SnapshotError, match="no edge kind"):
        snapshot.edges("SHIPS")
    with pytest.raises(SnapshotError, match="no node number"):
        snapshot.kind_of(snapshot.size)


def test_empty_lake_gives_an_empty_snapshot(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    snapshot = build(Lake(settings), settings, as_of=DAY, known_at=DAY)
    assert snapshot.size == 0
    assert len(snapshot.edges("OWNS")) == 0
    assert {snapshot.edges(kind).marking.dtype for kind in EDGE_KINDS} == {np.dtype(np.uint8)}
    assert {snapshot.edges(kind).property_marking.dtype for kind in EDGE_KINDS} == {np.dtype("u1")}
    assert json.loads((snapshot.folder / "manifest.json").read_text())["dangling"] == {}


def test_the_highest_marking_counts_every_statement(
    tmp_path: Path, snapshot: Snapshot, write_lake: WriteLake
) -> None:
    assert snapshot.highest_marking == "INTERNAL"
    assert build(Lake(Settings(home=tmp_path / "none")), Settings(home=tmp_path / "none"),
                 as_of=DAY).highest_marking == "PUBLIC"  # fmt: skip
    # A correction of the same holding: what it replaced was known from a higher marking.
    old = {"source_id": "a", "target_id": "b", "type": "SHAREHOLDER", "share": 0.9,
           "valid_from": date(2022, 1, 1), "recorded_at": date(2021, 1, 1),
           "marking": "SECRET"}  # fmt: skip
    told = write_lake(tmp_path / "home", {"relations": [old]}, batch="old")
    again = build(told, told.settings, as_of=DAY, known_at=DAY)
    assert again.highest_marking == "SECRET"
    owns = again.edges("OWNS")
    assert owns.marking.tolist() == owns.property_marking.tolist() == [1, 1, 1]
    assert again.id != snapshot.id
    assert open_snapshot(told.settings, again.id).highest_marking == "SECRET"


def test_a_correction_does_not_take_on_the_marking_of_what_it_corrects(
    tmp_path: Path, write_lake: WriteLake
) -> None:
    told = {"source_id": "a", "target_id": "b", "type": "SHAREHOLDER", "share": 0.1}
    lake = write_lake(
        tmp_path,
        {
            "enterprises": TABLES["enterprises"],
            "relations": [
                {**told, "marking": "PUBLIC"},
                {**told, "share": 0.6, "marking": "SECRET", "recorded_at": date(2024, 2, 1)},
            ],
        },
    )
    owns = build(lake, lake.settings, as_of=DAY, known_at=DAY).edges("OWNS")
    assert (owns.weight.tolist(), owns.marking.tolist()) == ([0.6], [MARKINGS.index("PUBLIC")])
    assert owns.property_marking.tolist() == [MARKINGS.index("SECRET")]


def test_keyed_hashes_are_not_part_of_a_snapshot(tmp_path: Path, write_lake: WriteLake) -> None:
    built = []
    for name in ("one", "other"):
        person = {"person_id": "p", "name": "P", "id_number": f"hash of {name}", "record": "0" * 16}
        lake = write_lake(tmp_path / name, {"persons": [person]})
        built.append(build(lake, lake.settings, as_of=DAY, known_at=DAY))
        assert lake.table("persons").to_pyarrow()["id_number"].to_pylist() == [f"hash of {name}"]
    assert built[0].id == built[1].id
    assert "id_number" not in built[0].nodes("Person").column_names


def test_day_numbers() -> None:
    assert from_day(to_day(DAY)) == DAY
    assert from_day(NO_START) is None
    assert from_day(NO_END) is None


def _bytes(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
