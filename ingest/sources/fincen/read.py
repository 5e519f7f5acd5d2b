"""Bank-to-bank transfers of the FinCEN Files sample: banks and payments."""

from collections.abc import Iterator

import polars as pl

from graph.files import read_file
from ingest.context import ROW, Context, RawTable, files_at

_ENDS = ("originator", "beneficiary")
_USED = (
    "id",
    "begin_date",
    "end_date",
    "number_transactions",
    "amount_transactions",
    *(f"{end}_{what}" for end in _ENDS for what in ("bank_id", "bank", "iso")),
)


def read(context: Context) -> Iterator[RawTable]:
    """Yield the banks and payments of each file. All became known on the day of publication."""
    facts = context.source.facts
    for path in files_at(context.path, "*transactions*.csv"):
        file = read_file(path)
        frame = context.number(file)
        context.audit(frame, path.name, _USED)
        name = context.name(path)
        yield RawTable("enterprises", name, _banks(frame, facts["published"]))
        payments = frame.select(
            ROW,
            payment_id=pl.lit("fincen-") + pl.col("id"),
            payer_id=pl.lit("fincen-") + pl.col("originator_bank_id"),
            payee_id=pl.lit("fincen-") + pl.col("beneficiary_bank_id"),
            paid_from=_day("begin_date"),
            paid_to=_day("end_date"),
            transfers="number_transactions",
            amount="amount_transactions",
            currency=pl.lit(facts["currency"]),
            recorded_at=pl.lit(facts["published"]),
        )
        yield RawTable("payments", name, payments, file.broken)


def _banks(frame: pl.DataFrame, published: str) -> pl.DataFrame:
    """Each bank once, as the first row that names it has it."""
    return (
        pl.concat(
            frame.select(
                ROW,
                enterprise_id=pl.lit("fincen-") + pl.col(f"{end}_bank_id"),
                name=f"{end}_bank",
                country=f"{end}_iso",
                industry=pl.lit("bank"),
                recorded_at=pl.lit(published),
            )
            for end in _ENDS
        )
        .sort("enterprise_id", "country", "name", ROW, nulls_last=True)
        .unique("enterprise_id", keep="first", maintain_order=True)
    )


def _day(column: str) -> pl.Expr:
    """`Mar 25, 2015` as a date in ISO form; what cannot be read stays as it is."""
    return pl.coalesce(
        pl.col(column).str.to_date("%b %d, %Y", strict=False).cast(pl.String), pl.col(column)
    )
