"""For notebook users of py2neo: the graph as a `py2neo.Graph`. Nothing else imports py2neo.

py2neo's last release is of 2023 and nobody keeps it; install it with `pip install hawser[py2neo]`.
It is for reading and looking around; loads go through `graph.store.load`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from graph.errors import GraphStoreError, GraphUnreachable
from graph.settings import Settings
from graph.store import embedded

if TYPE_CHECKING:
    from py2neo import Graph, Node

#: Membership of embedded servers, held for as long as this process lives.
_joined: dict[str, embedded.EmbeddedServer] = {}


def graph(settings: Settings) -> "Graph":
    """A `py2neo.Graph` on the server of the settings; the embedded one is started if need be.

    The embedded server stays for as long as this process lives, or until `leave`.

    Raises:
        GraphStoreError: py2neo is not installed, or the server refuses.
        GraphUnreachable: no server answers.
    """
    try:
        import py2neo
    except ImportError as error:
        raise GraphStoreError(
            "py2neo is not installed", hint="pip install 'hawser[py2neo]'"
        ) from error
    uri, user, password, database = _address(settings)
    try:
        opened = py2neo.Graph(uri, auth=(user, password), name=database)
        opened.run("RETURN 1").evaluate()
    except (OSError, py2neo.errors.ConnectionUnavailable) as error:
        raise GraphUnreachable(f"no graph server answers at {uri}") from error
    except py2neo.errors.Neo4jError as error:
        raise GraphStoreError(f"the graph server at {uri} refuses: {error.message}") from error
    return opened


def node(opened: "Graph", kind: str, id: str) -> "Node | None":
    """The node of a kind with an id, or None."""
    return opened.nodes.match(kind, id=id).first()


def leave(settings: Settings) -> None:
    """Stop using the embedded server that `graph` joined; connections stay with py2neo."""
    server = _joined.pop(str(settings.home.absolute()), None)
    if server is not None:
        server.leave()


@contextmanager
def opened(settings: Settings) -> Iterator["Graph"]:
    """`graph` for a block; its connections are closed and the embedded server left afterwards."""
    inside = graph(settings)
    try:
        yield inside
    finally:
        inside.service.connector.close()
        leave(settings)


def _address(settings: Settings) -> tuple[str, str, str, Any]:
    if settings.graph_uri:
        return (
            settings.graph_uri,
            settings.graph_user,
            settings.graph_password,
            settings.graph_database,
        )
    home = str(settings.home.absolute())
    server = _joined.get(home)
    if server is None or not server.alive:
        server = _joined[home] = embedded.join(settings)
    return server.address.uri, server.user, server.folder.password, server.folder.current
