"""The most reliable simple paths to a target, in order, within a bounded neighbourhood.

A path's reliability is the product of its arcs' reliabilities and its source's own; the search
minimises the sum of `-log`. It is a best-first search from the target backwards, guided by the
exact distance from the nearest source within the hops that remain (found by `max_hops` rounds of
relaxation), so that paths come out in order of reliability and every one found is certain to be the
next best. Yen (1971) orders the k shortest loopless paths in the same way but knows no bound on the
number of arcs; the reduction of the most reliable to the shortest path is the usual one.

Cost: the neighbourhood is read once, O(max_hops * arcs) with `arcs` <= `arc_limit`; the search then
takes O(b) heap steps a path with b the mean number of arcs that lead to a node, and stops after
`step_limit` steps in any case. With one path a source, the distances are found anew after each, a
round of them only over the arcs from which the target can still be reached in the hops that are
left: O(max_hops * arcs) a path at worst, and 100 paths among 150,000 arcs that all lie within two
steps of the target take one and a half times as long as without. A search `through` some arcs walks
each arc once before and once after it has met one: twice the arcs. A node to which more than
`hub_limit` arcs lead is never passed through (it can be a path's source): everybody is two steps
from everybody through a large broker.
"""

import heapq
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph import access
from graph.algorithms.network import (
    ArcName,
    Integers,
    Network,
    Numbers,
    name_arc,
    name_edge,
    node_markings,
)
from graph.errors import NotFound
from graph.snapshot import Snapshot

#: The kind of a step that the reader may not see.
HIDDEN = "REDACTED"

#: The properties that say what a node is called, best first.
NAMES = ("name", "text", "description")


@dataclass(frozen=True)
class Limits:
    """What bounds a search; each is stated in the answer when it was reached."""

    max_hops: int = 4
    hub_limit: int = 500
    arc_limit: int = 200_000
    step_limit: int = 20_000
    path_limit: int = 100
    least: float = 1e-4


@dataclass(frozen=True)
class FoundPath:
    """A path from a source to the target: its nodes, its arcs' places, its reliability."""

    nodes: tuple[int, ...]
    arcs: tuple[int, ...]
    reliability: float


@dataclass(frozen=True)
class Found:
    """The paths in order of reliability; `hubs` were met and not passed through; `partial` says
    that a limit was reached, so that there may be more."""

    paths: tuple[FoundPath, ...]
    hubs: tuple[int, ...]
    partial: bool


@dataclass(frozen=True)
class Through:
    """What a path must have: one of the `arcs` (a mask of their places) or, failing that, one of
    the `starts` (a mask of nodes)."""

    arcs: NDArray[np.bool_]
    starts: NDArray[np.bool_]


@dataclass(frozen=True)
class _Neighbourhood:
    """Nodes are numbered by their place in `nodes`. There may be two layers of them: number v +
    `size` is then the same node as v, on the way back from the target after a wanted arc."""

    nodes: Integers  # sorted in each layer
    size: int  # of a layer
    places: Integers  # of the arcs, grouped by head
    tail: Integers  # local numbers
    weight: Numbers
    pointer: Integers  # by local head
    hubs: Integers
    partial: bool


@dataclass(frozen=True)
class _Round:
    """The arcs that one round of relaxation looks at, grouped by head: each of `head` once, with
    the place of its `first` arc among `tail` and `weight`."""

    head: Integers
    first: Integers
    tail: Integers
    weight: Numbers


