"""The web service: GraphQL at `/graphql`, `/health`, and the pages of `api.web_pages`."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from strawberry.fastapi import GraphQLRouter

from api import web_pages
from api.auth import Gate
from api.context import Context, open_context
from api.errors import described
from api.schema import make_schema
from api.services import Services
from graph.errors import HawserError
from graph.settings import Settings

log = logging.getLogger("hawser.api")

#: Seconds a request may take beyond the time of one query.
GRACE = 10.0
_STATUS = {
    "NOT_FOUND": 404,
    "BAD_INPUT": 400,
    "FORBIDDEN": 401,
    "TIMEOUT": 504,
    "UNAVAILABLE": 503,
}


class Router(GraphQLRouter[Context, None]):
    """GraphQL over HTTP, written with orjson."""

    def encode_json(self, data: object) -> bytes:
        """The answer's bytes."""
        return orjson.dumps(data)


class TimeLimit:
    """Answers 504 to a request that takes longer than `seconds`."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; requests only, not the life of the service."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            async with asyncio.timeout(self.seconds):
                await self.app(scope, receive, watched)
        except TimeoutError:
            if started:
                raise
            text = f"the request took longer than {self.seconds:g} seconds: ask for less"
            await refusal(text, "TIMEOUT")(scope, receive, send)


def refusal(message: str, code: str) -> Response:
    """An error as GraphQL clients expect it."""
    body = {"data": None, "errors": [{"message": message, "extensions": {"code": code}}]}
    return Response(orjson.dumps(body), _STATUS.get(code, 500), media_type="application/json")


def create_app(settings: Settings) -> FastAPI:
    """The service over one data folder. Stores are opened at the first request that needs them.

    Raises:
        SettingsError: the tokens file or the clearance cannot be used.
    """
    services, gate = Services(settings), Gate(settings)
    schema = make_schema(settings)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        yield
        services.close()

    async def context(request: Request) -> Context:
        headers = {name.lower(): value for name, value in request.headers.items()}
        caller = gate.caller(request.client.host if request.client else None, headers)
        return await asyncio.to_thread(open_context, services, caller)

    app = FastAPI(title="Hawser", docs_url=None, redoc_url=None, openapi_url=None, lifespan=life)
    app.state.services = services
    router = Router(
        schema,
        context_getter=context,
        graphql_ide=None,
        allow_queries_via_get=False,
    )
    web_pages.add_pages(app)  # before the router, which has no page of its own
    app.include_router(router, prefix="/graphql")
    app.add_middleware(TimeLimit, seconds=settings.graph_timeout + GRACE)
    _add_texts(app, services, schema.as_str())

    @app.exception_handler(HawserError)
    async def expected(request: Request, error: HawserError) -> Response:
        return refusal(*described(error))

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        return refusal(*described(error))

    return app


def _add_texts(app: FastAPI, services: Services, schema: str) -> None:
    @app.get("/health")
    def health() -> Response:
        """Whether the graph server answers; says nothing about what is in it."""
        try:
            services.read("health", "RETURN 1 AS one", {}, timeout=5.0)
        except HawserError as error:
            return refusal(*described(error))
        return Response(orjson.dumps({"status": "ok"}), media_type="application/json")

    @app.get("/schema.graphql")
    def print_schema() -> Response:
        """The schema as text."""
        return Response(schema, media_type="text/plain; charset=utf-8")
