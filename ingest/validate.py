"""Cleaning and checking the rows of one frame against their canonical table.

What can be said of a row by itself is said here; what depends on other rows (duplicates,
contradictions, references) in `merge`. Everything works on whole columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from graph.checks import canonical, clean_table
from graph.reasons import REASONS
from graph.tables import TABLES, Table
from graph.values import clean_column
from ingest.context import DAY, EXTRA, FILE, MARKING, ROW, RawTable

#: A frame of rows that were refused. `identity` is what their id is made of: `raw` without the
#: columns that the table does not have.
REFUSED = {
    "source": pl.String,
    "file": pl.String,
    "row": pl.Int64,
    "table": pl.String,
    "field": pl.String,
    "value": pl.String,
    "code": pl.String,
    "reason": pl.String,
    "raw": pl.String,
    "identity": pl.String,
    "marking": pl.String,
    "recorded_at": pl.Date,
}


@dataclass(frozen=True)
class Defaults:
    """What holds for rows that do not say otherwise."""

    source: str
    marking: str
    day: date
    key: bytes


@dataclass(frozen=True)
class Checked:
    """A frame sorted into good rows (typed canonical columns and where they stand) and refused
    ones (`REFUSED`), and the columns that the table does not have."""

    good: pl.DataFrame
    refused: pl.DataFrame
    extra: tuple[str, ...]


def check(raw: RawTable, defaults: Defaults) -> Checked:
    """Clean and check a frame. Raises `FileRejected` if a required column is missing."""
    table = TABLES[raw.table]
    frame = _placed(canonical(raw.frame, table, raw.file), raw.file, defaults)
    extra = tuple(
        name for name in frame.columns if name not in table.names and not name.startswith("__")
    )
    values, codes = clean_table(table, frame, defaults.key)
    values = values.with_columns(frame.select(FILE, ROW, MARKING, DAY))
    bad = codes.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    refused = _refused(frame.filter(bad), codes.filter(bad), table, defaults)
    if raw.broken is not None and raw.broken.height:
        refused = pl.concat([refused, _broken(raw, defaults)])
    kept = _json(_as_texts(frame.select(extra), table, defaults.key)) if extra else _NOTHING
    values = values.with_columns(kept.alias(EXTRA))
    return Checked(values.filter(~bad), refused, extra)


def _placed(frame: pl.DataFrame, file: str, defaults: Defaults) -> pl.DataFrame:
    """Say of each row where it stands, unless the reader has done so."""
    places: dict[str, pl.Expr] = {
        FILE: pl.lit(file),
        ROW: pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        MARKING: pl.lit(defaults.marking),
        DAY: pl.lit(defaults.day),
    }
    return frame.with_columns(
        **{name: place for name, place in places.items() if name not in frame.columns}
    )


def _refused(
    frame: pl.DataFrame, codes: pl.DataFrame, table: Table, defaults: Defaults
) -> pl.DataFrame:
    """One line a refused row: the first field that is wrong, and all that is wrong in words."""
    names = codes.columns
    field_of = [name.split("|")[0] for name in names]
    texts = _as_texts(frame, table, defaults.key)
    shown = {name: texts[name] for name in set(field_of) & set(texts.columns)}
    first = pl.coalesce(pl.when(pl.col(name).is_not_null()).then(pl.lit(name)) for name in names)
    words = pl.concat_str(
        [
            pl.when(pl.col(name).is_not_null()).then(
                pl.lit(f"{field} ") + pl.col(name).replace(_english(table, field))
            )
            for name, field in zip(names, field_of, strict=True)
        ],
        separator="; ",
        ignore_nulls=True,
    )
    table_of_codes = codes.with_columns(
        __first=first.str.replace(r"\|\d+$", ""), __reason=words, __code=pl.coalesce(names)
    )
    value = pl.coalesce(
        *(
            pl.when(table_of_codes["__first"] == name).then(pl.lit(series))
            for name, series in sorted(shown.items())
        ),
        pl.lit(None, pl.String),
    )
    return frame.select(
        source=pl.lit(defaults.source),
        file=FILE,
        row=ROW,
        table=pl.lit(table.name),
        field=table_of_codes["__first"],
        value=value,
        code=table_of_codes["__code"],
        reason=table_of_codes["__reason"],
        raw=_json(texts),
        identity=_json(texts.select(name for name in texts.columns if name in table.names)),
        marking=MARKING,
        recorded_at=DAY,
    )


def _english(table: Table, field: str) -> dict[str, str]:
    """The reasons by code; where only some values are allowed, they are told."""
    told = {code: texts[0] for code, texts in REASONS.items()}
    choices = next((column.choices for column in table.columns if column.name == field), ())
    return told | {"not_choice": f"{told['not_choice']} ({', '.join(choices)})"}


_NOTHING = pl.lit(None, pl.String)
#: How many reasons the refusal of a whole delivery tells.
_REASONS_TOLD = 3


def _as_texts(frame: pl.DataFrame, table: Table, key: bytes) -> pl.DataFrame:
    """The row as text, as it was given; identity numbers are hashed."""
    secret = {column.name for column in table.columns if column.type == "secret"}
    columns = []
    for name in sorted(name for name in frame.columns if not name.startswith("__")):
        series = frame[name]
        if name.strip().lower() in secret:
            series = clean_column("secret", series, key=key).values
        columns.append(as_text(series).alias(name))
    return pl.DataFrame(columns) if columns else pl.DataFrame()


def as_text(series: pl.Series) -> pl.Series:
    """Any column as text; lists joined by semicolons."""
    if isinstance(series.dtype, pl.List):
        return series.cast(pl.List(pl.String)).list.join(";")
    if series.dtype.is_nested() or series.dtype == pl.Binary:
        return pl.Series(series.name, [None] * len(series), dtype=pl.String)
    return series.cast(pl.String)


def _json(texts: pl.DataFrame) -> pl.Series:
    """Each row as a JSON object of its non-empty fields, names sorted."""
    if not texts.width:
        return pl.Series("raw", ["{}"] * texts.height, dtype=pl.String)
    parts = [
        pl.when(pl.col(name).is_not_null()).then(
            pl.struct(pl.col(name)).struct.json_encode().str.strip_prefix("{").str.strip_suffix("}")
        )
        for name in texts.columns
    ]
    joined = pl.concat_str(parts, separator=",", ignore_nulls=True)
    return texts.select(raw=pl.lit("{") + joined + pl.lit("}")).to_series()


def _broken(raw: RawTable, defaults: Defaults) -> pl.DataFrame:
    """Rows that could not be split into fields; their text stands in for the row.

    Where the table has identity numbers, nobody knows which part of the text is one: only its keyed
    hash is kept, and the row's number leads back to the file.
    """
    assert raw.broken is not None
    lines = raw.broken.select(pl.col("text").alias("__line"))
    if any(column.type == "secret" for column in TABLES[raw.table].columns):
        hashed = clean_column("secret", lines["__line"], key=defaults.key).values
        lines = pl.DataFrame({"__hashed_line": hashed})
    return raw.broken.select(
        source=pl.lit(defaults.source),
        file=pl.lit(raw.file),
        row="row",
        table=pl.lit(raw.table),
        field=pl.lit(""),
        value=pl.col("found").cast(pl.String),
        code=pl.lit("fields"),
        reason=pl.lit(REASONS["fields"][0]),
        raw=_json(lines),
        identity=_json(lines),
        marking=pl.lit(defaults.marking),
        recorded_at=pl.lit(defaults.day),
    )


def too_many(refused: Sequence[pl.DataFrame], good: dict[str, int], share: float) -> str:
    """A line about the first table of which more than `share` of the rows were refused, or an empty
    text."""
    if not refused:
        return ""
    rows = pl.concat(refused)
    for name in sorted(rows["table"].unique()):
        of_table = rows.filter(pl.col("table") == name).sort("file", "row")
        total = of_table.height + good.get(name, 0)
        if of_table.height > share * total:
            return (
                f"{name}: {of_table.height} of {total} rows are wrong, more than {share:.0%} "
                f"({_commonest(of_table)})"
            )
    return ""


def _commonest(rows: pl.DataFrame) -> str:
    """The commonest reasons among refused rows: how often each, and where first."""
    reasons = (
        rows.group_by("reason", maintain_order=True)
        .agg(pl.len().alias("count"), pl.first("file"), pl.first("row"))
        .sort("count", descending=True, maintain_order=True)
    )
    told = [
        f"{reason['count']} of them: {reason['reason']}, first {reason['file']} row {reason['row']}"
        for reason in reasons.head(_REASONS_TOLD).iter_rows(named=True)
    ]
    more = reasons.height - len(told)
    return "; ".join([*told, f"and {more} other reasons"] if more else told)
