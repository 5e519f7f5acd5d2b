"""The stages from a source to grades, each with the keys that scripts rely on."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from commands.output import Report
from commands.words import say
from graph.errors import HawserError, LakeError
from graph.settings import Settings

#: Keys of a quarantined row that scripts rely on come first.
QUARANTINE_KEYS = ("source", "file", "row", "field", "value", "reason", "table", "batch")

#: The rules that a model is shown beside.
BASELINES = ("lookup table", "history rule")


@dataclass(frozen=True)
class World:
    """A simulated world to write: `shipments` follow from `enterprises` when not given."""

    folder: Path
    enterprises: int
    seed: int
    shipments: int | None = None
    format: Literal["parquet", "csv"] = "parquet"


def world(wanted: World, progress: Report) -> dict[str, Any]:
    """Write a simulated world's tables. Keys: folder, enterprises, seed and the world's report."""
    from ingest.world import generate

    report = generate(
        wanted.enterprises,
        wanted.seed,
        wanted.folder,
        shipments=wanted.shipments,
        format=wanted.format,
        progress=progress,
    )
    return {"folder": wanted.folder, "seed": wanted.seed, **as_mapping(report)}


def sources() -> dict[str, Any]:
    """The sources that `ingest` knows."""
    from ingest.context import list_sources

    keys = ("name", "title", "publisher", "licence", "marking")
    return {"sources": [{key: getattr(source, key) for key in keys} for source in list_sources()]}


@dataclass(frozen=True)
class Delivery:
    """What to ingest; `options` are the source's own."""

    source: str
    path: Path
    recorded_at: date | None = None
    options: Mapping[str, str] = field(default_factory=dict)


def ingest(settings: Settings, delivery: Delivery, progress: Report) -> dict[str, Any]:
    """Read a delivery into the lake.

    Keys: source, batches, accepted, quarantined, unchanged, extra_columns, issues, resolved.
    """
    from ingest.pipeline import ingest as run

    report = run(
        delivery.source,
        delivery.path,
        settings,
        recorded_at=delivery.recorded_at,
        options=delivery.options,
        progress=progress,
    )
    return as_mapping(report)


