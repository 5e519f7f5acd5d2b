"""Trees: they learn, they are the same every time, their reasons sum to the margin."""

from pathlib import Path

import numpy as np
import pytest

from gnn import metrics, trees
from gnn.config import TreeConfig
from gnn.errors import ModelError

NAMES = ("signal", "noise", "sparse")


def _rows(size: int = 3000) -> trees.Rows:
    generator = np.random.default_rng(1)
    features = generator.normal(size=(size, 3)).astype(np.float32)
    features[generator.random(size) < 0.5, 2] = np.nan
    chance = 1 / (1 + np.exp(3 - 2 * features[:, 0]))
    outcome = (generator.random(size) < chance).astype(float)
    return trees.Rows(features, outcome, generator.uniform(0.5, 2, size))


def test_same_seed_same_bytes_and_reasons_sum(tmp_path: Path) -> None:
    rows = _rows()
    first, second = rows.take(np.arange(2000)), rows.take(np.arange(2000, 3000))
    config = TreeConfig(most_rounds=60, bags=2)
    for name in ("a", "b"):
        model = trees.fit(first, NAMES, config, seed=3, validation=second, threads=2)
        model.save(tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["booster_0.txt", "booster_1.txt", "trees.json"]
    assert all(
        (tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files
    )

    margin = model.margin(second.features)
    assert metrics.evaluate(second.outcome, margin, replicates=10).auc > 0.85
    reasons = model.contributions(second.features)
    assert reasons.shape == (1000, 4)
    assert reasons.sum(axis=1) == pytest.approx(margin, abs=1e-9)
    assert np.abs(reasons[:, 0]).mean() > np.abs(reasons[:, 1]).mean()
    assert trees.TreeModel.load(tmp_path / "a").margin(second.features) == pytest.approx(margin)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no complete tree model"):
        trees.TreeModel.load(tmp_path)
