"""The stage `train`: features and findings in, a judged and calibrated model on disk out."""

import hashlib
import importlib.util
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from gnn import enterprises, registry
from gnn.cases import Cases, Features, load_cases
from gnn.compete import Competition, Progress, Truth, compete
from gnn.config import ModelConfig
from gnn.contenders import BOTH, LOOKUP, NETWORK, FitNetwork
from gnn.enterprises import EnterpriseModel
from gnn.errors import TooFewLabels
from gnn.links import Link, links
from gnn.report import TrainingReport
from gnn.split import Split
from graph.features.catalogue import FEATURES
from graph.features.labels import labels
from graph.settings import Settings
from graph.snapshot import Snapshot, to_day
from graph.store.lake import Lake

#: Changes whenever the code changes what a model file means.
FORMAT = 4

LEFT_OUT = "the graph network was left out"
NO_TORCH = (
    "torch is not installed: the graph network and its blend were left out"
    " (pip install 'hawser[gnn]')"
)


def train(
    settings: Settings,
    snapshot: Snapshot,
    features: Features,
    *,
    seed: int | None = None,
    config: ModelConfig | None = None,
    truth: pa.Table | None = None,
    network: bool = True,
    progress: Progress | None = None,
) -> TrainingReport:
    """Train, compare, calibrate and keep a model; its version is a hash of all that went in.

    `truth` (`shipment_id`, `violation`), for simulated worlds, replaces findings in the judgement
    of the test period and is used for nothing else. `network` false leaves the graph network out.

    Raises:
        TooFewLabels: a period has too few outcomes of a kind.
    """
    chosen = config or ModelConfig()
    chosen = chosen if seed is None else replace(chosen, seed=seed)
    tell = progress or (lambda what, share: None)
    with Lake(settings) as lake:
        tell("reading features", 0.0)
        cases = load_cases(lake, snapshot, features, labels(lake, snapshot.known_at))
    shared = links(snapshot, cases)
    fit_network = network_fitter(cases, shared, chosen) if network and has_torch() else None
    found = compete(
        cases,
        chosen,
        threads=settings.threads,
        fit_network=fit_network,
        truth=None if truth is None else _truth(cases, truth),
        progress=progress,
    )
    tell("fitting the enterprise model", 0.9)
    enterprise, facts = _fit_enterprises(settings, snapshot, cases, chosen)
    version = version_of(snapshot, cases, chosen, with_network=fit_network is not None)
    report = _report(version, snapshot, cases, found, facts, truth is not None)
    tell("writing the model", 0.95)
    with registry.writing(settings, version) as folder:
        save_parts(folder, found)
        if enterprise is not None:
            enterprise.save(folder / "enterprise")
        known = {"known_at": snapshot.known_at.isoformat()}
        registry.write_card(folder, card(report, cases, chosen, found) | known)
    tell("done", 1.0)
    return report


def has_torch() -> bool:
    """Whether the graph network can be used."""
    try:
        found = [importlib.util.find_spec(name) for name in ("torch", "torch_geometric")]
    except (ImportError, ValueError):  # barred from being imported
        return False
    return None not in found


def network_fitter(cases: Cases, shared: tuple[Link, ...], config: ModelConfig) -> FitNetwork:
    """A function that fits the graph network; imports torch."""
    from gnn.data import Evidence, Findings, to_hetero
    from gnn.network import Network, fit_network

    codes = {feature.name for feature in FEATURES if feature.categorical}
    names = tuple(name for name in cases.named("row", "history") if name not in codes)
    evidence = Evidence(to_hetero(shared), Findings.of(cases), config.graph)

    def fit(rows: Any, validation: Any, epochs: int | None, weight: Any) -> Network:
        return fit_network(cases, evidence, names, weight, config, rows, validation, epochs)

    return fit


def version_of(snapshot: Snapshot, cases: Cases, config: ModelConfig, *, with_network: bool) -> str:
    """Hash of data, choices and seed: 16 hexadecimal characters."""
    digest = hashlib.sha256(f"{FORMAT} {snapshot.id} {config.digest()} {with_network}".encode())
    digest.update("\n".join(cases.names).encode())
    for array in (cases.declared, cases.features, cases.outcome, cases.recorded, cases.since):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def save_parts(folder: Path, found: Competition) -> None:
    """Write what scoring needs: the deployed model's parts and its calibration."""
    assert found.trees.trees is not None
    found.trees.trees.save(folder / "trees")
    if found.deployed.network is not None:
        found.deployed.network.save(folder / "network")
    found.calibrators[found.champion].save(folder / "calibration.json")


