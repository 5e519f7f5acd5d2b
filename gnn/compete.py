"""Fit all models, let validation choose, refit on what was known before the test, judge once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

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
    fit_all,
    merit,
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
    final: Mapping[str, Contender]
    deployed: Contender
    trees: Contender
    calibrators: Mapping[str, Calibrator]
    rows: tuple[ReportRow, ...]
    novel_rows: tuple[ReportRow, ...]
    novel_share: float
    new_importers: float
    weight: Floats


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
    first = fit_all(
        cases,
        Lesson(split.train, split.validation, weight),
        config,
        threads=threads,
        fit_network=fit_network,
        progress=_part(progress, 0.0, 0.55),
    )
    merits = _merits(cases, first, split.validation, weight, config)
    champion = max((name for name in first if name not in BASELINES), key=lambda name: merits[name])
    calibrators = {
        name: calibrate.fit(
            one.margin[split.validation], cases.outcome[split.validation], weight[split.validation]
        )
        for name, one in first.items()
    }
    final = fit_all(
        cases,
        Lesson(split.refit, None, weight),
        config,
        threads=threads,
        chosen=first,
        fit_network=fit_network,
        progress=_part(progress, 0.55, 0.8),
    )
    wanted = champion if champion in TREE_GROUPS else FULL
    last = fit_all(
        cases,
        Lesson(labelled, None, weight),
        config,
        threads=threads,
        chosen=first,
        fit_network=fit_network if champion in (NETWORK, BOTH) else None,
        trees_only=(wanted,),
        progress=_part(progress, 0.8, 0.9),
    )
    judged, outcome, judged_weight = _judged(cases, split, weight, truth)
    scores = {name: calibrators[name].probability(one.margin) for name, one in final.items()}
    novel = judged[_novel(cases.product, cases.declared < split.test_from)[judged]]
    return Competition(
        split=split,
        champion=champion,
        final=final,
        deployed=last[champion],
        trees=last[wanted],
        calibrators=calibrators,
        rows=_table(scores, judged, outcome, judged_weight, merits, config),
        novel_rows=()
        if len(novel) in (0, len(judged))
        else _table(scores, novel, outcome, judged_weight, merits, config),
        novel_share=len(novel) / max(len(judged), 1),
        new_importers=_new_importers(cases, split, judged),
        weight=weight,
    )


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


def _merits(
    cases: Cases,
    found: Mapping[str, Contender],
    rows: Indices,
    weight: Floats,
    config: ModelConfig,
) -> dict[str, float]:
    return {
        name: merit(cases.outcome[rows], one.margin[rows], weight[rows], config)
        for name, one in found.items()
    }


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
    rows: Indices,
    outcome: Floats,
    weight: Floats,
    merits: Mapping[str, float],
    config: ModelConfig,
) -> tuple[ReportRow, ...]:
    return tuple(
        ReportRow.of(
            name,
            metrics.evaluate(
                outcome[rows],
                score[rows],
                share=config.share,
                weight=weight[rows],
                replicates=config.replicates,
                seed=config.seed,
            ),
            merits[name],
        )
        for name, score in scores.items()
    )


def _novel(
    product: Codes, before: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
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


def _part(progress: Progress | None, start: float, stop: float) -> Progress | None:
    """A progress callback for a part of the whole."""
    if progress is None:
        return None
    return lambda what, share: progress(what, start + share * (stop - start))
