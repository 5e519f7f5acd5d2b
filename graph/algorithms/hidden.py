"""The paths of risk that a reader may not see whole: that they are there, and nothing more.

A path is hidden if a step of it is, or if its start counts only for causes that the reader may not
see. Of each party one hidden path is told, though the reader see another from the same party: else
what an answer keeps back would go missing in silence.

Which one, and whether, may not depend on what the reader may not see: a hidden path that showed up
only where it is the stronger one would give away its strength. The search therefore knows of hidden
ties and causes that they are there, and no more: a tie counts as one of unknown share that is in
force, a party as a source of weight 1, and of several findings that tie the same two one of the
hidden ones is walked, whatever its weight. So every number and day that the reader may not see
could be another one, and the answer would be the same. What makes something a cause at all
(a finding's outcome, an entry that is in force) is told with its being there.

Cost: as that of the visible paths over twice the arcs, see `graph.algorithms.paths`; little where
nothing around the target is hidden. The network is built once for a snapshot and a clearance.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from graph import access
from graph.algorithms.cache import per_snapshot
from graph.algorithms.network import (
    Arcs,
    Network,
    arcs_of,
    node_markings,
    seen_edges,
)
from graph.algorithms.paths import HIDDEN, FoundPath, Hop, Through, hops_of, most_reliable
from graph.algorithms.policy import PropagationPolicy
from graph.algorithms.seeds import FoundTies, found_ties, ways_chosen, without_own
from graph.snapshot import Snapshot


def hidden_paths(
    snapshot: Snapshot, policy: PropagationPolicy, target: int, clearance: str
) -> list[tuple[Hop, ...]]:
    """One hidden path of each party that has one, blanked, in the order of what is left of them;
    as many as the policy's limits let be found."""
    if clearance == access.HIGHEST:
        return []
    ways = _ways(snapshot, policy, clearance)
    ties = [found_ties(snapshot, policy, clearance), ways.ties]
    findings = range(*snapshot.range("Finding"))
    shown = without_own(snapshot, policy, target, clearance).weights(snapshot.size) > 0
    sources = without_own(snapshot, policy, target, access.HIGHEST).weights(snapshot.size) > 0

    def counts(path: FoundPath) -> bool:
        return ways_chosen(path.nodes, ties, findings)

    found = most_reliable(
        ways.network,
        target,
        sources.astype(np.float64),
        policy.limits,
        counts,
        once=True,
        through=Through(ways.hidden, ~shown),
    )
    told = [
        _blanked(snapshot, ways.network, path, clearance, counts=bool(shown[path.nodes[0]]))
        for path in found.paths
    ]
    return sorted(told, key=lambda hops: [_left(hop) for hop in hops])


@dataclass(frozen=True)
class _Ways:
    """All links that there are, weighed by what the reader may see; which of the arcs are `hidden`;
    and the ways through findings that the reader does not see."""

    network: Network
    hidden: NDArray[np.bool_]
    ties: FoundTies


@per_snapshot(8)
def _ways(snapshot: Snapshot, policy: PropagationPolicy, clearance: str) -> _Ways:
    """Where a visible and a hidden arc lead between the same two, both are kept. Kept itself."""
    links = (*policy.links, *policy.found)
    ties = found_ties(snapshot, policy, access.HIGHEST, clearance)
    own = found_ties(snapshot, policy, clearance).edges
    kept = {kind: mask | own[kind] for kind, mask in ties.edges.items()}
    seen = {
        link.kind: seen_edges(snapshot, link.kind, access.HIGHEST, shown_to=clearance)
        for link in links
    }
    seen |= {
        kind: replace(seen[kind], exists=seen[kind].exists & mask) for kind, mask in kept.items()
    }
    arcs = arcs_of(snapshot, links, policy.damping, policy.former, seen)
    kinds = [link.kind for link in links]
    hidden = _hidden_arcs(snapshot, arcs, kinds, clearance)
    network = Network.build(snapshot.size, kinds, arcs, hidden)
    return _Ways(network, _hidden_arcs(snapshot, network.arcs, kinds, clearance), ties)


def _hidden_arcs(
    snapshot: Snapshot, arcs: Arcs, kinds: list[str], clearance: str
) -> NDArray[np.bool_]:
    """Those whose edge does not exist for the reader, and those to and from a finding that the
    reader may not see."""
    first, stop = snapshot.range("Finding")
    unseen = ~access.visible_mask(node_markings(snapshot, "marking"), clearance)
    unseen[:first], unseen[stop:] = False, False
    hidden: NDArray[np.bool_] = unseen[arcs.tail] | unseen[arcs.head]
    for place, kind in enumerate(kinds):
        rows = np.flatnonzero(arcs.kind == place)
        hidden[rows] |= ~seen_edges(snapshot, kind, clearance).exists[arcs.edge[rows]]
    return hidden


def _left(hop: Hop) -> tuple[bool, str, str, str, str]:
    """What is left of a step, to sort by: first those of which something is."""
    names = (hop.source or "", hop.kind, hop.target or "", hop.evidence or "")
    return hop.kind == HIDDEN, *names


def _blanked(
    snapshot: Snapshot, network: Network, path: FoundPath, clearance: str, *, counts: bool
) -> tuple[Hop, ...]:
    """The steps of a path. Hidden, too, are those around a finding that the reader may not see,
    with its shipment, since that they are on a path at all says what was found; and the first,
    where only what is hidden makes its start count (`counts`). An end of a hidden step stays only
    if it stands on a visible one, or is the enterprise that was asked for."""
    hops = hops_of(snapshot, network, path, clearance)
    hidden = np.array([hop.kind == HIDDEN for hop in hops])
    hidden[0] |= not counts
    seen = access.visible_mask(node_markings(snapshot, "marking"), clearance)
    for place, node in enumerate(path.nodes):
        if snapshot.kind_of(node) == "Finding" and not seen[node]:
            hidden[max(place - 1, 0) : place + 2] = True
    told = list(hops)
    for place in np.flatnonzero(hidden).tolist():
        ends = ["source"] if place == 0 or hidden[place - 1] else []
        ends += ["target"] if hidden[place + 1 : place + 2].any() else []
        told[place] = _without_ends(hops[place], *ends)
    return tuple(told)


def _without_ends(hop: Hop, *ends: str) -> Hop:
    """The step with those of its ends and all particulars blank."""
    blank = {name: None for end in ends for name in (end, f"{end}_name")}
    rest = {"valid_from": None, "valid_to": None, "evidence": None}
    return replace(hop, **blank, **rest, kind=HIDDEN, redacted=0)
