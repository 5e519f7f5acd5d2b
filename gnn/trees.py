"""Boosted trees (LightGBM) on the feature catalogue: the bar a graph network has to pass.

Several boosters that differ only in their seed are averaged on the scale of log-odds, so the
contributions of the features (exact tree Shapley values, Lundberg et al. 2020) still sum to the
prediction. Same data, settings and seed give the same bytes.
"""

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

from gnn.config import TreeConfig
from gnn.errors import ModelError
from gnn.metrics import Floats

Matrix = npt.NDArray[np.float32]

# Up to this many rows one thread is about as fast as many, and does not wait for busy processors.
_FEW = 20_000


@dataclass(frozen=True)
class Rows:
    """Labelled rows to learn from: `features` (n, f), `outcome` (n,) of 0/1, `weight` (n,)."""

    features: Matrix
    outcome: Floats
    weight: Floats

    def take(self, rows: npt.NDArray[np.int64]) -> "Rows":
        """The rows with these numbers."""
        return Rows(self.features[rows], self.outcome[rows], self.weight[rows])


@dataclass(frozen=True)
class TreeModel:
    """Fitted boosters and the names of the features they were fitted on."""

    boosters: tuple[lightgbm.Booster, ...]
    names: tuple[str, ...]
    rounds: int

    def margin(self, features: Matrix) -> Floats:
        """Log-odds of a violation. Shapes: (n, f) in, (n,) out."""
        total = np.zeros(len(features))
        for booster in self.boosters:
            total += np.asarray(booster.predict(features, raw_score=True))
        return total / len(self.boosters)

    def contributions(self, features: Matrix) -> Floats:
        """What each feature adds to the log-odds: (n, f + 1), the last column is the average.

        Each row sums to its `margin`.
        """
        total = np.zeros((len(features), len(self.names) + 1))
        for booster in self.boosters:
            total += np.asarray(booster.predict(features, pred_contrib=True))
        return total / len(self.boosters)

    def save(self, folder: Path) -> None:
        """Write the model as texts into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, booster in enumerate(self.boosters):
            (folder / f"booster_{number}.txt").write_text(booster.model_to_string())
        facts = {"names": self.names, "rounds": self.rounds, "boosters": len(self.boosters)}
        (folder / "trees.json").write_text(json.dumps(facts, indent=1, sort_keys=True))

    @classmethod
    def load(cls, folder: Path) -> "TreeModel":
        """Read a model that `save` wrote.

        Raises:
            ModelError: the folder does not hold one.
        """
        try:
            facts = json.loads((folder / "trees.json").read_text())
            texts = [
                (folder / f"booster_{number}.txt").read_text()
                for number in range(facts["boosters"])
            ]
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(
                f"{folder} holds no complete tree model", hint="train again"
            ) from error
        boosters = tuple(lightgbm.Booster(model_str=text) for text in texts)
        return cls(boosters, tuple(facts["names"]), facts["rounds"])


def fit(
    rows: Rows,
    names: tuple[str, ...],
    config: TreeConfig,
    *,
    seed: int,
    validation: Rows | None = None,
    rounds: int | None = None,
    threads: int = 0,
) -> TreeModel:
    """Fit on `rows`; the number of rounds is `rounds`, or what serves `validation` best."""
    boosters = [
        _fit_one(rows, names, config, seed + bag, validation, rounds, threads)
        for bag in range(config.bags)
    ]
    if rounds is None:
        reached = float(np.mean([booster.num_trees() for booster in boosters]))
        rounds = max(round(reached), min(config.least_rounds, config.most_rounds))
    return TreeModel(tuple(boosters), names, rounds)


def _fit_one(
    rows: Rows,
    names: tuple[str, ...],
    config: TreeConfig,
    seed: int,
    validation: Rows | None,
    rounds: int | None,
    threads: int,
) -> lightgbm.Booster:
    data = lightgbm.Dataset(
        rows.features, rows.outcome, weight=rows.weight, feature_name=list(names)
    )
    watched: list[lightgbm.Dataset] = []
    callbacks: list[Callable[..., Any]] = []
    if validation is not None and rounds is None:
        watched.append(
            data.create_valid(validation.features, validation.outcome, weight=validation.weight)
        )
        callbacks.append(lightgbm.early_stopping(config.patience, verbose=False))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Only training set found", module="lightgbm")
        booster = lightgbm.train(
            _parameters(config, seed, threads if len(rows.outcome) > _FEW else 1),
            data,
            num_boost_round=rounds or config.most_rounds,
            valid_sets=watched,
            callbacks=callbacks,
        )
    best = booster.best_iteration
    if best > 0:
        best = min(max(best, config.least_rounds), booster.current_iteration())
    # Only the best rounds are kept, so that what is saved is what was chosen.
    return lightgbm.Booster(
        model_str=booster.model_to_string(num_iteration=best if best > 0 else -1)
    )


def _parameters(config: TreeConfig, seed: int, threads: int) -> dict[str, Any]:
    return {
        "objective": "binary",
        "metric": "binary_logloss",
        "learning_rate": config.learning_rate,
        "num_leaves": config.leaves,
        "min_data_in_leaf": config.minimum_rows,
        "feature_fraction": config.feature_share,
        "bagging_fraction": config.row_share,
        "bagging_freq": 1,
        "lambda_l2": config.ridge,
        "max_bin": 63,
        "deterministic": True,
        "force_row_wise": True,
        "seed": seed,
        "num_threads": threads,
        "verbosity": -1,
    }
