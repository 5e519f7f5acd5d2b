"""Where risk starts: every party's weight for what it did or is listed for.

A violation is the deed of the enterprise that the finding names. The other parties of the shipment
are no source: `found_ties` are the ways from the violator to them. Only a finding that names no
known enterprise counts for the parties with the policy's `responsible` roles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from graph import access
from graph.algorithms.cache import per_snapshot
from graph.algorithms.network import Integers, Numbers, node_markings, seen_edges
from graph.algorithms.policy import PropagationPolicy, SeedRule
from graph.snapshot import Snapshot, to_day

Mask = NDArray[np.bool_]

#: How parties are tied to what they did or are listed for, and whether the party is the source.
TIES = (("SUBJECT_OF", True), ("FOUND_AGAINST", False), ("LISTED_AS", True))

_TIE_NAME = np.dtype("U40")


@dataclass(frozen=True)
class Causes:
    """Why parties are sources: c rows by party, most severe first (by the rule's weight, then the
    latest day). `tie` and `edge` say which edge ties the party to the cause, or to the shipment
    when the finding names nobody; `found` is the number of the finding's FOUND_IN edge (-1: none),
    `named` whether the party is the one that is named."""

    party: Integers
    cause: Integers
    rule: NDArray[np.int16]
    weight: Numbers
    day: Numbers
    tie: NDArray[np.str_]
    edge: Integers
    found: Integers
    named: Mask

    def take(self, chosen: NDArray[np.bool_] | Integers) -> "Causes":
        """The chosen rows, by mask or place."""
        return Causes(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def of(self, party: int) -> "Causes":
        """The rows of one party. O(log c + result)."""
        first, last = np.searchsorted(self.party, [party, party + 1])
        return self.take(np.arange(first, last))

    def weights(self, size: int) -> Numbers:
        """Each node's weight as a source, the highest of its causes, shape (n,)."""
        result = np.zeros(size)
        np.maximum.at(result, self.party, self.weight)
        return result


@per_snapshot(8)
def causes_of(snapshot: Snapshot, policy: PropagationPolicy, clearance: str) -> Causes:
    """Why parties are sources of risk on the snapshot's day, as far as the clearance goes.

    O(n) for the nodes plus one pass over the edges that tie them to parties; kept per snapshot.
    """
    did = _deeds(snapshot, policy, clearance)
    found = _found_in(snapshot, clearance)
    parts = [_tied(snapshot, kind, first, did, found, clearance) for kind, first in TIES]
    parts += [_concerned(snapshot, kind, did, found, clearance) for kind in policy.responsible]
    columns = [
        np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Causes)
    ]
    rows = Causes(*columns)
    severity = np.array([rule.weight for rule in policy.seeds])[rows.rule]
    day = np.nan_to_num(rows.day, nan=-np.inf)
    rows = rows.take(np.lexsort((rows.edge, rows.cause, -day, -severity, rows.party)))
    pairs = rows.party * np.int64(snapshot.size) + rows.cause
    return rows.take(np.sort(np.unique(pairs, return_index=True)[1]))


def without_own(
    snapshot: Snapshot, policy: PropagationPolicy, target: int, clearance: str
) -> Causes:
    """The causes that count for one target: what was found in the target's own shipments without
    naming anybody is its own, so it does not come back from the others in them. Only roles of the
    target that the reader may see are its own. O(c + the target's links)."""
    causes = causes_of(snapshot, policy, clearance)
    own = [_row(snapshot, kind, target, clearance) for kind in policy.responsible]
    shipments = np.asarray(snapshot.edges("FOUND_IN").target)
    unnamed = np.flatnonzero(~causes.named)
    back = np.isin(shipments[causes.found[unnamed]], np.concatenate(own))
    if not back.any():
        return causes
    return causes.take(np.setdiff1d(np.arange(len(causes.party)), unnamed[back]))


@dataclass(frozen=True)
class FoundTies:
    """The ways from violators through findings and shipments to the others in them. `edges` are
    the edges that any of them takes, by kind; `pairs` the p pairs of violator and other in order
    (violator * n + other), `finding` the one that ties each pair. Edges of two pairs can make a
    path of a third finding: only a `chosen` step counts."""

    size: int
    edges: Mapping[str, Mask]
    pairs: Integers
    finding: Integers

    def chosen(self, violator: int, finding: int, other: int) -> bool:
        """Whether that finding ties the two. O(log p)."""
        pair = violator * self.size + other
        place = int(np.searchsorted(self.pairs, pair))
        known = place < len(self.pairs) and int(self.pairs[place]) == pair
        return known and int(self.finding[place]) == finding


