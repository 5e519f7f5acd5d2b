"""The same facts give the same snapshot id, however often, in whatever order and form they came."""

import random
from pathlib import Path

import polars as pl
import pytest

from graph.settings import Settings
from graph.snapshot import build
from graph.store.lake import Lake
from ingest.pipeline import ingest
from ingest.world import generate


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of a small world, with persons that have identity numbers."""
    folder = tmp_path_factory.mktemp("world")
    generate(100, 5, folder, shipments=200)
    (folder / "tables" / "commodities.parquet").unlink()  # many, and all of one kind
    assert pl.read_parquet(folder / "tables" / "persons.parquet")["id_number"].count() > 0
    return folder / "tables"


def snapshot_id(settings: Settings) -> str:
    with Lake(settings) as lake:
        return build(lake, settings).id


def shuffled(tables: Path, folder: Path, seed: int) -> list[Path]:
    """Every table in two files of two folders, CSV and Parquet, rows and columns in another order."""
    order = random.Random(seed)
    parts = [folder / "one", folder / "two"]
    for part in parts:
        part.mkdir(parents=True)
    for path in sorted(tables.glob("*.parquet")):
        frame = pl.read_parquet(path).sample(fraction=1, shuffle=True, seed=seed)
        frame = frame.select(order.sample(frame.columns, frame.width))
        lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
        first, second = frame.head(frame.height // 2), frame.slice(frame.height // 2)
        first.with_columns(pl.col(lists).list.join(";")).write_csv(parts[0] / f"{path.stem}.csv")
        second.write_parquet(parts[1] / path.name)
    return parts


@pytest.mark.slow
def test_twice_and_in_another_order_is_the_same_snapshot(tables: Path, tmp_path: Path) -> None:
    once = Settings(home=tmp_path / "once", threads=2)
    ingest("tables", tables, once)
    expected = snapshot_id(once)
    assert ingest("tables", tables, once).unchanged
    assert snapshot_id(once) == expected
    assert len(list(once.snapshot_folder.glob("[0-9a-f]*"))) == 1
    crooked = Settings(home=tmp_path / "crooked", threads=2)
    waiting = 0
    for part in shuffled(tables, tmp_path / "shuffled", 3):
        waiting += sum(ingest("tables", part, crooked).quarantined.values())
    assert waiting > 0, "rows came before those they refer to"
    with Lake(crooked) as lake:
        assert lake.quarantine().count().to_pyarrow().as_py() == 0
    assert snapshot_id(crooked) == expected
