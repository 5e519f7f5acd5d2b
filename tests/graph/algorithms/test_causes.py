"""Why a party is a source of risk: every cause with its document, and whom a finding is against."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from graph.algorithms.propagation import RiskPaths, risk_paths
from graph.projection import JUDGEMENT_SCHEMA
from graph.snapshot import Snapshot, build
from graph.store.lake import Lake

DAY = date(2024, 6, 30)
WriteLake = Callable[..., Lake]


def event(id: str, who: str, severity: str, day: date, **more: Any) -> dict[str, Any]:
    return {"event_id": id, "enterprise_id": who, "type": "tax_evasion", "severity": severity,
            "occurred_on": day, "recorded_at": day, **more}  # fmt: skip


def finding(id: str, shipment: str, who: str | None, severity: str, **more: Any) -> dict[str, Any]:
    day = date(2024, 5, 1)
    return {"finding_id": id, "shipment_id": shipment, "enterprise_id": who, "severity": severity,
            "outcome": "violation", "type": "undervaluation", "inspected_on": day,
            "recorded_at": day, **more}  # fmt: skip


def shipment(id: str, importer: str, exporter: str, **more: Any) -> dict[str, Any]:
    return {"shipment_id": id, "declared_at": date(2024, 4, 1), "importer_id": importer,
            "exporter_id": exporter, **more}  # fmt: skip


def owns(owner: str, firm: str) -> dict[str, Any]:
    return {"source_id": owner, "target_id": firm, "type": "SHAREHOLDER", "share": 1.0,
            "valid_from": date(2020, 1, 1)}  # fmt: skip


#: v was penalised twice, is listed, and a finding is against it in a shipment of the supplier s;
#: nobody is named in the finding of the shipment that m sent to n.
TABLES: dict[str, list[dict[str, Any]]] = {
    "enterprises": [
        {"enterprise_id": name, "name": f"Firm {name}", "country": "CN"}
        for name in ("v", "s", "t", "u", "m", "n", "o", "w")
    ],
    "relations": [owns("v", "t"), owns("s", "u"), owns("m", "o"), owns("n", "w")],
    "credit_events": [
        event("e-old", "v", "serious", date(2020, 7, 1), ended_on=DAY),
        event("e-new", "v", "general", date(2024, 6, 1), ended_on=date(2024, 7, 1)),
        event("e-secret", "v", "serious", date(2024, 6, 2), marking="SECRET"),
    ],
    "list_entries": [
        {"entry_id": "l", "list": "watch", "name": "Firm v", "kind": "enterprise",
         "listed_on": date(2023, 2, 3)},
    ],
    "shipments": [shipment("c1", "v", "s"), shipment("c2", "n", "m"), shipment("c3", "v", "s")],
    "findings": [
        finding("f1", "c1", "v", "serious"),
        finding("f2", "c2", None, "general"),
        finding("f3", "c3", "v", "general"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def snapshot(write_lake: WriteLake, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The snapshot; that v is the listed one was judged."""
    judged = {
        "left_kind": "Enterprise", "left_id": "v", "right_kind": "ListEntry", "right_id": "l",
        "judgement": "positive", "score": 1.0, "derivation": "identifier", "created_on": DAY,
        "marking": "INTERNAL",
    }  # fmt: skip
    lake = write_lake(tmp_path_factory.mktemp("causes"), TABLES)
    judgements = pa.Table.from_pylist([judged], JUDGEMENT_SCHEMA)
    return build(lake, lake.settings, as_of=DAY, known_at=DAY, judgements=judgements)


def path_from(answer: RiskPaths, source: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        path for path in answer.as_dict()["paths"] if path["source"] == source
    )
    return found


