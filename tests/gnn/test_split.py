"""The split by time: nothing is learnt from a result that had not arrived."""

import numpy as np
import pytest

from gnn.config import SplitConfig
from gnn.errors import TooFewLabels
from gnn.split import selection_weights, split_by_time

CONFIG = SplitConfig(minimum_positives=2)


def _labels() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    declared = np.arange(400, dtype=np.int32)
    return declared, declared + 21, np.tile([0.0, 0.0, 0.0, 1.0], 100)


def test_parts_follow_each_other_and_respect_the_label_lag() -> None:
    declared, recorded, outcome = _labels()
    split = split_by_time(declared, recorded, outcome, declared, CONFIG)
    assert recorded[split.train].max() < split.validation_from
    assert recorded[split.refit].max() < split.test_from
    assert declared[split.validation].min() >= split.validation_from
    assert recorded[split.validation].max() < split.test_from
    assert declared[split.test].min() >= split.test_from
    assert set(split.train) <= set(split.refit)
    assert not set(split.refit) & set(split.test)


def test_too_few_violations_are_refused_in_one_line() -> None:
    declared, recorded, _ = _labels()
    with pytest.raises(TooFewLabels, match="the train period has 0 violations"):
        split_by_time(declared, recorded, np.zeros(400), declared, CONFIG)


def test_weights_are_inverse_probabilities_clipped_with_mean_one() -> None:
    probability = np.r_[np.full(50, 0.5), np.full(49, 0.05), 1e-6]
    weight = selection_weights(probability)
    assert weight.mean() == pytest.approx(1)
    assert weight[60] / weight[0] == pytest.approx(10)
    assert weight[-1] < 1e6 * weight[0] / 10
    assert selection_weights(np.full(5, np.nan)) == pytest.approx(1)
    mixed = selection_weights(np.array([0.5, 0.5, np.nan, 2.0]))
    assert mixed == pytest.approx(1)


def test_validation_begins_earlier_when_violations_are_rare() -> None:
    declared, recorded, outcome = _labels()
    rare = np.where(declared % 20 == 0, outcome * 0 + 1, 0.0)
    split = split_by_time(declared, recorded, rare, declared, SplitConfig(minimum_positives=6))
    assert rare[split.validation].sum() == 6
    assert split.validation_from < 0.65 * 400


def test_no_shipment_is_told_in_one_line() -> None:
    nothing = np.array([], dtype=np.int32)
    with pytest.raises(TooFewLabels, match="no shipment to learn from"):
        split_by_time(nothing, nothing, nothing.astype(float), nothing, CONFIG)
