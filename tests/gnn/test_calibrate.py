"""Calibration: true probabilities recovered, order kept, intervals that cover."""

from pathlib import Path

import numpy as np
import pytest

from gnn import calibrate, metrics


def _sample(size: int, seed: int, step: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    margin = generator.normal(0, 1.5, size)
    truth = 1 / (1 + np.exp(-(0.7 * margin - 2.5 + step * (margin > 0.7))))
    return margin, (generator.random(size) < truth).astype(float), truth


@pytest.mark.parametrize("step", [0.0, 2.0])
def test_probabilities_fit_and_keep_the_order(step: float) -> None:
    margin, outcome, _ = _sample(6000, 1, step)
    curve = calibrate.fit(margin, outcome, np.ones(6000))
    fresh, fresh_outcome, truth = _sample(20_000, 2, step)
    probability = curve.probability(fresh)
    assert metrics.calibration_error(fresh_outcome, probability) < 0.02
    assert (np.diff(curve.probability(np.linspace(-3, 3, 500))) > 0).all()
    low, high = curve.interval(probability)
    assert ((low <= probability) & (probability <= high)).all()
    assert ((low <= truth) & (truth <= high)).mean() > 0.8
    order = np.argsort(probability)
    assert (np.diff(low[order]) >= 0).all()
    assert (np.diff(high[order]) >= 0).all()


def test_the_riskiest_of_all_have_an_interval_on_both_sides() -> None:
    margin, outcome, _ = _sample(6000, 1, 2.0)
    curve = calibrate.fit(margin, outcome, np.ones(6000))
    probability = np.linspace(curve.centres[-1], 0.999, 200)
    low, high = curve.interval(probability)
    assert ((low < probability) & (probability < high)).all() and high.max() < 1
    assert (np.diff(high) > 0).all() and (np.diff(low) > 0).all()


def test_weights_undo_a_biased_selection() -> None:
    margin, outcome, _ = _sample(30_000, 3, 0.0)
    chance = np.where(margin > 1, 0.9, 0.1)
    kept = np.random.default_rng(4).random(30_000) < chance
    curve = calibrate.fit(margin[kept], outcome[kept], 1 / chance[kept])
    assert metrics.calibration_error(outcome, curve.probability(margin)) < 0.015


def test_a_curve_survives_its_file(tmp_path: Path) -> None:
    margin, outcome, _ = _sample(2000, 5, 2.0)
    curve = calibrate.fit(margin, outcome, np.ones(2000))
    curve.save(tmp_path / "c.json")
    again = calibrate.Calibrator.load(tmp_path / "c.json")
    assert again.method == curve.method
    assert (again.probability(margin) == curve.probability(margin)).all()
    assert (again.interval(margin)[1] == curve.interval(margin)[1]).all()
