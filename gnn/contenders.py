"""The models that compete: baselines, trees on ever more of the graph, the graph network, both.

Each is fitted on some rows and gives a margin (log-odds) to every shipment, so that all are judged
on the same footing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gnn import trees
from gnn.baselines import Lookup, history_rule, known_rate
from gnn.cases import NEVER, Cases
from gnn.config import ModelConfig
from gnn.metrics import Floats, evaluate
from gnn.split import Indices
from gnn.trees import TreeModel

if TYPE_CHECKING:
    from gnn.network import Network

BASE = "base rate"
LOOKUP = "lookup table"
HISTORY = "history rule"
ROW = "trees: row"
ROW_HISTORY = "trees: row + history"
FULL = "trees: row + history + neighbours"
NETWORK = "graph network"
BOTH = "both"

#: Which groups of features each tree model sees.
TREE_GROUPS: Mapping[str, tuple[str, ...]] = {
    ROW: ("row",),
    ROW_HISTORY: ("row", "history"),
    FULL: ("row", "history", "neighbour", "network"),
}
BASELINES = (BASE, LOOKUP, HISTORY)

_BLENDS = np.linspace(0, 1, 21)

#: Fits the graph network: rows, validation rows or None, epochs or None, weight of all shipments.
FitNetwork = Callable[[Indices, "Indices | None", "int | None", Floats], "Network"]


@dataclass(frozen=True)
class Contender:
    """A fitted model: `margin` (n,) over all shipments; `rounds` that served validation best.

    `blend` is the share of the graph network in `both`; 0 and 1 are the trees and the network.
    """

    name: str
    margin: Floats
    trees: TreeModel | None = None
    network: "Network | None" = None
    blend: float = 0.0
    rounds: int = 0


@dataclass(frozen=True)
class Lesson:
    """What to learn from: rows with known outcomes, and rows to choose by (None: choices made)."""

    rows: Indices
    validation: Indices | None
    weight: Floats


def fit_all(
    cases: Cases,
    lesson: Lesson,
    config: ModelConfig,
    *,
    threads: int,
    chosen: Mapping[str, Contender] | None = None,
    fit_network: FitNetwork | None = None,
    trees_only: tuple[str, ...] = tuple(TREE_GROUPS),
    progress: Callable[[str, float], None] | None = None,
) -> dict[str, Contender]:
    """Fit the contenders. With `chosen`, repeat their rounds and blend on the new rows.

    `trees_only` names the tree models wanted; without `fit_network` there is no graph network.
    """
    found = baselines(cases, lesson)
    for number, name in enumerate(trees_only):
        if progress is not None:
            progress(f"fitting {name}", number / 5)
        found[name] = _fit_trees(cases, lesson, config, name, threads, chosen)
    if fit_network is not None:
        if progress is not None:
            progress(f"fitting {NETWORK}", 0.6)
        epochs = chosen[NETWORK].rounds if chosen else None
        network = fit_network(lesson.rows, lesson.validation, epochs, lesson.weight)
        found[NETWORK] = Contender(
            NETWORK, network.margin(cases), network=network, blend=1.0, rounds=network.epochs
        )
        share = chosen[BOTH].blend if chosen else None
        found[BOTH] = blend(cases, lesson, config, found[FULL], found[NETWORK], share)
    return found


def baselines(cases: Cases, lesson: Lesson) -> dict[str, Contender]:
    """The models that need no fitting to speak of."""
    outcome, weight = cases.outcome[lesson.rows], lesson.weight[lesson.rows]
    base = float(np.average(outcome, weights=weight))
    size = int(cases.product.max(initial=0)) + 1
    table = Lookup.fit(cases.product[lesson.rows], outcome, weight, size)
    scores = {
        BASE: np.full(len(cases), base),
        LOOKUP: table.score(cases.product),
        HISTORY: history_rule(
            [_party_rate(cases, role, base) for role in ("importer", "declarant")]
        ),
    }
    return {name: Contender(name, _logit(score)) for name, score in scores.items()}


def blend(
    cases: Cases,
    lesson: Lesson,
    config: ModelConfig,
    first: Contender,
    second: Contender,
    share: float | None = None,
) -> Contender:
    """(1 - share) · trees + share · network on log-odds; the share is chosen on validation."""
    if share is None:
        assert lesson.validation is not None
        rows = lesson.validation
        mixed = [(1 - s) * first.margin[rows] + s * second.margin[rows] for s in _BLENDS]
        gains = [
            merit(cases.outcome[rows], margin, lesson.weight[rows], config) for margin in mixed
        ]
        share = float(_BLENDS[int(np.argmax(gains))])
    margin = (1 - share) * first.margin + share * second.margin
    return Contender(BOTH, margin, first.trees, second.network, share)


def merit(outcome: Floats, score: Floats, weight: Floats, config: ModelConfig) -> float:
    """What validation chooses by: average precision, which the whole top of the ranking decides.

    Precision at 4 % rests on a few dozen validation rows, too few to tell models apart.
    """
    return evaluate(
        outcome, score, share=config.share, weight=weight, replicates=1
    ).average_precision


def _fit_trees(
    cases: Cases,
    lesson: Lesson,
    config: ModelConfig,
    name: str,
    threads: int,
    chosen: Mapping[str, Contender] | None,
) -> Contender:
    names = cases.named(*TREE_GROUPS[name])
    validation = (
        None if lesson.validation is None else cases.rows(lesson.validation, names, lesson.weight)
    )
    model = trees.fit(
        cases.rows(lesson.rows, names, lesson.weight),
        names,
        config.trees,
        seed=config.seed,
        validation=validation,
        rounds=chosen[name].rounds if chosen else None,
        threads=threads,
    )
    return Contender(name, model.margin(cases.columns(names)), trees=model, rounds=model.rounds)


def _party_rate(cases: Cases, role: str, base: float) -> Floats:
    known = np.flatnonzero(cases.recorded < NEVER)
    party = cases.parties[role]
    return known_rate(
        party,
        cases.declared,
        party[known],
        cases.recorded[known],
        cases.outcome[known],
        base,
    )


def _logit(probability: Floats) -> Floats:
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped / (1 - clipped)))
