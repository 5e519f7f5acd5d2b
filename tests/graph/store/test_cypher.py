"""The Cypher that is generated from the ontology, word for word."""

from pathlib import Path

import pytest

from graph.store import cypher

GOLDEN = Path(__file__).parents[2] / "golden" / "graph_store.cypher"


def generated() -> str:
    """Every generated statement with its name."""
    statements = [
        *cypher.schema(),
        cypher.write_nodes("Enterprise"),
        cypher.remove_nodes("Enterprise"),
        cypher.node_keys("Enterprise"),
        cypher.edge_keys("Enterprise"),
        cypher.count_nodes("Enterprise"),
        cypher.count_edges("OWNS"),
        *(cypher.write_edges(*join) for join in cypher.joins()),
        cypher.write_edges("CARRIED", "Enterprise", "Shipment", "target"),
        cypher.remove_edges("IMPORTED", "Enterprise", "Shipment"),
    ]
    return "\n".join(f"// {line.name}\n{line.cypher};\n" for line in statements)


def test_generated_cypher_is_as_agreed() -> None:
    assert generated() == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["Nobody", "Enterprise) DETACH DELETE (m", ""])
def test_only_the_ontology_names_labels(name: str) -> None:
    with pytest.raises(KeyError):
        cypher.write_nodes(name)
    with pytest.raises(KeyError):
        cypher.write_edges("OWNS", name, "Enterprise")
