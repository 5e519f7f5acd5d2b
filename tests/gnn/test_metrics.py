"""Metrics: against plain definitions, and the properties that make them trustworthy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gnn import metrics
from gnn.split import selection_weights


def _rows(size: int = 400, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    score = generator.random(size)
    outcome = (generator.random(size) < score * 0.4).astype(float)
    return outcome, score, generator.uniform(0.5, 4, size)


outcomes = arrays.arrays(np.float64, 60, elements=st.sampled_from([0.0, 1.0]))
coarse = arrays.arrays(np.float64, 60, elements=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))


def test_precision_is_the_plain_share_without_ties() -> None:
    outcome, score, _ = _rows()
    top = np.argsort(-score)[:16]
    assert metrics.precision_at(outcome, score, 0.04) == pytest.approx(outcome[top].mean())


def test_a_constant_score_has_the_base_rate_as_precision() -> None:
    outcome, _, weight = _rows()
    flat = np.full(len(outcome), 0.3)
    assert metrics.precision_at(outcome, flat, 0.04, weight) == pytest.approx(
        metrics.base_rate(outcome, weight)
    )


@given(outcome=outcomes, score=coarse, seed=st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_the_order_of_rows_does_not_matter(
    outcome: np.ndarray, score: np.ndarray, seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(len(outcome))
    weight = np.linspace(1, 2, len(outcome))
    for share in (0.04, 0.3, 1.0):
        assert metrics.precision_at(outcome, score, share, weight) == pytest.approx(
            metrics.precision_at(outcome[order], score[order], share, weight[order])
        )


@given(outcome=outcomes, score=coarse)
@settings(max_examples=60, deadline=None)
def test_precision_stays_under_its_ceiling(outcome: np.ndarray, score: np.ndarray) -> None:
    base = metrics.base_rate(outcome)
    value = metrics.precision_at(outcome, score, 0.1)
    assert -1e-12 <= value <= min(1.0, base / 0.1) + 1e-12
    assert metrics.normalised_precision(value, base, 0.1) <= 1 + 1e-9
    assert metrics.precision_at(outcome, outcome, 0.1) == pytest.approx(min(1.0, base / 0.1))


@given(outcome=outcomes, score=coarse)
@settings(max_examples=30, deadline=None)
def test_a_whole_weight_is_a_repeated_row(outcome: np.ndarray, score: np.ndarray) -> None:
    weight = np.tile([1.0, 2.0, 3.0], 20)
    times = weight.astype(int)
    assert metrics.precision_at(outcome, score, 0.2, weight) == pytest.approx(
        metrics.precision_at(np.repeat(outcome, times), np.repeat(score, times), 0.2)
    )


def _targeted(size: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Half targeted and scored high, the others drawn at random with a hundredth each."""
    generator = np.random.default_rng(seed)
    targeted = generator.random(size) < 0.5
    probability = np.where(targeted, generator.uniform(0.3, 1, size), 0.01)
    score = np.where(targeted, generator.uniform(0.3, 1, size), generator.uniform(0, 0.5, size))
    outcome = (generator.random(size) < np.where(targeted, 0.25, 0.03)).astype(float)
    return outcome, score, selection_weights(probability)


@pytest.mark.parametrize("share", [0.04, 0.5, 1.0])
@pytest.mark.parametrize("rows", [_rows(120), _rows(6000), _targeted(6000), _targeted(6000)[:2]])
def test_the_vectorised_bootstrap_equals_the_plain_one(
    rows: tuple[np.ndarray, ...], share: float
) -> None:
    outcome, score, weight = (*rows, None)[:3]
    score = np.round(score, 2)
    for counts in metrics._resamples(len(outcome), 12, seed=3):
        fast = metrics._replicated_precision(counts, outcome, score, share, weight)
        each = counts if weight is None else weight * counts
        slow = [metrics.precision_at(outcome, score, share, row) for row in each]
        assert fast == pytest.approx(slow)


def test_the_interval_holds_the_estimate_under_selection_weights() -> None:
    outcome, score, weight = _targeted(8000, seed=1)
    found = metrics.evaluate(outcome, score, weight=weight, replicates=100).precision
    assert found.low < found.value < found.high


def test_interval_holds_the_estimate_and_is_seeded() -> None:
    outcome, score, weight = _rows(2000)
    first = metrics.evaluate(outcome, score, weight=weight, replicates=200)
    assert first.precision.low <= first.precision.value <= first.precision.high
    assert first == metrics.evaluate(outcome, score, weight=weight, replicates=200)
    assert first.lift == pytest.approx(first.precision.value / first.base)
    assert first.recall == pytest.approx(first.precision.value * 0.04 / first.base)


def test_paired_difference_of_a_model_with_itself_is_zero() -> None:
    outcome, score, _ = _rows()
    same = metrics.paired_difference(outcome, score, score, 0.04, replicates=50)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    better = metrics.paired_difference(outcome, outcome, -score, 0.04, replicates=50)
    assert better.low > 0


def test_calibration_error_of_true_probabilities_is_small() -> None:
    generator = np.random.default_rng(5)
    probability = generator.random(20_000)
    outcome = (generator.random(20_000) < probability).astype(float)
    assert metrics.calibration_error(outcome, probability) < 0.02
    assert metrics.calibration_error(outcome, probability**2) > 0.1
    assert metrics.brier(outcome, outcome) == 0


def test_one_kind_of_outcome_has_no_auc() -> None:
    result = metrics.evaluate(np.zeros(50), np.linspace(0, 1, 50), replicates=10)
    assert np.isnan(result.auc)
    assert result.lift == 0
    assert result.recall == 0
