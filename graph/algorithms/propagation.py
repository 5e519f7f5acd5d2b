"""Risk that reaches an enterprise along its links, with the paths it takes as evidence.

**Influence is not guilt.** It says that a penalised or listed party is near and through which
links; it can raise attention and never lowers a class. **影响不等于过错**：影响值只说明企业通过哪些
关联与受处罚或列入名单的主体相连，可以提高关注程度，绝不据此降低企业的信用等级。

Formula. A path from a source party s over links l1..lh (h <= `max_hops`) contributes

    c = weight(s) * product(strength(l) * damping)

with weight(s) = max over what s did of weight * 2^(-age / half-life), or 1 for a list entry in
force. The influence is 1 - product(1 - c) over the paths found: the noisy-or of Pearl,
Probabilistic Reasoning in Intelligent Systems (1988), section 4.3. It treats paths as independent
although they may share links, so it is an upper estimate; the target's own penalties, and what was
found in its own shipments, are not part of it. Paths come in order of contribution (see
`graph.algorithms.paths`); those beyond `limit` are summed in the `remainder`:
1 - influence = product over shown (1 - c) * (1 - remainder).

Access. Influence and contributions count only what the reader may see. Paths among the best that
touch something above the clearance are shown with those steps blanked and without a contribution,
and counted: neither a gap nor a score gives away more than that something is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from graph import access
from graph.algorithms.network import Network, network_of
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
from graph.algorithms.seeds import Seeds, seeds_of, without_own
from graph.snapshot import Snapshot


@dataclass(frozen=True)
class RiskPath:
    """One path: its contribution (None where the clearance does not reach), the party it starts
    from, why that party counts, and the steps from there to the target."""

    contribution: float | None
    source: str | None
    source_name: str | None
    reason: str | None
    cause: str | None
    weight: float | None
    hops: tuple[Hop, ...]

    def as_dict(self) -> dict[str, Any]:
        """The keys of the machine-readable answer."""
        return {
            "contribution": self.contribution,
            "source": self.source,
            "source_name": self.source_name,
            "reason": self.reason,
            "cause": self.cause,
            "weight": self.weight,
            "hops": [hop.as_dict() for hop in self.hops],
        }


@dataclass(frozen=True)
class RiskPaths:
    """The answer. `hubs` names the first of the `skipped_hubs`; `redacted` counts what the
    clearance hides; `partial` says that a limit of the policy was reached."""

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
    """The best paths along which risk reaches an enterprise.

    Cost: see `graph.algorithms.paths`; the network of the snapshot is built once and kept.

    Raises:
        NotFound: the snapshot has no such enterprise, or the clearance does not reach it.
    """
    policy = policy or load_policy()
    target = locate(snapshot, "Enterprise", enterprise_id, clearance)
    found, network = _find(snapshot, policy, target, clearance)
    seeds = seeds_of(snapshot, policy, clearance)
    shown = [
        _describe(snapshot, network, path, seeds, policy, clearance) for path in found.paths[:limit]
    ]
    hidden = _hidden(snapshot, policy, target, clearance, found, limit)
    rest = [path.reliability for path in found.paths[limit:]]
    return RiskPaths(
        enterprise_id,
        noisy_or([path.reliability for path in found.paths]),
        (*shown, *hidden),
        noisy_or(rest),
        len(rest),
        len(found.hubs),
        tuple(snapshot.id_of(hub) for hub in found.hubs[:20]),
        found.partial,
        access.Redactions(
            edges=sum(hop.kind == HIDDEN for path in hidden for hop in path.hops),
            paths=len(hidden),
            properties=sum(hop.redacted for path in (*shown, *hidden) for hop in path.hops),
        ).as_dict(),
        policy.limits.max_hops,
        snapshot.id,
        snapshot.as_of,
        policy.id,
    )


def noisy_or(contributions: list[float]) -> float:
    """1 - product(1 - c)."""
    return float(1.0 - np.prod(1.0 - np.asarray(contributions, dtype=np.float64)))


def _find(
    snapshot: Snapshot, policy: PropagationPolicy, target: int, clearance: str
) -> tuple[Found, Network]:
    network = network_of(snapshot, policy.links, policy.damping, policy.former, clearance)
    seeds = seeds_of(snapshot, policy, clearance)
    sources = without_own(snapshot, policy, seeds, target)
    return most_reliable(network, target, sources, policy.limits), network


def _describe(
    snapshot: Snapshot,
    network: Network,
    path: FoundPath,
    seeds: Seeds,
    policy: PropagationPolicy,
    clearance: str,
) -> RiskPath:
    source = path.nodes[0]
    return RiskPath(
        path.reliability,
        snapshot.id_of(source),
        node_name(snapshot, source, clearance),
        policy.seeds[int(seeds.rule[source])].name,
        snapshot.id_of(int(seeds.cause[source])),
        float(seeds.weight[source]),
        hops_of(snapshot, network, path, clearance),
    )


def _hidden(
    snapshot: Snapshot,
    policy: PropagationPolicy,
    target: int,
    clearance: str,
    seen: Found,
    limit: int,
) -> list[RiskPath]:
    """Among the best `limit` paths of all, those the reader may not see whole, blanked.

    The first step's start is blanked too where only what is hidden makes it a source.
    """
    if clearance == access.HIGHEST:
        return []
    found, network = _find(snapshot, policy, target, access.HIGHEST)
    known = {path.nodes for path in seen.paths}
    weight = seeds_of(snapshot, policy, clearance).weight
    result = []
    for path in found.paths[:limit]:
        if path.nodes not in known:
            hops = hops_of(snapshot, network, path, clearance)
            if weight[path.nodes[0]] <= 0:
                first = replace(hops[0], source=None, source_name=None, kind=HIDDEN)
                hops = (replace(first, valid_from=None, valid_to=None, evidence=None), *hops[1:])
            result.append(RiskPath(None, hops[0].source, None, None, None, None, hops))
    return result
