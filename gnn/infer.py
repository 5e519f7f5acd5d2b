"""The stage `score`: probabilities with intervals and reasons for shipments and enterprises."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from gnn import registry
from gnn.calibrate import Calibrator
from gnn.cases import ROLES, Cases, Features, given_cases, load_cases, united
from gnn.compete import Progress
from gnn.config import GraphConfig
from gnn.enterprises import PANEL, EnterpriseModel
from gnn.errors import ModelError, TorchMissing
from gnn.links import links
from gnn.metrics import Floats
from gnn.split import Indices
from gnn.trees import Matrix, TreeModel
from graph.aside import building, replace
from graph.features.build import open_features, shipment_features
from graph.features.given import Refused, given_tables
from graph.features.labels import labels
from graph.scores import ENTERPRISE_SCHEMA, MANIFEST, SHIPMENT_SCHEMA
from graph.settings import Settings
from graph.snapshot import Snapshot, open_snapshot, to_day
from graph.spreadsheet import write_csv
from graph.store.lake import Lake

if TYPE_CHECKING:
    from gnn.network import Network


@dataclass(frozen=True)
class ScoreReport:
    """What `score` wrote: how many of each, by which model, where."""

    snapshot: str
    model: str
    champion: str
    shipments: int
    enterprises: int
    folder: Path


@dataclass(frozen=True)
class LoadedModel:
    """A trained model, ready to score. `blend` is the share of the graph network."""

    version: str
    card: dict[str, Any]
    trees: TreeModel
    network: "Network | None"
    blend: float
    calibrator: Calibrator
    enterprise: EnterpriseModel | None

    def margin(self, cases: Cases, rows: Indices) -> Floats:
        """Log-odds of a violation of some shipments."""
        total = np.zeros(len(rows))
        if self.blend < 1:
            features = cases.columns(self.trees.names)[rows]
            total += (1 - self.blend) * self.trees.margin(features)
        if self.blend > 0 and self.network is not None:
            total += self.blend * self.network.margin(cases, rows)
        return total

    def contributions(self, cases: Cases, rows: Indices) -> tuple[tuple[str, ...], Floats]:
        """Names of the inputs and what each adds to the margin: (b, names); `link:` for links.

        The last name is `start`, the log-odds before anything is known; a row sums to its margin
        (up to the network's integration error, below 0.01 in tests).
        """
        names = list(cases.names)
        total = np.zeros((len(rows), len(names)))
        start = np.zeros(len(rows))
        place = {name: number for number, name in enumerate(names)}
        if self.blend < 1:
            parts = self.trees.contributions(cases.columns(self.trees.names)[rows])
            total[:, [place[name] for name in self.trees.names]] += (1 - self.blend) * parts[:, :-1]
            start += (1 - self.blend) * parts[:, -1]
        if self.blend == 0 or self.network is None:
            return (*names, "start"), np.column_stack([total, start])
        from gnn.attribution import attribute, kind_names

        found = attribute(self.network, cases, rows)
        total[:, [place[name] for name in self.network.scaler.names]] += self.blend * found.features
        linked = tuple(f"link:{kind}" for kind in kind_names(self.network))
        start += self.blend * found.start
        return (*names, *linked, "start"), np.column_stack([total, self.blend * found.kinds, start])


def score(
    settings: Settings,
    snapshot: Snapshot,
    model: str | None = None,
    progress: Progress | None = None,
    *,
    features: Features | None = None,
) -> ScoreReport:
    """Score every shipment and enterprise of a snapshot; HOME/scores/<snapshot>/ is replaced.

    Raises:
        ModelMissing: there is no such model.
        TorchMissing: the model needs torch, which is not installed.
    """
    tell = progress or (lambda what, share: None)
    tell("reading features", 0.0)
    cases = read_cases(settings, snapshot, features)
    loaded = load_model(settings, snapshot, cases, model)
    tell("scoring shipments", 0.3)
    everything = np.arange(len(cases))
    by_id = everything[np.argsort(cases.shipment_id.astype(str), kind="stable")]
    shipments = score_shipments(loaded, cases, by_id)
    tell("scoring enterprises", 0.8)
    enterprises = score_enterprises(loaded, cases, snapshot)
    folder = _write(settings, snapshot, loaded, shipments, enterprises)
    tell("done", 1.0)
    return ScoreReport(
        snapshot.id,
        loaded.version,
        loaded.card["champion"],
        len(shipments),
        len(enterprises),
        folder,
    )


def read_cases(settings: Settings, snapshot: Snapshot, features: Features | None = None) -> Cases:
    """The cases of a snapshot from its feature tables and the lake."""
    found = features or open_features(settings, snapshot.id)
    with Lake(settings) as lake:
        return load_cases(lake, snapshot, found, labels(lake, snapshot.known_at))


def load_model(
    settings: Settings, snapshot: Snapshot, cases: Cases, version: str | None = None
) -> LoadedModel:
    """Read a model and let it see a snapshot; by default the latest that had learnt from nothing
    that became known after the snapshot's day.

    Raises:
        ModelMissing: there is no such model.
        ModelError: the model needs features that the cases do not have.
    """
    folder = registry.find(settings, version, known_at=snapshot.known_at)
    card = registry.read_card(folder)
    missing = sorted(set(card["features"]) - set(cases.names))
    if missing:
        raise ModelError(
            f"model {folder.name} needs features that are not there: {', '.join(missing[:3])}",
            hint="train again",
        )
    blend = float(card["blend"])
    return LoadedModel(
        version=folder.name,
        card=card,
        trees=TreeModel.load(folder / "trees"),
        network=_load_network(folder, snapshot, cases, card) if blend > 0 else None,
        blend=blend,
        calibrator=Calibrator.load(folder / "calibration.json"),
        enterprise=EnterpriseModel.load(folder / "enterprise")
        if (folder / "enterprise").exists()
        else None,
    )


def score_shipments(loaded: LoadedModel, cases: Cases, rows: Indices) -> pa.Table:
    """The scores of some shipments, in the given order."""
    margin = loaded.margin(cases, rows)
    probability = loaded.calibrator.probability(margin)
    low, high = loaded.calibrator.interval(probability)
    names, parts = loaded.contributions(cases, rows)
    reasons = top_reasons(names[:-1], parts[:, :-1], int(loaded.card["config"]["reasons"]))
    return _table(SHIPMENT_SCHEMA, cases.shipment_id[rows], probability, low, high, reasons, loaded)


def score_enterprises(loaded: LoadedModel, cases: Cases, snapshot: Snapshot) -> pa.Table:
    """The scores of all enterprises of a snapshot, as of the day after its knowledge time."""
    if loaded.enterprise is None:
        return ENTERPRISE_SCHEMA.empty_table()
    panel = enterprise_panel(loaded.enterprise, cases, snapshot)
    return _enterprise_table(loaded, loaded.enterprise, snapshot.ids("Enterprise"), panel)


def enterprise_panel(model: EnterpriseModel, cases: Cases, snapshot: Snapshot) -> Matrix:
    """What the enterprise model sees of every enterprise of a snapshot."""
    return model.panel(cases, to_day(snapshot.known_at) + 1)


def _enterprise_table(
    loaded: LoadedModel,
    model: EnterpriseModel,
    ids: npt.NDArray[np.object_],
    panel: Matrix,
) -> pa.Table:
    probability, low, high = model.probability(panel)
    parts = model.contributions(panel)
    reasons = top_reasons(tuple(PANEL), parts[:, :-1], int(loaded.card["config"]["reasons"]))
    return _table(ENTERPRISE_SCHEMA, ids, probability, low, high, reasons, loaded)


def score_tables(
    settings: Settings,
    folder: Path,
    output: Path,
    enterprises: bool = False,
    *,
    model: str | None = None,
    snapshot: str | None = None,
    refused: Refused | None = None,
    progress: Progress | None = None,
) -> int:
    """Score the shipments in canonical tables in `folder` and write a CSV file; returns its rows.

    The shipments need not be in the lake; history, links and findings come from the `snapshot`
    (None: the latest) and from the tables themselves. Columns: `shipment_id` (or, with
    `enterprises`, `enterprise_id` of every party of these shipments), `probability`, `low`, `high`,
    `top_reasons` (`;` between).
    `refused` is told of each row that cannot be used; without it, one such row is an error.

    Raises:
        HawserError: the folder has no usable shipments, or nothing was trained yet.
    """
    tell = progress or (lambda what, share: None)
    given = given_tables(folder, refused=refused)
    opened = open_snapshot(settings, snapshot)
    with Lake(settings) as lake:
        features = open_features(settings, opened.id)
        lake_cases = load_cases(lake, opened, features, labels(lake, opened.known_at))
        tell("making features", 0.2)
        table = shipment_features(lake, known_at=opened.known_at, given=given)
    new, extra = given_cases(table, given["shipments"], features, opened)
    tell("scoring", 0.7)
    loaded = load_model(settings, opened, lake_cases, model)
    if enterprises:
        scores = _given_enterprises(loaded, united(lake_cases, new), new, opened, extra)
    else:
        by_id = np.argsort(new.shipment_id.astype(str), kind="stable")
        scores = score_shipments(loaded, new, by_id)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_csv(scores.drop_columns(["model"]), output)
    tell("done", 1.0)
    return len(scores)


def _given_enterprises(
    loaded: LoadedModel, cases: Cases, new: Cases, snapshot: Snapshot, extra: tuple[str, ...]
) -> pa.Table:
    """Scores of the parties of new shipments, on the day after the last of them."""
    if loaded.enterprise is None:
        raise ModelError(
            f"model {loaded.version} has no enterprise part", hint="train on a longer history"
        )
    ids = np.r_[snapshot.ids("Enterprise"), np.array(extra, dtype=object)]
    codes = np.unique(np.concatenate([new.parties[role] for role in ROLES]))
    codes = codes[codes >= 0]
    panel = loaded.enterprise.panel(cases, int(cases.declared.max()) + 1)[codes]
    return _enterprise_table(loaded, loaded.enterprise, ids[codes], panel)


def top_reasons(names: tuple[str, ...], parts: Floats, most: int) -> pa.ListArray:
    """The names of the largest positive contributions of each row, most telling first.

    A row that nothing raises has an empty list. No loop over rows.
    """
    most = min(most, parts.shape[1])
    top = np.argpartition(-parts, most - 1, axis=1)[:, :most]
    values = np.take_along_axis(parts, top, axis=1)
    order = np.lexsort((top, -values), axis=1)
    top, values = np.take_along_axis(top, order, axis=1), np.take_along_axis(values, order, axis=1)
    kept = values > 0
    offsets = np.r_[0, np.cumsum(kept.sum(axis=1))].astype(np.int32)
    chosen = pa.array(np.array(names, dtype=object)[top[kept]], pa.string())
    return pa.ListArray.from_arrays(pa.array(offsets), chosen)


def _load_network(
    folder: Path, snapshot: Snapshot, cases: Cases, card: dict[str, Any]
) -> "Network":
    try:
        from gnn.network import Network
    except ImportError as error:
        raise TorchMissing(
            f"model {folder.name} uses the graph network and torch is not installed",
            hint="pip install 'hawser[gnn]', or train again without it",
        ) from error
    choices: dict[str, Any] = dict(card["config"]["graph"])
    choices["half_lives"] = tuple(choices["half_lives"])
    return Network.load(folder / "network", links(snapshot, cases), cases, GraphConfig(**choices))


def _table(
    schema: pa.Schema,
    ids: npt.NDArray[np.object_],
    probability: Floats,
    low: Floats,
    high: Floats,
    reasons: pa.ListArray,
    loaded: LoadedModel,
) -> pa.Table:
    version = pa.array([loaded.version] * len(ids), pa.string())
    columns = [pa.array(ids, pa.string()), probability, low, high, reasons, version]
    return pa.table(columns, schema=schema)


def _write(
    settings: Settings,
    snapshot: Snapshot,
    loaded: LoadedModel,
    shipments: pa.Table,
    enterprises: pa.Table,
) -> Path:
    """Put both tables and a manifest in place of earlier scores of the snapshot."""
    target = settings.score_folder / snapshot.id
    with building(settings.score_folder) as aside:
        pq.write_table(shipments, aside / "shipments.parquet", compression="zstd")
        pq.write_table(enterprises, aside / "enterprises.parquet", compression="zstd")
        facts = {"snapshot": snapshot.id, "model": loaded.version}
        (aside / MANIFEST).write_text(json.dumps(facts, sort_keys=True) + "\n")
        replace(aside, target)
    return target
