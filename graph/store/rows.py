"""The projection's rows in the form in which the graph server keeps them.

Both ways of loading read these tables, so they end in the same graph. Dates become ISO 8601 texts;
`digest` is a hash of everything else in the row, by which an increment tells what changed. Edges
whose ends are not both there are left out and counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import reduce

import ibis.expr.types as ir
import pyarrow as pa

from graph.ontology import EDGE_KINDS, NODE_KINDS
from graph.projection import edge_table, md5, node_table
from graph.store.lake import Lake

NODE_KEY = ("id",)
EDGE_KEY = ("source_id", "target_id", "key")
_ENDS = ("source_kind", "source_id", "target_kind", "target_id")
_SEPARATOR = "\x1f"


@dataclass(frozen=True)
class Part:
    """The rows of one node kind, or of one edge kind between two node kinds.

    `columns` are the properties in the graph, `digest` last; the edge's ends come before them.
    """

    kind: str
    table: ir.Table
    columns: tuple[str, ...]
    ends: tuple[str, str] | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify a row."""
        return NODE_KEY if self.ends is None else EDGE_KEY


@dataclass
class GraphRows:
    """A lake's graph as of a day and a knowledge time, worked out once and kept while open.

    The tables live in the lake's DuckDB connection, which spills to disk within its memory limit.
    """

    lake: Lake
    as_of: date | None = None
    known_at: date | None = None
    judgements: pa.Table | None = None
    nodes: dict[str, Part] = field(default_factory=dict)
    dangling: dict[str, int] = field(default_factory=dict)

    def node_part(self, kind: str) -> Part:
        """The rows of a node kind; kept, because edges are checked against their ids."""
        if kind not in self.nodes:
            rows = node_table(self.lake, kind, as_of=self.as_of, known_at=self.known_at)
            rows = _digested(_as_text(rows))
            self.nodes[kind] = Part(kind, self._keep(f"load_{kind}", rows), tuple(rows.columns))
        return self.nodes[kind]

    def node_parts(self) -> Iterator[Part]:
        """All node kinds in the ontology's order."""
        return (self.node_part(kind) for kind in NODE_KINDS)

    def edge_parts(self, kind: str) -> Iterator[Part]:
        """An edge kind, one part for each pair of node kinds that it joins."""
        rows = edge_table(
            self.lake,
            kind,
            as_of=self.as_of,
            known_at=self.known_at,
            judgements=self.judgements,
        )
        rows = rows.rename({"source_id": "source", "target_id": "target"})
        rows = _digested(_as_text(rows.rename({"source": "statement_source"})))
        kept = self._keep(f"load_{kind}", rows)
        columns = tuple(name for name in rows.columns if name not in _ENDS)
        found = 0
        for source, target in EDGE_KINDS[kind].endpoints:
            table = self._between(kept, source, target)
            found += int(table.count().execute())
            yield Part(kind, table, columns, (source, target))
        missing = int(kept.count().execute()) - found
        if missing:
            self.dangling[kind] = missing
        drop(self.lake, f"load_{kind}")

    def close(self) -> None:
        """Give the kept tables back."""
        for kind in self.nodes:
            drop(self.lake, f"load_{kind}")
        self.nodes.clear()

    def _between(self, rows: ir.Table, source: str, target: str) -> ir.Table:
        rows = rows.filter(rows["source_kind"] == source, rows["target_kind"] == target)
        sources, targets = self.node_part(source).table, self.node_part(target).table
        rows = rows.filter(rows["source_id"].isin(sources["id"]))
        rows = rows.filter(rows["target_id"].isin(targets["id"]))
        return rows.drop("source_kind", "target_kind")

    def _keep(self, name: str, rows: ir.Table) -> ir.Table:
        return keep(self.lake, name, rows)


def keep(lake: Lake, name: str, rows: ir.Table | pa.Table) -> ir.Table:
    """Work rows out into a temporary table beside the lake's."""
    drop(lake, name)
    if not isinstance(rows, pa.Table):
        return lake.connection.create_table(name, obj=rows, temp=True)
    connection = lake.connection.con
    connection.register("told", rows)
    connection.execute(f'CREATE TEMP TABLE "{name}" AS SELECT * FROM told').fetchall()
    connection.unregister("told")
    return lake.connection.table(name)


def drop(lake: Lake, name: str) -> None:
    """Give a temporary table back."""
    lake.connection.con.execute(f'DROP TABLE IF EXISTS temp."{name}"').fetchall()


def parameter_rows(part: Part, batch: pa.RecordBatch) -> list[dict[str, object]]:
    """A batch as the driver wants it: the key, and the properties that are not null.

    The one place where rows become Python objects: the driver packs lists of maps.
    """
    properties = batch.select(list(part.columns)).to_pylist()
    keys = batch.select(list(part.key)).to_pylist()
    return [
        {**key, "properties": {name: value for name, value in row.items() if value is not None}}
        for key, row in zip(keys, properties, strict=True)
    ]


def stream(lake: Lake, table: ir.Table, size: int) -> pa.RecordBatchReader:
    """The table's rows in batches of at most `size`; ask the lake nothing else meanwhile."""
    query = lake.connection.compile(table)
    return lake.connection.con.sql(query).to_arrow_reader(size)


def _as_text(rows: ir.Table) -> ir.Table:
    """Dates as ISO 8601 texts."""
    dates = [name for name, kind in rows.schema().items() if kind.is_date()]
    return rows.mutate(**{name: rows[name].cast("string") for name in dates})


def _digested(rows: ir.Table) -> ir.Table:
    """Add `digest`, 16 hexadecimal characters of the hash of all columns, nulls told apart."""
    parts = [
        (rows[name].join("\x1e") if kind.is_array() else rows[name].cast("string")).fill_null("\0")
        for name, kind in rows.schema().items()
    ]
    text = reduce(lambda left, right: left + _SEPARATOR + right, parts)
    return rows.mutate(digest=md5(text).substr(0, 16))


def key_table(rows: list[list[object]], names: tuple[str, ...]) -> pa.Table:
    """Rows of texts as an Arrow table."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.table(
        {name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)}
    )
