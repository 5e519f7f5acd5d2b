"""What a resolver has at hand: who asks, a reader with their clearance, loaders, services."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any, ParamSpec, TypeVar

import strawberry
from strawberry.fastapi import BaseContext

from api.auth import Caller
from api.loaders import Loaders
from api.services import Services
from queries.catalog import Answer
from queries.errors import ParameterError
from queries.reader import BOUND, Reader

P = ParamSpec("P")
T = TypeVar("T")


class Context(BaseContext):
    """The context of one request."""

    def __init__(self, services: Services, caller: Caller, reader: Reader) -> None:
        super().__init__()
        self.services = services
        self.caller = caller
        self.reader = reader
        self.loaders = Loaders(reader, services.documents)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something that waits for a store without holding up other requests."""
        return await asyncio.to_thread(function, *args, **kwargs)

    def page(self, first: int) -> int:
        """The page size asked for.

        Raises:
            ParameterError: it is not between 1 and the limit.
        """
        most = self.services.settings.api_page_size
        if not 1 <= first <= most:
            raise ParameterError(f"first={first} is not between 1 and {most}")
        return first

    def named(self, name: str, parameters: dict[str, Any]) -> Answer:
        """A named query whose `limit` and `bound` keep within the service's.

        Raises:
            ParameterError: a parameter is wrong or beyond the limits.
        """
        for limited, most in (("limit", self.services.settings.api_page_size), ("bound", BOUND)):
            value = parameters.get(limited, 0)
            if isinstance(value, int) and value > most:
                raise ParameterError(f"{limited}={value} is above {most}")
        texts = (value for value in parameters.values() if isinstance(value, list))
        if any(len(value) > self.services.settings.api_page_size for value in texts):
            raise ParameterError("a list of values is longer than a page")
        return self.reader.ask(name, **parameters)

    def on(self, as_of: date | None) -> Reader:
        """The reader as of another day."""
        return self.reader if as_of is None else replace(self.reader, as_of=as_of)


Info = strawberry.Info[Context, None]


def open_context(services: Services, caller: Caller) -> Context:
    """The context of a request by this caller; opens what is not open yet."""
    sources = services.sources()
    day = sources.snapshot.as_of if sources.snapshot else date.today()
    timeout = services.settings.graph_timeout
    return Context(services, caller, Reader(sources, caller.clearance, day, timeout=timeout))
