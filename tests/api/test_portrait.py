"""The portrait, the neighbourhood and paths over the real embedded server, and what is hidden."""

import json
from typing import Any

from fastapi import FastAPI

from graph.settings import Settings
from graph.snapshot import open_snapshot
from graph.store.bolt import GraphStore
from graph.store.ledger import Ledger
from queries.portrait import SECTIONS, Sources, portrait

PORTRAIT = """
query Portrait($id: String!) {
  enterprise(id: $id) {
    asOf snapshot enterprise { id name kind }
    registration { name nameEn address evidence { record source } redacted { properties } }
    clearance {
      periods { rows { period role shipments } redacted { nodes } partial }
      shipments(first: 5) { rows { id declaredAt role } next redacted { nodes edges } }
    }
    commodities { rows { hsCode items customsValue currency } redacted { edges } }
    credit {
      events { rows { id type severity occurredOn evidence { record } } }
      findings { rows { id outcome shipment role } }
    }
    related {
      parties { rows { tie outward share party { id name kind } link { record validFrom } } redacted { nodes edges } }
      shared { rows { party { id } via { text } } }
      owners { owners { id share controls } redacted { nodes } }
    }
    prices { rows { hsCode items low median high peers { items median } } redacted { edges } }
    risk { probability { probability } note influence {
      influence partial redacted { paths edges }
      paths { contribution source hops { from kind to chinese evidence } } } }
    grade { band }
  }
}
"""


def test_every_section_is_there(app: FastAPI, ask: Any) -> None:
    answer = ask(app, PORTRAIT, id="a")
    assert "errors" not in answer
    told = answer["data"]["enterprise"]
    assert told["asOf"] == "2024-06-30"
    assert told["registration"]["name"] == "宁波海丰国际贸易有限公司"
    assert len(told["registration"]["evidence"]["record"]) == 16
    assert sum(row["shipments"] for row in told["clearance"]["periods"]["rows"]) == 13
    assert told["commodities"]["rows"][0]["items"] == 13
    assert [row["id"] for row in told["credit"]["events"]["rows"]] == ["e1", "e0"]
    assert told["credit"]["findings"]["rows"][0]["shipment"] == "s01"
    ties = {(row["tie"], row["party"]["id"]) for row in told["related"]["parties"]["rows"]}
    assert {("OWNS", "b"), ("OWNS", "r"), ("LEGALLY_REPRESENTS", "p"), ("TRADES_WITH", "x")} <= ties
    assert told["related"]["shared"]["rows"] == [
        {"party": {"id": "y"}, "via": {"text": "宁波市北仑区1号"}}
    ]
    assert [owner["id"] for owner in told["related"]["owners"]["owners"]] == ["b", "r"]
    assert told["prices"]["rows"][0]["median"] == 10.6
    assert told["prices"]["rows"][0]["peers"] is None, "nobody else declared such goods"
    sources = [path["source"] for path in told["risk"]["influence"]["paths"]]
    assert sources == ["d", "b"], "what was found in its own shipments is no influence"
    assert "影响不等于过错" in told["risk"]["note"]


def test_what_is_restricted_is_left_out_and_counted(low_app: FastAPI, ask: Any) -> None:
    answer = ask(low_app, PORTRAIT, id="a")
    assert "errors" not in answer
    told = answer["data"]["enterprise"]
    assert sum(row["shipments"] for row in told["clearance"]["periods"]["rows"]) == 12
    assert told["clearance"]["periods"]["redacted"] == {"nodes": 1}
    assert told["commodities"]["redacted"] == {"edges": 1}
    assert told["commodities"]["rows"][0]["items"] == 12
    assert told["prices"]["redacted"] == {"edges": 1}
    ties = {row["party"]["id"] for row in told["related"]["parties"]["rows"]}
    assert not ties & {"p", "r"}
    assert told["related"]["parties"]["redacted"]["nodes"] == 2
    assert told["related"]["owners"]["redacted"] == {"nodes": 1}
    influence = told["risk"]["influence"]
    assert influence["redacted"] == {"paths": 1, "edges": 2}
    hidden = [path for path in influence["paths"] if path["contribution"] is None]
    assert [hop["kind"] for hop in hidden[0]["hops"]] == ["REDACTED", "REDACTED"]
    text = json.dumps(answer, ensure_ascii=False)
    assert "Hidden Person" not in text
    assert "Restricted Firm" not in text


