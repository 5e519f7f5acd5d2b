"""A portrait for people: a few telling lines a section, in Chinese and English."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import groupby
from typing import Any

from commands.words import called, ended, period, say, tie

Row = Mapping[str, Any]

#: Section -> heading.
HEADINGS = {
    "registration": "Registration 登记",
    "grade": "Credit grade 信用等级 (advisory)",
    "risk": "Risk 风险",
    "credit": "Credit events and findings 信用事件与查验",
    "related": "Related parties 关联方",
    "clearance": "Shipments 通关",
    "commodities": "Commodities and prices 商品与价格",
}

CLASS = "credit class as published by the source 来源所载信用等级"
#: Credit classes of customs in Chinese.
CLASSES = {
    "advanced": "高级认证", "aeo": "高级认证", "regular": "常规企业", "recorded": "备案企业",
    "dishonest": "失信企业", "general": "一般认证",
}  # fmt: skip

#: What the enterprise model looks at (`gnn.enterprises.PANEL`); read here without the model.
PANEL = {
    "shipments_90": "shipments in 90 days 近90天票数",
    "shipments_365": "shipments in a year 近一年票数",
    "declarant_share": "share declared for others 代理申报占比",
    "days_since_first": "days since its first shipment 首票至今天数",
    "days_since_last": "days since its last shipment 末票至今天数",
    "inspected_365": "inspections in a year 近一年查验次数",
    "violations_365": "violations in a year 近一年违规次数",
    "violations_ever": "violations ever 历来违规次数",
    "violation_rate": "violation rate of its inspections 查验违规率",
    "expected_90": "violations expected in 90 days 近90天预期违规数",
    "expected_365": "violations expected in a year 近一年预期违规数",
    "mean_risk_180": "mean risk of its shipments in 180 days 近180天各票平均风险",
    "top_risk_180": "riskiest shipment in 180 days 近180天最高单票风险",
}

#: Sections that a snapshot has of its own day only, and the grade, given on its own -> what gives
#: them from another snapshot.
_OF_ITS_DAY = {"grade": "", "risk": "hawser paths", "owners": "hawser owners"}

#: Lines of a list in a portrait that is asked for, and in the demo's.
ALL, FEW = 20, 3


@cache
def _reasons() -> dict[str, str]:
    """Each feature in words. What computes them is loaded only when there is one to tell."""
    from graph.features.catalogue import FEATURES

    return {one.name: f"{one.english} {one.chinese}" for one in FEATURES}


def show_portrait(found: Row, most: int = ALL) -> None:
    """Print a portrait; of each list at most so many lines, and how many more there are."""
    who = found["enterprise"]
    say("  ".join(dict.fromkeys(name for name in (who["name"], who["name_en"]) if name)), "bold")
    country = f", {who['country']}" if who["country"] else ""
    say(f"{who['id']}{country}; as of {found['as_of']}, snapshot {found['snapshot'] or 'none'}")
    if told := _another_day(found):
        say(told)
    tell: dict[str, Callable[[], Iterator[str]]] = {
        "registration": lambda: _registration(found["registration"]),
        "grade": lambda: _grade(found["grade"]),
        "risk": lambda: _risk(found["risk"]),
        "credit": lambda: _credit(found["credit"], most, found["as_of"], who["id"]),
        "related": lambda: _related(found["related"], most),
        "clearance": lambda: _clearance(found["clearance"], most),
        "commodities": lambda: _commodities(found["commodities"], found["prices"], most),
    }
    for section, lines in tell.items():
        say(f"\n{HEADINGS[section]}", "bold")
        for line in [line for line in lines() if line] or [_nothing(section, found)]:
            say(f"  {line}")
        if section == "related" and not found["related"]["owners"] and _earlier(found):
            say(f"  owners 股东: {_nothing('owners', found)}")
    if hidden := _hidden(found):
        say(f"\n{hidden} parts are above the clearance and not shown")


def _earlier(found: Row) -> bool:
    """Whether the day asked for is before that of the graph."""
    graph = found.get("snapshot_as_of")
    return bool(graph) and found["as_of"] < graph


def _another_day(found: Row) -> str | None:
    """What a portrait of another day than the graph's can tell; None of the graph's own."""
    day, graph = found["as_of"], found.get("snapshot_as_of")
    if not graph or day == graph:
        return None
    if day > graph:
        return (
            f"The graph is of {graph}: of the days from then to {day} it knows nothing."
            f" 图谱截至{graph}，不含其后至{day}的情况。"
        )
    dated = (
        found["clearance"],
        *(found["credit"][name] for name in ("events", "findings", "findings_against")),
        *(found["related"][name] for name in ("parties", "shared")),
    )
    if not any(part["rows"] or _hidden(part) for part in dated):
        return (
            f"Nothing that the graph (of {graph}) knows of it is of {day} or before."
            f" 图谱（截至{graph}）中没有它在{day}及以前的记录。"
        )
    return (
        f"The graph is of {graph}: of what ended or was replaced between {day} and then, not all is"
        f" in it. 图谱截至{graph}，{day}至该日之间已终止或变更的情况不全。"
    )


def _registered_since(found: Row) -> str | None:
    """Since when what the graph server has was registered, if that is after the day asked for: it
    need not be of the snapshot's day."""
    since = ((found["registration"] or {}).get("evidence") or {}).get("valid_from")
    return since if since and since > found["as_of"] else None


