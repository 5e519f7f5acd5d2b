"""What each trader usually does: its partners, goods, brokers, forwarders, carriers and makers."""

from dataclasses import dataclass

import numpy as np

from ingest.world.arrays import Floats, Ints, Pools, stream, weighted
from ingest.world.policy import SCHEMES, WorldPolicy
from ingest.world.population import Population
from ingest.world.reference import TRADES, Reference, random_port
from ingest.world.rings import SELLERS, Rings

#: How a trader's shipments divide among its slots, the first slot being the usual one.
PARTNER_SHARES = (0.45, 0.22, 0.13, 0.09, 0.06, 0.05)
GOODS_SHARES = (0.42, 0.22, 0.14, 0.10, 0.07, 0.05)
BROKER_SHARES = (0.75, 0.18, 0.07)
FORWARDER_SHARES = (0.7, 0.3)
CARRIER_SHARES = (0.5, 0.3, 0.2)
MAKER_SHARES = (0.7, 0.3)


@dataclass(frozen=True)
class Profiles:
    """Slots of each trader (honest ones, then fronts); `propensity` is the chance that one of its
    shipments violates when no ring is behind it. `foreign_port` is a port for every enterprise."""

    partner: Ints
    partners: Ints
    goods: Ints
    goods_count: Ints
    broker: Ints
    forwarder: Ints
    carrier: Ints
    maker: Ints
    foreign_maker: Ints
    import_share: Floats
    propensity: Floats
    foreign_port: Ints


def _popular(rng: np.random.Generator, members: Ints, shape: tuple[int, int], sigma: float) -> Ints:
    """Members drawn with heavy-tailed popularity."""
    popularity = rng.lognormal(0.0, sigma, len(members))
    drawn = weighted(rng, popularity, shape[0] * shape[1]).reshape(shape)
    return np.asarray(members[drawn], dtype=np.int64)


def build(
    population: Population, rings: Rings, seed: int, policy: WorldPolicy, reference: Reference
) -> Profiles:
    """Draw the slots of all traders. O(traders)."""
    rng = stream(seed, "profiles")
    n = population.traders
    trade = population.trade[:n]
    abroad = population.members("foreign_trader")
    sellers = Pools(population.trade[abroad], rng.lognormal(0, 0.9, len(abroad)), len(TRADES))
    goods = Pools(reference.goods.trade, reference.goods.weight, len(TRADES))
    wide = np.tile(trade[:, None], (1, len(PARTNER_SHARES)))
    profile = Profiles(
        abroad[sellers.draw(rng, wide)],
        rng.geometric(0.35, n).clip(1, len(PARTNER_SHARES)),
        goods.draw(rng, wide),
        rng.geometric(0.3, n).clip(1, len(GOODS_SHARES)),
        _popular(rng, population.members("broker"), (n, 3), 0.9),
        _popular(rng, population.members("forwarder"), (n, 2), 0.9),
        _popular(rng, population.members("carrier"), (n, 3), 0.8),
        _popular(rng, population.members("maker"), (n, 2), 0.7),
        _popular(rng, population.members("foreign_maker"), (n, 2), 0.7),
        rng.beta(3 * policy.import_share, 3 * (1 - policy.import_share), n),
        np.minimum(rng.gamma(0.3, policy.lone_rate / 0.3, n), 0.5),
        random_port(reference, rng, population.country),
    )
    _behind_fronts(rng, profile, population, rings, policy)
    return profile


def _behind_fronts(
    rng: np.random.Generator,
    profile: Profiles,
    population: Population,
    rings: Rings,
    policy: WorldPolicy,
) -> None:
    """Put the rings' sellers, brokers and forwarders into the fronts' slots, but for the noise."""
    block = population.blocks["front"]
    inside, ring = slice(block.start, block.stop), rings.ring
    fronts = len(block)

    def mix(slots: Ints, persistent: Ints, noise: float) -> None:
        keep = rng.random(slots[inside].shape) >= noise
        slots[inside] = np.where(keep, persistent, slots[inside])

    age = rings.epoch * policy.rotation_days // 150
    turn = (age[:, None] + np.arange(len(PARTNER_SHARES)) % 2) % SELLERS
    mix(profile.partner, rings.sellers[ring[:, None], turn], policy.ring_noise)
    mix(profile.broker, rings.broker[ring][:, None], policy.ring_noise)
    mix(profile.forwarder, rings.forwarder[ring][:, None], 0.5)
    profile.partners[inside] = rng.integers(2, 5, fronts)
    profile.goods_count[inside] = rng.integers(2, 5, fronts)
    circular = rings.scheme[ring] == SCHEMES.index("circular_trade")
    profile.import_share[inside] = np.where(circular, 0.5, rng.beta(6, 1.5, fronts))
    profile.propensity[inside] = rings.rate[ring]
