"""The typed links of a snapshot as one weighted graph that a search can walk backwards.

An `Arc` leads from `tail` to `head` and has a `reliability` in (0, 1]: how much of what is said of
the tail is said of the head. Searches use its weight `-log(reliability)`, so that the most reliable
path is the shortest one. Between two nodes only the strongest arc is kept: parallel links between
the same two parties would otherwise count the same tie several times.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph import access
from graph.algorithms.cache import per_snapshot
from graph.ontology import EDGE_KINDS, NODE_KINDS
from graph.snapshot import NO_END, NO_START, Snapshot, from_day, to_day

Integers = NDArray[np.int64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class LinkPolicy:
    """How much an edge kind passes on, in its own direction (`forward`) and against it.

    `by_share` multiplies with the edge's share, `unknown` standing for one that is not known.
    """

    kind: str
    forward: float
    backward: float
    by_share: bool = False
    unknown: float = 0.5


@dataclass(frozen=True)
class Arcs:
    """Arcs side by side: reliability, the edge kind's place in `kinds`, the edge's number in its
    kind's arrays, and whether the arc runs in the edge's own direction."""

    tail: Integers
    head: Integers
    reliability: Numbers
    kind: NDArray[np.int16]
    edge: Integers
    forward: NDArray[np.bool_]

    def take(self, chosen: NDArray[Any]) -> "Arcs":
        """The chosen arcs, by place or by mask."""
        return Arcs(
            self.tail[chosen],
            self.head[chosen],
            self.reliability[chosen],
            self.kind[chosen],
            self.edge[chosen],
            self.forward[chosen],
        )


@dataclass(frozen=True)
class Network:
    """Arcs sorted by head: `pointer[v]` to `pointer[v + 1]` are the arcs that lead to `v`."""

    size: int
    kinds: tuple[str, ...]
    pointer: Integers
    arcs: Arcs

    @classmethod
    def build(
        cls,
        size: int,
        kinds: Sequence[str],
        arcs: Arcs,
        apart: NDArray[np.bool_] | None = None,
    ) -> "Network":
        """Sort by head and keep the strongest arc of each pair, of those `apart` (a mask of arcs)
        one more. O(m log m) time, O(n + m) space."""
        usable = (arcs.reliability > 0) & (arcs.tail != arcs.head)
        other = np.zeros(len(usable), dtype=np.bool_) if apart is None else apart
        arcs, other = arcs.take(usable), other[usable]
        order = np.lexsort(
            (~arcs.forward, arcs.kind, -arcs.reliability, other, arcs.tail, arcs.head)
        )
        arcs, other = arcs.take(order), other[order]
        first = np.ones(len(order), dtype=np.bool_)
        first[1:] = (np.diff(arcs.head) != 0) | (np.diff(arcs.tail) != 0) | np.diff(other)
        arcs = arcs.take(first)
        pointer = np.searchsorted(arcs.head, np.arange(size + 1)).astype(np.int64)
        return cls(size, tuple(kinds), pointer, arcs)

    @property
    def degree(self) -> Integers:
        """The number of arcs that lead to each node."""
        return np.diff(self.pointer)

    def leading_to(self, nodes: Integers) -> Integers:
        """The places of all arcs that lead to any of the nodes, in the nodes' order. O(result)."""
        starts, counts = self.pointer[nodes], self.degree[nodes]
        shift = np.repeat(starts - np.concatenate(([0], np.cumsum(counts)[:-1])), counts)
        return np.asarray(np.arange(counts.sum()) + shift, dtype=np.int64)


@dataclass(frozen=True)
class ArcName:
    """An arc as people read it: its kind named in the direction walked, its dates and its record.
    `marking` (of the arc) and `property_marking` (of its dates and record) are places in
    `MARKINGS`."""

    kind: str
    valid_from: date | None
    valid_to: date | None
    record: str
    marking: int
    property_marking: int


def name_arc(snapshot: Snapshot, network: Network, place: int) -> ArcName:
    """Describe the arc at a place of `network.arcs`."""
    arcs = network.arcs
    kind = network.kinds[int(arcs.kind[place])]
    return name_edge(snapshot, kind, int(arcs.edge[place]), forward=bool(arcs.forward[place]))


def name_edge(snapshot: Snapshot, kind: str, number: int, *, forward: bool) -> ArcName:
    """Describe an edge by its number in its kind's arrays, walked forward or backward."""
    edges = snapshot.edges(kind)
    return ArcName(
        kind if forward else EDGE_KINDS[kind].inverse,
        from_day(int(edges.valid_from[number])),
        from_day(int(edges.valid_to[number])),
        bytes(edges.record[number]).decode(),
        int(edges.marking[number]),
        int(edges.property_marking[number]),
    )


@dataclass(frozen=True)
class SeenEdges:
    """The m edges of a kind as a reader may see them, arrays of length m. `exists`: the edge and
    both its ends do for the reader; `shown`: weight, days and record may be seen too. Of the others
    `weight` is NaN and the interval open: one that is not known to have ended."""

    exists: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    weight: Numbers
    valid_from: NDArray[np.int32]
    valid_to: NDArray[np.int32]


