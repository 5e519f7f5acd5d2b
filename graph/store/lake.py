"""The lake: every fact as it was told to us, in append-only batches of Parquet.

A batch is a folder `lake/batches/<id>/` with one Parquet file a table, `quarantine.parquet`,
`resolved.parquet` and `manifest.json`. It is written aside, flushed to disk and renamed whole, so a
process that dies at any moment leaves either no batch or a complete one. Nothing is ever changed:
a correction is a later statement with the same key.
"""

import contextlib
import copy
import errno
import hashlib
import json
import os
import shutil
import uuid
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pyarrow.compute as pc
from filelock import FileLock, Timeout
from ibis.backends.duckdb import Backend

from graph.aside import hold
from graph.errors import BatchRejected, LakeBusy, LakeError
from graph.settings import Settings
from graph.tables import TABLES, Column, Table

#: A query of more than two seconds would draw a bar of its own between a command's lines.
QUIET = "SET enable_progress_bar = false"

#: Seconds a writer waits for another to finish.
PATIENCE = 3.0

#: What every stored row carries beside its table's own columns, with its DuckDB type. `extra` keeps
#: the columns that the table does not have, as JSON text; nothing reads them.
PROVENANCE = {
    "record": "VARCHAR",
    "source": "VARCHAR",
    "batch": "VARCHAR",
    "file": "VARCHAR",
    "row": "BIGINT",
    "marking": "VARCHAR",
    "valid_from": "DATE",
    "valid_to": "DATE",
    "recorded_at": "DATE",
    "extra": "VARCHAR",
}

#: A quarantined row: where it stands, what is wrong with which field, the row itself as JSON text.
#: `content` is the same each time that the row is quarantined, `id` is not.
QUARANTINE = {
    "id": "VARCHAR",
    "source": "VARCHAR",
    "file": "VARCHAR",
    "row": "BIGINT",
    "table": "VARCHAR",
    "field": "VARCHAR",
    "value": "VARCHAR",
    "code": "VARCHAR",
    "reason": "VARCHAR",
    "raw": "VARCHAR",
    "marking": "VARCHAR",
    "recorded_at": "DATE",
    "batch": "VARCHAR",
    "content": "VARCHAR",
}

_NUMBERS = ("money", "mass", "quantity", "share", "rate", "probability", "coordinate")


def storage_type(column: Column) -> str:
    """The DuckDB type a column is stored as."""
    if column.many:
        return "VARCHAR[]"
    if column.type in _NUMBERS:
        return "DOUBLE"
    return {"date": "DATE", "integer": "BIGINT"}.get(column.type, "VARCHAR")


def stored_columns(table: Table) -> dict[str, str]:
    """Every column of a stored table with its DuckDB type, in order."""
    own = {column.name: storage_type(column) for column in table.columns}
    return {**own, **PROVENANCE}


@dataclass(frozen=True)
class Manifest:
    """What a batch holds. `sequence` is its place in the lake's history, 1 = first."""

    id: str
    sequence: int
    source: str
    tables: Mapping[str, int]
    quarantined: Mapping[str, int] = field(default_factory=dict)
    resolved: int = 0
    issues: tuple[str, ...] = ()
    format: int = 1


@dataclass(frozen=True)
class Batch:
    """Content to append, as Parquet files in a folder given out by `Lake.writing`.

    `tables` maps a table to its number of rows, each in `<folder>/<table>.parquet` with the columns
    of `stored_columns`, among them `batch` = `id`.
    """

    id: str
    source: str
    folder: Path
    tables: Mapping[str, int]
    quarantined: Mapping[str, int] = field(default_factory=dict)
    resolved: int = 0
    issues: tuple[str, ...] = ()


#: Where a record came from.
EVIDENCE = ("record", "table", "source", "file", "row", "batch", "marking", "recorded_at")


