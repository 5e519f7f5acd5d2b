"""Rows in quarantine: what takes their place, what leaves them alone, what is told of them again."""

import json
import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from graph.settings import Settings
from graph.store.lake import Lake
from ingest.context import IngestReport
from ingest.pipeline import ingest, retry_quarantine

#: Ingests the shipments given (lines) and enterprises (ids), each table a file.
Deliver = Callable[..., IngestReport]

SHIPMENTS = "shipment_id,declared_at,direction,customs_office,importer_id,exporter_id\n"
ENTERPRISES = "enterprise_id,name,country\n"
WRONG = "S1,2024-02-30,I,2201,E1,"
E1, E2, E8, E9 = (f"S1,2024-01-02,I,2201,{id}," for id in ("E1", "E2", "E8", "E9"))
DAYS = [date(2025, 1, day) for day in range(1, 6)]


@pytest.fixture
def home(settings: Settings) -> Settings:
    return Settings(home=settings.home, threads=1, memory_limit="1GB", quarantine_share=1.0)


@pytest.fixture
def deliver(home: Settings, tmp_path: Path) -> Deliver:
    def _deliver(
        *shipments: str,
        enterprises: tuple[str, ...] = ("E1", "E2"),
        recorded_at: date | None = None,
        **more: str,
    ) -> IngestReport:
        folder = tmp_path / f"delivery-{len(list(tmp_path.glob('delivery-*')))}"
        folder.mkdir()
        texts = {
            "shipments": SHIPMENTS + "".join(f"{line}\n" for line in shipments),
            "enterprises": ENTERPRISES + "".join(f"{id},Firm {id},CN\n" for id in enterprises),
            **more,
        }
        for table, text in texts.items():
            if text.count("\n") > 1:
                (folder / f"{table}.csv").write_text(text, encoding="utf-8")
        return ingest("tables", folder, home, recorded_at=recorded_at)

    return _deliver


def waiting(settings: Settings) -> list[tuple[str, str]]:
    """The code and value of every row in quarantine."""
    with Lake(settings) as lake:
        rows = lake.quarantine().to_pyarrow().to_pylist()
    assert len({row["id"] for row in rows}) == len(rows)
    return sorted((row["code"], str(row["value"])) for row in rows)


def importer(settings: Settings) -> Any:
    """Whom the statement in force names as S1's importer."""
    with Lake(settings) as lake:
        rows = lake.table("shipments").to_pyarrow().to_pylist()
    return rows[0]["importer_id"] if rows else None


def told(report: IngestReport) -> list[str]:
    """How many rows of each table were reported to have been told before."""
    line = "rows say what was corrected since"
    return [issue.split(" rows")[0] for issue in report.issues if line in issue]


CONTRADICTION = [("conflicting", "S1"), ("conflicting", "S1")]


def test_a_contradiction_that_was_settled_stays_so_and_is_told(
    home: Settings, deliver: Deliver
) -> None:
    assert deliver(E1, E2).quarantined == {"shipments": 2}
    assert deliver(E1).resolved == 2
    for _ in range(2):
        again = deliver(E1, E2)
        assert (again.unchanged, told(again)) == (True, ["shipments: 2"])
    assert (importer(home), waiting(home)) == ("E1", [])


def test_another_contradiction_of_the_same_rows_is_quarantined(
    home: Settings, deliver: Deliver
) -> None:
    deliver(E1, E2)
    deliver(E1)
    third = deliver(E1, E2, "S1,2024-01-02,I,2202,E1,")
    assert (third.quarantined, told(third)) == ({"shipments": 3}, [])
    assert waiting(home) == CONTRADICTION + CONTRADICTION[:1]
    assert deliver("S1,2024-01-02,I,2203,E1,").resolved == 3
    assert waiting(home) == []


def test_a_row_that_was_mended_stays_so_and_is_told(home: Settings, deliver: Deliver) -> None:
    assert deliver(WRONG).quarantined == {"shipments": 1}
    assert deliver(WRONG).unchanged
    assert deliver(E1).resolved == 1
    for _ in range(2):
        again = deliver(WRONG)
        assert (again.unchanged, told(again)) == (True, ["shipments: 1"])
    assert waiting(home) == []
    assert told(retry_quarantine(home)) == []


