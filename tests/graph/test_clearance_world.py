"""One small lake whose statements carry all four markings: nothing leaks to a lower clearance."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import networkx
import pyarrow as pa
import pytest

from commands import explore, words
from commands.exporting import edges
from commands.neighbourhood import Ball, draw
from graph.access import OWN_MARKING, Redactions, within
from graph.algorithms.connections import connections
from graph.algorithms.ownership import owners
from graph.algorithms.propagation import risk_paths
from graph.ontology import MARKINGS
from graph.settings import Settings
from graph.snapshot import Snapshot, build
from graph.store.lake import Lake
from graph.store.ledger import Ledger
from graph.store.search import SearchIndex, open_search
from graph.store.search import build as build_index
from graph.tables import TABLES
from ingest.resolve.resolve import resolve

DAY = date(2024, 6, 30)
WriteLake = Callable[..., Lake]
Rows = dict[str, list[dict[str, Any]]]


NAMES = ("Amber", "Birch", "Copper", "Delta", "Ember", "Fjord", "Granite", "Harbour")


def holding(source: str, target: str, share: float | None, marking: str, day: int) -> Any:
    return {
        "source_id": source, "target_id": target, "type": "SHAREHOLDER", "share": share,
        "marking": marking, "recorded_at": date(2023, 1, day),
    }  # fmt: skip


def mixed() -> Rows:
    """A firm T with owners, penalties and shipments, each known from every marking."""
    rows: Rows = {
        "enterprises": [{"enterprise_id": "T", "name": "Target Firm", "country": "CN",
                         "address": "1 Quay", "marking": "PUBLIC"}],
        "persons": [],
        "relations": [],
        "credit_events": [
            {"event_id": "late-event", "enterprise_id": "twice-PUBLIC", "type": "smuggling",
             "severity": "general", "occurred_on": date(2024, 2, 9), "marking": "SECRET",
             "recorded_at": date(2024, 2, 10)},
        ],
        "shipments": [],
        "shipment_items": [],
        "list_entries": [],
        "findings": [],
    }  # fmt: skip
    pair = [(f"{side}-{marking}", marking) for marking in MARKINGS for side in ("one", "other")]
    for number, (firm, marking) in enumerate(pair):
        # Known to everybody under a name of its own; that the two of a marking have one code and
        # one telephone number only a statement of the marking says.
        name = f"{NAMES[number]} Company"
        told = {"customs_code": f"310191000{number // 2}", "phone": f"5551000{number // 2}"}
        rows["enterprises"] += [
            {"enterprise_id": firm, "name": name, "country": "CN", "marking": "PUBLIC"},
            {"enterprise_id": firm, "name": name, "country": "CN", "marking": marking, **told,
             "valid_from": date(2021, 5, 1)},
        ]  # fmt: skip
    for level, marking in enumerate(MARKINGS):
        own: dict[str, Any] = {"marking": marking}
        firm, person, twice = f"firm-{marking}", f"person-{marking}", f"twice-{marking}"
        known = date(2022, 1 + level, 3)
        rows["enterprises"] += [
            {"enterprise_id": firm, "name": f"Firm of {marking}", "country": "CN",
             "name_en": f"English of {marking}",
             "address": f"{level} {marking} Road", "recorded_at": known, **own},
            # Known to everybody; renamed by a statement of the higher marking.
            {"enterprise_id": twice, "name": f"Twice {level}", "country": "CN",
             "name_en": f"English twice {level}",
             "recorded_at": date(2022, 1, 1), "marking": "PUBLIC"},
            {"enterprise_id": twice, "name": f"Renamed {marking}", "country": "CN",
             "name_en": f"English renamed {marking}",
             "recorded_at": known, "valid_from": known, **own},
        ]  # fmt: skip
        rows["persons"] += [
            {"person_id": person, "name": f"Person of {marking}", **own},
            {"person_id": f"ruler-{marking}", "name": f"Ruler {level}", "marking": "PUBLIC"},
        ]
        rows["relations"] += [
            holding(firm, "T", 0.0513 + level / 1000, marking, 10 + level),
            {**holding(f"ruler-{marking}", "T", 0.0441 + level / 1000, marking, 15 + level),
             "type": "CONTROLLER"},
            {**holding(f"person-{marking}", f"twice-{marking}", 0.0383 + level / 1000, "PUBLIC", 6),
             "type": "CONTROLLER"},
            # A public statement names a person that only the higher marking knows.
            holding(person, "T", 0.0617 + level / 1000, "PUBLIC", 3),
            # A public share, corrected by the higher marking.
            holding(twice, "T", 0.0719 + level / 1000, "PUBLIC", 4),
            holding(twice, "T", 0.0833 + level / 1000, marking, 20 + level),
            # Ends when the higher marking knows of another share.
            {**holding(twice, firm, 0.0911 + level / 1000, "PUBLIC", 5),
             "valid_from": date(2020, 1, 1)},
            {**holding(twice, firm, 0.0977 + level / 1000, marking, 25 + level),
             "valid_from": date(2021, 1 + level, 7)},
        ]  # fmt: skip
        rows["credit_events"] += [
            {"event_id": f"{tied}-{marking}-event", "enterprise_id": f"{tied}-{marking}",
             "type": "penalty", "severity": "serious", "occurred_on": date(2024, 5, 20 + level),
             "recorded_at": date(2024, 5, 24 + level), **own}
            for tied in ("firm", "twice")
        ]  # fmt: skip
        rows["shipments"] += [
            {"shipment_id": f"shipment-{marking}", "declared_at": date(2024, 3, 1 + level),
             "direction": "I", "customs_office": "2200", "importer_id": "T", "exporter_id": twice,
             **own},
            {"shipment_id": f"open-{level}", "declared_at": date(2024, 3, 9), "importer_id": "T",
             "exporter_id": twice, "marking": "PUBLIC"},
        ]  # fmt: skip
        rows["findings"] += [
            {"finding_id": f"finding-{marking}-{where}-{who}", "shipment_id": where, "enterprise_id": who,
             "outcome": "violation", "type": f"scheme {marking}", "severity": "serious",
             "inspected_on": date(2024, 4, 11 + level), "recorded_at": date(2024, 4, 16 + level),
             **own}
            for where, who in (
                (f"shipment-{marking}", twice), (f"open-{level}", twice), (f"open-{level}", None),
            )
        ]  # fmt: skip
        rows["list_entries"] += [
            {"entry_id": f"entry-{marking}", "list": "watch", "name": f"Entry of {marking}", **own}
        ]
    return rows


@dataclass(frozen=True)
class World:
    """The data folder, its snapshot, the name index and what the statements of each marking say."""

    settings: Settings
    snapshot: Snapshot
    index: SearchIndex
    said: Mapping[str, frozenset[str]]

    def leaks(self, clearance: str, answer: Any) -> list[str]:
        """What of an answer only statements above the clearance say."""
        text = json.dumps(answer, default=str, ensure_ascii=False)
        return sorted(value for value in self.secrets(clearance) if value in text)

    def secrets(self, clearance: str) -> set[str]:
        """What only statements above the clearance say."""
        allowed = within(clearance)
        known = {value for name in allowed for value in self.said[name]}
        return {value for name in MARKINGS if name not in allowed for value in self.said[name]} - (
            known
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, write_lake: WriteLake) -> World:
    with write_lake(tmp_path_factory.mktemp("clearance"), mixed()) as lake:
        build_index(lake, lake.settings)
        resolve(lake.settings)
        with Ledger(lake.settings) as ledger:
            judgements = ledger.judgements()
        judged = pa.array([DAY] * judgements.num_rows, pa.date32())
        place = judgements.schema.get_field_index("created_on")
        judgements = judgements.set_column(place, "created_on", judged)
        snapshot = build(lake, lake.settings, as_of=DAY, known_at=DAY, judgements=judgements)
        return World(lake.settings, snapshot, open_search(lake.settings), said(lake))


def said(lake: Lake) -> dict[str, frozenset[str]]:
    """By marking, every text, day, number and record of its statements."""
    found: dict[str, set[str]] = {name: set() for name in MARKINGS}
    for name, table in TABLES.items():
        columns = ("record", "recorded_at", "valid_from", *(one.name for one in table.columns))
        for row in lake.statements(name).to_pyarrow().to_pylist():
            found[row["marking"]] |= {str(row[column]) for column in columns if row[column]}
    return {name: frozenset(texts) for name, texts in found.items()}


LOWER = pytest.mark.parametrize("clearance", MARKINGS[:-1])


def test_there_is_something_to_leak(world: World) -> None:
    assert world.snapshot.highest_marking == "SECRET"
    assert {"Firm of SECRET", "Renamed SECRET", "0.0863", "2023-01-23"} <= world.secrets("PUBLIC")
    everything = [
        owners(world.snapshot, "T", limit=50).as_dict(),
        risk_paths(world.snapshot, "T", limit=50).as_dict(),
    ]
    assert {"Firm of SECRET", "Renamed SECRET"} <= set(world.leaks("PUBLIC", everything))


@LOWER
def test_owners_leak_nothing(world: World, clearance: str) -> None:
    answer = owners(world.snapshot, "T", limit=50, clearance=clearance).as_dict()
    assert world.leaks(clearance, answer) == []
    assert answer["owners"] and answer["redacted"]["nodes"] and answer["redacted"]["properties"]
    ruled = {owner["id"] for owner in answer["owners"] if owner["controls"]}
    assert ruled == {f"ruler-{marking}" for marking in within(clearance)}


@LOWER
def test_risk_paths_leak_nothing(world: World, clearance: str) -> None:
    answer = risk_paths(world.snapshot, "T", limit=50, clearance=clearance).as_dict()
    assert world.leaks(clearance, answer) == []
    assert answer["paths"] and answer["redacted"]["paths"] and answer["redacted"]["nodes"]


@LOWER
@pytest.mark.parametrize("marking", MARKINGS)
def test_connections_leak_nothing(world: World, clearance: str, marking: str) -> None:
    ends = (("Enterprise", f"twice-{marking}"), ("Enterprise", "T"))
    answer = connections(world.snapshot, *ends, clearance=clearance, limit=50).as_dict()
    assert world.leaks(clearance, answer) == []
    assert answer["paths"]
    assert bool(answer["redacted"]["properties"]) is (marking not in within(clearance))


@LOWER
def test_a_neighbourhood_leaks_nothing(world: World, clearance: str) -> None:
    ball = Ball(world.snapshot, clearance, tuple(world.snapshot.edge_counts), 1000)
    graph = draw(ball, int(world.snapshot.locate("Enterprise", ["T"])[0]), 3)
    answer = networkx.node_link_data(graph, edges="edges")
    assert world.leaks(clearance, answer) == []
    assert len(answer["edges"]) > 4 and answer["graph"]["redacted"]


@pytest.mark.parametrize("clearance", MARKINGS)
@pytest.mark.parametrize("marking", MARKINGS)
def test_identity_is_told_to_those_who_may_see_what_it_rests_on(
    world: World, clearance: str, marking: str
) -> None:
    ends = [("Enterprise", f"{side}-{marking}") for side in ("one", "other")]
    may = {marking, OWN_MARKING} <= set(within(clearance))
    found = connections(world.snapshot, *ends, clearance=clearance).as_dict()
    told = [hop["kind"] for path in found["paths"] for hop in path["hops"]]
    assert told.count("SAME_AS") == may
    ball = Ball(world.snapshot, clearance, ("SAME_AS",), 1000)
    graph = draw(ball, int(world.snapshot.locate("Enterprise", [f"one-{marking}"])[0]), 1)
    assert graph.number_of_edges() == may
    exported = edges(world.snapshot, "SAME_AS", clearance, Redactions())
    assert (f"one-{marking}" in exported["source"].to_pylist()) == may


@LOWER
def test_search_leaks_nothing(world: World, clearance: str) -> None:
    for text in ("Firm of SECRET", "Renamed RESTRICTED", "Twice", "Person of", "Entry of SECRET"):
        found = world.index.search(text, 50, clearance=clearance)
        answer = [hit.as_dict() for hit in found.results]
        assert world.leaks(clearance, answer) == []


def printed(asked: str, settings: Settings, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command writes for people, its folded lines joined again."""
    if asked == "owners":
        found = explore.owners(settings, "T", snapshot=None)
        words.show_owners(found, explore.english(settings, found))
    elif asked == "paths":
        found = explore.paths(settings, "T", limit=50, snapshot=None)
        words.show_paths(found, explore.english(settings, found))
    else:
        found = explore.connections(settings, ("twice-SECRET", "T"), limit=50, snapshot=None)
        words.show_connections(found, explore.english(settings, found))
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("asked", ["owners", "paths", "connections"])
def test_what_is_printed_leaks_nothing(
    world: World, asked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for clearance in MARKINGS:
        text = printed(asked, replace(world.settings, clearance=clearance), capsys)
        assert world.leaks(clearance, text) == []
        assert ("English renamed SECRET" in text) is (clearance == "SECRET")
    for clearance in MARKINGS[:-1]:
        assert "English renamed SECRET" in world.secrets(clearance)
