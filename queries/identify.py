"""Of which kind an id is: asked of the snapshot and the lake, so that no graph server is needed."""

from typing import Protocol

import ibis

from graph import access
from graph.algorithms.network import node_markings
from graph.errors import NotFound
from graph.ontology import NODE_KINDS
from graph.snapshot import Snapshot
from graph.tables import TABLES


class Statements(Protocol):
    """What is needed of the lake."""

    def statements(self, table: str) -> ibis.Table:
        """Every statement of a table."""


def kind_of(
    lake: Statements, snapshot: Snapshot | None, id: str, clearance: str = access.HIGHEST
) -> str | None:
    """The kind of the node with this id that the reader may know of; None when there is none.

    The snapshot is asked first, O(log n); then the lake, which may have learned of it since, in
    one query that reads the columns of ids.
    """
    found = _in_snapshot(snapshot, id, clearance) if snapshot else None
    return found or _in_lake(lake, id, clearance)


def require_enterprise(
    lake: Statements, snapshot: Snapshot | None, id: str, clearance: str = access.HIGHEST
) -> None:
    """Raises `NotFound` unless an enterprise has the id; it says what else has it."""
    kind = kind_of(lake, snapshot, id, clearance)
    if kind is None:
        raise NotFound(f"nothing has the id {id!r}", hint="find ids with `hawser search NAME`")
    if kind != "Enterprise":
        raise NotFound(
            f"{id} is a {kind}, not an Enterprise",
            hint=f"`hawser query neighbourhood kind={kind} id={id}` lists what it is tied to",
        )


def _in_snapshot(snapshot: Snapshot, id: str, clearance: str) -> str | None:
    seen = access.visible_mask(node_markings(snapshot), clearance)
    numbers = ((kind, int(snapshot.locate(kind, [id])[0])) for kind in snapshot.node_counts)
    return next((kind for kind, number in numbers if number >= 0 and seen[number]), None)


def _in_lake(lake: Statements, id: str, clearance: str) -> str | None:
    shown = access.within(clearance)
    hits = []
    for kind, table, column in _places():
        rows = lake.statements(table)
        rows = rows.filter(rows[column] == id, rows.marking.isin(shown)).limit(1)
        hits.append(rows.select(kind=ibis.literal(kind)))
    kinds = set(ibis.union(*hits, distinct=True).to_pyarrow()["kind"].to_pylist())
    return next((kind for kind in NODE_KINDS if kind in kinds), None)


def _places() -> list[tuple[str, str, str]]:
    """Kind, table and column of every column that nodes take their ids from as they are."""
    return [
        (kind.name, origin.table, origin.column)
        for kind in NODE_KINDS.values()
        for origin in kind.origins
        if origin.identity == "verbatim" and not TABLES[origin.table].column(origin.column).many
    ]
