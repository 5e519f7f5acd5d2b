"""Answers in words: names, ties, dates and documents of paths, portraits cut to what tells."""

from typing import Any

import pytest

from commands import portrait_text, words
from commands.demo import SAMPLE, declarations
from graph.errors import HawserError
from graph.snapshot import Snapshot


def hop(**more: Any) -> dict[str, Any]:
    return {
        "from": "E1", "to": "E2", "from_name": "甲公司", "to_name": "乙公司", "kind": "CONTROLS",
        "valid_from": "2020-01-01", "valid_to": None, "evidence": "02328525c81c213d",
        "document": {"file": "relations.csv", "row": 1200, "source": "tables"}, **more,
    }  # fmt: skip


def test_a_path_tells_names_ties_dates_and_documents() -> None:
    path = {"contribution": 0.25, "reason": "serious penalty", "cause": "C1", "hops": [hop()]}
    said = "\n".join(words.path_lines(path, {"E1": "Jia Ltd"}))
    for part in ("甲公司", "Jia Ltd", "(E1)", "controls 控制", "since 2020-01-01",
                 "relations.csv row 1,200 of tables", "record 02328525c81c213d", "严重处罚"):  # fmt: skip
        assert part in said


def test_a_hidden_end_is_said_to_be_hidden() -> None:
    path = {"contribution": None, "hops": [hop(**{"from": None, "from_name": None})]}
    said = "\n".join(words.path_lines(path))
    assert "clearance" in said and "None" not in said


def test_every_reason_of_the_policy_has_a_chinese_word() -> None:
    from graph.algorithms.policy import load_policy

    assert {seed.name for seed in load_policy().seeds} <= set(words.REASONS)


def test_every_reason_of_the_enterprise_model_is_told() -> None:
    enterprises = pytest.importorskip("gnn.enterprises")
    assert set(portrait_text.PANEL) == set(enterprises.PANEL)


def test_english_names_are_of_those_that_have_one(world_snapshot: Snapshot) -> None:
    nodes = world_snapshot.nodes("Enterprise").select(["id", "name_en"]).to_pylist()
    expected = {row["id"]: row["name_en"] for row in nodes if row["name_en"]}
    assert words.english(world_snapshot, [*(row["id"] for row in nodes), "nobody"]) == expected
    assert words.english(world_snapshot, []) == {}


@pytest.mark.parametrize(
    ("count", "most", "more", "last"),
    [(3, 5, False, "2"), (7, 5, False, "and 2 more"), (7, 5, True, "and at least 2 more")],
)
def test_what_a_list_leaves_out_is_counted(count: int, most: int, more: bool, last: str) -> None:
    lines = list(portrait_text.cut(map(str, range(count)), most, more))
    assert lines[-1] == last
    assert lines[: min(count, most)] == [str(number) for number in range(min(count, most))]


def test_the_declarations_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("HAWSER_SHARED", str(tmp_path))
    assert declarations(None) == [SAMPLE]
    folder = tmp_path / "data" / "declarations"
    folder.mkdir(parents=True)
    (folder / "korea_train.csv").write_text("", encoding="utf-8")
    assert declarations(None) == declarations(folder) == [folder / "korea_train.csv"]
    with pytest.raises(HawserError):
        declarations(tmp_path / "missing.csv")