@pytest.mark.parametrize("rows", [(WRONG,), (E1, E2), (E9,)])
def test_what_was_settled_is_quarantined_again_when_a_later_day_is_given(
    home: Settings, deliver: Deliver, rows: tuple[str, ...]
) -> None:
    assert deliver(*rows, recorded_at=DAYS[0]).quarantined == {"shipments": len(rows)}
    mended = [f"S1,2024-01-02,I,220{number},E1," for number in (2, 3)]
    for number, day in ((0, DAYS[1]), (1, DAYS[3])):
        assert deliver(mended[number], recorded_at=day).resolved == len(rows)
        earlier = deliver(*rows, recorded_at=DAYS[0])
        assert (earlier.unchanged, told(earlier)) == (True, [f"shipments: {len(rows)}"])
        later = date(2025, 1, day.day + 1)
        again = deliver(*rows, recorded_at=later)
        assert (again.quarantined, told(again)) == ({"shipments": len(rows)}, [])
        assert deliver(*rows, recorded_at=later).unchanged
        assert len(waiting(home)) == len(rows)


def test_an_old_file_leaves_a_waiting_correction_alone(home: Settings, deliver: Deliver) -> None:
    deliver(E1)
    assert deliver(E9).quarantined == {"shipments": 1}
    again = deliver(E1)
    assert (again.unchanged, again.resolved, told(again)) == (True, 0, ["shipments: 1"])
    assert deliver(E9).unchanged
    assert waiting(home) == [("reference", "E9")]
    assert deliver(enterprises=("E9",)).accepted == {"enterprises": 1, "shipments": 1}
    assert (importer(home), waiting(home)) == ("E9", [])


def test_an_old_row_said_again_on_a_later_day_takes_the_place_of_one_that_waits(
    home: Settings, deliver: Deliver
) -> None:
    deliver(E1, recorded_at=DAYS[0])
    deliver(E9, recorded_at=DAYS[1])
    assert deliver(E1, recorded_at=DAYS[0]).unchanged
    again = deliver(E1, recorded_at=DAYS[2])
    assert (again.resolved, again.accepted) == (1, {})
    assert deliver(E1, recorded_at=DAYS[2]).unchanged
    deliver(enterprises=("E9",))
    assert (importer(home), waiting(home)) == ("E1", [])


@pytest.mark.parametrize("known", [("E8", "E9"), ("E9", "E8"), ("E8E9",)])
def test_of_two_rows_that_wait_the_one_delivered_last_stays(
    home: Settings, deliver: Deliver, known: tuple[str, ...]
) -> None:
    deliver(E9)
    assert deliver(E8).resolved == 1
    again = deliver(E9)
    assert (again.unchanged, told(again)) == (True, ["shipments: 1"])
    assert waiting(home) == [("reference", "E8")]
    for ids in known:
        deliver(E9, enterprises=("E8", "E9") if ids == "E8E9" else (ids,))
    assert (importer(home), waiting(home)) == ("E8", [])


def test_an_older_row_that_comes_in_by_itself_leaves_a_newer_one_in_quarantine(
    home: Settings, deliver: Deliver
) -> None:
    deliver(E9)
    deliver(WRONG)
    came = deliver(enterprises=("E9",))
    assert (came.accepted, came.resolved) == ({"enterprises": 1, "shipments": 1}, 1)
    assert (importer(home), waiting(home)) == ("E9", [("not_date", "2024-02-30")])


def test_a_newer_row_that_comes_in_by_itself_takes_the_place_of_an_older_one(
    home: Settings, deliver: Deliver
) -> None:
    deliver(WRONG)
    deliver(E9)
    assert len(waiting(home)) == 2
    assert deliver(enterprises=("E9",)).resolved == 2
    assert waiting(home) == []


@pytest.mark.parametrize("rows", [(E1, E9), (E9, E1)])
def test_a_delivery_that_contradicts_itself_is_refused_whole_where_a_row_waits(
    home: Settings, deliver: Deliver, rows: tuple[str, ...]
) -> None:
    deliver(E9)
    both = deliver(*rows)
    assert (both.accepted, both.quarantined) == ({}, {"shipments": 2})
    assert waiting(home) == [*CONTRADICTION, ("reference", "E9")]
    assert deliver(*rows).unchanged
    assert deliver(E9).unchanged
    deliver(enterprises=("E9",))
    assert (importer(home), waiting(home)) == ("E9", CONTRADICTION)


def test_a_contradiction_with_the_lake_is_quarantined_once(
    home: Settings, deliver: Deliver
) -> None:
    deliver(E1)
    assert deliver(E1, E2).quarantined == {"shipments": 2}
    for _ in range(2):
        again = deliver(E1, E2)
        assert (again.unchanged, again.issues) == (True, [])
    assert waiting(home) == CONTRADICTION
    assert retry_quarantine(home).unchanged, "reading it again settles no contradiction"
    assert (importer(home), waiting(home)) == ("E1", CONTRADICTION)
    assert told(deliver(E1)) == ["shipments: 1"]
    assert deliver(E1, recorded_at=date(2100, 1, 1)).resolved == 2
    assert (importer(home), waiting(home)) == ("E1", [])


