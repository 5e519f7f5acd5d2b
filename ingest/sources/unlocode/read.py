"""UN/LOCODE: places with function digits and coordinates."""

from collections.abc import Iterator

import polars as pl

from graph.files import read_file
from ingest.context import ROW, Context, RawTable, files_at

_USED = ("locode", "country", "ascii", "function", "coord")


def read(context: Context) -> Iterator[RawTable]:
    """Yield the places of each CSV file."""
    for path in files_at(context.path, "*locode*.csv"):
        file = read_file(path)
        frame = context.number(file)
        context.audit(frame, path.name, _USED)
        chosen = frame.select(
            ROW,
            "locode",
            "country",
            name="ascii",
            functions=pl.col("function").str.replace_all(r"[^0-9B]", ""),
            latitude=_degrees(r"^(\d{2})(\d{2})([NS])", "S"),
            longitude=_degrees(r" (\d{3})(\d{2})([EW])$", "W"),
        )
        yield RawTable("places", context.name(path), chosen, file.broken)


def _degrees(pattern: str, negative: str) -> pl.Expr:
    """Degrees and minutes such as `4230N 00131E` in decimal degrees."""
    parts = pl.col("coord").str.strip_chars().str.extract_groups(pattern)
    whole = parts.struct.field("1").cast(pl.Float64)
    minutes = parts.struct.field("2").cast(pl.Float64)
    sign = pl.when(parts.struct.field("3") == negative).then(-1.0).otherwise(1.0)
    return (sign * (whole + minutes / 60)).round(4)
