"""Where risk starts: every party's weight for what it did or is listed for."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from graph import access
from graph.algorithms.cache import per_snapshot
from graph.algorithms.network import Numbers, node_markings
from graph.algorithms.policy import PropagationPolicy, SeedRule
from graph.snapshot import Snapshot, to_day

#: How parties are tied to what they did or are listed for, and whether the party is the source.
_TIES = (
    ("SUBJECT_OF", "CreditEvent", True),
    ("FOUND_AGAINST", "Finding", False),
    ("LISTED_AS", "ListEntry", True),
)


@dataclass(frozen=True)
class Seeds:
    """Each node's weight as a source, shape (n,), with the rule and the node it comes from (-1:
    none)."""

    weight: Numbers
    rule: NDArray[np.int16]
    cause: NDArray[np.int64]


@per_snapshot(8)
def seeds_of(snapshot: Snapshot, policy: PropagationPolicy, clearance: str) -> Seeds:
    """Every party's weight as a source of risk on the snapshot's day, as far as the clearance goes.

    O(n) for the nodes plus one pass over the edges that tie them to parties; kept per snapshot.
    """
    size = snapshot.size
    own = Seeds(np.zeros(size), np.full(size, -1, np.int16), np.full(size, -1, np.int64))
    seen = access.visible_mask(node_markings(snapshot, "marking"), clearance)
    for number, rule in enumerate(policy.seeds):
        start, stop = snapshot.range(rule.kind)
        if stop > start:
            weight = _weights(snapshot, rule) * seen[start:stop]
            better = np.flatnonzero(weight > own.weight[start:stop]) + start
            own.weight[better] = weight[better - start]
            own.rule[better] = number
            own.cause[better] = better
    result = Seeds(np.zeros(size), np.full(size, -1, np.int16), np.full(size, -1, np.int64))
    for kind, _, party_is_source in _TIES:
        _pass_on(snapshot, kind, party_is_source, own, result, clearance)
    in_shipment = Seeds(np.zeros(size), np.full(size, -1, np.int16), np.full(size, -1, np.int64))
    _pass_on(snapshot, "FOUND_IN", False, own, in_shipment, clearance)
    for kind in policy.responsible:
        _pass_on(snapshot, kind, True, in_shipment, result, clearance)
    return result


def without_own(
    snapshot: Snapshot, policy: PropagationPolicy, seeds: Seeds, target: int
) -> Numbers:
    """The weights as sources for one target: what was found in the target's own shipments is its
    own, so it does not come back from the others in them. O(n + findings + the target's links)."""
    shipments = [_row(snapshot, kind, target) for kind in policy.responsible]
    found = snapshot.edges("FOUND_IN")
    own = np.isin(np.asarray(found.target), np.unique(np.concatenate(shipments)))
    causes = np.asarray(found.source)[own]
    return np.where(np.isin(seeds.cause, causes), 0.0, seeds.weight) if own.any() else seeds.weight


def _row(snapshot: Snapshot, kind: str, source: int) -> NDArray[np.int64]:
    """The targets of a node's edges of a kind; edges are sorted by source. O(log m + result)."""
    edges = snapshot.edges(kind)
    first, last = np.searchsorted(edges.source, [source, source + 1])
    return np.asarray(edges.target[first:last], dtype=np.int64)


def _weights(snapshot: Snapshot, rule: SeedRule) -> Numbers:
    """The weight that each node of the rule's kind gives on the snapshot's day."""
    table = snapshot.nodes(rule.kind)
    chosen = np.ones(table.num_rows, dtype=np.bool_)
    for name, value in rule.where:
        chosen &= np.asarray(pc.equal(table.column(name), value).fill_null(False))
    today = to_day(snapshot.as_of)
    day = _days(table.column(rule.since))
    age = np.where(np.isnan(day), 0.0, today - day)
    weight = np.where(chosen & (age >= 0), rule.weight, 0.0)
    if rule.half_life_days:
        weight = weight * np.exp2(-np.maximum(age, 0.0) / rule.half_life_days)
    if rule.until:
        weight = np.where(_days(table.column(rule.until)) <= today, 0.0, weight)
    return np.asarray(weight, dtype=np.float64)


def _days(column: pa.ChunkedArray) -> Numbers:
    """Dates (or ISO texts) as days since 1970-01-01, NaN where there is none."""
    dates = column.cast(pa.date32())
    return np.asarray(dates.cast(pa.int32()).cast(pa.float64()).fill_null(np.nan))


def _pass_on(
    snapshot: Snapshot, kind: str, party_is_source: bool, cause: Seeds, to: Seeds, clearance: str
) -> None:
    """Give each edge's receiving end the weight at its other end where that is greater."""
    edges = snapshot.edges(kind)
    source, target = np.asarray(edges.source), np.asarray(edges.target)
    giver, receiver = (target, source) if party_is_source else (source, target)
    weight = cause.weight[giver] * access.visible_mask(np.asarray(edges.marking), clearance)
    order = np.lexsort((giver, -weight, receiver))
    order = order[weight[order] > 0]
    first = order[np.unique(receiver[order], return_index=True)[1]]
    first = first[weight[first] > to.weight[receiver[first]]]
    to.weight[receiver[first]] = weight[first]
    to.rule[receiver[first]] = cause.rule[giver[first]]
    to.cause[receiver[first]] = cause.cause[giver[first]]
