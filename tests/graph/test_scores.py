"""Reading scores: by snapshot, the latest, one row, and what is said when there is nothing."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graph.errors import NotFound
from graph.scores import ENTERPRISE_SCHEMA, MANIFEST, SHIPMENT_SCHEMA, open_scores
from graph.settings import Settings


def _write(settings: Settings, snapshot: str) -> None:
    folder = settings.score_folder / snapshot
    folder.mkdir(parents=True)
    values = [[0.2], [0.1], [0.3], [["importer_violation_rate"]], ["m1"]]
    for name, schema in (("shipments", SHIPMENT_SCHEMA), ("enterprises", ENTERPRISE_SCHEMA)):
        pq.write_table(pa.table([["X1"], *values], schema=schema), folder / f"{name}.parquet")
    (folder / MANIFEST).write_text(json.dumps({"snapshot": snapshot, "model": "m1"}))


def test_scores_are_read_by_snapshot_or_the_latest(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with pytest.raises(NotFound, match="nothing has been scored yet"):
        open_scores(settings)
    _write(settings, "aaaa")
    scores = open_scores(settings)
    assert (scores.snapshot, scores.model) == ("aaaa", "m1")
    assert scores.enterprise("X1")["top_reasons"] == ["importer_violation_rate"]
    assert scores.shipment("X1")["probability"] == 0.2
    assert open_scores(settings, "aaaa").shipments.num_rows == 1
    _write(settings, ".half-written")
    assert open_scores(settings).snapshot == "aaaa"
    with pytest.raises(NotFound, match="no scores of snapshot bbbb"):
        open_scores(settings, "bbbb")
