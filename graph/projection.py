"""The lake's tables as nodes and edges: one generic reading of the ontology's origins.

Graph loads and snapshots both come from here, so they cannot disagree. Everything is an Ibis
expression over whole tables: the same expressions run on DuckDB and on Spark. With r rows in the
tables a kind is read from, a projection costs one hash join or aggregation, O(r), and a sort of
the rows of a key where several statements share it.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import reduce
from typing import Protocol

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from graph.access import HIGHEST, OWN_MARKING
from graph.ontology import (
    EDGE_KINDS,
    MARKINGS,
    NODE_KINDS,
    EdgeKind,
    EdgeOrigin,
    NodeKind,
    NodeOrigin,
    Property,
    Reference,
)
from graph.tables import TABLES

_TYPES = {"text": "string", "date": "date", "number": "float64", "integer": "int64"}
_STATEMENT = ("record", "marking", "valid_from", "valid_to", "recorded_at")
NODE_PROVENANCE = ("source", *_STATEMENT, "markings")
EDGE_PROVENANCE = ("statement_source", *_STATEMENT, "markings")

EDGE_IDENTITY = ("source_kind", "source", "target_kind", "target", "key")

JUDGEMENT_SCHEMA = pa.schema(
    {
        "left_kind": pa.string(),
        "left_id": pa.string(),
        "right_kind": pa.string(),
        "right_id": pa.string(),
        "judgement": pa.string(),
        "score": pa.float64(),
        "derivation": pa.string(),
        "marking": pa.string(),
        "created_on": pa.date32(),
    }
)


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def md5(text: str) -> str:  # type: ignore[empty-body]
    """DuckDB's and Spark's `md5`, in hexadecimal."""


class Statements(Protocol):
    """What the projection reads: the lake."""

    def statements(self, table: str) -> ir.Table:
        """Every statement of a table."""

    def table(
        self, table: str, *, as_of: date | None = None, known_at: date | None = None
    ) -> ir.Table:
        """The statements in force, one a key."""

    def markings(self, table: str) -> frozenset[str]:
        """The markings that occur among the statements of a table."""


def node_table(
    lake: Statements, kind: str, *, as_of: date | None = None, known_at: date | None = None
) -> ir.Table:
    """The nodes of one kind: `id`, its properties and `NODE_PROVENANCE`, one row an id.

    Properties come from one statement: of the origin declared first, the interval that began last,
    recorded last. `markings` is the sorted set of the markings of all statements that name the id.
    """
    node = NODE_KINDS[kind]
    rows = [
        _node_rows(lake.table(origin.table, as_of=as_of, known_at=known_at), node, origin, priority)
        for priority, origin in enumerate(node.origins)
    ]
    winners = _first(
        _union(rows),
        ("id",),
        ("priority", ibis.desc("valid_from"), ibis.desc("recorded_at"), "record"),
    ).drop("priority")
    names = ("id", *(prop.name for prop in node.properties), *NODE_PROVENANCE)
    only = _only_marking(lake, [origin.table for origin in node.origins])
    if only is not None:
        return winners.mutate(markings=ibis.array([ibis.literal(only)])).select(*names)
    said = _union(
        [
            _identified(_known(lake, origin.table, as_of, known_at), origin).select("id", "marking")
            for origin in node.origins
        ]
    )
    return _with_markings(winners, said, ("id",)).select(*names)


def edge_table(
    lake: Statements,
    kind: str,
    *,
    as_of: date | None = None,
    known_at: date | None = None,
    judgements: pa.Table | None = None,
) -> ir.Table:
    """The edges of one kind: `source_kind`, `source`, `target_kind`, `target`, `key`, properties
    and `EDGE_PROVENANCE`; one row for each (source, target, key).

    `judgements` (columns of `JUDGEMENT_SCHEMA`) are the identity judgements of the ledger; without
    them the kinds that rest on judgements are empty.
    """
    edge = EDGE_KINDS[kind]
    properties = (prop.name for prop in edge.properties)
    names = (*EDGE_IDENTITY, *properties, *EDGE_PROVENANCE)
    if edge.derived:
        return _derived(lake, edge, as_of, known_at, judgements).select(*names)
    current = [
        _edge_rows(
            lake,
            _closed(lake.table(origin.table, as_of=as_of, known_at=known_at), origin.table),
            edge,
            origin,
            as_of,
            known_at,
        )
        for origin in edge.origins
    ]
    winners = _union(current)
    if not _unique(edge):
        winners = _first(winners, EDGE_IDENTITY, (ibis.desc("recorded_at"), "record"))
    only = _only_marking(lake, [origin.table for origin in edge.origins])
    if only is not None:
        return winners.mutate(markings=ibis.array([ibis.literal(only)])).select(*names)
    said = [
        _edge_rows(
            lake, _known(lake, origin.table, as_of, known_at), edge, origin, as_of, known_at
        ).select(*EDGE_IDENTITY, "marking")
        for origin in edge.origins
    ]
    return _with_markings(winners, _union(said), EDGE_IDENTITY).select(*names)


def _unique(edge: EdgeKind) -> bool:
    """Whether the table's key alone tells the edges apart, so that none need be merged."""
    if len(edge.origins) > 1:
        return False
    origin = edge.origins[0]
    table = TABLES[origin.table]
    named = {origin.source.column, origin.target.column, *origin.key}
    listed = {
        name
        for name in (origin.source.column, origin.target.column)
        if table.column(name).many and name not in origin.key
    }
    return set(table.key) <= named and not listed


