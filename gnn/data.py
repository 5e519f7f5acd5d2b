"""Snapshot links and findings as tensors: a heterogeneous graph, and the evidence at each cut.

Time is cut into windows of equal length. A shipment sees the findings recorded and the links known
before the first day of its window, so no label reaches itself or anything earlier. Everything that
does not depend on learned weights is computed once here (the idea of SIGN, Frasca et al. 2020,
https://arxiv.org/abs/2004.11198); what is learned is in `gnn.model`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from gnn.cases import NEVER, Cases
from gnn.config import GraphConfig
from gnn.geometric import HeteroData
from gnn.links import Link
from gnn.model import SharedHubs
from gnn.split import Indices

#: Roles whose record counts, and through which evidence reaches a shipment.
EVIDENCE_ROLES = ("importer", "exporter", "declarant", "manufacturer")

#: Evidence that is kept rather than computed again: about 40 cuts of 10,000 enterprises.
KEPT_BYTES = 512 * 2**20


@dataclass(frozen=True)
class Findings:
    """m outcomes of parties: who, when recorded (day), 1 violation or 0 compliant."""

    party: torch.Tensor
    recorded: torch.Tensor
    outcome: torch.Tensor

    @classmethod
    def of(cls, cases: Cases) -> "Findings":
        """Every known outcome, counted once for each enterprise that had a role in it."""
        rows = np.flatnonzero(cases.recorded < NEVER)
        pairs = [np.stack([cases.parties[role][rows], rows], axis=1) for role in EVIDENCE_ROLES]
        united = np.unique(np.concatenate(pairs), axis=0)
        party, row = united[united[:, 0] >= 0].T
        return cls(
            torch.from_numpy(party),
            torch.from_numpy(cases.recorded[row].astype(np.int64)),
            torch.from_numpy(cases.outcome[row].astype(np.float32)),
        )


def to_hetero(links: tuple[Link, ...]) -> HeteroData:
    """The links as a heterogeneous graph of enterprises and one kind of hub a kind of link.

    Edge type (enterprise, shares, <kind>): `edge_index` (2, m) and `known` (m,), days.
    """
    data = HeteroData()
    data["enterprise"].num_nodes = links[0].parties if links else 0
    for link in links:
        data[link.kind].num_nodes = link.hubs
        edge = data["enterprise", "shares", link.kind]
        edge.edge_index = torch.from_numpy(np.stack([link.party, link.hub]))
        edge.known = torch.from_numpy(link.known.astype(np.int64))
    return data


def path_names(kinds: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """The paths evidence travels: none (own record), each kind, each kind after each kind."""
    return (
        (),
        *((kind,) for kind in kinds),
        *((first, second) for first in kinds for second in kinds),
    )


class Evidence:
    """Violations and inspections that reach each party along each path, at each cut.

    For a path (k, j) the record y travels S_k S_j y, where S_k sums over parties that share a hub
    of kind k (see `SharedHubs`). With p paths and h half-lives the evidence of a party is
    (p, h, 2): faded violations, faded inspections. It is the same for every fit and every question,
    so it is kept for as many cuts as `KEPT_BYTES` hold.
    """

    def __init__(self, graph: HeteroData, findings: Findings, config: GraphConfig) -> None:
        self.graph = graph
        self.findings = findings
        self.config = config
        self.kinds = tuple(kind for _, _, kind in graph.edge_types)
        self.paths = path_names(self.kinds)
        self._kept: dict[int, torch.Tensor] = {}

    def cut_of(self, declared: np.ndarray[tuple[int], np.dtype[np.int32]]) -> Indices:
        """First day of the window each shipment falls in."""
        window = self.config.window_days
        return declared.astype(np.int64) // window * window

    def batches(
        self, cases: Cases, rows: Indices, most: int = 16_384
    ) -> Iterator[tuple[Indices, torch.Tensor]]:
        """The evidence of the parties of some shipments, window by window.

        Yields row numbers (b,) and evidence (b, roles, p, h, 2), zero where a role has no party.
        Cost a window: O(p · (links + enterprises) · h).
        """
        cuts = self.cut_of(cases.declared[rows])
        for cut in np.unique(cuts):
            reached = self.at(int(cut))
            inside = rows[cuts == cut]
            for start in range(0, len(inside), most):
                part = inside[start : start + most]
                parties = np.stack([cases.parties[role][part] for role in EVIDENCE_ROLES], axis=1)
                numbers = torch.from_numpy(parties)
                known = (numbers >= 0) & (numbers < len(reached))
                yield part, reached[numbers * known] * known[:, :, None, None, None]

    def at(self, cut: int) -> torch.Tensor:
        """The evidence of every enterprise before a day: (enterprises, p, h, 2)."""
        if (kept := self._kept.get(cut)) is not None:
            return kept
        found = self._reached(cut)
        if (len(self._kept) + 1) * found.nbytes <= KEPT_BYTES:
            self._kept[cut] = found
        return found

    def _reached(self, cut: int) -> torch.Tensor:
        own = self._record(cut)
        size = own.shape[0]
        flat = own.reshape(size, -1)
        hubs = [self._hubs(kind, cut) for kind in self.kinds]
        once = [hub(flat) for hub in hubs]
        together = torch.cat(once, dim=1)
        twice = [hub(together) for hub in hubs]
        stacked = torch.cat([flat, *once, *twice], dim=1)
        return stacked.reshape(size, len(self.paths), len(self.config.half_lives), 2)

    def _record(self, cut: int) -> torch.Tensor:
        """Own faded violations and inspections before a day: (enterprises, h, 2)."""
        known = self.findings.recorded < cut
        party, outcome = self.findings.party[known], self.findings.outcome[known]
        age = (cut - self.findings.recorded[known]).to(torch.float32)
        half_lives = torch.tensor(self.config.half_lives)
        faded = 0.5 ** (age[:, None] / half_lives)
        both = torch.stack([faded * outcome[:, None], faded], dim=2)
        record = torch.zeros(int(self.graph["enterprise"].num_nodes), *both.shape[1:])
        return record.index_add_(0, party, both)

    def _hubs(self, kind: str, cut: int) -> SharedHubs:
        edge = self.graph["enterprise", "shares", kind]
        index = edge.edge_index[:, edge.known < cut]
        return SharedHubs(
            index, int(self.graph["enterprise"].num_nodes), int(self.graph[kind].num_nodes)
        )
