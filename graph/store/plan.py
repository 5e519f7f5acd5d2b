"""Query plans of both graph servers in one form: the text, and where the search starts."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_EMBEDDED_START = re.compile(r"^\+ (?:MATCH NODE|NodeByLabelScan|AllNodesScan)\b.*$", re.MULTILINE)
_EMBEDDED_BOUND = re.compile(r"^\+ MATCH NODE \((\w+)\)")
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
    scans = tuple(
        line
        for place, line in enumerate(operators)
        if _EMBEDDED_START.match(line)
        and "[index:" not in line
        and not _already_found(line, operators[:place])
    )
    return Plan(text, operators, scans)


def _already_found(line: str, before: tuple[str, ...]) -> bool:
    """Whether the line takes up a node that an earlier one found: it has no label then."""
    match = _EMBEDDED_BOUND.match(line)
    if match is None:
        return False
    name = re.compile(rf"\({match[1]}[:)]")
    return any(name.search(operator) for operator in before if operator.startswith("+ MATCH"))


def _operators(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    name = str(plan["operatorType"]).split("@")[0]
    yield name, f"{name} {plan.get('args', {}).get('Details', '')}".strip()
    for child in plan.get("children", ()):
        yield from _operators(child)
