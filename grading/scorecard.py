"""Points, bands and reasons of every enterprise at once, from a policy and a feature table."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from grading.errors import GradingError
from grading.policy import Bin, Characteristic, Gate, Policy

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
#: Feature name to its values, one an enterprise; NaN is unknown.
Columns = Mapping[str, Floats]

#: What 32 bits hold of a number for certain.
_DIGITS = 6


@dataclass(frozen=True)
class Line:
    """One characteristic over n enterprises: which variant applies, its woe and the value shown.

    `variant` indexes `Characteristic.woes`: the bins, the small-sample bins, then missing.
    """

    variant: Integers
    woe: Floats
    value: Floats


@dataclass(frozen=True)
class Scored:
    """Grades of n enterprises: points, band as an index in `policy.bands` (0 best), reasons.

    `lost` is n x characteristics: points below that characteristic's best bin, after caps.
    `gated` is n x gates. `reasons` is the compact JSON text that the ledger keeps.
    """

    points: Floats
    band: Integers
    lost: Floats
    gated: npt.NDArray[np.bool_]
    reasons: pa.ChunkedArray


def columns_of(policy: Policy, features: pa.Table) -> dict[str, Floats]:
    """The columns that the policy reads, as doubles of `_DIGITS` significant digits.

    Features are kept in 32 bits, where a rate of 0.1 is a little more than the policy's 0.1.

    Raises:
        GradingError: the table lacks one of them; a score column that is absent is all unknown.
    """
    columns = {}
    for name in sorted(policy.features):
        if name in features.column_names:
            values = features[name].cast(pa.float64(), safe=False)
            columns[name] = _rounded(np.asarray(values.to_numpy(zero_copy_only=False), np.float64))
        elif name.startswith("score."):
            columns[name] = np.full(features.num_rows, np.nan)
        else:
            raise GradingError(
                f"the enterprise features have no column {name}, which {policy.policy} needs",
                hint="run hawser features again",
            )
    return columns


def _rounded(values: Floats) -> Floats:
    """Values rounded to `_DIGITS` significant digits, never coarser than to whole numbers."""
    size = np.where(np.isfinite(values) & (values != 0), np.abs(values), 1.0)
    digits = np.maximum(_DIGITS - 1 - np.floor(np.log10(size)), 0.0)
    # A power of ten is exact, so the quotient is the double nearest to the decimal number.
    return np.asarray(np.round(values * 10.0**digits) / 10.0**digits)


def score(policy: Policy, columns: Columns) -> Scored:
    """Grade n enterprises. O(n * characteristics)."""
    lines = [place(line, columns) for line in policy.characteristics]
    worth = _worth(policy, lines)
    points = policy.neutral + worth.sum(axis=1)
    best = np.array(
        [policy.factor * line.weight * max(line.woes) for line in policy.characteristics]
    )
    lost = np.maximum(best - worth, 0.0)
    gated = _gated(policy, columns, len(points))
    band = np.maximum(_band(policy, points), _ceiling(policy, gated))
    reasons = _reasons(policy, columns, lines, lost, gated)
    return Scored(points, band, lost, gated, reasons)


def place(line: Characteristic, columns: Columns) -> Line:
    """Put every enterprise's value into its bin. The bounds belong to the bin above them."""
    value = columns[line.feature]
    variant = _bin(line.bins, value)
    if line.few:
        inspected = columns[line.few.inspected]
        few = inspected < line.few.below
        count = np.where(inspected > 0, columns[line.few.feature], np.nan)
        variant = np.where(few, len(line.bins) + _bin(line.few.bins, count), variant)
        value = np.where(few, count, value)
    woes = np.array(line.woes)
    variant = np.where(np.isnan(value), len(woes) - 1, variant)
    return Line(variant, woes[variant], value)


def _bin(bins: tuple[Bin, ...], value: Floats) -> Integers:
    bounds = np.array([bin.below for bin in bins if bin.below is not None])
    return np.asarray(np.searchsorted(bounds, value, side="right"), np.int64)


def _worth(policy: Policy, lines: list[Line]) -> Floats:
    """Points of each characteristic (n x characteristics), those of a capped group scaled back."""
    weights = np.array([line.weight for line in policy.characteristics])
    worth: Floats = policy.factor * weights * np.column_stack([line.woe for line in lines])
    for code, group in policy.groups.items():
        members = [at for at, line in enumerate(policy.characteristics) if line.group == code]
        if group.most_lost is not None and members:
            taken = -worth[:, members].sum(axis=1)
            kept = np.minimum(1.0, group.most_lost / np.maximum(taken, group.most_lost))
            worth[:, members] *= kept[:, None]
    return worth