def _nothing(section: str, found: Row) -> str:
    """Why a section is empty: nothing is known, or the graph is of a later day."""
    day, graph = found["as_of"], found.get("snapshot_as_of")
    if section == "registration" and (since := _registered_since(found)):
        return (
            f"not in this graph, which holds what was in force on its own day (registered since"
            f" {since}); for {day}: `hawser load --as-of {day}`, which takes the graph back to it"
            f" 本图谱只含其截止日有效的登记（自{since}起），"
            f"{day}的登记请用上述命令取得（图谱将退回该日）"
        )
    if not _earlier(found) or section not in _OF_ITS_DAY:
        return "none known 无记录"
    if section == "grade":
        return f"no grade had been given by {day} 截至{day}尚未评级"
    command = f"{_OF_ITS_DAY[section]} {found['enterprise']['id']} --snapshot"
    return (
        f"not in this graph, which holds what was in force on {graph}; for {day}:"
        f" `hawser snapshot --as-of {day}`, then `{command}` with its id"
        f" 本图谱只含{graph}有效的内容，{day}的情况请用上述命令取得"
    )


def cut(lines: Iterable[str], most: int, more: bool = False) -> Iterator[str]:
    """The first lines, and how many are left out; `more` says that there are unread ones."""
    kept = list(lines)
    yield from kept[:most]
    rest = len(kept) - most
    if rest > 0:
        yield f"and {'at least ' if more else ''}{rest} more"
    elif more:
        yield "and more: see the API, which gives them page by page"


def amount(value: float | None, currency: str | None = None) -> str:
    """A sum of money in few digits."""
    if value is None:
        return ""
    for size, word in ((1e9, " bn"), (1e6, " M")):
        if abs(value) >= size:
            return f"{currency or ''} {value / size:,.1f}{word}".strip()
    digits = f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"
    return f"{currency or ''} {digits}".strip()


def percent(value: float) -> str:
    """A share in percent with one decimal."""
    return f"{100 * value:.1f} %"