def _only_marking(lake: Statements, tables: Iterable[str]) -> str | None:
    """The marking that every statement of the tables has, if they all have the same."""
    found = frozenset[str]().union(*(lake.markings(name) for name in tables))
    return next(iter(found)) if len(found) == 1 else None


def _node_rows(table: ir.Table, node: NodeKind, origin: NodeOrigin, priority: int) -> ir.Table:
    if not origin.columns:
        table = _mentions(_identified(table, origin))
        empty = {p.name: ibis.null(_TYPES[p.type]) for p in node.properties}
        return table.select("id", **empty, **_provenance(table), priority=ibis.literal(priority))
    table = table.mutate(
        **{
            f"property_{p.name}": _typed(table, origin.columns.get(p.name), p)
            for p in node.properties
        }
    )
    rows = _identified(table, origin)
    return rows.select(
        "id",
        **{p.name: rows[f"property_{p.name}"] for p in node.properties},
        **_provenance(rows),
        priority=ibis.literal(priority),
    )


def _mentions(rows: ir.Table) -> ir.Table:
    """One row an id for nodes that rows only mention: the statement with the smallest record."""
    return rows.group_by("id").agg(
        source=rows["source"].argmin(rows["record"]),
        **{name: rows[name].argmin(rows["record"]) for name in _STATEMENT if name != "record"},
        record=rows["record"].min(),
    )


def _provenance(rows: ir.Table) -> dict[str, ir.Value]:
    return {"source": rows["source"], **{name: rows[name] for name in _STATEMENT}}


def _identified(table: ir.Table, origin: NodeOrigin) -> ir.Table:
    """The table with the node's `id`, rows without one left out, lists laid out in rows."""
    if TABLES[origin.table].column(origin.column).many:
        table = table.unnest(origin.column)
    table = table.mutate(id=_identity(table[origin.column], origin.identity))
    return table.filter(table["id"].notnull())


def _identity(column: ir.Value, identity: str) -> ir.Value:
    """A node's id from a column's text; see `graph.ontology.IDENTITIES`."""
    if identity == "hashed":
        text = column.cast("string").upper().re_replace(r"[\s\p{P}\p{S}]+", "")
        return ibis.cases((text != "", md5(text).substr(0, 16)))
    if identity == "subheading":
        return column.substr(0, 6)
    return column.cast("string").nullif("")