def ways_chosen(nodes: tuple[int, ...], ties: Sequence[FoundTies], findings: range) -> bool:
    """Whether every finding on a path ties the parties before and after it and its shipment, by one
    of the `ties`; `findings` are the numbers of all findings."""
    return all(
        place + 2 < len(nodes)
        and any(tie.chosen(nodes[place - 1], node, nodes[place + 2]) for tie in ties)
        for place, node in enumerate(nodes)
        if node in findings
    )


@per_snapshot(8)
def found_ties(
    snapshot: Snapshot, policy: PropagationPolicy, clearance: str, beyond: str | None = None
) -> FoundTies:
    """How violators are tied to the others in their shipments.

    Of several shipments that tie the same two, the one with the heaviest finding is taken; with a
    lower clearance given, one of those `beyond` it if there are any, whatever the weights. O(m) in
    the edges of the roles, once more for the causes; kept per snapshot.
    """
    rows = causes_of(snapshot, policy, clearance)
    rows = rows.take((rows.tie == "FOUND_AGAINST") & (rows.found >= 0))
    shipments = np.asarray(snapshot.edges("FOUND_IN").target, dtype=np.int64)[rows.found]
    roles = policy.roles
    joined = [(number, *_in_shipments(snapshot, kind, shipments, clearance))
              for number, kind in enumerate(roles)]  # fmt: skip
    place = np.concatenate([row for _, row, _ in joined])
    edge = np.concatenate([edge for _, _, edge in joined])
    role = np.concatenate([np.full(len(edge), number) for number, _, edge in joined])
    other = np.concatenate(
        [np.asarray(snapshot.edges(roles[number]).source)[edge] for number, _, edge in joined]
    )
    first = rows.weight[place]
    if beyond is not None:
        seen = [seen_edges(snapshot, roles[number], beyond).exists[edge]
                for number, (_, _, edge) in enumerate(joined)]  # fmt: skip
        first = ~(_found_seen(snapshot, rows, beyond)[place] & np.concatenate(seen))
    order = np.lexsort((edge, role, rows.cause[place], -first.astype(np.float64)))
    order = order[rows.party[place[order]] != other[order]]
    pairs = rows.party[place[order]] * np.int64(snapshot.size) + other[order]
    tied, best = np.unique(pairs, return_index=True)
    best = order[best]
    chosen = [("FOUND_AGAINST", rows.edge[place[best]]), ("FOUND_IN", rows.found[place[best]])]
    chosen += [(kind, edge[best][role[best] == number]) for number, kind in enumerate(roles)]
    edges = {kind: _mask(len(snapshot.edges(kind)), numbers) for kind, numbers in chosen}
    return FoundTies(snapshot.size, edges, tied, rows.cause[place[best]])


def _found_seen(snapshot: Snapshot, rows: Causes, clearance: str) -> Mask:
    """Of which rows the finding, whom it is against and its shipment may be seen, shape (c,)."""
    seen = access.visible_mask(node_markings(snapshot, "marking"), clearance)[rows.cause]
    for kind, edge in (("FOUND_AGAINST", rows.edge), ("FOUND_IN", rows.found)):
        seen = seen & seen_edges(snapshot, kind, clearance).exists[edge]
    return seen


def _mask(size: int, places: Integers) -> Mask:
    mask = np.zeros(size, dtype=np.bool_)
    mask[places] = True
    return mask


@dataclass(frozen=True)
class _Deeds:
    """Each node's weight on the day, the rule it comes from and its day (NaN: none), shape (n,)."""

    weight: Numbers
    rule: NDArray[np.int16]
    day: Numbers


def _deeds(snapshot: Snapshot, policy: PropagationPolicy, clearance: str) -> _Deeds:
    size = snapshot.size
    did = _Deeds(np.zeros(size), np.full(size, -1, np.int16), np.full(size, np.nan))
    seen = access.visible_mask(node_markings(snapshot, "marking"), clearance)
    for number, rule in enumerate(policy.seeds):
        start, stop = snapshot.range(rule.kind)
        if stop > start:
            weight, day = _weights(snapshot, rule)
            weight = weight * seen[start:stop]
            better = np.flatnonzero(weight > did.weight[start:stop])
            did.weight[better + start] = weight[better]
            did.rule[better + start] = number
            did.day[better + start] = day[better]
    return did


