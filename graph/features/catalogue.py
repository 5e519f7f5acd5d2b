# ruff: noqa: E501 (a table: one line a feature)
# fmt: off
"""Every feature as data: name, labels, definition, unit, window, subject and group.

The documentation page is made from it, and `build` refuses to hand out a feature it does not name.
A feature of a shipment declared on day t uses only statements recorded before t; a feature of an
enterprise only what its snapshot knew.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from graph.features.history import ROLES, WINDOWS

SUBJECTS = ("shipment", "enterprise")
GROUPS = ("row", "history", "neighbour", "network")


@dataclass(frozen=True)
class Feature:
    """One feature. `window` says which days it looks at; `categorical` values are codes."""

    name: str
    subject: str
    group: str
    english: str
    chinese: str
    definition: str
    unit: str = "number"
    window: str = "declaration"
    categorical: bool = False


_ROLE = {"importer": ("importer", "进口商"), "exporter": ("exporter", "出口商"), "declarant": ("declarant", "申报单位")}
_KIND = {
    "address": ("registered address", "注册地址"),
    "contact": ("telephone number or e-mail", "联系方式"),
    "representative": ("legal representative", "法定代表人"),
    "person": ("director, executive or contact person", "董监高或联系人"),
    "ownership": ("owner, controller or guarantor", "股东、控制人或担保人"),
    "broker": ("customs broker", "报关企业"),
    "counterparty": ("trading partner", "贸易伙伴"),
}
_KEY = {
    **_ROLE,
    "hs": ("HS subheading", "商品子目"),
    "origin": ("country of origin", "原产国"),
    "route": ("pair of loading and discharge port", "航线"),
    "office": ("customs office", "申报地海关"),
}
_CUT = "all before the quarter's first day"
_EVER = "all before the day"
_YEAR = "365 days before the day"


def _row() -> Iterator[Feature]:
    def of(name: str, english: str, chinese: str, definition: str, unit: str = "number") -> Feature:
        return Feature(name, "shipment", "row", english, chinese, definition, unit)

    def code(name: str, english: str, chinese: str, definition: str) -> Feature:
        return Feature(name, "shipment", "row", english, chinese, definition, "code", categorical=True)

    hashed = "CRC-32 of the text, lowest 24 bits"
    yield of("is_import", "import", "进口", "1 for an import, 0 for an export", "0 or 1")
    yield code("month", "month", "申报月份", "month of the declaration, 1 to 12")
    yield code("weekday", "day of the week", "申报星期", "0 Monday to 6 Sunday")
    yield of("missing_fields", "fields left empty", "缺失字段数", "parties, transport document, vessel, containers, ports and country left empty")
    yield of("containers", "containers", "集装箱数", "number of containers")
    yield of("transit_ports", "ports of transit", "经停港数", "number of ports of transit")
    for name, english, chinese in (
        ("customs_office", "customs office", "申报地海关"),
        ("transport_mode", "mode of transport", "运输方式"),
        ("trade_mode", "customs supervision mode", "监管方式"),
        ("departure_country", "country of departure", "启运国"),
        ("loading_port", "port of loading", "装货港"),
        ("discharge_port", "port of discharge", "卸货港"),
        ("origin_country", "origin of the main item", "主商品原产国"),
    ):
        yield code(f"{name}_code", english, chinese, hashed)
    yield of("log_value", "declared value", "申报货值", "ln(1 + sum of customs values)", "ln currency")
    yield of("log_net_mass", "net mass", "净重", "ln(1 + sum of net masses)", "ln kg")
    yield of("log_value_per_kg", "price per kilogram", "单位价格", "ln(customs value / net mass) of the main item", "ln currency/kg")
    yield of("gross_net_ratio", "gross to net mass", "毛净重比", "gross mass / net mass", "ratio")
    yield of("items", "goods items", "商品项数", "number of items")
    yield of("distinct_hs", "different subheadings", "商品子目数", "number of different HS subheadings")
    yield of("distinct_origins", "different origins", "原产国数", "number of countries of origin")
    yield of("tax_rate", "tax rate", "税率", "tax rate, weighted by customs value", "per cent")
    yield of("highest_tax_rate", "highest tax rate", "最高税率", "highest rate of an item", "per cent")
    for name, english, chinese, digits in (
        ("hs_chapter", "HS chapter", "商品章", 2),
        ("hs_heading", "HS heading", "商品品目", 4),
        ("hs_subheading", "HS subheading", "商品子目", 6),
    ):
        yield code(name, english, chinese, f"first {digits} digits of the main item's code")
    yield from _prices()
    yield of("route_detour", "detour of the route", "航线绕行比", "great-circle way over the ports of transit / direct way", "ratio")
    yield of(
        "origin_is_not_departure",
        "origin is not departure",
        "原产国与启运国不同",
        "main item's origin differs from the country of departure",
        "0 or 1",
    )
    yield of(
        "loading_is_not_departure",
        "loaded in another country",
        "装货港不在启运国",
        "country of the loading port differs from the country of departure",
        "0 or 1",
    )


def _prices() -> Iterator[Feature]:
    window = "180 days before the 30-day period"
    peers = "items of the same HS subheading, currency and direction"
    for name, english, chinese, definition, unit in (
        (
            "price_log_ratio",
            "price against its peers",
            "单价偏离（对数）",
            f"ln price per kg of the main item, less the median of {peers}",
            "ln ratio",
        ),
        (
            "price_robust_z",
            "price against its peers, in spreads",
            "单价稳健Z值",
            "price_log_ratio / (1.4826 median absolute deviation + 0.05)",
            "spreads",
        ),
        ("lowest_price_z", "lowest price of an item", "最低单价Z值", "least robust z of the items", "spreads"),
        ("highest_price_z", "highest price of an item", "最高单价Z值", "greatest robust z of the items", "spreads"),
        ("price_peers", "peers of the price", "可比价格数", f"ln(1 + number of {peers})", "ln number"),
    ):
        yield Feature(name, "shipment", "row", english, chinese, definition, unit, window)


def _trade(subject: str, role: str) -> Iterator[Feature]:
    english, chinese = _ROLE[role]
    whose = f"of the {english}" if subject == "shipment" else f"as {english}"

    def of(name: str, label: str, zh: str, text: str, unit: str, window: str) -> Feature:
        return Feature(f"{role}_{name}", subject, "history", f"{label} {whose}", f"{chinese}{zh}", text, unit, window)

    for window in WINDOWS:
        days = f"{window} days before the day"
        yield of(f"shipments_{window}", f"shipments in {window} days", f"{window}天申报票数", "declarations recorded in the window", "number", days)
        yield of(
            f"log_value_{window}",
            f"value in {window} days",
            f"{window}天申报货值",
            "ln(1 + customs value recorded in the window)",
            "ln currency",
            days,
        )
    yield of("shipments_ever", "shipments so far", "累计申报票数", "ln(1 + declarations recorded)", "ln number", _EVER)
    yield of("days_since_first", "days since the first shipment", "距首票天数", "days since the first declaration was recorded", "days", _EVER)
    yield of("days_since_last", "days since the last shipment", "距上票天数", "days since the last declaration was recorded", "days", _EVER)


def _party(subject: str, prefix: str, english: str, chinese: str) -> Iterator[Feature]:
    for name, label, zh, definition, unit in (
        ("age_days", "age", "成立天数", "days since registration", "days"),
        ("log_capital", "registered capital", "注册资本", "ln(1 + registered capital)", "ln currency"),
        ("known_days", "days known", "获知天数", "days since the first statement about it", "days"),
        ("adverse_events", "adverse credit events", "不良信用事件数", "credit events that have a severity", "number"),
        ("days_since_adverse", "days since an adverse event", "距不良事件天数", "days since such an event was recorded", "days"),
    ):
        yield Feature(f"{prefix}{name}", subject, "history", f"{label} of the {english}", f"{chinese}{zh}", definition, unit, _EVER)


#: What parties are spread over: party, name, English, Chinese.
_SPREADS = (
    ("importer", "hs", "HS subheadings", "商品子目"),
    ("exporter", "hs", "HS subheadings", "商品子目"),
    ("importer", "brokers", "brokers", "报关企业"),
    ("importer", "suppliers", "suppliers", "供货商"),
    ("exporter", "customers", "customers", "客户"),
    ("declarant", "clients", "clients", "委托人"),
    ("importer", "origins", "countries of origin", "原产国"),
)

#: What an importer may have declared before: name, English, Chinese.
_SEEN_BEFORE = (
    ("broker", "broker", "报关企业"),
    ("supplier", "supplier", "供货商"),
    ("hs", "HS subheading", "商品子目"),
    ("origin", "origin", "原产国"),
    ("route", "route", "航线"),
)


def _history() -> Iterator[Feature]:
    def of(name: str, english: str, chinese: str, definition: str, unit: str) -> Feature:
        return Feature(name, "shipment", "history", english, chinese, definition, unit, _EVER)

    for role in ROLES:
        yield from _trade("shipment", role)
        yield from _party("shipment", f"{role}_", *_ROLE[role])
    for party, name, english, chinese in _SPREADS:
        yield from _spread(party, name, english, chinese)
    for name, english, chinese in _SEEN_BEFORE:
        first = f"no earlier declaration of this importer with this {english}"
        yield of(f"new_{name}", f"new {english}", f"首次{chinese}", first, "0 or 1")
        number = f"ln(1 + earlier declarations of the importer with this {english})"
        yield of(f"shipments_with_{name}", f"shipments with this {english}", f"同{chinese}票数", number, "ln number")
    on_route = "ln(1 + earlier declarations of the subheading on the route)"
    yield of("hs_on_route", "goods on this route", "同航线同商品票数", on_route, "ln number")
    ratio = "ln price per kg, less the importer's mean for the subheading"
    yield of("own_price_log_ratio", "price against the importer's own", "单价与自身历史偏离", ratio, "ln ratio")
    yield from _violations("shipment", _KEY, "")


def _spread(party: str, name: str, english: str, chinese: str) -> Iterator[Feature]:
    """How many different things a party declared in a year, and how evenly."""
    label, zh = _ROLE[party]

    def of(name: str, told: str, zh: str, definition: str, unit: str) -> Feature:
        return Feature(f"{party}_{name}_365", "shipment", "history", f"{told} of the {label}", zh, definition, unit, _YEAR)

    yield of(f"distinct_{name}", english, f"{zh}{chinese}数", f"number of different {english}", "number")
    shares = f"entropy of the shares of its {english} in its declarations"
    yield of(f"{name}_entropy", f"spread over {english}", f"{zh}{chinese}熵", shares, "nats")


#: Whom a violation counts for when an enterprise is graded.
_AGAINST = "those that name it, and those of its imports and exports that name nobody"


def _violations(subject: str, keys: dict[str, tuple[str, str]], prefix: str) -> Iterator[Feature]:
    yield Feature(
        "base_violation_rate",
        subject,
        "history",
        "violations overall",
        "总体违规率",
        "(violations + 1) / (findings + 25) over all findings known",
        "probability",
        _EVER,
    )
    for name, (english, chinese) in keys.items():
        start = f"{prefix}{name}_" if name else prefix
        yield Feature(
            f"{start}violation_rate",
            subject,
            "history",
            f"violations of the {english}",
            f"{chinese}违规率",
            "(violations + 20 p) / (findings + 20), p the overall rate",
            "probability",
            _EVER,
        )
        yield Feature(
            f"{start}findings", subject, "history", f"findings of the {english}", f"{chinese}查验次数", "ln(1 + findings known)", "ln number", _EVER
        )
        if name in ROLES or not name:
            yield Feature(
                f"{start}days_since_violation",
                subject,
                "history",
                f"days since a violation of the {english}",
                f"{chinese}距违规天数",
                "days since the last violation was recorded"
                + ("" if name else f" against it ({_AGAINST})"),
                "days",
                _EVER,
            )


def _around(subject: str, prefix: str, english: str, chinese: str) -> Iterator[Feature]:
    """Pairs of rate and weight around a party."""
    window = _CUT if subject == "shipment" else _EVER
    kinds = {kind: (f"that share the {en}", f"同{zh}企业") for kind, (en, zh) in _KIND.items()}
    kinds["any_link"] = ("linked in any way", "关联企业")
    kinds["two_hop"] = ("two links away", "两跳关联企业")
    for kind, (label, zh) in kinds.items():
        yield from _pair(subject, f"{prefix}{kind}", f"enterprises {label} with the {english}", f"{chinese}{zh}", window)


def _pair(subject: str, name: str, english: str, chinese: str, window: str) -> Iterator[Feature]:
    yield Feature(
        f"{name}_rate",
        subject,
        "neighbour",
        f"violations of {english}",
        f"{chinese}违规率",
        "(violations + 3 p) / (findings + 3), each hub weighted 1/ln(2 + members)",
        "probability",
        window,
    )
    yield Feature(
        f"{name}_weight", subject, "neighbour", f"findings of {english}", f"{chinese}查验权重", "ln(1 + weighted findings)", "ln number", window
    )


def _neighbour() -> Iterator[Feature]:
    for role in ROLES:
        yield from _around("shipment", f"{role}_", *_ROLE[role])
    for name, english, chinese in (
        ("broker_clients", "other clients of the broker", "报关企业其他委托人"),
        ("supplier_customers", "other customers of the supplier", "供货商其他客户"),
    ):
        yield from _pair("shipment", name, english, chinese, _CUT)
        yield from _pair("shipment", f"{name}_two_hop", f"enterprises linked to {english}", f"{chinese}的关联企业", _CUT)


#: name, English, Chinese, definition, unit
_NETWORK = (
    ("owners", "owners", "股东数", "edges OWNS into the enterprise", "number"),
    ("holdings", "holdings", "对外投资数", "edges OWNS out of the enterprise", "number"),
    ("officers", "officers", "任职人员数", "edges DIRECTS, SUPERVISES, EXECUTIVE_OF, LEGALLY_REPRESENTS and CONTACT_FOR into it", "number"),
    ("suppliers", "suppliers", "供货商数", "different enterprises that sell to it", "number"),
    ("customers", "customers", "客户数", "different enterprises it sells to", "number"),
    ("supplier_hhi", "concentration on suppliers", "供货商集中度", "Herfindahl index of purchases by supplier, by customs value", "0 to 1"),
    ("customer_hhi", "concentration on customers", "客户集中度", "Herfindahl index of sales by customer, by customs value", "0 to 1"),
    ("shipments_imported", "shipments imported", "进口票数", "edges IMPORTED", "number"),
    ("shipments_exported", "shipments exported", "出口票数", "edges EXPORTED", "number"),
    ("shipments_declared", "shipments declared", "代理申报票数", "edges DECLARED", "number"),
    ("pagerank", "PageRank", "PageRank", "PageRank with damping 0.85 on the weighted links between enterprises, times their number", "1 = average"),
    ("core", "core number", "K核数", "largest k such that it is in a subgraph where all have k links", "number"),
    ("component_size", "size of the component", "连通分量规模", "ln of the number of enterprises connected with it", "ln number"),
    ("shared_address", "enterprises at its address", "同地址企业数", "different other enterprises at an address of its own", "number"),
    (
        "shared_contact",
        "enterprises with its contact",
        "同联系方式企业数",
        "different other enterprises with a telephone number or e-mail of its own",
        "number",
    ),
    (
        "shared_representative",
        "enterprises with its representative",
        "同法定代表人企业数",
        "different other enterprises with a legal representative of its own",
        "number",
    ),
    (
        "hops_to_penalised",
        "hops to a penalised party",
        "距受罚企业跳数",
        "fewest links to an enterprise with an adverse credit event that has not ended, 0 for itself, at most 6",
        "hops",
    ),
    ("hops_to_listed", "hops to a listed party", "距名单主体跳数", "fewest links to a party that a list names, 0 for itself, at most 6", "hops"),
    ("ownership_depth", "levels of owners", "股权层级", "longest chain of owners above it, at most 12", "levels"),
)


#: name, English, Chinese, definition, unit, window: what the scorecard reads.
_YEARLY = (
    (
        "violation_rate_365d",
        "share of inspections with a violation",
        "近一年查验不合格率",
        f"violations against it ({_AGAINST}) / findings on it or in shipments in which it had any "
        "role, both recorded and still in force; NaN without findings",
        "0 to 1",
        _YEAR,
    ),
    ("inspections_365d", "findings in a year", "近一年查验次数", "findings on it or in shipments in which it had any role, recorded and still in force", "number", _YEAR),
    (
        "violations_365d",
        "violations in a year",
        "近一年违规次数",
        f"violations against it ({_AGAINST}), recorded and still in force",
        "number",
        _YEAR,
    ),
    ("credit_events_365d", "adverse credit events in a year", "近一年不良信用事件数", "credit events with a severity recorded and still in force", "number", _YEAR),
    (
        "serious_events_open",
        "serious events not ended",
        "未终止的严重失信事件数",
        "credit events of severity serious that have not ended on the snapshot's day",
        "number",
        _EVER,
    ),
    ("declarants_365d", "customs brokers in a year", "近一年报关单位数", "different declarants of its imports; NaN without imports", "number", _YEAR),
)


def _enterprise() -> Iterator[Feature]:
    for role in ROLES:
        yield from _trade("enterprise", role)
    yield from _party("enterprise", "", "enterprise", "企业")
    yield from _violations("enterprise", {"": ("enterprise", "企业")}, "")
    yield from _around("enterprise", "", "enterprise", "企业")
    for name, english, chinese, definition, unit, window in _YEARLY:
        yield Feature(name, "enterprise", "history", english, chinese, definition, unit, window)
    yield Feature(
        "neighbour_violation_rate",
        "enterprise",
        "neighbour",
        "violations among related parties",
        "关联方违规率",
        "any_link_rate, NaN where no related party has a finding",
        "probability",
        _EVER,
    )
    for name, english, chinese, definition, unit in _NETWORK:
        yield Feature(name, "enterprise", "network", english, chinese, definition, unit, "snapshot's day")


FEATURES: tuple[Feature, ...] = (*_row(), *_history(), *_neighbour(), *_enterprise())


def names(subject: str, group: str | None = None) -> list[str]:
    """Names of a subject's features in order, of one group or all."""
    return [f.name for f in FEATURES if f.subject == subject and group in (None, f.group)]


