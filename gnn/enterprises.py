"""The probability that a violation by an enterprise is found within twelve months.

At the first day of a quarter an enterprise is described by what was known then: its trade, its
record, and how risky its recent shipments looked to trees that learnt only from outcomes recorded
before the cut. Its outcome is whether a violation was found, and recorded, within the horizon in a
shipment declared within it in which it had a role. The cuts are split by time like the shipments;
validation chooses between trees and logistic regression. Enterprises that did not exist at a cut,
as far as is told, have no part in it. Nothing that is judged at a cut has learnt from anything
recorded on its day or later. Where the data are too short for a horizon of twelve months, a shorter
one is used and the probability is carried to twelve months at a constant hazard:
1 - (1 - p)^(365 / horizon).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from gnn import calibrate, metrics, trees
from gnn.baselines import Codes, known_rate
from gnn.calibrate import Calibrator
from gnn.cases import GROUPS, NEVER, Cases
from gnn.config import ModelConfig
from gnn.errors import ModelError, TooFewLabels
from gnn.metrics import Floats
from gnn.split import Indices, selection_weights
from gnn.trees import Matrix, Rows, TreeModel

_ROLES = ("importer", "exporter", "declarant", "manufacturer")
_YEAR = 365
_QUARTER = 91

#: What an enterprise is described by at a cut, with the meaning shown to users.
PANEL = {
    "shipments_90": "shipments of the last 90 days (log)",
    "shipments_365": "shipments of the last 365 days (log)",
    "declarant_share": "share of its shipments it declared for others",
    "days_since_first": "days since its first shipment",
    "days_since_last": "days since its last shipment",
    "inspected_365": "inspections recorded in the last 365 days (log)",
    "violations_365": "violations recorded in the last 365 days (log)",
    "violations_ever": "violations ever recorded (log)",
    "violation_rate": "smoothed violation rate of its inspections",
    "expected_90": "sum of the risk of its shipments of the last 90 days (log)",
    "expected_365": "sum of the risk of its shipments of the last 365 days (log)",
    "mean_risk_180": "mean risk of its shipments of the last 180 days",
    "top_risk_180": "highest risk among its shipments of the last 180 days",
}


@dataclass(frozen=True)
class EnterpriseModel:
    """Trees or a logistic curve on the panel, its calibration and its horizon in days.

    `risk` are the trees that say how risky shipments are; None where too few outcomes are known.
    """

    trees: TreeModel | None
    weights: Floats
    means: Floats
    deviations: Floats
    calibrator: Calibrator
    horizon: int
    risk: TreeModel | None = None

    def panel(self, cases: Cases, cut: int) -> Matrix:
        """What the model sees of every enterprise before a day: (enterprises, len(PANEL))."""
        return panel_at(cases, risk_before(cases, self.risk, cut), cut)

    def margin(self, panel: Matrix) -> Floats:
        """Log-odds within the horizon, (e,) from (e, f)."""
        if self.trees is not None:
            return self.trees.margin(panel)
        return np.asarray(self.contributions(panel).sum(axis=1))

    def contributions(self, panel: Matrix) -> Floats:
        """What each feature adds to the log-odds, (e, f + 1); the last column is the average."""
        if self.trees is not None:
            return self.trees.contributions(panel)
        parts = self.weights[:-1] * (panel - self.means) / self.deviations
        return np.column_stack([parts, np.full(len(panel), self.weights[-1])])

    def probability(self, panel: Matrix) -> tuple[Floats, Floats, Floats]:
        """Probability within twelve months with the bounds of its 95 % interval."""
        within = self.calibrator.probability(self.margin(panel))
        low, high = self.calibrator.interval(within)
        power = _YEAR / self.horizon
        year = [1 - (1 - np.clip(value, 0, 1 - 1e-12)) ** power for value in (within, low, high)]
        return year[0], year[1], year[2]

    def save(self, folder: Path) -> None:
        """Write the model into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.trees is not None:
            self.trees.save(folder / "trees")
        if self.risk is not None:
            self.risk.save(folder / "risk")
        self.calibrator.save(folder / "calibration.json")
        facts = {
            "horizon": self.horizon,
            "weights": self.weights.tolist(),
            "means": self.means.tolist(),
            "deviations": self.deviations.tolist(),
        }
        (folder / "enterprise.json").write_text(json.dumps(facts, sort_keys=True))

    @classmethod
    def load(cls, folder: Path) -> "EnterpriseModel":
        """Read a model that `save` wrote. Raises `ModelError`."""
        try:
            facts = json.loads((folder / "enterprise.json").read_text())
        except (OSError, ValueError) as error:
            raise ModelError(f"{folder} holds no enterprise model", hint="train again") from error
        return cls(
            TreeModel.load(folder / "trees") if (folder / "trees").exists() else None,
            np.array(facts["weights"]),
            np.array(facts["means"]),
            np.array(facts["deviations"]),
            Calibrator.load(folder / "calibration.json"),
            facts["horizon"],
            TreeModel.load(folder / "risk") if (folder / "risk").exists() else None,
        )