def _band(policy: Policy, points: Floats) -> Integers:
    """The best band whose lower bound the points reach, rounded to a millionth against noise."""
    bounds = np.array([band.lower for band in policy.bands if band.lower is not None])[::-1]
    reached = np.searchsorted(bounds, np.round(points, 6), side="right")
    return np.asarray(len(bounds) - reached, np.int64)


def _gated(policy: Policy, columns: Columns, size: int) -> npt.NDArray[np.bool_]:
    if not policy.gates:
        return np.zeros((size, 0), bool)
    return np.column_stack([_holds(gate, columns) for gate in policy.gates])


def _holds(gate: Gate, columns: Columns) -> npt.NDArray[np.bool_]:
    holds: npt.NDArray[np.bool_] = columns[gate.feature] > gate.above
    if gate.only_if is None:
        return holds
    value, condition = columns[gate.only_if.feature], gate.only_if
    if condition.below is not None:
        # Written so that an unknown value counts as below: a gate falls away only by what is known.
        return holds & ~(value >= condition.below)
    return holds & (value >= np.float64(condition.at_least or 0.0))


def _ceiling(policy: Policy, gated: npt.NDArray[np.bool_]) -> Integers:
    names = [band.band for band in policy.bands]
    ceilings = np.array([names.index(gate.ceiling) for gate in policy.gates], np.int64)
    return np.asarray(np.where(gated, ceilings, 0).max(axis=1, initial=0), np.int64)


def _reasons(
    policy: Policy,
    columns: Columns,
    lines: list[Line],
    lost: Floats,
    gated: npt.NDArray[np.bool_],
) -> pa.ChunkedArray:
    """Every gate that holds, then the characteristics that lost most, as JSON text."""
    frame = pl.DataFrame(
        [
            *(_gate_reason(policy, columns, at, gated[:, at]) for at in range(gated.shape[1])),
            *_line_reasons(policy, lines, lost),
        ]
    )
    joined = pl.concat_str(pl.all(), separator=",", ignore_nulls=True)
    text = frame.select(pl.concat_str(pl.lit("["), joined, pl.lit("]"))).to_series()
    return pa.chunked_array([text.to_arrow().cast(pa.string())])


def _gate_reason(
    policy: Policy, columns: Columns, at: int, holds: npt.NDArray[np.bool_]
) -> pl.Series:
    gate = policy.gates[at]
    text = _entry(
        pl.Series(np.full(len(holds), f'["{gate.code}","{gate.feature}"')),
        columns[gate.feature],
        np.zeros(len(holds)),
    )
    return _only(text, holds).alias(f"gate{at}")


def _line_reasons(policy: Policy, lines: list[Line], lost: Floats) -> list[pl.Series]:
    """The first to the last reason, each null where fewer characteristics lost anything."""
    sizes = [len(line.codes) for line in policy.characteristics]
    starts = np.cumsum([0, *sizes[:-1]])
    prefixes = pl.Series(
        [
            f'["{code}","{_feature(line, code)}"'
            for line in policy.characteristics
            for code in line.codes
        ]
    )
    number = np.column_stack([line.variant for line in lines]) + starts
    value = np.column_stack([line.value for line in lines])
    shown = np.round(lost, 1)
    # Ties go to the characteristic declared first, so that equal inputs give equal reasons.
    order = np.argsort(-shown, axis=1, kind="stable")[:, : policy.reasons]
    rows = np.arange(len(lost))
    found = []
    for rank in range(order.shape[1]):
        at = order[:, rank]
        text = _entry(prefixes.gather(number[rows, at]), value[rows, at], shown[rows, at])
        found.append(_only(text, shown[rows, at] > 0).alias(f"reason{rank}"))
    return found


def _feature(line: Characteristic, code: str) -> str:
    return line.few.feature if line.few and code.endswith(".FEW") else line.feature


def _entry(prefix: pl.Series, value: Floats, lost: Floats) -> pl.Series:
    """`["CODE","feature",value,lost]`; a value that is no number is null."""
    finite = np.where(np.isfinite(value), np.round(value, 6), np.nan)
    frame = pl.DataFrame({"prefix": prefix, "value": finite, "lost": lost})
    number = pl.col("value").fill_nan(None).cast(pl.String).fill_null("null")
    joined = pl.concat_str(
        "prefix", pl.lit(","), number, pl.lit(","), pl.col("lost").cast(pl.String), pl.lit("]")
    )
    return frame.select(joined.alias("text")).to_series()


def _only(text: pl.Series, where: npt.NDArray[np.bool_]) -> pl.Series:
    frame = pl.DataFrame({"text": text, "where": where})
    return frame.select(pl.when("where").then("text").alias("text")).to_series()
