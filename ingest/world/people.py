"""Persons and relations: representatives, directors, shareholders, groups, holdings, circles."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from ingest.world import codes, names
from ingest.world.arrays import Bools, Floats, Ints, stream, take
from ingest.world.policy import SCHEMES, WorldPolicy
from ingest.world.population import HOLDINGS, Population
from ingest.world.rings import LINKS, Rings


@dataclass(frozen=True)
class People:
    """Persons (row = number) and relations with numbers for ids.

    Person e is the founder of enterprise e, person `size` + e its second person; `nominee` is the
    person each ring puts forward. Relations: columns `source`, `person` (whether the source is a
    person), `target`, `to_person`, `type`, `share`, `day` (of the start).
    """

    persons: pl.DataFrame
    relations: pl.DataFrame
    nominee: Ints


def _representatives(
    rng: np.random.Generator, population: Population, rings: Rings, policy: WorldPolicy
) -> Ints:
    """The person who represents each enterprise: its founder, another's, or a ring's nominee."""
    represent = np.arange(population.size)
    domestic = np.flatnonzero(population.city >= 0)
    borrowed = domestic[rng.random(len(domestic)) < policy.honest_shared_person]
    hosts = rng.choice(domestic, max(1, len(borrowed) // 2))
    represent[borrowed] = rng.choice(hosts, len(borrowed))
    block = population.blocks["front"]
    linked = rings.link[:, LINKS.index("nominee")]
    nominee = rings.holding(population, 0)[rings.ring]
    inside = slice(block.start, block.stop)
    represent[inside] = np.where(linked, nominee, represent[inside])
    represent[population.blocks["holding"].start : population.blocks["holding"].stop : HOLDINGS] = (
        rings.holding(population, 0)
    )
    return represent.astype(np.int64)


def _parents(
    rng: np.random.Generator, population: Population, rings: Rings, policy: WorldPolicy
) -> tuple[Ints, Floats]:
    """The corporate shareholder of each enterprise (-1 for none) and its share.

    Honest groups are chains and stars of 2 to 6. A ring's fronts hang under its first holding, that
    under the second and so on; in circular rings the last holding is owned by the first.
    """
    parent = np.full(population.size, -1, dtype=np.int64)
    share = np.zeros(population.size)
    firms = population.members("trader", "maker")
    firms = rng.permutation(firms[rng.random(len(firms)) < policy.group_share])
    sizes = rng.integers(2, 7, len(firms) // 2 + 1)
    group = np.repeat(np.arange(len(sizes)), sizes)[: len(firms)]
    first = np.searchsorted(group, group)
    before = np.maximum(np.arange(len(firms)) - 1, 0)
    above = np.where(rng.random(len(firms)) < 0.6, before, first)
    inner = np.arange(len(firms)) > first
    parent[firms[inner]] = firms[above[inner]]
    share[firms[inner]] = rng.uniform(0.2, 1.0, int(inner.sum())).round(4)
    block = population.blocks["front"]
    linked = rings.link[:, LINKS.index("share")]
    fronts = np.array(block)[linked]
    parent[fronts] = rings.holding(population, 0)[rings.ring[linked]]
    share[fronts] = rng.uniform(0.3, 0.9, len(fronts)).round(4)
    levels = [rings.holding(population, level) for level in range(HOLDINGS)]
    for lower, upper in pairwise(levels):
        parent[lower] = upper
        share[lower] = rng.uniform(0.5, 0.95, len(lower)).round(4)
    circular = rings.scheme == SCHEMES.index("circular_trade")
    parent[levels[-1][circular]] = levels[0][circular]
    share[levels[-1][circular]] = rng.uniform(0.3, 0.6, int(circular.sum())).round(4)
    return parent, share


def _rows(
    kind: str, source: Ints, target: Ints, day: Ints, *, person: bool = True,
    share: Floats | None = None, to_person: bool = False,
) -> pl.DataFrame:  # fmt: skip
    """Relations of one type."""
    values = np.full(len(source), np.nan) if share is None else share
    return pl.DataFrame(
        {
            "source": pl.Series(source, dtype=pl.Int64),
            "person": pl.Series([person] * len(source), dtype=pl.Boolean),
            "target": pl.Series(target, dtype=pl.Int64),
            "to_person": pl.Series([to_person] * len(source), dtype=pl.Boolean),
            "type": pl.Series([kind] * len(source), dtype=pl.String),
            "share": pl.Series(values, dtype=pl.Float64).fill_nan(None),
            "day": pl.Series(day, dtype=pl.Int64),
        }
    )


def _ownership(
    rng: np.random.Generator, population: Population, represent: Ints, parent: Ints, share: Floats
) -> list[pl.DataFrame]:
    """Shareholders of the domestic enterprises; shares of one enterprise sum to 1 at most."""
    domestic = np.flatnonzero(population.city >= 0)
    rest = np.floor((1 - share[domestic]) * 1e4) / 1e4
    two = rng.random(len(domestic)) < 0.55
    second = np.floor(rest * rng.uniform(0.05, 0.5, len(domestic)) * 1e4) / 1e4 * two
    main = np.floor((rest - second) * rng.choice([1.0, 0.9], len(domestic)) * 1e4) / 1e4
    owned = np.flatnonzero(parent >= 0)
    day = population.registered
    major = owned[share[owned] > 0.5]
    keep = main > 0
    pair = second > 0
    return [
        _rows(
            "SHAREHOLDER", represent[domestic[keep]], domestic[keep], day[domestic[keep]],
            share=main[keep],
        ),
        _rows(
            "SHAREHOLDER", domestic[pair] + population.size, domestic[pair], day[domestic[pair]],
            share=second[pair],
        ),
        _rows(
            "SHAREHOLDER", parent[owned], owned, np.maximum(day[owned], day[parent[owned]]),
            person=False, share=share[owned],
        ),
        _rows(
            "CONTROLLER", parent[major], major, np.maximum(day[major], day[parent[major]]),
            person=False,
        ),
    ]  # fmt: skip


def _some(rng: np.random.Generator, members: Ints, share: float) -> Ints:
    return members[rng.random(len(members)) < share]


def _offices(
    rng: np.random.Generator, population: Population, rings: Rings, represent: Ints
) -> list[pl.DataFrame]:
    """Representatives, directors, supervisors, executives, branches, guarantors, families."""
    size, day = population.size, population.registered
    domestic = np.flatnonzero(population.city >= 0)
    abroad = np.flatnonzero(population.city < 0)
    directed, supervised = _some(rng, domestic, 0.5), _some(rng, domestic, 0.3)
    run, helped = _some(rng, domestic, 0.15), _some(rng, domestic, 0.15)
    branches, backed = (
        _some(rng, population.members("maker", "broker", "forwarder"), 0.08),
        _some(rng, population.members("trader"), 0.03),
    )
    heads = rng.choice(population.members("trader", "maker"), len(branches))
    backers = rng.choice(population.members("trader", "maker", "holding"), len(backed))
    apart, different = backers != backed, heads != branches
    related = _some(rng, domestic, 0.04)
    tied = rings.scheme == SCHEMES.index("undervaluation")
    nominees = np.repeat(rings.holding(population, 0)[tied], 2)
    sellers = rings.sellers[tied, :2].ravel()
    pairs = np.unique(np.stack([nominees, sellers], axis=1), axis=0)
    return [
        _rows("LEGAL_REPRESENTATIVE", represent[domestic], domestic, day[domestic]),
        _rows("DIRECTOR", represent[directed], directed, day[directed]),
        _rows("SUPERVISOR", supervised + size, supervised, day[supervised]),
        _rows("EXECUTIVE", run + size, run, day[run]),
        _rows("CONTACT", helped + size, helped, day[helped]),
        _rows("DIRECTOR", abroad, abroad, day[abroad]),
        _rows("DIRECTOR", pairs[:, 0], pairs[:, 1], day[pairs[:, 1]]),
        _rows("BRANCH_OF", branches[different], heads[different], day[branches[different]],
              person=False),
        _rows("GUARANTOR", backers[apart], backed[apart], day[backed[apart]] + 30, person=False),
        _rows("FAMILY", related + size, related, day[related], to_person=True),
    ]  # fmt: skip


def _persons(
    rng: np.random.Generator, population: Population, reference_countries: list[str]
) -> pl.DataFrame:
    """All persons there could be, two an enterprise, in the order of their numbers."""
    size = population.size
    country = np.tile(population.country, 2)
    domestic = pl.Series(country == 0)
    birth = pl.Series(rng.integers(-5000, 13000, 2 * size)).cast(pl.Int32).cast(pl.Date)
    number = codes.identity_number(rng, birth)
    shown = pl.Series((country == 0) & (rng.random(2 * size) < 0.9))
    return pl.DataFrame(
        {
            "name": names.persons(rng, domestic),
            "birth_date": birth,
            "nationality": take(reference_countries, country),
            "number": number,
            "shown": shown,
        }
    ).select(
        "name",
        pl.when("shown").then("number").alias("id_number"),
        "birth_date",
        "nationality",
    )


def _used(relations: pl.DataFrame, persons: int) -> Bools:
    used = np.zeros(persons, dtype=bool)
    used[relations.filter("person")["source"].to_numpy()] = True
    used[relations.filter("to_person")["target"].to_numpy()] = True
    return used


def build(
    population: Population, rings: Rings, seed: int, policy: WorldPolicy, countries: list[str]
) -> People:
    """Draw persons and relations; persons nobody is tied to are marked by a null name. O(n)."""
    rng = stream(seed, "people")
    represent = _representatives(rng, population, rings, policy)
    parent, share = _parents(rng, population, rings, policy)
    rows = [
        *_ownership(rng, population, represent, parent, share),
        *_offices(rng, population, rings, represent),
    ]
    relations = pl.concat(rows).unique(
        ["source", "person", "target", "to_person", "type"], keep="first", maintain_order=True
    )
    persons = _persons(rng, population, countries)
    used = pl.Series(_used(relations, persons.height))
    persons = persons.with_columns(name=pl.when(used).then("name"))
    return People(persons, relations, rings.holding(population, 0))
