"""Checked rows against one another and against the lake: what is new, what contradicts, what refers
to nothing.

Works on Parquet parts in the staging folder with DuckDB: thin tables (record, key, references,
dates) decide, and the wide rows are read once more when the batch is written. Statements are
numbered with `n`. Cost: O(rows log rows) time, memory in the size of the thin tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from graph.reasons import reason
from graph.store.lake import PROVENANCE, QUARANTINE, Lake, set_hash, stored_columns
from graph.tables import TABLES, Column, Table

_SEPARATOR = "chr(31)"

#: When a row became known that bears no date and was ingested without one: from the start.
FIRST_KNOWN = date(1900, 1, 1)


@dataclass
class Merge:
    """One run over the parts in `folder`, in tables' order of dependence."""

    lake: Lake
    source: str
    folder: Path
    connection: duckdb.DuckDBPyConnection
    restating: bool = False
    outdated: dict[str, int] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Decide about every table that has parts, and about the quarantine."""
        self._sql(f"CREATE TEMP TABLE refused ({_schema(QUARANTINE, leave_out=('batch',))})")
        for table in in_order():
            if list((self.folder / "parts").glob(f"{table.name}.*.parquet")):
                self._decide(table)
        self._collect_refused()

    def counts(self) -> dict[str, int]:
        """New statements a table."""
        counts = {name: self._one(f'SELECT count(*) FROM "new_{name}"') for name in self.done}
        return {name: count for name, count in counts.items() if count}

    def refused(self) -> dict[str, int]:
        """Newly quarantined rows a table."""
        query = 'SELECT "table", count(*) FROM refused GROUP BY ALL ORDER BY ALL'
        return dict(self._sql(query))

    def resolved(self) -> int:
        """Quarantined rows that are quarantined no longer."""
        return self._one("SELECT count(*) FROM resolved")

    def identity(self) -> str:
        """A hash of the content: sets of records, quarantined rows and resolved ones."""
        sets = {name: f'SELECT record AS id FROM "new_{name}"' for name in self.counts()}
        sets |= {"quarantine": "SELECT id FROM refused", "resolved": "SELECT id FROM resolved"}
        parts = [f"{name}={set_hash(self.connection, query, 'id')}" for name, query in sets.items()]
        joined = "|".join([self.source, *sorted(parts)])
        return str(self._sql(f"SELECT left(md5({_text(joined)}), 16)")[0][0])

    def write(self, batch: str, folder: Path) -> None:
        """Write the batch's Parquet files into `folder`."""
        for name in self.counts():
            self._write_table(TABLES[name], batch, folder)
        columns = ", ".join(f'"{name}"' for name in QUARANTINE if name != "batch")
        self._copy(
            f"SELECT {columns}, {_text(batch)} AS batch FROM refused ORDER BY id",
            folder / "quarantine.parquet",
        )
        self._copy("SELECT id FROM resolved ORDER BY id", folder / "resolved.parquet")

    # One table --------------------------------------------------------------------------------

    def _decide(self, table: Table) -> None:
        name = table.name
        self._sql(f'CREATE TEMP TABLE "new_{name}" AS {self._thin(table)}')
        if _secrets(table):
            self._tell_apart(table)
        self._drop(
            name, f'n NOT IN (SELECT arg_min(n, (file, row)) FROM "new_{name}" GROUP BY record)'
        )
        self._give_way(table)
        self._refuse_told_twice(table)
        self._restate(table)
        self._drop(name, f"record IN (SELECT record FROM {self._known(name)})")
        self._date(table)
        self._postpone(table)
        self._refuse_contradictions(table)
        for column in table.columns:
            if column.references:
                self._refuse_dangling(table, column)
        self.done.append(name)

    def _thin(self, table: Table) -> str:
        """The part of a row on which decisions rest. `given`: the row says when it was recorded."""
        own = set(table.names)
        keys = ", ".join(f'"{name}"::VARCHAR AS "key_{name}"' for name in table.key)
        references = "".join(
            f', "{c.name}" AS "ref_{c.name}"' for c in table.columns if c.references
        )
        recorded = "recorded_at" if "recorded_at" in own else "NULL::DATE"
        event = f'"{table.event_date}"' if table.event_date else "NULL::DATE"
        starts = "valid_from" if "valid_from" in own else event
        return f"""
            SELECT __n AS n, __retried AS retried, {_record(table, self.source)} AS record,
                   __file AS file, __row AS row,
                   {recorded} IS NOT NULL AS given, __day AS day, {starts} AS valid_from,
                   coalesce({recorded}, {event}, {starts}) AS recorded_at, {keys}{references},
                   {_secret(table)} AS secret
            FROM {self._parts(table)}"""

    def _tell_apart(self, table: Table) -> None:
        """Give rows that differ in an identity number alone a record each.

        Records leave identity numbers out, so such rows have one record R. The first number told
        keeps R, the k-th other one gets a hash of R and k: what the number is does not matter, and
        the same deliveries have the same records in every data folder. k goes on from the
        statements in the lake; rows of one batch are told apart in the order of the hashes.
        """
        name = table.name
        same = _same_key(table, "row", "old", stored=True)
        self._sql(
            f"""CREATE OR REPLACE TEMP TABLE told AS
                WITH old AS (
                    SELECT row.record AS base, old.record, {_secret(table)} AS secret
                    FROM (SELECT DISTINCT ON (record) * EXCLUDE secret FROM "new_{name}") AS row
                    JOIN {self._known(name)} AS old ON {same}),
                numbers AS (SELECT base, unnest(range(count(*))) AS k FROM old GROUP BY base)
                SELECT base, k, record, secret FROM old JOIN numbers USING (base)
                WHERE record = {_other("base", "k")}"""
        )
        self._sql(
            f"""UPDATE "new_{name}" AS row SET record = coalesce(known, {_other("base", "k")})
                FROM (SELECT row.n, row.record AS base, told.record AS known,
                             coalesce(past.next, 0) - 1 + dense_rank() OVER (
                                 PARTITION BY row.record, told.record IS NULL
                                 ORDER BY row.secret NULLS FIRST) AS k
                      FROM "new_{name}" AS row
                      LEFT JOIN told ON told.base = row.record
                           AND told.secret IS NOT DISTINCT FROM row.secret
                      LEFT JOIN (SELECT base, max(k) + 1 AS next FROM told GROUP BY base) AS past
                           ON past.base = row.record) AS found
                WHERE row.n = found.n"""
        )

    def _give_way(self, table: Table) -> None:
        """A row that waited in quarantine gives way to what is delivered now under its key."""
        self._drop(
            table.name,
            f"""n IN (SELECT row.n FROM "new_{table.name}" AS row JOIN "new_{table.name}" AS other
                ON {_same_key(table, "row", "other")}
                AND row.retried AND NOT other.retried AND {_same_day("row", "other")})""",
        )

    def _refuse_told_twice(self, table: Table) -> None:
        """Rows of one key and day that are delivered together and say different things. That the
        lake has one of them already makes it no truer."""
        keys = ", ".join(f'"key_{key}"' for key in table.key)
        self._refuse(
            table,
            f"""SELECT n FROM "new_{table.name}"
                QUALIFY count(*) OVER (PARTITION BY {keys}, recorded_at) > 1""",
            table.key[0],
            "conflicting",
        )

    def _restate(self, table: Table) -> None:
        """What the lake has, but corrected since, holds again when a later day of recording is
        given for the ingest; without one, such rows change nothing and are counted."""
        name = table.name
        key = ", ".join(f'"{each}"' for each in table.key)
        same = _same_key(table, "row", "old", stored=True)
        latest = f"""SELECT row.n, left(md5(row.record || row.day), 16) AS record
            FROM "new_{name}" AS row SEMI JOIN {self._known(name)} AS known USING (record)
            JOIN (SELECT {key}, max(recorded_at) AS last,
                         arg_max(record, (recorded_at, record)) AS said
                  FROM {self._known(name)} GROUP BY ALL) AS old ON {same}
            WHERE NOT given AND day > last
              AND said NOT IN (row.record, left(md5(row.record || last), 16))"""
        if self.restating:
            self._sql(
                f"""UPDATE "new_{name}" AS row SET record = again.record, recorded_at = day,
                        given = true FROM ({latest}) AS again WHERE row.n = again.n"""
            )
        else:
            self.outdated[name] = self._one(f"SELECT count(*) FROM ({latest})")

    def _date(self, table: Table) -> None:
        """Take dates from the row referred to where the table says so, else from the ingest.

        What bears no date and was ingested without one counts as known from the start, so the same
        files give the same lake on any day.
        """
        name = table.name
        if table.dated_by:
            target = TABLES[table.column(table.dated_by).references[0]]
            self._sql(
                f"""CREATE OR REPLACE TEMP TABLE "new_{name}" AS SELECT row.* REPLACE (
                        coalesce(parent.recorded_at, row.recorded_at) AS recorded_at,
                        coalesce(row.valid_from, parent.valid_from) AS valid_from)
                    FROM "new_{name}" AS row LEFT JOIN (
                        SELECT key, min(recorded_at) AS recorded_at, min(valid_from) AS valid_from
                        FROM ({self._told(target.name, "recorded_at", "valid_from")})
                        GROUP BY key) AS parent
                    ON row."ref_{table.dated_by}" = parent.key AND NOT row.given"""
            )
        told = "day" if self.restating else f"DATE '{FIRST_KNOWN}'"
        self._sql(f'UPDATE "new_{name}" SET recorded_at = {told} WHERE recorded_at IS NULL')

    def _postpone(self, table: Table) -> None:
        """A correction that does not say when it became known became known on the day of ingest.

        A correction is a row whose key has statements in the lake, whatever the day on which its
        fact came about. A day that was given for the ingest holds even if what was recorded later
        stays in force, and such rows are counted; today's is never put behind what is recorded.
        With a day given, a part of a whole (an item of a declaration) that has parts in the lake is
        a correction too; without one it may be the rest of a delivery in several pieces.
        """
        name, whole = table.name, table.dated_by
        same = _same_key(table, "row", "old", stored=True)
        if whole and self.restating:
            same = f'row."ref_{whole}" = old."{whole}"'
        self._sql(
            f"""CREATE OR REPLACE TEMP TABLE corrections AS
                SELECT n, max(old.recorded_at) AS last FROM "new_{name}" AS row
                JOIN {self._known(name)} AS old ON {same} WHERE NOT row.given GROUP BY n"""
        )
        told = "day" if self.restating else "greatest(day, last)"
        self._sql(
            f"""UPDATE "new_{name}" AS row SET recorded_at = {told}
                FROM corrections WHERE row.n = corrections.n"""
        )
        if self.restating:
            self.outdated[name] = self._one(
                f'SELECT count(*) FROM "new_{name}" JOIN corrections USING (n) WHERE day < last'
            )

    def _refuse_contradictions(self, table: Table) -> None:
        """Rows of one key and day of recording that say different things, here or in the lake."""
        name = table.name
        keys = ", ".join(f'"key_{key}"' for key in table.key)
        same = _same_key(table, "row", "other")
        stored = _same_key(table, "row", "other", stored=True)
        self._refuse(
            table,
            f"""SELECT row.n FROM "new_{name}" AS row JOIN (
                    SELECT {keys}, recorded_at FROM "new_{name}" GROUP BY ALL HAVING count(*) > 1
                ) AS other ON {same} AND row.recorded_at = other.recorded_at
                UNION SELECT row.n FROM "new_{name}" AS row JOIN {self._known(name)} AS other
                ON {stored} AND row.recorded_at = other.recorded_at""",
            table.key[0],
            "conflicting",
        )

    def _refuse_dangling(self, table: Table, column: Column) -> None:
        """Rows whose `column` names nothing in this batch or the lake."""
        known = " UNION ALL ".join(self._told(target) for target in column.references)
        self._refuse(
            table,
            f"""SELECT n FROM "new_{table.name}" WHERE "ref_{column.name}" IS NOT NULL
                AND "ref_{column.name}" NOT IN (SELECT key FROM ({known}) WHERE key IS NOT NULL)""",
            column.name,
            "reference",
        )

    def _told(self, name: str, *columns: str) -> str:
        """The keys of a table, in this batch and in the lake, with columns that both have."""
        key, more = TABLES[name].key[0], "".join(f", {column}" for column in columns)
        stored = f'SELECT "{key}" AS key{more} FROM {self._known(name)}'
        if name not in self.done:
            return stored
        return f'SELECT "key_{key}" AS key{more} FROM "new_{name}" UNION ALL {stored}'

    def _refuse(self, table: Table, query: str, column: str, code: str) -> None:
        """Move the rows whose number `query` gives to `refused`. Their id is their record."""
        name = table.name
        self._sql(f"CREATE OR REPLACE TEMP TABLE wrong AS {query}")
        if not self._one("SELECT count(*) FROM wrong"):
            return
        words = f"{column} {reason(code)}"
        self._sql(
            f"""INSERT INTO refused BY NAME
                SELECT record AS id, {_text(self.source)} AS source, row.file, row.row,
                       {_text(name)} AS "table", {_text(column)} AS field,
                       "{column}"::VARCHAR AS value, {_text(code)} AS code,
                       {_text(words)} AS reason, {_raw(table)} AS raw, __marking AS marking,
                       day AS recorded_at
                FROM "new_{name}" AS row SEMI JOIN wrong USING (n)
                JOIN {self._parts(table)} AS part ON part.__n = row.n"""
        )
        self._drop(name, "n IN (SELECT n FROM wrong)")

    # The quarantine ---------------------------------------------------------------------------

    def _collect_refused(self) -> None:
        """Add the rows that were wrong by themselves, leave out those that are known, and find
        what was quarantined before and is not any more."""
        pieces = list((self.folder / "parts").glob("refused.*.parquet"))
        if pieces:
            self._sql(
                f"""INSERT INTO refused BY NAME
                    SELECT * REPLACE (left(md5(id || chr(31) || row_number() OVER (
                        PARTITION BY id ORDER BY file, row)), 16) AS id)
                    FROM (SELECT md5(concat_ws(chr(31), source, "table", identity)) AS id,
                                 * EXCLUDE identity FROM read_parquet({_list(pieces)}))"""
            )
        accepted = " UNION ALL ".join(
            [f'SELECT record FROM "new_{name}"' for name in self.done]
            + [f"SELECT record FROM {self._known(name)}" for name in self.done]
        )
        retried = list((self.folder / "parts").glob("retried.*.parquet"))
        again = f"SELECT id FROM read_parquet({_list(retried)})" if retried else "SELECT ''"
        open_ids = self._open()
        self._sql(
            f"""CREATE TEMP TABLE resolved AS SELECT DISTINCT id FROM {open_ids}
                WHERE id IN ({accepted or "SELECT ''"})
                   OR id IN ({self._replaced()})
                   OR (id IN ({again}) AND id NOT IN (SELECT id FROM refused))"""
        )
        every = self.lake.files("quarantine")
        if every:
            self._sql(
                f"DELETE FROM refused WHERE id IN (SELECT id FROM read_parquet({_list(every)}))"
            )

    def _replaced(self) -> str:
        """Quarantined rows of this source under whose key a row is accepted now."""
        every = self.lake.files("quarantine")
        pieces = [
            f"""SELECT waiting.id FROM read_parquet({_list(every)}) AS waiting
                JOIN "new_{name}" AS row ON waiting."table" = {_text(name)}
                AND waiting.source = {_text(self.source)} AND {_told_key(TABLES[name])}
                AND (NOT row.given OR coalesce(trim(waiting.raw ->> '$.recorded_at'), '')
                     IN ('', row.recorded_at::VARCHAR))"""
            for name in (self.done if every else ())
        ]
        return " UNION ALL ".join(pieces) or "SELECT ''"

    def _open(self) -> str:
        """The ids that are in quarantine now."""
        every, resolved = self.lake.files("quarantine"), self.lake.files("resolved")
        if not every:
            return "(SELECT NULL::VARCHAR AS id WHERE false)"
        gone = f"SELECT id FROM read_parquet({_list(resolved)})" if resolved else "SELECT ''"
        return f"(SELECT id FROM read_parquet({_list(every)}) WHERE id NOT IN ({gone}))"

    # Writing and small things -----------------------------------------------------------------

    def _write_table(self, table: Table, batch: str, folder: Path) -> None:
        own = [name for name in table.names if name not in PROVENANCE]
        values = {
            "record": "row.record",
            "source": _text(self.source),
            "batch": _text(batch),
            "file": "row.file",
            "row": "row.row",
            "marking": "part.__marking",
            "valid_from": "row.valid_from",
            "valid_to": "part.valid_to" if "valid_to" in table.names else "NULL",
            "recorded_at": "row.recorded_at",
            "extra": "part.__extra",
        }
        values |= {name: f'part."{name}"' for name in own}
        chosen = ", ".join(
            f'{values[name]}::{kind} AS "{name}"' for name, kind in stored_columns(table).items()
        )
        order = ", ".join(f'row."key_{name}"' for name in table.key)
        self._copy(
            f"""SELECT {chosen} FROM "new_{table.name}" AS row
                JOIN {self._parts(table)} AS part ON part.__n = row.n
                ORDER BY {order}, row.recorded_at, row.record""",
            folder / f"{table.name}.parquet",
        )

    def _copy(self, query: str, path: Path) -> None:
        self._sql(f"COPY ({query}) TO {_text(str(path))} (FORMAT parquet, COMPRESSION zstd)")

    def _parts(self, table: Table) -> str:
        return f"read_parquet({_text(str(self.folder / 'parts' / (table.name + '.*.parquet')))})"

    def _known(self, name: str) -> str:
        """The statements of a table that are in the lake."""
        files = self.lake.files(name)
        if files:
            return f"read_parquet({_list(files)}, union_by_name = true)"
        columns = stored_columns(TABLES[name]).items()
        nothing = ", ".join(f'NULL::{kind} AS "{column}"' for column, kind in columns)
        return f"(SELECT {nothing} WHERE false)"

    def _drop(self, name: str, condition: str) -> None:
        self._sql(f'DELETE FROM "new_{name}" WHERE {condition}')

    def _one(self, query: str) -> int:
        return int(self._sql(query)[0][0])

    def _sql(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()


def in_order() -> list[Table]:
    """The tables, each after those it refers to."""
    ordered: list[Table] = []
    waiting = list(TABLES.values())
    while waiting:
        for table in waiting:
            needs = {name for column in table.columns for name in column.references}
            if needs <= {done.name for done in ordered}:
                break
        ordered.append(table)
        waiting.remove(table)
    return ordered


def _record(table: Table, source: str) -> str:
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
        values.append(f"{_text(column.name + '=')} || {text}")
    parts = ", ".join([_text(source), _text(table.name), *values])
    return f"left(md5(concat_ws({_SEPARATOR}, {parts})), 16)"


def _secrets(table: Table) -> list[str]:
    """The columns with identity numbers."""
    return [column.name for column in table.columns if column.type == "secret"]


def _secret(table: Table) -> str:
    """The hashed identity numbers of a row as one text, null when there are none."""
    texts = [f'{_text(name + "=")} || "{name}"' for name in _secrets(table)]
    return f"nullif(concat_ws({_SEPARATOR}, {', '.join(texts)}), '')" if texts else "NULL::VARCHAR"


def _other(record: str, number: str) -> str:
    """The record of the `number`-th identity number told of what is one record otherwise."""
    return f"if({number} = 0, {record}, left(md5({record} || ' ' || {number}), 16))"


def _raw(table: Table) -> str:
    """A cleaned row as JSON text of its non-empty fields; reading it again gives the same row."""
    fields = []
    for name in sorted(table.names):
        column = table.column(name)
        text = f"array_to_string(\"{name}\", ';')" if column.many else f'"{name}"::VARCHAR'
        fields.append(f"{_text(name)}, {text.replace(chr(34) + name, 'part.' + chr(34) + name)}")
    return f"json_merge_patch('{{}}'::JSON, json_object({', '.join(fields)}))::VARCHAR"


def _same_key(table: Table, left: str, right: str, stored: bool = False) -> str:
    """Equality of two rows' keys. A part of the key that may be empty compares equal when it is."""
    required = {column.name for column in table.columns if column.required}
    return " AND ".join(
        f'{left}."key_{name}" {"=" if name in required else "IS NOT DISTINCT FROM"} '
        + (f'{right}."{name}"::VARCHAR' if stored else f'{right}."key_{name}"')
        for name in table.key
    )


def _same_day(left: str, right: str) -> str:
    """Whether two rows of one key speak of one day of recording, or one of them of none."""
    days = f"{left}.recorded_at = {right}.recorded_at"
    return f"(NOT ({left}.given AND {right}.given) OR {days})"


def _told_key(table: Table) -> str:
    """Equality of an accepted `row`'s key and that in the text of a row `waiting` in quarantine."""
    return " AND ".join(
        f"coalesce(trim(waiting.raw ->> '$.{name}'), '') = coalesce(row.\"key_{name}\", '')"
        for name in table.key
    )


def _schema(columns: dict[str, str], leave_out: Sequence[str] = ()) -> str:
    return ", ".join(f'"{name}" {kind}' for name, kind in columns.items() if name not in leave_out)


def _list(paths: Sequence[object]) -> str:
    return "[" + ", ".join(_text(str(path)) for path in paths) + "]"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
