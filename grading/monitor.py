"""Watching a scorecard: is the population stable, do grades move, do they tell good from bad?"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from grading.policy import Policy
from grading.scorecard import Columns, Floats, place
from graph.store.ledger import Ledger

#: Population stability: below the first nothing happened, from the second on something did.
STABLE, SHIFTED = 0.10, 0.25
#: Share that stands for an empty class, whose logarithm does not exist.
_EMPTY = 1e-4


@dataclass(frozen=True)
class Separation:
    """How well points tell compliant from violating enterprises.

    `ks` is the greatest distance between the two distributions, `gini` = 2 AUC - 1; -1 to 1.
    """

    ks: float
    gini: float


@dataclass(frozen=True)
class Monitoring:
    """Two runs compared. `bands`: `band`, `before`, `after` (counts). `migration`: one row a band
    before, one column a band after, counts of enterprises graded in both.
    `moved_two` is the share of these that moved two bands or more."""

    psi: float
    verdict: str
    bands: pl.DataFrame
    migration: pl.DataFrame
    upgraded: int
    downgraded: int
    moved_two: float


def psi(expected: npt.ArrayLike, actual: npt.ArrayLike) -> float:
    """Population stability index of two distributions over the same classes (counts or shares).

    Sum of (a - e) ln(a / e) over the classes' shares; 0 for equal ones, never negative.
    """
    shares = []
    for counts in (expected, actual):
        values = np.asarray(counts, np.float64)
        shares.append(np.maximum(values / max(values.sum(), _EMPTY), _EMPTY))
    before, after = (share / share.sum() for share in shares)
    return float(((after - before) * np.log(after / before)).sum())


def verdict(value: float) -> str:
    """What a population stability index says, by the usual cuts."""
    if value < STABLE:
        return "stable"
    return "investigate" if value < SHIFTED else "shifted"


def migration_matrix(before: pl.DataFrame, after: pl.DataFrame, bands: list[str]) -> pl.DataFrame:
    """Counts of enterprises by band before (rows, column `band`) and band after (columns).

    Both frames have `enterprise_id` and `band`; enterprises of only one of them are left out.
    """
    both = before.join(after, on="enterprise_id", suffix="_after")
    place = {band: number for number, band in enumerate(bands)}
    counts = np.zeros((len(bands), len(bands)), np.int64)
    moves = both.group_by("band", "band_after").len()
    rows, columns = (
        moves[name].replace_strict(place, return_dtype=pl.Int64).to_numpy()
        for name in ("band", "band_after")
    )
    counts[rows, columns] = moves["len"].to_numpy()
    return pl.DataFrame({"band": bands, **{band: counts[:, at] for band, at in place.items()}})


def compare_runs(ledger: Ledger, before: str, after: str, policy: Policy) -> Monitoring:
    """Compare two runs of the ledger. Raises `NotFound` when there is no such run."""
    names = [band.band for band in policy.bands]
    frames = []
    for run in (before, after):
        ledger.run(run)
        grades = ledger.grades(run).select(["enterprise_id", "band"])
        frames.append(pl.DataFrame(pl.from_arrow(grades)))
    counts = [[frame.filter(pl.col("band") == name).height for name in names] for frame in frames]
    migration = migration_matrix(frames[0], frames[1], names)
    matrix = migration.drop("band").to_numpy()
    steps = np.subtract.outer(np.arange(len(names)), np.arange(len(names)))
    value = psi(*counts)
    return Monitoring(
        psi=value,
        verdict=verdict(value),
        bands=pl.DataFrame({"band": names, "before": counts[0], "after": counts[1]}),
        migration=migration,
        upgraded=int(matrix[steps > 0].sum()),
        downgraded=int(matrix[steps < 0].sum()),
        moved_two=float(matrix[abs(steps) >= 2].sum() / max(matrix.sum(), 1)),
    )


def characteristic_stability(
    policy: Policy, expected: Columns, actual: Columns
) -> dict[str, float]:
    """The stability index of each characteristic between two feature tables, over its bins."""
    found = {}
    for line in policy.characteristics:
        counts = [
            np.bincount(place(line, columns).variant, minlength=len(line.woes))
            for columns in (expected, actual)
        ]
        found[line.code] = psi(*counts)
    return found


def separation(points: Floats, bad: npt.NDArray[np.bool_]) -> Separation:
    """Kolmogorov-Smirnov distance and Gini coefficient; NaN without both outcomes. O(n log n)."""
    if bad.all() or not bad.any():
        return Separation(float("nan"), float("nan"))
    values, at = np.unique(points, return_inverse=True)
    violating = np.bincount(at[bad], minlength=len(values)) / bad.sum()
    compliant = np.bincount(at[~bad], minlength=len(values)) / (~bad).sum()
    gap = np.cumsum(violating) - np.cumsum(compliant)
    below = np.cumsum(violating) - violating
    auc = float((compliant * (below + violating / 2)).sum())
    return Separation(float(gap[np.argmax(abs(gap))]), 2 * auc - 1)
