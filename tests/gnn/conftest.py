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


def planted(size: int = 6000, seed: int = 1, inspected: float = 0.25) -> Planted:
    """`size` shipments over 720 days, a tenth of the enterprises in rings that last."""
    generator = np.random.default_rng(seed)
    enterprises, brokers, rings = size // 12, 30, size // 400
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
    broker = enterprises + generator.integers(0, brokers, size)
    strength = generator.normal(size=size)
    chance = np.where(ring[importer] >= 0, 0.45, 0.015) * np.exp(0.4 * strength)
    truth = (generator.random(size) < chance).astype(float)
    seen = generator.random(size) < inspected
    recorded = np.where(seen, day + 21, NEVER).astype(np.int32)
    outcome = np.where(seen, truth, np.nan)
    # An address of one's own, or the ring's; a third of the ring members hide it.
    shown = (ring >= 0) & (generator.random(enterprises) < 0.7)
    address = np.where(shown, ring, rings + np.arange(enterprises))
    party = np.arange(enterprises)
    place = Link(
        "address",
        party,
        address,
        start.astype(np.int32),
        enterprises + brokers,
        rings + enterprises,
    )
    known = np.flatnonzero(seen)
    day32 = day.astype(np.int32)

    def rate(codes: np.ndarray) -> np.ndarray:
        return known_rate(codes, day32, codes[known], recorded[known], truth[known], 0.05)

    features = np.stack(
        [
            strength + generator.normal(size=size),
            generator.normal(size=size),
            rate(importer),
            (day - start[importer]) * 1.0,
            rate(address[importer]),
        ],
        axis=1,
    ).astype(np.float32)
    nothing = [
        Link(
            kind,
            np.empty(0, np.int64),
            np.empty(0, np.int64),
            np.empty(0, np.int32),
            enterprises + brokers,
            0,
        )
        for kind in KINDS
        if kind != "address"
    ]
    none = np.full(size, -1)
    cases = Cases(
        shipment_id=np.array([f"S{number:06}" for number in range(size)], dtype=object),
        declared=day32,
        features=features,
        names=("signal", "noise", "importer_rate", "importer_age", "address_rate"),
        groups={
            "row": ("signal", "noise"),
            "history": ("importer_rate", "importer_age"),
            "neighbour": ("address_rate",),
        },
        outcome=outcome,
        recorded=recorded,
        probability=np.where(seen, inspected, np.nan),
        parties={
            "importer": importer, "exporter": none, "declarant": broker,
            "manufacturer": none, "carrier": none, "forwarder": none,
        },
        product=np.arange(size),
        enterprises=enterprises + brokers,
    )  # fmt: skip
    return Planted(cases, (place, *nothing), truth)


@pytest.fixture(scope="session")
def plant() -> Callable[..., Planted]:
    """Makes planted worlds."""
    return planted
