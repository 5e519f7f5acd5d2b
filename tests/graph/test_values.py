"""Value types: what is cleaned, what is refused, and that both forms agree."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import imo
from stdnum.cn import uscc

from graph.errors import ValueRejected
from graph.reasons import REASONS, reason
from graph.tables import TABLES
from graph.values import (
    VALUE_TYPES,
    DateRange,
    Money,
    clean,
    clean_column,
    secret_key,
)

GOOD = [
    ("uscc", " 91350100m000100y43 ", "91350100M000100Y43"),
    ("imo", "IMO 9074729", "9074729"),
    ("locode", "cn sha", "CNSHA"),
    ("locode", "FOTHO", "FOTHO"),
    ("locode", "AEJEA", "AEJEA"),
    ("locode", "ESALG", "ESALG"),
    ("country", "usa", "US"),
    ("country", "ＣＮ", "CN"),
    ("currency", "rmb", "CNY"),
    ("hs_code", "8471.30.00", "84713000"),
    ("hs_code", 847130, "847130"),
    ("date", "2023-02-28T10:00:00Z", date(2023, 2, 28)),
    ("date", "20230228", date(2023, 2, 28)),
    ("date", "2023年2月8日", date(2023, 2, 8)),
    ("date", date(2023, 2, 8), date(2023, 2, 8)),
    ("money", "1,234.50", 1234.5),
    ("money", "１２", 12.0),
    ("share", 1, 1.0),
    ("rate", "8 %", 8.0),
    ("integer", "3.0", 3),
    ("coordinate", "-34.5", -34.5),
    ("email", "Info@Example.COM", "info@example.com"),
    ("phone", "0086 (21) 5555-1234", "+862155551234"),
    ("customs_code", "3101940001", "3101940001"),
    ("id", 12.0, "12"),
    ("id", " A 1 ", "A 1"),
    ("text", "a\n b\u0000", "a b"),
    ("text", "   ", None),
    ("mass", None, None),
]

BAD = [
    ("uscc", "91350100M000100Y44", "uscc_check"),
    ("uscc", "913", "not_uscc"),
    ("imo", "9074728", "imo_check"),
    ("imo", "907472", "not_imo"),
    ("locode", "CNXX9", "unknown_locode"),
    ("locode", "Shanghai", "not_locode"),
    ("country", "XX", "unknown_country"),
    ("currency", "ABC", "unknown_currency"),
    ("hs_code", "12", "not_hs"),
    ("hs_code", "12345678901", "not_hs"),
    ("hs_code", "770110", "unknown_chapter"),
    ("hs_heading", "1234567", "not_heading"),
    ("date", "2023-02-30", "not_date"),
    ("date", "yesterday", "not_date"),
    ("date", "0023-01-01", "impossible_date"),
    ("money", "-1", "negative"),
    ("money", "nan", "not_number"),
    ("money", "1,23", "not_number"),
    ("mass", float("inf"), "not_number"),
    ("share", "1.01", "above_one"),
    ("probability", -0.1, "negative"),
    ("rate", "10001", "above_rate"),
    ("integer", "3.5", "not_integer"),
    ("integer", -3, "negative"),
    ("coordinate", "181", "not_coordinate"),
    ("email", "ab.co", "not_email"),
    ("phone", "none", "not_phone"),
    ("customs_code", "31019", "not_customs_code"),
    ("id", "a\x07b", "control_character"),
    ("id", "x" * 201, "too_long"),
]


@pytest.mark.parametrize(("kind", "value", "expected"), GOOD)
def test_good_values_are_cleaned(kind: str, value: object, expected: object) -> None:
    assert clean(kind, value) == expected


@pytest.mark.parametrize(("kind", "value", "code"), BAD)
def test_bad_values_are_refused_with_their_reason(kind: str, value: object, code: str) -> None:
    with pytest.raises(ValueRejected) as caught:
        clean(kind, value)
    assert caught.value.reason == reason(code)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", sorted(VALUE_TYPES))
def test_a_column_goes_the_way_single_values_go(kind: str) -> None:
    rows = [(v, e, None) for k, v, e in GOOD if k == kind and isinstance(v, str)]
    rows += [(v, None, c) for k, v, c in BAD if k == kind and isinstance(v, str)]
    column = clean_column(kind, pl.Series([v for v, _, _ in rows] + [None], dtype=pl.String))
    assert column.values.to_list() == [e for _, e, _ in rows] + [None]
    assert column.codes.to_list() == [c for _, _, c in rows] + [None]


def test_every_column_type_is_known_and_every_reason_is_in_both_languages() -> None:
    types = {column.type for table in TABLES.values() for column in table.columns}
    assert types <= {*VALUE_TYPES, "choice", "secret"}
    assert all(english and chinese for english, chinese in REASONS.values())
    assert reason("negative", "zh") == "为负数"


def test_many_values_are_split_and_one_bad_one_refuses_the_row() -> None:
    texts = pl.Series(["CNSHA;SGSIN", "CNSHA;;", "", None, "CNSHA;XX"])
    column = clean_column("locode", texts, many=True)
    assert column.values.to_list() == [["CNSHA", "SGSIN"], ["CNSHA"], None, None, None]
    assert column.codes.to_list() == [None, None, None, None, "not_locode"]


def test_choices_are_matched_in_any_case() -> None:
    assert clean("choice", "director", choices=("DIRECTOR",)) == "DIRECTOR"
    with pytest.raises(ValueRejected, match="not one of the values"):
        clean("choice", "boss", choices=("DIRECTOR",))


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=17, max_size=17))
def test_uscc_check_characters_agree_with_another_implementation(body: str) -> None:
    code = body + uscc.calc_check_digit(body)
    assert clean("uscc", code) == code
    wrong = body + ("0" if code[-1] != "0" else "1")
    with pytest.raises(ValueRejected, match="check character"):
        clean("uscc", wrong)


@given(st.text("0123456789", min_size=6, max_size=6))
def test_imo_check_digits_agree_with_another_implementation(body: str) -> None:
    number = body + imo.calc_check_digit(body)
    assert clean("imo", number) == number


@given(st.sampled_from(sorted(VALUE_TYPES)), st.text())
def test_cleaning_twice_changes_nothing(kind: str, text: str) -> None:
    cleaned = clean_column(kind, pl.Series([text], dtype=pl.String))
    if cleaned.values[0] is not None:
        assert clean(kind, cleaned.values[0]) == cleaned.values[0]


def test_secrets_are_hashed_with_a_key_only_its_owner_can_read(tmp_path: Path) -> None:
    key = secret_key(tmp_path)
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    hashed = clean("secret", "11010519491231002x", key=key)
    assert hashed == clean("secret", " 11010519491231002X", key=key)
    assert hashed.startswith("hmac:")
    assert "11010519491231002" not in hashed
    assert clean("secret", hashed, key=key) == hashed
    assert clean("secret", "11010519491231002X", key=b"another") != hashed


def test_date_ranges_end_before_their_end() -> None:
    year = DateRange(date(2024, 1, 1), date(2025, 1, 1))
    assert date(2024, 1, 1) in year
    assert date(2025, 1, 1) not in year
    assert year.overlaps(DateRange(date(2024, 12, 31)))
    assert not year.overlaps(DateRange(date(2025, 1, 1)))
    with pytest.raises(ValueRejected, match="ends before"):
        DateRange(date(2025, 1, 1), date(2024, 1, 1))


def test_money_has_an_amount_and_a_currency() -> None:
    assert Money(5, "rmb") == Money(5.0, "CNY")
    with pytest.raises(ValueRejected, match="negative"):
        Money(-1, "CNY")
