"""How the goods travelled: mode of transport, ports, calls, vessels, containers."""

from dataclasses import dataclass

import numpy as np

from ingest.world.arrays import Bools, Floats, Ints, Texts, stream, weighted
from ingest.world.policy import SCHEMES, WorldPolicy
from ingest.world.population import Population
from ingest.world.profiles import Profiles
from ingest.world.reference import CITIES, CITY_WEIGHTS, TRADING_PLACES, Reference, random_port
from ingest.world.rings import Rings
from ingest.world.shipments import Items, Shipments

#: Chinese declaration codes: 2 water, 4 road, 5 air.
SEA, ROAD, AIR = "2", "4", "5"
_MILES_PER_DAY_PER_KNOT = 24.0
_DAYS_PER_CALL = 1.5


@dataclass
class Voyages:
    """One entry a shipment. Ports count in `Routes.codes`, -1 for none; `calls` are texts.

    `extra_call` is a port at which the goods are re-consigned (-1 for none): it becomes the country
    of departure. `miles` is the length of the voyage, nautical; `days` its time at sea and in port.
    """

    mode: Texts
    loading: Ints
    discharge: Ints
    extra_call: Ints
    calls: Texts
    departure: Ints
    office: Texts
    miles: Floats
    days: Floats


def _modes(rng: np.random.Generator, items: Items, size: int) -> Texts:
    """Air for what is dear and light, road for some of the rest, else sea."""
    mass = np.bincount(items.shipment, np.exp(items.mass), size)
    value = np.bincount(items.shipment, np.exp(items.mass + items.price), size)
    pull = 0.8 * (np.log(value / mass) - 5.2) - 0.55 * (np.log(mass) - 4.5) - 0.4
    air = rng.random(size) < 1 / (1 + np.exp(-pull))
    road = rng.random(size) < 0.03
    return np.where(air, AIR, np.where(road, ROAD, SEA)).astype(object)


def laundered(shipments: Shipments, rings: Rings) -> Bools:
    """Which shipments declare a false origin: violating imports of transshipping rings."""
    scheme = np.where(shipments.ring < 0, -1, rings.scheme[shipments.ring])
    wanted = SCHEMES.index("transshipment")
    return np.asarray((scheme == wanted) & shipments.violation & shipments.importing, dtype=bool)


def _reconsigned(
    rng: np.random.Generator,
    shipments: Shipments,
    population: Population,
    reference: Reference,
    laundered: Bools,
    policy: WorldPolicy,
) -> Ints:
    """The port at which goods change hands on the way, or -1: honest ones in trading places."""
    places = reference.country_weight * np.isin(reference.countries, TRADING_PLACES)
    honest = (rng.random(shipments.size) < policy.reconsigned_share) & shipments.importing
    country = np.where(
        laundered,
        population.country[shipments.partner],
        weighted(rng, places, shipments.size),
    )
    return np.where(honest | laundered, random_port(reference, rng, country), -1)


def plan(
    shipments: Shipments,
    items: Items,
    population: Population,
    profiles: Profiles,
    rings: Rings,
    seed: int,
    policy: WorldPolicy,
    reference: Reference,
) -> Voyages:
    """Route every shipment. A laundered one is loaded where its goods really come from and called
    at the seller's country, which it names as its departure. O(size)."""
    rng = stream(seed, "voyages")
    size = shipments.size
    mode = _modes(rng, items, size)
    # Half of the laundering is on paper only: those goods load where they are said to be from.
    washed = laundered(shipments, rings) & (rng.random(size) < policy.laundered_detour)
    mode = np.where(washed & (mode == ROAD), SEA, mode)
    first = items.number == 1
    origin = np.zeros(size, dtype=np.int64)
    origin[items.shipment[first]] = items.origin[first]
    elsewhere = np.where(rng.random(size) < 0.5, origin, population.country[shipments.partner])
    there = np.where(elsewhere > 0, elsewhere, population.country[shipments.partner])
    there = np.where(washed, rings.source_country[np.maximum(shipments.ring, 0)], there)
    abroad = random_port(reference, rng, there)
    usual = profiles.foreign_port[shipments.partner]
    same = reference.routes.country[usual] == there
    abroad = np.where(same & (rng.random(size) < 0.85), usual, abroad)
    city = np.where(
        rng.random(size) >= np.where(shipments.ring < 0, policy.away_share, policy.ring_away_share),
        population.city[shipments.trader],
        weighted(rng, np.array(CITY_WEIGHTS, dtype=np.float64), size),
    )
    home = reference.city_port[city]
    extra = _reconsigned(rng, shipments, population, reference, washed, policy)
    extra = np.where((extra == abroad) | (mode != SEA) & ~washed, -1, extra)
    loading = np.where(shipments.importing, abroad, home)
    discharge = np.where(shipments.importing, home, abroad)
    calls, miles, stops = _sail(rng, loading, discharge, extra, reference)
    passing = reference.routes.country[np.maximum(extra, 0)]
    departure = np.where(extra >= 0, passing, reference.routes.country[loading])
    at_sea = mode == SEA
    calls = np.where(at_sea | (extra >= 0), calls, "")
    days = miles / (policy.knots * _MILES_PER_DAY_PER_KNOT) + _DAYS_PER_CALL * stops
    offices = np.array([row[5] for row in CITIES], dtype=object)
    return Voyages(
        mode, loading, discharge, extra, calls, departure, offices[city],
        np.where(at_sea, miles, 0.0), np.where(at_sea, days, 0.0),
    )  # fmt: skip


def _sail(
    rng: np.random.Generator, loading: Ints, discharge: Ints, extra: Ints, reference: Reference
) -> tuple[Texts, Floats, Floats]:
    """Ports of call, length in nautical miles, number of calls: longer voyages call more."""
    routes = reference.routes
    ports = len(routes.codes)
    direct = routes.distance[loading, discharge]
    expected = np.clip(direct / 3500.0, 0.1, 2.6)
    wanted = np.minimum(rng.poisson(expected), 3)
    row = (loading * ports + discharge) * 4 + wanted
    calls, miles = routes.calls[row], routes.call_distance[row]
    detour = routes.distance[loading, extra] + routes.distance[extra, discharge]
    calls = np.where(extra >= 0, routes.codes[np.maximum(extra, 0)], calls)
    miles = np.where(extra >= 0, detour, miles)
    stops = np.where(extra >= 0, 1, wanted).astype(np.float64)
    return calls, miles, stops


def declare_origins(
    items: Items,
    shipments: Shipments,
    voyages: Voyages,
    rings: Rings,
    population: Population,
    seed: int,
) -> None:
    """Set the origins that follow from the route, in place. O(items).

    Laundered goods name the seller's country. Half of the honest goods that were re-consigned on
    the way were also finished there and rightly name that place.
    """
    rng = stream(seed, "origins")
    false = laundered(shipments, rings)
    finished = (voyages.extra_call >= 0) & (rng.random(shipments.size) < 0.5)
    declared = np.where(false, population.country[shipments.partner], voyages.departure)
    changed = (false | finished)[items.shipment]
    items.origin[:] = np.where(changed, declared[items.shipment], items.origin)
