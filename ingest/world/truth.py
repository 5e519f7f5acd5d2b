"""The planted truth, kept apart from the tables: what investigators would have to find out."""

import numpy as np
import polars as pl

from ingest.world.arrays import Ints, dates, take
from ingest.world.enterprises import Directory
from ingest.world.people import People
from ingest.world.policy import SCHEMES, WorldPolicy
from ingest.world.population import HOLDINGS, ROLES, Population
from ingest.world.records import Ids, by_number
from ingest.world.rings import LINKS, Rings
from ingest.world.schemes import Violations
from ingest.world.shipments import Shipments
from ingest.world.voyages import Voyages


def shipment_truth(
    shipments: Shipments, violations: Violations, voyages: Voyages, ids: Ids
) -> pl.DataFrame:
    """Each shipment: `violation`, `scheme`, `ring` (null outside), `oracle` (the probability that
    follows from who is behind it), voyage in nautical miles and days."""
    return pl.DataFrame(
        {
            "shipment_id": ids.shipment,
            "violation": shipments.violation,
            "scheme": pl.Series(violations.scheme, dtype=pl.String),
            "ring": _ring(shipments.ring),
            "oracle": shipments.chance,
            "distance_nm": voyages.miles.round(0),
            "days_at_sea": voyages.days.round(1),
        }
    ).with_columns(scheme=pl.when("violation").then("scheme")).sort("shipment_id")  # fmt: skip


def _ring(ring: Ints) -> pl.Series:
    column = pl.Series("ring", ring, dtype=pl.Int64)
    return column.to_frame().select(pl.when(pl.col("ring") >= 0).then("ring")).to_series()


def enterprise_truth(
    population: Population, rings: Rings, ids: Ids, policy: WorldPolicy
) -> pl.DataFrame:
    """Members of rings: `enterprise_id`, `ring`, `scheme`, `role`, the links each front keeps."""
    fronts = np.array(population.blocks["front"])
    sellers = rings.sellers.ravel()
    every = np.arange(len(rings.scheme))
    member = np.concatenate(
        [fronts, np.array(population.blocks["holding"]), rings.broker, rings.forwarder, sellers]
    )
    ring = np.concatenate(
        [
            rings.ring,
            np.repeat(every, HOLDINGS),
            every,
            every,
            np.repeat(every, rings.sellers.shape[1]),
        ]
    )
    link = np.vstack([rings.link, np.zeros((len(member) - len(fronts), len(LINKS)), dtype=bool)])
    role = np.zeros(population.size, dtype=np.int64)
    for number, name in enumerate(ROLES):
        role[population.blocks[name].start : population.blocks[name].stop] = number
    frame = pl.DataFrame(
        {
            "enterprise_id": by_number(ids.enterprise, member),
            "ring": ring,
            "scheme": take(SCHEMES, rings.scheme[ring]),
            "role": take(ROLES, role[member]),
            "active_from": dates(population.start[member], policy),
            "active_to": dates(population.stop[member], policy),
            **{f"keeps_{name}": link[:, i] for i, name in enumerate(LINKS)},
        }
    )
    return frame.unique(["enterprise_id", "ring"]).sort("ring", "enterprise_id")


def ring_truth(
    population: Population, rings: Rings, directory: Directory, people: People, ids: Ids
) -> pl.DataFrame:
    """Each ring: `ring`, `scheme`, `rate` and what persists."""
    return pl.DataFrame(
        {
            "ring": np.arange(len(rings.scheme)),
            "scheme": take(SCHEMES, rings.scheme),
            "rate": rings.rate,
            "broker_id": by_number(ids.enterprise, rings.broker),
            "forwarder_id": by_number(ids.enterprise, rings.forwarder),
            "holding_id": by_number(ids.enterprise, rings.holding(population, 0)),
            "nominee_id": by_number(ids.person, people.nominee),
            "address": directory.ring_address,
            "phone": directory.ring_phone,
        }
    )


def duplicate_truth(directory: Directory, ids: Ids) -> pl.DataFrame:
    """Pairs of enterprises that are the same firm registered twice."""
    second = np.flatnonzero(directory.duplicate_of >= 0)
    return pl.DataFrame(
        {
            "enterprise_id": by_number(ids.enterprise, second),
            "same_as": by_number(ids.enterprise, directory.duplicate_of[second]),
        }
    ).sort("enterprise_id")


def list_truth(entries: pl.DataFrame, named: Ints, ids: Ids) -> pl.DataFrame:
    """List entries and the enterprise each names, or whose person; null for none of ours."""
    return pl.DataFrame(
        {"entry_id": entries["entry_id"], "kind": entries["kind"],
         "enterprise_id": by_number(ids.enterprise, named)}
    ).sort("entry_id")  # fmt: skip
