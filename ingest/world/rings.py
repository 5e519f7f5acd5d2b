"""Fraud rings: fronts that come and go, and what stays behind them.

A ring keeps a broker, an address, a telephone number, a nominee, a chain of holdings and a set of
foreign sellers, while the importer in whose name it declares changes every `rotation_days`. A
quarter of the links that would betray it are replaced by links like anybody's.
"""

from dataclasses import dataclass, replace

import numpy as np

from ingest.world.arrays import Bools, Floats, Ints, stream, weighted
from ingest.world.policy import SCHEMES, WorldPolicy
from ingest.world.population import HOLDINGS, Population, trade_volume
from ingest.world.reference import (
    CITY_WEIGHTS,
    RECYCLING,
    TRADING_PLACES,
    Reference,
)

LINKS = ("address", "phone", "email", "nominee", "share")
#: How often a front of each scheme has each link, before the noise.
_PROFILE = np.array(
    [
        [1.0, 1.0, 0.4, 1.0, 0.6],
        [0.3, 0.8, 0.4, 1.0, 0.6],
        [0.5, 0.7, 0.3, 0.7, 1.0],
        [1.3, 0.5, 0.2, 0.5, 0.2],
        [0.8, 0.8, 0.3, 0.8, 0.5],
        [0.4, 0.4, 0.2, 0.6, 1.3],
    ]
)
SELLERS = 6


@dataclass(frozen=True)
class Rings:
    """One entry a ring; `ring`, `epoch` and `link` have one a front (in the order of the block).

    `link[:, i]` says whether the front has the persistent link `LINKS[i]`. `source_country` is
    where the goods of a transshipping ring really come from.
    """

    scheme: Ints
    rate: Floats
    broker: Ints
    forwarder: Ints
    city: Ints
    trade: Ints
    sellers: Ints
    source_country: Ints
    ring: Ints
    epoch: Ints
    epochs: int
    link: Bools

    def holding(self, population: Population, level: int) -> Ints:
        """The holding of each ring at a level of its chain, 0 next to the fronts."""
        return population.blocks["holding"].start + HOLDINGS * np.arange(len(self.scheme)) + level


def _ring_sellers(
    rng: np.random.Generator, population: Population, reference: Reference, scheme: Ints
) -> Ints:
    """Foreign sellers of each ring; those of transshipping rings sit in trading places."""
    everyone = population.members("foreign_trader")
    places = np.isin(reference.countries, TRADING_PLACES)
    between = everyone[places[population.country[everyone]]]
    between = between if len(between) else everyone
    chosen = rng.choice(everyone, (len(scheme), SELLERS))
    passing = rng.choice(between, (len(scheme), SELLERS))
    return np.where((scheme == SCHEMES.index("transshipment"))[:, None], passing, chosen)


def plan(population: Population, seed: int, policy: WorldPolicy, reference: Reference) -> Rings:
    """Draw the rings and which links each front keeps. O(fronts)."""
    rng = stream(seed, "rings")
    rings, fronts = population.rings, len(population.blocks["front"])
    each = fronts // rings
    epochs = min(each, policy.days // policy.rotation_days)
    ring = np.repeat(np.arange(rings), each)
    scheme = rng.permutation(np.arange(rings) % len(SCHEMES)).astype(np.int64)
    chance = np.clip(_PROFILE * (1 - policy.ring_noise), 0, 0.97)
    trade = weighted(rng, trade_volume(reference)[:RECYCLING], rings)
    sources = reference.country_weight * ~np.isin(reference.countries, TRADING_PLACES)
    return Rings(
        scheme,
        rng.normal(policy.ring_rate, 0.03, rings).clip(0.1, 0.6),
        rng.choice(population.members("broker"), rings),
        rng.choice(population.members("forwarder"), rings),
        weighted(rng, np.array(CITY_WEIGHTS, dtype=np.float64), rings),
        np.where(scheme == SCHEMES.index("waste_concealment"), RECYCLING, trade),
        _ring_sellers(rng, population, reference, scheme),
        weighted(rng, sources, rings),
        ring,
        np.tile(np.arange(each) % epochs, rings),
        epochs,
        rng.random((fronts, len(LINKS))) < chance[scheme[ring]],
    )


def place_fronts(
    population: Population, rings: Rings, seed: int, policy: WorldPolicy
) -> Population:
    """The population with the fronts' windows, registration, city, trade and activity set.

    Brokers of rings are older houses: they are registered long before the period.
    """
    rng = stream(seed, "fronts")
    block = population.blocks["front"]
    fronts, inside = len(block), slice(block.start, block.stop)
    room = max(0, policy.days - rings.epochs * policy.rotation_days)
    offset = rng.integers(0, room + 1, population.rings)[rings.ring]
    begin = offset + rings.epoch * policy.rotation_days + rng.integers(0, 12, fronts)
    arrays = {
        name: getattr(population, name).copy()
        for name in ("start", "stop", "registered", "city", "trade", "weight")
    }
    start = np.minimum(begin, policy.days - 20)
    arrays["start"][inside] = start
    arrays["stop"][inside] = np.minimum(
        start + policy.rotation_days + rng.integers(0, 25, fronts), policy.days
    )
    shell = rng.random(fronts) < 0.15
    age = np.where(shell, rng.integers(300, 2500, fronts), rng.integers(15, 160, fronts))
    arrays["registered"][inside] = start - age
    at_home = rng.random(fronts) > policy.ring_noise
    arrays["city"][inside] = np.where(at_home, rings.city[rings.ring], population.city[inside])
    waste = rings.scheme[rings.ring] == SCHEMES.index("waste_concealment")
    keeps = waste | (rng.random(fronts) < 0.5)
    arrays["trade"][inside] = np.where(
        keeps, rings.trade[rings.ring], rng.permutation(population.trade[:fronts])
    )
    arrays["weight"][inside] = rng.lognormal(0.0, 0.5, fronts)
    arrays["registered"][rings.broker] = np.minimum(
        arrays["registered"][rings.broker], -rng.integers(1500, 5000, population.rings)
    )
    holding = population.blocks["holding"]
    arrays["registered"][holding.start : holding.stop] = -rng.integers(200, 3000, len(holding))
    arrays["city"][holding.start : holding.stop] = np.repeat(rings.city, HOLDINGS)
    return replace(population, **arrays)
