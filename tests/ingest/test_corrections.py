"""When a correction counts as known: from the day it was ingested, whatever it corrects."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from graph.settings import Settings
from graph.store.lake import Lake
from ingest.pipeline import ingest

Write = Callable[..., Path]
FIRST, LATER = date(2024, 6, 1), date(2025, 6, 1)

#: A table with a day on which its facts came about, and a row with places for that day and a text.
DATED = {
    "enterprises": "enterprise_id,name,country,registered_on\nE1,{text},CN,{day}\n",
    "shipments": "shipment_id,declared_at,direction,customs_office,trade_mode\n"
    "S1,{day},I,2201,{text}\n",
    "list_entries": "entry_id,list,name,kind,listed_on\nL1,watch,{text},enterprise,{day}\n",
    "payments": "payment_id,payer_id,payee_id,paid_from,paid_to,currency,amount,transfers\n"
    "Y1,E1,E2,{day},2026-01-01,CNY,5,{text}\n",
}
PAYERS = "enterprise_id,name,country\nE1,Li,CN\nE2,Wu,CN\n"
TEXT = {"payments": ("1", "2", "transfers")}
COLUMN = {"enterprises": "name", "shipments": "trade_mode", "list_entries": "name"}


def alone(write: Write, name: str, **tables: str) -> Path:
    """A folder with these tables only."""
    left_out = dict.fromkeys(
        ("enterprises", "persons", "relations", "shipments", "shipment_items", "findings"), ""
    )
    return write(name, **{**left_out, **tables})


def delivered(write: Write, name: str, table: str, day: str, number: int) -> Path:
    text = TEXT.get(table, ("one", "two", ""))[number]
    more = {"enterprises": PAYERS} if table == "payments" else {}
    return alone(write, name, **{**more, table: DATED[table].format(day=day, text=text)})


def in_force(settings: Settings, table: str, known_at: date | None = None) -> list[Any]:
    column = COLUMN.get(table, "transfers")
    with Lake(settings) as lake:
        rows = lake.table(table, known_at=known_at).select(column, "recorded_at").to_pyarrow()
    return [(str(row[column]), row["recorded_at"]) for row in rows.to_pylist()]


@pytest.mark.parametrize(
    ("table", "day"),
    [
        *((table, day) for table in DATED for day in ("2024-05-01", "2024-05-10", "2024-05-20")),
        ("enterprises", ""),
        ("list_entries", ""),
    ],
)
def test_a_correction_is_known_from_the_day_of_ingest(
    settings: Settings, write: Write, table: str, day: str
) -> None:
    first = delivered(write, "first", table, "2024-05-10", 0)
    ingest("tables", first, settings)
    before, after = TEXT.get(table, ("one", "two"))[:2]
    assert in_force(settings, table) == [(before, date(2024, 5, 10))], "history keeps its days"
    second = delivered(write, "second", table, day, 1)
    report = ingest("tables", second, settings)
    assert (report.accepted, report.quarantined) == ({table: 1}, {})
    assert in_force(settings, table) == [(after, date.today())]
    assert in_force(settings, table, LATER) == [(before, date(2024, 5, 10))]
    assert ingest("tables", second, settings).unchanged
    assert ingest("tables", first, settings).unchanged
    assert in_force(settings, table) == [(after, date.today())]


def test_a_correction_can_be_told_with_its_day(settings: Settings, write: Write) -> None:
    ingest("tables", delivered(write, "first", "shipments", "2024-05-10", 0), settings)
    second = delivered(write, "second", "shipments", "2024-05-01", 1)
    ingest("tables", second, settings, recorded_at=FIRST)
    assert in_force(settings, "shipments") == [("two", FIRST)]
    assert ingest("tables", second, settings, recorded_at=LATER).unchanged


def test_what_was_known_before_the_last_correction_is_kept_and_told(
    settings: Settings, write: Write
) -> None:
    head = "person_id,name\n"
    folders = [alone(write, name, persons=f"{head}P1,{name}\n") for name in ("Li", "Wu", "Xu")]
    ingest("tables", folders[0], settings)
    ingest("tables", folders[1], settings, recorded_at=LATER)
    report = ingest("tables", folders[2], settings, recorded_at=FIRST)
    assert report.accepted == {"persons": 1}
    assert "1 rows say what was corrected since" in report.issues[0]
    with Lake(settings) as lake:
        told = [
            lake.table("persons", known_at=day).to_pyarrow()["name"].to_pylist()
            for day in (date(2020, 1, 1), FIRST, LATER)
        ]
    assert told == [["Li"], ["Xu"], ["Wu"]]


def test_a_correction_of_what_is_dated_ahead_never_loses_silently(
    settings: Settings, write: Write
) -> None:
    ahead = "enterprise_id,name,country,recorded_at\nE1,{},CN,{}\n"
    ingest("tables", alone(write, "a", enterprises=ahead.format("Li", "2199-01-01")), settings)
    report = ingest("tables", alone(write, "b", enterprises=ahead.format("Wu", "")), settings)
    assert (report.accepted, report.quarantined) == ({}, {"enterprises": 1})


def test_a_new_interval_is_no_correction(settings: Settings, write: Write) -> None:
    head = "enterprise_id,name,country,registered_on,valid_from\n"
    one, two = "E1,Li,CN,2010-01-01,2010-01-01\n", "E1,Wu,CN,2010-01-01,2015-01-01\n"
    ingest("tables", alone(write, "a", enterprises=head + one), settings)
    ingest("tables", alone(write, "b", enterprises=head + two), settings)
    assert sorted(in_force(settings, "enterprises")) == [
        ("Li", date(2010, 1, 1)),
        ("Wu", date(2010, 1, 1)),
    ]


def test_rows_of_one_ingest_may_stand_in_any_order(settings: Settings, write: Write) -> None:
    head, row = DATED["shipments"].splitlines()
    lines = [
        row.format(day=day, text=text) for day, text in (("2024-05-10", "a"), ("2024-05-20", "b"))
    ]
    told = []
    for name, ordered in (("straight", lines), ("crooked", lines[::-1])):
        home = Settings(home=settings.home / name)
        folder = alone(write, name, shipments="\n".join([head, *ordered]) + "\n")
        ingest("tables", folder, home)
        with Lake(home) as lake:
            told.append((lake.fingerprint(), in_force(home, "shipments")))
    assert told[0] == told[1]
    assert told[0][1] == [("b", date(2024, 5, 20))]


SHIPMENTS = "shipment_id,declared_at,direction,customs_office\nS1,2024-05-10,I,2201\n"
ITEMS = "shipment_id,item_no,hs_code,customs_value,currency\n"
HORSES, CARS = "S1,1,010121,100,CNY\n", "S1,2,870323,90000,CNY\n"


def goods(settings: Settings) -> dict[int, date]:
    with Lake(settings) as lake:
        rows = lake.statements("shipment_items").select("item_no", "recorded_at").to_pyarrow()
    return {row["item_no"]: row["recorded_at"] for row in rows.to_pylist()}


@pytest.mark.parametrize("day", [LATER, None])
@pytest.mark.parametrize("again", [SHIPMENTS, SHIPMENTS.replace(",I,", ",E,"), ""])
def test_goods_added_to_a_declaration_on_a_given_day_are_a_correction(
    settings: Settings, write: Write, day: date | None, again: str
) -> None:
    """Without a day they may be the second half of a delivery, and are as old as the first."""
    first = alone(write, "a", shipments=SHIPMENTS, shipment_items=ITEMS + HORSES)
    ingest("tables", first, settings)
    added = alone(write, "b", shipments=again, shipment_items=ITEMS + HORSES + CARS)
    ingest("tables", added, settings, recorded_at=day)
    assert goods(settings) == {1: date(2024, 5, 10), 2: day or date(2024, 5, 10)}
    assert ingest("tables", added, settings, recorded_at=day).unchanged


def test_goods_that_are_delivered_after_their_declaration_are_as_old(
    settings: Settings, write: Write
) -> None:
    ingest("tables", alone(write, "a", shipments=SHIPMENTS), settings)
    items = alone(write, "b", shipment_items=ITEMS + HORSES + CARS)
    ingest("tables", items, settings, recorded_at=LATER)
    assert goods(settings) == {1: date(2024, 5, 10), 2: date(2024, 5, 10)}