def feature(subject: str, name: str) -> Feature:
    """The feature of this name. Raises `KeyError`."""
    return {f.name: f for f in FEATURES if f.subject == subject}[name]


def catalogue_markdown() -> str:
    """The documentation page of all features."""
    lines = ["# Features", "", *_PREFACE]
    for subject in SUBJECTS:
        for group in GROUPS:
            rows = [f for f in FEATURES if f.subject == subject and f.group == group]
            if rows:
                lines += ["", f"## {subject.capitalize()}: {group}", "", *_HEADER]
                lines += [_line(row) for row in rows]
    return "\n".join(lines) + "\n"


_PREFACE = (
    "Made from `graph/features/catalogue.py`; do not edit.",
    "",
    "A feature of a shipment declared on day t uses only statements recorded before t. Declarations",
    "count as first declared. Findings, links and registrations count while their statement is in",
    "force. Unknown values are NaN. Features of an enterprise are as of its snapshot.",
)
_HEADER = ("| name | English | 中文 | definition | unit | window |", "|---|---|---|---|---|---|")


def _line(row: Feature) -> str:
    unit = f"{row.unit}, categorical" if row.categorical else row.unit
    cells = (f"`{row.name}`", row.english, row.chinese, row.definition, unit, row.window)
    return f"| {' | '.join(cells)} |"
