"""The quarantine of one source, and what a merge changes of it.

A quarantined row has a `content`, a hash of what it says: of the row itself where it is wrong by
itself; its record where it waits for what it refers to, or contradicts the lake; a hash of all rows
of a delivery that contradict one another where it is one of these. Each time such a row is
quarantined it has an `id` of its own, the content for the first time, and it is in quarantine until
its id is listed as resolved.

One rule says what becomes of rows that are delivered again, as it does for rows of the lake: what
was told before changes nothing. Hence

- a row that is in quarantine stays there, and is quarantined once;
- a row that was there and whose place another one has taken since says what was corrected since: it
  is neither accepted nor quarantined, and counted in the report. With a later day given for the
  ingest than it had before, it counts as told on that day and is judged anew;
- a row that the lake has takes no place of one in quarantine, which was told after it; it is
  counted too. With a later day given it takes that place, as it was said again since.

Rows that are new take the place of those in quarantine under their key, unless these are delivered
with them. A row that comes in by itself counts as told when it was delivered, and takes the place
of older ones only. A delivery that contradicts itself takes no place at all.
"""

from dataclasses import dataclass, field
from pathlib import Path

from graph.reasons import reason
from graph.store.lake import QUARANTINE
from graph.tables import TABLES, Table
from ingest.workspace import (
    Workspace,
    keys,
    listed,
    nothing,
    other,
    quoted,
    raw,
    same_key,
    schema,
)


