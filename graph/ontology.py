"""The ontology: every kind of node and edge, declared once as data.

Constraints, indexes, write Cypher, clean-up, snapshot columns, GraphQL enums and the documentation
page are derived from `NODE_KINDS` and `EDGE_KINDS`. An `origin` says which canonical table a kind
is read from and which column feeds what, so the projection of the lake needs no code per kind.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from types import MappingProxyType

from graph.errors import OntologyError
from graph.tables import TABLES

#: How a column's text becomes a node's id: as it is; a hash of the normalised text; the first six
#: digits of a commodity code.
IDENTITIES = ("verbatim", "hashed", "subheading")


@dataclass(frozen=True)
class Property:
    """A property of a node or an edge. `type` is text, date, number or integer."""

    name: str
    type: str
    description: str
    chinese: str
    indexed: bool = False


@dataclass(frozen=True)
class Reference:
    """A column that names a node. With several `kinds`, the kind is the one that has the id."""

    kinds: tuple[str, ...]
    column: str
    identity: str = "verbatim"


@dataclass(frozen=True)
class NodeOrigin:
    """Rows of `table` from which nodes are read: `columns` maps property to column.

    A node that only `references` name (a port seen in a shipment) has its id and nothing else.
    """

    table: str
    column: str
    columns: MappingProxyType[str, str] = field(default_factory=lambda: MappingProxyType({}))
    identity: str = "verbatim"


@dataclass(frozen=True)
class EdgeOrigin:
    """Rows of `table` from which edges are read.

    `where` keeps rows whose column has the value; `key` columns tell parallel edges apart;
    `columns` maps edge property to column.
    """

    table: str
    source: Reference
    target: Reference
    where: tuple[str, str] | None = None
    key: tuple[str, ...] = ()
    columns: MappingProxyType[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class NodeKind:
    """A kind of node."""

    name: str
    description: str
    chinese: str
    properties: tuple[Property, ...]
    origins: tuple[NodeOrigin, ...]


@dataclass(frozen=True)
class EdgeKind:
    """A kind of edge, named in both directions.

    `interval` edges hold from `valid_from` until `valid_to`; the others are events that stay true.
    `derived` says how a derived edge comes about; such an edge has no origin. `english` reads both
    directions where the names alone would not do.
    """

    name: str
    inverse: str
    description: str
    chinese: str
    chinese_inverse: str
    endpoints: tuple[tuple[str, str], ...]
    origins: tuple[EdgeOrigin, ...] = ()
    properties: tuple[Property, ...] = ()
    interval: bool = False
    derived: str = ""
    english: tuple[str, str] | None = None


def _map(**columns: str) -> MappingProxyType[str, str]:
    return MappingProxyType(columns)


def _same(*names: str) -> MappingProxyType[str, str]:
    return MappingProxyType({name: name for name in names})


def _p(name: str, type: str, description: str, chinese: str, *, indexed: bool = False) -> Property:
    return Property(name, type, description, chinese, indexed)


def _columns(table: str, *names: str, indexed: Iterable[str] = ()) -> tuple[Property, ...]:
    """Properties that carry a table's columns under the same name and description."""
    types = {"date": "date", "integer": "integer"}
    numbers = {
        "money",
        "mass",
        "quantity",
        "share",
        "rate",
        "probability",
        "coordinate",
    }
    return tuple(
        Property(
            column.name,
            "number" if column.type in numbers else types.get(column.type, "text"),
            column.description,
            column.chinese,
            column.name in indexed,
        )
        for column in (TABLES[table].column(name) for name in names)
    )


_ENTERPRISE = (
    "name", "name_en", "uscc", "customs_code", "country", "registered_on", "registered_capital",
    "currency", "address", "phone", "email", "business_scope", "industry", "status", "credit_class",
)  # fmt: skip
_SHIPMENT = (
    "declared_at", "direction", "customs_office", "transport_mode", "trade_mode", "bill_of_lading",
    "departure_country",
)  # fmt: skip
_FINDING = (
    "inspected_on", "outcome", "type", "severity", "duty_recovered", "selection", "probability",
)  # fmt: skip
_EVENT = ("type", "occurred_on", "amount", "severity", "ended_on", "legal_basis")
_ENTRY = ("list", "name", "kind", "country", "listed_on", "delisted_on")
_PLACE = ("name", "country", "functions", "latitude", "longitude")

