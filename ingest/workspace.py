"""What a merge works with: the parts of a batch, the lake beside them, and their rows as SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from graph.store.lake import Lake, stored_columns
from graph.tables import TABLES, Table

_SEPARATOR = "chr(31)"


@dataclass(frozen=True)
class Workspace:
    """The parts of one source's batch in `folder`, to be compared with the lake.

    `restating`: a day of recording was given, so what was corrected since may be said again.
    """

    lake: Lake
    source: str
    folder: Path
    connection: duckdb.DuckDBPyConnection
    restating: bool = False

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """Run a query and fetch its rows."""
        return self.connection.execute(query).fetchall()

    def one(self, query: str) -> int:
        """The number that a query gives."""
        return int(self.sql(query)[0][0])

    def some(self, query: str) -> bool:
        """Whether a query gives any row."""
        return bool(self.sql(f"SELECT 1 FROM ({query}) LIMIT 1"))

    def drop(self, name: str, condition: str) -> None:
        """Leave out the rows of a table that fulfil a condition."""
        self.sql(f'DELETE FROM "new_{name}" WHERE {condition}')

    def copy(self, query: str, path: Path) -> None:
        """Write what a query gives as Parquet."""
        self.sql(f"COPY ({query}) TO {quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)")

    def pieces(self, name: str) -> list[Path]:
        """The Parquet files put aside under a name."""
        return sorted((self.folder / "parts").glob(f"{name}.*.parquet"))

    def parts(self, table: Table) -> str:
        """The checked rows of a table, whole."""
        return f"read_parquet({quoted(str(self.folder / 'parts' / (table.name + '.*.parquet')))})"

    def known(self, name: str) -> str:
        """The statements of a table that are in the lake."""
        files = self.lake.files(name)
        if files:
            return f"read_parquet({listed(files)}, union_by_name = true)"
        return f"(SELECT {nothing(stored_columns(TABLES[name]))} WHERE false)"


def record(table: Table, source: str) -> str:
    """16 hex characters of the MD5 of source, table and every non-empty value under its name.

    Identity numbers are left out, so that the key with which a data folder hashes them does not
    change the records; `Merge._tell_apart` sees to rows that differ in nothing else.
    """
    values = []
    for column in sorted(table.columns, key=lambda column: column.name):
        if column.type == "secret":
            continue
        text = f'"{column.name}"'
        text = f"array_to_string({text}, ';')" if column.many else f"{text}::VARCHAR"
        values.append(f"{quoted(column.name + '=')} || {text}")
    parts = ", ".join([quoted(source), quoted(table.name), *values])
    return f"left(md5(concat_ws({_SEPARATOR}, {parts})), 16)"


def secrets(table: Table) -> list[str]:
    """The columns with identity numbers."""
    return [column.name for column in table.columns if column.type == "secret"]


def secret(table: Table) -> str:
    """The hashed identity numbers of a row as one text, null when there are none."""
    texts = [f'{quoted(name + "=")} || "{name}"' for name in secrets(table)]
    return f"nullif(concat_ws({_SEPARATOR}, {', '.join(texts)}), '')" if texts else "NULL::VARCHAR"


def other(base: str, number: str) -> str:
    """The id of the `number`-th thing, from 0, of which `base` is the id otherwise."""
    return f"if({number} = 0, {base}, left(md5({base} || ' ' || {number}), 16))"


def raw(table: Table) -> str:
    """A cleaned row as JSON text of its non-empty fields; reading it again gives the same row."""
    fields = []
    for name in sorted(table.names):
        column = table.column(name)
        text = f"array_to_string(\"{name}\", ';')" if column.many else f'"{name}"::VARCHAR'
        fields.append(f"{quoted(name)}, {text.replace(chr(34) + name, 'part.' + chr(34) + name)}")
    return f"json_merge_patch('{{}}'::JSON, json_object({', '.join(fields)}))::VARCHAR"


def keys(table: Table) -> str:
    """The columns of a thin row that hold its key."""
    return ", ".join(f'"key_{key}"' for key in table.key)


def same_key(table: Table, left: str, right: str, stored: bool = False) -> str:
    """Equality of two rows' keys. A part of the key that may be empty compares equal when it is."""
    required = {column.name for column in table.columns if column.required}
    return " AND ".join(
        f'{left}."key_{name}" {"=" if name in required else "IS NOT DISTINCT FROM"} '
        + (f'{right}."{name}"::VARCHAR' if stored else f'{right}."key_{name}"')
        for name in table.key
    )


def schema(columns: dict[str, str], leave_out: Sequence[str] = ()) -> str:
    """The columns of a table to be made."""
    return ", ".join(f'"{name}" {kind}' for name, kind in columns.items() if name not in leave_out)


def nothing(columns: dict[str, str]) -> str:
    """Columns without values, for tables that are not there yet."""
    return ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in columns.items())


def listed(paths: Sequence[object]) -> str:
    """Paths as an SQL list."""
    return "[" + ", ".join(quoted(str(path)) for path in paths) + "]"


def quoted(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"