class Lake:
    """Reading and appending. Any number of readers, one writer at a time."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.lake_folder
        self._lock = FileLock(settings.home / "lake.lock", timeout=PATIENCE)
        self._connection: Backend | None = None
        self._release: Callable[[], object] = lambda: None
        self._manifests: dict[str, Manifest] = {}
        self._pinned: tuple[Manifest, ...] | None = None
        self._views: dict[tuple[str, tuple[str, ...]], ibis.Table] = {}
        self._markings: dict[tuple[str, ...], frozenset[str]] = {}

    @property
    def connection(self) -> Backend:
        """The Ibis DuckDB backend, opened when first asked for."""
        if self._connection is None:
            # DuckDB makes the folder when it first spills, and removes it when it is closed.
            home = self.settings.home.absolute()
            spill = home / f".spill-{uuid.uuid4().hex[:8]}"
            held = contextlib.ExitStack()
            held.enter_context(hold(home, ".spill-*"))
            self._connection = ibis.duckdb.connect(**self._limits(), temp_directory=str(spill))
            self._release = weakref.finalize(self._connection, held.close)
            self._connection.con.execute(QUIET)
        return self._connection

    def close(self) -> None:
        """Give up the connection; the lake can be used again afterwards."""
        if self._connection is not None:
            self._connection.disconnect()
            self._release()
        self._connection = None
        self._views.clear()

    def __enter__(self) -> "Lake":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _limits(self) -> dict[str, str | int]:
        limits: dict[str, str | int] = {"memory_limit": self.settings.memory_limit}
        if self.settings.threads:
            limits["threads"] = self.settings.threads
        return limits

    def scratch(self, folder: Path) -> duckdb.DuckDBPyConnection:
        """A connection of its own for heavy work that may spill into `folder`."""
        config: dict[str, str | bool | int | float | list[str]] = {
            **self._limits(),
            "temp_directory": str(folder),
        }
        connection = duckdb.connect(config=config)
        connection.execute(QUIET)
        return connection

    # Reading -----------------------------------------------------------------------------------

    def pinned(self) -> "Lake":
        """The same lake as it is now, for what is read together: later batches are not seen.

        It shares this one's connection, and is good for reading until this one is closed.
        """
        if self._pinned is not None:
            return self
        moment = copy.copy(self)
        moment._connection = self.connection
        moment._pinned = tuple(self.batches())
        return moment

    def batches(self) -> list[Manifest]:
        """The manifests of all batches, oldest first. Raises `LakeError` on a damaged one."""
        if self._pinned is not None:
            return list(self._pinned)
        folder = self.folder / "batches"
        if not folder.is_dir():
            return []
        for path in folder.glob("*/manifest.json"):
            if path.parent.name not in self._manifests:  # a batch never changes
                self._manifests[path.parent.name] = _read_manifest(path)
        return sorted(
            self._manifests.values(), key=lambda manifest: (manifest.sequence, manifest.id)
        )

    def files(self, name: str) -> list[str]:
        """The Parquet files of a table (or `quarantine`, `resolved`), oldest batch first."""
        paths = (
            self.folder / "batches" / manifest.id / f"{name}.parquet" for manifest in self.batches()
        )
        return [str(path) for path in paths if path.exists()]

    def statements(self, table: str) -> ibis.Table:
        """Every statement of a table, with the columns of `stored_columns`."""
        return self._view(table, stored_columns(TABLES[table]))

    def table(
        self, table: str, *, as_of: date | None = None, known_at: date | None = None
    ) -> ibis.Table:
        """The statement in force of each key.

        Of the statements recorded up to `known_at`, the one with the latest (`recorded_at`,
        `record`) a key; of these, those that are true from `as_of` or an earlier day on.
        """
        rows = self.statements(table)
        if known_at is not None:
            rows = rows.filter(rows.recorded_at <= known_at)
        window = ibis.window(
            group_by=list(TABLES[table].key),
            order_by=[ibis.desc("recorded_at"), ibis.desc("record")],
        )
        rows = rows.mutate(_rank=ibis.row_number().over(window))
        rows = rows.filter(rows["_rank"] == 0).drop("_rank")
        if as_of is not None:
            rows = rows.filter(rows.valid_from.isnull() | (rows.valid_from <= as_of))
        return rows

    def versions(self, table: str) -> ibis.Table:
        """Every statement with `superseded_at`, the day the next one of its key was recorded."""
        rows = self.statements(table)
        window = ibis.window(
            group_by=list(TABLES[table].key), order_by=[rows.recorded_at, rows.record]
        )
        return rows.mutate(superseded_at=rows.recorded_at.lead().over(window))

    def markings(self, table: str) -> frozenset[str]:
        """The markings that occur among the statements of a table."""
        files = tuple(self.files(table))
        if files not in self._markings:
            found = self.statements(table).select("marking").distinct()
            self._markings[files] = frozenset(
                self.connection.to_pyarrow(found)["marking"].to_pylist()
            )
        return self._markings[files]

    def latest_day(self) -> date | None:
        """The last day on which anything was recorded; `None` for an empty lake."""
        days = [self.statements(name).agg(day=ibis._.recorded_at.max()) for name in TABLES]
        latest = self.connection.to_pyarrow(ibis.union(*days)).column("day")
        found: date | None = pc.max(latest).as_py()
        return found

    def quarantine(self) -> ibis.Table:
        """Rows that wait to be put right: one line a row, without those accepted since."""
        rows = self._view("quarantine", QUARANTINE)
        resolved = self._view("resolved", {"id": "VARCHAR"})
        return rows.anti_join(resolved, "id")

    def record(self, record_id: str) -> dict[str, Any] | None:
        """A statement with its table, its columns and where it came from; `None` if unknown."""
        for name in TABLES:
            rows = self.statements(name)
            found = self.connection.to_pyarrow(rows.filter(rows.record == record_id).limit(1))
            if found.num_rows:
                return {"table": name, **found.to_pylist()[0]}
        return None

    def records(
        self, ids: Sequence[str] | None = None, columns: Sequence[str] = EVIDENCE
    ) -> pa.Table:
        """Where each record came from, some of the columns `EVIDENCE`; in the order of the tables
        and records. Without `ids` all records, in no order."""
        parts = [_evidence(self.statements(name), name) for name in TABLES]
        if ids is None:
            every = ibis.union(*(part.select(*columns) for part in parts), distinct=False)
            return self.connection.to_pyarrow(every)
        wanted = ibis.memtable(pa.table({"record": pa.array(sorted(set(ids)), pa.string())}))
        parts = [part.semi_join(wanted, "record") for part in parts]
        united = ibis.union(*parts, distinct=False).order_by("table", "record")
        return self.connection.to_pyarrow(united.select(*columns))

    def fingerprint(self, known_at: date | None = None) -> str:
        """A hash of the set of records, whatever batches, files and order they came in."""
        lines = []
        for name in TABLES:
            rows = self.statements(name)
            if known_at is not None:
                rows = rows.filter(rows.recorded_at <= known_at)
            view = self.connection.compile(rows.select("record"))
            lines.append(f"{name} {set_hash(self.connection.con, view, 'record')}")
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def _view(self, name: str, columns: Mapping[str, str]) -> ibis.Table:
        files = tuple(self.files(name))
        known = self._views.get((name, files))
        if known is not None:
            return known
        nothing = ", ".join(f'NULL::{type} AS "{column}"' for column, type in columns.items())
        chosen = ", ".join(f'"{column}"::{type} AS "{column}"' for column, type in columns.items())
        query = f"SELECT {nothing} WHERE false"
        if files:
            listed = ", ".join(_quoted(path) for path in files)
            query = (
                f"SELECT {chosen} FROM ({query} UNION ALL BY NAME "
                f"SELECT * FROM read_parquet([{listed}], union_by_name = true))"
            )
        view = f"lake_{name}_{len(self._views)}"
        self.connection.raw_sql(f'CREATE OR REPLACE TEMP VIEW "{view}" AS {query}').fetchall()
        found = self.connection.table(view)
        self._views[(name, files)] = found
        return found

    # Writing -----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def writing(self) -> Iterator[Path]:
        """Hold the lake for writing and give out an empty folder on the same disk.

        The folder and what earlier writers left behind are removed on the way out.

        Raises:
            LakeBusy: another process is writing.
            LakeError: the disk is full, or the data folder cannot be written.
        """
        staging = self.folder / "staging"
        with _told(self.folder):
            self.settings.home.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire()
            except Timeout as error:
                raise LakeBusy(
                    f"another process is writing to {self.settings.home}",
                    hint="wait until it has finished",
                ) from error
            try:
                shutil.rmtree(staging, ignore_errors=True)
                staging.mkdir(parents=True)
                (self.folder / "batches").mkdir(exist_ok=True)
                yield staging
            finally:
                shutil.rmtree(staging, ignore_errors=True)
                self._lock.release()

    def append(self, batch: Batch) -> Manifest | None:
        """Make a written batch part of the lake; `None` when its content is there already.

        Call inside `writing`. The rename is the moment at which the batch comes into being.
        """
        target = self.folder / "batches" / batch.id
        if target.exists() or not (batch.tables or batch.quarantined or batch.resolved):
            return None
        manifest = Manifest(
            batch.id,
            1 + max((known.sequence for known in self.batches()), default=0),
            batch.source,
            dict(sorted(batch.tables.items())),
            dict(sorted(batch.quarantined.items())),
            batch.resolved,
            batch.issues,
        )
        text = json.dumps(asdict(manifest), ensure_ascii=False, indent=2)
        (batch.folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
        for path in sorted(batch.folder.iterdir()):
            _flush(path)
        _flush(batch.folder)
        batch.folder.rename(target)
        _flush(target.parent)
        return manifest


def set_hash(connection: duckdb.DuckDBPyConnection, query: str, column: str) -> str:
    """A hash of the set of values of a column, the same in any order. Cost O(n), no sort."""
    rows = connection.execute(
        f"""SELECT count(*), coalesce(bit_xor(md5_number("{column}")), 0),
                   coalesce(sum(md5_number_lower("{column}")::HUGEINT), 0)
            FROM ({query})"""
    ).fetchall()
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]


def _evidence(rows: ibis.Table, name: str) -> ibis.Table:
    return rows.mutate(table=ibis.literal(name)).select(*EVIDENCE)


def _read_manifest(path: Path) -> Manifest:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Manifest(**{**values, "issues": tuple(values["issues"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise LakeError(
            f"the batch in {path.parent} is damaged ({error})",
            hint="restore the folder from a copy, or remove it and ingest its source again",
        ) from error


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _flush(path: Path) -> None:
    """Force a file's or folder's content onto the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Turn failures of the disk and of memory into one line."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _full(folder) from error
        raise LakeError(
            f"cannot write to {folder} ({error.strerror or error})",
            hint="check the folder and its permissions; the lake is as it was",
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise LakeError(
            "the memory allowed to DuckDB is not enough",
            hint="raise HAWSER_MEMORY_LIMIT; the lake is as it was",
        ) from error
    except duckdb.IOException as error:
        if "No space left" in str(error):
            raise _full(folder) from error
        raise LakeError(
            f"cannot write to {folder} ({_first_line(error)})", hint="the lake is as it was"
        ) from error


def _full(folder: Path) -> BatchRejected:
    return BatchRejected(
        f"the disk of {folder} is full",
        hint="free some space and run it again; the lake is as it was",
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
