"""Exact and integrated-gradient reasons of the graph network; what a link kind contributes."""

from dataclasses import dataclass

import numpy as np
import torch

from gnn.cases import Cases
from gnn.geometric import one_thread
from gnn.metrics import Floats
from gnn.network import Network
from gnn.split import Indices

OWN_RECORD = "own record"

# Gauss-Legendre points on [0, 1]: four of them integrate polynomials of degree seven exactly.
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(4)


@dataclass(frozen=True)
class Attribution:
    """What each input adds to the network's log-odds of b shipments.

    `features` (b, f) in the order of the network's features; `kinds` (b, k + 1) for its own record
    and each kind of link; `start` (b,) the log-odds of a shipment nothing is known about. They sum
    to the margin up to the error of the integration.
    """

    features: Floats
    kinds: Floats
    start: Floats


def kind_names(network: Network) -> tuple[str, ...]:
    """The columns of `Attribution.kinds`."""
    return (OWN_RECORD, *network.evidence.kinds)


def attribute(network: Network, cases: Cases, rows: Indices) -> Attribution:
    """Integrated gradients (Sundararajan et al. 2017) from an unknown shipment to the real one.

    A path of two kinds of link is shared equally between them. Cost: four passes a row and bag.
    """
    share = torch.from_numpy(_shares(network))
    count = len(network.scaler.names)
    features, kinds = np.zeros((len(cases), count)), np.zeros((len(cases), share.shape[1]))
    start = np.zeros(len(cases))
    with one_thread():
        for part, evidence in network.evidence.batches(cases, rows, most=4096):
            known = network.scaler.apply(cases, part)
            for module in network.modules:
                by_input, by_path, origin = _integrate(module, known, evidence)
                features[part] += (by_input[:, :count] + by_input[:, count:]).numpy()
                kinds[part] += (by_path @ share).numpy()
                start[part] += origin
    bags = len(network.modules)
    return Attribution(features[rows] / bags, kinds[rows] / bags, start[rows] / bags)


def _integrate(
    module: torch.nn.Module, features: torch.Tensor, evidence: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Contributions of inputs (b, 2 f) and paths (b, p), and the log-odds at the origin."""
    by_input, by_path = (
        torch.zeros_like(features),
        torch.zeros(evidence.shape[0], evidence.shape[2]),
    )
    for point, weight in zip((_POINTS + 1) / 2, _WEIGHTS / 2, strict=True):
        x = (features * float(point)).requires_grad_()
        e = (evidence * float(point)).requires_grad_()
        slopes = torch.autograd.grad(module(x, e).sum(), (x, e))
        by_input += float(weight) * slopes[0] * features
        by_path += float(weight) * (slopes[1] * evidence).sum(dim=(1, 3, 4))
    with torch.no_grad():
        origin = float(module(torch.zeros_like(features[:1]), torch.zeros_like(evidence[:1])))
    return by_input, by_path, origin


def _shares(network: Network) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """How a path's contribution is divided among own record and kinds: (p, k + 1)."""
    names = kind_names(network)
    shares = np.zeros((len(network.evidence.paths), len(names)), dtype=np.float32)
    for number, path in enumerate(network.evidence.paths):
        for kind in path or (OWN_RECORD,):
            shares[number, names.index(kind)] += 1 / max(len(path), 1)
    return shares
