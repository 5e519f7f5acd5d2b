"""The canonical tables: what a data owner hands over and what the lake keeps, declared once.

The lake's schema, validation, the documentation page and the sources' mappings are derived from
`TABLES`. Column names are a public contract; types are those of `graph.values`.
"""

from dataclasses import dataclass
from types import MappingProxyType

from graph.errors import OntologyError

RELATION_TYPES = (
    "LEGAL_REPRESENTATIVE",
    "DIRECTOR",
    "SUPERVISOR",
    "EXECUTIVE",
    "SHAREHOLDER",
    "CONTROLLER",
    "BRANCH_OF",
    "GUARANTOR",
    "LENDER",
    "FAMILY",
    "CONTACT",
)


@dataclass(frozen=True)
class Column:
    """One column of a canonical table.

    `type` names a value type of `graph.values` (`id`, `text`, `date`, `country`, `currency`,
    `money`, `mass`, `quantity`, `share`, `rate`, `probability`, `hs_code`, `locode`, `uscc`, `customs_code`, `imo`,
    `email`, `phone`, `integer`, `secret` (hashed when read), `choice`); `many` columns hold several values separated by
    semicolons; `references` names the tables one of whose keys the value must be.
    """

    name: str
    type: str
    description: str
    chinese: str
    required: bool = False
    many: bool = False
    choices: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One canonical table.

    `key` identifies what a row speaks of: a later statement with the same key supersedes the
    earlier one. `event_date` is the day the fact came about: it is `valid_from` where the table has
    no such column, and `recorded_at` where the row does not say when it was learned. A table
    without dates of its own takes both from the row that its column `dated_by` refers to.
    """

    name: str
    description: str
    chinese: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    event_date: str = ""
    dated_by: str = ""

    def column(self, name: str) -> Column:
        """The column with this name. Raises `KeyError`."""
        return {column.name: column for column in self.columns}[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names in order."""
        return tuple(column.name for column in self.columns)


def _c(name: str, type: str, description: str, chinese: str, **more: object) -> Column:
    """Shorthand for the declarations below: a trailing `?` marks an optional column."""
    return Column(
        name.removesuffix("?"),
        type,
        description,
        chinese,
        required=not name.endswith("?"),
        **more,  # type: ignore[arg-type]
    )


_PARTY = {"references": ("enterprises",)}
_VALIDITY = (
    _c("valid_from?", "date", "first day on which this is true", "生效日期"),
    _c("valid_to?", "date", "first day on which it is no longer true", "失效日期"),
)
_RECORDED = _c("recorded_at?", "date", "day on which this became known", "获知日期")

