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
