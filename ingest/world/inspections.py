"""Selection for inspection by two wheels, and the findings that come of it.

The random wheel takes each shipment with the same known probability. The targeted wheel is crude:
it looks at price against the usual price, departure, newness of the trader and its credit class,
and takes each shipment with a probability of its own, which is recorded. A shipment taken by both
counts as random. `probability` is that of the wheel named having been the one that took it.
"""

from dataclasses import dataclass

import numpy as np

from ingest.world.arrays import Bools, Floats, Ints, stream
from ingest.world.policy import WorldPolicy
from ingest.world.population import Population
from ingest.world.reference import RECYCLING, Reference
from ingest.world.shipments import Items, Shipments
from ingest.world.voyages import Voyages

_MOST = 0.85
#: How loosely certification follows size (standard deviation of the logarithm); a choice.
_CERTIFIED_NOISE = 1.5


@dataclass(frozen=True)
class Classes:
    """One entry an enterprise: the day from which it is certified or dishonest, or a day after the
    period; both are known before the shipments they change the handling of."""

    certified: Ints
    dishonest: Ints


@dataclass(frozen=True)
class Inspections:
    """One entry a finding, in random order. Days count from the first day of the period."""

    shipment: Ints
    day: Ints
    recorded: Ints
    random: Bools
    probability: Floats


def _offenders(rng: np.random.Generator, firms: Ints, propensity: Floats, count: int) -> Ints:
    """Different firms, the more prone to violate the likelier; at least one."""
    keys = rng.exponential(1.0, len(firms)) / (propensity[firms] + 1e-9)
    return firms[np.argsort(keys, kind="stable")[: max(1, count)]]


def classes(
    population: Population, traded: Floats, propensity: Floats, seed: int, policy: WorldPolicy
) -> Classes:
    """Certified enterprises are old honest ones that trade much; small offenders begin dishonest.

    `traded` is the value each of the first enterprises (those that trade) declares, in yuan;
    `propensity` the chance that one of its shipments violates.
    """
    rng = stream(seed, "classes")
    never = policy.days + 10_000
    certified = np.full(population.size, never)
    dishonest = np.full(population.size, never)
    firms = population.members("trader", "maker", "broker", "forwarder")
    old = firms[(population.registered[firms] < -400) & (population.stop[firms] == policy.days)]
    count = max(1, round(policy.certified_share * population.size))
    value = np.zeros(population.size)
    value[: len(traded)] = traded
    scale = (value[old] + 1.0) * rng.lognormal(0, _CERTIFIED_NOISE, len(old))
    largest = old[np.argsort(-scale, kind="stable")[:count]]
    certified[largest] = rng.integers(-365, int(policy.days * 0.6), len(largest))
    others = np.setdiff1d(old, largest)
    small = others[(others < len(traded)) & (value[others] < np.median(traded))]
    early = _offenders(
        rng, small, propensity, round(0.25 * policy.dishonest_share * population.size)
    )
    dishonest[early] = -rng.integers(1, 600, len(early))
    return Classes(certified, dishonest)


def _suspicion(
    shipments: Shipments,
    items: Items,
    voyages: Voyages,
    population: Population,
    reference: Reference,
) -> Floats:
    """The crude wheel's score: sums of rules of thumb, higher is more suspect."""
    goods = reference.goods
    size = shipments.size
    spread = np.minimum(goods.price_sd[items.goods], 0.9)
    cheap = np.clip((goods.price[items.goods] - items.price) / spread, -2, 3)
    lowest = np.full(size, -2.0)
    np.maximum.at(lowest, items.shipment, cheap)
    scrap = np.zeros(size, dtype=bool)
    scrap[items.shipment[goods.trade[items.goods] == RECYCLING]] = True
    young = shipments.day - population.registered[shipments.trader] < 200
    moved = voyages.departure != reference.routes.country[voyages.loading]
    moved &= shipments.importing
    return np.asarray(0.45 * lowest + 0.5 * scrap + 0.6 * young + 0.5 * moved, dtype=np.float64)


def _targeted(
    score: Floats, factor: Floats, share: float, rng: np.random.Generator
) -> tuple[Floats, Bools]:
    """Probability of each shipment with the wanted mean, and the draw."""
    weight = np.exp(score) * factor
    scale = share / weight.mean()
    for _ in range(20):
        scale *= share / np.minimum(scale * weight, _MOST).mean()
    probability = np.minimum(scale * weight, _MOST)
    return probability, rng.random(len(score)) < probability


def inspect(
    shipments: Shipments,
    items: Items,
    voyages: Voyages,
    population: Population,
    standing: Classes,
    seed: int,
    policy: WorldPolicy,
    reference: Reference,
) -> Inspections:
    """Select and inspect; results are recorded 7 to 30 days after the inspection. O(size)."""
    rng = stream(seed, "inspections")
    size = shipments.size
    random = rng.random(size) < policy.random_probability
    score = _suspicion(shipments, items, voyages, population, reference)
    who = shipments.trader
    factor = np.where(standing.certified[who] <= shipments.day, policy.certified_factor, 1.0)
    factor = np.where(standing.dishonest[who] <= shipments.day, policy.dishonest_factor, factor)
    share = policy.inspected_share - policy.random_probability
    probability, targeted = _targeted(score, factor, share, rng)
    taken = np.flatnonzero(random | targeted)
    chosen = random[taken]
    own = probability[taken] * (1 - policy.random_probability)
    day = shipments.day[taken] + rng.integers(0, 4, len(taken))
    return Inspections(
        taken,
        day,
        day + rng.integers(7, 31, len(taken)),
        chosen,
        np.where(chosen, policy.random_probability, own),
    )
