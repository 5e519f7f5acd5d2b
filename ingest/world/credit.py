"""Credit events after findings, certifications and arrears, and the classes that follow."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ingest.world.arrays import Floats, Ints, stream, take
from ingest.world.inspections import Classes, Inspections
from ingest.world.policy import WorldPolicy
from ingest.world.population import Population
from ingest.world.schemes import TYPES, Violations
from ingest.world.shipments import Shipments

SEVERITIES = ("minor", "general", "serious")
#: How often a violation of each severity ends in a penalty.
_PENALISED = (0.35, 0.8, 1.0)
_REGULATION = "Regulations on Customs Administrative Penalties"
#: Provision for each kind of violation, in the order of `TYPES`.
_PROVISIONS = ("Art. 15(4)", "Art. 15(1)", "Art. 15(4)", "Art. 15(1)", "Art. 7", "Art. 15(5)")


@dataclass(frozen=True)
class Credit:
    """Events (columns as in the canonical table, `enterprise` a number, days as numbers) and the
    classes with the enterprises that became dishonest in the period added."""

    events: pl.DataFrame
    classes: Classes


def _events(
    kind: str, enterprise: Ints, day: Ints, recorded: Ints, amount: Floats | None = None,
    severity: Ints | None = None, basis: list[str] | None = None, ended: Ints | None = None,
) -> pl.DataFrame:  # fmt: skip
    size = len(enterprise)
    none = np.full(size, -1, dtype=np.int64)
    return pl.DataFrame(
        {
            "enterprise": pl.Series(enterprise, dtype=pl.Int64),
            "type": pl.Series([kind] * size, dtype=pl.String),
            "day": pl.Series(day, dtype=pl.Int64),
            "recorded": pl.Series(recorded, dtype=pl.Int64),
            "amount": pl.Series(np.full(size, np.nan) if amount is None else amount.round(2)),
            "severity": take(SEVERITIES, none if severity is None else severity),
            "ended": pl.Series(none if ended is None else ended, dtype=pl.Int64),
            "legal_basis": pl.Series(basis or [None] * size, dtype=pl.String),
        }
    )


def _penalties(
    rng: np.random.Generator,
    shipments: Shipments,
    violations: Violations,
    inspections: Inspections,
    value: Floats,
) -> pl.DataFrame:
    """Penalties 10 to 60 days after a violation was recorded; the graver the more often."""
    found = violations.type[inspections.shipment] >= 0
    shipment, recorded = inspections.shipment[found], inspections.recorded[found]
    severity = violations.severity[shipment]
    kept = rng.random(len(shipment)) < np.array(_PENALISED)[severity]
    shipment, recorded, severity = shipment[kept], recorded[kept], severity[kept]
    day = recorded + rng.integers(10, 61, len(shipment))
    part = np.array([0.005, 0.05, 0.3])[severity] * rng.uniform(0.5, 1.5, len(shipment))
    amount = np.clip(value[shipment] * part, 1000, 5e6)
    kind = violations.type[shipment]
    basis = [f"{_REGULATION}, {_PROVISIONS[number]}" for number in kind]
    events = _events(
        "administrative_penalty",
        shipments.trader[shipment],
        day,
        day + rng.integers(0, 8, len(day)),
        amount,
        severity,
        basis,
    )
    smuggled = pl.Series((severity == 2) & (kind == TYPES.index("concealment")))
    return events.with_columns(type=pl.when(smuggled).then(pl.lit("smuggling")).otherwise("type"))


def _arrears(rng: np.random.Generator, population: Population, days: int) -> pl.DataFrame:
    """Tax arrears of about 1 % of traders; two thirds pay later, told by a second statement."""
    traders = np.arange(population.traders)
    late = traders[rng.random(len(traders)) < 0.012]
    start, stop = population.start[late], population.stop[late]
    day = start + 20 + (rng.random(len(late)) * np.maximum(stop - start - 20, 1)).astype(np.int64)
    recorded = day + rng.integers(1, 15, len(late))
    amount = np.exp(rng.normal(10.5, 1.2, len(late)))
    severity = (amount > 60_000).astype(np.int64)
    basis = ["Tariff Law, late payment of duty"] * len(late)
    first = _events("tax_arrears", late, day, recorded, amount, severity, basis)
    ended = recorded + rng.integers(20, 300, len(late))
    paid = pl.Series((rng.random(len(late)) < 0.66) & (ended < days))
    second = first.with_columns(ended=pl.Series(ended), recorded=pl.Series(ended)).filter(paid)
    return pl.concat(
        [_numbered(first), _numbered(first).filter(paid).select("event").hstack(second)]
    )


def _numbered(events: pl.DataFrame, start: int = 0) -> pl.DataFrame:
    number = pl.Series("event", np.arange(start, start + events.height), dtype=pl.Int64)
    return events.select(number, pl.all())


def _dishonest(
    rng: np.random.Generator,
    penalties: pl.DataFrame,
    standing: Classes,
    population: Population,
    policy: WorldPolicy,
) -> Ints:
    """Day each enterprise becomes dishonest: the gravest and repeated penalties first."""
    count = round(0.75 * policy.dishonest_share * population.size)
    ordered = penalties.sort("recorded", "enterprise").with_columns(
        nth=pl.col("recorded").cum_count().over("enterprise")
    )
    gravity = (
        pl.when(pl.col("severity") == "serious")
        .then(0)
        .when(pl.col("nth") >= 2)
        .then(1)
        .when(pl.col("severity") == "general")
        .then(2)
        .otherwise(3)
    )
    due = (
        ordered.with_columns(gravity=gravity)
        .sort("gravity", "recorded", "enterprise")
        .unique("enterprise", keep="first", maintain_order=True)
    )
    who, day = due["enterprise"].to_numpy(), due["recorded"].to_numpy()
    gravest = due["gravity"].to_numpy() + rng.random(due.height)
    free = (standing.certified[who] > policy.days) & (standing.dishonest[who] > policy.days)
    picked = np.argsort(np.where(free, gravest, np.inf), kind="stable")[: min(count, free.sum())]
    result = standing.dishonest.copy()
    result[who[picked]] = day[picked] + rng.integers(10, 45, len(picked))
    return result


def build(
    shipments: Shipments,
    violations: Violations,
    inspections: Inspections,
    value: Floats,
    population: Population,
    standing: Classes,
    seed: int,
    policy: WorldPolicy,
) -> Credit:
    """All credit events. `value` is each shipment's customs value in yuan. O(findings + n)."""
    rng = stream(seed, "credit")
    penalties = _penalties(rng, shipments, violations, inspections, value)
    dishonest = _dishonest(rng, penalties, standing, population, policy)
    certified = np.flatnonzero(standing.certified < policy.days)
    listed = np.flatnonzero(dishonest <= policy.days)
    arrears = _arrears(rng, population, policy.days)
    rule = "Measures for the Administration of Enterprise Credit of Customs"
    others = pl.concat(
        [
            penalties,
            _events("aeo_certification", certified, standing.certified[certified],
                    standing.certified[certified] + 3,
                    basis=[f"{rule}, certification"] * len(certified)),
            _events("dishonest_listing", listed, dishonest[listed], dishonest[listed] + 2,
                    severity=np.full(len(listed), 2), basis=[f"{rule}, Art. 22"] * len(listed)),
        ]
    )  # fmt: skip
    first = int(arrears["event"].max() or 0) + 1 if arrears.height else 0  # type: ignore[arg-type]
    events = pl.concat([arrears, _numbered(others, first)])
    return Credit(events, Classes(standing.certified, dishonest))
