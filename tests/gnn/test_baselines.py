"""Baselines against plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn.baselines import Lookup, history_rule, known_rate


@given(seed=st.integers(0, 50))
@settings(max_examples=25, deadline=None)
def test_known_rate_counts_only_what_was_recorded_before(seed: int) -> None:
    generator = np.random.default_rng(seed)
    party, day = generator.integers(-1, 5, 30), generator.integers(0, 20, 30).astype(np.int32)
    found_party = generator.integers(-1, 5, 40)
    found_day = generator.integers(0, 20, 40).astype(np.int32)
    outcome = generator.integers(0, 2, 40).astype(float)
    rate = known_rate(party, day, found_party, found_day, outcome, 0.1, strength=2)
    for row in range(30):
        known = (found_party == party[row]) & (found_day < day[row]) & (party[row] >= 0)
        expected = (outcome[known].sum() + 0.2) / (known.sum() + 2)
        assert rate[row] == pytest.approx(expected)


def test_lookup_gives_unseen_tuples_the_base_rate() -> None:
    table = Lookup.fit(np.array([0, 0, 1, 1]), np.array([1.0, 1, 0, 0]), np.ones(4), size=3)
    assert table.score(np.array([2]))[0] == pytest.approx(0.5)
    assert table.score(np.array([0]))[0] > 0.8
    assert table.score(np.array([1]))[0] < 0.2


def test_history_rule_rises_with_each_record() -> None:
    low, high = np.array([0.01]), np.array([0.2])
    assert history_rule([low, low]) < history_rule([low, high]) < history_rule([high, high])
