"""A small world as arrays: rings whose importers rotate while an address or a person stays."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from gnn.baselines import known_rate
from gnn.cases import NEVER, Cases
from gnn.links import KINDS, Link


@dataclass(frozen=True)
class Planted:
    """Cases, links and the truth of all shipments."""

    cases: Cases
    links: tuple[Link, ...]
    truth: np.ndarray


@dataclass(frozen=True)
class Plan:
    """Who is in which ring (-1: none), from when on, and who declared what on which day."""

    ring: np.ndarray
    start: np.ndarray
    day: np.ndarray
    importer: np.ndarray
    rings: int


def planted(size: int = 6000, seed: int = 1, inspected: float = 0.25) -> Planted:
    """`size` shipments over 720 days, a tenth of the enterprises in rings that last."""
    generator = np.random.default_rng(seed)
    plan = drawn(size, generator)
    enterprises, brokers = plan.ring.size, 30
    broker = enterprises + generator.integers(0, brokers, size)
    strength = generator.normal(size=size)
    chance = np.where(plan.ring[plan.importer] >= 0, 0.45, 0.015) * np.exp(0.4 * strength)
    truth = (generator.random(size) < chance).astype(float)
    seen = generator.random(size) < inspected
    recorded = np.where(seen, plan.day + 21, NEVER).astype(np.int32)
    # An address of one's own, or the ring's; a third of the ring members hide it.
    shown = (plan.ring >= 0) & (generator.random(enterprises) < 0.7)
    address = np.where(shown, plan.ring, plan.rings + np.arange(enterprises))
    known = np.flatnonzero(seen)
    day = plan.day.astype(np.int32)

    def rate(codes: np.ndarray) -> np.ndarray:
        return known_rate(codes, day, codes[known], recorded[known], truth[known], 0.05)

    columns = {
        "signal": strength + generator.normal(size=size),
        "noise": generator.normal(size=size),
        "importer_rate": rate(plan.importer),
        "importer_age": (plan.day - plan.start[plan.importer]) * 1.0,
        "address_rate": rate(address[plan.importer]),
    }
    none = np.full(size, -1)
    cases = Cases(
        shipment_id=np.array([f"S{number:06}" for number in range(size)], dtype=object),
        declared=day,
        features=np.stack(list(columns.values()), axis=1).astype(np.float32),
        names=tuple(columns),
        groups={
            "row": ("signal", "noise"),
            "history": ("importer_rate", "importer_age"),
            "neighbour": ("address_rate",),
        },
        outcome=np.where(seen, truth, np.nan),
        recorded=recorded,
        probability=np.where(seen, inspected, np.nan),
        parties={
            "importer": plan.importer, "exporter": none, "declarant": broker,
            "manufacturer": none, "carrier": none, "forwarder": none,
        },
        product=np.arange(size),
        enterprises=enterprises + brokers,
        since=np.r_[plan.start, np.full(brokers, -200)].astype(np.int32),
    )  # fmt: skip
    return Planted(cases, addresses(plan, address, enterprises + brokers), truth)


def drawn(size: int, generator: np.random.Generator) -> Plan:
    """Rings whose members live for 60 days, others for 400, and shipments of who is alive."""
    enterprises, rings = size // 12, size // 400
    ring = np.where(
        generator.random(enterprises) < 0.3, generator.integers(0, rings, enterprises), -1
    )
    start = generator.integers(-200, 700, enterprises)
    life = np.where(ring >= 0, 60, 400)
    day = np.sort(generator.integers(0, 720, size))
    importer = np.empty(size, dtype=np.int64)
    for today in np.unique(day):
        alive = np.flatnonzero((start <= today) & (today < start + life))
        rows = day == today
        importer[rows] = generator.choice(alive, rows.sum())
    return Plan(ring, start, day, importer, rings)


def addresses(plan: Plan, address: np.ndarray, parties: int) -> tuple[Link, ...]:
    """The links of enterprises with their addresses, and none of the other kinds."""
    party, start = np.arange(plan.ring.size), plan.start.astype(np.int32)
    place = Link("address", party, address, start, parties, plan.rings + plan.ring.size)
    nobody, never = np.empty(0, np.int64), np.empty(0, np.int32)
    others = [kind for kind in KINDS if kind != "address"]
    return place, *(Link(kind, nobody, nobody, never, parties, 0) for kind in others)


@pytest.fixture(scope="session")
def plant() -> Callable[..., Planted]:
    """Makes planted worlds."""
    return planted
