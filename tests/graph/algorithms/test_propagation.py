"""Risk paths, owners and connections over a real snapshot, and what a clearance hides of them."""

from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from graph.algorithms.connections import connections
from graph.algorithms.ownership import owners
from graph.algorithms.policy import POLICY_FILE, load_policy
from graph.algorithms.propagation import risk_paths
from graph.errors import NotFound, OntologyError
from graph.snapshot import Snapshot, build
from graph.store.lake import Lake

DAY = date(2024, 6, 30)


def relation(source: str, target: str, type: str, **more: Any) -> dict[str, Any]:
    row = {"source_id": source, "target_id": target, "type": type, "valid_from": date(2020, 1, 1)}
    return {**row, **more}


TABLES: dict[str, list[dict[str, Any]]] = {
    "enterprises": [
        {"enterprise_id": name, "name": f"Firm {name}", "country": "CN"} for name in "abcdx"
    ],
    "persons": [{"person_id": "p", "name": "Person p", "marking": "RESTRICTED"}],
    "relations": [
        relation("b", "a", "SHAREHOLDER", share=0.6),
        relation("c", "b", "SHAREHOLDER", share=0.5, valid_to=date(2023, 1, 1)),
        relation("p", "d", "LEGAL_REPRESENTATIVE", marking="RESTRICTED"),
        relation("p", "a", "LEGAL_REPRESENTATIVE", marking="RESTRICTED"),
        relation("x", "a", "SHAREHOLDER", share=0.3),
        relation("a", "x", "SHAREHOLDER", share=0.2),
    ],
    "credit_events": [
        {"event_id": "e1", "enterprise_id": "b", "type": "penalty", "severity": "serious",
         "occurred_on": date(2022, 7, 1), "recorded_at": date(2022, 7, 2)},
        {"event_id": "e2", "enterprise_id": "c", "type": "penalty", "severity": "general",
         "occurred_on": DAY, "recorded_at": DAY},
        {"event_id": "e3", "enterprise_id": "d", "type": "penalty", "severity": "serious",
         "occurred_on": DAY, "recorded_at": DAY},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def snapshot(folder: Path, write_lake: Callable[..., Lake]) -> Snapshot:
    return built(folder, write_lake)


@cache
def built(folder: Path, write_lake: Callable[..., Lake]) -> Snapshot:
    """The snapshot, built once for all tests."""
    lake = write_lake(folder, TABLES)
    return build(lake, lake.settings, as_of=DAY, known_at=DAY)


def test_contributions_follow_the_formula(snapshot: Snapshot) -> None:
    answer = risk_paths(snapshot, "a").as_dict()
    decay = 2 ** (-730 / 730)
    from_d = 0.9 * (0.7 * 0.9) * (0.8 * 0.9)
    from_b = 0.9 * decay * (0.8 * 0.6 * 0.9)
    from_c = 0.4 * (0.8 * 0.5 * 0.5 * 0.9) * (0.8 * 0.6 * 0.9)
    assert [p["source"] for p in answer["paths"]] == ["d", "b", "c"]
    best = [p["contribution"] for p in answer["paths"]]
    assert best == pytest.approx([from_d, from_b, from_c])
    assert answer["influence"] == pytest.approx(1 - (1 - from_d) * (1 - from_b) * (1 - from_c))
    assert answer["remainder"] == {"contribution": 0.0, "count": 0}
    assert (answer["target"], answer["snapshot"], answer["partial"]) == ("a", snapshot.id, False)


def test_hops_are_named_in_the_direction_walked(snapshot: Snapshot) -> None:
    first, _, third = risk_paths(snapshot, "a").as_dict()["paths"]
    kinds = [(hop["from"], hop["kind"], hop["to"]) for hop in first["hops"]]
    assert kinds == [("d", "LEGALLY_REPRESENTED_BY", "p"), ("p", "LEGALLY_REPRESENTS", "a")]
    assert first["reason"] == "serious penalty"
    assert first["cause"] == "e3"
    ended = third["hops"][0]
    assert (ended["valid_from"], ended["valid_to"]) == ("2020-01-01", "2023-01-01")
    assert len(ended["evidence"]) == 16


def test_the_remainder_and_the_shown_give_the_influence(snapshot: Snapshot) -> None:
    whole, short = risk_paths(snapshot, "a"), risk_paths(snapshot, "a", limit=1)
    assert short.influence == whole.influence
    assert short.remainder_count == 2
    shown = short.paths[0].contribution or 0.0
    assert 1 - (1 - shown) * (1 - short.remainder_contribution) == pytest.approx(whole.influence)


def test_own_penalties_are_not_influence(snapshot: Snapshot) -> None:
    assert all(path.source != "b" for path in risk_paths(snapshot, "b").paths)


def test_what_may_not_be_seen_is_blanked_and_counted(snapshot: Snapshot) -> None:
    answer = risk_paths(snapshot, "a", clearance="INTERNAL").as_dict()
    seen, (hidden,) = answer["paths"][:2], answer["paths"][2:]
    assert [path["source"] for path in seen] == ["b", "c"]
    assert hidden["contribution"] is None
    assert [(hop["from"], hop["kind"], hop["to"]) for hop in hidden["hops"]] == [
        (None, "REDACTED", None),
        (None, "REDACTED", "a"),
    ]
    assert all(hop["evidence"] is None for hop in hidden["hops"])
    assert answer["redacted"] == {"nodes": 0, "edges": 2, "paths": 1, "properties": 0}
    product = 1.0
    for path in seen:
        product *= 1 - path["contribution"]
    assert answer["influence"] == pytest.approx(1 - product)
    assert "Person p" not in str(answer)


@pytest.mark.parametrize("share", [0.35, 0.75, 0.95])
def test_nothing_about_hidden_paths_depends_on_the_limit(
    share: float, tmp_path: Path, write_lake: Callable[..., Lake]
) -> None:
    def owns(source: str, target: str, part: float, marking: str = "PUBLIC") -> dict[str, Any]:
        row = {"source_id": source, "target_id": target, "type": "SHAREHOLDER", "share": part}
        return {**row, "valid_from": date(2020, 1, 1), "marking": marking}

    open_ones = [f"v{number}" for number in range(9)]
    hidden_ones = [f"h{number}" for number in range(8)]
    firms = ["t", "m", *open_ones, *hidden_ones]
    penalty = {"type": "penalty", "severity": "serious", "occurred_on": DAY, "recorded_at": DAY}
    with write_lake(tmp_path, {
        "enterprises": [{"enterprise_id": n, "name": f"Firm {n}", "country": "CN",
                         "marking": "PUBLIC"} for n in firms],
        "relations": [
            *(owns(n, "t", 0.1 * (i + 1)) for i, n in enumerate(open_ones)),
            *(owns(n, "t", share, "SECRET") for n in hidden_ones),
            owns("v0", "m", 0.9), owns("m", "t", share, "SECRET"),
        ],
        "credit_events": [{"event_id": f"e{n}", "enterprise_id": n, "marking": "PUBLIC", **penalty}
                          for n in [*open_ones, *hidden_ones]],
    }) as lake:  # fmt: skip
        snapshot = build(lake, lake.settings, as_of=DAY, known_at=DAY)
    whole = risk_paths(snapshot, "t", limit=50, clearance="PUBLIC").as_dict()
    hidden = [path for path in whole["paths"] if path["contribution"] is None]
    assert (len(hidden), whole["redacted"]["paths"], whole["redacted"]["edges"]) == (5, 9, 9)
    assert not any(name in str(hidden) for name in hidden_ones)
    for limit in range(1, 12):
        answer = risk_paths(snapshot, "t", limit=limit, clearance="PUBLIC").as_dict()
        assert answer["redacted"] == whole["redacted"]
        seen = answer["paths"][: min(limit, 9)]
        assert [path["source"] for path in seen] == [f"v{8 - n}" for n in range(len(seen))]
        assert answer["paths"][len(seen) :] == hidden
    everything = risk_paths(snapshot, "t", limit=50)
    assert (len(everything.paths), everything.redacted["paths"]) == (17, 0), "v0 counts once"
    steps = [[(hop["from"], hop["kind"], hop["to"]) for hop in path["hops"]] for path in hidden]
    assert steps[0] == [("v0", "OWNS", "m"), ("m", "REDACTED", "t")]
    assert steps[1:] == [[(None, "REDACTED", "t")]] * 4


def test_unknown_and_hidden_targets_are_not_found(snapshot: Snapshot) -> None:
    for target, clearance in (("nobody", "SECRET"), ("a", "PUBLIC")):
        with pytest.raises(NotFound, match=f"no Enterprise '{target}' in snapshot"):
            risk_paths(snapshot, target, clearance=clearance)


def test_owners_with_a_circle_and_chains(snapshot: Snapshot) -> None:
    answer = owners(snapshot, "a").as_dict()
    assert answer["circular"]
    by_id = {owner["id"]: owner for owner in answer["owners"]}
    # a holds 20 % of x, which holds 30 % of a: what b holds of a is worth 0.6 / (1 - 0.06)
    assert by_id["b"]["share"] == pytest.approx(0.6 / 0.94)
    assert by_id["x"]["share"] == pytest.approx(0.3)
    assert by_id["b"]["controls"]
    assert by_id["b"]["ultimate"]
    assert not by_id["x"]["ultimate"]
    assert by_id["b"]["chains"][0]["share"] == pytest.approx(0.6)
    assert "c" not in by_id


def test_ultimate_owners_have_nobody_above_them(
    tmp_path: Path, write_lake: Callable[..., Lake]
) -> None:
    tables = {
        "enterprises": [
            {"enterprise_id": name, "name": f"Firm {name}", "country": "CN"} for name in "abcdu"
        ],
        "persons": [{"person_id": "q", "name": "Person q", "marking": "SECRET"}],
        "relations": [
            relation("b", "a", "SHAREHOLDER", share=0.2),
            relation("b", "b", "SHAREHOLDER", share=0.1),
            relation("c", "a", "SHAREHOLDER", share=0.2),
            relation("u", "c", "SHAREHOLDER"),
            relation("d", "a", "SHAREHOLDER", share=0.2),
            relation("q", "d", "SHAREHOLDER", share=0.5),
            relation("q", "a", "SHAREHOLDER", share=0.1),
        ],
    }
    lake = write_lake(tmp_path, tables)
    snapshot = build(lake, lake.settings, as_of=DAY, known_at=DAY)
    found = {owner.id: owner.ultimate for owner in owners(snapshot, "a").owners}
    # b holds its own shares; u holds an unknown share of c.
    assert found == {"b": True, "c": False, "d": False, "q": True}
    low = owners(snapshot, "a", clearance="INTERNAL")
    assert {owner.id: owner.ultimate for owner in low.owners} == {"b": True, "c": False, "d": None}
    # Of what q holds nobody below its marking is told: it counts as held by nobody known.
    assert (owners(snapshot, "a").unaccounted, low.unaccounted) == (0.3, 0.4)
    assert low.redacted["nodes"] == 1
    assert "q" not in str(low.as_dict()["owners"])


def test_a_hidden_correction_makes_a_share_unknown(
    tmp_path: Path, write_lake: Callable[..., Lake]
) -> None:
    low, high = {"marking": "INTERNAL"}, {"marking": "SECRET", "recorded_at": date(2023, 5, 1)}
    firms = [{"enterprise_id": name, "country": "CN"} for name in "ab"]
    held = [relation("b", "a", "SHAREHOLDER", share=0.1, **low)]
    held += [relation("b", "a", "SHAREHOLDER", share=0.6, **high)]
    lake = write_lake(tmp_path, {"enterprises": firms, "relations": held})
    snapshot = build(lake, lake.settings, as_of=DAY, known_at=DAY)
    assert [owner.share for owner in owners(snapshot, "a").owners] == pytest.approx([0.6])
    answer = owners(snapshot, "a", clearance="INTERNAL")
    assert (answer.owners, answer.unknown_shares) == ((), 1)
    assert answer.redacted == {"nodes": 0, "edges": 0, "paths": 0, "properties": 1}
    ends = (("Enterprise", "b"), ("Enterprise", "a"))
    [(_, [hop])] = connections(snapshot, *ends, clearance="INTERNAL").paths
    assert (hop.kind, hop.valid_from, hop.evidence, hop.redacted) == ("OWNS", None, None, 2)


def test_connections_join_two_parties(snapshot: Snapshot) -> None:
    answer = connections(snapshot, ("Enterprise", "d"), ("Enterprise", "a")).as_dict()
    assert [hop["to"] for hop in answer["paths"][0]["hops"]] == ["p", "a"]
    low = connections(snapshot, ("Enterprise", "d"), ("Enterprise", "a"), clearance="INTERNAL")
    assert not low.paths


def test_a_policy_with_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.yml"
    path.write_text(POLICY_FILE.read_text("utf-8").replace("kind: OWNS", "kind: OWNZ"), "utf-8")
    with pytest.raises(OntologyError, match=r"policy.yml: no edge kind OWNZ"):
        load_policy(path)
    assert load_policy().id.startswith("propagation-v1@")


@pytest.mark.parametrize(
    ("part", "old"),
    [
        ("responsible", "responsible: [IMPORTED, EXPORTED]"),
        (
            "found",
            """  - {kind: IMPORTED, forward: 0.0, backward: 0.3}
  - {kind: EXPORTED, forward: 0.0, backward: 0.3}
""",
        ),
    ],
)
def test_a_policy_without_roles_is_refused(tmp_path: Path, part: str, old: str) -> None:
    path, text = tmp_path / "policy.yml", POLICY_FILE.read_text("utf-8")
    assert old in text
    for new in ("responsible: []", "responsible:") if part == "responsible" else ("",):
        path.write_text(text.replace(old, new), "utf-8")
        load_policy.cache_clear()
        with pytest.raises(OntologyError, match=f"policy.yml: `{part}` must name roles"):
            load_policy(path)
