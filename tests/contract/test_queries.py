"""Every named query on each graph server: it answers, as the snapshot of the same lake says, and it
starts from an index."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graph.ontology import EDGE_KINDS
from graph.settings import Settings
from graph.snapshot import Snapshot
from graph.store import load
from graph.store.bolt import GraphStore
from graph.store.lake import Lake
from queries.catalog import CATALOG, ask, named, run

ROLES = ("IMPORTED", "EXPORTED", "DECLARED", "CARRIED", "FORWARDED", "MANUFACTURED")


@dataclass(frozen=True)
class World:
    """The small world: its snapshot, and a graph server that holds it."""

    snapshot: Snapshot
    store: GraphStore

    def busiest(self, *kinds: str, end: str = "source") -> str:
        """The id of the node with the most edges of these kinds."""
        ends = np.concatenate([getattr(self.snapshot.edges(kind), end) for kind in kinds])
        numbers, counts = np.unique(ends, return_counts=True)
        return self.snapshot.id_of(int(numbers[counts.argmax()]))

    def degree(self, kind: str, id: str, *ties: str) -> Counter[tuple[str, bool]]:
        """Edges of a node by kind and whether they lead from it."""
        node = int(self.snapshot.locate(kind, [id])[0])
        counts: Counter[tuple[str, bool]] = Counter()
        for tie in ties or EDGE_KINDS:
            edges = self.snapshot.edges(tie)
            counts[tie, True] = int((edges.source == node).sum())
            counts[tie, False] = int((edges.target == node).sum())
        return +counts


@pytest.fixture(scope="module")
def world(
    graph_settings: Settings, graph_store: GraphStore, world_home: Path, world_snapshot: Snapshot
) -> World:
    with Lake(Settings(home=world_home)) as lake:
        load.rebuild(lake, graph_settings, as_of=date.today(), known_at=date.today())
    return World(world_snapshot, graph_store)


Choose = Callable[[World], dict[str, Any]]


def of(*kinds: str, end: str = "source") -> Choose:
    return lambda world: {"id": world.busiest(*kinds, end=end)}


PARAMETERS: dict[str, Choose] = {
    "commodity_prices": lambda w: {"codes": [w.busiest("CONTAINS", end="target")]},
    "counts": lambda w: {"kind": "Enterprise"},
    "enterprise": of("IMPORTED"),
    "enterprise_by_identifier": lambda w: {"identifier": w.busiest("IMPORTED")},
    "enterprise_clearance": of("IMPORTED"),
    "enterprise_commodities": of("IMPORTED"),
    "enterprise_events": of("SUBJECT_OF"),
    "enterprise_findings": of("FOUND_AGAINST", end="target"),
    "enterprise_list_entries": of("POSSIBLY_LISTED_AS"),
    "enterprise_ports": of("IMPORTED"),
    "enterprise_prices": of("IMPORTED"),
    "enterprise_related": of("TRADES_WITH", end="target"),
    "enterprise_shared": lambda w: {"id": sharing(w)},
    "enterprise_shipments": of("IMPORTED"),
    "enterprises": lambda w: {"ids": [w.busiest("IMPORTED"), w.busiest("EXPORTED")]},
    "list_entries_named": lambda w: {
        "name": w.snapshot.nodes("ListEntry")["name"][0].as_py(),
    },
    "list_entry": lambda w: {"id": str(w.snapshot.ids("ListEntry")[0])},
    "listed_parties": of("POSSIBLY_LISTED_AS", end="target"),
    "neighbourhood": lambda w: {"kind": "Enterprise", "id": w.busiest("IMPORTED")},
    "neighbourhood_counts": lambda w: {"kind": "Enterprise", "id": w.busiest("IMPORTED")},
    "node": lambda w: {"kind": "Port", "id": w.busiest("DISCHARGED_AT", end="target")},
    "shipment": of("CONTAINS"),
    "shipment_findings": of("IMPORTED"),
    "shipment_items": of("CONTAINS"),
    "shipment_parties": of("CONTAINS"),
}


def sharing(world: World) -> str:
    """An enterprise at an address or contact that has several."""
    edges = [world.snapshot.edges(kind) for kind in ("REGISTERED_AT", "REACHED_AT")]
    source = np.concatenate([part.source for part in edges])
    target = np.concatenate([part.target for part in edges])
    shared = np.flatnonzero(np.bincount(target)[target] > 1)
    return world.snapshot.id_of(int(source[shared[0]]))


def parameters(world: World, name: str) -> dict[str, Any]:
    """The query's parameters; skips where the world has nothing of the kind."""
    try:
        return PARAMETERS[name](world)
    except (IndexError, ValueError):
        pytest.skip(f"the world has nothing for {name}")


