"""The portrait in GraphQL: one field a section, each paged, with evidence and day.

A resolver here asks the reader for a page and gives it a type; rules and queries are elsewhere.
"""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from api.context import Info
from api.types import (
    EdgeKind,
    Evidence,
    Grade,
    NodeKind,
    Ownership,
    Probability,
    Redacted,
    RiskPaths,
    _d,
    _n,
    build,
)
from queries.catalog import Row
from queries.pages import Page
from queries.reader import INFLUENCE_IS_NOT_GUILT, Reader

R = TypeVar("R")
First = Annotated[int, strawberry.argument(description="rows in the page")]
After = Annotated[str | None, strawberry.argument(description="`next` of the page before")]


@strawberry.type(description="A page of a list.")
class Rows(Generic[R]):
    rows: list[R] = _d("the rows of this page")
    next: str | None = _n("cursor of the next page; null on the last")
    redacted: Redacted = strawberry.field(description="what the clearance hides of the list")
    partial: bool = _d("a bound was reached: the list may be longer than what was read")


@strawberry.type(description="A party or thing that an edge leads to.")
class Party:
    id: str = _d("its id")
    kind: NodeKind = _d("its kind")
    name: str | None = _n("its name")
    country: str | None = _n("its country")
    text: str | None = _n("address, telephone number or e-mail address")
    evidence: Evidence | None = _n("where it comes from")

    @strawberry.field(description="the grade in force now, for an enterprise")
    async def grade(self, info: Info) -> Grade | None:
        """Loaded together for all parties of a request."""
        if self.kind.value != "Enterprise":
            return None
        row = await info.context.loaders.grade.load(self.id)
        return build(Grade, row) if row else None

    @strawberry.field(description="the probability of a violation, for an enterprise")
    async def probability(self, info: Info) -> Probability | None:
        """Loaded together for all parties of a request."""
        if self.kind.value != "Enterprise":
            return None
        row = await info.context.loaders.probability.load(self.id)
        return build(Probability, row) if row else None


@strawberry.type(description="企业注册信息. What the enterprise registered.")
class Registration:
    id: str = _d("the enterprise's id")
    name: str | None = _n("名称. registered name")
    name_en: str | None = _n("英文名称. name in English")
    uscc: str | None = _n("统一社会信用代码. unified social credit code")
    customs_code: str | None = _n("海关注册编码. customs registration code")
    country: str | None = _n("国家（地区）. country")
    registered_on: date | None = _n("成立日期. day of registration")
    registered_capital: float | None = _n("注册资本. registered capital")
    currency: str | None = _n("币制. its currency")
    address: str | None = _n("注册地址. registered address")
    phone: str | None = _n("联系电话. telephone number")
    email: str | None = _n("电子邮箱. e-mail address")
    business_scope: str | None = _n("经营范围. declared scope of business")
    industry: str | None = _n("行业. industry")
    status: str | None = _n("经营状态. registration status")
    credit_class: str | None = _n("海关信用等级. customs credit class as published")
    as_of: date | None = _n("day of all this; null where it cannot be given for the portrait's day")
    evidence: Evidence | None = _n("where it comes from")
    redacted: Redacted | None = _n("what the clearance hides")


@strawberry.type(description="通关记录. Shipments of a month in one role.")
class ClearancePeriod:
    period: str = _d("month, YYYY-MM")
    role: EdgeKind = _d("the enterprise's role")
    shipments: int = _d("number of shipments")
    first_on: date | None = _n("first day of declaration")
    last_on: date | None = _n("last day of declaration")


@strawberry.type(description="报关单. A shipment.")
class Shipment:
    id: str = _d("declaration number")
    role: str | None = _n("the enterprise's role in it")
    declared_at: date | None = _n("申报日期. day of declaration")
    direction: str | None = _n("进出口标志. I import, E export")
    customs_office: str | None = _n("申报地海关. customs office")
    transport_mode: str | None = _n("运输方式. mode of transport")
    trade_mode: str | None = _n("监管方式. customs supervision mode")
    bill_of_lading: str | None = _n("提运单号. transport document number")
    departure_country: str | None = _n("启运国（地区）. country of departure")
    evidence: Evidence | None = _n("where it comes from")


@strawberry.type(description="主营商品. A commodity the enterprise trades.")
class TradedCommodity:
    hs_code: str = _d("HS subheading")
    description: str | None = _n("its description")
    role: EdgeKind = strawberry.field(description="IMPORTED or EXPORTED")
    currency: str | None = _n("currency of the value")
    items: int = strawberry.field(description="number of goods items")
    customs_value: float | None = _n("sum of customs values")
    net_mass_kg: float | None = _n("sum of net masses in kilograms")
    last_on: date | None = _n("last day of declaration")


@strawberry.type(description="A price band: value per kilogram.")
class PriceBand:
    items: int = _d("goods items in it")
    low: float | None = _n("10th percentile")
    median: float | None = _n("median")
    high: float | None = _n("90th percentile")


