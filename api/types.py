"""The types of the GraphQL schema. Each is built from the plain rows that `queries` gives.

Descriptions are what users read in the schema. Days are ISO 8601 dates.
"""

import enum
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

import strawberry
from strawberry.scalars import JSON

from graph.ontology import EDGE_KINDS, NODE_KINDS

T = TypeVar("T")


def _d(description: str, **more: Any) -> Any:
    return strawberry.field(description=description, **more)


def _n(description: str, **more: Any) -> Any:
    """A field that is null when nothing is known or the clearance does not reach it."""
    return strawberry.field(description=description, default=None, **more)


def _enumeration(name: str, kinds: Mapping[str, Any], description: str) -> Any:
    """The kinds of the ontology as a GraphQL enumeration with Chinese and English descriptions."""
    values = {
        kind.name: strawberry.enum_value(
            kind.name, description=f"{kind.chinese}. {kind.description}"
        )
        for kind in kinds.values()
    }
    made: Any = enum.Enum(name, values)  # type: ignore[misc]
    return strawberry.enum(made, description=description)


if TYPE_CHECKING:

    class NodeKind(enum.Enum):
        """A kind of node."""

    class EdgeKind(enum.Enum):
        """A kind of edge."""

else:
    NodeKind = _enumeration("NodeKind", NODE_KINDS, "A kind of node.")
    EdgeKind = _enumeration("EdgeKind", EDGE_KINDS, "A kind of edge.")


@strawberry.type(
    description="How much the reader's clearance left out; nothing is left out silently."
)
class Redacted:
    nodes: int = _d("nodes left out")
    edges: int = _d("edges left out")
    paths: int = _d("paths of which a part is blanked")
    properties: int = _d("properties replaced by null")


@strawberry.type(description="A record in the lake.")
class Record:
    record: str = _d("the record's id")
    table: str = _d("canonical table")
    source: str = _d("the source")
    file: str | None = _n("file it was read from")
    row: int | None = _n("row in the file, 1 = first data row")
    batch: str = _d("batch it came with")
    marking: str = _d("its marking")
    recorded_at: date | None = _n("day on which it became known")


@strawberry.type(description="Where a fact comes from and since when it holds.")
class Evidence:
    record: str | None = _n("id of the record it was read from; see the query `evidence`")
    source: str | None = _n("the source that told us")
    marking: str | None = _n("the marking of that statement")
    valid_from: date | None = _n("first day on which it is true")
    valid_to: date | None = _n("first day on which it is no longer true")
    recorded_at: date | None = _n("day on which it became known")
    derivation: str | None = _n("how it was derived, when it was")
    score: float | None = _n("score of the derivation, 0 to 1")

    @strawberry.field(description="the record: file, row and batch; asks the lake")
    async def document(self, info: "strawberry.Info[Any, None]") -> Record | None:
        """Loaded together for all facts of a request."""
        return await _document(info, self.record)


async def _document(info: "strawberry.Info[Any, None]", record: str | None) -> Record | None:
    row = await info.context.loaders.document.load(record) if record else None
    return build(Record, row) if row else None


@strawberry.type(description="A term of the ontology, in English and Chinese.")
class Term:
    name: str = _d("name in answers")
    chinese: str = _d("Chinese label")
    description: str = _d("what it means")
    inverse: str | None = _n("an edge's name walked backwards")
    inverse_chinese: str | None = _n("its Chinese label")


@strawberry.type(description="A reason for a grade.")
class Reason:
    code: str = _d("the reason's code")
    feature: str | None = _n("the characteristic")
    value: float | None = _n("the enterprise's own value")
    points_lost: float | None = _n("points lost against the best")
    zh: str = strawberry.field(description="in Chinese", default="")
    en: str = strawberry.field(description="in English", default="")


@strawberry.type(description="A credit grade: advisory, drives facilitation and review.")
class Grade:
    band: str | None = _n("the band")
    points: float | None = _n("points of the scorecard")
    probability: float | None = _n("probability used by the scorecard")
    reasons: list[Reason] | None = _n("why, most telling first")
    run: str = strawberry.field(description="grading run", default="")
    policy: str = strawberry.field(description="policy", default="")
    model: str | None = _n("model, if one was used")
    snapshot: str = strawberry.field(description="snapshot it rests on", default="")
    as_of: date | None = _n("day it is of")
    known_at: date | None = _n("knowledge it rests on")
    valid_from: date | None = _n("day since which the band has held")
    redacted: Redacted | None = _n("what is null because the grade rests on facts you may not see")


@strawberry.type(description="A calibrated probability of a violation within 12 months.")
class Probability:
    probability: float | None = _n("the probability, 0 to 1")
    low: float | None = _n("lower bound of its interval")
    high: float | None = _n("upper bound of its interval")
    top_reasons: list[str] | None = _n("names of the features that tell most")
    model: str | None = _n("version of the model")
    as_of: date | None = _n("day it is of, that of the snapshot")
    redacted: Redacted | None = _n("what is null because the score rests on facts you may not see")


