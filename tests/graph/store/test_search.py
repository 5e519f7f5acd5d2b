"""The name index over a real lake: Chinese, Latin, fuzzy, identifiers, access, swap."""

import signal
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from graph.settings import Settings
from graph.store import search
from graph.store.lake import Lake
from graph.store.search import SearchError, SearchIndex, build, normalise, open_search
from graph.store.sounds import likeness, sounds, words

TABLES: dict[str, list[dict[str, Any]]] = {
    "enterprises": [
        {"enterprise_id": "e1", "name": "宁波海丰国际贸易有限公司", "country": "CN",
         "name_en": "Ningbo Haifeng International Trade Co., Ltd.", "uscc": "91330200MA2AAAAA1X"},
        {"enterprise_id": "e2", "name": "上海远洋物流有限公司", "country": "CN"},
        {"enterprise_id": "e3", "name": "宁波海丰秘密公司", "country": "CN", "marking": "SECRET"},
        {"enterprise_id": "e4", "name": "Müller Maschinenbau GmbH", "country": "DE"},
        {"enterprise_id": "e5", "name": "宁波恒源木业有限公司", "country": "CN"},
        {"enterprise_id": "e6", "name": "重慶長安銀行", "country": "CN"},
    ],
    "persons": [
        {"person_id": "p1", "name": "王海丰"}, {"person_id": "p2", "name": "王建国"},
        {"person_id": "p3", "name": "吕思远"}, {"person_id": "p4", "name": "Wang Jianguo"},
        {"person_id": "p5", "name": "王建秀"}, {"person_id": "p6", "name": "吕布"},
    ],
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
    assert counts == {"Enterprise": 6, "Person": 6, "ListEntry": 1, "Port": 1}
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
        ("wang haifeng", "p1", "name sounds the same"),
        ("wang jianguo", "p4", "name is equal"),
        ("wangjianguo", "p2", "name sounds the same"),
        ("wang jian guo", "p2", "name sounds the same"),
        ("JIANGUO, Wang", "p4", "name is similar"),
        ("Lǚ Siyuan", "p3", "name sounds the same"),
        ("lv siyuan", "p3", "name sounds the same"),
        ("lu syuan", "p3", "name sounds similar"),
        ("ningbo hengyuan", "e5", "name contains the sound"),
        ("ningbohengyuan", "e5", "name contains the sound"),
        ("hengyuan", "e5", "name contains the sound"),
        ("lv bu", "p6", "name sounds the same"),
        ("Lyu Bu", "p6", "name sounds the same"),
        ("lyusiyuan", "p3", "name sounds the same"),
        ("Siyuan Lü", "p3", "name sounds the same"),
        ("ningbo hengyan muye", "e5", "name sounds similar"),
        ("chongqing changan yinhang", "e6", "name sounds the same"),
    ],
)
def test_the_right_node_comes_first(index: SearchIndex, text: str, found: str, reason: str) -> None:
    first = index.search(text).results[0]
    assert (first.id, first.reason.split(" (")[0]) == (found, reason)
    assert 0.5 <= first.score <= 1.0


def test_a_sound_comes_after_a_name_and_ends_where_a_syllable_does(index: SearchIndex) -> None:
    found = index.search("wang jianguo", kind="Person").results
    assert [(hit.id, hit.score) for hit in found[:2]] == [("p4", 1.0), ("p2", 0.95)]
    assert "p5" not in [hit.id for hit in found]
    assert [hit.id for hit in index.search("engyuan", kind="Enterprise").results] == []
    assert index.search("ningbo haifeng mimi gongsi").results[0].id == "e3"
    low = index.search("ningbo haifeng mimi gongsi", clearance="INTERNAL")
    assert "e3" not in [hit.id for hit in low.results]


def test_what_may_not_be_seen_is_not_told_by_asking(index: SearchIndex) -> None:
    text = "宁波海丰秘密公司"
    assert index.search(text).results[0].id == "e3"
    low = index.search(text, clearance="INTERNAL")
    assert "e3" not in [hit.id for hit in low.results]
    for asked in (text, "e3", "海丰", "Nobody At All", "!?"):
        told = [index.search(asked, clearance=name).redacted for name in ("INTERNAL", "SECRET")]
        assert told == [True, False]


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


_KILLED = """
import os, signal, sys
from pathlib import Path
from graph.settings import Settings
from graph.store import search
from graph.store.lake import Lake
from graph.store.search import build

def die(what, share):
    if share > 0.5:
        os.kill(os.getpid(), signal.SIGKILL)

with Lake(Settings(home=Path(sys.argv[1]))) as lake:
    build(lake, lake.settings, progress=die)
"""


def test_a_build_removes_what_a_killed_one_left(
    tmp_path: Path, write_lake: Callable[..., Lake]
) -> None:
    lake = write_lake(tmp_path, {"persons": [{"person_id": "p", "name": "Anna"}]})
    build(lake, lake.settings)
    home = lake.settings.search_folder
    used = (home / "current").read_text()
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    (home / ".0a").write_text("0a")  # dead between writing a pointer and putting it in place
    folders = [path.name for path in home.iterdir() if path.is_dir()]
    assert len(folders) == 2 and (home / "current").read_text() == used
    assert open_search(lake.settings).search("anna").results
    build(lake, lake.settings)
    left = sorted(path.name for path in home.iterdir() if path.name != "build.lock")
    assert left == sorted(["current", (home / "current").read_text()])


def test_only_one_builds_at_a_time(
    tmp_path: Path, write_lake: Callable[..., Lake], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PATIENCE", 0.05)
    lake = write_lake(tmp_path, {"persons": [{"person_id": "p", "name": "Anna"}]})
    lake.settings.search_folder.mkdir()
    with (
        FileLock(lake.settings.search_folder / "build.lock"),
        pytest.raises(SearchError, match="another process is building"),
    ):
        build(lake, lake.settings)
    assert build(lake, lake.settings)["Person"] == 1


@given(
    st.lists(st.sampled_from("王建国吕海丰宁波恒源重庆单长"), min_size=1, max_size=8).map("".join)
)
def test_a_name_is_found_by_its_own_sound_however_it_is_split(name: str) -> None:
    sound = sounds(["x", name, name])[name]
    assert len(sound.split()) == len(name)
    for text in (sound, sound.replace(" ", "")):
        assert likeness(sound, text) == (0.95, "sounds the same")
    assert set(sound.split()) <= set(words(sound).split())


def test_normalise_makes_forms_one() -> None:
    assert normalise("ＡＢＣ－Ｃｏ．") == "abc co"
    assert normalise("Café") == "cafe"
