"""A watch list that names some foreign firms and persons of the world, and some others."""

import numpy as np
import polars as pl

from ingest.world.arrays import Ints, stream, take
from ingest.world.codes import unique_numbers
from ingest.world.names import LEGAL_FORM, foreign_stems
from ingest.world.policy import WorldPolicy
from ingest.world.population import Population
from ingest.world.reference import Reference

_SHARE = 0.012
_ALIASED = 0.6
_LISTS = ("Trade Control List", "Forced Labour Goods List", "Dual-use End-user List")


def _variant(name: pl.Expr, kind: Ints) -> pl.Expr:
    """One of three ways a list writes a name: capitals, no legal form, or with points removed."""
    way = pl.Series(kind)
    return (
        pl.when(way == 0)
        .then(name.str.to_uppercase())
        .when(way == 1)
        .then(name.str.replace(LEGAL_FORM, ""))
        .otherwise(name.str.replace_all(r"[.,]", ""))
    )


def build(
    population: Population,
    enterprises: pl.DataFrame,
    persons: pl.DataFrame,
    seed: int,
    policy: WorldPolicy,
    reference: Reference,
) -> tuple[pl.DataFrame, Ints]:
    """The list entries without ids, and the foreign enterprise each names (-1: none of ours).

    Every second listed firm's person is listed too, linked to the firm.
    """
    rng = stream(seed, "lists")
    abroad = population.members("foreign_trader", "foreign_maker")
    listed = rng.choice(abroad, max(2, round(_SHARE * len(abroad))), replace=False)
    extra = np.full(len(listed), -1, dtype=np.int64)
    size = 2 * len(listed)
    named = np.concatenate([listed, rng.permutation(listed)])
    known = np.concatenate([listed, extra])
    number = unique_numbers(rng, size, 900_000) + 100_000
    frame = pl.DataFrame(
        {
            "own": pl.Series(known >= 0),
            "base": enterprises["name"].gather(pl.Series(named).cast(pl.UInt32)),
            "country": take(list(reference.countries), population.country[named]),
            "number": pl.Series(number),
            "other": foreign_stems(rng, size),
            "aliased": pl.Series(rng.random(size) < _ALIASED),
        }
    )
    firms = frame.select(
        list=take(_LISTS, rng.integers(0, 3, size)),
        name=pl.when("own")
        .then(_variant(pl.col("base"), rng.integers(0, 3, size)))
        .otherwise(pl.concat_str("other", pl.lit(" "), pl.col("base").str.extract(LEGAL_FORM, 1))),
        aliases=pl.when(pl.col("own") & pl.col("aliased")).then(
            pl.col("base").str.to_uppercase() + ";" + pl.col("base")
        ),
        kind=pl.lit("enterprise"),
        country="country",
        identifiers=pl.lit("REG ") + pl.col("number").cast(pl.String),
        listed=pl.Series(rng.integers(-900, policy.days, size)),
    )
    people = np.sort(rng.permutation(len(listed))[: max(1, len(listed) // 2)])
    person = persons[listed[people]]
    people_rows = pl.DataFrame(
        {
            "list": firms["list"][people],
            "name": person["name"].str.to_uppercase(),
            "aliases": person["name"],
            "kind": ["person"] * len(people),
            "country": firms["country"][people],
            "identifiers": pl.Series([None] * len(people), dtype=pl.String),
            "listed": firms["listed"][people],
            "linked_to": firms["name"][people],
        }
    )
    rows = pl.concat([firms.with_columns(linked_to=pl.lit(None, dtype=pl.String)), people_rows])
    return rows, np.concatenate([known, listed[people]])
