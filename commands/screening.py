"""`hawser screen`: names of a CSV or Parquet file against the list entries of the lake."""

from pathlib import Path
from typing import Any

import polars as pl

from commands.output import Report
from graph import access
from graph.errors import HawserError
from graph.files import FileRejected, Frame, ending, read_csv, read_file
from graph.settings import Settings
from graph.spreadsheet import without_formulas

#: The column with the names: the first of these that the file has, else its first column.
NAMES = ("query", "name")


def screen(
    settings: Settings,
    file: Path,
    result: Path,
    limit: int,
    threshold: float | None,
    progress: Report,
) -> dict[str, Any]:
    """Write the best entries of each name, of those entries that the clearance reaches.

    Keys: output, queries, entries, matches, redacted (entries that were not compared).
    """
    from ingest.resolve import screen as screening

    queries = _queries(file)
    entries, redacted = _entries(settings)
    if not entries.height:
        reason = f" within clearance {settings.clearance}" if redacted else ""
        raise HawserError(f"the lake has no list entries{reason}", hint="ingest a list first")
    found = screening.screen(queries, entries, limit=limit, threshold=threshold, progress=progress)
    result.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(pl.from_arrow(without_formulas(found.to_arrow()))).write_csv(result)
    matched = found.filter(pl.col("match"))["query"].n_unique() if found.height else 0
    return {
        "output": result,
        "queries": queries.len(),
        "entries": entries["entry_id"].n_unique(),
        "matches": matched,
        "redacted": redacted,
    }


def _queries(file: Path) -> pl.Series:
    """The names of the file, in its order.

    Raises:
        HawserError: it cannot be read, or a row has another number of fields than the header.
    """
    read = _read(file)
    frame, broken = read.frame, read.broken
    if broken.height:
        row, found = broken["row"][0], broken["found"][0]
        more = f" (and {broken.height - 1} more such rows)" if broken.height > 1 else ""
        raise HawserError(
            f"{file}: row {row} has {found} fields and the header {frame.width}{more}",
            hint="put a name that has a comma in quotes",
        )
    if not frame.width:
        raise HawserError(f"{file} has no columns", hint="give a file with a column of names")
    names = frame[next((name for name in NAMES if name in frame.columns), frame.columns[0])]
    try:
        return names.cast(pl.String)
    except pl.exceptions.PolarsError as error:
        raise HawserError(
            f"{file}: the column {names.name} is no text ({names.dtype})",
            hint=f"call the column with the names {' or '.join(NAMES)}",
        ) from error


def _read(file: Path) -> Frame:
    """The file's rows; whatever is not called otherwise, a pipe too, is taken for CSV."""
    if ending(file.name) or file.is_dir():
        return read_file(file)
    try:
        return read_csv(file.read_bytes(), file)
    except OSError as error:
        raise FileRejected(file, f"cannot be read ({error.strerror or error})") from error


def _entries(settings: Settings) -> tuple[pl.DataFrame, int]:
    """One row a name or alias: entry_id, list, name; how many entries the clearance hides."""
    from graph.store.lake import Lake

    with Lake(settings) as lake:
        table = lake.table("list_entries").select("entry_id", "list", "name", "aliases", "marking")
        every = pl.DataFrame(pl.from_arrow(table.to_pyarrow()))
    rows = every.filter(pl.col("marking").is_in(access.within(settings.clearance)))
    names = rows.select("entry_id", "list", "name")
    aliases = rows.explode("aliases").select("entry_id", "list", name="aliases")
    found = pl.concat([names, aliases]).drop_nulls().unique().sort("entry_id", "name")
    return found, every.height - rows.height
