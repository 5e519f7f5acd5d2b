"""Query files are checked when loaded, parameters when run."""

import pytest

from queries.catalog import CATALOG, named, parse
from queries.errors import CatalogError, ParameterError
from queries.pages import decode, encode

GOOD = """// name: one
// purpose: One enterprise.
// parameter: id text the id
// parameter: limit integer=5 most rows
// row: name text the name
MATCH (e:Enterprise {id: $id})
RETURN e.name AS name LIMIT $limit
"""


def test_a_query_file_loads() -> None:
    query = parse(GOOD, "one.cypher")
    assert (query.name, query.purpose) == ("one", "One enterprise.")
    text, sent = query.prepare({"id": "x"}, "PUBLIC")
    assert text.startswith("MATCH (e:Enterprise")
    assert sent == {"id": "x", "limit": 5}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("// purpose: One enterprise.\n", "", "has no line `// purpose:`"),
        ("// row: name text the name\n", "", "has no line `// row:`"),
        ("id text the id", "id words the id", "is not a name, a type of"),
        ("limit integer=5", "most integer=5", r"parameters \['limit', 'most'\] do not match"),
        (":Enterprise", ":Enterprize", "no node kind Enterprize"),
        ("{id: $id})", "{id: $id})-[:OWNZ|OWNS]->()", "no edge kind OWNZ"),
        ("row: name", "row: surname", "nothing returns surname"),
    ],
)
def test_a_wrong_file_is_refused(old: str, new: str, words: str) -> None:
    assert old in GOOD
    with pytest.raises(CatalogError, match=words):
        parse(GOOD.replace(old, new), "one.cypher")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "needs the parameter 'id': the id"),
        ({"id": "x", "name": "y"}, "has no parameter 'name': it has id, limit$"),
        ({"idd": "x"}, "has no parameter 'idd': it has id, limit$"),
        ({"id": 5}, "id=5 is no text: the id"),
        ({"id": "x", "limit": True}, "limit=True is no integer"),
    ],
)
def test_a_wrong_parameter_is_refused(parameters: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        parse(GOOD, "one.cypher").prepare(parameters, "SECRET")


def test_a_kind_is_the_only_text_put_into_a_query() -> None:
    query = named("neighbourhood")
    text, sent = query.prepare({"kind": "Port", "id": "CNNGB"}, "INTERNAL")
    assert "(e:Port {id: $id})" in text
    assert "kind" not in sent
    with pytest.raises(ParameterError, match="is no kind: one of Enterprise, Person, "):
        query.prepare({"kind": "Port) DETACH DELETE (n", "id": "x"}, "INTERNAL")


def test_the_clearance_is_filled_in() -> None:
    _, sent = named("enterprise_clearance").prepare({"id": "x"}, "INTERNAL")
    assert sent["visible"] == ["PUBLIC", "INTERNAL"]


def test_rows_of_another_shape_are_refused() -> None:
    query = parse(GOOD, "one.cypher")
    with pytest.raises(CatalogError, match=r"answers \['names'\], not \['name'\]"):
        query.redact([{"names": "x"}], "SECRET")
    with pytest.raises(CatalogError, match="name=5 is no text"):
        query.redact([{"name": 5}], "SECRET")


def test_every_read_of_edges_is_bounded() -> None:
    unbounded = [q.name for q in CATALOG.values() if "]-" in q.cypher and "LIMIT $" not in q.cypher]
    assert unbounded == []


def test_there_is_no_such_query() -> None:
    with pytest.raises(ParameterError, match="there is no query 'x': use one of commodity_prices"):
        named("x")


@pytest.mark.parametrize("cursor", ["", "x", "W10=", "eyJhIjogMX0=", encode(["a", "b"]), "é"])
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ParameterError, match="is no cursor of this list"):
        decode(cursor, 1)
    assert decode(encode(["清关"]), 1) == ["清关"]
