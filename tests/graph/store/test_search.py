"""The name index over a real lake: Chinese, Latin, fuzzy, identifiers, access, swap."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from graph.settings import Settings
from graph.store.lake import Lake
from graph.store.search import SearchError, SearchIndex, build, normalise, open_search

TABLES: dict[str, list[dict[str, Any]]] = {
    "enterprises": [
        {"enterprise_id": "e1", "name": "宁波海丰国际贸易有限公司", "country": "CN",
         "name_en": "Ningbo Haifeng International Trade Co., Ltd.", "uscc": "91330200MA2AAAAA1X"},
        {"enterprise_id": "e2", "name": "上海远洋物流有限公司", "country": "CN"},
        {"enterprise_id": "e3", "name": "宁波海丰秘密公司", "country": "CN", "marking": "SECRET"},
        {"enterprise_id": "e4", "name": "Müller Maschinenbau GmbH", "country": "DE"},
    ],
    "persons": [{"person_id": "p1", "name": "王海丰"}],
    "list_entries": [
        {"entry_id": "l1", "list": "SDN", "name": "Blue Whale Shipping", "kind": "enterprise",
         "aliases": ["Balena Azzurra SRL"]},
    ],
    "places": [{"locode": "CNNGB", "name": "Ningbo", "country": "CN"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def index(folder: Path, write_lake: Callable[..., Lake]) -> SearchIndex:
    return built(folder, write_lake)


@cache
def built(folder: Path, write_lake: Callable[..., Lake]) -> SearchIndex:
    lake = write_lake(folder, TABLES)
    counts = build(lake, lake.settings)
    assert counts == {"Enterprise": 9, "Person": 2, "ListEntry": 3, "Port": 2}
    return open_search(lake.settings)


@pytest.mark.parametrize(
    ("text", "found", "reason"),
    [
        ("宁波海丰国际贸易有限公司", "e1", "name is equal"),
        ("寧波海豐國際貿易有限公司", "e1", "name is equal"),
        ("海丰国际", "e1", "name contains the text"),
        ("91330200ma2aaaaa1x", "e1", "identifier is equal"),
        ("e2", "e2", "identifier is equal"),
        ("ningbo haifeng international trade co ltd", "e1", "name en is equal"),
        ("Haifemg International Trade", "e1", "name en is similar"),
        ("Muller Maschinenbau", "e4", "name contains the text"),
        ("balena azzurra srl", "l1", "alias is equal"),
        ("ningbo", "CNNGB", "name is equal"),
        ("王海丰", "p1", "name is equal"),
    ],
)
def test_the_right_node_comes_first(index: SearchIndex, text: str, found: str, reason: str) -> None:
    first = index.search(text).results[0]
    assert (first.id, first.reason.split(" (")[0]) == (found, reason)
    assert 0.5 <= first.score <= 1.0


def test_what_may_not_be_seen_is_counted(index: SearchIndex) -> None:
    text = "宁波海丰秘密公司"
    assert index.search(text).results[0].id == "e3"
    low = index.search(text, clearance="INTERNAL")
    assert "e3" not in [hit.id for hit in low.results]
    assert low.redacted == 1


def test_kind_and_limit(index: SearchIndex) -> None:
    assert {hit.kind for hit in index.search("海丰", kind="Person").results} == {"Person"}
    assert len(index.search("海丰", limit=1).results) == 1
    assert index.search("!?").results == []


def test_scores_are_in_order_and_repeatable(index: SearchIndex) -> None:
    first, again = (index.search("宁波海丰").results for _ in range(2))
    assert first == again
    assert [hit.score for hit in first] == sorted((hit.score for hit in first), reverse=True)


def test_no_index_yet(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match=r"no name index in .*: run `hawser load`"):
        open_search(Settings(home=tmp_path))


def test_a_rebuild_replaces_the_index(tmp_path: Path, write_lake: Callable[..., Lake]) -> None:
    lake = write_lake(tmp_path, {"persons": [{"person_id": "p", "name": "Anna"}]})
    build(lake, lake.settings)
    build(lake, lake.settings)
    folders = [path for path in lake.settings.search_folder.iterdir() if path.is_dir()]
    assert len(folders) == 1
    assert open_search(lake.settings).search("anna").results[0].id == "p"


def test_normalise_makes_forms_one() -> None:
    assert normalise("ＡＢＣ－Ｃｏ．") == "abc co"
    assert normalise("Café") == "cafe"