def counted(count: int, thing: str) -> str:
    """A number of things."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def shortened(text: str | None, most: int = 80) -> str | None:
    """A long text up to its last word that fits."""
    if not text or len(text) <= most:
        return text
    return f"{text[:most].rsplit(' ', 1)[0].rstrip(',;')} …"


def _joined(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def _registration(row: Row | None) -> Iterator[str]:
    if not row:
        return
    get = row.get
    yield _joined(
        get("uscc") and f"USCC 统一社会信用代码 {row['uscc']}",
        get("customs_code") and f"customs code 海关编码 {row['customs_code']}",
    )
    capital = get("registered_capital")
    yield _joined(
        get("registered_on") and f"registered {row['registered_on']}",
        capital and f"capital {amount(capital, get('currency'))}",
        get("industry"),
        get("status"),
        get("business_scope"),
    )
    yield _joined(get("address"), get("phone"), get("email"))
    if given := get("credit_class"):
        yield f"{CLASS}: {given} {CLASSES.get(given, '')}".rstrip()


def _grade(row: Row | None) -> Iterator[str]:
    if not row or row["band"] is None:
        return
    yield f"{row['band']}, {row['points']:.1f} points, on {row['as_of']} by {row['policy']}"
    for reason in row["reasons"]:
        yield f"{-reason['points_lost']:z6.1f}  {reason['en']} {reason['zh']}"


def _risk(row: Row | None) -> Iterator[str]:
    if not row:
        return
    if row.get("probability") is not None:
        within = f"{percent(row['low'])} to {percent(row['high'])}"
        yield (
            f"violation within 12 months 一年内违规概率: {percent(row['probability'])} ({within}),"
            f" model {row['model']}"
        )
        yield "because of: " + "; ".join(map(_reason, row["top_reasons"]))
    if row.get("influence") is not None:
        paths = [path for path in row["paths"] if path["contribution"] is not None]
        count = len(paths) + row.get("remainder", {}).get("count", 0)
        parties = "1 party" if count == 1 else f"{count:,} parties"
        yield f"influence along its links 关联影响: {row['influence']:.3f}, from {parties}"
        for path in paths:
            yield f"  {path['contribution']:.3f} from {_source(path)}"
        yield row["note"]


def _reason(feature: str) -> str:
    return PANEL.get(feature) or _reasons().get(feature, feature)


def _source(path: Row) -> str:
    """Who a path starts from and the most severe cause; `hawser paths` tells all of them."""
    who = called(path["source_name"], path["source"])
    told = [_cause(cause) for cause in path["causes"][:1]]
    rest = path["cause_count"] + path["hidden_causes"] - len(told)
    more = f" and {counted(rest, 'more cause')}" if rest else ""
    return f"{who}: {told[0]}{more}" if told else who


def _cause(cause: Row) -> str:
    over = ended(cause.get("ended_on"))
    return f"{cause['en']} {cause['zh']}{f' ({over})' if over else ''}"


def _credit(
    section: Row, most: int, day: str | None = None, own: str | None = None
) -> Iterator[str]:
    for entry in section["list_entries"]["rows"]:
        judged = entry.get("tie") or entry.get("match") or "listed"
        yield f"on a list: {entry.get('list', '')} {entry.get('name', '')} ({judged})"
    found: dict[str, Row] = {}
    for name in ("findings_against", "findings"):
        found |= {row["id"]: row for row in section[name]["rows"]}
    events = section["events"]["rows"]
    dated = [(True, str(row["occurred_on"]), _event(row, day)) for row in events]
    dated += [
        (row["outcome"] == "violation", str(row["inspected_on"]), _finding(row, own))
        for row in found.values()
    ]
    more = any(section[name]["next"] for name in ("events", "findings", "findings_against"))
    # Where not all fit, compliant findings are left out first; what is shown is by date.
    first = sorted(dated, reverse=True)
    shown = sorted(first[:most], key=lambda one: one[1], reverse=True)
    yield from cut((line for _, _, line in (*shown, *first[most:])), most, more)


def _event(row: Row, day: str | None) -> str:
    return _joined(
        f"{row['occurred_on']}  {row['type'].replace('_', ' ')}",
        ended(row.get("ended_on"), day),
        row.get("severity"),
        row.get("amount") and amount(row["amount"]),
        row.get("legal_basis"),
        f"record {row['evidence']['record']}",
    )


#: In what role an enterprise took part in an inspected shipment.
_PART = {
    "IMPORTED": "as importer 作为进口商",
    "EXPORTED": "as exporter 作为出口商",
    "DECLARED": "as declarant 作为报关单位",
}


def _finding(row: Row, own: str | None) -> str:
    """An inspection's result; a violation says so when it was found against another enterprise."""
    against = row.get("against") if row["outcome"] == "violation" else None
    other = None if against in (None, own) else f"found against {against} 针对{against}"
    kind = f"{row['outcome']}{' of ' + row['type'] if row.get('type') else ''}"
    duty = row.get("duty_recovered")
    return _joined(
        f"{row['inspected_on']}  {kind}",
        row.get("severity"),
        other,
        other and _PART.get(row.get("role") or ""),
        duty and f"duty recovered {amount(duty)}",
        row.get("shipment") and f"shipment {row['shipment']}",
        f"record {row['evidence']['record']}",
    )


