"""From compared pairs to what the ledger is told: judgements by rule, with score and derivation."""

import polars as pl
import pyarrow as pa

from graph.access import HIGHEST, OWN_MARKING, level
from graph.ontology import MARKINGS
from graph.store.ledger import JUDGEMENT_SCHEMA
from ingest.resolve.blocking import Side

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


def with_markings(proposals: pl.DataFrame, left: Side, right: Side) -> pl.DataFrame:
    """Add the `marking`: the highest of what is told of the two parties, since any of it may be
    what they were compared by, and at least that of whatever Hawser concludes."""
    own, most = level(OWN_MARKING), level(HIGHEST)
    for name, party in (("left", left), ("right", right)):
        told = party.levels.rename({"level": name})
        proposals = proposals.join(
            told, left_on=f"{name}_id", right_on="id", how="left", maintain_order="left"
        ).with_columns(pl.col(name).fill_null(most))
    highest = pl.max_horizontal("left", "right", pl.lit(own, pl.UInt8))
    names = pl.lit(pl.Series([list(MARKINGS)]))
    return proposals.with_columns(marking=names.list.get(highest)).drop("left", "right")


def to_arrow(proposals: pl.DataFrame) -> pa.Table:
    """The proposals as the ledger takes them."""
    return (
        proposals.select(COLUMNS)
        .to_arrow()
        .cast(pa.schema([JUDGEMENT_SCHEMA.field(name) for name in COLUMNS]))
    )