def most_reliable(
    network: Network,
    target: int,
    sources: Numbers,
    limits: Limits,
    counts: Callable[[FoundPath], bool] | None = None,
    *,
    once: bool = False,
    through: Through | None = None,
) -> Found:
    """The best simple paths from any source to the target.

    Args:
        sources: each node's own reliability as a source, 0 for none, shape (n,); the target's own
            is left out: a path has at least one arc.
        counts: which of the paths are kept (None: all).
        once: only the best path kept of each source.
        through: the paths that have what it says, and no others.
    """
    near = _neighbourhood(network, target, limits)
    local = int(np.searchsorted(near.nodes, target))
    with np.errstate(divide="ignore"):
        start = -np.log(sources[near.nodes])
    start[local] = math.inf
    if through is not None:
        near, start = _layered(near, start, through)
    rounds = _rounds(near, local, start, limits.max_hops)
    distance = _distances(rounds, start)
    paths: list[FoundPath] = []
    steps = _Steps(limits.step_limit)
    cut = False
    for path in _search(near, local, start, distance, limits, steps):
        if counts is not None and not counts(path):
            continue
        if len(paths) == limits.path_limit:
            cut = True
            break
        paths.append(path)
        if once:
            first = int(np.searchsorted(near.nodes[: near.size], path.nodes[0]))
            start[first :: near.size] = math.inf
            distance[:] = _distances(rounds, start)
    hubs = tuple(int(hub) for hub in near.hubs)
    return Found(tuple(paths), hubs, near.partial or steps.exhausted or cut)


def _neighbourhood(network: Network, target: int, limits: Limits) -> _Neighbourhood:
    """Everything within `max_hops` against the arcs, nearest first while the limit lasts."""
    reach: dict[int, float] = {target: 0.0}
    frontier = np.array([target], dtype=np.int64)
    closeness = np.zeros(1)
    taken: list[Integers] = []
    hubs: list[Integers] = []
    total, partial = 0, False
    for _ in range(limits.max_hops):
        passable = (network.degree[frontier] <= limits.hub_limit) | (frontier == target)
        hubs.append(frontier[~passable])
        frontier, closeness = frontier[passable], closeness[passable]
        frontier = frontier[np.lexsort((frontier, closeness))]
        room = np.cumsum(network.degree[frontier]) <= limits.arc_limit - total
        partial = partial or not bool(room.all())
        frontier = frontier[room]
        places = network.leading_to(frontier)
        if not len(places):
            break
        taken.append(places)
        total += len(places)
        frontier, closeness = _next_frontier(network, places, reach)
    return _localise(network, target, taken, hubs, partial)


def _next_frontier(
    network: Network, places: Integers, reach: dict[int, float]
) -> tuple[Integers, Numbers]:
    """The tails not met before, each with the weight of its best way to the target."""
    tails, heads = network.arcs.tail[places], network.arcs.head[places]
    known, back = np.unique(heads, return_inverse=True)
    base = np.array([reach[int(head)] for head in known])[back]
    weight = base - np.log(network.arcs.reliability[places])
    fresh, number = np.unique(tails, return_inverse=True)
    best = np.full(len(fresh), np.inf)
    np.minimum.at(best, number, weight)
    new = np.array([int(node) not in reach for node in fresh], dtype=np.bool_)
    reach.update(zip(fresh[new].tolist(), best[new].tolist(), strict=True))
    return fresh[new], best[new]


def _localise(
    network: Network, target: int, taken: list[Integers], hubs: list[Integers], partial: bool
) -> _Neighbourhood:
    places = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *taken]))
    heads, tails = network.arcs.head[places], network.arcs.tail[places]
    nodes = np.unique(np.concatenate((heads, tails, [target])))
    pointer = np.searchsorted(np.searchsorted(nodes, heads), np.arange(len(nodes) + 1))
    return _Neighbourhood(
        nodes,
        len(nodes),
        places,
        np.searchsorted(nodes, tails),
        -np.log(network.arcs.reliability[places]),
        pointer,
        np.unique(np.concatenate([np.empty(0, dtype=np.int64), *hubs])),
        partial,
    )


