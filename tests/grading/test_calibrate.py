from pathlib import Path

import numpy as np
import pytest

from grading.calibrate import fit, to_yaml
from grading.errors import GradingError
from grading.monitor import separation
from grading.policy import load_policy
from grading.scorecard import score

POLICY = load_policy(Path(__file__).with_name("small_policy.yml"))
SIZE = 20_000


def world(seed: int = 5) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Enterprises whose log odds of compliance are 3, +0.8 with age, -1.5 with hits."""
    rng = np.random.default_rng(seed)
    columns = {
        "age": rng.uniform(0, 10, SIZE),
        "hit_rate": rng.uniform(0, 0.2, SIZE),
        "inspected": np.full(SIZE, 60.0),
        "hits": np.zeros(SIZE),
        "neighbour_rate": rng.uniform(0, 0.2, SIZE),
        "score.probability": np.full(SIZE, np.nan),
        "serious": np.zeros(SIZE),
    }
    odds = 3 + 0.8 * (columns["age"] >= 5) - 1.5 * (columns["hit_rate"] >= 0.1)
    return columns, rng.random(SIZE) > 1 / (1 + np.exp(-odds)), odds


def test_planted_odds_are_recovered() -> None:
    columns, bad, odds = world()
    fitted = fit(POLICY, columns, bad).policy
    points = score(fitted, columns).points
    assert np.abs(np.log([fitted.odds(value) for value in points]) - odds).max() < 0.35
    assert separation(points, bad).gini > separation(columns["neighbour_rate"], bad).gini + 0.3


def test_information_tells_what_matters() -> None:
    columns, bad, _ = world()
    found = fit(POLICY, columns, bad).information()
    assert found["OWN.HITS"] > 0.3 > found["OWN.AGE"] > 0.02 > found["NET.RATE"]


def test_a_contrary_order_is_pooled_and_a_cap_is_kept() -> None:
    columns, bad, _ = world()
    columns["age"] = 10 - columns["age"]
    columns["neighbour_rate"] = np.where(bad, 0.2, columns["neighbour_rate"])
    fitted = fit(POLICY, columns, bad).policy
    age, _, neighbours, _ = fitted.characteristics
    assert age.bins[1].woe >= age.bins[0].woe and age.bins[2].woe >= age.bins[1].woe
    assert neighbours.bins[0].woe == 0 > neighbours.bins[1].woe
    unknown = {name: np.full(1, np.nan) for name in columns}
    worst = score(fitted, unknown | {"neighbour_rate": np.ones(1)}).points
    assert score(fitted, unknown).points - worst == pytest.approx(20)


def test_weights_undo_a_selection() -> None:
    columns, bad, _ = world()
    rng = np.random.default_rng(1)
    chance = np.where(bad, 1.0, 0.2)
    kept = rng.random(SIZE) < chance
    part = {name: values[kept] for name, values in columns.items()}
    plain, weighted = fit(POLICY, part, bad[kept]), fit(POLICY, part, bad[kept], 1 / chance[kept])
    whole = fit(POLICY, columns, bad).policy.scale.population_odds
    assert weighted.policy.scale.population_odds == pytest.approx(whole, rel=0.1)
    assert plain.policy.scale.population_odds < whole / 2


def test_too_few_outcomes_are_refused() -> None:
    columns, bad, _ = world()
    with pytest.raises(GradingError, match="0 of 20000 enterprises have a violation"):
        fit(POLICY, columns, np.zeros_like(bad))


def test_a_fitted_policy_can_be_written_and_read(tmp_path: Path) -> None:
    columns, bad, _ = world()
    fitted = fit(POLICY, columns, bad).policy
    file = tmp_path / "fitted.yml"
    file.write_text(to_yaml(fitted), encoding="utf-8")
    assert load_policy(file).hash == fitted.hash
