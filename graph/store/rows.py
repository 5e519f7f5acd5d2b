"""The projection's rows in the form in which the graph server keeps them.

Both ways of loading read these tables, so they end in the same graph. Dates become ISO 8601 texts;
`digest` is a hash of everything else in the row, by which an increment tells what changed. Edges
whose ends are not both there are left out and counted.

A kind's projection is worked out once into a temporary table of the lake's DuckDB connection, which
spills to disk within its memory limit; what follows is plain SQL on that table.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa

from graph.ontology import EDGE_KINDS, NODE_KINDS, EdgeOrigin
from graph.projection import edge_table, node_table
from graph.store.cypher import End
from graph.store.in_force import InForce
from graph.store.lake import Lake

NODE_KEY = ("id",)
EDGE_KEY = ("source_id", "target_id", "key")
_ENDS = ("source_kind", "source_id", "target_kind", "target_id")


@dataclass(frozen=True)
class Part:
    """The rows of one node kind, or of one edge kind between two node kinds.

    `table` is the temporary table that holds them; `types` are those of the properties in the
    graph (DuckDB's names), `digest` last; an edge's ends are columns beside them.
    """

    kind: str
    table: str
    types: dict[str, str]
    count: int
    ends: tuple[str, str] | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify a row."""
        return NODE_KEY if self.ends is None else EDGE_KEY


@dataclass
class GraphRows:
    """A lake's graph as of a day and a knowledge time, worked out once and kept while open."""

    lake: Lake
    as_of: date | None = None
    known_at: date | None = None
    judgements: pa.Table | None = None
    nodes: dict[str, Part] = field(default_factory=dict)
    dangling: dict[str, int] = field(default_factory=dict)
    in_force: InForce = field(init=False)
    _values: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Keep the statements in force for all kinds, of this moment."""
        self.lake = self.lake.pinned()
        self.in_force = InForce(self.lake)

    def node_part(self, kind: str) -> Part:
        """The rows of a node kind; kept, because edges are checked against their ids."""
        if kind not in self.nodes:
            rows = node_table(self.in_force, kind, as_of=self.as_of, known_at=self.known_at)
            table = f"load_{kind}"
            types = self._work_out(table, rows, {})
            self.nodes[kind] = Part(kind, table, types, count(self.lake, table))
        return self.nodes[kind]

    def node_parts(self) -> Iterator[Part]:
        """All node kinds in the ontology's order."""
        return (self.node_part(kind) for kind in NODE_KINDS)

    def edge_parts(self, kind: str) -> Iterator[Part]:
        """An edge kind, one part for each pair of node kinds it joins; good until the next."""
        origins = EDGE_KINDS[kind].origins
        if origins and not any(self._has_rows(origin) for origin in origins):
            return
        rows = edge_table(
            self.in_force,
            kind,
            as_of=self.as_of,
            known_at=self.known_at,
            judgements=self.judgements,
        )
        renamed = {"source": "source_id", "target": "target_id", "statement_source": "source"}
        every, table = f"load_{kind}", f"load_{kind}_part"
        types = self._work_out(every, rows, renamed)
        missing = count(self.lake, every)
        for source, target in EDGE_KINDS[kind].endpoints if missing else ():
            self._between(every, table, source, target)
            part = Part(kind, table, types, count(self.lake, table), (source, target))
            missing -= part.count
            yield part
        if missing:
            self.dangling[kind] = missing
        drop(self.lake, every, table)

    def close(self) -> None:
        """Give the kept tables back."""
        drop(self.lake, *(part.table for part in self.nodes.values()))
        self.nodes.clear()
        self.in_force.close()

    def _has_rows(self, origin: EdgeOrigin) -> bool:
        """Whether the lake has statements an edge could come from; spares a projection."""
        if origin.where is None:
            return bool(self.lake.files(origin.table))
        column, value = origin.where
        if (origin.table, column) not in self._values:
            values = self.lake.statements(origin.table).select(column).distinct()
            found = self.lake.connection.to_pyarrow(values)
            self._values[origin.table, column] = set(found[column].to_pylist())
        return value in self._values[origin.table, column]

    def _between(self, every: str, table: str, source: str, target: str) -> None:
        """Keep the edges between two kinds whose ends are both there."""
        drop(self.lake, table)
        told(
            self.lake,
            f'CREATE TEMP TABLE "{table}" AS SELECT * EXCLUDE (source_kind, target_kind)'
            f' FROM "{every}" WHERE source_kind = ? AND target_kind = ?'
            f' AND source_id IN (SELECT id FROM "{self.node_part(source).table}")'
            f' AND target_id IN (SELECT id FROM "{self.node_part(target).table}")',
            [source, target],
        )

    def _work_out(self, table: str, rows: ir.Table, renamed: dict[str, str]) -> dict[str, str]:
        """Make `table` of the projection; returns the types of the properties."""
        drop(self.lake, table, "load_projection")
        self.lake.connection.create_table("load_projection", obj=rows, temp=True)
        types = {
            renamed.get(name, name): (name, type)
            for name, type in column_types(self.lake, "load_projection").items()
        }
        chosen = ", ".join(
            f'"{old}"::VARCHAR AS "{new}"' if type == "DATE" else f'"{old}" AS "{new}"'
            for new, (old, type) in types.items()
        )
        told(
            self.lake,
            f'CREATE TEMP TABLE "{table}" AS'
            f" SELECT *, {_digest(list(types))} AS digest FROM (SELECT {chosen} FROM"
            " load_projection)",
        )
        drop(self.lake, "load_projection")
        made = column_types(self.lake, table)
        return {name: type for name, type in made.items() if name not in _ENDS}


def _digest(names: Sequence[str]) -> str:
    """SQL for 16 hexadecimal characters of a hash of all columns; a null differs from ''."""
    parts = ", '\x1f', ".join(f"coalesce(\"{name}\"::VARCHAR, '\\N')" for name in names)
    return f"substr(md5(concat({parts})), 1, 16)"


def told(lake: Lake, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run SQL beside the lake; its rows."""
    rows: list[tuple[Any, ...]] = lake.connection.con.execute(query, list(parameters)).fetchall()
    return rows


def stream(lake: Lake, query: str, size: int) -> pa.RecordBatchReader:
    """A query's rows in batches of at most `size`; ask the lake nothing else meanwhile."""
    return lake.connection.con.sql(query).to_arrow_reader(size)


def count(lake: Lake, table: str) -> int:
    """The number of rows of a temporary table."""
    return int(told(lake, f'SELECT count(*) FROM "{table}"')[0][0])


def thin_end(lake: Lake, table: str) -> End:
    """The end of a table's edges at which the busiest node has the fewer of them."""
    busiest = (
        f'(SELECT max(edges) FROM (SELECT count(*) AS edges FROM "{table}" GROUP BY {end}_id))'
        for end in ("source", "target")
    )
    at_source, at_target = told(lake, f"SELECT {', '.join(busiest)}")[0]
    return "source" if (at_source or 0) <= (at_target or 0) else "target"


def column_types(lake: Lake, table: str) -> dict[str, str]:
    """A temporary table's columns and their DuckDB types."""
    return {name: type for name, type, *_ in told(lake, f'DESCRIBE "{table}"')}


def keep(lake: Lake, table: str, content: pa.Table) -> None:
    """Make a temporary table of Arrow content."""
    drop(lake, table)
    lake.connection.con.register("load_content", content)
    told(lake, f'CREATE TEMP TABLE "{table}" AS SELECT * FROM load_content')
    lake.connection.con.unregister("load_content")


def drop(lake: Lake, *tables: str) -> None:
    """Give temporary tables back."""
    for table in tables:
        told(lake, f'DROP TABLE IF EXISTS temp."{table}"')


def parameter_rows(part: Part, batch: pa.RecordBatch) -> list[dict[str, object]]:
    """A batch as the driver wants it: the key, and the properties that are not null.

    The one place where rows become Python objects: the driver packs lists of maps. Columns are
    gone through whole, and those without any value not at all.
    """
    missing = {name: batch[name].null_count for name in part.types}
    full = [name for name, nulls in missing.items() if not nulls]
    rows: list[dict[str, object]] = [
        dict(zip(full, values, strict=True)) for values in _rows_of(batch, full)
    ]
    for name in (name for name, nulls in missing.items() if 0 < nulls < batch.num_rows):
        for row, value in zip(rows, batch[name].to_pylist(), strict=True):
            if value is not None:
                row[name] = value
    keys = _rows_of(batch, part.key)
    return [
        {**dict(zip(part.key, key, strict=True)), "properties": row}
        for key, row in zip(keys, rows, strict=True)
    ]


def _rows_of(batch: pa.RecordBatch, names: Sequence[str]) -> Iterator[tuple[object, ...]]:
    """Some columns' values, row by row; `digest` and keys are never all missing."""
    return zip(*(batch[name].to_pylist() for name in names), strict=True)


def key_table(rows: list[list[object]], names: tuple[str, ...]) -> pa.Table:
    """Rows of texts as an Arrow table."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.table(
        {name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)}
    )
