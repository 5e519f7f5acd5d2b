"""The part of a snapshot around a node, as a networkx graph."""

from dataclasses import dataclass
from typing import Any

import networkx
import numpy as np
from numpy.typing import NDArray

from graph import access
from graph.algorithms.network import node_markings, seen_edges
from graph.errors import NotFound
from graph.snapshot import Snapshot, from_day

#: Columns of a node's table that are not properties.
_NOT_PROPERTIES = frozenset({"id", "markings"})

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Ball:
    """What to grow in: edge kinds, what the reader may see, the most nodes to hold, and the most
    edges of a node that growth passes through (None: any)."""

    snapshot: Snapshot
    clearance: str
    kinds: tuple[str, ...]
    limit: int
    hub_limit: int | None = None


def draw(ball: Ball, centre: int, hops: int) -> "networkx.MultiDiGraph[str]":
    """The nodes within `hops` steps of `centre` and all edges among them.

    `graph["partial"]` is true when growth stopped at the limit, `graph["hubs"]` has the ids of the
    nodes it did not pass through: those other than the centre with more edges than the hub limit.
    `graph["redacted"]` counts what the clearance does not reach: nodes left out, and properties of
    nodes and edges left out. O(hops * m).
    """
    snapshot = ball.snapshot
    hidden = ~access.visible_mask(node_markings(snapshot), ball.clearance)
    if hidden[centre]:
        raise NotFound(f"nothing in snapshot {snapshot.id} has the id {snapshot.id_of(centre)!r}")
    nodes, out, partial = np.array([centre], np.int64), np.empty(0, np.int64), False
    crowded, hubs = _crowded(ball, centre), np.empty(0, np.int64)
    for _ in range(hops):
        hubs = nodes[crowded[nodes]]
        reached = np.setdiff1d(_next(ball, nodes[~crowded[nodes]]), nodes)
        out = np.union1d(out, reached[hidden[reached]])
        reached = reached[~hidden[reached]]
        room = ball.limit - nodes.size
        partial = partial or reached.size > room
        nodes = np.union1d(nodes, reached[: max(room, 0)])
    graph: networkx.MultiDiGraph[str] = networkx.MultiDiGraph(
        snapshot=snapshot.id, partial=partial, hubs=[snapshot.id_of(int(hub)) for hub in hubs]
    )
    rows, redacted = _node_rows(ball, nodes)
    graph.add_nodes_from(rows)
    for kind in ball.kinds:
        links, left_out = _edge_rows(ball, kind, nodes)
        redacted += left_out
        for source, target, key, attributes in links:
            graph.add_edge(source, target, key=key, **attributes)
    graph.graph["redacted"] = redacted + out.size
    return graph


def _seen(ball: Ball, kind: str) -> NDArray[np.bool_]:
    return access.visible_mask(ball.snapshot.edges(kind).marking, ball.clearance)


def _crowded(ball: Ball, centre: int) -> NDArray[np.bool_]:
    """Which nodes have more edges than growth passes through, of those that exist for the reader:
    others must not show in how far an answer reaches. O(n + m)."""
    if ball.hub_limit is None:
        return np.zeros(ball.snapshot.size, np.bool_)
    degree = np.zeros(ball.snapshot.size, np.int64)
    for kind in ball.kinds:
        edges, exists = ball.snapshot.edges(kind), _existing(ball, kind)
        for ends in (edges.source, edges.target):
            degree += np.bincount(ends[exists], minlength=degree.size)
    crowded = degree > ball.hub_limit
    crowded[centre] = False
    return crowded


def _existing(ball: Ball, kind: str) -> NDArray[np.bool_]:
    """The edges that exist for the reader, as both their ends do."""
    return seen_edges(ball.snapshot, kind, ball.clearance).exists


def _next(ball: Ball, nodes: Integers) -> Integers:
    """The nodes one visible edge away, in either direction."""
    found = [np.empty(0, np.int64)]
    for kind in ball.kinds:
        edges = ball.snapshot.edges(kind)
        seen = _seen(ball, kind)
        found.append(edges.target[seen & np.isin(edges.source, nodes)])
        found.append(edges.source[seen & np.isin(edges.target, nodes)])
    return np.unique(np.concatenate(found))


def _node_rows(ball: Ball, nodes: Integers) -> tuple[list[tuple[str, dict[str, Any]]], int]:
    """(id, properties) of each node without the properties above the clearance; how many those
    are."""
    redacted = 0
    rows: list[tuple[str, dict[str, Any]]] = []
    shown = access.visible_mask(node_markings(ball.snapshot, "marking"), ball.clearance)
    for kind in ball.snapshot.node_counts:
        start, stop = ball.snapshot.range(kind)
        chosen = nodes[(nodes >= start) & (nodes < stop)]
        table = ball.snapshot.nodes(kind).take(chosen - start)
        for number, row in zip(chosen, table.to_pylist(), strict=True):
            kept = {k: v for k, v in row.items() if k not in _NOT_PROPERTIES and v is not None}
            redacted += 0 if shown[number] else len(kept)
            rows.append((row["id"], {"kind": kind, **(kept if shown[number] else {})}))
    return rows, redacted


def _edge_rows(
    ball: Ball, kind: str, nodes: Integers
) -> tuple[list[tuple[str, str, str, dict[str, Any]]], int]:
    """(source, target, key, attributes) of the visible edges with both ends among `nodes`; how many
    attributes are left out because the clearance does not reach them."""
    snapshot, edges = ball.snapshot, ball.snapshot.edges(kind)
    inside = _seen(ball, kind) & np.isin(edges.source, nodes) & np.isin(edges.target, nodes)
    shown = access.visible_mask(edges.property_marking, ball.clearance)
    rows, redacted = [], 0
    for place in np.flatnonzero(inside):
        ends = (snapshot.id_of(int(edges.source[place])), snapshot.id_of(int(edges.target[place])))
        attributes = {
            "weight": float(edges.weight[place]),
            "valid_from": from_day(int(edges.valid_from[place])),
            "valid_to": from_day(int(edges.valid_to[place])),
            "recorded_at": from_day(int(edges.recorded_at[place])),
            "record": edges.record[place].decode(),
        }
        if not shown[place]:
            redacted += sum(value is not None for value in attributes.values())
            attributes = {}
        rows.append((*ends, f"{kind}:{place}", {"kind": kind, **attributes}))
    return rows, redacted