def test_every_query_has_a_case() -> None:
    assert sorted(PARAMETERS) == list(CATALOG)


@pytest.mark.parametrize("name", list(CATALOG))
def test_it_answers(world: World, name: str) -> None:
    assert ask(world.store, name, parameters(world, name)).rows


@pytest.mark.parametrize("name", list(CATALOG))
def test_it_starts_from_an_index(world: World, name: str) -> None:
    query = named(name)
    plan = world.store.explain(*query.prepare(parameters(world, name), "SECRET"))
    if query.counts:
        assert "count" in plan.text.lower(), plan.text
    else:
        assert plan.starts_from_index, plan.text


@pytest.mark.parametrize("name", list(CATALOG))
def test_nobody_sees_more_with_less(world: World, name: str) -> None:
    chosen = parameters(world, name)
    low = ask(world.store, name, chosen, clearance="PUBLIC")
    assert len(low.rows) <= len(ask(world.store, name, chosen).rows)
    assert "INTERNAL" not in [
        part.get("marking") for row in low.rows for part in row.values() if isinstance(part, dict)
        and part.get("markings") == ["INTERNAL"]
    ]  # fmt: skip


def test_clearance_counts_every_shipment(world: World) -> None:
    id = world.busiest("IMPORTED")
    rows = run(world.store, "enterprise_clearance", id=id)
    told: Counter[tuple[str, bool]] = Counter()
    for row in rows:
        told[row["role"], True] += row["shipments"]
    assert told == world.degree("Enterprise", id, *ROLES)
    hidden = run(world.store, "enterprise_clearance", id=id, clearance="PUBLIC")
    assert sum(row["hidden"] for row in hidden) == told.total()


def test_commodities_sum_to_the_values_in_the_snapshot(world: World) -> None:
    id = world.busiest("IMPORTED")
    rows = run(world.store, "enterprise_commodities", id=id, limit=1000)
    node = int(world.snapshot.locate("Enterprise", [id])[0])
    contains = world.snapshot.edges("CONTAINS")
    expected = 0.0
    for role in ("IMPORTED", "EXPORTED"):
        edges = world.snapshot.edges(role)
        shipments = np.asarray(edges.target)[np.asarray(edges.source) == node]
        expected += float(contains.weight[np.isin(contains.source, shipments)].sum())
    assert sum(row["customs_value"] for row in rows) == pytest.approx(expected)
    assert {row["read"] for row in rows} == {sum(row["items"] for row in rows)}


def test_neighbourhood_pages_make_the_whole(world: World) -> None:
    id = world.busiest("IMPORTED")
    chosen = {"kind": "Enterprise", "id": id}
    ties: Counter[tuple[str, bool]] = Counter()
    edges: list[str] = []
    offset = 0
    while rows := run(world.store, "neighbourhood", offset=offset, limit=37, **chosen):
        ties.update((row["tie"], row["outward"]) for row in rows)
        edges += [f"{row['tie']} {row['outward']} {row['other']} {row['link']}" for row in rows]
        offset += 37
    assert len(edges) == len(set(edges))
    assert ties == world.degree("Enterprise", id)
    counted = run(world.store, "neighbourhood_counts", **chosen)
    assert {(row["tie"], row["outward"]): row["edges"] for row in counted} == ties


def test_shipments_come_latest_first(world: World) -> None:
    id = world.busiest("IMPORTED")
    first = run(world.store, "enterprise_shipments", id=id, limit=10)
    more = run(world.store, "enterprise_shipments", id=id, offset=10, limit=10)
    days = [row["shipment"]["declared_at"] for row in first + more]
    assert days == sorted(days, reverse=True)
    ids = [(row["shipment"]["id"], row["role"]) for row in first + more]
    assert len(ids) == len(set(ids))


