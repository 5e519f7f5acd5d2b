"""Answers in words: names, ties, dates and documents of paths, portraits cut to what tells."""

from typing import Any

import pytest
from rich.cells import cell_len

from commands import comparison, output, portrait_text, words
from commands.demo import SAMPLE, declarations
from graph.errors import HawserError
from graph.snapshot import Snapshot


def hop(**more: Any) -> dict[str, Any]:
    return {
        "from": "E1", "to": "E2", "from_name": "甲公司", "to_name": "乙公司", "kind": "CONTROLS",
        "valid_from": "2020-01-01", "valid_to": None, "evidence": "02328525c81c213d",
        "document": {"file": "relations.csv", "row": 1200, "source": "tables"}, **more,
    }  # fmt: skip


CAUSES: dict[str, Any] = {
    "causes": [
        {"id": "C1", "en": "serious penalty: smuggling", "zh": "严重处罚：走私",
         "day": "2021-05-06", "evidence": "1111111111111111",
         "document": {"file": "events.csv", "row": 7, "source": "tables"},
         "named": True, "ties": [{"kind": "LISTED_AS", "to": "L1", "evidence": "2222222222222222"}]},
    ],
    "cause_count": 4,
    "hidden_causes": 2,
}  # fmt: skip


def test_a_path_tells_names_ties_dates_and_documents() -> None:
    path = {"contribution": 0.25, **CAUSES, "hops": [hop()]}
    said = "\n".join(words.path_lines(path, {"E1": "Jia Ltd"}))
    for part in ("甲公司", "Jia Ltd", "(E1)", "controls 控制", "since 2020-01-01",
                 "relations.csv row 1,200 of tables", "record 02328525c81c213d", "严重处罚：走私", "serious penalty: smuggling", "2021-05-06 (C1)",
                 "events.csv row 7 of tables, record 1111111111111111",
                 "listed as 被列入 L1 [record 2222222222222222]", "and 3 more causes",
                 "and 2 that your clearance hides"):  # fmt: skip
        assert part in said


def test_a_hidden_end_is_said_to_be_hidden() -> None:
    path = {"contribution": None, "hops": [hop(**{"from": None, "from_name": None})]}
    said = "\n".join(words.path_lines(path))
    assert "clearance" in said and "None" not in said


def test_owners_are_told_with_every_chain(capsys: pytest.CaptureFixture[str]) -> None:
    owner = {"id": "P", "name": "张三", "share": 0.0, "direct": None, "controls": True,
             "ultimate": True, "en": "controls (no shares recorded)", "zh": "控制（无持股记录）",
             "chains": [{"share": None, "control": True, "hops": [hop()]},
                        {"share": 0.06, "control": False, "hops": [hop(), hop()]}],
             "chains_left_out": 4}  # fmt: skip
    found = {"target": "E2", "as_of": "2024-06-30", "owners": [owner], "count": 1,
             "circular": False, "unknown_shares": 0, "unaccounted": 0.35, "partial": False,
             "snapshot": "s",
             "redacted": {"nodes": 1, "properties": 2}}  # fmt: skip
    words.show_owners(found)
    said = capsys.readouterr().out
    for part in ("张三 (P): controls (no shares recorded) 控制（无持股记录）, ultimate 最终",
                 "controls 控制 乙公司 (E2), since 2020-01-01 [relations.csv row 1,200 of tables",
                 "together 合计 6.0%", "and 4 more chains",
                 "No stated holding covers 35.0% of it. 其余35.0%股权无申报持有人。",
                 "3 parts are above the clearance"):  # fmt: skip
        assert part in said
    assert "0.0%" not in said and said.count("•") == 2
    assert next(portrait_text._owners(found, 3)) == (
        "owner 股东 张三 (P): controls (no shares recorded) 控制（无持股记录）, ultimate 最终"
    )


@pytest.mark.parametrize(
    ("unknown", "told"),
    [(1, "1 holding has no stated share and was not"), (2, "2 holdings have no stated share and")],
)
def test_holdings_of_unknown_size_are_counted(
    capsys: pytest.CaptureFixture[str], unknown: int, told: str
) -> None:
    found = {"target": "E2", "as_of": "2024-06-30", "owners": [], "count": 0, "circular": False,
             "unknown_shares": unknown, "unaccounted": 1.0, "partial": False, "snapshot": "s",
             "redacted": {}}  # fmt: skip
    words.show_owners(found)
    said = capsys.readouterr().out
    assert told in said and f"有{unknown}项持股未申报比例" in said


def test_a_portrait_shows_the_credit_class_as_the_source_gave_it() -> None:
    (line,) = [line for line in portrait_text._registration({"credit_class": "aeo"}) if line]
    assert line == "credit class as published by the source 来源所载信用等级: aeo 高级认证"
    (other,) = [line for line in portrait_text._registration({"credit_class": "odd"}) if line]
    assert other.endswith(": odd")


def test_a_portrait_tells_the_causes_of_a_path() -> None:
    path = {"source": "E1", "source_name": "甲公司", **CAUSES}
    assert portrait_text._source(path) == (
        "甲公司 (E1): serious penalty: smuggling 严重处罚：走私 and 5 more causes"
    )


