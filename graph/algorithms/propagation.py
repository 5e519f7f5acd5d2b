"""Risk that reaches an enterprise along its links, with the paths it takes as evidence.

**Influence is not guilt.** It says that a penalised or listed party is near and through which
links; it can raise attention and never lowers a class. **影响不等于过错**：影响值只说明企业通过哪些
关联与受处罚或列入名单的主体相连，可以提高关注程度，绝不据此降低企业的信用等级。

Formula. A path from a source party s over links l1..lh (h <= `max_hops`) contributes

    c = weight(s) * product(strength(l) * damping)

with weight(s) = max over what s did of weight * 2^(-age / half-life), or 1 for a list entry in
force. A violation is the deed of the enterprise that the finding names; the others in the shipment
are reached through it. Each party counts once, along its best path:
other ways from the same party say nothing new. The influence is 1 - product(1 - c) over the
parties found: the noisy-or of Pearl, Probabilistic Reasoning in Intelligent Systems (1988),
section 4.3. It treats parties as independent although their paths may share links, so it is an
upper estimate; the target's own penalties, and what was found in its own shipments against nobody
named, are not part of it. Paths come in order of contribution (see `graph.algorithms.paths`);
those beyond `limit` are summed in the `remainder`:
1 - influence = product over shown (1 - c) * (1 - remainder).

Access. Influence, contributions and order count only what the reader may see. Of the parties from
which a path comes that touches something above the clearance, each is counted once, whether or not
the reader sees another path from it; some of these paths are shown after the others, without a
contribution and with those steps blanked (see `graph.algorithms.hidden`). What is there is told and
nothing of what it carries: no share, weight or day that the reader may not see changes anything in
an answer. A cause of a path's start that the reader may not see is counted, never named.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from graph import access
from graph.algorithms.cache import per_snapshot
from graph.algorithms.causes import Cause, describe
from graph.algorithms.hidden import hidden_paths
from graph.algorithms.network import Network, build_network
from graph.algorithms.paths import (
    HIDDEN,
    Found,
    FoundPath,
    Hop,
    hops_of,
    locate,
    most_reliable,
    node_name,
)
from graph.algorithms.policy import PropagationPolicy, load_policy
from graph.algorithms.seeds import Causes, found_ties, ways_chosen, without_own
from graph.snapshot import Snapshot

#: Most causes of one party that are listed; the others are counted.
MOST_CAUSES = 50

#: Most paths that the clearance hides which are shown, blanked; all are counted.
MOST_HIDDEN = 5


@dataclass(frozen=True)
class RiskPath:
    """One path: its contribution (None where the clearance does not reach), the party it starts
    from, why that party counts, and the steps from there to the target.

    `weight` is the party's own, set by the rule `reason` for the `cause`. `causes` are all reasons,
    most severe first (`cause_count` of them, should there be more than `MOST_CAUSES`);
    `hidden_causes` counts those above the clearance."""

    contribution: float | None
    source: str | None
    source_name: str | None
    reason: str | None
    cause: str | None
    weight: float | None
    hops: tuple[Hop, ...]
    causes: tuple[Cause, ...] = ()
    cause_count: int = 0
    hidden_causes: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The keys of the machine-readable answer."""
        return {
            "contribution": self.contribution,
            "source": self.source,
            "source_name": self.source_name,
            "reason": self.reason,
            "cause": self.cause,
            "weight": self.weight,
            "causes": [cause.as_dict() for cause in self.causes],
            "cause_count": self.cause_count,
            "hidden_causes": self.hidden_causes,
            "hops": [hop.as_dict() for hop in self.hops],
        }


@dataclass(frozen=True)
class RiskPaths:
    """The answer. After the best of `paths` come some that the clearance hides, blanked. `hubs`
    names the first of the `skipped_hubs`; `redacted` counts what the clearance hides; `partial`
    says that a limit of the policy was reached."""

    target: str
    influence: float
    paths: tuple[RiskPath, ...]
    remainder_contribution: float
    remainder_count: int
    skipped_hubs: int
    hubs: tuple[str, ...]
    partial: bool
    redacted: Mapping[str, int]
    max_hops: int
    snapshot: str
    as_of: date
    policy: str

    def as_dict(self) -> dict[str, Any]:
        """The keys of the machine-readable answer."""
        return {
            "target": self.target,
            "influence": self.influence,
            "paths": [path.as_dict() for path in self.paths],
            "remainder": {
                "contribution": self.remainder_contribution,
                "count": self.remainder_count,
            },
            "skipped_hubs": self.skipped_hubs,
            "hubs": list(self.hubs),
            "partial": self.partial,
            "redacted": dict(self.redacted),
            "max_hops": self.max_hops,
            "snapshot": self.snapshot,
            "as_of": self.as_of.isoformat(),
            "policy": self.policy,
        }


