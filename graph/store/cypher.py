"""The ontology as Cypher: constraints, indexes, batched writes, clean-up, key listings.

Labels and types come from `graph.ontology` only; values travel as parameters. Every statement has
a name for logs and errors. Writes are by key, so carrying one out twice leaves the same graph.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from graph.ontology import EDGE_KINDS, NODE_KINDS


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


def write_edges(kind: str, source_kind: str, target_kind: str) -> Statement:
    """Create or replace edges between nodes that are there.

    Parameter `rows`: maps with `source_id`, `target_id`, `key` and `properties`. Two `MATCH`
    clauses, each by label and id, so that each is one look into an index.
    """
    _joined(kind, source_kind, target_kind)
    return Statement(
        f"write {source_kind}-{kind}-{target_kind}",
        "UNWIND $rows AS row\n"
        f"MATCH (source:{source_kind} {{id: row.source_id}})\n"
        f"MATCH (target:{target_kind} {{id: row.target_id}})\n"
        f"MERGE (source)-[edge:{kind} {{key: row.key}}]->(target)\n"
        "SET edge = row.properties",
    )


def remove_nodes(kind: str) -> Statement:
    """Remove nodes with whatever hangs on them. Parameter `ids`."""
    _known(kind, NODE_KINDS)
    return Statement(
        f"remove {kind}", f"UNWIND $ids AS id\nMATCH (n:{kind} {{id: id}})\nDETACH DELETE n"
    )


def remove_edges(kind: str, source_kind: str, target_kind: str) -> Statement:
    """Remove edges. Parameter `rows`: maps with `source_id`, `target_id` and `key`."""
    _joined(kind, source_kind, target_kind)
    return Statement(
        f"remove {source_kind}-{kind}-{target_kind}",
        "UNWIND $rows AS row\n"
        f"MATCH (source:{source_kind} {{id: row.source_id}})"
        f"-[edge:{kind} {{key: row.key}}]->"
        f"(target:{target_kind} {{id: row.target_id}})\n"
        "DELETE edge",
    )


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
