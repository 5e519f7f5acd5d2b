"""Fit all models, let validation choose, refit on what was known before the test, judge once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from gnn import calibrate, metrics
from gnn.baselines import Codes
from gnn.calibrate import Calibrator
from gnn.cases import Cases
from gnn.config import ModelConfig
from gnn.contenders import (
    BASELINES,
    BOTH,
    FULL,
    NETWORK,
    TREE_GROUPS,
    Contender,
    FitNetwork,
    Lesson,
    best_blend,
    fit_all,
    merit,
    with_blend,
)
from gnn.metrics import Floats
from gnn.report import ReportRow
from gnn.split import Indices, Split, selection_weights, split_by_time

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Competition:
    """Everything a run found: split, fitted contenders, calibration and the tables.

    `final` models learnt what was known before the test and are the ones judged. `deployed` is the
    champion fitted once more on everything known, with the choices made before; it is what is kept.
    `trees` is its tree part (the full trees where it has none).
    """

    split: Split
    champion: str
    blend: float
    final: Mapping[str, Contender]
    deployed: Contender
    trees: Contender
    calibrators: Mapping[str, Calibrator]
    rows: tuple[ReportRow, ...]
    novel_rows: tuple[ReportRow, ...]
    novel_share: float
    new_importers: float
    validation: Mapping[str, int]


@dataclass(frozen=True)
class Truth:
    """Outcomes to judge on instead of the findings: `outcome` (n,) with NaN where unknown."""

    outcome: Floats


def compete(
    cases: Cases,
    config: ModelConfig,
    *,
    threads: int = 0,
    fit_network: FitNetwork | None = None,
    truth: Truth | None = None,
    progress: Progress | None = None,
) -> Competition:
    """Run the whole comparison on some cases.

    Raises:
        TooFewLabels: a period has too few outcomes of a kind.
    """
    labelled = cases.labelled
    split = _split(cases, labelled, config)
    weight = np.ones(len(cases))
    weight[labelled] = selection_weights(
        cases.probability[labelled], config.split.weight_percentile
    )
    tell = progress or (lambda what, share: None)
    fitting = _Fitting(cases, weight, config, threads, fit_network)
    trial = fitting.trial(split, tell)
    tell("fitting what is judged", 0.5)
    final = fitting.again(split.refit, trial, tuple(TREE_GROUPS))
    tell("fitting what is kept", 0.7)
    wanted = trial.champion if trial.champion in TREE_GROUPS else FULL
    last = fitting.again(labelled, trial, (wanted,))
    tell("judging", 0.85)
    judged, outcome, judged_weight = _judged(cases, split, weight, truth)
    scores = {
        name: trial.calibrators[name].probability(one.margin(cases, judged))
        for name, one in final.items()
    }
    inside = _novel(cases.product, cases.declared < split.test_from)[judged]
    table = partial(
        _table, outcome=outcome[judged], weight=judged_weight[judged], trial=trial, config=config
    )
    return Competition(
        split=split,
        champion=trial.champion,
        blend=trial.blend,
        final=final,
        deployed=last[trial.champion],
        trees=last[wanted],
        calibrators=trial.calibrators,
        rows=table(scores, np.ones(len(judged), dtype=bool)),
        novel_rows=table(scores, inside) if 0 < inside.mean() < 0.95 else (),
        novel_share=float(inside.mean()),
        new_importers=_new_importers(cases, split, judged),
        validation=trial.facts,
    )


@dataclass(frozen=True)
class _Trial:
    """What validation decided: blend, champion, calibration, merit of each contender.

    `rounds`: how long each learnt in the folds on average.
    """

    champion: str
    blend: float
    rounds: Mapping[str, int]
    calibrators: Mapping[str, Calibrator]
    merits: Mapping[str, float]
    facts: Mapping[str, int]


@dataclass(frozen=True)
class _Fitting:
    """What every fit of a run has in common."""

    cases: Cases
    weight: Floats
    config: ModelConfig
    threads: int
    fit_network: FitNetwork | None

    @property
    def learning_weight(self) -> Floats:
        """What each shipment weighs when models learn."""
        return np.asarray(self.weight**self.config.split.learning_power)

    def trial(self, split: Split, tell: Progress) -> _Trial:
        """Roll the origin forward over the folds and pool what each contender said in advance."""
        cases, folds = self.cases, _folds(self.cases, split, self.config)
        found: list[dict[str, Contender]] = []
        for number, (rows, _) in enumerate(folds):
            tell(f"fitting fold {number + 1} of {len(folds)}", 0.5 * number / len(folds))
            lesson = Lesson(rows, self.learning_weight)
            found.append(
                fit_all(
                    cases, lesson, self.config, threads=self.threads, fit_network=self.fit_network
                )
            )
        pooled = np.concatenate([validation for _, validation in folds])
        outcome, weight = cases.outcome[pooled], self.weight[pooled]
        margins = {
            name: np.concatenate(
                [one[name].margin(cases, rows) for one, (_, rows) in zip(found, folds, strict=True)]
            )
            for name in found[0]
        }
        blend = 0.0
        if NETWORK in margins:
            parts = margins[FULL], margins[NETWORK]
            blend = best_blend(outcome, *parts, weight, self.config)
            margins[BOTH] = (1 - blend) * parts[0] + blend * parts[1]
        merits = {name: merit(outcome, m, weight, self.config) for name, m in margins.items()}
        return _Trial(
            max((name for name in merits if name not in BASELINES), key=lambda name: merits[name]),
            blend,
            {name: max(1, round(np.mean([f[name].rounds for f in found]))) for name in found[0]},
            {name: calibrate.fit(m, outcome, weight) for name, m in margins.items()},
            merits,
            {"folds": len(folds), "rows": len(pooled), "violations": int(outcome.sum())},
        )

    def again(self, rows: Indices, trial: _Trial, wanted: tuple[str, ...]) -> dict[str, Contender]:
        """Fit on other rows with the choices of the trial."""
        needed = len(wanted) > 1 or trial.champion in (NETWORK, BOTH)
        found = fit_all(
            self.cases,
            Lesson(rows, self.learning_weight),
            self.config,
            threads=self.threads,
            rounds=trial.rounds,
            fit_network=self.fit_network if needed else None,
            wanted=wanted,
        )
        return with_blend(found, trial.blend)


def _folds(cases: Cases, split: Split, config: ModelConfig) -> list[tuple[Indices, Indices]]:
    """Rows to learn from and rows to choose by, for origins that move forward, oldest first.

    Windows as long as the validation period reach back from the test period; an origin counts if
    there are enough violations before it.
    """
    length = split.test_from - split.validation_from
    rows = split.refit
    declared, recorded = cases.declared[rows], cases.recorded[rows]
    folds = []
    for number in range(config.split.folds):
        start = split.validation_from - number * length
        learn = rows[(declared < start) & (recorded < start)]
        judge = rows[(declared >= start) & (declared < start + length)]
        enough = cases.outcome[learn].sum() >= config.split.minimum_positives
        if enough and 0 < cases.outcome[judge].sum() < len(judge):
            folds.append((learn, judge))
    return folds[::-1]


def _split(cases: Cases, labelled: Indices, config: ModelConfig) -> Split:
    """The split in row numbers of all cases."""
    parts = split_by_time(
        cases.declared[labelled],
        cases.recorded[labelled],
        cases.outcome[labelled],
        cases.declared,
        config.split,
    )
    return Split(
        labelled[parts.train],
        labelled[parts.validation],
        labelled[parts.refit],
        labelled[parts.test],
        parts.validation_from,
        parts.test_from,
    )


def _judged(
    cases: Cases, split: Split, weight: Floats, truth: Truth | None
) -> tuple[Indices, Floats, Floats]:
    """Rows of the test period to judge on, with outcome and weight over all rows."""
    if truth is None:
        return split.test, cases.outcome, weight
    known = np.isfinite(truth.outcome) & (cases.declared >= split.test_from)
    return np.flatnonzero(known), truth.outcome, np.ones(len(cases))


def _table(
    scores: Mapping[str, Floats],
    chosen: npt.NDArray[np.bool_],
    *,
    outcome: Floats,
    weight: Floats,
    trial: _Trial,
    config: ModelConfig,
) -> tuple[ReportRow, ...]:
    """The report's rows on the `chosen` ones of the judged shipments."""
    return tuple(
        ReportRow.of(
            name,
            metrics.evaluate(
                outcome[chosen],
                score[chosen],
                share=config.share,
                weight=weight[chosen],
                replicates=config.replicates,
                seed=config.seed,
            ),
            trial.merits[name],
        )
        for name, score in scores.items()
    )


def _novel(product: Codes, before: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which rows have a product tuple that no earlier row has."""
    seen = np.zeros(int(product.max(initial=0)) + 1, dtype=bool)
    seen[product[before]] = True
    return ~seen[product]


def _new_importers(cases: Cases, split: Split, rows: Indices) -> float:
    """Share of the judged rows whose importer took part in nothing before the test period."""
    importer = cases.parties["importer"]
    seen = np.zeros(cases.enterprises + 1, dtype=bool)
    seen[importer[cases.declared < split.test_from]] = True
    known = importer[rows] >= 0
    return float(np.mean(~seen[importer[rows][known]])) if known.any() else 0.0
