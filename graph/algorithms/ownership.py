"""Who owns and who controls an enterprise, through every chain of shareholdings and in circles.

**Integrated ownership.** With A the matrix of direct shares (A[i, j] is what i holds of j) and
N = (I - A)^-1, the share that i holds of j directly and through others, counting no chain that
returns to i, is N[i, j] / N[i, i]. This is the correction for circular holdings of Baldone,
Brioschi and Paleari (Ownership measures among firms connected by cross-shareholdings, 1998) that
Vitali, Glattfelder and Battiston use (The network of global corporate control, 2011,
arXiv:1107.5728); without it (I - A)^-1 A counts what flows round a circle again and again, to
more than 100 %.

**Control.** A party controls an enterprise if it and the enterprises it controls together hold more
than half of it, directly declared control (`CONTROLS`) counting as such: the least fixed point of
that rule (company control, Ceri, Gottlob, Tanca, Logic Programming and Databases, 1990).

Only owners upstream of the enterprise matter: with k of them and l holdings between them, finding
them costs O(l), the factorisation of I - A about O(k + l) for trees and up to O(k^3) for one dense
circle of all k, each solve O(k + l), and control O(l) a candidate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.sparse import csgraph
from scipy.sparse.linalg import splu

from graph import access
from graph.algorithms.cache import per_snapshot
from graph.algorithms.network import (
    Integers,
    LinkPolicy,
    Network,
    Numbers,
    network_of,
    seen_edges,
)
from graph.algorithms.paths import (
    Found,
    FoundPath,
    Hop,
    Limits,
    hops_of,
    locate,
    most_reliable,
    node_name,
)
from graph.algorithms.stakes import Stake
from graph.snapshot import Snapshot, to_day

MAJORITY = 0.5
#: A circle that is owned by nobody outside has no solution; this much of every share is taken as
#: held outside, so that one is found.
LEAK = 1e-9
#: Decimals of a share in an answer.
DIGITS = 6
_OWNS = (LinkPolicy("OWNS", 1.0, 0.0, by_share=True, unknown=0.0),)
#: Of two edges between the same two, that of control is walked: the holding has chains of its own.
_CONTROLS = (LinkPolicy("CONTROLS", 1.0, 0.0), *_OWNS)
_LIMITS = Limits(10, 1_000_000, 200_000, 20_000, 1_000, 1e-6)


@dataclass(frozen=True)
class Chain:
    """Steps from an owner down: holdings with the product of their shares, or, with `share` None,
    steps of which at least one is declared control."""

    share: float | None
    hops: tuple[Hop, ...]

    def as_dict(self) -> dict[str, Any]:
        """The keys of the machine-readable answer."""
        hops = [hop.as_dict() for hop in self.hops]
        return {"share": _told(self.share), "control": self.share is None, "hops": hops}


@dataclass(frozen=True)
class Owner:
    """A party above the enterprise. `share` is integrated, `direct` what it holds itself (None if
    it holds nothing itself or the share is unknown), `ultimate` says that nobody else is known to
    own or control it (None: the clearance hides somebody who does). `chains` are its chains of
    holdings, largest first, then those of control; `chains_left_out` counts the others that were
    found. `english` and `chinese` say in words what it holds."""

    id: str
    kind: str
    name: str | None
    share: float
    direct: float | None
    controls: bool
    ultimate: bool | None
    english: str
    chinese: str
    chains: tuple[Chain, ...]
    chains_left_out: int

    def as_dict(self) -> dict[str, Any]:
        """The keys of the machine-readable answer."""
        return {
            "id": self.id,
            "kind": self.kind,
            "name": self.name,
            "share": _told(self.share),
            "direct": _told(self.direct),
            "controls": self.controls,
            "ultimate": self.ultimate,
            "en": self.english,
            "zh": self.chinese,
            "chains": [chain.as_dict() for chain in self.chains],
            "chains_left_out": self.chains_left_out,
        }


@dataclass(frozen=True)
class Ownership:
    """The answer: owners by integrated share. `circular` says that there is a circle among the
    holdings; `unknown_shares` counts holdings without a share, which no figure includes;
    `unaccounted` is the part of the enterprise, 0 to 1, that no stated direct holding covers;
    `partial` says that not all chains were followed (the shares count every one). `redacted` counts
    the parties above that the clearance hides and, as properties, the holdings whose share and
    dates it does: their share is unknown, and they count as in force."""

    target: str
    owners: tuple[Owner, ...]
    count: int
    circular: bool
    unknown_shares: int
    unaccounted: float
    partial: bool
    redacted: Mapping[str, int]
    snapshot: str
    as_of: date

    def as_dict(self) -> dict[str, Any]:
        """The keys of the machine-readable answer."""
        return {
            "target": self.target,
            "owners": [owner.as_dict() for owner in self.owners],
            "count": self.count,
            "circular": self.circular,
            "unknown_shares": self.unknown_shares,
            "unaccounted": self.unaccounted,
            "partial": self.partial,
            "redacted": dict(self.redacted),
            "snapshot": self.snapshot,
            "as_of": self.as_of.isoformat(),
        }


def _told(share: float | None) -> float | None:
    """A share as answers tell it: without the trace of `LEAK`."""
    return None if share is None else round(share, DIGITS)


def integrated_ownership(direct: sparse.csr_array, target: int) -> Numbers:
    """What each of the k parties holds of `target`, directly and through others, in [0, 1].

    `direct` is the k by k matrix of shares; shares of one enterprise that add up to more than 1
    are scaled down to 1. The target's own entry is what it holds of itself in circles.
    """
    size = direct.shape[0]
    total = np.asarray(direct.sum(axis=0)).ravel()
    scale = (1.0 - LEAK) / np.maximum(total, 1.0)
    shares = (direct @ sparse.diags_array(scale)).tocsc()
    factors = splu((sparse.eye_array(size, format="csc") - shares).tocsc())
    unit = np.zeros(size)
    unit[target] = 1.0
    column = factors.solve(unit)
    around = _returning(shares, factors)
    held = np.clip(column / around, 0.0, 1.0)
    held[target] = 1.0 - 1.0 / around[target]
    return np.asarray(held)


def _returning(shares: sparse.csc_array, factors: Any) -> Numbers:
    """The diagonal of (I - A)^-1: 1 except for parties in a circle, one solve each."""
    _, component = csgraph.connected_components(shares, directed=True, connection="strong")
    own = shares.diagonal() > 0
    circle = (np.bincount(component)[component] > 1) | own
    result = np.ones(shares.shape[0])
    for node in np.flatnonzero(circle):
        unit = np.zeros(shares.shape[0])
        unit[node] = 1.0
        result[node] = factors.solve(unit)[node]
    return result


def controllers(
    direct: sparse.csr_array, declared: sparse.csr_array, target: int
) -> NDArray[np.bool_]:
    """Which of the k parties control `target`. O(k * l) with l holdings, in k small sweeps."""
    size = direct.shape[0]
    result = np.zeros(size, dtype=np.bool_)
    shares, orders = direct.tocsr(), declared.tocsr()
    for party in range(size):
        if party != target:
            result[party] = target in _controlled(shares, orders, party)
    return result


def _controlled(shares: sparse.csr_array, orders: sparse.csr_array, party: int) -> set[int]:
    """Everything the party controls: grows until nothing more is held by more than half."""
    held: dict[int, float] = {}
    controlled, waiting = {party}, [party]
    while waiting:
        holder = waiting.pop()
        first, last = shares.indptr[holder], shares.indptr[holder + 1]
        for place in range(first, last):
            company = int(shares.indices[place])
            held[company] = held.get(company, 0.0) + float(shares.data[place])
        ordered = orders.indices[orders.indptr[holder] : orders.indptr[holder + 1]]
        gained = {company for company, share in held.items() if share > MAJORITY}
        for company in (gained | {int(node) for node in ordered}) - controlled:
            controlled.add(company)
            waiting.append(company)
    return controlled - {party}


@dataclass(frozen=True)
class _Holdings:
    """The shareholdings and declarations of control in force, as matrices over all n nodes.
    `stated` is the share that a declaration of control names; `blank` are those of all of them
    whose particulars the clearance hides."""

    shares: sparse.csr_array
    unknown: sparse.csr_array
    declared: sparse.csr_array
    stated: sparse.csr_array
    blank: sparse.csr_array

    @cached_property
    def all(self) -> sparse.csr_array:
        """Every holding, whatever its share, but those of a party in itself. O(n + l)."""
        every = self.shares + self.unknown + self.declared
        others: sparse.csr_array = (every - sparse.diags_array(every.diagonal())).tocsr()
        others.eliminate_zeros()
        return others

    @cached_property
    def upwards(self) -> sparse.csr_array:
        """`all` from those held to their holders. O(n + l)."""
        return self.all.T.tocsr()

    @cached_property
    def held(self) -> NDArray[np.bool_]:
        """Which of the n parties somebody else is known to own or control."""
        return np.asarray(self.all.sum(axis=0)).ravel() > 0

    def among(self, nodes: Integers) -> "_Holdings":
        """The holdings of the k nodes in each other, k by k."""
        parts = (self.shares, self.unknown, self.declared, self.stated, self.blank)
        return _Holdings(*(part[nodes, :].tocsc()[:, nodes].tocsr() for part in parts))


@per_snapshot(4)
def _holdings(snapshot: Snapshot, clearance: str) -> _Holdings:
    today, size = to_day(snapshot.as_of), snapshot.size

    def matrix(kind: str, keep: NDArray[np.bool_], value: Numbers) -> sparse.csr_array:
        edges = snapshot.edges(kind)
        ends = (np.asarray(edges.source)[keep], np.asarray(edges.target)[keep])
        return sparse.csr_array((value[keep], ends), shape=(size, size))

    seen = {kind: seen_edges(snapshot, kind, clearance) for kind in ("OWNS", "CONTROLS")}
    now = {
        kind: edges.exists & (edges.valid_from <= today) & (edges.valid_to > today)
        for kind, edges in seen.items()
    }
    one = {kind: np.ones(len(edges.exists)) for kind, edges in seen.items()}
    share, stated = seen["OWNS"].weight, seen["CONTROLS"].weight
    blank = {kind: now[kind] & ~seen[kind].shown for kind in seen}
    return _Holdings(
        matrix("OWNS", now["OWNS"] & (share > 0) & np.isfinite(share), share),
        matrix("OWNS", now["OWNS"] & ~np.isfinite(share), one["OWNS"]),
        matrix("CONTROLS", now["CONTROLS"], one["CONTROLS"]),
        matrix("CONTROLS", now["CONTROLS"] & (stated > 0) & (stated <= 1), stated),
        matrix("OWNS", blank["OWNS"], one["OWNS"])
        + matrix("CONTROLS", blank["CONTROLS"], one["CONTROLS"]),
    )


def owners(
    snapshot: Snapshot,
    enterprise_id: str,
    *,
    limit: int = 20,
    chains: int = 10,
    clearance: str = access.HIGHEST,
) -> Ownership:
    """The parties that own or control an enterprise, by integrated share; of each at most so many
    chains, chains worth less than a millionth left aside.

    Raises:
        NotFound: the snapshot has no such enterprise, or the clearance does not reach it.
    """
    target = locate(snapshot, "Enterprise", enterprise_id, clearance)
    everywhere, truth = _holdings(snapshot, clearance), _holdings(snapshot, access.HIGHEST)
    nodes = _upstream(everywhere, target)
    local = int(np.searchsorted(nodes, target))
    near = everywhere.among(nodes)
    share = integrated_ownership(near.shares, local)
    control = controllers(near.shares, near.declared, local)
    ranked = np.lexsort((nodes, ~control, -share))
    order = ranked[(ranked != local) & ((share > 0) | control)[ranked]]
    shown = order[:limit]
    starts = (nodes[shown], nodes[shown[control[shown]]])
    found = _chains(snapshot, target, starts, _Reach(nodes, near), clearance)
    stakes = _stakes(near, local, share, control)
    listed = [
        _owner(
            snapshot,
            node,
            stakes[n],
            _ultimate(everywhere, truth, node),
            found.of(node),
            chains,
            clearance,
        )
        for n, node in ((n, int(nodes[n])) for n in shown.tolist())
    ]
    return Ownership(
        enterprise_id,
        tuple(listed),
        len(order),
        bool(_circular(near.shares)),
        int(near.unknown.sum()),
        _unaccounted(near.shares, local),
        found.partial,
        access.Redactions(
            nodes=len(np.setdiff1d(_upstream(truth, target), nodes)),
            properties=int(near.blank.sum()),
        ).as_dict(),
        snapshot.id,
        snapshot.as_of,
    )


def _ultimate(seen: _Holdings, truth: _Holdings, node: int) -> bool | None:
    """Whether nobody else is known to be above a party; None if only somebody hidden is."""
    if seen.held[node]:
        return False
    return None if truth.held[node] else True


def _unaccounted(direct: sparse.csr_array, target: int) -> float:
    """The part of the target, 0 to 1, that no direct holding with a share covers. O(k + l)."""
    covered = float(direct.tocsc()[:, [target]].sum())
    return round(max(0.0, 1.0 - covered), DIGITS)


def _upstream(holdings: _Holdings, target: int) -> Integers:
    """The target and everybody above it, sorted. O(n + their holdings)."""
    reached = csgraph.breadth_first_order(holdings.upwards, target, return_predecessors=False)
    return np.sort(reached).astype(np.int64)


def _circular(direct: sparse.csr_array) -> bool:
    count, _ = csgraph.connected_components(direct, directed=True, connection="strong")
    return bool(count < direct.shape[0] or (direct.diagonal() > 0).any())


def _stakes(near: _Holdings, local: int, share: Numbers, control: NDArray[np.bool_]) -> list[Stake]:
    """The stakes of the k parties in one of them. O(k + l)."""
    direct, stated = (
        part.tocsc()[:, [local]].toarray().ravel() for part in (near.shares, near.stated)
    )
    unknown = np.asarray(near.unknown.sum(axis=1)).ravel() > 0
    total = np.full(len(share), direct.sum())
    columns = (share, direct, control, unknown, stated, total)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [Stake(*row) for row in rows]


class _Reach:
    """What the k parties control among themselves, worked out for those that are asked for."""

    def __init__(self, nodes: Integers, near: _Holdings) -> None:
        self._nodes, self._shares, self._orders = nodes, near.shares, near.declared
        self._known: dict[int, frozenset[int]] = {}

    def of(self, holder: int) -> frozenset[int]:
        """All that a party controls, by number in the snapshot. O(l) the first time."""
        if holder not in self._known:
            local = int(np.searchsorted(self._nodes, holder))
            controlled = _controlled(self._shares, self._orders, local)
            self._known[holder] = frozenset(int(self._nodes[node]) for node in controlled)
        return self._known[holder]


@dataclass(frozen=True)
class _Chains:
    """Chains of holdings and of control down to the target, each in its network."""

    holdings: Found
    holding_network: Network
    control: Found
    control_network: Network
    reach: _Reach

    @property
    def partial(self) -> bool:
        """Whether a limit was reached."""
        return self.holdings.partial or self.control.partial

    def of(self, owner: int) -> list[tuple[Network, FoundPath]]:
        """An owner's: the holdings, largest first, then those with a step of control."""
        held = [(self.holding_network, path) for path in self._by_owner[0].get(owner, [])]
        ruled = self._by_owner[1].get(owner, [])
        # Firms that hold a majority only together carry control where none does alone.
        alone = [path for path in ruled if self._controls_alone(path)]
        return held + [(self.control_network, path) for path in alone or ruled]

    @cached_property
    def _by_owner(self) -> tuple[dict[int, list[FoundPath]], dict[int, list[FoundPath]]]:
        result: tuple[dict[int, list[FoundPath]], dict[int, list[FoundPath]]] = ({}, {})
        for group, found in zip(result, (self.holdings, self.control), strict=True):
            for path in found.paths:
                group.setdefault(path.nodes[0], []).append(path)
        return result

    def _controls_alone(self, path: FoundPath) -> bool:
        """Whether every holder on the path controls what it holds."""
        steps = zip(path.nodes, path.nodes[1:], strict=False)
        return all(company in self.reach.of(holder) for holder, company in steps)


