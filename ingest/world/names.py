"""Names of enterprises and persons, put together from component lists."""

import numpy as np
import polars as pl
from pypinyin import lazy_pinyin

from ingest.world.arrays import Ints, take
from ingest.world.population import Population
from ingest.world.reference import CITIES, RECYCLING, TRADES, Reference

_BRAND = (
    "华泰瑞丰恒信达盛隆昌兴旺源鑫通汇利康宁嘉美德诚远航海洋天地宏图伟业金鼎玉龙凤翔鹏飞腾跃"
    "春秋明光辉煌永久安顺和平吉祥如意百川千里万方中联合创新锐锋启迪云帆星辰皓月松柏翠竹博雅"
)
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀英华慧建国文平刚桂兰玉萍红玲飞鹏波斌宇浩凯健俊帆雪琳"
_TRADE_WORDS = (
    ("贸易", "Trading"),
    ("进出口", "Import & Export"),
    ("国际贸易", "International Trade"),
    ("供应链管理", "Supply Chain Management"),
    ("商贸", "Commerce"),
    ("实业", "Industrial"),
    ("科技", "Technology"),
)
_ROLE_WORDS = {
    "holding": (("投资控股", "Investment Holding"), ("企业管理", "Enterprise Management")),
    "maker": (("制造", "Manufacturing"), ("工业", "Industry")),
    "broker": (("报关", "Customs Brokerage"), ("报关服务", "Customs Services")),
    "forwarder": (("国际货运代理", "International Freight Forwarding"), ("国际物流", "Logistics")),
    "carrier": (("海运", "Shipping"), ("航运", "Marine")),
}
_FORMS = ("有限公司", "有限责任公司", "股份有限公司")
_FORMS_EN = ("Co., Ltd.", "Co.,Ltd", "Company Limited", "Co. Ltd.", "CO., LTD.")
_HEAD = [
    "Nor", "Al", "Vel", "Kar", "Mer", "Tri", "Sol", "Pan", "Ost", "Del", "Bra", "Lum", "Fen",
    "Gal", "Har", "Ken", "Lor", "Mon", "Pal", "Ras", "Ser", "Tam", "Val", "Wes", "Zen", "Cor",
    "Dan", "Eur", "Fal", "Gre",
]  # fmt: skip
_TAIL = [
    "dex", "tron", "via", "mark", "land", "form", "tec", "mar", "gate", "wood", "line", "sten",
    "field", "port", "win", "co", "max", "ric", "den", "way", "lux", "stone", "bridge", "gen",
    "ton",
]  # fmt: skip
_MIDDLE = ("", "", "i", "a", "o", "e", "en", "in", "an", "ar")
_LAW = {
    "DE": ("GmbH", "AG"), "JP": ("K.K.", "Co., Ltd."), "US": ("Inc.", "LLC"), "KR": ("Co., Ltd.",),
    "VN": ("JSC", "Co., Ltd."), "MY": ("Sdn. Bhd.",), "SG": ("Pte. Ltd.",),
    "IT": ("S.p.A.", "S.r.l."),
    "FR": ("S.A.",), "NL": ("B.V.",), "AU": ("Pty Ltd",), "GB": ("Ltd", "PLC"), "HK": ("Limited",),
    "ID": ("PT",), "TH": ("Co., Ltd.",), "BR": ("Ltda.",),
    "MX": ("S.A. de C.V.",), "IN": ("Pvt. Ltd.",),
}  # fmt: skip
_FOREIGN_GIVEN = [
    "James", "Maria", "Anna", "Peter", "Thomas", "Elena", "Minh", "Hiroshi", "Yuki", "Ji-hoon",
    "Ahmed", "Fatima", "Carlos", "Lucia", "Ivan", "Olga", "Lars", "Ingrid", "Paul", "Sofia",
    "Kenji", "Siti", "Wei", "Arun", "Priya", "David", "Julia", "Marco", "Nguyen", "Omar",
]  # fmt: skip
_FOREIGN_SURNAMES = [
    "Miller", "Schmidt", "Rossi", "Tanaka", "Suzuki", "Kim", "Park", "Tran", "Pham", "Silva",
    "Garcia", "Lopez", "Ivanov", "Petrov", "Hansen", "Larsen", "Dubois", "Martin", "Smith",
    "Brown", "Khan", "Rahman", "Singh", "Patel", "Tan", "Lim", "Wong", "Santos", "Novak",
    "Kowalski",
]  # fmt: skip
_STREETS = (
    ("人民路", "Renmin Road"), ("中山路", "Zhongshan Road"), ("解放路", "Jiefang Road"),
    ("建设大道", "Jianshe Avenue"), ("港口大道", "Gangkou Avenue"),
    ("保税区一路", "Baoshuiqu 1st Road"),
    ("创业路", "Chuangye Road"), ("滨海路", "Binhai Road"), ("工业园路", "Gongyeyuan Road"),
    ("兴业街", "Xingye Street"), ("长江路", "Changjiang Road"), ("黄河路", "Huanghe Road"),
)  # fmt: skip
_FOREIGN_STREETS = "Harbour Road;Station Street;Industrial Park;Main Street;Dock Lane;Trade Avenue"


