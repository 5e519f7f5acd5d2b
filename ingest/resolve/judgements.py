"""From compared pairs to what the ledger is told: judgements by rule, with score and derivation."""

import polars as pl
import pyarrow as pa

from graph.store.ledger import JUDGEMENT_SCHEMA

#: A shared identifier decides; a similar name only asks.
IDENTIFIER_RULE = "rule:identifier"
NAME_RULE = "rule:name"
RULES = (IDENTIFIER_RULE, NAME_RULE)
COLUMNS = tuple(
    name for name in JUDGEMENT_SCHEMA.names if name not in ("id", "created_at", "created_on")
)


def propose(compared: pl.DataFrame, left_kind: str, right_kind: str, unsure: float) -> pl.DataFrame:
    """The judgements that the rules make of compared pairs (`COLUMNS`).

    Pairs with an identifier in common are positive, unless another one differs: then a person has
    to look, as at the pairs whose score is `unsure` or more.
    """
    identified = pl.col("identifier").is_not_null()
    sure = identified & ~pl.col("conflict")
    chosen = compared.filter(identified | (pl.col("score") >= unsure))
    return chosen.select(
        left_kind=pl.lit(left_kind),
        left_id="left",
        right_kind=pl.lit(right_kind),
        right_id="right",
        judgement=pl.when(sure).then(pl.lit("positive")).otherwise(pl.lit("unsure")),
        score=pl.when(sure).then(1.0).when(identified).then(0.5).otherwise("score"),
        derivation=pl.when(identified)
        .then(pl.concat_str(pl.lit("same identifier, "), "derivation"))
        .otherwise("derivation"),
        user=pl.when(identified).then(pl.lit(IDENTIFIER_RULE)).otherwise(pl.lit(NAME_RULE)),
    )


def to_arrow(proposals: pl.DataFrame) -> pa.Table:
    """The proposals as the ledger takes them."""
    return (
        proposals.select(COLUMNS)
        .to_arrow()
        .cast(pa.schema([JUDGEMENT_SCHEMA.field(name) for name in COLUMNS]))
    )
