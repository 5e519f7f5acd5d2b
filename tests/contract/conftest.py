"""The two graph servers, so that one story of a test runs on each.

`graph_store` is a server for the session, whose graph a module may change as it likes;
`loaded_store` is that server with the small world of `tests/conftest.py` in it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.settings import Settings
from graph.store import load
from graph.store.bolt import GraphStore
from graph.store.lake import Lake
from graph.store.neo4j_server import Neo4jServer, missing, temporary

BACKENDS = ("embedded", "neo4j")


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neo4jServer]:
    """A real Neo4j for the session; it ends with the session, however that ends."""
    lack = missing()
    if lack:
        pytest.skip(f"the real Neo4j is left out: {lack}")
    with temporary(tmp_path_factory.mktemp("neo4j")) as server:
        yield server


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """The name of the graph server."""
    return str(request.param)


@pytest.fixture(scope="session")
def graph_settings(
    backend: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Settings that lead to the server."""
    home = tmp_path_factory.mktemp(backend)
    if backend == "embedded":
        return Settings(home=home, embedded_heap="512m")
    server: Neo4jServer = request.getfixturevalue("neo4j_server")
    return Settings(
        home=home,
        graph_uri=server.uri,
        graph_password=server.password,
        neo4j_home=server.home,
    )


@pytest.fixture(scope="session")
def graph_store(graph_settings: Settings) -> Iterator[GraphStore]:
    """The server, open."""
    with GraphStore.open(graph_settings) as store:
        yield store


@pytest.fixture(scope="module")
def loaded_store(graph_store: GraphStore, world_home: Path) -> GraphStore:
    """The server with the small world in it, loaded again for each module that asks."""
    with Lake(Settings(home=world_home)) as lake:
        load.increment(lake, graph_store)
    return graph_store
