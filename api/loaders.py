"""Batched reads, made anew for each request: keys in, results in the keys' order."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from strawberry.dataloader import DataLoader

from queries.catalog import Row
from queries.reader import Reader

V = TypeVar("V")
Documents = Callable[[list[str], str], dict[str, Row]]


class Loaders:
    """The loaders of one request."""

    def __init__(self, reader: Reader, documents: Documents) -> None:
        self._reader = reader
        self._documents = documents
        self.document: DataLoader[str, Row | None] = _loader(self._records)
        self.grade: DataLoader[str, Row | None] = _loader(self._grades)
        self.probability: DataLoader[str, Row | None] = _loader(self._probabilities)

    def _grades(self, ids: list[str]) -> list[Row | None]:
        found = self._reader.latest_grades(ids)
        return [found.get(id) for id in ids]

    def _records(self, ids: list[str]) -> list[Row | None]:
        found = self._documents(ids, self._reader.clearance)
        return [found.get(id) for id in ids]

    def _probabilities(self, ids: list[str]) -> list[Row | None]:
        found = self._reader.probabilities(ids)
        return [found.get(id) for id in ids]


def _loader(read: Callable[[list[str]], list[V]]) -> DataLoader[str, V]:
    async def load(keys: list[str]) -> list[V]:
        return await asyncio.to_thread(read, keys)

    return DataLoader(load_fn=load)