_DECLARATIONS = (
    Table(
        "enterprises",
        "Companies and other organisations.",
        "企业",
        ("enterprise_id", "valid_from"),
        (
            _c(
                "enterprise_id",
                "id",
                "the owner's identifier of the enterprise",
                "企业编号",
            ),
            _c("name", "text", "registered name", "名称"),
            _c("name_en?", "text", "name in English", "英文名称"),
            _c(
                "uscc?",
                "uscc",
                "unified social credit code (GB 32100)",
                "统一社会信用代码",
            ),
            _c(
                "customs_code?",
                "customs_code",
                "customs registration code",
                "海关注册编码",
            ),
            _c("country", "country", "country of registration", "国家（地区）"),
            _c("registered_on?", "date", "day of registration", "成立日期"),
            _c("registered_capital?", "money", "registered capital", "注册资本"),
            _c("currency?", "currency", "currency of the registered capital", "币制"),
            _c("address?", "text", "registered address", "注册地址"),
            _c("phone?", "phone", "telephone number", "联系电话"),
            _c("email?", "email", "e-mail address", "电子邮箱"),
            _c("business_scope?", "text", "declared scope of business", "经营范围"),
            _c("industry?", "text", "industry name or code", "行业"),
            _c("status?", "text", "registration status", "经营状态"),
            _c(
                "credit_class?",
                "text",
                "customs credit class as published",
                "海关信用等级",
            ),
            *_VALIDITY,
            _RECORDED,
        ),
        event_date="registered_on",
    ),
    Table(
        "persons",
        "Natural persons.",
        "自然人",
        ("person_id",),
        (
            _c("person_id", "id", "the owner's identifier of the person", "人员编号"),
            _c("name", "text", "name", "姓名"),
            _c(
                "id_number?",
                "secret",
                "identity number; only its keyed hash is kept",
                "证件号码",
            ),
            _c("birth_date?", "date", "date of birth", "出生日期"),
            _c("nationality?", "country", "nationality", "国籍"),
            _RECORDED,
        ),
    ),
    Table(
        "relations",
        "Links between enterprises and persons.",
        "关联关系",
        ("source_id", "target_id", "type", "valid_from"),
        (
            _c(
                "source_id",
                "id",
                "who holds the role",
                "主体编号",
                references=("enterprises", "persons"),
            ),
            _c(
                "target_id",
                "id",
                "towards whom",
                "对象编号",
                references=("enterprises", "persons"),
            ),
            _c("type", "choice", "kind of relation", "关系类型", choices=RELATION_TYPES),
            _c("share?", "share", "share held, 0 to 1", "持股比例"),
            *_VALIDITY,
            _RECORDED,
        ),
        event_date="valid_from",
    ),
    Table(
        "shipments",
        "Customs declarations, each with its consignment.",
        "报关单",
        ("shipment_id",),
        (
            _c("shipment_id", "id", "declaration number", "报关单号"),
            _c("declared_at", "date", "day of declaration", "申报日期"),
            _c(
                "direction",
                "choice",
                "I import, E export",
                "进出口标志",
                choices=("I", "E"),
            ),
            _c("customs_office", "id", "customs office code", "申报地海关"),
            _c("transport_mode?", "text", "mode of transport", "运输方式"),
            _c("trade_mode?", "text", "customs supervision mode", "监管方式"),
            _c("importer_id?", "id", "importer", "进口商", **_PARTY),
            _c("exporter_id?", "id", "exporter", "出口商", **_PARTY),
            _c(
                "declarant_id?",
                "id",
                "declaring entity (customs broker)",
                "申报单位",
                **_PARTY,
            ),
            _c("carrier_id?", "id", "carrier", "承运人", **_PARTY),
            _c("forwarder_id?", "id", "freight forwarder", "货运代理", **_PARTY),
            _c("manufacturer_id?", "id", "manufacturer", "生产商", **_PARTY),
            _c("bill_of_lading?", "text", "transport document number", "提运单号"),
            _c("vessel_imo?", "imo", "IMO number of the vessel", "船舶IMO编号"),
            _c("containers?", "id", "container numbers", "集装箱号", many=True),
            _c("loading_port?", "locode", "port of loading", "装货港"),
            _c(
                "transit_ports?",
                "locode",
                "ports of transit call, in order",
                "经停港",
                many=True,
            ),
            _c("discharge_port?", "locode", "port of discharge", "卸货港"),
            _c(
                "departure_country?",
                "country",
                "country of departure",
                "启运国（地区）",
            ),
            _RECORDED,
        ),
        event_date="declared_at",
    ),
    Table(
        "shipment_items",
        "Goods items of the declarations.",
        "报关单商品项",
        ("shipment_id", "item_no"),
        (
            _c(
                "shipment_id",
                "id",
                "declaration number",
                "报关单号",
                references=("shipments",),
            ),
            _c(
                "item_no",
                "integer",
                "number of the item in the declaration",
                "商品序号",
            ),
            _c("hs_code", "hs_code", "commodity code, 4 to 10 digits", "商品编码"),
            _c("description?", "text", "description of the goods", "商品名称"),
            _c("origin_country?", "country", "country of origin", "原产国（地区）"),
            _c("quantity?", "quantity", "quantity", "数量"),
            _c("unit?", "text", "unit of the quantity", "计量单位"),
            _c("net_mass_kg?", "mass", "net mass in kilograms", "净重（千克）"),
            _c("gross_mass_kg?", "mass", "gross mass in kilograms", "毛重（千克）"),
            _c("customs_value", "money", "customs value", "完税价格"),
            _c("currency?", "currency", "currency of the value", "币制"),
            _c("tax_rate?", "rate", "rate of duty and tax, in per cent", "税率（%）"),
        ),
        dated_by="shipment_id",
    ),
    Table(
        "findings",
        "Results of inspections.",
        "查验结果",
        ("finding_id",),
        (
            _c("finding_id", "id", "identifier of the finding", "查验编号"),
            _c(
                "shipment_id?",
                "id",
                "declaration inspected",
                "报关单号",
                references=("shipments",),
            ),
            _c(
                "enterprise_id?",
                "id",
                "enterprise it is against; without one a violation counts for importer and exporter",
                "企业编号",
                **_PARTY,
            ),
            _c("inspected_on", "date", "day of the inspection", "查验日期"),
            _c(
                "recorded_at",
                "date",
                "day on which the result was recorded",
                "录入日期",
            ),
            _c(
                "outcome",
                "choice",
                "result",
                "查验结果",
                choices=("violation", "compliant"),
            ),
            _c("type?", "text", "kind of violation", "违规类型"),
            _c(
                "severity?",
                "choice",
                "severity",
                "严重程度",
                choices=("minor", "general", "serious"),
            ),
            _c("duty_recovered?", "money", "duty recovered", "补征税款"),
            _c(
                "selection?",
                "choice",
                "how it was selected",
                "选查方式",
                choices=("random", "targeted", "manual"),
            ),
            _c(
                "probability?",
                "probability",
                "probability of having been selected",
                "抽中概率",
            ),
        ),
        event_date="inspected_on",
    ),
    Table(
        "credit_events",
        "Penalties, certifications, defaults and other events of credit.",
        "信用事件",
        ("event_id",),
        (
            _c("event_id", "id", "identifier of the event", "事件编号"),
            _c("enterprise_id", "id", "enterprise", "企业编号", **_PARTY),
            _c("type", "text", "kind of event", "事件类型"),
            _c("occurred_on", "date", "day of the decision", "决定日期"),
            _c("recorded_at", "date", "day on which it became known", "获知日期"),
            _c("amount?", "money", "amount", "金额"),
            _c(
                "severity?",
                "choice",
                "severity",
                "严重程度",
                choices=("minor", "general", "serious"),
            ),
            _c("ended_on?", "date", "day on which it ended", "终止日期"),
            _c("legal_basis?", "text", "legal basis", "法律依据"),
        ),
        event_date="occurred_on",
    ),
    Table(
        "list_entries",
        "Entries of sanction and watch lists.",
        "名单条目",
        ("entry_id",),
        (
            _c("entry_id", "id", "identifier of the entry", "条目编号"),
            _c("list", "text", "name of the list", "名单名称"),
            _c("name", "text", "listed name", "名称"),
            _c("aliases?", "text", "other names", "别名", many=True),
            _c(
                "kind",
                "text",
                "what is listed: enterprise, person, vessel, aircraft",
                "类别",
            ),
            _c("country?", "country", "country", "国家（地区）"),
            _c("identifiers?", "text", "identifiers", "证件或编号", many=True),
            _c("listed_on?", "date", "day of listing", "列入日期"),
            _c("delisted_on?", "date", "day of removal", "移出日期"),
            _c(
                "linked_to?",
                "text",
                "names or identifiers it is linked to",
                "关联对象",
                many=True,
            ),
        ),
        event_date="listed_on",
    ),
    Table(
        "payments",
        "Transfers between enterprises, summed by pair and period.",
        "资金往来",
        ("payment_id",),
        (
            _c("payment_id", "id", "identifier of the transfer", "往来编号"),
            _c("payer_id", "id", "who paid", "付款方", **_PARTY),
            _c("payee_id", "id", "who was paid", "收款方", **_PARTY),
            _c("paid_from", "date", "first day of the period", "起始日期"),
            _c("paid_to?", "date", "last day of the period", "截止日期"),
            _c("transfers?", "integer", "number of transfers", "笔数"),
            _c("amount?", "money", "sum", "金额"),
            _c("currency?", "currency", "currency", "币制"),
            _RECORDED,
        ),
        event_date="paid_from",
    ),
    Table(
        "places",
        "Ports and other places of UN/LOCODE.",
        "口岸与地点",
        ("locode",),
        (
            _c("locode", "locode", "UN/LOCODE", "地点代码"),
            _c("name", "text", "name", "名称"),
            _c("country", "country", "country", "国家（地区）"),
            _c("functions?", "text", "UN/LOCODE function digits", "功能"),
            _c("latitude?", "coordinate", "latitude in degrees", "纬度"),
            _c("longitude?", "coordinate", "longitude in degrees", "经度"),
        ),
    ),
    Table(
        "commodities",
        "The HS nomenclature.",
        "商品目录",
        ("hs_code",),
        (
            _c("hs_code", "hs_heading", "HS chapter, heading or subheading", "商品编码"),
            _c("description", "text", "description", "商品名称"),
            _c("parent?", "hs_heading", "code above it", "上级编码"),
            _c("level?", "integer", "number of digits", "层级"),
        ),
    ),
)

TABLES: MappingProxyType[str, Table] = MappingProxyType(
    {table.name: table for table in _DECLARATIONS}
)


def _check() -> None:
    """Reject keys, event dates and references that name nothing. Raises `OntologyError`."""
    for table in _DECLARATIONS:
        known = {*table.names, "valid_from"}
        for name in (*table.key, *filter(None, [table.event_date, table.dated_by])):
            if name not in known:
                raise OntologyError(f"table {table.name} has no column {name}")
        for column in table.columns:
            for reference in column.references:
                if reference not in TABLES:
                    raise OntologyError(
                        f"{table.name}.{column.name} refers to no table {reference}"
                    )


_check()