@strawberry.type(description="产品价格. Declared unit prices of a commodity, value per kilogram.")
class UnitPrice:
    hs_code: str = _d("HS subheading")
    role: EdgeKind = _d("IMPORTED or EXPORTED")
    direction: str | None = _n("I import, E export, as declared: an import has an exporter too")
    currency: str | None = _n("currency")
    items: int = strawberry.field(description="goods items with a value and a mass")
    low: float | None = _n("10th percentile")
    median: float | None = _n("median")
    high: float | None = _n("90th percentile")
    last_on: date | None = _n("last day of declaration")
    peers: PriceBand | None = _n(
        "other parties, same commodity, direction and currency, from a bounded sample"
    )


@strawberry.type(description="信用事件. A penalty, certification, default or other event.")
class CreditEvent:
    id: str = _d("its id")
    type: str | None = _n("kind of event")
    occurred_on: date | None = _n("决定日期. day of the decision")
    amount: float | None = _n("金额. amount")
    severity: str | None = _n("严重程度. minor, general or serious")
    ended_on: date | None = _n("终止日期. day on which it ended")
    legal_basis: str | None = _n("法律依据. legal basis")
    evidence: Evidence | None = _n("where it comes from")


@strawberry.type(description="查验结果. The result of an inspection.")
class Finding:
    id: str = _d("its id")
    shipment: str | None = _n("shipment it was made in")
    role: str | None = _n("the enterprise's role there")
    against: str | None = _n("针对企业. id of the enterprise that it is against, if it names one")
    inspected_on: date | None = _n("查验日期. day of the inspection")
    outcome: str | None = _n("violation or compliant")
    type: str | None = _n("kind of violation")
    severity: str | None = _n("严重程度. minor, general or serious")
    duty_recovered: float | None = _n("补征税款. duty recovered")
    selection: str | None = _n("选查方式. random, targeted or manual")
    evidence: Evidence | None = _n("where it comes from")


@strawberry.type(
    description="名单条目. An entry of a sanction or watch list that names the enterprise."
)
class ListEntry:
    tie: EdgeKind = _d("LISTED_AS, or POSSIBLY_LISTED_AS until a person has judged")
    id: str = _d("its id")
    list: str | None = _n("name of the list")
    name: str | None = _n("listed name")
    country: str | None = _n("country")
    listed_on: date | None = _n("列入日期. day of listing")
    delisted_on: date | None = _n("移出日期. day of removal")
    evidence: Evidence | None = _n("where it comes from")
    link: Evidence | None = _n("how the enterprise was tied to it")


@strawberry.type(description="关联企业. A tie to another party.")
class Tie:
    tie: EdgeKind = _d("kind of the tie")
    outward: bool | None = _n("whether it leads from the enterprise to the party")
    party: Party = strawberry.field(description="the other party")
    via: Party | None = _n("the address or contact that both have")
    share: float | None = _n("持股比例. share held")
    former: bool = strawberry.field(description="whether it has ended", default=False)
    link: Evidence | None = _n("where it comes from and since when it holds")


def _page(cls: type[R], page: Page) -> Rows[R]:
    redacted = build(Redacted, page.redacted.as_dict())
    return Rows(
        rows=[build(cls, row) for row in page.rows],
        next=page.next,
        redacted=redacted,
        partial=page.partial,
    )


@strawberry.type(description="An enterprise, section by section.")
class Section:
    """What the parts of a portrait share: the enterprise and the reader."""

    id: strawberry.Private[str]
    reader: strawberry.Private[Reader]


async def _rows(
    info: Info, cls: type[R], read: Callable[..., Page], id: str, first: int, after: str | None
) -> Rows[R]:
    """A page of a section."""
    page = await info.context.call(read, id, limit=info.context.page(first), after=after)
    return _page(cls, page)


@strawberry.type(description="过往通关记录. Past clearance records.")
class Clearance(Section):
    @strawberry.field(description="shipments by month and role, latest first")
    async def periods(
        self, info: Info, first: First = 100, after: After = None
    ) -> Rows[ClearancePeriod]:
        """Summed on the graph server."""
        read = self.reader.clearance_record
        return await _rows(info, ClearancePeriod, read, self.id, first, after)

    @strawberry.field(description="the shipments, latest first")
    async def shipments(self, info: Info, first: First = 20, after: After = None) -> Rows[Shipment]:
        """Read page by page."""
        return await _rows(info, Shipment, self.reader.shipments, self.id, first, after)


@strawberry.type(description="过往信用记录. Past credit records.")
class Credit(Section):
    @strawberry.field(description="credit events, latest first")
    async def events(self, info: Info, first: First = 20, after: After = None) -> Rows[CreditEvent]:
        """Penalties, certifications and others."""
        return await _rows(info, CreditEvent, self.reader.events, self.id, first, after)

    @strawberry.field(description="inspection results in the enterprise's shipments, latest first")
    async def findings(self, info: Info, first: First = 20, after: After = None) -> Rows[Finding]:
        """With the enterprise's role in the shipment."""
        return await _rows(info, Finding, self.reader.findings, self.id, first, after)

    @strawberry.field(description="inspection results against the enterprise itself, latest first")
    async def findings_against(
        self, info: Info, first: First = 20, after: After = None
    ) -> Rows[Finding]:
        """Audits and the like."""
        return await _rows(info, Finding, self.reader.findings_against, self.id, first, after)

    @strawberry.field(description="list entries that name the enterprise, or may name it")
    async def list_entries(
        self, info: Info, first: First = 20, after: After = None
    ) -> Rows[ListEntry]:
        """By identifier or judgement; possible ones until somebody has judged."""
        return await _rows(info, ListEntry, self.reader.list_entries, self.id, first, after)


