"""Whether the graph server holds as many nodes and edges as the lake says."""

from collections.abc import Iterable

from graph.errors import LoadError
from graph.store import cypher
from graph.store.bolt import GraphStore
from graph.store.report import LoadReport


def check_counts(store: GraphStore, report: LoadReport) -> None:
    """Compare the server's counts with the report's. Raises `LoadError`."""
    wrong = [
        f"{kind} {found} instead of {expected}"
        for kind, expected, found in _counts(store, report)
        if expected != found
    ]
    if wrong:
        raise LoadError(
            f"the graph at {store.uri} does not hold what the lake says ({', '.join(wrong)})",
            hint="build it anew with `hawser load --rebuild`",
        )


def _counts(store: GraphStore, report: LoadReport) -> Iterable[tuple[str, int, int]]:
    for kind, expected in report.nodes.items():
        statement = cypher.count_nodes(kind)
        yield kind, expected, store.read(statement.name, statement.cypher, {})[0]["count"]
    for kind, expected in report.edges.items():
        statement = cypher.count_edges(kind)
        yield kind, expected, store.read(statement.name, statement.cypher, {})[0]["count"]