def test_all_causes_are_told_most_severe_first(snapshot: Snapshot) -> None:
    path = path_from(risk_paths(snapshot, "t"), "v")
    assert [cause["id"] for cause in path["causes"]] == [
        "l", "e-secret", "e-old", "f1", "e-new", "f3",
    ]  # fmt: skip
    assert (path["cause_count"], path["hidden_causes"]) == (6, 0)
    assert [cause["kind"] for cause in path["causes"]][:2] == ["ListEntry", "CreditEvent"]
    assert [cause["day"] for cause in path["causes"]][:4] == [
        "2023-02-03", "2024-06-02", "2020-07-01", "2024-05-01",
    ]  # fmt: skip
    assert (path["cause"], path["reason"], path["weight"]) == ("l", "list entry", 1.0)
    assert all(len(cause["evidence"]) == 16 for cause in path["causes"])
    assert all(0 < cause["weight"] <= 1 for cause in path["causes"])


def test_a_cause_is_told_in_chinese_and_english(snapshot: Snapshot) -> None:
    told = {cause["id"]: cause for cause in path_from(risk_paths(snapshot, "t"), "v")["causes"]}
    assert told["e-old"]["en"] == "serious penalty: tax evasion"
    assert told["e-old"]["zh"] == "严重处罚：偷逃税款"
    assert told["f1"]["en"] == "serious violation: undervaluation, found in shipment c1"
    assert told["f1"]["zh"] == "严重违规：低报价格，查获于报关单c1"
    assert told["l"]["en"] == "list entry: watch, Firm v"
    assert all(cause["named"] for cause in told.values())
    ended = {id: cause["ended_on"] for id, cause in told.items()}
    assert ended.pop("e-old") == "2024-06-30"
    assert not any(ended.values()), "what ends after the snapshot's day has not ended"
    [tie] = told["f1"]["ties"]
    assert (tie["from"], tie["kind"], tie["to"]) == ("v", "SUBJECT_OF_FINDING", "f1")
    assert len(tie["evidence"]) == 16


def test_a_hidden_cause_is_counted_and_never_named(snapshot: Snapshot) -> None:
    answer = risk_paths(snapshot, "t", clearance="INTERNAL")
    path = path_from(answer, "v")
    assert [cause["id"] for cause in path["causes"]] == ["l", "e-old", "f1", "e-new", "f3"]
    assert (path["cause_count"], path["hidden_causes"]) == (5, 1)
    assert answer.redacted["nodes"] == 1
    assert "e-secret" not in str(answer.as_dict())


def test_the_other_party_of_a_shipment_is_no_source(snapshot: Snapshot) -> None:
    answer = risk_paths(snapshot, "u").as_dict()
    assert {path["source"] for path in answer["paths"]} == {"v"}
    [path] = [path for path in answer["paths"] if len(path["hops"]) == 4]
    assert [(hop["kind"], hop["to"]) for hop in path["hops"]] == [
        ("SUBJECT_OF_FINDING", "f1"), ("FOUND_IN", "c1"), ("EXPORTED_BY", "s"), ("OWNS", "u"),
    ]  # fmt: skip
    assert all(len(hop["evidence"]) == 16 for hop in path["hops"])


def test_a_party_is_reached_through_its_worst_shipment_with_the_violator(
    snapshot: Snapshot,
) -> None:
    paths = risk_paths(snapshot, "s").as_dict()["paths"]
    through = [path for path in paths if path["hops"][0]["kind"] == "SUBJECT_OF_FINDING"]
    assert [path["hops"][1]["to"] for path in through] == ["c1"]
    assert {path["source"] for path in risk_paths(snapshot, "v").as_dict()["paths"]} == set()


def test_a_finding_that_names_nobody_counts_for_importer_and_exporter(snapshot: Snapshot) -> None:
    for target, source, tie in (("o", "m", "EXPORTED"), ("w", "n", "IMPORTED")):
        path = path_from(risk_paths(snapshot, target), source)
        [cause] = path["causes"]
        assert cause["en"] == ("general violation: undervaluation, found in shipment c2")
        assert (cause["zh"], cause["named"]) == ("一般违规：低报价格，查获于报关单c2", False)
        assert [hop["kind"] for hop in cause["ties"]] == [tie, "HAS_FINDING"]
        assert [hop["to"] for hop in cause["ties"]] == ["c2", "f2"]
    assert not risk_paths(snapshot, "n").paths, "what was found in its own shipments is its own"