def risk_paths(
    snapshot: Snapshot,
    enterprise_id: str,
    *,
    policy: PropagationPolicy | None = None,
    limit: int = 5,
    clearance: str = access.HIGHEST,
) -> RiskPaths:
    """The best paths along which risk reaches an enterprise, one from each party.

    Cost: see `graph.algorithms.paths`; the network of the snapshot is built once and kept.

    Raises:
        NotFound: the snapshot has no such enterprise, or the clearance does not reach it.
    """
    policy = policy or load_policy()
    target = locate(snapshot, "Enterprise", enterprise_id, clearance)
    found, network = _find(snapshot, policy, target, clearance)
    tell = _Teller(snapshot, policy, target, clearance)
    shown = [tell.path(network, path) for path in found.paths[:limit]]
    hidden = [
        RiskPath(None, hops[0].source, None, None, None, None, hops)
        for hops in hidden_paths(snapshot, policy, target, clearance)
    ]
    rest = [path.reliability for path in found.paths[limit:]]
    return RiskPaths(
        enterprise_id,
        noisy_or([path.reliability for path in found.paths]),
        (*shown, *hidden[:MOST_HIDDEN]),
        noisy_or(rest),
        len(rest),
        len(found.hubs),
        tuple(snapshot.id_of(hub) for hub in found.hubs[:20]),
        found.partial,
        _redacted(shown, hidden),
        policy.limits.max_hops,
        snapshot.id,
        snapshot.as_of,
        policy.id,
    )


def noisy_or(contributions: list[float]) -> float:
    """1 - product(1 - c)."""
    return float(1.0 - np.prod(1.0 - np.asarray(contributions, dtype=np.float64)))


def _redacted(shown: list[RiskPath], hidden: list[RiskPath]) -> Mapping[str, int]:
    """What the clearance hides; the causes of one party count once however many paths it starts."""
    return access.Redactions(
        nodes=sum({path.source: path.hidden_causes for path in shown}.values()),
        edges=sum(hop.kind == HIDDEN for path in hidden for hop in path.hops),
        paths=len(hidden),
        properties=sum(hop.redacted for path in (*shown, *hidden) for hop in path.hops),
    ).as_dict()


@per_snapshot(8)
def _network(snapshot: Snapshot, policy: PropagationPolicy, clearance: str) -> Network:
    """The policy's links and the ways from violators through their shipments; kept."""
    links = (*policy.links, *policy.found)
    only = found_ties(snapshot, policy, clearance).edges
    return build_network(snapshot, links, policy.damping, policy.former, clearance, only)


def _find(
    snapshot: Snapshot, policy: PropagationPolicy, target: int, clearance: str
) -> tuple[Found, Network]:
    network = _network(snapshot, policy, clearance)
    sources = without_own(snapshot, policy, target, clearance).weights(snapshot.size)
    ties, findings = found_ties(snapshot, policy, clearance), range(*snapshot.range("Finding"))

    def counts(path: FoundPath) -> bool:
        return ways_chosen(path.nodes, [ties], findings)

    found = most_reliable(network, target, sources, policy.limits, counts, once=True)
    return found, network


class _Teller:
    """Puts found paths to one target in words for one reader."""

    def __init__(
        self, snapshot: Snapshot, policy: PropagationPolicy, target: int, clearance: str
    ) -> None:
        self.snapshot, self.policy, self.clearance = snapshot, policy, clearance
        self._causes, self._truth = (
            without_own(snapshot, policy, target, name) for name in (clearance, access.HIGHEST)
        )
        self._starts: dict[int, RiskPath] = {}

    def path(self, network: Network, path: FoundPath) -> RiskPath:
        """The path with the causes of its start."""
        source = path.nodes[0]
        if source not in self._starts:
            self._starts[source] = self._start(source)
        hops = hops_of(self.snapshot, network, path, self.clearance)
        return replace(self._starts[source], contribution=path.reliability, hops=hops)

    def _start(self, source: int) -> RiskPath:
        """What paths from that party have in common."""
        causes, truth = self._causes.of(source), self._truth.of(source)
        first = int(np.argmax(causes.weight))
        return RiskPath(
            None,
            self.snapshot.id_of(source),
            node_name(self.snapshot, source, self.clearance),
            self.policy.seeds[int(causes.rule[first])].name,
            self.snapshot.id_of(int(causes.cause[first])),
            float(causes.weight[first]),
            (),
            self._told(causes),
            len(causes.cause),
            len(np.setdiff1d(truth.cause, causes.cause)),
        )

    def _told(self, causes: Causes) -> tuple[Cause, ...]:
        shown = causes.take(np.arange(min(len(causes.cause), MOST_CAUSES)))
        return describe(self.snapshot, self.policy, shown, self.clearance)
