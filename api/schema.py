"""The GraphQL schema, assembled; `api/schema.graphql` is its committed print."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import strawberry
from graphql import GraphQLError
from strawberry.extensions import (
    MaxAliasesLimiter,
    MaxTokensLimiter,
    ParserCache,
    QueryDepthLimiter,
    SchemaExtension,
    ValidationCache,
)
from strawberry.scalars import JSON
from strawberry.types import ExecutionContext

from api.context import Info
from api.errors import ShownErrors
from api.portrait import After, First, Party, Portrait, Shipment, open_portrait
from api.types import (
    Connections,
    EdgeKind,
    Evidence,
    Grade,
    KindCount,
    NamedRows,
    NodeKind,
    Ownership,
    QueryField,
    QueryInfo,
    Record,
    Redacted,
    RiskPaths,
    SearchHit,
    SearchResult,
    Term,
    _d,
    _n,
    build,
)
from graph.algorithms.connections import connections
from graph.algorithms.ownership import owners
from graph.algorithms.propagation import risk_paths
from graph.errors import NotFound, SnapshotError
from graph.ontology import EDGE_KINDS, NODE_KINDS
from graph.settings import Settings
from graph.snapshot import Snapshot
from queries.catalog import CATALOG, Row
from queries.errors import ParameterError
from queries.pages import Page

Chains = Annotated[int, strawberry.argument(description="most chains shown of an owner")]
AsOf = Annotated[date | None, strawberry.argument(description="day; the snapshot's if not given")]


@strawberry.type(description="An edge of a neighbourhood.")
class Link:
    kind: EdgeKind = _d("its kind")
    source: str = _d("id of the node it leads from")
    target: str = _d("id of the node it leads to")
    properties: JSON = _d("its own properties")
    evidence: Evidence | None = _n("where it comes from")


@strawberry.type(description="Everything one step away from a node, as flat lists.")
class Neighbourhood:
    nodes: list[Party] = _d("the node itself and its neighbours, each once")
    edges: list[Link] = _d("the edges of this page")
    next: str | None = _n("cursor of the next page; null on the last")
    redacted: Redacted = strawberry.field(description="what the clearance hides of the list")
    partial: bool = _d("the node has more edges than were read")


@strawberry.type(description="Goods item of a shipment.")
class Item:
    item_no: int | None = _n("商品序号. number in the declaration")
    hs_code: str | None = _n("商品编码. commodity code as declared")
    description: str | None = _n("商品名称. description of the goods")
    quantity: float | None = _n("数量. quantity")
    unit: str | None = _n("计量单位. its unit")
    net_mass_kg: float | None = _n("净重. net mass in kilograms")
    customs_value: float | None = _n("完税价格. customs value")
    currency: str | None = _n("币制. its currency")
    tax_rate: float | None = _n("税率. rate of duty and tax in per cent")


@strawberry.type(description="A party's role in a shipment.")
class Role:
    role: EdgeKind = _d("the role")
    party: Party = _d("the enterprise")


@strawberry.type(description="A shipment with its goods and parties.")
class ShipmentDetail:
    shipment: Shipment = _d("the declaration")
    items: list[Item] = _d("its goods")
    parties: list[Role] = _d("the enterprises in it")
    item_count: int = _d("goods there are for you, shown or not")
    party_count: int = _d("roles there are for you, shown or not")
    partial: bool = _d("there are more goods or roles than are shown")
    redacted: Redacted = _d("what the clearance hides")


@strawberry.type(description="What is served.")
class About:
    snapshot: str | None = _n("the snapshot in use")
    as_of: date | None = _n("the day it is of")
    known_at: date | None = _n("the knowledge it rests on")
    model: str | None = _n("the model behind the scores")
    clearance: str = strawberry.field(description="what you may see")
    caller: str = strawberry.field(description="who you are to the service")


@strawberry.type(description="Read only: Hawser is changed on the command line.")
class Query:
    @strawberry.field(
        description="find enterprises, persons, list entries and ports by name or identifier"
    )
    async def search(
        self, info: Info, text: str, limit: First = 10, kind: NodeKind | None = None
    ) -> SearchResult:
        """Best first, each with the reason."""
        context = info.context
        limit = context.page(limit)
        hits = await context.call(
            lambda: context.services.search.search(
                text,
                limit,
                clearance=context.caller.clearance,
                kind=kind.value if kind else None,
            )
        )
        rows = [build(SearchHit, hit.as_dict()) for hit in hits.results]
        return SearchResult(results=rows, redacted=hits.redacted)

    @strawberry.field(description="the portrait of an enterprise; null if there is none for you")
    async def enterprise(self, info: Info, id: str, as_of: AsOf = None) -> Portrait | None:
        """Sections are read when their fields are asked for."""
        reader = info.context.on(as_of)
        try:
            return open_portrait(reader, await info.context.call(reader.enterprise, id))
        except NotFound:
            return None

    @strawberry.field(description="everything one step away from a node, ordered by kind and id")
    async def neighbourhood(
        self, info: Info, kind: NodeKind, id: str, first: First = 50, after: After = None
    ) -> Neighbourhood:
        """Flat lists of nodes and edges."""
        context = info.context
        limit = context.page(first)
        node = await context.call(context.reader.node, kind.value, id)
        page = await context.call(
            context.reader.neighbourhood, kind.value, id, limit=limit, after=after
        )
        return _neighbourhood(node, page)

    @strawberry.field(description="the best paths along which risk reaches an enterprise")
    async def risk_paths(self, info: Info, id: str, limit: First = 5) -> RiskPaths:
        """Computed on the snapshot."""
        snapshot, clearance = _snapshot(info), info.context.caller.clearance
        limit = info.context.page(limit)
        found = await info.context.call(risk_paths, snapshot, id, limit=limit, clearance=clearance)
        return build(RiskPaths, found.as_dict())

    @strawberry.field(description="the best paths between two entities")
    async def connections(
        self,
        info: Info,
        source_kind: NodeKind,
        source: str,
        target_kind: NodeKind,
        target: str,
        limit: First = 5,
    ) -> Connections:
        """Computed on the snapshot."""
        ends = ((source_kind.value, source), (target_kind.value, target))
        snapshot, clearance = _snapshot(info), info.context.caller.clearance
        limit = info.context.page(limit)
        found = await info.context.call(
            connections, snapshot, *ends, limit=limit, clearance=clearance
        )
        return build(Connections, found.as_dict())

    @strawberry.field(description="who owns and controls an enterprise")
    async def owners(
        self, info: Info, id: str, limit: First = 20, chains: Chains = 10
    ) -> Ownership:
        """Computed on the snapshot."""
        snapshot, clearance = _snapshot(info), info.context.caller.clearance
        limit, chains = info.context.page(limit), info.context.page(chains)
        found = await info.context.call(
            owners, snapshot, id, limit=limit, chains=chains, clearance=clearance
        )
        return build(Ownership, found.as_dict())

    @strawberry.field(description="all credit grades of an enterprise, latest first")
    async def grade_history(self, info: Info, id: str) -> list[Grade]:
        """From the ledger."""
        reader = info.context.reader
        await info.context.call(reader.enterprise, id)
        return [build(Grade, row) for row in await info.context.call(reader.grades, id)]

    @strawberry.field(
        description="a shipment with its goods and parties; null if there is none for you"
    )
    async def shipment(self, info: Info, id: str) -> ShipmentDetail | None:
        """At most a page of goods and of parties."""
        row = await info.context.call(info.context.reader.shipment, id)
        if row is None:
            return None
        return ShipmentDetail(
            shipment=build(Shipment, row["shipment"]),
            items=[build(Item, item) for item in row["items"]],
            parties=[build(Role, role) for role in row["parties"]],
            item_count=row["item_count"],
            party_count=row["party_count"],
            partial=row["partial"],
            redacted=build(Redacted, row["redacted"]),
        )

    @strawberry.field(description="how many nodes of each kind there are for you")
    async def counts(self, info: Info) -> list[KindCount]:
        """Of the snapshot in use, or of the graph where there is none."""
        found = await info.context.call(info.context.reader.counts)
        return [KindCount(kind=NodeKind(kind), nodes=nodes) for kind, nodes in found.items()]

    @strawberry.field(description="the named queries there are")
    def named_queries(self) -> list[QueryInfo]:
        """From the catalogue."""
        return [
            QueryInfo(
                name=query.name,
                purpose=query.purpose,
                parameters=[_field(field.__dict__) for field in query.parameters],
                columns=[_field(field.__dict__) for field in query.columns],
            )
            for query in CATALOG.values()
        ]

    @strawberry.field(description="run a named query; its rows as JSON")
    async def named(self, info: Info, name: str, parameters: JSON) -> NamedRows:
        """As many rows and reads as the query's own parameters allow, within the limits."""
        if not isinstance(parameters, dict):
            raise ParameterError("parameters is no object of names and values")
        answer = await info.context.call(info.context.named, name, parameters)
        redacted = build(Redacted, answer.redacted.as_dict())
        return NamedRows(rows=JSON(answer.rows), count=len(answer.rows), redacted=redacted)

    @strawberry.field(description="where records come from: file, row and batch")
    async def evidence(self, info: Info, records: list[str]) -> list[Record]:
        """Those the reader may see; at most a page of them."""
        info.context.page(max(len(records), 1))
        rows = await info.context.loaders.document.load_many(records)
        seen = [row for row in rows if row is not None]
        return [build(Record, row) for row in seen]

    @strawberry.field(description="the terms of the ontology, in English and Chinese")
    def vocabulary(self) -> list[Term]:
        """Kinds of nodes, then of edges."""
        nodes = [build(Term, kind.__dict__) for kind in NODE_KINDS.values()]
        edges = [
            build(Term, kind.__dict__, inverse_chinese=kind.chinese_inverse)
            for kind in EDGE_KINDS.values()
        ]
        return nodes + edges

    @strawberry.field(description="what is served, and what you may see of it")
    def about(self, info: Info) -> About:
        """Of the snapshot in use."""
        sources = info.context.reader.sources
        snapshot = sources.snapshot
        return About(
            snapshot=snapshot.id if snapshot else None,
            as_of=snapshot.as_of if snapshot else None,
            known_at=snapshot.known_at if snapshot else None,
            model=sources.scores.model if sources.scores else None,
            clearance=info.context.caller.clearance,
            caller=info.context.caller.name,
        )


