"""A small world in a data folder, made once for all tests that only read it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.settings import Settings
from graph.snapshot import Snapshot, build
from graph.store.lake import Lake
from graph.store.ledger import Ledger
from ingest.pipeline import ingest
from ingest.resolve.resolve import resolve
from ingest.world import WorldPolicy, generate

ENTERPRISES, SHIPMENTS, SEED = 400, 4_000, 11


@pytest.fixture(scope="session")
def world_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables and truth of a small world in which a third of the shipments is inspected."""
    folder = tmp_path_factory.mktemp("world")
    policy = WorldPolicy(inspected_share=0.3, random_probability=0.1)
    generate(ENTERPRISES, SEED, folder, shipments=SHIPMENTS, policy=policy)
    return folder


@pytest.fixture(scope="session")
def world_home(world_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the small world ingested, resolved and a snapshot of it. Read only."""
    home = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, embedded_heap="512m")
    ingest("tables", world_folder / "tables", settings)
    resolve(settings)
    with Lake(settings) as lake, Ledger(settings) as ledger:
        build(lake, settings, judgements=ledger.judgements())
    return home


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """No `HAWSER_*` but a data folder of its own; gives the folder."""
    import os

    for name in [name for name in os.environ if name.startswith("HAWSER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HAWSER_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"


@pytest.fixture(scope="session")
def world_snapshot(world_home: Path) -> Snapshot:
    """The snapshot of the small world."""
    from graph.snapshot import open_snapshot

    return open_snapshot(Settings(home=world_home))
