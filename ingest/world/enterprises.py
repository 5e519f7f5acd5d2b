"""The table of enterprises: names, codes, addresses and contacts, shared and not."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ingest.world import codes, names
from ingest.world.arrays import Ints, dates, stream, take
from ingest.world.policy import WorldPolicy
from ingest.world.population import Population
from ingest.world.reference import CITIES, TRADES, Reference
from ingest.world.rings import LINKS, Rings

_NATURE = {"trader": 6, "front": 6, "holding": 6, "maker": 3, "broker": 8, "forwarder": 8}
_PARK = 7


@dataclass(frozen=True)
class Directory:
    """The enterprises' table (row = number of the enterprise) and each ring's address and phone.

    `duplicate_of[i]` is the enterprise that the foreign enterprise i is a second registration of,
    or -1.
    """

    table: pl.DataFrame
    ring_address: pl.Series
    ring_phone: pl.Series
    duplicate_of: Ints


def _shared(
    rng: np.random.Generator, population: Population, share: float, link: int, rings: Rings
) -> Ints:
    """A key each for an attribute that several enterprises may have in common.

    The enterprise's own number, the number of a host with tenants, or `size` + ring.
    """
    size = population.size
    key = np.arange(size)
    tenants = np.flatnonzero((population.city >= 0) & (rng.random(size) < share))
    hosts = rng.choice(tenants, max(1, len(tenants) // _PARK)) if len(tenants) else tenants
    if len(hosts):
        key[tenants] = hosts[(rng.random(len(tenants)) ** 2 * len(hosts)).astype(np.int64)]
    block = population.blocks["front"]
    front = key[block.start : block.stop]
    key[block.start : block.stop] = np.where(rings.link[:, link], size + rings.ring, front)
    return key


def _with_rings(population: Population, rings: Rings, field: str) -> Ints:
    own = getattr(population, field)
    ring = rings.city if field == "city" else np.zeros_like(rings.city)
    return np.concatenate([own, ring])


def _duplicates(rng: np.random.Generator, population: Population, policy: WorldPolicy) -> Ints:
    """Foreign traders that are a second registration of the one before the same country's."""
    original = np.full(population.size, -1, dtype=np.int64)
    abroad = population.members("foreign_trader")
    order = abroad[np.argsort(population.country[abroad], kind="stable")]
    same = population.country[order[1:]] == population.country[order[:-1]]
    chosen = np.flatnonzero(same & (rng.random(len(same)) < policy.duplicate_share))
    chosen = chosen[np.diff(chosen, prepend=-2) > 1]
    original[order[chosen + 1]] = order[chosen]
    return original


def _named(rng: np.random.Generator, frame: pl.DataFrame, original: Ints) -> pl.DataFrame:
    """Give second registrations a variant of the first one's name, and half of them its phone."""
    copy = np.where(original < 0, np.arange(len(original)), original)
    second = pl.Series(original >= 0)
    source = frame[copy]
    phone = pl.Series((original >= 0) & (rng.random(len(original)) < 0.5))
    variant = (
        pl.when(pl.Series(rng.random(len(original)) < 0.5))
        .then(pl.col("other").str.to_uppercase())
        .otherwise(pl.col("other").str.replace(names.LEGAL_FORM, " Trading $1"))
    )
    return (
        frame.with_columns(other=source["name"], second=second, same=phone, line=source["phone"])
        .with_columns(
            name=pl.when("second").then(variant).otherwise("name"),
            phone=pl.when("same").then("line").otherwise("phone"),
        )
        .with_columns(name_en=pl.when("second").then("name").otherwise("name_en"))
        .drop("other", "second", "same", "line")
    )


def _codes(rng: np.random.Generator, population: Population) -> pl.DataFrame:
    """USCC and customs registration of the domestic enterprises; null for the others."""
    domestic = np.flatnonzero(population.city >= 0)
    regions = np.array([city[2] for city in CITIES])[population.city[domestic]]
    nature = np.full(population.size, 6)
    for role, digit in _NATURE.items():
        block = population.blocks[role]
        nature[block.start : block.stop] = digit
    rows = np.full(population.size, -1, dtype=np.int64)
    rows[domestic] = np.arange(len(domestic))
    return pl.DataFrame(
        {
            "uscc": take(codes.uscc(rng, regions).to_list(), rows),
            "customs_code": take(
                codes.customs_code(rng, regions, nature[domestic]).to_list(), rows
            ),
        }
    )


def _particulars(rng: np.random.Generator, population: Population) -> pl.DataFrame:
    """Capital, scope and industry. Capital is in units of 10,000 of the currency."""
    size = population.size
    capital = np.exp(rng.normal(15.3, 1.4, size)).round(-4).clip(30_000)
    domestic = pl.Series(population.city >= 0)
    scope = [f"{name}产品的销售；货物进出口；技术进出口" for name, _, _ in TRADES]
    return pl.DataFrame(
        {
            "domestic": domestic,
            "registered_capital": capital,
            "business_scope": take(scope, np.where(population.city < 0, -1, population.trade)),
            "industry": take([name for name, _, _ in TRADES], population.trade),
        }
    ).with_columns(
        currency=pl.when("domestic").then(pl.lit("CNY")).otherwise(pl.lit("USD")),
    )


def build(
    population: Population, rings: Rings, seed: int, policy: WorldPolicy, reference: Reference
) -> Directory:
    """The enterprises' table without ids and classes, in the order of their numbers. O(n)."""
    rng = stream(seed, "enterprises")
    size = population.size
    city, country = (
        _with_rings(population, rings, "city"),
        _with_rings(population, rings, "country"),
    )
    address = names.addresses(rng, city, country, list(reference.countries))
    phone = names.phones(rng, city)
    address_key = _shared(rng, population, policy.honest_shared_address, 0, rings)
    phone_key = _shared(rng, population, policy.honest_shared_phone, LINKS.index("phone"), rings)
    mail_key = _shared(rng, population, 0.02, LINKS.index("email"), rings)
    named = names.companies(rng, population, reference)
    ring_stem = named["stem"].gather(pl.Series(rings.holding(population, 0)).cast(pl.UInt32))
    stems = pl.concat([named["stem"], ring_stem]) + pl.Series(
        rng.integers(10, 9999, size + len(ring_stem))
    ).cast(pl.String)
    frame = pl.concat(
        [named.select("name", "name_en"), _codes(rng, population), _particulars(rng, population)],
        how="horizontal",
    ).with_columns(
        country=take(list(reference.countries), population.country),
        registered_on=dates(population.registered, policy),
        address=address.gather(pl.Series(address_key).cast(pl.UInt32)),
        phone=phone.gather(pl.Series(phone_key).cast(pl.UInt32)),
        email=pl.lit("office@") + stems.gather(pl.Series(mail_key).cast(pl.UInt32)) + ".example",
        status=pl.lit("存续"),
    )
    original = _duplicates(rng, population, policy)
    return Directory(
        _named(rng, frame.drop("domestic"), original), address[size:], phone[size:], original
    )
