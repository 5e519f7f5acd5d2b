"""Points from outcomes: weight of evidence, information value and weights from labels.

Convention (Siddiqi 2006): weight of evidence is ln(share of compliant / share of violating) of a
bin, positive = lower risk. The information value sums (share of compliant - share of violating)
times it: below 0.02 useless, to 0.1 weak, to 0.3 medium, above 0.5 suspect of leakage.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import yaml
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

from grading.errors import GradingError
from grading.policy import Characteristic, Policy, parse_policy
from grading.scorecard import Columns, Floats, place

Bools = npt.NDArray[np.bool_]
#: Enterprises of average risk added to each bin, so that a thin one has a finite value near 0.
SMOOTHING = 1.0
#: Strength of the pull of the weights towards 1, the value the expert bins assume.
PULL = 1.0
_FEWEST = 20


@dataclass(frozen=True)
class Calibration:
    """What outcomes say of a policy.

    `bins`: `code`, `variant`, `below`, `compliant`, `violating` (weights), `woe`, `iv`, and
    `expert`, the policy's own value. `policy` has the fitted values, order and caps kept.
    """

    bins: pl.DataFrame
    policy: Policy

    def information(self) -> dict[str, float]:
        """The information value of each characteristic."""
        sums = self.bins.group_by("code", maintain_order=True).agg(pl.col("iv").sum())
        return dict(sums.iter_rows())


def fit(policy: Policy, columns: Columns, bad: Bools, weights: Floats | None = None) -> Calibration:
    """Fit a policy's weights of evidence and weights to outcomes of n enterprises.

    `bad` marks those with a confirmed violation in the performance window. `weights` corrects for
    selection: 1 / probability of having been inspected. A bin's value keeps the order that the
    policy declares (pooling neighbours that contradict it); an unknown value keeps the policy's.
    O(n * characteristics).

    Raises:
        GradingError: fewer than 20 enterprises with, or without, a violation.
    """
    count = np.ones(len(bad)) if weights is None else weights
    if min(bad.sum(), (~bad).sum()) < _FEWEST:
        raise GradingError(
            f"{int(bad.sum())} of {len(bad)} enterprises have a violation: too few to fit",
            hint=f"at least {_FEWEST} with one and {_FEWEST} without are needed",
        )
    counted = [_counted(line, columns, bad, count) for line in policy.characteristics]
    bins = pl.concat(counted)
    pairs = zip(policy.characteristics, counted, strict=True)
    lines = [_fitted(policy, line, part) for line, part in pairs]
    design = np.column_stack([place(line, columns).woe for line in lines])
    intercept, slopes = _weigh(design, bad, count)
    scale = policy.scale.model_dump() | {"population_odds": float(np.exp(intercept))}
    content = policy.model_dump(by_alias=True) | {
        "policy": f"{policy.policy}_fitted",
        "scale": scale,
        "characteristics": [
            line.model_dump() | {"weight": round(float(slope), 4)}
            for line, slope in zip(lines, slopes, strict=True)
        ],
    }
    return Calibration(bins, parse_policy(content, "the fitted policy"))


def to_yaml(policy: Policy) -> str:
    """The policy as the text of a policy file."""
    content = policy.model_dump(mode="json", by_alias=True, exclude_none=True)
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100)


def _counted(line: Characteristic, columns: Columns, bad: Bools, count: Floats) -> pl.DataFrame:
    """Weights of compliant and violating enterprises in each variant, with woe and iv."""
    size = len(line.woes)
    variant = place(line, columns).variant
    compliant, violating = (
        np.bincount(variant[side], count[side], minlength=size).astype(np.float64)
        for side in (~bad, bad)
    )
    good, ill = (_shares(side, float(count.sum())) for side in (compliant, violating))
    woe = np.log(good / ill)
    bounds = [bin.below for bin in (*line.bins, *line.few_bins)]
    return pl.DataFrame(
        {
            "code": [line.code] * size,
            "variant": list(line.codes),
            "below": pl.Series([*bounds, None], dtype=pl.Float64),
            "compliant": compliant,
            "violating": violating,
            "woe": woe,
            "iv": (good - ill) * woe,
            "expert": line.woes,
        }
    )


def _shares(side: Floats, total: float) -> Floats:
    """Each bin's share of the compliant or the violating, with `SMOOTHING` added to the bin."""
    padded: Floats = side / side.sum() + SMOOTHING / total
    shares: Floats = padded / padded.sum()
    return shares


def _fitted(policy: Policy, line: Characteristic, counted: pl.DataFrame) -> Characteristic:
    """The characteristic with values from the counts, in the declared order and within the cap."""
    capped = policy.groups[line.group].most_lost is not None
    size, few = len(line.bins), len(line.few_bins)
    mass = (counted["compliant"] + counted["violating"]).to_numpy()
    # A bin that nobody is in keeps the value of the policy, which then hardly weighs in the order.
    woe = np.where(mass > 0, counted["woe"].to_numpy(), counted["expert"].to_numpy())
    mass = mass + SMOOTHING
    pool = _ordered(line.order)
    parts = [pool(woe[at], mass[at]) for at in (slice(0, size), slice(size, size + few))]
    # In a capped group the best bin is worth nothing, and the others what they lack of it.
    shift = max(float(part.max()) for part in parts if part.size) if capped else 0.0
    values = [[round(float(value - shift), 4) for value in part] for part in parts]
    bins = tuple(
        bin.model_copy(update={"woe": value})
        for bin, value in zip(line.bins, values[0], strict=True)
    )
    update: dict[str, object] = {"bins": bins}
    if line.few:
        pairs = zip(line.few.bins, values[1], strict=True)
        few_bins = tuple(bin.model_copy(update={"woe": value}) for bin, value in pairs)
        update["few"] = line.few.model_copy(update={"bins": few_bins})
    return line.model_copy(update=update)


def _ordered(order: str) -> Callable[[Floats, Floats], Floats]:
    """Pool adjacent violators of a declared order; leave values as they are where any is fine."""

    def pool(values: Floats, mass: Floats) -> Floats:
        if order == "any" or not values.size:
            return values
        rising = IsotonicRegression(increasing=order == "higher is safer")
        found: Floats = rising.fit_transform(np.arange(len(values)), values, sample_weight=mass)
        return found

    return pool


def _weigh(design: Floats, bad: Bools, count: Floats) -> tuple[float, Floats]:
    """Intercept and weights (none negative) of a logistic regression of compliance on the woe."""
    good = ~bad

    def loss(values: Floats) -> tuple[float, Floats]:
        margin = values[0] + design @ values[1:]
        signed = np.where(good, -margin, margin)
        slope = count * np.where(good, -1.0, 1.0) / (1.0 + np.exp(-signed))
        pull = values[1:] - 1.0
        total = float(count @ np.logaddexp(0.0, signed) + PULL * pull @ pull / 2)
        return total, np.concatenate([[slope.sum()], design.T @ slope + PULL * pull])

    start = np.concatenate(
        [[np.log(count[good].sum() / count[bad].sum())], np.ones(design.shape[1])]
    )
    bounds = [(None, None)] + [(0.0, None)] * design.shape[1]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.x[0]), np.asarray(found.x[1:], np.float64)
