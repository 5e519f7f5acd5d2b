"""Reading scores: by snapshot, the latest, one row, and what is said when there is nothing."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graph.aside import replace
from graph.errors import NotFound
from graph.scores import ENTERPRISE_SCHEMA, MANIFEST, SHIPMENT_SCHEMA, open_scores
from graph.settings import Settings


def _write(settings: Settings, snapshot: str, model: str = "m1") -> Path:
    folder = settings.score_folder / snapshot
    folder.mkdir(parents=True)
    values = [[0.2], [0.1], [0.3], [["importer_violation_rate"]], [model]]
    for name, schema in (("shipments", SHIPMENT_SCHEMA), ("enterprises", ENTERPRISE_SCHEMA)):
        pq.write_table(pa.table([["X1"], *values], schema=schema), folder / f"{name}.parquet")
    (folder / MANIFEST).write_text(json.dumps({"snapshot": snapshot, "model": model}))
    return folder


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


@pytest.mark.parametrize("times", [1, 3])
def test_scores_are_read_at_one_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """Others put new ones in their place while they are read."""
    settings = Settings(home=tmp_path)
    place = _write(settings, "aaaa", "m0")
    left = [f"m{number}" for number in range(times, 0, -1)]
    read = pq.read_table

    def reading(path: Path, **how: bool) -> pa.Table:
        table = read(path, **how)
        if left:
            aside = _write(settings, f".{left[-1]}", left.pop())
            replace(aside, place)
            shutil.rmtree(aside)
        return table

    monkeypatch.setattr(pq, "read_table", reading)
    scores = open_scores(settings, "aaaa")
    told = {scores.model, *scores.shipments["model"].to_pylist()}
    assert told | set(scores.enterprises["model"].to_pylist()) == {f"m{times}"}