@dataclass
class Quarantine:
    """Rows that are refused, rows that were, and what is delivered under their keys.

    Temporary tables: `refused`, rows of this batch; `past`, a line for every content that was ever
    in quarantine; `open`, the rows that are there now, each with the `place` of its batch in the
    lake's history; `outdated`, rows that say what was corrected since; `confirmed`, rows in
    quarantine under whose key the lake has what is delivered now.
    """

    work: Workspace
    tables: set[str] = field(default_factory=set)
    retrying: bool = False

    def begin(self) -> None:
        """Find out what was in quarantine and what is. Cost: O(rows that ever were there)."""
        work = self.work
        self.retrying = bool(work.pieces("retried"))
        columns = {name: kind for name, kind in QUARANTINE.items() if name not in ("id", "batch")}
        work.sql(f"CREATE TEMP TABLE refused ({schema(columns)}, retried BOOLEAN DEFAULT false)")
        work.sql('CREATE TEMP TABLE outdated ("table" VARCHAR, n BIGINT)')
        work.sql(
            """CREATE TEMP TABLE confirmed
               (id VARCHAR, content VARCHAR, "table" VARCHAR, n BIGINT, later BOOLEAN)"""
        )
        work.sql(
            f"""CREATE TEMP TABLE past AS
                SELECT content, "table", count(*) AS times, max(recorded_at) AS day,
                       bool_or(code = 'reference') AS waited, bool_or(open) AS open
                FROM ({self._every("content", '"table"', "recorded_at", "code")}) GROUP BY ALL"""
        )
        self.tables = {name for (name,) in work.sql('SELECT DISTINCT "table" FROM past')}
        columns_of_open = [f'"{name}"' for name in QUARANTINE if name not in ("content", "batch")]
        work.sql(
            f"""CREATE TEMP TABLE open AS SELECT * EXCLUDE open
                FROM ({self._every("content", "place", *columns_of_open)}) WHERE open"""
        )

    def refuse(self, table: Table, query: str, column: str, code: str) -> None:
        """Move the rows whose number `query` gives to `refused`."""
        name, work = table.name, self.work
        work.sql(f"CREATE OR REPLACE TEMP TABLE wrong AS {query}")
        if not work.some("FROM wrong"):
            return
        content = "record"
        if code == "conflicting":
            together = f"list(record) OVER (PARTITION BY {keys(table)}, recorded_at, retried)"
            content = f"""if(len({together}) = 1, record,
                left(md5(record || array_to_string(list_sort({together}), ' ')), 16))"""
        words = f"{column} {reason(code)}"
        work.sql(
            f"""INSERT INTO refused BY NAME
                SELECT content, {quoted(work.source)} AS source, row.file, row.row,
                       {quoted(name)} AS "table", {quoted(column)} AS field,
                       "{column}"::VARCHAR AS value, {quoted(code)} AS code,
                       {quoted(words)} AS reason, {raw(table)} AS raw, __marking AS marking,
                       day AS recorded_at, retried
                FROM (SELECT *, {content} AS content FROM "new_{name}" SEMI JOIN wrong USING (n))
                     AS row JOIN {work.parts(table)} AS part ON part.__n = row.n"""
        )
        work.drop(name, "n IN (SELECT n FROM wrong)")

    # While a table is decided on ---------------------------------------------------------------

    def compare(self, table: Table) -> None:
        """Leave out delivered rows that were quarantined before, then those read again whose place
        others take."""
        if table.name not in self.tables:
            return
        if self.retrying:
            name = f'"new_{table.name}"'
            waits = f"SELECT record FROM {name} WHERE retried"
            self.work.drop(table.name, f"NOT retried AND record IN ({waits})")
        self._leave_outdated(table)
        if self.retrying:
            self._give_way(table)

    def confirm(self, table: Table) -> None:
        """Note the rows in quarantine under whose key the lake has what is delivered now."""
        if table.name not in self.tables:
            return
        found = f"""SELECT open.id, open.content, open."table", row.n, row.record,
                {self._later("row.day", "open.recorded_at")} AS later
            FROM "new_{table.name}" AS row JOIN open ON {_under_key(table)} AND NOT row.retried"""
        self.work.sql(f"CREATE OR REPLACE TEMP TABLE found AS {found}")
        if self.work.some("FROM found"):
            self.work.sql(
                f"""INSERT INTO confirmed BY NAME SELECT * EXCLUDE record FROM found
                    WHERE record IN ({self._in_lake(table, "found")})"""
            )

    def count_outdated(self, table: Table, query: str) -> None:
        """Count the rows whose number `query` gives as saying what was corrected since."""
        self.work.sql(f"INSERT INTO outdated SELECT {quoted(table.name)}, n FROM ({query})")

    def _leave_outdated(self, table: Table) -> None:
        """Rows that waited until another one took their place. What is in the lake is not here."""
        name = table.name
        self.work.sql(
            f"""CREATE OR REPLACE TEMP TABLE found AS SELECT row.n, row.record
                FROM "new_{name}" AS row JOIN past ON past.content = row.record
                WHERE NOT row.retried AND past.waited AND NOT past.open
                AND NOT {self._later("row.day", "past.day")}"""
        )
        if self.work.some("FROM found"):
            left = f"SELECT n FROM found WHERE record NOT IN ({self._in_lake(table, 'found')})"
            self.count_outdated(table, left)
            self.work.drop(name, f"n IN ({left})")

    def _give_way(self, table: Table) -> None:
        """A row that waits gives way to what is delivered now under its key."""
        name = table.name
        self.work.sql(
            f"""CREATE OR REPLACE TEMP TABLE found AS
                SELECT row.n, other.record, {self._later("other.day", "row.day")} AS later
                FROM "new_{name}" AS row JOIN "new_{name}" AS other
                ON {same_key(table, "row", "other")} AND row.retried AND NOT other.retried
                AND (NOT (row.given AND other.given) OR row.recorded_at = other.recorded_at)"""
        )
        if self.work.some("FROM found"):
            known = self._in_lake(table, "found")
            self.work.drop(
                name, f"n IN (SELECT n FROM found WHERE later OR record NOT IN ({known}))"
            )

    def _later(self, day: str, than: str) -> str:
        """Whether a row was told anew: on a given day, later than the one it is compared with."""
        return f"({str(self.work.restating).lower()} AND {day} > {than})"

    def _in_lake(self, table: Table, among: str) -> str:
        """Those of the records in a table that the lake has."""
        wanted = f"SELECT record FROM {among}"
        return f"SELECT record FROM {self.work.known(table.name)} WHERE record IN ({wanted})"

    # When all tables are decided on ------------------------------------------------------------

    def settle(self, done: list[str]) -> None:
        """Add the rows that were wrong by themselves, and say what is quarantined (table
        `quarantined`) and what is not any more (`resolved`), after all of the tables `done`."""
        self._add_wrong()
        work = self.work
        work.sql(
            f"""CREATE TEMP TABLE judged AS
                SELECT refused.*, {other("content", "coalesce(past.times, 0)")} AS id,
                       CASE WHEN past.content IS NULL THEN 'new'
                            WHEN open.content IS NULL AND NOT
                                 {self._later("refused.recorded_at", "past.day")} THEN 'outdated'
                            WHEN open.content IS NULL THEN 'new'
                            WHEN (refused.code, refused.field, refused.value)
                                 IS NOT DISTINCT FROM (open.code, open.field, open.value)
                                 THEN 'there' ELSE 'changed' END AS state
                FROM refused LEFT JOIN past USING (content) LEFT JOIN open USING (content)"""
        )
        work.sql(
            """CREATE TEMP TABLE quarantined AS SELECT * EXCLUDE state FROM judged
               WHERE state IN ('new', 'changed')"""
        )
        self._resolve(done)

    def _add_wrong(self) -> None:
        pieces = self.work.pieces("refused")
        if pieces:
            self.work.sql(
                f"""INSERT INTO refused BY NAME
                    SELECT * REPLACE (left(md5(content || chr(31) || row_number() OVER (
                        PARTITION BY content ORDER BY file, row)), 16) AS content)
                    FROM (SELECT md5(concat_ws(chr(31), source, "table", identity)) AS content,
                                 * EXCLUDE identity FROM read_parquet({listed(pieces)}))"""
            )

    def _resolve(self, done: list[str]) -> None:
        """Rows leave the quarantine that were accepted, whose place another one has taken, that
        were read again and not refused, or that are quarantined anew for another reason."""
        pieces = self.work.pieces("retried")
        accepted = [f'SELECT record FROM "new_{name}"' for name in done]
        left = [
            *(self._replaced(TABLES[name]) for name in done if name in self.tables),
            *([f"SELECT id FROM read_parquet({listed(pieces)})"] if pieces else ()),
            "SELECT id FROM confirmed WHERE later",
        ]
        self.work.sql(
            f"""CREATE TEMP TABLE resolved AS SELECT id FROM open
                WHERE content IN ({" UNION ALL ".join(accepted) or "SELECT ''"})
                   OR content IN (SELECT content FROM judged WHERE state = 'changed')
                   OR (content NOT IN (SELECT content FROM judged)
                       AND id IN ({" UNION ALL ".join(left)}))"""
        )

    def _replaced(self, table: Table) -> str:
        """Rows in quarantine under whose key a row is accepted that was delivered after them."""
        return f"""SELECT open.id FROM "new_{table.name}" AS row JOIN open ON {_under_key(table)}
            LEFT JOIN open AS own ON row.retried AND own.content = row.record
            WHERE NOT row.retried OR open.place < own.place"""

    # What is told and written ------------------------------------------------------------------

    def counts(self) -> dict[str, int]:
        """Newly quarantined rows a table."""
        query = 'SELECT "table", count(*) FROM quarantined GROUP BY ALL ORDER BY ALL'
        return dict(self.work.sql(query))

    def resolved(self) -> int:
        """Quarantined rows that are quarantined no longer."""
        return self.work.one("SELECT count(*) FROM resolved")

    def outdated(self) -> dict[str, int]:
        """Rows a table that say what was corrected since, so that they changed nothing."""
        query = """SELECT "table", count(*) FROM (
                SELECT "table", n FROM outdated UNION SELECT "table", n FROM confirmed
                WHERE NOT later AND content NOT IN (SELECT content FROM judged WHERE NOT retried)
                UNION ALL SELECT "table", NULL FROM judged WHERE state = 'outdated')
            GROUP BY ALL ORDER BY ALL"""
        return dict(self.work.sql(query))

    def write(self, batch: str, folder: Path) -> None:
        """Write the batch's part of the quarantine into `folder`."""
        columns = ", ".join(f'"{name}"' for name in QUARANTINE if name != "batch")
        self.work.copy(
            f"SELECT {columns}, {quoted(batch)} AS batch FROM quarantined ORDER BY id",
            folder / "quarantine.parquet",
        )
        self.work.copy("SELECT id FROM resolved ORDER BY id", folder / "resolved.parquet")

    def _every(self, *columns: str) -> str:
        """Columns of all rows of the source that ever were in quarantine, with whether they are
        there now. Rows of older batches have no content; it was their id."""
        files, resolved = self.work.lake.files("quarantine"), self.work.lake.files("resolved")
        rows = f"SELECT {nothing({**QUARANTINE, 'place': 'BIGINT'})} WHERE false"
        if files:
            rows += f""" UNION ALL BY NAME
                SELECT * EXCLUDE filename, list_position({listed(files)}, filename) AS place
                FROM read_parquet({listed(files)}, union_by_name = true, filename = true)"""
        gone = f"SELECT id FROM read_parquet({listed(resolved)})" if resolved else "SELECT ''"
        return f"""SELECT {", ".join(columns)}, id NOT IN ({gone}) AS open
            FROM (SELECT * REPLACE (coalesce(content, id) AS content) FROM ({rows}))
            WHERE source = {quoted(self.work.source)}"""


def _under_key(table: Table) -> str:
    """Whether a row in quarantine (`open`) has a `row`'s key, and no other day of recording."""
    same = " AND ".join(
        f"coalesce(trim(open.raw ->> '$.{name}'), '') = coalesce(row.\"key_{name}\", '')"
        for name in table.key
    )
    return f"""open."table" = {quoted(table.name)} AND {same}
        AND (NOT row.given OR coalesce(trim(open.raw ->> '$.recorded_at'), '')
             IN ('', row.recorded_at::VARCHAR))"""
