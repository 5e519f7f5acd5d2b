"""`hawser score`: a snapshot's scores, or those of tables in a folder that are not in the lake."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from commands import stages
from commands.output import Report
from graph.settings import Settings

COLUMNS = ("probability", "low", "high", "top_reasons")
_PARTIES = (
    "importer_id", "exporter_id", "declarant_id", "carrier_id", "forwarder_id", "manufacturer_id",
)  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What to score: a snapshot, or the tables in `input`; `result` is a CSV file to write."""

    snapshot: str | None
    model: str | None
    input: Path | None
    result: Path | None
    enterprises: bool


def score(settings: Settings, wanted: Wanted, progress: Report) -> dict[str, Any]:
    """Score. Keys: snapshot, model, champion, shipments, enterprises; output and rows of a file.

    Raises:
        HawserError: there is no model or snapshot, or the folder cannot be read.
    """
    if wanted.input is None:
        done = stages.score(settings, wanted.snapshot, wanted.model, progress)
        written = _write(settings, done["snapshot"], wanted, None) if wanted.result else {}
        return done | written
    with _beside(settings) as own:
        delivery = stages.Delivery("tables", wanted.input)
        read = stages.ingest(own, delivery, progress)
        day = max(date.today(), _last_day(own))
        snapshot = stages.snapshot(own, day, day, progress, judged_in=settings)["id"]
        stages.features(own, snapshot, progress)
        done = stages.score(own, snapshot, wanted.model, progress)
        written = _write(own, snapshot, wanted, _asked(wanted))
    left = {"quarantined": read["quarantined"], "issues": read["issues"]}
    return {key: done[key] for key in ("model", "champion")} | written | left


@contextmanager
def _beside(settings: Settings) -> Iterator[Settings]:
    """A data folder with the same lake and models, to add to; removed in the end.

    Batches never change, so links to their files are as good as copies.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".scoring-", dir=settings.home) as name:
        home = Path(name)
        for folder in (settings.lake_folder / "batches").glob("*"):
            target = home / "lake" / "batches" / folder.name
            shutil.copytree(folder, target, copy_function=_link)
        settings.model_folder.mkdir(parents=True, exist_ok=True)
        (home / "models").symlink_to(settings.model_folder.absolute())
        for key in settings.home.glob("*.key"):
            shutil.copy2(key, home)
        yield replace(settings, home=home, ledger_url="", quarantine_share=1.0)


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def _last_day(settings: Settings) -> date:
    from graph.store.lake import Lake

    with Lake(settings) as lake:
        last = lake.statements("shipments").recorded_at.max().to_pyarrow().as_py()
    return last or date.today()


def _asked(wanted: Wanted) -> pa.Array:
    """The ids that the folder asks about: its shipments, or its enterprises or their parties."""
    from graph.features.build import given_tables

    assert wanted.input is not None
    tables = given_tables(wanted.input)
    if not wanted.enterprises:
        return _texts(tables["shipments"]["shipment_id"])
    if "enterprises" in tables:
        return _texts(tables["enterprises"]["enterprise_id"])
    parties = [name for name in _PARTIES if name in tables["shipments"].column_names]
    return pa.concat_arrays([_texts(tables["shipments"][name]) for name in parties])


def _texts(column: pa.ChunkedArray) -> pa.Array:
    return column.cast(pa.string()).combine_chunks()


def _write(
    settings: Settings, snapshot: str, wanted: Wanted, asked: pa.Array | None
) -> dict[str, Any]:
    """Write the scores as CSV, sorted by id. Keys: output, rows."""
    from graph.scores import open_scores

    assert wanted.result is not None
    scores = open_scores(settings, snapshot)
    table = scores.enterprises if wanted.enterprises else scores.shipments
    key = "enterprise_id" if wanted.enterprises else "shipment_id"
    if asked is not None:
        table = table.filter(pc.is_in(table[key], value_set=asked.drop_null().unique()))
    table = table.select([key, *COLUMNS]).sort_by(key)
    joined = pc.binary_join(table["top_reasons"], ";")
    table = table.set_column(table.column_names.index("top_reasons"), "top_reasons", joined)
    wanted.result.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.csv.write_csv(table, wanted.result)
    return {"output": wanted.result, "rows": table.num_rows}