def _layered(
    near: _Neighbourhood, start: Numbers, through: Through
) -> tuple[_Neighbourhood, Numbers]:
    """The neighbourhood in two layers: whoever walks back from the target over a wanted arc gets
    to the second, in which all paths may end; in the first only those at wanted starts may."""
    wanted, arcs = through.arcs[near.places], len(near.places)
    layers = _Neighbourhood(
        np.tile(near.nodes, 2),
        near.size,
        np.tile(near.places, 2),
        np.concatenate((near.tail + near.size * wanted, near.tail + near.size)),
        np.tile(near.weight, 2),
        np.concatenate((near.pointer, near.pointer[1:] + arcs)),
        near.hubs,
        near.partial,
    )
    return layers, np.concatenate((np.where(through.starts[near.nodes], start, math.inf), start))


def _rounds(near: _Neighbourhood, target: int, start: Numbers, count: int) -> list[_Round]:
    """The rounds of relaxation. The h-th leaves out arcs at whose head no path with h arcs behind
    it can still come to the target, and arcs at whose tail none can begin. O(count * arcs)."""
    head = np.repeat(np.arange(len(near.nodes)), np.diff(near.pointer))
    hops = np.full(len(near.nodes), count)
    hops[target] = 0
    for far in range(count - 1):
        tails = near.tail[hops[head] == far]
        hops[tails] = np.minimum(hops[tails], far + 1)
    reached = np.isfinite(start)
    result = []
    for number in range(1, count + 1):
        kept = np.flatnonzero((hops[head] <= count - number) & reached[near.tail])
        first = np.flatnonzero(np.diff(head[kept], prepend=-1))
        heads = head[kept][first]
        result.append(_Round(heads, first, near.tail[kept], near.weight[kept]))
        reached[heads] = True
    return result


def _distances(rounds: list[_Round], start: Numbers) -> list[Numbers]:
    """`result[h][v]`: the least weight from a source to v in at most h arcs, for every v from which
    the target can be reached in the arcs that are left."""
    result = [start]
    for one in rounds:
        best = start.copy()
        if len(one.head):
            least = np.minimum.reduceat(one.weight + result[-1][one.tail], one.first)
            best[one.head] = np.minimum(best[one.head], least)
        result.append(best)
    return result


class _Steps:
    """Counts heap steps down; `exhausted` once there are none left."""

    def __init__(self, limit: int) -> None:
        self.left = limit
        self.exhausted = False

    def spend(self) -> bool:
        self.exhausted = self.left <= 0
        self.left -= 1
        return not self.exhausted


def _search(
    near: _Neighbourhood,
    target: int,
    start: Numbers,
    distance: list[Numbers],
    limits: Limits,
    steps: _Steps,
) -> Iterator[FoundPath]:
    """Paths in order; ties in the order of their nodes. A heap entry is (bound, nodes from the
    target backwards, arcs, weight so far, whether the path ends here).

    Between two paths the caller may take sources away from `start` and `distance`: entries in the
    heap then promise too much, and are put back when their turn comes."""
    bound = -math.log(limits.least)
    heap: list[tuple[float, tuple[int, ...], tuple[int, ...], float, bool]] = [
        (float(distance[limits.max_hops][target]), (target,), (), 0.0, False)
    ]
    while heap and heap[0][0] <= bound:
        if not steps.spend():
            return
        total, nodes, arcs, weight, ends = heapq.heappop(heap)
        node, remaining = nodes[-1], limits.max_hops - len(arcs)
        least = weight + float(start[node] if ends else distance[remaining][node])
        if least > total:
            heapq.heappush(heap, (least, nodes, arcs, weight, ends))
            continue
        if ends:
            yield FoundPath(
                tuple(int(near.nodes[node]) for node in reversed(nodes)),
                tuple(int(near.places[arc]) for arc in reversed(arcs)),
                math.exp(-total),
            )
            continue
        if math.isfinite(start[node]):
            heapq.heappush(heap, (weight + float(start[node]), nodes, arcs, weight, True))
        if not remaining:
            continue
        first, last = int(near.pointer[node]), int(near.pointer[node + 1])
        onward = weight + near.weight[first:last]
        ahead = onward + distance[remaining - 1][near.tail[first:last]]
        for place in np.flatnonzero(ahead <= bound):
            tail = int(near.tail[first + place])
            if tail not in nodes and tail - near.size not in nodes:
                entry = (float(ahead[place]), (*nodes, tail), (*arcs, first + int(place)))
                heapq.heappush(heap, (*entry, float(onward[place]), False))