_NODES = (
    NodeKind(
        "Enterprise", "A company or other organisation.", "企业",
        _columns("enterprises", *_ENTERPRISE, indexed=("uscc", "customs_code", "name")),
        (NodeOrigin("enterprises", "enterprise_id", _same(*_ENTERPRISE)),),
    ),
    NodeKind(
        "Person", "A natural person.", "自然人",
        _columns("persons", "name", "birth_date", "nationality", "id_number", indexed=("name",)),
        (NodeOrigin("persons", "person_id", _same("name", "birth_date", "nationality", "id_number")),),
    ),
    NodeKind(
        "Shipment", "A customs declaration with its consignment.", "报关单",
        _columns("shipments", *_SHIPMENT, indexed=("declared_at",)),
        (NodeOrigin("shipments", "shipment_id", _same(*_SHIPMENT)),),
    ),
    NodeKind(
        "Port", "A port or other place of UN/LOCODE.", "口岸",
        _columns("places", *_PLACE),
        (
            NodeOrigin("places", "locode", _same(*_PLACE)),
            NodeOrigin("shipments", "loading_port"),
            NodeOrigin("shipments", "transit_ports"),
            NodeOrigin("shipments", "discharge_port"),
        ),
    ),
    NodeKind(
        "Commodity", "A heading or subheading of the Harmonized System.", "商品",
        _columns("commodities", "description", "level"),
        (
            NodeOrigin("commodities", "hs_code", _same("description", "level")),
            NodeOrigin("shipment_items", "hs_code", identity="subheading"),
        ),
    ),
    NodeKind(
        "Country", "A country or region (ISO 3166).", "国家（地区）",
        (),
        (
            NodeOrigin("enterprises", "country"),
            NodeOrigin("shipments", "departure_country"),
            NodeOrigin("shipment_items", "origin_country"),
            NodeOrigin("places", "country"),
        ),
    ),
    NodeKind(
        "Address", "A postal address, as one normalised text.", "地址",
        (_p("text", "text", "the address", "地址"),),
        (NodeOrigin("enterprises", "address", _map(text="address"), "hashed"),),
    ),
    NodeKind(
        "Contact", "A telephone number or an e-mail address.", "联系方式",
        (_p("text", "text", "the number or address", "号码或邮箱"),),
        (
            NodeOrigin("enterprises", "phone", _map(text="phone"), "hashed"),
            NodeOrigin("enterprises", "email", _map(text="email"), "hashed"),
        ),
    ),
    NodeKind("Vessel", "A ship, by its IMO number.", "船舶", (), (NodeOrigin("shipments", "vessel_imo"),)),
    NodeKind("Container", "A container.", "集装箱", (), (NodeOrigin("shipments", "containers"),)),
    NodeKind(
        "CustomsOffice", "A customs office.", "海关", (), (NodeOrigin("shipments", "customs_office"),)
    ),
    NodeKind(
        "Finding", "The result of an inspection.", "查验结果",
        _columns("findings", *_FINDING, indexed=("outcome",)),
        (NodeOrigin("findings", "finding_id", _same(*_FINDING)),),
    ),
    NodeKind(
        "CreditEvent", "A penalty, certification, default or other event of credit.", "信用事件",
        _columns("credit_events", *_EVENT, indexed=("severity",)),
        (NodeOrigin("credit_events", "event_id", _same(*_EVENT)),),
    ),
    NodeKind(
        "ListEntry", "An entry of a sanction or watch list.", "名单条目",
        _columns("list_entries", *_ENTRY, indexed=("name",)),
        (NodeOrigin("list_entries", "entry_id", _same(*_ENTRY)),),
    ),
)  # fmt: skip


def _e(column: str) -> Reference:
    return Reference(("Enterprise",), column)


def _party(name: str, inverse: str, column: str, role: str, chinese: str) -> EdgeKind:
    """The edge from an enterprise to a shipment in which it has a role."""
    return EdgeKind(
        name, inverse, f"The enterprise is the {role} of the shipment.",
        f"是{chinese}", f"{chinese}为",
        (("Enterprise", "Shipment"),),
        (EdgeOrigin("shipments", _e(column), Reference(("Shipment",), "shipment_id")),),
    )  # fmt: skip


def _attribute(
    name: str, inverse: str, target: str, column: str, description: str, chinese: tuple[str, str],
    *, key: tuple[str, ...] = (),
) -> EdgeKind:  # fmt: skip
    """The edge from a shipment to something its declaration names."""
    reference = Reference((target,), column)
    return EdgeKind(
        name, inverse, description, *chinese, (("Shipment", target),),
        (EdgeOrigin("shipments", Reference(("Shipment",), "shipment_id"), reference, key=key),),
    )  # fmt: skip


