"""What a violation does to the declaration: small shifts that overlap the honest spread."""

from dataclasses import dataclass

import numpy as np

from ingest.world.arrays import Bools, Floats, Ints, Texts, stream
from ingest.world.policy import LONE, SCHEMES, WorldPolicy
from ingest.world.reference import Reference
from ingest.world.rings import Rings
from ingest.world.shipments import Items, Shipments

#: Kinds of violation a finding names.
TYPES = (
    "undervaluation",
    "misclassification",
    "origin",
    "quantity",
    "concealment",
    "overvaluation",
)
#: The kind that each scheme shows, in the order of `SCHEMES`.
_TYPE_OF_SCHEME = (1, 0, 2, 3, 4, 5)
#: Goods that pass for each other differ by less than this in the logarithm of price.
_ALIKE = 0.8
_LONE_TYPES = (0.34, 0.26, 0.14, 0.2, 0.04, 0.02)


@dataclass(frozen=True)
class Violations:
    """One entry a shipment: kind (-1: none), scheme or "", severity 0 to 2 (-1: none)."""

    type: Ints
    scheme: Texts
    severity: Ints


def assign(shipments: Shipments, rings: Rings, seed: int, policy: WorldPolicy) -> Violations:
    """Which kind of violation each violating shipment is. O(size)."""
    rng = stream(seed, "violations")
    size, found = shipments.size, shipments.violation
    lone = rng.choice(len(TYPES), size, p=_LONE_TYPES)
    inside = shipments.ring >= 0
    scheme = np.where(inside, rings.scheme[shipments.ring], 0)
    kind = np.where(inside, np.array(_TYPE_OF_SCHEME)[scheme], lone)
    name = np.where(inside, np.array(SCHEMES, dtype=object)[scheme], LONE)
    severity = rng.choice(3, size, p=policy.severity)
    return Violations(
        np.where(found, kind, -1), np.where(found, name, ""), np.where(found, severity, -1)
    )


def apply(
    items: Items,
    violations: Violations,
    seed: int,
    policy: WorldPolicy,
    reference: Reference,
) -> Floats:
    """Shift the violating items in place; returns each item's gross to net mass. O(items)."""
    rng = stream(seed, "effects")
    size = len(items.goods)
    kind = violations.type[items.shipment]
    low, high = policy.undervaluation
    cut = rng.uniform(low, high, size)
    items.price -= np.where(kind == TYPES.index("undervaluation"), cut, 0.0)
    items.price += np.where(kind == TYPES.index("overvaluation"), cut, 0.0)
    waste = kind == TYPES.index("concealment")
    items.price -= np.where(waste, 0.5 * cut, 0.0)
    items.mass += np.where(waste, rng.uniform(0.0, 0.3, size), 0.0)
    _misclassify(rng, items, kind == TYPES.index("misclassification"), reference)
    gross = 1.02 + 0.14 * rng.beta(1.3, 3.0, size)
    hidden = kind == TYPES.index("quantity")
    items.mass -= np.where(hidden, rng.uniform(0.0, 0.25, size), 0.0)
    return np.asarray(gross + np.where(hidden, rng.uniform(0.0, 0.03, size), 0.0))


def _misclassify(
    rng: np.random.Generator, items: Items, wrong: Bools, reference: Reference
) -> None:
    """Declare another subheading near by with a lower rate where there is one; the price stays."""
    goods = reference.goods
    rows = np.flatnonzero(wrong)
    step = rng.integers(1, 5, len(rows)) * rng.choice([-1, 1], len(rows))
    near = np.clip(items.goods[rows] + step, 0, len(goods.codes) - 1)
    alike = np.abs(goods.price[near] - goods.price[items.goods[rows]]) < _ALIKE
    lower = (
        (goods.rate[near] <= goods.rate[items.goods[rows]])
        & (goods.trade[near] == goods.trade[items.goods[rows]])
        & alike
    )
    items.goods[rows] = np.where(lower, near, items.goods[rows])
