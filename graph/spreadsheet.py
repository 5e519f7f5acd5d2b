"""Writing CSV that a spreadsheet takes for what it is: data, and no formulas.

Names and codes come from others, and a spreadsheet runs a cell that begins with `=`, `+`, `-`, `@`,
a tab or a carriage return (OWASP, "CSV Injection"). Such texts are written with an apostrophe
before them, which spreadsheets take for "this is text".
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

_FORMULA = r"^([=+\-@\t\r])"


def write_csv(table: pa.Table, file: Path) -> None:
    """Write a table as CSV, quoting only what needs it; lists become `;` separated text. O(n)."""
    options = pyarrow.csv.WriteOptions(quoting_style="needed")
    pyarrow.csv.write_csv(without_formulas(_flat(table)), file, options)


def without_formulas(table: pa.Table) -> pa.Table:
    """The table with an apostrophe before each text that a spreadsheet would run. Numbers and days
    stay as they are. O(n)."""
    for index, field in enumerate(table.schema):
        if _is_text(field.type):
            texts = table.column(index).cast(pa.large_string())
            safe = pc.replace_substring_regex(texts, _FORMULA, r"'\1")
            table = table.set_column(index, field.name, safe)
    return table


def _is_text(type: pa.DataType) -> bool:
    if pa.types.is_dictionary(type):
        return _is_text(type.value_type)
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(test(type) for test in tests)


def _flat(table: pa.Table) -> pa.Table:
    for index, field in enumerate(table.schema):
        if pa.types.is_list(field.type) or pa.types.is_large_list(field.type):
            column = pc.binary_join(table.column(index).cast(pa.list_(pa.string())), ";")
            table = table.set_column(index, field.name, column)
    return table
