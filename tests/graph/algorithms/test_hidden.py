"""What an answer tells of paths above the reader's clearance: that they are there, nothing else."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from itertools import count
from typing import Any, NamedTuple

import networkx
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.algorithms.paths import Limits
from graph.algorithms.policy import load_policy
from graph.algorithms.propagation import risk_paths
from graph.ontology import EDGE_KINDS, MARKINGS, NODE_KINDS
from graph.snapshot import NO_END, EdgeArrays, Snapshot, build, to_day
from graph.store.lake import Lake

DAY = date(2024, 6, 30)
PUBLIC, SECRET = 0, MARKINGS.index("SECRET")
#: In the order of a snapshot. The last one, and the penalty of `b`, are SECRET; so are the second
#: shipment and the second finding.
FIRMS = ("a", "b", "c", "d", "t", "v", "x")
HIDDEN_NODES = {("Enterprise", 6), ("CreditEvent", 6), ("CreditEvent", 1), ("Shipment", 1),
                ("Finding", 1)}  # fmt: skip
PAST, ENDED, FUTURE = (to_day(date(year, 3, 1)) for year in (2019, 2023, 2025))
#: The kinds of the ends of drawn edges, and of how many nodes.
ENDS = {
    "OWNS": ("Enterprise", "Enterprise"),
    "CONTROLS": ("Enterprise", "Enterprise"),
    "SUBJECT_OF": ("Enterprise", "CreditEvent"),
    "FOUND_AGAINST": ("Finding", "Enterprise"),
    "FOUND_IN": ("Finding", "Shipment"),
    "IMPORTED": ("Enterprise", "Shipment"),
    "EXPORTED": ("Enterprise", "Shipment"),
}
SIZES = {"Enterprise": len(FIRMS), "CreditEvent": len(FIRMS), "Finding": 2, "Shipment": 2}


class Edge(NamedTuple):
    """An edge of a drawn world: the places of its ends among those of their kinds, its markings,
    and its share and days, which differ in two worlds if the reader may not see them."""

    source: int
    target: int
    marking: int = PUBLIC
    property_marking: int = PUBLIC
    shares: tuple[float, float] = (0.3, 0.3)
    starts: tuple[int, int] = (PAST, PAST)
    ends: tuple[int, int] = (NO_END, NO_END)


Drawn = dict[str, list[Edge]]
_numbers = count()


@dataclass(frozen=True, repr=False)
class Base:
    """The nodes of all worlds, in a real snapshot."""

    snapshot: Snapshot

    def world(self, drawn: Drawn, which: int = 0) -> Snapshot:
        """A snapshot with the drawn edges: the first or the second of two that differ in nothing
        but what a PUBLIC reader may not see."""
        base = self.snapshot
        mapped: dict[tuple[str, str], Any] = {
            **{("nodes", kind): base.nodes(kind) for kind in NODE_KINDS},
            **{("edges", kind): base.edges(kind) for kind in EDGE_KINDS},
        }
        for kind, day in (("CreditEvent", "occurred_on"), ("Finding", "inspected_on")):
            mapped["nodes", kind] = _heavier(base.nodes(kind), day) if which else base.nodes(kind)
        for kind, edges in drawn.items():
            mapped["edges", kind] = self._arrays(kind, edges, which)
        return replace(base, folder=base.folder / f"drawn-{next(_numbers)}", _mapped=mapped)

    def _arrays(self, kind: str, edges: list[Edge], which: int) -> EdgeArrays:
        def column(values: Iterable[Any], type: Any) -> Any:
            return np.array(list(values), dtype=type)

        source, target = (self.snapshot.range(end)[0] for end in ENDS[kind])
        edges = sorted(edges, key=lambda edge: edge[:2])
        told = [0 if _shown(kind, edge) else which for edge in edges]
        return EdgeArrays(
            column((edge.source + source for edge in edges), np.int64),
            column((edge.target + target for edge in edges), np.int64),
            column((edge.shares[at] for edge, at in zip(edges, told, strict=True)), np.float64),
            column((edge.starts[at] for edge, at in zip(edges, told, strict=True)), np.int32),
            column((edge.ends[at] for edge, at in zip(edges, told, strict=True)), np.int32),
            column((PAST for _ in edges), np.int32),
            column((edge.marking for edge in edges), np.uint8),
            column((b"record" for _ in edges), "S16"),
            column((edge.property_marking for edge in edges), np.uint8),
        )


def _shown(kind: str, edge: Edge) -> bool:
    ends = set(zip(ENDS[kind], edge[:2], strict=True))
    return edge.marking == edge.property_marking == PUBLIC and not ends & HIDDEN_NODES


def _heavier(table: pa.Table, day: str) -> pa.Table:
    """The nodes, with heavier and newer reasons where they are SECRET."""
    secret = pc.equal(table["marking"], "SECRET")
    for name, value in (("severity", pa.scalar("serious")), (day, pa.scalar(date(2024, 6, 1)))):
        column = pc.if_else(secret, value.cast(table[name].type), table[name])
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return table


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, write_lake: Callable[..., Lake]) -> Base:
    markings = ("PUBLIC", "SECRET")
    light = {"severity": "general", "recorded_at": DAY}
    with write_lake(tmp_path_factory.mktemp("worlds"), {
        "enterprises": [{"enterprise_id": name, "name": f"Firm {name}", "country": "CN",
                         "marking": markings[name == "x"]} for name in FIRMS],
        "credit_events": [{"event_id": f"penalty-{name}", "enterprise_id": name, "type": "penalty",
                           "occurred_on": date(2019, 5, 5), "marking": markings[name in "bx"],
                           **light} for name in FIRMS],
        "shipments": [{"shipment_id": f"S{number}", "declared_at": date(2024, 4, 1),
                       "marking": marking} for number, marking in enumerate(markings)],
        "findings": [{"finding_id": f"F{number}", "shipment_id": f"S{number}", "marking": marking,
                      "outcome": "violation", "inspected_on": date(2022, 1, 1), **light}
                     for number, marking in enumerate(markings)],
    }) as lake:  # fmt: skip
        snapshot = build(lake, lake.settings, as_of=DAY, known_at=DAY)
    hidden = {(kind, place) for kind, size in SIZES.items() for place in range(size)
              if snapshot.nodes(kind)["marking"][place].as_py() == "SECRET"}  # fmt: skip
    assert hidden == HIDDEN_NODES
    return Base(snapshot)


A, B, C, D, T, V, X = range(len(FIRMS))
PENALTY_OF_V: Drawn = {"SUBJECT_OF": [Edge(V, V)]}


def ask(base: Base, drawn: Drawn, **more: Any) -> dict[str, Any]:
    """What a PUBLIC reader is told of `t`."""
    return risk_paths(base.world(drawn), "t", clearance="PUBLIC", **more).as_dict()


def kinds(answer: dict[str, Any]) -> list[list[str]]:
    return [[hop["kind"] for hop in path["hops"]] for path in answer["paths"]]


@pytest.mark.parametrize("share", [0.01, 0.3, 0.95, np.nan])
@pytest.mark.parametrize("ended", [NO_END, ENDED])
def test_a_hidden_way_counts_however_strong_it_is(base: Base, share: float, ended: int) -> None:
    hidden = Edge(A, T, SECRET, SECRET, (share, share), ends=(ended, ended))
    open_ones = [Edge(V, T), Edge(V, A, shares=(0.9, 0.9))]
    told = ask(base, {**PENALTY_OF_V, "OWNS": [*open_ones, hidden]})
    assert kinds(told) == [["OWNS"], ["OWNS", "REDACTED"]]
    assert told["influence"] == pytest.approx(told["paths"][0]["contribution"])
    assert told["redacted"] == {"nodes": 0, "edges": 1, "paths": 1, "properties": 0}
    assert kinds(ask(base, {**PENALTY_OF_V, "OWNS": open_ones})) == [["OWNS"]]


def test_a_hidden_tie_beside_a_visible_one_counts(base: Base) -> None:
    told = ask(base, {**PENALTY_OF_V, "OWNS": [Edge(V, T)],
                      "CONTROLS": [Edge(V, T, SECRET, SECRET)]})  # fmt: skip
    assert kinds(told) == [["OWNS"], ["REDACTED"]]
    [_, hidden] = told["paths"]
    assert [(hop["from"], hop["to"]) for hop in hidden["hops"]] == [(None, "t")]


@pytest.mark.parametrize("heavier", [0, 1])
def test_of_two_findings_the_hidden_one_is_a_hidden_way(base: Base, heavier: int) -> None:
    world = base.world({
        "FOUND_AGAINST": [Edge(0, V), Edge(1, V)], "FOUND_IN": [Edge(0, 0), Edge(1, 1)],
        "IMPORTED": [Edge(T, 0), Edge(T, 1)], "EXPORTED": [Edge(V, 0), Edge(V, 1)],
    }, heavier)  # fmt: skip
    told = risk_paths(world, "t", clearance="PUBLIC").as_dict()
    assert kinds(told) == [["SUBJECT_OF_FINDING", "FOUND_IN", "IMPORTED_BY"], ["REDACTED"] * 3]
    assert "F1" not in str(told) and "S1" not in str(told)
    assert told["redacted"]["paths"] == 1


def test_a_path_from_a_hidden_cause_counts_beside_one_from_a_visible_party(base: Base) -> None:
    """The penalty of `b` is SECRET: all its steps show but the first one."""
    told = ask(base, {"SUBJECT_OF": [Edge(V, V), Edge(B, B, SECRET, SECRET)],
                      "OWNS": [Edge(V, T), Edge(B, A), Edge(A, T)]})  # fmt: skip
    assert kinds(told) == [["OWNS"], ["REDACTED", "OWNS"]]
    assert [hop["from"] for hop in told["paths"][1]["hops"]] == [None, "a"]


@st.composite
def edges(draw: st.DrawFn, kind: str) -> list[Edge]:
    pair = st.tuples(*(st.integers(0, SIZES[end] - 1) for end in ENDS[kind]))
    most = 14 if kind in ("OWNS", "CONTROLS") else 6
    marking, share = st.sampled_from([PUBLIC, SECRET]), st.sampled_from([0.01, 0.3, 1.0, np.nan])
    start, end = st.sampled_from([PAST, ENDED, FUTURE]), st.sampled_from([ENDED, FUTURE, NO_END])
    result = []
    for source, target in draw(st.lists(pair, unique=True, max_size=most)):
        exists = draw(marking)
        shown = draw(st.sampled_from([exists, SECRET]))
        ends = (draw(end), draw(end))
        if exists == PUBLIC and NO_END in ends:  # that it has some end, which is hidden, is counted
            ends = (NO_END, NO_END)
        shares, starts = (draw(share), draw(share)), (draw(start), draw(start))
        result.append(Edge(source, target, exists, shown, shares, starts, ends))
    return result


drawn_edges = st.fixed_dictionaries({kind: edges(kind) for kind in ENDS})
drawn_limits = st.builds(
    Limits,
    max_hops=st.integers(1, 4),
    hub_limit=st.sampled_from([2, 4, 500]),
    arc_limit=st.sampled_from([6, 15, 200_000]),
    step_limit=st.sampled_from([10, 40, 20_000]),
    path_limit=st.sampled_from([1, 2, 100]),
)


@settings(deadline=None, max_examples=150)
@given(drawn=drawn_edges, limits=drawn_limits)
def test_an_answer_depends_on_no_hidden_value(base: Base, drawn: Drawn, limits: Limits) -> None:
    policy = replace(load_policy(), limits=limits)
    first, second = (
        risk_paths(base.world(drawn, which), "t", policy=policy, limit=3, clearance="PUBLIC")
        for which in (0, 1)
    )
    assert first.as_dict() == second.as_dict()


@settings(deadline=None, max_examples=100)
@given(drawn=st.fixed_dictionaries({kind: edges(kind) for kind in ("OWNS", "CONTROLS")}))
def test_every_party_with_a_hidden_way_is_counted_once(base: Base, drawn: Drawn) -> None:
    """Against an exhaustive search. The penalties of `b` and `x` are SECRET."""
    ties: Any = networkx.MultiDiGraph()
    ties.add_nodes_from(range(len(FIRMS)))
    for edges in drawn.values():
        for edge in edges:
            seen = edge.marking == PUBLIC and X not in edge[:2]
            if edge.starts[0] != FUTURE or not (seen and edge.property_marking == PUBLIC):
                ties.add_edge(*edge[:2], hidden=not seen)
                ties.add_edge(*edge[1::-1], hidden=not seen)
    parties = [A, B, C, V, X]
    hidden = {
        party
        for party in parties
        for path in networkx.all_simple_edge_paths(ties, party, T, cutoff=3)
        if party in (B, X) or any(ties.edges[step]["hidden"] for step in path)
    }
    policy = load_policy()
    policy = replace(policy, limits=replace(policy.limits, max_hops=3, least=1e-12))
    told = ask(base, {"SUBJECT_OF": [Edge(n, n) for n in parties], **drawn}, policy=policy)
    assert told["redacted"]["paths"] == len(hidden)
    assert told["partial"] is False
