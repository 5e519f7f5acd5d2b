"""Results of inspections, as training targets."""

from datetime import date
from typing import TYPE_CHECKING

import ibis
import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from graph.store.lake import Lake


def labels(lake: "Lake", known_at: date) -> pa.Table:
    """Findings about shipments in force among those recorded up to `known_at`.

    Columns `shipment_id`, `declared_at`, `inspected_on`, `recorded_at`, `violation`, `selection`,
    `probability` (of having been selected); one row a finding, sorted by shipment and day recorded.
    A label counts from `recorded_at` on. O(findings log findings).
    """
    lake = lake.pinned()
    findings = lake.table("findings", known_at=known_at)
    findings = findings.filter(findings["shipment_id"].notnull())
    shipments = lake.table("shipments", known_at=known_at).select("shipment_id", "declared_at")
    joined = findings.join(shipments, "shipment_id").select(
        "shipment_id",
        "declared_at",
        "inspected_on",
        "recorded_at",
        "selection",
        "probability",
        "finding_id",
        violation=ibis._["outcome"] == "violation",
    )
    order = ("shipment_id", "recorded_at", "finding_id")
    columns = [
        "shipment_id", "declared_at", "inspected_on", "recorded_at", "violation", "selection",
        "probability",
    ]  # fmt: skip
    return pl.DataFrame(lake.connection.to_pyarrow(joined)).sort(*order).select(columns).to_arrow()