@dataclass(frozen=True)
class EnterpriseFit:
    """A fitted enterprise model and what the card says about it."""

    model: EnterpriseModel
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class _Takings:
    """Each pair of enterprise and shipment, once: numbers of both."""

    party: Codes
    row: Codes


def panel_at(cases: Cases, probability: Floats, cut: int) -> Matrix:
    """Every enterprise as known before a day: (enterprises, len(PANEL)).

    `probability` (n,) is the risk of shipments; NaN where the shipment taught the model. O(n).
    """
    pairs = _takings(cases)
    age = cut - cases.declared[pairs.row].astype(np.int64)
    pairs, age = _keep(pairs, age > 0), age[age > 0]
    lag = cut - cases.recorded[pairs.row].astype(np.int64)
    known = (lag > 0) & (cases.recorded[pairs.row] < NEVER)
    bad = known & (cases.outcome[pairs.row] == 1)
    risk = probability[pairs.row]
    usable = np.isfinite(risk)
    risk = np.nan_to_num(risk)
    total = _count(cases, pairs, age > 0)
    declared = _count(cases, pairs, cases.parties["declarant"][pairs.row] == pairs.party)
    first, last = _extremes(cases, pairs, age)
    recent = usable & (age <= 180)
    scored = _count(cases, pairs, recent)
    top = np.zeros(cases.enterprises)
    np.maximum.at(top, pairs.party[recent], risk[recent])
    columns = {
        "shipments_90": np.log1p(_count(cases, pairs, age <= 90)),
        "shipments_365": np.log1p(_count(cases, pairs, age <= _YEAR)),
        "declarant_share": _ratio(declared, total),
        "days_since_first": first,
        "days_since_last": last,
        "inspected_365": np.log1p(_count(cases, pairs, known & (lag <= _YEAR))),
        "violations_365": np.log1p(_count(cases, pairs, bad & (lag <= _YEAR))),
        "violations_ever": np.log1p(_count(cases, pairs, bad)),
        "violation_rate": _rates(cases, pairs, known, cut),
        "expected_90": np.log1p(_count(cases, pairs, usable & (age <= 90), risk)),
        "expected_365": np.log1p(_count(cases, pairs, usable & (age <= _YEAR), risk)),
        "mean_risk_180": _ratio(_count(cases, pairs, recent, risk), scored),
        "top_risk_180": top,
    }
    return np.column_stack([columns[name] for name in PANEL]).astype(np.float32)


def risk_model(cases: Cases, cut: int, config: ModelConfig, *, threads: int) -> TreeModel | None:
    """Trees on all features of shipments, fitted on the outcomes recorded before a day.

    Their number of rounds is fixed, because what validation would choose rests on later outcomes.
    None where fewer violations are known than `SplitConfig.minimum_positives`.
    """
    rows = np.flatnonzero(np.isfinite(cases.outcome) & (cases.recorded < cut))
    violations = int(cases.outcome[rows].sum())
    if violations < config.split.minimum_positives or violations == len(rows):
        return None
    weight = selection_weights(cases.probability[rows], config.split.weight_percentile)
    names = cases.named(*GROUPS)
    lesson = Rows(
        cases.columns(names)[rows], cases.outcome[rows], weight**config.split.learning_power
    )
    rounds = config.trees.usual_rounds
    return trees.fit(lesson, names, config.trees, seed=config.seed, rounds=rounds, threads=threads)