def _related(section: Row, most: int) -> Iterator[str]:
    parties = [row for row in section["parties"]["rows"] if row["tie"] != "TRADES_WITH"]
    trade = [row for row in section["parties"]["rows"] if row["tie"] == "TRADES_WITH"]
    more = bool(section["parties"]["next"])
    yield from cut(map(_party, parties), most * 2, more)
    yield from _shared(section["shared"], most)
    yield from cut(map(_party, trade), max(most // 2, 1), more)
    yield from _owners(section["owners"], most)


def _party(row: Row) -> str:
    words = tie(_direction(row))
    party = row["party"]
    held = f", {row['share']:.1%}" if row.get("share") else ""
    former = " (former 曾任)" if row.get("former") else ""
    who = called(party.get("name"), party["id"], party.get("name_en"))
    return f"{words}{former}: {who}{held}{period(row['link'])}, record {row['link']['record']}"


def _direction(row: Row) -> str:
    """The kind as it reads from the enterprise: it does, or the other does it to it."""
    from graph.ontology import EDGE_KINDS

    kind = EDGE_KINDS.get(row["tie"])
    return row["tie"] if kind is None or row["outward"] is not False else kind.inverse


def _shared(section: Row, most: int) -> Iterator[str]:
    """One line an address or contact: who else has it, and how many more."""

    def place(row: Row) -> tuple[str, str]:
        via = row["via"]
        return via["kind"], str(via.get("text") or via["id"])

    words = {"Address": "same address 同一地址", "Contact": "same contact 同一联系方式"}
    more = bool(section["next"] or section.get("partial"))
    for (kind, text), rows in groupby(sorted(section["rows"], key=place), place):
        who = (called(row["party"].get("name"), row["party"]["id"]) for row in rows)
        others = list(dict.fromkeys(who))
        rest = len(others) - most
        tail = _others(rest, more) if rest > 0 or more else ""
        yield f"{words.get(kind, kind)} {text}: {'; '.join(others[:most])}{tail}"


def _others(rest: int, more: bool) -> str:
    """How many others there are; `more` says that not all were read."""
    if rest <= 0:
        return " and maybe more 可能另有其他"
    least, chinese = ("at least ", "至少") if more else ("", "")
    return f" and {least}{rest:,} more 另有{chinese}{rest:,}家"


def _owners(section: Row | None, most: int) -> Iterator[str]:
    if not section:
        return
    owners = [
        f"owner 股东 {called(row['name'], row['id'])}: {row['en']} {row['zh']}"
        + (", ultimate 最终" if row["ultimate"] else "")
        for row in section["owners"]
    ]
    yield from owners[:most]
    if rest := section["count"] - min(most, len(owners)):
        yield f"and {rest} more owners (hawser owners {section['target']})"


def _clearance(section: Row, most: int) -> Iterator[str]:
    words = {"IMPORTED": "imported 进口", "EXPORTED": "exported 出口"}
    months = []
    for month, rows in groupby(section["rows"], lambda row: row["period"]):
        parts = [f"{words.get(r['role'], r['role'].lower())} {r['shipments']:,}" for r in rows]
        months.append(f"{month}: {', '.join(parts)}")
    yield from cut(months, most, bool(section["next"]))
    shipments = section["shipments"]
    yield from cut(map(_shipment, shipments["rows"]), most, bool(shipments["next"]))


def _shipment(row: Row) -> str:
    return _joined(
        f"{row['declared_at']}  {row['id']} {row['role'].lower()}",
        row.get("departure_country") and f"from {row['departure_country']}",
        row.get("customs_office") and f"office {row['customs_office']}",
        row.get("bill_of_lading") and f"bill {row['bill_of_lading']}",
    )


def _commodities(section: Row, prices: Row, most: int) -> Iterator[str]:
    def key(row: Row) -> tuple[Any, ...]:
        return row["hs_code"], row["role"], row.get("currency")

    # Of one who both imports and supplies imports, the direction with most items: the first.
    paid = {key(row): row for row in reversed(prices["rows"])}
    # Imports first: that is where duty is evaded.
    rows = sorted(section["rows"], key=lambda row: row["role"] != "IMPORTED")
    lines = (line for row in rows for line in _commodity(row, paid.get(key(row))))
    yield from cut(lines, most * 2, bool(section["next"]))


def _commodity(row: Row, price: Row | None) -> Iterator[str]:
    mass = row.get("net_mass_kg")
    yield _joined(
        f"HS {row['hs_code']} {row['role'].lower()}: {counted(row['items'], 'item')}",
        amount(row["customs_value"], row.get("currency")),
        mass and f"{mass:,.0f} kg",
        f"last {row['last_on']}" if row.get("last_on") else None,
        shortened(row.get("description")),
    )
    if price and price["median"] is not None:
        peers = price.get("peers") or {}
        beside = (
            f"; others 其他企业 {amount(peers['median'])}"
            f" (10-90 %: {amount(peers['low'])} to {amount(peers['high'])},"
            f" {counted(peers['items'], 'item')})"
            if peers.get("median") is not None
            else ""
        )
        span = f"{amount(price['low'])} to {amount(price['high'])}"
        yield f"  a kilogram 每千克: {amount(price['median'])} ({span}){beside}"


def _hidden(part: Any) -> int:
    """How much the clearance hides, in a portrait and all its sections."""
    if not isinstance(part, Mapping):
        return 0
    counts = part.get("redacted")
    own = sum(counts.values()) if isinstance(counts, Mapping) else 0
    return own + sum(_hidden(item) for name, item in part.items() if name != "redacted")
