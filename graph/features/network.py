"""Features of every enterprise from the links of a snapshot, by sparse matrices.

n is the number of nodes of the snapshot and m of its edges; each feature says what it costs.
"""

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import scipy.sparse as sparse
from scipy.sparse import csgraph

from graph.features.windows import Numbers
from graph.snapshot import Snapshot

#: Edge kinds that join parties to parties, and parties to what they may share.
PARTY_LINKS = (
    "TRADES_WITH", "PAID", "OWNS", "CONTROLS", "DIRECTS", "SUPERVISES", "EXECUTIVE_OF",
    "LEGALLY_REPRESENTS", "BRANCH_OF", "GUARANTEES", "LENDS_TO", "CONTACT_FOR", "SAME_AS",
)  # fmt: skip
SHARED_LINKS = ("REGISTERED_AT", "REACHED_AT", "FAMILY_OF")
OFFICES = ("DIRECTS", "SUPERVISES", "EXECUTIVE_OF", "LEGALLY_REPRESENTS", "CONTACT_FOR")
DAMPING = 0.85
MOST_HOPS = 6
MOST_LEVELS = 12
#: Members above which an address or contact joins nobody in particular.
HUB_LIMIT = 500
#: Pairs of members looked at together.
_PART = 4_000_000

Matrix = sparse.csr_array


def network_features(snapshot: Snapshot) -> dict[str, Numbers]:
    """Features of group `network`, one value an enterprise in the snapshot's order.

    O(n + m) but for PageRank (O(m) a step) and hops (O(m) a hop).
    """
    links = enterprise_links(snapshot)
    return {
        **_degrees(snapshot),
        **_trade(snapshot),
        "pagerank": pagerank(links) * max(links.shape[0], 1),
        "core": core_numbers(links),
        **_components(snapshot),
        **_shared(snapshot),
        **_distances(snapshot),
        "ownership_depth": _of_enterprises(snapshot, ownership_depth(_now(snapshot, ["OWNS"]))),
    }


def enterprise_links(snapshot: Snapshot) -> Matrix:
    """The symmetric weighted links between enterprises, e by e.

    A link of trade or payment weighs ln(1 + value), at least 1; any other 1. O(m).
    """
    start, stop = snapshot.range("Enterprise")
    valued = _now(snapshot, ["TRADES_WITH", "PAID"], weighted=True)
    valued.data = np.maximum(np.log1p(np.maximum(valued.data, 0.0)), 1.0)
    others = [kind for kind in PARTY_LINKS if kind not in ("TRADES_WITH", "PAID")]
    whole = (valued + _now(snapshot, others))[start:stop, start:stop]
    links = sparse.csr_array(whole + whole.T)
    own = np.repeat(np.arange(stop - start), np.diff(links.indptr)) == links.indices
    links.data[own] = 0.0
    links.eliminate_zeros()
    return links


def pagerank(links: Matrix, *, tolerance: float = 1e-10, steps: int = 200) -> Numbers:
    """PageRank (Page et al. 1999) by power iteration; sums to 1.

    Nodes without links spread evenly, as in networkx. O(m) a step.
    """
    n = links.shape[0]
    if n == 0:
        return np.zeros(0)
    total = np.asarray(links.sum(axis=1)).ravel()
    share = np.divide(1.0, total, out=np.zeros(n), where=total > 0)
    step = sparse.csr_array((sparse.diags_array(share) @ links).T)
    rank = np.full(n, 1.0 / n)
    for _ in range(steps):
        idle = rank[total == 0].sum() / n
        following = DAMPING * (step @ rank + idle) + (1.0 - DAMPING) / n
        change = float(np.abs(following - rank).sum())
        rank = following
        if change < tolerance:
            break
    return rank


def core_numbers(links: Matrix) -> Numbers:
    """Core numbers (Batagelj and Zaversnik 2003) of an undirected graph without loops.

    Nodes of too few links are taken away all at once, round after round: O(m log m) in all and
    O(n) for each core number there is. Faster than handing the edges to a graph library.
    """
    degree = np.diff(links.indptr).astype(np.int64)
    core = np.zeros(degree.size)
    left = np.arange(degree.size)
    alive = np.ones(degree.size, bool)
    level = 0
    while left.size:
        level = max(level, int(degree[left].min()))
        front = left[degree[left] <= level]
        while front.size:
            core[front] = level
            alive[front] = False
            near = _neighbours(links, front)
            near, lost = np.unique(near[alive[near]], return_counts=True)
            degree[near] -= lost
            front = near[degree[near] <= level]
        left = left[alive[left]]
    return core