def risk_before(cases: Cases, model: TreeModel | None, cut: int) -> Floats:
    """Risk, 0 to 1, of the shipments of the year before a day: (n,), NaN for all others.

    A known outcome counts as record, not as risk: the trees have learnt from it. The logistic curve
    of the trees' log-odds is not calibrated; it serves to compare shipments.
    """
    risk = np.full(len(cases), np.nan)
    recent = (cases.declared < cut) & (cases.declared >= cut - _YEAR) & (cases.recorded >= cut)
    rows = np.flatnonzero(recent)
    if model is not None and len(rows):
        risk[rows] = 1 / (1 + np.exp(-model.margin(cases.columns(model.names)[rows])))
    return risk


def outcome_after(cases: Cases, cut: int, horizon: int) -> Floats:
    """1 for enterprises with a violation found and recorded within [cut, cut + horizon).

    Only shipments declared within these days count.
    """
    pairs = _takings(cases)
    day, recorded = cases.declared[pairs.row], cases.recorded[pairs.row]
    end = cut + horizon
    inside = (day >= cut) & (day < end) & (recorded < end) & (cases.outcome[pairs.row] == 1)
    return (np.bincount(pairs.party[inside], minlength=cases.enterprises) > 0).astype(np.float64)


def existing(cases: Cases, cut: int) -> Indices:
    """Numbers of the enterprises registered, told of or trading before a day: (e,)."""
    pairs = _takings(cases)
    there = cases.since < cut
    there[pairs.party[cases.declared[pairs.row] < cut]] = True
    return np.flatnonzero(there)


def fit(cases: Cases, last_day: int, config: ModelConfig, *, threads: int) -> EnterpriseFit:
    """Fit both models on past quarters, choose on validation, judge once on the last horizon.

    `last_day`: the first day whose outcomes are not known yet (days since 1970-01-01).

    Raises:
        TooFewLabels: there are too few enterprises with a violation in a period.
    """
    cuts = _cuts(cases, last_day)
    horizon = cuts.horizon
    risks = {
        cut: risk_model(cases, cut, config, threads=threads)
        for cut in (*cuts.train, cuts.validation, cuts.test)
    }
    usable = [cut for cut in cuts.train if risks[cut] is not None] or [cuts.train[-1]]
    at = {
        cut: _rows(cases, risks[cut], cut, horizon) for cut in (*usable, cuts.validation, cuts.test)
    }
    train, validation = _joined([at[cut] for cut in usable]), at[cuts.validation]
    refit = _joined([train, validation])
    for part in (train, validation):
        if part.outcome.sum() < config.split.minimum_positives:
            raise TooFewLabels(
                f"{int(part.outcome.sum())} enterprises with a violation within {horizon} days",
                hint="ingest a longer history of findings",
            )
    first = {
        "trees": _with_trees(train, horizon, config, threads),
        "logistic": _with_logistic(train, horizon),
    }
    gains = {name: _merit(model, validation) for name, model in first.items()}
    chosen = max(gains, key=lambda name: gains[name])
    model = first[chosen]
    margin = model.margin(validation.features)
    calibrator = calibrate.fit(margin, validation.outcome, validation.weight)
    again = (
        _with_trees(refit, horizon, config, threads)
        if model.trees
        else _with_logistic(refit, horizon)
    )
    final = replace(
        again,
        calibrator=calibrator,
        risk=risk_model(cases, last_day, config, threads=threads),
    )
    return EnterpriseFit(final, _facts(final, at[cuts.test], chosen, gains, config))


@dataclass(frozen=True)
class _Cuts:
    """Days at which enterprises are described; those of training oldest first."""

    horizon: int
    train: list[int]
    validation: int
    test: int


def _cuts(cases: Cases, last_day: int) -> _Cuts:
    """Training, validation and test cuts, one horizon apart."""
    first_day = int(cases.declared[0])
    horizon = min(_YEAR, (last_day - first_day) // 4)
    test_cut = last_day - horizon
    validation_cut = test_cut - horizon
    newest = validation_cut - horizon
    oldest = first_day + min(_QUARTER, horizon) // 2
    cuts = list(range(newest, oldest - 1, -_QUARTER))[::-1] or [newest]
    return _Cuts(horizon, cuts, validation_cut, test_cut)


def _rows(cases: Cases, risk: TreeModel | None, cut: int, horizon: int) -> Rows:
    outcome = outcome_after(cases, cut, horizon)
    panel = panel_at(cases, risk_before(cases, risk, cut), cut)
    return Rows(panel, outcome, np.ones(len(outcome))).take(existing(cases, cut))


def _joined(parts: list[Rows]) -> Rows:
    return Rows(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.outcome for part in parts]),
        np.concatenate([part.weight for part in parts]),
    )


