"""The shipments as a model sees them: features, what was found, who takes part. No torch here."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from gnn.baselines import Codes, Days
from gnn.metrics import Floats
from gnn.trees import Matrix, Rows
from graph.features.frames import declarations
from graph.snapshot import Snapshot

if TYPE_CHECKING:
    from graph.store.lake import Lake

#: Columns of `shipments` that name a party, by the role the graph network knows them by.
ROLES = ("importer", "exporter", "declarant", "manufacturer", "carrier", "forwarder")

#: Groups of the feature catalogue, from what every model may see to what needs the graph.
GROUPS = ("row", "history", "neighbour", "network")

#: The day of outcomes that nobody has recorded.
NEVER = int(np.iinfo(np.int32).max)

_TUPLE = (
    "hs_code", "origin_country", "departure_country", "tax_rate", "transport_mode", "trade_mode",
    "net_mass_kg",
)  # fmt: skip


class Features(Protocol):
    """What training needs of a feature set."""

    @property
    def shipments(self) -> pa.Table:
        """`shipment_id`, `declared_at` and the features."""

    @property
    def enterprises(self) -> pa.Table:
        """`enterprise_id` and the features."""

    def names(self, kind: Any, group: Any = None) -> Any:
        """The names of the features of a kind, of one group or of all."""


@dataclass(frozen=True)
class Cases:
    """n shipments in the order of (day, id), as arrays of length n.

    `declared`: days since 1970-01-01. `features`: (n, f) with NaN for unknown. `outcome`: 1
    violation, 0 compliant, NaN unknown. `recorded`: day the outcome was recorded, `NEVER` if
    unknown. `probability`: of having been selected, NaN if unknown. `parties`: role to enterprise
    number in the snapshot, -1 for none. `product`: code of the exact product tuple. `since`
    (enterprises,): day of registration, else of the first statement; `NEVER` if not told.
    """

    shipment_id: npt.NDArray[np.object_]
    declared: Days
    features: Matrix
    names: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    outcome: Floats
    recorded: Days
    probability: Floats
    parties: Mapping[str, Codes]
    product: Codes
    enterprises: int
    since: Days

    def __len__(self) -> int:
        return len(self.declared)

    @property
    def labelled(self) -> npt.NDArray[np.int64]:
        """Numbers of the rows whose outcome is known."""
        return np.flatnonzero(np.isfinite(self.outcome))

    def columns(self, names: tuple[str, ...]) -> Matrix:
        """The features with these names, (n, len(names))."""
        place = {name: number for number, name in enumerate(self.names)}
        return self.features[:, [place[name] for name in names]]

    def rows(self, chosen: npt.NDArray[np.int64], names: tuple[str, ...], weight: Floats) -> Rows:
        """Chosen rows with the named features; `weight` (n,) is over all rows."""
        return Rows(self.columns(names)[chosen], self.outcome[chosen], weight[chosen])

    def named(self, *groups: str) -> tuple[str, ...]:
        """The names of the features of some groups, in order."""
        return tuple(name for group in groups for name in self.groups.get(group, ()))


def load_cases(lake: "Lake", snapshot: Snapshot, features: Features, labels: pa.Table) -> Cases:
    """Join features, outcomes and parties of all shipments. O(n log n).

    `labels`: the table that `graph.features.labels.labels` gives.
    """
    names, groups = _names(features)
    heads = _declarations(lake, snapshot)
    table = features.shipments
    cases = _cases(table, names, groups, _outcomes(labels), heads, snapshot, ())
    return replace(cases, since=_since(lake, snapshot))


def given_cases(
    table: pa.Table, shipments: pa.Table, features: Features, snapshot: Snapshot
) -> tuple[Cases, tuple[str, ...]]:
    """Cases of shipments that are not in the lake, and the ids of enterprises it does not know.

    `table` holds their features, `shipments` the declarations (canonical columns). Enterprises
    that the snapshot does not know are numbered after those it knows, in the order of the ids.
    """
    names, groups = _names(features)
    columns = {
        f"{role}_id": shipments[f"{role}_id"].cast(pa.string())
        for role in ROLES
        if f"{role}_id" in shipments.column_names
    }
    heads = pl.DataFrame(
        pa.table({"shipment_id": shipments["shipment_id"].cast(pa.string()), **columns})
    ).unique("shipment_id", keep="first", maintain_order=True)
    missing = [pl.lit(None, pl.String).alias(f"{role}_id") for role in ROLES]
    heads = heads.with_columns(one for one in missing if one.meta.output_name() not in columns)
    heads = heads.with_columns(product=pl.lit(0, pl.Int64))
    ids = pl.concat([heads[f"{role}_id"] for role in ROLES]).drop_nulls().unique().sort()
    unknown = ids.filter(pl.Series(snapshot.locate("Enterprise", ids.to_arrow()) < 0))
    extra = tuple(str(one) for one in unknown)
    nothing = pl.DataFrame(
        schema={
            "shipment_id": pl.String, "outcome": pl.Float64, "recorded": pl.Int32,
            "probability": pl.Float64,
        }
    )  # fmt: skip
    return _cases(table, names, groups, nothing, heads, snapshot, extra), extra


def united(first: Cases, second: Cases) -> Cases:
    """The cases of both, which have the same features; the second's enterprises number both."""
    order = np.argsort(np.r_[first.declared, second.declared], kind="stable")

    def both(name: str) -> Any:
        return np.concatenate([getattr(first, name), getattr(second, name)])[order]

    arrays = (
        "shipment_id", "declared", "features", "outcome", "recorded", "probability", "product",
    )  # fmt: skip
    parties = {
        role: np.concatenate([first.parties[role], second.parties[role]])[order] for role in ROLES
    }
    return replace(second, parties=parties, **{name: both(name) for name in arrays})


