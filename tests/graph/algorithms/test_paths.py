"""The best paths, against an exhaustive search with networkx."""

import math
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.algorithms.network import Arcs, Network
from graph.algorithms.paths import FoundPath, Limits, Through, most_reliable

Drawn = tuple[int, list[tuple[int, int, float]], list[float]]


@st.composite
def graphs(draw: st.DrawFn) -> Drawn:
    size = draw(st.integers(2, 8))
    node = st.integers(0, size - 1)
    strength = st.floats(0.05, 1.0)
    arcs = draw(st.lists(st.tuples(node, node, strength), max_size=24))
    sources = draw(st.lists(st.sampled_from([0.0, 0.3, 1.0]), min_size=size, max_size=size))
    return size, arcs, sources


def network(size: int, arcs: list[tuple[int, int, float]]) -> Network:
    tail, head, strength = (np.array([arc[i] for arc in arcs]) for i in range(3))
    number = np.arange(len(arcs), dtype=np.int64)
    return Network.build(
        size,
        ["OWNS"],
        Arcs(
            tail.astype(np.int64),
            head.astype(np.int64),
            strength.astype(float),
            np.zeros(len(arcs), np.int16),
            number,
            np.ones(len(arcs), bool),
        ),
    )


def oracle(drawn: Drawn, target: int, hops: int) -> list[float]:
    size, arcs, sources = drawn
    graph = nx.DiGraph()
    graph.add_nodes_from(range(size))
    for tail, head, strength in arcs:
        if tail != head:
            known = graph.get_edge_data(tail, head, {"p": 0.0})["p"]
            graph.add_edge(tail, head, p=max(known, strength))
    return sorted(
        (
            sources[start] * math.prod(graph[a][b]["p"] for a, b in pairwise(path))
            for start in range(size)
            if sources[start] > 0 and start != target
            for path in nx.all_simple_paths(graph, start, target, cutoff=hops)
        ),
        reverse=True,
    )


@settings(deadline=None, max_examples=200)
@given(graphs(), st.integers(1, 4))
def test_every_simple_path_is_found_in_order(drawn: Drawn, hops: int) -> None:
    size, arcs, sources = drawn
    limits = Limits(max_hops=hops, path_limit=10_000, step_limit=1_000_000, least=1e-12)
    found = most_reliable(network(size, arcs), 0, np.array(sources), limits)
    best = [path.reliability for path in found.paths]
    np.testing.assert_allclose(best, oracle(drawn, 0, hops), rtol=1e-9)
    assert not found.partial
    assert all(len(set(path.nodes)) == len(path.nodes) <= hops + 1 for path in found.paths)
    assert len({path.nodes for path in found.paths}) == len(found.paths)


@settings(deadline=None, max_examples=200)
@given(graphs(), st.integers(1, 4), st.integers(0, 3))
def test_of_each_source_the_best_path_that_counts_is_found(
    drawn: Drawn, hops: int, shunned: int
) -> None:
    """`shunned` is a node that no path which counts passes through; 0 is none."""
    size, arcs, sources = drawn
    limits = Limits(max_hops=hops, path_limit=10_000, step_limit=1_000_000, least=1e-12)

    def counts(path: FoundPath) -> bool:
        return shunned == 0 or shunned not in path.nodes[1:-1]

    net = network(size, arcs)
    every = most_reliable(net, 0, np.array(sources), limits, counts)
    once = most_reliable(net, 0, np.array(sources), limits, counts, once=True)
    best: dict[int, float] = {}
    for path in every.paths:
        best.setdefault(path.nodes[0], path.reliability)
    assert {path.nodes[0]: path.reliability for path in once.paths} == pytest.approx(best)
    assert len(once.paths) == len(best)
    told = [path.reliability for path in once.paths]
    assert told == sorted(told, reverse=True)


@settings(deadline=None, max_examples=300)
@given(graphs(), st.integers(1, 4), st.data())
def test_paths_through_some_arcs_are_found_and_no_others(
    drawn: Drawn, hops: int, data: st.DataObject
) -> None:
    size, arcs, sources = drawn
    limits = Limits(max_hops=hops, path_limit=10_000, step_limit=1_000_000, least=1e-12)
    net = network(size, arcs)
    marks = st.lists(st.booleans(), min_size=size, max_size=size)
    starts, heads = (np.array(data.draw(marks), dtype=bool) for _ in range(2))
    through = Through(heads[net.arcs.head] & (net.arcs.tail % 2 == 0), starts)
    every = most_reliable(net, 0, np.array(sources), limits).paths
    wanted = [path for path in every
              if through.arcs[list(path.arcs)].any() or starts[path.nodes[0]]]  # fmt: skip
    found = most_reliable(net, 0, np.array(sources), limits, through=through)
    assert {path.nodes for path in found.paths} == {path.nodes for path in wanted}
    assert len(found.paths) == len(wanted)
    told = [path.reliability for path in found.paths]
    assert told == pytest.approx([path.reliability for path in wanted])
    best: dict[int, float] = {}
    for path in wanted:
        best.setdefault(path.nodes[0], path.reliability)
    once = most_reliable(net, 0, np.array(sources), limits, once=True, through=through)
    assert {path.nodes[0]: path.reliability for path in once.paths} == pytest.approx(best)
    assert len(once.paths) == len(best)


@settings(deadline=None, max_examples=100)
@given(graphs(), st.integers(1, 5))
def test_a_limit_gives_the_best_and_says_so(drawn: Drawn, limit: int) -> None:
    size, arcs, sources = drawn
    every = oracle(drawn, 0, 4)
    limits = Limits(path_limit=limit, least=1e-12)
    found = most_reliable(network(size, arcs), 0, np.array(sources), limits)
    np.testing.assert_allclose([p.reliability for p in found.paths], every[:limit], rtol=1e-9)
    assert found.partial == (len(every) > limit)


def test_a_hub_may_start_a_path_but_is_not_passed_through() -> None:
    spokes = [(i, 1, 0.9) for i in range(2, 12)]
    net = network(12, [(1, 0, 0.9), *spokes])
    sources = np.zeros(12)
    sources[[1, 5]] = 1.0
    found = most_reliable(net, 0, sources, Limits(hub_limit=5))
    assert [path.nodes for path in found.paths] == [(1, 0)]
    assert found.hubs == (1,)
    assert len(most_reliable(net, 0, sources, Limits(hub_limit=10)).paths) == 2


def test_a_bounded_neighbourhood_is_partial() -> None:
    net = network(12, [(1, 0, 0.9), *((i, 1, 0.9) for i in range(2, 12))])
    found = most_reliable(net, 0, np.ones(12), Limits(arc_limit=5))
    assert found.partial
    assert [path.nodes for path in found.paths] == [(1, 0)]
