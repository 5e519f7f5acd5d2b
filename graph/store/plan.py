"""Query plans of both graph servers in one form: the text, and where the search starts."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_EMBEDDED_START = re.compile(r"^\+ (?:MATCH NODE|NodeByLabelScan|AllNodesScan)\b.*$", re.MULTILINE)
_NEO4J_SCANS = (
    "AllNodesScan",
    "NodeByLabelScan",
    "UnionNodeByLabelsScan",
    "IntersectionNodeByLabelsScan",
    "SubtractionNodeByLabelsScan",
    "DirectedAllRelationshipsScan",
    "UndirectedAllRelationshipsScan",
    "DirectedRelationshipTypeScan",
    "UndirectedRelationshipTypeScan",
    "DirectedUnionRelationshipTypesScan",
    "UndirectedUnionRelationshipTypesScan",
)


@dataclass(frozen=True)
class Plan:
    """A query plan: `operators` from the root down, `scans` those that read all of something."""

    text: str
    operators: tuple[str, ...]
    scans: tuple[str, ...]

    @property
    def starts_from_index(self) -> bool:
        """Whether no part of the query reads all nodes, all of a label or all of a type."""
        return not self.scans


def neo4j_plan(plan: Mapping[str, Any]) -> Plan:
    """The plan that Neo4j reports as a tree of operators."""
    operators = tuple(operator for operator, _ in _operators(plan))
    scans = tuple(line for operator, line in _operators(plan) if operator in _NEO4J_SCANS)
    text = str(plan.get("args", {}).get("string-representation", "\n".join(operators)))
    return Plan(text, operators, scans)


def embedded_plan(plan: Mapping[str, Any]) -> Plan:
    """The plan that the embedded server reports as a text."""
    text = str(plan.get("args", {}).get("string-representation", ""))
    operators = tuple(
        line.strip() for line in text.splitlines() if line.lstrip().startswith(("+", "-"))
    )
    starts = [line for line in operators if _EMBEDDED_START.match(line)]
    return Plan(text, operators, tuple(line for line in starts if "[index:" not in line))


def _operators(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    name = str(plan["operatorType"]).split("@")[0]
    yield name, f"{name} {plan.get('args', {}).get('Details', '')}".strip()
    for child in plan.get("children", ()):
        yield from _operators(child)
