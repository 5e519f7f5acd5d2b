"""The enterprise model: nothing that is judged at a cut has seen what was recorded later."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gnn.cases import NEVER, Cases
from gnn.config import ModelConfig, SplitConfig, TreeConfig
from gnn.enterprises import (
    EnterpriseFit,
    EnterpriseModel,
    existing,
    fit,
    outcome_after,
    risk_before,
)

CONFIG = ModelConfig(
    replicates=10,
    split=SplitConfig(minimum_positives=5),
    trees=TreeConfig(bags=1, least_rounds=20, most_rounds=30),
)
LAST_DAY, TEST_CUT = 720, 540


@pytest.fixture(scope="module")
def cases(plant: Any) -> Cases:
    found: Cases = plant(4000, inspected=0.4).cases
    return found


@pytest.fixture(scope="module")
def fitted(cases: Cases) -> EnterpriseFit:
    return fit(cases, LAST_DAY, CONFIG, threads=1)


def test_later_outcomes_change_nothing_that_is_judged(cases: Cases, fitted: EnterpriseFit) -> None:
    """Outcomes recorded on the test cut or later turned round, and other shipments inspected."""
    late = (cases.recorded >= TEST_CUT) & (cases.recorded < NEVER)
    never = (cases.recorded == NEVER) & (np.arange(len(cases)) % 3 == 0)
    changed = replace(
        cases,
        outcome=np.where(late, 1 - cases.outcome, np.where(never, 1.0, cases.outcome)),
        recorded=np.where(never, LAST_DAY - 1, cases.recorded).astype(np.int32),
    )
    again = fit(changed, LAST_DAY, CONFIG, threads=1)
    assert fitted.facts["horizon_days"] == LAST_DAY - TEST_CUT
    assert again.facts["validation"] == fitted.facts["validation"]
    assert again.facts["test"]["base"] != fitted.facts["test"]["base"]
    panel = fitted.model.panel(cases, TEST_CUT)
    for first, second in zip(
        fitted.model.probability(panel), again.model.probability(panel), strict=True
    ):
        assert first == pytest.approx(second, abs=0)


def test_enterprises_that_did_not_exist_at_a_cut_are_not_judged_there(
    cases: Cases, fitted: EnterpriseFit
) -> None:
    """One counts from its registration on, or from its first shipment if that was earlier."""
    there = existing(cases, TEST_CUT)
    late = np.flatnonzero(cases.since >= TEST_CUT)
    traded = np.unique(cases.parties["importer"][cases.declared < TEST_CUT])
    assert 0 < len(there) < cases.enterprises
    assert set(late) - set(there) == set(late) - set(traded)
    assert set(there) >= set(traded) | set(np.flatnonzero(cases.since < TEST_CUT))
    assert fitted.facts["test"]["rows"] == len(there)
    early = replace(cases, since=np.full_like(cases.since, TEST_CUT))
    assert set(existing(early, TEST_CUT)) == set(traded) | set(
        np.unique(cases.parties["declarant"][cases.declared < TEST_CUT])
    )


def test_risk_is_of_the_last_year_and_of_unknown_outcomes(
    cases: Cases, fitted: EnterpriseFit
) -> None:
    risk = risk_before(cases, fitted.model.risk, 500)
    known = np.isfinite(risk)
    assert (
        known == ((cases.declared < 500) & (cases.declared >= 135) & (cases.recorded >= 500))
    ).all()
    assert ((risk[known] > 0) & (risk[known] < 1)).all()


def test_an_outcome_recorded_after_the_horizon_is_not_of_it(cases: Cases) -> None:
    late = replace(cases, recorded=np.where(cases.recorded < NEVER, 700, NEVER).astype(np.int32))
    assert outcome_after(cases, 300, 100).sum() > 0
    assert outcome_after(late, 300, 100).sum() == 0


def test_a_saved_model_sees_and_says_the_same(
    cases: Cases, fitted: EnterpriseFit, tmp_path: Any
) -> None:
    fitted.model.save(tmp_path)
    again = EnterpriseModel.load(tmp_path)
    panel = fitted.model.panel(cases, LAST_DAY)
    np.testing.assert_array_equal(again.panel(cases, LAST_DAY), panel)
    np.testing.assert_array_equal(again.margin(panel), fitted.model.margin(panel))