#: A company's legal form at the end of its name, as a regular expression with one group.
LEGAL_FORM = r" (Co\., Ltd\.|Sdn\. Bhd\.|Pte\. Ltd\.|Pty Ltd|Pvt\. Ltd\.|S\.A\. de C\.V\.|\S+)$"


def _pick(rng: np.random.Generator, values: list[str], size: int) -> tuple[pl.Series, Ints]:
    index = rng.integers(0, len(values), size)
    return take(values, index), index


def _company_frame(
    rng: np.random.Generator, population: Population, reference: Reference
) -> pl.DataFrame:
    """The components of every enterprise's Chinese and English name."""
    size = population.size
    first, first_index = _pick(rng, list(_BRAND), size)
    second, second_index = _pick(rng, list(_BRAND), size)
    readings = ["".join(lazy_pinyin(letter)) for letter in _BRAND]
    words = list(_TRADE_WORDS)
    kind = rng.integers(0, len(words), size)
    for role, choices in _ROLE_WORDS.items():
        block = population.blocks[role]
        drawn = rng.integers(0, len(choices), len(block))
        kind[block.start : block.stop] = len(words) + drawn
        words.extend(choices)
    bare = np.isin(np.arange(size), population.members("holding", "broker", "forwarder", "carrier"))
    trade = np.where(bare, len(TRADES), population.trade)
    form = rng.choice(len(_FORMS), size, p=[0.85, 0.1, 0.05])
    country = take(list(reference.countries), population.country)
    law = sorted({form for forms in _LAW.values() for form in forms} | {"Ltd."})
    options = {code: _LAW.get(code, ("Ltd.",)) for code in reference.countries}
    picks = np.array([[law.index(options[c][i % len(options[c])]) for i in range(2)]
                      for c in reference.countries])  # fmt: skip
    return pl.DataFrame(
        {
            "domestic": population.city >= 0,
            "country": country,
            "city": take([city[0] for city in CITIES], population.city),
            "city_en": take([city[1] for city in CITIES], population.city),
            "brand": first + second,
            "brand_en": take([r.capitalize() for r in readings], first_index)
            + take(readings, second_index),
            "trade": take([name for name, _, _ in TRADES] + [""], trade),
            "trade_en": take([f"{name} " for _, name, _ in TRADES] + [""], trade),
            "word": take([word for word, _ in words], kind),
            "word_en": take([word for _, word in words], kind),
            "form": take(_FORMS, form),
            "form_en": take(_FORMS_EN, rng.choice(5, size, p=[0.6, 0.12, 0.08, 0.12, 0.08])),
            "foreign": foreign_stems(rng, size),
            "foreign_law": take(law, picks[population.country, rng.integers(0, 2, size)]),
        }
    )


