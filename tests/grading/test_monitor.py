from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from grading.grade import grade_enterprises
from grading.monitor import (
    characteristic_stability,
    compare_runs,
    migration_matrix,
    psi,
    separation,
    verdict,
)
from grading.policy import load_policy
from graph.errors import NotFound
from graph.settings import Settings
from graph.snapshot import Snapshot
from graph.store.ledger import Ledger

SMALL = Path(__file__).with_name("small_policy.yml")
POLICY = load_policy(SMALL)
BANDS = [band.band for band in POLICY.bands]

counts = st.lists(st.integers(0, 1000), min_size=4, max_size=4)


@given(counts, counts)
def test_psi_is_never_negative_and_zero_for_equal_shares(
    before: list[int], after: list[int]
) -> None:
    assert psi(before, after) >= 0
    assert psi(before, after) == pytest.approx(psi(after, before))
    assert psi(before, [3 * count for count in before]) == pytest.approx(0)


def test_psi_by_hand() -> None:
    assert psi([50, 50], [60, 40]) == pytest.approx(0.1 * np.log(1.2) - 0.1 * np.log(0.8))
    assert [verdict(value) for value in (0.05, 0.1, 0.25)] == ["stable", "investigate", "shifted"]


@given(st.dictionaries(st.integers(0, 50), st.tuples(*[st.sampled_from(BANDS)] * 2), max_size=50))
def test_rows_and_columns_of_the_migration_matrix_add_up(moves: dict[int, tuple[str, str]]) -> None:
    schema = {"enterprise_id": pl.String, "band": pl.String}
    before, after = (
        pl.DataFrame(
            [(str(id), bands[side]) for id, bands in moves.items()], schema=schema, orient="row"
        )
        for side in (0, 1)
    )
    matrix = migration_matrix(before, after, BANDS)
    for band, row in zip(BANDS, matrix.drop("band").to_numpy(), strict=True):
        assert row.sum() == before.filter(pl.col("band") == band).height
        assert matrix[band].sum() == after.filter(pl.col("band") == band).height


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=60))
def test_gini_agrees_with_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    points, bad = np.array([row[0] for row in rows], float), np.array([row[1] for row in rows])
    found = separation(points, bad)
    if bad.all() or not bad.any():
        assert np.isnan(found.gini) and np.isnan(found.ks)
    else:
        assert found.gini == pytest.approx(2 * roc_auc_score(~bad, points) - 1)
        assert -1 <= found.ks <= 1


def test_perfect_and_reversed_separation() -> None:
    points, bad = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, False, False])
    assert (separation(points, bad).ks, separation(points, bad).gini) == (1, 1)
    assert (separation(points, ~bad).ks, separation(points, ~bad).gini) == (-1, -1)


def enterprises(ages: list[float]) -> pa.Table:
    size = len(ages)
    rest = {name: [0.0] * size for name in ("hit_rate", "hits", "neighbour_rate", "serious")}
    return pa.table(
        {
            "enterprise_id": [f"e{i}" for i in range(size)],
            "age": ages,
            "inspected": [0.0] * size,
            **rest,
        }
    )


def test_two_runs_are_compared(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    runs = []
    for day, ages in ((1, [9.0, 9.0, 9.0, 0.0]), (2, [9.0, 9.0, 0.0, 9.0])):
        snapshot = Snapshot(Path(), f"s{day}", date(2026, 1, day), date(2026, 1, day), {}, {})
        runs.append(grade_enterprises(settings, snapshot, enterprises(ages), None, file=SMALL).run)
    with Ledger(settings) as ledger:
        found = compare_runs(ledger, *runs, POLICY)
        with pytest.raises(NotFound):
            compare_runs(ledger, runs[0], "none", POLICY)
    assert (found.upgraded, found.downgraded, found.moved_two) == (1, 1, 0.5)
    assert found.psi == pytest.approx(0) and found.verdict == "stable"
    assert found.bands["before"].sum() == 4


def test_a_shifted_characteristic_stands_out() -> None:
    columns = {name: np.zeros(100) for name in POLICY.features}
    shifted = columns | {"age": np.full(100, 9.0)}
    found = characteristic_stability(POLICY, columns, shifted)
    assert found["OWN.AGE"] > 0.25 and found["NET.RATE"] == pytest.approx(0)
