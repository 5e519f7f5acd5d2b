"""A rebuild of Neo4j that is killed while the store folders change places is undone."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.settings import Settings
from graph.store import load
from graph.store.bolt import GraphStore
from graph.store.lake import Lake
from graph.store.neo4j_rebuild import recover
from graph.store.neo4j_server import Neo4jServer, missing, temporary
from ingest.pipeline import ingest

ROOT = Path(__file__).parents[2]
REBUILD = """
import sys
from pathlib import Path
from graph.settings import Settings
from graph.store import load
from graph.store.lake import Lake
home, uri, password, server = sys.argv[1:]
settings = Settings(
    home=Path(home), graph_uri=uri, graph_password=password, neo4j_home=Path(server)
)
load.rebuild(Lake(settings), settings)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Neo4jServer]:
    """A real Neo4j of its own."""
    lack = missing()
    if lack:
        pytest.skip(f"the real Neo4j is left out: {lack}")
    with temporary(tmp_path / "neo4j") as server:
        yield server


def add_persons(settings: Settings, *names: str) -> None:
    path = settings.home.parent / "persons.csv"
    path.write_text("person_id,name\n" + "".join(f"{name},{name}\n" for name in names))
    ingest("tables", path, settings)


def persons(settings: Settings) -> list[str]:
    with GraphStore.open(settings) as store:
        found = store.read("persons", "MATCH (p:Person) RETURN p.id AS id ORDER BY id", {})
    return [row["id"] for row in found]


@pytest.mark.slow
def test_a_rebuild_killed_in_its_swap_is_undone(tmp_path: Path, server: Neo4jServer) -> None:
    settings = Settings(
        home=tmp_path / "home",
        graph_uri=server.uri,
        graph_password=server.password,
        neo4j_home=server.home,
    )
    add_persons(settings, "a")
    with Lake(settings) as lake, GraphStore.open(settings) as store:
        load.increment(lake, store)
    add_persons(settings, "b", "c")

    arguments = [settings.home, server.uri, server.password, server.home]
    child = subprocess.Popen([sys.executable, "-c", REBUILD, *map(str, arguments)], cwd=ROOT)
    while not (server.home / "swap.json").exists():
        assert child.poll() is None, "it ended without exchanging the folders"
        time.sleep(0.01)
    child.kill()
    child.wait()

    recover(server)
    assert not (server.home / "swap.json").exists() and server.tied
    assert persons(settings) == ["a"]
    with Lake(settings) as lake, GraphStore.open(settings) as store:
        load.increment(lake, store)
    assert persons(settings) == ["a", "b", "c"]
