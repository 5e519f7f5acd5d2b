"""The ontology as Cypher: constraints, indexes, batched writes, clean-up, key listings.

Labels and types come from `graph.ontology` only; values travel as parameters. Every statement has
a name for logs and errors. Writes are by key, so carrying one out twice leaves the same graph.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from graph.ontology import EDGE_KINDS, NODE_KINDS

#: The end of an edge at which a server looks for it.
End = Literal["source", "target"]


@dataclass(frozen=True)
class Statement:
    """A Cypher statement and the name it is known by."""

    name: str
    cypher: str


def schema() -> tuple[Statement, ...]:
    """What the graph needs before anything is written: unique ids, then indexes."""
    return (*_constraints(), *_indexes())


def _constraints() -> Iterable[Statement]:
    for kind in NODE_KINDS:
        yield Statement(
            f"constraint {kind}.id",
            f"CREATE CONSTRAINT {kind}_id IF NOT EXISTS FOR (n:{kind}) REQUIRE n.id IS UNIQUE",
        )


def _indexes() -> Iterable[Statement]:
    for kind in NODE_KINDS.values():
        for prop in kind.properties:
            if prop.indexed:
                yield Statement(
                    f"index {kind.name}.{prop.name}",
                    f"CREATE INDEX {kind.name}_{prop.name} IF NOT EXISTS"
                    f" FOR (n:{kind.name}) ON (n.{prop.name})",
                )


def write_nodes(kind: str) -> Statement:
    """Create or replace nodes. Parameter `rows`: maps with `id` and `properties`."""
    _known(kind, NODE_KINDS)
    return Statement(
        f"write {kind}",
        f"UNWIND $rows AS row\nMERGE (n:{kind} {{id: row.id}})\nSET n = row.properties",
    )


def write_edges(kind: str, source_kind: str, target_kind: str, begin: End = "source") -> Statement:
    """Create or replace edges between nodes that are there.

    Parameter `rows`: maps with `source_id`, `target_id`, `key` and `properties`. Two `MATCH`
    clauses, each by label and id, so that each is one look into an index. `begin` at the end with
    the fewer edges: a server may look for the edge among all edges of the end named first, which
    at a hub of n edges would cost n looks for each of them.
    """
    _joined(kind, source_kind, target_kind)
    return Statement(
        f"write {source_kind}-{kind}-{target_kind}",
        "UNWIND $rows AS row\n"
        f"{_ends(source_kind, target_kind)}"
        f"MERGE {_pattern(kind, begin)}\n"
        "SET edge = row.properties",
    )


def remove_nodes(kind: str) -> Statement:
    """Remove nodes with whatever hangs on them. Parameter `ids`."""
    _known(kind, NODE_KINDS)
    return Statement(
        f"remove {kind}", f"UNWIND $ids AS id\nMATCH (n:{kind} {{id: id}})\nDETACH DELETE n"
    )


def remove_edges(kind: str, source_kind: str, target_kind: str, begin: End = "source") -> Statement:
    """Remove edges; `begin` as in `write_edges`.

    Parameter `rows`: maps with `source_id`, `target_id` and `key`.
    """
    _joined(kind, source_kind, target_kind)
    return Statement(
        f"remove {source_kind}-{kind}-{target_kind}",
        "UNWIND $rows AS row\n"
        f"{_ends(source_kind, target_kind)}"
        f"MATCH {_pattern(kind, begin)}\n"
        "DELETE edge",
    )


def _ends(source_kind: str, target_kind: str) -> str:
    """Finds both ends of a row's edge."""
    return (
        f"MATCH (source:{source_kind} {{id: row.source_id}})\n"
        f"MATCH (target:{target_kind} {{id: row.target_id}})\n"
    )


def _pattern(kind: str, begin: End) -> str:
    """A row's edge between its ends."""
    edge = f"[edge:{kind} {{key: row.key}}]"
    return f"(source)-{edge}->(target)" if begin == "source" else f"(target)<-{edge}-(source)"


def node_keys(kind: str) -> Statement:
    """Every node of a kind: id, digest."""
    _known(kind, NODE_KINDS)
    return Statement(f"keys of {kind}", f"MATCH (n:{kind})\nRETURN n.id AS id, n.digest AS digest")


def edge_keys(source_kind: str) -> Statement:
    """Every edge that leaves the nodes of a kind whose ids are in parameter `ids`:
    kind, target_kind, source_id, target_id, key, digest."""
    _known(source_kind, NODE_KINDS)
    return Statement(
        f"keys of edges from {source_kind}",
        "UNWIND $ids AS id\n"
        f"MATCH (source:{source_kind} {{id: id}})-[edge]->(target)\n"
        "RETURN type(edge) AS kind, head(labels(target)) AS target_kind, id AS source_id,"
        " target.id AS target_id, edge.key AS key, edge.digest AS digest",
    )


def count_nodes(kind: str) -> Statement:
    """The number of nodes of a kind, as `count`."""
    _known(kind, NODE_KINDS)
    return Statement(f"count {kind}", f"MATCH (n:{kind}) RETURN count(n) AS count")


def count_edges(kind: str) -> Statement:
    """The number of edges of a kind, as `count`."""
    _known(kind, EDGE_KINDS)
    return Statement(f"count {kind}", f"MATCH ()-[edge:{kind}]->() RETURN count(edge) AS count")


def joins() -> tuple[tuple[str, str, str], ...]:
    """Every (kind, source kind, target kind) that the ontology allows, in its order."""
    return tuple(
        (edge.name, source, target)
        for edge in EDGE_KINDS.values()
        for source, target in edge.endpoints
    )


def _known(kind: str, kinds: Iterable[str]) -> None:
    if kind not in kinds:
        raise KeyError(kind)


def _joined(kind: str, source_kind: str, target_kind: str) -> None:
    if (source_kind, target_kind) not in EDGE_KINDS[kind].endpoints:
        raise KeyError(f"{source_kind}-{kind}-{target_kind}")
