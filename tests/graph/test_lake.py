"""The lake: reading in time, evidence, appending whole or not at all."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from graph.errors import LakeError
from graph.settings import Settings
from graph.store.lake import QUARANTINE, Lake, stored_columns
from graph.tables import TABLES

WriteLake = Callable[..., Lake]
EARLY, LATE = date(2024, 1, 1), date(2024, 6, 1)


def company(record: str, name: str, **more: object) -> dict[str, object]:
    return {"enterprise_id": "E1", "name": name, "country": "CN", "record": record, **more}


def test_an_empty_lake_has_typed_empty_tables(tmp_path: Path) -> None:
    with Lake(Settings(home=tmp_path / "nothing")) as lake:
        for name, table in TABLES.items():
            rows = lake.table(name, as_of=LATE, known_at=LATE)
            assert list(rows.columns) == list(stored_columns(table))
        assert lake.statements("shipments").schema()["containers"].is_array()
        assert lake.versions("relations").count().to_pyarrow().as_py() == 0
        assert list(lake.quarantine().columns) == list(QUARANTINE)
        assert (lake.batches(), lake.record("x")) == ([], None)
        assert lake.records(["x"]).num_rows == 0
    assert not (tmp_path / "nothing").exists()


def test_the_latest_statement_known_is_in_force(write_lake: WriteLake, tmp_path: Path) -> None:
    write_lake(tmp_path, {"enterprises": [company("a", "Old")]}, batch="one", recorded_at=EARLY)
    lake = write_lake(
        tmp_path, {"enterprises": [company("b", "New")]}, batch="two", recorded_at=LATE
    )
    assert [manifest.id for manifest in lake.batches()] == ["one", "two"]

    def name(**more: date) -> list[str]:
        found: list[str] = lake.table("enterprises", **more).to_pyarrow()["name"].to_pylist()
        return found

    assert name() == ["New"]
    assert name(known_at=date(2024, 5, 31)) == ["Old"]
    assert name(known_at=date(2023, 12, 31)) == []
    ends = lake.versions("enterprises").order_by("recorded_at").to_pyarrow()["superseded_at"]
    assert ends.to_pylist() == [LATE, None]


def test_intervals_stand_side_by_side(write_lake: WriteLake, tmp_path: Path) -> None:
    rows = [
        company("a", "First", valid_from=date(2020, 1, 1)),
        company("b", "Second", valid_from=date(2023, 1, 1)),
    ]
    lake = write_lake(tmp_path, {"enterprises": rows})
    assert lake.table("enterprises").count().to_pyarrow().as_py() == 2
    assert lake.table("enterprises", as_of=date(2021, 1, 1)).to_pyarrow()["name"].to_pylist() == [
        "First"
    ]


def test_records_lead_to_their_evidence(write_lake: WriteLake, tmp_path: Path) -> None:
    lake = write_lake(
        tmp_path, {"enterprises": [company("a", "A"), company("b", "B")], "persons": []}
    )
    found = lake.record("b")
    assert found is not None
    assert (found["table"], found["name"]) == ("enterprises", "B")
    evidence = lake.records(["b", "a", "zzz"]).to_pylist()
    assert [(row["record"], row["table"], row["batch"]) for row in evidence] == [
        ("a", "enterprises", "one"),
        ("b", "enterprises", "one"),
    ]


def test_the_fingerprint_is_of_the_set_of_records(write_lake: WriteLake, tmp_path: Path) -> None:
    both = [company("a", "A"), company("b", "B")]
    whole = write_lake(tmp_path / "1", {"enterprises": both})
    turned = write_lake(tmp_path / "2", {"enterprises": both[::-1]}, batch="other")
    write_lake(tmp_path / "3", {"enterprises": both[:1]}, batch="one", recorded_at=EARLY)
    parts = write_lake(tmp_path / "3", {"enterprises": both[1:]}, batch="two", recorded_at=LATE)
    assert whole.fingerprint() == turned.fingerprint() == parts.fingerprint()
    assert parts.fingerprint(known_at=EARLY) != parts.fingerprint()


def test_a_reader_sees_new_batches(write_lake: WriteLake, tmp_path: Path) -> None:
    reader = Lake(Settings(home=tmp_path))
    assert reader.statements("enterprises").count().to_pyarrow().as_py() == 0
    write_lake(tmp_path, {"enterprises": [company("a", "A")]})
    assert reader.statements("enterprises").count().to_pyarrow().as_py() == 1


def test_the_same_batch_twice_is_one(write_lake: WriteLake, tmp_path: Path) -> None:
    rows = {"enterprises": [company("a", "A")]}
    write_lake(tmp_path, rows)
    assert len(write_lake(tmp_path, rows).batches()) == 1


def test_a_damaged_manifest_is_told_in_one_line(write_lake: WriteLake, tmp_path: Path) -> None:
    write_lake(tmp_path, {"enterprises": [company("a", "A")]})
    (tmp_path / "lake/batches/one/manifest.json").write_text("{")
    with pytest.raises(LakeError, match=r"the batch in .*one is damaged") as caught:
        Lake(Settings(home=tmp_path)).batches()
    assert "\n" not in str(caught.value)
