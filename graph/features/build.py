"""The stage that makes feature tables, and opens them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from graph.aside import building, put_in_place, read_whole
from graph.errors import HawserError, SnapshotError
from graph.features.catalogue import FEATURES, names
from graph.features.frames import Given, Told, read
from graph.features.given import given_tables as given_tables
from graph.features.network import network_features
from graph.features.row import main_goods
from graph.features.trade import enterprise_features, trade_features
from graph.settings import Settings
from graph.snapshot import Progress, Snapshot
from graph.store.lake import Lake

FORMAT = 3
#: Columns of a shipment that say what it is and are no features.
IDENTITY = (
    "shipment_id", "declared_at", "direction", "importer_id", "exporter_id", "declarant_id",
)  # fmt: skip
_TABLES = ("shipments", "enterprises")


@dataclass(frozen=True)
class FeatureSet:
    """The feature tables of a snapshot.

    `shipments`: `IDENTITY`, `hs6` and `origin_country` of the main item, then the features, sorted
    by id. `enterprises`: `enterprise_id`, then the features, in the snapshot's order. Features are
    32-bit floats, NaN where unknown.
    """

    folder: Path
    snapshot_id: str
    shipments: pa.Table
    enterprises: pa.Table

    def names(self, subject: str, group: str | None = None) -> list[str]:
        """Names of the features of `shipment` or `enterprise`, of one group or all."""
        return names(subject, group)


def build_features(
    lake: Lake, snapshot: Snapshot, settings: Settings, *, progress: Progress | None = None
) -> FeatureSet:
    """Make the feature tables of a snapshot, or open them if nothing changed since.

    O((n + m) log n) for n shipments and m links.
    """
    tell = progress or (lambda what, share: None)
    lake = lake.pinned()
    manifest = _manifest(lake, snapshot)
    folder = settings.feature_folder / snapshot.id
    if _is_current(folder, manifest):
        return open_features(settings, snapshot.id)
    tell("reading the lake", 0.0)
    told = read(lake, snapshot.known_at)
    shipments = _shipments(told, lambda what, share: tell(what, 0.1 + 0.7 * share))
    tell("enterprises", 0.8)
    own = {**enterprise_features(told, snapshot), **network_features(snapshot)}
    ids = {"enterprise_id": snapshot.nodes("Enterprise")["id"]}
    enterprises = pa.table({**ids, **_chosen("enterprise", own)})
    _write(folder, {"shipments": shipments, "enterprises": enterprises}, manifest)
    return open_features(settings, snapshot.id)


def open_features(settings: Settings, snapshot_id: str) -> FeatureSet:
    """The feature tables of a snapshot. Raises `SnapshotError` when they are not there."""
    folder = settings.feature_folder / snapshot_id
    try:
        return read_whole(folder, lambda: _read(folder, snapshot_id))
    except FileNotFoundError as error:
        raise SnapshotError(
            f"snapshot {snapshot_id} has no features yet", hint="run `hawser features`"
        ) from error
    except (OSError, pa.ArrowInvalid) as error:
        raise SnapshotError(
            f"the features of snapshot {snapshot_id} are damaged", hint="run `hawser features`"
        ) from error


def _read(folder: Path, snapshot_id: str) -> FeatureSet:
    tables = (pq.read_table(folder / f"{name}.parquet", memory_map=True) for name in _TABLES)
    return FeatureSet(folder, snapshot_id, *tables)


def shipment_features(
    lake: Lake,
    *,
    known_at: date | None = None,
    given: Given | None = None,
    progress: Progress | None = None,
) -> pa.Table:
    """Features of the lake's shipments, or of `given` ones that are not in the lake.

    `given` maps canonical tables to rows in their columns; history comes from the lake and from the
    given rows themselves, each known from the day after it was recorded. `known_at` defaults to
    the day of the call. The columns are those of `FeatureSet.shipments`.
    """
    return _shipments(read(lake, known_at or date.today(), given), progress)


def _shipments(told: Told, progress: Progress | None) -> pa.Table:
    features = trade_features(told, progress or (lambda what, share: None))
    head = told.shipments.select(*IDENTITY)
    goods = main_goods(told).select("hs6", pl.col("origin").alias("origin_country"))
    identity = pl.concat([head, goods], how="horizontal")[told.subjects].to_arrow()
    columns = dict(zip(identity.column_names, identity.columns, strict=True))
    return pa.table({**columns, **_chosen("shipment", features)})


def _chosen(subject: str, features: Mapping[str, npt.NDArray[Any]]) -> dict[str, pa.Array]:
    """The catalogue's features in its order. Raises `HawserError` if the two disagree."""
    wanted = names(subject)
    if odd := set(wanted) ^ set(features):
        raise HawserError(f"catalogue and code disagree on {subject} features {sorted(odd)}")
    return {name: pa.array(np.asarray(features[name], np.float32)) for name in wanted}


def _manifest(lake: Lake, snapshot: Snapshot) -> dict[str, Any]:
    catalogue = hashlib.sha256(repr(FEATURES).encode()).hexdigest()[:16]
    return {
        "format": FORMAT,
        "snapshot": snapshot.id,
        "known_at": snapshot.known_at.isoformat(),
        "lake": lake.fingerprint(snapshot.known_at),
        "catalogue": catalogue,
        "shipment": names("shipment"),
        "enterprise": names("enterprise"),
    }


def _is_current(folder: Path, manifest: Mapping[str, Any]) -> bool:
    path = folder / "manifest.json"
    try:
        return bool(json.loads(path.read_text("utf-8")) == manifest)
    except (OSError, ValueError):
        return False


def _write(folder: Path, tables: Mapping[str, pa.Table], manifest: Mapping[str, Any]) -> None:
    """Write aside, then put in the place of what was there."""
    with building(folder.parent) as staging:
        for name, table in tables.items():
            pq.write_table(table, staging / f"{name}.parquet")
        (staging / "manifest.json").write_text(json.dumps(manifest, indent=1), "utf-8")
        put_in_place(staging, folder, lambda: _is_current(folder, manifest))
