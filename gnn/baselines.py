"""What a model has to beat: the base rate, a table of known product tuples, a party's own record.

They need no learning to speak of and are always shown beside the models. The lookup table is there
because some public data are solved by it: rows that copy a product tuple copy its outcome too.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnn.metrics import Floats

Codes = npt.NDArray[np.int64]
Days = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Lookup:
    """Smoothed violation rate of each product tuple seen in training; the base rate otherwise."""

    rates: Floats
    base: float

    @classmethod
    def fit(
        cls, tuples: Codes, outcome: Floats, weight: Floats, size: int, strength: float = 1.0
    ) -> "Lookup":
        """`tuples` (n,) are codes below `size`; `strength` is how many base-rate rows are added."""
        base = float(np.average(outcome, weights=weight))
        found = np.bincount(tuples, weight * outcome, size)
        seen = np.bincount(tuples, weight, size)
        return cls((found + strength * base) / (seen + strength), base)

    def score(self, tuples: Codes) -> Floats:
        """Probability of a violation, (n,) from codes (n,)."""
        return np.asarray(self.rates[tuples])


def known_rate(
    party: Codes,
    day: Days,
    found_party: Codes,
    found_day: Days,
    outcome: Floats,
    base: float,
    strength: float = 5.0,
) -> Floats:
    """Violation rate of each party, counting only outcomes recorded before the row's day.

    `party`, `day` (n,) are the rows asked about; `found_party`, `found_day`, `outcome` (m,) are
    the outcomes with the day each was recorded. Codes below 0 (no party) give `base`. The rate is
    smoothed with `strength` rows at the base rate. Cost O((n + m) log m), no loop.
    """
    kept = found_party >= 0
    first_day = int(min(day.min(initial=0), found_day.min(initial=0)))
    span = int(max(day.max(initial=0), found_day.max(initial=0))) - first_day + 2
    key = found_party[kept] * span + (found_day[kept] - first_day)
    order = np.argsort(key, kind="stable")
    key = key[order]
    violations = np.r_[0.0, np.cumsum(outcome[kept][order])]
    owner = np.maximum(party, 0)
    start = np.searchsorted(key, owner * span)
    stop = np.searchsorted(key, owner * span + (day - first_day))
    known = party >= 0
    seen = np.where(known, stop - start, 0)
    found = np.where(known, violations[stop] - violations[start], 0.0)
    return np.asarray((found + strength * base) / (seen + strength))


def history_rule(rates: list[Floats]) -> Floats:
    """One score from the record of each party of a shipment: the mean of their log-odds, (n,)."""
    logits = [np.log(rate / (1 - rate)) for rate in (np.clip(r, 1e-6, 1 - 1e-6) for r in rates)]
    return np.asarray(1 / (1 + np.exp(-np.mean(logits, axis=0))))
