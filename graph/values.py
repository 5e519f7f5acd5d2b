"""Value types: how a code, a date, a mass or a name is cleaned and checked.

Each type of `VALUE_TYPES` is one function over Polars expressions, so a column of a million rows
and a single value go the same way: `clean_column` returns cleaned values and reason codes, `clean`
one value or `ValueRejected`. Reasons in English and Chinese are in `graph.reasons`.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graph import reference
from graph.errors import ValueRejected
from graph.reasons import reason

_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = np.array([1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28])
_HASHED = "^hmac:[0-9a-f]{32}$"
_DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y.%m.%d", "%Y年%m月%d日")

Checked = tuple[pl.Expr, pl.Expr]


@dataclass(frozen=True)
class Cleaned:
    """A cleaned column: `values` null where empty or refused, `codes` null where accepted."""

    values: pl.Series
    codes: pl.Series


@dataclass(frozen=True)
class DateRange:
    """The days from `start` up to, not including, `end`; `None` is open."""

    start: date | None = None
    end: date | None = None

    def __post_init__(self) -> None:
        if self.start and self.end and self.end < self.start:
            raise ValueRejected("date range", f"{self.start} to {self.end}", reason("order"))

    def __contains__(self, day: date) -> bool:
        return (self.start is None or self.start <= day) and (self.end is None or day < self.end)

    def overlaps(self, other: "DateRange") -> bool:
        """Whether the two have a day in common."""
        starts = [day for day in (self.start, other.start) if day]
        ends = [day for day in (self.end, other.end) if day]
        return not starts or not ends or max(starts) < min(ends)


@dataclass(frozen=True)
class Money:
    """An amount of not less than 0 in a currency of ISO 4217."""

    amount: float
    currency: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", clean("money", self.amount))
        object.__setattr__(self, "currency", clean("currency", self.currency))


def clean(
    value_type: str, value: object, *, choices: tuple[str, ...] = (), key: bytes = b""
) -> Any:
    """Clean one value; `None` for an empty one. Raises `ValueRejected`."""
    cleaned = clean_column(value_type, pl.Series([value]), choices=choices, key=key)
    if cleaned.codes[0] is not None:
        raise ValueRejected(value_type, value, reason(cleaned.codes[0]))
    return cleaned.values[0]


def clean_column(
    value_type: str,
    values: pl.Series,
    *,
    many: bool = False,
    choices: tuple[str, ...] = (),
    key: bytes = b"",
) -> Cleaned:
    """Clean a column of any type that a CSV or Parquet file can hold.

    `many` splits at semicolons and gives lists, null when there is nothing in them. `key` is the
    key with which secrets are hashed. The work is done once a distinct value: O(n) plus the cost of
    the type on the distinct ones.
    """
    values = values.alias("raw")
    if _is_stored_already(value_type, values.dtype, many):
        return _check_typed(value_type, values)
    texts = _as_text(values)
    if value_type in _NUMERIC and not many:
        plain = texts.cast(pl.Float64, strict=False)
        if plain.null_count() == texts.null_count():
            return _check_typed(value_type, plain, told=True)
    distinct = texts.drop_nulls().unique().to_frame()
    if many:
        table = _clean_many(value_type, distinct, choices, key)
    else:
        table = _clean_distinct(value_type, distinct, choices, key)
    joined = texts.to_frame().join(table, on="raw", how="left", maintain_order="left")
    return Cleaned(joined["value"], joined["code"])


@cache
def secret_key(home: Path) -> bytes:
    """The key of a data folder for hashing secrets; made when first asked for, readable by its
    owner only. Copy `secret.key` to another folder to get the same hashes there."""
    path = home / "secret.key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        aside = home / f"secret.key.{os.getpid()}"
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32))
        try:
            path.hardlink_to(aside)
        except FileExistsError:
            pass  # another process was first: its key is the one
        finally:
            aside.unlink()
    return bytes.fromhex(path.read_text())


# From what files hold to text --------------------------------------------------------------------


def _as_text(values: pl.Series) -> pl.Series:
    """Text of any column: whole floats without their fraction, lists joined by semicolons."""
    dtype = values.dtype
    if dtype == pl.String:
        return values
    if dtype.is_float():
        whole = values.cast(pl.Float64).cast(pl.Int64, strict=False)
        same = (whole.cast(pl.Float64) == values).fill_null(False)
        return whole.cast(pl.String).zip_with(same, values.cast(pl.String))
    if isinstance(dtype, pl.List):
        return values.cast(pl.List(pl.String)).list.join(";")
    if dtype.is_nested() or dtype == pl.Binary:
        return pl.Series("raw", [None] * len(values), dtype=pl.String)
    return values.cast(pl.String)


def _is_stored_already(value_type: str, dtype: pl.DataType, many: bool) -> bool:
    if many or value_type not in VALUE_TYPES:
        return False
    if value_type == "date":
        return dtype == pl.Date or isinstance(dtype, pl.Datetime)
    if value_type == "integer":
        return dtype.is_integer()
    return value_type in _NUMERIC and dtype.is_numeric()


def _check_typed(value_type: str, values: pl.Series, *, told: bool = False) -> Cleaned:
    """Numbers and dates of typed files need no text. `told`: a NaN was written out as such."""
    column = pl.col("raw")
    if value_type == "date":
        value, code = column.cast(pl.Date), _date_code(column.cast(pl.Date))
    elif value_type == "integer":
        value, code = column.cast(pl.Int64), _below_zero(column)
    else:
        value = column.cast(pl.Float64)
        if values.dtype.is_float() and not told:
            # Frames that came through pandas say NaN where nothing is known.
            value = pl.when(value.is_not_nan()).then(value)
        code = _number_code(value_type, value)
    return _settle(values.to_frame().select(value=value, code=code))


def _clean_distinct(
    value_type: str, distinct: pl.DataFrame, choices: tuple[str, ...], key: bytes
) -> pl.DataFrame:
    column = pl.col("raw")
    if value_type == "secret":
        return _clean_secrets(distinct, key)
    if value_type == "choice":
        value, code = _choice(column, choices)
    else:
        value, code = VALUE_TYPES[value_type](column)
    table = distinct.select("raw", value=value, code=code)
    settled = _settle(table)
    return table.select("raw").with_columns(settled.values, settled.codes)


def _clean_many(
    value_type: str, distinct: pl.DataFrame, choices: tuple[str, ...], key: bytes
) -> pl.DataFrame:
    parts = distinct.select("raw", part=pl.col("raw").str.split(";")).explode("part")
    single = _clean_distinct(
        value_type, parts.select(raw=pl.col("part")).unique(), choices, key
    ).rename({"raw": "part"})
    joined = parts.join(single, on="part", how="left", maintain_order="left")
    return (
        joined.group_by("raw", maintain_order=True)
        .agg(value=pl.col("value").drop_nulls(), code=pl.col("code").drop_nulls().first())
        .with_columns(
            value=pl.when(pl.col("value").list.len() > 0, pl.col("code").is_null()).then("value")
        )
    )


def _settle(table: pl.DataFrame) -> Cleaned:
    """Give no value where there is a reason against it."""
    value = pl.when(pl.col("code").is_null()).then(pl.col("value"))
    table = table.with_columns(value=value, code=pl.col("code").cast(pl.String))
    return Cleaned(table["value"], table["code"])


# The types ---------------------------------------------------------------------------------------


def _trimmed(column: pl.Expr) -> pl.Expr:
    """Without white space around it; empty is null."""
    trimmed = column.str.strip_chars()
    return pl.when(trimmed != "").then(trimmed)


def _code(bad: pl.Expr, code: str, otherwise: pl.Expr | None = None) -> pl.Expr:
    """The reason `code` where `bad`, else the reason of `otherwise`."""
    return pl.when(bad).then(pl.lit(code)).otherwise(otherwise)


def _compact(column: pl.Expr) -> pl.Expr:
    """Upper case, full-width forms made narrow, without white space, dots and hyphens."""
    narrow = column.str.normalize("NFKC").str.to_uppercase().str.replace_all(r"[\s.\-]", "")
    return pl.when(narrow != "").then(narrow)


def _text(column: pl.Expr) -> Checked:
    plain = column.str.normalize("NFC").str.replace_all(r"[\s\p{Cc}]+", " ")
    value = _trimmed(plain)
    return value, _code(value.str.len_chars() > 20_000, "too_long")


def _id(column: pl.Expr) -> Checked:
    value = _trimmed(column)
    long = _code(value.str.len_chars() > 200, "too_long")
    return value, _code(value.str.contains(r"\p{Cc}"), "control_character", long)


def _date(column: pl.Expr) -> Checked:
    text = _trimmed(column)
    day = text.str.replace(r"[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$", "")
    value = pl.coalesce(day.str.to_date(form, strict=False) for form in _DATE_FORMATS)
    return value, _code(text.is_not_null() & value.is_null(), "not_date", _date_code(value))


def _date_code(value: pl.Expr) -> pl.Expr:
    open_end = (value.dt.year() == 9999).fill_null(False)
    return _code(~value.dt.year().is_between(1800, 2199) & ~open_end, "impossible_date")


def _number(value_type: str) -> Callable[[pl.Expr], Checked]:
    def check(column: pl.Expr) -> Checked:
        ascii_only = ~column.str.contains(r"[^\x00-\x7F]")
        narrow = pl.when(ascii_only).then(column).otherwise(column.str.normalize("NFKC"))
        text = _trimmed(narrow)
        grouped = text.str.contains(r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$")
        plain = pl.when(grouped).then(text.str.replace_all(",", "")).otherwise(text)
        if value_type == "rate":
            plain = plain.str.replace(r"\s*%$", "")
        value = plain.cast(pl.Float64, strict=False)
        refused = text.is_not_null() & value.is_null()
        return value, _code(refused, "not_number", _number_code(value_type, value))

    return check


def _number_code(value_type: str, value: pl.Expr) -> pl.Expr:
    finite = value.is_finite()
    if value_type == "coordinate":
        return _code(~finite | (value.abs() > 180), "not_coordinate")
    code = _below_zero(value)
    if value_type in ("share", "probability"):
        code = _code(value > 1, "above_one", code)
    if value_type == "rate":
        code = _code(value > 10_000, "above_rate", code)
    return _code(~finite, "not_number", code)


def _below_zero(value: pl.Expr) -> pl.Expr:
    return _code(value < 0, "negative")


def _integer(column: pl.Expr) -> Checked:
    text = _trimmed(column).str.replace(r"\.0+$", "")
    value = text.cast(pl.Int64, strict=False)
    return value, _code(text.is_not_null() & value.is_null(), "not_integer", _below_zero(value))


def _country(column: pl.Expr) -> Checked:
    text = _compact(column)
    value = text.replace(dict(reference.country_codes()))
    return value, _code(~value.is_in(_codes("countries")), "unknown_country")


def _currency(column: pl.Expr) -> Checked:
    value = _compact(column).replace({"RMB": "CNY"})
    return value, _code(~value.is_in(_codes("currencies")), "unknown_currency")


def _hs(pattern: str, code: str) -> Callable[[pl.Expr], Checked]:
    def check(column: pl.Expr) -> Checked:
        value = _compact(column)
        chapter = _code(value.str.contains("^(00|77)"), "unknown_chapter")
        return value, _code(~value.str.contains(pattern), code, chapter)

    return check


@cache
def _codes(name: str) -> pl.Expr:
    """A code list as one value to look in."""
    return pl.lit(pl.Series(sorted(getattr(reference, name)()))).implode()


def _locode(column: pl.Expr) -> Checked:
    value = _compact(column)
    blank = sorted(reference.countries_without_places())
    known = value.is_in(_codes("locodes")) | value.str.slice(0, 2).is_in(blank)
    form = value.str.contains("^[A-Z]{2}[A-Z2-9]{3}$")
    return value, _code(~form, "not_locode", _code(~known, "unknown_locode"))


def _uscc(column: pl.Expr) -> Checked:
    """GB 32100-2015: the 18th character is (31 - sum of value times weight mod 31) mod 31."""
    value = _compact(column)
    form = value.str.contains(f"^[{_USCC}]{{18}}$")

    def check(digits: NDArray[np.int64]) -> NDArray[np.bool_]:
        right: NDArray[np.bool_] = (31 - digits[:, :17] @ _USCC_WEIGHTS % 31) % 31 == digits[:, 17]
        return right

    wrong = _fails(value, form, _USCC, check)
    return value, _code(~form, "not_uscc", _code(wrong, "uscc_check"))


def _imo(column: pl.Expr) -> Checked:
    """The 7th digit is the last digit of the sum of the first six times 7, 6, ... 2."""
    value = _compact(column).str.replace("^IMO", "")
    form = value.str.contains("^[0-9]{7}$")

    def check(digits: NDArray[np.int64]) -> NDArray[np.bool_]:
        right: NDArray[np.bool_] = digits[:, :6] @ np.arange(7, 1, -1) % 10 == digits[:, 6]
        return right

    return value, _code(~form, "not_imo", _code(_fails(value, form, _USCC, check), "imo_check"))


def _fails(
    value: pl.Expr,
    form: pl.Expr,
    alphabet: str,
    check: Callable[[NDArray[np.int64]], NDArray[np.bool_]],
) -> pl.Expr:
    """Where texts of the right form, all of one length, fail a check of their characters' places in
    the alphabet, one row a text."""
    places = np.zeros(256, dtype=np.int64)
    places[list(alphabet.encode())] = np.arange(len(alphabet))

    def run(texts: pl.Series) -> pl.Series:
        present = texts.drop_nulls()
        if present.is_empty():
            return pl.repeat(None, len(texts), dtype=pl.Boolean, eager=True)
        joined = np.frombuffer("".join(present).encode(), dtype=np.uint8)
        passed = np.ones(len(texts), dtype=bool)
        passed[texts.is_not_null().to_numpy()] = check(places[joined.reshape(len(present), -1)])
        return pl.Series(~passed)

    return pl.when(form).then(value).map_batches(run, return_dtype=pl.Boolean)


def _form(pattern: str, code: str) -> Callable[[pl.Expr], Checked]:
    def check(column: pl.Expr) -> Checked:
        value = _compact(column)
        return value, _code(~value.str.contains(pattern), code)

    return check


def _email(column: pl.Expr) -> Checked:
    value = _trimmed(column.str.normalize("NFKC")).str.to_lowercase()
    pattern = r"^[^@\s,;]+@[^@\s,;.]+(\.[^@\s,;.]+)+$"
    return value, _code(~value.str.contains(pattern), "not_email")


def _phone(column: pl.Expr) -> Checked:
    value = _compact(column).str.replace_all(r"[()/]", "").str.replace("^00", "+")
    return value, _code(~value.str.contains(r"^\+?[0-9]{5,17}$"), "not_phone")


def _choice(column: pl.Expr, choices: tuple[str, ...]) -> Checked:
    text = _trimmed(column)
    folded = {choice.casefold(): choice for choice in choices}
    value = text.str.to_lowercase().replace_strict(folded, default=None, return_dtype=pl.String)
    return value, _code(text.is_not_null() & value.is_null(), "not_choice")


def _clean_secrets(distinct: pl.DataFrame, key: bytes) -> pl.DataFrame:
    """`hmac:` and 32 hex characters of HMAC-SHA-256; what has this form already stays."""
    table = distinct.select("raw", value=_compact(pl.col("raw")))
    done = pl.col("raw").str.contains(_HASHED)
    hashed = pl.Series(
        "hashed",
        [text and "hmac:" + _digest(key, text) for text in table["value"].to_list()],
        dtype=pl.String,
    )
    value = pl.when(done).then("raw").otherwise(hashed)
    return table.select("raw", value=value, code=pl.lit(None, pl.String))


def _digest(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()[:32]


_NUMERIC = ("money", "mass", "quantity", "share", "rate", "probability", "coordinate")

#: Type name -> cleaned value and reason code of a column of texts. `choice` and `secret` need more
#: than the text and are handled by `clean_column` itself.
VALUE_TYPES: MappingProxyType[str, Callable[[pl.Expr], Checked]] = MappingProxyType(
    {
        "text": _text,
        "id": _id,
        "date": _date,
        "integer": _integer,
        **{name: _number(name) for name in _NUMERIC},
        "country": _country,
        "currency": _currency,
        "hs_code": _hs("^[0-9]{4,10}$", "not_hs"),
        "hs_heading": _hs("^[0-9]{2,6}$", "not_heading"),
        "locode": _locode,
        "uscc": _uscc,
        "customs_code": _form("^[0-9]{4}[0-9A-Z]{6}$", "not_customs_code"),
        "imo": _imo,
        "email": _email,
        "phone": _phone,
    }
)