def _typed(table: ir.Table, column: str | None, prop: Property) -> ir.Value:
    """The property's column in the property's type; null where the origin has none."""
    if column is None:
        return ibis.null(_TYPES[prop.type])
    return table[column].cast(_TYPES[prop.type])


def _edge_rows(
    lake: Statements,
    table: ir.Table,
    edge: EdgeKind,
    origin: EdgeOrigin,
    as_of: date | None,
    known_at: date | None,
) -> ir.Table:
    if origin.where is not None:
        table = table.filter(table[origin.where[0]] == origin.where[1])
    for reference in (origin.source, origin.target):
        if TABLES[origin.table].column(reference.column).many:
            table = table.mutate(laid_out=table[reference.column])
            table = table.unnest("laid_out", offset="position").drop(reference.column)
            table = table.rename({reference.column: "laid_out"})
    rows = table.select(
        source=_identity(table[origin.source.column], origin.source.identity),
        target=_identity(table[origin.target.column], origin.target.identity),
        key=_key(table, origin),
        **{p.name: _typed(table, origin.columns.get(p.name), p) for p in edge.properties},
        statement_source=table["source"],
        **{name: table[name] for name in _STATEMENT},
    )
    rows = rows.filter(rows["source"].notnull(), rows["target"].notnull())
    rows = _with_kind(lake, rows, "source", origin.source, as_of, known_at)
    rows = _with_kind(lake, rows, "target", origin.target, as_of, known_at)
    return _allowed(rows, edge)


def _key(table: ir.Table, origin: EdgeOrigin) -> ir.Value:
    """What tells parallel edges apart, as text: columns joined by `|`, a list by its position."""
    many = {column.name for column in TABLES[origin.table].columns if column.many}
    parts = [
        table["position" if name in many else name].cast("string").fill_null("")
        for name in origin.key
    ]
    return reduce(lambda left, right: left + "|" + right, parts) if parts else ibis.literal("")


def _with_kind(
    lake: Statements,
    rows: ir.Table,
    end: str,
    reference: Reference,
    as_of: date | None,
    known_at: date | None,
) -> ir.Table:
    """Add `<end>_kind`: the only kind there is, or the one whose nodes have the id."""
    if len(reference.kinds) == 1 and reference.kinds[0] != "ListEntry":
        return rows.mutate(**{f"{end}_kind": ibis.literal(reference.kinds[0])})
    kinds = _union(
        [
            node_ids(lake, kind, as_of=as_of, known_at=known_at).mutate(
                kind=ibis.literal(kind), priority=ibis.literal(priority)
            )
            for priority, kind in enumerate(reference.kinds)
        ]
    )
    kinds = _first(kinds, ("id",), ("priority",)).select(found="id", found_kind="kind")
    joined = rows.join(kinds, rows[end] == kinds["found"])
    return joined.drop("found").rename({f"{end}_kind": "found_kind"})


def node_ids(
    lake: Statements, kind: str, *, as_of: date | None = None, known_at: date | None = None
) -> ir.Table:
    """The distinct ids of a kind, as one column `id`."""
    return _union(
        [
            _identified(lake.table(origin.table, as_of=as_of, known_at=known_at), origin).select(
                "id"
            )
            for origin in NODE_KINDS[kind].origins
        ]
    ).distinct()


def _allowed(rows: ir.Table, edge: EdgeKind) -> ir.Table:
    """Only the pairs of kinds that the edge may join."""
    tests = [
        (rows["source_kind"] == source) & (rows["target_kind"] == target)
        for source, target in edge.endpoints
    ]
    return rows.filter(reduce(lambda left, right: left | right, tests))


