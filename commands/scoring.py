"""`hawser score`: a snapshot's scores, or those of tables in a folder that are not in the lake."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands import stages
from commands.output import Report
from graph.errors import HawserError
from graph.settings import Settings

COLUMNS = ("probability", "low", "high", "top_reasons")


@dataclass(frozen=True)
class Wanted:
    """What to score: a snapshot, or the tables in `input`; `result` is a CSV file to write."""

    snapshot: str | None
    model: str | None
    input: Path | None
    result: Path | None
    enterprises: bool


def score(settings: Settings, wanted: Wanted, progress: Report) -> dict[str, Any]:
    """Score. Keys: those of the score report, and output and rows of a file that was written;
    of an input also the rows that were `refused`, a line each.

    Raises:
        HawserError: there is no model or snapshot, the folder cannot be read, or a file is asked
            for and the snapshot holds something above the clearance, which scores would pass on.
    """
    snapshot = wanted.snapshot
    if wanted.result is not None:
        snapshot = _require_clearance(settings, None if wanted.input else wanted.snapshot)
    if wanted.input is not None and wanted.result is not None:
        from gnn.infer import score_tables

        refused: list[str] = []
        rows = score_tables(
            settings,
            wanted.input,
            wanted.result,
            wanted.enterprises,
            model=wanted.model,
            snapshot=snapshot,
            refused=refused.append,
            progress=progress,
        )
        return {"output": wanted.result, "rows": rows, "refused": refused}
    done = stages.score(settings, snapshot, wanted.model, progress)
    if wanted.result is None:
        return done
    return done | {"output": wanted.result, "rows": _write(settings, done["snapshot"], wanted)}


def _require_clearance(settings: Settings, snapshot: str | None) -> str:
    """Refuse scores that the clearance does not reach (see `access.concluded`);
    gives the id of the snapshot that was looked at, should a newer one come up meanwhile."""
    from graph import access
    from graph.snapshot import open_snapshot

    opened = open_snapshot(settings, snapshot, verify=False)
    marking = access.concluded(opened.highest_marking)
    if not access.visible(marking, settings.clearance):
        raise HawserError(
            f"the scores of snapshot {opened.id} need clearance {marking}",
            hint=f"to write them to a file, set HAWSER_CLEARANCE={marking}",
        )
    return opened.id


def _write(settings: Settings, snapshot: str, wanted: Wanted) -> int:
    """Write a snapshot's scores as CSV, sorted by id; gives the number of rows."""
    from graph.scores import open_scores
    from graph.spreadsheet import write_csv

    assert wanted.result is not None
    scores = open_scores(settings, snapshot)
    table = scores.enterprises if wanted.enterprises else scores.shipments
    key = "enterprise_id" if wanted.enterprises else "shipment_id"
    wanted.result.parent.mkdir(parents=True, exist_ok=True)
    write_csv(table.select([key, *COLUMNS]).sort_by(key), wanted.result)
    return int(table.num_rows)
