import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.errors import GradingError
from grading.policy import Policy, load_policy
from grading.scorecard import columns_of, score

POLICY = load_policy(Path(__file__).with_name("small_policy.yml"))
SHIPPED = load_policy()
UNIT = 20 / math.log(2)
NAN = math.nan
NAMES = ("age", "hit_rate", "inspected", "hits", "neighbour_rate", "score.probability", "serious")


def columns(**values: list[float]) -> dict[str, np.ndarray]:
    size = len(next(iter(values.values())))
    named = {
        name.replace("probability", "score.probability"): value for name, value in values.items()
    }
    return {name: np.array(named.get(name, [NAN] * size), float) for name in NAMES}


def test_nothing_known_is_neutral() -> None:
    scored = score(POLICY, columns(age=[NAN]))
    assert scored.points.tolist() == [600.0]
    assert POLICY.bands[scored.band[0]].band == "B"


def test_points_follow_the_formula_and_the_bounds() -> None:
    scored = score(
        POLICY, columns(age=[0.99, 1.0, 5.0], hit_rate=[0.2, 0.1, 0.05], inspected=[50, 50, 50])
    )
    assert scored.points == pytest.approx([600 - 2 * UNIT, 600 - UNIT, 600 + 1.5 * UNIT])


def test_below_fifty_inspections_counts_are_used() -> None:
    scored = score(POLICY, columns(hit_rate=[1.0, 1.0], inspected=[49, 50], hits=[1, 50]))
    assert scored.points == pytest.approx([600 - 0.4 * UNIT, 600 - UNIT])
    never = score(POLICY, columns(hit_rate=[NAN], inspected=[0], hits=[0]))
    assert never.points.tolist() == [600] and "OWN.HITS.MISSING" in never.reasons[0].as_py()
    (reason,) = [r for r in json.loads(scored.reasons[0].as_py()) if r[0].startswith("OWN.HITS")]
    assert reason == ["OWN.HITS.FEW", "hits", 1.0, round(1.4 * UNIT, 1)]


def test_a_gate_caps_the_band_and_comes_first() -> None:
    scored = score(POLICY, columns(age=[9.0, 9.0, NAN, 30.0], serious=[2.0, 0.0, 1.0, 2.0]))
    assert [POLICY.bands[band].band for band in scored.band] == ["D", "B", "D", "B"]
    assert json.loads(scored.reasons[0].as_py())[0] == ["GATE.SERIOUS", "serious", 2.0, 0.0]


def test_reasons_are_the_most_lost_first() -> None:
    scored = score(POLICY, columns(age=[0.0], hit_rate=[0.0], inspected=[90], neighbour_rate=[0.5]))
    assert json.loads(scored.reasons[0].as_py()) == [
        ["OWN.AGE", "age", 0.0, round(1.5 * UNIT, 1)],
        ["NET.RATE", "neighbour_rate", 0.5, round(0.6 * UNIT, 1)],
    ]


def test_a_missing_feature_is_named() -> None:
    with pytest.raises(GradingError, match="no column age, which small needs"):
        columns_of(POLICY, pa.table({name: [0.0] for name in NAMES if name != "age"}))


def bounds(policy: Policy) -> list[tuple[str, float]]:
    """Every number that a policy compares a feature with."""
    lines = policy.characteristics
    inner = [line.few for line in lines if line.few]
    return [
        *((line.feature, bin.below) for line in lines for bin in line.bins if bin.below),
        *((few.feature, bin.below) for few in inner for bin in few.bins if bin.below),
        *((few.inspected, few.below) for few in inner),
        *((gate.feature, gate.above) for gate in policy.gates),
        *(
            (gate.only_if.feature, bound)
            for gate in policy.gates
            if gate.only_if
            for bound in (gate.only_if.below, gate.only_if.at_least)
            if bound
        ),
    ]