def _snapshot(info: Info) -> Snapshot:
    snapshot = info.context.reader.sources.snapshot
    if snapshot is None:
        raise SnapshotError("no snapshot was built yet", hint="run `hawser snapshot`")
    return snapshot


def _field(row: Row) -> QueryField:
    default = row["default"]
    return build(QueryField, row, default=None if default is None else str(default))


def _neighbourhood(node: Row, page: Page) -> Neighbourhood:
    nodes = {(node["kind"], node["id"]): build(Party, node)}
    edges = []
    for row in page.rows:
        other = row["other"]
        nodes.setdefault((other["kind"], other["id"]), build(Party, other))
        ends = (node["id"], other["id"]) if row["outward"] else (other["id"], node["id"])
        edges.append(
            Link(
                kind=EdgeKind(row["tie"]),
                source=ends[0],
                target=ends[1],
                properties=row["properties"],
                evidence=build(Evidence, row["evidence"]),
            )
        )
    redacted = build(Redacted, page.redacted.as_dict())
    return Neighbourhood(
        nodes=list(nodes.values()),
        edges=edges,
        next=page.next,
        redacted=redacted,
        partial=page.partial,
    )


class QuietSchema(strawberry.Schema):
    """A schema whose errors are logged where they are masked, with an id, and nowhere else."""

    def process_errors(
        self, errors: Sequence[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """See `api.errors.ShownErrors`."""


def make_schema(settings: Settings) -> strawberry.Schema:
    """The schema with its limits. The caches are shared by all requests."""
    parsed, validated = ParserCache(maxsize=256), ValidationCache(maxsize=256)
    extensions: list[type[SchemaExtension] | object] = [
        lambda: MaxTokensLimiter(max_token_count=settings.api_tokens_limit),
        lambda: MaxAliasesLimiter(max_alias_count=settings.api_aliases),
        lambda: QueryDepthLimiter(max_depth=settings.api_depth),
        lambda: parsed,
        lambda: validated,
        lambda: ShownErrors(),
    ]
    return QuietSchema(query=Query, extensions=extensions)  # type: ignore[arg-type]
