"""The pages for people: `/`, and `/graphql` to write queries on. All they load is here.

They hold nothing of anybody's data and are served to everybody: what they show they ask of the
GraphQL service, under the token that is typed into them.

GraphiQL is at `/graphiql`. Its page comes with Strawberry and is the only one that needs the
internet: the browser loads its scripts from unpkg.com, each only if it has the hash that the page
names.
"""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import RedirectResponse, Response
from strawberry.http.ides import get_graphql_ide_html

FOLDER = Path(__file__).parent / "pages"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
#: Files that the pages load, from here alone.
_PARTS = ("style.css", "ask.js", "front.js", "console.js")
#: Browsers are told to load nothing from elsewhere, to send forms nowhere else, to show the pages
#: in no frame and to keep none.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
#: GraphiQL's page has its own script and styles in it, and loads the others.
_GRAPHIQL_HEADERS = {
    **_HEADERS,
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'unsafe-inline' https://unpkg.com; "
        "style-src 'unsafe-inline' https://unpkg.com; font-src data:; img-src data:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
}


def page(name: str) -> Response:
    """A file of `FOLDER`."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    return Response(text, media_type=_TYPES[Path(name).suffix], headers=_HEADERS)


def graphiql() -> Response:
    """GraphiQL's page. It sends its queries to the path it is shown at."""
    text = get_graphql_ide_html(graphql_ide="graphiql")
    return Response(text, media_type="text/html", headers=_GRAPHIQL_HEADERS)


def add_pages(app: FastAPI) -> None:
    """Serve the pages and what they load."""

    def add(path: str, name: str) -> None:
        app.get(path)(lambda: page(name))

    @app.get("/graphiql")
    def to_graphiql() -> Response:
        return RedirectResponse("/graphql?ide=graphiql")

    @app.get("/graphql")
    def queries(ide: str = "") -> Response:
        return graphiql() if ide == "graphiql" else page("console.html")

    add("/", "front.html")
    for name in _PARTS:
        add(f"/pages/{name}", name)