def _closed(table: ir.Table, name: str) -> ir.Table:
    """A state that was followed by a newer one of the same key ends when the newer one begins.

    That day is then what the newer statement says: whoever may not see it may not see the day.
    """
    key = TABLES[name].key
    if "valid_from" not in key:
        return table
    of_key = [column for column in key if column != "valid_from"]
    began = ibis.asc("valid_from", nulls_first=True)
    window = ibis.window(group_by=of_key, order_by=[began, "recorded_at", "record"])
    following = table["valid_from"].lead().over(window)
    ends = table["valid_to"].isnull() & following.notnull()
    told = ibis.ifelse(ends, table["marking"].lead().over(window), table["marking"])
    return table.mutate(
        valid_to=ibis.coalesce(table["valid_to"], following),
        marking=_higher(table["marking"], told),
    )


def _known(lake: Statements, table: str, as_of: date | None, known_at: date | None) -> ir.Table:
    """Every statement that was known and had begun, superseded ones included."""
    rows = lake.statements(table)
    if as_of is not None:
        rows = rows.filter(rows["valid_from"].isnull() | (rows["valid_from"] <= as_of))
    return rows if known_at is None else rows.filter(rows["recorded_at"] <= known_at)


def _first(rows: ir.Table, identity: Iterable[str], order: Iterable[object]) -> ir.Table:
    """The first row of each identity in the order given."""
    window = ibis.window(group_by=list(identity), order_by=list(order))
    ranked = rows.mutate(place=ibis.row_number().over(window))
    return ranked.filter(ranked["place"] == 0).drop("place")


def _with_markings(rows: ir.Table, said: ir.Table, identity: tuple[str, ...]) -> ir.Table:
    """Add `markings`: the sorted set of markings of the statements that name the same thing."""
    sets = said.group_by(list(identity)).agg(markings=said["marking"].collect(distinct=True).sort())
    return rows.join(sets, list(identity), how="inner")


def _union(tables: list[ir.Table]) -> ir.Table:
    return tables[0] if len(tables) == 1 else ibis.union(*tables, distinct=False)


def _derived(
    lake: Statements,
    edge: EdgeKind,
    as_of: date | None,
    known_at: date | None,
    judgements: pa.Table | None,
) -> ir.Table:
    if edge.name == "TRADES_WITH":
        return _trades(lake, as_of, known_at)
    told = ibis.memtable(JUDGEMENT_SCHEMA.empty_table() if judgements is None else judgements)
    if known_at is not None:
        told = told.filter(told["created_on"] <= known_at)
    wanted = "unsure" if edge.name.startswith("POSSIBLY_") else "positive"
    rows = _judged(told.filter(told["judgement"] == wanted))
    if edge.name != "LISTED_AS":
        return _allowed(rows, edge)
    rows = _allowed(_union([rows, _identifier_matches(lake, as_of, known_at)]), edge)
    rows = rows.mutate(rank=_rank(rows["marking"]))
    winners = _first(rows, EDGE_IDENTITY, (ibis.desc("score"), "rank", "record"))
    said = rows.select(*EDGE_IDENTITY, "marking")
    return _with_markings(winners.drop("rank", "markings"), said, EDGE_IDENTITY)


def _judged(told: ir.Table) -> ir.Table:
    """Judgements of identity as edges; each is known to whoever may see what it rests on."""
    marking = _higher(told["marking"].fill_null(HIGHEST), ibis.literal(OWN_MARKING))
    return told.select(
        source_kind="left_kind",
        source="left_id",
        target_kind="right_kind",
        target="right_id",
        key=ibis.literal(""),
        derivation="derivation",
        score=told["score"].cast("float64"),
        statement_source=ibis.literal("ledger"),
        record=md5(told["left_id"] + "|" + told["right_id"] + "|" + told["derivation"]).substr(
            0, 16
        ),
        marking=marking,
        valid_from=ibis.null("date"),
        valid_to=ibis.null("date"),
        recorded_at=told["created_on"],
        markings=ibis.array([marking]),
    )


