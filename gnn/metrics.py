"""How good a ranking and its probabilities are, with intervals. Numpy and scikit-learn only.

All functions take `outcome` (n,) of 0/1, `score` (n,) where higher is riskier, and `weight` (n,)
that says how many rows of the population a row stands for (inverse selection probability; 1 when
left out). Rows tied at the edge of a budget count with their mean, so no result depends on the
order of the rows. Precision at 4 % and its companions: the share inspected is a budget, so a
precision says nothing without the base rate beside it; `lift` and `normalised` put it there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

Floats = npt.NDArray[np.float64]

_CELLS = 4_000_000  # bootstrap cells held at once: 32 MB a matrix


@dataclass(frozen=True)
class Interval:
    """An estimate with the bounds of its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Evaluation:
    """What one model reached on one set of rows. `normalised` is P@share / its ceiling."""

    rows: int
    positives: int
    base: float
    precision: Interval
    lift: float
    normalised: float
    recall: float
    average_precision: float
    auc: float
    brier: float
    calibration_error: float


def base_rate(outcome: Floats, weight: Floats | None = None) -> float:
    """Weighted share of positive rows."""
    return float(np.average(outcome, weights=weight))


def precision_at(
    outcome: Floats, score: Floats, share: float, weight: Floats | None = None
) -> float:
    """Precision among the `share` of the weight with the highest scores. Cost O(n log n)."""
    order, ends = _tie_groups(score)
    each = np.ones(len(outcome)) if weight is None else weight
    total = np.cumsum(each[order])[ends]
    found = np.cumsum((each * outcome)[order])[ends]
    budget = share * total[-1]
    return float(np.interp(budget, np.r_[0.0, total], np.r_[0.0, found]) / budget)


def recall_at(outcome: Floats, score: Floats, share: float, weight: Floats | None = None) -> float:
    """Share of all positives among the `share` with the highest scores; 0 without positives."""
    base = base_rate(outcome, weight)
    return precision_at(outcome, score, share, weight) * share / base if base > 0 else 0.0


def normalised_precision(precision: float, base: float, share: float) -> float:
    """Precision over the best one possible at this base rate: P / min(1, base / share)."""
    ceiling = min(1.0, base / share)
    return precision / ceiling if ceiling > 0 else 0.0


def brier(outcome: Floats, probability: Floats, weight: Floats | None = None) -> float:
    """Mean squared error of the probabilities."""
    return float(np.average((probability - outcome) ** 2, weights=weight))


def calibration_error(
    outcome: Floats, probability: Floats, weight: Floats | None = None, bins: int = 10
) -> float:
    """Expected calibration error: mean gap of probability and outcome over bins of equal weight."""
    each = np.ones(len(outcome)) if weight is None else weight
    order = np.argsort(probability, kind="stable")
    middle = np.cumsum(each[order]) - each[order] / 2
    bin_of = np.minimum((middle / each.sum() * bins).astype(np.int64), bins - 1)
    gap = (each * (probability - outcome))[order]
    return float(np.abs(np.bincount(bin_of, gap, bins)).sum() / each.sum())


def evaluate(
    outcome: Floats,
    score: Floats,
    *,
    share: float = 0.04,
    weight: Floats | None = None,
    replicates: int = 500,
    seed: int = 7,
) -> Evaluation:
    """Everything the reports show about one model.

    `score` is taken as a probability where it lies within 0 and 1 (Brier, calibration error);
    otherwise these two are NaN. AUC and AP are NaN when there is only one kind of outcome.
    """
    base = base_rate(outcome, weight)
    value = precision_at(outcome, score, share, weight)
    low, high = bootstrap_precision(
        outcome, score, share, weight=weight, replicates=replicates, seed=seed
    )
    both = 0 < outcome.sum() < len(outcome)
    probable = score.min() >= 0 and score.max() <= 1
    return Evaluation(
        rows=len(outcome),
        positives=int(outcome.sum()),
        base=base,
        precision=Interval(value, low, high),
        lift=value / base if base > 0 else 0.0,
        normalised=normalised_precision(value, base, share),
        recall=recall_at(outcome, score, share, weight),
        average_precision=float(average_precision_score(outcome, score, sample_weight=weight))
        if both
        else float("nan"),
        auc=float(roc_auc_score(outcome, score, sample_weight=weight)) if both else float("nan"),
        brier=brier(outcome, score, weight) if probable else float("nan"),
        calibration_error=calibration_error(outcome, score, weight) if probable else float("nan"),
    )


