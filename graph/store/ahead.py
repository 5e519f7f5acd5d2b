"""Preparing the next piece of work while the one before it is under way."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The items in their order; each is made in a thread while the caller works on the last.

    At most two items are held at once. What making one raises is raised here, in its turn.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as worker:
        coming = worker.submit(_take, items)
        while item := coming.result():
            coming = worker.submit(_take, items)
            yield item[0]


def _take(items: Iterator[T]) -> list[T]:
    """The next item, or nothing at the end."""
    return list(itertools.islice(items, 1))