def test_a_row_that_is_delivered_wrong_again_stays_beside_the_right_one(
    home: Settings, deliver: Deliver
) -> None:
    """Whether what it stands beside is new or not."""
    for office in ("2201", "2202"):
        deliver(f"S1,2024-01-02,I,{office},E1,", WRONG)
        assert waiting(home) == [("not_date", "2024-02-30")]
    again = deliver("S1,2024-01-02,I,2202,E1,", WRONG)
    assert (again.unchanged, again.issues) == (True, [])


def test_a_waiting_row_says_what_it_waits_for_now(home: Settings, deliver: Deliver) -> None:
    row = "S1,2024-01-02,I,2201,E9,E8"
    assert deliver(row).quarantined == {"shipments": 1}
    assert waiting(home) == [("reference", "E9")]
    deliver(enterprises=("E9",))
    assert waiting(home) == [("reference", "E8")]
    assert deliver(row).unchanged
    assert deliver(enterprises=("E8",)).accepted == {"enterprises": 1, "shipments": 1}
    assert waiting(home) == []


def test_a_row_that_contradicts_the_lake_can_wait_from_another_day_on(
    home: Settings, deliver: Deliver
) -> None:
    deliver(E1)
    deliver(E2)  # a correction that is known from today on, as the next one would be
    assert deliver(E9).quarantined == {"shipments": 1}
    assert waiting(home) == CONTRADICTION[:1]
    later = deliver(E9, recorded_at=date.today() + timedelta(days=1))
    assert (later.quarantined, later.resolved) == ({"shipments": 1}, 1)
    assert waiting(home) == [("reference", "E9")]
    deliver(enterprises=("E9",))
    assert (importer(home), waiting(home)) == ("E9", [])


def test_rows_that_were_quarantined_without_a_content_are_known(
    home: Settings, deliver: Deliver
) -> None:
    rows = (WRONG, "S2,2024-01-02,I,2201,E9,")
    deliver(*rows)
    for file in (home.lake_folder / "batches").glob("*/quarantine.parquet"):
        pq.write_table(pq.read_table(file).drop_columns("content"), file)
    assert deliver(*rows).unchanged
    assert deliver(E1, "S2,2024-01-02,I,2201,E2,").resolved == 2
    again = deliver(*rows)
    assert (again.unchanged, told(again)) == (True, ["shipments: 2"])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_was_delivered_before_changes_nothing_and_is_lost_nowhere(
    home: Settings, deliver: Deliver, seed: int
) -> None:
    order = random.Random(seed)
    before: list[dict[str, Any]] = []
    for ids in order.sample([(), (), (), ("E8",), ("E9",)], 5):
        lines = [] if ids else order.sample([E1, E2, E8, E9, WRONG], order.choice([1, 1, 2, 3]))
        before.append({"shipments": lines, "enterprises": ids or ("E1", "E2")})
        report = deliver(*lines, enterprises=before[-1]["enterprises"])
        with Lake(home) as lake:
            columns = ("declared_at", "importer_id")
            accepted = lake.statements("shipments").select(*columns).to_pyarrow().to_pylist()
            refused = [json.loads(raw) for raw in lake.quarantine().raw.to_pyarrow().to_pylist()]
        there = [",".join(str(row[name]) for name in columns) for row in accepted + refused]
        lost = [line for line in lines if ",".join(line.split(",")[1:5:3]) not in there]
        assert len(lost) <= sum(int(issue.split(": ")[1]) for issue in told(report))
        for old in (before[-1], order.choice(before)):
            again = deliver(*old["shipments"], enterprises=old["enterprises"])
            assert again.unchanged


def test_goods_left_out_of_what_was_first_declared_are_told(deliver: Deliver) -> None:
    head, day = "shipment_id,item_no,hs_code,customs_value,currency\n", DAYS[0]
    first, second = f"{head}S1,1,010121,100,CNY\n", f"{head}S1,2,870323,90000,CNY\n"
    assert deliver(E1, shipment_items=first, recorded_at=day).issues == []
    added = deliver(shipment_items=second, recorded_at=day)
    assert added.accepted == {"shipment_items": 1}
    assert "1 rows were added to shipments that the lake has" in added.issues[0]
    assert deliver(shipment_items=second, recorded_at=day).unchanged
    amended = deliver(shipment_items=first.replace("100", "200"), recorded_at=DAYS[1])
    assert (amended.accepted, amended.issues) == ({"shipment_items": 1}, [])
    third = deliver(shipment_items=f"{head}S1,3,870323,9,CNY\n")
    assert (third.accepted, third.issues) == ({"shipment_items": 1}, [])
