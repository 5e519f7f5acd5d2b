"""Read the scores of a snapshot: probabilities with intervals, reasons and the model's version.

Scores are written by the learning stage; reading them needs none of it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from graph.aside import read_whole
from graph.errors import NotFound
from graph.settings import Settings

MANIFEST = "manifest.json"

_VALUES = (
    ("probability", pa.float64()),
    ("low", pa.float64()),
    ("high", pa.float64()),
    ("top_reasons", pa.list_(pa.string())),
    ("model", pa.string()),
)
SHIPMENT_SCHEMA = pa.schema([("shipment_id", pa.string()), *_VALUES])
ENTERPRISE_SCHEMA = pa.schema([("enterprise_id", pa.string()), *_VALUES])


@dataclass(frozen=True)
class Scores:
    """The scores of one snapshot by one model, each table sorted by id.

    `probability` of a violation (of a shipment; of an enterprise within twelve months), `low` and
    `high` bound its 95 % interval, `top_reasons` are names of features, most telling first.
    """

    folder: Path
    snapshot: str
    model: str
    shipments: pa.Table
    enterprises: pa.Table

    def enterprise(self, enterprise_id: str) -> dict[str, Any]:
        """The score of one enterprise. Raises `NotFound`."""
        return _find(self.enterprises, "enterprise_id", enterprise_id)

    def shipment(self, shipment_id: str) -> dict[str, Any]:
        """The score of one shipment. Raises `NotFound`."""
        return _find(self.shipments, "shipment_id", shipment_id)


def open_scores(settings: Settings, snapshot_id: str | None = None) -> Scores:
    """The scores of a snapshot, or those written last; all of one model, should others take their
    place meanwhile.

    Raises:
        NotFound: nothing has been scored, or not this snapshot.
    """
    root = settings.score_folder
    if snapshot_id is None:
        manifests = sorted(root.glob(f"[!.]*/{MANIFEST}"), key=lambda path: path.stat().st_mtime_ns)
        if not manifests:
            raise NotFound("nothing has been scored yet", hint="run hawser score")
        folder = manifests[-1].parent
    else:
        folder = root / snapshot_id
    try:
        return read_whole(folder, lambda: _read(folder))
    except (OSError, ValueError) as error:
        raise NotFound(f"no scores of snapshot {folder.name}", hint="run hawser score") from error


def _read(folder: Path) -> Scores:
    facts = json.loads((folder / MANIFEST).read_text())
    shipments, enterprises = (
        pq.read_table(folder / f"{name}.parquet", memory_map=True)
        for name in ("shipments", "enterprises")
    )
    return Scores(folder, facts["snapshot"], facts["model"], shipments, enterprises)


def _find(table: pa.Table, column: str, value: str) -> dict[str, Any]:
    place = table[column].index(pa.scalar(value, pa.string())).as_py()
    if place < 0:
        raise NotFound(f"no score of {value!r}", hint="score a snapshot that contains it")
    row: dict[str, Any] = table.slice(place, 1).to_pylist()[0]
    return row