def companies(
    rng: np.random.Generator, population: Population, reference: Reference
) -> pl.DataFrame:
    """Columns `name` and `name_en`, one row an enterprise. Foreign names are in English."""
    frame = _company_frame(rng, population, reference)
    recycled = population.trade == RECYCLING
    place_last = rng.random(population.size) < 0.15
    shown = np.where(rng.random(population.size) < 0.06, -1, 0)
    words = ("city_en", "brand_en", pl.col("trade_en") + pl.col("word_en"), "form_en")
    english = pl.concat_str(*words, separator=" ")
    metal = pl.when("recycled").then(pl.lit("Metal Recovery ")).otherwise("trade_en")
    foreign = pl.concat_str("foreign", pl.lit(" "), metal, "foreign_law")
    return frame.with_columns(
        recycled=pl.Series(recycled), place_last=pl.Series(place_last), shown=pl.Series(shown == 0)
    ).select(
        name=pl.when(~pl.col("domestic"))
        .then(foreign)
        .when(pl.col("place_last"))
        .then(pl.concat_str("brand", "trade", "word", pl.lit("（"), "city", pl.lit("）"), "form"))
        .otherwise(pl.concat_str("city", "brand", "trade", "word", "form")),
        name_en=pl.when(~pl.col("domestic")).then(foreign).when("shown").then(english),
        stem=pl.when("domestic").then(pl.col("brand_en").str.to_lowercase())
        .otherwise(pl.col("foreign").str.to_lowercase()),
    )  # fmt: skip


def foreign_stems(rng: np.random.Generator, size: int) -> pl.Series:
    """Invented first words of foreign companies."""
    parts = (_HEAD, list(_MIDDLE), _TAIL)
    head, middle, tail = (_pick(rng, part, size)[0] for part in parts)
    return head + middle + tail


def addresses(rng: np.random.Generator, city: Ints, country: Ints, codes: list[str]) -> pl.Series:
    """An address for each city (Chinese) or country (others)."""
    size = len(city)
    street = rng.integers(0, len(_STREETS), size)
    frame = pl.DataFrame(
        {
            "city": take([name for name, *_ in CITIES], city),
            "street": take([name for name, _ in _STREETS], street),
            "number": rng.integers(1, 2000, size),
            "room": rng.integers(101, 3900, size),
            "road": _pick(rng, _FOREIGN_STREETS.split(";"), size)[0],
            "country": take(codes, country),
            "building": rng.integers(1, 30, size),
        }
    )
    chinese = pl.concat_str(
        "city", pl.lit("市"), "street", "number", pl.lit("号"), "building", pl.lit("幢"), "room",
        pl.lit("室"),
    )  # fmt: skip
    other = pl.concat_str(
        "number", pl.lit(" "), "road", pl.lit(", Unit "), "room", pl.lit(", "), "country"
    )
    return frame.select(
        address=pl.when(pl.col("city").is_null()).then(other).otherwise(chinese)
    ).to_series()


def phones(rng: np.random.Generator, city: Ints) -> pl.Series:
    """A telephone number for each city; foreign ones get a made-up country part."""
    frame = pl.DataFrame(
        {
            "area": take([city[3] for city in CITIES], city),
            "line": rng.integers(20_000_000, 89_999_999, len(city)),
            "abroad": rng.integers(30, 99, len(city)),
        }
    )
    chinese = pl.concat_str(pl.lit("+86-"), "area", pl.lit("-"), "line")
    other = pl.concat_str(pl.lit("+"), "abroad", pl.lit("-"), "line")
    return frame.select(
        phone=pl.when(pl.col("area").is_null()).then(other).otherwise(chinese)
    ).to_series()


def persons(rng: np.random.Generator, domestic: pl.Series) -> pl.Series:
    """A person's name: Chinese characters for nationals, English order for others."""
    size = len(domestic)
    given = pl.concat_str("one", pl.when(pl.col("long")).then("two").otherwise(pl.lit("")))
    frame = pl.DataFrame(
        {
            "domestic": domestic,
            "surname": _pick(rng, list(_SURNAMES), size)[0],
            "one": _pick(rng, list(_GIVEN), size)[0],
            "two": _pick(rng, list(_GIVEN), size)[0],
            "long": rng.random(size) < 0.8,
            "first": _pick(rng, _FOREIGN_GIVEN, size)[0],
            "last": _pick(rng, _FOREIGN_SURNAMES, size)[0],
        }
    )
    return frame.select(
        name=pl.when("domestic")
        .then(pl.concat_str("surname", given))
        .otherwise(pl.concat_str("first", pl.lit(" "), "last"))
    ).to_series()
