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
from gnn.config import ModelConfig, SplitConfig
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
    """A fitted model. `rounds`: how long it learnt; `blend`: the network's share in `both`.

    A baseline has its log-odds of all shipments in `fixed` instead of a model.
    """

    name: str
    trees: TreeModel | None = None
    network: "Network | None" = None
    blend: float = 0.0
    rounds: int = 0
    fixed: Floats | None = None

    def margin(self, cases: Cases, rows: Indices) -> Floats:
        """Log-odds of a violation of some shipments."""
        if self.fixed is not None:
            return self.fixed[rows]
        total = np.zeros(len(rows))
        if self.trees is not None and self.blend < 1:
            features = cases.columns(self.trees.names)[rows]
            total += (1 - self.blend) * self.trees.margin(features)
        if self.network is not None and self.blend > 0:
            total += self.blend * self.network.margin(cases, rows)
        return total


@dataclass(frozen=True)
class Lesson:
    """What to learn from: rows with known outcomes. `weight` (n,) is over all shipments.

    `watch`: rows to stop by, where how long to learn is still to be found.
    """

    rows: Indices
    weight: Floats
    watch: Indices | None = None


def fit_all(
    cases: Cases,
    lesson: Lesson,
    config: ModelConfig,
    *,
    threads: int,
    rounds: Mapping[str, int] | None = None,
    fit_network: FitNetwork | None = None,
    wanted: tuple[str, ...] = tuple(TREE_GROUPS),
) -> dict[str, Contender]:
    """Fit the baselines, the `wanted` tree models and, if it can be, the graph network.

    `rounds` of each model; without them, what serves the last part of the lesson itself best, so
    that rows that are judged later play no part in it.
    """
    found = baselines(cases, lesson)
    part = None if rounds else last_part(cases, lesson, config.split)
    for name in wanted:
        known = rounds[name] if rounds else _tree_rounds(cases, part, config, name, threads)
        model = _fit_trees(cases, lesson, config, name, threads, known)
        found[name] = Contender(name, model, rounds=known)
    if fit_network is not None:
        known = rounds[NETWORK] if rounds else _epochs(fit_network, part, config)
        network = fit_network(lesson.rows, None, known, lesson.weight)
        found[NETWORK] = Contender(NETWORK, None, network, 1.0, known)
    return found


def last_part(cases: Cases, lesson: Lesson, config: SplitConfig) -> Lesson | None:
    """A lesson cut by time: its rows recorded before the last `stopping_share` of them, and that
    share to watch.

    None if one of the two has outcomes of one kind only.
    """
    rows = lesson.rows
    start = int(np.quantile(cases.declared[rows], 1 - config.stopping_share, method="higher"))
    learn = rows[(cases.declared[rows] < start) & (cases.recorded[rows] < start)]
    watch = rows[cases.declared[rows] >= start]
    both = all(0 < cases.outcome[part].sum() < len(part) for part in (learn, watch))
    return Lesson(learn, lesson.weight, watch) if both else None


def with_blend(found: Mapping[str, Contender], share: float) -> dict[str, Contender]:
    """The contenders and, where there is a network, its blend with the full trees."""
    if NETWORK not in found or FULL not in found:
        return dict(found)
    both = Contender(BOTH, found[FULL].trees, found[NETWORK].network, share)
    return {**found, BOTH: both}


def best_blend(
    outcome: Floats, first: Floats, second: Floats, weight: Floats, config: ModelConfig
) -> float:
    """The share of `second` in the mixed log-odds that validation likes best, the least of ties."""
    gains = [
        merit(outcome, (1 - share) * first + share * second, weight, config) for share in _BLENDS
    ]
    return float(_BLENDS[int(np.argmax(gains))])


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
    return {name: Contender(name, fixed=_logit(score)) for name, score in scores.items()}


def merit(outcome: Floats, score: Floats, weight: Floats, config: ModelConfig) -> float:
    """What validation chooses by: average precision, which the whole top of the ranking decides.

    Precision at 4 % rests on a few dozen validation rows, too few to tell models apart.
    """
    return evaluate(
        outcome, score, share=config.share, weight=weight, replicates=1
    ).average_precision


def _tree_rounds(
    cases: Cases, part: Lesson | None, config: ModelConfig, name: str, threads: int
) -> int:
    if part is None:
        return config.trees.usual_rounds
    return _fit_trees(cases, part, config, name, threads).rounds


def _epochs(fit_network: FitNetwork, part: Lesson | None, config: ModelConfig) -> int:
    if part is None:
        return config.graph.least_epochs
    return fit_network(part.rows, part.watch, None, part.weight).epochs


def _fit_trees(
    cases: Cases,
    lesson: Lesson,
    config: ModelConfig,
    name: str,
    threads: int,
    rounds: int | None = None,
) -> TreeModel:
    names = cases.named(*TREE_GROUPS[name])
    watch = lesson.watch
    return trees.fit(
        cases.rows(lesson.rows, names, lesson.weight),
        names,
        config.trees,
        seed=config.seed,
        validation=None if watch is None else cases.rows(watch, names, lesson.weight),
        rounds=rounds,
        threads=threads,
    )


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