def test_a_bound_is_kept(world: World) -> None:
    id = world.busiest("IMPORTED")
    rows = run(world.store, "neighbourhood", kind="Enterprise", id=id, bound=5)
    assert len(rows) == 5
    assert rows[0]["degree"] > 5


def test_who_shares_is_told_once_whatever_was_told_again(world: World) -> None:
    """An address told in three versions of an enterprise makes three edges, and one row."""
    often = world.store.read(
        "test",
        "MATCH (e:Enterprise)-[o:REGISTERED_AT|REACHED_AT]->(a) WITH e, a, count(o) AS told"
        " WHERE told > 1 MATCH (a)<-[:REGISTERED_AT|REACHED_AT]-(n:Enterprise) WHERE n.id <> e.id"
        " RETURN e.id AS id, count(n) AS others ORDER BY others DESC, id LIMIT 1",
        {},
    )
    id = often[0]["id"]
    pairs = world.store.read(
        "test",
        "MATCH (e:Enterprise {id: $id})-[:REGISTERED_AT|REACHED_AT]->(a)"
        "<-[r:REGISTERED_AT|REACHED_AT]-(n:Enterprise) WHERE n.id <> $id"
        " RETURN type(r) AS tie, n.id AS party, a.id AS via, r.valid_from AS since,"
        " r.valid_to AS until",
        {"id": id},
    )
    rows: list[dict[str, Any]] = []
    while page := run(world.store, "enterprise_shared", id=id, offset=len(rows), limit=3):
        rows += page
    told = [(row["tie"], row["party"]["id"], row["via"]["id"]) for row in rows]
    assert told == sorted({(row["tie"], row["party"], row["via"]) for row in pairs})
    assert {row["read"] for row in rows} == {len(pairs)} != {len(rows)}
    for key, row in zip(told, rows, strict=True):
        versions = [p for p in pairs if (p["tie"], p["party"], p["via"]) == key]
        lasting = [p for p in versions if p["until"] is None] or versions
        latest = max(lasting, key=lambda one: str(one["since"]))
        assert row["link"].get("valid_from") == latest["since"]
    hidden = ask(world.store, "enterprise_shared", {"id": id}, clearance="PUBLIC")
    assert (hidden.rows, hidden.redacted.nodes) == ([], len(rows))


def test_counts_are_those_of_the_snapshot(world: World) -> None:
    for kind in ("Enterprise", "Shipment", "Person"):
        rows = run(world.store, "counts", kind=kind)
        assert rows == [{"nodes": world.snapshot.node_counts[kind]}]


def test_an_enterprises_own_items_are_no_peers(world: World) -> None:
    enterprise = world.busiest("IMPORTED")
    own: Counter[tuple[str, str, str]] = Counter()
    for row in run(world.store, "enterprise_prices", id=enterprise, limit=1000):
        own[row["hs_code"], row["direction"], row["currency"]] += row["items"]
    codes = sorted({code for code, *_ in own})

    def items(**more: str) -> Counter[tuple[str, str, str]]:
        rows = run(world.store, "commodity_prices", codes=codes, **more)
        return Counter(
            {(row["hs_code"], row["direction"], row["currency"]): row["items"] for row in rows}
        )

    every = items()
    assert items(without=enterprise) == +(every - own) != every
    assert items(without="nobody") == every


def test_imports_are_compared_with_imports(world: World) -> None:
    """Of a commodity that is imported and exported, each direction has its own items."""
    counted = world.store.read(
        "test",
        "MATCH (s:Shipment)-[c:CONTAINS]->(k:Commodity) WHERE c.net_mass_kg > 0"
        " RETURN k.id AS code, s.direction AS direction, c.currency AS currency, count(c) AS items",
        {},
    )
    expected = {(row["code"], row["direction"], row["currency"]): row["items"] for row in counted}
    both = {code for code, way, _ in expected if way == "I"} & {
        code for code, way, _ in expected if way == "E"
    }
    assert both
    rows = run(world.store, "commodity_prices", codes=sorted(both)[:20])
    told = {(row["hs_code"], row["direction"], row["currency"]): row["items"] for row in rows}
    assert told == {key: n for key, n in expected.items() if key[0] in sorted(both)[:20]}
