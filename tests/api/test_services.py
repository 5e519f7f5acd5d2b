"""What one request reads belongs together, whatever other processes build meanwhile."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from api.services import Services
from graph.errors import SnapshotError
from graph.scores import ENTERPRISE_SCHEMA, MANIFEST, SHIPMENT_SCHEMA
from graph.settings import Settings
from graph.snapshot import Snapshot, build
from graph.store.lake import Lake
from queries.reader import Reader, Sources

WriteLake = Callable[..., Lake]


def built(lake: Lake, day: date, probability: float) -> Snapshot:
    """A snapshot of a day, scored."""
    snapshot = build(lake, lake.settings, as_of=day, known_at=day)
    folder = lake.settings.score_folder / snapshot.id
    folder.mkdir(parents=True)
    value = {"probability": probability, "low": 0.0, "high": 1.0, "top_reasons": ["hits"]}
    rows = [{"enterprise_id": "a", "model": "m", **value}]
    pq.write_table(SHIPMENT_SCHEMA.empty_table(), folder / "shipments.parquet")
    pq.write_table(pa.Table.from_pylist(rows, ENTERPRISE_SCHEMA), folder / "enterprises.parquet")
    (folder / MANIFEST).write_text(json.dumps({"snapshot": snapshot.id, "model": "m"}))
    return snapshot


def test_scores_are_those_of_the_snapshot_that_is_read(
    write_lake: WriteLake, tmp_path: Path
) -> None:
    firm = {"enterprise_id": "a", "name": "Firm", "country": "CN", "marking": "INTERNAL"}
    with write_lake(tmp_path, {"enterprises": [firm]}) as lake:
        low = built(lake, date(2024, 7, 31), 0.1)
    secret = {"enterprise_id": "b", "name": "Other", "country": "CN", "marking": "SECRET"}
    with write_lake(tmp_path, {"enterprises": [secret]}, batch="two") as lake:
        high = built(lake, date(2024, 6, 30), 0.9)
    latest = tmp_path / "snapshots" / "latest"
    latest.write_text(high.id)

    class Overtaken(Services):
        """Another process makes the older snapshot the latest once this request has looked."""

        @property
        def snapshot(self) -> Snapshot | None:
            """As it was before."""
            found = Services.snapshot.fget(self)  # type: ignore[attr-defined]
            latest.write_text(low.id)
            return found  # type: ignore[no-any-return]

    services = Overtaken(Settings(home=tmp_path))
    sources = services.sources()
    services.close()
    assert sources.snapshot is not None
    assert sources.snapshot.id == high.id
    told = [Reader(sources, who, date(2024, 7, 31)).probability("a")["probability"]
            for who in ("INTERNAL", "SECRET")]  # fmt: skip
    assert told == [None, 0.9]


def test_scores_of_another_snapshot_are_refused(write_lake: WriteLake, tmp_path: Path) -> None:
    firm = {"enterprise_id": "a", "name": "Firm", "country": "CN"}
    with write_lake(tmp_path, {"enterprises": [firm]}) as lake:
        one, other = built(lake, date(2024, 6, 30), 0.1), built(lake, date(2024, 7, 31), 0.9)
    services = Services(Settings(home=tmp_path))
    for snapshot in (one, None):
        with pytest.raises(SnapshotError, match=f"the scores are of snapshot {other.id}, not of"):
            Sources(services, None, services.scores_of(other), snapshot)
    services.close()
