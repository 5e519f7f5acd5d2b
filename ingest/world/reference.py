"""The packaged reference figures as arrays: goods, countries, ports, sea routes."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from ingest.world.arrays import Floats, Ints, Texts, texts

_DATA = Path(__file__).parent / "data"

#: Trades: Chinese, English, HS chapters. The last one is recycling and lists its subheadings apart.
TRADES: tuple[tuple[str, str, tuple[int, int]], ...] = (
    ("食品", "Foods", (1, 24)),
    ("矿产", "Minerals", (25, 27)),
    ("化工", "Chemicals", (28, 38)),
    ("塑料", "Plastics", (39, 40)),
    ("皮具", "Leather Goods", (41, 43)),
    ("木业", "Timber", (44, 46)),
    ("纸业", "Paper", (47, 49)),
    ("纺织", "Textiles", (50, 60)),
    ("服饰", "Apparel", (61, 67)),
    ("建材", "Building Materials", (68, 70)),
    ("珠宝", "Jewellery", (71, 71)),
    ("金属", "Metals", (72, 83)),
    ("机电", "Machinery", (84, 84)),
    ("电子", "Electronics", (85, 85)),
    ("汽配", "Auto Parts", (86, 89)),
    ("仪器", "Instruments", (90, 92)),
    ("家居", "Home Products", (94, 97)),
    ("再生资源", "Recycling", (0, 0)),
)
RECYCLING = len(TRADES) - 1
SCRAP = (
    "262030",
    "391510",
    "391590",
    "400400",
    "470710",
    "720430",
    "720449",
    "740400",
    "760200",
    "800200",
)
HUBS = ("SGSIN", "MYPKG", "KRPUS", "HKHKG", "LKCMB", "EGPSD", "TWKHH", "PAMIT", "MAPTM", "NLRTM")
#: Places where goods are re-consigned or traded by a third party.
TRADING_PLACES = ("HK", "SG", "KR", "MY", "VN", "TH")

#: Chinese cities: name, English, GB/T 2260 district, telephone area, port, customs office.
CITIES: tuple[tuple[str, str, int, str, str, str], ...] = (
    ("上海", "Shanghai", 310115, "21", "CNSHA", "2218"),
    ("苏州", "Suzhou", 320505, "512", "CNSHA", "2325"),
    ("杭州", "Hangzhou", 330108, "571", "CNSHA", "2910"),
    ("宁波", "Ningbo", 330206, "574", "CNSHA", "3104"),
    ("南京", "Nanjing", 320111, "25", "CNSHA", "2301"),
    ("深圳", "Shenzhen", 440305, "755", "CNYTN", "5304"),
    ("广州", "Guangzhou", 440112, "20", "CNYTN", "5141"),
    ("东莞", "Dongguan", 441900, "769", "CNYTN", "5217"),
    ("佛山", "Foshan", 440604, "757", "CNYTN", "5189"),
    ("厦门", "Xiamen", 350203, "592", "CNXMN", "3710"),
    ("泉州", "Quanzhou", 350503, "595", "CNXMN", "3717"),
    ("福州", "Fuzhou", 350102, "591", "CNFOC", "3502"),
    ("青岛", "Qingdao", 370211, "532", "CNTAO", "4227"),
    ("济南", "Jinan", 370102, "531", "CNTAO", "4310"),
    ("大连", "Dalian", 210213, "411", "CNDLC", "0908"),
    ("沈阳", "Shenyang", 210112, "24", "CNDLC", "0801"),
    ("连云港", "Lianyungang", 320703, "518", "CNLYG", "2303"),
    ("郑州", "Zhengzhou", 410105, "371", "CNLYG", "4604"),
)
CITY_WEIGHTS = (16, 8, 7, 9, 4, 14, 10, 8, 4, 5, 3, 2, 8, 3, 5, 2, 2, 3)


@dataclass(frozen=True)
class Goods:
    """Subheadings; prices are natural logarithms of yuan per kilogram, masses of kilograms."""

    codes: Texts
    weight: Floats
    price: Floats
    price_sd: Floats
    mass: Floats
    mass_sd: Floats
    rate: Floats
    trade: Ints
    frame: pl.DataFrame


@dataclass(frozen=True)
class Routes:
    """Ports, their distances in nautical miles, and usual ports of call for each pair.

    `calls[pair * 4 + k]` is the text of the first k (0 to 3) ports of call of a pair, with
    `call_distance` the length of that voyage; pair = from * ports + to.
    """

    ports: pl.DataFrame
    codes: Texts
    country: Ints
    distance: Floats
    calls: Texts
    call_distance: Floats


@dataclass(frozen=True)
class Reference:
    """All reference figures. Country 0 is China; the others are its partners."""

    goods: Goods
    headings: pl.DataFrame
    countries: Texts
    country_weight: Floats
    routes: Routes
    country_ports: tuple[Ints, Ints]
    city_port: Ints


def _read(name: str) -> pl.DataFrame:
    text = {"hs6": pl.String, "hscode": pl.String, "functions": pl.String}
    return pl.read_csv(_DATA / name, schema_overrides=text, null_values=[""]).with_columns(
        pl.col(pl.String).fill_null("")
    )


def _goods() -> Goods:
    frame = _read("goods.csv")
    chapter = frame["hs6"].str.slice(0, 2).cast(pl.Int64).to_numpy()
    trade = np.full(len(chapter), 1, dtype=np.int64)
    for number, (_, _, (first, last)) in enumerate(TRADES):
        trade[(chapter >= first) & (chapter <= last)] = number
    trade[np.isin(frame["hs6"].to_numpy(), SCRAP)] = RECYCLING
    return Goods(
        texts(frame["hs6"].to_list()),
        frame["declarations"].to_numpy().astype(np.float64),
        frame["log_price_mean"].to_numpy(),
        frame["log_price_sd"].to_numpy(),
        frame["log_mass_mean"].to_numpy(),
        frame["log_mass_sd"].to_numpy(),
        np.minimum(frame["tax_rate"].to_numpy(), 40.0),
        trade,
        frame,
    )


def _calls(codes: Texts, distance: Floats) -> tuple[Texts, Floats]:
    """Up to three hubs on the way of each pair: those that lengthen it least, in sailing order."""
    n = len(codes)
    hubs = np.array([int(np.flatnonzero(codes == hub)[0]) for hub in HUBS])
    through = distance[:, None, hubs] + distance[hubs].T[None, :, :]
    ratio = through / np.maximum(distance, 1.0)[:, :, None]
    off = (np.arange(n)[:, None] == hubs)[:, None, :] | (np.arange(n)[:, None] == hubs)[None, :, :]
    ratio = np.where(off | (ratio > 1.12), np.inf, ratio)
    best = np.argsort(ratio, axis=2, kind="stable")[:, :, :3]
    usable = np.isfinite(np.take_along_axis(ratio, best, axis=2))
    calls, lengths = [], []
    for k in range(4):
        chosen, valid = best[:, :, :k], usable[:, :, :k]
        ahead = np.where(valid, distance[np.arange(n)[:, None, None], hubs[chosen]], np.inf)
        sailing = np.argsort(ahead, axis=2, kind="stable")
        stops = np.take_along_axis(np.where(valid, hubs[chosen], -1), sailing, axis=2)
        calls.append(_join(codes, stops.reshape(n * n, k)))
        lengths.append(_length(distance, stops.reshape(n * n, k)))
    return np.stack(calls, axis=1).ravel(), np.stack(lengths, axis=1).ravel()


def _join(codes: Texts, stops: Ints) -> Texts:
    names = np.append(codes, "")
    return np.array([";".join(filter(None, names[row])) for row in stops], dtype=object)


def _length(distance: Floats, stops: Ints) -> Floats:
    n = len(distance)
    here, end = np.repeat(np.arange(n), n), np.tile(np.arange(n), n)
    total = np.zeros(n * n)
    for stop in stops.T:
        onward = np.where(stop < 0, here, stop)
        total += distance[here, onward]
        here = onward
    return np.asarray(total + distance[here, end], dtype=np.float64)


def _routes(countries: Texts) -> Routes:
    ports = _read("ports.csv")
    codes = texts(ports["locode"].to_list())
    number = {code: i for i, code in enumerate(codes)}
    pairs = _read("distances.csv")
    a = np.array([number[code] for code in pairs["a"]])
    b = np.array([number[code] for code in pairs["b"]])
    distance = np.zeros((len(codes), len(codes)))
    distance[a, b] = distance[b, a] = pairs["nm"].to_numpy()
    place = {country: i for i, country in enumerate(countries)}
    country = np.array([place[code] for code in ports["country"]], dtype=np.int64)
    return Routes(ports, codes, country, distance, *_calls(codes, distance))


@cache
def load() -> Reference:
    """Read the packaged figures once. About half a second for the ports of call."""
    partners = _read("countries.csv")
    countries = texts(["CN", *partners["country"]])
    weight = np.concatenate([[0.0], partners["trade"].to_numpy().astype(np.float64) ** 0.8])
    routes = _routes(countries)
    order = np.argsort(routes.country, kind="stable").astype(np.int64)
    starts = np.searchsorted(routes.country[order], np.arange(len(countries) + 1)).astype(np.int64)
    number = {code: i for i, code in enumerate(routes.codes)}
    city_port = np.array([number[city[4]] for city in CITIES], dtype=np.int64)
    return Reference(
        _goods(), _read("headings.csv"), countries, weight, routes, (order, starts), city_port
    )


def country_number(reference: Reference, code: str) -> int:
    """Position of an ISO alpha-2 code in `reference.countries`."""
    return int(np.flatnonzero(reference.countries == code)[0])


def random_port(reference: Reference, rng: np.random.Generator, country: Ints) -> Ints:
    """One of the ports of each country, the first ones preferred. O(len(country))."""
    order, starts = reference.country_ports
    count = starts[country + 1] - starts[country]
    step = np.minimum((rng.random(len(country)) ** 1.7 * count).astype(np.int64), count - 1)
    return np.asarray(order[starts[country] + step], dtype=np.int64)
