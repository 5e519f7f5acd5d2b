"""Who declares what, when, with whom: the shipments and their goods items as arrays of numbers."""

from dataclasses import dataclass

import numpy as np

from ingest.world.arrays import Bools, Floats, Ints, slot, stream, weighted
from ingest.world.policy import WorldPolicy
from ingest.world.population import Population
from ingest.world.profiles import (
    BROKER_SHARES,
    CARRIER_SHARES,
    FORWARDER_SHARES,
    GOODS_SHARES,
    MAKER_SHARES,
    PARTNER_SHARES,
    Profiles,
)
from ingest.world.reference import Reference
from ingest.world.rings import Rings

ITEM_SHARES = (0.62, 0.20, 0.11, 0.07)
#: Month by month: the lunar new year's trough, the year-end peak.
_MONTHS = (0.98, 0.72, 1.0, 1.0, 1.01, 1.0, 1.02, 1.03, 1.08, 1.0, 1.08, 1.12)
_WEEKDAYS = (1.15, 1.15, 1.15, 1.12, 1.12, 0.72, 0.59)


@dataclass
class Shipments:
    """One entry a shipment, in random order; parties are numbers of enterprises, -1 for none.

    `ring` is -1 outside rings. `chance` is the probability of a violation that follows from who
    trades (the ring oracle's score); `violation` what came of it.
    """

    trader: Ints
    day: Ints
    importing: Bools
    partner: Ints
    declarant: Ints
    carrier: Ints
    forwarder: Ints
    maker: Ints
    ring: Ints
    chance: Floats
    violation: Bools

    @property
    def size(self) -> int:
        """Number of shipments."""
        return len(self.trader)


@dataclass
class Items:
    """One entry an item, by shipment. `price` is yuan per kilogram, `mass` net kilograms, both as
    natural logarithms; `goods` counts in `Reference.goods`; `origin` in `Reference.countries`."""

    shipment: Ints
    number: Ints
    goods: Ints
    price: Floats
    mass: Floats
    origin: Ints


def calendar(policy: WorldPolicy) -> Floats:
    """Cumulative expected trade up to the end of each day: growth, season, weekday; 0 first."""
    days = np.arange(policy.days)
    first = np.datetime64(policy.first_day)
    month = (first + days).astype("datetime64[M]").astype(np.int64) % 12
    weekday = (days + policy.first_day.weekday()) % 7
    growth = np.exp(policy.growth_per_year * days / 365.25)
    daily = growth * np.array(_MONTHS)[month] * np.array(_WEEKDAYS)[weekday]
    return np.concatenate([[0.0], np.cumsum(daily)])


def _who(
    rng: np.random.Generator, population: Population, trade: Floats, size: int, policy: WorldPolicy
) -> Ints:
    """The trader of each shipment: heavy-tailed activity over the time each was active."""
    n, honest = population.traders, len(population.blocks["trader"])
    active = trade[population.stop[:n]] - trade[population.start[:n]]
    weight = population.weight[:n] * active
    weight[:honest] *= (1 - policy.ring_trade) / weight[:honest].sum()
    weight[honest:] *= policy.ring_trade / weight[honest:].sum()
    return weighted(rng, weight, size)


def draw(
    population: Population,
    rings: Rings,
    profiles: Profiles,
    size: int,
    seed: int,
    policy: WorldPolicy,
) -> Shipments:
    """Draw the shipments. O(size log(traders))."""
    rng = stream(seed, "shipments")
    trade = calendar(policy)
    who = _who(rng, population, trade, size, policy)
    low, high = trade[population.start[who]], trade[population.stop[who]]
    day = np.searchsorted(trade, low + rng.random(size) * (high - low), side="right") - 1
    importing = rng.random(size) < profiles.import_share[who]
    every = np.full(size, 6)

    def pick(slots: Ints, shares: tuple[float, ...], count: Ints | int) -> Ints:
        counts = every * 0 + count if isinstance(count, int) else count
        return np.asarray(slots[who, slot(rng, shares, counts)], dtype=np.int64)

    abroad, home = (
        pick(profiles.foreign_maker, MAKER_SHARES, 2),
        pick(profiles.maker, MAKER_SHARES, 2),
    )
    maker = np.where(importing, abroad, home)
    block = population.blocks["front"]
    behind = np.append(rings.ring, 0)[np.clip(who - block.start, -1, len(block))]
    ring = np.where(who >= block.start, behind, -1)
    chance = profiles.propensity[who]
    return Shipments(
        who,
        np.clip(day, population.start[who], population.stop[who] - 1),
        importing,
        pick(profiles.partner, PARTNER_SHARES, profiles.partners[who]),
        np.where(rng.random(size) < 0.04, -1, pick(profiles.broker, BROKER_SHARES, 3)),
        pick(profiles.carrier, CARRIER_SHARES, 3),
        np.where(rng.random(size) < 0.2, -1, pick(profiles.forwarder, FORWARDER_SHARES, 2)),
        np.where(rng.random(size) < 0.45, -1, maker),
        ring,
        chance,
        rng.random(size) < chance,
    )


def _origins(
    rng: np.random.Generator,
    shipments: Shipments,
    population: Population,
    reference: Reference,
    policy: WorldPolicy,
) -> Ints:
    """Where the goods of each shipment are from: mostly the seller's country, else a third one."""
    seller = population.country[shipments.partner]
    third = weighted(rng, reference.country_weight, shipments.size)
    usual = rng.random(shipments.size) >= policy.third_country_share
    return np.where(shipments.importing, np.where(usual, seller, third), 0)


def draw_items(
    shipments: Shipments,
    population: Population,
    profiles: Profiles,
    seed: int,
    policy: WorldPolicy,
    reference: Reference,
) -> Items:
    """Draw 1 to 4 items a shipment, with honest prices and masses. O(items)."""
    rng = stream(seed, "items")
    goods = reference.goods
    count = 1 + weighted(rng, np.array(ITEM_SHARES), shipments.size)
    owner = np.repeat(np.arange(shipments.size), count)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    who = shipments.trader[owner]
    first = slot(rng, GOODS_SHARES, profiles.goods_count[shipments.trader])
    code = profiles.goods[who, (first[owner] + number) % profiles.goods_count[who]]
    spread = np.minimum(goods.price_sd[code], policy.price_sd_cap)
    # A pair of partners keeps its own price level for its goods.
    habit = np.sin(who * 12.9898 + shipments.partner[owner] * 78.233 + code * 37.719)
    price = goods.price[code] + spread * (0.55 * habit + 0.8 * rng.standard_normal(len(owner)))
    size_of_firm = 0.3 * np.log(population.weight[who])
    mass = (
        goods.mass[code]
        + size_of_firm
        + 0.7 * goods.mass_sd[code] * rng.standard_normal(len(owner))
    )
    origin = _origins(rng, shipments, population, reference, policy)[owner]
    mixed = (rng.random(len(owner)) < 0.04) & shipments.importing[owner]
    other = weighted(rng, reference.country_weight, len(owner))
    return Items(
        owner,
        number + 1,
        code,
        price,
        np.clip(mass, -1.0, 17.0),
        np.where(mixed, other, origin),
    )
