"""Who is let in, what is refused, what errors look like, and that the schema is the committed one."""

import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.auth import Gate, read_tokens
from api.errors import Refused, described
from api.print_schema import FILE
from api.schema import make_schema
from api.services import Services
from graph.errors import NotFound, SettingsError
from graph.settings import Settings
from graph.store.server_folder import server_folder
from tests.patience import wait_for

LOCAL = {"host": "localhost:8000"}


def tokens(folder: Path, *rows: tuple[str, str, str]) -> Settings:
    lines = [
        f"- {{name: {name}, sha256: {hashlib.sha256(token.encode()).hexdigest()}, clearance: {clearance}}}"
        for name, token, clearance in rows
    ]
    path = folder / "tokens.yml"
    path.write_text("\n".join(lines), "utf-8")
    return Settings(home=folder, api_tokens=path)


def test_the_committed_schema_is_the_schema() -> None:
    assert FILE.read_text("utf-8") == make_schema(Settings()).as_str() + "\n", (
        "run python -m api.print_schema"
    )


def test_every_field_is_described() -> None:
    schema = make_schema(Settings())._schema
    bare = [
        f"{name}.{field}"
        for name, kind in schema.type_map.items()
        if not name.startswith("__") and hasattr(kind, "fields") and not callable(kind.fields)
        for field, value in kind.fields.items()
        if not value.description
    ]
    assert bare == []


def test_serving_needs_neither_torch_nor_gnn() -> None:
    code = "import sys, api.app; print([m for m in sys.modules if m.split('.')[0] in ('torch', 'gnn')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_tokens_only_this_machine_is_served() -> None:
    gate = Gate(Settings(clearance="INTERNAL"))
    for client in ("127.0.0.1", "::1"):
        assert gate.caller(client, LOCAL).clearance == "INTERNAL"
    for client, headers in (
        ("192.168.1.5", LOCAL),
        (None, LOCAL),
        ("127.0.0.1", {**LOCAL, "x-forwarded-for": "10.0.0.1"}),
        ("127.0.0.1", {"host": "rebound.example"}),
        ("127.0.0.1", {}),
    ):
        with pytest.raises(Refused, match="only this machine is served"):
            gate.caller(client, headers)


def test_a_token_says_name_and_clearance(tmp_path: Path) -> None:
    gate = Gate(tokens(tmp_path, ("portal", "sesame", "INTERNAL"), ("chief", "open", "SECRET")))
    caller = gate.caller("203.0.113.9", {"authorization": "Bearer open"})
    assert (caller.name, caller.clearance) == ("chief", "SECRET")
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic open"}):
        with pytest.raises(Refused, match="no valid token: send Authorization"):
            gate.caller("127.0.0.1", {**LOCAL, **headers})


@pytest.mark.parametrize(
    "text",
    ["", "secret", "- {name: a}", "- {name: a, sha256: xyz, clearance: PUBLIC}", "{", "- 5"],
)
def test_a_wrong_tokens_file_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokens.yml"
    path.write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=r"tokens.yml is no tokens file: list name") as caught:
        read_tokens(path)
    assert "xyz" not in str(caught.value)
    with pytest.raises(SettingsError, match="is no tokens file"):
        read_tokens(tmp_path / "missing.yml")


def test_expected_errors_are_one_line_and_others_masked(caplog: pytest.LogCaptureFixture) -> None:
    assert described(NotFound("no enterprise\n'x'")) == ("no enterprise 'x'", "NOT_FOUND")
    with caplog.at_level(logging.ERROR, "hawser.api"):
        message, code = described(KeyError("password=hunter2"))
    assert code == "INTERNAL"
    assert "hunter2" not in message
    assert message.split()[-1] in caplog.text


