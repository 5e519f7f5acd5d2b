"""Turn a model's log-odds into probabilities that mean what they say, with an interval.

Fitted on the validation period, weighted by inverse selection probability. Two curves compete by
cross-validated log loss: Platt's logistic curve, and isotonic regression blended with a little of
Platt's so that it stays strictly increasing (ties would throw the ranking away). The interval of a
prediction is Jeffreys' interval of the violations seen around its probability on validation.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit, logit
from scipy.stats import beta
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from gnn.errors import ModelError
from gnn.metrics import Floats

_ISOTONIC_SHARE = 0.9
_FOLDS = 5
_BINS = 12


@dataclass(frozen=True)
class Calibrator:
    """A strictly increasing curve from log-odds to probability, and interval bounds around it.

    p(m) = (1 - s) · sigmoid(slope · m + offset) + s · isotonic(m), s = 0 when Platt's curve won.
    `knots`, `levels`: the isotonic curve; `centres`, `lows`, `highs`: the interval by probability.
    """

    slope: float
    offset: float
    knots: Floats
    levels: Floats
    centres: Floats
    lows: Floats
    highs: Floats

    @property
    def method(self) -> str:
        """`isotonic` or `platt`."""
        return "isotonic" if len(self.knots) else "platt"

    def probability(self, margin: Floats) -> Floats:
        """Probability of a violation, (n,) from log-odds (n,)."""
        platt = 1 / (1 + np.exp(-np.clip(self.slope * margin + self.offset, -50, 50)))
        if not len(self.knots):
            return np.asarray(platt)
        steps = np.interp(margin, self.knots, self.levels)
        return np.asarray((1 - _ISOTONIC_SHARE) * platt + _ISOTONIC_SHARE * steps)

    def interval(self, probability: Floats) -> tuple[Floats, Floats]:
        """Bounds of the 95 % interval of each probability; both rise with the probability.

        Beyond the outermost bins the bounds keep their distance from it in log-odds.
        """
        inside = np.clip(probability, self.centres[0], self.centres[-1])
        beyond = _log_odds(probability) - _log_odds(inside)
        low, high = (
            _moved(np.interp(inside, self.centres, bounds), beyond)
            for bounds in (self.lows, self.highs)
        )
        return np.minimum(low, probability), np.maximum(high, probability)

    def save(self, path: Path) -> None:
        """Write the curve as JSON."""
        facts = {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
        }
        path.write_text(json.dumps(facts, sort_keys=True))

    @classmethod
    def load(cls, path: Path) -> "Calibrator":
        """Read a curve that `save` wrote. Raises `ModelError` when it cannot be read."""
        try:
            facts = json.loads(path.read_text())
            slope, offset = float(facts.pop("slope")), float(facts.pop("offset"))
            return cls(slope, offset, **{name: np.array(value) for name, value in facts.items()})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ModelError(f"{path} holds no calibration", hint="train again") from error


def _log_odds(probability: Floats) -> Floats:
    return np.asarray(logit(np.clip(probability, 1e-12, 1 - 1e-12)))


def _moved(bound: Floats, by: Floats) -> Floats:
    """Bounds moved in log-odds; never against the direction, however they are rounded."""
    moved = expit(_log_odds(bound) + by)
    return np.where(
        by > 0, np.maximum(moved, bound), np.where(by < 0, np.minimum(moved, bound), bound)
    )


def fit(margin: Floats, outcome: Floats, weight: Floats) -> Calibrator:
    """Fit both curves on validation rows and keep the one with the lower cross-validated loss."""
    slope, offset = _platt(margin, outcome, weight)
    empty = np.empty(0)
    bare = Calibrator(slope, offset, empty, empty, empty, empty, empty)
    if _loss_of(margin, outcome, weight, isotonic=True) < _loss_of(
        margin, outcome, weight, isotonic=False
    ):
        bare = _with_isotonic(bare, margin, outcome, weight)
    centres, lows, highs = _jeffreys(bare.probability(margin), outcome, weight)
    return Calibrator(slope, offset, bare.knots, bare.levels, centres, lows, highs)


def _platt(margin: Floats, outcome: Floats, weight: Floats) -> tuple[float, float]:
    model = LogisticRegression(C=1e3).fit(margin[:, None], outcome, sample_weight=weight)
    # A falling curve would turn the ranking round; a flat positive one keeps it and says "unsure".
    return max(float(model.coef_[0, 0]), 1e-3), float(model.intercept_[0])


def _with_isotonic(bare: Calibrator, margin: Floats, outcome: Floats, weight: Floats) -> Calibrator:
    curve = IsotonicRegression(out_of_bounds="clip").fit(margin, outcome, sample_weight=weight)
    return Calibrator(
        bare.slope,
        bare.offset,
        np.asarray(curve.X_thresholds_, dtype=np.float64),
        np.asarray(curve.y_thresholds_, dtype=np.float64),
        bare.centres,
        bare.lows,
        bare.highs,
    )


def _loss_of(margin: Floats, outcome: Floats, weight: Floats, *, isotonic: bool) -> float:
    """Log loss of a curve on rows it was not fitted on; folds are every fifth row by margin."""
    fold = np.empty(len(margin), dtype=np.int64)
    fold[np.lexsort((margin, outcome))] = np.arange(len(margin)) % _FOLDS
    losses = np.empty(len(margin))
    empty = np.empty(0)
    for number in range(_FOLDS):
        inside, outside = fold != number, fold == number
        part = margin[inside], outcome[inside], weight[inside]
        curve = Calibrator(*_platt(*part), empty, empty, empty, empty, empty)
        curve = _with_isotonic(curve, *part) if isotonic else curve
        p = np.clip(curve.probability(margin[outside]), 1e-6, 1 - 1e-6)
        losses[outside] = -np.log(np.where(outcome[outside] == 1, p, 1 - p))
    return float(np.average(losses, weights=weight))


def _jeffreys(
    probability: Floats, outcome: Floats, weight: Floats
) -> tuple[Floats, Floats, Floats]:
    """Centre and Jeffreys bounds of bins of equal size; bounds made monotone.

    The rows of a bin count with Kish's effective size, (Σw)² / Σw².
    """
    bins = max(1, min(_BINS, int(outcome.sum()) // 5))
    parts = np.array_split(np.argsort(probability, kind="stable"), bins)
    bounds = []
    for rows in parts:
        w = weight[rows]
        size = w.sum() ** 2 / (w**2).sum()
        found = np.average(outcome[rows], weights=w) * size
        low, high = (beta.ppf(q, found + 0.5, size - found + 0.5) for q in (0.025, 0.975))
        bounds.append((np.average(probability[rows], weights=w), low, high))
    centres, lows, highs = np.array(bounds).T
    return centres, np.maximum.accumulate(lows), np.maximum.accumulate(highs)
