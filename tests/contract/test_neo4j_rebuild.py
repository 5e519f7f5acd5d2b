"""A swap of Neo4j's store folders that is cut short is undone, and nobody undoes a live one."""

import errno
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graph.errors import LoadError
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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neo4jServer]:
    """A real Neo4j of its own, which the tests leave running."""
    lack = missing()
    if lack:
        pytest.skip(f"the real Neo4j is left out: {lack}")
    with temporary(tmp_path_factory.mktemp("neo4j")) as server:
        yield server


def add_persons(settings: Settings, *names: str) -> None:
    path = settings.home.parent / "persons.csv"
    path.write_text("person_id,name\n" + "".join(f"{name},{name}\n" for name in names))
    ingest("tables", path, settings)


def persons(settings: Settings) -> list[str]:
    with GraphStore.open(settings) as store:
        found = store.read("persons", "MATCH (p:Person) RETURN p.id AS id ORDER BY id", {})
    return [row["id"] for row in found]


@pytest.fixture
def settings(tmp_path: Path, server: Neo4jServer) -> Settings:
    """A data folder whose lake has persons `a`, `b` and `c`; in the graph there is only `a`."""
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
    return settings


def rebuild_up_to_its_swap(settings: Settings, server: Neo4jServer) -> subprocess.Popen[bytes]:
    arguments = [settings.home, server.uri, server.password, server.home]
    child = subprocess.Popen([sys.executable, "-c", REBUILD, *map(str, arguments)], cwd=ROOT)
    while not (server.home / "swap.json").exists():
        assert child.poll() is None, "it ended without exchanging the folders"
        time.sleep(0.01)
    return child


@pytest.mark.slow
def test_a_rebuild_killed_in_its_swap_is_undone(settings: Settings, server: Neo4jServer) -> None:
    child = rebuild_up_to_its_swap(settings, server)
    child.kill()
    child.wait()

    recover(server)
    assert not (server.home / "swap.json").exists() and server.tied
    assert persons(settings) == ["a"]
    with Lake(settings) as lake, GraphStore.open(settings) as store:
        load.increment(lake, store)
    assert persons(settings) == ["a", "b", "c"]


@pytest.mark.slow
def test_a_full_disk_leaves_the_server_as_it_was(
    settings: Settings, server: Neo4jServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full from the moment in which the swap begins."""
    make = tempfile.mkstemp

    def full(*arguments: Any, **options: Any) -> tuple[int, str]:
        if str(options.get("prefix", "")).startswith(".swap.json"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return make(*arguments, **options)

    before = server.process
    monkeypatch.setattr(tempfile, "mkstemp", full)
    with Lake(settings) as lake, pytest.raises(LoadError) as refused:
        load.rebuild(lake, settings)
    assert "No space left on device" in str(refused.value)
    assert str(refused.value).endswith("the graph is as it was")
    assert before is not None and server.process == before
    assert persons(settings) == ["a"]


@pytest.mark.slow
def test_nobody_undoes_a_swap_that_is_under_way(settings: Settings, server: Neo4jServer) -> None:
    child = rebuild_up_to_its_swap(settings, server)
    make = [sys.executable, "-m", "deploy.neo4j"]
    told = subprocess.run(
        make, cwd=ROOT, env={**os.environ, "HAWSER_NEO4J_HOME": str(server.home)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert child.wait() == 0, "the swap was undone under the rebuild"
    # It waited for the swap's end, or gave up after a minute.
    assert told.returncode == 0 or "another command is" in told.stderr
    server.stop()  # the server of the rebuild, which ends with it, or that of the other command
    server.start(tied=True)
    assert persons(settings) == ["a", "b", "c"]


@pytest.mark.slow
def test_a_journal_that_does_not_say_enough_is_followed(
    settings: Settings, server: Neo4jServer
) -> None:
    """That of an older version is no JSON."""
    server.stop()
    (server.home / "swap.json").write_text("the store folders are being exchanged\n")
    recover(server)
    assert not (server.home / "swap.json").exists()
    assert server.process is not None and not server.tied
    assert persons(settings) == ["a"]
