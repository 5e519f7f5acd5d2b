"""Network features against networkx on random graphs."""

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.features.network import (
    concentration,
    core_numbers,
    hops,
    others,
    ownership_depth,
    pagerank,
)

SEEDS = st.integers(0, 10_000)


def _graph(seed: int, n: int = 24, p: float = 0.12) -> tuple[nx.Graph, sparse.csr_array]:
    graph = nx.gnp_random_graph(n, p, seed=seed)
    rng = np.random.default_rng(seed)
    for left, right in graph.edges:
        graph[left][right]["weight"] = float(rng.uniform(1, 5))
    return graph, nx.to_scipy_sparse_array(graph, weight="weight", dtype=float, format="csr")


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_pagerank_is_that_of_networkx(seed: int) -> None:
    graph, links = _graph(seed)
    expected = nx.pagerank(graph, alpha=0.85, weight="weight", tol=1e-12, max_iter=500)
    np.testing.assert_allclose(pagerank(links), list(expected.values()), rtol=1e-6)


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_core_numbers_are_those_of_networkx(seed: int) -> None:
    graph, links = _graph(seed, p=0.25)
    assert core_numbers(links).tolist() == list(nx.core_number(graph).values())


@given(SEEDS, st.integers(0, 6))
@settings(max_examples=25, deadline=None)
def test_hops_are_shortest_paths(seed: int, most: int) -> None:
    graph, links = _graph(seed, p=0.06)
    sources = np.zeros(24, bool)
    sources[[0, 5]] = True
    found = hops(links, sources, most)
    expected = nx.multi_source_dijkstra_path_length(graph, {0, 5}, cutoff=most, weight=None)
    for node in graph:
        assert found[node] == expected[node] if node in expected else np.isnan(found[node])


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_ownership_depth_is_the_longest_chain(seed: int) -> None:
    graph = nx.gnp_random_graph(16, 0.15, seed=seed, directed=True)
    tree = nx.DiGraph((a, b) for a, b in graph.edges if a < b)
    tree.add_nodes_from(range(16))
    owns = nx.to_scipy_sparse_array(tree, nodelist=range(16), dtype=float, format="csr")
    expected = dict.fromkeys(range(16), 0)
    for node in nx.topological_sort(tree):
        for below in tree.successors(node):
            expected[below] = max(expected[below], expected[node] + 1)
    assert ownership_depth(owns).tolist() == list(expected.values())


def test_circle_of_owners_has_the_greatest_depth() -> None:
    owns = sparse.csr_array(np.array([[0.0, 1, 0], [1, 0, 1], [0, 0, 0]]))
    assert ownership_depth(owns, most=7).tolist() == [7, 7, 7]


def test_concentration() -> None:
    found = concentration(sparse.csr_array(np.array([[3.0, 1.0], [0.0, 0.0], [2.0, 0.0]])))
    assert found[0] == pytest.approx(0.625)
    assert np.isnan(found[1])
    assert found[2] == 1


def test_no_nodes() -> None:
    assert pagerank(sparse.csr_array((0, 0))).size == 0


@given(SEEDS, st.floats(0.02, 0.4))
@settings(max_examples=25, deadline=None)
def test_others_are_counted_once_however_much_is_shared(seed: int, share: float) -> None:
    table = np.random.default_rng(seed).random((20, 9)) < share
    found = others(sparse.csr_array(table.astype(float)))
    for row in range(20):
        near = {
            other for hub in np.flatnonzero(table[row]) for other in np.flatnonzero(table[:, hub])
        }
        assert found[row] == len(near - {row})
