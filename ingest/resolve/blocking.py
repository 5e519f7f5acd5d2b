"""Candidate pairs: parties that share a key. No pair is looked at that shares none.

Keys: each identifier; the name's core, its Latin form and its stem; the beginning of the Latin
form with and without region, and its end; the first characters of a Chinese stem, alone and with
its last ones; a telephone number or e-mail address. A block with more members than allowed says
nothing about identity and would cost its square: it is skipped and counted.
"""

from dataclasses import dataclass

import polars as pl

from ingest.resolve.names import normalise

#: Contacts bring parties together too; whether they are the same, the comparison says.
CONTACTS = ("phone", "email")
#: Shortest forms that are a key: shorter ones are shared by chance.
_SHORTEST = {"core": 2, "roman": 5, "stem": 2}
_EDGE = 7
#: Columns of the levels of a side.
LEVELS = {"id": pl.String, "level": pl.UInt8}
_BRAND = 2


@dataclass(frozen=True)
class Side:
    """Parties of one kind. `facts`: `id`, `field`, `value` (text), as often as there are values.

    `names`: `id` and the forms of each of its names. `levels`: `id` and `level`, the place in
    `MARKINGS` of the highest marking of what is told of it; who is not there has the highest.
    """

    kind: str
    facts: pl.DataFrame
    names: pl.DataFrame
    levels: pl.DataFrame


@dataclass(frozen=True)
class Blocks:
    """`pairs` (`left`, `right`, distinct) and how many blocks were skipped for their size."""

    pairs: pl.DataFrame
    skipped: int


def side(
    kind: str, facts: pl.DataFrame, levels: pl.DataFrame | None = None, *, ordered: bool = True
) -> Side:
    """Take the names out of the facts and normalise them."""
    named = facts.filter(pl.col("field") == "name").select("id", name="value").unique()
    forms = normalise(named["name"], ordered=ordered)
    names = named.join(forms, on="name").sort("id", "name")
    return Side(kind, facts, names, pl.DataFrame(schema=LEVELS) if levels is None else levels)


def keys(party: Side, identifiers: tuple[str, ...]) -> pl.DataFrame:
    """Every blocking key of every party: `id`, `key`."""
    fields = (*identifiers, *CONTACTS)
    facts = party.facts.filter(pl.col("field").is_in(fields)).select(
        "id", key=pl.format("{}:{}", _family(identifiers), "value")
    )
    forms = [
        party.names.filter(pl.col(form).str.len_chars() >= shortest).select(
            "id", key=pl.format("{}:{}", pl.lit(form), form)
        )
        for form, shortest in _SHORTEST.items()
    ]
    long = party.names.filter(pl.col("roman").str.len_chars() > _EDGE)
    edges = [
        long.select("id", key=pl.format("{}:{}", pl.lit(name), part))
        for name, part in (
            ("head", pl.col("roman").str.head(_EDGE)),
            ("head", pl.col("local").str.head(_EDGE)),
            ("tail", pl.col("roman").str.tail(_EDGE)),
        )
    ]
    chinese = party.names.filter(pl.col("han"))
    first = pl.col("stem").str.head(_BRAND)
    brands = [
        chinese.select("id", key=pl.format("brand:{}", first)),
        chinese.select("id", key=pl.format("brand:{}…{}", first, pl.col("stem").str.tail(_BRAND))),
    ]
    return pl.concat([facts, *forms, *edges, *brands]).unique()


def block(left: Side, right: Side, identifiers: tuple[str, ...], largest: int) -> Blocks:
    """Pairs of parties with a common key; within one side each pair once, `left` < `right`.

    At most `largest` squared pairs a block: O(keys * largest) time and space.
    """
    within = left is right
    one = keys(left, identifiers)
    two = one if within else keys(right, identifiers)
    every = one if within else pl.concat([one, two])
    sizes = every.group_by("key").len()
    big = sizes.filter(pl.col("len") > largest)
    one, two = (part.join(big, on="key", how="anti") for part in (one, two))
    pairs = one.join(two, on="key", suffix="_right").select(left="id", right="id_right")
    if within:
        pairs = pairs.filter(pl.col("left") < pl.col("right"))
    return Blocks(pairs.unique().sort("left", "right"), big.height)


def _family(identifiers: tuple[str, ...]) -> pl.Expr:
    """Identifiers of all kinds share one key space: lists do not say which kind theirs are."""
    return pl.when(pl.col("field").is_in(identifiers)).then(pl.lit("identifier")).otherwise("field")
