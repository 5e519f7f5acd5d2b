"""Steps of an answer get the document their record was read from."""

from datetime import date
from pathlib import Path

from graph.store.lake import Lake
from queries.evidence import attach, documents
from tests.graph.conftest import _write

ROW = {"source_id": "a", "target_id": "b", "type": "DIRECTOR", "valid_from": date(2020, 1, 1)}


def test_documents_are_attached_as_far_as_the_clearance_goes(tmp_path: Path) -> None:
    rows = [ROW, {**ROW, "source_id": "c", "marking": "SECRET"}]
    with _write(tmp_path, {"relations": rows}) as lake:
        assert isinstance(lake, Lake)
        table = lake.statements("relations").to_pyarrow().to_pylist()
        ids = {row["source_id"]: row["record"] for row in table}
        hops = [{"from": name, "evidence": ids[name]} for name in "ac"]
        answer = {"target": "b", "paths": [{"hops": [*hops, {"from": None, "evidence": None}]}]}
        low = attach(lake, answer, "INTERNAL")["paths"][0]["hops"]
        high = attach(lake, answer)["paths"][0]["hops"]
        assert documents(lake, []) == {}
    assert [hop["document"] and hop["document"]["row"] for hop in low] == [1, None, None]
    assert [hop["document"] and hop["document"]["row"] for hop in high] == [1, 2, None]
    assert low[0]["document"]["file"] == "relations.csv"