DEEP = '{ enterprise(id: "a") { related { owners { owners { chains { hops { from } } } } } } }'
ALIASES = "{ " + " ".join(f"a{n}: about {{ caller }}" for n in range(25)) + " }"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ('{ neighbourhood(kind: Enterprise, id: "a", first: 101) { next } }', "first=101 is not between 1 and 100"),
        ('{ neighbourhood(kind: Enterprise, id: "a", after: "nonsense") { next } }', "is no cursor of this list"),
        ('{ neighbourhood(kind: Enterprise, id: "nobody") { next } }', "no Enterprise 'nobody'"),
        ('{ riskPaths(id: "nobody") { influence } }', "no Enterprise 'nobody' in snapshot"),
        ('{ named(name: "drop", parameters: {}) { count } }', "there is no query 'drop'"),
        ('{ named(name: "neighbourhood", parameters: {kind: "Enterprise", id: "a", limit: 9999}) { count } }', "limit=9999 is above 100"),
        (ALIASES, "aliases"),
        ("{ about { caller caller caller " + "caller " * 2000 + "} }", "token"),
        ("{ nothing }", "Cannot query field 'nothing'"),
    ],
)  # fmt: skip
def test_limits_and_mistakes_are_refused_in_one_line(
    app: FastAPI, ask: Any, query: str, words: str
) -> None:
    answer = ask(app, query)
    message = answer["errors"][0]["message"]
    assert words.lower() in message.lower()
    assert "\n" not in message


def test_depth_is_limited(story: Settings, ask: Any) -> None:
    served = create_app(replace(story, api_depth=4))
    assert "depth" in ask(served, DEEP)["errors"][0]["message"]
    served.state.services.close()


def test_a_slow_request_is_ended(
    story: Settings, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.app.GRACE", -0.299)
    served = create_app(replace(story, graph_timeout=0.3))
    answer = ask(served, '{ enterprise(id: "a") { registration { name } } }')
    assert answer["errors"][0]["extensions"]["code"] == "TIMEOUT"
    served.state.services.close()


def test_a_dead_graph_server_is_started_again(app: FastAPI, story: Settings, ask: Any) -> None:
    query = '{ enterprise(id: "a") { registration { name } } }'
    assert "errors" not in ask(app, query)
    before = server_folder(story.home).running()
    assert before is not None
    os.kill(before.pid, signal.SIGKILL)
    assert wait_for(lambda: server_folder(story.home).running() is None)
    told = ask(app, query)["data"]["enterprise"]
    assert told["registration"]["name"] == "宁波海丰国际贸易有限公司"
    assert server_folder(story.home).running() not in (None, before)


def test_the_graph_server_is_asked_only_by_those_who_need_it(story: Settings, ask: Any) -> None:
    served = create_app(replace(story, graph_uri="bolt://127.0.0.1:1"))
    told = ask(served, '{ about { snapshot } riskPaths(id: "a") { influence } }')
    assert told["data"]["riskPaths"]["influence"] > 0
    failed = ask(served, '{ enterprise(id: "a") { asOf } }')["errors"][0]
    assert failed["extensions"]["code"] == "UNAVAILABLE"
    served.state.services.close()


def test_what_is_being_opened_holds_up_nothing_else(story: Settings) -> None:
    services = Services(story)
    with services._locks["snapshot"], ThreadPoolExecutor() as pool:
        assert pool.submit(lambda: services.ledger.runs()).result(30) == []
        assert pool.submit(services.read, "one", "RETURN 1 AS one", {}).result(60) == [{"one": 1}]
        waiting = pool.submit(lambda: services.snapshot)
        assert not waiting.done()
        services._locks["snapshot"].release()
        assert waiting.result(30) is not None
        services._locks["snapshot"].acquire()
    services.close()


def test_over_a_real_socket_with_a_token(story: Settings, tmp_path: Path) -> None:
    path = tokens(tmp_path, ("portal", "sesame", "INTERNAL")).api_tokens
    served = create_app(replace(story, api_tokens=path))
    server = uvicorn.Server(uvicorn.Config(served, port=0, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert wait_for(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    query = {"query": '{ about { caller clearance } enterprise(id: "a") { enterprise { name } } }'}
    request = urllib.request.Request(
        f"{address}/graphql",
        json.dumps(query).encode(),
        {"Content-Type": "application/json", "Authorization": "Bearer sesame"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            data = json.load(reply)["data"]
        with urllib.request.urlopen(f"{address}/health", timeout=60) as reply:
            health = json.load(reply)
        with urllib.request.urlopen(f"{address}/", timeout=60) as reply:
            front = reply.read().decode()
        request.remove_header("Authorization")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
        refused.value.close()
    finally:
        server.should_exit = True
        thread.join(30)
    assert data["about"] == {"caller": "portal", "clearance": "INTERNAL"}
    assert data["enterprise"]["enterprise"]["name"] == "宁波海丰国际贸易有限公司"
    assert health == {"status": "ok"}
    assert refused.value.code == 401
    assert "INTERNAL" not in front, "the page about itself holds no data"