@strawberry.type(description="关联交易企业. Related parties.")
class Related(Section):
    @strawberry.field(description="persons, owners, holdings, branches, trade partners, duplicates")
    async def parties(self, info: Info, first: First = 20, after: After = None) -> Rows[Tie]:
        """Ordered by kind of tie and id."""
        return await _rows(info, Tie, self.reader.parties, self.id, first, after)

    @strawberry.field(description="enterprises at the same address, telephone number or e-mail")
    async def shared(self, info: Info, first: First = 20, after: After = None) -> Rows[Tie]:
        """With the address or contact they share."""
        return await _rows(info, Tie, self.reader.shared, self.id, first, after)

    @strawberry.field(description="who owns and controls it; null without a snapshot that has it")
    async def owners(self, info: Info, first: First = 10) -> Ownership | None:
        """Computed on the snapshot."""
        limit = info.context.page(first)
        row = await info.context.call(self.reader.owners, self.id, limit=limit)
        return build(Ownership, row) if row else None


@strawberry.type(description="风险. Probability and influence, kept apart.")
class Risk(Section):
    @strawberry.field(description="probability of a violation within 12 months")
    async def probability(self, info: Info) -> Probability | None:
        """Null where nobody had scored by the day."""
        row = await info.context.call(self.reader.probability, self.id)
        return build(Probability, row) if row["as_of"] else None

    @strawberry.field(description="influence along links; null without a snapshot that has it")
    async def influence(self, info: Info, first: First = 3) -> RiskPaths | None:
        """Computed on the snapshot."""
        limit = info.context.page(first)
        row = await info.context.call(self.reader.influence, self.id, limit=limit)
        return build(RiskPaths, row) if row["influence"] is not None else None

    @strawberry.field(description="what influence means and what it does not")
    def note(self) -> str:
        """The same words everywhere."""
        return INFLUENCE_IS_NOT_GUILT


@strawberry.type(description="企业画像. The portrait of an enterprise.")
class Portrait(Section):
    enterprise: Party = _d("the enterprise")
    as_of: date = _d("day the portrait is of")
    snapshot: str | None = _n("snapshot that computed parts rest on")

    @strawberry.field(description="registration")
    async def registration(self, info: Info) -> Registration:
        """Hidden properties are null and counted."""
        return build(Registration, await info.context.call(self.reader.registration, self.id))

    @strawberry.field(description="clearance record")
    def clearance(self) -> Clearance:
        """Read when its fields are asked for."""
        return Clearance(id=self.id, reader=self.reader)

    @strawberry.field(description="main commodities, largest value first")
    async def commodities(
        self, info: Info, first: First = 20, after: After = None
    ) -> Rows[TradedCommodity]:
        """Summed on the graph server."""
        return await _rows(info, TradedCommodity, self.reader.commodities, self.id, first, after)

    @strawberry.field(description="credit record")
    def credit(self) -> Credit:
        """Read when its fields are asked for."""
        return Credit(id=self.id, reader=self.reader)

    @strawberry.field(description="related parties")
    def related(self) -> Related:
        """Read when its fields are asked for."""
        return Related(id=self.id, reader=self.reader)

    @strawberry.field(description="declared unit prices, most items first")
    async def prices(self, info: Info, first: First = 20, after: After = None) -> Rows[UnitPrice]:
        """Beside those of all parties."""
        return await _rows(info, UnitPrice, self.reader.prices, self.id, first, after)

    @strawberry.field(description="risk")
    def risk(self) -> Risk:
        """Read when its fields are asked for."""
        return Risk(id=self.id, reader=self.reader)

    @strawberry.field(description="the credit grade in force on the day; null where there is none")
    async def grade(self, info: Info) -> Grade | None:
        """Of the last run not after the day."""
        row = await info.context.call(self.reader.grade, self.id)
        return build(Grade, row) if row else None

    @strawberry.field(description="all credit grades up to the day, latest first")
    async def grade_history(self, info: Info) -> list[Grade]:
        """From the ledger."""
        rows = await info.context.call(self.reader.grades, self.id)
        return [build(Grade, row) for row in rows]


def open_portrait(reader: Reader, row: Row) -> Portrait:
    """The portrait of the enterprise in a row of the query `enterprise`."""
    snapshot: Any = reader.sources.snapshot
    return Portrait(
        id=row["id"],
        reader=reader,
        enterprise=build(Party, row),
        as_of=reader.as_of,
        snapshot=snapshot.id if snapshot else None,
    )