def _names(features: Features) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    groups = {
        group: tuple(str(name) for name in features.names("shipment", group)) for group in GROUPS
    }
    return tuple(str(name) for name in features.names("shipment")), groups


def _cases(
    table: pa.Table,
    names: tuple[str, ...],
    groups: Mapping[str, tuple[str, ...]],
    outcomes: pl.DataFrame,
    heads: pl.DataFrame,
    snapshot: Snapshot,
    extra: tuple[str, ...],
) -> Cases:
    frame = pl.DataFrame(
        {
            "shipment_id": table["shipment_id"].to_numpy(zero_copy_only=False),
            "declared": table["declared_at"].cast(pa.date32()).cast(pa.int32()).to_numpy(),
        },
        schema_overrides={"shipment_id": pl.String},
    ).with_row_index("place")
    frame = frame.join(outcomes, on="shipment_id", how="left")
    frame = frame.join(heads, on="shipment_id", how="left")
    frame = frame.sort("declared", "shipment_id")
    place = frame["place"].to_numpy()
    matrix = np.empty((len(frame), len(names)), dtype=np.float32)
    for number, name in enumerate(names):
        matrix[:, number] = table[name].to_numpy(zero_copy_only=False).astype(np.float32)[place]
    start, stop = snapshot.range("Enterprise")
    enterprises = stop - start + len(extra)
    return Cases(
        shipment_id=frame["shipment_id"].to_numpy().astype(object),
        declared=frame["declared"].to_numpy().astype(np.int32),
        features=matrix,
        names=names,
        groups=groups,
        outcome=frame["outcome"].fill_null(float("nan")).to_numpy(),
        recorded=frame["recorded"].fill_null(NEVER).to_numpy().astype(np.int32),
        probability=frame["probability"].fill_null(float("nan")).to_numpy(),
        parties={role: _locate(snapshot, frame[f"{role}_id"], start, extra) for role in ROLES},
        product=frame["product"].fill_null(0).to_numpy().astype(np.int64),
        enterprises=enterprises,
        since=np.full(enterprises, NEVER, dtype=np.int32),
    )


def _since(lake: "Lake", snapshot: Snapshot) -> Days:
    """The day each enterprise of a snapshot was registered, or else first told of."""
    statements = lake.statements("enterprises")
    told = statements.group_by("enterprise_id").agg(told=statements.recorded_at.min())
    nodes = pl.DataFrame(
        pl.from_arrow(snapshot.nodes("Enterprise").select(["id", "registered_on"]))
    )
    joined = nodes.join(
        told.to_polars(), left_on="id", right_on="enterprise_id", how="left", maintain_order="left"
    )
    day = pl.coalesce("registered_on", "told").dt.epoch("d").fill_null(NEVER)
    return joined.select(day.alias("since"))["since"].to_numpy().astype(np.int32)


def _outcomes(labels: pa.Table) -> pl.DataFrame:
    """One row a shipment: a violation if any finding says so, known from the last record on."""
    frame: pl.DataFrame = pl.DataFrame(pl.from_arrow(labels)).filter(
        pl.col("shipment_id").is_not_null()
    )
    return (
        frame.group_by("shipment_id")
        .agg(
            pl.col("violation").any().cast(pl.Float64).alias("outcome"),
            pl.col("recorded_at").cast(pl.Date).dt.epoch("d").max().alias("recorded"),
            pl.col("probability").cast(pl.Float64).max(),
        )
        .sort("shipment_id")
    )


def _declarations(lake: "Lake", snapshot: Snapshot) -> pl.DataFrame:
    """Parties and product tuple of each shipment known to the snapshot, as first declared.

    A correction may be made because of the inspection's result, so it must not reach a model.
    """
    shipments, items = declarations(lake, snapshot.known_at)
    wanted = [f"{role}_id" for role in ROLES]
    heads = shipments.select(
        "shipment_id", "departure_country", "transport_mode", "trade_mode", *wanted
    )
    first = (
        items.select(
            "shipment_id", "item_no", "hs_code", "origin_country", "tax_rate", "net_mass_kg"
        )
        .sort("shipment_id", "item_no")
        .unique("shipment_id", keep="first", maintain_order=True)
    )
    joined = heads.join(first, on="shipment_id", how="left").sort("shipment_id")
    product = joined.select(pl.struct(*_TUPLE).rank("dense").alias("product"))["product"]
    return joined.select("shipment_id", *wanted, (product.cast(pl.Int64) - 1).alias("product"))


def _locate(snapshot: Snapshot, ids: pl.Series, start: int, extra: tuple[str, ...]) -> Codes:
    """Numbers of enterprises; those of `extra` follow the snapshot's, -1 for none."""
    places = snapshot.locate("Enterprise", ids.to_arrow().cast(pa.string()))
    codes = np.where(places >= 0, places - start, -1)
    if not extra:
        return codes
    count = snapshot.node_counts["Enterprise"]
    added = pl.DataFrame({"id": extra, "code": np.arange(count, count + len(extra))})
    new = ids.alias("id").to_frame().join(added, on="id", how="left", maintain_order="left")
    return np.where(codes >= 0, codes, new["code"].fill_null(-1).to_numpy())
