"""The pages for people: they load nothing from elsewhere, and their queries are good ones."""

import asyncio
import re
from pathlib import Path

import httpx
import pytest
from graphql import build_schema, parse, validate

from api.app import create_app
from api.web_pages import FOLDER
from graph.settings import Settings

SCHEMA = FOLDER.parent / "schema.graphql"


def get(settings: Settings, *paths: str) -> list[httpx.Response]:
    async def call() -> list[httpx.Response]:
        transport = httpx.ASGITransport(create_app(settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            accept = {"Accept": "text/html"}
            return [await client.get(path, headers=accept) for path in paths]

    return asyncio.run(call())


def test_pages_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    pages = get(Settings(home=tmp_path), "/", "/graphql")
    for page in pages:
        assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert not re.findall(r"https?://|//cdn|\son[a-z]+=|<script>|style=", page.text)
        parts = re.findall(r'(?:src|href)="(/pages/[^"]+)"', page.text)
        assert len(parts) == 2
        for part in get(Settings(home=tmp_path), *parts):
            assert part.status_code == 200 and "http" not in part.text


@pytest.mark.parametrize("name", ["console.js", "front.js"])
def test_the_queries_of_the_pages_are_good_ones(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    schema = build_schema(SCHEMA.read_text(encoding="utf-8"))
    kind = re.search(r'TYPE = "(.+)"', text)
    queries = [
        query.replace("${TYPE}", kind[1] if kind else "")
        for query in re.findall(r"`([^`]+)`", text)
        if query.startswith(("query", "{"))
    ]
    assert len(queries) >= (8 if name == "console.js" else 1)
    for query in queries:
        assert not validate(schema, parse(query)), query


def test_the_page_to_write_on_shows_nothing_and_asks_no_token(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.yml"
    tokens.write_text(f"- {{name: a, sha256: '{'a' * 64}', clearance: PUBLIC}}\n", encoding="utf-8")
    page, front = get(Settings(home=tmp_path, api_tokens=tokens), "/graphql", "/")
    assert (page.status_code, front.status_code) == (200, 401)
