"""Columns of a snapshot: from the projection's tables to arrays, and to a hash of their content."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from graph.access import lowest
from graph.ontology import MARKINGS, NODE_KINDS, PROVENANCE
from graph.tables import TABLES

#: Stand for an interval without a first or last day.
NO_START = int(np.iinfo(np.int32).min)
NO_END = int(np.iinfo(np.int32).max)

#: The edge table of a kind that nothing in the lake speaks of.
NO_EDGES = pa.schema(
    {
        **dict.fromkeys(("source_kind", "source", "target_kind", "target", "key"), pa.string()),
        **dict.fromkeys(("share", "customs_value", "amount"), pa.float64()),
        **dict.fromkeys(("valid_from", "valid_to", "recorded_at"), pa.date32()),
        **dict.fromkeys(("record", "marking"), pa.string()),
        "markings": pa.list_(pa.string()),
    }
).empty_table()

_ARROW = {
    "text": pa.string(),
    "date": pa.date32(),
    "number": pa.float64(),
    "integer": pa.int64(),
}
_WEIGHTS = {
    "OWNS": "share",
    "CONTROLS": "share",
    "CONTAINS": "customs_value",
    "TRADES_WITH": "customs_value",
    "PAID": "amount",
}


def node_schema(kind: str) -> pa.Schema:
    """The columns of a kind's node table, the same whichever engine made it."""
    secret = _secret_properties(kind)
    own = {
        prop.name: _ARROW[prop.type]
        for prop in NODE_KINDS[kind].properties
        if prop.name not in secret
    }
    told = {prop.name: _ARROW[prop.type] for prop in PROVENANCE}
    return pa.schema({"id": pa.string(), **own, **told, "markings": pa.list_(pa.string())})


def _secret_properties(kind: str) -> set[str]:
    """Properties read from `secret` columns. Each data folder hashes those with a key of its own,
    so two snapshots of the same facts would differ by them; the lake keeps them."""
    return {
        name
        for origin in NODE_KINDS[kind].origins
        for name, column in origin.columns.items()
        if TABLES[origin.table].column(column).type == "secret"
    }


def edge_columns(kind: str, table: pa.Table) -> Mapping[str, Any]:
    """An edge table's columns as a snapshot keeps them, and its key. O(m)."""
    weight = _WEIGHTS.get(kind)
    values = (
        pl.Series(table[weight].cast(pa.float64())).fill_null(float("nan"))
        if weight
        else pl.repeat(1.0, table.num_rows, dtype=pl.Float64, eager=True)
    )
    return {
        "key": pl.Series(table["key"]).fill_null(""),
        "weight": values,
        "valid_from": _days(table["valid_from"], NO_START),
        "valid_to": _days(table["valid_to"], NO_END),
        "recorded_at": _days(table["recorded_at"], NO_START),
        "marking": pl.Series(lowest(table["markings"])),
        "property_marking": pl.Series(lowest(table["marking"])),
        "record": pl.Series(table["record"]).fill_null(""),
    }


def _days(column: pa.ChunkedArray, missing: int) -> pl.Series:
    return pl.Series(column.cast(pa.date32()).cast(pa.int32())).fill_null(missing)


def highest(table: pa.Table) -> int:
    """Position in `MARKINGS` of the most restrictive statement about any row; 0 without rows. A
    missing marking counts as the highest. O(rows)."""
    top = len(MARKINGS) - 1
    said = pc.unique(table["markings"].combine_chunks().flatten())
    names = [*said.to_pylist(), *pc.unique(table["marking"]).to_pylist()]
    return max((MARKINGS.index(name) if name in MARKINGS else top for name in names), default=0)


def edge_array(column: pl.Series) -> npt.NDArray[Any]:
    """A column as an array that can be mapped into memory."""
    if column.dtype == pl.String:
        return column.to_numpy().astype("S16")
    return np.ascontiguousarray(column.to_numpy())


def hash_table(digest: Any, table: pa.Table) -> None:
    """Feed a table's content, not its memory layout, to the digest. O(bytes)."""
    for name in table.column_names:
        digest.update(f"{name} {table.schema.field(name).type}".encode())
        _hash_array(digest, table[name].combine_chunks())


def _hash_array(digest: Any, array: pa.Array) -> None:
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    missing = array.is_null().to_numpy(zero_copy_only=False)
    digest.update(np.packbits(missing).tobytes())
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        lengths = pc.list_value_length(array).fill_null(0)
        digest.update(lengths.to_numpy(zero_copy_only=False).astype(np.int64).tobytes())
        _hash_array(digest, array.flatten())
    elif pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        lengths = pc.binary_length(array).fill_null(0)
        digest.update(lengths.to_numpy(zero_copy_only=False).astype(np.int64).tobytes())
        digest.update(_characters(array.fill_null("").cast(pa.large_string())))
    else:
        digest.update(array.fill_null(0).to_numpy(zero_copy_only=False).tobytes())


def _characters(array: pa.Array) -> memoryview:
    """The UTF-8 bytes of all strings, one after the other."""
    _, offsets, data = array.buffers()
    if data is None:
        return memoryview(b"")
    bounds = np.frombuffer(offsets, np.int64)
    return memoryview(data)[int(bounds[array.offset]) : int(bounds[array.offset + len(array)])]
