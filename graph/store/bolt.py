"""The one door to the graph server: Bolt, the official driver, Cypher.

The only module that imports `neo4j`. The embedded server and a Neo4j are spoken to the same way;
what differs (whether the server itself keeps a query's time limit, how a plan is shown) is
settled here.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, cast

import neo4j
import neo4j.exceptions
import tenacity

from graph.errors import GraphServerDied, GraphStoreError, GraphUnreachable, QueryTimeout
from graph.settings import Settings
from graph.store import embedded
from graph.store.plan import Plan, embedded_plan, neo4j_plan

Flavour = Literal["neo4j", "embedded"]
Row = dict[str, Any]
T = TypeVar("T")

_ATTEMPTS = 5
_LONGEST_WAIT = 4.0  # seconds between two attempts
_CONNECT_WITHIN = 15.0  # seconds
_TIMED_OUT = frozenset(
    {
        "Neo.ClientError.Transaction.TransactionTimedOut",
        "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration",
        "Neo.TransientError.Transaction.MaybeTransactionTimedOut",
    }
)
_COUNTERS = (
    "nodes_created",
    "nodes_deleted",
    "relationships_created",
    "relationships_deleted",
    "properties_set",
    "constraints_added",
    "indexes_added",
)


def retryable(error: BaseException) -> bool:
    """Whether the same statement may succeed when it is sent again. The one list of such errors.

    - `TransientError`: the server gave way, to a deadlock or a conflicting write, and says so;
    - `SessionExpired`, `ServiceUnavailable`: the connection broke or the server restarts.

    A statement whose answer was lost may have been carried out. All our writes are `MERGE`, `SET`
    and `DELETE` by key, so carrying one out twice leaves the same graph.
    """
    if isinstance(error, neo4j.exceptions.Neo4jError):
        return error.is_retryable() and error.code not in _TIMED_OUT
    return isinstance(error, neo4j.exceptions.SessionExpired | neo4j.exceptions.ServiceUnavailable)


class GraphStore:
    """A connection to the graph server; safe to share between threads.

    Use `open`, and `close` or a `with` block. Every call names its query, so that a failure can
    be traced to the file or function the query is in.
    """

    def __init__(
        self,
        driver: neo4j.Driver,
        settings: Settings,
        server: embedded.EmbeddedServer | None = None,
    ) -> None:
        """Take over an open driver; `server` is the embedded server when that is what it is."""
        self._driver = driver
        self._settings = settings
        self._server = server
        self.flavour: Flavour = "neo4j" if server is None else "embedded"

    @classmethod
    def open(cls, settings: Settings) -> "GraphStore":
        """Connect to the server the settings name; an empty `graph_uri` is the embedded one.

        Raises:
            GraphUnreachable: no server answers, or the embedded one does not start.
            GraphStoreError: the server refuses the user or the database.
        """
        if settings.graph_uri:
            uri, user, password = settings.graph_uri, settings.graph_user, settings.graph_password
            return cls.connect(uri, user, password, settings, None)
        return _open_embedded(settings)

    @classmethod
    def connect(
        cls,
        uri: str,
        user: str,
        password: str,
        settings: Settings,
        server: embedded.EmbeddedServer | None,
    ) -> "GraphStore":
        """Connect to a server at a known address; raises as `open` does."""
        try:
            driver = neo4j.GraphDatabase.driver(
                uri,
                auth=(user, password),
                connection_timeout=_CONNECT_WITHIN,
                connection_acquisition_timeout=_CONNECT_WITHIN,
                notifications_min_severity="OFF" if server is None else None,
            )
        except (neo4j.exceptions.ConfigurationError, ValueError) as error:
            raise GraphStoreError(
                f"{uri} is not the address of a graph server",
                hint="HAWSER_GRAPH_URI looks like bolt://127.0.0.1:7687",
            ) from error
        store = cls(driver, settings, server)
        try:
            # An embedded server that has just started on a busy machine may not answer at first.
            attempts = _ATTEMPTS if server else 1
            store._call("connect", driver.verify_connectivity, None, attempts)
        except GraphStoreError:
            driver.close()
            raise
        return store

    @property
    def uri(self) -> str:
        """The address of the server, without user or password."""
        return self._server.address.uri if self._server else self._settings.graph_uri

    @property
    def database(self) -> str:
        """The database in use; a rebuild of the embedded graph changes it."""
        return self._server.folder.current if self._server else self._settings.graph_database

    def read(
        self,
        name: str,
        cypher: str,
        parameters: Mapping[str, Any],
        *,
        timeout: float | None = None,
    ) -> list[Row]:
        """Run a reading query; one dict a row, in the query's order.

        Nothing it might write is kept. `timeout` in seconds, the setting's if not given.

        Raises:
            QueryTimeout: it took longer.
            GraphStoreError: the server refused it, or it tried to write.
        """
        limit = self._settings.graph_timeout if timeout is None else timeout

        def once() -> list[Row]:
            rows, counters = self._read_once(cypher, parameters, limit)
            if counters.contains_updates or counters.contains_system_updates:
                raise GraphStoreError(f"query {name} writes; nothing of it was kept")
            return rows

        return self._call(name, lambda: self._within(limit, once), limit)

    async def aread(
        self,
        name: str,
        cypher: str,
        parameters: Mapping[str, Any],
        *,
        timeout: float | None = None,
    ) -> list[Row]:
        """`read` for asynchronous callers; the event loop is free while the server works."""
        return await asyncio.to_thread(self.read, name, cypher, parameters, timeout=timeout)

    def stream(
        self, name: str, cypher: str, parameters: Mapping[str, Any], *, size: int = 10_000
    ) -> Iterator[list[list[Any]]]:
        """Run a long reading query without a time limit: lists of up to `size` rows of values.

        Raises `GraphStoreError`; a broken stream is not resumed.
        """
        try:
            with self._session(neo4j.READ_ACCESS) as session:
                result = session.run(cast(Any, cypher), dict(parameters))
                while rows := result.fetch(size):
                    yield [record.values() for record in rows]
        except (neo4j.exceptions.DriverError, neo4j.exceptions.Neo4jError) as error:
            raise self._named(name, error) from error

    def write(self, name: str, cypher: str, parameters: Mapping[str, Any]) -> dict[str, int]:
        """Run a writing statement in a transaction of its own; returns what it changed, by kind.

        It is sent again after the errors that `retryable` lists, so it must be one that may be
        carried out twice.

        Raises:
            GraphStoreError: the server refused it, or is gone.
        """

        def once() -> dict[str, int]:
            with (
                self._session(neo4j.WRITE_ACCESS) as session,
                session.begin_transaction() as transaction,
            ):
                summary = transaction.run(cast(Any, cypher), dict(parameters)).consume()
                transaction.commit()
            return {counter: getattr(summary.counters, counter) for counter in _COUNTERS}

        return self._call(name, once, None)

    def explain(self, cypher: str, parameters: Mapping[str, Any]) -> Plan:
        """How the server would find the query's rows.

        The embedded server names the index it starts from only when it runs the query, so there
        the query is run once; nothing it writes is kept.
        """
        verb = "EXPLAIN" if self._server is None else "PROFILE"

        def once() -> Plan:
            with (
                self._session(neo4j.READ_ACCESS) as session,
                session.begin_transaction(timeout=self._settings.graph_timeout) as transaction,
            ):
                summary = transaction.run(cast(Any, f"{verb} {cypher}"), dict(parameters)).consume()
                transaction.rollback()
            if self._server is None:
                return neo4j_plan(cast(Mapping[str, Any], summary.plan))
            return embedded_plan(cast(Mapping[str, Any], summary.profile))

        return self._call("explain", once, None)

    def close(self) -> None:
        """Close the connections and leave the embedded server."""
        self._driver.close()
        if self._server is not None:
            self._server.leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _session(self, access: str) -> neo4j.Session:
        return self._driver.session(database=self.database, default_access_mode=access)

    def _read_once(
        self, cypher: str, parameters: Mapping[str, Any], limit: float
    ) -> tuple[list[Row], neo4j.SummaryCounters]:
        """Read in a transaction that is always rolled back: the embedded server would let a
        reading session write."""
        with (
            self._session(neo4j.READ_ACCESS) as session,
            session.begin_transaction(timeout=limit) as transaction,
        ):
            result = transaction.run(cast(Any, cypher), dict(parameters))
            rows = result.data()
            counters = result.consume().counters
            transaction.rollback()
        return rows, counters

    def _within(self, limit: float, call: Callable[[], T]) -> T:
        """Keep a time limit for the embedded server, which ignores the transaction's own.

        The call is left behind in its thread; the server ends it by its own, wider limit.
        """
        if self._server is None:
            return call()
        outcome: list[T] = []
        failure: list[BaseException] = []

        def work() -> None:
            try:
                outcome.append(call())
            except BaseException as error:  # handed to the caller's thread below
                failure.append(error)

        worker = threading.Thread(target=work, daemon=True, name="graph-read")
        worker.start()
        worker.join(limit)
        if failure:
            raise failure[0]
        if not outcome:
            raise TimeoutError
        return outcome[0]

    def _call(
        self, name: str, call: Callable[[], T], limit: float | None, most: int = _ATTEMPTS
    ) -> T:
        """Make a call, again after retryable errors; others come back under the query's name."""
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: self._again(error)),
            stop=tenacity.stop_after_attempt(most),
            wait=tenacity.wait_exponential_jitter(multiplier=0.1, max=_LONGEST_WAIT),
            reraise=True,
        )
        try:
            return attempts(call)
        except TimeoutError as error:
            raise self._too_long(name, limit) from error
        except (neo4j.exceptions.DriverError, neo4j.exceptions.Neo4jError) as error:
            if isinstance(error, neo4j.exceptions.Neo4jError) and error.code in _TIMED_OUT:
                raise self._too_long(name, limit) from error
            raise self._named(name, error) from error

    def _again(self, error: BaseException) -> bool:
        """Retry, unless the error says so because the embedded server is dead."""
        return retryable(error) and (self._server is None or self._server.alive)

    def _too_long(self, name: str, limit: float | None) -> QueryTimeout:
        return QueryTimeout(
            f"query {name} ran over its time"
            + (f" of {limit:g} seconds" if limit is not None else ""),
            hint="ask for less, or raise HAWSER_GRAPH_TIMEOUT",
        )

    def _named(self, name: str, error: BaseException) -> GraphStoreError:
        """The error to show for a driver's error: one line, with the query's name."""
        if self._server is not None and not self._server.alive:
            return GraphServerDied(
                f"the embedded graph server of {self._server.folder.path} has died (query {name})",
                hint=f"run the command again; see {self._server.folder.log}",
            )
        if isinstance(error, neo4j.exceptions.AuthError):
            return GraphStoreError(
                f"the graph server at {self.uri} refuses user {self._settings.graph_user}",
                hint="check HAWSER_GRAPH_USER and HAWSER_GRAPH_PASSWORD",
            )
        if isinstance(error, neo4j.exceptions.Neo4jError):
            return GraphStoreError(f"query {name} failed: {_one_line(error.message)}")
        if isinstance(error, neo4j.exceptions.ServiceUnavailable | neo4j.exceptions.SessionExpired):
            return GraphUnreachable(
                f"no graph server answers at {self.uri} (query {name})",
                hint="start it, or empty HAWSER_GRAPH_URI to use the embedded one",
            )
        return GraphStoreError(f"query {name} failed: {_one_line(str(error))}")


@tenacity.retry(
    retry=tenacity.retry_if_exception_type(GraphServerDied),
    stop=tenacity.stop_after_attempt(3),
    wait=tenacity.wait_fixed(0.2),
    reraise=True,
)
def _open_embedded(settings: Settings) -> GraphStore:
    """Join the embedded server and connect, again when it dies meanwhile.

    A server that was killed keeps its lock and its port until its last thread has ended, so the
    one joined may have been dying; the next one is started anew.
    """
    server = embedded.join(settings)
    try:
        address = server.address.uri
        return GraphStore.connect(address, server.user, server.folder.password, settings, server)
    except BaseException:
        server.leave()
        raise


def _one_line(message: str | None) -> str:
    """The message in one line."""
    return " ".join((message or "no reason given").split())


__all__: Sequence[str] = ("GraphStore", "Plan", "retryable")