def test_brackets_in_a_name_are_no_note() -> None:
    """What is said of findings against nobody is for those who ask for the paths."""
    cause = {**CAUSES["causes"][0], "en": "list entry: SDN, ACME (HONG KONG) LIMITED",
             "zh": "列入名单：SDN，甲（香港）有限公司"}  # fmt: skip
    path = {"source": "E1", "source_name": None, "causes": [cause], "cause_count": 1,
            "hidden_causes": 0}  # fmt: skip
    whole = "list entry: SDN, ACME (HONG KONG) LIMITED 列入名单：SDN，甲（香港）有限公司"
    assert portrait_text._source(path) == f"E1: {whole}"
    unnamed = {**path, "causes": [{**cause, "named": False}]}
    assert portrait_text._source(unnamed) == f"E1: {whole}"
    first = next(words.cause_lines(unnamed))
    assert "names no known enterprise" in first and "未指明已知企业" in first
    assert "names no known enterprise" not in next(words.cause_lines(path))


def test_every_reason_of_the_enterprise_model_is_told() -> None:
    enterprises = pytest.importorskip("gnn.enterprises")
    assert set(portrait_text.PANEL) == set(enterprises.PANEL)


def test_english_names_are_of_those_that_have_one(world_snapshot: Snapshot) -> None:
    nodes = world_snapshot.nodes("Enterprise").select(["id", "name_en"]).to_pylist()
    expected = {row["id"]: row["name_en"] for row in nodes if row["name_en"]}
    assert (
        words.english(world_snapshot, [*(row["id"] for row in nodes), "nobody"], "SECRET")
        == expected
    )
    assert words.english(world_snapshot, [], "SECRET") == {}


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


def event(day: str) -> dict[str, Any]:
    return {"type": "penalty", "occurred_on": day, "evidence": {"record": f"e{day}"}}


def finding(day: str, outcome: str) -> dict[str, Any]:
    return {"id": day, "inspected_on": day, "outcome": outcome, "evidence": {"record": f"f{day}"}}


def test_credit_is_told_by_date_and_what_fits_is_what_matters() -> None:
    rows = [finding("2024-01-03", "compliant"), finding("2024-01-01", "violation")]
    none: dict[str, Any] = {"rows": [], "next": None}
    section = {
        "list_entries": none, "events": {"rows": [event("2024-01-02")], "next": None},
        "findings": {"rows": rows, "next": None}, "findings_against": none,
    }  # fmt: skip
    days = [line[:10] for line in portrait_text._credit(section, 5)]
    assert days == ["2024-01-03", "2024-01-02", "2024-01-01"]
    few = list(portrait_text._credit(section, 2))
    assert [line[:10] for line in few] == ["2024-01-02", "2024-01-01", "and 1 more"]


def test_a_violation_of_another_is_told_as_such() -> None:
    row = {**finding("2024-01-01", "violation"), "role": "DECLARED", "against": "E2"}
    told = portrait_text._finding(row, "E1")
    assert "found against E2 针对E2, as declarant 作为报关单位" in told
    for other in (
        {**row, "against": "E1"},
        {**row, "against": None},
        {**row, "outcome": "compliant"},
    ):
        assert "against" not in portrait_text._finding(other, "E1")


NONE: dict[str, Any] = {"rows": [], "next": None}


def portrait(day: str, *events: dict[str, Any], since: str | None = None) -> dict[str, Any]:
    """A portrait from a graph of 2026-03-12 that has nothing but events."""
    lists = dict.fromkeys(("findings", "findings_against", "list_entries"), NONE)
    return {
        "enterprise": {"id": "E1", "name": "甲公司", "name_en": None, "country": "CN"},
        "registration": {"as_of": None, "evidence": {"valid_from": since}}, "grade": None, "risk": {"influence": None},
        "credit": {**lists, "events": {"rows": list(events), "next": None}},
        "related": {"parties": NONE, "shared": NONE, "owners": None},
        "clearance": {**NONE, "shipments": NONE}, "commodities": NONE, "prices": NONE,
        "as_of": day, "snapshot": "s", "snapshot_as_of": "2026-03-12",
    }  # fmt: skip


def test_an_earlier_day_is_not_said_to_be_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    portrait_text.show_portrait(portrait("2023-08-01", event("2023-07-01"), since="2023-08-27"))
    said = capsys.readouterr().out
    parts = {part.split("\n")[0].split()[0]: " ".join(part.split()) for part in said.split("\n\n")}
    held = "which holds what was in force on"
    assert held in parts["Registration"] and "（自2023-08-27起）" in parts["Registration"]
    assert "(registered since 2023-08-27)" in parts["Registration"]
    assert "`hawser load --as-of 2023-08-01`" in parts["Registration"]
    for section, command in (("Risk", "paths"), ("Related", "owners")):
        assert f"`hawser {command} E1 --snapshot`" in parts[section]
        assert f"{held} 2026-03-12" in parts[section] and "只含2026-03-12有效" in parts[section]
        assert "`hawser snapshot --as-of 2023-08-01`" in parts[section]
    assert "no grade had been given by 2023-08-01 截至2023-08-01尚未评级" in said
    assert "The graph is of 2026-03-12: of what ended" in said and "图谱截至2026-03-12" in said
    for section in ("Registration", "Risk"):
        assert "none known" not in parts[section]