def test_the_neighbourhood_is_flat_paged_and_counted(
    app: FastAPI, low_app: FastAPI, ask: Any
) -> None:
    query = """query N($after: String) { neighbourhood(kind: Enterprise, id: "a", first: 4, after: $after) {
      nodes { id kind } edges { kind source target evidence { record } } next redacted { nodes edges } } }"""
    seen: dict[str, list[tuple[str, str, str]]] = {}
    for name, served in (("high", app), ("low", low_app)):
        after, edges, hidden = None, [], 0
        while True:
            page = ask(served, query, after=after)["data"]["neighbourhood"]
            edges += [(edge["kind"], edge["source"], edge["target"]) for edge in page["edges"]]
            assert {"id": "a", "kind": "Enterprise"} in page["nodes"]
            hidden += page["redacted"]["nodes"] + page["redacted"]["edges"]
            after = page["next"]
            if after is None:
                break
        assert len(set(edges)) == len(edges)
        seen[name] = edges
        assert (hidden > 0) == (name == "low")
    gone = set(seen["high"]) - set(seen["low"])
    assert gone == {("OWNS", "r", "a"), ("LEGALLY_REPRESENTS", "p", "a"), ("IMPORTED", "a", "s12")}


def test_pages_join_without_gap(app: FastAPI, ask: Any) -> None:
    query = """query S($after: String) { enterprise(id: "a") { clearance {
      shipments(first: 5, after: $after) { rows { id } next } } } }"""
    ids: list[str] = []
    after = None
    for _ in range(3):
        page = ask(app, query, after=after)["data"]["enterprise"]["clearance"]["shipments"]
        ids += [row["id"] for row in page["rows"]]
        after = page["next"]
    assert after is None
    assert len(ids) == len(set(ids)) == 13


def test_as_of_looks_back(app: FastAPI, ask: Any) -> None:
    query = '{ enterprise(id: "a", asOf: "2023-01-15") { asOf credit { events { rows { id } } } clearance { periods { rows { period } } } } }'
    told = ask(app, query)["data"]["enterprise"]
    assert told["credit"]["events"]["rows"] == [{"id": "e0"}]
    assert told["clearance"]["periods"]["rows"] == []


def test_risk_paths_owners_connections_and_search(app: FastAPI, low_app: FastAPI, ask: Any) -> None:
    query = """{ riskPaths(id: "a") { influence snapshot policy maxHops skippedHubs remainder { count } paths { source hops { from to kind } } }
      owners(id: "a", chains: 5) { circular owners {
        id share en zh chainsLeftOut chains { share control hops { kind document { file } } } } }
      connections(sourceKind: Enterprise, source: "d", targetKind: Enterprise, target: "a") { paths { hops { to } } }
      search(text: "海丰国际") { results { id kind score reason } redacted }
      shipment(id: "s01") { items { hsCode customsValue } parties { role party { id } } }
      gradeHistory(id: "a") { band } about { snapshot clearance } vocabulary { name chinese } }"""
    data = ask(app, query)["data"]
    assert data["riskPaths"]["paths"][0]["source"] == "d"
    owner = data["owners"]["owners"][0]
    assert (owner["id"], owner["en"]) == ("b", "holds 60.0 % directly, controls")
    assert (owner["zh"], owner["chainsLeftOut"]) == ("直接持股60.0%，控制", 0)
    hops = [{"kind": "OWNS", "document": {"file": "relations.csv"}}]
    assert owner["chains"] == [{"share": 0.6, "control": False, "hops": hops}]
    assert data["search"]["results"][0]["id"] == "a"
    assert data["connections"]["paths"][0]["hops"] == [{"to": "p"}, {"to": "a"}]
    assert {role["party"]["id"] for role in data["shipment"]["parties"]} == {"a", "x"}
    assert data["about"]["clearance"] == "SECRET"
    low = ask(
        low_app,
        '{ search(text: "Restricted Firm") { results { id } redacted } shipment(id: "s12") { items { hsCode } } }',
    )
    assert low["data"] == {"search": {"results": [], "redacted": True}, "shipment": None}


