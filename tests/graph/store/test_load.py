"""A load that is killed leaves a usable graph, and the next one finishes it."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from graph.errors import LoadError
from graph.settings import Settings
from graph.store import load
from graph.store.bolt import GraphStore
from graph.store.lake import Lake
from graph.store.server_folder import server_folder, try_lock
from ingest.pipeline import ingest
from ingest.world import generate

ROOT = Path(__file__).parents[3]
LOAD = """
import os, signal, sys
from pathlib import Path
from graph.settings import Settings
from graph.store import load
from graph.store.bolt import GraphStore
from graph.store.lake import Lake
settings = Settings(home=Path(sys.argv[1]), embedded_heap="512m", graph_batch_size=200)
def tell(what, share):
    if what == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "rebuild":
    load.rebuild(Lake(settings), settings, progress=tell)
else:
    with GraphStore.open(settings) as store:
        load.increment(Lake(settings), store, progress=tell)
"""


@pytest.fixture(scope="module")
def tiny_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake of a world of 100 enterprises, without the nomenclature's thousands of nodes."""
    folder = tmp_path_factory.mktemp("tiny")
    generate(100, 11, folder, shipments=200)
    (folder / "tables" / "commodities.parquet").unlink()
    settings = Settings(home=folder / "home", threads=2)
    ingest("tables", folder / "tables", settings)
    return settings.lake_folder


@pytest.fixture
def settings(tiny_lake: Path, tmp_path: Path) -> Settings:
    """The tiny lake in a data folder of its own, with no graph yet."""
    home = tmp_path / "home"
    shutil.copytree(tiny_lake, home / "lake")
    return Settings(home=home, embedded_heap="512m", embedded_idle=0.5)


def kill_at(settings: Settings, way: str, kind: str) -> None:
    """Start a load in a process of its own, which kills itself when it comes to a kind."""
    command = [sys.executable, "-c", LOAD, str(settings.home), way, kind]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL


@pytest.mark.slow
def test_killed_loads_are_finished_by_the_next(settings: Settings) -> None:
    kill_at(settings, "increment", "PACKED_IN")
    with Lake(settings) as lake:
        with GraphStore.open(settings) as store:
            partly = store.read("count", "MATCH (n:Shipment) RETURN count(n) AS n", {})[0]["n"]
            assert partly > 0, "it was killed after the shipments"
            done = load.increment(lake, store)
            assert 0 < done.written_edges <= sum(done.edges.values())
            again = load.increment(lake, store)
        assert (again.written_nodes, again.written_edges, again.removed_edges) == (0, 0, 0)
        kill_at(settings, "rebuild", "CONTAINS")
        with GraphStore.open(settings) as store:
            still = load.increment(lake, store)
            assert (still.written_nodes, still.written_edges) == (0, 0), "the old graph serves on"
        whole = load.rebuild(lake, settings)
    assert (whole.nodes, whole.edges) == (done.nodes, done.edges)


def test_a_second_load_is_told_so(settings: Settings) -> None:
    folder = server_folder(settings.home)
    folder.create()
    with (
        try_lock(folder.load_lock, shared=False),
        Lake(settings) as lake,
        pytest.raises(LoadError, match=r"another load of .* is running"),
    ):
        load.rebuild(lake, settings)