_EITHER = (("Enterprise", "Enterprise"), ("Person", "Enterprise"))
_ANY_PARTY = (*_EITHER, ("Enterprise", "Person"), ("Person", "Person"))


def _relation(
    name: str, inverse: str, type: str, description: str, chinese: tuple[str, str],
    endpoints: tuple[tuple[str, str], ...] = _ANY_PARTY,
) -> EdgeKind:  # fmt: skip
    """The edge that one type of the table `relations` gives."""
    sources = tuple(dict.fromkeys(source for source, _ in endpoints))
    targets = tuple(dict.fromkeys(target for _, target in endpoints))
    return EdgeKind(
        name, inverse, description, *chinese, endpoints,
        (
            EdgeOrigin(
                "relations", Reference(sources, "source_id"), Reference(targets, "target_id"),
                where=("type", type), key=("valid_from",), columns=_same("share"),
            ),
        ),
        _columns("relations", "share"),
        interval=True,
    )  # fmt: skip


_ITEM = (
    "item_no",
    "description",
    "quantity",
    "unit",
    "net_mass_kg",
    "customs_value",
    "currency",
    "tax_rate",
)
_PAYMENT = ("paid_to", "transfers", "amount", "currency")

_EDGES = (
    _party("IMPORTED", "IMPORTED_BY", "importer_id", "importer", "进口商"),
    _party("EXPORTED", "EXPORTED_BY", "exporter_id", "exporter", "出口商"),
    _party("DECLARED", "DECLARED_BY", "declarant_id", "declarant", "申报单位"),
    _party("CARRIED", "CARRIED_BY", "carrier_id", "carrier", "承运人"),
    _party("FORWARDED", "FORWARDED_BY", "forwarder_id", "freight forwarder", "货运代理"),
    _party("MANUFACTURED", "MANUFACTURED_BY", "manufacturer_id", "manufacturer", "生产商"),
    _attribute("LOADED_AT", "LOADING_PORT_OF", "Port", "loading_port",
               "The shipment was loaded at the port.", ("装货于", "装货港为")),
    _attribute("TRANSITED", "TRANSIT_PORT_OF", "Port", "transit_ports",
               "The shipment called at the port on its way.", ("经停", "经停港为"),
               key=("transit_ports",)),
    _attribute("DISCHARGED_AT", "DISCHARGE_PORT_OF", "Port", "discharge_port",
               "The shipment was discharged at the port.", ("卸货于", "卸货港为")),
    _attribute("DEPARTED_FROM", "DEPARTURE_OF", "Country", "departure_country",
               "The shipment came from the country of departure.", ("启运自", "启运国为")),
    _attribute("CLEARED_AT", "CLEARED", "CustomsOffice", "customs_office",
               "The declaration was made at the customs office.", ("申报于", "申报地为")),
    _attribute("CARRIED_ON", "VESSEL_OF", "Vessel", "vessel_imo",
               "The shipment travelled on the vessel.", ("船载于", "船舶为")),
    _attribute("PACKED_IN", "CONTAINER_OF", "Container", "containers",
               "The shipment was packed in the container.", ("装箱于", "集装箱为")),
    EdgeKind(
        "CONTAINS", "CONTAINED_IN", "The shipment has an item of the commodity.", "含商品", "商品属于",
        (("Shipment", "Commodity"),),
        (EdgeOrigin("shipment_items", Reference(("Shipment",), "shipment_id"),
                    Reference(("Commodity",), "hs_code", "subheading"), key=("item_no",),
                    columns=MappingProxyType({**_same(*_ITEM), "hs_code": "hs_code"})),),
        _columns("shipment_items", *_ITEM, "hs_code"),
    ),
    EdgeKind(
        "ORIGINATES_IN", "ORIGIN_OF", "An item of the shipment originates in the country.", "原产于", "原产国为",
        (("Shipment", "Country"),),
        (EdgeOrigin("shipment_items", Reference(("Shipment",), "shipment_id"),
                    Reference(("Country",), "origin_country"), key=("item_no",), columns=_same("item_no")),),
        _columns("shipment_items", "item_no"),
    ),
    _relation("OWNS", "OWNED_BY", "SHAREHOLDER", "Holds shares of the enterprise.", ("持股", "股东为"), _EITHER),
    _relation("CONTROLS", "CONTROLLED_BY", "CONTROLLER", "Controls the enterprise.", ("控制", "控制人为"), _EITHER),
    _relation("DIRECTS", "DIRECTED_BY", "DIRECTOR", "Is a director of the enterprise.", ("任董事", "董事为")),
    _relation("SUPERVISES", "SUPERVISED_BY", "SUPERVISOR", "Is a supervisor of the enterprise.", ("任监事", "监事为")),
    _relation("EXECUTIVE_OF", "HAS_EXECUTIVE", "EXECUTIVE", "Is an executive of the enterprise.", ("任高管", "高管为")),
    _relation("LEGALLY_REPRESENTS", "LEGALLY_REPRESENTED_BY", "LEGAL_REPRESENTATIVE",
              "Is the legal representative of the enterprise.", ("任法定代表人", "法定代表人为")),
    _relation("BRANCH_OF", "HAS_BRANCH", "BRANCH_OF", "Is a branch of the enterprise.", ("是分支机构", "分支机构为"),
              (("Enterprise", "Enterprise"),)),
    _relation("GUARANTEES", "GUARANTEED_BY", "GUARANTOR", "Guarantees the debts of the party.", ("担保", "担保人为")),
    _relation("LENDS_TO", "BORROWS_FROM", "LENDER", "Lends to the party.", ("出借给", "出借人为")),
    _relation("FAMILY_OF", "HAS_FAMILY", "FAMILY", "Is a family member of the person.", ("是亲属", "亲属为"),
              (("Person", "Person"),)),
    _relation("CONTACT_FOR", "HAS_CONTACT_PERSON", "CONTACT", "Is the contact of the enterprise.", ("是联系人", "联系人为")),
    EdgeKind(
        "REGISTERED_AT", "REGISTERED_ADDRESS_OF", "The enterprise is registered at the address.", "注册于", "注册企业为",
        (("Enterprise", "Address"),),
        (EdgeOrigin("enterprises", _e("enterprise_id"), Reference(("Address",), "address", "hashed"),
                    key=("valid_from",)),),
        interval=True,
    ),
    EdgeKind(
        "REACHED_AT", "CONTACT_OF", "The enterprise is reached at the number or e-mail address.", "联系方式为", "所属企业为",
        (("Enterprise", "Contact"),),
        (
            EdgeOrigin("enterprises", _e("enterprise_id"), Reference(("Contact",), "phone", "hashed"),
                       key=("valid_from",)),
            EdgeOrigin("enterprises", _e("enterprise_id"), Reference(("Contact",), "email", "hashed"),
                       key=("valid_from",)),
        ),
        interval=True,
    ),
    EdgeKind(
        "REGISTERED_IN", "REGISTERS", "The enterprise is registered in the country.", "注册国为", "注册企业为",
        (("Enterprise", "Country"),),
        (EdgeOrigin("enterprises", _e("enterprise_id"), Reference(("Country",), "country"),
                    key=("valid_from",)),),
        interval=True,
    ),
    EdgeKind(
        "LOCATED_IN", "HAS_PORT", "The port is in the country.", "位于", "口岸为",
        (("Port", "Country"),),
        (EdgeOrigin("places", Reference(("Port",), "locode"), Reference(("Country",), "country")),),
    ),
    EdgeKind(
        "FOUND_IN", "HAS_FINDING", "The finding was made in the shipment.", "查获于", "查验结果为",
        (("Finding", "Shipment"),),
        (EdgeOrigin("findings", Reference(("Finding",), "finding_id"), Reference(("Shipment",), "shipment_id")),),
    ),
    EdgeKind(
        "FOUND_AGAINST", "SUBJECT_OF_FINDING", "The finding is against the enterprise.", "针对", "查验结果为",
        (("Finding", "Enterprise"),),
        (EdgeOrigin("findings", Reference(("Finding",), "finding_id"), _e("enterprise_id")),),
    ),
    EdgeKind(
        "SUBJECT_OF", "CONCERNS", "The enterprise is the subject of the event.", "涉及事件", "当事企业为",
        (("Enterprise", "CreditEvent"),),
        (EdgeOrigin("credit_events", _e("enterprise_id"), Reference(("CreditEvent",), "event_id")),),
    ),
    EdgeKind(
        "PAID", "PAID_BY", "The enterprise paid the other.", "付款给", "付款方为",
        (("Enterprise", "Enterprise"),),
        (EdgeOrigin("payments", _e("payer_id"), _e("payee_id"), key=("payment_id",), columns=_same(*_PAYMENT)),),
        _columns("payments", *_PAYMENT),
    ),
    EdgeKind(
        "LINKED_TO", "LINKED_FROM", "The list entry names the other entry as linked.", "关联至", "被关联自",
        (("ListEntry", "ListEntry"),),
        (EdgeOrigin("list_entries", Reference(("ListEntry",), "entry_id"), Reference(("ListEntry",), "linked_to")),),
    ),
    EdgeKind(
        "LISTED_AS", "LISTS", "The party is what the list entry names.", "被列入", "名单对象为",
        (("Enterprise", "ListEntry"), ("Person", "ListEntry")),
        properties=(_p("derivation", "text", "how it was derived", "推导依据"), _p("score", "number", "score, 0 to 1", "得分")),
        derived="The same identifier, or a judgement of identity.",
    ),
    EdgeKind(
        "POSSIBLY_LISTED_AS",
        "POSSIBLY_LISTS",
        "The party may be what the list entry names; nobody has judged it yet.",
        "疑似列入",
        "疑似名单对象为",
        (("Enterprise", "ListEntry"), ("Person", "ListEntry")),
        properties=(_p("derivation", "text", "how it was derived", "推导依据"), _p("score", "number", "score, 0 to 1", "得分")),
        derived="A comparison of names that nobody has judged yet.",
    ),
    EdgeKind(
        "TRADES_WITH", "TRADES_FROM", "The exporter sends goods to the importer.", "供货给", "供货商为",
        (("Enterprise", "Enterprise"),),
        properties=(
            _p("shipments", "integer", "number of shipments", "票数"),
            _p("customs_value", "number", "sum of customs values", "货值"),
            _p("last_on", "date", "day of the last shipment", "最近日期"),
        ),
        derived="Sum over the shipments that the two have in common.",
        english=("sells to", "buys from"),
    ),
    EdgeKind(
        "SAME_AS", "SAME_AS", "The two are the same party.", "同一主体", "同一主体",
        (("Enterprise", "Enterprise"), ("Person", "Person")),
        properties=(_p("derivation", "text", "how it was derived", "推导依据"), _p("score", "number", "score, 0 to 1", "得分")),
        derived="A positive judgement of identity in the ledger.",
    ),
    EdgeKind(
        "POSSIBLY_SAME_AS", "POSSIBLY_SAME_AS", "The two may be the same party.", "疑似同一主体", "疑似同一主体",
        (("Enterprise", "Enterprise"), ("Person", "Person")),
        properties=(_p("derivation", "text", "how it was derived", "推导依据"), _p("score", "number", "score, 0 to 1", "得分")),
        derived="A comparison of names and identifiers that nobody has judged yet.",
    ),
)  # fmt: skip

