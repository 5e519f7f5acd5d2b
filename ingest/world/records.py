"""From arrays of numbers to the canonical tables: ids, texts, dates, money."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ingest.world import codes
from ingest.world.arrays import Floats, Ints, dates, stream, take
from ingest.world.credit import SEVERITIES
from ingest.world.inspections import Classes, Inspections
from ingest.world.people import People
from ingest.world.policy import WorldPolicy
from ingest.world.population import Population
from ingest.world.reference import RECYCLING, Reference
from ingest.world.schemes import TYPES, Violations
from ingest.world.shipments import Items, Shipments
from ingest.world.voyages import Voyages

REGULAR, CERTIFIED, DISHONEST = "regular", "advanced_certified", "dishonest"
_ASEAN = ("VN", "TH", "MY", "SG", "ID", "PH", "KR", "AU", "NZ", "CL", "PE", "CR", "PK")
_FLEET = 8


@dataclass(frozen=True)
class Ids:
    """Identifiers by number: drawn at random, so that neither they nor the order of rows tell."""

    enterprise: pl.Series
    person: pl.Series
    shipment: pl.Series


def identify(
    population: Population, people: People, shipments: Shipments, voyages: Voyages, seed: int,
    policy: WorldPolicy,
) -> Ids:  # fmt: skip
    """Draw all identifiers. Declaration numbers: office, year, direction, nine digits."""
    rng = stream(seed, "ids")
    serial = codes.unique_numbers(rng, shipments.size, 10**9)
    year = dates(shipments.day, policy).dt.year().cast(pl.String)
    office = pl.Series(voyages.office, dtype=pl.String)
    direction = pl.Series(np.where(shipments.importing, "1", "0"), dtype=pl.String)
    number = pl.Series(serial).cast(pl.String).str.zfill(9)
    return Ids(
        _letters(rng, "E", population.size),
        _letters(rng, "P", people.persons.height),
        office + year + direction + number,
    )


def _letters(rng: np.random.Generator, prefix: str, size: int) -> pl.Series:
    number = pl.Series(codes.unique_numbers(rng, size, 10**8)).cast(pl.String).str.zfill(8)
    return number.to_frame("n").select(pl.lit(prefix) + pl.col("n")).to_series()


def by_number(ids: pl.Series, index: Ints) -> pl.Series:
    """Ids of numbers; -1 gives null."""
    wanted = pl.Series(index).cast(pl.Int64)
    frame = pl.DataFrame({"id": ids.gather(wanted.clip(0).cast(pl.UInt32)), "known": wanted >= 0})
    return frame.select(pl.when("known").then("id")).to_series()


def enterprises(
    table: pl.DataFrame, ids: Ids, population: Population, classes: Classes, seed: int,
    policy: WorldPolicy,
) -> pl.DataFrame:  # fmt: skip
    """One statement an enterprise; a change of class adds its end and the new one."""
    rng = stream(seed, "registry")
    registered = population.registered
    change = np.minimum(classes.certified, classes.dishonest)
    target = np.where(classes.certified < classes.dishonest, 1, 2)
    early = change <= 0
    kind = np.where(early, target, 0)
    kind = np.where(population.city < 0, -1, kind)
    base = table.with_columns(
        enterprise_id=ids.enterprise,
        credit_class=take((REGULAR, CERTIFIED, DISHONEST), kind),
        valid_from=pl.col("registered_on"),
        valid_to=pl.lit(None, dtype=pl.Date),
        recorded_at=dates(registered + rng.integers(0, 11, population.size), policy),
    )
    later = np.flatnonzero((change > 0) & (change < policy.days + 400))
    day = dates(change[later], policy)
    ended = base[later].with_columns(valid_to=day, recorded_at=day)
    renewed = base[later].with_columns(
        valid_from=day,
        recorded_at=day,
        credit_class=take((REGULAR, CERTIFIED, DISHONEST), target[later]),
    )
    return pl.concat([base, ended, renewed]).sort("enterprise_id", "recorded_at", "valid_from")


def persons(people: People, ids: Ids, policy: WorldPolicy) -> pl.DataFrame:
    """The persons somebody is tied to, known from the day of their first tie."""
    ties = pl.concat(
        [
            people.relations.filter("person").select(pl.col("source").alias("number"), "day"),
            people.relations.filter("to_person").select(pl.col("target").alias("number"), "day"),
        ]
    )
    known = ties.group_by("number").agg(pl.col("day").min())
    numbered = people.persons.with_columns(
        person_id=ids.person, number=pl.Series(np.arange(people.persons.height))
    )
    joined = numbered.join(known, on="number")
    return joined.with_columns(recorded_at=dates(joined["day"], policy)).sort("person_id")


def relations(people: People, ids: Ids, policy: WorldPolicy) -> pl.DataFrame:
    """Relations with ids, known from the day they begin."""
    rows = people.relations

    def party(number: str, person: str) -> pl.Series:
        index = rows[number].cast(pl.UInt32)
        firms = ids.enterprise.gather(index.clip(0, len(ids.enterprise) - 1))
        pair = pl.DataFrame({"p": ids.person.gather(index), "e": firms, "is": rows[person]})
        return pair.select(pl.when("is").then("p").otherwise("e")).to_series()

    return rows.select(
        source_id=party("source", "person"),
        target_id=party("target", "to_person"),
        type="type",
        share="share",
        valid_from=dates(rows["day"], policy),
        recorded_at=dates(rows["day"], policy),
    ).sort("source_id", "target_id", "type")


def _carriage(rng: np.random.Generator, shipments: Shipments, voyages: Voyages) -> pl.DataFrame:
    """Vessel, containers and transport document; vessels belong to carriers."""
    size = shipments.size
    at_sea = voyages.mode == "2"
    highest = int(shipments.carrier.max()) + 1
    fleet = codes.imo(rng, min(highest * _FLEET, 90_000))
    hull = (shipments.carrier * _FLEET + rng.integers(0, _FLEET, size)) % len(fleet)
    pool = codes.containers(rng, min(max(200, size // 3), 900_000))
    boxes = [by_number(pool, np.where(at_sea, rng.integers(0, len(pool), size), -1)) for _ in "123"]
    count = pl.Series(1 + rng.binomial(2, 0.2, size))
    number = pl.Series(rng.integers(10**8, 10**9, size)).cast(pl.String)
    frame = pl.DataFrame({"a": boxes[0], "b": boxes[1], "c": boxes[2], "n": count, "bill": number})
    listed = pl.when(pl.col("n") == 1).then("a").when(pl.col("n") == 2).then(
        pl.concat_str("a", "b", separator=";")
    ).otherwise(pl.concat_str("a", "b", "c", separator=";"))  # fmt: skip
    prefix = pl.Series(np.where(at_sea, "HBL", np.where(voyages.mode == "5", "AWB", "CMR")))
    return frame.select(
        bill_of_lading=prefix + frame["bill"],
        vessel_imo=by_number(fleet, np.where(at_sea, hull, -1)),
        containers=listed,
    )


def shipment_table(
    shipments: Shipments, voyages: Voyages, ids: Ids, seed: int, policy: WorldPolicy,
    reference: Reference,
) -> pl.DataFrame:  # fmt: skip
    """The declarations, by day and number."""
    rng = stream(seed, "documents")
    trader, partner = shipments.trader, shipments.partner
    importing = shipments.importing
    ports = pl.Series(reference.routes.codes, dtype=pl.String)
    mode = rng.choice(["0110", "0615", "0214", "1039", "9610"], shipments.size,
                      p=[0.8, 0.1, 0.05, 0.03, 0.02])  # fmt: skip
    carriage = _carriage(rng, shipments, voyages)
    day = dates(shipments.day, policy)
    calls = pl.Series(voyages.calls, dtype=pl.String)
    frame = pl.DataFrame(
        {
            "shipment_id": ids.shipment,
            "declared_at": day,
            "direction": pl.Series(np.where(importing, "I", "E"), dtype=pl.String),
            "customs_office": pl.Series(voyages.office, dtype=pl.String),
            "transport_mode": pl.Series(voyages.mode, dtype=pl.String),
            "trade_mode": pl.Series(mode, dtype=pl.String),
            "importer_id": by_number(ids.enterprise, np.where(importing, trader, partner)),
            "exporter_id": by_number(ids.enterprise, np.where(importing, partner, trader)),
            "declarant_id": by_number(ids.enterprise, shipments.declarant),
            "carrier_id": by_number(ids.enterprise, shipments.carrier),
            "forwarder_id": by_number(ids.enterprise, shipments.forwarder),
            "manufacturer_id": by_number(ids.enterprise, shipments.maker),
            "bill_of_lading": carriage["bill_of_lading"],
            "vessel_imo": carriage["vessel_imo"],
            "containers": carriage["containers"],
            "loading_port": ports.gather(pl.Series(voyages.loading).cast(pl.UInt32)),
            "transit_ports": calls,
            "discharge_port": ports.gather(pl.Series(voyages.discharge).cast(pl.UInt32)),
            "departure_country": take(list(reference.countries), voyages.departure),
            "recorded_at": day,
        }
    )
    return frame.with_columns(
        transit_ports=pl.when(pl.col("transit_ports") != "").then("transit_ports")
    ).sort("declared_at", "shipment_id")


def item_values(items: Items) -> tuple[Floats, Floats]:
    """Net mass in kilograms and customs value in yuan, rounded as declared."""
    mass = np.maximum(np.exp(items.mass).round(2), 0.01)
    value = np.maximum((mass * np.exp(np.clip(items.price, -3, 14))).round(2), 1.0)
    return mass, value


def item_table(
    items: Items, gross: Floats, ids: Ids, seed: int, reference: Reference
) -> pl.DataFrame:
    """The goods items, by declaration and number. Preferential origins halve the tax rate."""
    rng = stream(seed, "item documents")
    goods = reference.goods
    mass, value = item_values(items)
    size = len(mass)
    preferred = np.isin(reference.countries, _ASEAN)[items.origin] & (rng.random(size) < 0.7)
    rate = np.where(preferred, goods.rate[items.goods] / 2, goods.rate[items.goods]).round(1)
    national = [f"{code}{'0000' if i % 3 else '9000'}" for i, code in enumerate(goods.codes)]
    pieces = goods.trade[items.goods] >= 12
    counted = pieces & (goods.trade[items.goods] != RECYCLING)
    each = np.exp(rng.normal(0.5, 1.0, size))
    quantity = np.where(counted, np.maximum(1, (mass / each).round()), mass)
    texts = [text[:80] for text in goods.frame["description"]]
    return pl.DataFrame(
        {
            "shipment_id": ids.shipment.gather(pl.Series(items.shipment).cast(pl.UInt32)),
            "item_no": pl.Series(items.number, dtype=pl.Int64),
            "hs_code": take(national, items.goods),
            "description": take(texts, items.goods),
            "origin_country": take(list(reference.countries), items.origin),
            "quantity": quantity,
            "unit": pl.Series(np.where(counted, "个", "千克"), dtype=pl.String),
            "net_mass_kg": mass,
            "gross_mass_kg": (mass * gross).round(2),
            "customs_value": value,
            "currency": pl.Series(["CNY"], dtype=pl.String).new_from_index(0, size),
            "tax_rate": rate,
        }
    ).sort("shipment_id", "item_no")


def findings(
    inspections: Inspections, shipments: Shipments, violations: Violations, duty: Floats, ids: Ids,
    seed: int, policy: WorldPolicy,
) -> pl.DataFrame:  # fmt: skip
    """The findings, by day and id. `duty` is what a violation of each shipment would recover."""
    rng = stream(seed, "findings")
    rows = inspections.shipment
    kind, severity = violations.type[rows], violations.severity[rows]
    found = kind >= 0
    recovered = (duty[rows] * rng.uniform(0.1, 0.6, len(rows))).round(2)
    return pl.DataFrame(
        {
            "finding_id": _letters(rng, "F", len(rows)),
            "shipment_id": ids.shipment.gather(pl.Series(rows).cast(pl.UInt32)),
            "enterprise_id": by_number(ids.enterprise, shipments.trader[rows]),
            "inspected_on": dates(inspections.day, policy),
            "recorded_at": dates(inspections.recorded, policy),
            "outcome": pl.Series(np.where(found, "violation", "compliant"), dtype=pl.String),
            "type": take(TYPES, kind),
            "severity": take(SEVERITIES, severity),
            "duty_recovered": pl.Series(np.where(found, recovered, np.nan)).fill_nan(None),
            "selection": pl.Series(
                np.where(inspections.random, "random", "targeted"), dtype=pl.String
            ),
            "probability": inspections.probability,
        }
    ).sort("inspected_on", "finding_id")


def credit_events(events: pl.DataFrame, ids: Ids, seed: int, policy: WorldPolicy) -> pl.DataFrame:
    """The credit events, by day and id; a later statement of the same id says when it ended."""
    rng = stream(seed, "events")
    total = int(events["event"].max()) + 1 if events.height else 0  # type: ignore[arg-type]
    names = _letters(rng, "C", total)
    ended = events["ended"]
    return (
        events.with_columns(
            event_id=names.gather(events["event"].cast(pl.UInt32)),
            enterprise_id=by_number(ids.enterprise, events["enterprise"].to_numpy()),
            occurred_on=dates(events["day"], policy),
            recorded_at=dates(events["recorded"], policy),
            amount=pl.col("amount").fill_nan(None),
            ended_on=dates(ended, policy),
        )
        .with_columns(ended_on=pl.when(pl.col("ended") >= 0).then("ended_on"))
        .sort("recorded_at", "event_id")
    )


def list_entries(rows: pl.DataFrame, seed: int, policy: WorldPolicy) -> pl.DataFrame:
    """List entries with ids, by id."""
    rng = stream(seed, "entries")
    return rows.with_columns(
        entry_id=_letters(rng, "L", rows.height),
        listed_on=dates(rows["listed"], policy),
        delisted_on=pl.lit(None, dtype=pl.Date),
    )


def places(reference: Reference) -> pl.DataFrame:
    """The ports of the world."""
    return reference.routes.ports


def commodities(reference: Reference) -> pl.DataFrame:
    """The subheadings of the world and the headings and chapters above them."""
    leaves = reference.goods.frame.select(
        pl.col("hs6").alias("hs_code"),
        "description",
        pl.col("hs6").str.slice(0, 4).alias("parent"),
        pl.lit(6, dtype=pl.Int64).alias("level"),
    )
    above = reference.headings.select(
        pl.col("hscode").alias("hs_code"),
        "description",
        pl.when(pl.col("hscode").str.len_chars() == 4)
        .then(pl.col("hscode").str.slice(0, 2))
        .alias("parent"),
        pl.col("hscode").str.len_chars().cast(pl.Int64).alias("level"),
    )
    return pl.concat([leaves, above]).sort("hs_code")
