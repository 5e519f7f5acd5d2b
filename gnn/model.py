"""The graph network: learned label propagation over kinds of link, read by a small perceptron.

For a shipment with parties in roles r, and for each head c,

    V = Σ_{path, half-life} a · V_path      a = softplus(θ[r, c, path, half-life]) >= 0
    N = Σ_{path, half-life} a · N_path
    evidence_c = logit((V + s b) / (N + s)) - logit(b),   weight_c = log(1 + N)

where V_path and N_path are the violations and inspections that reach the party along a path of
link kinds (Zhu and Ghahramani 2002 with learned weights; computed once, Frasca et al. 2020), b is
the base rate and s the strength of the prior: a party nobody knows anything about gives 0. Then

    logit = w · z + MLP(z),   z = [shipment features | evidence | weight].

Shapes: b shipments, r roles, p paths, h half-lives, c heads, f shipment features.
"""

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from gnn.geometric import MessagePassing, csr, spmm

HEADS = 4


class Sum(MessagePassing):  # type: ignore[misc]
    """Sum over neighbours as one sparse product: adjacency (t, s) in CSR form, x (s, d)."""

    def __init__(self) -> None:
        super().__init__(aggr="sum")

    def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
        """Shapes: (s, d) in, (t, d) out."""
        out: Tensor = self.propagate(adjacency, x=x)
        return out

    def message_and_aggregate(self, adjacency: Tensor, x: Tensor) -> Tensor:
        """The sparse product that replaces message by message sums."""
        out: Tensor = spmm(adjacency, x, reduce="sum")
        return out


class SharedHubs(nn.Module):
    """What reaches each party from the others at its hubs: S x = B G Bᵀ x - diag(B G Bᵀ) x.

    B (parties, hubs) says who belongs where; G = diag(1 / sqrt(max(members - 1, 1))), so that a
    hub with many members says less about each of them.
    """

    def __init__(self, index: Tensor, parties: int, hubs: int) -> None:
        """`index` (2, m): party and hub of each membership, each pair once."""
        super().__init__()
        members = torch.zeros(hubs).index_add_(0, index[1], torch.ones(index.shape[1]))
        scale = (members - 1).clamp(min=1).rsqrt()
        self.to_hub = csr(index.flip(0), torch.ones(index.shape[1]), (hubs, parties))
        self.to_party = csr(index, scale[index[1]], (parties, hubs))
        self.own = torch.zeros(parties).index_add_(0, index[0], scale[index[1]])
        self.sum = Sum()

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (parties, d) in and out."""
        at_hub = self.sum(x, self.to_hub)
        out: Tensor = self.sum(at_hub, self.to_party) - self.own[:, None] * x
        return out.clamp(min=0)


class LinkNetwork(nn.Module):
    """The part that is learned; see the formula above."""

    def __init__(
        self, features: int, roles: int, paths: int, half_lives: int, *, hidden: int,
        dropout: float, base: float, strength: float,
    ) -> None:  # fmt: skip
        """`base` and `strength`: b and s of the formula."""
        super().__init__()
        self.theta = nn.Parameter(torch.empty(roles, HEADS, paths, half_lives))
        nn.init.normal_(self.theta, mean=-1.0, std=0.3)
        width = features + roles * HEADS * 2
        self.linear = nn.Linear(width, 1)
        self.deep = nn.Sequential(
            nn.Dropout(dropout / 3), nn.Linear(width, hidden), nn.SiLU(), nn.Dropout(dropout),
            nn.Linear(hidden, hidden // 2), nn.SiLU(), nn.Dropout(dropout),
            nn.Linear(hidden // 2, 1),
        )  # fmt: skip
        nn.init.zeros_(self.linear.weight)
        self.base = base
        self.strength = strength
        nn.init.constant_(self.linear.bias, float(torch.logit(torch.tensor(base))))

    def combine(self, evidence: Tensor) -> Tensor:
        """Evidence of all roles (b, r, p, h, 2) into log-odds and weights (b, r * c * 2)."""
        weight = functional.softplus(self.theta)
        reached = torch.einsum("brphx,rcph->brcx", evidence, weight)
        violations, inspections = reached[..., 0], reached[..., 1]
        rate = (violations + self.strength * self.base) / (inspections + self.strength)
        prior = torch.logit(torch.tensor(self.base))
        odds = torch.logit(rate.clamp(1e-4, 1 - 1e-4)) - prior
        return torch.stack([odds, torch.log1p(inspections)], dim=3).flatten(1)

    def forward(self, features: Tensor, evidence: Tensor) -> Tensor:
        """Log-odds of a violation. Shapes: (b, f) and (b, r, p, h, 2) in, (b,) out."""
        z = torch.cat([features, self.combine(evidence)], dim=1)
        out: Tensor = (self.linear(z) + self.deep(z)).squeeze(1)
        return out
