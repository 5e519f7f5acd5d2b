"""Cleaning and checking the rows of a frame by themselves, against their canonical table.

What depends on other rows (duplicates, contradictions, references) is not said here. Everything
works on whole columns.
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from graph.files import FileRejected
from graph.tables import TABLES, Column, Table
from graph.values import Cleaned, clean_column

#: Columns in which a day of the year 9999 means that there is no end.
_ENDS = frozenset({"valid_to", "ended_on", "delisted_on", "paid_to"})

#: Columns of a file that are named where one is missing, and characters of each.
_NAMES, _NAME_LENGTH = 6, 60

_POLARS = {"date": pl.Date(), "integer": pl.Int64()}
_NUMBERS = ("money", "mass", "quantity", "share", "rate", "probability", "coordinate")


@dataclass(frozen=True)
class Rule:
    """A rule over the cleaned columns of a row: `broken` is true where the row breaks it."""

    table: str
    field: str
    code: str
    broken: Callable[[], pl.Expr]


def _before(later: str, earlier: str) -> Callable[[], pl.Expr]:
    return lambda: pl.col(later) < pl.col(earlier)


#: The rules that concern more than one column.
RULES: tuple[Rule, ...] = (
    *(
        Rule(table.name, "valid_to", "order", _before("valid_to", "valid_from"))
        for table in TABLES.values()
        if "valid_to" in table.names
    ),
    Rule("relations", "target_id", "self", lambda: pl.col("source_id") == pl.col("target_id")),
    Rule("payments", "paid_to", "order", _before("paid_to", "paid_from")),
    Rule("credit_events", "ended_on", "order", _before("ended_on", "occurred_on")),
    Rule("credit_events", "recorded_at", "early", _before("recorded_at", "occurred_on")),
    Rule("findings", "recorded_at", "early", _before("recorded_at", "inspected_on")),
    Rule("shipments", "recorded_at", "early", _before("recorded_at", "declared_at")),
    Rule("list_entries", "delisted_on", "order", _before("delisted_on", "listed_on")),
    Rule(
        "findings",
        "shipment_id",
        "nothing",
        lambda: pl.col("shipment_id").is_null() & pl.col("enterprise_id").is_null(),
    ),
)


def clean_table(
    table: Table, frame: pl.DataFrame, key: bytes = b""
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The table's columns, cleaned and typed, and the reasons against them: columns of codes, one a
    column and one a rule (`<field>|<number>`), null where nothing is wrong.

    `key` is the key with which identity numbers are hashed. O(n) a column.
    """
    cleaned = {column.name: _clean(frame, column, key) for column in table.columns}
    values = pl.DataFrame([cleaned[name].values.alias(name) for name in table.names])
    codes = pl.DataFrame([cleaned[name].codes.alias(name) for name in table.names])
    return values, codes.with_columns(_rule_codes(table, values))


def canonical(frame: pl.DataFrame, table: Table, file: str) -> pl.DataFrame:
    """The frame with its columns under their canonical names; headers in capitals will do.

    Raises `FileRejected` if a required column is missing.
    """
    given = frame.columns
    present = set(given)
    renamed = {
        name: name.strip().lower()
        for name in frame.columns
        if name not in table.names and name.strip().lower() in set(table.names) - present
    }
    frame = frame.rename(renamed)
    missing = [c.name for c in table.columns if c.required and c.name not in frame.columns]
    if missing:
        raise FileRejected(
            file,
            f"table {table.name} lacks the required column {', '.join(missing)} ({_found(given)})",
        )
    return frame


def _found(names: list[str]) -> str:
    """The first columns of a file, and whether it looks as if its fields were not told apart."""
    own = [name for name in names if not name.startswith("__")]
    first = [" ".join(name.split())[:_NAME_LENGTH] for name in own[:_NAMES]]
    more = f" and {len(own) - _NAMES} more" if len(own) > _NAMES else ""
    told = f"it has {', '.join(first)}{more}" if own else "it has no columns"
    if len(own) == 1 and any(mark in own[0] for mark in ";\t|"):
        told += " in one column: separate the fields with commas"
    return told


def _clean(frame: pl.DataFrame, column: Column, key: bytes) -> Cleaned:
    if column.name not in frame.columns:
        return Cleaned(
            pl.Series([None], dtype=_dtype(column)).new_from_index(0, frame.height),
            pl.Series([None], dtype=pl.String).new_from_index(0, frame.height),
        )
    cleaned = clean_column(
        column.type, frame[column.name], many=column.many, choices=column.choices, key=key
    )
    table = pl.DataFrame({"value": cleaned.values.cast(_dtype(column)), "code": cleaned.codes})
    value, code = pl.col("value"), pl.col("code")
    if column.type == "date":
        endless = (value.dt.year() == 9999).fill_null(False)
        if column.name not in _ENDS:
            code = pl.when(endless).then(pl.lit("impossible_date")).otherwise(code)
        value = pl.when(~endless).then(value)
    if column.required:
        code = pl.when(value.is_null() & code.is_null()).then(pl.lit("missing")).otherwise(code)
    table = table.select(value=value, code=code)
    return Cleaned(table["value"], table["code"])


def _dtype(column: Column) -> pl.DataType:
    if column.many:
        return pl.List(pl.String())
    if column.type in _NUMBERS:
        return pl.Float64()
    return _POLARS.get(column.type, pl.String())


def _rule_codes(table: Table, values: pl.DataFrame) -> list[pl.Series]:
    """A column of codes a rule of the table."""
    rules = [rule for rule in RULES if rule.table == table.name]
    exprs = [
        pl.when(rule.broken()).then(pl.lit(rule.code)).alias(_rule_column(number, rule))
        for number, rule in enumerate(rules)
    ]
    return values.select(exprs).get_columns() if exprs else []


def _rule_column(number: int, rule: Rule) -> str:
    return f"{rule.field}|{number}"
