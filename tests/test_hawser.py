"""The Python door: a data folder opened, asked and closed; and the notebook that shows it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import networkx
import numpy as np
import polars as pl
import pytest

import hawser
from graph.errors import HawserError, NotFound, SettingsError
from graph.snapshot import Snapshot


@pytest.fixture
def data(world_home: Path) -> Iterator[hawser.Data]:
    with hawser.open(world_home) as opened:
        yield opened


@pytest.fixture(scope="session")
def member(world_folder: Path) -> str:
    """An enterprise of a ring."""
    truth = pl.read_parquet(world_folder / "truth" / "enterprises.parquet")
    return str(truth.filter(pl.col("role") == "front")["enterprise_id"][0])


def test_opening_reads_nothing_and_a_wrong_clearance_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no data folder"):
        hawser.open(tmp_path / "nothing")
    (tmp_path / "empty" / "lake").mkdir(parents=True)
    with hawser.open(tmp_path / "empty") as empty, pytest.raises(HawserError, match="snapshot"):
        empty.paths("E1")
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
    with pytest.raises(SettingsError):
        hawser.open(tmp_path, clearance="EVERYTHING")


def test_paths_and_owners(data: hawser.Data, member: str) -> None:
    assert data.paths(member, limit=2)["target"] == member
    assert data.owners(member)["target"] == member
    with pytest.raises(NotFound):
        data.paths("nobody")


@pytest.mark.parametrize("hops", [1, 2])
def test_the_neighbourhood_is_the_ball_of_the_whole_graph(
    data: hawser.Data, world_snapshot: Snapshot, member: str, hops: int
) -> None:
    kinds = ("OWNS", "DIRECTS", "LEGALLY_REPRESENTS", "REGISTERED_AT", "REACHED_AT")
    whole = networkx.MultiGraph()
    for kind in kinds:
        edges = world_snapshot.edges(kind)
        whole.add_edges_from(zip(edges.source.tolist(), edges.target.tolist(), strict=True))
    ball = networkx.ego_graph(whole, data.node(member), radius=hops)
    found = data.neighbourhood(member, hops, kinds=kinds)
    assert {data.node(id) for id in found} == set(ball)
    assert found.number_of_edges() == ball.number_of_edges()
    assert found.nodes[member]["kind"] == "Enterprise" and found.nodes[member]["name"]


def test_a_neighbourhood_that_is_too_large_says_so(data: hawser.Data, member: str) -> None:
    found = data.neighbourhood(member, 2, limit=10)
    assert found.number_of_nodes() == 10 and found.graph["partial"]


def test_hubs_are_in_a_neighbourhood_and_not_walked_through(
    data: hawser.Data, world_snapshot: Snapshot, member: str
) -> None:
    links: networkx.MultiGraph[int] = networkx.MultiGraph()
    for kind in world_snapshot.edge_counts:
        edges = world_snapshot.edges(kind)
        links.add_edges_from(zip(edges.source.tolist(), edges.target.tolist(), strict=True))
    centre, degree = data.node(member), dict(links.degree())
    near = set(links[centre])
    hubs = {node for node in near if degree[node] > 500}
    beyond = {other for node in near - hubs for other in links[node]}
    found = data.neighbourhood(member, 2, limit=100_000, through_hubs=False)
    assert {data.node(id) for id in found} == {centre} | near | beyond
    assert {data.node(id) for id in found.graph["hubs"]} == hubs
    assert hubs & set(range(*world_snapshot.range("Country")))
    assert not found.graph["partial"]
    assert len(data.neighbourhood(member, 2, limit=100_000)) > len(found)


def test_what_the_clearance_hides_is_counted(world_home: Path, member: str) -> None:
    everything = hawser.open(world_home, clearance="SECRET").neighbourhood(member)
    assert everything.graph["redacted"] == 0
    with pytest.raises(NotFound):
        hawser.open(world_home, clearance="PUBLIC").neighbourhood(member)


def test_the_queries_are_listed(data: hawser.Data) -> None:
    listed = data.queries()
    assert list(listed.columns) == ["name", "parameters", "columns", "purpose"]
    assert "enterprise" in set(listed["name"])
    with pytest.raises(HawserError):
        data.query("no such query")


def test_the_example_of_the_notebook_runs(
    world_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every cell, in a real kernel, on the small world with scores and the graph loaded."""
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    from commands import stages

    settings = replace(hawser.open(world_home).settings, embedded_heap="512m")
    stages.load(settings, True, None, None, silent)
    stages.index(settings, silent)
    stages.features(settings, None, silent)
    stages.train(settings, None, 7, None, silent)
    stages.score(settings, None, None, silent)
    monkeypatch.setenv("HAWSER_HOME", str(world_home))
    monkeypatch.setenv("HAWSER_EMBEDDED_HEAP", "512m")
    monkeypatch.setenv("PYTHONPATH", str(Path(hawser.__file__).parent))
    notebook = nbformat.read(Path(hawser.__file__).parent / "docs" / "explore.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=240, kernel_name="python3").execute()
    assert all(cell.outputs for cell in notebook.cells[1:-1] if cell.cell_type == "code")


def silent(what: str, fraction: float) -> None:
    assert what and np.isfinite(fraction)