def _neighbours(links: Matrix, nodes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The neighbours of all nodes, one after the other."""
    begin = links.indptr[nodes].astype(np.int64)
    number = links.indptr[nodes + 1] - begin
    shift = np.repeat(begin - np.cumsum(number) + number, number)
    return np.asarray(links.indices[shift + np.arange(shift.size)], np.int64)


def hops(links: Matrix, sources: npt.NDArray[np.bool_], most: int = MOST_HOPS) -> Numbers:
    """Fewest links from each node to a source, NaN beyond `most`. O(m) a hop."""
    distance = np.where(sources, 0.0, np.nan)
    front = sources.astype(np.float64)
    for hop in range(1, most + 1):
        reached = (links @ front > 0) & np.isnan(distance)
        if not reached.any():
            break
        distance[reached] = hop
        front = reached.astype(np.float64)
    return distance


def ownership_depth(owns: Matrix, most: int = MOST_LEVELS) -> Numbers:
    """Length of the longest chain of owners above each node, at most `most`. O(m) a level.

    A node in or below a circle of owners has chains of any length, so it gets `most`.
    """
    depth = np.zeros(owns.shape[0])
    up = owns.T.tocsr()
    has_chain = np.ones(owns.shape[0])
    for level in range(1, most + 1):
        has_chain = (up @ has_chain > 0).astype(np.float64)
        if not has_chain.any():
            break
        depth[has_chain > 0] = level
    return depth


def concentration(links: Matrix) -> Numbers:
    """Herfindahl index of each row's weights, NaN for an empty row. O(m)."""
    total = np.asarray(links.sum(axis=1)).ravel()
    squares = np.asarray(links.power(2).sum(axis=1)).ravel()
    return np.asarray(
        np.divide(squares, total**2, out=np.full(total.size, np.nan), where=total > 0)
    )


def _now(snapshot: Snapshot, kinds: list[str], *, weighted: bool = False) -> Matrix:
    """Edges valid on the snapshot's day."""
    return snapshot.adjacency(kinds, on=snapshot.as_of, weighted=weighted)


def _of_enterprises(snapshot: Snapshot, values: Numbers) -> Numbers:
    start, stop = snapshot.range("Enterprise")
    return values[start:stop]


def _degrees(snapshot: Snapshot) -> dict[str, Numbers]:
    """Numbers of edges by kind. O(m)."""
    start, stop = snapshot.range("Enterprise")

    def out(kind: str) -> Numbers:
        return np.diff(_now(snapshot, [kind]).indptr)[start:stop].astype(float)

    def into(kinds: tuple[str, ...]) -> Numbers:
        targets = _now(snapshot, list(kinds)).indices
        return np.bincount(targets, minlength=snapshot.size)[start:stop].astype(float)

    return {
        "owners": into(("OWNS",)),
        "holdings": out("OWNS"),
        "officers": into(OFFICES),
        "suppliers": into(("TRADES_WITH",)),
        "customers": out("TRADES_WITH"),
        "shipments_imported": out("IMPORTED"),
        "shipments_exported": out("EXPORTED"),
        "shipments_declared": out("DECLARED"),
    }


def _trade(snapshot: Snapshot) -> dict[str, Numbers]:
    """Concentration of sales and purchases. O(m)."""
    sales = _now(snapshot, ["TRADES_WITH"], weighted=True)
    return {
        "customer_hhi": _of_enterprises(snapshot, concentration(sales)),
        "supplier_hhi": _of_enterprises(snapshot, concentration(sales.T.tocsr())),
    }


def _with_shared(snapshot: Snapshot) -> Matrix:
    """Links of parties and what they share, both ways, without hubs above `HUB_LIMIT`. O(m)."""
    shared = _now(snapshot, list(SHARED_LINKS))
    members = np.bincount(shared.indices, minlength=snapshot.size)
    keep = sparse.diags_array((members <= HUB_LIMIT).astype(float))
    links = _now(snapshot, list(PARTY_LINKS)) + shared @ keep
    return sparse.csr_array(links + links.T)


def _components(snapshot: Snapshot) -> dict[str, Numbers]:
    """Sizes of connected components, in enterprises. O(n + m)."""
    start, stop = snapshot.range("Enterprise")
    _, label = csgraph.connected_components(_with_shared(snapshot), directed=False)
    own = label[start:stop]
    sizes = np.bincount(own, minlength=int(label.max(initial=0)) + 1)
    return {"component_size": np.log(np.maximum(sizes[own], 1))}


def _shared(snapshot: Snapshot) -> dict[str, Numbers]:
    """Other enterprises at the same address, contact, legal representative. O(m)."""
    at = _now(snapshot, ["REGISTERED_AT"])
    reached = _now(snapshot, ["REACHED_AT"])
    headed = _now(snapshot, ["LEGALLY_REPRESENTS"]).T.tocsr()
    return {
        name: _of_enterprises(snapshot, others(links))
        for name, links in (
            ("shared_address", at),
            ("shared_contact", reached),
            ("shared_representative", headed),
        )
    }


def others(members: Matrix) -> Numbers:
    """Number of different other rows that share a column with each row.

    O(m) where rows share one column at most; the others are looked up once for each distinct set
    of columns, at the cost of the sizes of these columns, some at a time.
    """
    size = np.bincount(members.indices, minlength=members.shape[1])
    shared = sparse.csr_array(members[:, np.flatnonzero(size > 1)])
    shared.sum_duplicates()
    shared.data[:] = 1.0
    number = np.diff(shared.indptr)
    single = np.asarray(shared @ (np.asarray(shared.sum(axis=0)).ravel() - 1.0), np.float64)
    several = np.flatnonzero(number > 1)
    if several.size:
        single[several] = _together(shared, several)
    return single


def _together(members: Matrix, rows: npt.NDArray[np.int64]) -> Numbers:
    """Number of different other rows that share a column with each of some rows."""
    number = np.diff(members.indptr)[rows]
    place = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
    columns = np.full((rows.size, int(number.max())), -1)
    columns[np.repeat(np.arange(rows.size), number), place] = _neighbours(members, rows)
    _, first, same = np.unique(columns, axis=0, return_index=True, return_inverse=True)
    back, distinct = members.T.tocsr(), rows[first]
    cost = np.cumsum(members[distinct] @ np.diff(back.indptr))
    parts = np.split(distinct, np.searchsorted(cost, np.arange(_PART, cost[-1], _PART)))
    found = [np.diff((members[part] @ back).indptr) - 1 for part in parts if part.size]
    return np.concatenate(found).astype(np.float64)[same.ravel()]


def _distances(snapshot: Snapshot) -> dict[str, Numbers]:
    """Hops to penalised and to listed parties. O(m) a hop."""
    links = _with_shared(snapshot)
    listed = np.zeros(snapshot.size, bool)
    listed[_now(snapshot, ["LISTED_AS"]).tocoo().row] = True
    return {
        "hops_to_penalised": _of_enterprises(snapshot, hops(links, penalised(snapshot))),
        "hops_to_listed": _of_enterprises(snapshot, hops(links, listed)),
    }


def penalised(snapshot: Snapshot) -> npt.NDArray[np.bool_]:
    """Which nodes have a credit event with a severity that has not ended. O(events)."""
    start, _ = snapshot.range("CreditEvent")
    events = snapshot.nodes("CreditEvent")
    adverse = pc.is_valid(events["severity"])
    ended = pc.fill_null(pc.less_equal(events["ended_on"], snapshot.as_of), False)
    open_event = pc.and_not(adverse, ended).to_numpy()
    about = _now(snapshot, ["SUBJECT_OF"]).tocoo()
    is_open = np.zeros(snapshot.size, bool)
    is_open[start : start + open_event.size] = open_event
    found = np.zeros(snapshot.size, bool)
    found[about.row[is_open[about.col]]] = True
    return found