NODE_KINDS: MappingProxyType[str, NodeKind] = MappingProxyType({kind.name: kind for kind in _NODES})
EDGE_KINDS: MappingProxyType[str, EdgeKind] = MappingProxyType({kind.name: kind for kind in _EDGES})

#: The markings of sources, from what everybody may see to what few may.
MARKINGS = ("PUBLIC", "INTERNAL", "RESTRICTED", "SECRET")

#: What every node and edge carries beside its own properties (dates are ISO 8601 texts in the graph).
PROVENANCE = (
    _p("source", "text", "source that told us", "来源"),
    _p("record", "text", "record it was read from", "记录"),
    _p("marking", "text", "marking of its properties", "密级"),
    _p("markings", "text", "markings of all statements it rests on", "依据密级"),
    _p("valid_from", "date", "first day on which it is true", "生效日期"),
    _p("valid_to", "date", "first day on which it is no longer true", "失效日期"),
    _p("recorded_at", "date", "day on which it became known", "获知日期"),
)


def _check() -> None:
    """Reject declarations that name kinds, tables or columns which do not exist."""
    if len(NODE_KINDS) != len(_NODES) or len(EDGE_KINDS) != len(_EDGES):
        raise OntologyError("two kinds have the same name")
    for node in _NODES:
        for origin in node.origins:
            _check_columns(node.name, origin.table, (origin.column, *origin.columns.values()))
    for edge in _EDGES:
        if bool(edge.origins) == bool(edge.derived):
            raise OntologyError(f"{edge.name} needs either origins or a derivation")
        for kind in {kind for pair in edge.endpoints for kind in pair} - set(NODE_KINDS):
            raise OntologyError(f"{edge.name} joins no kind {kind}")
        for line in edge.origins:
            named = (
                line.source.column,
                line.target.column,
                *line.columns.values(),
                *line.key,
            )
            _check_columns(edge.name, line.table, named)


def _check_columns(kind: str, table: str, columns: Iterable[str]) -> None:
    known = {*TABLES[table].names, "valid_from", "valid_to"} if table in TABLES else set()
    for column in columns:
        if column not in known:
            raise OntologyError(f"{kind} is read from {table}.{column}, which does not exist")


_check()
