"""Running sums against counting by hand."""

import math
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.features.windows import NEVER, History, InForce, Mix, encode, fixed, in_force, pair

KEYS = st.integers(-1, 3)
DAYS = st.integers(18_000, 18_020)
EVENTS = st.lists(st.tuples(KEYS, DAYS, st.integers(-5, 5)), max_size=30)
ASKED = st.lists(st.tuples(KEYS, DAYS), min_size=1, max_size=10)


def _columns(rows: list[tuple[int, ...]], width: int) -> list[np.ndarray]:
    return [np.array([row[i] for row in rows], np.int64) for i in range(width)]


@given(EVENTS, ASKED, st.sampled_from([None, 1, 5]))
def test_history_counts_what_was_before(
    events: list[tuple[int, int, int]], asked: list[tuple[int, int]], window: int | None
) -> None:
    history = History(*_columns(events, 3))
    key, day = _columns(asked, 2)
    number, total = history.before(key, day, window)
    first, last = history.first(key, day), history.last(key, day)
    for i, (k, t) in enumerate(asked):
        before = [e for e in events if e[0] == k >= 0 and e[1] < t]
        inside = [e for e in before if window is None or e[1] >= t - window]
        assert number[i] == len(inside)
        assert total[i] == sum(e[2] for e in inside)
        days = [e[1] for e in before]
        assert first[i] == min(days) if days else math.isnan(first[i])
        assert last[i] == max(days) if days else math.isnan(last[i])


@given(st.lists(st.tuples(KEYS, st.integers(-1, 3), DAYS), max_size=30), ASKED)
def test_mix_counts_distinct_and_entropy(
    events: list[tuple[int, int, int]], asked: list[tuple[int, int]]
) -> None:
    mix = Mix(*_columns(events, 3), window=5)
    number, distinct, entropy, concentration = mix.before(*_columns(asked, 2))
    for i, (k, t) in enumerate(asked):
        items = Counter(e[1] for e in events if e[0] == k >= 0 and e[1] >= 0 and t - 5 <= e[2] < t)
        total = items.total()
        assert number[i] == total
        assert distinct[i] == len(items)
        if total:
            shares = [n / total for n in items.values()]
            assert entropy[i] == pytest.approx(-sum(p * math.log(p) for p in shares), abs=1e-6)
            assert concentration[i] == pytest.approx(sum(p * p for p in shares))
        else:
            assert math.isnan(entropy[i])


def test_codes_are_shared_and_nothing_is_unknown() -> None:
    left = pa.chunked_array([["a", None], ["b", ""]])
    (one, two), names = encode(left, pa.array(["b", "c"]))
    assert one.tolist() == [0, -1, 1, -1]
    assert two.tolist() == [1, 2]
    assert names.to_pylist() == ["a", "b", "c"]


def test_pairs_are_unknown_where_a_part_is() -> None:
    codes = pair(np.array([0, 0, 1, -1, 0]), np.array([2, 2, 2, 2, -1]))
    assert codes.tolist() == [0, 0, 1, -1, -1]


def test_fixed_point_and_force() -> None:
    assert fixed([1.256, float("nan")], 100).tolist() == [126, 0]
    days, value = in_force(np.array([1]), np.array([NEVER]), np.array([3]))
    assert days.tolist() == [1, NEVER]
    assert value.tolist() == [3, -3]


STATED = st.lists(st.tuples(KEYS, DAYS, st.one_of(st.just(NEVER), DAYS)), max_size=30)


@given(STATED, ASKED, st.sampled_from([1, 5, 40]))
def test_windows_count_only_what_is_in_force(
    stated: list[tuple[int, int, int]], asked: list[tuple[int, int]], window: int
) -> None:
    key, start, end = _columns([(k, s, max(s, e)) for k, s, e in stated], 3)
    worth = np.arange(key.size) + 1
    statements = InForce(key, start, end, worth)
    number, total = statements.before(*_columns(asked, 2), window)
    last = statements.last(*_columns(asked, 2))
    for i, (k, t) in enumerate(asked):
        stands = (key == k) & (k >= 0) & (start < t) & (end >= t)
        inside = stands & (start >= t - window)
        assert (number[i], total[i]) == (inside.sum(), worth[inside].sum())
        assert last[i] == start[stands].max() if stands.any() else math.isnan(last[i])