def bootstrap_precision(
    outcome: Floats,
    score: Floats,
    share: float,
    *,
    weight: Floats | None = None,
    replicates: int = 500,
    seed: int = 7,
) -> tuple[float, float]:
    """Bounds of the 95 % percentile interval of precision. Cost O(replicates × n)."""
    values = np.concatenate(
        [
            _replicated_precision(counts, outcome, score, share, weight)
            for counts in _resamples(len(outcome), replicates, seed)
        ]
    )
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def paired_difference(
    outcome: Floats,
    first: Floats,
    second: Floats,
    share: float,
    *,
    weight: Floats | None = None,
    replicates: int = 500,
    seed: int = 7,
) -> Interval:
    """Precision of `first` minus that of `second`, resampling the same rows for both."""
    values = np.concatenate(
        [
            _replicated_precision(counts, outcome, first, share, weight)
            - _replicated_precision(counts, outcome, second, share, weight)
            for counts in _resamples(len(outcome), replicates, seed)
        ]
    )
    low, high = np.quantile(values, [0.025, 0.975])
    value = precision_at(outcome, first, share, weight) - precision_at(
        outcome, second, share, weight
    )
    return Interval(value, float(low), float(high))


def _tie_groups(score: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The rows from the highest score down, and the last position of each run of equal scores."""
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    return order, np.r_[np.flatnonzero(ranked[1:] != ranked[:-1]), len(score) - 1]


def _resamples(rows: int, replicates: int, seed: int) -> Iterator[Floats]:
    """How often each row is drawn in each replicate, in blocks of shape (some, rows)."""
    generator = np.random.default_rng(seed)
    at_once = max(1, _CELLS // max(rows, 1))
    for start in range(0, replicates, at_once):
        block = min(at_once, replicates - start)
        drawn = generator.integers(0, rows, size=(block, rows))
        drawn += np.arange(block)[:, None] * rows
        counts = np.bincount(drawn.ravel(), minlength=block * rows)
        yield counts.reshape(block, rows).astype(np.float64)


def _replicated_precision(
    counts: Floats, outcome: Floats, score: Floats, share: float, weight: Floats | None
) -> Floats:
    """`precision_at` of every replicate at once. Shapes: (b, n) in, (b,) out."""
    order, ends = _tie_groups(score)
    weight = np.ones(len(score)) if weight is None else weight
    each = counts * weight
    budget = share * each.sum(axis=1)
    # Rows that weigh twice the budget mostly hold what every replicate spends, and else all do.
    reach = np.searchsorted(np.cumsum(weight[order])[ends], 2 * budget.max())
    total, found = _running(each, outcome, order, ends[: reach + 1])
    if (total[:, -1] < budget).any():
        total, found = _running(each, outcome, order, ends)
    after = np.minimum((total < budget[:, None]).sum(axis=1), total.shape[1] - 1)
    row = np.arange(len(counts))
    before = np.maximum(after - 1, 0)
    base_total = np.where(after > 0, total[row, before], 0.0)
    base_found = np.where(after > 0, found[row, before], 0.0)
    width = total[row, after] - base_total
    part = np.divide(budget - base_total, width, out=np.zeros_like(budget), where=width > 0)
    return np.asarray((base_found + part * (found[row, after] - base_found)) / budget)


def _running(
    each: Floats, outcome: Floats, order: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Weight, and weight of positive rows, down to the end of each run of ties: (b, len(ends))."""
    order = order[: ends[-1] + 1]
    ranked = each[:, order]
    total = np.cumsum(ranked, axis=1)[:, ends]
    return total, np.cumsum(ranked * outcome[order], axis=1)[:, ends]
