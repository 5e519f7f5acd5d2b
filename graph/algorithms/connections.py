"""The best paths between two given entities: how are these two tied to each other?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from graph import access
from graph.algorithms.network import network_of
from graph.algorithms.paths import Hop, hops_of, locate, most_reliable
from graph.algorithms.policy import PropagationPolicy, load_policy
from graph.snapshot import Snapshot


@dataclass(frozen=True)
class Connections:
    """Paths from `source` to `target`, most reliable first, each with its reliability; `partial`
    says that a limit of the policy was reached, `redacted` counts the dates and evidence of the
    steps that the clearance hides."""

    source: str
    target: str
    paths: tuple[tuple[float, tuple[Hop, ...]], ...]
    count: int
    skipped_hubs: int
    partial: bool
    redacted: Mapping[str, int]
    snapshot: str
    as_of: date
    policy: str

    def as_dict(self) -> dict[str, Any]:
        """The keys of the machine-readable answer."""
        return {
            "source": self.source,
            "target": self.target,
            "paths": [
                {"reliability": reliability, "hops": [hop.as_dict() for hop in hops]}
                for reliability, hops in self.paths
            ],
            "count": self.count,
            "skipped_hubs": self.skipped_hubs,
            "partial": self.partial,
            "redacted": dict(self.redacted),
            "snapshot": self.snapshot,
            "as_of": self.as_of.isoformat(),
            "policy": self.policy,
        }


def connections(
    snapshot: Snapshot,
    source: tuple[str, str],
    target: tuple[str, str],
    *,
    policy: PropagationPolicy | None = None,
    limit: int = 5,
    clearance: str = access.HIGHEST,
) -> Connections:
    """The best paths between two entities, each given as (kind, id), over what the reader may see.

    The policy's strengths say which ties are close and its hubs are not passed through. Cost: see
    `graph.algorithms.paths`.

    Raises:
        NotFound: the snapshot has no such entity, or the clearance does not reach it.
    """
    policy = policy or load_policy()
    start, end = (locate(snapshot, *entity, clearance) for entity in (source, target))
    network = network_of(snapshot, policy.links, policy.damping, policy.former, clearance)
    sources = np.zeros(snapshot.size)
    sources[start] = 1.0
    found = most_reliable(network, end, sources, policy.limits)
    paths = tuple(
        (path.reliability, hops_of(snapshot, network, path, clearance))
        for path in found.paths[:limit]
    )
    return Connections(
        source[1],
        target[1],
        paths,
        len(found.paths),
        len(found.hubs),
        found.partial,
        access.Redactions(
            properties=sum(hop.redacted for _, hops in paths for hop in hops)
        ).as_dict(),
        snapshot.id,
        snapshot.as_of,
        policy.id,
    )
