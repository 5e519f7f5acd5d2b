"""The pages for people: `/`, and `/graphql` to write queries on. All they load is here."""

import html
from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import Response

FOLDER = Path(__file__).parent / "pages"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
#: Files that the pages load, from here alone.
_PARTS = ("style.css", "front.js", "console.js")
#: Browsers are told to load nothing from elsewhere and to show the pages in no frame.
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def page(name: str, values: Mapping[str, str] | None = None) -> Response:
    """A file of `FOLDER`; `values` stand for `{name}` in it, and are HTML already."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    if values is not None:
        text = text.format(**values)
    return Response(text, media_type=_TYPES[Path(name).suffix], headers=_HEADERS)


def front(values: Mapping[str, object], counts: Mapping[str, int]) -> Response:
    """The page at `/`: what is served, and a search box."""
    items = (
        f"<li>{html.escape(kind)} <b>{count:,}</b></li>" for kind, count in counts.items() if count
    )
    shown = {name: html.escape(str(value)) for name, value in values.items()}
    return page("front.html", shown | {"rows": "".join(items)})


def add_parts(app: FastAPI) -> None:
    """Serve the page to write queries on, and what the pages load: nothing of anybody's data."""

    @app.get("/graphql")
    def console() -> Response:
        """The page to write queries on; it asks with POST, under the token that it is given."""
        return page("console.html")

    def add(name: str) -> None:
        app.get(f"/pages/{name}")(lambda: page(name))

    for name in _PARTS:
        add(name)