def seen_edges(
    snapshot: Snapshot, kind: str, clearance: str, shown_to: str | None = None
) -> SeenEdges:
    """The edges of a kind as far as the clearance goes; what is `shown` may stop at a lower one,
    `shown_to`. O(n + m)."""
    edges = snapshot.edges(kind)
    exists = shown = _existing(snapshot, kind, clearance)
    if shown_to is not None:
        shown = shown & _existing(snapshot, kind, shown_to)
    shown = shown & access.visible_mask(np.asarray(edges.property_marking), shown_to or clearance)
    return SeenEdges(
        exists,
        shown,
        np.where(shown, edges.weight, np.nan),
        np.where(shown, edges.valid_from, np.int32(NO_START)),
        np.where(shown, edges.valid_to, np.int32(NO_END)),
    )


def _existing(snapshot: Snapshot, kind: str, clearance: str) -> NDArray[np.bool_]:
    """The edges that exist, as both their ends do, for a reader with the clearance."""
    edges = snapshot.edges(kind)
    nodes = access.visible_mask(node_markings(snapshot), clearance)
    exists = access.visible_mask(np.asarray(edges.marking), clearance)
    return exists & nodes[np.asarray(edges.source)] & nodes[np.asarray(edges.target)]


@per_snapshot(8)
def node_markings(snapshot: Snapshot, column: str = "markings") -> NDArray[np.uint8]:
    """Every node's place in `MARKINGS`, in the snapshot's numbering: the lowest of all statements
    that name it (`markings`) or that of its properties (`marking`). O(n), kept per snapshot."""
    parts = [access.lowest(snapshot.nodes(kind).column(column)) for kind in NODE_KINDS]
    return np.concatenate(parts)


@per_snapshot(8)
def network_of(
    snapshot: Snapshot,
    links: tuple[LinkPolicy, ...],
    damping: float,
    former: float,
    clearance: str,
) -> Network:
    """The network of a snapshot under a policy, as far as the clearance goes.

    A link that ended on or before the snapshot's day is multiplied with `former` (0 leaves it
    out); one that has not begun is left out. O(m log m) in the edges of the policy's kinds; kept
    for the last few combinations.
    """
    return build_network(snapshot, links, damping, former, clearance, {})


def build_network(
    snapshot: Snapshot,
    links: tuple[LinkPolicy, ...],
    damping: float,
    former: float,
    clearance: str,
    only: Mapping[str, NDArray[np.bool_]],
) -> Network:
    """`network_of`, of some kinds `only` the edges that a mask (of length m) keeps; not kept."""
    seen = {
        link.kind: _only(seen_edges(snapshot, link.kind, clearance), only.get(link.kind))
        for link in links
    }
    arcs = arcs_of(snapshot, links, damping, former, seen)
    return Network.build(snapshot.size, [link.kind for link in links], arcs)


def _only(seen: SeenEdges, kept: NDArray[np.bool_] | None) -> SeenEdges:
    return seen if kept is None else replace(seen, exists=seen.exists & kept)


def arcs_of(
    snapshot: Snapshot,
    links: Sequence[LinkPolicy],
    damping: float,
    former: float,
    seen: Mapping[str, SeenEdges],
) -> Arcs:
    """All arcs of the edges that exist in `seen` (by kind), weighed by what is shown of them;
    `kind` is the place in `links`. O(m)."""
    parts = [
        part
        for place, link in enumerate(links)
        for part in _arcs_of(snapshot, link, place, former, seen[link.kind])
    ]
    arcs = _join(parts)
    return replace(arcs, reliability=arcs.reliability * damping)


def _arcs_of(
    snapshot: Snapshot, link: LinkPolicy, place: int, former: float, seen: SeenEdges
) -> list[Arcs]:
    """The arcs of one edge kind, both ways."""
    edges, today = snapshot.edges(link.kind), to_day(snapshot.as_of)
    factor = np.where(seen.valid_to <= today, former, 1.0) * (seen.valid_from <= today)
    factor = factor * seen.exists
    if link.by_share:
        share = seen.weight
        factor = factor * np.where((share > 0) & (share <= 1), share, link.unknown)
    number = np.flatnonzero(factor > 0).astype(np.int64)
    source, target = np.asarray(edges.source)[number], np.asarray(edges.target)[number]
    ways = ((source, target, link.forward, True), (target, source, link.backward, False))
    return [
        Arcs(
            tail.astype(np.int64),
            head.astype(np.int64),
            factor[number] * strength,
            np.full(len(number), place, dtype=np.int16),
            number,
            np.full(len(number), forward),
        )
        for tail, head, strength, forward in ways
        if strength > 0
    ]


def _join(parts: list[Arcs]) -> Arcs:
    empty = np.empty(0, dtype=np.int64)
    none = Arcs(
        empty, empty, empty.astype(float), empty.astype(np.int16), empty, empty.astype(bool)
    )
    columns = [
        np.concatenate([getattr(part, name) for part in [none, *parts]])
        for name in ("tail", "head", "reliability", "kind", "edge", "forward")
    ]
    return Arcs(*columns)