def card(
    report: TrainingReport, cases: Cases, config: ModelConfig, found: Competition
) -> dict[str, Any]:
    """All facts of a model: the comparison, the choices, the data it rests on."""
    return {
        **report.as_dict(),
        "format": FORMAT,
        "blend": found.deployed.blend,
        "calibration": found.calibrators[found.champion].method,
        "config": asdict(config),
        "features": list(cases.names),
        "seed": config.seed,
    }


def _fit_enterprises(
    settings: Settings,
    snapshot: Snapshot,
    cases: Cases,
    config: ModelConfig,
) -> tuple[EnterpriseModel | None, dict[str, Any]]:
    """The enterprise model and its facts; without enough outcomes, the reason instead."""
    last_day = min(to_day(snapshot.known_at), int(cases.declared[-1])) + 1
    try:
        fitted = enterprises.fit(cases, last_day, config, threads=settings.threads)
    except TooFewLabels as error:
        return None, {"model": None, "reason": str(error)}
    return fitted.model, dict(fitted.facts)


def _report(
    version: str,
    snapshot: Snapshot,
    cases: Cases,
    found: Competition,
    about_enterprises: dict[str, Any],
    on_truth: bool,
) -> TrainingReport:
    judged = (
        "judged on the planted truth of all shipments of the test period"
        if on_truth
        else "judged on the inspected shipments of the test period, weighted by inverse "
        "probability of selection"
    )
    return TrainingReport(
        version=version,
        champion=found.champion,
        snapshot=snapshot.id,
        rows=found.rows,
        novel_rows=found.novel_rows,
        judged=judged,
        notes=_notes(found),
        split=_split_facts(cases, found.split, found),
        enterprises=about_enterprises,
    )


def _notes(found: Competition) -> tuple[str, ...]:
    notes = [
        f"{found.new_importers:.1%} of the test rows have an importer not seen before; "
        f"{found.novel_share:.1%} have a product tuple not seen before"
    ]
    if NETWORK not in found.final:
        notes.append(LEFT_OUT if has_torch() else NO_TORCH)
    else:
        notes.append(f"share of the graph network in {BOTH}: {found.blend:.2f}")
    by_name = {row.model: row for row in found.rows}
    if found.novel_share < 0.5 and by_name[LOOKUP].auc > 0.9:
        notes.append(
            "warning: a table of known product tuples nearly solves these data, so rows copy their"
            " outcome; read the table of novel tuples, and claim nothing about the graph from this"
        )
    return tuple(notes)


def _split_facts(cases: Cases, split: Split, found: Competition) -> dict[str, Any]:
    parts = {name: getattr(split, name) for name in ("train", "validation", "refit", "test")}
    return {
        "validation_from": _iso(split.validation_from),
        "test_from": _iso(split.test_from),
        "first_day": _iso(int(cases.declared[0])),
        "last_day": _iso(int(cases.declared[-1])),
        "rows": {name: len(rows) for name, rows in parts.items()},
        "violations": {name: int(cases.outcome[rows].sum()) for name, rows in parts.items()},
        "validation": dict(found.validation),
        "new_importers": found.new_importers,
        "novel_tuples": found.novel_share,
    }


def _iso(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def _truth(cases: Cases, truth: pa.Table) -> Truth:
    known = pl.DataFrame(
        {
            "shipment_id": truth["shipment_id"].to_numpy(zero_copy_only=False),
            "violation": truth["violation"].to_numpy(zero_copy_only=False).astype(np.float64),
        }
    ).unique("shipment_id", keep="first", maintain_order=True)
    wanted = pl.DataFrame({"shipment_id": cases.shipment_id.astype(str)})
    joined = wanted.join(known, on="shipment_id", how="left", maintain_order="left")
    return Truth(joined["violation"].fill_null(float("nan")).to_numpy())
