"""Generate a whole world: the stages in order, and the report."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl

from ingest.world import (
    credit,
    enterprises,
    inspections,
    lists,
    people,
    population,
    profiles,
    records,
    reference,
    rings,
    schemes,
    shipments,
    truth,
    voyages,
)
from ingest.world.policy import WorldError, WorldPolicy
from ingest.world.write import Format, write_frame, write_table

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class WorldReport:
    """What was generated. `counts`: rows of each table; `schemes`: violating shipments of each
    scheme; `base_rate`: share of violating shipments; `inspected`: share inspected."""

    folder: Path
    counts: dict[str, int]
    base_rate: float
    inspected: float
    rings: int
    schemes: dict[str, int]
    seconds: float


def generate(
    enterprises: int,
    seed: int,
    folder: Path,
    *,
    shipments: int | None = None,
    format: Format = "parquet",
    policy: WorldPolicy | None = None,
    progress: Progress | None = None,
) -> WorldReport:
    """Write a labelled world to `folder/tables` and its truth to `folder/truth`.

    The same arguments give the same bytes. Without `shipments`, ten an enterprise. Time and memory
    are linear in the number of shipments. Raises `WorldError` for a world too small to hold every
    scheme or for a format that is not known.
    """
    if format not in ("parquet", "csv"):
        raise WorldError(f"format {format!r} is not known", hint="use parquet or csv")
    begun = perf_counter()
    rules = policy or WorldPolicy()
    size = shipments or round(rules.shipments_per_enterprise * enterprises)
    tables, facts = _world(enterprises, size, seed, rules, progress or _silent)
    counts = {
        name: write_table(name, frame, folder / "tables", format) for name, frame in tables.items()
    }
    for name, frame in facts.items():
        write_frame(name, frame, folder / "truth", "parquet")
    true = facts["shipments"]
    named = true.filter("violation")["scheme"].value_counts().sort("scheme")
    return WorldReport(
        folder,
        counts,
        float(true["violation"].sum()) / true.height,
        counts["findings"] / true.height,
        facts["rings"].height,
        dict(zip(named["scheme"], named["count"], strict=True)),
        perf_counter() - begun,
    )


def _silent(what: str, fraction: float) -> None:
    """Progress for those who do not want any."""


def _world(
    size: int, declarations: int, seed: int, policy: WorldPolicy, progress: Progress
) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """All canonical tables and the truth."""
    known = reference.load()
    progress("enterprises", 0.05)
    society = population.populate(size, declarations, seed, policy, known)
    gang = rings.plan(society, seed, policy, known)
    society = rings.place_fronts(society, gang, seed, policy)
    habits = profiles.build(society, gang, seed, policy, known)
    directory = enterprises.build(society, gang, seed, policy, known)
    folk = people.build(society, gang, seed, policy, list(known.countries))
    progress("shipments", 0.15)
    trade = shipments.draw(society, gang, habits, declarations, seed, policy)
    goods = shipments.draw_items(trade, society, habits, seed, policy, known)
    wrong = schemes.assign(trade, gang, seed, policy)
    gross = schemes.apply(goods, wrong, seed, policy, known)
    travel = voyages.plan(trade, goods, society, habits, gang, seed, policy, known)
    voyages.declare_origins(goods, trade, travel, gang, society, seed)
    progress("inspections", 0.4)
    _, worth = records.item_values(goods)
    value = np.bincount(goods.shipment, worth, declarations).astype(np.float64)
    traded = np.bincount(trade.trader, value, society.traders).astype(np.float64)
    standing = inspections.classes(society, traded, habits.propensity, seed, policy)
    looked = inspections.inspect(trade, goods, travel, society, standing, seed, policy, known)
    due = worth * known.goods.rate[goods.goods] / 100
    duty = np.bincount(goods.shipment, due, declarations).astype(np.float64)
    history = credit.build(trade, wrong, looked, value, society, standing, seed, policy)
    listed, names = lists.build(society, directory.table, folk.persons, seed, policy, known)
    progress("tables", 0.55)
    ids = records.identify(society, folk, trade, travel, seed, policy)
    entries = records.list_entries(listed, seed, policy)
    tables = {
        "enterprises": records.enterprises(
            directory.table, ids, society, history.classes, seed, policy
        ),
        "persons": records.persons(folk, ids, policy),
        "relations": records.relations(folk, ids, policy),
        "shipments": records.shipment_table(trade, travel, ids, seed, policy, known),
        "shipment_items": records.item_table(goods, gross, ids, seed, known),
        "findings": records.findings(looked, trade, wrong, duty, ids, seed, policy),
        "credit_events": records.credit_events(history.events, ids, seed, policy),
        "list_entries": entries.sort("entry_id"),
        "places": records.places(known),
        "commodities": records.commodities(known),
    }
    progress("truth", 0.8)
    facts = {
        "shipments": truth.shipment_truth(trade, wrong, travel, ids),
        "enterprises": truth.enterprise_truth(society, gang, ids, policy),
        "rings": truth.ring_truth(society, gang, directory, folk, ids),
        "duplicates": truth.duplicate_truth(directory, ids),
        "list_matches": truth.list_truth(entries, names, ids),
    }
    return tables, facts
