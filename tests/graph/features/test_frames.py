"""Which statements count as what was first declared."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from graph.features.frames import declarations
from graph.store.lake import Lake

DECLARED, INSPECTED = date(2024, 5, 10), date(2025, 3, 1)
SHIPMENT = {"shipment_id": "S1", "declared_at": DECLARED, "direction": "I"}
ITEM = {"shipment_id": "S1", "item_no": 1, "hs_code": "010121", "recorded_at": DECLARED}


@pytest.mark.parametrize("known_at", [date(2024, 6, 1), date(2025, 6, 1)])
def test_goods_are_those_first_declared(
    write_lake: Callable[..., Lake], tmp_path: Path, known_at: date
) -> None:
    later = {"recorded_at": INSPECTED}
    items = [
        {**ITEM, "customs_value": 100.0},
        {**ITEM, "customs_value": 900.0, **later},
        {**ITEM, "item_no": 2, "hs_code": "870323", "customs_value": 90_000.0, **later},
    ]
    tables = {"shipments": [SHIPMENT, {**SHIPMENT, **later}], "shipment_items": items}
    with write_lake(tmp_path, tables) as lake:
        goods = declarations(lake, known_at)[1]
    assert goods["customs_value"].to_list() == [100.0]


@pytest.mark.parametrize("added", [False, True])
def test_goods_that_came_after_a_statement_of_earlier_date_are_not_lost(
    write_lake: Callable[..., Lake], tmp_path: Path, added: bool
) -> None:
    """An original that arrives after its amendment, or a correction that is dated back: goods keep
    the day on which they were first told. What was added to them later is still left out."""
    amended = date(2024, 6, 1)
    tables = {
        "shipments": [SHIPMENT, {**SHIPMENT, "direction": "E", "recorded_at": amended}],
        "shipment_items": [{**ITEM, "item_no": n, "recorded_at": amended} for n in (1, 2)],
    }
    if added:
        tables["shipment_items"].append({**ITEM, "item_no": 3, "recorded_at": INSPECTED})
    with write_lake(tmp_path, tables) as lake:
        shipments, goods = declarations(lake, date(2026, 1, 1))
        early = declarations(lake, date(2024, 5, 31))[1]
    assert shipments["direction"].to_list() == ["I"]
    assert goods["item_no"].to_list() == [1, 2]
    assert early.is_empty(), "nobody knew of them then"