def _with_trees(rows: Rows, horizon: int, config: ModelConfig, threads: int) -> EnterpriseModel:
    """Trees with a fixed number of rounds: cuts overlap, so none tells when those before it fit."""
    rounds = config.trees.usual_rounds
    model = trees.fit(
        rows, tuple(PANEL), config.trees, seed=config.seed, rounds=rounds, threads=threads
    )
    return EnterpriseModel(model, *_NOTHING, horizon)


def _with_logistic(rows: Rows, horizon: int) -> EnterpriseModel:
    means = rows.features.mean(axis=0, dtype=np.float64)
    deviations = np.maximum(rows.features.std(axis=0, dtype=np.float64), 1e-6)
    model = LogisticRegression(C=1.0, max_iter=1000)
    model.fit((rows.features - means) / deviations, rows.outcome)
    weights = np.r_[model.coef_[0], model.intercept_]
    return EnterpriseModel(None, weights, means, deviations, _NOTHING[3], horizon)


_EMPTY = np.empty(0)
_NOTHING = (
    _EMPTY,
    _EMPTY,
    _EMPTY,
    Calibrator(1.0, 0.0, _EMPTY, _EMPTY, _EMPTY, _EMPTY, _EMPTY),
)


def _merit(model: EnterpriseModel, rows: Rows) -> float:
    result = metrics.evaluate(rows.outcome, model.margin(rows.features), replicates=1)
    return result.average_precision


def _facts(
    model: EnterpriseModel,
    test: Rows,
    chosen: str,
    gains: Mapping[str, float],
    config: ModelConfig,
) -> dict[str, Any]:
    within = model.calibrator.probability(model.margin(test.features))
    judged = metrics.evaluate(
        test.outcome, within, share=config.share, replicates=config.replicates, seed=config.seed
    )
    record = test.features[:, list(PANEL).index("violation_rate")].astype(np.float64)
    volume = test.features[:, list(PANEL).index("shipments_365")].astype(np.float64)
    return {
        "model": chosen,
        "horizon_days": model.horizon,
        "validation": dict(gains),
        "test": asdict(judged),
        "own_record_auc": metrics.evaluate(test.outcome, record, replicates=1).auc,
        "volume_auc": metrics.evaluate(test.outcome, volume, replicates=1).auc,
    }


def _takings(cases: Cases) -> _Takings:
    number = np.arange(len(cases))
    pairs = [np.stack([cases.parties[role], number], axis=1) for role in _ROLES]
    united = np.concatenate(pairs)
    united = united[united[:, 0] >= 0]
    # One key a pair sorts much faster than rows of two.
    key = np.unique(united[:, 0] * len(cases) + united[:, 1])
    return _Takings(key // len(cases), key % len(cases))


def _keep(pairs: _Takings, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> _Takings:
    return _Takings(pairs.party[chosen], pairs.row[chosen])


def _count(
    cases: Cases,
    pairs: _Takings,
    chosen: np.ndarray[tuple[int], np.dtype[np.bool_]],
    weight: Floats | None = None,
) -> Floats:
    return np.bincount(
        pairs.party[chosen],
        None if weight is None else weight[chosen],
        minlength=cases.enterprises,
    ).astype(np.float64)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _extremes(cases: Cases, pairs: _Takings, age: Codes) -> tuple[Floats, Floats]:
    """Days since the first and the last shipment; 0 and 9,999 for enterprises without one."""
    first, last = np.zeros(cases.enterprises), np.full(cases.enterprises, 9_999.0)
    np.maximum.at(first, pairs.party, age)
    np.minimum.at(last, pairs.party, age)
    return first, last


def _rates(
    cases: Cases, pairs: _Takings, known: np.ndarray[tuple[int], np.dtype[np.bool_]], cut: int
) -> Floats:
    outcome = cases.outcome[pairs.row[known]]
    everyone = np.arange(cases.enterprises)
    return known_rate(
        everyone,
        np.full(cases.enterprises, cut, dtype=np.int32),
        pairs.party[known],
        cases.recorded[pairs.row[known]],
        outcome,
        float(outcome.mean()) if len(outcome) else 0.0,
    )
