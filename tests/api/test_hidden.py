"""What the clearance hides stays hidden in every column, order, filter and cursor, and is counted."""

import base64
import json
from datetime import date
from typing import Any

import pytest
from fastapi import FastAPI

from queries.catalog import CATALOG, Reads, ask
from queries.reader import Reader, Sources
from tests.api.conftest import SECRET_DAY, SECRET_USCC

LOW, HIGH = "INTERNAL", "RESTRICTED"


@pytest.fixture(scope="module")
def store(app: FastAPI) -> Reads:
    """The graph server of the story."""
    served: Reads = app.state.services
    return served


def test_no_column_hands_out_a_hidden_day(store: Reads) -> None:
    found = ask(store, "enterprise_shipments", {"id": "k"}, clearance=LOW).rows
    assert [row["shipment"]["id"] for row in found] == ["t"]
    assert found[0]["shipment"]["declared_at"] is None
    assert SECRET_DAY.isoformat() not in json.dumps(found)
    shown = ask(store, "enterprise_shipments", {"id": "k"}, clearance=HIGH).rows
    assert shown[0]["shipment"]["declared_at"] == SECRET_DAY.isoformat()


@pytest.mark.parametrize("until", ["2024-05-27", "2024-05-28", "2020-01-01"])
def test_a_hidden_day_cannot_be_found_by_asking_for_days(store: Reads, until: str) -> None:
    named = {"id": "k", "until": until}
    assert len(ask(store, "enterprise_shipments", named, clearance=LOW).rows) == 1
    hidden = ask(store, "enterprise_clearance", named, clearance=LOW).rows
    assert [(row["period"], row["hidden"]) for row in hidden] == [("hidden", 1)]


def test_an_edges_key_goes_with_its_day(store: Reads) -> None:
    for name, more in (("enterprise_related", {}), ("neighbourhood", {"kind": "Enterprise"})):
        for clearance, key in ((LOW, None), (HIGH, "2020-01-01")):
            rows = ask(store, name, {"id": "k", **more}, clearance=clearance).rows
            owned = [row["link"] for row in rows if row["tie"] == "OWNS"]
            assert [link.get("key") for link in owned] == [key]
            assert ("2020-01-01" in json.dumps(rows)) == (clearance == HIGH)


def test_a_hidden_identifier_or_name_is_not_confirmed(store: Reads) -> None:
    for name, asked, word in (
        ("enterprise_by_identifier", "identifier", SECRET_USCC),
        ("list_entries_named", "name", "Secret Alias"),
    ):
        low = ask(store, name, {asked: word}, clearance=LOW)
        assert (low.rows, low.redacted.total) == ([], 0)
        assert len(ask(store, name, {asked: word}, clearance=HIGH).rows) == 1
    assert len(ask(store, "enterprise_by_identifier", {"identifier": "k"}, clearance=LOW).rows) == 1


def test_no_query_has_a_column_or_parameter_for_sorting() -> None:
    names = {field.name for q in CATALOG.values() for field in (*q.columns, *q.parameters)}
    assert not names & {"sort_on", "sort_id", "sort_key", "after", "after_on", "after_id"}


@pytest.mark.parametrize("part", ["shipments", "parties", "neighbourhood"])
def test_hidden_rows_keep_no_visible_one_from_being_reached(store: Reads, part: str) -> None:
    reader = Reader(Sources(store), LOW, date(2024, 6, 30))
    seen: list[Any] = []
    after, hidden = None, set()
    while True:
        if part == "neighbourhood":
            page = reader.neighbourhood("Enterprise", "h", limit=20, after=after)
        else:
            page = getattr(reader, part)("h", limit=20, after=after)
        seen += [json.dumps(row, sort_keys=True) for row in page.rows]
        hidden.add(page.redacted.nodes)
        after = page.next
        if after is None:
            break
        assert len(page.rows) == 20
        assert json.loads(base64.urlsafe_b64decode(after)) == [str(len(seen))]
    ties = {"shipments": 80, "parties": 1, "neighbourhood": 82}
    assert len(seen) == len(set(seen)) == ties[part]
    assert hidden == {0 if part == "parties" else 120}


def test_the_latest_shipment_comes_first_and_none_is_cut_off(store: Reads) -> None:
    reader = Reader(Sources(store), HIGH, date(2024, 6, 30), bound=10)
    page = reader.shipments("h", limit=100)
    more = reader.shipments("h", limit=100, after=page.next)
    days = [row["declared_at"] for row in page.rows + more.rows]
    assert days == sorted(days, reverse=True)
    assert (len(days), more.next, more.partial) == (200, None, False)
    assert len(reader.findings("a").rows) == 1


def test_whatever_is_cut_is_said(store: Reads) -> None:
    reader = Reader(Sources(store), HIGH, date(2024, 6, 30), bound=1)
    for read in (reader.shared, reader.clearance_record, reader.commodities, reader.prices):
        assert read("a").partial, read
        assert not read("d").partial, read
    assert reader.parties("a").partial
    assert not Reader(Sources(store), HIGH, date(2024, 6, 30)).shared("a").partial
    found = reader.shipment("s01", limit=1)
    assert found is not None
    assert (found["item_count"], found["party_count"], found["partial"]) == (1, 2, True)
    whole = reader.shipment("s01")
    assert whole is not None
    assert not whole["partial"]
    ports = ask(store, "enterprise_ports", {"id": "a", "bound": 5}, clearance=HIGH)
    assert ports.reached == 5
    counts = ask(store, "neighbourhood_counts", {"kind": "Enterprise", "id": "h", "bound": 5})
    assert counts.degree == 202