@strawberry.type(description="One step of a path, in the direction walked.")
class Hop:
    from_: str | None = _n("id of where it starts; null if hidden", name="from")
    to: str | None = _n("id of where it leads; null if hidden")
    from_name: str | None = _n("name of where it starts")
    to_name: str | None = _n("name of where it leads")
    kind: str = strawberry.field(
        description="the edge's kind, its inverse name when walked backwards, or REDACTED",
        default="",
    )
    valid_from: date | None = _n("first day on which the link is true")
    valid_to: date | None = _n("first day on which it is no longer true")
    evidence: str | None = _n("id of the record; see the query `evidence`")

    @strawberry.field(description="the kind's Chinese label")
    def chinese(self) -> str | None:
        """Looked up in the ontology, in the direction walked."""
        return _edge_labels().get(self.kind)

    @strawberry.field(description="the record: file, row and batch; asks the lake")
    async def document(self, info: "strawberry.Info[Any, None]") -> Record | None:
        """Loaded together for all facts of a request."""
        return await _document(info, self.evidence)


@strawberry.type(
    description="One reason why a party counts: a credit event, a finding or a list entry."
)
class Cause:
    id: str = _d("id of the event, finding or list entry")
    kind: NodeKind = _d("what it is")
    reason: str = _d("rule of the policy that makes it count")
    en: str = _d("what it was, in English")
    zh: str = _d("what it was, in Chinese")
    day: date | None = _n("day of the event, inspection or listing; null if it was not told")
    ended_on: date | None = _n(
        "day on which it had ended by the snapshot's day; null if it had not"
    )
    weight: float = _d("what it weighs on the snapshot's day, 0 to 1")
    evidence: str | None = _n("id of the record; see the query `evidence`")
    ties: list[Hop] = _d("the steps from the party to it, with their evidence")
    named: bool = _d("false if a finding names no known enterprise: importer and exporter count")

    @strawberry.field(description="the record: file, row and batch; asks the lake")
    async def document(self, info: "strawberry.Info[Any, None]") -> Record | None:
        """Loaded together for all facts of a request."""
        return await _document(info, self.evidence)


@strawberry.type(description="A path along which risk reaches an enterprise.")
class RiskPath:
    contribution: float | None = _n("what it adds; null when a part of it is hidden")
    source: str | None = _n("id of the penalised or listed party it starts from")
    source_name: str | None = _n("its name")
    reason: str | None = _n("the rule that sets that party's weight")
    cause: str | None = _n("id of the penalty, finding or list entry that sets it")
    weight: float | None = _n("the party's own weight, 0 to 1")
    hops: list[Hop] = _d("the steps from there to the enterprise")
    causes: list[Cause] = strawberry.field(
        description="all reasons why that party counts, most severe first", default_factory=list
    )
    cause_count: int = strawberry.field(
        description="reasons there are for you, listed or not", default=0
    )
    hidden_causes: int = strawberry.field(description="reasons that the clearance hides", default=0)


@strawberry.type(description="The paths that are not shown.")
class Remainder:
    contribution: float = _d("what they add together")
    count: int = _d("how many there are")


@strawberry.type(
    description="Risk that reaches an enterprise along its links. Influence is not guilt: it can"
    " raise attention, it never lowers a class."
    " 影响不等于过错：可以提高关注程度，绝不据此降低信用等级。"
)
class RiskPaths:
    target: str = _d("the enterprise")
    influence: float = _d(
        "1 - product(1 - contribution) over the parties found, each along its best path, 0 to 1"
    )
    paths: list[RiskPath] = _d(
        "the best path of each party; then up to 5 that the clearance hides, blanked,"
        " in no order of risk"
    )
    remainder: Remainder = _d("the paths not shown")
    skipped_hubs: int = _d("nodes with too many links, which were not passed through")
    hubs: list[str] = _d("ids of the first of them")
    partial: bool = _d("a limit of the policy was reached: there may be more")
    redacted: Redacted = _d("what the clearance hides")
    max_hops: int = _d("most steps of a path")
    snapshot: str = _d("snapshot it rests on")
    as_of: date = _d("day it is of")
    policy: str = _d("policy and its hash")


@strawberry.type(description="A path between two entities.")
class Connection:
    reliability: float = _d("product of the links' strengths")
    hops: list[Hop] = _d("the steps")


@strawberry.type(description="How two entities are tied to each other.")
class Connections:
    source: str = _d("the one entity")
    target: str = _d("the other")
    paths: list[Connection] = _d("the best paths")
    count: int = _d("paths found")
    skipped_hubs: int = _d("nodes not passed through")
    partial: bool = _d("a limit was reached: there may be more")
    snapshot: str = _d("snapshot it rests on")
    as_of: date = _d("day it is of")
    policy: str = _d("policy and its hash")


