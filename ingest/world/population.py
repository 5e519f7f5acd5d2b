"""Who there is: enterprises by role, where, in which trade, active from when to when."""

from dataclasses import dataclass

import numpy as np

from ingest.world.arrays import Floats, Ints, stream, weighted
from ingest.world.policy import SCHEMES, WorldError, WorldPolicy
from ingest.world.reference import CITY_WEIGHTS, RECYCLING, TRADES, Reference

#: Roles, in the order of their numbers; enterprises are numbered role by role (ids are shuffled).
ROLES = (
    "trader",
    "front",
    "holding",
    "maker",
    "broker",
    "forwarder",
    "carrier",
    "foreign_trader",
    "foreign_maker",
)
HOLDINGS = 3
_SMALLEST = 100


@dataclass(frozen=True)
class Population:
    """One entry an enterprise. Days count from the first day of the period; `stop` is exclusive.

    `city` is -1 for foreign enterprises; `country` counts in `Reference.countries` (0 is China).
    `weight` is the expected number of shipments in a year of full activity, up to a constant.
    """

    blocks: dict[str, range]
    rings: int
    country: Ints
    city: Ints
    trade: Ints
    registered: Ints
    start: Ints
    stop: Ints
    weight: Floats

    @property
    def size(self) -> int:
        """Number of enterprises."""
        return len(self.country)

    @property
    def traders(self) -> int:
        """Number of enterprises that declare in their own name: honest traders, then fronts."""
        return len(self.blocks["trader"]) + len(self.blocks["front"])

    def members(self, *roles: str) -> Ints:
        """Numbers of the enterprises with these roles."""
        return np.concatenate([np.array(self.blocks[role], dtype=np.int64) for role in roles])


def _blocks(enterprises: int, shipments: int, policy: WorldPolicy) -> tuple[dict[str, range], int]:
    """Sizes of the roles and the number of rings. Raises `WorldError` for too small a world."""
    if enterprises < _SMALLEST or shipments < enterprises:
        raise WorldError(
            f"a world of {enterprises} enterprises and {shipments} shipments is too small",
            hint=f"ask for {_SMALLEST} enterprises or more, and a shipment each or more",
        )
    wanted = round(policy.ring_trade * shipments / policy.ring_shipments)
    rings = max(len(SCHEMES), min(wanted, int(policy.front_share * enterprises) // 6))
    most = 2 * (policy.days // policy.rotation_days)
    fronts = rings * max(2, min(most, int(policy.front_share * enterprises) // rings))
    sizes = {
        "front": fronts,
        "holding": HOLDINGS * rings,
        "maker": max(4, round(policy.maker_share * enterprises)),
        "broker": max(6, round(policy.broker_share * enterprises)),
        "forwarder": max(4, round(policy.forwarder_share * enterprises)),
        "carrier": max(4, round(policy.carrier_share * enterprises)),
        "foreign_trader": round(policy.foreign_trader_share * enterprises),
        "foreign_maker": max(4, round(policy.foreign_maker_share * enterprises)),
    }
    sizes["trader"] = enterprises - sum(sizes.values())
    blocks, first = {}, 0
    for role in ROLES:
        blocks[role] = range(first, first + sizes[role])
        first += sizes[role]
    return blocks, rings


def _windows(rng: np.random.Generator, traders: int, policy: WorldPolicy) -> tuple[Ints, Ints]:
    """First and last active day of honest traders: old, new, quiet and short-lived ones."""
    days = policy.days
    kind = rng.random(traders)
    start = np.where(kind < policy.new_firm_share, rng.integers(0, days - 60, traders), 0)
    quiet = rng.random(traders) < policy.quiet_share
    stop = np.where(quiet, start + 60 + rng.random(traders) * (days - 60 - start), days)
    short = kind > 1 - policy.short_lived_share
    start = np.where(short, rng.integers(0, days - 60, traders), start)
    stop = np.where(short, start + rng.integers(45, 240, traders), stop)
    return start.astype(np.int64), np.minimum(stop, days).astype(np.int64)


def _registered(rng: np.random.Generator, start: Ints, size: int) -> Ints:
    """Day of registration: shortly before the first activity for firms that start in the period."""
    established = rng.gamma(2.0, 1200.0, size) + 90
    fresh = start - rng.integers(15, 160, size)
    bought = rng.random(size) < 0.15
    return np.where((start > 0) & ~bought, fresh, start - established).astype(np.int64)


def trade_volume(reference: Reference) -> Floats:
    """Declarations of each trade in the reference figures."""
    goods = reference.goods
    return np.bincount(goods.trade, goods.weight, minlength=len(TRADES)).astype(np.float64)


def populate(
    enterprises: int, shipments: int, seed: int, policy: WorldPolicy, reference: Reference
) -> Population:
    """Draw all enterprises. The fronts' windows and places are set by the rings later. O(n)."""
    rng = stream(seed, "population")
    blocks, rings = _blocks(enterprises, shipments, policy)
    size = enterprises
    start, stop = np.zeros(size, dtype=np.int64), np.full(size, policy.days, dtype=np.int64)
    honest = len(blocks["trader"])
    start[:honest], stop[:honest] = _windows(rng, honest, policy)
    foreign = np.zeros(size, dtype=bool)
    foreign[blocks["foreign_trader"].start :] = True
    foreign[blocks["carrier"].start : blocks["carrier"].stop] = rng.random(
        len(blocks["carrier"])
    ) < (0.5)
    country = np.where(foreign, weighted(rng, reference.country_weight, size), 0)
    city = np.where(foreign, -1, weighted(rng, np.array(CITY_WEIGHTS, dtype=np.float64), size))
    volume = trade_volume(reference)
    volume[RECYCLING] = policy.recycling_share * volume.sum()
    trade = weighted(rng, volume, size)
    weight = rng.lognormal(0.0, policy.activity_sigma, size)
    registered = _registered(rng, start, size)
    return Population(blocks, rings, country, city, trade, registered, start, stop, weight)