@pytest.mark.parametrize(
    ("day", "english", "chinese"),
    [
        ("2026-03-13", "of the days from then to 2026-03-13 it knows nothing", "不含其后"),
        ("1999-01-01", "is of 1999-01-01 or before", "没有它在1999-01-01及以前的记录"),
        ("2026-03-12", "none known", "无记录"),
    ],
)
def test_a_day_without_data_is_told_in_a_line(
    capsys: pytest.CaptureFixture[str], day: str, english: str, chinese: str
) -> None:
    portrait_text.show_portrait(portrait(day))
    said = " ".join(capsys.readouterr().out.split())
    assert english in said and chinese in said
    assert ("The graph is of" in said) == (day > "2026-03-12")


@pytest.mark.parametrize(
    ("count", "next", "tail"),
    [
        (3, None, "Firm 2 (F2)"),
        (28, None, "Firm 2 (F2) and 25 more 另有25家"),
        (28, "cursor", "Firm 2 (F2) and at least 25 more 另有至少25家"),
        (3, "cursor", "Firm 2 (F2) and maybe more 可能另有其他"),
    ],
)
def test_who_shares_a_contact_is_counted(count: int, next: str | None, tail: str) -> None:
    via = {"kind": "Contact", "id": "c", "text": "a@b.example"}
    rows = [{"via": via, "party": {"id": f"F{n}", "name": f"Firm {n}"}} for n in range(count)]
    [line] = portrait_text._shared({"rows": rows, "next": next}, 3)
    assert line.startswith("same contact 同一联系方式 a@b.example: Firm 0 (F0); Firm 1 (F1); ")
    assert line.endswith(tail)


def test_that_an_event_has_ended_is_told() -> None:
    none: dict[str, Any] = {"rows": [], "next": None}
    over = {**event("2023-01-02"), "ended_on": "2025-10-13"}
    section = {
        "list_entries": none, "events": {"rows": [over, event("2024-01-02")], "next": None},
        "findings": none, "findings_against": none,
    }  # fmt: skip
    still, past = portrait_text._credit(section, 5, "2025-10-13")
    assert "penalty, ended 2025-10-13 已于2025-10-13结束, record" in past and "end" not in still
    _, before = portrait_text._credit(section, 5, "2025-10-12")
    assert "penalty, to end 2025-10-13 将于2025-10-13结束, record" in before
    cause = {**CAUSES["causes"][0], "ended_on": "2025-10-13"}
    path = {**CAUSES, "source": "E1", "source_name": None, "causes": [cause]}
    assert "2021-05-06, ended 2025-10-13 已于2025-10-13结束 (C1)" in next(words.cause_lines(path))
    assert "严重处罚：走私 (ended 2025-10-13 已于2025-10-13结束)" in portrait_text._source(path)


def test_a_portrait_names_each_party_that_risk_comes_from() -> None:
    cause = {"en": "serious penalty", "zh": "严重处罚"}
    told = {"source": "E9", "source_name": "Nine", "causes": [cause], "cause_count": 2,
            "hidden_causes": 0, "contribution": 0.3}  # fmt: skip
    hidden = {**told, "source": None, "source_name": None, "contribution": None, "causes": []}
    row = {"influence": 0.5, "paths": [told, hidden], "remainder": {"count": 3}, "note": "n"}
    said = list(portrait_text._risk(row))
    assert said[0].endswith("0.500, from 4 parties")
    assert said[1:] == ["  0.300 from Nine (E9): serious penalty 严重处罚 and 1 more cause", "n"]


@pytest.mark.parametrize("text", ["word " * 60, "  • " + "词" * 120, "short", "\nafter a space"])
def test_what_is_said_fits_the_page(capsys: pytest.CaptureFixture[str], text: str) -> None:
    words.say(text)
    lines = capsys.readouterr().out.splitlines()
    assert lines and max(map(cell_len, lines)) <= output.WIDTH
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_what_says_nothing_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    output.show({"rows": 0, "redacted": 0, "dangling": {}, "withheld": [], "issues": ["look"]})
    said = capsys.readouterr().out
    assert "rows" in said and "look" in said
    assert not [word for word in ("redacted", "dangling", "withheld") if word in said]


def test_the_demo_says_which_model_serves_and_why() -> None:
    rows = [{"model": name, "validation": value} for name, value in
            (("both", 0.3), ("graph network", 0.2), ("history rule", 0.9))]  # fmt: skip
    said = comparison._why({"rows": rows, "champion": "both"})
    assert "both" in said and "0.300, before graph network with 0.200" in said


def test_ties_are_told_in_both_directions() -> None:
    assert words.tie("TRADES_WITH") == "sells to 供货给"
    assert words.tie("TRADES_FROM") == "buys from 供货商为"
    assert words.tie("OWNS").startswith("owns ")
    assert words.tie("REDACTED") == "REDACTED"
