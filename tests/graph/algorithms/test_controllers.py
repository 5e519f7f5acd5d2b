"""Controllers without shares, and every chain that leads from an owner to the enterprise."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from graph.algorithms.ownership import owners
from graph.snapshot import Snapshot, build
from graph.store.lake import Lake

DAY = date(2024, 6, 30)


def relation(source: str, target: str, type: str, **more: Any) -> dict[str, Any]:
    row = {"source_id": source, "target_id": target, "type": type, "valid_from": date(2020, 1, 1)}
    return {**row, **more}


def holding(source: str, target: str, share: float | None, **more: Any) -> dict[str, Any]:
    return relation(source, target, "SHAREHOLDER", share=share, **more)


MIDDLE = [f"m{number:02}" for number in range(12)]

#: y and z together hold more than all of t, x holds y; v controls t2 and has a little of w, which
#: controls it too; k controls j1 and j2, which hold a majority of t3 only together.
OTHERS = ["t", "y", "z", "x", "t2", "v", "w", "t3", "k", "j1", "j2"]

#: p controls a without shares, q controls b which owns most of a, r owns a through twelve firms,
#: s owns and controls it, g's control states a share; of h's holding nobody says how large it is.
TABLES: dict[str, list[dict[str, Any]]] = {
    "enterprises": [
        {"enterprise_id": name, "name": f"Firm {name}", "country": "CN"}
        for name in ("a", "b", "r", "s", "g", "h", *MIDDLE, *OTHERS)
    ],
    "persons": [{"person_id": name, "name": f"Person {name}"} for name in "pq"],
    "relations": [
        relation("p", "a", "CONTROLLER"),
        relation("q", "b", "CONTROLLER"),
        holding("b", "a", 0.51),
        relation("s", "a", "CONTROLLER"),
        holding("s", "a", 0.1),
        relation("g", "a", "CONTROLLER", share=0.67),
        relation("h", "a", "CONTROLLER"),
        holding("h", "a", None),
        holding("y", "t", 0.8),
        holding("z", "t", 0.7),
        holding("x", "y", 1.0),
        relation("v", "t2", "CONTROLLER"),
        holding("v", "w", 0.05),
        relation("w", "t2", "CONTROLLER"),
        relation("k", "j1", "CONTROLLER"),
        relation("k", "j2", "CONTROLLER"),
        holding("j1", "t3", 0.3),
        holding("j2", "t3", 0.3),
        *(holding("r", name, 0.5) for name in MIDDLE),
        *(holding(name, "a", 0.02) for name in MIDDLE),
    ],
}


@pytest.fixture(scope="module")
def snapshot(write_lake: Callable[..., Lake], tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    lake = write_lake(tmp_path_factory.mktemp("owners"), TABLES)
    return build(lake, lake.settings, as_of=DAY, known_at=DAY)


@pytest.fixture(scope="module")
def told(snapshot: Snapshot) -> dict[str, dict[str, Any]]:
    answer = owners(snapshot, "a", limit=50).as_dict()
    return {owner["id"]: owner for owner in answer["owners"]}


def test_a_controller_without_shares_is_told_so_with_its_evidence(told: Any) -> None:
    assert (told["p"]["share"], told["p"]["controls"], told["p"]["direct"]) == (0.0, True, None)
    assert told["p"]["en"] == "controls (no shares recorded)"
    assert told["p"]["zh"] == "控制（无持股记录）"
    [chain] = told["p"]["chains"]
    assert (chain["share"], chain["control"]) == (None, True)
    [hop] = chain["hops"]
    assert (hop["from"], hop["kind"], hop["to"]) == ("p", "CONTROLS", "a")
    assert (hop["valid_from"], len(hop["evidence"])) == ("2020-01-01", 16)


def test_control_through_a_majority_is_a_chain(told: Any) -> None:
    assert told["q"]["en"] == "controls (no shares recorded)"
    [chain] = told["q"]["chains"]
    assert [(hop["kind"], hop["to"]) for hop in chain["hops"]] == [("CONTROLS", "b"), ("OWNS", "a")]
    assert told["b"]["en"] == "holds 51.0 % directly, controls"
    assert told["b"]["zh"] == "直接持股51.0%，控制"
    assert [chain["control"] for chain in told["b"]["chains"]] == [False]


def test_an_owner_that_also_controls_has_both_documents(told: Any) -> None:
    kinds = [[hop["kind"] for hop in chain["hops"]] for chain in told["s"]["chains"]]
    assert kinds == [["OWNS"], ["CONTROLS"]]
    assert [chain["share"] for chain in told["s"]["chains"]] == [pytest.approx(0.1), None]


def test_what_is_recorded_of_a_share_is_not_denied(told: Any) -> None:
    assert told["g"]["en"] == "controls (the record of control states a share of 67.0 %)"
    assert told["g"]["zh"] == "控制（控制关系载明份额67.0%）"
    assert told["h"]["en"] == "controls (size of its holding not known)"
    assert told["h"]["zh"] == "控制（持股比例不详）"


def test_every_chain_is_shown_or_counted(snapshot: Snapshot, told: Any) -> None:
    assert told["r"]["en"] == "holds 12.0 % through others"
    assert told["r"]["zh"] == "通过他人间接持股12.0%"
    assert (len(told["r"]["chains"]), told["r"]["chains_left_out"]) == (10, 2)
    every = {owner.id: owner for owner in owners(snapshot, "a", limit=50, chains=20).owners}
    assert (len(every["r"].chains), every["r"].chains_left_out) == (12, 0)
    assert [chain.share for chain in every["r"].chains] == pytest.approx([0.01] * 12)
    assert told["p"]["chains_left_out"] == 0


def test_shares_of_more_than_all_are_said_to_be(snapshot: Snapshot) -> None:
    found = {owner.id: owner for owner in owners(snapshot, "t").owners}
    note, chinese = "(the recorded shares add up to 150.0 %)", "（登记份额合计150.0%）"
    assert found["y"].english == f"holds 53.3 %, recorded directly 80.0 % {note}, controls"
    assert found["y"].chinese == f"合计持股53.3%，登记直接持股80.0%{chinese}，控制"
    assert found["x"].english == f"holds 53.3 % through others {note}, controls"
    assert found["x"].chinese == f"通过他人间接持股53.3%{chinese}，控制"


def test_a_chain_of_control_carries_control(snapshot: Snapshot) -> None:
    def walked(target: str, owner: str) -> list[list[tuple[str, str | None]]]:
        [found] = [one for one in owners(snapshot, target).owners if one.id == owner]
        return [[(hop.kind, hop.target) for hop in chain.hops] for chain in found.chains]

    assert walked("t2", "v") == [[("CONTROLS", "t2")]]
    assert sorted(walked("t3", "k")) == [
        [("CONTROLS", "j1"), ("OWNS", "t3")],
        [("CONTROLS", "j2"), ("OWNS", "t3")],
    ]


def test_shares_are_told_as_they_were_stated(told: dict[str, dict[str, Any]]) -> None:
    """The answer has no trace of the part that is taken as held outside of a circle."""
    assert (told["b"]["share"], told["b"]["direct"]) == (0.51, 0.51)
    assert told["b"]["chains"][0]["share"] == 0.51
    assert told["r"]["share"] == 0.12 and told["s"]["share"] == 0.1
