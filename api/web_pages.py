"""The pages for people: `/`, and `/graphql` to write queries on. All they load is here.

They hold nothing of anybody's data and are served to everybody: what they show they ask of the
GraphQL service, under the token that is typed into them.
"""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import Response

FOLDER = Path(__file__).parent / "pages"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
#: Where each page is.
_PAGES = {"/": "front.html", "/graphql": "console.html"}
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


def page(name: str) -> Response:
    """A file of `FOLDER`."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    return Response(text, media_type=_TYPES[Path(name).suffix], headers=_HEADERS)


def add_pages(app: FastAPI) -> None:
    """Serve the pages and what they load."""

    def add(path: str, name: str) -> None:
        app.get(path)(lambda: page(name))

    for path, name in _PAGES.items():
        add(path, name)
    for name in _PARTS:
        add(f"/pages/{name}", name)
