"""What the API reads from, opened when first needed and shared by all requests.

A snapshot, its scores and the name index are looked up anew on each request (one small file each),
so a new one is served without a restart.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from graph.access import HIGHEST
from graph.errors import NotFound, SnapshotError
from graph.scores import Scores, open_scores
from graph.settings import Settings
from graph.snapshot import Snapshot, open_snapshot
from graph.store.bolt import GraphStore
from graph.store.lake import Lake
from graph.store.ledger import Ledger
from graph.store.search import SearchIndex, open_search
from graph.store.server_folder import Address, server_folder
from queries.evidence import documents
from queries.portrait import marking_of
from queries.reader import Sources

T = TypeVar("T")
_OPENED = ("store", "ledger", "snapshot", "scores", "search", "lake")


class Services:
    """The stores of one data folder. `close` when done.

    Is itself what named queries are read from, so that the graph server is opened by the first
    query and not by the first request. Each thing has a lock of its own: while one is opened,
    and a snapshot's checksums are verified, requests for the others go on.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._locks = {name: Lock() for name in _OPENED}
        self._lake_lock = Lock()
        self._open: dict[str, tuple[object, Any]] = {}
        self._markings: dict[str, str] = {}

    def _once(self, name: str, version: object, make: Callable[[], T]) -> T:
        """What was made for this version of a file, or make it. One thread makes."""
        known = self._open.get(name)
        if known is None or known[0] != version:
            with self._locks[name]:
                known = self._open.get(name)
                if known is None or known[0] != version:
                    known = (version, make())
                    self._open[name] = known
        result: T = known[1]
        return result

    @property
    def store(self) -> GraphStore:
        """The graph server; an embedded one that has died is started again.

        Raises `GraphStoreError`.
        """
        known = self._open.get("store")
        if known is None or known[0] != self._running():
            with self._locks["store"]:
                known = self._open.get("store")
                if known is None or known[0] != self._running():
                    self._open.pop("store", None)
                    if known is not None:
                        known[1].close()
                    store = GraphStore.open(self.settings)
                    known = (self._running(), store)
                    self._open["store"] = known
        result: GraphStore = known[1]
        return result

    def _running(self) -> Address | str | None:
        """The server that runs: the embedded one, None if it does not, or another's address."""
        return self.settings.graph_uri or server_folder(self.settings.home).running()

    def read(
        self,
        name: str,
        cypher: str,
        parameters: Mapping[str, Any],
        *,
        timeout: float | None = None,
    ) -> list[dict[str, Any]]:
        """Run a query on the graph server: see `graph.store.bolt`."""
        return self.store.read(name, cypher, parameters, timeout=timeout)

    @property
    def ledger(self) -> Ledger:
        """The ledger. Raises `LedgerError`."""
        return self._once("ledger", 0, lambda: Ledger(self.settings))

    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot in use, None when there is none yet."""
        version = _version(self.settings.snapshot_folder / "latest")
        if version is None:
            return None
        try:
            return self._once("snapshot", version, lambda: open_snapshot(self.settings))
        except SnapshotError:
            if _version(self.settings.snapshot_folder / "latest") is None:
                return None
            raise

    def scores_of(self, snapshot: Snapshot | None) -> Scores | None:
        """The scores of a snapshot, None when it has not been scored."""
        if snapshot is None:
            return None
        version = _version(self.settings.score_folder / snapshot.id / "manifest.json")
        if version is None:
            return None
        key = (snapshot.id, version)
        try:
            return self._once("scores", key, lambda: open_scores(self.settings, snapshot.id))
        except NotFound:
            return None

    @property
    def search(self) -> SearchIndex:
        """The name index. Raises `SearchError` when there is none."""
        version = _version(self.settings.search_folder / "current")
        return self._once("search", version, lambda: open_search(self.settings))

    def documents(self, records: list[str], clearance: str) -> dict[str, dict[str, Any]]:
        """Where records were read from, as far as the clearance goes: see `queries.evidence`.

        The lake's connection serves one question at a time. O(records in the lake).
        """
        lake = self._once("lake", 0, lambda: Lake(self.settings))
        with self._lake_lock:
            return documents(lake, records, clearance)

    def marking_of(self, snapshot: str) -> str:
        """The highest marking of what a snapshot rests on: see `queries.portrait`."""
        known = self._markings.get(snapshot)
        if known is None:
            known = marking_of(self.settings, snapshot)
            if known != HIGHEST:  # one that is gone counts as such, and may come back
                self._markings[snapshot] = known
        return known

    def sources(self) -> Sources:
        """What portraits are read from: one snapshot, with the scores of that one."""
        snapshot = self.snapshot
        scores = self.scores_of(snapshot)
        return Sources(self, self.ledger, scores, snapshot, self.marking_of)

    def close(self) -> None:
        """Close what was opened; the services can be used again afterwards."""
        opened, self._open = self._open, {}
        for name in ("store", "ledger", "lake"):
            if name in opened:
                opened[name][1].close()


def _version(path: Path) -> tuple[int, int] | None:
    """What changes when a file is replaced; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
