"""Array types and the seeded streams of random numbers."""

from collections.abc import Sequence
from datetime import date
from zlib import crc32

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ingest.world.policy import WorldPolicy

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.object_]


def stream(seed: int, purpose: str) -> np.random.Generator:
    """An independent generator for one purpose, so that stages do not disturb each other."""
    return np.random.default_rng([seed, crc32(purpose.encode())])


def texts(values: Sequence[str]) -> Texts:
    """Texts as an array that can be indexed by arrays."""
    return np.array(values, dtype=object)


def take(values: Sequence[str], index: Ints) -> pl.Series:
    """`values[index]` as a column; -1 gives null. O(len(index))."""
    lookup = pl.Series(values, dtype=pl.String)
    valid = pl.Series(np.where(index < 0, 0, index)).cast(pl.UInt32)
    column = lookup.gather(valid)
    if (index < 0).any():
        column = column.to_frame("v").select(pl.when(pl.Series(index >= 0)).then(pl.col("v")))["v"]
    return column


def slot(rng: np.random.Generator, shares: Sequence[float], counts: Ints) -> Ints:
    """For each row one of its first `counts` slots, earlier slots preferred as `shares` say."""
    cut = np.cumsum(shares)[:-1] / np.sum(shares)
    drawn = np.searchsorted(cut, rng.random(len(counts)), side="right")
    return (drawn % counts).astype(np.int64)


def weighted(rng: np.random.Generator, weights: Floats, size: int) -> Ints:
    """`size` draws of an index with probability proportional to its weight. O(size log n)."""
    edges = np.cumsum(weights)
    found = np.searchsorted(edges, rng.random(size) * edges[-1], side="right")
    return np.asarray(np.minimum(found, len(weights) - 1), dtype=np.int64)


def dates(days: Ints | pl.Series, policy: WorldPolicy) -> pl.Series:
    """Calendar days of day numbers."""
    first = (policy.first_day - date(1970, 1, 1)).days
    return (pl.Series(days).cast(pl.Int32) + first).cast(pl.Int32).cast(pl.Date)


class Pools:
    """Members of numbered pools, each member with a weight; draws are vectorised over pools."""

    def __init__(self, pool: Ints, weights: Floats, pools: int) -> None:
        self._order = np.argsort(pool, kind="stable")
        self._edges = np.concatenate([[0.0], np.cumsum(weights[self._order])])
        self._starts = np.searchsorted(pool[self._order], np.arange(pools), side="left")
        self._stops = np.searchsorted(pool[self._order], np.arange(pools), side="right")

    def draw(self, rng: np.random.Generator, pool: Ints) -> Ints:
        """One member for each wanted pool; an empty pool gives any member. Any shape."""
        empty = self._starts[pool] == self._stops[pool]
        start = np.where(empty, 0, self._starts[pool])
        stop = np.where(empty, len(self._order), self._stops[pool])
        low, high = self._edges[start], self._edges[stop]
        found = np.searchsorted(self._edges, low + rng.random(pool.shape) * (high - low), "right")
        return np.asarray(self._order[np.clip(found - 1, start, stop - 1)], dtype=np.int64)