def test_evidence_leads_to_file_and_row(app: FastAPI, low_app: FastAPI, ask: Any) -> None:
    data = ask(
        app,
        '{ enterprise(id: "a") { related { parties { rows { party { id } link { record } } } } } }',
    )
    rows = data["data"]["enterprise"]["related"]["parties"]["rows"]
    records = {row["party"]["id"]: row["link"]["record"] for row in rows}
    query = "query E($r: [String!]!) { evidence(records: $r) { record table file row marking } }"
    found = ask(app, query, r=[records["p"]])["data"]["evidence"]
    assert [(f["table"], f["file"], f["row"]) for f in found] == [("relations", "relations.csv", 4)]
    assert ask(low_app, query, r=[records["p"]])["data"]["evidence"] == []
    asked = """{ enterprise(id: "a") { risk { influence { paths { causeCount hiddenCauses causes {
      id kind en zh day weight named document { table file row source record }
      ties { kind chinese document { table row } } } } } } } }"""
    [first, *_] = ask(app, asked)["data"]["enterprise"]["risk"]["influence"]["paths"]
    assert (first["causeCount"], first["hiddenCauses"]) == (1, 0)
    [cause] = first["causes"]
    assert (cause["id"], cause["kind"], cause["day"]) == ("e3", "CreditEvent", "2023-04-01")
    assert (cause["en"], cause["zh"]) == ("serious penalty: penalty", "严重处罚：行政处罚")
    assert cause["named"] is True
    document = cause["document"]
    assert (document["file"], document["row"]) == ("credit_events.csv", 4)
    assert cause["ties"] == [
        {"kind": "SUBJECT_OF", "chinese": "涉及事件",
         "document": {"table": "credit_events", "row": 4}}
    ]  # fmt: skip
    paths = ask(
        app, '{ riskPaths(id: "a", limit: 1) { paths { hops { document { table row } } } } }'
    )
    hops = paths["data"]["riskPaths"]["paths"][0]["hops"]
    assert [hop["document"] for hop in hops] == [
        {"table": "relations", "row": 3},
        {"table": "relations", "row": 4},
    ]


def test_counts_and_named_queries(app: FastAPI, ask: Any) -> None:
    data = ask(
        app,
        '{ counts { kind nodes } named(name: "shipment_parties", parameters: {id: "s01"}) { count rows } namedQueries { name purpose } }',
    )["data"]
    assert {row["kind"]: row["nodes"] for row in data["counts"]}["Shipment"] == 214
    assert data["named"]["count"] == 2
    assert "digest" not in json.dumps(data["named"]["rows"])
    assert "neighbourhood" in {row["name"] for row in data["namedQueries"]}


def test_the_same_portrait_without_the_web(story: Settings) -> None:
    with GraphStore.open(story) as store, Ledger(story) as ledger:
        sources = Sources(store, ledger, None, open_snapshot(story))
        told = portrait(sources, "a", clearance="INTERNAL", limit=5)
    assert list(told)[:9] == ["enterprise", *SECTIONS]
    assert (told["as_of"], told["snapshot"]) == ("2024-06-30", sources.snapshot.id)
    assert told["related"]["parties"]["redacted"]["nodes"] == 2
    assert told["risk"]["influence"] > 0
    json.dumps(told)
