"""Cut labelled shipments by time: train, then validation, then test, each with what was known.

A row may teach only what was recorded before the first day of the part that is judged next: an
inspection of the last train week whose result arrived in the validation period teaches nothing.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnn.config import SplitConfig
from gnn.errors import TooFewLabels
from gnn.metrics import Floats

Indices = npt.NDArray[np.int64]
Days = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Split:
    """Row numbers of the labelled shipments in each part, and the first days (since 1970-01-01).

    `refit` are all rows whose outcome was recorded before `test_from`: what the final model learns
    from once validation has made its choices.
    """

    train: Indices
    validation: Indices
    refit: Indices
    test: Indices
    validation_from: int
    test_from: int


def split_by_time(
    declared: Days, recorded: Days, outcome: Floats, everything: Days, config: SplitConfig
) -> Split:
    """Cut the labelled rows (`declared`, `recorded`: days; `outcome`: 0/1).

    The days of the cuts are quantiles of `everything`, the days of all shipments, labelled or not;
    validation begins earlier where it would hold too few violations to choose by.

    Raises:
        TooFewLabels: a part has too few violations or no compliant row.
    """
    if not len(everything):
        raise TooFewLabels("there is no shipment to learn from", hint="ingest shipments first")
    test_from = _quantile(everything, 1 - config.test_share)
    found = np.sort(declared[(outcome == 1) & (declared < test_from) & (recorded < test_from)])
    needed = int(found[-config.minimum_positives :].min(initial=test_from))
    wanted = _quantile(everything, 1 - config.validation_share - config.test_share)
    validation_from = min(wanted, needed)
    parts = Split(
        train=np.flatnonzero((declared < validation_from) & (recorded < validation_from)),
        validation=np.flatnonzero(
            (declared >= validation_from) & (declared < test_from) & (recorded < test_from)
        ),
        refit=np.flatnonzero((declared < test_from) & (recorded < test_from)),
        test=np.flatnonzero(declared >= test_from),
        validation_from=validation_from,
        test_from=test_from,
    )
    for name in ("train", "validation"):
        _check(name, outcome[getattr(parts, name)], config.minimum_positives)
    return parts


def selection_weights(probability: Floats, percentile: float = 99.0) -> Floats:
    """Inverse probability of selection, clipped at a percentile, with mean 1.

    Rows without a probability (NaN) get the median weight of those that have one; probabilities
    outside (0, 1] count as missing.
    """
    usable = np.isfinite(probability) & (probability > 0) & (probability <= 1)
    if not usable.any():
        return np.ones(len(probability))
    inverse = np.divide(1.0, probability, out=np.ones(len(probability)), where=usable)
    weight = np.where(usable, inverse, np.median(inverse[usable]))
    weight = np.minimum(weight, np.percentile(weight, percentile))
    return np.asarray(weight / weight.mean())


def _quantile(days: Days, share: float) -> int:
    return int(np.quantile(days, share, method="higher"))


def _check(name: str, outcome: Floats, minimum: int) -> None:
    positives = int(outcome.sum())
    if positives < minimum or positives == len(outcome):
        raise TooFewLabels(
            f"the {name} period has {positives} violations among {len(outcome)} known outcomes",
            hint=f"at least {minimum} and some compliant rows are needed; ingest more findings",
        )
