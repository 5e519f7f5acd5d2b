"""The projection: tables of the lake become nodes and edges as the ontology declares."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from graph.ontology import EDGE_KINDS, NODE_KINDS
from graph.projection import JUDGEMENT_SCHEMA, edge_table, node_ids, node_table
from graph.store.lake import Lake

ROWS: dict[str, list[dict[str, Any]]] = {
    "enterprises": [
        {
            "enterprise_id": "A",
            "name": "甲公司",
            "country": "CN",
            "address": "1 Road, X",
            "phone": "123",
            "uscc": "91310000MA1FL0AA0X",
            "valid_from": date(2020, 1, 1),
        },
        {
            "enterprise_id": "A",
            "name": "甲新公司",
            "country": "CN",
            "address": "2 Road",
            "uscc": "91310000MA1FL0AA0X",
            "valid_from": date(2022, 1, 1),
            "marking": "RESTRICTED",
        },
        {"enterprise_id": "B", "name": "B Ltd", "country": "KR", "address": "1 ROAD X"},
    ],
    "persons": [{"person_id": "P", "name": "王"}],
    "relations": [
        {"source_id": "P", "target_id": "A", "type": "LEGAL_REPRESENTATIVE"},
        {"source_id": "A", "target_id": "B", "type": "SHAREHOLDER", "share": 0.6},
        {
            "source_id": "A",
            "target_id": "B",
            "type": "SHAREHOLDER",
            "share": 0.4,
            "valid_from": date(2023, 6, 1),
            "recorded_at": date(2023, 6, 2),
        },
    ],
    "shipments": [
        {
            "shipment_id": "S1",
            "declared_at": date(2023, 1, 1),
            "valid_from": date(2023, 1, 1),
            "direction": "I",
            "customs_office": "0101",
            "importer_id": "A",
            "exporter_id": "B",
            "transit_ports": ["SGSIN", "KRPUS", "SGSIN"],
            "containers": ["C1", "C2"],
            "loading_port": "KRPUS",
            "discharge_port": "CNSHA",
        },
    ],
    "shipment_items": [
        {"shipment_id": "S1", "item_no": 1, "hs_code": "8504401000", "customs_value": 100.0},
        {"shipment_id": "S1", "item_no": 2, "hs_code": "850440", "customs_value": 10.0},
    ],
    "list_entries": [
        {
            "entry_id": "L1",
            "name": "B",
            "identifiers": ["91310000MA1FL0AA0X", "other"],
            "linked_to": ["L2", "nobody"],
            "valid_from": date(2023, 1, 2),
        },
        {"entry_id": "L2", "name": "C"},
    ],
    "places": [{"locode": "CNSHA", "name": "Shanghai", "country": "CN"}],
}


@pytest.fixture(scope="module")
def tables(
    tmp_path_factory: pytest.TempPathFactory, write_lake: Callable[..., Lake]
) -> Iterator[Lake]:
    with write_lake(tmp_path_factory.mktemp("home"), ROWS, recorded_at=date(2023, 1, 2)) as lake:
        yield lake


@pytest.fixture(scope="module")
def ids(tables: Lake) -> dict[str, set[str]]:
    """The ids of every kind of node."""
    return {kind: set(nodes(tables, kind)) for kind in NODE_KINDS}


def nodes(tables: Lake, kind: str, **when: date) -> dict[str, dict[str, Any]]:
    rows = node_table(tables, kind, **when).to_pyarrow().to_pylist()
    assert len(rows) == len({row["id"] for row in rows})
    return {row["id"]: row for row in rows}


def edges(tables: Lake, kind: str, **more: Any) -> dict[tuple[str, str, str], dict[str, Any]]:
    rows = edge_table(tables, kind, **more).to_pyarrow().to_pylist()
    keyed = {(row["source"], row["target"], row["key"]): row for row in rows}
    assert len(rows) == len(keyed)
    return keyed


@pytest.mark.parametrize("kind", NODE_KINDS)
def test_every_node_kind_projects_with_its_properties(tables: Lake, kind: str) -> None:
    columns = node_table(tables, kind).columns
    assert columns[0] == "id"
    assert {prop.name for prop in NODE_KINDS[kind].properties} <= set(columns)
    assert set(nodes(tables, kind)) == set(node_ids(tables, kind).to_pyarrow()["id"].to_pylist())


@pytest.mark.parametrize("kind", EDGE_KINDS)
def test_every_edge_ends_at_a_node(tables: Lake, ids: dict[str, set[str]], kind: str) -> None:
    for row in edges(tables, kind).values():
        assert (row["source_kind"], row["target_kind"]) in EDGE_KINDS[kind].endpoints
        assert row["source"] in ids[row["source_kind"]]
        assert row["target"] in ids[row["target_kind"]]


def test_the_state_that_began_last_gives_the_properties(tables: Lake) -> None:
    assert nodes(tables, "Enterprise")["A"]["name"] == "甲新公司"
    assert nodes(tables, "Enterprise", as_of=date(2021, 1, 1))["A"]["name"] == "甲公司"


def test_markings_are_those_of_every_statement_about_the_thing(tables: Lake) -> None:
    a = nodes(tables, "Enterprise")["A"]
    assert a["marking"] == "RESTRICTED"
    assert a["markings"] == ["INTERNAL", "RESTRICTED"]
    registered = edges(tables, "REGISTERED_AT")
    assert {row["markings"][0] for key, row in registered.items() if key[0] == "A"} == {
        "INTERNAL",
        "RESTRICTED",
    }


def test_one_address_written_in_two_ways_is_one_node(tables: Lake) -> None:
    found = edges(tables, "REGISTERED_AT")
    of_b = next(target for source, target, _ in found if source == "B")
    assert any(source == "A" and target == of_b for source, target, _ in found)


def test_a_newer_state_ends_the_one_before(tables: Lake) -> None:
    ends = {row["valid_from"]: row["valid_to"] for row in edges(tables, "OWNS").values()}
    assert ends == {None: date(2023, 6, 1), date(2023, 6, 1): None}


def test_what_was_not_known_is_not_there(tables: Lake) -> None:
    assert len(edges(tables, "OWNS", known_at=date(2023, 6, 1))) == 1
    assert len(edges(tables, "OWNS", known_at=date(2023, 6, 2))) == 2


def test_a_list_keeps_its_order_and_its_repeats(tables: Lake) -> None:
    found = sorted((key, port) for _, port, key in edges(tables, "TRANSITED"))
    assert found == [("0", "SGSIN"), ("1", "KRPUS"), ("2", "SGSIN")]
    assert {target for _, target, _ in edges(tables, "PACKED_IN")} == {"C1", "C2"}


def test_items_of_one_subheading_stay_apart(tables: Lake) -> None:
    found = edges(tables, "CONTAINS")
    assert {key: row["hs_code"] for key, row in found.items()} == {
        ("S1", "850440", "1"): "8504401000",
        ("S1", "850440", "2"): "850440",
    }


def test_trade_is_summed_over_shipments(tables: Lake) -> None:
    [row] = edges(tables, "TRADES_WITH").values()
    assert (row["source"], row["target"]) == ("B", "A")
    assert (row["shipments"], row["customs_value"]) == (1, 110.0)


def test_a_shared_identifier_ties_an_enterprise_to_a_list_entry(tables: Lake) -> None:
    [row] = edges(tables, "LISTED_AS").values()
    assert (row["source"], row["target"], row["derivation"]) == ("A", "L1", "identifier:uscc")


def test_links_to_entries_that_do_not_exist_are_left_out(tables: Lake) -> None:
    assert set(edges(tables, "LINKED_TO")) == {("L1", "L2", "")}


def test_judgements_become_edges(tables: Lake) -> None:
    def judged(verdict: str) -> dict[str, Any]:
        pair = {"left_kind": "Enterprise", "left_id": "A", "right_kind": "Enterprise"}
        day = date(2024, 1, 1)
        rest = {"judgement": verdict, "score": 0.9, "derivation": "name", "created_on": day}
        return {**pair, "right_id": "B", **rest}

    table = pa.Table.from_pylist([judged("positive")], schema=JUDGEMENT_SCHEMA)
    assert set(edges(tables, "SAME_AS", judgements=table)) == {("A", "B", "")}
    assert not edges(tables, "POSSIBLY_SAME_AS", judgements=table)
    assert not edges(tables, "SAME_AS", judgements=table, known_at=date(2023, 12, 31))
    table = pa.Table.from_pylist([judged("unsure")], schema=JUDGEMENT_SCHEMA)
    assert set(edges(tables, "POSSIBLY_SAME_AS", judgements=table)) == {("A", "B", "")}


def test_a_name_on_a_list_is_only_possible_until_judged(tables: Lake) -> None:
    row = {
        "left_kind": "Enterprise",
        "left_id": "B",
        "right_kind": "ListEntry",
        "right_id": "L2",
        "judgement": "unsure",
        "score": 0.8,
        "derivation": "name",
        "created_on": date(2024, 1, 1),
    }
    table = pa.Table.from_pylist([row], schema=JUDGEMENT_SCHEMA)
    assert set(edges(tables, "POSSIBLY_LISTED_AS", judgements=table)) == {("B", "L2", "")}
    assert ("B", "L2", "") not in edges(tables, "LISTED_AS", judgements=table)
    assert not edges(tables, "POSSIBLY_SAME_AS", judgements=table)


def test_what_two_sources_conclude_exists_for_whoever_may_see_one_of_them(tables: Lake) -> None:
    row = {
        "left_kind": "Enterprise", "left_id": "A", "right_kind": "ListEntry", "right_id": "L1",
        "judgement": "positive", "derivation": "informant", "created_on": date(2024, 1, 1),
    }  # fmt: skip
    [known] = edges(tables, "LISTED_AS").values()
    for score, marking, winner in (
        (1.0, "SECRET", known["marking"]),
        (1.1, "SECRET", "SECRET"),
        (1.1, None, "SECRET"),
        (1.1, "PUBLIC", "INTERNAL"),
    ):
        judged = [{**row, "score": score, "marking": marking}]
        table = pa.Table.from_pylist(judged, schema=JUDGEMENT_SCHEMA)
        [listed] = edges(tables, "LISTED_AS", judgements=table).values()
        assert listed["marking"] == winner
        said = {known["marking"], "INTERNAL" if marking == "PUBLIC" else "SECRET"}
        assert set(listed["markings"]) == said


def test_what_is_concluded_carries_the_highest_marking_of_its_grounds(
    tmp_path: Path, write_lake: Callable[..., Lake]
) -> None:
    code = "91310000MA1FL0AA0X"
    holding = {"source_id": "A", "target_id": "B", "type": "SHAREHOLDER"}
    rows: dict[str, list[dict[str, Any]]] = {
        "enterprises": [
            {"enterprise_id": "A", "uscc": code, "country": "CN", "marking": "RESTRICTED"},
            {"enterprise_id": "B", "country": "KR", "marking": "PUBLIC"},
        ],
        "list_entries": [
            {"entry_id": "L", "identifiers": [code], "marking": "PUBLIC", "source": "ofac"}
        ],
        "relations": [
            {**holding, "valid_from": date(2020, 1, 1), "marking": "PUBLIC"},
            {**holding, "valid_from": date(2022, 1, 1), "marking": "SECRET"},
        ],
        "shipments": [
            {"shipment_id": name, "declared_at": date(2023, 1, 1), "direction": "I",
             "importer_id": name[0], "exporter_id": name[1], "marking": "PUBLIC"}
            for name in ("AB", "BA")
        ],
        "shipment_items": [
            {"shipment_id": "AB", "item_no": 1, "hs_code": "850440", "customs_value": 1.0,
             "marking": "PUBLIC"},
            {"shipment_id": "AB", "item_no": 2, "hs_code": "850440", "customs_value": 7.0,
             "marking": "SECRET"},
        ],
    }  # fmt: skip
    with write_lake(tmp_path, rows) as lake:
        trades = edges(lake, "TRADES_WITH")
        assert trades["B", "A", ""]["customs_value"] == 8.0
        assert trades["B", "A", ""]["marking"] == "SECRET"
        assert trades["B", "A", ""]["markings"] == ["PUBLIC"]
        assert trades["A", "B", ""]["marking"] == "PUBLIC"
        [listed] = edges(lake, "LISTED_AS").values()
        assert (listed["marking"], listed["markings"]) == ("RESTRICTED", ["RESTRICTED"])
        [entry] = nodes(lake, "ListEntry").values()
        assert (listed["statement_source"], listed["record"]) == ("ofac", entry["record"])
        first, second = sorted(edges(lake, "OWNS").values(), key=lambda row: row["valid_from"])
        assert (first["valid_to"], first["marking"]) == (date(2022, 1, 1), "SECRET")
        assert (first["markings"], second["markings"]) == (["PUBLIC"], ["SECRET"])
