"""The pages for people: they load nothing from elsewhere, and their queries are good ones."""

import asyncio
import hashlib
import html
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from threading import Thread

import httpx
import pyarrow.parquet as pq
import pytest
import uvicorn
from graphql import (
    build_client_schema,
    build_schema,
    get_introspection_query,
    parse,
    validate,
)

from api.app import create_app
from api.web_pages import FOLDER
from graph.scores import ENTERPRISE_SCHEMA, MANIFEST, SHIPMENT_SCHEMA
from graph.settings import Settings
from graph.snapshot import build
from graph.store.lake import Lake
from tests.graph.conftest import _write

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
        assert len(parts) == 3
        for part in get(Settings(home=tmp_path), *parts):
            assert part.status_code == 200 and "http" not in part.text


def test_graphiql_loads_only_what_has_the_hash_named_and_can_ask_for_the_schema(
    tmp_path: Path,
) -> None:
    settings = Settings(home=tmp_path)
    to, page, console = get(settings, "/graphiql", "/graphql?ide=graphiql", "/graphql")
    assert to.is_redirect and to.headers["location"] == "/graphql?ide=graphiql"
    assert 'href="/graphiql"' in console.text and "GraphiQL.createFetcher" in page.text
    loaded = re.findall(
        r"<(?:script|link)\b[^>]*(?:src|href)=\"(https?://[^\"]+)\"[^>]*>", page.text
    )
    hashed = re.findall(r"<[^>]*\"https://unpkg\.com/[^>]*integrity=\"sha384-[^>]*>", page.text)
    assert len(loaded) == len(hashed) >= 5
    policy = page.headers["content-security-policy"].split("; ")
    assert {"script-src 'unsafe-inline' https://unpkg.com", "default-src 'self'"} <= {*policy}

    async def schema() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            asked = {"query": get_introspection_query(), "operationName": "IntrospectionQuery"}
            return await client.post("/graphql", json=asked)

    told = build_client_schema(asyncio.run(schema()).json()["data"])
    committed = build_schema(SCHEMA.read_text(encoding="utf-8"))
    assert set(told.type_map) == set(committed.type_map)


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
    assert len(queries) >= (8 if name == "console.js" else 3)
    for query in queries:
        assert not validate(schema, parse(query)), query


def test_the_pages_are_for_all_and_what_they_show_for_those_with_a_token(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.yml"
    digest = hashlib.sha256(b"sesame").hexdigest()
    tokens.write_text(f"- {{name: a, sha256: '{digest}', clearance: PUBLIC}}\n", encoding="utf-8")
    settings = Settings(home=tmp_path, api_tokens=tokens)
    pages = get(settings, "/", "/graphql")
    for page, bare in zip(pages, get(Settings(home=tmp_path), "/", "/graphql"), strict=True):
        assert page.status_code == 200 and page.text == bare.text
        assert 'id="token"' in page.text and '"/pages/ask.js"' in page.text
        assert page.headers["cache-control"] == "no-store"
        policy = page.headers["content-security-policy"].split("; ")
        assert {"base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"} <= {*policy}
    [about] = re.findall(r"ABOUT = `([^`]+)`", (FOLDER / "front.js").read_text("utf-8"))

    async def call(token: str) -> httpx.Response:
        transport = httpx.ASGITransport(create_app(settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            headers = {"Authorization": f"Bearer {token}"}
            return await client.post("/graphql", json={"query": about}, headers=headers)

    assert asyncio.run(call("sesame")).json()["data"]["about"]["clearance"] == "PUBLIC"
    refused = asyncio.run(call("")).json()
    assert refused["data"] is None and "no valid token" in refused["errors"][0]["message"]


def test_the_pages_make_no_elements_of_text_and_know_their_own_examples_alone() -> None:
    for file in FOLDER.glob("*.js"):
        text = file.read_text(encoding="utf-8")
        sinks = r"innerHTML|outerHTML|insertAdjacent|document\.write|DOMParser|eval\(|Function\("
        assert not re.findall(sinks, text)
        assert not re.findall(r"\bin EXAMPLES", text)


HOSTILE = "<img src=x onerror=\"document.title='broken'\">"


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[str]:
    """The address of a service whose model has a hostile name, and whose graph server is away."""
    settings = Settings(home=tmp_path, graph_uri="bolt://127.0.0.1:1")
    with _write(tmp_path, {"enterprises": [{"enterprise_id": "a", "name": "A"}]}):
        pass
    with Lake(settings) as lake:
        built = build(lake, settings, as_of=date(2024, 6, 30), known_at=date(2024, 6, 30))
    folder = settings.score_folder / built.id
    folder.mkdir(parents=True)
    pq.write_table(SHIPMENT_SCHEMA.empty_table(), folder / "shipments.parquet")
    pq.write_table(ENTERPRISE_SCHEMA.empty_table(), folder / "enterprises.parquet")
    (folder / MANIFEST).write_text(json.dumps({"snapshot": built.id, "model": HOSTILE}))
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, log_level="error"))
    thread = Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join()


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs the browser chromium")
def test_a_hostile_name_is_shown_as_text(hostile: str, tmp_path: Path) -> None:
    browser = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=4000",
        f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", hostile,
    ]  # fmt: skip
    shown = subprocess.run(browser, capture_output=True, text=True, timeout=60, check=True).stdout
    assert f"scores by {html.escape(HOSTILE, quote=False)};" in shown
    assert "<img" not in shown and "<title>Hawser</title>" in shown