@dataclass(frozen=True)
class Hop:
    """One step of a path in the direction walked; `kind` is the inverse name when it runs against
    the edge. `evidence` is the id of the record the edge was read from. None where the reader's
    clearance does not reach; `redacted` counts the dates and evidence it hides of a step whose kind
    is shown."""

    source: str | None
    target: str | None
    source_name: str | None
    target_name: str | None
    kind: str
    valid_from: date | None
    valid_to: date | None
    evidence: str | None
    redacted: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The keys of the machine-readable answer."""
        return {
            "from": self.source,
            "to": self.target,
            "from_name": self.source_name,
            "to_name": self.target_name,
            "kind": self.kind,
            "valid_from": self.valid_from.isoformat() if self.valid_from else None,
            "valid_to": self.valid_to.isoformat() if self.valid_to else None,
            "evidence": self.evidence,
        }


def hops_of(
    snapshot: Snapshot, network: Network, path: FoundPath, clearance: str
) -> tuple[Hop, ...]:
    """The steps of a path with names, dates and evidence; blank where the clearance ends."""
    ends = [_end(snapshot, node, clearance) for node in path.nodes]
    return tuple(
        _hop(name_arc(snapshot, network, place), (ends[step], ends[step + 1]), clearance)
        for step, place in enumerate(path.arcs)
    )


def step_along(snapshot: Snapshot, kind: str, number: int, *, forward: bool, clearance: str) -> Hop:
    """One edge, by its number in its kind's arrays, as a step forward or backward."""
    edges = snapshot.edges(kind)
    nodes = (int(edges.source[number]), int(edges.target[number]))
    start, end = (_end(snapshot, node, clearance) for node in (nodes if forward else nodes[::-1]))
    return _hop(name_edge(snapshot, kind, number, forward=forward), (start, end), clearance)


End = tuple[str | None, str | None]


def _end(snapshot: Snapshot, node: int, clearance: str) -> End:
    if node_markings(snapshot)[node] > access.level(clearance):
        return None, None
    return snapshot.id_of(node), node_name(snapshot, node, clearance)


def _hop(arc: ArcName, ends: tuple[End, End], clearance: str) -> Hop:
    (source, source_name), (target, target_name) = ends
    if None in (source, target) or arc.marking > access.level(clearance):
        return Hop(source, target, source_name, target_name, HIDDEN, None, None, None)
    told = (arc.valid_from, arc.valid_to, arc.record or None)
    names = (source, target, source_name, target_name)
    if arc.property_marking > access.level(clearance):
        hidden = sum(value is not None for value in told)
        return Hop(*names, arc.kind, None, None, None, hidden)
    return Hop(*names, arc.kind, *told)


def node_name(snapshot: Snapshot, node: int, clearance: str) -> str | None:
    """What the node is called: its name, text or description; None if it has none or the clearance
    does not reach its properties. O(1)."""
    kind = snapshot.kind_of(node)
    table = snapshot.nodes(kind)
    column = next((name for name in NAMES if name in table.column_names), None)
    if column is None or node_markings(snapshot, "marking")[node] > access.level(clearance):
        return None
    name: str | None = table.column(column)[node - snapshot.range(kind)[0]].as_py()
    return name


def locate(snapshot: Snapshot, kind: str, node_id: str, clearance: str = access.HIGHEST) -> int:
    """The node's number.

    Raises:
        NotFound: the snapshot has no such node, or none that exists for the reader.
    """
    number = int(snapshot.locate(kind, [node_id])[0])
    if number < 0 or node_markings(snapshot)[number] > access.level(clearance):
        raise NotFound(f"no {kind} {node_id!r} in snapshot {snapshot.id}")
    return number
