"""Checked rows against one another and against the lake: what is new, what contradicts, what refers
to nothing.

Works on Parquet parts in the staging folder with DuckDB: thin tables (record, key, references,
dates) decide, and the wide rows are read once more when the batch is written. Statements are
numbered with `n`. Cost: O(rows log rows) time, memory in the size of the thin tables.
"""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from graph.store.lake import PROVENANCE, set_hash, stored_columns
from graph.tables import TABLES, Column, Table
from ingest.waiting import Quarantine
from ingest.workspace import (
    Workspace,
    keys,
    other,
    quoted,
    record,
    same_key,
    secret,
    secrets,
)

#: When a row became known that bears no date and was ingested without one: from the start.
FIRST_KNOWN = date(1900, 1, 1)


@dataclass
class Merge:
    """One run over the parts of a batch, in tables' order of dependence."""

    work: Workspace
    added: dict[str, int] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.quarantine = Quarantine(self.work)

    def run(self) -> None:
        """Decide about every table that has parts, and about the quarantine."""
        self.quarantine.begin()
        for table in in_order():
            if self.work.pieces(table.name):
                self._decide(table)
        self.quarantine.settle(self.done)

    def counts(self) -> dict[str, int]:
        """New statements a table."""
        counts = {name: self.work.one(f'SELECT count(*) FROM "new_{name}"') for name in self.done}
        return {name: count for name, count in counts.items() if count}

    def issues(self) -> list[str]:
        """Lines on rows that change nothing, and on such as change less than one may think."""
        outdated = [
            f"{table}: {count} rows say what was corrected since; to say it again, give the day on "
            "which it became known (--recorded-at)"
            for table, count in self.quarantine.outdated().items()
        ]
        return outdated + [
            f"{table}: {count} rows were added to {_whole(TABLES[table]).name} that the lake has, "
            "on the day given: they are no part of what was first told, which indicators describe; "
            "pieces of one delivery are told without --recorded-at"
            for table, count in self.added.items()
            if count
        ]

    def identity(self) -> str:
        """A hash of the content: sets of records, quarantined rows and resolved ones."""
        work = self.work
        sets = {name: f'SELECT record AS id FROM "new_{name}"' for name in self.counts()}
        sets |= {"quarantine": "SELECT id FROM quarantined", "resolved": "SELECT id FROM resolved"}
        parts = [f"{name}={set_hash(work.connection, query, 'id')}" for name, query in sets.items()]
        joined = "|".join([work.source, *sorted(parts)])
        return str(work.sql(f"SELECT left(md5({quoted(joined)}), 16)")[0][0])

    def write(self, batch: str, folder: Path) -> None:
        """Write the batch's Parquet files into `folder`."""
        for name in self.counts():
            self._write_table(TABLES[name], batch, folder)
        self.quarantine.write(batch, folder)

    # One table --------------------------------------------------------------------------------

    def _decide(self, table: Table) -> None:
        name, work = table.name, self.work
        work.sql(f'CREATE TEMP TABLE "new_{name}" AS {self._thin(table)}')
        if secrets(table):
            self._tell_apart(table)
        same = "record, retried" if self.quarantine.retrying else "record"
        work.drop(
            name, f'n NOT IN (SELECT arg_min(n, (file, row)) FROM "new_{name}" GROUP BY {same})'
        )
        self._refuse_told_twice(table)
        self.quarantine.compare(table)
        self._restate(table)
        self.quarantine.confirm(table)
        work.drop(name, f"record IN (SELECT record FROM {work.known(name)})")
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
            SELECT __n AS n, __retried AS retried, {record(table, self.work.source)} AS record,
                   __file AS file, __row AS row,
                   {recorded} IS NOT NULL AS given, __day AS day, {starts} AS valid_from,
                   coalesce({recorded}, {event}, {starts}) AS recorded_at, {keys}{references},
                   {secret(table)} AS secret
            FROM {self.work.parts(table)}"""

    def _tell_apart(self, table: Table) -> None:
        """Give rows that differ in an identity number alone a record each.

        Records leave identity numbers out, so such rows have one record R. The first number told
        keeps R, the k-th other one gets a hash of R and k: what the number is does not matter, and
        the same deliveries have the same records in every data folder. k goes on from the
        statements in the lake; rows of one batch are told apart in the order of the hashes.
        """
        name = table.name
        same = same_key(table, "row", "old", stored=True)
        self.work.sql(
            f"""CREATE OR REPLACE TEMP TABLE told AS
                WITH old AS (
                    SELECT row.record AS base, old.record, {secret(table)} AS secret
                    FROM (SELECT DISTINCT ON (record) * EXCLUDE secret FROM "new_{name}") AS row
                    JOIN {self.work.known(name)} AS old ON {same}),
                numbers AS (SELECT base, unnest(range(count(*))) AS k FROM old GROUP BY base)
                SELECT base, k, record, secret FROM old JOIN numbers USING (base)
                WHERE record = {other("base", "k")}"""
        )
        self.work.sql(
            f"""UPDATE "new_{name}" AS row SET record = coalesce(known, {other("base", "k")})
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

    def _refuse_told_twice(self, table: Table) -> None:
        """Rows of one key and day that are delivered together and say different things. That the
        lake has one of them already makes it no truer. Rows read again were delivered before."""
        together = ", retried" if self.quarantine.retrying else ""
        self.quarantine.refuse(
            table,
            f"""SELECT n FROM "new_{table.name}"
                QUALIFY count(*) OVER (PARTITION BY {keys(table)}, recorded_at{together}) > 1""",
            table.key[0],
            "conflicting",
        )

    def _restate(self, table: Table) -> None:
        """What the lake has, but corrected since, holds again when a later day of recording is
        given for the ingest; without one, such rows change nothing and are counted."""
        name = table.name
        key = ", ".join(f'"{each}"' for each in table.key)
        same = same_key(table, "row", "old", stored=True)
        latest = f"""SELECT row.n, left(md5(row.record || row.day), 16) AS record
            FROM "new_{name}" AS row SEMI JOIN {self.work.known(name)} AS known USING (record)
            JOIN (SELECT {key}, max(recorded_at) AS last,
                         arg_max(record, (recorded_at, record)) AS said
                  FROM {self.work.known(name)} GROUP BY ALL) AS old ON {same}
            WHERE NOT given AND day > last
              AND said NOT IN (row.record, left(md5(row.record || last), 16))"""
        if self.work.restating:
            self.work.sql(
                f"""UPDATE "new_{name}" AS row SET record = again.record, recorded_at = day,
                        given = true FROM ({latest}) AS again WHERE row.n = again.n"""
            )
        else:
            self.quarantine.count_outdated(table, latest)

    def _date(self, table: Table) -> None:
        """Take dates from the row referred to where the table says so, else from the ingest.

        What bears no date and was ingested without one counts as known from the start, so the same
        files give the same lake on any day.
        """
        name = table.name
        if table.dated_by:
            target = _whole(table)
            self.work.sql(
                f"""CREATE OR REPLACE TEMP TABLE "new_{name}" AS SELECT row.* REPLACE (
                        coalesce(parent.recorded_at, row.recorded_at) AS recorded_at,
                        coalesce(row.valid_from, parent.valid_from) AS valid_from)
                    FROM "new_{name}" AS row LEFT JOIN (
                        SELECT key, min(recorded_at) AS recorded_at, min(valid_from) AS valid_from
                        FROM ({self._told(target.name, "recorded_at", "valid_from")})
                        GROUP BY key) AS parent
                    ON row."ref_{table.dated_by}" = parent.key AND NOT row.given"""
            )
        told = "day" if self.work.restating else f"DATE '{FIRST_KNOWN}'"
        self.work.sql(f'UPDATE "new_{name}" SET recorded_at = {told} WHERE recorded_at IS NULL')

    def _postpone(self, table: Table) -> None:
        """A correction that does not say when it became known became known on the day of ingest.

        A correction is a row whose key has statements in the lake, whatever the day on which its
        fact came about. A day that was given for the ingest holds even if what was recorded later
        stays in force, and such rows are counted; today's is never put behind what is recorded.
        With a day given, a part of a whole (an item of a declaration) that has parts in the lake is
        a correction too; without one it may be the rest of a delivery in several pieces.
        """
        name, work = table.name, self.work
        told = same = same_key(table, "row", "old", stored=True)
        if table.dated_by and work.restating:
            same = f'row."ref_{table.dated_by}" = old."{table.dated_by}"'
        work.sql(
            f"""CREATE OR REPLACE TEMP TABLE corrections AS
                SELECT n, max(old.recorded_at) AS last, min(old.recorded_at) AS first,
                       bool_or({told}) AS told
                FROM "new_{name}" AS row JOIN {work.known(name)} AS old ON {same}
                WHERE NOT row.given GROUP BY n"""
        )
        if work.restating:
            joined = f'"new_{name}" JOIN corrections USING (n)'
            self.added[name] = work.one(
                f"SELECT count(*) FROM {joined} "
                "WHERE NOT told AND day > greatest(first, recorded_at)"
            )
            self.quarantine.count_outdated(table, f"SELECT n FROM {joined} WHERE day < last")
        day = "day" if work.restating else "greatest(day, last)"
        work.sql(
            f"""UPDATE "new_{name}" AS row SET recorded_at = {day}
                FROM corrections WHERE row.n = corrections.n"""
        )

    def _refuse_contradictions(self, table: Table) -> None:
        """Rows of one key and day of recording that say different things, here or in the lake."""
        name = table.name
        same = same_key(table, "row", "other")
        stored = same_key(table, "row", "other", stored=True)
        self.quarantine.refuse(
            table,
            f"""SELECT row.n FROM "new_{name}" AS row JOIN (
                    SELECT {keys(table)}, recorded_at FROM "new_{name}"
                    GROUP BY ALL HAVING count(*) > 1) AS other
                 ON {same} AND row.recorded_at = other.recorded_at
                UNION SELECT row.n FROM "new_{name}" AS row JOIN {self.work.known(name)} AS other
                ON {stored} AND row.recorded_at = other.recorded_at""",
            table.key[0],
            "conflicting",
        )

    def _refuse_dangling(self, table: Table, column: Column) -> None:
        """Rows whose `column` names nothing in this batch or the lake."""
        known = " UNION ALL ".join(self._told(target) for target in column.references)
        self.quarantine.refuse(
            table,
            f"""SELECT n FROM "new_{table.name}" WHERE "ref_{column.name}" IS NOT NULL
                AND "ref_{column.name}" NOT IN (SELECT key FROM ({known}) WHERE key IS NOT NULL)""",
            column.name,
            "reference",
        )

    def _told(self, name: str, *columns: str) -> str:
        """The keys of a table, in this batch and in the lake, with columns that both have."""
        key, more = TABLES[name].key[0], "".join(f", {column}" for column in columns)
        stored = f'SELECT "{key}" AS key{more} FROM {self.work.known(name)}'
        if name not in self.done:
            return stored
        return f'SELECT "key_{key}" AS key{more} FROM "new_{name}" UNION ALL {stored}'

    def _write_table(self, table: Table, batch: str, folder: Path) -> None:
        own = [name for name in table.names if name not in PROVENANCE]
        values = {
            "record": "row.record",
            "source": quoted(self.work.source),
            "batch": quoted(batch),
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
        self.work.copy(
            f"""SELECT {chosen} FROM "new_{table.name}" AS row
                JOIN {self.work.parts(table)} AS part ON part.__n = row.n
                ORDER BY {order}, row.recorded_at, row.record""",
            folder / f"{table.name}.parquet",
        )


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


def _whole(table: Table) -> Table:
    """The table of the wholes that a table's rows are parts of: declarations, of goods."""
    return TABLES[table.column(table.dated_by).references[0]]
