"""What the clearance hides stays hidden in every column, order, filter and cursor, and is counted."""

import base64
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from fastapi import FastAPI

import hawser
from api.services import Services
from graph.scores import ENTERPRISE_SCHEMA, SHIPMENT_SCHEMA, Scores
from graph.settings import Settings
from graph.snapshot import build, open_snapshot
from graph.store.lake import Lake
from graph.store.ledger import GRADE_SCHEMA, GradingRun, Ledger, RuleSet
from queries.catalog import CATALOG, Reads, ask
from queries.portrait import portrait
from queries.reader import Reader, Sources
from tests.api.conftest import DAY, SECRET_DAY, SECRET_USCC

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


def test_counts_are_of_what_exists_for_the_reader(store: Reads, story: Settings) -> None:
    snapshot = open_snapshot(story)
    for clearance, firms, persons in ((LOW, 8, 0), (HIGH, 9, 1)):
        [row] = ask(store, "counts", {"kind": "Shipment"}, clearance=clearance).rows
        of_graph, of_snapshot = (
            Reader(sources, clearance, DAY).counts()
            for sources in (Sources(store), Sources(store, snapshot=snapshot))
        )
        assert of_graph == of_snapshot
        assert (of_graph["Enterprise"], of_graph["Person"]) == (firms, persons)
        assert of_graph["Shipment"] == row["nodes"]


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


def save_grade(ledger: Ledger, name: str, snapshot: str, day: date) -> None:
    """Save a run that gave enterprise `a` band A on a day, resting on a snapshot."""
    rules = RuleSet("h1", "v1", "yaml", {"HITS": {"zh": "{value:.0f}", "en": "{value:.0f} hits"}})
    now = datetime(2024, 8, 1, tzinfo=UTC)
    run = GradingRun(name, "v1", "h1", snapshot, "m1", day, day, now, now, {"A": 1})
    grade = {"enterprise_id": "a", "points": 600.0, "band": "A", "probability": 0.2}
    row = {**grade, "reasons": json.dumps([["HITS", "hits", 3.0, 12.0]]), "valid_from": day}
    ledger.save_run(run, pa.Table.from_pylist([row], GRADE_SCHEMA), rules)


@pytest.fixture(scope="module")
def graded(story: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sources]:
    """Scores of the story's snapshot, and grades of two days that rest on it and on a lost one."""
    snapshot = open_snapshot(story)
    home = tmp_path_factory.mktemp("graded")
    score = {"enterprise_id": "a", "probability": 0.2, "low": 0.1, "high": 0.3}
    table = pa.Table.from_pylist(
        [{**score, "top_reasons": ["hits"], "model": "m1"}], ENTERPRISE_SCHEMA
    )
    scores = Scores(home, snapshot.id, "m1", SHIPMENT_SCHEMA.empty_table(), table)
    with Ledger(Settings(home=home)) as ledger:
        save_grade(ledger, "r1", snapshot.id, DAY)
        save_grade(ledger, "r2", "lost", date(2024, 7, 31))
        services = Services(story)
        yield Sources(services, ledger, scores, snapshot, services.marking_of)
        services.close()


def test_scores_and_grades_need_the_highest_marking_they_rest_on(graded: Sources) -> None:
    assert graded.snapshot is not None
    assert graded.snapshot.highest_marking == HIGH
    low, high = (Reader(graded, clearance, DAY) for clearance in (LOW, HIGH))
    assert high.probability("a")["probability"] == 0.2
    hidden = low.probability("a")
    assert (hidden["probability"], hidden["top_reasons"], hidden["model"]) == (None, None, None)
    assert hidden["redacted"]["properties"] == 5
    told, kept = high.grade("a"), low.grade("a")
    assert told is not None
    assert kept is not None
    assert (told["band"], told["redacted"]["properties"]) == ("A", 0)
    assert {kept[name] for name in ("band", "points", "probability", "reasons")} == {None}
    assert (kept["run"], kept["redacted"]["properties"]) == ("r1", 6)
    assert low.latest_grades(["a"])["a"]["band"] is None


def test_a_grade_of_a_lost_snapshot_is_secret(graded: Sources) -> None:
    later = date(2024, 8, 1)
    for clearance, bands in ((HIGH, [None, "A"]), ("SECRET", ["A", "A"])):
        grades = Reader(graded, clearance, later).grades("a")
        assert [grade["run"] for grade in grades] == ["r2", "r1"]
        assert [grade["band"] for grade in grades] == bands


def test_a_notebook_shows_a_grade_of_an_older_snapshot_to_whom_it_may(
    story: Settings, tmp_path: Path
) -> None:
    aside = Settings(home=tmp_path)
    with Lake(story) as lake:
        older = build(lake, aside, as_of=date(2024, 5, 1), known_at=date(2024, 5, 1))
    assert older.highest_marking == HIGH
    shutil.copytree(older.folder, story.snapshot_folder / older.id)
    with Ledger(aside) as ledger:
        save_grade(ledger, "r1", older.id, date(2024, 5, 1))
    seen = replace(story, clearance=HIGH, ledger_url=f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with hawser.Data(seen) as data:
        assert data.snapshot.id != older.id
        assert data.portrait("a")["grade"]["band"] == "A"
    with hawser.Data(replace(seen, clearance=LOW)) as data:
        assert data.portrait("a")["grade"]["band"] is None


def test_a_day_before_tells_nothing_that_came_after(graded: Sources) -> None:
    then = Reader(graded, "SECRET", DAY).grade("a")
    assert then is not None
    assert then["run"] == "r1", "the later grade is of a later day"
    past = portrait(graded, "a", as_of=date(2018, 1, 1))
    assert (past["grade"], past["related"]["owners"], past["risk"]["influence"]) == (None,) * 3
    assert (past["risk"]["probability"], past["risk"]["as_of"]) == (None, None)
    assert (past["registration"]["name"], past["registration"]["as_of"]) == (None, None)
    assert past["prices"]["rows"] == []
    now = portrait(graded, "a")
    assert now["risk"]["as_of"] == now["registration"]["as_of"] == DAY.isoformat()
    assert (now["registration"]["name"], now["risk"]["probability"]) == (
        "宁波海丰国际贸易有限公司", 0.2,
    )  # fmt: skip
