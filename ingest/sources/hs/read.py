"""The HS nomenclature: chapters, headings and subheadings."""

from collections.abc import Iterator

import polars as pl

from graph.files import read_file
from ingest.context import ROW, Context, RawTable, files_at

_USED = ("hscode", "description", "parent", "level")


def read(context: Context) -> Iterator[RawTable]:
    """Yield the codes of each CSV file; the line that stands for all goods is left out."""
    for path in files_at(context.path, "*hs.csv"):
        file = read_file(path)
        frame = context.number(file)
        context.audit(frame, path.name, _USED)
        rows = context.fix(frame.filter(pl.col("hscode") != "TOTAL"))
        chosen = rows.select(ROW, "description", "parent", "level", hs_code="hscode")
        yield RawTable("commodities", context.name(path), chosen, file.broken)
