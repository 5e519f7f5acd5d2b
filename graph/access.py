"""Who may see what: the one place that compares a reader's clearance with a marking.

The rule. Every node and edge rests on statements, and each statement carries the marking of its
source. A node or an edge *exists* for a reader if at least one of its `markings` is within the
clearance. Its properties are *shown* if its `marking`, that of the statement they were read from,
is within it; otherwise each is replaced by null. Whatever is left out or replaced is counted, so
that a reader always knows that there is something they may not see. A missing marking counts as
the highest: what nobody vouched for is not shown by accident.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from graph.errors import SettingsError
from graph.ontology import MARKINGS

#: What stays of a node or an edge whose properties may not be seen.
IDENTITY = frozenset({"id", "kind", "key", "marking", "markings"})

#: What stores add for their own use; nobody is shown it.
INTERNALS = frozenset({"digest"})

#: The least marking of what Hawser concludes itself: scores, grades, judgements of identity.
OWN_MARKING = "INTERNAL"

_LEVELS = {name: number for number, name in enumerate(MARKINGS)}
HIGHEST = MARKINGS[-1]


@dataclass
class Redactions:
    """How much was left out (`nodes`, `edges`, `paths`) or replaced by null (`properties`)."""

    nodes: int = 0
    edges: int = 0
    paths: int = 0
    properties: int = 0

    def add(self, other: "Redactions") -> None:
        """Count another reading's redactions in."""
        self.nodes += other.nodes
        self.edges += other.edges
        self.paths += other.paths
        self.properties += other.properties

    @property
    def total(self) -> int:
        """All redactions together."""
        return self.nodes + self.edges + self.paths + self.properties

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)


def level(clearance: str) -> int:
    """The clearance as a number: its place in `MARKINGS`.

    Raises:
        SettingsError: no marking has this name.
    """
    try:
        return _LEVELS[clearance]
    except KeyError as error:
        known = ", ".join(MARKINGS)
        raise SettingsError(f"{clearance!r} is not a clearance", hint=f"use one of {known}") from (
            error
        )


def within(clearance: str) -> list[str]:
    """The markings a reader with this clearance may see, lowest first."""
    return list(MARKINGS[: level(clearance) + 1])


def higher(one: str, other: str) -> str:
    """The more restrictive of two markings. Raises `SettingsError`."""
    return max(one, other, key=level)


def concluded(highest: str) -> str:
    """The marking of what Hawser concludes from everything, scores and grades, where `highest` is
    the highest marking in it: that one, since any statement may show through, or `OWN_MARKING`."""
    return higher(highest if highest in _LEVELS else HIGHEST, OWN_MARKING)


def visible(markings: Iterable[str] | str | None, clearance: str) -> bool:
    """Whether something that rests on statements with these markings exists for the reader."""
    names = [markings] if isinstance(markings, str) else list(markings or ())
    top = len(MARKINGS) - 1
    return min((_LEVELS.get(name, top) for name in names), default=top) <= level(clearance)


def visible_mask(marking: NDArray[np.uint8], clearance: str) -> NDArray[np.bool_]:
    """The same rule for a snapshot's arrays: `marking` holds places in `MARKINGS`. O(n)."""
    return marking.astype(np.uint8, copy=False) <= np.uint8(level(clearance))


def lowest(markings: pa.ChunkedArray | pa.Array) -> NDArray[np.uint8]:
    """The place in `MARKINGS` of each row's lowest marking; an empty row has the highest. O(n)."""
    column = markings.combine_chunks() if isinstance(markings, pa.ChunkedArray) else markings
    result = np.full(len(column), len(MARKINGS) - 1, dtype=np.uint8)
    if not pa.types.is_list(column.type) and not pa.types.is_large_list(column.type):
        places = pc.index_in(column, value_set=pa.array(MARKINGS))
        return np.asarray(places.fill_null(len(MARKINGS) - 1)).astype(np.uint8)
    rows = np.asarray(pc.list_parent_indices(column))
    places = pc.index_in(pc.list_flatten(column), value_set=pa.array(MARKINGS))
    np.minimum.at(result, rows, np.asarray(places.fill_null(len(MARKINGS) - 1)).astype(np.uint8))
    return result


def redact(
    item: Mapping[str, Any] | None, clearance: str, counts: Redactions, part: str = "nodes"
) -> dict[str, Any] | None:
    """One node or edge as the reader may see it, or None if it does not exist for them.

    `part` is `nodes` or `edges`: the count of `counts` that a hidden one is added to.
    """
    if item is None:
        return None
    if not visible(item.get("markings") or item.get("marking"), clearance):
        setattr(counts, part, getattr(counts, part) + 1)
        return None
    item = {name: value for name, value in item.items() if name not in INTERNALS}
    if visible(item.get("marking"), clearance):
        return item
    hidden = [name for name, value in item.items() if name not in IDENTITY and value is not None]
    counts.properties += len(hidden)
    return {name: value if name in IDENTITY else None for name, value in item.items()}


def redact_rows(
    rows: Sequence[Mapping[str, Any]], parts: Mapping[str, str], clearance: str
) -> tuple[list[dict[str, Any]], Redactions]:
    """Rows of a query as the reader may see them, and what was left out.

    `parts` says which columns hold a node or an edge (`nodes` or `edges`). A row of which such a
    column does not exist for the reader is left out whole and counted.
    """
    counts = Redactions()
    kept: list[dict[str, Any]] = []
    for row in rows:
        seen = {
            name: redact(row.get(name), clearance, counts, part) for name, part in parts.items()
        }
        if all(seen[name] is not None or row.get(name) is None for name in parts):
            kept.append({**row, **seen})
    return kept, counts