@strawberry.type(description="A chain of shareholdings, or one with a step of declared control.")
class OwnershipChain:
    share: float | None = _n("product of the shares along it; null for a chain of control")
    control: bool = strawberry.field(
        description="whether a step of it is declared control", default=False
    )
    hops: list[Hop] = _d("the steps from the owner down")


@strawberry.type(description="A party that owns or controls an enterprise.")
class Owner:
    id: str = _d("the party")
    kind: NodeKind = _d("its kind")
    name: str | None = _n("its name")
    share: float = strawberry.field(description="integrated share, 0 to 1", default=0.0)
    direct: float | None = _n("share it holds itself")
    controls: bool = strawberry.field(
        description="whether it controls the enterprise", default=False
    )
    ultimate: bool | None = _n("whether nobody known owns it; null if somebody hidden does")
    en: str = strawberry.field(description="what it holds, in English", default="")
    zh: str = strawberry.field(description="what it holds, in Chinese", default="")
    chains: list[OwnershipChain] = strawberry.field(
        description="its chains of holdings, largest first, then those of control",
        default_factory=list,
    )
    chains_left_out: int = strawberry.field(
        description="chains that were found and are not shown", default=0
    )


@strawberry.type(description="Who owns and controls an enterprise, through chains and circles.")
class Ownership:
    target: str = _d("the enterprise")
    owners: list[Owner] = _d("by integrated share")
    count: int = _d("owners in all")
    circular: bool = _d("whether there is a circle among the holdings")
    unknown_shares: int = _d("holdings without a share, which no figure includes")
    unaccounted: float = _d("part of it, 0 to 1, that no stated direct holding covers")
    partial: bool = _d("a limit was reached: there may be more")
    redacted: Redacted = _d("what the clearance hides")
    snapshot: str = _d("snapshot it rests on")
    as_of: date = _d("day it is of")


@strawberry.type(description="A thing that was found by name or identifier.")
class SearchHit:
    id: str = _d("its id")
    kind: NodeKind = _d("its kind")
    name: str | None = _n("its name")
    score: float = strawberry.field(description="how alike, 0 to 1", default=0.0)
    reason: str = strawberry.field(description="what matched and how well", default="")


@strawberry.type(description="What was found, best first.")
class SearchResult:
    results: list[SearchHit] = _d("the hits")
    redacted: bool = _d("whether any name is above the clearance, found or not")


@strawberry.type(description="How many nodes of a kind there are.")
class KindCount:
    kind: NodeKind = _d("the kind")
    nodes: int = _d("nodes in the graph")


@strawberry.type(description="A parameter or a column of a named query.")
class QueryField:
    name: str = _d("its name")
    type: str = _d("its type")
    description: str = _d("what it is")
    default: str | None = _n("its default, if it has one")


@strawberry.type(description="A named query of the catalogue.")
class QueryInfo:
    name: str = _d("its name")
    purpose: str = _d("what it answers")
    parameters: list[QueryField] = _d("its parameters")
    columns: list[QueryField] = _d("its columns")


@strawberry.type(description="The rows of a named query.")
class NamedRows:
    rows: JSON = _d("list of objects, one a row")
    count: int = _d("rows")
    redacted: Redacted = _d("what the clearance hides")


@cache
def _edge_labels() -> dict[str, str]:
    kinds = EDGE_KINDS.values()
    return {
        **{kind.inverse: kind.chinese_inverse for kind in kinds},
        **{kind.name: kind.chinese for kind in kinds},
        "REDACTED": "已隐去",
    }


def build(cls: type[T], row: Mapping[str, Any], **more: Any) -> T:
    """An object of a type from a row: fields by name, lists and objects within, days from text.

    `more` gives values that are already built. Fields the row does not have keep their default.
    """
    values = {
        name: convert(row[key]) if row[key] is not None else None
        for name, key, convert in _plan(cls)  # type: ignore[arg-type]
        if key in row and name not in more
    }
    return cls(**values, **more)


@cache
def _plan(cls: Any) -> tuple[tuple[str, str, Callable[[Any], Any]], ...]:
    """Each field's name, the row's key for it and how its value is made."""
    hints = get_type_hints(cls)
    return tuple(
        (field.name, field.name.rstrip("_"), _converter(hints[field.name]))
        for field in fields(cls)
        if field.init and (field.default is not MISSING or field.name in hints)
    )


def _converter(hint: Any) -> Callable[[Any], Any]:
    """How a plain value becomes one of the hinted type."""
    arguments: tuple[Any, ...] = getattr(hint, "__args__", ())
    if getattr(hint, "__origin__", None) is list:
        inner = _converter(arguments[0])
        return lambda value: [inner(item) for item in value]
    for argument in arguments:
        if argument is not type(None):
            return _converter(argument)
    if hint is date:
        return lambda value: date.fromisoformat(value) if isinstance(value, str) else value
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint
    if hasattr(hint, "__strawberry_definition__"):
        return lambda value: build(hint, value)
    return lambda value: value
