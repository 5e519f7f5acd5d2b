"""A small story in a real data folder, served: lake, graph server, snapshot, name index, ledger.

Enterprise `a` is tied to the penalised `d` only through the person `p`, of whom a RESTRICTED source
tells; `b` owns most of `a` and was penalised; `r` is known from the RESTRICTED source alone.

Apart from them stands `h`, whose 120 latest shipments are RESTRICTED and 80 older ones are not.
Of `k`, its owner `h`, the shipment `t` and a list entry everybody knows, but what is told of them
comes from the RESTRICTED source.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from graph.settings import Settings
from graph.snapshot import build as build_snapshot
from graph.store import search
from graph.store.lake import Lake
from graph.store.load import rebuild
from tests.graph.conftest import write_lake  # noqa: F401

DAY = date(2024, 6, 30)
HIDDEN = "RESTRICTED"
Ask = Callable[..., dict[str, Any]]


def relation(source: str, target: str, type: str, **more: Any) -> dict[str, Any]:
    row = {"source_id": source, "target_id": target, "type": type, "valid_from": date(2020, 1, 1)}
    return {**row, **more}


def shipment(number: int, **more: Any) -> dict[str, Any]:
    row = {"shipment_id": f"s{number:02}", "declared_at": date(2024, 1 + number % 6, 1 + number),
           "direction": "I", "customs_office": "3100", "importer_id": "a", "exporter_id": "x",
           "discharge_port": "CNNGB"}  # fmt: skip
    return {**row, **more}


def twice(row: dict[str, Any], secret: dict[str, Any]) -> list[dict[str, Any]]:
    """A thing that everybody knows, and then what the RESTRICTED source tells of it."""
    first, then = date(2024, 3, 1), date(2024, 4, 1)
    return [
        {**row, "recorded_at": first},
        {**row, **secret, "recorded_at": then, "marking": HIDDEN},
    ]


def of_hub(number: int, day: date, **more: Any) -> dict[str, Any]:
    return {"shipment_id": f"h{number:03}", "declared_at": day, "importer_id": "h", **more}


SECRET_DAY = date(2024, 5, 28)
SECRET_USCC = "91330200MA2AHXYZ1K"
SHIPMENTS = [shipment(n) for n in range(12)] + [shipment(12, marking=HIDDEN)]
HUB = [
    *(of_hub(n, date(2024, 1 + n % 6, 1 + n % 28), marking=HIDDEN) for n in range(120)),
    *(of_hub(n, date(2023, 1 + n % 12, 1 + n % 28)) for n in range(120, 200)),
    *twice(
        {"shipment_id": "t", "declared_at": date(2024, 1, 5), "importer_id": "k"},
        {"declared_at": SECRET_DAY},
    ),
]
TABLES: dict[str, list[dict[str, Any]]] = {
    "enterprises": [
        *({"enterprise_id": n, "name": f"Firm {n}", "country": "CN"} for n in "bcd"),
        {"enterprise_id": "a", "name": "宁波海丰国际贸易有限公司", "country": "CN",
         "name_en": "Ningbo Haifeng", "address": "宁波市北仑区1号", "valid_from": date(2019, 1, 1)},
        {"enterprise_id": "x", "name": "Overseas Ltd", "country": "DE"},
        {"enterprise_id": "y", "name": "Neighbour", "country": "CN", "address": "宁波市北仑区1号"},
        {"enterprise_id": "r", "name": "Restricted Firm", "country": "CN", "marking": HIDDEN},
        {"enterprise_id": "h", "name": "Hub", "country": "CN"},
        *twice({"enterprise_id": "k", "name": "Known", "country": "CN"}, {"uscc": SECRET_USCC}),
    ],
    "list_entries": twice(
        {"entry_id": "l", "list": "watch", "name": "Known", "kind": "enterprise"},
        {"name": "Secret Alias"},
    ),
    "persons": [{"person_id": "p", "name": "Hidden Person", "marking": HIDDEN}],
    "relations": [
        relation("b", "a", "SHAREHOLDER", share=0.6),
        relation("r", "a", "SHAREHOLDER", share=0.2, marking=HIDDEN),
        relation("p", "d", "LEGAL_REPRESENTATIVE", marking=HIDDEN),
        relation("p", "a", "LEGAL_REPRESENTATIVE", marking=HIDDEN),
        *twice(relation("h", "k", "SHAREHOLDER"), {"share": 0.4}),
    ],
    "shipments": [*SHIPMENTS, *HUB],
    "shipment_items": [
        {"shipment_id": row["shipment_id"], "item_no": 1, "hs_code": "85171300",
         "customs_value": 100.0 + n, "net_mass_kg": 10.0, "currency": "CNY",
         "marking": row.get("marking", "INTERNAL")}
        for n, row in enumerate(SHIPMENTS)
    ],
    "findings": [
        {"finding_id": "f1", "shipment_id": "s01", "inspected_on": date(2024, 3, 5),
         "recorded_at": date(2024, 3, 9), "outcome": "violation", "severity": "general"},
    ],
    "credit_events": [
        {"event_id": f"e{n}", "enterprise_id": who, "type": "penalty", "severity": "serious",
         "occurred_on": date(2023, 1 + n, 1), "recorded_at": date(2023, 1 + n, 2)}
        for n, who in enumerate("aabd")
    ],
}  # fmt: skip


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The data folder's settings, everything built."""
    from tests.graph.conftest import _write

    home: Path = tmp_path_factory.mktemp("story")
    with _write(home, TABLES):
        pass
    settings = Settings(home=home, embedded_heap="512m")
    with Lake(settings) as lake:
        rebuild(lake, settings, as_of=DAY, known_at=DAY)
        build_snapshot(lake, settings, as_of=DAY, known_at=DAY)
        search.build(lake, settings, as_of=DAY, known_at=DAY)
    return settings


@pytest.fixture(scope="session")
def app(story: Settings) -> Iterator[FastAPI]:
    """Served to a local user with full clearance."""
    made = create_app(story)
    yield made
    made.state.services.close()


@pytest.fixture(scope="session")
def low_app(story: Settings) -> Iterator[FastAPI]:
    """Served to a local user cleared for INTERNAL."""
    made = create_app(replace(story, clearance="INTERNAL"))
    yield made
    made.state.services.close()


@pytest.fixture
def ask() -> Ask:
    """`ask(app, query, **variables)`: the GraphQL answer, over ASGI."""
    return _ask


def _ask(app: FastAPI, query: str, **variables: Any) -> dict[str, Any]:
    import asyncio

    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.post("/graphql", json={"query": query, "variables": variables})

    answer: dict[str, Any] = asyncio.run(call()).json()
    return answer