def _identifier_matches(lake: Statements, as_of: date | None, known_at: date | None) -> ir.Table:
    """Enterprises whose code is among the identifiers of a list entry: known to whoever may see
    both the code and the entry, which is the record."""
    entries = lake.table("list_entries", as_of=as_of, known_at=known_at)
    entries = entries.select(
        "entry_id", "identifiers", "listed_on", "delisted_on", "source", "record", "recorded_at",
        entry_marking="marking",
    )  # fmt: skip
    entries = entries.unnest("identifiers").rename({"entry_source": "source"})
    enterprises = node_table(lake, "Enterprise", as_of=as_of, known_at=known_at)
    codes = _union(
        [
            enterprises.select("id", "marking", code=enterprises[name], rule=ibis.literal(name))
            for name in ("uscc", "customs_code")
        ]
    ).filter(lambda table: table["code"].notnull())
    rows = codes.join(entries, codes["code"] == entries["identifiers"])
    rows = rows.mutate(marking=_higher(rows["marking"], rows["entry_marking"]))
    return rows.select(
        source_kind=ibis.literal("Enterprise"),
        source="id",
        target_kind=ibis.literal("ListEntry"),
        target="entry_id",
        key=ibis.literal(""),
        derivation=ibis.literal("identifier:") + rows["rule"],
        score=ibis.literal(1.0),
        statement_source="entry_source",
        record="record",
        marking="marking",
        valid_from="listed_on",
        valid_to="delisted_on",
        recorded_at="recorded_at",
        markings=ibis.array([rows["marking"]]),
    )


def _trades(lake: Statements, as_of: date | None, known_at: date | None) -> ir.Table:
    """Exporter to importer, summed over their shipments."""
    shipments = lake.table("shipments", as_of=as_of, known_at=known_at)
    shipments = shipments.filter(
        shipments["importer_id"].notnull(),
        shipments["exporter_id"].notnull(),
        shipments["importer_id"] != shipments["exporter_id"],
    )
    items = lake.table("shipment_items", as_of=as_of, known_at=known_at)
    # Sums of floating-point numbers depend on the order of the rows, which threads do not keep;
    # sums of decimals do not, and the same lake must give the same graph.
    exact = items["customs_value"].cast("decimal(30, 4)")
    values = items.group_by("shipment_id").agg(
        customs_value=exact.sum(), items_rank=_rank(items["marking"]).max()
    )
    rows = shipments.left_join(values, "shipment_id")
    # A sum gives away each of its parts.
    highest = ibis.greatest(_rank(rows["marking"]), rows["items_rank"].fill_null(0)).max()
    summed = rows.group_by(source="exporter_id", target="importer_id").agg(
        shipments=rows.count(),
        customs_value=rows["customs_value"].sum().cast("float64"),
        last_on=rows["declared_at"].max(),
        statement_source=rows["source"].min(),
        record=rows["record"].min(),
        marking_rank=highest,
        valid_from=rows["declared_at"].min(),
        recorded_at=rows["recorded_at"].min(),
        markings=rows["marking"].collect(distinct=True).sort(),
    )
    return summed.select(
        source_kind=ibis.literal("Enterprise"),
        source="source",
        target_kind=ibis.literal("Enterprise"),
        target="target",
        key=ibis.literal(""),
        shipments="shipments",
        customs_value="customs_value",
        last_on="last_on",
        statement_source="statement_source",
        record="record",
        marking=ibis.array([ibis.literal(name) for name in MARKINGS])[summed["marking_rank"]],
        valid_from="valid_from",
        valid_to=ibis.null("date"),
        recorded_at="recorded_at",
        markings="markings",
    )


def _higher(one: ir.Value, other: ir.Value) -> ir.Value:
    """The more restrictive of two markings."""
    return ibis.ifelse(_rank(one) >= _rank(other), one, other)


def _rank(marking: ir.Value) -> ir.Value:
    ranks: Mapping[str, int] = {name: rank for rank, name in enumerate(MARKINGS)}
    return ibis.cases(*((marking == name, ibis.literal(rank)) for name, rank in ranks.items()))
