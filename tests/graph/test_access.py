"""The rule of access: what exists for a reader, what is shown, and that the rest is counted."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph import access
from graph.errors import SettingsError
from graph.ontology import MARKINGS

clearances = st.sampled_from(MARKINGS)
markings = st.lists(st.sampled_from(MARKINGS), min_size=1, max_size=4)


def test_unknown_clearance_is_refused_in_one_line() -> None:
    with pytest.raises(SettingsError, match="'TOP' is not a clearance: use one of PUBLIC"):
        access.level("TOP")


def test_a_missing_marking_counts_as_the_highest() -> None:
    assert not access.visible(None, "RESTRICTED")
    assert not access.visible(["SOMETHING"], "RESTRICTED")
    assert access.visible(None, "SECRET")


@settings(deadline=None)
@given(st.lists(markings, max_size=20), clearances)
def test_the_vectorised_rule_equals_the_rule(rows: list[list[str]], clearance: str) -> None:
    column = pa.array(rows, type=pa.list_(pa.string()))
    mask = access.visible_mask(access.lowest(column), clearance)
    assert mask.tolist() == [access.visible(row, clearance) for row in rows]


@settings(deadline=None)
@given(markings, clearances, clearances)
def test_a_higher_clearance_never_sees_less(row: list[str], one: str, other: str) -> None:
    low, high = sorted((one, other), key=MARKINGS.index)
    assert access.visible(row, high) or not access.visible(row, low)


def test_properties_above_the_clearance_become_null_and_are_counted() -> None:
    node = {
        "id": "e1",
        "name": "Blue Whale",
        "uscc": None,
        "marking": "RESTRICTED",
        "markings": ["PUBLIC", "RESTRICTED"],
    }
    counts = access.Redactions()
    assert access.redact(node, "INTERNAL", counts) == {**node, "name": None}
    assert counts.as_dict() == {"nodes": 0, "edges": 0, "paths": 0, "properties": 1}
    assert access.redact(node, "RESTRICTED", counts) == node
    assert counts.total == 1


def test_rows_with_a_hidden_part_are_left_out_and_counted() -> None:
    seen = {"id": "a", "marking": "PUBLIC", "markings": ["PUBLIC"]}
    hidden = {"id": "b", "marking": "SECRET", "markings": ["SECRET"]}
    rows = [{"node": seen, "edge": seen}, {"node": seen, "edge": hidden}, {"node": None, "n": 1}]
    kept, counts = access.redact_rows(rows, {"node": "nodes", "edge": "edges"}, "INTERNAL")
    assert [row["node"] for row in kept] == [seen, None]
    assert counts.as_dict() == {"nodes": 0, "edges": 1, "paths": 0, "properties": 0}


def test_lowest_reads_a_column_of_single_markings() -> None:
    column = pa.chunked_array([pa.array(["SECRET", None, "PUBLIC"])])
    assert access.lowest(column).tolist() == [3, 3, 0]
    assert access.lowest(column).dtype == np.uint8


def test_what_is_concluded_needs_the_highest_marking_and_is_never_public() -> None:
    told = {name: access.concluded(name) for name in (*MARKINGS, "SOMETHING")}
    assert told == {"PUBLIC": "INTERNAL", "INTERNAL": "INTERNAL", "RESTRICTED": "RESTRICTED",
                    "SECRET": "SECRET", "SOMETHING": "SECRET"}  # fmt: skip