def quarantine(
    settings: Settings, *, retry: bool, limit: int | None, progress: Report
) -> dict[str, Any]:
    """The rows in quarantine that the clearance reaches: first those that are wrong by themselves,
    then those that wait for what they refer to, both in the order of their files.

    Keys: rows, total, waiting (what rows wait for, with how many wait for it, the most first),
    waiting_rows and waiting_ids (how many rows wait, and for how many ids), redacted (rows above
    the clearance) and, after a retry, retried, which is of rows within the clearance only. Of rows
    and waiting there are at most `limit`.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from graph.access import within
    from graph.reasons import reason
    from graph.store.lake import Lake
    from ingest.pipeline import retry_quarantine

    again = as_mapping(retry_quarantine(settings, progress=progress)) if retry else {}
    progress("listing", 0.5)
    with Lake(settings) as lake:
        refused = lake.quarantine()
        order = (refused.code == "reference", "source", "file", "row", "field", "id")
        every = lake.connection.to_pyarrow(refused.order_by(*order))
    table = every.filter(pc.is_in(every["marking"], pa.array(within(settings.clearance))))
    names = [name for name in QUARANTINE_KEYS if name in table.column_names]
    awaited = table.filter(pc.equal(table["code"], "reference"))["value"].value_counts()
    counts = {one["values"]: one["counts"] for one in awaited.to_pylist()}
    most_first = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    rows = table.select([*names, "code"]).slice(0, limit).to_pylist()
    listed = {
        "rows": [{**row, "reason_zh": reason(row["code"], "zh")} for row in rows],
        "total": table.num_rows,
        "waiting": dict(most_first[:limit]),
        "waiting_rows": sum(counts.values()),
        "waiting_ids": len(counts),
        "redacted": every.num_rows - table.num_rows,
    }
    return listed | ({"retried": again} if retry else {})


#: What waiting rows wait for, of which so many are told.
MOST_AWAITED = 5


def show_quarantine(listed: Mapping[str, Any]) -> None:
    """Print the rows in quarantine that are wrong by themselves, a line each, what the others wait
    for, and what a retry did."""
    waiting = list(listed["waiting"].items())[:MOST_AWAITED]
    faults = listed["total"] - listed["waiting_rows"]
    for row in listed["rows"][:faults]:
        told = f" {row['field']} {row['value']!r}:" if row["field"] and row["value"] else ""
        reason = row["reason"].removeprefix(f"{row['field']} ") if told else row["reason"]
        say(f"{row['file']} row {row['row']:,}:{told} {reason} {row['reason_zh']}")
    if (rest := faults - len(listed["rows"])) > 0:
        say(f"and {rest:,} more rows")
    if waiting:
        first = ", ".join(f"{id} ({n:,})" for id, n in waiting)
        others = listed["waiting_ids"] - len(waiting)
        more = f" and {others:,} others" if others else ""
        say(f"{listed['waiting_rows']:,} rows wait for what they refer to: {first}{more}")
    if listed["total"]:
        say(
            "Correct rows at their source and ingest them again under the same key; those that wait"
            " come in by themselves. 请在来源处更正后以同一主键重新导入；等待引用的行会自动进入。",
            "dim",
        )
    if not listed["total"]:
        say("No row is in quarantine.")
    if listed["redacted"]:
        say(f"{listed['redacted']:,} rows are above the clearance and not shown")
    if again := listed.get("retried"):
        accepted = ", ".join(f"{count:,} {table}" for table, count in again["accepted"].items())
        say(f"Read again: {accepted or 'none'} accepted")


def load(
    settings: Settings,
    rebuild: bool,
    as_of: date | None,
    known_at: date | None,
    progress: Report,
) -> dict[str, Any]:
    """Bring the graph server and the name index up to date. Keys: those of the load report, names.

    The index is left as it is when it was made from the same batches.
    """
    from graph.store import load as loading
    from graph.store.bolt import GraphStore
    from graph.store.lake import Lake

    times: dict[str, Any] = {"as_of": as_of, "known_at": known_at}
    with Lake(settings) as lake:
        if rebuild:
            report = loading.rebuild(lake, settings, **times, progress=progress)
        else:
            with GraphStore.open(settings) as store:
                report = loading.increment(lake, store, **times, progress=progress)
    return as_mapping(report) | {"names": index(settings, progress, **times)}


def index(
    settings: Settings,
    progress: Report,
    *,
    as_of: date | None = None,
    known_at: date | None = None,
) -> dict[str, int]:
    """Make the name index again if the lake has other batches than it was made from.

    Gives the number of nodes with names by kind.
    """
    from graph.store import search

    batches = sorted(path.name for path in (settings.lake_folder / "batches").glob("*"))
    made_from = {"batches": batches, "as_of": str(as_of), "known_at": str(known_at)}
    made_from |= {"format": str(search.FORMAT)}
    stamp = settings.search_folder / "made-from.json"
    if stamp.exists():
        known = json.loads(stamp.read_text(encoding="utf-8"))
        if known["made_from"] == made_from:
            return dict(known["names"])
    from graph.store.lake import Lake

    with Lake(settings) as lake:
        names = search.build(lake, settings, as_of=as_of, known_at=known_at, progress=progress)
    stamp.write_text(json.dumps({"made_from": made_from, "names": names}), encoding="utf-8")
    return names


def snapshot(
    settings: Settings,
    as_of: date | None,
    known_at: date | None,
    progress: Report,
) -> dict[str, Any]:
    """Build a snapshot with the ledger's judgements of identity, those up to `known_at` or all.

    Keys: id, as_of, known_at, in_use (the id of the one that is used where none is named: see
    `graph.snapshot_in_use`), nodes, edges.
    """
    from graph.snapshot import build
    from graph.snapshot_in_use import in_use
    from graph.store.lake import Lake
    from graph.store.ledger import Ledger

    with Lake(settings) as lake:
        if not lake.batches():
            raise LakeError(f"the lake in {settings.home} is empty", hint="run `hawser ingest`")
    with Ledger(settings) as ledger:
        judgements = ledger.judgements(known_at=known_at)
    with Lake(settings) as lake:
        built = build(
            lake,
            settings,
            as_of=as_of,
            known_at=known_at,
            judgements=judgements,
            progress=progress,
        )
    return {
        "id": built.id,
        "as_of": built.as_of,
        "known_at": built.known_at,
        "in_use": in_use(settings),
        "nodes": built.node_counts,
        "edges": built.edge_counts,
    }


def features(settings: Settings, snapshot: str | None, progress: Report) -> dict[str, Any]:
    """Compute features. Keys: snapshot, shipments, enterprises, features."""
    from graph.features.build import build_features
    from graph.snapshot import open_snapshot
    from graph.store.lake import Lake

    opened = open_snapshot(settings, snapshot)
    built = build_features(Lake(settings), opened, settings, progress=progress)
    return {
        "snapshot": opened.id,
        "shipments": built.shipments.num_rows,
        "enterprises": built.enterprises.num_rows,
        "features": {of: len(built.names(of)) for of in ("shipment", "enterprise")},
    }


def train(
    settings: Settings,
    snapshot: str | None,
    seed: int,
    truth: Path | None,
    progress: Report,
    *,
    network: bool = True,
) -> dict[str, Any]:
    """Train models. `truth` (Parquet: shipment_id, violation) replaces findings in the judgement.

    Without `network` the graph network is left out.

    Keys: those of the training report.
    """
    import pyarrow.parquet

    from gnn.train import train as run
    from graph.features.build import open_features
    from graph.snapshot import open_snapshot

    opened = open_snapshot(settings, snapshot)
    known = pyarrow.parquet.read_table(truth) if truth else None
    built = open_features(settings, opened.id)
    report = run(
        settings, opened, built, seed=seed, truth=known, network=network, progress=progress
    )
    return as_mapping(report)


def precision(trained: Mapping[str, Any]) -> dict[str, float]:
    """From a training report: precision among the riskiest 4 %, champion beside the baselines."""
    rows = {row["model"]: row for row in trained["rows"]}
    champion = rows[trained["champion"]]
    baselines = {name: rows[name]["precision"] for name in BASELINES if name in rows}
    return {
        "no choice (base rate)": champion["base"],
        **baselines,
        f"Hawser ({champion['model']})": champion["precision"],
    }


def score(
    settings: Settings, snapshot: str | None, model: str | None, progress: Report
) -> dict[str, Any]:
    """Score a snapshot. Keys: those of the score report."""
    from gnn.infer import score as run
    from graph.snapshot import open_snapshot

    opened = open_snapshot(settings, snapshot)
    return as_mapping(run(settings, opened, model, progress=progress))


def grade(
    settings: Settings,
    snapshot: str | None,
    as_of: date | None,
    dry_run: bool,
    progress: Report,
) -> dict[str, Any]:
    """Grade enterprises. Keys: run, policy, snapshot, counts, changed."""
    from grading.grade import grade as run
    from graph.snapshot import open_snapshot

    opened = open_snapshot(settings, snapshot)
    report = run(settings, opened, dry_run=dry_run, as_of=as_of, progress=progress)
    return as_mapping(report)


def resolve(settings: Settings, progress: Report) -> dict[str, Any]:
    """Find records of the same party. Keys: those of the resolution report."""
    from ingest.resolve.resolve import resolve as run

    return as_mapping(run(settings, progress=progress))


def bench(names: list[str], quick: bool) -> int:
    """Run benchmarks in a process of their own; gives its exit status."""
    folder = Path(__file__).parents[1]
    if not (folder / "benchmarks" / "run.py").exists():
        raise HawserError("the benchmarks are not installed", hint="run them in the repository")
    arguments = [*names, *(["--quick"] if quick else [])]
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.run", *arguments], cwd=folder, check=False
    ).returncode


def as_mapping(report: Any) -> dict[str, Any]:
    """A report's public values by name: of a dataclass, a mapping or a plain object."""
    if isinstance(report, Mapping):
        return dict(report)
    if hasattr(report, "as_dict"):
        return dict(report.as_dict())
    names = getattr(report, "__dataclass_fields__", None) or vars(report)
    return {name: getattr(report, name) for name in names if not name.startswith("_")}