@pytest.mark.parametrize(("feature", "bound"), bounds(SHIPPED))
def test_a_value_on_a_bound_is_on_it_in_32_bits_too(feature: str, bound: float) -> None:
    features = {name: pa.array([0.0], pa.float32()) for name in SHIPPED.features}
    features[feature] = pa.array([bound], pa.float32())
    assert columns_of(SHIPPED, pa.table(features))[feature].tolist() == [bound]


def test_a_rate_on_the_gate_s_bound_does_not_fire_it() -> None:
    rates, inspected = [1 / 100, 10 / 100, 11 / 100], [100.0] * 3
    features = {name: pa.array([0.0] * 3, pa.float32()) for name in SHIPPED.features}
    features["violation_rate_365d"] = pa.array(rates, pa.float32())
    features["inspections_365d"] = pa.array(inspected, pa.float32())
    scored = score(SHIPPED, columns_of(SHIPPED, pa.table(features)))
    gate = [gate.code for gate in SHIPPED.gates].index("GATE.VIOLATION_RATE")
    assert scored.gated[:, gate].tolist() == [False, False, True]
    exact = {name: np.zeros(3) for name in SHIPPED.features}
    exact |= {"violation_rate_365d": np.array(rates), "inspections_365d": np.array(inspected)}
    assert score(SHIPPED, exact).reasons.equals(scored.reasons)


@given(st.floats(-1e9, 1e9, width=32) | st.just(NAN))
def test_rounding_moves_a_value_by_less_than_it_is_known_to(value: float) -> None:
    features = {name: pa.array([value], pa.float32()) for name in SHIPPED.features}
    read = columns_of(SHIPPED, pa.table(features))["age_days"][0]
    assert read == pytest.approx(value, rel=6e-6, abs=0, nan_ok=True)


value = st.floats(0, 100) | st.just(NAN)
row = st.tuples(*[value] * len(NAMES))


@settings(max_examples=60, deadline=None)
@given(st.lists(row, min_size=1, max_size=30), row)
def test_neighbours_alone_take_at_most_one_band(
    rows: list[tuple[float, ...]], other: tuple[float, ...]
) -> None:
    table = dict(zip(NAMES, np.array(rows).T, strict=True))
    changed = table | {
        name: np.full(len(rows), other[NAMES.index(name)])
        for name in ("neighbour_rate", "score.probability")
    }
    unknown = table | {
        name: np.full(len(rows), NAN) for name in ("neighbour_rate", "score.probability")
    }
    before, after = score(POLICY, unknown), score(POLICY, changed)
    assert (after.points >= before.points - 20 - 1e-9).all() and (
        after.points <= before.points + 1e-9
    ).all()
    assert (after.band - before.band <= 1).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 2), min_size=2, max_size=30))
def test_points_are_monotone_in_each_feature(values: list[float]) -> None:
    rising = sorted(values)
    assert (np.diff(score(POLICY, columns(age=rising)).points) >= 0).all()
    assert (
        np.diff(score(POLICY, columns(hit_rate=rising, inspected=[99] * len(rising))).points) <= 0
    ).all()
    assert (np.diff(score(POLICY, columns(neighbour_rate=rising)).points) <= 1e-9).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(row, min_size=1, max_size=20))
def test_reasons_are_json_and_sum_to_what_was_lost(rows: list[tuple[float, ...]]) -> None:
    scored = score(POLICY, dict(zip(NAMES, np.array(rows).T, strict=True)))
    best = POLICY.neutral + UNIT * 1.5
    assert scored.points == pytest.approx(best - scored.lost.sum(axis=1))
    for text, lost in zip(scored.reasons.to_pylist(), scored.lost, strict=True):
        reasons = json.loads(text)
        given = [reason[3] for reason in reasons if not reason[0].startswith("GATE")]
        assert (
            given
            == sorted(np.round(lost[np.round(lost, 1) > 0], 1), reverse=True)[: POLICY.reasons]
        )
        for code, _, number, _ in reasons:
            POLICY.texts[code]["en"].format(value=number)
