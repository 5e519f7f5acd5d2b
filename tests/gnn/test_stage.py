"""Train, score and explain on a small simulated world, from tables to files."""

import csv
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from gnn import registry
from gnn.config import GraphConfig, ModelConfig, SplitConfig, TreeConfig
from gnn.errors import ModelMissing
from gnn.explain import explain_enterprise, explain_shipment
from gnn.infer import score, score_tables
from gnn.report import TrainingReport
from gnn.train import NO_TORCH, train
from graph.errors import NotFound
from graph.features.build import FeatureSet, build_features
from graph.scores import open_scores
from graph.settings import Settings
from graph.snapshot import Snapshot, build
from graph.store.lake import Lake
from ingest.pipeline import ingest
from ingest.world import WorldPolicy, generate

CONFIG = ModelConfig(
    replicates=20,
    split=SplitConfig(folds=1, minimum_positives=5),
    trees=TreeConfig(bags=1, least_rounds=40, most_rounds=60),
    graph=GraphConfig(bags=1, epochs=4, window_days=180),
)


@dataclass(frozen=True)
class Stage:
    """A data folder with a world in it."""

    settings: Settings
    folder: Path
    snapshot: Snapshot
    features: FeatureSet


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    folder = tmp_path_factory.mktemp("world")
    policy = WorldPolicy(inspected_share=0.35, random_probability=0.1)
    generate(400, 5, folder, shipments=4000, policy=policy)
    settings = Settings(home=folder / "data", threads=1)
    ingest("tables", folder / "tables", settings)
    with Lake(settings) as lake:
        snapshot = build(lake, settings)
        features = build_features(lake, snapshot, settings)
    return Stage(settings, folder, snapshot, features)


@pytest.fixture(scope="module")
def report(stage: Stage) -> TrainingReport:
    truth = pq.read_table(stage.folder / "truth" / "shipments.parquet")
    return train(stage.settings, stage.snapshot, stage.features, config=CONFIG, truth=truth)


def test_report_shows_every_model_beside_the_baselines(
    stage: Stage, report: TrainingReport
) -> None:
    names = [row.model for row in report.rows]
    assert names[:3] == ["base rate", "lookup table", "history rule"]
    assert "graph network" in names
    assert report.champion in names
    text = report.text()
    assert "planted truth" in text
    assert "importer not seen before" in text
    card = registry.read_card(registry.find(stage.settings, report.version))
    assert card["champion"] == report.champion
    assert card["split"]["rows"]["train"] > 0
    assert card["seed"] == CONFIG.seed
    assert len(card["rows"]) == len(names)
    assert report.enterprises["model"] in ("trees", "logistic", None)


def test_same_seed_same_version_and_same_bytes(stage: Stage, report: TrainingReport) -> None:
    again = train(
        stage.settings,
        stage.snapshot,
        stage.features,
        config=CONFIG,
        truth=pq.read_table(stage.folder / "truth" / "shipments.parquet"),
    )
    assert again == report
    first = score(stage.settings, stage.snapshot)
    before = {path.name: path.read_bytes() for path in first.folder.iterdir()}
    second = score(stage.settings, stage.snapshot)
    assert {path.name: path.read_bytes() for path in second.folder.iterdir()} == before
    assert first.shipments == 4000


def test_scores_read_back_without_the_learning_stage(stage: Stage, report: TrainingReport) -> None:
    score(stage.settings, stage.snapshot, report.version)
    scores = open_scores(stage.settings, stage.snapshot.id)
    assert scores.model == report.version
    probability = scores.shipments["probability"].to_numpy()
    assert ((probability > 0) & (probability < 1)).all()
    assert (scores.shipments["low"].to_numpy() <= probability).all()
    assert (probability <= scores.shipments["high"].to_numpy()).all()
    some = scores.enterprises["enterprise_id"][0].as_py()
    assert scores.enterprise(some)["enterprise_id"] == some
    with pytest.raises(NotFound):
        scores.enterprise("nobody")


def test_reasons_sum_to_the_margin(stage: Stage, report: TrainingReport) -> None:
    score(stage.settings, stage.snapshot, report.version)
    scores = open_scores(stage.settings)
    top = int(np.argmax(scores.shipments["probability"].to_numpy()))
    shipment = scores.shipments["shipment_id"][top].as_py()
    why = explain_shipment(stage.settings, stage.snapshot, shipment)
    assert why.probability == pytest.approx(scores.shipments["probability"][top].as_py())
    assert [reason.name for reason in why.reasons[:3]] == scores.shipments["top_reasons"][
        top
    ].as_py()
    assert all(reason.meaning for reason in why.reasons)
    enterprise = scores.enterprises["enterprise_id"][0].as_py()
    about = explain_enterprise(stage.settings, stage.snapshot, enterprise)
    assert about.probability == pytest.approx(scores.enterprise(enterprise)["probability"])
    with pytest.raises(NotFound):
        explain_shipment(stage.settings, stage.snapshot, "nothing")


def test_tables_from_outside_are_scored(
    stage: Stage, report: TrainingReport, tmp_path: Path
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    renamed = pl.col("shipment_id") + "-new"
    shipments = pl.read_parquet(stage.folder / "tables" / "shipments.parquet").tail(40)
    items = pl.read_parquet(stage.folder / "tables" / "shipment_items.parquet")
    items = items.join(shipments.select("shipment_id"), on="shipment_id")
    shipments = shipments.with_columns(
        shipment_id=renamed,
        importer_id=pl.when(pl.int_range(40) == 0).then(pl.lit("nobody")).otherwise("importer_id"),
    )
    shipments.write_parquet(given / "shipments.parquet")
    items.with_columns(shipment_id=renamed).write_parquet(given / "shipment_items.parquet")
    assert score_tables(stage.settings, given, tmp_path / "out.csv") == 40
    with (tmp_path / "out.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["shipment_id", "probability", "low", "high", "top_reasons"]
    assert all(float(row["low"]) <= float(row["probability"]) <= float(row["high"]) for row in rows)
    assert sorted(row["shipment_id"] for row in rows) == sorted(shipments["shipment_id"])
    count = score_tables(stage.settings, given, tmp_path / "enterprises.csv", enterprises=True)
    with (tmp_path / "enterprises.csv").open(encoding="utf-8") as file:
        ids = [row["enterprise_id"] for row in csv.DictReader(file)]
    assert len(ids) == count
    assert "nobody" in ids


def test_everything_works_without_torch(stage: Stage, report: TrainingReport) -> None:
    """In a process where torch cannot be imported, trees are trained and score."""
    program = f"""
import sys
class Barred:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torch_geometric"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Barred())
from pathlib import Path
from gnn import config, infer, train
from graph.features.build import open_features
from graph.settings import Settings
from graph.snapshot import open_snapshot
settings = Settings(home=Path({str(stage.settings.home)!r}), threads=1)
snapshot = open_snapshot(settings)
choices = config.ModelConfig(
    replicates=20,
    split=config.SplitConfig(folds=1, minimum_positives=5),
    trees=config.TreeConfig(bags=1, least_rounds=20, most_rounds=20),
)
report = train.train(settings, snapshot, open_features(settings, snapshot.id), config=choices)
assert train.NO_TORCH in report.notes, report.notes
assert report.champion.startswith("trees"), report.champion
assert infer.score(settings, snapshot, report.version).shipments == 4000
assert "torch" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=Path.cwd()
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert NO_TORCH.startswith("torch is not installed")


def test_an_unknown_model_is_refused(stage: Stage) -> None:
    with pytest.raises(ModelMissing, match="no model 'nothing'"):
        registry.find(stage.settings, "nothing")
