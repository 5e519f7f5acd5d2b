"""The statements in force, worked out once a table for whoever reads a table many times.

The shipments table alone feeds a dozen kinds of edges. Which of its statements are in force takes
a sort of each key's statements: done once here, into a temporary table of the lake's DuckDB, which
spills to disk within its memory limit.
"""

from datetime import date

import ibis.expr.types as ir
import pyarrow as pa

from graph.store.lake import Lake

#: Columns of every table that no node or edge is made of.
_NOT_PROJECTED = ("extra", "file", "row", "batch")


class InForce:
    """A lake at one moment as the projection reads it, with its tables in force kept while open.

    With r statements in a table, the first reading costs what `Lake.table` costs, every other
    O(rows in force). Use it in `contextlib.closing`.
    """

    def __init__(self, lake: Lake) -> None:
        """Read from `lake` as it is now."""
        self._lake = lake.pinned()
        self._kept: dict[tuple[str, date | None, date | None], ir.Table] = {}

    def statements(self, table: str) -> ir.Table:
        """Every statement of a table."""
        return self._lake.statements(table)

    def filled(self, table: str) -> bool:
        """Whether a table has statements."""
        return bool(self._lake.files(table))

    def markings(self, table: str) -> frozenset[str]:
        """The markings that occur among the statements of a table."""
        return self._lake.markings(table)

    def table(
        self, table: str, *, as_of: date | None = None, known_at: date | None = None
    ) -> ir.Table:
        """The statement in force of each key, see `Lake.table`."""
        key = (table, as_of, known_at)
        if key not in self._kept:
            name = f"in_force_{table}_{len(self._kept)}_{id(self)}"
            rows = self._lake.table(table, as_of=as_of, known_at=known_at).drop(*_NOT_PROJECTED)
            self._kept[key] = self._lake.connection.create_table(name, obj=rows, temp=True)
        return self._kept[key]

    def read(self, rows: ir.Table) -> pa.Table:
        """Work an expression out within the lake's limits, one on no table of it too."""
        return self._lake.connection.to_pyarrow(rows)

    def close(self) -> None:
        """Give the tables back."""
        for table in self._kept.values():
            name = table.get_name()
            self._lake.connection.con.execute(f'DROP TABLE IF EXISTS temp."{name}"').fetchall()
        self._kept.clear()
