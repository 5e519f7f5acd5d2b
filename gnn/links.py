"""Who shares what with whom, and from which day on: the links the graph network learns to weigh.

Every kind of link has the same form, parties that belong to a hub: enterprises at one address, at
one telephone, under one person, under one owner, with one broker, seller or buyer, paid by one.
So an enterprise reaches another in one hop through a hub both belong to. No torch here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gnn.baselines import Codes, Days
from gnn.cases import Cases
from graph.snapshot import NO_START, Snapshot

_PERSONAL = (
    "LEGALLY_REPRESENTS", "DIRECTS", "SUPERVISES", "EXECUTIVE_OF", "CONTACT_FOR", "OWNS",
    "CONTROLS",
)  # fmt: skip
_CORPORATE = ("OWNS", "CONTROLS", "BRANCH_OF", "GUARANTEES", "LENDS_TO")

#: The kinds of link, with what a reader should take each to mean.
KINDS = {
    "address": "enterprises registered at the same address",
    "contact": "enterprises with the same telephone number or e-mail address",
    "person": "enterprises that the same person represents, directs, owns or controls",
    "owner": "enterprises held, controlled, guaranteed or financed by the same enterprise",
    "broker": "enterprises that use the same declarant",
    "seller": "importers that buy from the same exporter",
    "buyer": "exporters that sell to the same importer",
    "payment": "enterprises that pay the same enterprise",
}


@dataclass(frozen=True)
class Link:
    """One kind of link: party `party[i]` belongs to hub `hub[i]`, known from day `known[i]` on.

    Parties and hubs are numbered from 0; `parties` and `hubs` are how many there are. Each pair
    stands once, with the first day on which it was known.
    """

    kind: str
    party: Codes
    hub: Codes
    known: Days
    parties: int
    hubs: int


def links(snapshot: Snapshot, cases: Cases) -> tuple[Link, ...]:
    """All links of a snapshot and its shipments, kinds in the order of `KINDS`. O(m log m)."""
    found = {kind: list(parts) for kind, parts in _parts(snapshot, cases)}
    return tuple(_unite(kind, found[kind], cases.enterprises) for kind in KINDS)


_Part = tuple[Codes, Codes, Days]


def _parts(snapshot: Snapshot, cases: Cases) -> Iterator[tuple[str, list[_Part]]]:
    yield "address", [_edges(snapshot, "REGISTERED_AT", "Enterprise", "Address")]
    yield "contact", [_edges(snapshot, "REACHED_AT", "Enterprise", "Contact")]
    yield "person", [_turned(_edges(snapshot, kind, "Person", "Enterprise")) for kind in _PERSONAL]
    yield (
        "owner",
        _with_hub(
            [_turned(_edges(snapshot, kind, "Enterprise", "Enterprise")) for kind in _CORPORATE]
        ),
    )
    yield "broker", [_traded(cases, role, "declarant") for role in ("importer", "exporter")]
    yield "seller", [_traded(cases, "importer", "exporter")]
    yield "buyer", [_traded(cases, "exporter", "importer")]
    yield "payment", _with_hub([_edges(snapshot, "PAID", "Enterprise", "Enterprise")])


def _edges(snapshot: Snapshot, kind: str, source: str, target: str) -> _Part:
    """The edges between two kinds of node, numbered within the kinds."""
    edges = snapshot.edges(kind)
    first, past_first = snapshot.range(source)
    second, past_second = snapshot.range(target)
    inside = (
        (edges.source >= first)
        & (edges.source < past_first)
        & (edges.target >= second)
        & (edges.target < past_second)
    )
    known = np.maximum(edges.recorded_at[inside], edges.valid_from[inside])
    return edges.source[inside] - first, edges.target[inside] - second, known


def _turned(part: _Part) -> _Part:
    return part[1], part[0], part[2]


def _with_hub(parts: list[_Part]) -> list[_Part]:
    """Let each hub that is itself an enterprise belong to its own group."""
    return [*parts, *((hub, hub, known) for _, hub, known in parts)]


def _traded(cases: Cases, party: str, hub: str) -> _Part:
    """Pairs of roles in the same shipment; the pair is known the day after."""
    first, second = cases.parties[party], cases.parties[hub]
    both = (first >= 0) & (second >= 0)
    return first[both], second[both], cases.declared[both] + 1


def _unite(kind: str, parts: list[_Part], enterprises: int) -> Link:
    party, hub, known = (np.concatenate([part[i] for part in parts]) for i in range(3))
    hubs = int(hub.max(initial=-1)) + 1
    order = np.lexsort((known, hub, party))
    party, hub, known = party[order], hub[order], known[order]
    new = np.ones(len(party), dtype=bool)
    new[1:] = (party[1:] != party[:-1]) | (hub[1:] != hub[:-1])
    days = np.maximum(known[new], NO_START).astype(np.int32)
    return Link(
        kind, party[new].astype(np.int64), hub[new].astype(np.int64), days, enterprises, hubs
    )
