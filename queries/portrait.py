"""The portrait of an enterprise, composed once for command line, notebook and API."""

from datetime import date
from typing import Any

from graph import access
from graph.errors import SnapshotError
from graph.settings import Settings
from graph.snapshot import open_snapshot
from queries.reader import Reader, Sources

__all__ = ["SECTIONS", "Sources", "marking_of", "portrait"]

SECTIONS = (
    "registration", "clearance", "commodities", "credit", "related", "prices", "risk", "grade",
)  # fmt: skip

#: Enough to count who is at an address or contact, unless half a town is.
SHARED = 200


def portrait(
    sources: Sources,
    id: str,
    *,
    clearance: str = access.HIGHEST,
    as_of: date | None = None,
    limit: int = 20,
) -> dict[str, Any]:
    """The whole portrait: the enterprise, one key a section, `as_of`, `snapshot` and its day,
    `snapshot_as_of`.

    Lists hold their first `limit` rows, the one of who shares an address or contact at least
    `SHARED`. `as_of` defaults to the snapshot's day, or today.

    Raises:
        NotFound: there is no such enterprise for this reader.
    """
    snapshot = sources.snapshot
    day = as_of or (snapshot.as_of if snapshot else date.today())
    reader = Reader(sources, clearance, day)
    enterprise = reader.enterprise(id)
    return {
        "enterprise": {name: enterprise.get(name) for name in ("id", "name", "name_en", "country")},
        "registration": reader.registration(id),
        "clearance": {
            **reader.clearance_record(id, limit=limit).as_dict(),
            "shipments": reader.shipments(id, limit=limit).as_dict(),
        },
        "commodities": reader.commodities(id, limit=limit).as_dict(),
        "credit": {
            "events": reader.events(id, limit=limit).as_dict(),
            "findings": reader.findings(id, limit=limit).as_dict(),
            "findings_against": reader.findings_against(id, limit=limit).as_dict(),
            "list_entries": reader.list_entries(id, limit=limit).as_dict(),
        },
        "related": {
            "parties": reader.parties(id, limit=limit).as_dict(),
            "shared": reader.shared(id, limit=max(limit, SHARED)).as_dict(),
            "owners": reader.owners(id),
        },
        "prices": reader.prices(id, limit=limit).as_dict(),
        "risk": reader.risk(id),
        "grade": reader.grade(id),
        "as_of": day.isoformat(),
        "snapshot": snapshot.id if snapshot else None,
        "snapshot_as_of": snapshot.as_of.isoformat() if snapshot else None,
        "clearance_of_reader": clearance,
    }


def marking_of(settings: Settings, snapshot: str) -> str:
    """The highest marking of what a snapshot rests on; of one that is gone, the highest of all."""
    try:
        return open_snapshot(settings, snapshot, verify=False).highest_marking
    except SnapshotError:
        return access.HIGHEST