def _chains(
    snapshot: Snapshot,
    target: int,
    starts: tuple[Integers, Integers],
    reach: _Reach,
    clearance: str,
) -> _Chains:
    """The chains of the owners, and of the controllers those through what they control."""

    def search(links: tuple[LinkPolicy, ...], first: Integers) -> tuple[Found, Network]:
        network = network_of(snapshot, links, 1.0, 0.0, clearance)
        sources = np.zeros(snapshot.size)
        sources[first] = 1.0

        def counts(path: FoundPath) -> bool:
            kinds = {network.kinds[int(network.arcs.kind[arc])] for arc in path.arcs}
            return "CONTROLS" in kinds and reach.of(path.nodes[0]).issuperset(path.nodes[1:])

        kept = counts if links is _CONTROLS else None
        return most_reliable(network, target, sources, _LIMITS, kept), network

    return _Chains(*search(_OWNS, starts[0]), *search(_CONTROLS, starts[1]), reach)


def _owner(
    snapshot: Snapshot,
    node: int,
    stake: Stake,
    ultimate: bool | None,
    found: list[tuple[Network, FoundPath]],
    limit: int,
    clearance: str,
) -> Owner:
    """The owner with the first of its chains."""
    walked = [
        (path.reliability, hops_of(snapshot, network, path, clearance))
        for network, path in found[:limit]
    ]
    chains = tuple(
        Chain(None if "CONTROLS" in {hop.kind for hop in hops} else share, hops)
        for share, hops in walked
    )
    english, chinese = stake.words()
    return Owner(
        snapshot.id_of(node),
        snapshot.kind_of(node),
        node_name(snapshot, node, clearance),
        stake.share,
        stake.direct or None,
        stake.controls,
        ultimate,
        english,
        chinese,
        chains,
        len(found) - len(chains),
    )
