"""Comparing the two parties of each candidate pair: documented features, weights from YAML."""

from collections.abc import Iterable

import numpy as np
import polars as pl
from rapidfuzz import process
from rapidfuzz.distance import Indel, LCSseq

from ingest.resolve.blocking import Side
from ingest.resolve.weights import Comparison

#: Two names with the same stem but other common words are at least this similar; Chinese ones,
#: whose stem also lacks the region, less so: 大洋 of Shanghai need not be 大洋 of Shenzhen.
SAME_STEM, SAME_STEM_ZH = 0.9, 0.85
#: A Chinese name whose characters all stand, in order, in a longer one is its usual short form:
#: 辉煌科技 of 河南辉煌科技. At least this many characters.
SHORT_FORM, SHORTEST_FORM = 0.96, 4
#: Names that differ in a few letters, or in the legal form, are as often two companies as one: they
#: are at most this similar, and something else has to speak for the pair.
NEAR = 0.89
#: Names that differ in a number ("Fund II", "Fund III") are at most this similar.
OTHER_NUMBER = 0.7


def compare(pairs: pl.DataFrame, left: Side, right: Side, weights: Comparison) -> pl.DataFrame:
    """Add to `left`, `right`: `similarity`, `identifier`, `conflict` (an identifier of the same
    kind differs), `score` (0 to 1) and `derivation` (text).

    O(pairs) times the names of a party.
    """
    compared = pairs.join(similarity(pairs, left, right), on=["left", "right"], how="left")
    compared = compared.with_columns(pl.col("similarity").fill_null(0.0))
    compared = _with_identifier(compared, left, right, weights.identifiers)
    for field in sorted({*weights.same, *weights.different}):
        compared = _with_field(compared, left, right, field)
    total = weights.bias + _step(weights) + sum(_terms(weights))
    conflicts = [
        pl.col(f"different_{name}") for name in weights.identifiers if name in weights.different
    ]
    return compared.with_columns(
        score=(1 / (1 + (-total).exp())).round(4),
        derivation=_derivation(weights),
        conflict=pl.any_horizontal(pl.lit(value=False), *conflicts),
    ).select("left", "right", "similarity", "identifier", "conflict", "score", "derivation")


def similarity(pairs: pl.DataFrame, left: Side, right: Side) -> pl.DataFrame:
    """The most similar two names of each pair, 0 to 1: `left`, `right`, `similarity`.

    In one script the normalised Indel similarity of the cores, or `SAME_STEM`, or `SHORT_FORM`; in
    two the Indel similarity of the Latin forms, with or without the region. `OTHER_NUMBER` and
    `NEAR` limit.
    """
    rows = pairs.join(left.names, left_on="left", right_on="id").join(
        right.names, left_on="right", right_on="id", suffix="_right"
    )
    one_script = pl.col("han") == pl.col("han_right")
    measured = rows.with_columns(
        core_ratio=_ratio(rows, "core"),
        roman_ratio=_ratio(rows, "roman"),
        local_ratio=_ratio(rows, "local"),
        short=_is_short_form(rows),
    )
    alike = pl.when("han").then(SAME_STEM_ZH).otherwise(SAME_STEM)
    same_stem = pl.when(pl.col("stem") == pl.col("stem_right")).then(alike).otherwise(0.0)
    short = pl.when("short").then(SHORT_FORM).otherwise(0.0)
    equal = pl.when(pl.col("core") == pl.col("core_right")).then(1.0).otherwise(NEAR)
    near = pl.min_horizontal("core_ratio", equal)
    within = pl.max_horizontal(near, same_stem, short)
    across = pl.max_horizontal("roman_ratio", "local_ratio")
    limit = (
        pl.when(pl.col("numbers") != pl.col("numbers_right"))
        .then(OTHER_NUMBER)
        .when(pl.col("form") != pl.col("form_right"))
        .then(NEAR)
        .otherwise(1.0)
    )
    best = pl.when(one_script).then(within).otherwise(across)
    return (
        measured.with_columns(similarity=pl.min_horizontal(best, limit))
        .group_by("left", "right")
        .agg(pl.col("similarity").max())
    )