def test_a_hidden_violator_makes_no_source_of_the_others(
    write_lake: WriteLake, tmp_path: Path
) -> None:
    """Who may not see whom a finding is against is not told that somebody else is the violator."""
    corrected = finding("f", "c", "v", "serious", marking="SECRET", recorded_at=date(2024, 5, 9))
    tables = {
        "enterprises": TABLES["enterprises"],
        "relations": TABLES["relations"],
        "shipments": [shipment("c", "v", "s")],
        "findings": [finding("f", "c", None, "serious"), corrected],
    }
    lake = write_lake(tmp_path, tables)
    snapshot = build(lake, lake.settings, as_of=DAY, known_at=DAY)
    assert {path.source for path in risk_paths(snapshot, "u").paths} == {"v"}
    low = risk_paths(snapshot, "u", clearance="INTERNAL")
    assert low.influence == 0.0
    assert all(path.contribution is None and path.source is None for path in low.paths)
    text = str(low.as_dict())
    assert "'f'" not in text and "'c'" not in text and "SUBJECT_OF_FINDING" not in text


def small(write_lake: WriteLake, folder: Path, **tables: list[dict[str, Any]]) -> Snapshot:
    """A snapshot of firms A to E and T with these tables."""
    firms = [{"enterprise_id": name, "name": f"Firm {name}", "country": "CN"} for name in "ABCDET"]
    lake = write_lake(folder, {"enterprises": firms, **tables})
    return build(lake, lake.settings, as_of=DAY, known_at=DAY)


def test_a_start_that_only_a_hidden_cause_makes_one_is_blank(
    write_lake: WriteLake, tmp_path: Path
) -> None:
    """What was found in the target's own shipment is no cause of E for it: only the event is."""
    snapshot = small(
        write_lake, tmp_path,
        relations=[owns("E", "T")],
        shipments=[shipment("s", "T", "E")],
        findings=[finding("f", "s", None, "serious")],
        credit_events=[event("e", "E", "serious", date(2024, 6, 1), marking="SECRET")],
    )  # fmt: skip
    assert {path.source for path in risk_paths(snapshot, "T").paths} == {"E"}
    low = risk_paths(snapshot, "T", clearance="INTERNAL")
    [path] = low.as_dict()["paths"]
    [hop] = path["hops"]
    assert (low.influence, path["source"], hop["from"], hop["from_name"]) == (0.0, None, None, None)


def test_a_hidden_role_of_the_target_takes_no_cause_away(
    write_lake: WriteLake, tmp_path: Path
) -> None:
    """A reader is answered as if the statement that T imported it had never been made."""
    known = {
        "relations": [owns("E", "T")],
        "findings": [finding("f", "s", None, "serious")],
    }
    first: dict[str, Any] = {**shipment("s", "", "E"), "importer_id": None}
    later = shipment("s", "T", "E", marking="SECRET", recorded_at=date(2024, 5, 9))
    without = small(write_lake, tmp_path / "without", shipments=[first], **known)
    snapshot = small(write_lake, tmp_path / "with", shipments=[first, later], **known)
    low, expected = (risk_paths(one, "T", clearance="INTERNAL") for one in (snapshot, without))
    assert low.influence == expected.influence > 0
    assert [path.source for path in low.paths] == ["E"]
    assert risk_paths(snapshot, "T").influence == 0


def test_edges_chosen_for_two_pairs_make_no_third_path(
    write_lake: WriteLake, tmp_path: Path
) -> None:
    snapshot = small(
        write_lake, tmp_path,
        shipments=[shipment("s1", "A", "B"), shipment("s2", "B", "C")],
        findings=[
            finding("f1", "s1", "A", "serious"),
            finding("f2", "s2", "A", "general"),
            finding("f3", "s2", "D", "serious"),
        ],
    )  # fmt: skip

    def ways(target: str) -> set[tuple[str | None, ...]]:
        paths = risk_paths(snapshot, target, limit=50).paths
        return {(path.source, *(hop.target for hop in path.hops[:-1])) for path in paths}

    found = {way for way in ways("B") if len(way) == 3}
    assert found == {("A", "f1", "s1"), ("D", "f3", "s2")}
    assert {way for way in ways("C") if len(way) == 3} == {("A", "f2", "s2"), ("D", "f3", "s2")}
