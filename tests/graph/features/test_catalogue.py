"""The catalogue is complete and the page made from it is current."""

from pathlib import Path

import pytest

from graph.features.catalogue import (
    FEATURES,
    GROUPS,
    SUBJECTS,
    Feature,
    catalogue_markdown,
    feature,
    names,
)

PAGE = Path(__file__).parents[3] / "docs" / "features.md"


def test_names_are_unique_within_a_subject() -> None:
    for subject in SUBJECTS:
        assert len(set(names(subject))) == len(names(subject))


@pytest.mark.parametrize("row", FEATURES, ids=lambda row: f"{row.subject}-{row.name}")
def test_every_feature_is_described(row: Feature) -> None:
    assert row.group in GROUPS
    assert row.subject in SUBJECTS
    for text in (row.english, row.chinese, row.definition, row.unit, row.window):
        assert text
        assert "|" not in text


def test_groups_partition_the_features() -> None:
    for subject in SUBJECTS:
        grouped = [name for group in GROUPS for name in names(subject, group)]
        assert sorted(grouped) == sorted(names(subject))


def test_feature_by_name() -> None:
    assert feature("shipment", "hs_chapter").categorical
    with pytest.raises(KeyError):
        feature("shipment", "no_such_feature")


def test_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == catalogue_markdown(), "make docs writes docs/features.md"
