"""The Python door for notebooks: open a data folder and ask it questions.

import hawser

with hawser.open("hawser-data") as data:
    data.search("宁波海丰")
    data.paths("E000042")
    data.query("enterprise_shipments", id="E000042")
    data.neighbourhood("E000042", hops=2)
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from graph import access
from graph.errors import HawserError, NotFound, SnapshotError
from graph.settings import NEIGHBOURHOOD_LIMIT, Settings

if TYPE_CHECKING:
    import networkx
    import pandas

    from graph.scores import Scores
    from graph.snapshot import Snapshot
    from graph.store.bolt import GraphStore
    from graph.store.search import SearchIndex

T = TypeVar("T")


def open(
    folder: str | Path | None = None,
    *,
    snapshot: str | None = None,
    clearance: str | None = None,
) -> "Data":
    """Open a data folder (default: `HAWSER_HOME`), read only.

    `snapshot` is an id (default: the one in use); `clearance` limits what is seen
    (default: the setting's). Nothing is read before it is needed.

    Raises:
        SettingsError: there is no such data folder.
    """
    settings = Settings.load()
    if folder is not None:
        settings = replace(settings, home=Path(folder))
    if clearance is not None:
        access.level(clearance)
        settings = replace(settings, clearance=clearance)
    settings.require_data()
    return Data(settings, snapshot)


class Data:
    """An open data folder. Use it in a `with` statement, or `close` it."""

    def __init__(self, settings: Settings, snapshot: str | None = None) -> None:
        self.settings = settings
        self._snapshot_id = snapshot
        self._store: GraphStore | None = None
        self._graph: Any = None
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the graph server, if it was used."""
        self._opened.close()
        self._graph = None
        if self._store is not None:
            self._store.close()
            self._store = None

    @cached_property
    def snapshot(self) -> "Snapshot":
        """The snapshot that answers rest on. Raises `SnapshotError` when there is none."""
        from graph.snapshot import open_snapshot

        return open_snapshot(self.settings, self._snapshot_id, verify=False)

    @property
    def store(self) -> "GraphStore":
        """The graph server, reached when first asked for. Raises `GraphStoreError`."""
        if self._store is None:
            from graph.store.bolt import GraphStore

            self._store = GraphStore.open(self.settings)
        return self._store

    @cached_property
    def index(self) -> "SearchIndex":
        """The name index. Raises `SearchError` when there is none."""
        from graph.store.search import open_search

        return open_search(self.settings)

    def search(self, text: str, *, kind: str | None = None, limit: int = 10) -> "pandas.DataFrame":
        """Nodes by name or identifier: id, kind, name, score, reason, the best first."""
        import pandas

        found = self.index.search(text, limit, clearance=self.settings.clearance, kind=kind)
        rows = [hit.as_dict() for hit in found.results]
        return pandas.DataFrame(rows, columns=["id", "kind", "name", "score", "reason"])

    def portrait(self, id: str, *, as_of: date | None = None) -> dict[str, Any]:
        """All that is known of an enterprise, section by section. Raises `NotFound`.

        Without a snapshot, scores or grades their sections are empty.
        """
        from graph.store.ledger import Ledger
        from queries.portrait import Sources, marking_of, portrait

        snapshot = self._or_none(lambda: self.snapshot)
        self._require_enterprise(id, snapshot)
        with Ledger(self.settings) as ledger:
            scores = self._or_none(self._scores) if snapshot else None
            marking = partial(marking_of, self.settings)
            sources = Sources(self.store, ledger, scores, snapshot, marking)
            try:
                return portrait(sources, id, clearance=self.settings.clearance, as_of=as_of)
            except NotFound as error:  # the lake has it, see above
                raise NotFound(
                    error.message, hint="is it in the graph? run `hawser load`"
                ) from error

    def _or_none(self, read: Callable[[], T]) -> T | None:
        """What `read` gives, or None when nobody asked for it and it is not there."""
        try:
            return read()
        except (NotFound, SnapshotError):
            if self._snapshot_id is not None:
                raise
            return None

    def _require_enterprise(self, id: str, snapshot: "Snapshot | None") -> None:
        """Raises `NotFound` before any server is asked when the id is not an enterprise's."""
        from graph.store.lake import Lake
        from queries.identify import require_enterprise

        if self.settings.lake_folder.is_dir():
            with Lake(self.settings) as lake:
                require_enterprise(lake, snapshot, id, self.settings.clearance)

    def paths(self, id: str, *, limit: int = 5) -> dict[str, Any]:
        """The paths along which risk reaches an enterprise. Raises `NotFound`."""
        from graph.algorithms.propagation import risk_paths

        clearance = self.settings.clearance
        self._require_enterprise(id, self.snapshot)
        return risk_paths(self.snapshot, id, limit=limit, clearance=clearance).as_dict()

    def connections(self, source: str, target: str, *, limit: int = 5) -> dict[str, Any]:
        """The best paths between two nodes of whatever kind. Raises `NotFound`."""
        from graph.algorithms.connections import connections

        if source == target:
            raise HawserError(f"{source!r} is named twice", hint="name two different parties")
        first, second = ((self.snapshot.kind_of(self.node(id)), id) for id in (source, target))
        clearance = self.settings.clearance
        found = connections(self.snapshot, first, second, limit=limit, clearance=clearance)
        return found.as_dict()

    def owners(self, id: str, *, limit: int = 20) -> dict[str, Any]:
        """Who owns and controls an enterprise. Raises `NotFound`."""
        from graph.algorithms.ownership import owners

        clearance = self.settings.clearance
        self._require_enterprise(id, self.snapshot)
        return owners(self.snapshot, id, limit=limit, clearance=clearance).as_dict()

    def query(self, name: str, **parameters: Any) -> "pandas.DataFrame":
        """The rows of a named query of the catalogue, as far as the clearance goes.

        `data.queries()` lists them. Raises `HawserError` on a wrong name or parameter.
        """
        import pandas

        from queries import catalog

        columns = [column.name for column in catalog.named(name).columns]
        answer = catalog.ask(self.store, name, parameters, clearance=self.settings.clearance)
        return pandas.DataFrame(answer.rows, columns=columns)

    def queries(self) -> "pandas.DataFrame":
        """The named queries: name, parameters, columns, purpose."""
        import pandas

        from queries.catalog import CATALOG

        rows = [
            {
                "name": query.name,
                "parameters": ", ".join(field.name for field in query.parameters),
                "columns": ", ".join(field.name for field in query.columns),
                "purpose": query.purpose,
            }
            for query in CATALOG.values()
        ]
        return pandas.DataFrame(rows)

    def py2neo(self) -> Any:
        """The graph server as a `py2neo.Graph`, for notebooks written for it; good until `close`.

        Raises:
            HawserError: the clearance is not the highest; py2neo would not keep to it.
            GraphStoreError: py2neo is not installed, or the server refuses.
        """
        from graph.store import py2neo_bridge

        if self.settings.clearance != access.HIGHEST:
            raise HawserError(
                "py2neo shows everything, and this clearance does not",
                hint=f"open the data with clearance={access.HIGHEST!r}",
            )
        if self._graph is None:
            self._graph = self._opened.enter_context(py2neo_bridge.opened(self.settings))
        return self._graph

    def scores(self) -> "Scores":
        """The scores of the snapshot.

        Raises:
            HawserError: it has not been scored, or it holds something above the clearance, which
                scores would pass on.
        """
        marking = access.concluded(self.snapshot.highest_marking)
        if not access.visible(marking, self.settings.clearance):
            raise HawserError(
                f"the scores of snapshot {self.snapshot.id} need clearance {marking}",
                hint=f"open the data with clearance={marking!r}",
            )
        return self._scores()

    def _scores(self) -> "Scores":
        from graph.scores import open_scores

        return open_scores(self.settings, self.snapshot.id)

    def neighbourhood(
        self,
        id: str,
        hops: int = 1,
        *,
        kinds: Iterable[str] | None = None,
        limit: int = NEIGHBOURHOOD_LIMIT,
        through_hubs: bool = True,
    ) -> "networkx.MultiDiGraph[str]":
        """The nodes within some steps of a node, and the edges between them.

        Nodes carry `kind` and their properties, edges their kind as key, weight, dates and record.
        Growth stops at `limit` nodes: `graph["partial"]` says so. Without `through_hubs` it does
        not pass through a node with more links than a risk path does (`hub_limit` of the policy),
        such as a country: `graph["hubs"]` has their ids. What the clearance does not reach is left
        out and counted in `graph["redacted"]`. O(hops * m).

        Raises:
            NotFound: nothing has the id.
        """
        from commands.neighbourhood import Ball, draw
        from graph.algorithms.policy import load_policy

        chosen = tuple(kinds) if kinds is not None else tuple(self.snapshot.edge_counts)
        hub_limit = None if through_hubs else load_policy().limits.hub_limit
        ball = Ball(self.snapshot, self.settings.clearance, chosen, limit, hub_limit)
        return draw(ball, self.node(id), hops)

    def node(self, id: str) -> int:
        """The number of the node with this id, of whatever kind that the clearance reaches. Raises
        `NotFound`."""
        from graph.algorithms.network import node_markings

        seen = access.visible_mask(node_markings(self.snapshot), self.settings.clearance)
        for kind in self.snapshot.node_counts:
            found = int(self.snapshot.locate(kind, [id])[0])
            if found >= 0 and seen[found]:
                return found
        raise NotFound(
            f"nothing in snapshot {self.snapshot.id} has the id {id!r}",
            hint="find ids with `hawser search NAME`",
        )
