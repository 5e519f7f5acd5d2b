"""The ontology is complete: both directions, both languages, an origin or a derivation."""

import re

import pytest

from graph.errors import OntologyError
from graph.ontology import EDGE_KINDS, NODE_KINDS, EdgeKind, EdgeOrigin, Reference, _check_columns
from graph.tables import TABLES

CHINESE = re.compile(r"[一-鿿]")


@pytest.mark.parametrize("kind", NODE_KINDS.values(), ids=lambda kind: kind.name)
def test_node_kind_is_described_in_both_languages(kind: object) -> None:
    assert kind.description.endswith(".")
    assert CHINESE.search(kind.chinese)
    for prop in kind.properties:
        assert CHINESE.search(prop.chinese), prop.name


@pytest.mark.parametrize("kind", EDGE_KINDS.values(), ids=lambda kind: kind.name)
def test_edge_kind_is_named_in_both_directions(kind: EdgeKind) -> None:
    assert re.fullmatch(r"[A-Z_]+", kind.name)
    assert re.fullmatch(r"[A-Z_]+", kind.inverse)
    assert CHINESE.search(kind.chinese)
    assert CHINESE.search(kind.chinese_inverse)
    assert kind.endpoints


def test_inverse_names_do_not_collide_with_names() -> None:
    symmetric = {kind.name for kind in EDGE_KINDS.values() if kind.name == kind.inverse}
    inverses = [kind.inverse for kind in EDGE_KINDS.values()]
    assert len(inverses) == len(set(inverses))
    assert set(inverses) & set(EDGE_KINDS) == symmetric


def test_every_column_that_names_a_party_becomes_an_edge() -> None:
    read = {
        (origin.table, end.column)
        for kind in EDGE_KINDS.values()
        for origin in kind.origins
        for end in (origin.source, origin.target)
    }
    for table in TABLES.values():
        for column in table.columns:
            if column.references:
                assert (table.name, column.name) in read


def test_every_relation_type_becomes_an_edge() -> None:
    types = {
        origin.where[1] for kind in EDGE_KINDS.values() for origin in kind.origins if origin.where
    }
    assert types == set(TABLES["relations"].column("type").choices)


def test_a_column_that_does_not_exist_is_refused() -> None:
    origin = EdgeOrigin(
        "shipments", Reference(("Shipment",), "no_such"), Reference((), "shipment_id")
    )
    with pytest.raises(OntologyError, match=r"shipments\.no_such"):
        _check_columns("WRONG", origin.table, (origin.source.column,))
