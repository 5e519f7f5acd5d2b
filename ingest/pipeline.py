"""The stage that brings a source into the lake: read, clean, check, append; all or nothing."""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path

import ibis
import polars as pl

from graph.access import within
from graph.errors import BatchRejected
from graph.files import FileRejected
from graph.settings import Settings
from graph.store.lake import Batch, Lake
from graph.tables import TABLES
from graph.values import secret_key
from ingest.context import (
    DAY,
    FILE,
    MARKING,
    ROW,
    Context,
    IngestReport,
    RawTable,
    SourceDeclaration,
    declaration,
    read_source,
)
from ingest.merge import Merge
from ingest.validate import Checked, Defaults, check, too_many
from ingest.workspace import Workspace

Progress = Callable[[str, float], None]

#: Reasons that may go away when other rows arrive.
_MAY_PASS = ("reference",)

#: Reasons that no reading again takes away: there are no fields to read; what a row contradicts
#: is not known from it, and only what its source tells can settle it.
_NOT_TO_PASS = ("fields", "conflicting")


def ingest(
    source: str,
    path: Path,
    settings: Settings,
    *,
    recorded_at: date | None = None,
    options: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> IngestReport:
    """Bring what is at `path` into the lake as one batch.

    `recorded_at` is the day on which rows became known that bear no date at all; without it they
    count as known from the start, and corrections as known today. Given, a row that was corrected
    since, or refused and mended, is told again from that day on; by default it changes nothing and
    is counted in the report's issues (`ingest.waiting` has the rule).

    Raises:
        SourceError: the source is unknown.
        FileRejected: a file cannot be read at all.
        BatchRejected: more than `settings.quarantine_share` of a table's rows are wrong by
            themselves, or the disk is full.
        LakeBusy: another process is writing.
        In each case the lake is as it was.
    """
    declared = declaration(source)
    context = Context(declared, Path(path), options or {})
    if not context.path.exists():  # before a data folder is made for nothing
        raise FileRejected(context.path, "does not exist")
    lake = Lake(settings)
    with lake, lake.writing() as staging:
        run = _Run(lake, declared, staging, recorded_at or date.today(), progress)
        run.restating = recorded_at is not None
        run.read(read_source(context), lambda: context.marking)
        run.check_share()
        waiting = lake.quarantine()
        run.retry(waiting.filter(waiting.code.isin(_MAY_PASS)))
        return run.append(context.issues)


def retry_quarantine(settings: Settings, *, progress: Progress | None = None) -> IngestReport:
    """Read the quarantined rows of every source again, as far as the clearance of the settings
    goes: what it hides is neither read nor reported. Rows that contradict one another are not read,
    as only a delivery settles them. Raises `LakeBusy`."""
    total = IngestReport("quarantine")
    seen = within(settings.clearance)
    lake = Lake(settings)
    with lake, lake.writing() as staging:
        waiting = lake.quarantine()
        waiting = waiting.filter(waiting.marking.isin(seen))
        sources = lake.connection.to_pyarrow(waiting.select("source").distinct().order_by("source"))
        for number, name in enumerate(sources["source"].to_pylist()):
            folder = staging / str(number)
            folder.mkdir()
            run = _Run(lake, declaration(name), folder, date.today(), progress)
            run.retry(waiting)
            _add(total, run.append([]))
    return total


class _Run:
    """One batch in the making."""

    def __init__(
        self,
        lake: Lake,
        source: SourceDeclaration,
        staging: Path,
        day: date,
        progress: Progress | None,
    ) -> None:
        self.lake, self.source, self.staging, self.day = lake, source, staging, day
        self.tell = progress or (lambda _what, _fraction: None)
        self.report = IngestReport(source.name, recorded_at=day)
        self.good: dict[str, int] = {}
        self.refused: list[pl.DataFrame] = []
        self.restating = False
        self._number = 0
        self._parts = 0
        (staging / "parts").mkdir()

    def read(self, tables: Iterable[RawTable], marking: Callable[[], str]) -> None:
        """Clean and check every frame and put it aside as Parquet."""
        for raw in tables:
            self.tell(f"reading {raw.file}", 0.1)
            checked = self._check(raw, marking())
            if checked.extra:
                known = self.report.extra_columns.setdefault(raw.table, [])
                known.extend(name for name in checked.extra if name not in known)

    def retry(self, waiting: ibis.Table) -> None:
        """Read the source's rows among these quarantined ones again."""
        if not self.lake.files("quarantine"):
            return
        waiting = waiting.filter(waiting.source == self.source.name)
        waiting = waiting.filter(~waiting.code.isin(_NOT_TO_PASS))
        rows = pl.DataFrame(pl.from_arrow(self.lake.connection.to_pyarrow(waiting)))
        if not rows.height:
            return
        self._write("retried", rows.select("id"))
        for (table,), group in rows.sort("file", "row").group_by("table", maintain_order=True):
            self._check(_from_quarantine(str(table), group), self.source.marking, retried=True)

    def check_share(self) -> None:
        """Refuse the batch if too many rows are wrong. Raises `BatchRejected`."""
        line = too_many(self.refused, self.good, self.lake.settings.quarantine_share)
        if line:
            raise BatchRejected(line, hint="nothing was ingested")

    def append(self, issues: list[str]) -> IngestReport:
        """Decide about the rows and make the batch part of the lake."""
        self.tell("comparing with the lake", 0.5)
        with self.lake.scratch(self.staging / "spill") as connection:
            work = Workspace(
                self.lake, self.source.name, self.staging, connection, restating=self.restating
            )
            merge = Merge(work)
            merge.run()
            report = self.report
            report.accepted, report.quarantined = merge.counts(), merge.quarantine.counts()
            report.resolved = merge.quarantine.resolved()
            report.issues = [*issues, *self._unexpected(), *merge.issues()]
            if report.accepted or report.quarantined or report.resolved:
                self.tell("writing", 0.8)
                self._commit(merge)
        self.tell("done", 1.0)
        return report

    def _commit(self, merge: Merge) -> None:
        report = self.report
        batch = Batch(
            merge.identity(),
            self.source.name,
            self.staging / "batch",
            report.accepted,
            report.quarantined,
            report.resolved,
            tuple(report.issues),
        )
        batch.folder.mkdir()
        merge.write(batch.id, batch.folder)
        manifest = self.lake.append(batch)
        if manifest is not None:
            report.batches.append(manifest.id)
            report.unchanged = False

    def _check(self, raw: RawTable, marking: str, *, retried: bool = False) -> Checked:
        defaults = Defaults(
            self.source.name, marking, self.day, secret_key(self.lake.settings.home)
        )
        checked = check(raw, defaults)
        good = checked.good
        numbers = pl.int_range(self._number, self._number + good.height, dtype=pl.Int64, eager=True)
        self._number += good.height
        self.good[raw.table] = self.good.get(raw.table, 0) + good.height
        self._write(
            raw.table, good.with_columns(numbers.alias("__n"), pl.lit(retried).alias("__retried"))
        )
        if checked.refused.height:
            self.refused.append(checked.refused)
            self._write("refused", checked.refused)
        return checked

    def _write(self, name: str, frame: pl.DataFrame) -> None:
        self._parts += 1
        path = self.staging / "parts" / f"{name}.{self._parts:05}.parquet"
        try:
            frame.write_parquet(path, compression="lz4")
        except pl.exceptions.ComputeError as error:
            number = re.search(r"os error (\d+)", str(error))
            if number is None:
                raise
            raise OSError(int(number[1]), os.strerror(int(number[1]))) from error

    def _unexpected(self) -> list[str]:
        """What the source should have and does not."""
        return [
            f"{table}: {self.good.get(table, 0)} rows, where {low} to {high} were expected"
            for table, (low, high) in self.source.expected.items()
            if not low <= self.good.get(table, 0) <= high
        ]


def _from_quarantine(table: str, rows: pl.DataFrame) -> RawTable:
    """Quarantined rows as a reader would give them. Fields that no row has are left empty."""
    names = [*TABLES[table].names]
    dtype = pl.Struct(dict.fromkeys(names, pl.String))
    values = rows.select(pl.col("raw").str.json_decode(dtype).alias("v")).unnest("v")
    frame = values.with_columns(
        rows["file"].alias(FILE),
        rows["row"].alias(ROW),
        rows["marking"].alias(MARKING),
        rows["recorded_at"].alias(DAY),
    )
    return RawTable(table, "quarantine", frame)


def _add(total: IngestReport, part: IngestReport) -> None:
    total.batches += part.batches
    for name in ("accepted", "quarantined"):
        counts: dict[str, int] = getattr(total, name)
        for table, count in getattr(part, name).items():
            counts[table] = counts.get(table, 0) + count
    total.resolved += part.resolved
    total.unchanged = total.unchanged and part.unchanged
    total.issues += part.issues
