"""What a load of the graph did."""

from collections.abc import Callable
from dataclasses import dataclass, field

Progress = Callable[[str, float], None]


@dataclass
class LoadReport:
    """Counts are of the graph after the load; `removed_*` and `written_*` of what changed.

    `seconds` are of the stages; `writing` is the part of an increment's stages that sent rows.
    """

    method: str
    nodes: dict[str, int] = field(default_factory=dict)
    edges: dict[str, int] = field(default_factory=dict)
    written_nodes: int = 0
    written_edges: int = 0
    removed_nodes: int = 0
    removed_edges: int = 0
    dangling: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    note: str = ""


def silent(_what: str, _fraction: float) -> None:
    """Report to nobody."""