def _ratio(rows: pl.DataFrame, form: str) -> pl.Series:
    found = process.cpdist(
        rows[form].to_list(),
        rows[f"{form}_right"].to_list(),
        scorer=Indel.normalized_similarity,
        dtype=np.float32,
    )
    return pl.Series(np.asarray(found, np.float64)).round(4)


def _is_short_form(rows: pl.DataFrame) -> pl.Series:
    """Whether the shorter Chinese core is a subsequence of the longer one."""
    common = process.cpdist(
        rows["core"].to_list(),
        rows["core_right"].to_list(),
        scorer=LCSseq.similarity,
        dtype=np.int32,
    )
    shorter = pl.min_horizontal(
        pl.col("core").str.len_chars(), pl.col("core_right").str.len_chars()
    )
    both = pl.col("han") & pl.col("han_right") & (shorter >= SHORTEST_FORM)
    found = rows.select(both & (pl.lit(pl.Series(np.asarray(common))) >= shorter))
    return found.to_series()


def _with_identifier(
    compared: pl.DataFrame, left: Side, right: Side, identifiers: tuple[str, ...]
) -> pl.DataFrame:
    """`identifier`: an identifier that both have, whatever each side calls it; else null."""
    fields = (*identifiers, "uscc", "customs_code", "id_number")
    shared = _shared(compared, _values(left, fields), _values(right, fields))
    first = shared.group_by("left", "right").agg(identifier=pl.col("value").min())
    return compared.join(first, on=["left", "right"], how="left", maintain_order="left")


def _with_field(compared: pl.DataFrame, left: Side, right: Side, field: str) -> pl.DataFrame:
    """`same_<field>`: a value in common. `different_<field>`: both have values, none in common."""
    one, two = _values(left, (field,)), _values(right, (field,))
    shared = _shared(compared, one, two).select("left", "right", shared=pl.lit(True)).unique()
    compared = compared.join(shared, on=["left", "right"], how="left", maintain_order="left")
    both = pl.col("left").is_in(one["id"].unique().implode()) & pl.col("right").is_in(
        two["id"].unique().implode()
    )
    same = pl.col("shared").fill_null(value=False)
    return compared.with_columns(
        same.alias(f"same_{field}"), (both & ~same).alias(f"different_{field}")
    ).drop("shared")


def _values(party: Side, fields: Iterable[str]) -> pl.DataFrame:
    wanted = pl.col("field").is_in(list(fields))
    return party.facts.filter(wanted).select("id", "value").unique()


def _shared(pairs: pl.DataFrame, one: pl.DataFrame, two: pl.DataFrame) -> pl.DataFrame:
    return (
        pairs.select("left", "right")
        .join(one, left_on="left", right_on="id")
        .join(two, left_on=["right", "value"], right_on=["id", "value"])
    )


def _step(weights: Comparison) -> pl.Expr:
    """The weight of the step that the similarity reaches; steps fall, the last begins at 0."""
    *steps, last = weights.similarity
    found = pl.lit(last.weight)
    for step in reversed(steps):
        reached = pl.col("similarity") >= step.lower
        found = pl.when(reached).then(pl.lit(step.weight)).otherwise(found)
    return found


def _terms(weights: Comparison) -> list[pl.Expr]:
    named = (("same", weights.same), ("different", weights.different))
    return [
        pl.col(f"{way}_{field}").cast(pl.Float64) * weight
        for way, fields in named
        for field, weight in sorted(fields.items())
    ]


def _derivation(weights: Comparison) -> pl.Expr:
    """What spoke for and against, as text: `name 0.95, same phone, different country`."""
    told = [
        pl.when(pl.col(f"{way}_{field}")).then(pl.lit(f"{way} {field}"))
        for way, fields in (("same", weights.same), ("different", weights.different))
        for field in sorted(fields)
    ]
    name = pl.format("name {}", pl.col("similarity").round(2))
    return pl.concat_str(name, *told, separator=", ", ignore_nulls=True)