def _weights(snapshot: Snapshot, rule: SeedRule) -> tuple[Numbers, Numbers]:
    """The weight that each node of the rule's kind gives on the snapshot's day, and its day."""
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
    return np.asarray(weight, dtype=np.float64), day


def _days(column: pa.ChunkedArray) -> Numbers:
    """Dates (or ISO texts) as days since 1970-01-01, NaN where there is none."""
    dates = column.cast(pa.date32())
    return np.asarray(dates.cast(pa.int32()).cast(pa.float64()).fill_null(np.nan))


def _found_in(snapshot: Snapshot, clearance: str) -> Integers:
    """Each node's FOUND_IN edge that the reader may see (-1: none), shape (n,)."""
    result = np.full(snapshot.size, -1, dtype=np.int64)
    exists = np.flatnonzero(seen_edges(snapshot, "FOUND_IN", clearance).exists)[::-1]
    result[np.asarray(snapshot.edges("FOUND_IN").source)[exists]] = exists
    return result


def _tied(
    snapshot: Snapshot, kind: str, party_is_source: bool, did: _Deeds, found: Integers,
    clearance: str,
) -> Causes:  # fmt: skip
    """The causes of the parties that the edges of a kind tie to theirs."""
    edges = snapshot.edges(kind)
    ends = (np.asarray(edges.source, np.int64), np.asarray(edges.target, np.int64))
    party, cause = ends if party_is_source else ends[::-1]
    counts = seen_edges(snapshot, kind, clearance).exists & (did.weight[cause] > 0)
    number = np.flatnonzero(counts)
    return _rows(party[number], cause[number], did, kind, number, found, named=True)


def _concerned(
    snapshot: Snapshot, kind: str, did: _Deeds, found: Integers, clearance: str
) -> Causes:
    """The causes of the parties with a role in shipments whose findings name nobody.

    Whether a finding names somebody does not depend on the reader: who may not see the violator is
    not told that somebody else is one.
    """
    named = np.asarray(snapshot.edges("FOUND_AGAINST").source)
    cause = np.setdiff1d(np.flatnonzero((did.weight > 0) & (found >= 0)), named)
    shipments = np.asarray(snapshot.edges("FOUND_IN").target, dtype=np.int64)[found[cause]]
    place, edge = _in_shipments(snapshot, kind, shipments, clearance)
    party = np.asarray(snapshot.edges(kind).source, dtype=np.int64)[edge]
    return _rows(party, cause[place], did, kind, edge, found, named=False)


def _in_shipments(
    snapshot: Snapshot, kind: str, shipments: Integers, clearance: str
) -> tuple[Integers, Integers]:
    """Pairs of a place in `shipments` and an edge of the role that leads to that shipment and
    exists for the reader. O(m + s log s + result)."""
    target = np.asarray(snapshot.edges(kind).target)
    wanted = np.isin(target, shipments) & seen_edges(snapshot, kind, clearance).exists
    edge = np.flatnonzero(wanted)
    order = np.argsort(shipments, kind="stable")
    first = np.searchsorted(shipments[order], target[edge], side="left")
    count = np.searchsorted(shipments[order], target[edge], side="right") - first
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return order[np.repeat(first, count) + within], np.repeat(edge, count)


def _rows(
    party: Integers, cause: Integers, did: _Deeds, kind: str, edge: Integers, found: Integers,
    *, named: bool,
) -> Causes:  # fmt: skip
    size = len(party)
    return Causes(
        party,
        cause,
        did.rule[cause],
        did.weight[cause],
        did.day[cause],
        np.full(size, kind, dtype=_TIE_NAME),
        edge,
        found[cause],
        np.full(size, named),
    )


def _row(snapshot: Snapshot, kind: str, source: int, clearance: str) -> Integers:
    """The targets of those edges of a kind that a node has and that exist for the reader; edges
    are sorted by source. O(log m + result)."""
    edges = snapshot.edges(kind)
    first, last = np.searchsorted(edges.source, [source, source + 1])
    target = np.asarray(edges.target[first:last], dtype=np.int64)
    exists = access.visible_mask(np.asarray(edges.marking[first:last]), clearance)
    return target[exists & access.visible_mask(node_markings(snapshot)[target], clearance)]
