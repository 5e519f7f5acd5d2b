"""Fit and apply the graph network: flat loops over windows and batches, one seed a bag."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional

from gnn.cases import Cases
from gnn.config import GraphConfig, ModelConfig
from gnn.data import EVIDENCE_ROLES, Evidence, Findings, to_hetero
from gnn.errors import ModelError
from gnn.geometric import one_thread
from gnn.links import Link
from gnn.metrics import Floats
from gnn.model import LinkNetwork
from gnn.split import Indices

_KNOTS = 65


@dataclass(frozen=True)
class Scaler:
    """Features to bell-shaped numbers by their quantiles; unknown values become 0 and a flag.

    `knots` (f, k): the quantiles of each feature; `levels` (k,): the normal scores they map to.
    """

    names: tuple[str, ...]
    knots: Floats
    levels: Floats

    @classmethod
    def fit(cls, cases: Cases, names: tuple[str, ...], rows: Indices) -> "Scaler":
        """Learn the quantiles of the features on some rows, with known outcome or not."""
        share = np.linspace(0, 1, _KNOTS)
        matrix = cases.columns(names)[rows]
        empty = np.isnan(matrix).all(axis=0)
        matrix[:, empty] = 0
        levels = torch.special.ndtri(torch.from_numpy(np.clip(share, 0.004, 0.996))).numpy()
        return cls(names, np.nanquantile(matrix.astype(np.float64), share, axis=0).T, levels)

    def apply(self, cases: Cases, rows: Indices) -> torch.Tensor:
        """Scaled features and flags of unknown ones: (b, 2 f)."""
        place = {name: number for number, name in enumerate(cases.names)}
        out = np.zeros((len(rows), 2 * len(self.names)), dtype=np.float32)
        for number, name in enumerate(self.names):
            column = cases.features[rows, place[name]]
            known = np.isfinite(column)
            out[known, number] = np.interp(column[known], self.knots[number], self.levels)
            out[:, len(self.names) + number] = ~known
        return torch.from_numpy(out)


@dataclass(frozen=True)
class Network:
    """Fitted networks that differ in their seed, with what they need to see a shipment."""

    modules: tuple[LinkNetwork, ...]
    scaler: Scaler
    evidence: Evidence
    epochs: int

    def margin(self, cases: Cases, rows: Indices | None = None) -> Floats:
        """Log-odds of a violation of some shipments, or of all: (n,)."""
        return self._apply(cases, rows, lambda evidence: evidence)

    def without(self, cases: Cases, rows: Indices, kind: str) -> Floats:
        """The margin when nothing travels along a kind of link (`own record`: the own path)."""
        kept = torch.tensor(
            [
                (path != ()) if kind == "own record" else kind not in path
                for path in self.evidence.paths
            ],
            dtype=torch.float32,
        )
        return self._apply(cases, rows, lambda evidence: evidence * kept[:, None, None])

    def _apply(
        self,
        cases: Cases,
        rows: Indices | None,
        change: Callable[[torch.Tensor], torch.Tensor],
    ) -> Floats:
        wanted = np.arange(len(cases)) if rows is None else rows
        out = np.zeros(len(cases))
        with one_thread(), torch.no_grad():
            for part, evidence in self.evidence.batches(cases, wanted):
                features = self.scaler.apply(cases, part)
                changed = change(evidence)
                margins = torch.stack([module(features, changed) for module in self.modules])
                out[part] = margins.mean(dim=0).numpy().astype(np.float64)
        return out[wanted]

    def save(self, folder: Path) -> None:
        """Write weights (NumPy archive) and shape (JSON) into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {"knots": self.scaler.knots, "levels": self.scaler.levels}
        for number, module in enumerate(self.modules):
            for name, value in module.state_dict().items():
                arrays[f"{number}/{name}"] = value.numpy()
        np.savez(folder / "weights.npz", **arrays)  # type: ignore[arg-type]
        facts = {
            "names": self.scaler.names,
            "kinds": self.evidence.kinds,
            "epochs": self.epochs,
            "bags": len(self.modules),
            "base": self.modules[0].base,
        }
        (folder / "network.json").write_text(json.dumps(facts, indent=1, sort_keys=True))

    @classmethod
    def load(
        cls, folder: Path, links: tuple[Link, ...], cases: Cases, config: GraphConfig
    ) -> "Network":
        """Read a network that `save` wrote and let it see the given links and findings.

        Raises:
            ModelError: the folder holds no network, or one for other kinds of link.
        """
        try:
            facts = json.loads((folder / "network.json").read_text())
            with np.load(folder / "weights.npz") as file:
                arrays = {name: file[name] for name in file.files}
        except (OSError, ValueError) as error:
            raise ModelError(f"{folder} holds no graph network", hint="train again") from error
        evidence = Evidence(to_hetero(links), Findings.of(cases), config)
        if tuple(facts["kinds"]) != evidence.kinds:
            raise ModelError(f"{folder} was trained on other kinds of link", hint="train again")
        scaler = Scaler(tuple(facts["names"]), arrays["knots"], arrays["levels"])
        modules = []
        for number in range(facts["bags"]):
            module = _module(scaler, evidence, config, facts["base"])
            prefix = f"{number}/"
            module.load_state_dict(
                {
                    name.removeprefix(prefix): torch.from_numpy(value)
                    for name, value in arrays.items()
                    if name.startswith(prefix)
                }
            )
            modules.append(module.eval())
        return cls(tuple(modules), scaler, evidence, facts["epochs"])


@one_thread()
def fit_network(
    cases: Cases,
    evidence: Evidence,
    names: tuple[str, ...],
    weight: Floats,
    config: ModelConfig,
    rows: Indices,
    validation: Indices | None = None,
    epochs: int | None = None,
) -> Network:
    """Fit on `rows`; the number of epochs is `epochs`, or what serves `validation` best.

    Cost an epoch: O(rows · roles · paths); `evidence` may serve many fits on the same cases.
    """
    until = int(cases.declared[rows].max())
    scaler = Scaler.fit(cases, names, np.flatnonzero(cases.declared <= until))
    learn = _tensors(cases, scaler, evidence, rows, weight)
    judge = None if validation is None else _tensors(cases, scaler, evidence, validation, weight)
    base = float(np.average(cases.outcome[rows], weights=weight[rows]))
    fitted = []
    for bag in range(config.graph.bags):
        torch.manual_seed(config.seed + bag)
        module = _module(scaler, evidence, config.graph, base)
        fitted.append(_fit_one(module, learn, judge, config, epochs))
    chosen = epochs or max(1, round(float(np.mean([number for _, number in fitted]))))
    return Network(tuple(module for module, _ in fitted), scaler, evidence, chosen)


@dataclass(frozen=True)
class _Tensors:
    features: torch.Tensor
    evidence: torch.Tensor
    outcome: torch.Tensor
    weight: torch.Tensor


def _tensors(
    cases: Cases, scaler: Scaler, evidence: Evidence, rows: Indices, weight: Floats
) -> _Tensors:
    parts = list(evidence.batches(cases, rows))
    order = np.concatenate([part for part, _ in parts])
    return _Tensors(
        scaler.apply(cases, order),
        torch.cat([found for _, found in parts]),
        torch.from_numpy(cases.outcome[order].astype(np.float32)),
        torch.from_numpy(weight[order].astype(np.float32)),
    )


def _module(scaler: Scaler, evidence: Evidence, config: GraphConfig, base: float) -> LinkNetwork:
    return LinkNetwork(
        2 * len(scaler.names),
        len(EVIDENCE_ROLES),
        len(evidence.paths),
        len(config.half_lives),
        hidden=config.hidden,
        dropout=config.dropout,
        base=base,
        strength=config.prior_strength,
    )


def _fit_one(
    module: LinkNetwork,
    learn: _Tensors,
    judge: _Tensors | None,
    config: ModelConfig,
    epochs: int | None,
) -> tuple[LinkNetwork, int]:
    """Train one network; keep the epoch with the lowest validation loss when there is one."""
    choices = config.graph
    optimiser = torch.optim.AdamW(
        module.parameters(), lr=choices.learning_rate, weight_decay=choices.weight_decay
    )
    best, best_epoch, best_loss = module.state_dict(), 0, float("inf")
    for epoch in range(1, (epochs or choices.epochs) + 1):
        _epoch(module.train(), learn, optimiser, choices.batch)
        if judge is None or epochs is not None:
            continue
        with torch.no_grad():
            loss = float(_loss(module.eval(), judge, slice(None)))
        if loss < best_loss:
            best = {name: value.clone() for name, value in module.state_dict().items()}
            best_epoch, best_loss = epoch, loss
        elif epoch - best_epoch >= choices.patience:
            break
    if best_epoch:
        module.load_state_dict(best)
    return module.eval(), best_epoch


def _epoch(
    module: LinkNetwork, learn: _Tensors, optimiser: torch.optim.Optimizer, batch: int
) -> None:
    for rows in torch.split(torch.randperm(len(learn.outcome)), batch):
        optimiser.zero_grad()
        loss = _loss(module, learn, rows)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()


def _loss(module: LinkNetwork, data: _Tensors, rows: torch.Tensor | slice) -> torch.Tensor:
    margin = module(data.features[rows], data.evidence[rows])
    return functional.binary_cross_entropy_with_logits(
        margin, data.outcome[rows], weight=data.weight[rows]
    )
